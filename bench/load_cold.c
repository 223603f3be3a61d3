#include "load.h"

#include "base/mem.h"
#include "client.h"
#include "histogram.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define READY_MAX 256
#define STATUSES  600

struct cold {
	const struct load_options *options;
	struct client *clients;
	int epoll_fd;
	unsigned left;
	struct histogram first, whole;
	unsigned errors, statuses[STATUSES];
};

static void ended(struct cold *cold, struct client *client, bool good, int64_t began_ns)
{
	const struct load_options *options = cold->options;

	if (!good || client->status != options->status ||
	    (options->length && client->body != options->length))
		cold->errors++;
	if (client->status > 0 && client->status < STATUSES)
		cold->statuses[client->status]++;
	if (good) {
		histogram_add(&cold->first, client->first_at_ns - began_ns);
		histogram_add(&cold->whole, now_ns() - began_ns);
	}
	client_close(client);
	cold->left--;
}

static void run(struct cold *cold, int64_t began_ns)
{
	struct epoll_event ready[READY_MAX];
	int64_t end_ns = began_ns + (int64_t)(cold->options->seconds * 1e9);

	while (cold->left > 0 && now_ns() < end_ns) {
		int count = epoll_wait(cold->epoll_fd, ready, READY_MAX, 100);

		for (int i = 0; i < count; i++) {
			struct client *client = &cold->clients[ready[i].data.u32];
			enum client_result result = client_read(client, UINT64_MAX);

			if (result != CLIENT_MORE)
				ended(cold, client, result == CLIENT_DONE, began_ns);
		}
	}
}

static void print(const struct cold *cold, int64_t began_ns)
{
	const char *separator = "";

	printf("{\"began_at_ms\": %.3f, \"requests\": %u, \"errors\": %u, \"first_p50_ms\": %.1f, \"first_p99_ms\": %.1f, "
	       "\"first_most_ms\": %.1f, \"whole_p50_ms\": %.1f, \"whole_p99_ms\": %.1f, \"statuses\": {",
	       (double)began_ns / 1e6, cold->options->connections, cold->errors + cold->left,
	       histogram_ms(&cold->first, 0.5), histogram_ms(&cold->first, 0.99),
	       (double)cold->first.most_ns / 1e6, histogram_ms(&cold->whole, 0.5),
	       histogram_ms(&cold->whole, 0.99));
	for (unsigned i = 0; i < STATUSES; i++) {
		if (cold->statuses[i] == 0)
			continue;
		printf("%s\"%u\": %u", separator, i, cold->statuses[i]);
		separator = ", ";
	}
	printf("}}\n");
}

int load_cold(const struct load_options *options)
{
	struct cold *cold = xcalloc(1, sizeof(*cold));
	char text[2048];
	struct str request = load_request(options, text, sizeof(text));
	int64_t began_ns;

	cold->options = options;
	cold->left = options->connections;
	cold->clients = xcalloc(options->connections, sizeof(struct client));
	cold->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	for (unsigned i = 0; i < options->connections; i++) {
		struct epoll_event event = { .events = EPOLLIN, .data.u32 = i };

		if (!client_connect(&cold->clients[i], options->port, 0) ||
		    epoll_ctl(cold->epoll_fd, EPOLL_CTL_ADD, cold->clients[i].fd, &event) < 0) {
			perror("bench-load: cannot connect");
			return 1;
		}
	}
	began_ns = now_ns();
	for (unsigned i = 0; i < options->connections; i++)
		if (!client_ask(&cold->clients[i], request))
			cold->errors++;
	run(cold, began_ns);
	print(cold, began_ns);

	for (unsigned i = 0; i < options->connections; i++)
		client_close(&cold->clients[i]);
	close(cold->epoll_fd);
	free(cold->clients);
	free(cold);
	return 0;
}
