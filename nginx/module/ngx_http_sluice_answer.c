/*
 * What is seen of an answer: fields on whatever the client gets, variables, and the denial itself.
 */
#include "ngx_http_sluice.h"

static ngx_int_t ngx_http_sluice_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data);

static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;

/* A config with the snippets of the gate sets some of these names by itself: they may be changed. */
#define NGX_HTTP_SLUICE_VARIABLE(name, member, changeable)                                        \
    { ngx_string(name), NULL, ngx_http_sluice_variable, offsetof(ngx_http_sluice_ctx_t, member),   \
      changeable|NGX_HTTP_VAR_NOCACHEABLE, 0 }

static ngx_http_variable_t  ngx_http_sluice_variables[] = {
    NGX_HTTP_SLUICE_VARIABLE("sluice_decision", decision, NGX_HTTP_VAR_CHANGEABLE),
    NGX_HTTP_SLUICE_VARIABLE("sluice_limit", limit, NGX_HTTP_VAR_CHANGEABLE),
    NGX_HTTP_SLUICE_VARIABLE("sluice_remaining", remaining, NGX_HTTP_VAR_CHANGEABLE),
    NGX_HTTP_SLUICE_VARIABLE("sluice_decision_id", decision_id, NGX_HTTP_VAR_CHANGEABLE),
    NGX_HTTP_SLUICE_VARIABLE("sluice_tenant", tenant, NGX_HTTP_VAR_CHANGEABLE),
    NGX_HTTP_SLUICE_VARIABLE("sluice_route", route, NGX_HTTP_VAR_CHANGEABLE),
    NGX_HTTP_SLUICE_VARIABLE("sluice_handed_over", handed_over, 0),
      ngx_http_null_variable
};

ngx_int_t
ngx_http_sluice_add_variables(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var, *v;

    for (v = ngx_http_sluice_variables; v->name.len; v++) {
        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}

static ngx_int_t
ngx_http_sluice_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t              *text;
    ngx_http_sluice_ctx_t  *ctx;

    ctx = ngx_http_sluice_get_ctx(r);
    text = ctx ? (ngx_str_t *) ((char *) ctx + data) : NULL;

    if (text == NULL || text->len == 0) {
        v->not_found = 1;
        return NGX_OK;
    }

    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;
    v->len = text->len;
    v->data = text->data;

    return NGX_OK;
}

ngx_int_t
ngx_http_sluice_copy(ngx_pool_t *pool, ngx_str_t *to, sluice_text_t from)
{
    to->len = from.length;
    to->data = ngx_pnalloc(pool, from.length + 1);
    if (to->data == NULL) {
        return NGX_ERROR;
    }

    if (from.length) {
        ngx_memcpy(to->data, from.data, from.length);
    }

    return NGX_OK;
}

/* Splits "Name: value\r\n" for each field. */
static ngx_int_t
ngx_http_sluice_split(ngx_http_sluice_ctx_t *ctx, ngx_str_t *lines)
{
    u_char        *p, *last, *end, *colon;
    ngx_keyval_t  *field;

    last = lines->data + lines->len;

    for (p = lines->data; p < last; p = end + 2) {
        end = memchr(p, '\r', last - p);
        colon = end ? memchr(p, ':', end - p) : NULL;
        if (colon == NULL) {
            return NGX_ERROR;
        }

        field = ngx_array_push(&ctx->fields);
        if (field == NULL) {
            return NGX_ERROR;
        }

        field->key.data = p;
        field->key.len = colon - p;
        field->value.data = colon + 2;
        field->value.len = end - field->value.data;
    }

    return NGX_OK;
}

/* The value of a field; empty where there is none. */
static ngx_str_t
ngx_http_sluice_field(ngx_http_sluice_ctx_t *ctx, const char *name, size_t length)
{
    ngx_str_t      none = ngx_null_string;
    ngx_uint_t     i;
    ngx_keyval_t  *field = ctx->fields.elts;

    for (i = 0; i < ctx->fields.nelts; i++) {
        if (field[i].key.len == length && ngx_memcmp(field[i].key.data, name, length) == 0) {
            return field[i].value;
        }
    }

    return none;
}

#define ngx_http_sluice_field_of(ctx, name)  ngx_http_sluice_field(ctx, name, sizeof(name) - 1)

ngx_int_t
ngx_http_sluice_keep(ngx_http_sluice_ctx_t *ctx, const sluice_answer_t *answer)
{
    ngx_str_t    lines, id;
    ngx_pool_t  *pool = ctx->request->pool;

    ctx->fields.nelts = 0;

    if (ngx_http_sluice_copy(pool, &lines, answer->fields) != NGX_OK
        || ngx_http_sluice_copy(pool, &ctx->decision, answer->outcome) != NGX_OK
        || ngx_http_sluice_copy(pool, &ctx->route, answer->route) != NGX_OK
        || ngx_http_sluice_copy(pool, &ctx->tenant, answer->tenant) != NGX_OK
        || ngx_http_sluice_copy(pool, &ctx->handed_over, answer->handed_over) != NGX_OK
        || ngx_http_sluice_split(ctx, &lines) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ctx->limit = ngx_http_sluice_field_of(ctx, "X-RateLimit-Limit");
    ctx->remaining = ngx_http_sluice_field_of(ctx, "X-RateLimit-Remaining");

    /* The last that there was: a route without limits has none. */
    id = ngx_http_sluice_field_of(ctx, "X-Decision-ID");
    if (id.len) {
        ctx->decision_id = id;
    }

    return NGX_OK;
}

void
ngx_http_sluice_deny(ngx_http_request_t *r, ngx_uint_t status, ngx_str_t *type, ngx_str_t *body)
{
    ngx_http_complex_value_t   text;

    /*
     * The denial is the answer, also where nginx was about to answer an error by this location, and where
     * the body turns out to be broken: no error_page leads on from here.
     */
    r->err_status = 0;
    r->error_page = 1;

    if (ngx_http_discard_request_body(r) != NGX_OK) {
        r->keepalive = 0;
    }

    ngx_memzero(&text, sizeof(ngx_http_complex_value_t));
    text.value = *body;

    ngx_http_finalize_request(r, ngx_http_send_response(r, status, type, &text));
}

/* A worker behind nginx has decided by itself, and says so. */
static ngx_uint_t
ngx_http_sluice_is_decided_again(ngx_http_request_t *r)
{
    ngx_str_t         name = ngx_string("X-Decision-ID");
    ngx_uint_t        i;
    ngx_table_elt_t  *h;
    ngx_list_part_t  *part;

    if (r->upstream == NULL) {
        return 0;
    }

    for (part = &r->headers_out.headers.part; part; part = part->next) {
        h = part->elts;
        for (i = 0; i < part->nelts; i++) {
            if (h[i].hash && h[i].key.len == name.len
                && ngx_strncasecmp(h[i].key.data, name.data, name.len) == 0)
            {
                return 1;
            }
        }
    }

    return 0;
}

static ngx_int_t
ngx_http_sluice_header_filter(ngx_http_request_t *r)
{
    ngx_uint_t              i;
    ngx_keyval_t           *field;
    ngx_table_elt_t        *h;
    ngx_http_sluice_ctx_t  *ctx;

    ctx = (r == r->main) ? ngx_http_sluice_get_ctx(r) : NULL;

    if (ctx == NULL || (ctx->handed_over.len && ngx_http_sluice_is_decided_again(r))) {
        return ngx_http_next_header_filter(r);
    }

    field = ctx->fields.elts;

    for (i = 0; i < ctx->fields.nelts; i++) {
        h = ngx_list_push(&r->headers_out.headers);
        if (h == NULL) {
            return NGX_ERROR;
        }

        h->hash = 1;
        h->key = field[i].key;
        h->value = field[i].value;
        h->lowcase_key = NULL;
#if (nginx_version >= 1023000)
        h->next = NULL;
#endif
    }

    return ngx_http_next_header_filter(r);
}

void
ngx_http_sluice_add_filter(void)
{
    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_sluice_header_filter;
}
