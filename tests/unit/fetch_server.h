/*
 * A server for the tests of fetch: on loopback, on the same loop, with canned answers.
 * It says what it is told to, right or wrong, and remembers what it was asked.
 */
#pragma once

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "event/loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum then {
	THEN_KEEP, /* the connection waits for the next request */
	THEN_CLOSE,
	THEN_HANG, /* says nothing more, and leaves the connection open */
	THEN_TRICKLE,
};

struct answer {
	const char *path;
	const char *
		raw; /* "@A" and "@B" become the ports of the two listeners, "@M" server->media, "@L" its length */
	enum then then;
};

#define BIG_BODY (4u << 20) /* of /big: byte n is n % 251 */

struct server {
	struct loop *loop;
	struct watch listeners[2];
	uint16_t ports[2];
	const struct answer *answers;
	size_t answer_count;
	struct str media; /* of answers that hold "@M" */
	int connections, closed, requests;
	char last[16384]; /* head and body of the last request */
	char all[65536];  /* of all since server_forget(), each line prefixed by "A " or "B " */
	void (*noticed)(void); /* after each request and each closed connection; NULL */
	struct list peers;
};

struct peer {
	struct watch watch;
	struct list link;
	struct reap reap;
	struct server *server;
	int listener;
	struct buf in, out;
	size_t sent;
	enum then then;
	bool is_answered;
	struct timer trickle;
};

/* Of /trickle: so many pieces of so many bytes, so far apart. */
#define TRICKLE_PIECES 30
#define TRICKLE_BYTES  100u
#define TRICKLE_MS     15

static void peer_release(struct reap *reap)
{
	struct peer *peer = container_of(reap, struct peer, reap);

	buf_release(&peer->in);
	buf_release(&peer->out);
	free(peer);
}

static void peer_close(struct peer *peer)
{
	int fd = peer->watch.fd;

	peer->server->closed++;
	watch_stop(&peer->watch);
	timer_stop(&peer->trickle);
	close(fd);
	list_remove(&peer->link);
	loop_reap(peer->server->loop, &peer->reap, peer_release);
	if (peer->server->noticed)
		peer->server->noticed();
}

static void add_raw(struct server *server, struct buf *out, const char *raw)
{
	for (; *raw; raw++) {
		char name = raw[0] == '@' ? raw[1] : '\0';

		if (name == 'A' || name == 'B')
			buf_add_u64(out, server->ports[name - 'A']);
		else if (name == 'M')
			buf_add_str(out, server->media);
		else if (name == 'L')
			buf_add_u64(out, server->media.len);
		else
			buf_add_byte(out, *raw);
		raw += name == 'A' || name == 'B' || name == 'M' || name == 'L';
	}
}

static void trickle(struct timer *timer)
{
	struct peer *peer = container_of(timer, struct peer, trickle);
	static const char piece[TRICKLE_BYTES];

	if (peer->sent == TRICKLE_PIECES * TRICKLE_BYTES ||
	    send(peer->watch.fd, piece, sizeof(piece), MSG_NOSIGNAL) < 0)
		return;
	peer->sent += sizeof(piece);
	timer_start(peer->server->loop, timer, TRICKLE_MS, trickle);
}

static void answer(struct peer *peer, struct str path)
{
	struct server *server = peer->server;

	peer->then = THEN_CLOSE;
	if (str_eq(path, STR("/big"))) {
		char *at;

		peer->then = THEN_KEEP;
		buf_addf(&peer->out, "HTTP/1.1 200 OK\r\nContent-Length: %u\r\n\r\n", BIG_BODY);
		at = buf_room(&peer->out, BIG_BODY);
		for (size_t i = 0; i < BIG_BODY; i++)
			at[i] = (char)(i % 251);
		buf_added(&peer->out, BIG_BODY);
		return;
	}
	if (str_eq(path, STR("/trickle"))) {
		peer->then = THEN_TRICKLE;
		buf_addf(&peer->out, "HTTP/1.1 200 OK\r\nContent-Length: %u\r\n\r\n",
			 TRICKLE_PIECES * TRICKLE_BYTES);
		return;
	}
	for (size_t i = 0; i < server->answer_count; i++) {
		if (!str_eq(path, str_of(server->answers[i].path)))
			continue;
		peer->then = server->answers[i].then;
		add_raw(server, &peer->out, server->answers[i].raw);
		return;
	}
	buf_add_text(&peer->out, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
	peer->then = THEN_KEEP;
}

static void remember(struct server *server, int listener, struct str request)
{
	size_t used = strlen(server->all);
	struct str rest = request, line;

	server->requests++;
	snprintf(server->last, sizeof(server->last), "%.*s", STR_ARG(request));
	while (str_cut(&rest, '\n', &line))
		used += (size_t)snprintf(server->all + used, sizeof(server->all) - used,
					 "%c %.*s\n", 'A' + listener, STR_ARG(line));
}

/* A whole request (head, and the body that Content-Length tells of): its length; 0: not yet. */
static size_t whole_request(struct str in)
{
	size_t head = str_find_str(in, STR("\r\n\r\n")) + 4;
	size_t at = str_find_str(in, STR("Content-Length: "));
	uint64_t body = 0;

	if (head > in.len)
		return 0;
	if (at < head) {
		struct str number = str_after(in, at + 16);

		if (!str_to_u64(str_first(number, str_find(number, '\r')), &body))
			body = 0;
	}
	return in.len >= head + body ? head + (size_t)body : 0;
}

static void peer_read(struct peer *peer)
{
	char piece[16384];
	ssize_t n = read(peer->watch.fd, piece, sizeof(piece));
	struct str request, target;
	size_t len;

	if (n <= 0) {
		peer_close(peer);
		return;
	}
	if (peer->is_answered)
		return; /* hanging */
	buf_add(&peer->in, piece, (size_t)n);
	if ((unsigned char)peer->in.at[0] == 0x16) { /* a TLS ClientHello: we do not speak it */
		peer_close(peer);
		return;
	}
	len = whole_request(buf_str(&peer->in));
	if (len == 0)
		return;
	request = str_first(buf_str(&peer->in), len);
	remember(peer->server, peer->listener, request);
	target = str_after(request, str_find(request, ' ') + 1);
	target = str_first(target, str_find(target, ' '));
	answer(peer, target);
	peer->is_answered = true;
	buf_drop(&peer->in, len);
	watch_change(&peer->watch, EPOLLIN | EPOLLOUT);
	if (peer->server->noticed)
		peer->server->noticed();
}

static void peer_write(struct peer *peer)
{
	ssize_t n = send(peer->watch.fd, peer->out.at + peer->sent, peer->out.len - peer->sent,
			 MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN) {
		peer_close(peer);
		return;
	}
	peer->sent += n > 0 ? (size_t)n : 0;
	if (peer->sent < peer->out.len)
		return;
	if (peer->then == THEN_CLOSE) {
		peer_close(peer);
		return;
	}
	peer->is_answered = peer->then != THEN_KEEP;
	buf_clear(&peer->out);
	peer->sent = 0;
	if (peer->then == THEN_TRICKLE)
		timer_start(peer->server->loop, &peer->trickle, TRICKLE_MS, trickle);
	watch_change(&peer->watch, EPOLLIN);
}

static void peer_ready(struct watch *watch, uint32_t events)
{
	struct peer *peer = container_of(watch, struct peer, watch);

	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		peer_read(peer);
	if ((events & EPOLLOUT) && peer->watch.ready && peer->out.len > peer->sent)
		peer_write(peer);
	else if (peer->watch.ready && peer->is_answered && peer->out.len == 0)
		peer_write(peer); /* an answer of nothing at all */
}

static void accept_from(struct server *server, int listener)
{
	struct peer *peer;
	int fd = accept4(server->listeners[listener].fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	peer = xcalloc(1, sizeof(*peer));
	peer->server = server;
	peer->listener = listener;
	buf_init(&peer->in, 1 << 20);
	buf_init(&peer->out, BIG_BODY * 2);
	list_append(&server->peers, &peer->link);
	server->connections++;
	watch_start(server->loop, &peer->watch, fd, EPOLLIN, peer_ready);
}

static void accept_a(struct watch *watch, uint32_t events)
{
	accept_from(container_of(watch, struct server, listeners[0]), 0);
}

static void accept_b(struct watch *watch, uint32_t events)
{
	accept_from(container_of(watch, struct server, listeners[1]), 1);
}

static void server_start(struct server *server, struct loop *loop, const struct answer *answers,
			 size_t answer_count)
{
	*server = (struct server){ .loop = loop, .answers = answers, .answer_count = answer_count };
	list_init(&server->peers);
	for (int i = 0; i < 2; i++) {
		struct sockaddr_in address = { .sin_family = AF_INET };
		socklen_t len = sizeof(address);
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

		address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		if (fd < 0 || bind(fd, (const void *)&address, sizeof(address)) < 0 ||
		    listen(fd, 64) < 0 || getsockname(fd, (void *)&address, &len) < 0)
			abort();
		server->ports[i] = ntohs(address.sin_port);
		watch_start(loop, &server->listeners[i], fd, EPOLLIN, i == 0 ? accept_a : accept_b);
	}
}

__attribute__((unused)) static void server_forget(struct server *server)
{
	server->all[0] = server->last[0] = '\0';
	server->connections = server->closed = server->requests = 0;
	server->noticed = NULL;
}

static void server_stop(struct server *server)
{
	server->noticed = NULL;
	LIST_EACH (item, &server->peers)
		peer_close(container_of(item, struct peer, link));
	for (int i = 0; i < 2; i++) {
		int fd = server->listeners[i].fd;

		watch_stop(&server->listeners[i]);
		close(fd);
	}
}
