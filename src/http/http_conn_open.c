/*
 * The beginning of a connection.
 */
#include "http/http_conn_open.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "http/http_conn.h"
#include "http/http_conn_memory.h"
#include "http/http_route.h"

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
	http_conn_counted(server);
	return conn;
}

void http_conn_open(struct http_server *server, int fd, enum http_listening listening,
		    const char *peer, bool over_limit)
{
	static const struct http_refusal overloaded = {
		503, "overloaded", "There are too many connections; try again soon."
	};
	struct http_conn *conn = conn_new(server, fd, fd);

	conn->is_socket = true;
	conn->listening = listening;
	conn->refused = over_limit;
	if (!str_copy(str_of(peer), conn->peer, sizeof(conn->peer)))
		conn->peer[0] = '\0';
	watch_start(server->loop, &conn->watch, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
		    http_conn_ready);
	if (over_limit) {
		server->inner->refused++;
		http_conn_counted(server);
		http_conn_take_work(conn);
		conn_enter(conn, CONN_HEAD);
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

void http_conn_adopt(struct http_server *server, int fd_in, int fd_out,
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
			    EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, http_conn_ready);
	if (fd_out != fd_in && can_be_watched(fd_out))
		watch_start(server->loop, &adopted->out_watch, fd_out, EPOLLOUT | EPOLLET,
			    http_conn_out_ready);
	http_conn_wake(conn);
}
