#include "purge/upstream_walk.h"

#include "catalog/recordings.h"
#include "catalog/recordings_digest.h"
#include "chores/upstream_deletions.h"
#include "ledger_fixture.h"
#include "purge/left_alone.h"
#include "tap.h"
#include "twilio/accounts.h"

#include <string.h>

#define NOON    INT64_C(1700000000000)
#define MIN_MS  INT64_C(60000)
#define HOUR_MS INT64_C(3600000)
#define DIGEST  "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define FIRST   "AC11111111111111111111111111111111"
#define SECOND  "AC22222222222222222222222222222222"
#define OTHER   "AC33333333333333333333333333333333"

static struct err err;
static struct ledger ledger;
static char first_sid[] = FIRST, second_sid[] = SECOND;
static struct account known[] = { { .account_sid = first_sid }, { .account_sid = second_sid } };
static const struct accounts accounts = { .at = known, .count = 2 };
static struct left_alone left_alone;
static struct upstream_walk walk;

/* Many in one transaction; the n-th began n ms after noon. */
static void store(const char *account_sid, unsigned first, unsigned count, bool has_digest)
{
	struct projection_result result;
	char sid[SID_SIZE], call_sid[SID_SIZE];
	int64_t seq;

	MUST(catalog_begin(ledger.writer, &err));
	for (unsigned n = first; n < first + count; n++) {
		struct event event;

		event_init(&event, EVENT_RECORDING_STATUS, NOON + n);
		event.account_sid = str_of(account_sid);
		event.call_sid = sid_text("CA", n, call_sid);
		event.recording_sid = sid_text("RE", n, sid);
		event.status = STR("completed");
		event.started_at_ms = NOON + n;
		MUST(events_append(ledger.writer, &event, &seq, &err));
	}
	MUST(catalog_commit(ledger.writer, &err));
	ledger_project(&ledger, &result);
	MUST(catalog_begin(ledger.writer, &err));
	for (unsigned n = first; n < first + count; n++) {
		struct recording_media media = { .stored_at_ms = NOON,
						 .generation = 1,
						 .size = 9,
						 .format = "mp3",
						 .path = "3f/x" };

		MUST(recordings_mark_stored(ledger.writer, sid_text("RE", n, sid), &media, &err));
		if (has_digest)
			MUST(recordings_set_digest(ledger.writer, str_of(sid), 1, DIGEST, &err));
	}
	MUST(catalog_commit(ledger.writer, &err));
}

static void set_copy(unsigned n, enum upstream_copy copy)
{
	char sid[SID_SIZE];

	sid_text("RE", n, sid);
	MUST(catalog_begin(ledger.writer, &err));
	MUST(upstream_copy_set(ledger.writer, sid, copy, &err));
	MUST(catalog_commit(ledger.writer, &err));
}

/* The number of what is found; -1: more is to be read, -2: there is none. */
static int next_of(int64_t before_ms)
{
	const struct upstream_wanted wanted = { .accounts = &accounts,
						.left_alone = &left_alone,
						.loop_ms = 1000,
						.before_ms = before_ms };
	AUTO(free) struct recording *out = xcalloc(1, sizeof(*out));
	enum upstream_found found;

	MUST(catalog_begin(ledger.writer, &err));
	MUST(upstream_walk_next(&walk, ledger.writer, &wanted, out, &found, &err));
	MUST(catalog_commit(ledger.writer, &err));
	if (found != UPSTREAM_FOUND)
		return found == UPSTREAM_MORE ? -1 : -2;
	for (unsigned n = 0;; n++) {
		char sid[SID_SIZE];

		if (str_eq(sid_text("RE", n, sid), str_of(out->recording_sid)))
			return (int)n;
	}
}

static void test_order(void)
{
	static const int once[] = { 102, 100, 101, 103, 200, 201, -2, 102 };

	ledger_open(&ledger);
	store(FIRST, 100, 4, true);
	store(SECOND, 200, 2, true);
	store(OTHER, 10, 2, true);
	set_copy(102, UPSTREAM_COPY_SPARED);
	for (size_t i = 0; i < ARRAY_LEN(once); i++)
		IS_INT(next_of(NOON + HOUR_MS), once[i],
		       "what was begun, then the oldest, of our accounts (%zu)", i);
	walk = (struct upstream_walk){ 0 };
	IS_INT(next_of(NOON + 101), 100, "what is old enough");
	IS_INT(next_of(NOON + 101), -2, "and no more");
	set_copy(102, UPSTREAM_COPY_DELETED);
	set_copy(101, UPSTREAM_COPY_NEEDED);
	IS_INT(next_of(NOON + HOUR_MS), 100, "what is deleted, or needed");
	IS_INT(next_of(NOON + HOUR_MS), 103, "is passed over");
}

static void test_left_alone(void)
{
	char sid[SID_SIZE];

	walk = (struct upstream_walk){ 0 };
	sid_text("RE", 100, sid);
	left_alone_failed(&left_alone, sid, 900, MIN_MS, MIN_MS);
	IS_INT(next_of(NOON + HOUR_MS), 103, "one that rests is passed over");
	walk = (struct upstream_walk){ 0 };
	left_alone_failed(&left_alone, FIRST, 900, MIN_MS, MIN_MS);
	IS_INT(next_of(NOON + HOUR_MS), 200, "so are all of an account that rests");
	left_alone = (struct left_alone){ 0 };
	walk = (struct upstream_walk){ 0 };
	IS_INT(next_of(NOON + HOUR_MS), 100, "then they come again");
	ledger_remove(&ledger);
}

/* More than a page, more than a transaction reads, and in front of it. */
static void test_behind_many(void)
{
	ledger_open(&ledger);
	walk = (struct upstream_walk){ 0 };
	store(FIRST, 0, 700, false);
	store(FIRST, 700, 2, true);
	IS_INT(next_of(NOON + HOUR_MS), -1, "700 that have no digest yet: enough is read");
	IS_INT(next_of(NOON + HOUR_MS), 700, "the one behind them is found");
	IS_INT(next_of(NOON + HOUR_MS), 701, "and the next at once");
	IS_INT(next_of(NOON + HOUR_MS), -2, "then there is none");
	ledger_remove(&ledger);
}

int main(void)
{
	test_order();
	test_left_alone();
	test_behind_many();
	return tap_end();
}
