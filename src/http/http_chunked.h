/*
 * Taking a chunked body apart (RFC 9112, 7.1), as strictly as http_parse reads heads: sizes are
 * hexadecimal digits and nothing else, lines end in CRLF, extensions are bounded and
 * ignored, trailers are bounded, read and dropped.
 *
 * Pure.  How the bytes were cut on the way never changes the result.
 */
#pragma once

#include "base/compiler.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_CHUNK_LINE_MAX   256  /* bytes of a size line, its extensions included */
#define HTTP_CHUNK_EXTRA_MAX  4096 /* bytes of all extensions of a body together */
#define HTTP_TRAILERS_MAX     4096 /* bytes of all trailers */
#define HTTP_TRAILER_LINE_MAX 1024

enum http_chunked_result {
	HTTP_CHUNKED_MORE,    /* all bytes were used */
	HTTP_CHUNKED_PIECE,   /* *out_piece is the next piece of the body, within the bytes given */
	HTTP_CHUNKED_DONE,    /* the body is over; what is left is the next request's */
	HTTP_CHUNKED_REFUSED, /* malformed: 400 and close */
};

enum http_chunked_state {
	CHUNKED_SIZE_LINE,
	CHUNKED_DATA,
	CHUNKED_DATA_END, /* the CRLF behind the data */
	CHUNKED_TRAILER,
	CHUNKED_OVER,
};

/* All zero is the beginning of a body. */
struct http_chunked {
	enum http_chunked_state state;
	uint64_t left;     /* bytes of this chunk that have not come */
	uint32_t extra;    /* bytes of extensions so far */
	uint32_t trailers; /* bytes of trailers so far */
	uint32_t line_len;
	char line[HTTP_TRAILER_LINE_MAX]; /* the line that is not whole yet */
};

void http_chunked_start(struct http_chunked *chunked);
/* Takes what it used off *bytes.  Call again after PIECE. */
enum http_chunked_result http_chunked_read(struct http_chunked *chunked, struct str *bytes,
					   struct str *out_piece) MUST_CHECK;
