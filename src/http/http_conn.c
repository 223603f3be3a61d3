/*
 * One connection, from its first byte to its end.
 *
 * Which state may follow which: http_conn_enter.h.  Everything that may unblock a connection calls
 * http_conn_run(), which steps until it must wait.
 *
 * The descriptor is registered once, edge-triggered, for everything.  So `readable` and `writable` are
 * ours to remember: an edge sets them, a call that found nothing more clears them.  A recv() that gives less
 * than it could has drained the socket, which saves the second one that would only say EAGAIN; unless the
 * client has ended, because that is no further edge.
 *
 * One request at a time: what a client sends ahead stays in the block, and in the socket, until the reply
 * is out.  A turn takes at most TURN_STEPS steps, then others have theirs.
 *
 * Time: one timer a connection, which looks at deadline_at_ms when it fires.  A request on a
 * connection that is kept alive only moves the deadline on, and starts no timer.  A body must keep
 * a pace of BODY_PACE bytes a millisecond once body_timeout_ms is used up.
 *
 * Bodies are in http_body.c, finding the route and refusing in http_route.c, memory, sending and the end in
 * http_conn_memory.c, the beginning in http_conn_open.c.
 *
 * Nothing here calls a route, or gone(), or ended(), below reply_*() or exchange_*(): those only
 * set the state, and the loop comes back.
 */
#include "http/http_conn.h"

#include <assert.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/http_body.h"
#include "http/http_conn_memory.h"
#include "http/http_request_id.h"
#include "http/http_route.h"
#include "http/upgrade.h"

#define TURN_STEPS       64
#define BODY_PACE        1                 /* bytes a millisecond: 1 KiB/s */
#define LINGER_MS        5000              /* for the client to read the answer and to end */
#define LINGER_BYTES_MAX (4 * 1024 * 1024) /* of what it sends meanwhile */
#define NO_DEADLINE      INT64_MAX

enum step_result { STEP_NEXT, STEP_WAIT };
enum read_result { READ_SOME, READ_NONE, READ_END, READ_FAILED };

static const struct http_refusal bad_body = { 400, "bad_request",
					      "The body of the request is malformed." };

static int64_t now_ms(const struct http_conn *conn)
{
	return loop_now_ms(conn->server->loop);
}

/* ---- time ---- */

static void timed_out(struct http_conn *conn);

static void timer_fired(struct timer *timer)
{
	struct http_conn *conn = container_of(timer, struct http_conn, timer);
	int64_t left_ms = conn->deadline_at_ms - now_ms(conn);

	if (conn->deadline_at_ms == NO_DEADLINE)
		return;
	if (left_ms > 0)
		timer_start(conn->server->loop, timer, left_ms, timer_fired);
	else
		timed_out(conn);
}

static void set_deadline(struct http_conn *conn, int64_t at_ms)
{
	conn->deadline_at_ms = at_ms;
	if (at_ms == NO_DEADLINE || (timer_is_on(&conn->timer) && conn->timer.at_ms <= at_ms))
		return;
	timer_start(conn->server->loop, &conn->timer, at_ms - now_ms(conn), timer_fired);
}

static void unstash_body(struct http_conn *conn);

static void timed_out(struct http_conn *conn)
{
	static const struct http_refusal slow_head = { 408, "too_slow",
						       "The request did not arrive in time." };
	static const struct http_refusal slow_body = {
		408, "too_slow", "The body of the request did not arrive in time."
	};

	switch (conn->state) {
	case CONN_HEAD:
		if (conn->stash)
			http_conn_unstash(conn);
		http_refuse(conn, &slow_head, NULL, false);
		http_conn_run(conn);
		break;
	case CONN_BODY:
		if (conn->stash)
			unstash_body(conn);
		http_refuse(conn, &slow_body, NULL, false);
		http_conn_run(conn);
		break;
	case CONN_IDLE:
	case CONN_ADMITTING:
	case CONN_PARKED:
	case CONN_SENDING:
	case CONN_LINGERING:
	case CONN_UPGRADED:
	case CONN_ENDED:
		http_conn_end(conn);
		break;
	}
}

/* ---- reading ---- */

/* *out_len is set with READ_SOME alone. */
static enum read_result read_into(struct http_conn *conn, char *to, size_t size, size_t *out_len)
{
	ssize_t n;

	do {
		n = conn->is_socket ? recv(conn->fd_in, to, size, 0) : read(conn->fd_in, to, size);
	} while (n < 0 && errno == EINTR);
	if (n > 0) {
		if ((size_t)n < size && conn->is_socket && !conn->saw_end)
			conn->readable = false;
		*out_len = (size_t)n;
		return READ_SOME;
	}
	if (n == 0)
		return READ_END;
	conn->readable = false;
	return errno == EAGAIN || errno == EWOULDBLOCK ? READ_NONE : READ_FAILED;
}

/* Behind what the block holds. */
static enum read_result read_on(struct http_conn *conn)
{
	struct http_work *work = conn->work;
	size_t n = 0;
	enum read_result result =
		read_into(conn, work->in + work->in_len, HTTP_BLOCK_SIZE - work->in_len, &n);

	work->in_len += n;
	return result;
}

/* ---- one function a state ---- */

static enum step_result end(struct http_conn *conn)
{
	http_conn_end(conn);
	return STEP_WAIT;
}

static enum step_result refuse(struct http_conn *conn, const struct http_refusal *why)
{
	http_refuse(conn, why, NULL, false);
	return STEP_NEXT;
}

/* "100 Continue", if the client waits for it.  So few bytes always fit, or the client is not worth it. */
static bool tell_continue(struct http_conn *conn)
{
	static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
	const struct http_work *work = conn->work;
	ssize_t n;

	if (!work->parse.expects_continue || work->in_len > work->in_used)
		return true;
	n = conn->is_socket ? send(conn->fd_out, text, sizeof(text) - 1, MSG_NOSIGNAL)
			    : write(conn->fd_out, text, sizeof(text) - 1);
	return n == sizeof(text) - 1;
}

/*
 * While the server stops: is it time, and has nothing come?  A request that is in the socket already, and that the loop
 * was not told of yet, would be lost with the connection, and not every client may send it again.
 */
static bool is_left_idle(struct http_conn *conn)
{
	char byte;

	if (!conn->server->inner->ends_idle)
		return false;
	if (!conn->readable && conn->is_socket &&
	    recv(conn->fd_in, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0)
		conn->readable = true;
	return !conn->readable;
}

static enum step_result step_idle(struct http_conn *conn)
{
	if (!conn->work) {
		if (conn->server->inner->stopping && is_left_idle(conn))
			return end(conn);
		if (!conn->readable) {
			set_deadline(conn,
				     now_ms(conn) + conn->server->options.keepalive_timeout_ms);
			return STEP_WAIT;
		}
		http_conn_take_work(conn);
	}
	conn_enter(conn, CONN_HEAD);
	return STEP_NEXT;
}

static enum step_result head_is_whole(struct http_conn *conn)
{
	const struct http_app *app = conn->server->app;
	struct http_work *work = conn->work;

	work->in_used = work->parse.head_len;
	work->x.head_at_us = loop_now_us(conn->server->loop);
	if (app->expect)
		app->expect(&work->x);
	http_request_name(&work->x);
	http_find_route(conn);
	return STEP_NEXT;
}

static enum step_result step_admitting(struct http_conn *conn)
{
	struct http_work *work = conn->work;

	if (!work->is_admitted) {
		set_deadline(conn, NO_DEADLINE); /* how long is the product's to say */
		return STEP_WAIT;
	}
	http_admitted(conn);
	if (conn->state == CONN_BODY) {
		http_body_start(work);
		work->reading_since_ms = now_ms(conn);
		if (!tell_continue(conn))
			return end(conn);
	}
	return STEP_NEXT;
}

/* The same bytes give the same head and the same route as before; nothing is decided anew. */
static void unstash_body(struct http_conn *conn)
{
	const struct http_app *app = conn->server->app;
	enum http_parse_result parsed;
	enum router_result found;
	struct http_work *work;
	unsigned methods;

	http_conn_unstash(conn);
	work = conn->work;
	parsed = http_parse_head(&work->parse, &work->x.request, work->in, work->in_len);
	found = router_find(app->routes, app->route_count, &work->x.request, &work->x.route,
			    &methods);
	assert(parsed == HTTP_PARSE_DONE && found == ROUTER_FOUND);
	work->in_used = work->parse.head_len;
	http_body_start(work);
}

static enum step_result step_head(struct http_conn *conn)
{
	struct http_work *work;

	if (conn->stash) {
		if (!conn->readable)
			return STEP_WAIT;
		http_conn_unstash(conn);
	}
	work = conn->work;
	if (work->in_len > 0) {
		switch (http_parse_head(&work->parse, &work->x.request, work->in, work->in_len)) {
		case HTTP_PARSE_DONE:
			return head_is_whole(conn);
		case HTTP_PARSE_REFUSED:
			return refuse(conn, &work->parse.refusal);
		case HTTP_PARSE_MORE:
			break;
		}
	}
	if (!conn->readable) {
		if (work->in_len == 0) { /* nothing at all: idle, after all */
			http_conn_give_work(conn);
			conn_enter(conn, CONN_IDLE);
			return STEP_NEXT;
		}
		set_deadline(conn, work->reading_since_ms + conn->server->options.head_timeout_ms);
		http_conn_stash(conn);
		return STEP_WAIT;
	}
	switch (read_on(conn)) {
	case READ_SOME:
	case READ_NONE:
		return STEP_NEXT;
	case READ_END:
	case READ_FAILED:
		break;
	}
	return end(conn);
}

static enum step_result step_body(struct http_conn *conn)
{
	struct http_work *work;

	if (conn->stash) {
		if (!conn->readable)
			return STEP_WAIT;
		unstash_body(conn);
	}
	work = conn->work;
	switch (http_body_collect(work)) {
	case HTTP_BODY_WHOLE:
		http_body_is_whole(conn);
		return STEP_NEXT;
	case HTTP_BODY_BAD:
		return refuse(conn, &bad_body);
	case HTTP_BODY_TOO_LARGE:
		return refuse(conn, &http_refusal_large_body);
	case HTTP_BODY_MORE:
		break;
	}
	if (!conn->readable) {
		set_deadline(conn, work->reading_since_ms + conn->server->options.body_timeout_ms +
					   (int64_t)(work->body_len / BODY_PACE));
		if (!work->owns_body)
			http_conn_stash(conn);
		return STEP_WAIT;
	}
	switch (read_on(conn)) {
	case READ_SOME:
	case READ_NONE:
		return STEP_NEXT;
	case READ_END: /* the client may still be listening */
		return refuse(conn, &bad_body);
	case READ_FAILED:
		break;
	}
	return end(conn);
}

static enum step_result step_parked(struct http_conn *conn)
{
	set_deadline(conn, NO_DEADLINE); /* how long is the route's to say */
	return STEP_WAIT;
}

static void start_lingering(struct http_conn *conn)
{
	shutdown(conn->fd_out, SHUT_WR);
	conn_enter(conn, CONN_LINGERING);
	conn->lingered_bytes = 0;
	conn->readable = true;
	set_deadline(conn, now_ms(conn) + LINGER_MS);
}

/* The last byte of the reply is with the kernel. */
static enum step_result reply_is_out(struct http_conn *conn)
{
	struct http_work *work = conn->work;
	bool closes = work->closes, unread;
	size_t ahead = work->in_len - work->in_used;

	http_conn_end_exchange(conn);
	if (closes) {
		/* Closing over bytes that nobody read would reset the connection, and the reply with it. */
		unread = work->body_unread || ahead > 0 || (conn->readable && !conn->saw_end);
		http_conn_give_work(conn);
		if (unread && conn->is_socket)
			start_lingering(conn);
		else
			http_conn_end(conn);
		return STEP_NEXT;
	}
	conn_enter(conn, CONN_IDLE);
	if (ahead == 0) {
		http_conn_give_work(conn);
		return STEP_NEXT;
	}
	memmove(work->in, work->in + work->in_used, ahead);
	work->in_len = ahead;
	http_conn_start_request(conn);
	return STEP_NEXT;
}

/* `sent` is how the last try ended. */
static enum step_result step_sending(struct http_conn *conn)
{
	struct http_work *work = conn->work;

	switch (work->sent) {
	case SENDING_DONE:
		return reply_is_out(conn);
	case SENDING_FAILED:
		return end(conn);
	case SENDING_STARVED:
		set_deadline(conn, NO_DEADLINE);
		break;
	case SENDING_FULL:
		if (conn->writable) {
			http_conn_send(conn);
			return STEP_NEXT;
		}
		/* Not from now on: a client that writes without reading runs this step, too. */
		set_deadline(conn, work->full_since_ms + conn->server->options.send_timeout_ms);
		break;
	case SENDING_YIELD:
		/* On the list: this is the turn that it waits in.  Off it: the next one, that it waited for. */
		if (list_is_empty(&conn->awake)) {
			http_conn_send(conn);
			if (work->sent != SENDING_YIELD)
				return STEP_NEXT;
			http_conn_wake(conn);
		}
		break;
	}
	http_conn_shed_blocks(conn);
	return STEP_WAIT;
}

static enum step_result step_lingering(struct http_conn *conn)
{
	char dropped[16384];
	size_t n = 0;

	if (!conn->readable)
		return STEP_WAIT;
	switch (read_into(conn, dropped, sizeof(dropped), &n)) {
	case READ_SOME:
		conn->lingered_bytes += (uint32_t)n;
		if (conn->lingered_bytes <= LINGER_BYTES_MAX)
			return STEP_NEXT;
		break;
	case READ_NONE:
		return STEP_WAIT;
	case READ_END:
	case READ_FAILED:
		break;
	}
	return end(conn);
}

/* The exchange ends with its 101; what came behind the head is for the other protocol. */
static enum step_result leave_http(struct http_conn *conn)
{
	struct http_work *work = conn->work;
	struct str ahead = { work->in + work->in_used, work->in_len - work->in_used };

	set_deadline(conn, NO_DEADLINE);
	http_conn_end_exchange(conn);
	if (ahead.len > 0)
		conn->upgraded->received(conn->upgraded, ahead);
	http_conn_give_work(conn);
	return STEP_NEXT;
}

/* Sends what waits; a client has send_timeout_ms to take some of it. */
static enum step_result send_upgraded(struct http_conn *conn)
{
	struct buf *waiting = &conn->upgraded->waiting;
	ssize_t n;

	n = conn->is_socket ? send(conn->fd_out, waiting->at, waiting->len, MSG_NOSIGNAL)
			    : write(conn->fd_out, waiting->at, waiting->len);
	if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
		return end(conn);
	if (n < 0 && errno != EINTR)
		conn->writable = false;
	if (n > 0)
		buf_drop(waiting, (size_t)n);
	if (waiting->len == 0) { /* an idle one holds no memory */
		buf_release(waiting);
		set_deadline(conn, NO_DEADLINE);
	} else if (n > 0 || conn->deadline_at_ms == NO_DEADLINE) {
		set_deadline(conn, now_ms(conn) + conn->server->options.send_timeout_ms);
	}
	return STEP_NEXT;
}

static enum step_result end_upgraded(struct http_conn *conn)
{
	if (!conn->is_socket)
		return end(conn);
	http_conn_end_upgraded(conn);
	start_lingering(conn);
	return STEP_NEXT;
}

static enum step_result step_upgraded(struct http_conn *conn)
{
	struct upgraded *upgraded = conn->upgraded;
	char bytes[16384];
	size_t n = 0;

	if (conn->work)
		return leave_http(conn);
	if (upgraded->waiting.len > 0 && conn->writable)
		return send_upgraded(conn);
	if (upgraded->waiting.len == 0 && (upgraded->ends || conn->server->inner->stopping))
		return end_upgraded(conn);
	if (!conn->readable || upgraded->ends)
		return STEP_WAIT;
	switch (read_into(conn, bytes, sizeof(bytes), &n)) {
	case READ_SOME:
		upgraded->received(upgraded, (struct str){ bytes, n });
		return STEP_NEXT;
	case READ_NONE:
		return STEP_WAIT;
	case READ_END:
	case READ_FAILED:
		break;
	}
	return end(conn);
}

void http_conn_run(struct http_conn *conn)
{
	static enum step_result (*const step[])(struct http_conn * conn) = {
		[CONN_IDLE] = step_idle,           [CONN_HEAD] = step_head,
		[CONN_ADMITTING] = step_admitting, [CONN_BODY] = step_body,
		[CONN_PARKED] = step_parked,       [CONN_SENDING] = step_sending,
		[CONN_LINGERING] = step_lingering, [CONN_UPGRADED] = step_upgraded,
	};
	unsigned left = TURN_STEPS;

	conn->running = true;
	while (conn->state != CONN_ENDED && step[conn->state](conn) == STEP_NEXT) {
		if (--left == 0) {
			http_conn_wake(conn);
			break;
		}
	}
	conn->running = false;
}

/* ---- the events of its descriptor ---- */

void http_conn_ready(struct watch *watch, uint32_t events)
{
	struct http_conn *conn = container_of(watch, struct http_conn, watch);

	/* Reset, or shut down both ways by the other end: nobody is there to be answered. */
	if (events & (EPOLLHUP | EPOLLERR) && conn->is_socket && conn->fd_in == conn->fd_out &&
	    conn->state != CONN_LINGERING) {
		http_conn_end(conn);
		return;
	}
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		conn->saw_end = true;
	if (events & EPOLLIN || conn->saw_end)
		conn->readable = true;
	if (events & EPOLLOUT)
		conn->writable = true;
	http_conn_run(conn);
}

void http_conn_out_ready(struct watch *watch, uint32_t events)
{
	struct http_adopted *adopted = container_of(watch, struct http_adopted, out_watch);
	struct http_conn *conn = adopted->conn;

	if (events & (EPOLLHUP | EPOLLERR)) {
		http_conn_end(conn);
		return;
	}
	conn->writable = true;
	http_conn_run(conn);
}
