/*
 * What a connection does by itself, whatever its state: hold memory and give it back, wake, send
 * what is ready, end.
 */
#include "http/http_conn_memory.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/mem.h"
#include "http/upgrade.h"

/* ---- what a request needs ---- */

void http_conn_start_request(struct http_conn *conn)
{
	struct http_work *work = conn->work;
	struct exchange *x = &work->x;

	http_parse_start(&work->parse, &x->request);
	x->route = NULL;
	x->parked = NULL;
	x->id[0] = '\0';
	x->about[0] = '\0';
	x->note = NULL;
	x->began_at_ms = loop_now_ms(conn->server->loop);
	x->source = x->outcome = 0;
	x->ticket = 0;
	x->head_at_us = 0;
	x->status = 0;
	x->sent_bytes = 0;
	x->caller_size = 0;
	work->in_used = 0;
	work->body_len = 0;
	work->reading_since_ms = loop_now_ms(conn->server->loop);
	work->is_admitted = work->has_whole_body = false;
	work->reply = REPLY_NONE;
	work->closes = work->body_unread = false;
}

/* Texts are compared for it: not for each request. */
static bool is_trusted(struct http_conn *conn, const struct exchange *x)
{
	const struct http_app *app = conn->server->app;

	if (conn->trust == TRUST_UNASKED)
		conn->trust = app->trusts && app->trusts(x) ? TRUST_YES : TRUST_NO;
	return conn->trust == TRUST_YES;
}

void http_conn_take_work(struct http_conn *conn)
{
	struct http_server_inner *inner = conn->server->inner;
	struct http_work *work = http_pool_take(&inner->works);

	conn->work = work;
	work->conn = conn;
	work->x.server = conn->server;
	work->x.over_unix = conn->listening != HTTP_LISTEN_TCP;
	work->x.over_admin = conn->listening == HTTP_LISTEN_ADMIN;
	memcpy(work->x.peer, conn->peer, sizeof(conn->peer));
	work->x.is_trusted = is_trusted(conn, &work->x);
	work->in = http_pool_take(&inner->blocks);
	work->in_len = 0;
	work->out = NULL;
	work->owns_body = false;
	sending_start(&work->sending);
	http_conn_start_request(conn);
}

static void give_block(struct http_conn *conn, char **block)
{
	http_pool_give(&conn->server->inner->blocks, *block);
	*block = NULL;
}

void http_conn_give_work(struct http_conn *conn)
{
	give_block(conn, &conn->work->in);
	give_block(conn, &conn->work->out);
	http_pool_give(&conn->server->inner->works, conn->work);
	conn->work = NULL;
}

/*
 * While a long body goes out, at the pace of a listener, a connection keeps no block it does not
 * need.  The slices of the request are gone with it: they were good until the reply.
 */
void http_conn_shed_blocks(struct http_conn *conn)
{
	struct http_work *work = conn->work;

	if (work->in && work->in_used == work->in_len && !work->owns_body) {
		const struct http_app *app = conn->server->app;
		struct http_request *request = &work->x.request;

		if (app->shed)
			app->shed(&work->x);
		request->method_text = request->target = request->path = request->body = STR("");
		request->query = STR_NONE;
		request->header_count = 0;
		memset(request->known, 0, sizeof(request->known));
		memset(request->params, 0, sizeof(request->params));
		work->in_len = work->in_used = 0;
		give_block(conn, &work->in);
	}
	if (work->out && !sending_has_text(&work->sending))
		give_block(conn, &work->out);
}

#define STASH_MAX 2048 /* of more, a block is kept: it would have to be read again too often */

/*
 * Clients that send heads or bodies byte by byte, thousands at a time, are an old attack: each of them
 * costs what it sent and no block.  The slices of the parser end here; it begins again with what is put back.
 */
void http_conn_stash(struct http_conn *conn)
{
	const struct http_work *work = conn->work;
	struct http_stash *stash;

	if (work->in_len > STASH_MAX)
		return;
	stash = xmalloc(sizeof(*stash) + work->in_len);
	stash->reading_since_ms = work->reading_since_ms;
	stash->began_at_ms = work->x.began_at_ms;
	memcpy(stash->id, work->x.id, sizeof(stash->id));
	stash->head_at_us = work->x.head_at_us;
	stash->caller_size = work->x.caller_size;
	memcpy(stash->caller, work->x.caller, stash->caller_size);
	stash->len = (uint32_t)work->in_len;
	memcpy(stash->bytes, work->in, work->in_len);
	conn->stash = stash;
	http_conn_give_work(conn);
}

void http_conn_unstash(struct http_conn *conn)
{
	struct http_stash *stash = conn->stash;

	http_conn_take_work(conn);
	memcpy(conn->work->in, stash->bytes, stash->len);
	conn->work->in_len = stash->len;
	conn->work->reading_since_ms = stash->reading_since_ms;
	conn->work->x.began_at_ms = stash->began_at_ms;
	memcpy(conn->work->x.id, stash->id, sizeof(stash->id));
	conn->work->x.head_at_us = stash->head_at_us;
	conn->work->x.caller_size = stash->caller_size;
	memcpy(conn->work->x.caller, stash->caller, stash->caller_size);
	conn->stash = NULL;
	free(stash);
}

/* A connection that ends before a request has come, of which there is no id, is nobody's request. */
static void tell_product(const struct http_app *app, struct exchange *x)
{
	if (x->status && app->ended)
		app->ended(x);
	if (!x->status && x->id[0] && app->abandoned)
		app->abandoned(x);
}

/* The exchange is over, well or not: tell whoever waits, and forget it. */
void http_conn_end_exchange(struct http_conn *conn)
{
	struct http_work *work = conn->work;
	struct exchange *x = &work->x;
	struct parked *parked = x->parked;

	x->parked = NULL;
	if (parked)
		parked->gone(parked);
	tell_product(conn->server->app, x);
	sending_release(&work->sending);
	if (work->owns_body)
		buf_release(&work->body);
	work->owns_body = false;
}

void http_conn_end_upgraded(struct http_conn *conn)
{
	struct upgraded *upgraded = conn->upgraded;

	conn->upgraded = NULL;
	if (!upgraded)
		return;
	buf_release(&upgraded->waiting);
	upgraded->gone(upgraded);
}

/* ---- waking ---- */

static void run_awake(struct timer *timer)
{
	struct http_server_inner *inner =
		container_of(timer, struct http_server_inner, awake_timer);
	struct list now, *first;

	/* Those that wake meanwhile run in the turn after. */
	list_init(&now);
	if (!list_is_empty(&inner->awake)) {
		list_insert_between(inner->awake.prev, &inner->awake, &now);
		list_remove(&inner->awake);
	}
	while ((first = list_first(&now))) {
		list_remove(first);
		inner->run(container_of(first, struct http_conn, awake));
	}
}

void http_conn_wake(struct http_conn *conn)
{
	struct http_server_inner *inner = conn->server->inner;

	if (!list_is_empty(&conn->awake))
		return;
	list_append(&inner->awake, &conn->awake);
	if (!timer_is_on(&inner->awake_timer))
		timer_start(conn->server->loop, &inner->awake_timer, 0, run_awake);
}

/* ---- sending ---- */

void http_conn_send(struct http_conn *conn)
{
	struct http_work *work = conn->work;
	bool was_full = conn->state == CONN_SENDING && work->sent == SENDING_FULL;
	int64_t now_ms = loop_now_ms(conn->server->loop);
	bool moved;

	if (conn->state != CONN_SENDING)
		conn_enter(conn, CONN_SENDING);
	work->sent = sending_run(&work->sending, conn->fd_out, conn->is_socket, &moved);
	work->x.sent_bytes = work->sending.body_sent;
	if (moved)
		work->last_sent_at_ms = now_ms;
	if (moved || !was_full)
		work->full_since_ms = now_ms;
	if (work->sent == SENDING_FULL)
		conn->writable = false;
	if (!conn->running)
		http_conn_wake(conn);
}

/* ---- the end ---- */

static void released(struct reap *reap)
{
	struct http_conn *conn = container_of(reap, struct http_conn, reap);

	free(conn->adopted);
	free(conn);
}

static void leave_descriptors(struct http_conn *conn)
{
	struct http_adopted *adopted = conn->adopted;

	watch_stop(&conn->watch);
	if (!adopted) {
		close(conn->fd_in);
		return;
	}
	watch_stop(&adopted->out_watch);
	fcntl(conn->fd_in, F_SETFL, adopted->in_flags);
	fcntl(conn->fd_out, F_SETFL, adopted->out_flags);
}

void http_conn_end(struct http_conn *conn)
{
	struct http_server *server = conn->server;

	if (conn->state == CONN_ENDED)
		return;
	conn_enter(conn, CONN_ENDED);
	if (conn->work) {
		http_conn_end_exchange(conn);
		http_conn_give_work(conn);
	}
	http_conn_end_upgraded(conn);
	free(conn->stash);
	conn->stash = NULL;
	timer_stop(&conn->timer);
	leave_descriptors(conn);
	list_remove(&conn->awake);
	list_remove(&conn->link);
	if (conn->adopted && conn->adopted->ended)
		conn->adopted->ended(server);
	loop_reap(server->loop, &conn->reap, released);
	server->inner->left(server, conn->refused);
}
