#include "load.h"

#include "base/mem.h"
#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define READY_MAX    256
#define ROUND_NS     1000000000 /* every slow listener reads once in it */
#define SLICES       2000       /* and so few at a time: listeners do not read in step */
#define SLOW_RECEIVE 16384      /* a phone's window, not a data centre's */
#define STDIN_MARK   UINT32_MAX

struct hold {
	const struct load_options *options;
	struct client *clients;
	int epoll_fd;
	unsigned answered, errors;
	unsigned long long bytes;
	bool is_over; /* standard input has ended */
};

static void read_one(struct hold *hold, struct client *client, uint64_t most)
{
	uint64_t before = client->left;
	bool had_head = !client->in_head;
	enum client_result result = client_read(client, most);

	hold->bytes += (had_head ? before : client->body) - client->left;
	switch (result) {
	case CLIENT_MORE:
		break;
	case CLIENT_DONE:
		hold->answered++;
		if (client->status != hold->options->status)
			hold->errors++;
		break;
	case CLIENT_FAILED:
		hold->errors++;
		epoll_ctl(hold->epoll_fd, EPOLL_CTL_DEL, client->fd, NULL);
		client_close(client);
		break;
	}
}

static void wait_for(struct hold *hold, int64_t timeout_ns)
{
	struct epoll_event ready[READY_MAX];
	struct timespec timeout = { timeout_ns / 1000000000, timeout_ns % 1000000000 };
	int count = epoll_pwait2(hold->epoll_fd, ready, READY_MAX, &timeout, NULL);

	for (int i = 0; i < count; i++) {
		if (ready[i].data.u32 == STDIN_MARK)
			hold->is_over = true;
		else
			read_one(hold, &hold->clients[ready[i].data.u32], UINT64_MAX);
	}
}

/* Connected, asked, and, when idle is what they are to be, answered: one after the other. */
static bool begin(struct hold *hold)
{
	const struct load_options *options = hold->options;
	struct epoll_event over = { .events = EPOLLIN | EPOLLHUP, .data.u32 = STDIN_MARK };
	char text[2048];
	struct str request = load_request(options, text, sizeof(text));
	bool is_slow = options->pace > 0;

	if (epoll_ctl(hold->epoll_fd, EPOLL_CTL_ADD, STDIN_FILENO, &over) < 0)
		return false;
	for (unsigned i = 0; i < options->connections; i++) {
		struct epoll_event event = { .events = EPOLLIN, .data.u32 = i };
		struct client *client = &hold->clients[i];

		if (!client_connect(client, options->port, is_slow ? SLOW_RECEIVE : 0) ||
		    !client_ask(client, request))
			return false;
		if (is_slow)
			continue; /* they are read by the clock, not when ready */
		if (epoll_ctl(hold->epoll_fd, EPOLL_CTL_ADD, client->fd, &event) < 0)
			return false;
		while (hold->answered + hold->errors <= i && !hold->is_over)
			wait_for(hold, ROUND_NS);
	}
	return true;
}

static void read_slowly(struct hold *hold)
{
	unsigned count = hold->options->connections, slice = 0, next = 0;
	int64_t due_ns = now_ns();

	while (!hold->is_over) {
		int64_t wait_ns = due_ns - now_ns();

		if (wait_ns > 0) {
			wait_for(hold, wait_ns);
			continue;
		}
		due_ns += ROUND_NS / SLICES;
		for (unsigned end = (unsigned)((uint64_t)count * ++slice / SLICES); next < end;
		     next++)
			if (hold->clients[next].fd >= 0 &&
			    (hold->clients[next].in_head || hold->clients[next].left))
				read_one(hold, &hold->clients[next], hold->options->pace);
		if (slice == SLICES)
			slice = next = 0;
	}
}

int load_hold(const struct load_options *options)
{
	struct hold *hold = xcalloc(1, sizeof(*hold));
	int64_t began_ns;
	bool good;

	hold->options = options;
	hold->clients = xcalloc(options->connections, sizeof(struct client));
	hold->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	good = begin(hold);
	if (!good)
		perror("bench-load: cannot connect");
	began_ns = now_ns();
	if (good) {
		puts("holding");
		fflush(stdout);
		if (options->pace > 0)
			read_slowly(hold);
		while (!hold->is_over)
			wait_for(hold, ROUND_NS);
	}
	printf("{\"connections\": %u, \"errors\": %u, \"answered\": %u, \"bytes\": %llu, \"seconds\": %.1f}\n",
	       options->connections, hold->errors, hold->answered, hold->bytes,
	       (double)(now_ns() - began_ns) / 1e9);

	for (unsigned i = 0; i < options->connections; i++)
		if (hold->clients[i].fd > 0)
			client_close(&hold->clients[i]);
	close(hold->epoll_fd);
	free(hold->clients);
	free(hold);
	return good ? 0 : 1;
}
