#include "fetch/fetch_state.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

void fetch_settle_soon(struct fetch *fetch)
{
	if (!timer_is_on(&fetch->chores))
		timer_start(fetch->loop, &fetch->chores, 0, fetch->chores_due);
}

bool fetch_allows_host(const struct fetch *fetch, const char *host)
{
	for (size_t i = 0; i < fetch->allowed_count; i++)
		if (str_eq_nocase(str_of(fetch->allowed_hosts[i]), str_of(host)))
			return true;
	return fetch->allows_all;
}

/* ---- libcurl's sockets ---- */

static void release_socket(struct reap *reap)
{
	free(container_of(reap, struct socket_watch, reap));
}

void fetch_forget_socket(struct socket_watch *s)
{
	struct fetch *fetch = s->fetch;

	curl_multi_assign(fetch->multi, s->watch.fd, NULL);
	watch_stop(&s->watch);
	list_remove(&s->link);
	loop_reap(fetch->loop, &s->reap, release_socket);
}

void fetch_forget_sockets(struct fetch *fetch, CURL *easy)
{
	LIST_EACH (item, &fetch->sockets) {
		struct socket_watch *s = container_of(item, struct socket_watch, link);

		if (s->easy == easy)
			fetch_forget_socket(s);
	}
}

/* ---- the places of a transfer ---- */

void fetch_place(struct transfer *transfer, enum transfer_place place)
{
	static const uint8_t may_enter[] = {
		[TRANSFER_SPARE] = BIT(TRANSFER_WAITING),
		[TRANSFER_WAITING] = BIT(TRANSFER_ACTIVE) | BIT(TRANSFER_ENDED),
		[TRANSFER_ACTIVE] = BIT(TRANSFER_ENDED),
		[TRANSFER_ENDED] = BIT(TRANSFER_SPARE),
	};
	struct fetch *fetch = transfer->fetch;
	struct list *const lists[] = {
		[TRANSFER_SPARE] = &fetch->spare,
		[TRANSFER_WAITING] = &fetch->waiting,
		[TRANSFER_ACTIVE] = &fetch->active,
		[TRANSFER_ENDED] = &fetch->ended,
	};
	uint32_t *const counts[] = {
		[TRANSFER_SPARE] = &fetch->spare_count,
		[TRANSFER_WAITING] = &fetch->waiting_count,
		[TRANSFER_ACTIVE] = &fetch->active_count,
		[TRANSFER_ENDED] = NULL,
	};

	assert(may_enter[transfer->place] & BIT(place));
	list_remove(&transfer->link);
	if (counts[transfer->place])
		--*counts[transfer->place];
	transfer->place = place;
	list_append(lists[place], &transfer->link);
	if (counts[place])
		++*counts[place];
}

struct transfer *fetch_take_spare(struct fetch *fetch)
{
	struct list *first = list_first(&fetch->spare);
	struct transfer *transfer;

	if (first)
		return container_of(first, struct transfer, link);
	transfer = xcalloc(1, sizeof(*transfer));
	transfer->fetch = fetch;
	transfer->place = TRANSFER_SPARE;
	list_append(&fetch->spare, &transfer->link);
	fetch->spare_count++;
	return transfer;
}

/* ---- one transfer ---- */

void transfer_add_line(struct curl_slist **list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*list, line);

	if (!longer)
		abort(); /* out of memory */
	*list = longer;
}

void transfer_detach(struct transfer *transfer)
{
	if (transfer->is_added) {
		fetch_forget_sockets(transfer->fetch, transfer->easy);
		curl_multi_remove_handle(transfer->fetch->multi, transfer->easy);
	}
	transfer->is_added = false;
}

void transfer_leave(struct transfer *transfer)
{
	timer_stop(&transfer->pulse);
	timer_stop(&transfer->deadline);
	transfer_detach(transfer);
}

void transfer_clear(struct transfer *transfer)
{
	transfer_leave(transfer);
	fetch_target_release(&transfer->target);
	fetch_target_release(&transfer->auth_for);
	if (transfer->authorization)
		explicit_bzero(transfer->authorization, strlen(transfer->authorization));
	free(transfer->authorization);
	free(transfer->body);
	if (transfer->easy) {
		curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, NULL);
		curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDS, NULL);
	}
	curl_slist_free_all(transfer->own_headers);
	curl_slist_free_all(transfer->any_headers);
	curl_slist_free_all(transfer->sent_headers);

	struct transfer kept = {
		.fetch = transfer->fetch,
		.link = transfer->link,
		.place = transfer->place,
		.easy = transfer->easy,
	};

	*transfer = kept;
}

void transfer_free(struct transfer *transfer)
{
	list_remove(&transfer->link);
	transfer_clear(transfer);
	curl_easy_cleanup(transfer->easy);
	free(transfer);
}
