/*
 * Twilio's identifiers: two letters that say of what, then 32 hexadecimal digits
 * (the patterns of Twilio's OpenAPI document; both cases of the digits are valid).
 * They are part of addresses and of file names: whatever is not exactly this is refused.  Pure.
 */
#pragma once

#include "base/str.h"

#include <stdbool.h>

#define SID_LEN 34 /* without a NUL */

bool sid_is(struct str text, const char prefix[2]);

static inline bool sid_is_account(struct str text)
{
	return sid_is(text, "AC");
}
static inline bool sid_is_call(struct str text)
{
	return sid_is(text, "CA");
}
static inline bool sid_is_recording(struct str text)
{
	return sid_is(text, "RE");
}
/* The user name of an API key. */
static inline bool sid_is_api_key(struct str text)
{
	return sid_is(text, "SK");
}
