/*
 * A network between two programs on one machine: every byte arrives so much later than it was sent, in both directions.
 *
 *	bench-relay PORT DELAY_US
 *
 * Whoever connects to the port that it prints is connected to 127.0.0.1:PORT.  How much passes is not limited, and in what
 * pieces does not change: what is read is kept with the moment at which it is due, and written then.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PAIRS_MAX   128
#define CHUNK_BYTES 65536
#define KEPT_BYTES  (8 << 20) /* of a direction: then it is read no further */
#define US_PER_S    1000000

struct chunk {
	struct chunk *next;
	int64_t due_us;
	size_t len, sent;
	char bytes[];
};

/* What one side sent, on its way to the other. */
struct way {
	int from, to;
	struct chunk *first, **end;
	size_t kept;
	bool has_ended; /* `from` sends no more; what is kept is still written */
	bool is_closed; /* and was */
};

struct pair {
	struct way there, back;
};

static struct pair pairs[PAIRS_MAX];
static size_t pair_count;
static int64_t delay_us;

static void must(bool is_well, const char *what)
{
	if (is_well)
		return;
	perror(what);
	exit(1);
}

static void be_quick(int fd)
{
	const int one = 1;

	must(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == 0, "TCP_NODELAY");
}

static void way_init(struct way *way, int from, int to)
{
	*way = (struct way){ .from = from, .to = to };
	way->end = &way->first;
}

static void take_connection(int listener, uint16_t port)
{
	const struct sockaddr_in address = { .sin_family = AF_INET,
					     .sin_port = htons(port),
					     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int near = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	int far = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	must(near >= 0 && far >= 0, "accept");
	if (pair_count == PAIRS_MAX ||
	    connect(far, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		close(near);
		close(far);
		return;
	}
	be_quick(near);
	be_quick(far);
	way_init(&pairs[pair_count].there, near, far);
	way_init(&pairs[pair_count].back, far, near);
	pair_count++;
}

static void keep(struct way *way, const char *bytes, size_t len)
{
	struct chunk *chunk = xmalloc(sizeof(*chunk) + len);

	*chunk = (struct chunk){ .due_us = clock_monotonic_us() + delay_us, .len = len };
	memcpy(chunk->bytes, bytes, len);
	*way->end = chunk;
	way->end = &chunk->next;
	way->kept += len;
}

static void read_some(struct way *way)
{
	char bytes[CHUNK_BYTES];
	ssize_t len = recv(way->from, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (len > 0)
		keep(way, bytes, (size_t)len);
	else if (len == 0 || errno != EAGAIN)
		way->has_ended = true;
}

static void drop_all(struct way *way)
{
	while (way->first) {
		struct chunk *chunk = way->first;

		way->first = chunk->next;
		free(chunk);
	}
	way->end = &way->first;
	way->kept = 0;
}

/* False: the other side takes no more for now. */
static bool write_one(struct way *way)
{
	struct chunk *chunk = way->first;
	ssize_t len = send(way->to, chunk->bytes + chunk->sent, chunk->len - chunk->sent,
			   MSG_DONTWAIT | MSG_NOSIGNAL);

	if (len < 0 && errno == EAGAIN)
		return false;
	if (len < 0) {
		drop_all(way);
		way->has_ended = true;
		return false;
	}
	chunk->sent += (size_t)len;
	if (chunk->sent < chunk->len)
		return false;
	way->first = chunk->next;
	if (!way->first)
		way->end = &way->first;
	way->kept -= chunk->len;
	free(chunk);
	return true;
}

static void write_due(struct way *way, int64_t now_us)
{
	while (way->first && way->first->due_us <= now_us && write_one(way))
		;
	if (way->has_ended && !way->first && !way->is_closed) {
		way->is_closed = true;
		(void)shutdown(way->to, SHUT_WR);
	}
}

static void look_at(const struct way *way, struct pollfd *out, int64_t *next_us)
{
	out->fd = way->from;
	out->events = way->has_ended || way->kept >= KEPT_BYTES ? 0 : POLLIN;
	if (out->events == 0)
		out->fd = -1;
	if (way->first && way->first->due_us < *next_us)
		*next_us = way->first->due_us;
}

/* It has moved, and so has the end of a list without a chunk. */
static void find_end(struct way *way)
{
	if (!way->first)
		way->end = &way->first;
}

static void end_pair(size_t at)
{
	close(pairs[at].there.from);
	close(pairs[at].there.to);
	pairs[at] = pairs[--pair_count];
	find_end(&pairs[at].there);
	find_end(&pairs[at].back);
}

static void turn(int listener, uint16_t port)
{
	struct pollfd fds[1 + 2 * PAIRS_MAX] = { { .fd = listener, .events = POLLIN } };
	int64_t now_us = clock_monotonic_us(), next_us = now_us + US_PER_S;
	size_t count = pair_count;

	for (size_t i = 0; i < count; i++) {
		look_at(&pairs[i].there, &fds[1 + 2 * i], &next_us);
		look_at(&pairs[i].back, &fds[2 + 2 * i], &next_us);
	}
	next_us = next_us > now_us ? next_us - now_us : 0;
	const struct timespec wait = { .tv_sec = next_us / US_PER_S,
				       .tv_nsec = next_us % US_PER_S * 1000 };

	if (ppoll(fds, 1 + 2 * count, &wait, NULL) < 0)
		return;
	for (size_t i = 0; i < count; i++) {
		if (fds[1 + 2 * i].revents)
			read_some(&pairs[i].there);
		if (fds[2 + 2 * i].revents)
			read_some(&pairs[i].back);
	}
	if (fds[0].revents)
		take_connection(listener, port);
	now_us = clock_monotonic_us();
	for (size_t i = pair_count; i-- > 0;) {
		write_due(&pairs[i].there, now_us);
		write_due(&pairs[i].back, now_us);
		if (pairs[i].there.is_closed && pairs[i].back.is_closed)
			end_pair(i);
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	uint64_t port, delay;

	if (argc != 3 || !str_to_u64(str_of(argv[1]), &port) || port > UINT16_MAX ||
	    !str_to_u64(str_of(argv[2]), &delay) || delay > US_PER_S) {
		fprintf(stderr, "usage: bench-relay PORT DELAY_US\n");
		return 2;
	}
	delay_us = (int64_t)delay;
	must(prctl(PR_SET_TIMERSLACK, 1000UL) == 0, "prctl");
	must(listener >= 0 && bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0 &&
		     listen(listener, 128) == 0 &&
		     getsockname(listener, (struct sockaddr *)&address, &size) == 0,
	     "listen");
	printf("%u\n", ntohs(address.sin_port));
	fflush(stdout);
	for (;;)
		turn(listener, (uint16_t)port);
}
