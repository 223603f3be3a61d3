#include "rest/call_lookup.h"

#include "catalog/call_asks.h"
#include "catalog/calls.h"
#include "flights_fixture.h"

#define PUT_OFF "CA00000000000000000000000000000008"
#define PATH    API "/Calls/" CALL ".json"

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

static void look_once(int64_t at_ms, const char *raw)
{
	struct answer answer = { PATH, raw, THEN_CLOSE };
	struct call_lookup *lookup;

	planned_at_ms = at_ms;
	write_now(run_plan, &planned_at_ms);
	server_forget(&server);
	server_answers(&answer, 1);
	lookup = call_lookup_start(&rest_env);
	until(is_concluded);
	write_now(run_nothing, NULL); /* behind it: what it wrote has come back */
	until(fixture_is_projected);
	call_lookup_free(lookup);
}

#define JSON_HEAD "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"

static void tell_of_put_off(void)
{
	struct event event;

	event_init(&event, EVENT_RECORDING_STATUS, clock_wall_ms());
	event.account_sid = STR(ACCOUNT);
	event.call_sid = STR(PUT_OFF);
	event.recording_sid = STR("RE00000000000000000000000000000008");
	event.status = STR("completed");
	tell(&event);
}

/* It was heard of while a clock was an hour ahead. */
static void test_far(void)
{
	int64_t soon_ms = clock_wall_ms() + 10 * 60 * 1000;

	tell_of_put_off();
	write_now(run_put_off, &soon_ms);
	look_once(clock_wall_ms() + 60 * 60 * 1000,
		  JSON_HEAD "{\"sid\":\"" CALL "\",\"status\":\"completed\"}");
	IS_INT(server.requests, 1, "what is to wait for longer than anything is asked for at once");
	OK(is_planned && ask.at_ms == soon_ms,
	   "and what waits as long as is meant goes on waiting");
}

int main(void)
{
	static const struct {
		const char *name, *raw;
		bool is_later;
	} cases[] = {
		{ "a server error", "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", true },
		{ "refused credentials", "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", true },
		{ "no answer", "", true },
		{ "nonsense", JSON_HEAD "{}", true },
		{ "another call",
		  JSON_HEAD
		  "{\"sid\":\"CA00000000000000000000000000000009\",\"status\":\"completed\"}",
		  true },
		{ "forbidden", "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", false },
		{ "not there", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", false },
		{ "a call that is on",
		  JSON_HEAD "{\"sid\":\"" CALL
			    "\",\"status\":\"in-progress\",\"direction\":\"inbound\","
			    "\"from\":\"+15550001111\",\"to\":\"+15550002222\"}",
		  true },
		{ "a call that has ended",
		  JSON_HEAD "{\"sid\":\"" CALL "\",\"status\":\"completed\",\"duration\":\"36\"}",
		  false },
	};

	fixture_start();
	tell_completed(2);
	IS_STR(str_of(call_known().from), STR(""), "known by its recording alone");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		look_once(1, cases[i].raw);
		IS_INT(server.requests, 1, "%s: asked for once", cases[i].name);
		IS_INT(is_planned, cases[i].is_later, "%s: again later?", cases[i].name);
	}
	IS_STR(str_of(call_known().from), STR("+15550001111"), "from whom");
	IS_STR(str_of(call_known().to), STR("+15550002222"), "to whom");
	IS_INT(call_known().direction, CALL_INBOUND, "its direction");
	IS_INT(call_known().status, CALL_COMPLETED, "its status");
	IS_INT(call_known().duration_s, 36, "its length");
	test_far();
	fixture_stop(NULL);
	return tap_end();
}
