/*
 * A request of nginx's, as the engine has it.
 */
#include "ngx_http_sluice.h"

sluice_text_t
ngx_http_sluice_text(ngx_str_t *text)
{
    sluice_text_t  copy;

    copy.length = text->len;
    copy.data = (const char *) text->data;

    return copy;
}

static ngx_int_t
ngx_http_sluice_read_headers(ngx_http_request_t *r, sluice_request_t *request)
{
    size_t            count;
    ngx_uint_t        i;
    sluice_pair_t    *pair;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *header;

    count = 0;
    for (part = &r->headers_in.headers.part; part; part = part->next) {
        count += part->nelts;
    }

    pair = ngx_palloc(r->pool, count * sizeof(sluice_pair_t));
    if (pair == NULL) {
        return NGX_ERROR;
    }

    request->headers = pair;
    request->header_count = count;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        header = part->elts;
        for (i = 0; i < part->nelts; i++, pair++) {
            pair->name = ngx_http_sluice_text(&header[i].key);
            pair->value = ngx_http_sluice_text(&header[i].value);
        }
    }

    return NGX_OK;
}

static ngx_int_t
ngx_http_sluice_read_facts(ngx_http_request_t *r, ngx_array_t *facts, sluice_request_t *request)
{
    ngx_str_t                value;
    ngx_uint_t               i;
    sluice_pair_t           *pair;
    ngx_http_sluice_fact_t  *fact;

    if (facts == NULL) {
        return NGX_OK;
    }

    pair = ngx_palloc(r->pool, facts->nelts * sizeof(sluice_pair_t));
    if (pair == NULL) {
        return NGX_ERROR;
    }

    request->facts = pair;
    request->fact_count = facts->nelts;
    fact = facts->elts;

    for (i = 0; i < facts->nelts; i++) {
        if (ngx_http_complex_value(r, &fact[i].value, &value) != NGX_OK) {
            return NGX_ERROR;
        }

        pair[i].name = ngx_http_sluice_text(&fact[i].name);
        pair[i].value = ngx_http_sluice_text(&value);
    }

    return NGX_OK;
}

ngx_int_t
ngx_http_sluice_read(ngx_http_request_t *r, ngx_http_sluice_loc_conf_t *slcf,
    sluice_request_t *request)
{
    ngx_memzero(request, sizeof(sluice_request_t));
    request->method = ngx_http_sluice_text(&r->method_name);
    request->path = ngx_http_sluice_text(&r->uri);
    request->address = ngx_http_sluice_text(&r->connection->addr_text);
    request->route = ngx_http_sluice_text(&slcf->route);

    if (ngx_http_sluice_read_headers(r, request) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_sluice_read_facts(r, slcf->facts, request);
}
