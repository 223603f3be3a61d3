/*
 * The server's own canary (doctor/canary.h): put together from its settings and its folder's socket.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "config/settings.h"

#include <stdbool.h>

struct canary;
struct self_examination;

/* *out is NULL where the folder's socket cannot be reached by a name. */
bool self_examination_open(const struct settings *settings, struct self_examination **out,
			   struct err *err) MUST_CHECK;
struct canary *self_examination_canary(const struct self_examination *examination);
void self_examination_free(struct self_examination *examination);
