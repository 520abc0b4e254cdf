/*
 * What directives say is checked while nginx reads them; so is the config of Sluice that one names.
 */
#include "ngx_http_sluice.h"

static void
ngx_http_sluice_free_config(void *data)
{
    sluice_config_free(data);
}

/* A message for each line. */
static void
ngx_http_sluice_say(ngx_conf_t *cf, ngx_uint_t level, const char *text, size_t length)
{
    size_t       end;
    ngx_str_t    line;

    while (length > 0) {
        for (end = 0; end < length && text[end] != '\n'; end++) { /* void */ }

        line.data = (u_char *) text;
        line.len = end;
        ngx_log_error(level, cf->log, 0, "sluice: %V", &line);

        end += (end < length);
        text += end;
        length -= end;
    }
}

/* Of the nginx that goes on if this config is refused; NULL: there is none. */
static sluice_config_t *
ngx_http_sluice_old_config(ngx_cycle_t *old)
{
    ngx_uint_t                    i;
    ngx_http_sluice_main_conf_t  *smcf;

    for (i = 0; old->conf_ctx && old->modules[i]; i++) {
        if (old->modules[i] == &ngx_http_sluice_module) {
            smcf = ngx_http_cycle_get_module_main_conf(old, ngx_http_sluice_module);
            return smcf ? smcf->config : NULL;
        }
    }

    return NULL;
}

/* All mistakes are told, each with file and line. */
char *
ngx_http_sluice_config(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t                    *value = cf->args->elts;
    sluice_text_t                 warnings;
    sluice_reason_t               why;
    ngx_pool_cleanup_t           *cln;
    ngx_http_sluice_main_conf_t  *smcf = conf;

    if (smcf->file.data) {
        return "is duplicate";
    }

    smcf->file = value[1];
    if (ngx_conf_full_name(cf->cycle, &smcf->file, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NGX_CONF_ERROR;
    }

    smcf->config = sluice_config_read((const char *) smcf->file.data,
                                      ngx_http_sluice_old_config(cf->cycle->old_cycle), &why);
    if (smcf->config == NULL) {
        ngx_http_sluice_say(cf, NGX_LOG_EMERG, why.text, ngx_strlen(why.text));
        return "names a config that cannot be used, see above";
    }

    cln->handler = ngx_http_sluice_free_config;
    cln->data = smcf->config;

    warnings = sluice_config_warnings(smcf->config);
    ngx_http_sluice_say(cf, NGX_LOG_WARN, warnings.data, warnings.length);

    return NGX_CONF_OK;
}

char *
ngx_http_sluice_fact(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t                         *value = cf->args->elts;
    ngx_uint_t                         i;
    sluice_text_t                      name;
    ngx_http_sluice_fact_t            *fact;
    ngx_http_sluice_loc_conf_t        *slcf = conf;
    ngx_http_compile_complex_value_t   ccv;

    name.length = value[1].len;
    name.data = (const char *) value[1].data;

    if (!sluice_is_fact(name)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" is no name of a fact; use a-z, 0-9 and _", &value[1]);
        return NGX_CONF_ERROR;
    }

    if (slcf->facts == NGX_CONF_UNSET_PTR) {
        slcf->facts = ngx_array_create(cf->pool, 2, sizeof(ngx_http_sluice_fact_t));
    }

    if (slcf->facts == NULL) {
        return NGX_CONF_ERROR;
    }

    fact = slcf->facts->elts;

    for (i = 0; i < slcf->facts->nelts; i++) {
        if (fact[i].name.len == value[1].len
            && ngx_memcmp(fact[i].name.data, value[1].data, value[1].len) == 0)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "fact \"%V\" is told twice", &value[1]);
            return NGX_CONF_ERROR;
        }
    }

    fact = ngx_array_push(slcf->facts);
    if (fact == NULL) {
        return NGX_CONF_ERROR;
    }

    fact->name = value[1];

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));
    ccv.cf = cf;
    ccv.value = &value[2];
    ccv.complex_value = &fact->value;

    return ngx_http_compile_complex_value(&ccv) == NGX_OK ? NGX_CONF_OK : NGX_CONF_ERROR;
}

ngx_int_t
ngx_http_sluice_check_routes(ngx_conf_t *cf, ngx_http_sluice_main_conf_t *smcf)
{
    ngx_uint_t                i;
    sluice_text_t             name;
    ngx_http_sluice_named_t  *named = smcf->routes.elts;

    for (i = 0; i < smcf->routes.nelts; i++) {
        name.length = named[i].route.len;
        name.data = (const char *) named[i].route.data;

        if (smcf->config == NULL) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0, "\"sluice\" needs \"sluice_config\" in %s:%ui",
                          named[i].file, named[i].line);
            return NGX_ERROR;
        }

        if (name.length && !sluice_config_has_route(smcf->config, name)) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0, "no route is named \"%V\" in %V in %s:%ui",
                          &named[i].route, &smcf->file, named[i].file, named[i].line);
            return NGX_ERROR;
        }

        if (name.length && sluice_config_needs_body(smcf->config, name)) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "route \"%V\" costs what a body says, which a worker alone reads, in %s:%ui",
                          &named[i].route, named[i].file, named[i].line);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}
