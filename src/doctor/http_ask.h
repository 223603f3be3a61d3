/*
 * One request as a player sends it, and all that came back: status, every header line, bytes, times, and how it ended.
 *
 * Blocks.  Nothing is followed, decoded or added: Host, what is asked for and nothing else goes out.
 */
#pragma once

#include "base/buf.h"
#include "base/compiler.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define HTTP_ASK_BODY_MAX ((size_t)2 * 1024 * 1024)

struct http_ask {
	const char *method; /* NULL: GET */
	const char *url;
	const char *unix_path; /* the socket it goes to instead of the host; NULL: none */
	const char *const
		*headers; /* "Name: value", "Name:" sends none of it; NULL-terminated; NULL: none */
	const char *body; /* NULL: none */
	const char *proxy;   /* "http://proxy:3128"; NULL: none, whatever the environment says */
	const char *ca_file; /* PEM, whom to trust; NULL: SSL_CERT_FILE, or the system's */
	bool takes_head_only; /* the connection is closed behind the head, but of errors: for 101, and a play that is given up */
	long limit_ms;                    /* 0: 30 s */
	const _Atomic bool *is_cancelled; /* breaks it off within a second; NULL: nothing does */
};

enum http_ask_end {
	HTTP_ASK_WHOLE,   /* to the end of the body */
	HTTP_ASK_SHORT,   /* the connection was closed before that */
	HTTP_ASK_LATE,    /* limit_ms was over */
	HTTP_ASK_NO_NAME, /* the host has no address */
	HTTP_ASK_NO_CONNECTION,
	HTTP_ASK_NO_TLS,    /* no certificate that is good for the host */
	HTTP_ASK_NO_ANSWER, /* connected, and closed without a head; or what came is no HTTP */
};

struct http_answer {
	enum http_ask_end end;
	char why[256];     /* libcurl's words; "" for WHOLE */
	long status;       /* 0: no head came */
	long http_version; /* 10, 11, 20 */
	struct buf head;   /* header lines of the answer, each with its CRLF */
	struct buf body;   /* at most HTTP_ASK_BODY_MAX */
	int64_t first_byte_ms, total_ms;
};

void http_ask(const struct http_ask *ask, struct http_answer *out);
void http_answer_release(struct http_answer *answer);
static inline void http_answer_release_at(struct http_answer *answer)
{
	http_answer_release(answer);
}

/* The first line of that name; at == NULL: there is none. */
struct str http_answer_header(const struct http_answer *answer, const char *name);
/* "206, Content-Range bytes 0-1/4000, 2 bytes in 3 ms", or why there was no answer: for people. */
void http_answer_describe(const struct http_answer *answer, struct buf *out);
