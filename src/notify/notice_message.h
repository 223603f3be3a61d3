/*
 * A notice as the receiver gets it: its id and its body.  Pure.
 *
 * The id is the same for every try, and nothing else ever has it: who has seen it before has been told of this before.
 */
#pragma once

#include "base/buf.h"
#include "base/compiler.h"
#include "chores/notices_queue.h"

#include <stdbool.h>
#include <stdint.h>

#define NOTICE_ID_SIZE  64   /* "msg_RE0123456789abcdef0123456789abcdef_1234" */
#define NOTICE_BODY_MAX 4096 /* some 900 bytes, and a public_url */

/* "recording.stored"; NULL: it is told to nobody. */
const char *notice_type_text(enum notice_type type);
void notice_id(const struct notice *notice, char out[NOTICE_ID_SIZE]);
/* The number of that id; false: it is none. */
bool notice_id_read(struct str id, int64_t *out_seq) MUST_CHECK;
/* public_url: what the addresses begin with; NULL: they are paths. */
void notice_body(const struct notice *notice, const char *public_url, struct buf *out);
