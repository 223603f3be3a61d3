#include "spool/discovery.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "catalog/events.h"
#include "catalog/recordings.h"
#include "event/loop.h"
#include "spool/flight_gear.h"
#include "spool/ledger.h"
#include "spool/question.h"
#include "twilio/accounts.h"
#include "twilio/rest.h"

#include <stdlib.h>

#define URL_MAX       1024
#define MISSING_MS    60000 /* so long a SID that is not there is not asked for again */
#define QUESTIONS_A_S 10    /* each may cost a request per account */
#define KNOWN_MAX     10000 /* SIDs remembered: when more, all are forgotten */
#define PROJECTION_TRIES \
	100 /* writes to wait for until the events are projected: each lets a batch pass */

/* One SID: being asked for, or remembered as missing. */
struct search {
	struct map_node node; /* key: sid */
	struct discovery *discovery;
	struct turn turn; /* until it may be asked for */
	char sid[SID_SIZE];
	struct inquest *waiting;  /* whoever asked; NULL once it is answered */
	int64_t missing_until_ms; /* monotonic; 0 while it is asked for */
	size_t account;           /* of which it is asked now */
	bool did_fail;            /* one of the accounts gave no answer */
	bool did_refuse;          /* ... or refused our credentials */
	struct question question;
	struct ledger_job job;
	struct rest_recordings_page page; /* what is to be committed */
	unsigned tries;
	bool is_known, is_behind; /* as the last look found it */
	bool has_learnt;          /* Twilio told of it, and that is committed */
};

struct discovery {
	const struct flight_gear *gear;
	struct map searches;
	struct turns turns;
	struct timer next; /* when those who wait may be asked for */
	int64_t second;    /* of which `asked` counts */
	unsigned asked;
};

static void search_free(struct search *search)
{
	while (search->waiting) {
		struct inquest *inquest = search->waiting;

		search->waiting = inquest->next;
		free(inquest);
	}
	turns_remove(&search->discovery->turns, &search->turn);
	question_release(&search->question);
	rest_recordings_page_release(&search->page);
	map_remove(&search->discovery->searches, &search->node);
	free(search);
}

/* ---- answering ---- */

static void deliver_inquest(struct mail *mail)
{
	struct inquest *inquest = container_of(mail, struct inquest, mail);

	if (inquest->answered)
		inquest->answered(inquest);
	free(inquest);
}

static void send_back(struct inquest *inquest, enum discovery_result result)
{
	inquest->result = result;
	inquest->mail.deliver = deliver_inquest;
	mailbox_post(inquest->reply, &inquest->mail);
}

static void conclude(struct search *search, enum discovery_result result)
{
	while (search->waiting) {
		struct inquest *inquest = search->waiting;

		search->waiting = inquest->next;
		send_back(inquest, result);
	}
	if (result == DISCOVERY_NOT_THERE)
		search->missing_until_ms = loop_now_ms(search->discovery->gear->loop) + MISSING_MS;
	else
		search_free(search);
}

/* ---- what was learnt, into the ledger ---- */

static bool run_append(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct search *search = container_of(job, struct search, job);

	for (size_t i = 0; i < search->page.count; i++) {
		const struct rest_recording *told = &search->page.recordings[i];
		struct event event;
		int64_t seq;

		event_init(&event, EVENT_RECORDING_LISTED, clock_wall_ms());
		event.account_sid = told->account_sid;
		event.call_sid = told->call_sid;
		event.recording_sid = told->recording_sid;
		event.status = told->status;
		event.source = told->source;
		event.track = told->track;
		event.recording_url = told->media_url;
		event.encryption = told->encryption;
		event.duration_s = told->duration_s;
		event.channels = told->channels;
		event.started_at_ms = told->started_at_ms ? told->started_at_ms
							  : told->created_at_ms;
		event.error_code = told->error_code > 0 ? told->error_code : 0;
		if (!events_append(catalog, &event, &seq, err))
			return false;
	}
	return true;
}

/* A call without a recording is as good as unknown: the webhook of the recording may be what was lost. */
static bool find(struct search *search, struct catalog *catalog, struct err *err)
{
	struct str sid = str_of(search->sid);
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
	search->is_known = found == CALL_RECORDED;
	return true;
}

/* Events are projected behind the writes: a look goes through the writer, so that each lets a batch pass. */
static bool run_look(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct search *search = container_of(job, struct search, job);
	struct catalog_counts counts;

	if (!find(search, catalog, err) || !catalog_counts(catalog, &counts, err))
		return false;
	search->is_behind = counts.events_waiting > 0;
	return true;
}

static void ask_next(struct search *search);

static void looked(struct ledger_job *job)
{
	struct search *search = container_of(job, struct search, job);

	if (!job->succeeded)
		conclude(search, DISCOVERY_FAILED);
	else if (search->is_known)
		conclude(search, DISCOVERY_FOUND);
	else if (search->is_behind && search->tries++ < PROJECTION_TRIES)
		ledger_write(search->discovery->gear->ledger, job);
	else if (search->has_learnt)
		conclude(search, DISCOVERY_FAILED);
	else
		ask_next(search);
}

/* Is it known by now?  An event may be committed, and its webhook answered, before it is projected. */
static void look(struct search *search)
{
	search->tries = 0;
	search->job = (struct ledger_job){ .run = run_look,
					   .done = looked,
					   .reply = search->discovery->gear->mailbox };
	ledger_write(search->discovery->gear->ledger, &search->job);
}

static void appended(struct ledger_job *job)
{
	struct search *search = container_of(job, struct search, job);

	if (!job->succeeded) {
		log_error(NULL, "cannot commit what Twilio told of %s: %s", search->sid,
			  job->err.text);
		conclude(search, DISCOVERY_FAILED);
		return;
	}
	log_info(NULL, "%s was not known, Twilio has it: its webhook was lost", search->sid);
	search->has_learnt = true;
	look(search);
}

static void commit_page(struct search *search)
{
	search->job = (struct ledger_job){ .run = run_append,
					   .done = appended,
					   .reply = search->discovery->gear->mailbox };
	ledger_write(search->discovery->gear->ledger, &search->job);
}

/* ---- asking, one account after the other ---- */

/* A recording's own metadata as a page of one, so that both ways go on alike. */
static bool read_answer(struct search *search, struct err *err)
{
	struct str body = buf_str(&search->question.body);
	struct rest_recording *one;

	if (str_starts(str_of(search->sid), STR("CA")))
		return rest_read_recordings(body, &search->page, err);
	one = xcalloc(1, sizeof(*one));
	if (!rest_read_recording(body, &search->page.document, one, err)) {
		free(one);
		return false;
	}
	search->page.recordings = one;
	search->page.count = 1;
	return true;
}

static void question_answered(struct question *question)
{
	struct search *search = container_of(question, struct search, question);
	struct err err;

	if (question->status == 200 && !read_answer(search, &err)) {
		log_warn(NULL, "Twilio's answer about %s makes no sense: %s", search->sid,
			 err.text);
		search->did_fail = true;
	} else if (question->status == 200 && search->page.count > 0) {
		commit_page(search);
		return;
	} else if (question->status == 401 || question->status == 403) {
		search->did_refuse = true;
	} else if (question->status != 200 && question->status != 404) {
		search->did_fail = true;
	}
	rest_recordings_page_release(&search->page);
	search->account++;
	ask_next(search);
}

static void ask_next(struct search *search)
{
	const struct flight_gear *gear = search->discovery->gear;
	const struct account *account;
	char url_text[URL_MAX];
	struct buf url;
	struct err err;

	if (search->account == gear->accounts->count) {
		conclude(search, search->did_refuse ? DISCOVERY_REFUSED
				 : search->did_fail ? DISCOVERY_FAILED
						    : DISCOVERY_NOT_THERE);
		return;
	}
	account = &gear->accounts->at[search->account];
	buf_over(&url, url_text, sizeof(url_text));
	if (str_starts(str_of(search->sid), STR("CA")))
		rest_call_recordings_url(&url, str_of(account->api_url),
					 str_of(account->account_sid), str_of(search->sid));
	else
		rest_recording_url(&url, str_of(account->api_url), str_of(account->account_sid),
				   str_of(search->sid));
	if (buf_ok(&url) &&
	    question_ask(&search->question, gear, account, url_text, question_answered, &err))
		return;
	search->did_fail = true;
	search->account++;
	ask_next(search);
}

/* ---- coming in ---- */

static bool may_ask(struct discovery *discovery)
{
	int64_t second = loop_now_ms(discovery->gear->loop) / 1000;

	if (second != discovery->second)
		discovery->asked = 0;
	discovery->second = second;
	if (discovery->asked >= QUESTIONS_A_S)
		return false;
	discovery->asked++;
	return true;
}

/* Does anybody still wait for it? */
static bool is_wanted(const struct search *search)
{
	int64_t now_ms = loop_now_ms(search->discovery->gear->loop);

	for (const struct inquest *inquest = search->waiting; inquest; inquest = inquest->next)
		if (inquest->until_ms > now_ms)
			return true;
	return false;
}

static void next_turns(struct timer *timer);

/* As many as may be asked for in this second. */
static void take_turns(struct discovery *discovery)
{
	int64_t now_ms = loop_now_ms(discovery->gear->loop);

	while (discovery->turns.count > 0) {
		struct search *search;

		if (!may_ask(discovery)) {
			timer_start(discovery->gear->loop, &discovery->next, 1000 - now_ms % 1000,
				    next_turns);
			return;
		}
		search = container_of(turns_take(&discovery->turns), struct search, turn);
		if (is_wanted(search)) {
			look(search);
			continue;
		}
		discovery->asked--;
		conclude(search, DISCOVERY_BUSY);
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
	while ((node = map_any(&discovery->searches)) != NULL) {
		struct search *search = container_of(node, struct search, node);

		if (search->missing_until_ms != 0) {
			search_free(search);
			continue;
		}
		map_remove(&discovery->searches, node);
		map_add(&kept, node, str_of(search->sid));
	}
	map_release(&discovery->searches);
	discovery->searches = kept;
}

static struct search *search_new(struct discovery *discovery, const char *sid)
{
	struct search *search = xcalloc(1, sizeof(*search));

	if (discovery->searches.count >= KNOWN_MAX)
		forget_missing(discovery);
	search->discovery = discovery;
	memcpy(search->sid, sid, SID_SIZE);
	map_add(&discovery->searches, &search->node, str_of(search->sid));
	return search;
}

void discovery_take(struct discovery *discovery, struct inquest *inquest)
{
	struct map_node *node = map_find(&discovery->searches, str_of(inquest->sid));
	struct search *search = node ? container_of(node, struct search, node) : NULL;

	if (search && search->missing_until_ms > loop_now_ms(discovery->gear->loop)) {
		send_back(inquest, DISCOVERY_NOT_THERE);
		return;
	}
	if (search && search->missing_until_ms == 0) {
		inquest->next = search->waiting;
		search->waiting = inquest;
		return;
	}
	if (search)
		search_free(search); /* remembered for long enough */
	search = search_new(discovery, inquest->sid);
	inquest->next = NULL;
	search->waiting = inquest;
	if (turns_add(&discovery->turns, &search->turn, str_of(inquest->peer)))
		take_turns(discovery);
	else
		conclude(search, DISCOVERY_BUSY);
}

struct discovery *discovery_new(const struct flight_gear *gear)
{
	struct discovery *discovery = xcalloc(1, sizeof(*discovery));

	discovery->gear = gear;
	map_init(&discovery->searches);
	turns_init(&discovery->turns);
	return discovery;
}

void discovery_free(struct discovery *discovery)
{
	struct map_node *node;

	if (!discovery)
		return;
	while ((node = map_any(&discovery->searches)) != NULL)
		search_free(container_of(node, struct search, node));
	map_release(&discovery->searches);
	turns_release(&discovery->turns);
	timer_stop(&discovery->next);
	free(discovery);
}
