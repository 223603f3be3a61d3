/*
 * Replying.  A reply is begun, given its headers, and sent with a body; the
 * server adds Date, Content-Length, Connection and X-Request-Id, leaves the body
 * out for HEAD (and 204, 304), and frames nothing itself otherwise.
 *
 *	reply_begin(x, 206);
 *	reply_header(x, STR("Content-Type"), STR("audio/mpeg"));
 *	reply_send_file(x, fd, 0, 2);
 *
 * Nothing is allocated for a reply that fits the connection's output block and whose
 * bytes the socket takes at once.  A head that does not fit becomes a 500.
 *
 * No callback of the product's runs below any function here: gone() and ended() come later, from
 * the loop.  A reply may be begun anew until it is sent.
 */
#pragma once

#include "base/compiler.h"
#include "base/str.h"
#include "http/exchange.h"

#include <stdint.h>

#define REPLY_HEAD_MAX \
	4096 /* bytes of one head, ours: they hold no foreign text beyond a file name */

/* 101 is sent with exchange_upgrade() (upgrade.h), every other status with one of those below. */
void reply_begin(struct exchange *x, int status);
/* 206 with one range: "Content-Range: bytes first-last/size". */
void reply_begin_range(struct exchange *x, uint64_t first, uint64_t last, uint64_t size);
/* Neither name nor value may hold CR, LF or NUL: such a header is left out. */
void reply_header(struct exchange *x, struct str name, struct str value);
void reply_headerf(struct exchange *x, const char *name, const char *fmt, ...) PRINTF_LIKE(3, 4);
/*
 * Raw header lines, each ending in CRLF, appended as they are: a head prepared once
 * (the warm path).  The caller vouches for them.
 */
void reply_header_lines(struct exchange *x, struct str lines);

/* A body in memory; copied. */
void reply_send(struct exchange *x, struct str body);

/*
 * `length` bytes of a file from `first` on, as the body.  The descriptor is
 * borrowed for this call; what cannot be sent at once goes on with a duplicate.  A
 * file that turns out shorter than promised ends in a closed connection.
 */
void reply_send_file(struct exchange *x, int fd, uint64_t first, uint64_t length);

/*
 * The same when all of it is in memory already (`bytes` = the wanted part): for
 * answers so small that reading the file would cost more than the rest.
 */
void reply_send_part(struct exchange *x, struct str bytes);

/* Several parts: text, then a piece of the file, each; then the closing text (RFC 9110, 14.6). */
struct reply_part {
	struct str text; /* before the piece; copied */
	uint64_t first, length;
};
void reply_send_parts(struct exchange *x, int fd, const struct reply_part *parts, unsigned count,
		      struct str closing_text);

/*
 * A file that is still growing.  Like reply_send_file() / reply_send_parts(), but no byte at or
 * beyond file offset `arrived` is sent until exchange_arrived() has raised it.
 * The exchange stays parked on `parked` until the body is complete or failed, so that gone() is
 * called when the client leaves; after the last byte, and after exchange_cut(), parked->gone() is
 * called too: whoever feeds it learns in one place that it is over, exactly once, and never
 * below a call of their own.
 */
void reply_send_growing(struct exchange *x, int fd, uint64_t first, uint64_t length,
			uint64_t arrived, struct parked *parked);
void reply_send_growing_parts(struct exchange *x, int fd, const struct reply_part *parts,
			      unsigned count, struct str closing_text, uint64_t arrived,
			      struct parked *parked);
/*
 * A file whose length nobody knows yet, from its first byte, chunked (to HTTP/1.0: until the connection
 * closes, so that the product had better wait for the length).
 * Ends when exchange_arrived() is called with complete = true and all was sent.
 */
void reply_send_chunked(struct exchange *x, int fd, uint64_t arrived, bool complete,
			struct parked *parked);

/* For a growing or chunked reply that is not gone().  complete: nothing comes after that. */
void exchange_arrived(struct exchange *x, uint64_t arrived, bool complete);
/*
 * For the same: the rest comes from this file (borrowed), where the bytes lie at the same offsets.
 * As much of it must be there as exchange_arrived() was told.
 */
void exchange_switch_file(struct exchange *x, int fd);
/* The rest will never come: close the connection short of the promised length.  gone() follows. */
void exchange_cut(struct exchange *x);
/* True when some of the body could be sent but the client's socket is full: the client is the slow one. */
bool exchange_is_stalled_by_client(const struct exchange *x);
/* loop_now_ms() when the last byte of the body went to the socket (or the head did). */
int64_t exchange_last_sent_at_ms(const struct exchange *x);
