#include "load.h"

#include "base/mem.h"
#include "client.h"
#include "cpu.h"
#include "guesses.h"
#include "histogram.h"
#include "paths.h"
#include "webhooks.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define WARM_UP_NS 300000000
#define READY_MAX  256

struct steady {
	const struct load_options *options;
	struct client *clients;
	struct str request; /* the same for all, or: */
	struct paths paths;
	uint64_t *lengths; /* with paths: that each client's answer must have */
	struct webhooks webhooks;
	size_t next_webhook;
	struct guesses guesses; /* behind the clients in the numbers of epoll */
	int epoll_fd;

	/* Those who wait for their turn, with --rate: a stack of clients. */
	unsigned *waiting, waiting_count;
	int64_t next_turn_ns, turn_ns;

	struct histogram latency;
	uint64_t answers, errors, bytes;
	uint64_t acknowledged; /* answered as expected, from the first request on */
	bool used_up;          /* there is no webhook left */
};

static void ask(struct steady *steady, struct client *client, int64_t due_at_ns)
{
	struct str request = steady->request;

	if (steady->options->webhooks.count > 0) {
		if (steady->next_webhook == steady->webhooks.count) {
			steady->used_up = true;
			return;
		}
		request = steady->webhooks.requests[steady->next_webhook++];
	}
	if (steady->options->paths) {
		const struct one_path *one = paths_next(&steady->paths);

		request = one->request;
		steady->lengths[client - steady->clients] = one->length;
	}
	if (!client_ask(client, request))
		steady->errors++;
	if (due_at_ns)
		client->asked_at_ns = due_at_ns;
}

static bool connect_one(struct steady *steady, struct client *client)
{
	struct epoll_event event = { .events = EPOLLIN,
				     .data.u32 = (unsigned)(client - steady->clients) };

	return client_connect(client, steady->options->port, 0) &&
	       epoll_ctl(steady->epoll_fd, EPOLL_CTL_ADD, client->fd, &event) == 0;
}

static void answered(struct steady *steady, struct client *client)
{
	const struct load_options *options = steady->options;
	uint64_t length = options->paths ? steady->lengths[client - steady->clients]
					 : options->length;

	histogram_add(&steady->latency, now_ns() - client->asked_at_ns);
	steady->answers++;
	steady->bytes += client->body;
	if (client->status != options->status || (length && client->body != length))
		steady->errors++;
	else
		steady->acknowledged++;
	if (client->closes) { /* gunicorn's sync workers know no keep-alive */
		client_close(client);
		if (!connect_one(steady, client)) {
			steady->errors++;
			return;
		}
	}
	if (options->rate > 0)
		steady->waiting[steady->waiting_count++] = (unsigned)(client - steady->clients);
	else
		ask(steady, client, 0);
}

static void give_turns(struct steady *steady)
{
	int64_t now = now_ns();

	/* A turn that finds nobody free stays due, and its latency grows: the load is open. */
	while (steady->waiting_count > 0 && steady->next_turn_ns <= now && !steady->used_up) {
		ask(steady, &steady->clients[steady->waiting[--steady->waiting_count]],
		    steady->next_turn_ns);
		steady->next_turn_ns += steady->turn_ns;
	}
}

/* The last webhook was sent: are all answered? */
static bool is_over(const struct steady *steady)
{
	return steady->used_up && steady->acknowledged + steady->errors >= steady->webhooks.count;
}

static void came(struct steady *steady, struct client *client)
{
	switch (client_read(client, UINT64_MAX)) {
	case CLIENT_MORE:
		break;
	case CLIENT_DONE:
		answered(steady, client);
		break;
	case CLIENT_FAILED:
		steady->errors++;
		client_close(client);
		break;
	}
}

static void run_until(struct steady *steady, int64_t end_ns)
{
	struct epoll_event ready[READY_MAX];
	bool paced = steady->options->rate > 0;
	int patience_ms = steady->options->sleeps ? 1 : 0; /* turns come in between */

	while (now_ns() < end_ns && !is_over(steady) && steady->errors < 1000) {
		if (paced)
			give_turns(steady);
		guesses_ask(&steady->guesses);

		int count = epoll_wait(steady->epoll_fd, ready, READY_MAX, patience_ms);

		for (int i = 0; i < count; i++) {
			unsigned number = ready[i].data.u32;

			if (number < steady->options->connections)
				came(steady, &steady->clients[number]);
			else
				guesses_came(&steady->guesses,
					     number - steady->options->connections);
		}
	}
}

static bool begin(struct steady *steady, char *text, size_t size)
{
	const struct load_options *options = steady->options;

	steady->clients = xcalloc(options->connections, sizeof(struct client));
	steady->waiting = xcalloc(options->connections, sizeof(unsigned));
	steady->lengths = xcalloc(options->connections, sizeof(uint64_t));
	steady->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (options->webhooks.count > 0)
		webhooks_make(&steady->webhooks, &options->webhooks);
	else if (!options->paths)
		steady->request = load_request(options, text, size);
	else if (!paths_read(&steady->paths, options))
		return false;
	if (options->rate > 0) {
		steady->turn_ns = (int64_t)(1e9 / options->rate);
		steady->next_turn_ns = now_ns();
	}
	if (!guesses_begin(&steady->guesses, options, steady->epoll_fd))
		return false;
	for (unsigned i = 0; i < options->connections; i++) {
		if (!connect_one(steady, &steady->clients[i])) {
			perror("bench-load: cannot connect");
			return false;
		}
		if (options->rate > 0)
			steady->waiting[steady->waiting_count++] = i;
		else
			ask(steady, &steady->clients[i], 0);
	}
	return true;
}

static void print(const struct steady *steady, double seconds, int64_t used_ns)
{
	double answers = steady->answers > 0 ? (double)steady->answers : 1;

	printf("{\"acknowledged\": %llu, \"requests\": %llu, \"errors\": %llu, \"seconds\": %.3f, \"per_second\": %.1f, "
	       "\"cpu_us\": %.3f, \"cpu_share\": %.3f, \"gb_per_second\": %.3f, "
	       "\"p50_ms\": %.4f, \"p99_ms\": %.4f, \"most_ms\": %.4f, \"guesses\": %llu, \"guessed\": %llu}\n",
	       (unsigned long long)steady->acknowledged, (unsigned long long)steady->answers,
	       (unsigned long long)(steady->errors + steady->guesses.errors), seconds,
	       (double)steady->answers / seconds, (double)used_ns / 1e3 / answers,
	       (double)used_ns / 1e9 / seconds, (double)steady->bytes / seconds / 1e9,
	       histogram_ms(&steady->latency, 0.5), histogram_ms(&steady->latency, 0.99),
	       (double)steady->latency.most_ns / 1e6, (unsigned long long)steady->guesses.answered,
	       (unsigned long long)steady->guesses.guessed);
}

int load_steady(const struct load_options *options)
{
	struct steady *steady = xcalloc(1, sizeof(*steady));
	char text[2048];
	int64_t began_ns, used_ns;
	double seconds;

	steady->options = options;
	if (!begin(steady, text, sizeof(text)))
		return 1;
	run_until(steady, now_ns() + WARM_UP_NS);
	/* Errors count from the first request on, everything else from here. */
	steady->latency = (struct histogram){ 0 };
	steady->answers = steady->bytes = 0;
	used_ns = cpu_ns(options->pids, options->pid_count);
	began_ns = now_ns();
	run_until(steady, began_ns + (int64_t)(options->seconds * 1e9));
	seconds = (double)(now_ns() - began_ns) / 1e9;
	used_ns = cpu_ns(options->pids, options->pid_count) - used_ns;
	print(steady, seconds, used_ns);

	for (unsigned i = 0; i < options->connections; i++)
		client_close(&steady->clients[i]);
	guesses_free(&steady->guesses);
	close(steady->epoll_fd);
	webhooks_free(&steady->webhooks);
	free(steady->clients);
	paths_free(&steady->paths);
	free(steady->lengths);
	free(steady->waiting);
	free(steady);
	return 0;
}
