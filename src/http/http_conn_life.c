/*
 * Birth and death of a connection, the memory that it holds in between, and what wakes it.
 */
#include "http/http_conn.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

/* ---- what a request needs ---- */

void http_conn_start_request(struct http_conn *conn)
{
	struct http_work *work = conn->work;
	struct exchange *x = &work->x;

	http_parse_start(&work->parse, &x->request);
	x->route = NULL;
	x->parked = NULL;
	x->id[0] = '\0';
	x->status = 0;
	x->sent_bytes = 0;
	work->in_used = 0;
	work->body_len = 0;
	work->reading_since_ms = loop_now_ms(conn->server->loop);
	work->reply = REPLY_NONE;
	work->closes = work->body_unread = false;
}

void http_conn_take_work(struct http_conn *conn)
{
	struct http_server_inner *inner = conn->server->inner;
	struct http_work *work = http_pool_take(&inner->works);

	conn->work = work;
	work->conn = conn;
	work->x.server = conn->server;
	work->x.over_unix = conn->over_unix;
	memcpy(work->x.peer, conn->peer, sizeof(conn->peer));
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
		struct http_request *request = &work->x.request;

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
 * Clients that send heads byte by byte, thousands at a time, are an old attack: each of them costs
 * what it sent and no block.  The slices of the parser end here; it begins again with what is put back.
 */
void http_conn_stash(struct http_conn *conn)
{
	const struct http_work *work = conn->work;
	struct http_stash *stash;

	if (work->in_len > STASH_MAX)
		return;
	stash = xmalloc(sizeof(*stash) + work->in_len);
	stash->reading_since_ms = work->reading_since_ms;
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
	conn->stash = NULL;
	free(stash);
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
	if (x->status && conn->server->app->ended)
		conn->server->app->ended(x);
	sending_release(&work->sending);
	if (work->owns_body)
		buf_release(&work->body);
	work->owns_body = false;
}

/* ---- events ---- */

static void ready(struct watch *watch, uint32_t events)
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

static void out_ready(struct watch *watch, uint32_t events)
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

/* ---- birth ---- */

static struct http_conn *conn_new(struct http_server *server, int fd_in, int fd_out)
{
	struct http_conn *conn = xcalloc(1, sizeof(*conn));

	conn->server = server;
	conn->fd_in = fd_in;
	conn->fd_out = fd_out;
	conn->writable = true;
	conn->deadline_at_ms = INT64_MAX;
	list_init(&conn->awake);
	list_append(&server->inner->conns, &conn->link);
	server->inner->connections++;
	return conn;
}

void http_conn_open(struct http_server *server, int fd, bool over_unix, const char *peer,
		    bool over_limit)
{
	static const struct http_refusal overloaded = {
		503, "overloaded", "There are too many connections; try again soon."
	};
	struct http_conn *conn = conn_new(server, fd, fd);

	conn->is_socket = true;
	conn->over_unix = over_unix;
	conn->refused = over_limit;
	if (!str_copy(str_of(peer), conn->peer, sizeof(conn->peer)))
		conn->peer[0] = '\0';
	watch_start(server->loop, &conn->watch, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
		    ready);
	if (over_limit) {
		server->inner->refused++;
		http_conn_take_work(conn);
		http_refuse(conn, &overloaded, NULL, false);
	}
	http_conn_run(conn);
}

/* Regular files and the like are always ready, and epoll does not take them. */
static bool can_be_watched(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 &&
	       (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode) || isatty(fd));
}

static bool is_socket(int fd)
{
	int type;
	socklen_t size = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0;
}

void http_server_adopt(struct http_server *server, int fd_in, int fd_out,
		       void (*ended)(struct http_server *))
{
	struct http_conn *conn = conn_new(server, fd_in, fd_out);
	struct http_adopted *adopted = xcalloc(1, sizeof(*adopted));

	conn->adopted = adopted;
	conn->is_socket = is_socket(fd_in) && is_socket(fd_out);
	conn->readable = true;
	adopted->conn = conn;
	adopted->ended = ended;
	adopted->in_flags = fcntl(fd_in, F_GETFL);
	adopted->out_flags = fcntl(fd_out, F_GETFL);
	fcntl(fd_in, F_SETFL, adopted->in_flags | O_NONBLOCK);
	fcntl(fd_out, F_SETFL, adopted->out_flags | O_NONBLOCK);
	if (can_be_watched(fd_in))
		watch_start(server->loop, &conn->watch, fd_in,
			    EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, ready);
	if (fd_out != fd_in && can_be_watched(fd_out))
		watch_start(server->loop, &adopted->out_watch, fd_out, EPOLLOUT | EPOLLET,
			    out_ready);
	http_conn_wake(conn);
}

/* ---- death ---- */

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
	conn->state = CONN_ENDED;
	if (conn->work) {
		http_conn_end_exchange(conn);
		http_conn_give_work(conn);
	}
	free(conn->stash);
	conn->stash = NULL;
	timer_stop(&conn->timer);
	leave_descriptors(conn);
	list_remove(&conn->awake);
	list_remove(&conn->link);
	if (conn->adopted && conn->adopted->ended)
		conn->adopted->ended(server);
	loop_reap(server->loop, &conn->reap, released);
	http_server_left(server, conn->refused);
}
