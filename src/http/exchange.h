/*
 * One request and its reply: what a route's function gets.
 *
 * A connection has one exchange at a time; pipelined requests wait their turn.
 * When the head is here, the product admits the caller; a route's function is called once the bounded
 * body is here, too, and either replies before it returns, or parks the exchange and replies
 * later on the same loop.  Slices in the request stay valid until the reply was
 * begun with reply_send*() or, for a parked one, until it is replied to.
 *
 * Thread: all of it on the loop of the connection.
 */
#pragma once

#include "base/compiler.h"
#include "base/str.h"
#include "event/loop.h"

#include <assert.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a listener, and a connection that it took, is. */
enum http_listening { HTTP_LISTEN_TCP, HTTP_LISTEN_UNIX, HTTP_LISTEN_ADMIN };

struct http_server;
struct http_route;

#define HTTP_HEADERS_MAX 64 /* browsers send about 20, proxies add 10 */
#define HTTP_PARAMS_MAX  4  /* {name} pieces in one route's pattern */

enum http_method {
	HTTP_GET,
	HTTP_HEAD,
	HTTP_POST,
	HTTP_PUT,
	HTTP_DELETE,
	HTTP_OPTIONS,
	HTTP_METHOD_OTHER,
};

/* Headers found by number, without a search.  Absent: at == NULL. */
enum http_known {
	HTTP_HOST,
	HTTP_RANGE,
	HTTP_IF_RANGE,
	HTTP_IF_MATCH,
	HTTP_IF_NONE_MATCH,
	HTTP_IF_MODIFIED_SINCE,
	HTTP_IF_UNMODIFIED_SINCE,
	HTTP_CONTENT_TYPE,
	HTTP_AUTHORIZATION,
	HTTP_ORIGIN,
	HTTP_COOKIE,
	HTTP_UPGRADE,
	HTTP_SEC_FETCH_SITE,
	HTTP_X_REQUEST_ID,
	HTTP_X_TWILIO_SIGNATURE,
	HTTP_I_TWILIO_IDEMPOTENCY_TOKEN,
	HTTP_KNOWN_HEADERS,
};

struct http_header {
	struct str name, value; /* the value is trimmed */
};

struct http_request {
	enum http_method method;
	unsigned minor_version; /* HTTP/1.<minor> */
	struct str method_text;
	struct str target; /* as received: the signature of a webhook covers it */
	struct str
		path; /* of the target, still percent-encoded; begins with "/", or is "*" for OPTIONS * */
	struct str query;                     /* without '?'; at == NULL when there is none */
	struct str known[HTTP_KNOWN_HEADERS]; /* the first line of each */
	uint32_t header_count;
	struct http_header headers[HTTP_HEADERS_MAX];
	struct str body;                    /* whole, dechunked */
	struct str params[HTTP_PARAMS_MAX]; /* what the {pieces} of the route matched */
};

/* The first header of that name, compared without case; at == NULL when absent. */
struct str http_request_header(const struct http_request *request, struct str name);

/* Embedded in what a route keeps while its exchange is parked. */
struct parked {
	/*
	 * The client went away (or the server stops): forget the exchange, reply nothing.  From
	 * the loop, never below a call of the route's own.  A client that only shut down its
	 * sending side has not gone; one that closed is noticed at the latest when something is sent.
	 */
	void (*gone)(struct parked *parked);
};

/* What the product keeps of a request whose slices end before its reply does; embed it. */
struct http_note {
	char unused;
};

/*
 * Who is signed in, as the product knows it: a plain value of its own, set when the caller is admitted and
 * there until the exchange has ended.  A session or a token with its rights is some 64 bytes.
 */
#define EXCHANGE_CALLER_MAX 80

struct exchange {
	struct http_request request;
	struct http_server *server;
	const struct http_route *route; /* NULL while an error is being told before one was found */
	struct parked *parked;
	char id[40];     /* request id: a trusted proxy's (nginx: 32) or ours; [A-Za-z0-9._-] */
	bool over_unix;  /* came over a Unix socket */
	bool over_admin; /* ... and that is the administrator's */
	bool is_trusted; /* trusts() of the app, asked once a connection */
	char peer[48];   /* the address of the other end, "" over Unix sockets */
	char about[40];  /* the product's: what the reply is of, for ended(); "" at first */
	uint8_t source;  /* the product's, as `about`: where the reply comes from; 0 at first */
	uint8_t outcome; /* ... and what became of the request; 0 at first */
	uint64_t ticket; /* ... and by what ended() finds where it counts; 0 at first */
	struct http_note *note; /* the product's: set by shed(), taken by ended(); NULL: none */
	int64_t began_at_ms;    /* monotonic: the turn in which its first byte was here */
	int64_t head_at_us;     /* monotonic: the turn in which its head was whole; 0: it is not */
	int status;             /* of the reply, once begun */
	uint64_t sent_bytes;    /* of the body, so far */
	size_t caller_size;     /* 0: nobody is known */
	alignas(max_align_t) char caller[EXCHANGE_CALLER_MAX];
};

/* Copied; size is at most EXCHANGE_CALLER_MAX. */
static inline void exchange_set_caller(struct exchange *x, const void *caller, size_t size)
{
	assert(size > 0 && size <= sizeof(x->caller));
	memcpy(x->caller, caller, size);
	x->caller_size = size;
}
/* The same value, there until another is set or the exchange has ended; NULL when none of that size was set. */
static inline const void *exchange_caller(const struct exchange *x, size_t size)
{
	return x->caller_size == size ? x->caller : NULL;
}

struct loop *exchange_loop(const struct exchange *x);

/* Parks: the reply comes later.  The parked stays the caller's; replying unparks. */
static inline void exchange_park(struct exchange *x, struct parked *parked)
{
	x->parked = parked;
}
/* For one that admit() of the app parked: the caller may.  Unparks; the request goes on from the loop. */
void exchange_admit(struct exchange *x);
