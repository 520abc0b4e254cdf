/*
 * The module inside: what its files share.
 *
 *   ngx_http_sluice_module.c  directives, the life of an engine
 *   ngx_http_sluice_config.c  sluice_config
 *   ngx_http_sluice_access.c  a request is held, asked about, and let go or answered
 *   ngx_http_sluice_request.c a request as the engine has it
 *   ngx_http_sluice_answer.c  what is seen of an answer: fields, variables, the denial
 *   gate.h                    the engine
 *   loop.cpp, look_up.cpp     nginx's events as the engine's loop
 */
/* clang-format off */
#ifndef NGX_HTTP_SLUICE_H
#define NGX_HTTP_SLUICE_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "gate.h"

typedef struct {
    ngx_str_t         file;    /* sluice_config; empty: none */
    sluice_config_t  *config;
    sluice_engine_t  *engine;  /* of this process; NULL: it could not be started */
    ngx_array_t       routes;  /* ngx_http_sluice_named_t: of each directive that is on */
} ngx_http_sluice_main_conf_t;

typedef struct {
    ngx_str_t         route;   /* empty: auto */
    u_char           *file;    /* of nginx's config */
    ngx_uint_t        line;
} ngx_http_sluice_named_t;

typedef struct {
    ngx_str_t                  name;
    ngx_http_complex_value_t   value;
} ngx_http_sluice_fact_t;

typedef struct {
    ngx_flag_t        on;
    ngx_str_t         route;   /* empty: by method and path */
    ngx_array_t      *facts;   /* ngx_http_sluice_fact_t */
    ngx_uint_t        unready; /* NGX_HTTP_SLUICE_OPEN, NGX_HTTP_SLUICE_CLOSED */
} ngx_http_sluice_loc_conf_t;

#define NGX_HTTP_SLUICE_OPEN    0
#define NGX_HTTP_SLUICE_CLOSED  1

/* What is kept of a request. Internal redirects do not reach it. */
typedef struct {
    ngx_http_request_t  *request;
    sluice_ask_t        *ask;      /* while it waits, else NULL */
    ngx_event_t          event;    /* set: the wait ends there; posted: go on */
    ngx_array_t          asked;    /* ngx_str_t: the routes that it was charged to */

    /* Of the last answer. */
    ngx_array_t          fields;   /* ngx_keyval_t */
    ngx_str_t            decision;
    ngx_str_t            limit;
    ngx_str_t            remaining;
    ngx_str_t            decision_id;
    ngx_str_t            tenant;
    ngx_str_t            route;
    ngx_str_t            handed_over;
} ngx_http_sluice_ctx_t;

extern ngx_module_t  ngx_http_sluice_module;

/* NULL: nothing is known of the request. */
ngx_http_sluice_ctx_t *ngx_http_sluice_get_ctx(ngx_http_request_t *r);
ngx_int_t ngx_http_sluice_access_handler(ngx_http_request_t *r);

char *ngx_http_sluice_config(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_sluice_fact(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
/* Whether Sluice's config has all routes that nginx's names; the first that it has not is told. */
ngx_int_t ngx_http_sluice_check_routes(ngx_conf_t *cf, ngx_http_sluice_main_conf_t *smcf);

sluice_text_t ngx_http_sluice_text(ngx_str_t *text);
ngx_int_t ngx_http_sluice_read(ngx_http_request_t *r, ngx_http_sluice_loc_conf_t *slcf,
    sluice_request_t *request);

ngx_int_t ngx_http_sluice_add_variables(ngx_conf_t *cf);
void ngx_http_sluice_add_filter(void);
ngx_int_t ngx_http_sluice_copy(ngx_pool_t *pool, ngx_str_t *to, sluice_text_t from);
/* Takes over what is seen of the answer. */
ngx_int_t ngx_http_sluice_keep(ngx_http_sluice_ctx_t *ctx, const sluice_answer_t *answer);
/* Sends a denial, and ends the request. */
void ngx_http_sluice_deny(ngx_http_request_t *r, ngx_uint_t status, ngx_str_t *type,
    ngx_str_t *body);

#endif
