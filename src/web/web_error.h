/*
 * Refusing: every error that a caller can see, with its status and code, in one table.
 *
 *	{"success": false, "error": "<sentence for a person>", "code": "<code>", "request_id": "..."}
 */
#pragma once

#include "base/compiler.h"
#include "base/log.h"
#include "http/exchange.h"

#include <stdint.h>

enum web_error {
	WEB_BAD_REQUEST,
	WEB_UNAUTHENTICATED,
	WEB_FORBIDDEN,
	WEB_NOT_FOUND,
	WEB_CALL_NOT_FOUND,
	WEB_RECORDING_NOT_FOUND,
	WEB_RECORDING_NOT_AVAILABLE,
	WEB_RECORDING_ABSENT,
	WEB_RECORDING_EXPIRED,
	WEB_RECORDING_DELETED,
	WEB_PRECONDITION_FAILED,
	WEB_RANGE_NOT_SATISFIABLE,
	WEB_UPSTREAM_REFUSED,
	WEB_UPSTREAM_UNAVAILABLE,
	WEB_OVERLOADED,
	WEB_INTERNAL,
	WEB_ERRORS,
};

#define WEB_NO_RETRY (-1)

/*
 * Replies with it.  text: NULL for the table's own sentence.  retry_after_s: WEB_NO_RETRY leaves
 * Retry-After to the table (a 503 always has one).
 */
void web_refuse(struct exchange *x, enum web_error error, const char *text, int64_t retry_after_s);
/* The same after the caller began the reply, with the error's status and headers of its own. */
void web_refuse_begun(struct exchange *x, enum web_error error, const char *text);
/* WEB_ERRORS when no error has that code. */
enum web_error web_error_of_code(const char *code);

/* request=ID: the id that the answer tells, for a line of the log. */
struct log_tag web_request_tag(const struct exchange *x);

/* http's own refusals (struct http_app), and CORS preflights, which it takes for a wrong method. */
void web_refuse_http(struct exchange *x, int status, const char *code, const char *text,
		     const char *allow);
