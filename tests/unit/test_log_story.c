#include "proxylog/log_story.h"

#include "base/mem.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add(struct log_story *story, const char *line)
{
	log_story_add(story, str_of(line));
}

#define REQUEST           "\"GET /api/calls/CA1/download HTTP/1.1\""
#define ERROR(time, what) "2026/11/29 " time " [error] 1#1: *1 " what ", request: " REQUEST
#define REFUSED           "connect() failed (111: Connection refused) while connecting to upstream"
#define ACCESS(time, status) \
	"203.0.113.7 - - [29/Nov/2026:" time " +0000] " REQUEST " " status " 157 \"-\" \"x\""
#define NAMED(time, status, id)                                                               \
	"203.0.113.7 [2026-11-29T" time "+00:00] " REQUEST " " status " 1 range=\"-\" id=" id \
	" upstream=" status " first_byte=1.000 all=25.000"
#define JOURNAL(id)                                            \
	"time=2026-11-29T12:00:00.000Z level=info request=" id \
	" msg=\"recording RE1: Twilio answered 500\""
#define OWN(time, status, id)                                              \
	"203.0.113.7 - - [29/Nov/2026:" time " +0000] " REQUEST " " status \
	" 1 \"-\" \"x\" 25.000 " id

/* Lines, and what is told of the newest failure. */
static const struct {
	const char *name, *lines[3];
	enum log_cause cause;
	const char *words;
	bool by_id;
	int own_status;
} cases[] = {
	{ "an error and its access",
	  { ERROR("12:03:04", REFUSED), ACCESS("12:03:04", "502") },
	  LOG_CAUSE_REFUSED,
	  "",
	  false,
	  0 },
	{ "the access first",
	  { ACCESS("12:03:04", "502"), ERROR("12:03:04", REFUSED) },
	  LOG_CAUSE_REFUSED,
	  "",
	  false,
	  0 },
	{ "a second apart",
	  { ERROR("12:03:04", REFUSED), ACCESS("12:03:05", "502") },
	  LOG_CAUSE_REFUSED,
	  "",
	  false,
	  0 },
	{ "a minute apart is another",
	  { ERROR("12:02:04", REFUSED), ACCESS("12:03:04", "502") },
	  LOG_CAUSE_NONE,
	  "",
	  false,
	  0 },
	{ "an access alone", { ACCESS("12:03:04", "502") }, LOG_CAUSE_NONE, "", false, 0 },
	{ "the journal by the id",
	  { NAMED("12:03:04", "503", "abc"), JOURNAL("abc") },
	  LOG_CAUSE_NONE,
	  "recording RE1: Twilio answered 500",
	  true,
	  0 },
	{ "the journal first",
	  { JOURNAL("abc"), NAMED("12:03:04", "503", "abc") },
	  LOG_CAUSE_NONE,
	  "recording RE1: Twilio answered 500",
	  true,
	  0 },
	{ "another's journal",
	  { NAMED("12:03:04", "503", "abc"), JOURNAL("abd") },
	  LOG_CAUSE_NONE,
	  "",
	  false,
	  0 },
	{ "without an id by callspool's access log",
	  { ACCESS("12:03:04", "504"), OWN("12:03:04", "503", "abc"), JOURNAL("abc") },
	  LOG_CAUSE_NONE,
	  "recording RE1: Twilio answered 500",
	  false,
	  503 },
	{ "which may say no more than its status",
	  { OWN("12:03:05", "206", "abc"), ACCESS("12:03:04", "502") },
	  LOG_CAUSE_NONE,
	  "",
	  false,
	  206 },
};

static void test_joins(void)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(log_story_free) struct log_story *story = log_story_new();
		const struct log_failure *failure;

		for (size_t k = 0; k < ARRAY_LEN(cases[i].lines) && cases[i].lines[k]; k++)
			add(story, cases[i].lines[k]);
		failure = log_story_failure(story, 0);
		OK(failure != NULL && !log_story_failure(story, 1), "%s: one failed",
		   cases[i].name);
		if (!failure)
			continue;
		IS_INT(failure->cause, cases[i].cause, "%s: its cause", cases[i].name);
		IS_STR(str_of(failure->words), str_of(cases[i].words), "%s: callspool's words",
		       cases[i].name);
		IS_INT(failure->words_by_id, cases[i].by_id, "%s: how they were found",
		       cases[i].name);
		IS_INT(failure->own_status, cases[i].own_status, "%s: what callspool answered",
		       cases[i].name);
	}
}

/* Two lines: the seconds between them, and whether they are one. */
static void test_apart(void)
{
	static const struct {
		const char *error_at;
		bool is_one;
	} rows[] = { { "12:03:01", false }, { "12:03:02", true }, { "12:03:03", true },
		     { "12:03:05", true },  { "12:03:06", true }, { "12:03:07", false } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(log_story_free) struct log_story *story = log_story_new();
		AUTO(free) char *error = xasprintf(ERROR("%s", REFUSED), rows[i].error_at);
		AUTO(free) char *own = xasprintf(OWN("%s", "206", "abc"), rows[i].error_at);
		const struct log_failure *failure;

		add(story, error);
		add(story, own);
		add(story, ACCESS("12:03:04", "502"));
		failure = log_story_failure(story, 0);
		IS_INT(failure->cause, rows[i].is_one ? LOG_CAUSE_REFUSED : LOG_CAUSE_NONE,
		       "an error of %s and an access of 12:03:04", rows[i].error_at);
		IS_INT(failure->own_status, rows[i].is_one ? 206 : 0, "callspool's own line of %s",
		       rows[i].error_at);
	}
}

/* Of a request line only the beginning is kept, and joined by: 159 bytes. */
static void test_long_request(void)
{
	static const struct {
		const char *name, *begins;
		int digits;
	} rows[] = {
		{ "one byte less than is kept", "GET /", 144 },
		{ "as long as is kept", "GET /", 145 },
		{ "one byte more", "GET /", 146 },
		{ "a play with a token", "GET /api/calls/CA1/download?token=", 300 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(log_story_free) struct log_story *story = log_story_new();
		AUTO(free)
		char *request = xasprintf("\"%s%0*d HTTP/1.1\"", rows[i].begins, rows[i].digits, 7);
		AUTO(free)
		char *error = xasprintf("2026/11/29 12:03:04 [error] 1#1: *1 " REFUSED
					", client: x, request: %s, host: \"x\"",
					request);
		AUTO(free)
		char *own = xasprintf(
			"x - - [29/Nov/2026:12:03:04 +0000] %s 503 1 \"-\" \"x\" 25.000 abc",
			request);
		AUTO(free)
		char *access = xasprintf("x - - [29/Nov/2026:12:03:04 +0000] %s 502 1 \"-\" \"x\"",
					 request);
		const struct log_failure *failure;

		add(story, error);
		add(story, own);
		add(story, access);
		failure = log_story_failure(story, 0);
		IS_INT(failure->cause, LOG_CAUSE_REFUSED, "%s: its cause", rows[i].name);
		IS_INT(failure->own_status, 503, "%s: what callspool answered", rows[i].name);
	}
}

/* What counts as a failure, and as one that was passed on. */
static void test_failures(void)
{
	static const struct {
		const char *name, *status, *upstream;
		bool is_failure, is_passed_on;
	} rows[] = {
		{ "too large", "413", "-", true, false },
		{ "one less", "412", "-", false, false },
		{ "one more", "414", "-", false, false },
		{ "too many", "429", "429", true, true },
		{ "not allowed", "403", "403", false, false },
		{ "the last that is none", "499", "-", false, false },
		{ "the first that is one", "500", "500", true, true },
		{ "of the proxy", "500", "200", true, false },
		{ "no answer", "502", "502", true, false },
		{ "a late one", "504", "504", true, false },
		{ "not now", "503", "503", true, true },
		{ "beyond all statuses", "600", "600", true, true },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(log_story_free) struct log_story *story = log_story_new();
		AUTO(free)
		char *line = xasprintf(
			"203.0.113.7 [2026-11-29T12:03:04+00:00] " REQUEST
			" %s 1 range=\"-\" id=abc upstream=%s first_byte=1.000 all=25.000",
			rows[i].status, rows[i].upstream);
		const struct log_failure *failure;
		struct log_told told;

		add(story, line);
		failure = log_story_failure(story, 0);
		OK((failure != NULL) == rows[i].is_failure, "%s: it failed, or not", rows[i].name);
		IS_INT(failure && failure->is_of_callspool, rows[i].is_passed_on,
		       "%s: by the back end", rows[i].name);
		if (failure) {
			IS_INT(failure->took_ms, 25000, "%s: how long it took", rows[i].name);
			IS_STR(str_of(failure->id), STR("abc"), "%s: its id", rows[i].name);
			OK(failure->at_s > 0, "%s: when", rows[i].name);
		}
		IS_INT(log_story_verdict(story),
		       failure                              ? VERDICT_FINDINGS
		       : strcmp(rows[i].status, "499") == 0 ? VERDICT_FINDINGS
							    : VERDICT_GOOD,
		       "%s: the verdict", rows[i].name);
		log_story_tell(story, &told);
		IS_INT(told.answered, 1, "%s: it was answered", rows[i].name);
	}
}

/* Calls of the doctor are no plays. */
static void test_doctor(void)
{
	static const struct {
		const char *name, *path, *status;
		bool is_failure;
		int counted;
	} rows[] = {
		{ "its call that is not there", "/api/calls/CAd0c70000d0c700000000000000000000",
		  "404", false, 0 },
		{ "its recording", "/api/recordings/REd0c70000d0c700000000000000000000", "429",
		  false, 0 },
		{ "a failure is one for all", "/api/calls/CAd0c70000d0c700000000000000000000",
		  "500", true, 1 },
		{ "another call", "/api/calls/CA00000000000000000000000000000000", "404", false,
		  1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(log_story_free) struct log_story *story = log_story_new();
		AUTO(free)
		char *line = xasprintf(
			"203.0.113.7 - - [29/Nov/2026:12:03:04 +0000] \"GET %s HTTP/1.1\" "
			"%s 1 \"-\" \"x\"",
			rows[i].path, rows[i].status);
		struct log_told told;
		uint64_t status = 0;

		(void)!str_to_u64(str_of(rows[i].status), &status);
		add(story, line);
		log_story_tell(story, &told);
		IS_INT(told.statuses[status].count, rows[i].counted, "%s: is counted",
		       rows[i].name);
		OK((log_story_failure(story, 0) != NULL) == rows[i].is_failure, "%s: failed",
		   rows[i].name);
		IS_INT(told.answered, 1, "%s: was answered", rows[i].name);
	}
}

/* What the back end's log says several times of one thing. */
static void test_backend(void)
{
	static const struct {
		const char *name, *lines[4];
		int boot, traceback, exception;
	} rows[] = {
		{ "a traceback alone", { "Traceback (most recent call last):" }, 0, 1, 0 },
		{ "behind an exception",
		  { "x: Exception on /a [GET]", "Traceback (most recent call last):" },
		  0,
		  0,
		  1 },
		{ "behind a worker that did not start",
		  { "x: Exception in worker process",
		    "Traceback (most recent call last):", "x: Worker failed to boot." },
		  1,
		  0,
		  0 },
		{ "two exceptions",
		  { "x: Exception on /a [GET]", "x: Exception on /b [GET]" },
		  0,
		  0,
		  2 },
		{ "two workers",
		  { "x: Exception in worker process", "x: Exception in worker process" },
		  2,
		  0,
		  0 },
		{ "behind a worker that was killed",
		  { "x: WORKER TIMEOUT (pid:8)", "Traceback (most recent call last):" },
		  0,
		  1,
		  0 },
		{ "a worker that failed, alone", { "x: Worker failed to boot." }, 1, 0, 0 },
		{ "with an error of nginx between",
		  { "x: Exception on /a [GET]", ERROR("12:03:04", REFUSED),
		    "Traceback (most recent call last):" },
		  0,
		  0,
		  1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(log_story_free) struct log_story *story = log_story_new();
		struct log_told told;

		for (size_t k = 0; k < ARRAY_LEN(rows[i].lines) && rows[i].lines[k]; k++)
			add(story, rows[i].lines[k]);
		log_story_tell(story, &told);
		IS_INT(told.causes[LOG_CAUSE_BOOT_FAILED].count, rows[i].boot, "%s: did not start",
		       rows[i].name);
		IS_INT(told.causes[LOG_CAUSE_TRACEBACK].count, rows[i].traceback, "%s: tracebacks",
		       rows[i].name);
		IS_INT(told.causes[LOG_CAUSE_EXCEPTION].count, rows[i].exception, "%s: exceptions",
		       rows[i].name);
	}
}

/* A traceback is hardly longer than 200 lines. */
static void test_far_traceback(void)
{
	for (int apart = 200; apart <= 201; apart++) {
		AUTO(log_story_free) struct log_story *story = log_story_new();
		struct log_told told;

		add(story, "x: Exception on /a [GET]");
		for (int i = 1; i < apart; i++)
			add(story, "  File \"a.py\"");
		add(story, "Traceback (most recent call last):");
		log_story_tell(story, &told);
		IS_INT(told.causes[LOG_CAUSE_TRACEBACK].count, apart == 201, "%d lines behind",
		       apart);
		IS_INT(told.lines, (uint64_t)apart + 1, "lines in all");
		IS_INT(told.known, 2, "and those understood");
	}
}

static void test_order(void)
{
	AUTO(log_story_free) struct log_story *story = log_story_new();
	static const char *const ids[] = { "d", "c", "b", "a" };
	struct log_told told;

	add(story, NAMED("12:00:02", "503", "b"));
	add(story, NAMED("12:00:01", "503", "a"));
	add(story, NAMED("12:00:03", "503", "c"));
	IS_STR(str_of(log_story_failure(story, 0)->id), STR("c"), "the newest");
	add(story, NAMED("12:00:04", "503", "d"));
	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		IS_STR(str_of(log_story_failure(story, i)->id), str_of(ids[i]), "number %zu", i);
	OK(!log_story_failure(story, 4), "there are no more");
	add(story, JOURNAL("b"));
	IS_STR(str_of(log_story_failure(story, 2)->words),
	       STR("recording RE1: Twilio answered 500"),
	       "the journal's line of an id of one letter");
	add(story, NAMED("12:00:04", "503", "e"));
	IS_STR(str_of(log_story_failure(story, 0)->id), STR("e"),
	       "of one second that which was read last comes first");
	IS_STR(str_of(log_story_failure(story, 1)->id), STR("d"), "then the other");
	log_story_tell(story, &told);
	IS_INT(told.last_s - told.first_s, 4, "from the first to the last");
	IS_INT(told.statuses[503].last_s - told.statuses[503].first_s, 3, "of their status, too");
	IS_STR(str_of(told.statuses[503].example), STR("GET /api/calls/CA1/download HTTP/1.1"),
	       "of which the last is an example");
	IS_INT(told.errors, 0, "none of nginx's error log");
	OK(!told.strange, "no file was strange");
}

static void test_verdict(void)
{
	AUTO(log_story_free) struct log_story *story = log_story_new();
	struct log_told told;

	IS_INT(log_story_verdict(story), VERDICT_UNCHECKED, "nothing was read");
	add(story, "");
	add(story, "hello");
	IS_INT(log_story_verdict(story), VERDICT_UNCHECKED, "nothing was understood");
	add(story, ACCESS("12:00:00", "200"));
	IS_INT(log_story_verdict(story), VERDICT_GOOD, "a play that went well");
	log_story_note_strange(story, "/a");
	log_story_note_strange(story, "/b");
	IS_INT(log_story_verdict(story), VERDICT_UNCHECKED, "a file that nobody understands");
	log_story_tell(story, &told);
	IS_STR(str_of(told.strange), STR("/a"), "the first of them");
	IS_INT(told.lines, 2, "what is empty is no line");
	add(story, ERROR("12:00:00", REFUSED));
	log_story_tell(story, &told);
	IS_INT(told.errors, 1, "a line of nginx's error log");
	IS_INT(log_story_verdict(story), VERDICT_FINDINGS, "a cause is a finding");
}

/* A failure in the official image's log: its first lines are nginx's notices, the accesses are JSON. */
static void test_wrapped(void)
{
	static const char *const rows[] = {
		"{\"log\":\"{\\\"status\\\":502,\\\"request\\\":\\\"GET /a HTTP/1.1\\\"}\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-29T12:03:04.5Z\"}",
		"nginx-1  | 2026-11-29T12:03:04.5Z {\"status\":502,\"request\":\"GET /a HTTP/1.1\"}",
		"Nov 29 12:03:04 host nginx[7]: {\"status\":502,\"request\":\"GET /a HTTP/1.1\"}",
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(log_story_free) struct log_story *story = log_story_new();
		const struct log_failure *failure;

		add(story,
		    "{\"log\":\"2026/11/29 12:03:00 [notice] 1#1: start worker processes\\n\",\"stream\":\"stderr\"}");
		add(story, rows[i]);
		failure = log_story_failure(story, 0);
		IS_INT(log_story_verdict(story), VERDICT_FINDINGS, "%s: the verdict", rows[i]);
		IS_STR(str_of(failure ? failure->request : NULL), STR("GET /a HTTP/1.1"),
		       "%s: what failed", rows[i]);
	}
}

/* Whose answers are told: nginx's, or callspool's own where it has none. */
static void test_whose(void)
{
	static const struct {
		const char *name, *lines[4];
		enum doctor_verdict verdict;
		int answered, of_500, of_502, of_503;
		bool is_own;
	} rows[] = {
		{ "callspool's access log alone",
		  { OWN("12:03:04", "503", "abc"), OWN("12:03:05", "206", "abd"),
		    OWN("12:03:06", "500", "abe") },
		  VERDICT_FINDINGS,
		  3,
		  1,
		  0,
		  1,
		  true },
		{ "of what went well",
		  { OWN("12:03:04", "206", "abc"), OWN("12:03:05", "404", "abd") },
		  VERDICT_GOOD,
		  2,
		  0,
		  0,
		  0,
		  true },
		{ "beside nginx's error log",
		  { ERROR("12:03:04", "client closed"), OWN("12:03:04", "503", "abc") },
		  VERDICT_FINDINGS,
		  1,
		  0,
		  0,
		  1,
		  true },
		{ "beside nginx's access log, which has the same requests",
		  { OWN("12:03:04", "503", "abc"), ACCESS("12:03:04", "503"),
		    OWN("12:03:05", "206", "abd") },
		  VERDICT_FINDINGS,
		  1,
		  0,
		  0,
		  1,
		  false },
		{ "a log of nginx's that ends in seconds twice",
		  { ACCESS("12:03:04", "502") " 60.001 60.001",
		    ACCESS("12:03:05", "200") " 0.001 0.001" },
		  VERDICT_FINDINGS,
		  2,
		  0,
		  1,
		  0,
		  false },
		{ "one that ends as callspool's",
		  { OWN("12:03:04", "502", "abc"), OWN("12:03:05", "500", "abd"),
		    OWN("12:03:06", "206", "abe") },
		  VERDICT_FINDINGS,
		  3,
		  1,
		  1,
		  0,
		  false },
		{ "the same beside another of nginx's",
		  { OWN("12:03:04", "502", "abc"), ACCESS("12:03:05", "200") },
		  VERDICT_FINDINGS,
		  2,
		  0,
		  1,
		  0,
		  false },
		{ "nothing but nginx's error log",
		  { ERROR("12:03:04", "client closed") },
		  VERDICT_GOOD,
		  0,
		  0,
		  0,
		  0,
		  false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(log_story_free) struct log_story *story = log_story_new();
		const struct log_failure *failure;
		struct log_told told;
		int failed = 0;

		for (size_t k = 0; k < ARRAY_LEN(rows[i].lines) && rows[i].lines[k]; k++)
			add(story, rows[i].lines[k]);
		while ((failure = log_story_failure(story, (size_t)failed))) {
			IS_INT(failure->is_of_callspool, rows[i].is_own, "%s: who answered",
			       rows[i].name);
			failed++;
		}
		log_story_tell(story, &told);
		IS_INT(log_story_verdict(story), rows[i].verdict, "%s: the verdict", rows[i].name);
		IS_INT(told.answered, rows[i].answered, "%s: answers", rows[i].name);
		IS_INT(told.statuses[500].count, rows[i].of_500, "%s: 500s", rows[i].name);
		IS_INT(told.statuses[502].count, rows[i].of_502, "%s: 502s", rows[i].name);
		IS_INT(told.statuses[503].count, rows[i].of_503, "%s: 503s", rows[i].name);
		IS_INT(failed, rows[i].of_500 + rows[i].of_502 + rows[i].of_503, "%s: failures",
		       rows[i].name);
	}
}

/* The journal finds what callspool's own access log says, whichever comes first. */
static void test_own_words(void)
{
	for (int is_first = 0; is_first <= 1; is_first++) {
		AUTO(log_story_free) struct log_story *story = log_story_new();
		const struct log_failure *failure;

		if (is_first)
			add(story, JOURNAL("abc"));
		add(story, OWN("12:03:04", "503", "abc"));
		if (!is_first)
			add(story, JOURNAL("abc"));
		failure = log_story_failure(story, 0);
		OK(failure && failure->words_by_id && failure->own_status == 0,
		   "by the id, and not by the time");
		IS_STR(str_of(failure ? failure->words : NULL),
		       STR("recording RE1: Twilio answered 500"), "its words");
	}
}

static void test_many(void)
{
	AUTO(log_story_free) struct log_story *story = log_story_new();
	char line[512];
	struct log_told told;
	size_t count = 0;

	for (int i = 0; i < 5000; i++) {
		snprintf(
			line, sizeof(line),
			"203.0.113.7 [2026-11-29T12:%02d:%02d+00:00] \"GET /%d HTTP/1.1\" 503 1 range=\"-\" id=id%d "
			"upstream=503 first_byte=1.000 all=%d.000",
			i / 60 % 60, i % 60, i, i, i % 30);
		add(story, line);
	}
	log_story_tell(story, &told);
	IS_INT(told.answered, 5000, "all are counted");
	IS_INT(told.statuses[503].count, 5000, "by their status");
	IS_INT(told.statuses[503].took_most_ms, 29000, "and the longest");
	while (log_story_failure(story, count))
		count++;
	IS_INT(count, LOG_STORY_FAILURES, "the newest are kept");
	IS_STR(str_of(log_story_failure(story, 0)->request), STR("GET /4999 HTTP/1.1"),
	       "the newest first");
	add(story,
	    "time=2026-11-29T12:00:00.000Z level=info request=id4500 msg=\"of one that is kept\"");
	add(story,
	    "time=2026-11-29T12:00:00.000Z level=info request=id10 msg=\"of one that is not\"");
	IS_STR(str_of(log_story_failure(story, 499)->words), STR("of one that is kept"),
	       "the journal finds those that are kept");
}

static void test_worst(void)
{
	AUTO(log_story_free) struct log_story *story = log_story_new();

	IS_INT(log_story_worst(story), LOG_CAUSE_NONE, "nothing hurts");
	for (int i = 0; i < 1000; i++)
		add(story,
		    ERROR("12:00:00",
			  "an upstream response is buffered to a temporary file x while reading upstream"));
	IS_INT(log_story_worst(story), LOG_CAUSE_BUFFERED,
	       "what only may hurt is told where there is nothing else");
	add(story, ERROR("12:00:00", "no live upstreams while connecting to upstream"));
	IS_INT(log_story_worst(story), LOG_CAUSE_NO_LIVE,
	       "what breaks plays comes before it, however seldom");
	for (int i = 0; i < 3; i++)
		add(story, ERROR("12:00:00", REFUSED));
	IS_INT(log_story_worst(story), LOG_CAUSE_REFUSED, "then what breaks more");
}

int main(void)
{
	setenv("TZ", "UTC", 1);
	test_joins();
	test_apart();
	test_long_request();
	test_failures();
	test_doctor();
	test_backend();
	test_far_traceback();
	test_order();
	test_verdict();
	test_wrapped();
	test_whose();
	test_own_words();
	test_many();
	test_worst();
	return tap_end();
}
