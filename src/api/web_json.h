/*
 * Routes that take a JSON object and change something: reading the one, telling how the other went.
 */
#pragma once

#include "api/web_error.h"
#include "base/compiler.h"
#include "base/err.h"
#include "http/exchange.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* json_decref() it; NULL: it was refused.  An empty body is an empty object. */
json_t *web_json_body(struct exchange *x) MUST_CHECK;

enum web_json_type {
	WEB_JSON_TEXT,
	WEB_JSON_BOOL,
	WEB_JSON_COUNT, /* an integer, 1 or more: 1.0 is none */
};
struct web_json_member {
	const char *key;
	enum web_json_type type;
};
/*
 * The same, and each of the members (ended by one without a key) is of its type, null, or not there.  What is of another
 * type would read as if it were not there, and a limit or a condition that is not there is none.
 */
json_t *web_json_body_of(struct exchange *x, const struct web_json_member *members) MUST_CHECK;
/* The body held a password: nothing of it is left in the connection's memory. */
void web_json_wipe_body(struct exchange *x);
/* A text of the object; at == NULL where it is none. */
struct str web_json_text(json_t *object, const char *key);
/* The same, and its bytes are wiped by web_json_wipe(). */
void web_json_wipe(json_t *object, const char *key);
/* "7d" as milliseconds; 0 where it is not there.  False: refused. */
bool web_json_duration(struct exchange *x, json_t *object, const char *key,
		       int64_t *out_ms) MUST_CHECK;

/* A change did not come about.  `not_found`, `conflict`: what these kinds are here. */
void web_refuse_change(struct exchange *x, const struct err *err, enum web_error not_found,
		       enum web_error conflict);
/* {"success": true} */
void web_reply_done(struct exchange *x);

/* May an address be made that is handed on?  False: it was refused, for nothing says what this server is called. */
bool web_may_make_address(struct exchange *x) MUST_CHECK;
