/* callspool verify: what is asked of the server, until when, and what is taken of its answers. */
#include "client/verify_store.h"

#include "asked_server.h"

#define PASS(rows, folders, began, completed, failure)                                             \
	"{\"asked\":{\"rows\":10,\"rows_done\":" rows ",\"folders\":257,\"folders_done\":" folders \
	",\"began_at\":" began ",\"completed_at\":" completed ",\"failure\":" failure              \
	"},\"faults\":[],\"more\":false}"
#define AT   "\"2026-03-10T12:34:56Z\""
#define OVER PASS("10", "257", AT, AT, "null")
#define FAULT(file, kind, state) \
	"{\"file\":\"" file "\",\"kind\":\"" kind "\",\"state\":\"" state "\"}"
#define FAULTS(more, ...) "{\"asked\":{},\"faults\":[" __VA_ARGS__ "],\"more\":" more "}"

#define FIRST "GET /api/verifications?after=\n"

static struct verify_store_report report;

static bool run(bool mends, const char *const *answers)
{
	const struct verify_store asked = { .mends = mends };

	asked_begin(answers);
	report = (struct verify_store_report){ .pass = NULL };
	return verify_store_run(&asked, &report, &err);
}

static void test_pass(void)
{
	static const char *const answers[] = {
		"{}",
		PASS("0", "0", "null", "null", "null"),
		PASS("0", "0", AT, "null", "null"),
		PASS("7", "3", AT, "null", "null"),
		PASS("10", "257", AT, "null", "null"), /* what is left is no row and no folder */
		OVER,
		FAULTS("false", FAULT("00/a", "bytes", "open")),
		NULL
	};

	OK(run(false, answers), "a pass is looked on: %s", err.text);
	IS_STR(str_of(asked_shown), STR("[rows and folders] 0/267 10/267 267/267"),
	       "shown once it has begun, and its end once");
	IS_STR(str_of(asked_all),
	       STR("POST /api/verifications {\"mend\":false}\n" FIRST FIRST FIRST FIRST FIRST
			   FIRST),
	       "it is begun, and looked at again and again");
	IS_INT(asked_waited_ms, 4 * 250, "with a wait between two looks");
	OK(json_integer_value(json_object_get(report.pass, "rows_done")) == 10 &&
		   json_array_size(report.faults) == 1 && !report.is_own && asked_releases == 1,
	   "its end and what it found are told");
	verify_store_report_release(&report);
}

static void test_faults(void)
{
	static const char *const pages[] = {
		"{}",
		OVER,
		FAULTS("true",
		       FAULT("00/a", "bytes", "open") "," FAULT("00/b c&d", "size", "open")),
		FAULTS("true", FAULT("01/c", "missing", "mending")),
		FAULTS("false",
		       FAULT("ff/d", "unknown", "mended") "," FAULT("ff/e", "old", "open")),
		NULL
	};
	static const char *const empty[] = { "{}", OVER, FAULTS("true", ""), NULL };
	static const char *const unknown[] = {
		"{}",
		OVER,
		FAULTS("false",
		       FAULT("00/a", "bytes", "open") "," FAULT("00/b", "unknown", "mending")),
		FAULTS("false", FAULT("00/a", "old", "mending")),
		FAULTS("false", FAULT("00/a", "old", "mended")),
		NULL
	};

	OK(run(true, pages), "three pages of faults: %s", err.text);
	IS_STR(str_of(asked_all),
	       STR("POST /api/verifications {\"mend\":true}\n" FIRST FIRST
		   "GET /api/verifications?after=00%2Fb%20c%26d\n"
		   "GET /api/verifications?after=01%2Fc\n"),
	       "each is asked for behind the last one of the page before");
	IS_INT(json_array_size(report.faults), 5, "all are told");
	IS_INT(asked_waited_ms, 0, "for those that Twilio is to answer nobody waits");
	verify_store_report_release(&report);
	OK(run(true, empty) && json_array_size(report.faults) == 0,
	   "a page that says that there is more, and has nothing, is the last");
	verify_store_report_release(&report);
	OK(run(true, unknown), "files are adopted, or removed");
	OK(json_array_size(report.faults) == 1 && asked_waited_ms == 2 * 250,
	   "which is waited for, and told once");
	verify_store_report_release(&report);
}

#define FAILS PASS("7", "3", AT, "null", "\"the store is away\"")

static void test_failures(void)
{
	static const char *const at_once[] = { "", NULL };
	static const char *const look[] = { "{}", "", NULL };
	static const char *const list[] = { "{}", OVER, "", NULL };
	static const char *const page[] = { "{}", OVER,
					    FAULTS("true", FAULT("00/a", "old", "open")), "",
					    NULL };
	static const char *const good[] = { "{}", OVER, FAULTS("false", ""), NULL };
	static const char *const back[] = { "{}", FAILS, FAILS, OVER, FAULTS("false", ""), NULL };
	static const struct {
		const char *name;
		const char *const *answers;
	} rows[] = {
		{ "it cannot be begun", at_once },
		{ "it cannot be looked at", look },
		{ "what it found cannot be read", list },
		{ "nor its second page", page },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		OK(!run(false, rows[i].answers) && err.kind == ERR_UNAVAILABLE && !report.pass &&
			   !report.faults && asked_releases == 1,
		   "%s: %s", rows[i].name, err.text);
	OK(run(false, back), "what keeps it from getting on is over after a while: %s", err.text);
	verify_store_report_release(&report);
	asked_is_own = true;
	OK(!run(false, back) && err.kind == ERR_UNAVAILABLE && strstr(err.text, "is away"),
	   "which nobody waits for in this process: %s", err.text);
	OK(!run(false, list) && !report.is_own, "nothing is told of what failed");
	OK(run(false, good) && report.is_own, "a server in this process fetches nothing");
	verify_store_report_release(&report);
	asked_is_own = false;
}

/* As long as it does not get on nobody waits for ever; what it says is told once. */
static void test_patience(void)
{
	static const char *many[1000] = { "{}" };
	struct str heard;

	for (size_t i = 1; i < ARRAY_LEN(many) - 1; i++)
		many[i] = FAILS;
	asked_listen();
	OK(!run(false, many) && err.kind == ERR_UNAVAILABLE, "for two minutes it failed: %s",
	   err.text);
	heard = asked_heard();
	IS_STR(heard, STR("callspool: the store is away; it is tried again\n"),
	       "which is told once");
	OK(asked_waited_ms >= 119000 && asked_waited_ms <= 121000, "and waited for: %" PRId64,
	   asked_waited_ms);
	OK(asked_by.does_verify && !asked_by.does_list && !asked_by.does_remove,
	   "a server in this process would verify");
	/* Once it got on, it is two minutes again. */
	many[300] = PASS("8", "3", AT, "null", "null");
	asked_listen();
	OK(!run(false, many), "it got on once");
	heard = asked_heard();
	OK(asked_waited_ms >= 190000 && asked_waited_ms <= 200000,
	   "and was waited for anew: %" PRId64, asked_waited_ms);
	/* Files that are adopted, or removed: half a minute. */
	many[1] = OVER;
	for (size_t i = 2; i < ARRAY_LEN(many) - 1; i++)
		many[i] = FAULTS("false", FAULT("00/a", "unknown", "mending"));
	OK(run(false, many) && json_array_size(report.faults) == 1,
	   "what is mended for long is told as it is");
	OK(asked_waited_ms >= 29000 && asked_waited_ms <= 31000, "after half a minute: %" PRId64,
	   asked_waited_ms);
	verify_store_report_release(&report);
}

static void test_accept(void)
{
	static const char *const answers[] = { "{\"accepted\":3}", NULL };
	static const char *const fails[] = { "", NULL };
	json_int_t count = 7;

	asked_begin(answers);
	OK(verify_store_accept(NULL, &count, &err) && count == 3 && asked_releases == 1,
	   "what stays is known from now on");
	IS_STR(str_of(asked_all), STR("POST /api/verifications/accept\n"), "as is asked for");
	asked_begin(fails);
	count = 7;
	OK(!verify_store_accept(NULL, &count, &err) && count == 7 && asked_releases == 1,
	   "or the server does not answer: %s", err.text);
}

int main(void)
{
	test_pass();
	test_faults();
	test_failures();
	test_patience();
	test_accept();
	return tap_end();
}
