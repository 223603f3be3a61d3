/*
 * callspool retry --notify: the webhooks to notify_url that were given up, in place of recordings.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "config/settings.h"

#include <stdbool.h>

/* Prints them, each with its reason. */
bool retry_notify_list(const struct settings *settings, bool is_json, struct err *err) MUST_CHECK;
/* The one of that webhook-id, or with NULL all, are to be told again. */
bool retry_notify(const struct settings *settings, const char *id, bool is_json,
		  struct err *err) MUST_CHECK;
