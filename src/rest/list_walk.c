#include "rest/list_walk.h"

#include "base/log.h"
#include "catalog/events.h"
#include "catalog/recordings.h"
#include "fetch/fetch.h"
#include "ledger/ledger.h"
#include "projection/project_recording.h"
#include "rest/listed_event.h"
#include "rest/rest_env.h"
#include "twilio/accounts.h"

#include <stdarg.h>
#include <stdio.h>

#define BODY_MAX \
	(8 * 1024 * 1024)  /* a full page takes about 1.2 MiB, an encrypted one twice that */
#define LIMIT_MS     60000 /* a full page takes Twilio seconds */
#define CHUNK        100   /* rows a write: webhooks wait behind it */
#define BUSY_MS      1000  /* transfers wait: looked at again so much later */
#define PAGE_TRIES   4
#define NO_SENSE     "Twilio's answer makes no sense: %s"
#define TRY_AGAIN_MS 1000 /* after the first; doubled with each */

static void look(struct timer *timer);

static void look_in(struct list_walk *walk, int64_t wait_ms)
{
	timer_start(walk->env->loop, &walk->timer, wait_ms, look);
}

static void end(struct list_walk *walk, bool is_whole)
{
	rest_request_release(&walk->request);
	rest_recordings_page_release(&walk->page);
	walk->is_whole = is_whole;
	walk->ended(walk);
}

PRINTF_LIKE(2, 3)
static void blame(struct list_walk *walk, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(walk->failure, sizeof(walk->failure), fmt, args);
	va_end(args);
}

PRINTF_LIKE(2, 3)
static void fail(struct list_walk *walk, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(walk->failure, sizeof(walk->failure), fmt, args);
	va_end(args);
	end(walk, false);
}

/* ---- a page, into the ledger ---- */

static size_t chunk_start(const struct list_walk *walk)
{
	return walk->left > CHUNK ? walk->left - CHUNK : 0;
}

/* The page from its end, because of a call's recordings the first that is appended becomes the main one. */
static bool run_chunk(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct list_walk *walk = container_of(job, struct list_walk, job);

	walk->chunk_news = 0;
	for (size_t i = walk->left; i-- > chunk_start(walk);) {
		struct event event;
		bool is_news;
		int64_t seq;

		listed_event(&walk->page.recordings[i], str_of(walk->account->account_sid), &event);
		if (!recordings_is_news(catalog, &event, &is_news, err))
			return false;
		if (!is_news)
			continue;
		if (!events_append(catalog, &event, &seq, err))
			return false;
		walk->chunk_news++;
	}
	return chunk_start(walk) > 0 || !walk->plan.keep || walk->plan.keep(walk, catalog, err);
}

static int64_t created_at(const struct rest_recording *recording)
{
	return recording->created_at_ms ? recording->created_at_ms : recording->started_at_ms;
}

/* Does a page behind this one hold anything of what was asked for? */
static bool is_last(const struct list_walk *walk)
{
	const struct rest_recordings_page *page = &walk->page;
	int64_t oldest_ms;

	if (walk->next_url[0] == '\0' || page->count == 0)
		return true;
	oldest_ms = created_at(&page->recordings[page->count - 1]);
	return oldest_ms != 0 && oldest_ms < walk->plan.since_ms; /* 0: no date that we can read */
}

static void write_chunk(struct list_walk *walk);

static void page_written(struct list_walk *walk)
{
	bool was_last = is_last(walk);

	if (walk->failure[0] != '\0') {
		end(walk, false);
		return;
	}
	rest_recordings_page_release(&walk->page);
	if (was_last) {
		end(walk, true);
		return;
	}
	memcpy(walk->url, walk->next_url, sizeof(walk->url));
	walk->tries = 0;
	look_in(walk, 0);
}

static void chunk_written(struct ledger_job *job)
{
	struct list_walk *walk = container_of(job, struct list_walk, job);

	if (!job->succeeded) {
		walk->chunk_news = 0;
		fail(walk, "the ledger cannot be written: %s", job->err.text);
		return;
	}
	walk->found += (int64_t)walk->chunk_news;
	walk->chunk_news = 0;
	walk->left = chunk_start(walk);
	if (walk->left > 0)
		write_chunk(walk);
	else
		page_written(walk);
}

static void write_chunk(struct list_walk *walk)
{
	walk->job = (struct ledger_job){ .run = run_chunk,
					 .done = chunk_written,
					 .reply = walk->env->mailbox };
	ledger_write(walk->env->ledger, &walk->job);
}

/* ---- asking for a page ---- */

/* It will be told of once more: by its webhook, or by a later pass. */
static bool is_open(const struct rest_recording *recording)
{
	static const char *const statuses[] = { "in-progress", "paused", "stopped", "processing" };

	for (size_t i = 0; i < ARRAY_LEN(statuses); i++)
		if (str_eq(recording->status, str_of(statuses[i])))
			return true;
	return false;
}

static bool is_too_old(const struct list_walk *walk, const struct rest_recording *recording)
{
	int64_t at_ms = recording->started_at_ms ? recording->started_at_ms
						 : recording->created_at_ms;

	return at_ms != 0 && at_ms < walk->plan.too_old_ms;
}

static void count_page(struct list_walk *walk)
{
	walk->listed += (int64_t)walk->page.count;
	walk->malformed += (int64_t)walk->page.malformed;
	walk->left = walk->page.count;
	walk->reached_ms = 0;
	for (size_t i = 0; i < walk->page.count; i++) {
		const struct rest_recording *recording = &walk->page.recordings[i];
		int64_t at_ms = created_at(recording);

		walk->too_old += is_too_old(walk, recording);
		if (at_ms != 0)
			walk->reached_ms = at_ms;
		if (is_open(recording) && at_ms != 0 &&
		    (walk->oldest_open_ms == 0 || at_ms < walk->oldest_open_ms))
			walk->oldest_open_ms = at_ms;
	}
}

/* Brent's way: of a circle of any length a mark is met again that is moved each time the pages have doubled. */
static bool is_circle(struct list_walk *walk)
{
	if (strcmp(walk->mark, walk->next_url) == 0)
		return true;
	if (++walk->pages == walk->mark_at) {
		memcpy(walk->mark, walk->next_url, sizeof(walk->mark));
		walk->mark_at *= 2;
	}
	return false;
}

static bool find_next_page(struct list_walk *walk, struct err *err)
{
	struct buf url;

	walk->next_url[0] = '\0';
	if (!walk->page.next_page_uri.at)
		return true;
	buf_over(&url, walk->next_url, sizeof(walk->next_url));
	if (!rest_next_page_url(&url, str_of(walk->account->api_url), walk->page.next_page_uri,
				err))
		return false;
	if (!buf_ok(&url))
		return err_set(err, ERR_UNAVAILABLE, "the address of the next page is too long");
	if (strcmp(walk->url, walk->next_url) == 0)
		return err_set(err, ERR_UNAVAILABLE, "a page names itself as the next one");
	if (is_circle(walk))
		return err_set(err, ERR_UNAVAILABLE, "its pages name each other in a circle");
	return true;
}

/*
 * A page that leads nowhere is written as any other, and then the walk fails; but it is not kept as the page to go on with, or
 * who goes on would read it for ever.
 */
static void next_page(struct list_walk *walk)
{
	struct err err;

	if (find_next_page(walk, &err))
		return;
	walk->next_url[0] = '\0';
	blame(walk, NO_SENSE, err.text);
}

static void try_again(struct list_walk *walk, int status)
{
	walk->status = status;
	if (++walk->tries < PAGE_TRIES)
		look_in(walk, (int64_t)TRY_AGAIN_MS << (walk->tries - 1));
	else if (status == 0)
		fail(walk, "Twilio gave no answer");
	else
		fail(walk, "Twilio answered %d", status);
}

static void answered(struct rest_request *request)
{
	struct list_walk *walk = container_of(request, struct list_walk, request);
	int status = request->status;
	struct err err;

	if (status == 401 || status == 403 || status == 404) {
		walk->status = status;
		fail(walk, "Twilio answered %d%s", status,
		     status == 404 ? "" : ": it refuses the credentials");
		return;
	}
	if (status != 200) {
		rest_request_release(request);
		try_again(walk, status);
		return;
	}
	if (!rest_read_recordings(buf_str(&request->body), &walk->page, &err)) {
		fail(walk, NO_SENSE, err.text);
		return;
	}
	next_page(walk);
	rest_request_release(request);
	count_page(walk);
	if (walk->left > 0)
		write_chunk(walk);
	else
		page_written(walk);
}

static void look(struct timer *timer)
{
	struct list_walk *walk = container_of(timer, struct list_walk, timer);
	struct err err;

	if (fetch_waiting(walk->env->fetch) > 0) {
		look_in(walk, BUSY_MS);
		return;
	}
	walk->request.body_max = BODY_MAX;
	walk->request.limit_ms = LIMIT_MS;
	if (!rest_request_send(&walk->request, walk->env->fetch, walk->account, walk->url, answered,
			       &err))
		fail(walk, "%s", err.text);
}

static void first_url(struct list_walk *walk)
{
	const struct rest_recordings_query query = { .page_size = LIST_WALK_PAGE_SIZE,
						     .created_from_ms = walk->plan.since_ms,
						     .created_before_ms = walk->plan.before_ms };
	struct buf url;

	buf_over(&url, walk->url, sizeof(walk->url));
	if (walk->plan.url && walk->plan.url[0] != '\0')
		buf_add_text(&url, walk->plan.url);
	else
		rest_recordings_url(&url, str_of(walk->account->api_url),
				    str_of(walk->account->account_sid), &query);
	if (!buf_ok(&url))
		walk->url[0] = '\0'; /* which is refused as an address */
}

void list_walk_start(struct list_walk *walk, const struct rest_env *env,
		     const struct account *account, const struct list_walk_plan *plan,
		     void (*ended)(struct list_walk *walk))
{
	*walk = (struct list_walk){
		.env = env, .account = account, .plan = *plan, .ended = ended, .mark_at = 1
	};
	first_url(walk);
	walk->plan.url = NULL;
	look_in(walk, 0);
}

void list_walk_release(struct list_walk *walk)
{
	timer_stop(&walk->timer);
	rest_request_release(&walk->request);
	rest_recordings_page_release(&walk->page);
}
