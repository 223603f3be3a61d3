#include "chores/notices_queue.h"

#include "base/clock.h"
#include "catalog/recordings_digest.h"
#include "catalog/recordings_hold.h"
#include "catalog/removals.h"

#include "stored_fixture.h"
#include "tap.h"

#define DIGEST   "0000000000000000000000000000000000000000000000000000000000000000"
#define FAR_MS   INT64_C(1000000000)
#define LATER_MS (clock_wall_ms() + FAR_MS)

static struct notice notices[64];

/* What is due at that time, into `notices`. */
static size_t due(int64_t now_ms)
{
	size_t count;

	MUST(notices_due(ledger.writer, now_ms, notices, ARRAY_LEN(notices), &count, &err));
	return count;
}

#define CHANGE(call)                                       \
	do {                                               \
		MUST(catalog_begin(ledger.writer, &err));  \
		MUST(call);                                \
		MUST(catalog_commit(ledger.writer, &err)); \
	} while (0)

static void clear(void)
{
	while (due(INT64_MAX) > 0)
		CHANGE(notices_end(ledger.writer, notices[0].seq, &err));
}

static void fail_first(int64_t due_at_ms)
{
	struct notice_failure failure = { .seq = notices[0].seq,
					  .at_ms = clock_wall_ms(),
					  .due_at_ms = due_at_ms,
					  .trying_ms = 7,
					  .http_status = 503,
					  .failure = "the receiver answered 503" };
	bool waited;

	CHANGE(notices_failed(ledger.writer, &failure, &waited, &err));
}

static void test_off(void)
{
	char sid[SID_SIZE];
	struct notice_counts counts;

	store(1, sid);
	CHANGE(recordings_mark_deleted(ledger.writer, str_of(sid), NOON, &err));
	MUST(notices_count(ledger.writer, &counts, &err));
	OK(counts.waiting == 0 && counts.dead == 0 && counts.oldest_at_ms == 0,
	   "nobody is to be told, and no row is written");
	catalog_notify(ledger.writer, true);
	IS_INT(due(INT64_MAX), 0, "nor afterwards of what was before");
}

/* What each change leaves. */
static void test_types(void)
{
	struct recording_hold hold = { .at_ms = NOON };
	char sid[SID_SIZE], other[SID_SIZE];
	bool to_fetch;

	announce(2, sid);
	IS_INT(due(INT64_MAX), 0, "that it is announced is not told");
	CHANGE(recordings_mark_dead(ledger.writer, str_of(sid), "upstream_failed", "no", &err));
	IS_INT(due(LATER_MS), 1, "that it was given up is");
	OK(notices[0].type == NOTICE_FAILED &&
		   strcmp(notices[0].reason_code, "upstream_failed") == 0,
	   "with its reason");
	CHANGE(recordings_requeue(ledger.writer, str_of(sid), NOON, &err));
	IS_INT(due(LATER_MS), 1, "that it is fetched again is not told");
	IS_STR(str_of(notices[0].reason_code), STR("upstream_failed"),
	       "and what is told is as it was");
	clear();

	store(3, other);
	IS_INT(due(clock_wall_ms()), 0, "the digest is waited for");
	IS_INT(due(LATER_MS), 1, "not for ever");
	OK(notices[0].type == NOTICE_STORED && notices[0].sha256[0] == '\0' &&
		   notices[0].size == 9 && notices[0].generation == 3 &&
		   strcmp(notices[0].recording_sid, other) == 0 && notices[0].call_sid[0] == 'C',
	   "it tells what was stored");
	CHANGE(recordings_set_digest(ledger.writer, str_of(other), 3, DIGEST, &err));
	IS_INT(due(clock_wall_ms()), 1, "once it is there it is due");
	IS_STR(str_of(notices[0].sha256), STR(DIGEST), "and told");
	clear();
	CHANGE(recordings_hold(ledger.writer, str_of(other), &hold, &to_fetch, &err));
	IS_INT(due(LATER_MS), 0, "a hold is not told");
	CHANGE(recordings_lift_hold(ledger.writer, str_of(other), &err));
	OK(due(LATER_MS) == 1 && notices[0].type == NOTICE_LOOK, "that it is lifted is looked at");
	clear();
	CHANGE(recordings_mark_purged(ledger.writer, str_of(other), NOON, &err));
	OK(due(LATER_MS) == 1 && notices[0].type == NOTICE_PURGED && notices[0].size == 9,
	   "its end is told, and what it was");
	clear();
	CHANGE(recordings_mark_deleted(ledger.writer, str_of(sid), NOON, &err));
	OK(due(LATER_MS) == 1 && notices[0].type == NOTICE_DELETED, "a deletion is told");
	clear();
}

static void test_again(void)
{
	struct recording_media media = {
		.stored_at_ms = NOON, .generation = 40, .size = 10, .format = "mp3", .path = "3f/y"
	};
	char sid[SID_SIZE];

	store(4, sid);
	CHANGE(recordings_mark_stored(ledger.writer, str_of(sid), &media, &err));
	CHANGE(recordings_set_digest(ledger.writer, str_of(sid), 40, DIGEST, &err));
	IS_INT(due(LATER_MS), 1, "one of a recording at a time");
	OK(notices[0].generation == 4 && notices[0].size == 9 && notices[0].sha256[0] == '\0',
	   "the first tells of the first file, whose digest nobody knows");
	CHANGE(notices_end(ledger.writer, notices[0].seq, &err));
	OK(due(LATER_MS) == 1 && notices[0].generation == 40 && notices[0].sha256[0] == '0',
	   "then the second");
	clear();
}

static void test_order(void)
{
	char first[SID_SIZE], second[SID_SIZE];
	int64_t next_ms, later_ms = LATER_MS;

	store(5, first);
	CHANGE(recordings_set_digest(ledger.writer, str_of(first), 5, DIGEST, &err));
	CHANGE(recordings_mark_deleted(ledger.writer, str_of(first), NOON, &err));
	store(6, second);
	CHANGE(recordings_set_digest(ledger.writer, str_of(second), 6, DIGEST, &err));
	IS_INT(due(clock_wall_ms()), 2, "one of each recording");
	OK(notices[0].type == NOTICE_STORED && notices[1].type == NOTICE_STORED &&
		   strcmp(notices[0].recording_sid, first) == 0,
	   "the earlier one of each");
	fail_first(later_ms);
	IS_INT(due(clock_wall_ms()), 1, "what waits for a failed one has not its turn");
	MUST(notices_next_due(ledger.writer, clock_wall_ms(), &next_ms, &err));
	IS_INT(next_ms, later_ms, "when it is due next");
	MUST(notices_next_due(ledger.writer, later_ms, &next_ms, &err));
	IS_INT(next_ms, 0, "and nothing after that: it waits as long");
	OK(due(later_ms) == 2 && notices[1].tries == 1 && notices[1].trying_ms == 7 &&
		   notices[1].http_status == 503,
	   "what was tried is known");
	clear();
}

static void test_dead(void)
{
	struct notice_counts counts;
	char sid[SID_SIZE];
	size_t count;
	int64_t seq;

	for (unsigned n = 10; n < 15; n++) {
		store(n, sid);
		CHANGE(recordings_set_digest(ledger.writer, str_of(sid), n, DIGEST, &err));
	}
	CHANGE(recordings_mark_deleted(ledger.writer, str_of(sid), NOON, &err));
	IS_INT(due(LATER_MS), 5, "five wait");
	seq = notices[0].seq;
	fail_first(0);
	MUST(notices_count(ledger.writer, &counts, &err));
	OK(counts.waiting == 5 && counts.dead == 1 && counts.oldest_at_ms > 0, "one was given up");
	MUST(notices_list_dead(ledger.writer, 0, notices, ARRAY_LEN(notices), &count, &err));
	OK(count == 1 && notices[0].seq == seq && notices[0].due_at_ms == 0 &&
		   notices[0].died_at_ms > 0 &&
		   strcmp(notices[0].failure, "the receiver answered 503") == 0,
	   "it says why");
	MUST(notices_list_dead(ledger.writer, seq, notices, ARRAY_LEN(notices), &count, &err));
	IS_INT(count, 0, "none is behind it");

	CHANGE(notices_give_up(ledger.writer, clock_wall_ms() + 1, NOON, 3, &count, &err));
	IS_INT(count, 3, "some at a time");
	CHANGE(notices_give_up(ledger.writer, NOON, NOON, 3, &count, &err));
	IS_INT(count, 0, "none that is not so old");
	CHANGE(notices_revive(ledger.writer, seq, clock_wall_ms(), 1, &count, &err));
	OK(count == 1 && due(clock_wall_ms()) > 0, "one is revived");
	for (size_t i = 0; notices[i].seq != seq; i++)
		if (i + 1 == ARRAY_LEN(notices))
			OK(false, "it is among those that are due");
	OK(!catalog_begin(ledger.writer, &err) ||
		   (!notices_revive(ledger.writer, seq, NOON, 1, &count, &err) &&
		    err.kind == ERR_NOT_FOUND),
	   "it is none any more");
	catalog_rollback(ledger.writer);
	CHANGE(notices_revive(ledger.writer, 0, clock_wall_ms(), 2, &count, &err));
	IS_INT(count, 2, "of all of them some at a time");
	CHANGE(notices_forget_dead(ledger.writer, NOON, 10, &count, &err));
	IS_INT(count, 0, "a young one is not forgotten");
	CHANGE(notices_forget_dead(ledger.writer, NOON + 1, 10, &count, &err));
	IS_INT(count, 1, "an old one is");
	CHANGE(notices_end(ledger.writer, 999999, &err));
	due(LATER_MS);
	fail_first(LATER_MS + FAR_MS);
	CHANGE(notices_bring_forward(ledger.writer, LATER_MS, NOON, 10, &count, &err));
	OK(count > 0 && due(NOON) == 1, "what no wait explains is due at once");
	clear();
	MUST(notices_count(ledger.writer, &counts, &err));
	OK(counts.waiting == 0 && counts.dead == 0, "nothing is left");
}

/* A change that is rolled back leaves none. */
static void test_rolled_back(void)
{
	char sid[SID_SIZE];

	announce(20, sid);
	MUST(catalog_begin(ledger.writer, &err));
	MUST(recordings_mark_dead(ledger.writer, str_of(sid), "x", "y", &err));
	catalog_rollback(ledger.writer);
	IS_INT(due(LATER_MS), 0, "nothing happened, and nothing is told");
}

int main(void)
{
	ledger_open(&ledger);
	test_off();
	test_types();
	test_again();
	test_order();
	test_dead();
	test_rolled_back();
	ledger_remove(&ledger);
	return tap_end();
}
