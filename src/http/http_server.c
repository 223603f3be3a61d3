#include "http/http_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "http/http_conn.h"
#include "http/http_conn_memory.h"
#include "http/http_conn_open.h"
#include "http/http_route.h"

#define ACCEPTS_A_TURN  16  /* few, so that one loop does not take all that wait */
#define ACCEPT_PAUSE_MS 200 /* when descriptors are used up */
#define CROWD_LOOK_MS   200 /* how often a loop that refuses looks whether there is room again */
#define REFUSED_AT_ONCE_MAX \
	256 /* connections over the limit that are told so; more are just closed */
#define MANY_CONNECTIONS 1000
#define TRIM_AFTER_MS    1000 /* for the others of a crowd to leave, too */
#define QUIET_MS \
	250 /* what a client that waits to send its next request may take to, once the server stops */
#define FAREWELL_MS 100 /* for the last replies to leave */
#define WORKS_KEPT  256
#define BLOCKS_KEPT 256

/* ---- accepting ---- */

static void listener_ready(struct watch *watch, uint32_t events);

static void listener_watch(struct http_listener *listener, int fd)
{
	/* Level-triggered: what one turn leaves is told again.  Exclusive: one loop is woken, not all. */
	watch_start(listener->server->loop, &listener->watch, fd, EPOLLIN | EPOLLEXCLUSIVE,
		    listener_ready);
}

static void accept_again(struct timer *timer)
{
	struct http_server_inner *inner =
		container_of(timer, struct http_server_inner, accept_timer);

	LIST_EACH (item, &inner->listeners) {
		struct http_listener *listener = container_of(item, struct http_listener, link);

		if (listener->paused)
			listener_watch(listener, listener->watch.fd);
		listener->paused = false;
	}
}

/* Out of descriptors or memory: the socket would stay ready, and we would spin.  Wait for others to end. */
static void pause_accepting(struct http_listener *listener)
{
	struct http_server_inner *inner = listener->server->inner;

	log_debug(NULL, "accept fails (%s): paused for %d ms", strerror(errno), ACCEPT_PAUSE_MS);
	watch_stop(&listener->watch);
	listener->paused = true;
	if (!timer_is_on(&inner->accept_timer))
		timer_start(listener->server->loop, &inner->accept_timer, ACCEPT_PAUSE_MS,
			    accept_again);
}

static void describe_peer(const struct sockaddr_storage *address, char *text, socklen_t size)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	text[0] = '\0';
	if (address->ss_family == AF_INET) {
		memcpy(&v4, address, sizeof(v4));
		inet_ntop(AF_INET, &v4.sin_addr, text, size);
	} else if (address->ss_family == AF_INET6) {
		memcpy(&v6, address, sizeof(v6));
		/* ::ffff:192.0.2.1 is 192.0.2.1 to whoever wrote a list of trusted proxies. */
		if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr))
			inet_ntop(AF_INET, &v6.sin6_addr.s6_addr[12], text, size);
		else
			inet_ntop(AF_INET6, &v6.sin6_addr, text, size);
	}
}

static void look_for_room(struct timer *timer);

/* The product is told when it begins and when a good part is free again, not at each step across the limit. */
static void tell_crowded(struct http_server *server, bool is_crowded)
{
	struct http_server_inner *inner = server->inner;

	if (inner->is_crowded == is_crowded)
		return;
	inner->is_crowded = is_crowded;
	if (is_crowded)
		timer_start(server->loop, &inner->crowd_timer, CROWD_LOOK_MS, look_for_room);
	if (server->app->crowded)
		server->app->crowded(server, is_crowded);
}

/* The descriptor that the next connection would get; -1 when there is none. */
static int next_descriptor(const struct http_server *server)
{
	struct list *first = list_first(&server->inner->listeners);
	int listen_fd = container_of(first, struct http_listener, link)->watch.fd;
	int fd = fcntl(listen_fd, F_DUPFD_CLOEXEC, 0);

	if (fd >= 0)
		close(fd);
	return fd;
}

/*
 * Not left to accepting: the next connection may never come, or come to another loop.  Nor to
 * connections that close here: descriptors may be given back by other loops.
 */
static void look_for_room(struct timer *timer)
{
	struct http_server_inner *inner =
		container_of(timer, struct http_server_inner, crowd_timer);
	const struct http_options *options = &inner->server->options;
	unsigned taken = http_server_connections(inner->server);
	int fd = next_descriptor(inner->server);

	if (taken <= options->connections_max / 8 * 7 && fd >= 0 &&
	    fd <= options->connection_fd_max / 8 * 7)
		tell_crowded(inner->server, false);
	else
		timer_start(inner->server->loop, timer, CROWD_LOOK_MS, look_for_room);
}

/* The administrator's socket is never closed to him. */
static bool is_over_limit(const struct http_listener *listener, int fd)
{
	struct http_server *server = listener->server;
	const struct http_options *options = &server->options;
	unsigned taken = http_server_connections(server);

	if (listener->listening == HTTP_LISTEN_ADMIN)
		return false;
	if (taken >= options->connections_max || fd > options->connection_fd_max) {
		tell_crowded(server, true);
		return true;
	}
	return false;
}

/* Those who are told that they are too many take descriptors, too: at most half of what is between. */
static bool may_be_told(const struct http_server *server, int fd)
{
	const struct http_options *options = &server->options;
	int over = options->file_fd_max - options->connection_fd_max;

	return server->inner->refused < REFUSED_AT_ONCE_MAX &&
	       fd <= options->connection_fd_max + over / 2;
}

static void accepted(struct http_listener *listener, int fd, const struct sockaddr_storage *address)
{
	struct http_server *server = listener->server;
	bool over_limit = is_over_limit(listener, fd);
	char peer[INET6_ADDRSTRLEN];

	if (over_limit)
		counter_add(&server->counts.connections_refused, 1);
	if (over_limit && !may_be_told(server, fd)) {
		close(fd);
		return;
	}
	describe_peer(address, peer, sizeof(peer));
	http_conn_open(server, fd, listener->listening, peer, over_limit);
}

static void listener_ready(struct watch *watch, uint32_t events)
{
	struct http_listener *listener = container_of(watch, struct http_listener, watch);

	for (unsigned i = 0; i < ACCEPTS_A_TURN; i++) {
		struct sockaddr_storage address = { 0 };
		socklen_t len = sizeof(address);
		int fd = accept4(watch->fd, (struct sockaddr *)&address, &len,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			accepted(listener, fd, &address);
			continue;
		}
		if (errno == EAGAIN || errno == EWOULDBLOCK)
			return;
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			pause_accepting(listener);
			return;
		}
		/* Anything else is about that one connection, which has gone already. */
	}
}

void http_server_listen(struct http_server *server, int listen_fd, enum http_listening listening)
{
	struct http_listener *listener = xcalloc(1, sizeof(*listener));
	int on = 1;

	/* Accepted sockets inherit it, which saves a call for each. */
	if (listening == HTTP_LISTEN_TCP)
		setsockopt(listen_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	listener->server = server;
	listener->listening = listening;
	list_append(&server->inner->listeners, &listener->link);
	listener_watch(listener, listen_fd);
}

void http_server_adopt(struct http_server *server, int fd_in, int fd_out,
		       void (*ended)(struct http_server *))
{
	http_conn_adopt(server, fd_in, fd_out, ended);
}

static void stop_listening(struct http_server *server)
{
	timer_stop(&server->inner->accept_timer);
	timer_stop(&server->inner->crowd_timer);
	LIST_EACH (item, &server->inner->listeners) {
		struct http_listener *listener = container_of(item, struct http_listener, link);

		watch_stop(&listener->watch);
		list_remove(item);
		free(listener);
	}
}

/* ---- life ---- */

static void end_all(struct http_server *server)
{
	LIST_EACH (item, &server->inner->conns)
		http_conn_end(container_of(item, struct http_conn, link));
}

/*
 * Clients whose request was read and not answered yet are told so: behind a proxy a connection that only ends is a
 * 502, and says nothing about trying again.
 */
static void refuse_waiting(struct http_server *server)
{
	static const struct http_refusal stopping = {
		503, "overloaded", "The server is being restarted; try again soon."
	};

	LIST_EACH (item, &server->inner->conns) {
		struct http_conn *conn = container_of(item, struct http_conn, link);
		struct parked *parked;

		if (conn->state != CONN_PARKED && conn->state != CONN_ADMITTING)
			continue;
		parked = TAKE(conn->work->x.parked);
		if (parked)
			parked->gone(parked);
		http_refuse(conn, &stopping, NULL,
			    conn->state == CONN_PARKED || conn->work->has_whole_body);
	}
}

static void end_the_idle(struct timer *timer)
{
	struct http_server_inner *inner =
		container_of(timer, struct http_server_inner, quiet_timer);

	inner->ends_idle = true;
	LIST_EACH (item, &inner->conns) {
		struct http_conn *conn = container_of(item, struct http_conn, link);

		if (conn->state == CONN_IDLE)
			http_conn_run(conn);
	}
}

/* From a timer, so that whoever is told may free the server. */
static void all_left(struct timer *timer)
{
	struct http_server_inner *inner = container_of(timer, struct http_server_inner, stop_timer);

	if (inner->connections > 0 && !inner->was_refused) {
		inner->was_refused = true;
		timer_start(inner->server->loop, timer, FAREWELL_MS, all_left);
		refuse_waiting(inner->server);
		return;
	}
	if (inner->connections > 0) {
		end_all(inner->server);
		return; /* the last one starts this timer again */
	}
	timer_stop(&inner->quiet_timer);
	if (inner->stopped)
		inner->stopped(inner->server);
}

static void give_memory_back(struct timer *timer)
{
	struct http_server_inner *inner = container_of(timer, struct http_server_inner, trim_timer);

	inner->most_connections = inner->connections;
	mem_give_back();
}

static void left(struct http_server *server, bool was_refused)
{
	struct http_server_inner *inner = server->inner;

	/* What thousands held stays with the allocator, page by page among what others hold. */
	if (inner->connections > inner->most_connections)
		inner->most_connections = inner->connections;
	if (inner->most_connections >= MANY_CONNECTIONS && !timer_is_on(&inner->trim_timer) &&
	    inner->connections <= inner->most_connections / 4)
		timer_start(server->loop, &inner->trim_timer, TRIM_AFTER_MS, give_memory_back);
	inner->connections--;
	if (was_refused)
		inner->refused--;
	http_conn_counted(server);
	if (inner->stopping && inner->connections == 0)
		timer_start(server->loop, &inner->stop_timer, 0, all_left);
}

bool http_server_open(struct loop *loop, const struct http_app *app, struct http_local *local,
		      const struct http_options *options, struct http_server **out, struct err *err)
{
	struct http_server *server = xcalloc(1, sizeof(*server));
	struct http_server_inner *inner = xcalloc(1, sizeof(*inner));

	*server = (struct http_server){
		.loop = loop, .app = app, .local = local, .options = *options, .inner = inner
	};
	inner->server = server;
	inner->run = http_conn_run;
	inner->left = left;
	list_init(&inner->listeners);
	list_init(&inner->conns);
	list_init(&inner->awake);
	http_pool_init(&inner->works, sizeof(struct http_work), WORKS_KEPT);
	http_pool_init(&inner->blocks, HTTP_BLOCK_SIZE, BLOCKS_KEPT);
	inner->date_s = -1;
	/* send() can be told not to raise it, sendfile() cannot: a client that leaves must not end the process. */
	signal(SIGPIPE, SIG_IGN);
	random_bytes(inner->id_key, sizeof(inner->id_key));
	*out = server;
	return true;
}

void http_server_stop(struct http_server *server, void (*stopped)(struct http_server *server))
{
	struct http_server_inner *inner = server->inner;

	int64_t timeout_ms = server->options.stop_timeout_ms;

	inner->stopping = true;
	inner->stopped = stopped;
	stop_listening(server);
	timer_start(server->loop, &inner->stop_timer, inner->connections > 0 ? timeout_ms : 0,
		    all_left);
	timer_start(server->loop, &inner->quiet_timer, timeout_ms < QUIET_MS ? 0 : QUIET_MS,
		    end_the_idle);
	/* Upgraded ones end once what waits is sent; all others with their reply, or when none is asked for. */
	LIST_EACH (item, &inner->conns) {
		struct http_conn *conn = container_of(item, struct http_conn, link);

		if (conn->state == CONN_UPGRADED)
			http_conn_run(conn);
	}
}

void http_server_free(struct http_server *server)
{
	if (!server)
		return;

	struct http_server_inner *inner = server->inner;

	stop_listening(server);
	end_all(server);
	timer_stop(&inner->awake_timer);
	timer_stop(&inner->stop_timer);
	timer_stop(&inner->quiet_timer);
	timer_stop(&inner->trim_timer);
	http_pool_release(&inner->works);
	http_pool_release(&inner->blocks);
	free(inner);
	free(server);
}

unsigned http_server_connections(const struct http_server *server)
{
	return server->inner->connections - server->inner->refused;
}
