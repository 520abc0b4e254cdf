// nginx's events, as C++ may include them.
#pragma once

extern "C" {
#include <ngx_config.h>
#include <ngx_core.h>
// What is behind ngx_core.h.
#include <ngx_event.h>
}
