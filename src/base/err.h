/*
 * One convention for failure.
 *
 * A function that can fail returns bool, is MUST_CHECK and takes `struct err *err`
 * last; its results come through out parameters just before it, untouched on
 * failure.  The err lives on the caller's stack: it allocates nothing, owns nothing.
 * The kind drives decisions (HTTP status, retry, exit status); the text is for people.
 */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>

enum err_kind {
	ERR_INVALID,     /* the request or input is wrong: do not retry   (400, exit 2) */
	ERR_NOT_FOUND,   /* it does not exist                             (404, exit 3) */
	ERR_CONFLICT,    /* it exists already, or changed under us        (409, exit 4) */
	ERR_UNAVAILABLE, /* someone else is down or slow: retry later     (503, exit 5) */
	ERR_SCARCE,      /* no descriptor is left to us: retry soon       (503, exit 5) */
	ERR_INTERNAL,    /* our disk, our database, our bug               (500, exit 1) */
};

struct err {
	enum err_kind kind;
	char text[256];
};

/* All three return false, so that `return err_set(err, ...)` is the idiom. */
bool err_set(struct err *err, enum err_kind kind, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Appends strerror(errno); the kind is ERR_INTERNAL, of EMFILE and ENFILE ERR_SCARCE. */
bool err_errno(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Prepends "<fmt>: " to the text that is there. */
bool err_context(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);
