/*
 * One event applied to the call that it names.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct catalog;
struct event;
struct facts;
struct projection_change;

/* Makes or changes the call; *out_id is 0 when it names none, or a foreign one.  `known` may be NULL (facts.h). */
bool project_call(struct facts *known, struct catalog *catalog, const struct event *event,
		  int64_t *out_id, struct projection_change *change, struct err *err) MUST_CHECK;
