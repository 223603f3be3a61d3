#include "proxylog/log_story.h"

#include "base/mem.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>

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
	test_many();
	test_worst();
	return tap_end();
}
