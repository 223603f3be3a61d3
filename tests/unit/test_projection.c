#include "projection/projection.h"

#include "catalog/attempts.h"
#include "catalog/call_asks.h"
#include "catalog/calls.h"
#include "catalog/recordings.h"
#include "ledger_fixture.h"
#include "listing/calls_list.h"
#include "tap.h"

#define CALL        STR("CA00000000000000000000000000000001")
#define RECORDING   STR("RE00000000000000000000000000000001")
#define RECORDING_2 STR("RE00000000000000000000000000000002")
#define NOON        1700000000000

static struct err err;

/* Short forms of what Twilio sends; times are seconds after NOON. */
static struct event call_event(const char *status, int64_t at_s, int64_t duration_s)
{
	struct event event;

	event_init(&event, EVENT_CALL_STATUS, NOON + 60000 + at_s * 1000);
	event.call_sid = CALL;
	event.account_sid = STR("AC00000000000000000000000000000001");
	event.status = str_of(status);
	event.direction = STR("outbound-api");
	event.from = STR("+15550001111");
	event.to = STR("+972501234567");
	event.timestamp_ms = NOON + at_s * 1000;
	event.duration_s = duration_s;
	return event;
}

static struct event recording_event(struct str sid, const char *status, int64_t received_s)
{
	struct event event;

	event_init(&event, EVENT_RECORDING_STATUS, NOON + 60000 + received_s * 1000);
	event.call_sid = CALL;
	event.recording_sid = sid;
	event.account_sid = STR("AC00000000000000000000000000000001");
	event.status = str_of(status);
	event.started_at_ms = NOON + 5000;
	event.source = STR("OutboundAPI");
	if (str_eq(event.status, STR("completed"))) {
		event.duration_s = 30;
		event.channels = 2;
		event.recording_url = STR("https://api.twilio.com/2010-04-01/x");
	}
	return event;
}

static struct event set[6];

static void make_set(void)
{
	set[0] = call_event("initiated", 0, EVENT_UNKNOWN);
	set[1] = call_event("in-progress", 4, EVENT_UNKNOWN);
	set[2] = call_event("completed", 40, 36);
	set[3] = recording_event(RECORDING, "in-progress", 6);
	set[4] = recording_event(RECORDING, "completed", 42);
	event_init(&set[5], EVENT_CALL_FETCHED, NOON + 120000);
	set[5].call_sid = CALL;
	set[5].status = STR("completed");
	set[5].started_at_ms = NOON + 1000;
	set[5].timestamp_ms = NOON + 40000;
	set[5].duration_s = 36;
}

/* All but the numbers of changes. */
static bool same_call(const struct call *a, const struct call *b)
{
	return a->status == b->status && a->direction == b->direction &&
	       str_eq(str_of(a->from), str_of(b->from)) && str_eq(str_of(a->to), str_of(b->to)) &&
	       str_eq(str_of(a->direction_text), str_of(b->direction_text)) &&
	       str_eq(str_of(a->main_recording_sid), str_of(b->main_recording_sid)) &&
	       a->started_at_ms == b->started_at_ms && a->ended_at_ms == b->ended_at_ms &&
	       a->duration_s == b->duration_s && a->is_main_fixed == b->is_main_fixed &&
	       a->group == b->group && a->recordings == b->recordings;
}

static bool same_recording(const struct recording *a, const struct recording *b)
{
	return a->state == b->state && a->started_at_ms == b->started_at_ms &&
	       a->completed_at_ms == b->completed_at_ms && a->duration_s == b->duration_s &&
	       a->channels == b->channels && str_eq(str_of(a->source), str_of(b->source)) &&
	       str_eq(str_of(a->call_sid), str_of(b->call_sid)) &&
	       str_eq(str_of(a->account_sid), str_of(b->account_sid)) &&
	       a->next_try_at_ms == b->next_try_at_ms && a->queued_at_ms == b->queued_at_ms;
}

static void swap(int *a, int *b)
{
	int t = *a;

	*a = *b;
	*b = t;
}

static bool next_permutation(int *order, int n)
{
	int i = n - 2, j = n - 1;

	while (i >= 0 && order[i] >= order[i + 1])
		i--;
	if (i < 0)
		return false;
	while (order[j] <= order[i])
		j--;
	swap(&order[i], &order[j]);
	for (int a = i + 1, b = n - 1; a < b; a++, b--)
		swap(&order[a], &order[b]);
	return true;
}

/* Applies the set in that order, each event in a run of its own when alone is set. */
static void apply_in_order(struct ledger *ledger, const int *order, int n, bool alone,
			   struct call *call, struct recording *recording)
{
	struct projection_result result;
	int64_t seq;

	/* Everything is rolled back at the end, so that one ledger serves all orders. */
	MUST(catalog_begin(ledger->writer, &err));
	for (int i = 0; i < n; i++) {
		MUST(events_append(ledger->writer, &set[order[i]], &seq, &err));
		if (alone)
			MUST(projection_run(ledger->writer, 1, &result, &err));
	}
	MUST(projection_run(ledger->writer, PROJECTION_EVENTS_MAX, &result, &err));
	MUST(calls_find(ledger->writer, CALL, call, &err));
	MUST(recordings_find(ledger->writer, RECORDING, recording, &err));
	catalog_rollback(ledger->writer);
}

static void test_permutations(struct ledger *ledger)
{
	int order[7] = { 0, 1, 2, 3, 4, 5, 0 };
	struct call want_call, call;
	struct recording want_recording, recording;
	int orders = 0, wrong = 0;

	apply_in_order(ledger, order, 6, false, &want_call, &want_recording);
	IS_INT(want_call.status, CALL_COMPLETED, "in order: the call is completed");
	IS_INT(want_call.started_at_ms, NOON + 1000, "it began when the Calls resource says");
	IS_INT(want_call.ended_at_ms, NOON + 40000, "it ended with its completed event");
	IS_INT(want_call.duration_s, 36, "its length");
	IS_INT(want_call.recordings, 1, "one recording");
	IS_INT(want_call.group, RECORDING_GROUP_PENDING, "which is pending");
	IS_INT(want_recording.state, RECORDING_QUEUED, "the recording is queued");
	IS_INT(want_recording.duration_s, 30, "with its length");
	do {
		apply_in_order(ledger, order, 6, orders % 2, &call, &recording);
		if (!same_call(&call, &want_call) || !same_recording(&recording, &want_recording))
			wrong++;
		orders++;
	} while (next_permutation(order, 6));
	IS_INT(orders, 720, "every order of six events was tried");
	IS_INT(wrong, 0, "and all end in the same state");

	wrong = 0;
	for (int twice = 0; twice < 6; twice++) {
		int again[7] = { 0, 1, 2, 3, 4, 5, twice };

		apply_in_order(ledger, again, 7, true, &call, &recording);
		wrong += !same_call(&call, &want_call) ||
			 !same_recording(&recording, &want_recording);
	}
	IS_INT(wrong, 0, "any event may come twice");
}

static void test_duplicate_changes_nothing(void)
{
	struct ledger ledger;
	struct projection_result result;
	int64_t sequence;
	struct event event = recording_event(RECORDING, "completed", 42);

	ledger_open(&ledger);
	ledger_append(&ledger, &event);
	ledger_project(&ledger, &result);
	IS_INT(result.count, 1, "one change");
	IS_INT(result.changes[0].what,
	       PROJECTED_CALL | PROJECTED_RECORDING | PROJECTED_TO_FETCH | PROJECTED_MAIN,
	       "a completed recording of an unknown call: all new, to be fetched, the main one");
	IS_STR(str_of(result.changes[0].recording_sid), RECORDING, "which recording");
	IS_STR(str_of(result.changes[0].call_sid), CALL, "of which call");
	sequence = result.sequence;
	OK(sequence > 0, "the sequence moved");
	event.received_at_ms += 1000;
	ledger_append(&ledger, &event);
	ledger_project(&ledger, &result);
	IS_INT(result.events, 1, "the same again is taken from the log");
	IS_INT(result.count, 0, "and changes nothing");
	IS_INT(result.sequence, sequence + 1, "but the turn that passes it has a number");
	ledger_remove(&ledger);
}

/* What an event does not say is no instant: the call began when it came, until something better is known. */
static void test_start_untold(struct ledger *ledger)
{
	int order[1] = { 0 };
	struct call call;
	struct recording recording;

	set[0] = recording_event(RECORDING, "completed", 42);
	set[0].started_at_ms = 0;
	apply_in_order(ledger, order, 1, false, &call, &recording);
	IS_INT(call.started_at_ms, set[0].received_at_ms,
	       "a recording without its start: the call began when that was told");
	make_set();
}

static void test_watermark(void)
{
	struct ledger ledger;
	struct projection_result result;
	struct event first = call_event("initiated", 0, EVENT_UNKNOWN);
	struct event second = call_event("completed", 40, 36);
	int64_t seq;

	ledger_open(&ledger);
	ledger_append(&ledger, &first);
	ledger_append(&ledger, &second);
	MUST(catalog_begin(ledger.writer, &err));
	MUST(projection_run(ledger.writer, 1, &result, &err));
	OK(result.events == 1 && result.more, "one event of two: there is more");
	catalog_rollback(ledger.writer);
	MUST(catalog_begin(ledger.writer, &err));
	MUST(projection_run(ledger.writer, 1, &result, &err));
	IS_INT(result.events, 1, "rolled back, it is taken again");
	MUST(catalog_commit(ledger.writer, &err));
	ledger_reopen(&ledger);
	ledger_project(&ledger, &result);
	IS_INT(result.events, 1, "after a restart only the second one is left");
	IS_INT(result.changes[0].what, PROJECTED_CALL | PROJECTED_CALL_ENDED, "it ends the call");
	MUST(events_last(ledger.writer, &seq, &err));
	IS_INT(result.watermark, seq, "the watermark is at the last event");
	ledger_project(&ledger, &result);
	OK(result.events == 0 && !result.more, "then nothing waits");
	ledger_remove(&ledger);
}

static void test_main_recording(void)
{
	struct ledger ledger;
	struct projection_result result;
	struct recording recording;
	enum call_recorded found;
	bool call_on;
	struct event events[] = {
		recording_event(RECORDING, "in-progress", 1),
		recording_event(RECORDING_2, "completed", 2),
		recording_event(RECORDING, "completed", 3),
	};
	const struct recording_media media = { .stored_at_ms = 1,
					       .generation = 1,
					       .generation_at_ms = 1,
					       .size = 1,
					       .duration_ms = 1,
					       .channels = 1,
					       .format = "mp3",
					       .path = "a" };
	struct call call;

	ledger_open(&ledger);
	ledger_append(&ledger, &events[0]);
	ledger_project(&ledger, &result);
	MUST(recordings_find_main(ledger.writer, CALL, &found, &recording, &call_on, &err));
	OK(found == CALL_RECORDED && recording.state == RECORDING_ANNOUNCED && call_on,
	   "a recording that began shows as announced, of a call that is on");
	ledger_append(&ledger, &events[1]);
	ledger_project(&ledger, &result);
	MUST(recordings_find_main(ledger.writer, CALL, &found, &recording, &call_on, &err));
	IS_STR(str_of(recording.recording_sid), RECORDING_2, "the first completed is the main one");
	ledger_append(&ledger, &events[2]);
	ledger_project(&ledger, &result);
	IS_INT(result.changes[0].what & PROJECTED_MAIN, 0, "a later one does not become it");
	MUST(recordings_find_main(ledger.writer, CALL, &found, &recording, &call_on, &err));
	IS_STR(str_of(recording.recording_sid), RECORDING_2, "it never changes");
	MUST(calls_find(ledger.writer, CALL, &call, &err));
	IS_INT(call.recordings, 2, "both are kept");
	OK(call.is_main_fixed, "and the main one is fixed");
	events[0].recording_sid = STR("RE00000000000000000000000000000003");
	ledger_append(&ledger, &events[0]);
	ledger_project(&ledger, &result);
	MUST(calls_find(ledger.writer, CALL, &call, &err));
	IS_INT(call.recordings, 3, "a third is counted");
	IS_STR(str_of(call.main_recording_sid), RECORDING_2, "and changes nothing else");
	MUST(catalog_begin(ledger.writer, &err));
	MUST(recordings_mark_stored(ledger.writer, RECORDING, &media, &err));
	MUST(catalog_commit(ledger.writer, &err));
	MUST(calls_find(ledger.writer, CALL, &call, &err));
	IS_STR(str_of(call.main_recording_sid), RECORDING_2,
	       "that another one is stored does not make it the main one");
	IS_INT(call.group, RECORDING_GROUP_PENDING, "nor is the call's group that one's");
	MUST(catalog_begin(ledger.writer, &err));
	MUST(recordings_mark_stored(ledger.writer, RECORDING_2, &media, &err));
	MUST(catalog_commit(ledger.writer, &err));
	MUST(calls_find(ledger.writer, CALL, &call, &err));
	IS_STR(str_of(call.main_recording_sid), RECORDING_2, "it is stored itself");
	IS_INT(call.group, RECORDING_GROUP_STORED, "and so is its call");
	OK(call.is_main_fixed && call.recordings == 3, "nothing else has changed");
	ledger_remove(&ledger);
}

/* Each account signs with its own token: what it says of another's calls and recordings does not count. */
static void test_accounts(void)
{
	static const struct str other = STR("AC00000000000000000000000000000002");
	struct ledger ledger;
	struct projection_result result;
	struct recording recording;
	struct call call;
	struct event own = recording_event(RECORDING, "completed", 1);
	struct event foreign = recording_event(RECORDING, "deleted", 2);
	struct event lodger = recording_event(RECORDING_2, "completed", 3);

	foreign.account_sid = lodger.account_sid = other;
	ledger_open(&ledger);
	ledger_append(&ledger, &own);
	ledger_append(&ledger, &foreign);
	ledger_append(&ledger, &lodger);
	ledger_project(&ledger, &result);
	MUST(recordings_find(ledger.writer, RECORDING, &recording, &err));
	IS_INT(recording.state, RECORDING_QUEUED, "another account cannot call it deleted");
	MUST(calls_find(ledger.writer, CALL, &call, &err));
	IS_INT(call.recordings, 1, "nor add a recording to the call");
	MUST(recordings_find(ledger.writer, RECORDING_2, &recording, &err));
	IS_STR(str_of(recording.call_sid), STR(""), "which is kept, of no call");
	IS_STR(str_of(recording.account_sid), other, "as that account's own");
	ledger_remove(&ledger);
}

/* What a reason is in words; "" of none. */
static const char *words_of(const char *reason)
{
	static const char *const words[][2] = {
		{ "too_short", "Twilio kept no recording: it was too short" },
		{ "silent", "Twilio kept no recording: it was silent" },
		{ "absent", "Twilio has no recording of this call" },
		{ "no_key", "Twilio could not keep the recording: no valid public key" },
		{ "upstream_failed", "Twilio could not keep the recording" },
		{ "recording_deleted",
		  "the recording was deleted at Twilio before it was fetched" },
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(words[i][0], reason) == 0)
			return words[i][1];
	return "";
}

static void test_states(void)
{
	static const struct {
		const char *name, *statuses[3];
		int error_code;
		enum recording_state state;
		enum recording_group group;
		const char *reason;
	} cases[] = {
		{ "absent",
		  { "absent" },
		  16101,
		  RECORDING_ABSENT,
		  RECORDING_GROUP_ABSENT,
		  "too_short" },
		{ "in-progress, absent",
		  { "in-progress", "absent" },
		  16102,
		  RECORDING_ABSENT,
		  RECORDING_GROUP_ABSENT,
		  "silent" },
		{ "absent, in-progress",
		  { "absent", "in-progress" },
		  16102,
		  RECORDING_ABSENT,
		  RECORDING_GROUP_ABSENT,
		  "silent" },
		{ "failed", { "failed" }, 16105, RECORDING_DEAD, RECORDING_GROUP_FAILED, "no_key" },
		{ "failed, for no reason that is known",
		  { "failed" },
		  0,
		  RECORDING_DEAD,
		  RECORDING_GROUP_FAILED,
		  "upstream_failed" },
		{ "absent, for no reason that is known",
		  { "absent" },
		  0,
		  RECORDING_ABSENT,
		  RECORDING_GROUP_ABSENT,
		  "absent" },
		{ "completed", { "completed" }, 0, RECORDING_QUEUED, RECORDING_GROUP_PENDING, "" },
		{ "completed, in-progress",
		  { "completed", "in-progress" },
		  0,
		  RECORDING_QUEUED,
		  RECORDING_GROUP_PENDING,
		  "" },
		{ "completed, deleted",
		  { "completed", "deleted" },
		  0,
		  RECORDING_GONE,
		  RECORDING_GROUP_DELETED,
		  "recording_deleted" },
		{ "deleted, completed",
		  { "deleted", "completed" },
		  0,
		  RECORDING_GONE,
		  RECORDING_GROUP_DELETED,
		  "recording_deleted" },
		{ "processing",
		  { "processing" },
		  0,
		  RECORDING_ANNOUNCED,
		  RECORDING_GROUP_PENDING,
		  "" },
		{ "a status of the future",
		  { "rewound" },
		  0,
		  RECORDING_ANNOUNCED,
		  RECORDING_GROUP_PENDING,
		  "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ledger ledger;
		struct projection_result result;
		struct recording recording;
		struct call call;

		ledger_open(&ledger);
		for (size_t j = 0; j < 3 && cases[i].statuses[j]; j++) {
			struct event event = recording_event(RECORDING, cases[i].statuses[j], 9);

			event.error_code = cases[i].error_code;
			ledger_append(&ledger, &event);
		}
		ledger_project(&ledger, &result);
		MUST(recordings_find(ledger.writer, RECORDING, &recording, &err));
		MUST(calls_find(ledger.writer, CALL, &call, &err));
		IS_STR(str_of(recording_state_text(recording.state)),
		       str_of(recording_state_text(cases[i].state)), "%s: state", cases[i].name);
		IS_INT(call.group, cases[i].group, "%s: the call's group", cases[i].name);
		IS_STR(str_of(recording.reason_code), str_of(cases[i].reason), "%s: reason",
		       cases[i].name);
		IS_STR(str_of(recording.reason_text), str_of(words_of(cases[i].reason)),
		       "%s: in words", cases[i].name);
		IS_INT(recording.error_code, cases[i].error_code, "%s: error code", cases[i].name);
		ledger_remove(&ledger);
	}
}

/* A call that has an absent recording and one that is still coming shows the latter. */
static void test_unfixed_choice(void)
{
	struct ledger ledger;
	struct projection_result result;
	struct call call;
	struct event absent = recording_event(RECORDING, "absent", 1);
	struct event coming = recording_event(RECORDING_2, "in-progress", 2);

	ledger_open(&ledger);
	ledger_append(&ledger, &absent);
	ledger_append(&ledger, &coming);
	ledger_project(&ledger, &result);
	MUST(calls_find(ledger.writer, CALL, &call, &err));
	IS_STR(str_of(call.main_recording_sid), RECORDING_2, "what may still come is shown");
	coming.status = STR("absent");
	ledger_append(&ledger, &coming);
	ledger_project(&ledger, &result);
	MUST(calls_find(ledger.writer, CALL, &call, &err));
	IS_INT(call.group, RECORDING_GROUP_ABSENT, "when nothing comes, the call has none");
	OK(!call.is_main_fixed, "and none is fixed");
	ledger_remove(&ledger);

	coming.status = STR("in-progress");
	ledger_open(&ledger);
	ledger_append(&ledger, &coming);
	ledger_append(&ledger, &absent);
	ledger_project(&ledger, &result);
	MUST(calls_find(ledger.writer, CALL, &call, &err));
	IS_STR(str_of(call.main_recording_sid), RECORDING_2, "whichever was told of first");
	IS_INT(call.group, RECORDING_GROUP_PENDING, "and the call's group is its");
	ledger_remove(&ledger);
}

/* A call status event that names a recording has it fetched, with none of the call's numbers. */
static void test_recording_in_call_event(void)
{
	struct ledger ledger;
	struct projection_result result;
	struct recording recording;
	struct call call;
	struct event event = call_event("completed", 40, 36);

	ledger_open(&ledger);
	event.recording_sid = RECORDING;
	event.recording_url = STR("https://api.twilio.com/2010-04-01/x");
	ledger_append(&ledger, &event);
	ledger_project(&ledger, &result);
	MUST(recordings_find(ledger.writer, RECORDING, &recording, &err));
	IS_INT(recording.state, RECORDING_QUEUED, "to be fetched");
	OK(result.changes[0].what & PROJECTED_TO_FETCH, "at once");
	IS_INT(recording.completed_at_ms, event.received_at_ms, "its media may not be ready yet");
	IS_INT(recording.duration_s, EVENT_UNKNOWN, "the call's length is not the recording's");
	MUST(calls_find(ledger.writer, CALL, &call, &err));
	OK(!call.is_main_fixed, "another may complete first");
	event = recording_event(RECORDING, "completed", 50);
	ledger_append(&ledger, &event);
	ledger_project(&ledger, &result);
	MUST(recordings_find(ledger.writer, RECORDING, &recording, &err));
	IS_INT(recording.state, RECORDING_QUEUED, "its own event leaves it so");
	IS_INT(recording.duration_s, 30, "and tells its length");
	MUST(calls_find(ledger.writer, CALL, &call, &err));
	OK(call.is_main_fixed, "it is the main one");
	ledger_remove(&ledger);
}

/* Named by its call it was asked for too soon, and waits; then its own event comes. */
static void test_completed_after_call_event(void)
{
	static const struct {
		const char *name;
		int64_t wait_ms; /* since the call's event */
		enum recording_wait_rule rule;
		bool is_due;
	} cases[] = {
		{ "not ready: due now", 600000, RECORDING_WAIT_SHORTENED, true },
		{ "no play would help: due all the same", 600000, RECORDING_WAIT_POINTLESS, true },
		{ "Twilio asked us to wait: as long as that", 600000, RECORDING_WAIT_AS_TOLD,
		  false },
		{ "expired: never", RECORDING_NEVER, RECORDING_WAIT_SHORTENED, false },
		{ "due already: since then", 1000, RECORDING_WAIT_SHORTENED, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ledger ledger;
		struct projection_result result;
		struct recording recording;
		struct event event = call_event("completed", 40, 36);
		struct recording_wait wait = { .at_ms = event.received_at_ms,
					       .next_try_at_ms = RECORDING_NEVER,
					       .reason_code = "not_ready",
					       .reason_text = "It is not ready yet.",
					       .rule = cases[i].rule };

		ledger_open(&ledger);
		event.recording_sid = RECORDING;
		ledger_append(&ledger, &event);
		ledger_project(&ledger, &result);
		if (cases[i].wait_ms != RECORDING_NEVER)
			wait.next_try_at_ms = wait.at_ms + cases[i].wait_ms;
		MUST(catalog_begin(ledger.writer, &err));
		MUST(recordings_mark_waiting(ledger.writer, RECORDING, &wait, &err));
		MUST(catalog_commit(ledger.writer, &err));
		event = recording_event(RECORDING, "completed", 50);
		ledger_append(&ledger, &event);
		ledger_project(&ledger, &result);
		MUST(recordings_find(ledger.writer, RECORDING, &recording, &err));
		IS_INT(recording.state, RECORDING_WAITING, "it goes on with its round");
		IS_INT(recording.next_try_at_ms,
		       cases[i].is_due ? event.received_at_ms : wait.next_try_at_ms, "%s",
		       cases[i].name);
		IS_INT((result.changes[0].what & PROJECTED_TO_FETCH) != 0, cases[i].is_due,
		       "the queue is told so");
		IS_INT(recording.completed_at_ms, event.received_at_ms,
		       "it is ready since then, and not since its call ended");
		ledger_remove(&ledger);
	}
}

/* A call that is known by its recording alone is asked of Twilio, unless it is told to its end. */
static void test_asks(void)
{
	struct ledger ledger;
	struct projection_result result;
	struct call_ask ask;
	bool found;
	struct event event = recording_event(RECORDING, "completed", 1);

	ledger_open(&ledger);
	ledger_append(&ledger, &event);
	ledger_project(&ledger, &result);
	MUST(call_asks_next(ledger.writer, &ask, &found, &err));
	OK(found && str_eq(str_of(ask.call_sid), CALL) && ask.at_ms > event.received_at_ms,
	   "known by its recording alone: to be asked for, a moment later");
	event = call_event("ringing", 40, EVENT_UNKNOWN);
	ledger_append(&ledger, &event);
	ledger_project(&ledger, &result);
	MUST(call_asks_next(ledger.writer, &ask, &found, &err));
	OK(found, "it rings: its end is not known yet");
	event = call_event("completed", 40, 36);
	ledger_append(&ledger, &event);
	ledger_project(&ledger, &result);
	MUST(call_asks_next(ledger.writer, &ask, &found, &err));
	OK(!found, "told to its end: nothing to ask");
	event = recording_event(RECORDING_2, "completed", 50);
	ledger_append(&ledger, &event);
	ledger_project(&ledger, &result);
	MUST(call_asks_next(ledger.writer, &ask, &found, &err));
	OK(!found, "another recording of it: still nothing");
	ledger_remove(&ledger);
}

/* The callback that would have told the call's end does not come. */
static void test_asks_for_end(void)
{
	static const struct {
		const char *name, *recording;
		enum event_kind kind; /* of the recording's event */
		const char *call;
		bool is_asked;
	} cases[] = {
		{ "its recording is completed", "completed", EVENT_RECORDING_STATUS, "in-progress",
		  true },
		{ "it is listed as completed", "completed", EVENT_RECORDING_LISTED, "in-progress",
		  true },
		{ "its recording goes on", "in-progress", EVENT_RECORDING_STATUS, "in-progress",
		  false },
		{ "a file of it was found", "completed", EVENT_RECORDING_ADOPTED, "in-progress",
		  false },
		{ "its end was told", "completed", EVENT_RECORDING_STATUS, "completed", false },
		{ "it was not answered", "completed", EVENT_RECORDING_STATUS, "no-answer", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ledger ledger;
		struct projection_result result;
		struct call_ask ask;
		bool found;
		struct event event = call_event(cases[i].call, 4, EVENT_UNKNOWN);

		ledger_open(&ledger);
		ledger_append(&ledger, &event);
		event = recording_event(RECORDING, cases[i].recording, 42);
		event.kind = cases[i].kind;
		ledger_append(&ledger, &event);
		ledger_project(&ledger, &result);
		MUST(call_asks_next(ledger.writer, &ask, &found, &err));
		IS_INT(found, cases[i].is_asked, "%s", cases[i].name);
		OK(!found ||
			   (str_eq(str_of(ask.call_sid), CALL) && ask.at_ms > event.received_at_ms),
		   "a moment later");
		event = recording_event(RECORDING_2, cases[i].recording, 43);
		event.kind = cases[i].kind;
		ledger_append(&ledger, &event);
		ledger_project(&ledger, &result);
		event = call_event("completed", 40, 36);
		ledger_append(&ledger, &event);
		ledger_project(&ledger, &result);
		MUST(call_asks_next(ledger.writer, &ask, &found, &err));
		OK(!found, "not once it is told to its end");
		ledger_remove(&ledger);
	}
}

/* Named by its call, and then Twilio says that there is none. */
static void test_absent_after_call_event(void)
{
	struct ledger ledger;
	struct projection_result result;
	struct recording recording;
	struct event event = call_event("completed", 40, 36);

	ledger_open(&ledger);
	event.recording_sid = RECORDING;
	ledger_append(&ledger, &event);
	event = recording_event(RECORDING, "absent", 50);
	ledger_append(&ledger, &event);
	ledger_project(&ledger, &result);
	MUST(recordings_find(ledger.writer, RECORDING, &recording, &err));
	IS_INT(recording.state, RECORDING_ABSENT, "it is absent, and no longer to be fetched");
	IS_INT(recording.next_try_at_ms, 0, "nothing waits");
	ledger_remove(&ledger);
}

/* Named by its call, tried once more than Twilio wanted, and left in that state. */
static void try_named(struct ledger *ledger, enum recording_state left)
{
	struct projection_result result;
	struct event event = call_event("completed", 40, 36);
	const struct attempt_begin begin = { .recording_sid = RECORDING,
					     .began_at_ms = NOON + 110000 };
	const struct recording_wait wait = { .at_ms = NOON + 111000,
					     .next_try_at_ms = NOON + 900000,
					     .reason_code = "limited",
					     .reason_text = "one too many",
					     .is_counted = true,
					     .is_limited = true,
					     .trying_ms = 1000,
					     .rule = RECORDING_WAIT_POINTLESS };
	int64_t attempt;

	event.recording_sid = RECORDING;
	ledger_append(ledger, &event);
	ledger_project(ledger, &result);
	MUST(catalog_begin(ledger->writer, &err));
	MUST(attempts_begin(ledger->writer, &begin, &attempt, &err));
	MUST(recordings_mark_waiting(ledger->writer, RECORDING, &wait, &err));
	if (left == RECORDING_DEAD)
		MUST(recordings_mark_dead(ledger->writer, RECORDING, "timeout", "given up", &err));
	if (left == RECORDING_ABSENT)
		MUST(recordings_mark_absent(ledger->writer, RECORDING, 0, "none", &err));
	MUST(catalog_commit(ledger->writer, &err));
}

/* What was tried before Twilio told of it counts for as long as that round goes on, and is shown of it. */
static void test_round(void)
{
	static const struct {
		const char *name;
		enum recording_state left;
		const char *status;
		enum recording_state state;
		bool is_new; /* the round */
	} cases[] = {
		{ "given up, then completed", RECORDING_DEAD, "completed", RECORDING_QUEUED, true },
		{ "found absent, then completed", RECORDING_ABSENT, "completed", RECORDING_QUEUED,
		  true },
		{ "waiting, then completed", RECORDING_WAITING, "completed", RECORDING_WAITING,
		  false },
		{ "waiting, then failed", RECORDING_WAITING, "failed", RECORDING_DEAD, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ledger ledger;
		struct projection_result result;
		struct recording recording;
		struct event event = recording_event(RECORDING, cases[i].status, 120);
		int64_t kept = cases[i].is_new ? 0 : 1;

		ledger_open(&ledger);
		try_named(&ledger, cases[i].left);
		ledger_append(&ledger, &event);
		ledger_project(&ledger, &result);
		MUST(recordings_find(ledger.writer, RECORDING, &recording, &err));
		IS_INT(recording.state, cases[i].state, "%s: its state", cases[i].name);
		IS_INT(recording.tries, kept, "%s: its tries", cases[i].name);
		IS_INT(recording.limited, kept, "%s: those that were one too many", cases[i].name);
		IS_INT(recording.first_try_at_ms, kept * (NOON + 110000), "%s: its first try",
		       cases[i].name);
		IS_INT(recording.wait_rule, kept * RECORDING_WAIT_POINTLESS,
		       "%s: what a play does to its wait", cases[i].name);
		ledger_remove(&ledger);
	}
}

/* What `absent` says of the length is nothing that `completed` would have to respect. */
static void test_length_of_absent(void)
{
	struct ledger ledger;
	struct projection_result result;
	struct recording recording;
	struct event event = recording_event(RECORDING, "absent", 1);

	ledger_open(&ledger);
	event.duration_s = 0;
	ledger_append(&ledger, &event);
	event = recording_event(RECORDING, "completed", 2);
	ledger_append(&ledger, &event);
	event.duration_s = 99;
	ledger_append(&ledger, &event);
	ledger_project(&ledger, &result);
	MUST(recordings_find(ledger.writer, RECORDING, &recording, &err));
	IS_INT(recording.duration_s, 30, "absent with 0, then completed: completed's length");
	ledger_remove(&ledger);
}

static enum recording_rank rank_after(struct ledger *ledger, enum event_kind kind, int64_t at_ms)
{
	struct projection_result result;
	struct recording recording;
	struct event event = recording_event(RECORDING, "completed", at_ms);

	event.kind = kind;
	ledger_append(ledger, &event);
	ledger_project(ledger, &result);
	MUST(recordings_find(ledger->writer, RECORDING, &recording, &err));
	IS_INT(recording.state, RECORDING_QUEUED, "it waits to be fetched");
	return recording.rank;
}

/* Twilio lists a new recording before its webhook comes. */
static void test_webhook_after_list(void)
{
	struct ledger ledger;

	ledger_open(&ledger);
	IS_INT(rank_after(&ledger, EVENT_RECORDING_LISTED, 1), RECORDING_RANK_BACKFILL,
	       "what is found by listing goes behind");
	IS_INT(rank_after(&ledger, EVENT_RECORDING_STATUS, 2), RECORDING_RANK_NEW,
	       "until its webhook says that it is new");
	IS_INT(rank_after(&ledger, EVENT_RECORDING_LISTED, 3), RECORDING_RANK_NEW,
	       "and that stays so");
	ledger_remove(&ledger);
}

/* A recording of the list that has no call, which is told later. */
static void test_call_told_later(void)
{
	struct ledger ledger;
	struct projection_result result;
	struct recording recording;
	struct call call;
	struct event event = recording_event(RECORDING, "completed", 1);

	ledger_open(&ledger);
	event.kind = EVENT_RECORDING_LISTED;
	event.call_sid = STR_NONE;
	ledger_append(&ledger, &event);
	ledger_project(&ledger, &result);
	IS_INT(result.changes[0].what, PROJECTED_RECORDING | PROJECTED_TO_FETCH,
	       "without a call it is fetched all the same");
	IS_STR(str_of(result.changes[0].call_sid), STR(""), "its call is not known");
	event = recording_event(RECORDING, "completed", 2);
	ledger_append(&ledger, &event);
	ledger_project(&ledger, &result);
	MUST(recordings_find(ledger.writer, RECORDING, &recording, &err));
	IS_STR(str_of(recording.call_sid), CALL, "told later, the call gets it");
	MUST(calls_find(ledger.writer, CALL, &call, &err));
	OK(call.recordings == 1 && call.is_main_fixed, "counts it, and it is the main one");
	ledger_remove(&ledger);
}

static bool is_counted(struct ledger *ledger, enum recording_state state)
{
	struct catalog_counts counts;
	int64_t others = 0;

	MUST(catalog_counts(ledger->writer, &counts, &err));
	for (int i = 0; i < RECORDING_STATES; i++)
		others += i == (int)state ? 0 : counts.recordings[i] != 0;
	return counts.recordings[state] == 1 && others == 0;
}

/* What an event changes is counted from where the recording stood. */
static void test_counted(void)
{
	struct ledger ledger;
	struct projection_result result;
	struct event told = recording_event(RECORDING, "in-progress", 6);

	ledger_open(&ledger);
	ledger_append(&ledger, &told);
	ledger_project(&ledger, &result);
	OK(is_counted(&ledger, RECORDING_ANNOUNCED), "a recording is counted as announced");
	told = recording_event(RECORDING, "completed", 42);
	ledger_append(&ledger, &told);
	ledger_project(&ledger, &result);
	OK(is_counted(&ledger, RECORDING_QUEUED), "then as queued, and no longer as announced");
	OK(result.changes[0].what & PROJECTED_TO_FETCH, "it is to be fetched");
	told.track = STR("both");
	ledger_append(&ledger, &told);
	ledger_project(&ledger, &result);
	OK(is_counted(&ledger, RECORDING_QUEUED), "what is told later changes no count");
	IS_INT(result.changes[0].what, PROJECTED_RECORDING, "nor is it to be fetched anew");
	told = recording_event(RECORDING, "deleted", 50);
	ledger_append(&ledger, &told);
	ledger_project(&ledger, &result);
	OK(is_counted(&ledger, RECORDING_GONE), "deleted, it is counted as gone alone");
	ledger_remove(&ledger);
}

/* What goes on before it has ended. */
static void test_live(void)
{
	static const struct {
		const char *status;
		enum recording_live live;
	} told[] = {
		{ "in-progress", RECORDING_LIVE },     { "paused", RECORDING_LIVE_PAUSED },
		{ "in-progress", RECORDING_LIVE },     { "stopped", RECORDING_NOT_LIVE },
		{ "paused", RECORDING_LIVE_PAUSED },   { "completed", RECORDING_NOT_LIVE },
		{ "in-progress", RECORDING_NOT_LIVE },
	};
	struct ledger ledger;
	struct projection_result result;
	struct recording recording;
	struct event event;

	ledger_open(&ledger);
	for (size_t i = 0; i < ARRAY_LEN(told); i++) {
		event = recording_event(RECORDING, told[i].status, (int64_t)i);
		ledger_append(&ledger, &event);
		ledger_project(&ledger, &result);
		MUST(recordings_find(ledger.writer, RECORDING, &recording, &err));
		OK(recording.live == told[i].live, "%zu: %s: what was told last counts", i,
		   told[i].status);
		OK((result.count == 1) == (i + 1 < ARRAY_LEN(told)),
		   "%zu: it is told of, but not once it was completed", i);
	}
	ledger_remove(&ledger);
}

/* A file that another system left: nobody says that Twilio has it, so it is not to be fetched. */
static void test_adopted(void)
{
	struct ledger ledger;
	struct projection_result result;
	struct recording recording;
	struct call call;
	struct event file;

	event_init(&file, EVENT_RECORDING_ADOPTED, NOON + 60000);
	file.recording_sid = RECORDING;
	file.call_sid = CALL;
	ledger_open(&ledger);
	file.started_at_ms = NOON;
	ledger_append(&ledger, &file);
	ledger_project(&ledger, &result);
	OK(is_counted(&ledger, RECORDING_ANNOUNCED), "it is announced");
	OK(!(result.changes[0].what & PROJECTED_TO_FETCH), "and not to be fetched");
	MUST(recordings_find(ledger.writer, RECORDING, &recording, &err));
	IS_INT(recording.started_at_ms, NOON, "its time is that of the file");
	MUST(calls_find(ledger.writer, CALL, &call, &err));
	IS_INT(call.started_at_ms, NOON, "the call's, too");
	file = recording_event(RECORDING, "completed", 42);
	ledger_append(&ledger, &file);
	ledger_project(&ledger, &result);
	OK(result.changes[0].what & PROJECTED_TO_FETCH, "until Twilio tells of it");
	ledger_remove(&ledger);
}

/* Each thing that is told of a call alone, after all else, is kept, and can be looked for. */
static void test_one_field(void)
{
	static const struct {
		const char *name;
		struct event told;
	} cases[] = {
		{ "its length", { .duration_s = 12 } },
		{ "its account",
		  { .account_sid = STR("AC00000000000000000000000000000001"), .duration_s = -1 } },
		{ "the call that it belongs to",
		  { .parent_call_sid = STR("CA00000000000000000000000000000009"),
		    .duration_s = -1 } },
		{ "who calls", { .from = STR("+15550001111"), .duration_s = -1 } },
		{ "who is called", { .to = STR("+15550001111"), .duration_s = -1 } },
		{ "the direction", { .direction = STR("inbound"), .duration_s = -1 } },
		{ "when it ended", { .timestamp_ms = NOON, .duration_s = -1 } },
		{ "when it began", { .started_at_ms = NOON - 50000, .duration_s = -1 } },
	};
	struct call_filter by_number = { .number = STR("15550001111") };
	struct call_filter inbound = { .direction = CALL_INBOUND };
	static struct call_row found[8];
	struct call_page page;
	struct ledger ledger;

	ledger_open(&ledger);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct projection_result result;
		struct call before, after;
		struct event event;
		char sid[SID_SIZE];

		event_init(&event, EVENT_CALL_STATUS, NOON);
		event.call_sid = sid_text("CA", 20 + (unsigned)i, sid);
		event.status = STR("completed");
		ledger_append(&ledger, &event);
		ledger_project(&ledger, &result);
		MUST(calls_find(ledger.writer, event.call_sid, &before, &err));
		event = cases[i].told;
		event.kind = event.started_at_ms ? EVENT_CALL_FETCHED : EVENT_CALL_STATUS;
		event.received_at_ms = NOON + 1000;
		event.call_sid = str_of(sid);
		event.status = STR("completed");
		ledger_append(&ledger, &event);
		ledger_project(&ledger, &result);
		MUST(calls_find(ledger.writer, event.call_sid, &after, &err));
		OK(!same_call(&before, &after) ||
			   !str_eq(str_of(before.account_sid), str_of(after.account_sid)) ||
			   !str_eq(str_of(before.parent_call_sid), str_of(after.parent_call_sid)),
		   "%s alone is told: kept", cases[i].name);
		OK(after.changed_seq > before.changed_seq, "as a change");
		OK(result.count == 1 && (result.changes[0].what & PROJECTED_CALL), "which is told");
		IS_INT((result.changes[0].what & PROJECTED_MOVED) != 0,
		       before.started_at_ms != after.started_at_ms ||
			       before.direction != after.direction ||
			       strcmp(before.from, after.from) != 0 ||
			       strcmp(before.to, after.to) != 0,
		       "as one that moved where it is listed elsewhere");
	}
	MUST(catalog_begin(ledger.writer, &err));
	MUST(calls_list(ledger.writer, &by_number, &(struct call_cursor){ 0 }, found, 8, &page,
			&err));
	IS_INT(page.count, 2, "the two with the number are found by it");
	MUST(calls_list(ledger.writer, &inbound, &(struct call_cursor){ 0 }, found, 8, &page,
			&err));
	IS_INT(page.count, 1, "the one that came in by its direction");
	catalog_rollback(ledger.writer);
	ledger_remove(&ledger);
}

int main(void)
{
	struct ledger ledger;

	make_set();
	ledger_open(&ledger);
	test_permutations(&ledger);
	test_start_untold(&ledger);
	ledger_remove(&ledger);
	test_duplicate_changes_nothing();
	test_watermark();
	test_main_recording();
	test_accounts();
	test_states();
	test_unfixed_choice();
	test_recording_in_call_event();
	test_completed_after_call_event();
	test_absent_after_call_event();
	test_round();
	test_asks();
	test_asks_for_end();
	test_length_of_absent();
	test_webhook_after_list();
	test_call_told_later();
	test_counted();
	test_live();
	test_adopted();
	test_one_field();
	return tap_end();
}
