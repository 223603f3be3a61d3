/*
 * Error replies: the table of all errors that a client can see, with status and code.
 *
 *	{"success": false, "error": "<sentence for a person>", "code": "<code>", "request_id": "..."}
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/log.h"
#include "http/exchange.h"

#include <stdint.h>

enum web_error {
	WEB_BAD_REQUEST,
	WEB_UNAUTHENTICATED,
	WEB_SIGN_IN_FAILED,
	WEB_FORBIDDEN,
	WEB_HTTPS_REQUIRED,
	WEB_FOREIGN_ORIGIN,
	WEB_NOT_FOUND,
	WEB_LINK_NOT_FOUND,
	WEB_LINK_EXPIRED,
	WEB_LINK_USED_UP,
	WEB_LAST_ADMIN,
	WEB_NAME_TAKEN,
	WEB_CONFLICT,
	WEB_PASSWORD_REFUSED,
	WEB_RATE_LIMITED,
	WEB_ACCOUNT_LOCKED,
	WEB_CALL_NOT_FOUND,
	WEB_RECORDING_NOT_FOUND,
	WEB_RECORDING_NOT_AVAILABLE,
	WEB_RECORDING_ABSENT,
	WEB_RECORDING_EXPIRED,
	WEB_RECORDING_DELETED,
	WEB_WAVEFORM_PENDING,
	WEB_WAVEFORM_UNAVAILABLE,
	WEB_PRECONDITION_FAILED,
	WEB_RANGE_NOT_SATISFIABLE,
	WEB_UPGRADE_REQUIRED,
	WEB_KEY_MISSING,
	WEB_UPSTREAM_REFUSED,
	WEB_UPSTREAM_UNAVAILABLE,
	WEB_OVERLOADED,
	WEB_NOT_CONFIGURED,
	WEB_INTERNAL,
	WEB_ERRORS,
};

#define WEB_NO_RETRY (-1)

/*
 * Replies with the error.  text: a sentence for a person; NULL: the table's.  retry_after_s: seconds, or
 * WEB_NO_RETRY for no Retry-After (a 503 has one all the same).
 */
void web_refuse(struct exchange *x, enum web_error error, const char *text, int64_t retry_after_s);
/* One more member of the body, for programs: `text`, or where that is NULL `number`. */
struct web_detail {
	const char *name, *text;
	int64_t number;
};
void web_refuse_detailed(struct exchange *x, enum web_error error, const char *text,
			 int64_t retry_after_s, const struct web_detail *detail);
/* The same for a reply that was begun already: with the error's status, and headers of the caller's. */
void web_refuse_begun(struct exchange *x, enum web_error error, const char *text);
/* As in the bodies of errors. */
const char *web_error_code(enum web_error error);
/* What went wrong with what was asked for, where the address is not at fault. */
enum web_error web_error_of_kind(enum err_kind kind);
/* The error with this code; WEB_ERRORS when there is none. */
enum web_error web_error_of_code(const char *code);

/* The path of a request as the log may have it: without the secret of a link.  In `room`. */
#define WEB_LOGGED_PATH_SIZE 256
const char *web_logged_path(const struct exchange *x, char room[WEB_LOGGED_PATH_SIZE]);
/* The request id, which the client is told as well, as the tag of a log line. */
struct log_tag web_request_tag(const struct exchange *x);

/*
 * For http_app.refuse: errors that the HTTP server found.  OPTIONS, to it a method that no route has, is
 * answered as a CORS preflight.
 */
void web_refuse_http(struct exchange *x, int status, const char *code, const char *text,
		     const char *allow);
