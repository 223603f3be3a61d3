/*
 * A server on a loop of its own thread, a small product on it, and a client with blocking sockets.
 * Included by the tests of http alone.
 */
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/own.h"
#include "event/mailbox.h"
#include "http/http_server.h"
#include "http/reply.h"
#include "tap.h"

#define FILE_SIZE 3000000

struct fixture {
	struct loop *loop;
	struct mailbox *mailbox;
	struct http_server *server;
	pthread_t thread;
	unsigned port;
	int listen_fd;
	int file_fd; /* FILE_SIZE bytes of file_byte() */
};

static struct fixture fixture;

static char file_byte(uint64_t at)
{
	return (char)((at * 2654435761u >> 13) & 0xff);
}

/* ---- something to be done on the loop's thread, and waited for ---- */

struct errand {
	struct mail mail;
	void (*run)(void *what);
	void *what;
	atomic_bool done;
	pthread_mutex_t lock;
	pthread_cond_t changed;
};

static void errand_deliver(struct mail *mail)
{
	struct errand *errand = container_of(mail, struct errand, mail);

	errand->run(errand->what);
	pthread_mutex_lock(&errand->lock);
	errand->done = true;
	pthread_cond_signal(&errand->changed);
	pthread_mutex_unlock(&errand->lock);
}

static void on_loop(void (*run)(void *what), void *what)
{
	struct errand errand = { .mail.deliver = errand_deliver, .run = run, .what = what };

	pthread_mutex_init(&errand.lock, NULL);
	pthread_cond_init(&errand.changed, NULL);
	mailbox_post(fixture.mailbox, &errand.mail);
	pthread_mutex_lock(&errand.lock);
	while (!errand.done)
		pthread_cond_wait(&errand.changed, &errand.lock);
	pthread_mutex_unlock(&errand.lock);
	pthread_cond_destroy(&errand.changed);
	pthread_mutex_destroy(&errand.lock);
}

static void look(void *what)
{
}

/* Turns of the loop until it is so; false when it never is. */
static bool wait_until(bool (*is_so)(void *what), void *what)
{
	for (int64_t give_up_at_ms = clock_monotonic_ms() + 20000; !is_so(what);) {
		if (clock_monotonic_ms() > give_up_at_ms)
			return false;
		on_loop(look, NULL);
	}
	return true;
}

/* ---- the client ---- */

static int client_connect(void)
{
	struct sockaddr_in where = { .sin_family = AF_INET,
				     .sin_port = htons((uint16_t)fixture.port),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval patience = { .tv_sec = 20 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (struct sockaddr *)&where, sizeof(where)) < 0)
		perror("connect");
	return fd;
}

static bool client_send(int fd, struct str text)
{
	while (text.len > 0) {
		ssize_t n = send(fd, text.at, text.len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		text = str_after(text, (size_t)n);
	}
	return true;
}

/* Until the end, or until `enough` bytes are there; false when the connection was reset or nothing came. */
static bool client_read(int fd, struct buf *into, size_t enough)
{
	char bytes[65536];

	while (into->len < enough) {
		size_t wanted = enough - into->len < sizeof(bytes) ? enough - into->len
								   : sizeof(bytes);
		ssize_t n = recv(fd, bytes, wanted, 0);

		if (n < 0)
			return false;
		if (n == 0)
			return true;
		buf_add(into, bytes, (size_t)n);
	}
	return true;
}

static bool has(const struct buf *reply, const char *part)
{
	return str_find_str(buf_str(reply), str_of(part)) < reply->len;
}

static inline struct str body_of(const struct buf *reply)
{
	struct str all = buf_str(reply);
	size_t end = str_find_str(all, STR("\r\n\r\n"));

	return end < all.len ? str_after(all, end + 4) : STR_NONE;
}

/* The bytes of the file from `first` on. */
static inline bool is_file(struct str bytes, uint64_t first)
{
	for (size_t i = 0; i < bytes.len; i++)
		if (bytes.at[i] != file_byte(first + i))
			return false;
	return true;
}

/* Sends all of it in pieces of `step` bytes, reads to the end. */
static inline bool ask_in_steps(struct str request, size_t step, struct buf *reply)
{
	int fd = client_connect();
	bool sent = true, ended;

	buf_init(reply, 64 * 1024 * 1024);
	for (size_t at = 0; at < request.len && sent; at += step)
		sent = client_send(fd, str_first(str_after(request, at), step));
	ended = client_read(fd, reply, SIZE_MAX);
	close(fd);
	return ended;
}

static inline bool ask(const char *request, struct buf *reply)
{
	return ask_in_steps(str_of(request), SIZE_MAX / 2, reply);
}

/* ---- the server ---- */

static void *run_loop(void *what)
{
	loop_run(fixture.loop);
	return what;
}

static inline int make_file(uint64_t size)
{
	char bytes[4096];
	int fd = memfd_create("file", MFD_CLOEXEC);

	for (uint64_t at = 0; at < size; at += sizeof(bytes)) {
		size_t len = size - at < sizeof(bytes) ? (size_t)(size - at) : sizeof(bytes);

		for (size_t i = 0; i < len; i++)
			bytes[i] = file_byte(at + i);
		if (pwrite(fd, bytes, len, (off_t)at) != (ssize_t)len)
			perror("pwrite");
	}
	return fd;
}

static void fixture_start(const struct http_app *app, const struct http_options *options)
{
	const int send_buffer = 65536;
	struct err err;

	if (!loop_new(&fixture.loop, &err) || !mailbox_open(fixture.loop, &fixture.mailbox, &err) ||
	    !http_server_open(fixture.loop, app, NULL, options, &fixture.server, &err) ||
	    !http_listen_tcp("127.0.0.1:0", &fixture.listen_fd, &fixture.port, &err)) {
		printf("Bail out! %s\n", err.text);
		exit(1);
	}
	/* Accepted sockets inherit it: so small that the file does not vanish into the kernel. */
	setsockopt(fixture.listen_fd, SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof(send_buffer));
	http_server_listen(fixture.server, fixture.listen_fd, false);
	pthread_create(&fixture.thread, NULL, run_loop, NULL);
}

static void stopped(struct http_server *server)
{
	loop_stop(server->loop);
}

static void begin_stop(void *what)
{
	http_server_stop(what, stopped);
}

static void fixture_join(void)
{
	pthread_join(fixture.thread, NULL);
	IS_INT(http_server_connections(fixture.server), 0, "no connection is left");
	http_server_free(fixture.server);
	mailbox_free(fixture.mailbox);
	loop_free(fixture.loop);
	close(fixture.listen_fd);
}

static void fixture_stop(void)
{
	on_loop(begin_stop, fixture.server);
	fixture_join();
}
