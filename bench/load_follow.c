#include "load.h"

#include "base/mem.h"
#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define READY_MAX  256
#define READ_MAX   65536
#define STDIN_MARK UINT32_MAX
#define HEAD_MAX   10 /* of a frame without a mask */

/* One WebSocket: frames are counted, and what is in them is dropped. */
struct follower {
	int fd;
	bool is_open; /* the 101 has come */
	char tail[4]; /* of the reply's head */
	uint8_t head[HEAD_MAX];
	unsigned head_len;
	uint64_t left; /* of the frame under way */
	uint64_t messages;
};

struct follow {
	struct follower *followers;
	unsigned count, open, errors;
	unsigned long long messages, bytes;
	int epoll_fd;
	bool is_over; /* standard input has ended */
};

/* How many bytes the head of a frame takes, as far as its second byte tells. */
static unsigned head_size(const struct follower *follower)
{
	unsigned len;

	if (follower->head_len < 2)
		return 2;
	len = follower->head[1] & 0x7f;
	return len == 126 ? 4 : len == 127 ? 10 : 2;
}

static uint64_t payload_len(const struct follower *follower)
{
	unsigned size = head_size(follower);
	uint64_t len = 0;

	if (size == 2)
		return follower->head[1] & 0x7f;
	for (unsigned i = 2; i < size; i++)
		len = len << 8 | follower->head[i];
	return len;
}

static void take_byte(struct follow *follow, struct follower *follower, uint8_t byte)
{
	if (!follower->is_open) {
		memmove(follower->tail, follower->tail + 1, 3);
		follower->tail[3] = (char)byte;
		follower->is_open = memcmp(follower->tail, "\r\n\r\n", 4) == 0;
		return;
	}
	follower->head[follower->head_len++] = byte;
	if (follower->head_len < head_size(follower))
		return;
	follower->left = payload_len(follower);
	follower->head_len = 0;
	if (follower->messages++ == 0)
		follow->open++;
	follow->messages++;
}

static void read_one(struct follow *follow, struct follower *follower)
{
	uint8_t bytes[READ_MAX];
	ssize_t n = recv(follower->fd, bytes, sizeof(bytes), 0);

	if (n <= 0) {
		follow->errors++;
		epoll_ctl(follow->epoll_fd, EPOLL_CTL_DEL, follower->fd, NULL);
		return;
	}
	follow->bytes += (unsigned long long)n;
	for (ssize_t i = 0; i < n;) {
		uint64_t here = (uint64_t)(n - i) < follower->left ? (uint64_t)(n - i)
								   : follower->left;

		follower->left -= here;
		i += (ssize_t)here;
		if (i < n)
			take_byte(follow, follower, bytes[i++]);
	}
}

static void wait_for(struct follow *follow)
{
	struct epoll_event ready[READY_MAX];
	int count = epoll_wait(follow->epoll_fd, ready, READY_MAX, 1000);

	for (int i = 0; i < count; i++) {
		if (ready[i].data.u32 == STDIN_MARK)
			follow->is_over = true;
		else
			read_one(follow, &follow->followers[ready[i].data.u32]);
	}
}

static bool ask(const struct load_options *options, struct client *client)
{
	char text[1024];
	int len = snprintf(
		text, sizeof(text),
		"GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: %s\r\nUpgrade: websocket\r\n"
		"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
		options->path, options->webhooks.url);

	return len < (int)sizeof(text) && client_connect(client, options->port, 0) &&
	       client_ask(client, (struct str){ text, (size_t)len });
}

/* Connected one after the other, each once the one before was told its number. */
static bool begin(struct follow *follow, const struct load_options *options)
{
	struct epoll_event over = { .events = EPOLLIN | EPOLLHUP, .data.u32 = STDIN_MARK };
	struct client *client = xcalloc(1, sizeof(*client));
	bool good = epoll_ctl(follow->epoll_fd, EPOLL_CTL_ADD, STDIN_FILENO, &over) == 0;

	for (unsigned i = 0; good && i < options->connections; i++) {
		struct epoll_event event = { .events = EPOLLIN, .data.u32 = i };

		good = ask(options, client);
		follow->followers[i].fd = client->fd;
		good = good && epoll_ctl(follow->epoll_fd, EPOLL_CTL_ADD, client->fd, &event) == 0;
		while (good && follow->open + follow->errors <= i && !follow->is_over)
			wait_for(follow);
	}
	free(client);
	return good;
}

int load_follow(const struct load_options *options)
{
	struct follow follow = { .count = options->connections };
	unsigned long long before;
	int64_t began_ns;
	bool good;

	follow.followers = xcalloc(options->connections, sizeof(*follow.followers));
	follow.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	good = begin(&follow, options);
	if (!good)
		perror("bench-load: cannot follow");
	began_ns = now_ns();
	before = follow.messages;
	if (good) {
		puts("holding");
		fflush(stdout);
		while (!follow.is_over)
			wait_for(&follow);
	}
	printf("{\"connections\": %u, \"errors\": %u, \"messages\": %llu, \"bytes\": %llu, \"seconds\": %.1f}\n",
	       options->connections, follow.errors, follow.messages - before, follow.bytes,
	       (double)(now_ns() - began_ns) / 1e9);
	for (unsigned i = 0; i < options->connections; i++)
		if (follow.followers[i].fd > 0)
			close(follow.followers[i].fd);
	close(follow.epoll_fd);
	free(follow.followers);
	return good ? 0 : 1;
}
