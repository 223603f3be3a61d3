#include "fetch/fetch.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "fetch/fetch_state.h"
#include "fetch/transfer_answer.h"
#include "fetch/transfer_hops.h"

#define CONNECT_TIMEOUT_MS 10000
#define STALL_TIMEOUT_MS   30000
#define STALL_BYTES_PER_S  1024
#define MAX_TRANSFERS      64

/* ---- libcurl's sockets and timer on our loop ---- */

static void fetch_settle(struct fetch *fetch);

static void socket_ready(struct watch *watch, uint32_t events)
{
	struct socket_watch *s = container_of(watch, struct socket_watch, watch);
	struct fetch *fetch = s->fetch;
	int what = 0, running;

	if (events & (EPOLLIN | EPOLLHUP | EPOLLRDHUP))
		what |= CURL_CSELECT_IN;
	if (events & EPOLLOUT)
		what |= CURL_CSELECT_OUT;
	if (events & EPOLLERR)
		what |= CURL_CSELECT_ERR;
	curl_multi_socket_action(fetch->multi, watch->fd, what, &running);
	fetch_settle(fetch); /* s may be stopped by now, and is freed at the end of the turn */
}

static int socket_wanted(CURL *easy, curl_socket_t fd, int what, void *context,
			 void *socket_context)
{
	struct fetch *fetch = context;
	struct socket_watch *s = socket_context;
	uint32_t events = (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0) |
			  (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0);

	if (what == CURL_POLL_REMOVE) {
		if (s)
			fetch_forget_socket(s);
		return 0;
	}
	if (s) {
		watch_change(&s->watch, events);
		return 0;
	}
	s = xcalloc(1, sizeof(*s));
	s->fetch = fetch;
	s->easy = easy;
	list_append(&fetch->sockets, &s->link);
	watch_start(fetch->loop, &s->watch, fd, events, socket_ready);
	curl_multi_assign(fetch->multi, fd, s);
	return 0;
}

static void curl_timer_fired(struct timer *timer)
{
	struct fetch *fetch = container_of(timer, struct fetch, curl_timer);
	long left_ms = -1;
	int running;

	curl_multi_socket_action(fetch->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	fetch_settle(fetch);
	/*
	 * libcurl tells of an instant once.  Our clock stands still within a turn, so that we
	 * may come a little early; it then does nothing and would not tell again.
	 */
	if (timer_is_on(&fetch->curl_timer))
		return;
	curl_multi_timeout(fetch->multi, &left_ms);
	if (left_ms >= 0)
		timer_start(fetch->loop, &fetch->curl_timer, left_ms > 0 ? left_ms : 1,
			    curl_timer_fired);
}

static int timer_wanted(CURLM *multi, long delay_ms, void *context)
{
	struct fetch *fetch = context;

	if (delay_ms < 0)
		timer_stop(&fetch->curl_timer);
	else
		timer_start(fetch->loop, &fetch->curl_timer, delay_ms, curl_timer_fired);
	return 0;
}

/* ---- whose turn it is ---- */

/* libcurl before 8.8 keeps the errno of one transfer for the next of the same handle. */
static bool is_worth_keeping(const struct transfer *transfer)
{
	long met = 0;

	if (transfer->easy)
		curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &met);
	return met == 0;
}

static void take_back_ended(struct fetch *fetch)
{
	LIST_EACH (item, &fetch->ended) {
		struct transfer *transfer = container_of(item, struct transfer, link);

		transfer_clear(transfer);
		if (fetch->spare_count < fetch->max_transfers && is_worth_keeping(transfer))
			fetch_place(transfer, TRANSFER_SPARE);
		else
			transfer_free(transfer);
	}
}

static struct transfer *find_stopped(struct fetch *fetch)
{
	LIST_EACH (item, &fetch->active) {
		struct transfer *transfer = container_of(item, struct transfer, link);

		if (transfer->is_stopped)
			return transfer;
	}
	return NULL;
}

static void end_stopped(struct fetch *fetch)
{
	struct transfer *transfer;

	fetch->must_stop = false;
	while ((transfer = find_stopped(fetch)))
		transfer_done(transfer, CURLE_WRITE_ERROR);
}

static bool has_its_share(const struct fetch *fetch, const struct transfer *transfer)
{
	uint32_t count = 0;

	LIST_EACH (item, &fetch->active)
		count += fetch_target_same_origin(
			&container_of(item, struct transfer, link)->target, &transfer->target);
	return count >= fetch->max_per_origin;
}

/* The first in line whose origin does not have its share.  NULL: it is nobody's turn. */
static struct transfer *next_in_line(const struct fetch *fetch)
{
	const struct transfer *full = NULL; /* those of one that hangs stand in line together */

	LIST_EACH (item, &fetch->waiting) {
		struct transfer *transfer = container_of(item, struct transfer, link);

		if (fetch->max_per_origin == 0)
			return transfer;
		if (full && fetch_target_same_origin(&full->target, &transfer->target))
			continue;
		if (!has_its_share(fetch, transfer))
			return transfer;
		full = transfer;
	}
	return NULL;
}

static void begin_waiting(struct fetch *fetch)
{
	struct transfer *transfer;

	while (fetch->active_count < fetch->max_transfers && (transfer = next_in_line(fetch)))
		transfer_begin(transfer);
}

/*
 * What could not be done inside libcurl: ends, removals, beginnings.  Each
 * step may call receivers, and these may ask for more of the kind; what they ask for
 * is done here, or in the next turn.
 */
static void fetch_settle(struct fetch *fetch)
{
	CURLMsg *message;
	int left;

	transfer_give_gathered(fetch);
	while ((message = curl_multi_info_read(fetch->multi, &left))) {
		struct transfer *transfer = NULL;
		CURLcode code = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
		transfer_done(transfer, code);
	}
	if (fetch->must_stop)
		end_stopped(fetch);
	take_back_ended(fetch);
	begin_waiting(fetch);
}

static void chores_due(struct timer *timer)
{
	fetch_settle(container_of(timer, struct fetch, chores));
}

/* ---- options ---- */

static struct str without_brackets(const char *host)
{
	struct str s = str_of(host);

	if (s.len >= 2 && s.at[0] == '[' && s.at[s.len - 1] == ']')
		s = str_first(str_after(s, 1), s.len - 2);
	return s;
}

static void copy_options(struct fetch *fetch, const struct fetch_options *options)
{
	fetch->proxy = xstrdup(options->proxy ? options->proxy : "");
	fetch->ca_file = options->ca_file ? xstrdup(options->ca_file) : NULL;
	fetch->user_agent =
		xstrdup(options->user_agent ? options->user_agent : "callspool/" CALLSPOOL_VERSION);
	fetch->connect_timeout_ms = options->connect_timeout_ms ? options->connect_timeout_ms
								: CONNECT_TIMEOUT_MS;
	fetch->stall_timeout_ms = options->stall_timeout_ms ? options->stall_timeout_ms
							    : STALL_TIMEOUT_MS;
	fetch->stall_bytes_per_s = options->stall_bytes_per_s ? options->stall_bytes_per_s
							      : STALL_BYTES_PER_S;
	fetch->max_transfers = options->max_transfers ? options->max_transfers : MAX_TRANSFERS;
	fetch->max_per_origin = options->max_per_origin;
	fetch->allows_all = options->allows_all;

	while (options->allowed_hosts && options->allowed_hosts[fetch->allowed_count])
		fetch->allowed_count++;
	fetch->allowed_hosts = xcalloc(fetch->allowed_count + 1, sizeof(char *));
	for (size_t i = 0; i < fetch->allowed_count; i++)
		fetch->allowed_hosts[i] = str_dup(without_brackets(options->allowed_hosts[i]));
}

/* ---- birth and death ---- */

bool fetch_new(struct loop *loop, const struct fetch_options *options, struct fetch **out,
	       struct err *err)
{
	struct fetch *fetch;

	/* Counted and safe across threads since 7.84 (curl_global_init(3)). */
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(err, ERR_INTERNAL, "libcurl does not start");
	fetch = xcalloc(1, sizeof(*fetch));
	fetch->loop = loop;
	fetch->chores_due = chores_due;
	list_init(&fetch->sockets);
	list_init(&fetch->waiting);
	list_init(&fetch->active);
	list_init(&fetch->ended);
	list_init(&fetch->spare);
	copy_options(fetch, options);

	fetch->multi = curl_multi_init();
	fetch->share = curl_share_init();
	if (!fetch->multi || !fetch->share)
		abort(); /* out of memory */
	curl_share_setopt(fetch->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
	curl_multi_setopt(fetch->multi, CURLMOPT_SOCKETFUNCTION, socket_wanted);
	curl_multi_setopt(fetch->multi, CURLMOPT_SOCKETDATA, fetch);
	curl_multi_setopt(fetch->multi, CURLMOPT_TIMERFUNCTION, timer_wanted);
	curl_multi_setopt(fetch->multi, CURLMOPT_TIMERDATA, fetch);
	curl_multi_setopt(fetch->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
	curl_multi_setopt(fetch->multi, CURLMOPT_MAXCONNECTS, (long)fetch->max_transfers);

	*out = fetch;
	return true;
}

void fetch_set_max_transfers(struct fetch *fetch, uint32_t max_transfers)
{
	fetch->max_transfers = max_transfers;
	curl_multi_setopt(fetch->multi, CURLMOPT_MAXCONNECTS, (long)max_transfers);
	timer_start(fetch->loop, &fetch->chores, 0, chores_due); /* some may begin that wait */
}

static void free_all(struct list *transfers)
{
	LIST_EACH (item, transfers)
		transfer_free(container_of(item, struct transfer, link));
}

void fetch_free(struct fetch *fetch)
{
	if (!fetch)
		return;
	free_all(&fetch->waiting);
	free_all(&fetch->active);
	free_all(&fetch->ended);
	free_all(&fetch->spare);
	curl_multi_cleanup(fetch->multi); /* closes what is idle, and tells of those sockets */
	curl_share_cleanup(fetch->share);
	LIST_EACH (item, &fetch->sockets) {
		struct socket_watch *s = container_of(item, struct socket_watch, link);

		watch_stop(&s->watch);
		free(s);
	}
	timer_stop(&fetch->curl_timer);
	timer_stop(&fetch->chores);
	for (size_t i = 0; i < fetch->allowed_count; i++)
		free(fetch->allowed_hosts[i]);
	free(fetch->allowed_hosts);
	free(fetch->proxy);
	free(fetch->ca_file);
	free(fetch->user_agent);
	free(fetch);
	curl_global_cleanup();
}

void fetch_listen_dates(struct fetch *fetch, struct date_listener *listener)
{
	fetch->dates = listener;
}

bool fetch_has_room(const struct fetch *fetch)
{
	return fetch->active_count < fetch->max_transfers && list_is_empty(&fetch->waiting);
}

uint32_t fetch_active(const struct fetch *fetch)
{
	return fetch->active_count;
}

uint32_t fetch_waiting(const struct fetch *fetch)
{
	return fetch->waiting_count;
}
