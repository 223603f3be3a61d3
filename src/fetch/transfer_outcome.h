/*
 * How a transfer ended, told apart as far as it matters to who decides what then.
 */
#pragma once

enum transfer_outcome {
	TRANSFER_OK,                 /* the whole answer is here, whatever its status */
	TRANSFER_STOPPED,            /* a callback of the receiver said so */
	TRANSFER_NOT_RESOLVED,       /* no address for the name (or the proxy's) */
	TRANSFER_NOT_CONNECTED,      /* refused, unreachable */
	TRANSFER_CONNECT_TIMEOUT,    /* no connection (TLS included) in connect_timeout_ms */
	TRANSFER_TLS_FAILED,         /* handshake, certificate */
	TRANSFER_REFUSED_ADDRESS,    /* by the address guard */
	TRANSFER_REFUSED_REDIRECT,   /* may_follow said no; not http(s); https to http */
	TRANSFER_TOO_MANY_REDIRECTS, /* more than TRANSFER_REDIRECTS_MAX */
	TRANSFER_STALLED,    /* too slow for stall_timeout_ms, before the head or after it */
	TRANSFER_TIME_LIMIT, /* over time_limit_ms */
	TRANSFER_CUT,        /* closed before the end of the body; before any answer: status 0 */
	TRANSFER_BAD_ANSWER, /* not HTTP, or not as HTTP demands */
	TRANSFER_FAILED,     /* anything else: our bug, our memory */
	TRANSFER_OUTCOMES,
};

/* "ok", "not_resolved", "stalled" ...: stable, for logs and attempts. */
const char *transfer_outcome_text(enum transfer_outcome outcome);

/* What a CURLcode (curl/curl.h) of a transfer without time limits of libcurl's own but the connect one means. */
enum transfer_outcome transfer_outcome_of_curl(int curl_code);
