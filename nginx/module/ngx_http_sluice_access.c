/*
 * A request is held in the access phase until the engine has answered, and goes on from there.
 *
 * An internal redirect runs the access phase again, and clears the request's contexts. So what is
 * known of it is found by a cleanup of its pool, and a route that was charged is not charged again.
 */
#include "ngx_http_sluice.h"

/* As nginx/sluice_server.conf has it. */
static ngx_str_t  ngx_http_sluice_json = ngx_string("application/json");
static ngx_str_t  ngx_http_sluice_down = ngx_string("{\"detail\":\"Service unavailable\"}");
static ngx_str_t  ngx_http_sluice_down_fields =
    ngx_string("Retry-After: 1\r\nCache-Control: no-store\r\n");

/* Marks the cleanup that holds the context. There is nothing to free: it is of the pool. */
static void
ngx_http_sluice_mark(void *data)
{
}

/* Nothing was decided: a 503, and no error_page leads to a location that takes it for decided. */
static ngx_int_t
ngx_http_sluice_no_memory(ngx_http_request_t *r)
{
    r->error_page = 1;

    return NGX_HTTP_SERVICE_UNAVAILABLE;
}

/* The wait is over, or the request is: nobody goes on with it any more. */
static void
ngx_http_sluice_end_wait(void *data)
{
    ngx_http_sluice_ctx_t  *ctx = data;

    if (ctx->event.timer_set) {
        ngx_del_timer(&ctx->event);
    }

    if (ctx->event.posted) {
        ngx_delete_posted_event(&ctx->event);
    }

    if (ctx->ask) {
        sluice_ask_end(ctx->ask);
        ctx->ask = NULL;
    }
}

ngx_http_sluice_ctx_t *
ngx_http_sluice_get_ctx(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t     *cln;
    ngx_http_sluice_ctx_t  *ctx;

    r = r->main;

    ctx = ngx_http_get_module_ctx(r, ngx_http_sluice_module);

    if (ctx == NULL && (r->internal || r->filter_finalize)) {
        for (cln = r->pool->cleanup; cln; cln = cln->next) {
            if (cln->handler == ngx_http_sluice_mark) {
                ctx = cln->data;
                ngx_http_set_ctx(r, ctx, ngx_http_sluice_module);
                break;
            }
        }
    }

    return ctx;
}

static void
ngx_http_sluice_resume(ngx_event_t *ev)
{
    ngx_connection_t       *c;
    ngx_http_request_t     *r;
    ngx_http_sluice_ctx_t  *ctx = ev->data;

    r = ctx->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    ngx_http_core_run_phases(r);
    ngx_http_run_posted_requests(c);
}

static void
ngx_http_sluice_on_answer(void *data)
{
    ngx_http_sluice_ctx_t  *ctx = data;

    if (ctx->event.timer_set) {
        ngx_del_timer(&ctx->event);
    }

    ngx_post_event(&ctx->event, &ngx_posted_events);
}

static ngx_http_sluice_ctx_t *
ngx_http_sluice_create_ctx(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t     *mark;
    ngx_http_cleanup_t     *end;
    ngx_http_sluice_ctx_t  *ctx;

    mark = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_sluice_ctx_t));
    end = mark ? ngx_http_cleanup_add(r, 0) : NULL;
    if (end == NULL) {
        return NULL;
    }

    ctx = mark->data;
    ngx_memzero(ctx, sizeof(ngx_http_sluice_ctx_t));

    if (ngx_array_init(&ctx->asked, r->pool, 1, sizeof(ngx_str_t)) != NGX_OK
        || ngx_array_init(&ctx->fields, r->pool, 8, sizeof(ngx_keyval_t)) != NGX_OK)
    {
        return NULL;
    }

    ctx->request = r;
    ctx->event.data = ctx;
    ctx->event.handler = ngx_http_sluice_resume;
    ctx->event.log = r->connection->log;

    mark->handler = ngx_http_sluice_mark;
    end->handler = ngx_http_sluice_end_wait;
    end->data = ctx;

    ngx_http_set_ctx(r, ctx, ngx_http_sluice_module);

    return ctx;
}

/* A location that names no route has that of the location before it. */
static ngx_uint_t
ngx_http_sluice_was_asked(ngx_http_sluice_ctx_t *ctx, ngx_str_t *route)
{
    ngx_str_t   *asked = ctx->asked.elts;
    ngx_uint_t   i;

    for (i = 0; i < ctx->asked.nelts; i++) {
        if (route->len == 0
            || (asked[i].len == route->len
                && ngx_memcmp(asked[i].data, route->data, route->len) == 0))
        {
            return 1;
        }
    }

    return 0;
}

static ngx_int_t
ngx_http_sluice_ask(ngx_http_request_t *r, ngx_http_sluice_ctx_t *ctx,
    ngx_http_sluice_loc_conf_t *slcf, sluice_engine_t *engine)
{
    ngx_str_t         *asked;
    sluice_request_t   request;

    asked = ngx_array_push(&ctx->asked);
    if (asked == NULL) {
        return NGX_ERROR;
    }

    *asked = slcf->route;

    if (ngx_http_sluice_read(r, slcf, &request) != NGX_OK) {
        return NGX_ERROR;
    }

    ctx->ask = sluice_ask_begin(engine, &request, ngx_http_sluice_on_answer, ctx);

    return ctx->ask ? NGX_OK : NGX_ERROR;
}

/* The answer is there. */
static ngx_int_t
ngx_http_sluice_obey(ngx_http_request_t *r, ngx_http_sluice_ctx_t *ctx, sluice_answer_t *answer)
{
    ngx_int_t   rc;
    ngx_str_t   type, body;

    rc = ngx_http_sluice_keep(ctx, answer);

    if (rc == NGX_OK && !answer->allowed
        && (ngx_http_sluice_copy(r->pool, &type, answer->content_type) != NGX_OK
            || ngx_http_sluice_copy(r->pool, &body, answer->body) != NGX_OK))
    {
        rc = NGX_ERROR;
    }

    /* An event of the client's may have come before the one that was posted. */
    ngx_http_sluice_end_wait(ctx);

    if (rc != NGX_OK) {
        return ngx_http_sluice_no_memory(r);
    }

    if (answer->allowed) {
        return NGX_DECLINED;
    }

    ngx_http_sluice_deny(r, answer->status, &type, &body);

    return NGX_DONE;
}

/* There is no engine, or its answer does not come. */
static ngx_int_t
ngx_http_sluice_unready(ngx_http_request_t *r, ngx_http_sluice_ctx_t *ctx, ngx_uint_t unready)
{
    sluice_answer_t   answer;

    ngx_memzero(&answer, sizeof(sluice_answer_t));
    answer.allowed = (unready == NGX_HTTP_SLUICE_OPEN);
    answer.status = NGX_HTTP_SERVICE_UNAVAILABLE;
    answer.outcome.length = sizeof("unready") - 1;
    answer.outcome.data = "unready";

    if (!answer.allowed) {
        answer.content_type = ngx_http_sluice_text(&ngx_http_sluice_json);
        answer.body = ngx_http_sluice_text(&ngx_http_sluice_down);
        answer.fields = ngx_http_sluice_text(&ngx_http_sluice_down_fields);
    }

    return ngx_http_sluice_obey(r, ctx, &answer);
}

ngx_int_t
ngx_http_sluice_access_handler(ngx_http_request_t *r)
{
    sluice_answer_t               answer;
    ngx_http_sluice_ctx_t        *ctx;
    ngx_http_sluice_loc_conf_t   *slcf;
    ngx_http_sluice_main_conf_t  *smcf;

    slcf = ngx_http_get_module_loc_conf(r, ngx_http_sluice_module);
    if (!slcf->on) {
        return NGX_DECLINED;
    }

    smcf = ngx_http_get_module_main_conf(r, ngx_http_sluice_module);

    ctx = ngx_http_sluice_get_ctx(r);
    if (ctx == NULL) {
        ctx = ngx_http_sluice_create_ctx(r);
        if (ctx == NULL) {
            return ngx_http_sluice_no_memory(r);
        }
    }

    if (ctx->ask == NULL) {
        if (ngx_http_sluice_was_asked(ctx, &slcf->route)) {
            return NGX_DECLINED;
        }

        if (smcf->engine == NULL) {
            return ngx_http_sluice_unready(r, ctx, slcf->unready);
        }

        if (ngx_http_sluice_ask(r, ctx, slcf, smcf->engine) != NGX_OK) {
            return ngx_http_sluice_no_memory(r);
        }

        if (sluice_ask_answer(ctx->ask, &answer)) {
            return ngx_http_sluice_obey(r, ctx, &answer);
        }

        ngx_add_timer(&ctx->event, sluice_engine_patience(smcf->engine));
        return NGX_AGAIN;
    }

    if (sluice_ask_answer(ctx->ask, &answer)) {
        return ngx_http_sluice_obey(r, ctx, &answer);
    }

    if (!ctx->event.timedout) {
        return NGX_AGAIN;
    }

    ctx->event.timedout = 0;
    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0, "sluice has not answered in time");

    return ngx_http_sluice_unready(r, ctx, slcf->unready);
}
