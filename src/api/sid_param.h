/*
 * A SID in an address: the path of a request stays percent-encoded until its route reads it.
 */
#pragma once

#include "base/str.h"
#include "catalog/catalog.h"

#define SID_PARAM_SIZE (3 * SID_SIZE) /* each of its characters as %XX */

/* Of one that has such an encoding: as sid_param(). */
struct str sid_param_decode(struct str raw, char room[SID_PARAM_SIZE]);
/*
 * `raw` without its percent-encoding, which takes `room` where there is any.  What is longer than any SID, or
 * encoded wrongly, comes back as it is: it is no SID either way.
 */
static inline struct str sid_param(struct str raw, char room[SID_PARAM_SIZE])
{
	return str_find(raw, '%') == raw.len ? raw : sid_param_decode(raw, room);
}
