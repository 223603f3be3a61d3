/*
 * What logs tell, for machines.
 */
#pragma once

#include "base/json.h"
#include "proxylog/log_story.h"

/* One object: "says", "lines", "known", "from", "until", "causes", "answers", "failures". */
void log_json_write(struct log_story *story, struct json *json);
