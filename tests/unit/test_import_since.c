/* import --since: what is asked of the server, until when, and how far it is shown to be. */
#include "client/import_since.h"

#include "asked_server.h"

#define IMPORT(since, until, reached, completed)                        \
	"{\"since\":" since ",\"until\":" until ",\"reached\":" reached \
	",\"completed_at\":" completed                                  \
	",\"asked_at\":\"2026-03-10T12:00:00Z\",\"found\":3,\"listed\":4,\"failure\":null}"
#define DAY(n)   "\"2026-03-" n "\""
#define OVER     "\"2026-03-10T12:34:56Z\""
#define ALL(...) "{\"to_be_fetched\":0,\"imports\":[" __VA_ARGS__ "]}"

static json_t *answer;
static bool is_own;

static bool run(const char *since, const char *until, bool waits, const char *const *answers)
{
	const struct import_since asked = { .since = since, .until = until, .waits = waits };

	asked_begin(answers);
	answer = NULL;
	return import_since_run(&asked, &answer, &is_own, &err);
}

/* What is shown of a list that is read, before it is read to its end: the second look. */
static void test_days(void)
{
	static const struct {
		const char *name, *look, *shown;
	} rows[] = {
		{ "nothing is read yet", ALL(IMPORT(DAY("01"), DAY("05"), "null", "null")),
		  " 0/5" },
		{ "from the newest day down to one in between",
		  ALL(IMPORT(DAY("01"), DAY("05"), DAY("04"), "null")), " 2/5" },
		{ "one day", ALL(IMPORT(DAY("01"), DAY("05"), DAY("05"), "null")), " 1/5" },
		{ "one of two days", ALL(IMPORT(DAY("01"), DAY("02"), DAY("02"), "null")), " 1/2" },
		{ "down to the first day, which may have more",
		  ALL(IMPORT(DAY("01"), DAY("05"), DAY("01"), "null")), " 0/5" },
		{ "a day behind the last", ALL(IMPORT(DAY("01"), DAY("05"), DAY("06"), "null")),
		  " 0/5" },
		{ "without an upper bound it goes up to the day on which it was asked",
		  ALL(IMPORT(DAY("01"), "null", DAY("10"), "null")), " 1/10" },
		{ "without a lower bound nobody knows how many there are",
		  ALL(IMPORT("null", DAY("05"), DAY("04"), "null")), "" },
		{ "two accounts, of which one is read",
		  ALL(IMPORT(DAY("01"), DAY("05"), DAY("01"), OVER) "," IMPORT(DAY("01"), DAY("05"),
									       DAY("04"), "null")),
		  " 7/10" },
		{ "an instant for a day",
		  ALL(IMPORT("\"2026-03-01T00:00:00Z\"", DAY("05"), DAY("04"), "null")), " 2/5" },
		{ "a day that is none", ALL(IMPORT(DAY("99"), DAY("05"), DAY("04"), "null")), "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *const answers[] = { "{}", rows[i].look,
						ALL(IMPORT(DAY("01"), DAY("05"), DAY("01"), OVER)),
						NULL };
		AUTO(free) char *shown = xasprintf("[days]%s 5/5", rows[i].shown);

		OK(run("2026-03-01", "2026-03-05", false, answers), "%s", rows[i].name);
		IS_STR(str_of(asked_shown), str_of(shown), "... is shown so");
		json_decref(answer);
	}
}

static void test_asked(void)
{
	static const char *const at_once[] = { "{}", ALL(""), NULL };
	static const char *const no[] = { "", NULL };
	static const char *const stops[] = { "{}",
					     ALL(IMPORT(DAY("01"), DAY("05"), "null", "null")), "",
					     NULL };
	static const char *const both[] = { "{}",
					    ALL(IMPORT(DAY("01"), DAY("05"), "null",
						       OVER) "," IMPORT("null", "null", "null",
									OVER)),
					    NULL };

	OK(run("2026-03-01", "2026-03-05", true, at_once), "no account: it is over at once");
	IS_STR(str_of(asked_all),
	       STR("POST /api/imports {\"since\":\"2026-03-01\",\"until\":\"2026-03-05\"}\n"
		   "GET /api/imports\n"),
	       "it is begun, and looked at");
	OK(asked_waited_ms == 0 && asked_releases == 1 && !is_own, "nobody waits");
	json_decref(answer);
	OK(run(NULL, NULL, true, at_once), "without bounds");
	IS_STR(str_of(asked_all), STR("POST /api/imports {}\nGET /api/imports\n"), "none is told");
	json_decref(answer);
	OK(run(NULL, NULL, true, both), "two accounts");
	IS_INT(import_since_sum(answer, "found"), 6, "what was found is a sum");
	IS_INT(import_since_sum(answer, "listed"), 8, "what was listed, too");
	IS_INT(import_since_sum(answer, "nothing"), 0, "and what is not told is none");
	json_decref(answer);
	OK(!run(NULL, NULL, true, no) && !answer && asked_releases == 1 &&
		   err.kind == ERR_UNAVAILABLE,
	   "it cannot be begun: %s", err.text);
	IS_STR(str_of(asked_all), STR("POST /api/imports {}\n"), "and nothing else is asked");
	OK(!run(NULL, NULL, true, stops) && !answer && asked_releases == 1,
	   "the server goes away: %s", err.text);
	OK(asked_waited_ms >= 500 && asked_waited_ms < 60000, "after one wait");
}

#define FETCHES(n) "{\"to_be_fetched\":" n ",\"imports\":[]}"

/* Until all is fetched, where that is wanted: more may come meanwhile. */
static void test_fetching(void)
{
	static const char *const answers[] = { "{}",         FETCHES("3"), FETCHES("2"),
					       FETCHES("5"), FETCHES("1"), FETCHES("0"),
					       NULL };
	static const char *const fails[] = { "{}", FETCHES("3"), FETCHES("2"), "", NULL };

	OK(run(NULL, NULL, true, answers), "it is waited for what is to be fetched");
	IS_STR(str_of(asked_shown), STR("[days][recordings] 0/3 1/3 0/5 4/5 5/5"), "as is shown");
	IS_INT(json_integer_value(json_object_get(answer, "to_be_fetched")), 0,
	       "the last answer is told");
	OK(asked_waited_ms >= 4 * 500 && asked_longest_ms >= 500 && asked_longest_ms < 60000,
	   "with a wait between two looks");
	json_decref(answer);
	OK(run(NULL, NULL, false, answers) && !strstr(asked_shown, "recordings"),
	   "unless nobody wants to wait");
	json_decref(answer);
	asked_is_own = true;
	OK(run(NULL, NULL, true, answers) && is_own && !strstr(asked_shown, "recordings"),
	   "or nobody fetches");
	json_decref(answer);
	asked_is_own = false;
	OK(!run(NULL, NULL, true, fails) && !answer && asked_releases == 1,
	   "the server goes away: %s", err.text);
}

#define FAILS(text)                                                                                 \
	"{\"to_be_fetched\":0,\"imports\":[{\"since\":null,\"completed_at\":null,\"failure\":" text \
	"}]}"

/* What keeps it from getting on is told once, until it is another. */
static void test_failure(void)
{
	static const char *const answers[] = {
		"{}",          FAILS("\"Twilio is away\""),      FAILS("\"Twilio is away\""),
		FAILS("null"), FAILS("\"refused \\u001b[31m\""), ALL(""),
		NULL
	};
	struct str heard;

	asked_listen();
	OK(run(NULL, NULL, false, answers), "it gets on after all");
	heard = asked_heard();
	OK(str_starts(heard, STR("callspool: Twilio is away; it is tried again\n"
				 "callspool: refused ")),
	   "each failure is told once: %.*s", STR_ARG(heard));
	OK(str_find(heard, '\x1b') == heard.len, "and no terminal obeys it");
	json_decref(answer);
}

/* Of the server's time it takes a twentieth, and it looks each minute at least. */
static void test_pace(void)
{
	static const struct {
		int64_t takes_ms, wait_ms;
	} rows[] = { { 1, 500 },      { 24, 500 },     { 25, 500 },
		     { 26, 520 },     { 1234, 24680 }, { 2999, 59980 },
		     { 3000, 60000 }, { 3001, 60000 }, { 100000, 60000 } };
	static const char *const answers[] = { "{}", FETCHES("1"), FETCHES("1"), FETCHES("0"),
					       NULL };
	const struct import_since asked = { .waits = true };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		asked_begin(answers);
		asked_takes_ms = rows[i].takes_ms;
		OK(import_since_run(&asked, &answer, &is_own, &err) && asked_by.does_list &&
			   !asked_by.does_verify && !asked_by.does_remove,
		   "an answer that takes %" PRId64 " ms", rows[i].takes_ms);
		IS_INT(asked_longest_ms, rows[i].wait_ms, "... and the wait then");
		IS_INT(asked_waited_ms, 2 * rows[i].wait_ms, "... each time");
		json_decref(answer);
	}
}

int main(void)
{
	test_days();
	test_asked();
	test_fetching();
	test_failure();
	test_pace();
	return tap_end();
}
