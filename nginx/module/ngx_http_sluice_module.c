/*
 * The directives, and the life of an engine: its config is read by who reads nginx's, and each
 * worker starts an engine by it.
 */
#include "ngx_http_sluice.h"

static void *ngx_http_sluice_create_main_conf(ngx_conf_t *cf);
static void *ngx_http_sluice_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_sluice_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child);
static ngx_int_t ngx_http_sluice_init(ngx_conf_t *cf);
static ngx_int_t ngx_http_sluice_init_module(ngx_cycle_t *cycle);
static ngx_int_t ngx_http_sluice_init_process(ngx_cycle_t *cycle);
static void ngx_http_sluice_exit_process(ngx_cycle_t *cycle);
static char *ngx_http_sluice_route(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

static ngx_conf_enum_t  ngx_http_sluice_unready[] = {
    { ngx_string("open"), NGX_HTTP_SLUICE_OPEN },
    { ngx_string("closed"), NGX_HTTP_SLUICE_CLOSED },
    { ngx_null_string, 0 }
};

#define NGX_HTTP_SLUICE_ANYWHERE  NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF

static ngx_command_t  ngx_http_sluice_commands[] = {

    { ngx_string("sluice_config"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_sluice_config,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("sluice"),
      NGX_HTTP_SLUICE_ANYWHERE|NGX_CONF_TAKE1,
      ngx_http_sluice_route,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("sluice_fact"),
      NGX_HTTP_SLUICE_ANYWHERE|NGX_CONF_TAKE2,
      ngx_http_sluice_fact,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("sluice_when_unready"),
      NGX_HTTP_SLUICE_ANYWHERE|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_sluice_loc_conf_t, unready),
      &ngx_http_sluice_unready },

      ngx_null_command
};

static ngx_http_module_t  ngx_http_sluice_module_ctx = {
    ngx_http_sluice_add_variables,         /* preconfiguration */
    ngx_http_sluice_init,                  /* postconfiguration */

    ngx_http_sluice_create_main_conf,      /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_sluice_create_loc_conf,       /* create location configuration */
    ngx_http_sluice_merge_loc_conf         /* merge location configuration */
};

ngx_module_t  ngx_http_sluice_module = {
    NGX_MODULE_V1,
    &ngx_http_sluice_module_ctx,           /* module context */
    ngx_http_sluice_commands,              /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    ngx_http_sluice_init_module,           /* init module */
    ngx_http_sluice_init_process,          /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_http_sluice_exit_process,          /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};

static void *
ngx_http_sluice_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_sluice_main_conf_t  *smcf;

    smcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_sluice_main_conf_t));
    if (smcf == NULL
        || ngx_array_init(&smcf->routes, cf->pool, 4, sizeof(ngx_http_sluice_named_t)) != NGX_OK)
    {
        return NULL;
    }

    return smcf;
}

static void *
ngx_http_sluice_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_sluice_loc_conf_t  *slcf;

    slcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_sluice_loc_conf_t));
    if (slcf == NULL) {
        return NULL;
    }

    slcf->on = NGX_CONF_UNSET;
    slcf->facts = NGX_CONF_UNSET_PTR;
    slcf->unready = NGX_CONF_UNSET_UINT;

    return slcf;
}

static char *
ngx_http_sluice_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_sluice_loc_conf_t  *prev = parent;
    ngx_http_sluice_loc_conf_t  *conf = child;

    if (conf->on == NGX_CONF_UNSET) {
        conf->on = (prev->on == NGX_CONF_UNSET) ? 0 : prev->on;
        conf->route = prev->route;
    }

    ngx_conf_merge_ptr_value(conf->facts, prev->facts, NULL);
    ngx_conf_merge_uint_value(conf->unready, prev->unready, NGX_HTTP_SLUICE_OPEN);

    return NGX_CONF_OK;
}

static char *
ngx_http_sluice_route(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t                    *value = cf->args->elts;
    ngx_http_sluice_named_t      *named;
    ngx_http_sluice_loc_conf_t   *slcf = conf;
    ngx_http_sluice_main_conf_t  *smcf;

    if (slcf->on != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    slcf->on = ngx_strcmp(value[1].data, "off") != 0;

    if (!slcf->on) {
        return NGX_CONF_OK;
    }

    if (ngx_strcmp(value[1].data, "auto") != 0) {
        slcf->route = value[1];
    }

    smcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_sluice_module);

    named = ngx_array_push(&smcf->routes);
    if (named == NULL) {
        return NGX_CONF_ERROR;
    }

    named->route = slcf->route;
    named->file = cf->conf_file->file.name.data;
    named->line = cf->conf_file->line;

    return NGX_CONF_OK;
}

static ngx_int_t
ngx_http_sluice_init(ngx_conf_t *cf)
{
    ngx_http_handler_pt          *h;
    ngx_http_core_main_conf_t    *cmcf;
    ngx_http_sluice_main_conf_t  *smcf;

    smcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_sluice_module);

    if (ngx_http_sluice_check_routes(cf, smcf) != NGX_OK) {
        return NGX_ERROR;
    }

    if (smcf->config == NULL) {
        return NGX_OK;
    }

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_ACCESS_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_sluice_access_handler;
    ngx_http_sluice_add_filter();

    return NGX_OK;
}

static ngx_http_sluice_main_conf_t *
ngx_http_sluice_main_conf_of(ngx_cycle_t *cycle)
{
    if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE) {
        return NULL;
    }

    return ngx_http_cycle_get_module_main_conf(cycle, ngx_http_sluice_module);
}

/* Workers inherit what is opened here. */
static ngx_int_t
ngx_http_sluice_init_module(ngx_cycle_t *cycle)
{
    ngx_http_sluice_main_conf_t  *smcf;

    smcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_sluice_module);

    if (smcf && smcf->config && !ngx_test_config) {
        sluice_config_share(smcf->config);
    }

    return NGX_OK;
}

/* A worker without an engine serves: sluice_when_unready says how. */
static ngx_int_t
ngx_http_sluice_init_process(ngx_cycle_t *cycle)
{
    sluice_reason_t               why;
    ngx_http_sluice_main_conf_t  *smcf;

    smcf = ngx_http_sluice_main_conf_of(cycle);
    if (smcf == NULL || smcf->config == NULL) {
        return NGX_OK;
    }

    smcf->engine = sluice_engine_start(smcf->config, &why);
    if (smcf->engine == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, 0,
                      "sluice decides nothing in this worker: %s", why.text);
    }

    return NGX_OK;
}

static void
ngx_http_sluice_exit_process(ngx_cycle_t *cycle)
{
    ngx_http_sluice_main_conf_t  *smcf;

    smcf = ngx_http_sluice_main_conf_of(cycle);
    if (smcf && smcf->engine) {
        sluice_engine_stop(smcf->engine);
        smcf->engine = NULL;
    }
}
