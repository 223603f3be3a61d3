/*
 * The table of routes: each URL with its methods, its handler and who may call it.
 */
#pragma once

#include "http/router.h"

#include <stdbool.h>
#include <stddef.h>

extern const struct http_route web_routes[];
extern const size_t web_route_count;
/* Does it answer with a recording?  Its waveform, and what was heard of it, ask for the same right, and are no plays. */
bool web_route_plays(const struct http_route *route);
