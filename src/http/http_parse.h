/*
 * The head of one request, read out of a fixed block of bytes (RFC 9112, 2 to 6).
 *
 * Strict: whatever two parsers may read differently is refused, so that nothing in
 * front of us and we ever disagree about where a request ends.  docs/http.md lists what
 * and why.  Lines are read as they become whole; no byte is looked at twice, however
 * slowly they come.  How the bytes were cut on the way never changes the result.
 *
 * Pure.  The slices in the request point into the block, which must not move.
 */
#pragma once

#include "base/compiler.h"
#include "base/str.h"
#include "http/exchange.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_HEAD_MAX   16384 /* bytes of a head, its empty line included; more: 431 */
#define HTTP_TARGET_MAX 8192  /* more: 414 */
#define HTTP_METHOD_MAX 32    /* more: 400 */

enum http_parse_result { HTTP_PARSE_MORE, HTTP_PARSE_DONE, HTTP_PARSE_REFUSED };

/* Why a request is refused, in the terms of the product's error table. */
struct http_refusal {
	int status;
	const char *code, *text; /* static */
};

struct http_parse {
	/* Valid once HTTP_PARSE_DONE was returned: */
	size_t head_len; /* the body, or the next request, begins here */
	uint64_t content_length;
	bool has_content_length;
	bool chunked;
	bool keep_alive; /* as the client wants it: Connection and the version */
	bool expects_continue;

	/* Once HTTP_PARSE_REFUSED was returned: */
	struct http_refusal refusal;

	/* Where it is: */
	size_t line_at;  /* the first byte of the line that is not whole yet */
	size_t searched; /* no newline before this one */
	bool has_request_line, skipped_empty_line;
	bool has_transfer_encoding, has_expect, says_close, says_keep_alive;
	uint32_t seen;        /* BIT() of each known header that must not come twice */
	struct str authority; /* of a target in absolute form */
};

void http_parse_start(struct http_parse *parse, struct http_request *request);

/*
 * Reads on: the block's first `len` bytes are here, those of earlier calls unchanged among
 * them.  After DONE or REFUSED it is not called again before http_parse_start().
 */
enum http_parse_result http_parse_head(struct http_parse *parse, struct http_request *request,
				       const char *block, size_t len);

/* One field line without its CRLF; false when it is malformed.  Trailers are read with it, too. */
bool http_parse_field(struct str line, struct http_header *out) MUST_CHECK;
