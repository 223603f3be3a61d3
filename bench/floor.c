/*
 * The floor: what the kernel alone takes to send part of a file, with no server around it.
 *
 *	bench-floor FILE FIRST LENGTH
 *
 * Whatever ends in an empty line is answered with the same head, made at the start, and the same
 * bytes of the file: small ones in one send with the head, others by sendfile behind it.  Nothing is
 * read, looked up or checked.  Like callspool it registers each connection once, edge-triggered,
 * and asks for a congestion control that does not pace loopback.  Prints its port.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

#define READY_MAX   64
#define REQUEST_MAX 4096
#define SMALL_BYTES 512 /* so many go with the head */

struct answer {
	char head[256 + SMALL_BYTES];
	size_t head_len;
	int file_fd;
	off_t first, end; /* of what sendfile sends: empty when all went with the head */
};

struct conn {
	int fd;
	off_t next; /* the answer's end: nothing to send */
};

static void must(bool is_well, const char *what)
{
	if (is_well)
		return;
	perror(what);
	exit(1);
}

static void make_answer(struct answer *answer, const char *path, int64_t first, int64_t length)
{
	answer->file_fd = open(path, O_RDONLY | O_CLOEXEC);
	must(answer->file_fd >= 0, path);
	answer->head_len = (size_t)snprintf(
		answer->head, sizeof(answer->head) - SMALL_BYTES,
		"HTTP/1.1 206 Partial Content\r\nContent-Type: audio/mpeg\r\n"
		"Content-Length: %lld\r\nContent-Range: bytes %lld-%lld/999999999\r\n\r\n",
		(long long)length, (long long)first, (long long)(first + length - 1));
	answer->first = answer->end = first + length;
	if (length > SMALL_BYTES) {
		answer->first = first;
		return;
	}
	must(pread(answer->file_fd, answer->head + answer->head_len, (size_t)length, first) ==
		     length,
	     path);
	answer->head_len += (size_t)length;
}

/* False: the connection is over. */
static bool send_rest(struct conn *conn, const struct answer *answer)
{
	while (conn->next < answer->end) {
		ssize_t n = sendfile(conn->fd, answer->file_fd, &conn->next,
				     (size_t)(answer->end - conn->next));

		if (n < 0 && errno == EAGAIN)
			return true;
		if (n <= 0)
			return false;
	}
	return true;
}

static bool serve(struct conn *conn, const struct answer *answer)
{
	int more = answer->first < answer->end ? MSG_MORE : 0;
	char request[REQUEST_MAX];

	if (!send_rest(conn, answer))
		return false;
	while (conn->next == answer->end) {
		ssize_t n = recv(conn->fd, request, sizeof(request), 0);

		if (n < 0 && errno == EAGAIN)
			return true;
		if (n < 4 || memcmp(request + n - 4, "\r\n\r\n", 4) != 0)
			return false; /* the load sends whole requests, one at a time */
		if (send(conn->fd, answer->head, answer->head_len, MSG_NOSIGNAL | more) < 0)
			return false;
		conn->next = answer->first;
		if (!send_rest(conn, answer))
			return false;
		if ((size_t)n < sizeof(request))
			return true; /* no more can be here; the next edge tells */
	}
	return true;
}

static int listen_on_loopback(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	must(fd >= 0 && bind(fd, (struct sockaddr *)&at, len) == 0 && listen(fd, 1024) == 0 &&
		     getsockname(fd, (struct sockaddr *)&at, &len) == 0,
	     "listen");
	setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4);
	printf("%d\n", ntohs(at.sin_port));
	fflush(stdout);
	return fd;
}

static void accept_one(int listen_fd, int epoll_fd, const struct answer *answer)
{
	int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), one = 1;
	struct conn *conn;

	if (fd < 0)
		return;
	conn = xcalloc(1, sizeof(*conn));
	*conn = (struct conn){ .fd = fd, .next = answer->end };

	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = conn };

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	must(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
}

int main(int argc, char **argv)
{
	static struct answer answer;
	struct epoll_event ready[READY_MAX], listening = { .events = EPOLLIN };
	int64_t first, length;
	int listen_fd, epoll_fd = epoll_create1(EPOLL_CLOEXEC);

	if (argc != 4 || !str_to_i64(str_of(argv[2]), &first) ||
	    !str_to_i64(str_of(argv[3]), &length)) {
		fprintf(stderr, "usage: bench-floor FILE FIRST LENGTH\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	make_answer(&answer, argv[1], first, length);
	listen_fd = listen_on_loopback();
	must(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listen_fd, &listening) == 0, "epoll_ctl");
	for (;;) {
		int count = epoll_wait(epoll_fd, ready, READY_MAX, -1);

		for (int i = 0; i < count; i++) {
			struct conn *conn = ready[i].data.ptr;

			if (!conn) {
				accept_one(listen_fd, epoll_fd, &answer);
			} else if (!serve(conn, &answer)) {
				close(conn->fd);
				free(conn);
			}
		}
	}
}
