/*
 * The reply to a request for media that is known: status, head and body, by RFC 9110 13
 * (preconditions) and 14 (ranges).  The same for stored media and for media in flight.
 */
#pragma once

#include "http/exchange.h"
#include "http/range.h"
#include "media/media.h"

#include <stdbool.h>
#include <stdint.h>

enum media_reply_kind {
	MEDIA_REPLY_WHOLE,        /* 200 */
	MEDIA_REPLY_RANGES,       /* 206 */
	MEDIA_REPLY_NOT_MODIFIED, /* 304 */
	MEDIA_REPLY_FAILED,       /* 412 */
	MEDIA_REPLY_OUTSIDE,      /* 416 */
};

struct media_reply {
	enum media_reply_kind kind;
	struct ranges ranges; /* MEDIA_REPLY_RANGES: one or more, in the order asked */
};

/* What the request asks for.  The media's size must be known.  Pure. */
void media_reply_choose(const struct exchange *x, const struct media *media,
			struct media_reply *out);

/*
 * The first byte of the media without which nothing can be sent; 0 for replies that hold none
 * of it.  The head is withheld until it is here.
 */
uint64_t media_reply_needs(const struct exchange *x, const struct media_reply *reply);

/* All of the media is in the file: replies. */
void media_reply_send(struct exchange *x, const struct media *media,
		      const struct media_reply *reply);
/*
 * `arrived` bytes of it are: replies, and goes on as exchange_arrived() says.  True when the exchange
 * stays parked on `parked` (there is a body to come), false when the reply is complete.
 */
bool media_reply_send_growing(struct exchange *x, const struct media *media,
			      const struct media_reply *reply, uint64_t arrived,
			      struct parked *parked);
/* Nobody knows the length: 200, chunked (HTTP/1.1 alone); stays parked. */
void media_reply_send_chunked(struct exchange *x, const struct media *media, uint64_t arrived,
			      bool is_complete, struct parked *parked);

#define MEDIA_CACHE_CONTROL    "private, no-cache"
#define MEDIA_DISPOSITION_SIZE 128 /* its longest: an attachment of 34 characters and a format */

/* The value of its Content-Disposition, as the request wants it. */
void media_reply_disposition(const struct exchange *x, const struct media *media,
			     char out[MEDIA_DISPOSITION_SIZE]);
/* For the line that the log has of it, once it has ended. */
void media_reply_note(struct exchange *x, const struct media *media);
/* Who may embed it (Fetch standard, "Cross-Origin-Resource-Policy header"), and read it.  After reply_begin(). */
void media_reply_add_policies(struct exchange *x);

/* Fills media->lines: the head that is the same for every request. */
void media_reply_prepare(struct media *media);
