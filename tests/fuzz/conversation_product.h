/*
 * The product on the server of conversation.h: routes that answer at once, later, in pieces, or with 101, for everybody,
 * for whom is admitted later, or for nobody.
 */
#pragma once

#include <assert.h>
#include <stdint.h>

#include "base/buf.h"
#include "event/loop.h"
#include "http/http_server.h"
#include "http/reply.h"
#include "reply_stream.h"
#include "upgraded_echo.h"

#define PIECE_SIZE  20000
#define REPLIES_MAX 1000

/* Who may call a route. */
enum access { ACCESS_ALL = HTTP_CLOSED + 1, ACCESS_ASKED, ACCESS_NOBODY };

struct conversation {
	/* The client. */
	struct str input;
	int to_server, from_server; /* -1 when closed */
	bool is_reading, has_closed;
	struct buf received, sent;

	/* The server. */
	struct loop *loop;
	struct http_server *server;
	bool has_ended, is_stopping;
	unsigned idle_turns;

	/* Its product. */
	struct exchange *x; /* parked or growing */
	struct parked parked;
	bool is_growing, is_chunked, is_asked, is_upgrading; /* what it waits for */
	uint64_t arrived;
	unsigned replies;
	bool was_head[REPLIES_MAX]; /* in the order of the replies */
	struct upgraded_echo echo;
};

static struct conversation talk;
static int file_fd = -1;

static void refuse(struct exchange *x, int status, const char *code, const char *text,
		   const char *allow)
{
	reply_begin(x, status);
	if (allow)
		reply_header(x, STR("Allow"), str_of(allow));
	reply_send(x, str_of(code));
}

static void ended(struct exchange *x)
{
	if (talk.replies < REPLIES_MAX)
		talk.was_head[talk.replies] = x->request.method == HTTP_HEAD;
	talk.replies++;
}

static void parked_gone(struct parked *parked)
{
	assert(talk.x && parked == &talk.parked);
	talk.x = NULL;
	talk.is_growing = talk.is_asked = talk.is_upgrading = false;
}

/* A route is served for whom admit() named, and for nobody else. */
static void check_caller(const struct exchange *x)
{
	const enum access *access = exchange_caller(x, sizeof(*access));

	assert(access && *access == x->route->access && *access != ACCESS_NOBODY);
}

static void name_caller(struct exchange *x)
{
	enum access access = (enum access)x->route->access;

	exchange_set_caller(x, &access, sizeof(access));
}

static void park(struct exchange *x, bool is_growing, bool is_chunked)
{
	assert(!talk.x);
	talk.x = x;
	talk.parked.gone = parked_gone;
	talk.is_growing = is_growing;
	talk.is_chunked = is_chunked;
	talk.arrived = 0;
}

static void begin_media(struct exchange *x, int status, unsigned first)
{
	reply_begin(x, status);
	reply_headerf(x, "X-First", "%u", first);
}

static void serve_hello(struct exchange *x)
{
	check_caller(x);
	reply_begin(x, 200);
	reply_header(x, STR("Content-Type"), STR("text/plain"));
	reply_send(x, STR("hello"));
}

static void serve_echo(struct exchange *x)
{
	check_caller(x);
	reply_begin(x, 200);
	reply_send(x, x->request.body);
}

static void serve_nothing(struct exchange *x)
{
}

static void serve_no_content(struct exchange *x)
{
	reply_begin(x, 204);
	reply_send(x, STR(""));
}

static void serve_park(struct exchange *x)
{
	park(x, false, false);
	exchange_park(x, &talk.parked);
}

static void serve_file(struct exchange *x)
{
	begin_media(x, 200, 0);
	reply_send_file(x, file_fd, 0, FILE_SIZE);
}

/* /part/{}: from there to the end. */
static void serve_part(struct exchange *x)
{
	uint64_t first;

	if (!str_to_u64(x->request.params[0], &first) || first >= FILE_SIZE) {
		refuse(x, 416, "range", "", NULL);
		return;
	}
	reply_begin_range(x, first, FILE_SIZE - 1, FILE_SIZE);
	reply_headerf(x, "X-First", "%u", (unsigned)first);
	reply_send_file(x, file_fd, first, FILE_SIZE - first);
}

static void serve_parts(struct exchange *x)
{
	static const struct reply_part parts[] = { { STR("--b\r\n\r\n"), 0, 9 },
						   { STR("--b\r\n\r\n"), 100, 50000 } };

	reply_begin(x, 206);
	reply_send_parts(x, file_fd, parts, ARRAY_LEN(parts), STR("--b--\r\n"));
}

static void serve_short(struct exchange *x)
{
	begin_media(x, 200, FILE_SIZE - 10);
	reply_send_file(x, file_fd, FILE_SIZE - 10, 20); /* ten more than there are */
}

static void serve_growing(struct exchange *x)
{
	park(x, true, false);
	begin_media(x, 200, 0);
	reply_send_growing(x, file_fd, 0, FILE_SIZE, 0, &talk.parked);
}

static void serve_chunked(struct exchange *x)
{
	park(x, true, true);
	begin_media(x, 200, 0);
	reply_send_chunked(x, file_fd, 0, false, &talk.parked);
}

/* HTTP/1.0 knows no 101; and what is heard is looked for behind the head, where a body would stand. */
static bool may_upgrade(struct exchange *x)
{
	const struct http_request *request = &x->request;

	check_caller(x);
	if (request->minor_version > 0 && !http_request_header(request, STR("Content-Length")).at &&
	    !http_request_header(request, STR("Transfer-Encoding")).at)
		return true;
	refuse(x, 426, "upgrade", "", NULL);
	return false;
}

static void serve_upgrade(struct exchange *x)
{
	if (may_upgrade(x))
		upgraded_echo_begin(&talk.echo, x);
}

static void serve_upgrade_later(struct exchange *x)
{
	if (!may_upgrade(x))
		return;
	serve_park(x);
	talk.is_upgrading = true;
}

static bool admit(struct exchange *x)
{
	assert(x->route->access != HTTP_CLOSED);
	if (x->route->access == ACCESS_ALL) {
		name_caller(x);
		return true;
	}
	if (x->route->access == ACCESS_NOBODY) {
		refuse(x, 401, "unauthenticated", "", NULL);
		return false;
	}
	serve_park(x);
	talk.is_asked = true;
	return false;
}

static const struct http_route routes[] = {
	{ .methods = BIT(HTTP_GET) | BIT(HTTP_HEAD),
	  .pattern = "/",
	  .serve = serve_hello,
	  .access = ACCESS_ALL },
	{ .methods = BIT(HTTP_POST),
	  .pattern = "/",
	  .serve = serve_echo,
	  .body_max = 20000,
	  .access = ACCESS_ALL },
	{ .methods = BIT(HTTP_PUT),
	  .pattern = "/",
	  .serve = serve_echo,
	  .body_max = 100,
	  .body_types = "text/plain",
	  .access = ACCESS_ALL },
	{ .methods = BIT(HTTP_GET) | BIT(HTTP_POST),
	  .pattern = "/n",
	  .serve = serve_nothing,
	  .access = ACCESS_ALL },
	{ .methods = BIT(HTTP_DELETE),
	  .pattern = "/",
	  .serve = serve_no_content,
	  .access = ACCESS_ALL },
	{ .methods = BIT(HTTP_GET) | BIT(HTTP_HEAD),
	  .pattern = "/p",
	  .serve = serve_park,
	  .access = ACCESS_ALL },
	{ .methods = BIT(HTTP_GET) | BIT(HTTP_HEAD),
	  .pattern = "/f",
	  .serve = serve_file,
	  .access = ACCESS_ALL },
	{ .methods = BIT(HTTP_GET) | BIT(HTTP_HEAD),
	  .pattern = "/f/{}",
	  .serve = serve_part,
	  .access = ACCESS_ALL },
	{ .methods = BIT(HTTP_GET) | BIT(HTTP_HEAD),
	  .pattern = "/fs",
	  .serve = serve_parts,
	  .access = ACCESS_ALL },
	{ .methods = BIT(HTTP_GET), .pattern = "/s", .serve = serve_short, .access = ACCESS_ALL },
	{ .methods = BIT(HTTP_GET) | BIT(HTTP_HEAD),
	  .pattern = "/g",
	  .serve = serve_growing,
	  .access = ACCESS_ALL },
	{ .methods = BIT(HTTP_GET), .pattern = "/c", .serve = serve_chunked, .access = ACCESS_ALL },
	{ .methods = BIT(HTTP_GET), .pattern = "/u", .serve = serve_upgrade, .access = ACCESS_ALL },
	{ .methods = BIT(HTTP_GET),
	  .pattern = "/u/late",
	  .serve = serve_upgrade_later,
	  .access = ACCESS_ALL },
	{ .methods = BIT(HTTP_GET),
	  .pattern = "/u/asked",
	  .serve = serve_upgrade,
	  .access = ACCESS_ASKED },
	{ .methods = BIT(HTTP_GET) | BIT(HTTP_HEAD),
	  .pattern = "/q",
	  .serve = serve_hello,
	  .access = ACCESS_ASKED },
	{ .methods = BIT(HTTP_POST),
	  .pattern = "/q",
	  .serve = serve_echo,
	  .body_max = 20000,
	  .access = ACCESS_ASKED },
	{ .methods = BIT(HTTP_GET) | BIT(HTTP_POST),
	  .pattern = "/no",
	  .serve = serve_echo,
	  .body_max = 20000,
	  .access = ACCESS_NOBODY },
	{ .methods = BIT(HTTP_GET), .pattern = "/closed", .serve = serve_echo },
};

static const struct http_app app = {
	.routes = routes,
	.route_count = ARRAY_LEN(routes),
	.refuse = refuse,
	.admit = admit,
	.ended = ended,
};

/* NULL: nobody is parked, or the growing file is. */
static struct exchange *take_parked(void)
{
	struct exchange *x = talk.x;

	if (!x || talk.is_growing)
		return NULL;
	talk.x = NULL;
	return x;
}

static void answer_parked(void)
{
	bool is_upgrading = talk.is_upgrading;
	struct exchange *x = take_parked();

	if (!x)
		return;
	talk.is_asked = talk.is_upgrading = false;
	if (is_upgrading) {
		upgraded_echo_begin(&talk.echo, x);
		return;
	}
	reply_begin(x, 200);
	reply_send(x, STR("late"));
}

static void admit_asked(bool is_admitted)
{
	struct exchange *x;

	if (!talk.is_asked)
		return;
	talk.is_asked = false;
	x = take_parked();
	if (!is_admitted) {
		refuse(x, 401, "unauthenticated", "", NULL);
		return;
	}
	name_caller(x);
	exchange_admit(x);
}

static void piece_arrived(void)
{
	if (!talk.x || !talk.is_growing || talk.arrived == FILE_SIZE)
		return;
	talk.arrived += PIECE_SIZE;
	if (talk.arrived > FILE_SIZE)
		talk.arrived = FILE_SIZE;
	exchange_arrived(talk.x, talk.arrived, talk.arrived == FILE_SIZE);
}

static void cut_growing(void)
{
	if (talk.x && talk.is_growing)
		exchange_cut(talk.x);
}
