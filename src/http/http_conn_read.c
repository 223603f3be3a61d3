#include "http/http_conn_read.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/http_conn_memory.h"

enum read_result conn_read(struct http_conn *conn, char *to, size_t size, size_t *out_len)
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

enum read_result conn_read_on(struct http_conn *conn)
{
	struct http_work *work = conn->work;
	size_t n = 0;
	enum read_result result =
		conn_read(conn, work->in + work->in_len, HTTP_BLOCK_SIZE - work->in_len, &n);

	work->in_len += n;
	return result;
}
