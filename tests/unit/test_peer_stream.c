#include "peer/peer_stream.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/trouble.h"
#include "fetch_server.h"
#include "tap.h"

#define SID     "RE00000000000000000000000000000001"
#define ADDRESS PEER_PATH SID
#define SIZE    3000
#define MOST_MS 60000

static struct loop *loop;
static struct peers *peers;
static struct server server;
static struct err err;
static struct timer tick_timer;
static char media[SIZE];

/* The owner, who keeps what comes. */
static struct peer_stream stream;
static char kept[SIZE];
static uint64_t kept_len;
static int begun, told, doubts_who, doubts_gone;
static bool fails_to_begin, fails_to_take;

static bool begins(struct peer_stream *of, const struct peer_media *what)
{
	begun++;
	kept_len = 0;
	return !fails_to_begin;
}

static bool takes(struct peer_stream *of, struct str bytes)
{
	if (fails_to_take)
		return false;
	if (kept_len + bytes.len > sizeof(kept))
		abort();
	memcpy(kept + kept_len, bytes.at, bytes.len);
	kept_len += bytes.len;
	return true;
}

static void has_told(struct peer_stream *of)
{
	told++;
}

static void doubts(struct peer_stream *of, enum peer_doubt doubt)
{
	doubts_who += doubt == PEER_DOUBT_WHO;
	doubts_gone += doubt == PEER_DOUBT_GONE;
}

static void tick(struct timer *timer)
{
	loop_stop(loop);
}

static void until(bool (*is_so)(void))
{
	int64_t end_ms = clock_monotonic_ms() + MOST_MS;

	while (!is_so()) {
		if (clock_monotonic_ms() > end_ms) {
			printf("Bail out! what was waited for does not come\n");
			exit(1);
		}
		timer_start(loop, &tick_timer, 2, tick);
		loop_run(loop);
	}
	timer_stop(&tick_timer);
}

static bool is_whole(void)
{
	return stream.is_whole;
}

static bool has_doubt(void)
{
	return doubts_who + doubts_gone > 0;
}

static bool has_told_once(void)
{
	return told > 0;
}

/* ---- what the other one answers ---- */

static char raws[2][600];
static struct answer reply = { ADDRESS, raws[0], THEN_KEEP };

/* From `first` to `end`, of a generation, under a status line; more: header lines. */
static void serve(const char *status, uint64_t first, uint64_t end, int generation,
		  const char *more, enum then then)
{
	snprintf(raws[0], sizeof(raws[0]),
		 "HTTP/1.1 %s\r\nContent-Length: %llu\r\nETag: \"g%d\"\r\n" PEER_GENERATION
		 ": %d\r\n" PEER_GENERATION_AT ": 1700000000000\r\n%s\r\n@M",
		 status, (unsigned long long)(SIZE - first), generation, generation, more);
	server.media = (struct str){ media + first, end - first };
	reply.then = then;
	server.answers = &reply;
	server.answer_count = 1;
}

static void serve_part(uint64_t first, uint64_t end, int generation, enum then then)
{
	char range[100];

	snprintf(range, sizeof(range), "Content-Range: bytes %llu-%d/%d\r\n",
		 (unsigned long long)first, SIZE - 1, SIZE);
	serve("206 Partial Content", first, end, generation, range, then);
}

static void say(const char *raw, enum then then)
{
	snprintf(raws[0], sizeof(raws[0]), "%s", raw);
	reply.then = then;
	server.answers = &reply;
	server.answer_count = 1;
}

static void begin_anew(void)
{
	peer_stream_stop(&stream);
	stream = (struct peer_stream){ .peers = peers,
				       .recording_sid = SID,
				       .begins = begins,
				       .takes = takes,
				       .told = has_told,
				       .doubts = doubts };
	snprintf(stream.whom.address, sizeof(stream.whom.address), "127.0.0.1:%u", server.ports[0]);
	snprintf(stream.whom.token, sizeof(stream.whom.token), "secret");
	begun = told = doubts_who = doubts_gone = 0;
	fails_to_begin = fails_to_take = false;
	kept_len = 0;
	server_forget(&server);
}

static bool has_all(void)
{
	return kept_len == SIZE && memcmp(kept, media, SIZE) == 0;
}

static uint64_t counted(enum peer_result result)
{
	return counter_read(&peers_counts(peers)->requests[result]);
}

/* ---- the tests ---- */

static void test_whole(void)
{
	uint64_t before = counter_read(&peers_counts(peers)->received_bytes);

	begin_anew();
	serve("200 OK", 0, SIZE, 7, "", THEN_KEEP);
	peer_stream_start(&stream);
	until(is_whole);
	OK(has_all() && begun == 1 && told == 1, "all of it comes, which is told once");
	OK(stream.media.generation == 7 && stream.media.generation_at_ms == 1700000000000 &&
		   stream.media.size == SIZE,
	   "it is known of what");
	OK(strstr(server.last, "\r\nAuthorization: Bearer secret\r\n") &&
		   !strstr(server.last, "Range:") && !strstr(server.last, "If-Match"),
	   "it was asked for all of it, by its token");
	IS_INT(counter_read(&peers_counts(peers)->received_bytes) - before, SIZE,
	       "its bytes are counted");
	OK(counted(PEER_RESULT_MEDIA) > 0, "and the request");
}

static bool has_half(void)
{
	return kept_len == SIZE / 2 && server.requests == 2;
}

static void test_goes_on(void)
{
	begin_anew();
	serve("200 OK", 0, SIZE / 2, 7, "", THEN_CLOSE);
	peer_stream_start(&stream);
	while (kept_len < SIZE / 2) {
		timer_start(loop, &tick_timer, 1, tick);
		loop_run(loop);
	}
	serve_part(SIZE / 2, SIZE, 7, THEN_KEEP);
	until(is_whole);
	OK(has_all() && begun == 1, "it broke off, and goes on");
	OK(strstr(server.last, "\r\nRange: bytes=1500-\r\n") &&
		   strstr(server.last, "\r\nIf-Match: \"g7\"\r\n"),
	   "with the byte that is missing, of the same bytes");
	OK(counted(PEER_RESULT_BROKEN) == 1, "which is counted");

	begin_anew();
	serve("200 OK", 0, SIZE / 2, 7, "", THEN_CLOSE);
	peer_stream_start(&stream);
	while (kept_len < SIZE / 2) {
		timer_start(loop, &tick_timer, 1, tick);
		loop_run(loop);
	}
	serve("200 OK", 0, SIZE, 7, "", THEN_KEEP);
	until(is_whole);
	OK(has_all() && begun == 1,
	   "it sends all of the same once more: what is here is passed over");
}

static void test_another(void)
{
	begin_anew();
	serve("200 OK", 0, SIZE / 2, 7, "", THEN_CLOSE);
	peer_stream_start(&stream);
	while (kept_len < SIZE / 2) {
		timer_start(loop, &tick_timer, 1, tick);
		loop_run(loop);
	}
	say("HTTP/1.1 412 Precondition Failed\r\nContent-Length: 0\r\n\r\n", THEN_KEEP);
	until(has_half);
	serve("200 OK", 0, SIZE, 8, "", THEN_KEEP);
	until(is_whole);
	OK(has_all() && begun == 2 && stream.media.generation == 8,
	   "it has begun anew: so is this, from byte 0");
	OK(!strstr(server.last, "If-Match"), "which is asked for without a condition");
}

static void test_unknown_length(void)
{
	begin_anew();
	snprintf(raws[0], sizeof(raws[0]),
		 "HTTP/1.1 200 OK\r\nConnection: close\r\n" PEER_GENERATION
		 ": 7\r\n" PEER_GENERATION_AT ": 1\r\n\r\n@M");
	server.media = (struct str){ media, SIZE };
	reply.then = THEN_CLOSE;
	peer_stream_start(&stream);
	until(is_whole);
	OK(has_all() && stream.media.size == SIZE, "its length is known in the end");
}

static bool is_asked_twice(void)
{
	return server.requests >= 2;
}

static bool is_asked_again(void)
{
	return server.requests >= 4;
}

/* Without a length nothing can be asked for from the middle: what breaks off there is sent again, and again. */
static void test_unknown_length_stands_still(void)
{
	static char chunked[600];
	int64_t began_ms;

	begin_anew();
	snprintf(chunked, sizeof(chunked),
		 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" PEER_GENERATION
		 ": 7\r\n" PEER_GENERATION_AT ": 1\r\n\r\n5\r\nhello\r\n");
	say(chunked, THEN_CLOSE);
	peer_stream_start(&stream);
	began_ms = clock_monotonic_ms();
	until(is_asked_again);
	OK(kept_len == 5 && begun == 1, "nothing more comes");
	IS_INT(told, 0, "of which there is nothing to tell");
	OK(clock_monotonic_ms() - began_ms >= 2500,
	   "it is asked less and less often: %lld ms for the fourth time",
	   (long long)(clock_monotonic_ms() - began_ms));
	serve("200 OK", 0, SIZE / 2, 7, "", THEN_CLOSE);
	until(has_told_once);
	OK(stream.media.size == SIZE && stream.media.etag[0] != '\0' && !stream.is_whole,
	   "its length is known from now on, which is told");
}

static void test_waits(void)
{
	begin_anew();
	say("HTTP/1.1 503 S\r\nCallspool-Pointless: 1\r\nContent-Length: 43\r\n\r\n"
	    "{\"reason\": \"refused\", \"error\": \"It is so.\"}",
	    THEN_KEEP);
	peer_stream_start(&stream);
	until(has_told_once);
	IS_STR(str_of(stream.reason.code), STR("refused"), "it says why it waits");
	IS_STR(str_of(stream.reason.text), STR("It is so."), "in words");
	OK(stream.is_pointless, "and that waiting does not help");
	until(is_asked_twice);
	IS_INT(told, 1, "which is told once");
	serve("200 OK", 0, SIZE, 7, "", THEN_KEEP);
	until(is_whole);
	OK(has_all() && stream.reason.code[0] == '\0' && !stream.is_pointless,
	   "then it comes, and there is no reason any more");
	OK(counted(PEER_RESULT_WAITS) >= 2, "counted");
}

static void test_doubts(void)
{
	static const struct {
		const char *raw, *why;
	} cases[] = {
		{ "HTTP/1.1 421 M\r\nContent-Length: 0\r\n\r\n", "it does not fetch it" },
		{ "HTTP/1.1 401 U\r\nContent-Length: 0\r\n\r\n", "it does not know us" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		begin_anew();
		say(cases[i].raw, THEN_KEEP);
		peer_stream_start(&stream);
		until(has_doubt);
		OK(doubts_who == 1 && doubts_gone == 0, "%s: the ledger is to be asked",
		   cases[i].why);
		OK(!timer_is_on(&stream.again) && !stream.transfer, "and nobody else is");
		serve("200 OK", 0, SIZE, 7, "", THEN_KEEP);
		peer_stream_start(&stream);
		until(is_whole);
		OK(has_all(), "it may be told to go on");
	}
	begin_anew();
	snprintf(stream.whom.address, sizeof(stream.whom.address), "127.0.0.1:1");
	peer_stream_start(&stream);
	until(has_doubt);
	OK(doubts_gone == 1 && doubts_who == 0 && stream.refusals == 3,
	   "nobody listens there, three times in a row: it may be no more");
	OK(timer_is_on(&stream.again), "it is asked again all the same");
}

static bool was_strange(void)
{
	return counted(PEER_RESULT_STRANGE) > 0;
}

static void test_strange(void)
{
	begin_anew();
	say("HTTP/1.1 302 F\r\nLocation: http://127.0.0.1:@B/ok\r\nContent-Length: 0\r\n\r\n",
	    THEN_KEEP);
	peer_stream_start(&stream);
	until(is_asked_twice);
	OK(!strstr(server.all, "B GET"), "it is followed nowhere else");
	begin_anew();
	say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", THEN_KEEP);
	peer_stream_start(&stream);
	until(was_strange);
	OK(begun == 0 && kept_len == 0, "what is no process of ours is not listened to");
	serve("200 OK", 0, SIZE, 7, "", THEN_KEEP);
	until(is_whole);
	OK(has_all() && begun == 1 && doubts_who + doubts_gone == 0,
	   "but asked again: it may be one again");
}

/* Half of it has come. */
static void begin_with_half(void)
{
	begin_anew();
	serve("200 OK", 0, SIZE / 2, 7, "", THEN_CLOSE);
	peer_stream_start(&stream);
	while (kept_len < SIZE / 2) {
		timer_start(loop, &tick_timer, 1, tick);
		loop_run(loop);
	}
}

static uint64_t strange_before;

static bool is_strange_again(void)
{
	return counted(PEER_RESULT_STRANGE) > strange_before;
}

/* What does not go on with what is here is not put behind it. */
static void test_does_not_go_on(void)
{
	static const struct {
		const char *name, *raw;
	} cases[] = {
		{ "the middle of another one",
		  "HTTP/1.1 206 P\r\nContent-Length: 4\r\nETag: \"g8\"\r\n" PEER_GENERATION
		  ": 8\r\n" PEER_GENERATION_AT
		  ": 1\r\nContent-Range: bytes 1500-1503/1504\r\n\r\nabcd" },
		{ "one of another length",
		  "HTTP/1.1 206 P\r\nContent-Length: 4\r\nETag: \"g7\"\r\n" PEER_GENERATION
		  ": 7\r\n" PEER_GENERATION_AT
		  ": 1\r\nContent-Range: bytes 1500-1503/1504\r\n\r\nabcd" },
		{ "one that does not say which it is",
		  "HTTP/1.1 206 P\r\nContent-Length: 4\r\n"
		  "Content-Range: bytes 1500-1503/3000\r\n\r\nabcd" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		strange_before = counted(PEER_RESULT_STRANGE);
		begin_with_half();
		say(cases[i].raw, THEN_KEEP);
		until(is_strange_again);
		OK(kept_len == SIZE / 2 && begun == 1 && stream.media.generation == 7,
		   "%s is not what goes on", cases[i].name);
		serve("200 OK", 0, SIZE, 7, "", THEN_KEEP);
		until(is_whole);
		OK(has_all() && begun == 1, "and what is comes the next time");
	}
}

static bool has_failed(void)
{
	return begun > 0 && timer_is_on(&stream.again);
}

static void test_ours(void)
{
	begin_anew();
	fails_to_begin = true;
	serve("200 OK", 0, SIZE, 7, "", THEN_KEEP);
	peer_stream_start(&stream);
	until(has_failed);
	OK(stream.media.generation == 0 && kept_len == 0, "no file can be begun: nothing is here");
	fails_to_begin = false;
	fails_to_take = true;
	begun = 0;
	until(has_failed);
	OK(stream.arrived == 0, "the disk takes nothing: nothing has come");
	fails_to_take = false;
	until(is_whole);
	OK(has_all(), "it does again");
}

/* One at a time is kept; who answers is in none. */
static void test_trouble(void)
{
	struct trouble_facts facts;

	peers_told(peers, "a:1", PEER_RESULT_MEDIA, "");
	peers_told(peers, "127.0.0.1:1", PEER_RESULT_MEDIA, "");
	peers_told(peers, stream.whom.address, PEER_RESULT_MEDIA, "");
	peers_read_trouble(peers, &facts);
	IS_INT(facts.for_ms, -1, "all answer");
	peers_told(peers, "a:1", PEER_RESULT_UNREACHABLE, "it is away");
	peers_told(peers, "b:1", PEER_RESULT_REFUSED, "it answered 401");
	peers_read_trouble(peers, &facts);
	OK(facts.for_ms >= 0, "one is not reached");
	IS_STR(str_of(facts.text), STR("a:1: it is away"), "it is said which, and why");
	peers_told(peers, "b:1", PEER_RESULT_WAITS, "");
	peers_read_trouble(peers, &facts);
	OK(facts.for_ms >= 0, "that another one answers does not help");
	peers_told(peers, "a:1", PEER_RESULT_ELSEWHERE, "");
	peers_read_trouble(peers, &facts);
	IS_INT(facts.for_ms, -1, "it answers: whatever it says");
	peers_told(peers, "b:1", PEER_RESULT_STRANGE, "it answered 404");
	peers_read_trouble(peers, &facts);
	IS_STR(str_of(facts.text), STR("b:1: it answered 404"), "then it is another one's turn");
}

int main(void)
{
	for (size_t i = 0; i < SIZE; i++)
		media[i] = (char)(i % 251);
	if (!loop_new(&loop, &err) || !peers_new(loop, &peers, &err))
		return 1;
	server_start(&server, loop, NULL, 0);
	test_whole();
	test_goes_on();
	test_another();
	test_unknown_length();
	test_unknown_length_stands_still();
	test_waits();
	test_doubts();
	test_strange();
	test_does_not_go_on();
	test_ours();
	test_trouble();
	peer_stream_stop(&stream);
	peers_free(peers);
	server_stop(&server);
	loop_free(loop);
	return tap_end();
}
