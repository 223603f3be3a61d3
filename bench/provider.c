/*
 * The provider that all who fetch are measured against: every path ending in .mp3 (or .wav) is
 * the same file, with Content-Length and nothing else that a cache could use.
 *
 *	bench-provider FILE [FIRST_MS TOTAL_MS]
 *
 * With times, the first byte comes FIRST_MS after the request and the last TOTAL_MS after it, in
 * even steps; without, at once.  GET /count tells how many media requests came so far, and when the
 * first byte of the last was sent (CLOCK_MONOTONIC, ms), and sets the count to zero.  Prints its port.  It does as little as it can: what it costs is
 * paid on the load's core by each of those who are compared.
 */
#include "base/err.h"
#include "base/mem.h"
#include "base/own.h"
#include "base/str.h"
#include "event/loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD_MAX 8192
#define STEP_MS  20
/*
 * A head comes with as much of the body as its segment holds.  With less, callspool, which sends nothing
 * before it knows that it is audio, would be measured by our step.
 */
#define FIRST_BYTES 1200

struct provider {
	struct loop *loop;
	struct watch listener;
	int file_fd;
	off_t size;
	int64_t first_ms, total_ms;
	unsigned count;
	int64_t first_at_ms;
};

struct conn {
	struct watch watch;
	struct timer timer;
	struct reap reap;
	struct provider *provider;
	char head[HEAD_MAX + 1];
	size_t head_len;
	bool answering, has_sent_head;
	int64_t asked_at_ms;
	off_t sent;
};

static struct provider the_provider;

static void release(struct reap *reap)
{
	free(container_of(reap, struct conn, reap));
}

static void end(struct conn *conn)
{
	if (!conn->watch.ready)
		return;
	timer_stop(&conn->timer);
	watch_stop(&conn->watch);
	close(conn->watch.fd);
	loop_reap(conn->provider->loop, &conn->reap, release);
}

/* How much of the file may be sent by now; -1: nothing at all. */
static off_t due(const struct conn *conn)
{
	const struct provider *provider = conn->provider;
	int64_t ms = loop_now_ms(provider->loop) - conn->asked_at_ms;
	off_t sent;

	if (ms < provider->first_ms)
		return -1;
	if (ms >= provider->total_ms)
		return provider->size;
	sent = (off_t)((double)provider->size * (double)(ms - provider->first_ms) /
		       (double)(provider->total_ms - provider->first_ms));
	return sent > FIRST_BYTES ? sent : FIRST_BYTES;
}

static void send_on(struct conn *conn);

static void step(struct timer *timer)
{
	send_on(container_of(timer, struct conn, timer));
}

static void send_on(struct conn *conn)
{
	struct provider *provider = conn->provider;
	off_t until = due(conn);
	char head[256];
	ssize_t n = 0;
	int len;

	if (until >= 0 && !conn->has_sent_head) {
		len = snprintf(
			head, sizeof(head),
			"HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\nContent-Length: %lld\r\n"
			"Cache-Control: max-age=3600\r\n\r\n",
			(long long)provider->size);
		conn->has_sent_head =
			send(conn->watch.fd, head, (size_t)len, MSG_NOSIGNAL | MSG_MORE) == len;
		provider->first_at_ms = loop_now_ms(provider->loop);
	}
	while (conn->sent < until && n >= 0)
		n = sendfile(conn->watch.fd, provider->file_fd, &conn->sent,
			     (size_t)(until - conn->sent));
	if (n < 0 && errno != EAGAIN)
		end(conn);
	else if (conn->sent == provider->size)
		conn->answering = false;
	else if (n >= 0) /* else the socket is full, and tells when it is not */
		timer_start(provider->loop, &conn->timer, until < 0 ? 1 : STEP_MS, step);
}

static void answer_count(struct conn *conn)
{
	char text[128], number[40];
	int digits = snprintf(number, sizeof(number), "%u %lld", conn->provider->count,
			      (long long)conn->provider->first_at_ms);
	int len = snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s",
			   digits, number);

	conn->provider->count = 0;
	if (send(conn->watch.fd, text, (size_t)len, MSG_NOSIGNAL) != len)
		end(conn);
}

static void answer(struct conn *conn)
{
	struct str target = { conn->head, conn->head_len };

	conn->head_len = 0;
	target = str_after(target, str_find(target, ' ') + 1);
	target = str_first(target, str_find(target, ' '));
	target = str_first(target, str_find(target, '?'));
	if (!str_ends(target, STR(".mp3")) && !str_ends(target, STR(".wav"))) {
		answer_count(conn);
		return;
	}
	conn->provider->count++;
	conn->asked_at_ms = loop_now_ms(conn->provider->loop);
	conn->answering = true;
	conn->has_sent_head = false;
	conn->sent = 0;
	send_on(conn);
}

static void ready(struct watch *watch, uint32_t events)
{
	struct conn *conn = container_of(watch, struct conn, watch);
	ssize_t n = recv(watch->fd, conn->head + conn->head_len, HEAD_MAX - conn->head_len, 0);

	if (n == 0 || (n < 0 && errno != EAGAIN) || events & (EPOLLHUP | EPOLLERR)) {
		end(conn);
		return;
	}
	if (n > 0) {
		conn->head_len += (size_t)n;
		conn->head[conn->head_len] = '\0';
		if (strstr(conn->head, "\r\n\r\n"))
			answer(conn);
	} else if (conn->answering && !timer_is_on(&conn->timer)) {
		send_on(conn);
	}
}

static void accept_one(struct watch *watch, uint32_t events)
{
	int on = 1, fd = accept4(watch->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));

	struct conn *conn = xcalloc(1, sizeof(*conn));

	conn->provider = &the_provider;
	watch_start(the_provider.loop, &conn->watch, fd, EPOLLIN | EPOLLOUT | EPOLLET, ready);
}

static int listen_somewhere(unsigned *out_port)
{
	struct sockaddr_in where = { .sin_family = AF_INET,
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(where);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&where, len) < 0 || listen(fd, 4096) < 0 ||
	    getsockname(fd, (struct sockaddr *)&where, &len) < 0)
		return -1;
	*out_port = ntohs(where.sin_port);
	return fd;
}

int main(int argc, char **argv)
{
	struct provider *provider = &the_provider;
	struct stat status;
	struct err err;
	unsigned port = 0;
	int fd = listen_somewhere(&port);

	signal(SIGPIPE, SIG_IGN);
	provider->file_fd = argc > 1 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0 || provider->file_fd < 0 || fstat(provider->file_fd, &status) < 0 ||
	    !loop_new(&provider->loop, &err)) {
		fprintf(stderr, "usage: bench-provider FILE [FIRST_MS TOTAL_MS]\n");
		return 2;
	}
	if (argc > 3 && (!str_to_i64(str_of(argv[2]), &provider->first_ms) ||
			 !str_to_i64(str_of(argv[3]), &provider->total_ms)))
		return 2;
	provider->size = status.st_size;
	watch_start(provider->loop, &provider->listener, fd, EPOLLIN, accept_one);
	printf("%u\n", port);
	fflush(stdout);
	loop_run(provider->loop);
	return 0;
}
