/*
 * A bucket on the test's own loop, which says what it is told to, and who asks it.  What a request waits for goes by at once, and is
 * written down: the linker puts timer_start() and loop_now_ms() of this file before those of the loop (meson.build).
 */
#pragma once

#include "base/clock.h"
#include "base/mem.h"
#include "fetch_server.h"
#include "must.h"
#include "s3/s3.h"
#include "tap.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define BODY     "some sound"
#define MD5      "\"02bd638b6fd6b96ace70f7e9775b4301\""
#define KEY_PATH "/bucket/calls/3f/k.mp3"
#define ALL_PATH "/bucket?list-type=2&max-keys=7"
#define PROBE    "/bucket?list-type=2&max-keys=1"
#define HOUR_S   3600

#define CODE(code)         "<Error><Code>" code "</Code><Message>because</Message></Error>"
#define PAGE               "<html><body>Please pay</body></html>"
#define FIRST_PAUSE_MOST   250
#define LONGEST_PAUSE_MOST 60000

static struct err err;
static struct loop *loop;
static struct mailbox *mailbox;
static struct server server;

/* ---- time goes by at once ---- */

#define PAUSES_MAX   64
#define FEW_SECONDS  1000
#define MANY_SECONDS 10000

static _Atomic(struct timer *) quick; /* of the request that is looked at */
static int64_t pauses[PAUSES_MAX];
static atomic_uint pause_count;
static atomic_llong passed_ms;
static atomic_bool is_held;        /* what waits goes on waiting */
static atomic_bool ends_when_held; /* and so does the loop, until then */
static atomic_bool probes_are_quick;

void __real_timer_start(struct loop *loop, struct timer *timer, int64_t ms,
			void (*fire)(struct timer *));
void __wrap_timer_start(struct loop *loop, struct timer *timer, int64_t ms,
			void (*fire)(struct timer *));
int64_t __real_loop_now_ms(const struct loop *loop);
int64_t __wrap_loop_now_ms(const struct loop *loop);

void __wrap_timer_start(struct loop *of, struct timer *timer, int64_t ms,
			void (*fire)(struct timer *))
{
	if (timer == quick && ms > 0) {
		if (pause_count < PAUSES_MAX)
			pauses[pause_count] = ms;
		pause_count++;
		if (!is_held) {
			passed_ms += ms;
			ms = 0;
		} else {
			ms = 10 * LONGEST_PAUSE_MOST;
			if (ends_when_held)
				loop_stop(loop);
		}
	}
	if (probes_are_quick && timer != quick && ms >= FEW_SECONDS && ms <= MANY_SECONDS)
		ms = 1;
	__real_timer_start(of, timer, ms, fire);
}

int64_t __wrap_loop_now_ms(const struct loop *of)
{
	return __real_loop_now_ms(of) + passed_ms;
}

/* ---- the bucket ---- */

/* How the bucket answers one request. */
struct said {
	const char *method; /* of what should be asked */
	const char *status;
	const char *head; /* further lines of it; NULL: none */
	const char *body; /* of HEAD: as long as it says */
	enum { WITH_LENGTH, WITHOUT_LENGTH, CUT_OFF } how;
	int clock_s;      /* its clock is ahead of ours by so much */
	bool is_for_ever; /* it says nothing else any more */
};

#define SAID_MAX 4
#define SAYS(asked, code, lines, text, ...)                                                 \
	{                                                                                   \
		.method = asked, .status = code, .head = lines, .body = text, ##__VA_ARGS__ \
	}

#define WORKS SAYS("GET", "200 OK", NULL, BODY)

static const struct said *script; /* what comes next */
static char *raw;
static struct answer next;
static char asked_methods[256];

static void compose(void)
{
	char date[HTTP_DATE_SIZE];
	struct buf out;

	free(raw);
	raw = NULL;
	if (!script || !script->method) {
		server.answer_count = 0;
		return;
	}
	clock_http_date(clock_wall_ms() + script->clock_s * (int64_t)1000, date);
	buf_init(&out, 1 << 16);
	buf_addf(&out, "HTTP/1.1 %s\r\nDate: %s\r\n%s", script->status, date,
		 script->head ? script->head : "");
	if (script->how != WITHOUT_LENGTH)
		buf_addf(&out, "Content-Length: %zu\r\n",
			 strlen(script->body) + (script->how == CUT_OFF));
	buf_add_text(&out, "\r\n");
	if (!str_eq(str_of(script->method), STR("HEAD")))
		buf_add_text(&out, script->body);
	raw = buf_take(&out);
	next.raw = raw;
	next.then = script->how == WITH_LENGTH ? THEN_KEEP : THEN_CLOSE;
	server.answers = &next;
	server.answer_count = 1;
}

/* Of a request for `next.path`; another one has had its 404. */
static void noticed(void)
{
	struct str line = str_first(str_of(server.last), str_find(str_of(server.last), '\r'));
	struct str method = str_first(line, str_find(line, ' '));
	struct str target = str_after(line, method.len + 1);

	if (!str_eq(str_first(target, str_find(target, ' ')), str_of(next.path)) ||
	    server.last[0] == '\0')
		return;
	snprintf(asked_methods + strlen(asked_methods),
		 sizeof(asked_methods) - strlen(asked_methods), "%s%.*s",
		 asked_methods[0] ? " " : "", STR_ARG(method));
	server.last[0] = '\0';
	if (script && script->method && !script->is_for_ever)
		script++;
	compose();
}

static void play(const char *path, const struct said *said)
{
	server_forget(&server);
	server.noticed = noticed;
	asked_methods[0] = '\0';
	next.path = path;
	script = said;
	compose();
}

/* ---- who asks ---- */

static struct s3 *s3;
static struct {
	struct s3_listener listener;
	atomic_int aways, backs;
	char why[256];
} told;

static void away(struct s3_listener *listener, const char *why)
{
	snprintf(told.why, sizeof(told.why), "%s", why);
	told.aways++;
}

static void back(struct s3_listener *listener)
{
	told.backs++;
}

static void open_bucket(void)
{
	AUTO(free) char *endpoint = xasprintf("http://127.0.0.1:%u", server.ports[0]);
	const struct s3_options options = { .store = "s3://bucket/calls",
					    .endpoint = endpoint,
					    .access_key_id = "id",
					    .secret_access_key = "secret" };

	MUST(s3_open(&options, &s3, &err));
	told.aways = told.backs = 0;
	told.why[0] = '\0';
	told.listener = (struct s3_listener){ away, back };
	s3_listen(s3, &told.listener);
}

static void close_bucket(void)
{
	quick = NULL;
	s3_free(s3);
	s3 = NULL;
}

static void done(struct s3_request *request)
{
	loop_stop(loop);
}

static const struct s3_pair list_query[] = { { "list-type", "2" }, { "max-keys", "7" } };

enum asks { GETS, HEADS, PUTS, DELETES, LISTS };

static void prepare(struct s3_request *request, enum asks asks)
{
	static const enum s3_method methods[] = { S3_GET, S3_HEAD, S3_PUT, S3_DELETE, S3_GET };

	*request = (struct s3_request){ .method = methods[asks],
					.key = "3f/k.mp3",
					.into_fd = -1,
					.takes_file = asks == GETS,
					.is_once = true,
					.done = done,
					.reply = mailbox };
	if (asks == PUTS)
		request->bytes = STR(BODY);
	if (asks == LISTS) {
		request->of_bucket = true;
		request->query = list_query;
		request->query_count = ARRAY_LEN(list_query);
	}
}

static void ask(struct s3_request *request)
{
	pause_count = 0;
	passed_ms = 0;
	quick = &request->again;
	s3_ask(s3, request);
	loop_run(loop);
}

static uint64_t counted(enum s3_method method, enum s3_result result)
{
	return counter_read(&s3_counts(s3)->requests[method][result]);
}

__attribute__((unused)) static uint64_t counted_in_all(void)
{
	uint64_t sum = 0;

	for (int method = 0; method < S3_METHODS; method++)
		for (int result = 0; result < S3_RESULTS; result++)
			sum += counted((enum s3_method)method, (enum s3_result)result);
	return sum;
}

/* Again and again. */
__attribute__((unused)) static void ask_until_done(struct s3_request *request, enum asks asks,
						   const char *path, const struct said *said,
						   int64_t give_up_after_ms)
{
	prepare(request, asks);
	request->is_once = false;
	request->give_up_after_ms = give_up_after_ms;
	play(path, said);
	ask(request);
}

__attribute__((unused)) static bool has(struct str text, const char *part)
{
	return str_find_str(text, str_of(part)) < text.len;
}

static void begin_tests(void)
{
	MUST(loop_new(&loop, &err));
	MUST(mailbox_open(loop, &mailbox, &err));
	server_start(&server, loop, NULL, 0);
}

static int end_tests(void)
{
	server_stop(&server);
	free(raw);
	mailbox_free(mailbox);
	loop_free(loop);
	return tap_end();
}
