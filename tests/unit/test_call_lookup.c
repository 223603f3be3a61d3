#include "rest/call_lookup.h"

#include "catalog/call_asks.h"
#include "catalog/calls.h"
#include "flights_fixture.h"

#define PATH API "/Calls/" CALL ".json"

static struct call_ask ask;
static bool is_planned;

static bool is_concluded(void)
{
	must(catalog_begin(reader, &err) && call_asks_next(reader, &ask, &is_planned, &err));
	catalog_rollback(reader);
	return !is_planned || ask.at_ms > 1;
}

static bool run_plan(struct ledger_job *job, struct catalog *catalog, struct err *why)
{
	return call_asks_set(catalog, STR(CALL), 1, why);
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

static void look_once(const char *raw)
{
	struct answer answer = { PATH, raw, THEN_CLOSE };
	struct call_lookup *lookup;

	write_now(run_plan, NULL);
	server_forget(&server);
	server_answers(&answer, 1);
	lookup = call_lookup_start(&rest_env);
	until(is_concluded);
	write_now(run_nothing, NULL); /* behind it: what it wrote has come back */
	until(fixture_is_projected);
	call_lookup_free(lookup);
}

#define JSON_HEAD "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"

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
		look_once(cases[i].raw);
		IS_INT(server.requests, 1, "%s: asked for once", cases[i].name);
		IS_INT(is_planned, cases[i].is_later, "%s: again later?", cases[i].name);
	}
	IS_STR(str_of(call_known().from), STR("+15550001111"), "from whom");
	IS_STR(str_of(call_known().to), STR("+15550002222"), "to whom");
	IS_INT(call_known().direction, CALL_INBOUND, "its direction");
	IS_INT(call_known().status, CALL_COMPLETED, "its status");
	IS_INT(call_known().duration_s, 36, "its length");
	fixture_stop(NULL);
	return tap_end();
}
