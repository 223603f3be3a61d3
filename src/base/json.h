/*
 * Writing JSON onto a struct buf.  (Reading it is jansson's work.)  The writer
 * puts the commas; the caller keeps open and close in pairs.
 *
 *	struct json json;
 *	json_start(&json, &buf);
 *	json_open(&json, NULL, '{');
 *	json_text(&json, "code", STR("not_found"));
 *	json_open(&json, "calls", '[');
 *	json_text(&json, NULL, STR("in an array: no key"));
 *	json_close(&json, ']');
 *	json_close(&json, '}');
 *
 * Text is written as UTF-8; bytes that are not become U+FFFD.
 */
#pragma once

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

struct json {
	struct buf *buf;
	bool comma; /* a value stands before the next one */
};

void json_start(struct json *json, struct buf *buf);
void json_open(struct json *json, const char *key, char bracket);
void json_close(struct json *json, char bracket);
void json_text(struct json *json, const char *key, struct str value); /* at == NULL gives null */
void json_int(struct json *json, const char *key, int64_t value);
/* So many milliseconds as seconds: 26280 is 26.280.  Not below 0. */
void json_seconds(struct json *json, const char *key, int64_t ms);
/* So many hundredths: -2310 is -23.10. */
void json_hundredths(struct json *json, const char *key, int64_t hundredths);
void json_bool(struct json *json, const char *key, bool value);
void json_nothing(struct json *json, const char *key); /* null; jansson owns the name json_null */
/* A value that was written before, of an array. */
void json_raw(struct json *json, struct str value);
/* Milliseconds of the wall clock as an RFC 3339 text; 0 gives null. */
void json_date(struct json *json, const char *key, int64_t wall_ms);
