#include "rest/call_lookup.h"

#include "catalog/call_asks.h"
#include "catalog/calls.h"
#include "flights_fixture.h"
#include "rest/rest_request.h"

#include <pthread.h>

#define PUT_OFF "CA00000000000000000000000000000008"
#define PATH    API "/Calls/" CALL ".json"
#define HOUR_MS INT64_C(3600000)

static struct call_ask ask;
static bool is_planned;
static int64_t planned_at_ms;

static bool is_concluded(void)
{
	must(catalog_begin(reader, &err) && call_asks_last(reader, &ask, &is_planned, &err));
	catalog_rollback(reader);
	return !is_planned || ask.at_ms != planned_at_ms;
}

static bool run_plan(struct ledger_job *job, struct catalog *catalog, struct err *why)
{
	return call_asks_set(catalog, STR(CALL), *(const int64_t *)fixture_write.what, why);
}

/* Nothing is asked of this one: it is put off as what gets no answer is, and stands before the other. */
static bool run_put_off(struct ledger_job *job, struct catalog *catalog, struct err *why)
{
	return call_asks_set(catalog, STR(PUT_OFF), *(const int64_t *)fixture_write.what, why);
}

static bool run_nothing(struct ledger_job *job, struct catalog *catalog, struct err *why)
{
	return true;
}

static struct call call_known(void)
{
	struct call call = { .id = 0 };

	must(catalog_begin(reader, &err) && calls_find(reader, STR(CALL), &call, &err));
	catalog_rollback(reader);
	return call;
}

/* ---- transfers that wait, and what the readers are asked ---- */

#define READERS 2 /* of the ledger */

static pthread_barrier_t meeting;
static struct ledger_job readers[READERS];
static int met_count;
static struct rest_request held[2];
static uint32_t held_waiting; /* of them */

static void held_answered(struct rest_request *request)
{
}

static bool is_held(void)
{
	return fetch_active(env.fetch) == 1 && fetch_waiting(env.fetch) == held_waiting;
}

/* The first of them hangs, and no other is begun. */
static void hold_transfers(size_t count)
{
	static const struct answer answers[] = { { "/held", "", THEN_HANG } };
	AUTO(free) char *url = xasprintf("%s/held", account.api_url);

	server_answers(answers, ARRAY_LEN(answers));
	fetch_set_max_transfers(env.fetch, 1);
	for (size_t i = 0; i < count; i++)
		must(rest_request_send(&held[i], env.fetch, &account, url, held_answered, &err));
	held_waiting = (uint32_t)count - 1;
	until(is_held);
}

static void let_go_transfers(void)
{
	fetch_set_max_transfers(env.fetch, 4);
	for (size_t i = 0; i < ARRAY_LEN(held); i++)
		rest_request_release(&held[i]);
}

static bool run_meet(struct ledger_job *job, struct catalog *catalog, struct err *why)
{
	pthread_barrier_wait(&meeting);
	return true;
}

static void has_met(struct ledger_job *job)
{
	met_count++;
}

static bool all_have_met(void)
{
	return met_count == READERS;
}

/* All readers are at it at the same time: whatever they were asked before was answered before. */
static void ask_readers(struct timer *timer)
{
	for (int i = 0; i < READERS; i++) {
		readers[i] = (struct ledger_job){ .run = run_meet,
						  .done = has_met,
						  .reply = env.mailbox };
		ledger_read(env.ledger, &readers[i]);
	}
}

/* In a turn that is behind this one, and behind what is due now. */
static void wait_for_readers(void)
{
	struct timer timer = { 0 };

	met_count = 0;
	pthread_barrier_init(&meeting, NULL, READERS);
	timer_start(env.loop, &timer, 1, ask_readers);
	until(all_have_met);
	pthread_barrier_destroy(&meeting);
}

/* While transfers wait it asks the ledger for nothing, so that what it did ask comes back, and then it can be freed. */
static void end_lookup(struct call_lookup *lookup)
{
	hold_transfers(2);
	wait_for_readers();
	write_now(run_nothing, NULL);
	call_lookup_free(lookup);
	let_go_transfers();
}

/* ---- one call ---- */

/* How often it was asked for. */
static int look_once(int64_t at_ms, const char *raw)
{
	struct answer answer = { PATH, raw, THEN_CLOSE };
	struct call_lookup *lookup;
	int count;

	planned_at_ms = at_ms;
	write_now(run_plan, &planned_at_ms);
	server_forget(&server);
	server_answers(&answer, 1);
	lookup = call_lookup_start(&rest_env);
	until(is_concluded);
	until(fixture_is_projected);
	count = server.requests;
	end_lookup(lookup);
	return count;
}

#define JSON_HEAD "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"

static void tell_of(const char *call_sid, const char *recording_sid)
{
	struct event event;

	event_init(&event, EVENT_RECORDING_STATUS, clock_wall_ms());
	event.account_sid = STR(ACCOUNT);
	event.call_sid = str_of(call_sid);
	event.recording_sid = str_of(recording_sid);
	event.status = STR("completed");
	tell(&event);
}

/* ---- when it asks ---- */

static void test_busy(void)
{
	struct call_lookup *lookup;

	server_forget(&server);
	hold_transfers(2);
	planned_at_ms = 1;
	write_now(run_plan, &planned_at_ms);
	lookup = call_lookup_start(&rest_env);
	wait_for_readers();
	IS_INT(fetch_waiting(env.fetch), 1, "while a transfer waits, none is asked for behind it");
	let_go_transfers();
	until(is_concluded);
	OK(str_find_str(str_of(server.last), STR(PATH)) < strlen(server.last),
	   "once none waits, it is");
	end_lookup(lookup);
}

#define GAP_LEAST_MS 200 /* less than it is, and begun before it */

static const char *const several[] = {
	"CA00000000000000000000000000000011",
	"CA00000000000000000000000000000012",
	"CA00000000000000000000000000000013",
};

static struct timer gap;
static int asked, early;

static void gap_over(struct timer *timer)
{
}

static void count_asked(void)
{
	if (server.requests == asked)
		return;
	asked = server.requests;
	early += timer_is_on(&gap);
	timer_start(env.loop, &gap, GAP_LEAST_MS, gap_over);
}

static bool run_plan_several(struct ledger_job *job, struct catalog *catalog, struct err *why)
{
	for (size_t i = 0; i < ARRAY_LEN(several); i++)
		if (!call_asks_set(catalog, str_of(several[i]), (int64_t)i + 1, why))
			return false;
	return true;
}

static bool is_none_due(void)
{
	must(catalog_begin(reader, &err) && call_asks_next(reader, &ask, &is_planned, &err));
	catalog_rollback(reader);
	return !is_planned || ask.at_ms > clock_wall_ms();
}

static void test_gap(void)
{
	struct call_lookup *lookup;

	for (size_t i = 0; i < ARRAY_LEN(several); i++) {
		char recording_sid[SID_SIZE];

		snprintf(recording_sid, sizeof(recording_sid), "RE%s", several[i] + 2);
		tell_of(several[i], recording_sid);
	}
	write_now(run_plan_several, NULL);
	server_forget(&server);
	server_answers(NULL, 0); /* 404: not there */
	server.noticed = count_asked;
	lookup = call_lookup_start(&rest_env);
	until(is_none_due);
	server.noticed = NULL;
	timer_stop(&gap);
	end_lookup(lookup);
	IS_INT(asked, (int)ARRAY_LEN(several), "all that are due are asked for");
	IS_INT(early, 0, "and none before some time has passed since the one before it");
}

/* ---- times that a wrong clock wrote ---- */

/* It was heard of while a clock was an hour ahead. */
static void test_far(void)
{
	int64_t soon_ms = clock_wall_ms() + 10 * 60 * 1000;

	tell_of(PUT_OFF, "RE00000000000000000000000000000008");
	write_now(run_put_off, &soon_ms);
	IS_INT(look_once(clock_wall_ms() + 60 * 60 * 1000,
			 JSON_HEAD "{\"sid\":\"" CALL "\",\"status\":\"completed\"}"),
	       1, "what is to wait for longer than anything is asked for at once");
	OK(is_planned && ask.at_ms == soon_ms,
	   "and what waits as long as is meant goes on waiting");
}

/* ---- when it asks again ---- */

#define AGED_MS 60000 /* a wait grows while the tests run, by a 24th of what they take */

enum again {
	NEVER,
	LATER,
	WHILE_YOUNG, /* later, unless the call began a day ago */
};

/* What came of asking, and then? */
static const struct {
	const char *name, *raw;
	enum again again;
} cases[] = {
	{ "a server error", "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", LATER },
	{ "too many requests", "HTTP/1.1 429 No\r\nContent-Length: 0\r\n\r\n", LATER },
	{ "refused credentials", "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", LATER },
	{ "no answer", "", LATER },
	{ "nonsense", JSON_HEAD "{}", LATER },
	{ "another call",
	  JSON_HEAD "{\"sid\":\"CA00000000000000000000000000000009\",\"status\":\"completed\"}",
	  LATER },
	{ "forbidden", "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", NEVER },
	{ "not there", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", NEVER },
	{ "a call that is on",
	  JSON_HEAD "{\"sid\":\"" CALL "\",\"status\":\"in-progress\",\"direction\":\"inbound\","
		    "\"from\":\"+15550001111\",\"to\":\"+15550002222\"}",
	  WHILE_YOUNG },
	{ "a call that has ended",
	  JSON_HEAD "{\"sid\":\"" CALL "\",\"status\":\"completed\",\"duration\":\"36\"}", NEVER },
};

static bool is_again(enum again again, int64_t age_ms)
{
	return again == LATER || (again == WHILE_YOUNG && age_ms < 24 * HOUR_MS);
}

/* CALL is of that age by now: what gets no answer waits for so long. */
static void test_again(const char *age, int64_t age_ms, int64_t wait_ms)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t began_ms = clock_wall_ms(), waits_ms;

		IS_INT(look_once(1, cases[i].raw), 1, "%s, %s: asked for once", cases[i].name, age);
		IS_INT(is_planned, is_again(cases[i].again, age_ms), "%s, %s: again later?",
		       cases[i].name, age);
		if (!is_planned)
			continue;
		waits_ms = ask.at_ms - began_ms;
		OK(waits_ms >= wait_ms &&
			   waits_ms <= wait_ms + clock_wall_ms() - began_ms + AGED_MS,
		   "%s, %s: after %lld ms", cases[i].name, age, (long long)waits_ms);
	}
}

static void tell_began(const char *recording_sid, int64_t age_ms)
{
	struct event event;

	event_init(&event, EVENT_RECORDING_STATUS, clock_wall_ms());
	event.account_sid = STR(ACCOUNT);
	event.call_sid = STR(CALL);
	event.recording_sid = str_of(recording_sid);
	event.status = STR("completed");
	event.started_at_ms = clock_wall_ms() - age_ms;
	tell(&event);
}

/* As an import finds them. */
static void test_old(void)
{
	static const struct {
		const char *age, *recording_sid;
		int64_t age_ms, wait_ms;
	} ages[] = {
		{ "a call of two days", "RE00000000000000000000000000000021", 48 * HOUR_MS,
		  2 * HOUR_MS },
		{ "a call of a month", "RE00000000000000000000000000000022", 720 * HOUR_MS,
		  6 * HOUR_MS },
	};
	int64_t never = 0;

	write_now(run_put_off, &never);
	for (size_t i = 0; i < ARRAY_LEN(ages); i++) {
		tell_began(ages[i].recording_sid, ages[i].age_ms);
		test_again(ages[i].age, ages[i].age_ms, ages[i].wait_ms);
	}
}

/* CALL is a month old. */
static void test_old_waits(void)
{
	struct call_lookup *lookup;

	server_forget(&server);
	hold_transfers(1);
	planned_at_ms = clock_wall_ms() + 6 * HOUR_MS;
	write_now(run_plan, &planned_at_ms);
	lookup = call_lookup_start(&rest_env);
	wait_for_readers();
	IS_INT(fetch_waiting(env.fetch), 0, "what an old call waits for is believed");
	end_lookup(lookup);
	IS_INT(look_once(clock_wall_ms() + 13 * HOUR_MS,
			 JSON_HEAD "{\"sid\":\"" CALL "\",\"status\":\"completed\"}"),
	       1, "and what no call waits for is not");
}

int main(void)
{
	fixture_start();
	tell_completed(2);
	IS_STR(str_of(call_known().from), STR(""), "known by its recording alone");
	test_again("a call of a minute", 60000, 10 * 60 * 1000);
	IS_STR(str_of(call_known().from), STR("+15550001111"), "from whom");
	IS_STR(str_of(call_known().to), STR("+15550002222"), "to whom");
	IS_INT(call_known().direction, CALL_INBOUND, "its direction");
	IS_INT(call_known().status, CALL_COMPLETED, "its status");
	IS_INT(call_known().duration_s, 36, "its length");
	test_busy();
	test_gap();
	test_far();
	test_old();
	test_old_waits();
	fixture_stop(NULL);
	return tap_end();
}
