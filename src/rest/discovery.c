#include "rest/discovery.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "catalog/events.h"
#include "catalog/recordings.h"
#include "event/loop.h"
#include "ledger/ledger.h"
#include "rest/listed_event.h"
#include "rest/rest_env.h"
#include "rest/rest_request.h"
#include "twilio/accounts.h"
#include "twilio/rest.h"

#include <stdlib.h>

#define URL_MAX           1024
#define MISSING_MS        60000 /* so long a SID that is not there is not asked for again */
#define REQUESTS_A_SECOND 10    /* each may cost a request per account */
#define WEBHOOK_MS        60000 /* so long after a recording completed its webhook may be on its way */
#define KNOWN_MAX         10000 /* SIDs remembered: when more, all are forgotten */
/* At ten requests a second: two seconds for one peer alone, twenty for all. */
#define WAITING_PEER_MAX 20
#define WAITING_MAX      200
#define PROJECTION_TRIES \
	100 /* writes to wait for until the events are projected: each lets a batch pass */

/* One SID: being asked for, or remembered as missing. */
struct discovery_lookup {
	struct map_node node; /* key: sid */
	struct discovery *discovery;
	struct fair_queue_entry entry; /* until it may be asked for */
	char sid[SID_SIZE];
	char request_id[REQUEST_ID_SIZE];  /* of whoever asked first */
	struct discovery_request *waiting; /* whoever asked; NULL once it is answered */
	int64_t missing_until_ms;          /* monotonic; 0 while it is asked for */
	size_t account;                    /* of which it is asked now */
	bool did_fail;                     /* one of the accounts gave no answer */
	bool did_refuse;                   /* ... or refused our credentials */
	struct rest_request rest_request;
	struct ledger_job job;
	struct rest_recordings_page page; /* what is to be committed */
	unsigned tries;
	bool is_known, is_behind; /* as the last look found it */
	bool has_learnt;          /* Twilio told of it, and that is committed */
};

struct discovery {
	const struct rest_env *env;
	struct map lookups;
	struct fair_queue queue;
	struct timer next; /* when those who wait may be asked for */
	int64_t second;    /* of which `asked` counts */
	unsigned asked;
};

static void discovery_lookup_free(struct discovery_lookup *lookup)
{
	while (lookup->waiting) {
		struct discovery_request *request = lookup->waiting;

		lookup->waiting = request->next;
		free(request);
	}
	fair_queue_remove(&lookup->discovery->queue, &lookup->entry);
	rest_request_release(&lookup->rest_request);
	rest_recordings_page_release(&lookup->page);
	map_remove(&lookup->discovery->lookups, &lookup->node);
	free(lookup);
}

/* ---- answering ---- */

static void deliver_request(struct mail *mail)
{
	struct discovery_request *request = container_of(mail, struct discovery_request, mail);

	if (request->answered)
		request->answered(request);
	free(request);
}

static void send_back(struct discovery_request *request, enum discovery_result result)
{
	request->result = result;
	request->mail.deliver = deliver_request;
	mailbox_post(request->reply, &request->mail);
}

static void conclude(struct discovery_lookup *lookup, enum discovery_result result)
{
	while (lookup->waiting) {
		struct discovery_request *request = lookup->waiting;

		lookup->waiting = request->next;
		send_back(request, result);
	}
	if (result == DISCOVERY_NOT_THERE)
		lookup->missing_until_ms = loop_now_ms(lookup->discovery->env->loop) + MISSING_MS;
	else
		discovery_lookup_free(lookup);
}

/* ---- what was learnt, into the ledger ---- */

static bool run_append(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct discovery_lookup *lookup = container_of(job, struct discovery_lookup, job);

	/* Twilio lists the newest first; of what has completed, the first that is appended becomes the call's main recording. */
	for (size_t i = lookup->page.count; i-- > 0;) {
		struct event event;
		int64_t seq;

		listed_event(&lookup->page.recordings[i], STR_NONE, &event);
		event.request_id = str_of(lookup->request_id);
		if (!events_append(catalog, &event, &seq, err))
			return false;
	}
	return true;
}

/* A call without a recording is as good as unknown: the webhook of the recording may be what was lost. */
static bool find(struct discovery_lookup *lookup, struct catalog *catalog, struct err *err)
{
	struct str sid = str_of(lookup->sid);
	enum call_recorded found = CALL_RECORDED;
	struct recording recording;
	bool is_call_on;

	if (str_starts(sid, STR("CA"))) {
		if (!recordings_find_main(catalog, sid, &found, &recording, &is_call_on, err))
			return false;
	} else if (!recordings_find(catalog, sid, &recording, err)) {
		if (err->kind != ERR_NOT_FOUND)
			return false;
		found = CALL_UNKNOWN;
	}
	lookup->is_known = found == CALL_RECORDED;
	return true;
}

/* Events are projected behind the writes: a look goes through the writer, so that each lets a batch pass. */
static bool run_look(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct discovery_lookup *lookup = container_of(job, struct discovery_lookup, job);
	struct catalog_counts counts;

	if (!find(lookup, catalog, err) || !catalog_counts(catalog, &counts, err))
		return false;
	lookup->is_behind = counts.events_waiting > 0;
	return true;
}

static void ask_next(struct discovery_lookup *lookup);

static void looked(struct ledger_job *job)
{
	struct discovery_lookup *lookup = container_of(job, struct discovery_lookup, job);

	if (!job->succeeded)
		conclude(lookup, DISCOVERY_FAILED);
	else if (lookup->is_known)
		conclude(lookup, DISCOVERY_FOUND);
	else if (lookup->is_behind && lookup->tries++ < PROJECTION_TRIES)
		ledger_write(lookup->discovery->env->ledger, job);
	else if (lookup->has_learnt)
		conclude(lookup, DISCOVERY_FAILED);
	else
		ask_next(lookup);
}

/* Is it known by now?  An event may be committed, and its webhook answered, before it is projected. */
static void look(struct discovery_lookup *lookup)
{
	lookup->tries = 0;
	lookup->job = (struct ledger_job){ .run = run_look,
					   .done = looked,
					   .reply = lookup->discovery->env->mailbox };
	ledger_write(lookup->discovery->env->ledger, &lookup->job);
}

/* Was there a webhook that should have been here by now? */
static bool was_lost(const struct rest_recordings_page *page)
{
	int64_t due_ms = clock_wall_ms() - WEBHOOK_MS;

	for (size_t i = 0; i < page->count; i++) {
		const struct rest_recording *told = &page->recordings[i];

		if (str_eq(told->status, STR("completed")) && told->updated_at_ms != 0 &&
		    told->updated_at_ms < due_ms)
			return true;
	}
	return false;
}

static void appended(struct ledger_job *job)
{
	struct discovery_lookup *lookup = container_of(job, struct discovery_lookup, job);
	struct log_tag tag;

	if (!job->succeeded) {
		log_error(NULL, "cannot commit what Twilio told of %s: %s", lookup->sid,
			  job->err.text);
		conclude(lookup, DISCOVERY_FAILED);
		return;
	}
	log_info(log_tag_of_request(lookup->request_id, &tag), "%s was not known, Twilio has it%s",
		 lookup->sid, was_lost(&lookup->page) ? ": its webhook was lost" : "");
	lookup->has_learnt = true;
	look(lookup);
}

static void commit_page(struct discovery_lookup *lookup)
{
	lookup->job = (struct ledger_job){ .run = run_append,
					   .done = appended,
					   .reply = lookup->discovery->env->mailbox };
	ledger_write(lookup->discovery->env->ledger, &lookup->job);
}

/* ---- asking, one account after the other ---- */

/* A recording's own metadata as a page of one, so that both ways go on alike. */
static bool read_answer(struct discovery_lookup *lookup, struct err *err)
{
	struct str body = buf_str(&lookup->rest_request.body);
	struct rest_recording *one;

	if (str_starts(str_of(lookup->sid), STR("CA")))
		return rest_read_recordings(body, &lookup->page, err);
	one = xcalloc(1, sizeof(*one));
	if (!rest_read_recording(body, &lookup->page.document, one, err)) {
		free(one);
		return false;
	}
	lookup->page.recordings = one;
	lookup->page.count = 1;
	return true;
}

static void rest_request_answered(struct rest_request *rest)
{
	struct discovery_lookup *lookup = container_of(rest, struct discovery_lookup, rest_request);
	struct err err;

	if (rest->status == 200 && !read_answer(lookup, &err)) {
		log_warn(NULL, "Twilio's answer about %s makes no sense: %s", lookup->sid,
			 err.text);
		lookup->did_fail = true;
	} else if (rest->status == 200 && lookup->page.count > 0) {
		commit_page(lookup);
		return;
	} else if (rest->status == 401 || rest->status == 403) {
		lookup->did_refuse = true;
	} else if (rest->status != 200 && rest->status != 404) {
		lookup->did_fail = true;
	}
	rest_recordings_page_release(&lookup->page);
	lookup->account++;
	ask_next(lookup);
}

static void ask_next(struct discovery_lookup *lookup)
{
	const struct rest_env *env = lookup->discovery->env;
	const struct account *account;
	char url_text[URL_MAX];
	struct buf url;
	struct err err;

	if (lookup->account == env->accounts->count) {
		conclude(lookup, lookup->did_refuse ? DISCOVERY_REFUSED
				 : lookup->did_fail ? DISCOVERY_FAILED
						    : DISCOVERY_NOT_THERE);
		return;
	}
	account = &env->accounts->at[lookup->account];
	buf_over(&url, url_text, sizeof(url_text));
	if (str_starts(str_of(lookup->sid), STR("CA")))
		rest_call_recordings_url(&url, str_of(account->api_url),
					 str_of(account->account_sid), str_of(lookup->sid));
	else
		rest_recording_url(&url, str_of(account->api_url), str_of(account->account_sid),
				   str_of(lookup->sid));
	if (buf_ok(&url) && rest_request_send(&lookup->rest_request, env->fetch, account, url_text,
					      rest_request_answered, &err))
		return;
	lookup->did_fail = true;
	lookup->account++;
	ask_next(lookup);
}

/* ---- coming in ---- */

static bool may_ask(struct discovery *discovery)
{
	int64_t second = loop_now_ms(discovery->env->loop) / 1000;

	if (second != discovery->second)
		discovery->asked = 0;
	discovery->second = second;
	if (discovery->asked >= REQUESTS_A_SECOND)
		return false;
	discovery->asked++;
	return true;
}

/* Does anybody still wait for it? */
static bool is_wanted(const struct discovery_lookup *lookup)
{
	int64_t now_ms = loop_now_ms(lookup->discovery->env->loop);

	for (const struct discovery_request *request = lookup->waiting; request;
	     request = request->next)
		if (request->until_ms > now_ms)
			return true;
	return false;
}

static void next_turns(struct timer *timer);

/* As many as may be asked for in this second. */
static void take_turns(struct discovery *discovery)
{
	int64_t now_ms = loop_now_ms(discovery->env->loop);

	while (discovery->queue.count > 0) {
		struct discovery_lookup *lookup;

		if (!may_ask(discovery)) {
			timer_start(discovery->env->loop, &discovery->next, 1000 - now_ms % 1000,
				    next_turns);
			return;
		}
		lookup = container_of(fair_queue_take(&discovery->queue), struct discovery_lookup,
				      entry);
		if (is_wanted(lookup)) {
			look(lookup);
			continue;
		}
		discovery->asked--;
		conclude(lookup, DISCOVERY_BUSY);
	}
}

static void next_turns(struct timer *timer)
{
	take_turns(container_of(timer, struct discovery, next));
}

/* When too many are remembered, those that nobody waits for are forgotten. */
static void forget_missing(struct discovery *discovery)
{
	struct map kept;
	struct map_node *node;

	map_init(&kept);
	while ((node = map_any(&discovery->lookups)) != NULL) {
		struct discovery_lookup *lookup = container_of(node, struct discovery_lookup, node);

		if (lookup->missing_until_ms != 0) {
			discovery_lookup_free(lookup);
			continue;
		}
		map_remove(&discovery->lookups, node);
		map_add(&kept, node, str_of(lookup->sid));
	}
	map_release(&discovery->lookups);
	discovery->lookups = kept;
}

static struct discovery_lookup *discovery_lookup_new(struct discovery *discovery, const char *sid)
{
	struct discovery_lookup *lookup = xcalloc(1, sizeof(*lookup));

	if (discovery->lookups.count >= KNOWN_MAX)
		forget_missing(discovery);
	lookup->discovery = discovery;
	memcpy(lookup->sid, sid, SID_SIZE);
	map_add(&discovery->lookups, &lookup->node, str_of(lookup->sid));
	return lookup;
}

void discovery_take(struct discovery *discovery, struct discovery_request *request)
{
	struct map_node *node = map_find(&discovery->lookups, str_of(request->sid));
	struct discovery_lookup *lookup = node ? container_of(node, struct discovery_lookup, node)
					       : NULL;

	if (lookup && lookup->missing_until_ms > loop_now_ms(discovery->env->loop)) {
		send_back(request, DISCOVERY_NOT_THERE);
		return;
	}
	if (lookup && lookup->missing_until_ms == 0) {
		request->next = lookup->waiting;
		lookup->waiting = request;
		return;
	}
	if (lookup)
		discovery_lookup_free(lookup); /* remembered for long enough */
	lookup = discovery_lookup_new(discovery, request->sid);
	memcpy(lookup->request_id, request->request_id, REQUEST_ID_SIZE);
	request->next = NULL;
	lookup->waiting = request;
	if (fair_queue_add(&discovery->queue, &lookup->entry, str_of(request->peer)))
		take_turns(discovery);
	else
		conclude(lookup, DISCOVERY_BUSY);
}

struct discovery *discovery_new(const struct rest_env *env)
{
	struct discovery *discovery = xcalloc(1, sizeof(*discovery));

	discovery->env = env;
	map_init(&discovery->lookups);
	fair_queue_init(&discovery->queue, WAITING_PEER_MAX, WAITING_MAX);
	return discovery;
}

void discovery_free(struct discovery *discovery)
{
	struct map_node *node;

	if (!discovery)
		return;
	while ((node = map_any(&discovery->lookups)) != NULL)
		discovery_lookup_free(container_of(node, struct discovery_lookup, node));
	map_release(&discovery->lookups);
	fair_queue_release(&discovery->queue);
	timer_stop(&discovery->next);
	free(discovery);
}
