#include "guesses.h"

#include "base/buf.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>

#define FIRST_ADDRESS 0x0b000000u /* 11.0.0.0 */

static bool ask(struct guesses *guesses, struct client *client)
{
	uint64_t number = guesses->next++ % guesses->options->guesses;
	uint32_t address = FIRST_ADDRESS + (uint32_t)number;
	char text[512], body[128];
	struct buf request, json;

	buf_over(&json, body, sizeof(body));
	if (number % 2 == 0)
		buf_addf(&json,
			 "{\"name\":\"" GUESSED_NAME "\",\"password\":\"guess %llu, no more\"}",
			 (unsigned long long)number);
	else
		buf_addf(&json, "{\"name\":\"nobody-%llu\",\"password\":\"guess, no more\"}",
			 (unsigned long long)number % 1000);
	buf_over(&request, text, sizeof(text));
	buf_addf(&request,
		 "POST /api/session HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-For: %u.%u.%u.%u\r\n"
		 "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
		 address >> 24, address >> 16 & 255, address >> 8 & 255, address & 255, json.len,
		 json.at);
	return client_ask(client, buf_str(&request));
}

bool guesses_begin(struct guesses *guesses, const struct load_options *options, int epoll_fd)
{
	*guesses = (struct guesses){ .options = options };
	if (options->guesses == 0)
		return true;
	guesses->clients = xcalloc(GUESSERS, sizeof(*guesses->clients));
	guesses->turn_ns = (int64_t)(1e9 / options->guess_rate);
	guesses->next_turn_ns = now_ns();
	for (unsigned i = 0; i < GUESSERS; i++) {
		struct epoll_event event = { .events = EPOLLIN,
					     .data.u32 = options->connections + i };

		if (!client_connect(&guesses->clients[i], options->port, 0) ||
		    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, guesses->clients[i].fd, &event) < 0) {
			perror("bench-load: cannot connect");
			return false;
		}
		guesses->waiting[guesses->waiting_count++] = i;
	}
	return true;
}

void guesses_ask(struct guesses *guesses)
{
	int64_t now;

	if (!guesses->clients)
		return;
	now = now_ns();
	while (guesses->waiting_count > 0 && guesses->next_turn_ns <= now) {
		unsigned number = guesses->waiting[--guesses->waiting_count];

		if (!ask(guesses, &guesses->clients[number]))
			guesses->errors++;
		guesses->next_turn_ns += guesses->turn_ns;
	}
}

static void answered(struct guesses *guesses, unsigned number)
{
	const struct client *client = &guesses->clients[number];

	guesses->answered++;
	if (client->status == 200)
		guesses->guessed++;
	else if (client->status != 401 && client->status != 429 && client->status != 503)
		guesses->errors++;
	guesses->waiting[guesses->waiting_count++] = number;
}

void guesses_came(struct guesses *guesses, unsigned number)
{
	struct client *client = &guesses->clients[number];

	switch (client_read(client, UINT64_MAX)) {
	case CLIENT_MORE:
		break;
	case CLIENT_DONE:
		answered(guesses, number);
		break;
	case CLIENT_FAILED:
		guesses->errors++;
		client_close(client);
		break;
	}
}

void guesses_free(struct guesses *guesses)
{
	for (unsigned i = 0; guesses->clients && i < GUESSERS; i++)
		client_close(&guesses->clients[i]);
	free(guesses->clients);
}
