/*
 * What every answer says of a recording in the same words.
 */
#pragma once

#include "base/json.h"
#include "catalog/recordings.h"

/* "hold": by whom, since when and why; null when it is not held. */
void recording_json_hold(struct json *json, const struct recording *recording);
