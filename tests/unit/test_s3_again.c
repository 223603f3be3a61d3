/*
 * What a bucket is asked again, and when; when it is away, and when it is back; and an end to all of it.
 */
#include "s3/s3.h"

#include "s3_fixture.h"

#include <pthread.h>

/* ---- again ---- */

#define BUSY   SAYS("GET", "503 Busy", NULL, CODE("SlowDown"))
#define BUSY_4 BUSY, BUSY, BUSY, BUSY

static void test_pauses(void)
{
	static const struct said said[] = { BUSY_4, BUSY_4, BUSY_4, WORKS, { .method = NULL } };
	struct s3_request request;
	int64_t most = FIRST_PAUSE_MOST;

	open_bucket();
	ask_until_done(&request, GETS, KEY_PATH, said, S3_NEVER_GIVE_UP);
	OK(request.succeeded, "what is busy twelve times is asked until it is not");
	IS_INT(pause_count, 12, "after a pause each time");
	for (size_t i = 0; i < 12; i++) {
		OK(pauses[i] >= most / 2 && pauses[i] < most,
		   "pause %zu, of %" PRId64 " ms: from half of %" PRId64 " ms", i + 1, pauses[i],
		   most);
		most = 2 * most < LONGEST_PAUSE_MOST ? 2 * most : LONGEST_PAUSE_MOST;
	}
	IS_INT(counted(S3_GET, S3_RESULT_BUSY), 12, "each try is counted");
	IS_INT(counted(S3_GET, S3_RESULT_OK), 1, "and the one that got through");
	s3_request_release(&request);
	close_bucket();
}

/* What is asked takes some of the time, too: not half a minute. */
static void test_giving_up(void)
{
	static const struct said said[] = { SAYS("GET", "503 Busy", NULL, "",
						 .is_for_ever = true) };
	struct s3_request request;

	open_bucket();
	ask_until_done(&request, GETS, KEY_PATH, said, HOUR_S * 1000);
	OK(!request.succeeded && request.err.kind == ERR_UNAVAILABLE, "in the end it is given up");
	OK(passed_ms < HOUR_S * 1000, "no later than was said");
	OK(passed_ms > HOUR_S * 1000 - LONGEST_PAUSE_MOST - 30000,
	   "and no earlier than one pause before that");
	s3_request_release(&request);
	ask_until_done(&request, GETS, KEY_PATH, said, 1);
	IS_INT(pause_count, 0, "what has no time for a pause is not asked again");
	s3_request_release(&request);
	close_bucket();
}

static void test_not_again(void)
{
	static const struct {
		const char *name;
		enum asks asks;
		struct said said[2];
		enum err_kind kind;
	} cases[] = {
		{ "what is not there",
		  GETS,
		  { SAYS("GET", "404 Not Found", NULL, CODE("NoSuchKey")) },
		  ERR_NOT_FOUND },
		{ "what it does not know",
		  DELETES,
		  { SAYS("DELETE", "501 Not Implemented", NULL, "") },
		  ERR_INVALID },
		{ "what is not what was hashed",
		  PUTS,
		  { SAYS("PUT", "400 Bad Request", NULL, CODE("BadDigest")) },
		  ERR_INTERNAL },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct s3_request request;

		open_bucket();
		ask_until_done(&request, cases[i].asks, KEY_PATH, cases[i].said, S3_NEVER_GIVE_UP);
		OK(!request.succeeded && request.err.kind == cases[i].kind && pause_count == 0,
		   "%s is not asked for again", cases[i].name);
		s3_request_release(&request);
		close_bucket();
	}
}

/* A proof that fails is followed by the request itself, not by the proof. */
static void test_proof_again(void)
{
	static const struct said said[] = {
		SAYS("PUT", "200 OK", NULL, ""),
		SAYS("HEAD", "404 Not Found", NULL, ""),
		SAYS("PUT", "200 OK", NULL, ""),
		SAYS("HEAD", "503 Busy", NULL, ""),
		SAYS("PUT", "200 OK", NULL, ""),
		SAYS("HEAD", "200 OK", NULL, BODY),
		{ .method = NULL },
	};
	struct s3_request request;

	open_bucket();
	ask_until_done(&request, PUTS, KEY_PATH, said, S3_NEVER_GIVE_UP);
	OK(request.succeeded, "what could not be proved is put again");
	IS_STR(str_of(asked_methods), STR("PUT HEAD PUT HEAD PUT HEAD"), "and proved again");
	IS_INT(counter_read(&s3_counts(s3)->sent_bytes), 3 * strlen(BODY),
	       "what was sent is counted as often as it was");
	s3_request_release(&request);
	close_bucket();
}

static void test_standing(void)
{
	static const struct said two[] = { BUSY, BUSY, WORKS, { .method = NULL } };
	static const struct said three[] = { BUSY, BUSY, BUSY, WORKS, { .method = NULL } };
	static const struct said refused[] = {
		SAYS("GET", "403 Forbidden", NULL, PAGE), BUSY, WORKS, { .method = NULL }
	};
	struct s3_request request;

	open_bucket();
	for (int i = 0; i < 2; i++) {
		ask_until_done(&request, GETS, KEY_PATH, two, S3_NEVER_GIVE_UP);
		OK(told.aways == 0 && told.backs == i + 1, "two 503 in a row are no trouble");
		s3_request_release(&request);
	}
	ask_until_done(&request, GETS, KEY_PATH, three, S3_NEVER_GIVE_UP);
	OK(told.aways == 1 && told.backs == 3, "the third is");
	OK(has(str_of(told.why), "503 SlowDown"), "and why is told");
	s3_request_release(&request);
	ask_until_done(&request, GETS, KEY_PATH, refused, S3_NEVER_GIVE_UP);
	OK(told.aways == 3 && told.backs == 4,
	   "whoever is refused is told so at once, and of each failure from then on");
	s3_request_release(&request);
	close_bucket();
}

/* ---- while it is away ---- */

static int probes, asked_of_key;
static const char forbidden[] = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
static const char works[] = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n" BODY;
static struct answer of_both[] = { { KEY_PATH, forbidden, THEN_KEEP },
				   { PROBE, forbidden, THEN_KEEP } };

#define PROBES_WANTED 3

/* It is there again when it was looked at often enough. */
static void count_probe(void)
{
	if (str_starts(str_of(server.last), STR("GET " PROBE " ")) && ++probes == PROBES_WANTED)
		of_both[0].raw = of_both[1].raw = works;
	if (str_starts(str_of(server.last), STR("GET " KEY_PATH " ")))
		asked_of_key++;
	server.last[0] = '\0';
}

static void test_probes(void)
{
	struct s3_request request;
	int probes_then;

	open_bucket();
	prepare(&request, GETS);
	request.is_once = false;
	play(KEY_PATH, NULL);
	server.noticed = count_probe;
	server.answers = of_both;
	server.answer_count = ARRAY_LEN(of_both);
	is_held = probes_are_quick = true;
	ask(&request);
	OK(request.succeeded, "while it is away it is looked whether it is back, and then");
	OK(asked_of_key == 2 && passed_ms == 0, "what waits is asked again at once");
	OK(probes > PROBES_WANTED, "it was looked several times");
	OK(told.aways > PROBES_WANTED && told.backs >= 1, "each was told");
	s3_request_release(&request);
	probes_then = probes;
	for (int i = 0; i < 20; i++) {
		prepare(&request, GETS);
		ask(&request);
		s3_request_release(&request);
	}
	IS_INT(probes, probes_then, "once it is back nobody looks any more");
	is_held = probes_are_quick = false;
	close_bucket();
}

/* ---- an end to it ---- */

static void stop_loop(void)
{
	loop_stop(loop);
}

/* Runs until it is asked, and stops the bucket. */
static void ask_and_stop(struct s3_request *request)
{
	quick = &request->again;
	s3_ask(s3, request);
	loop_run(loop);
	s3_stop(s3);
	loop_run(loop);
}

static void hang(const char *path)
{
	play(path, NULL);
	next.raw = "";
	next.then = THEN_HANG;
	server.answers = &next;
	server.answer_count = 1;
	server.noticed = stop_loop;
}

static void test_time_limit(void)
{
	struct s3_request request;

	open_bucket();
	prepare(&request, GETS);
	request.limit_ms = 20;
	hang(KEY_PATH);
	server.noticed = NULL;
	ask(&request);
	OK(!request.succeeded && request.err.kind == ERR_UNAVAILABLE &&
		   has(str_of(request.err.text), "does not answer"),
	   "what takes longer than it may is no answer");
	OK(counted(S3_GET, S3_RESULT_UNANSWERED) == 1 && told.aways == 1, "and is counted so");
	s3_request_release(&request);
	close_bucket();
}

static void test_stopping(void)
{
	AUTO(free) char *endpoint = xasprintf("http://127.0.0.1:%u", server.ports[0]);
	const struct s3_options options = { .store = "s3://bucket/calls",
					    .endpoint = endpoint,
					    .access_key_id = "id",
					    .secret_access_key = "secret",
					    .hurry_ms = 20 };
	struct s3_request request;

	MUST(s3_open(&options, &s3, &err));
	prepare(&request, GETS);
	request.is_once = false;
	hang(KEY_PATH);
	ask_and_stop(&request);
	OK(!request.succeeded && request.err.kind == ERR_UNAVAILABLE &&
		   has(str_of(request.err.text), "we stop"),
	   "what hangs is not waited for longer than is left to it");
	s3_request_release(&request);
	close_bucket();
}

static atomic_bool was_told_away;

static void note_away(struct s3_listener *listener, const char *why)
{
	was_told_away = true;
}

static void test_stopping_what_waits(void)
{
	static const struct said said[] = { SAYS("GET", "403 Forbidden", NULL, PAGE,
						 .is_for_ever = true) };
	struct s3_request request;

	open_bucket();
	told.listener.away = note_away;
	prepare(&request, GETS);
	request.is_once = false;
	is_held = ends_when_held = true;
	pause_count = 0;
	quick = &request.again;
	play(KEY_PATH, said);
	s3_ask(s3, &request);
	loop_run(loop);
	s3_stop(s3);
	loop_run(loop);
	is_held = ends_when_held = false;
	OK(was_told_away && !request.succeeded && has(str_of(request.err.text), "answers 403"),
	   "what waits to be asked again is told what it was answered, at once");
	s3_request_release(&request);
	ask_until_done(&request, GETS, KEY_PATH, said, S3_NEVER_GIVE_UP);
	OK(!request.succeeded && pause_count == 0, "and then nothing is asked twice any more");
	s3_request_release(&request);
	close_bucket();
}

/* ---- asked, and waited for ---- */

static struct s3_request waited_for;

static void *ask_now(void *argument)
{
	bool *succeeded = argument;

	*succeeded = s3_ask_now(s3, &waited_for);
	loop_stop(loop);
	return NULL;
}

static void test_ask_now(void)
{
	static const struct said works_then_not[] = {
		WORKS, SAYS("GET", "404 Not Found", NULL, CODE("NoSuchKey")), { .method = NULL }
	};

	open_bucket();
	play(KEY_PATH, works_then_not);
	for (int i = 0; i < 2; i++) {
		bool succeeded = i == 1;
		pthread_t thread;

		prepare(&waited_for, GETS);
		if (pthread_create(&thread, NULL, ask_now, &succeeded) != 0)
			abort();
		loop_run(loop);
		pthread_join(thread, NULL);
		OK(succeeded == (i == 0) && waited_for.succeeded == succeeded,
		   "who waits for it is told %s", i == 0 ? "that it is there" : "that it is not");
		OK(i == 0 ? waited_for.size == 10 : waited_for.err.kind == ERR_NOT_FOUND,
		   "and has what came");
		s3_request_release(&waited_for);
	}
	close_bucket();
}

/* ---- keys that are lent ---- */

#define LENT "{\"AccessKeyId\": \"lent\", \"SecretAccessKey\": \"secret\", \"Token\": \"token\"}"

static void open_borrowing(void)
{
	AUTO(free) char *endpoint = xasprintf("http://127.0.0.1:%u", server.ports[0]);
	AUTO(free) char *lender = xasprintf("%s/lent", endpoint);
	const struct s3_options options = { .store = "s3://bucket/calls",
					    .endpoint = endpoint,
					    .container_url = lender };

	MUST(s3_open(&options, &s3, &err));
	told.aways = told.backs = 0;
	told.listener = (struct s3_listener){ away, back };
	s3_listen(s3, &told.listener);
}

static void test_lent_keys(void)
{
	static const struct answer none[] = {
		{ "/lent", "HTTP/1.1 500 E\r\nContent-Length: 0\r\n\r\n", THEN_KEEP }
	};
	static char lends[300];
	const struct answer both[] = { { "/lent", lends, THEN_KEEP },
				       { KEY_PATH, works, THEN_KEEP } };
	struct s3_request request;

	play(KEY_PATH, NULL);
	server.noticed = NULL;
	server.answers = none;
	server.answer_count = ARRAY_LEN(none);
	open_borrowing();
	prepare(&request, GETS);
	ask(&request);
	OK(!request.succeeded && request.err.kind == ERR_UNAVAILABLE && told.aways == 1,
	   "without keys it is as if the bucket did not answer: %s", request.err.text);
	IS_INT(pause_count, 1, "though they were waited for, once");
	OK(!has(str_of(server.all), KEY_PATH), "nothing is asked without any");
	s3_request_release(&request);
	close_bucket();

	snprintf(lends, sizeof(lends), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
		 strlen(LENT), LENT);
	server.answers = both;
	server.answer_count = ARRAY_LEN(both);
	is_held = true;
	open_borrowing();
	prepare(&request, GETS);
	ask(&request);
	OK(request.succeeded && told.aways == 0, "what waits for keys is asked once they are lent");
	OK(has(str_of(server.last), "Credential=lent/") &&
		   has(str_of(server.last), "X-Amz-Security-Token: token"),
	   "with them");
	s3_request_release(&request);
	is_held = false;
	close_bucket();
}

int main(void)
{
	begin_tests();
	test_pauses();
	test_giving_up();
	test_not_again();
	test_proof_again();
	test_standing();
	test_probes();
	test_time_limit();
	test_stopping();
	test_stopping_what_waits();
	test_ask_now();
	test_lent_keys();
	return end_tests();
}
