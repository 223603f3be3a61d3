/* The first lines of it and the last, which are read first; then all that one long log gives, for people and for machines. */
#include "proxylog/log_text.h"

#include "base/mem.h"
#include "base/own.h"
#include "proxylog/log_json.h"
#include "pseudo_terminal.h"
#include "tap.h"

#include <jansson.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ACCESS(date, status)                                                                \
	"203.0.113.7 - - [" date " +0000] \"GET /api/calls/CA1/download HTTP/1.1\" " status \
	" 157 \"-\" \"x\""
#define REFUSED                                                                                 \
	"2026/11/29 12:03:04 [error] 1#1: *1 connect() failed (111: Connection refused) while " \
	"connecting to upstream, request: \"GET /api/calls/CA1/download HTTP/1.1\""

static const struct {
	const char *name, *lines[3];
	const char *first; /* line of what is printed */
	const char *last;  /* what its last lines begin with */
} cases[] = {
	{ "nothing", { NULL }, "0 lines, 0 of them understood\n", "\nThere is no line in it" },
	{ "what nobody understands", { "hello" }, "1 lines, 0 of them understood\n", NULL },
	{ "the first second that a line can tell",
	  { ACCESS("01/Jan/1970:00:00:01", "200") },
	  "1 lines, 1 of them understood, 1970-01-01 00:00:01 to 1970-01-01 00:00:01\n",
	  "\nNo request failed." },
	{ "from the earliest to the latest, in whatever order",
	  { ACCESS("29/Nov/2026:12:03:04", "200"), ACCESS("28/Nov/2026:01:02:03", "206"), "hello" },
	  "3 lines, 2 of them understood, 2026-11-28 01:02:03 to 2026-11-29 12:03:04\n",
	  "\nNo request failed." },
	{ "failures of which nobody knows why",
	  { ACCESS("29/Nov/2026:12:03:04", "502"), ACCESS("29/Nov/2026:12:03:05", "502") },
	  "2 lines, 2 of them understood, 2026-11-29 12:03:04 to 2026-11-29 12:03:05\n",
	  "\n2 requests failed, and these logs do not say why: give nginx's error log, too." },
	{ "a cause",
	  { REFUSED, ACCESS("29/Nov/2026:12:03:04", "502") },
	  "2 lines, 2 of them understood, 2026-11-29 12:03:04 to 2026-11-29 12:03:04\n",
	  "\n502: the back end was down (1 time).\n" },
	{ "one failure that nginx's error log does not explain",
	  { ACCESS("29/Nov/2026:12:03:04", "502"), "2026/11/29 12:03:04 [notice] 1#1: start" },
	  "2 lines, 2 of them understood, 2026-11-29 12:03:04 to 2026-11-29 12:03:04\n",
	  "\n1 request failed, and these logs do not say why: give the back end's own log,\ntoo." },
	{ "a failure, and nginx's error log is missing",
	  { ACCESS("29/Nov/2026:12:03:04", "500") },
	  "1 lines, 1 of them understood, 2026-11-29 12:03:04 to 2026-11-29 12:03:04\n",
	  "\n      was        not told by these logs: give nginx's error log, too\n" },
	{ "an answer that is no error",
	  { ACCESS("29/Nov/2026:12:03:04", "399") },
	  "1 lines, 1 of them understood, 2026-11-29 12:03:04 to 2026-11-29 12:03:04\n",
	  "\nAnswers\n       1 x none of them an error\n" },
	{ "an answer that is one, though no failure",
	  { ACCESS("29/Nov/2026:12:03:04", "400") },
	  "1 lines, 1 of them understood, 2026-11-29 12:03:04 to 2026-11-29 12:03:04\n",
	  "\nAnswers\n       1 x 400  \n\nNo request failed.\n" },
	{ "callspool's own access log",
	  { ACCESS("29/Nov/2026:12:03:04", "503") " 25.000 abc",
	    ACCESS("29/Nov/2026:12:03:05", "206") " 0.001 abd" },
	  "2 lines, 2 of them understood, 2026-11-29 12:03:04 to 2026-11-29 12:03:05\n",
	  "\n1 request failed, and these logs do not say why: give callspool's journal, too.\n" },
	{ "of which it is told that callspool answered so",
	  { ACCESS("29/Nov/2026:12:03:04", "503") " 25.000 abc" },
	  "1 lines, 1 of them understood, 2026-11-29 12:03:04 to 2026-11-29 12:03:04\n",
	  "/CA1/download HTTP/1.1\n      was        answered so by callspool, by its access log\n\n1" },
	{ "the highest status",
	  { ACCESS("29/Nov/2026:12:03:04", "599") },
	  "1 lines, 1 of them understood, 2026-11-29 12:03:04 to 2026-11-29 12:03:04\n",
	  "\n1 request failed, and these" },
};

static char *told(struct log_story *story)
{
	char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);

	if (!to)
		exit(1);
	log_text_print(story, to);
	fclose(to);
	return text;
}

static char *printed(const char *const lines[3])
{
	AUTO(log_story_free) struct log_story *story = log_story_new();

	for (size_t i = 0; i < 3 && lines[i]; i++)
		log_story_add(story, str_of(lines[i]));
	return told(story);
}

/* ---- all of it ---- */

#define SPACES "                                               "
#define NAMED(time, status, upstream, id)                                          \
	"203.0.113.7 [2026-11-29T" time "+00:00] \"GET /" id " HTTP/1.1\" " status \
	" 1 range=\"-\" id=" id " upstream=" upstream " first_byte=1.000 all=25.000"
#define ERROR(time, what)                           \
	"2026/11/29 " time " [error] 1#1: *1 " what \
	" while connecting to upstream, request: \"GET /e HTTP/1.1\""
#define JOURNAL(id)                                            \
	"time=2026-11-29T12:00:00.000Z level=info request=" id \
	" msg=\"recording RE1: Twilio answered 500\""
#define OWN(time, path, status, id)                                                       \
	"203.0.113.7 - - [29/Nov/2026:" time " +0000] \"GET /" path " HTTP/1.1\" " status \
	" 1 \"-\" \"x\" 25.000 " id

static const char *const many[] = {
	"hello",
	ERROR("12:00:00", "no live upstreams"),
	ERROR("12:01:59", "no live upstreams"),
	ERROR("12:00:30", "connect() failed (111: Connection refused)"),
	ERROR("12:00:31", "connect() failed (111: Connection refused)"),
	ERROR("12:01:00", "upstream timed out (110: Connection timed out)"),
	"backend-1  | WORKER TIMEOUT (pid:8)",
	NAMED("12:00:32", "502", "-", "e"),
	NAMED("12:00:33", "503", "503", "journal"),
	JOURNAL("journal"),
	NAMED("12:00:34", "500", "500", "passed"),
	NAMED("12:00:35", "504", "504", "late"),
	NAMED("12:00:36", "429", "-", "limited"),
	NAMED("12:00:37", "413", "-", "large"),
	NAMED("12:00:38", "404", "404", "missing"),
	NAMED("12:00:39", "499", "-", "left"),
	"203.0.113.7 - - [29/Nov/2026:12:00:40 +0000] \"GET /own HTTP/1.1\" 504 1 \"-\" \"x\"",
	OWN("12:00:40", "own", "503", "abc"),
	JOURNAL("abc"),
	"203.0.113.7 - - [29/Nov/2026:12:00:41 +0000] \"GET /status HTTP/1.1\" 504 1 \"-\" \"x\"",
	OWN("12:00:41", "status", "503", "abd"),
	NAMED("12:00:20", "501", "-", "ninth"),
};

static const char whole_text[] =
	"22 lines, 21 of them understood, 2026-11-29 12:00:00 to 2026-11-29 12:01:59\n"
	"\n"
	"       2 x the back end was down\n"
	"      when       |            #                                   |\n"
	"      from       2026-11-29 12:00:30 to 2026-11-29 12:00:31\n"
	"      seen as    502\n"
	"      means      Nobody listened at the address that nginx passes plays to: the\n"
	"                 back end did not run, was just starting, or listens elsewhere.\n"
	"      cure       Start it, and see its own log for why it ended. callspool is\n"
	"                 restarted by its unit, and refuses nobody in an upgrade\n"
	"                 (callspool upgrade).\n"
	"      last       GET /e HTTP/1.1\n"
	"\n"
	"       2 x nginx held every back end to be down\n"
	"      when       |#                                              #|\n"
	"      from       2026-11-29 12:00:00 to 2026-11-29 12:01:59\n"
	"      seen as    502\n"
	"      means      After errors nginx asks nobody for a while (fail_timeout, 10\n"
	"                 s), though the back end may be well again.\n"
	"      cure       Write max_fails=0 behind the server of the upstream: of one\n"
	"                 back end there is no other to ask.\n"
	"      last       GET /e HTTP/1.1\n"
	"\n"
	"       1 x the back end's worker was killed in the middle of its work\n"
	"      seen as    502\n"
	"      means      It took longer than its own limit (gunicorn: 30 s), because it\n"
	"                 downloads from Twilio while somebody waits; or memory ran out.\n"
	"                 nginx says \"upstream prematurely closed connection\".\n"
	"      cure       Download ahead of the play: callspool does, by webhook.\n"
	"      last       WORKER TIMEOUT (pid:8)\n"
	"\n"
	"       1 x the back end took no connection in time\n"
	"      when       |                        #                       |\n"
	"      from       2026-11-29 12:01:00 to 2026-11-29 12:01:00\n"
	"      seen as    504\n"
	"      means      It is overloaded, or packets to it are dropped.\n"
	"      cure       See how many connections it has; between machines see the\n"
	"                 firewall.\n"
	"      last       GET /e HTTP/1.1\n"
	"\n"
	"       1 x players left before there was an answer\n"
	"      when       |               #                                |\n"
	"      from       2026-11-29 12:00:39 to 2026-11-29 12:00:39\n"
	"      seen as    nothing\n"
	"      means      nginx calls it 499. A few are people who went on; many are an\n"
	"                 answer that came too late.\n"
	"      cure       See the causes above, and how long they waited.\n"
	"      last       GET /left HTTP/1.1\n"
	"\n"
	"Answers\n"
	"       1 x 404  after at most 25 s\n"
	"       1 x 413  what was sent is too large; after at most 25 s\n"
	"       1 x 429  too many at once; after at most 25 s\n"
	"       1 x 499  the player left before there was an answer; after at most 25 s\n"
	"       1 x 500  the back end failed, and said so itself; after at most 25 s\n"
	"       1 x 501  after at most 25 s\n"
	"       1 x 502  Bad Gateway: nginx got no answer that it could use; after at most 25 s\n"
	"       1 x 503  not just now: callspool waits for Twilio and says when to ask again, or nginx limits; after at most 25 s\n"
	"       3 x 504  Gateway Timeout: nginx waited for the back end in vain; after at most 25 s\n"
	"\n"
	"The newest that failed\n"
	"  504 at 2026-11-29 12:00:41: GET /status HTTP/1.1\n"
	"      was        not told by these logs: nginx's error log that was given has no\n"
	"                 line of it\n"
	"      callspool  probably answered it 503, by its access log\n"
	"  504 at 2026-11-29 12:00:40: GET /own HTTP/1.1\n"
	"      callspool  probably: recording RE1: Twilio answered 500 (request abc)\n"
	"  413 at 2026-11-29 12:00:37: GET /large HTTP/1.1\n"
	"      was        answered so by the back end itself, it seems: see its own log\n"
	"                 at that time\n"
	"  429 at 2026-11-29 12:00:36: GET /limited HTTP/1.1\n"
	"      was        answered so by the back end itself, it seems: see its own log\n"
	"                 at that time\n"
	"  504 at 2026-11-29 12:00:35: GET /late HTTP/1.1\n"
	"      was        not told by these logs: nginx's error log that was given has no\n"
	"                 line of it\n"
	"  500 at 2026-11-29 12:00:34: GET /passed HTTP/1.1\n"
	"      was        answered by the back end itself, and passed on\n"
	"  503 at 2026-11-29 12:00:33: GET /journal HTTP/1.1\n"
	"      was        answered by the back end itself, and passed on\n"
	"      callspool  recording RE1: Twilio answered 500 (request journal)\n"
	"  502 at 2026-11-29 12:00:32: GET /e HTTP/1.1\n"
	"      was        probably: the back end was down, by the time and the request\n"
	"                 line\n"
	"\n"
	"502: the back end was down (2 times).\n";
static const char whole_json[] =
	"{\"says\":\"the back end was down\",\"verdict\":\"findings\",\"not_understood\":null,\"lines\":22,\"known\":21,\"from\":\"2026-11-29T12:00:00.000Z\",\"until\":\"2026-11-29T12:01:59.000Z\",\"causes\":[{\"cause\":\"refused\",\"count\":2,\"first_at\":\"2026-11-29T12:00:30.000Z\",\"last_at\":\"2026-11-29T12:00:31.000Z\",\"example\":\"GET /e HTTP/1.1\",\"timeline\":{\"from\":\"2026-11-29T12:00:30.000Z\",\"seconds_each\":1}},"
	"{\"cause\":\"no-live\",\"count\":2,\"first_at\":\"2026-11-29T12:00:00.000Z\",\"last_at\":\"2026-11-29T12:01:59.000Z\",\"example\":\"GET /e HTTP/1.1\",\"timeline\":{\"from\":\"2026-11-29T12:00:00.000Z\",\"seconds_each\":2}},"
	"{\"cause\":\"connect-timeout\",\"count\":1,\"first_at\":\"2026-11-29T12:01:00.000Z\",\"last_at\":\"2026-11-29T12:01:00.000Z\",\"example\":\"GET /e HTTP/1.1\",\"timeline\":{\"from\":\"2026-11-29T12:01:00.000Z\",\"seconds_each\":1}},"
	"{\"cause\":\"client-left\",\"count\":1,\"first_at\":\"2026-11-29T12:00:39.000Z\",\"last_at\":\"2026-11-29T12:00:39.000Z\",\"example\":\"GET /left HTTP/1.1\",\"timeline\":{\"from\":\"2026-11-29T12:00:39.000Z\",\"seconds_each\":1}},"
	"{\"cause\":\"worker-killed\",\"count\":1,\"first_at\":null,\"last_at\":null,\"example\":\"WORKER TIMEOUT (pid:8)\",\"timeline\":{\"from\":null,\"seconds_each\":0}}],\"answers\":[{\"status\":404,\"count\":1,\"first_at\":\"2026-11-29T12:00:38.000Z\",\"last_at\":\"2026-11-29T12:00:38.000Z\",\"took_at_most\":25.0},"
	"{\"status\":413,\"count\":1,\"first_at\":\"2026-11-29T12:00:37.000Z\",\"last_at\":\"2026-11-29T12:00:37.000Z\",\"took_at_most\":25.0},"
	"{\"status\":429,\"count\":1,\"first_at\":\"2026-11-29T12:00:36.000Z\",\"last_at\":\"2026-11-29T12:00:36.000Z\",\"took_at_most\":25.0},"
	"{\"status\":499,\"count\":1,\"first_at\":\"2026-11-29T12:00:39.000Z\",\"last_at\":\"2026-11-29T12:00:39.000Z\",\"took_at_most\":25.0},"
	"{\"status\":500,\"count\":1,\"first_at\":\"2026-11-29T12:00:34.000Z\",\"last_at\":\"2026-11-29T12:00:34.000Z\",\"took_at_most\":25.0},"
	"{\"status\":501,\"count\":1,\"first_at\":\"2026-11-29T12:00:20.000Z\",\"last_at\":\"2026-11-29T12:00:20.000Z\",\"took_at_most\":25.0},"
	"{\"status\":502,\"count\":1,\"first_at\":\"2026-11-29T12:00:32.000Z\",\"last_at\":\"2026-11-29T12:00:32.000Z\",\"took_at_most\":25.0},"
	"{\"status\":503,\"count\":1,\"first_at\":\"2026-11-29T12:00:33.000Z\",\"last_at\":\"2026-11-29T12:00:33.000Z\",\"took_at_most\":25.0},"
	"{\"status\":504,\"count\":3,\"first_at\":\"2026-11-29T12:00:35.000Z\",\"last_at\":\"2026-11-29T12:00:41.000Z\",\"took_at_most\":25.0}],\"failures\":[{\"at\":\"2026-11-29T12:00:41.000Z\",\"status\":504,\"request\":\"GET /status HTTP/1.1\",\"request_id\":null,\"cause\":null,\"cause_by\":null,\"of_back_end\":false,\"journal\":null,\"journal_by\":null,\"answered\":503},"
	"{\"at\":\"2026-11-29T12:00:40.000Z\",\"status\":504,\"request\":\"GET /own HTTP/1.1\",\"request_id\":\"abc\",\"cause\":null,\"cause_by\":null,\"of_back_end\":false,\"journal\":\"recording RE1: Twilio answered 500\",\"journal_by\":\"time and request line: probable\",\"answered\":503},"
	"{\"at\":\"2026-11-29T12:00:37.000Z\",\"status\":413,\"request\":\"GET /large HTTP/1.1\",\"request_id\":\"large\",\"cause\":null,\"cause_by\":null,\"of_back_end\":false,\"journal\":null,\"journal_by\":null,\"answered\":null},"
	"{\"at\":\"2026-11-29T12:00:36.000Z\",\"status\":429,\"request\":\"GET /limited HTTP/1.1\",\"request_id\":\"limited\",\"cause\":null,\"cause_by\":null,\"of_back_end\":false,\"journal\":null,\"journal_by\":null,\"answered\":null},"
	"{\"at\":\"2026-11-29T12:00:35.000Z\",\"status\":504,\"request\":\"GET /late HTTP/1.1\",\"request_id\":\"late\",\"cause\":null,\"cause_by\":null,\"of_back_end\":false,\"journal\":null,\"journal_by\":null,\"answered\":null},"
	"{\"at\":\"2026-11-29T12:00:34.000Z\",\"status\":500,\"request\":\"GET /passed HTTP/1.1\",\"request_id\":\"passed\",\"cause\":null,\"cause_by\":null,\"of_back_end\":true,\"journal\":null,\"journal_by\":null,\"answered\":null},"
	"{\"at\":\"2026-11-29T12:00:33.000Z\",\"status\":503,\"request\":\"GET /journal HTTP/1.1\",\"request_id\":\"journal\",\"cause\":null,\"cause_by\":null,\"of_back_end\":true,\"journal\":\"recording RE1: Twilio answered 500\",\"journal_by\":\"request id\",\"answered\":null},"
	"{\"at\":\"2026-11-29T12:00:32.000Z\",\"status\":502,\"request\":\"GET /e HTTP/1.1\",\"request_id\":\"e\",\"cause\":\"refused\",\"cause_by\":\"time and request line: probable\",\"of_back_end\":false,\"journal\":null,\"journal_by\":null,\"answered\":null},"
	"{\"at\":\"2026-11-29T12:00:20.000Z\",\"status\":501,\"request\":\"GET /ninth HTTP/1.1\",\"request_id\":\"ninth\",\"cause\":null,\"cause_by\":null,\"of_back_end\":false,\"journal\":null,\"journal_by\":null,\"answered\":null}]}";

/* The table's own words are looked at apart, and taken out; so is how a timeline counts. */
static void take_words(json_t *cause)
{
	static const struct log_cause_words *const none = &log_causes[LOG_CAUSE_NONE];
	const char *name = json_string_value(json_object_get(cause, "cause"));
	const struct log_cause_words *words = none;
	json_t *counts = json_object_get(json_object_get(cause, "timeline"), "counts");
	json_int_t sum = 0;

	for (enum log_cause c = LOG_CAUSE_NONE + 1; c < LOG_CAUSES; c++)
		if (strcmp(log_causes[c].name, name) == 0)
			words = &log_causes[c];

	const struct {
		const char *key, *want;
	} members[] = { { "says", words->says },
			{ "seen", words->seen },
			{ "meaning", words->meaning },
			{ "remedy", words->remedy } };

	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		IS_STR(str_of(json_string_value(json_object_get(cause, members[i].key))),
		       str_of(members[i].want), "%s: %s", name, members[i].key);
		json_object_del(cause, members[i].key);
	}
	for (size_t i = 0; i < json_array_size(counts); i++)
		sum += json_integer_value(json_array_get(counts, i));
	IS_INT(json_array_size(counts),
	       words->name == log_causes[LOG_CAUSE_WORKER_KILLED].name ? 0 : LOG_TIMELINE_BUCKETS,
	       "%s: a timeline, where it is known when", name);
	IS_INT(sum,
	       json_array_size(counts) ? json_integer_value(json_object_get(cause, "count")) : 0,
	       "%s: which counts them all", name);
	json_object_del(json_object_get(cause, "timeline"), "counts");
}

static void take_meaning(json_t *answer)
{
	int status = (int)json_integer_value(json_object_get(answer, "status"));

	IS_STR(str_of(json_string_value(json_object_get(answer, "meaning"))),
	       str_of(log_status_meaning(status)), "%d: what it means", status);
	json_object_del(answer, "meaning");
}

static json_t *for_machines(struct log_story *story)
{
	AUTO(buf_release) struct buf buf;
	struct json json;

	buf_init(&buf, 262144);
	json_start(&json, &buf);
	log_json_write(story, &json);
	return json_loadb(buf.at, buf.len, 0, NULL);
}

static void test_whole(void)
{
	AUTO(log_story_free) struct log_story *story = log_story_new();
	json_t *row;
	size_t i;

	for (i = 0; i < ARRAY_LEN(many); i++)
		log_story_add(story, str_of(many[i]));

	AUTO(free) char *text = told(story);
	json_t *all = for_machines(story), *expected = json_loads(whole_json, 0, NULL);

	IS_STR(str_of(text), str_of(whole_text), "a long log, for people");
	json_array_foreach(json_object_get(all, "causes"), i, row) take_words(row);
	json_array_foreach(json_object_get(all, "answers"), i, row) take_meaning(row);

	AUTO(free) char *got = json_dumps(all, JSON_COMPACT);
	AUTO(free) char *want = json_dumps(expected, JSON_COMPACT);

	IS_STR(str_of(got), str_of(want), "a long log, for machines");
	json_decref(all);
	json_decref(expected);
}

static void test_chart(void)
{
	static const char *const short_log[] = { ERROR("12:00:00", "no live upstreams"),
						 NAMED("12:00:46", "200", "-", "x"), NULL };
	static const char *const long_log[] = { ERROR("12:00:00", "no live upstreams"),
						NAMED("12:00:47", "200", "-", "x"), NULL };
	AUTO(free) char *without = printed(short_log), *with = NULL, *blocks = NULL;

	OK(!strstr(without, "when"), "47 seconds are too few for a chart");
	with = printed(long_log);
	OK(strstr(with, "      when       |#" SPACES "|\n"), "48 have a column each: %s", with);
	if (!setlocale(LC_ALL, "C.UTF-8"))
		return;
	blocks = printed(long_log);
	OK(strstr(blocks, "|\u2588" SPACES "|\n"), "in blocks where these can be written");
	setlocale(LC_ALL, "C");
}

static void test_narrow(void)
{
	AUTO(log_story_free) struct log_story *story = log_story_new();
	struct pseudo_terminal pseudo;

	log_story_add(story, STR("backend-1  | WORKER TIMEOUT (pid:8)"));
	setenv("NO_COLOR", "1", 1);
	pseudo_terminal_open(&pseudo, 43);
	log_text_print(story, pseudo.to);

	AUTO(free) char *text = pseudo_terminal_close(&pseudo);

	OK(strstr(text, "\n       1 x the back end's worker was killed"
			"\n           in the middle of its work\n"),
	   "as narrow as the terminal: %s", text);
}

static void test_machines(void)
{
	AUTO(log_story_free) struct log_story *story = log_story_new();
	char line[256];
	json_t *all = for_machines(story);

	OK(json_is_null(json_object_get(all, "says")) && json_is_null(json_object_get(all, "from")),
	   "nothing is said of nothing");
	IS_STR(str_of(json_string_value(json_object_get(all, "verdict"))), STR("unchecked"),
	       "which is no good verdict");
	json_decref(all);
	log_story_note_strange(story, "/a");
	for (int i = 0; i < 101; i++) {
		snprintf(line, sizeof(line), NAMED("12:00:00", "599", "-", "n%d"), i, i);
		log_story_add(story, str_of(line));
	}
	all = for_machines(story);
	IS_INT(json_array_size(json_object_get(all, "failures")), 100, "100 failures at most");
	IS_INT(json_array_size(json_object_get(all, "answers")), 1, "the highest status");
	IS_STR(str_of(json_string_value(json_object_get(all, "not_understood"))), STR("/a"),
	       "the file of which no line was understood");
	json_decref(all);
}

int main(void)
{
	setenv("TZ", "UTC", 1);
	tzset();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(free) char *text = printed(cases[i].lines);
		struct str all = str_of(text);

		IS_STR(str_first(all, strlen(cases[i].first)), str_of(cases[i].first),
		       "%s: how much was read", cases[i].name);
		if (cases[i].last)
			OK(strstr(text, cases[i].last), "%s: the verdict: %s", cases[i].name, text);
	}
	test_whole();
	test_chart();
	test_narrow();
	test_machines();
	return tap_end();
}
