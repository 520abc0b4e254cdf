/* What nginx looks for in a dynamic module. Without an order it stands last: in the access phase it is first. */
#include "ngx_http_sluice.h"

ngx_module_t  *ngx_modules[] = { &ngx_http_sluice_module, NULL };
char  *ngx_module_names[] = { "ngx_http_sluice_module", NULL };
char  *ngx_module_order[] = { NULL };
