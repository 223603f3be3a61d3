/*
 * Results for machines: what `callspool doctor --json` prints, and what /api/health tells as `checks`.
 */
#pragma once

#include "base/json.h"
#include "doctor/report.h"

/* "verdict", "says", "good", "findings", "unchecked", "limits" and "checks", in the object that is open. */
void report_json_write(const struct report *report, struct json *json);
/* --list: an array of groups. */
void report_json_list(struct json *json);
