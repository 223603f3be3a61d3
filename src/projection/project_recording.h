/*
 * One event applied to the recording that it names.
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

/* Makes or changes the recording, of that call (0: not known).  `known` may be NULL (facts.h). */
bool project_recording(struct facts *known, struct catalog *catalog, const struct event *event,
		       int64_t call_id, struct projection_change *change,
		       struct err *err) MUST_CHECK;
/*
 * Would the event, which lists it or tells its status, change how far it is with Twilio?  What is new does,
 * unless it is deleted there already; what another account says never does.
 */
bool recordings_is_news(struct catalog *catalog, const struct event *event, bool *out,
			struct err *err) MUST_CHECK;
