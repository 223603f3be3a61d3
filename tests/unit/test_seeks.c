#include "flights/seeks.h"

#include "flights/download.h"
#include "flights_fixture.h"

#define LENGTH 40000 /* of the media */
#define HERE   1000  /* of it has come with the flight, where no test says otherwise */

static char media[LENGTH];
static struct arrival arrival;
static struct seeks seeks;
static int moved;

static void seeks_moved(struct seeks *of)
{
	moved++;
}

static void go_on(void)
{
	seeks_go_on(&seeks, &env, &arrival, &account, RECORDING, 2, seeks_moved);
}

static void arrive_up_to(uint64_t size)
{
	uint64_t here = arrival.file->size;

	must(blob_arriving_write(arrival.file, (struct str){ media + here, size - here }, &err));
}

/* A flight that serves ranges and is on its way; nothing is sought. */
static void begin_anew(void)
{
	seeks_release(&seeks);
	seeks = (struct seeks){ .last_id = seeks.last_id };
	arrival_discard(&arrival);
	must(blob_arriving_open(env.store, STR(RECORDING), 1, &arrival.file, &err));
	arrive_up_to(HERE);
	arrival.length = LENGTH;
	snprintf(arrival.validator, sizeof(arrival.validator), "\"a\"");
	go_on();
	server_forget(&server);
	moved = 0;
}

/* A player has waited for that byte for so long. */
static void want_for(uint64_t byte, int64_t waited_ms)
{
	seeks_want(&seeks, byte);
	seeks.wanted_at_ms = loop_now_ms(env.loop) - waited_ms;
	seeks_want(&seeks, byte);
}

static int begun(void)
{
	int count = 0;

	for (int i = 0; i < SEEKS_MAX; i++)
		count += seeks.at[i].id != 0;
	return count;
}

static bool none_is_under_way(void)
{
	for (int i = 0; i < SEEKS_MAX; i++)
		if (seeks.at[i].transfer)
			return false;
	return true;
}

static char raw[512];
static struct answer reply = { MEDIA, raw, THEN_CLOSE };

/* The bytes from `first` to `end` as a part of so many in all; the connection ends behind them. */
static void serve(uint64_t first, uint64_t end, uint64_t total, const char *more)
{
	snprintf(raw, sizeof(raw),
		 "HTTP/1.1 206 Partial Content\r\nETag: \"a\"\r\n%s"
		 "Content-Range: bytes %llu-%llu/%llu\r\nContent-Length: %llu\r\n\r\n@M",
		 more, (unsigned long long)first, (unsigned long long)(total - 1),
		 (unsigned long long)total, (unsigned long long)(total - first));
	server.media = (struct str){ media + first, end - first };
	reply.then = THEN_CLOSE;
	server_answers(&reply, 1);
}

/* It asks, and hears nothing: so it is there whenever somebody looks. */
static void serve_nothing(void)
{
	raw[0] = '\0';
	reply.then = THEN_HANG;
	server_answers(&reply, 1);
}

/* ---- when one begins ---- */

static void test_worth(void)
{
	static const struct {
		uint64_t byte;
		int64_t waited_ms;
		int begins;
		const char *why;
	} cases[] = {
		{ HERE - 1, 60000, 0, "the byte is here" },
		{ HERE, 60000, 0, "the byte is what the flight brings next" },
		{ HERE + 1, 1999, 0, "who waits hardly 2 s waits on" },
		{ HERE + 1, 2000, 1, "for longer: it is fetched on its own" },
		{ LENGTH - 1, 2000, 1, "so is the last byte" },
		{ LENGTH, 2000, 0, "but nothing that is beyond the end" },
		{ 0, 2000, 0, "no byte at all" },
	};

	server_answers(NULL, 0);
	seeks_want(&seeks, 5000);
	OK(seeks.wanted == 0 && !timer_is_on(&seeks.timer),
	   "before the first attempt nothing can be wanted");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		begin_anew();
		want_for(cases[i].byte, cases[i].waited_ms);
		IS_INT(begun(), cases[i].begins, "%s", cases[i].why);
	}
	begin_anew();
	arrival.validator[0] = '\0';
	want_for(5000, 60000);
	OK(begun() == 0 && timer_is_on(&seeks.timer),
	   "without a strong validator none begins, but it is looked at again");
	begin_anew();
	arrival.length = DOWNLOAD_LENGTH_UNKNOWN;
	want_for(5000, 60000);
	IS_INT(begun(), 0, "nor where the length is not known");
	begin_anew();
	seeks_rest(&seeks);
	want_for(5000, 60000);
	OK(begun() == 0 && !timer_is_on(&seeks.timer), "nor between two attempts");
	go_on();
	IS_INT(begun(), 1, "the next attempt goes on with what has long been wanted");
}

/* 1000 bytes in the time: 4 a millisecond, 8000 in the 2 s that one waits. */
static void test_speed(void)
{
	static const struct {
		int64_t took_ms;
		uint64_t ahead;
		int begins;
		const char *why;
	} cases[] = {
		{ 250, 8000, 0, "the flight comes by in 2 s" },
		{ 250, 8001, 1, "it takes longer" },
		{ 249, 30000, 0, "too early to tell how fast it is" },
		{ 500, 4001, 1, "half as fast" },
	};

	server_answers(NULL, 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		begin_anew();
		seeks_flight_moved(&seeks);
		OK(seeks.since_ms == loop_now_ms(env.loop) && seeks.since_size == HERE,
		   "the flight's speed is measured from its first bytes on");
		arrive_up_to(HERE + 1000);
		seeks.since_ms -= cases[i].took_ms;
		seeks_want(&seeks, HERE + 1000 + cases[i].ahead);
		IS_INT(begun(), cases[i].begins, "%s", cases[i].why);
	}
	begin_anew();
	seeks_want(&seeks, 5000);
	seeks.since_ms = 1;
	go_on();
	IS_INT(seeks.since_ms, 0, "each attempt has a speed of its own");
}

/* ---- what comes ---- */

static void test_comes(void)
{
	char bytes[100];

	begin_anew();
	serve(20000, LENGTH, LENGTH, "");
	want_for(20000, 2000);
	OK(begun() == 1 && seeks.wanted == 0, "it is wanted, and asked for");
	until(none_is_under_way);
	OK(strstr(server.last, "Range: bytes=20000-\r\n") &&
		   strstr(server.last, "If-Range: \"a\"\r\n") &&
		   strstr(server.last, "Authorization: Basic "),
	   "from that byte on, of the same bytes, signed in");
	OK(seeks.at[0].first == 20000 && seeks.at[0].arrived == LENGTH, "all of it is here");
	OK(pread(seeks.at[0].fd, bytes, 100, 30000) == 100 &&
		   memcmp(bytes, media + 30000, 100) == 0,
	   "in its file, where it lies in the media");
	OK(moved > 0, "which the flight was told");
	IS_INT(server.requests, 1, "by one request");
	seeks_want(&seeks, 39999);
	OK(seeks.wanted == 0, "what is here is not wanted any more");
	want_for(19999, 2000);
	IS_INT(begun(), 2, "what lies before it is fetched on its own");
	seeks_release(&seeks);
	IS_INT(begun(), 0, "the recording is stored: all are let go");
}

static void test_wrong(void)
{
	static const struct {
		const char *head;
		const char *what;
	} cases[] = {
		{ "200 OK\r\nETag: \"a\"\r\nContent-Length: @L", "all of it" },
		{ "206 Partial Content\r\nContent-Range: bytes 20001-39999/40000\r\n"
		  "Content-Length: @L",
		  "another part" },
		{ "206 Partial Content\r\nContent-Range: bytes 20000-39999/40001\r\n"
		  "Content-Length: @L",
		  "a part of something of another length" },
		{ "206 Partial Content\r\nContent-Range: bytes 20000-39999/*\r\n"
		  "Content-Length: @L",
		  "a part of something of a length that is not told" },
		{ "206 Partial Content\r\nContent-Length: @L", "a part that does not say which" },
		{ "206 Partial Content\r\nContent-Encoding: gzip\r\n"
		  "Content-Range: bytes 20000-39999/40000\r\nContent-Length: @L",
		  "other bytes than asked for" },
		{ "503 Down\r\nContent-Length: 0", "an error" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t now_ms;

		begin_anew();
		serve(20000, LENGTH, LENGTH, "");
		snprintf(raw, sizeof(raw), "HTTP/1.1 %s\r\n\r\n@M", cases[i].head);
		want_for(20000, 2000);
		until(none_is_under_way);
		now_ms = loop_now_ms(env.loop);
		OK(begun() == 0 && moved == 0, "%s: nothing of it is taken", cases[i].what);
		OK(seeks.not_before_ms > now_ms && seeks.not_before_ms <= now_ms + 5000,
		   "and none begins for 5 s");
	}
}

static void test_left_alone(void)
{
	begin_anew();
	server_answers(NULL, 0);
	seeks.not_before_ms = loop_now_ms(env.loop) + 1;
	want_for(20000, 2000);
	IS_INT(begun(), 0, "one failed: none begins yet");
	seeks.not_before_ms = loop_now_ms(env.loop);
	want_for(20000, 2000);
	IS_INT(begun(), 1, "then one does");
}

static void test_no_file(void)
{
	struct blob_failure failure = { .call = BLOB_CALL_ARRIVING_OPEN,
					.count = 1,
					.kind = ERR_SCARCE };

	begin_anew();
	blob_flaky_fail(env.store, &failure);
	want_for(20000, 2000);
	OK(begun() == 0 && seeks.not_before_ms == loop_now_ms(env.loop) + 5000,
	   "no file can be had for it: none begins for 5 s");
	blob_flaky_fail(env.store, NULL);
}

/* It ends early: what came of it stays. */
static void test_cut(void)
{
	begin_anew();
	serve(20000, 25000, LENGTH, "");
	want_for(20000, 2000);
	until(none_is_under_way);
	OK(begun() == 1 && seeks.at[0].arrived == 25000, "it was cut: what came is of use");
	OK(seeks.not_before_ms > loop_now_ms(env.loop), "and none begins for a while");
	seeks.not_before_ms = 0;
	want_for(25000, 2000);
	OK(begun() == 1 && seeks.wanted == 0, "its players wait for no more than it has");
	want_for(25001, 2000);
	IS_INT(begun(), 2, "what is beyond is fetched anew");
}

static bool five_have_come(void)
{
	return seeks.at[0].arrived == 25000;
}

/* ---- how it ends ---- */

static void test_flight_comes_by(void)
{
	begin_anew();
	serve(20000, 25000, LENGTH, "");
	reply.then = THEN_HANG;
	want_for(20000, 2000);
	arrive_up_to(20000);
	seeks_flight_moved(&seeks);
	IS_INT(begun(), 1, "the flight has come to where it begins: it goes on");
	until(five_have_come);
	seeks_want(&seeks, 39000);
	OK(seeks.wanted == 0, "it is on its way to what a player wants");
	arrive_up_to(24999);
	seeks_flight_moved(&seeks);
	IS_INT(begun(), 1, "the flight comes nearer: it goes on");
	arrive_up_to(25000);
	seeks_flight_moved(&seeks);
	IS_INT(begun(), 0, "the flight has what it has: it ends");
}

static void test_room(void)
{
	uint32_t first, second;

	begin_anew();
	serve_nothing();
	want_for(30000, 2000);
	want_for(20000, 2000);
	first = seeks.at[0].id;
	second = seeks.at[1].id;
	OK(first != 0 && second != 0 && first != second, "two at once");
	seeks.at[0].used_at_ms = loop_now_ms(env.loop) - 999;
	want_for(10000, 2000);
	OK(seeks.at[0].id == first && seeks.at[1].id == second && seeks.wanted == 10000,
	   "a third waits while players are on both");
	seeks.at[0].used_at_ms = loop_now_ms(env.loop) - 5000;
	seeks.at[1].used_at_ms = loop_now_ms(env.loop) - 1000;
	seeks_used(&seeks, first);
	seeks_used(&seeks, 0);
	want_for(10000, 2000);
	OK(seeks.at[0].id == first, "the one that a player is on stays");
	OK(seeks.at[1].id > second && seeks.at[1].first == 10000,
	   "the one that nobody has used for a second makes room, under a new number");
}

static bool one_has_begun(void)
{
	return begun() == 1;
}

/* What is wanted is looked at again by itself. */
static void test_looks_again(void)
{
	begin_anew();
	serve_nothing();
	seeks_want(&seeks, 20000);
	IS_INT(begun(), 0, "wanted just now");
	seeks.wanted_at_ms -= 1900;
	until(one_has_begun);
	OK(loop_now_ms(env.loop) - seeks.wanted_at_ms >= 2000, "after 2 s it begins");
}

static void release(void)
{
	seeks_release(&seeks);
	arrival_discard(&arrival);
}

int main(void)
{
	for (size_t i = 0; i < LENGTH; i++)
		media[i] = (char)(i * 7 % 251);
	fixture_start();
	arrival_init(&arrival);
	test_worth();
	test_speed();
	test_comes();
	test_wrong();
	test_left_alone();
	test_no_file();
	test_cut();
	test_flight_comes_by();
	test_room();
	test_looks_again();
	fixture_stop(release);
	return tap_end();
}
