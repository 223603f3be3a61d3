/*
 * application/x-www-form-urlencoded, bodies and queries alike.  Pure.
 */
#pragma once

#include "base/buf.h"
#include "base/compiler.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

struct form_field {
	struct str name, value; /* decoded */
};

enum form_next { FORM_FIELD, FORM_END, FORM_MALFORMED };

/*
 * The next field of *rest, in one pass over it.  What is decoded goes to *at, which must have room for as many
 * bytes as *rest has, and is moved on; '+' is a space.  *rest is a slice at first, and then this function's.
 */
enum form_next form_next(struct str *rest, char **at, struct form_field *out) MUST_CHECK;

/* All fields, however many they are. */
struct form_fields {
	size_t count;
	struct form_field *at; /* owned */
	char *texts;           /* owned: what they point into */
};
/* False: malformed, and *out is untouched. */
bool form_read(struct str text, struct form_fields *out) MUST_CHECK;
static inline void form_fields_release_at(struct form_fields *fields)
{
	free(fields->at);
	free(fields->texts);
}

#define FORM_FIELDS_MAX 128 /* of a query: of ours, none has more than ten */

struct form {
	size_t count;
	struct form_field fields[FORM_FIELDS_MAX];
};

/*
 * Decodes `text` into fields whose bytes lie in `room`, which must outlive them.  '+' is a space.
 * Room is made once, before the first field, so that no field moves; a second parse into the same heap
 * buf may move the first one's.  False (malformed) on a bad %-escape, too many fields or a full room.
 */
bool form_parse(struct str text, struct buf *room, struct form *out) MUST_CHECK;
/* The first field of that name; at == NULL when there is none. */
struct str form_field(const struct form *form, struct str name);
/* Appends `value` percent-encoded (everything but unreserved characters). */
void form_encode(struct buf *buf, struct str value);
/* Percent-decodes a path segment or the like ('+' stays); false on a bad escape or a NUL. */
bool url_decode(struct str text, struct buf *out) MUST_CHECK;
