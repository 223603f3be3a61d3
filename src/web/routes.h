/*
 * The table of routes: each URL with its methods, its handler and who may call it.
 */
#pragma once

#include "http/router.h"

#include <stddef.h>

extern const struct http_route web_routes[];
extern const size_t web_route_count;
