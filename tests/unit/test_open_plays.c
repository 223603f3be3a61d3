#include "audit/open_plays.h"

#include "audit/audit_trail.h"
#include "running_ledger.h"

#include <sodium.h>
#include <sys/syscall.h>
#include <time.h>

#define ENTRIES 512 /* of one batch, as in open_plays.c */
#define PLAYS   1200

/* ---- time, which a test moves on ---- */

static _Atomic(time_t) ahead_s, wall_ahead_s;

/* In place of libc's: what was silent for 90 s is not waited for. */
int clock_gettime(clockid_t id, struct timespec *out)
{
	int failed = (int)syscall(SYS_clock_gettime, id, out);

	out->tv_sec += ahead_s;
	if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)
		out->tv_sec += wall_ahead_s;
	return failed;
}

static bool turns_over;

static bool is_turn_over(void)
{
	if (turns_over)
		return true;
	turns_over = true;
	return false;
}

/* The timers that are due by then fire. */
static void pass(time_t seconds)
{
	ahead_s += seconds;
	turns_over = false;
	OK(until(is_turn_over), "%d s pass", (int)seconds);
}

/* ---- plays ---- */

static struct audit_trail trail;
static struct line_pairs *pairs;
static struct open_plays *plays;

enum { SOMEBODY = 7, SOMEBODY_ELSE = 8, NOBODY = 0 };

static struct play_request request_of(uint64_t user_id, const char *sid)
{
	return (struct play_request){ .user_id = user_id,
				      .credential_id = 1,
				      .for_user = STR(""),
				      .address = STR("192.0.2.1"),
				      .recording_sid = sid };
}

/* What it is; a new one begins. */
static enum open_play admit(const struct play_request *request, uint64_t *out_key)
{
	enum open_play what = open_plays_look(plays, request, out_key);

	if (what == OPEN_PLAY_NEW)
		open_plays_begin(plays, request, *out_key);
	return what;
}

/* A request that is answered with so many bytes. */
static void play(uint64_t user_id, const char *sid, uint64_t bytes)
{
	struct play_request request = request_of(user_id, sid);
	uint64_t key = 0;

	OK(admit(&request, &key) != OPEN_PLAY_UNRECORDED, "admitted");
	open_plays_sent(plays, key, bytes);
}

static void play_number(int number)
{
	char sid[16];

	snprintf(sid, sizeof(sid), "RE%d", number);
	play(NOBODY, sid, 1);
}

static int64_t count_of(const char *query)
{
	int64_t count = -1;

	(void)!str_to_i64(sql_text(query), &count);
	return count;
}

static int64_t wanted;
static const char *counted;

static bool is_counted(void)
{
	return count_of(counted) >= wanted;
}

static void expect(int64_t count, const char *query, const char *what)
{
	wanted = count;
	counted = query;
	until(is_counted);
	IS_INT(count_of(query), count, "%s", what);
}

#define BEGAN      "SELECT COUNT(*) FROM audit WHERE kind = 'play_began'"
#define ENDED      "SELECT COUNT(*) FROM audit WHERE kind = 'play_ended'"
#define DOWNLOADED "SELECT COUNT(*) FROM audit WHERE kind = 'downloaded'"
#define WRITTEN    "SELECT COUNT(*) FROM audit WHERE kind IN ('play_began', 'play_ended')"
#define GAPS       "SELECT COUNT(*) FROM audit WHERE kind = 'chain_gap'"

static void begin(void)
{
	sql("DELETE FROM audit WHERE kind IN ('play_began', 'play_ended', 'downloaded', 'chain_gap')");
	pairs = line_pairs_new(OPEN_PLAYS_PLACES, false);
	plays = open_plays_new(&trail, loop, mailbox, line_pairs_right(pairs));
}

static struct ledger_job last;
static bool is_last_done;

static bool run_last(struct ledger_job *job, struct catalog *catalog, struct err *cause)
{
	return true;
}

static void last_done(struct ledger_job *job)
{
	is_last_done = true;
}

static bool is_over(void)
{
	return is_last_done;
}

/* What was handed to the ledger before is back when its last job is. */
static void end(void)
{
	is_last_done = false;
	last = (struct ledger_job){ .run = run_last, .done = last_done, .reply = mailbox };
	ledger_write(ledger, &last);
	OK(until(is_over), "the ledger has nothing of it any more");
	open_plays_free(plays);
	line_pairs_free(pairs);
}

static void test_one_play(void)
{
	struct play_request request = request_of(SOMEBODY, "RE1");
	uint64_t first = 0, second = 0;

	begin();
	OK(!open_plays_is_on(plays, &request), "nothing is on");
	IS_INT(admit(&request, &first), OPEN_PLAY_NEW, "a new one");
	OK(first != 0, "it has a number");
	OK(!open_plays_is_on(plays, &request), "nothing was sent yet");
	open_plays_sent(plays, first, 100);
	OK(open_plays_is_on(plays, &request), "it is on");
	IS_INT(admit(&request, &second), OPEN_PLAY_ON, "it is known");
	OK(second == first, "another request of the same play");
	open_plays_sent(plays, second, 50);
	expect(1, BEGAN, "begun once");
	IS_STR(sql_text("SELECT user_id || ' ' || recording_sid || ' ' || address FROM audit WHERE "
			"kind = 'play_began'"),
	       STR("7 RE1 192.0.2.1"), "by whom, of what, from where");
	request.recording_sid = "RE2";
	OK(!open_plays_is_on(plays, &request), "another recording is another play");
	request = request_of(SOMEBODY_ELSE, "RE1");
	OK(!open_plays_is_on(plays, &request), "so is another user");
	request = request_of(SOMEBODY, "RE1");
	request.credential_id = 2;
	OK(!open_plays_is_on(plays, &request), "or credential");
	request = request_of(SOMEBODY, "RE1");
	request.for_user = STR("agent");
	OK(!open_plays_is_on(plays, &request), "or whom a token acts for");
	open_plays_sent(plays, first + 1, 10);
	IS_INT(count_of(ENDED), 0, "it goes on");
	pass(89);
	pass(2);
	expect(1, ENDED, "until it was silent");
	IS_STR(sql_text("SELECT json_extract(body, '$.requests') || ' ' || json_extract(body, "
			"'$.sent_bytes') FROM audit WHERE kind = 'play_ended'"),
	       STR("2 150"), "with what was sent");
	request = request_of(SOMEBODY, "RE1");
	OK(!open_plays_is_on(plays, &request), "it is on no longer");
	open_plays_sent(plays, first, 10); /* a reply that ends after it */
	open_plays_end_all(plays);
	IS_INT(count_of(BEGAN), 1, "what ends late begins nothing");
	end();
}

/* Where a caller's first play stands is theirs to say: what is one play, and what another, is not. */
static void test_near(void)
{
	enum { RECORDINGS = 500 }; /* one caller's, in one batch of entries */
	struct play_request request = request_of(SOMEBODY, "RE1");
	uint64_t first = 0, second = 0, other = 0;
	unsigned on = 0;
	char sid[16];

	begin();
	request.near = OPEN_PLAYS_PLACES;
	open_plays_expect(plays, request.near - 1);
	IS_INT(admit(&request, &first), OPEN_PLAY_NEW, "a new one");
	open_plays_sent(plays, first, 100);
	IS_INT(admit(&request, &second), OPEN_PLAY_ON, "it is known");
	OK(second == first, "another request of the same play");
	request.user_id = SOMEBODY_ELSE;
	IS_INT(admit(&request, &other), OPEN_PLAY_NEW,
	       "of somebody else with that number: another play");
	open_plays_sent(plays, other, 10);
	OK(open_plays_is_on(plays, &request), "it is on");
	request.user_id = SOMEBODY;
	OK(open_plays_is_on(plays, &request), "so is the first one");
	request.recording_sid = sid;
	for (int i = 2; i <= RECORDINGS; i++) {
		snprintf(sid, sizeof(sid), "RE%d", i);
		if (admit(&request, &other) == OPEN_PLAY_NEW)
			open_plays_sent(plays, other, 1);
	}
	for (int i = 1; i <= RECORDINGS; i++) {
		snprintf(sid, sizeof(sid), "RE%d", i);
		on += open_plays_is_on(plays, &request);
	}
	IS_INT(on, RECORDINGS, "of one caller as many go on as of many");
	open_plays_sent(plays, first, 50);
	open_plays_end_all(plays);
	expect(RECORDINGS + 1, ENDED, "each ends");
	IS_STR(sql_text("SELECT json_extract(body, '$.requests') || ' ' || json_extract(body, "
			"'$.sent_bytes') FROM audit WHERE kind = 'play_ended' AND "
			"recording_sid = 'RE1' AND user_id = 7"),
	       STR("2 150"), "with what was sent of it");
	end();
}

/* Silence is counted from the last bytes, not from the first. */
static void test_silence(void)
{
	begin();
	play(SOMEBODY, "RE1", 1);
	for (int i = 0; i < 3; i++) {
		pass(60);
		play(SOMEBODY, "RE1", 1);
	}
	expect(1, BEGAN, "one play of four requests");
	IS_INT(count_of(ENDED), 0, "never silent for 90 s");
	wall_ahead_s -= 3600;
	pass(0);
	pass(11);
	expect(1, ENDED, "a clock that went back an hour ends it: it might be silent for ever");
	open_plays_end_all(plays);
	end();
}

static void test_download(void)
{
	struct play_request request = request_of(SOMEBODY, "RE1");
	uint64_t key = 0;

	begin();
	request.is_download = true;
	IS_INT(admit(&request, &key), OPEN_PLAY_NEW, "admitted");
	open_plays_sent(plays, key, 30);
	expect(1, DOWNLOADED, "told as a download");
	IS_INT(count_of(BEGAN), 0, "and as no play");
	open_plays_end_all(plays);
	expect(1, ENDED, "it ends with the server");
	end();
}

/* "Play, then Download": what is saved is told, whatever was sent a moment ago. */
static void test_download_behind_a_play(void)
{
	struct play_request heard = request_of(SOMEBODY, "RE1"), saved = heard;
	uint64_t play = 0, download = 0, piece = 0;

	begin();
	saved.is_download = true;
	IS_INT(admit(&heard, &play), OPEN_PLAY_NEW, "it is played");
	open_plays_sent(plays, play, 100);
	OK(!open_plays_is_on(plays, &saved), "which is not to save it");
	IS_INT(admit(&saved, &download), OPEN_PLAY_NEW, "then saved: another play");
	open_plays_sent(plays, download, 30);
	IS_INT(admit(&saved, &piece), OPEN_PLAY_ON, "which goes on where it broke off");
	open_plays_sent(plays, piece, 12);
	IS_INT(admit(&heard, &piece), OPEN_PLAY_ON, "beside the play that goes on as well");
	OK(piece == play, "as the one that it was");
	open_plays_sent(plays, piece, 50);
	expect(1, DOWNLOADED, "the download is told");
	IS_STR(sql_text("SELECT user_id || ' ' || recording_sid || ' ' || address FROM audit WHERE "
			"kind = 'downloaded'"),
	       STR("7 RE1 192.0.2.1"), "by whom, of what, from where");
	expect(1, BEGAN, "and the play");
	open_plays_end_all(plays);
	expect(2, ENDED, "both end");
	IS_STR(sql_text("SELECT group_concat(told, ', ') FROM (SELECT json_extract(body, "
			"'$.requests') || ' ' || json_extract(body, '$.sent_bytes') AS told FROM "
			"audit WHERE kind = 'play_ended' ORDER BY told)"),
	       STR("2 150, 2 42"), "each with what was sent of it");
	end();
}

static void test_admitted_and_nothing_sent(void)
{
	struct play_request request = request_of(SOMEBODY, "RE1");
	uint64_t key = 0;

	begin();
	IS_INT(admit(&request, &key), OPEN_PLAY_NEW, "admitted");
	open_plays_end_all(plays);
	play(SOMEBODY, "RE2", 1);
	expect(0, ENDED, "what sent nothing is no play");
	end();
}

/* More than a batch holds, again and again: none is lost.  A full table: test_open_plays_many.c. */
static void test_many(void)
{
	begin();
	for (int i = 0; i < PLAYS; i++) {
		play_number(i);
		if (i % (ENTRIES / 2) == 0)
			expect(i + 1, BEGAN, "begun");
	}
	expect(PLAYS, BEGAN, "each began");
	open_plays_end_all(plays);
	expect(PLAYS, ENDED, "and in the end each ended");
	IS_INT(count_of(GAPS), 0, "none left out");
	end();
}

/*
 * While the ledger's writer stands still.  A play whose place in the table another takes ends early, which is an entry
 * as well: how many do is up to the table's key.
 */
static void test_overrun(void)
{
	int64_t left_out = 0;

	begin();
	gate_shut();
	play(NOBODY, "REfirst", 1);
	pass(1); /* it is on its way: the writer waits */
	for (int i = 0; i < ENTRIES + 40; i++)
		play_number(i);
	gate_open();
	expect(1 + ENTRIES, WRITTEN, "as many as a batch holds");
	play(NOBODY, "RElate", 1);
	expect(1, GAPS, "then one more, behind an entry of how many were left out");
	(void)!str_to_i64(sql_text(
				  "SELECT json_extract(body, '$.left_out') FROM audit WHERE kind = "
				  "'chain_gap'"),
			  &left_out);
	OK(left_out >= 40, "%d were", (int)left_out);
	IS_INT(open_plays_left_out(plays), left_out, "and as many are counted for /metrics");
	open_plays_end_all(plays);
	expect(2L * (ENTRIES + 42) - left_out, WRITTEN, "each began and ended, but for those");
	IS_INT(count_of(GAPS), 1, "which are told once");
	end();
}

static void test_refusing_when_full(void)
{
	struct play_request request = request_of(NOBODY, NULL);
	char sid[16], newest[16] = "";
	uint64_t key = 0;
	int begun = 0;

	begin();
	trail.options.when_full = AUDIT_FULL_REFUSES;
	gate_shut();
	play(NOBODY, "REfirst", 1);
	pass(1);
	for (; begun < 2 * ENTRIES; begun++) {
		snprintf(sid, sizeof(sid), "RE%d", begun);
		request.recording_sid = sid;
		if (admit(&request, &key) == OPEN_PLAY_UNRECORDED)
			break;
		open_plays_sent(plays, key, 1);
		memcpy(newest, sid, sizeof(newest));
	}
	OK(begun > ENTRIES / 2 && begun <= ENTRIES, "%d begin while there is room", begun);
	IS_INT(admit(&request, &key), OPEN_PLAY_UNRECORDED, "no other play without an entry");
	request.recording_sid = newest;
	IS_INT(admit(&request, &key), OPEN_PLAY_ON, "what is on goes on");
	gate_open();
	expect(1 + ENTRIES, WRITTEN, "the writer goes on");
	request.recording_sid = sid;
	IS_INT(admit(&request, &key), OPEN_PLAY_NEW, "and plays begin again");
	trail.options.when_full = AUDIT_FULL_SERVES;
	open_plays_end_all(plays);
	expect(1 + begun, ENDED, "all are ended");
	end();
}

/* ---- the audit that they are told to ---- */

static struct ledger_job beginning;

static bool run_beginning(struct ledger_job *job, struct catalog *catalog, struct err *cause)
{
	return audit_trail_begin(&trail, catalog, cause);
}

static void trail_open(void)
{
	struct audit_options options = { .when_full = AUDIT_FULL_SERVES };

	running_open();
	OK(sodium_init() >= 0, "libsodium is there");
	MUST(audit_trail_open(&options, folder, true, ledger, &trail, &err));
	beginning = (struct ledger_job){ .run = run_beginning };
	MUST(ledger_write_now(ledger, &beginning, &err));
	MUST(ledger_start(ledger, &err));
}

static void trail_close(void)
{
	AUTO(free) char *key = xasprintf("%s/audit.key", folder);

	ledger_stop(ledger);
	mailbox_drain(mailbox);
	audit_trail_release(&trail);
	unlink(key);
	running_remove();
}

int main(void)
{
	trail_open();
	test_one_play();
	test_near();
	test_silence();
	test_download();
	test_download_behind_a_play();
	test_admitted_and_nothing_sent();
	test_many();
	test_overrun();
	test_refusing_when_full();
	trail_close();
	return tap_end();
}
