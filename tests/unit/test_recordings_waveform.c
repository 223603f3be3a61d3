#include "catalog/recordings_waveform.h"

#include "catalog/calls.h"
#include "catalog/catalog_private.h"
#include "catalog/recordings_digest.h"
#include "catalog/removals.h"
#include "stored_fixture.h"
#include "tap.h"
#include "test_plan.h"

#define DIGEST "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static size_t without(int64_t after_seq, size_t size, struct recording_file *page)
{
	size_t count = 99;

	MUST(recordings_without_waveform(ledger.writer, after_seq, page, size, &count, &err));
	return count;
}

static bool set(struct str sid, int64_t generation, enum recording_waveform waveform)
{
	struct err ignored;
	bool is_set;

	MUST(catalog_begin(ledger.writer, &err));
	is_set = recordings_set_waveform(ledger.writer, sid, generation, waveform, &err);
	if (is_set)
		MUST(catalog_commit(ledger.writer, &ignored));
	else
		catalog_rollback(ledger.writer);
	return is_set;
}

static enum recording_waveform waveform_of(struct str sid)
{
	struct recording recording;

	MUST(recordings_find(ledger.writer, sid, &recording, &err));
	return recording.waveform;
}

static int64_t call_changed(unsigned n)
{
	char sid[SID_SIZE];
	struct call call;

	sid_text("CA", n, sid);
	MUST(calls_find(ledger.writer, str_of(sid), &call, &err));
	return call.changed_seq;
}

static void test_pages(void)
{
	struct recording_file page[4];
	char sid[SID_SIZE];

	announce(1, sid);
	IS_INT(without(0, 4, page), 0, "what is not stored has no waveform to come");
	for (unsigned n = 2; n <= 4; n++)
		store(n, sid);
	IS_INT(without(0, 2, page), 2, "a page");
	IS_STR(str_of(page[0].recording_sid), sid_text("RE", 2, sid), "the first");
	IS_STR(str_of(page[0].call_sid), sid_text("CA", 2, sid), "its call");
	IS_STR(str_of(page[0].path), STR("3f/x"), "its media");
	IS_INT(page[0].generation, 2, "its generation");
	IS_INT(page[0].size, 9, "its size");
	IS_STR(str_of(page[0].sha256), STR(""), "no digest yet");
	IS_INT(without(page[1].changed_seq, 2, page), 1, "the page after it");
	IS_STR(str_of(page[0].recording_sid), sid_text("RE", 4, sid), "the last");
	MUST(catalog_begin(ledger.writer, &err));
	MUST(recordings_set_digest(ledger.writer, str_of(sid), 4, DIGEST, &err));
	MUST(catalog_commit(ledger.writer, &err));
	IS_INT(without(0, 4, page), 3, "once there is a digest");
	IS_STR(str_of(page[2].sha256), STR(DIGEST), "it comes with it");
}

static void test_newest_first(void)
{
	struct recording_file page[4];
	char sid[SID_SIZE];
	size_t count;

	MUST(recordings_without_waveform_newest(ledger.writer, INT64_MAX, page, 2, &count, &err));
	IS_INT(count, 2, "the other way round: a page");
	IS_STR(str_of(page[0].recording_sid), sid_text("RE", 4, sid), "the newest");
	MUST(recordings_without_waveform_newest(ledger.writer, page[1].changed_seq, page, 2, &count,
						&err));
	IS_INT(count, 1, "the page after it");
	IS_STR(str_of(page[0].recording_sid), sid_text("RE", 2, sid), "the oldest");
}

static void test_set(void)
{
	struct recording_file page[4];
	char sid[SID_SIZE], other[SID_SIZE];
	int64_t changed_seq = call_changed(3);

	sid_text("RE", 3, sid);
	sid_text("RE", 2, other);
	OK(!set(str_of(sid), 2, RECORDING_WAVEFORM_STORED) && err.kind == ERR_CONFLICT,
	   "of another generation");
	OK(!set(STR("RE-none"), 3, RECORDING_WAVEFORM_STORED) && err.kind == ERR_NOT_FOUND,
	   "of no recording");
	IS_INT(without(0, 4, page), 3, "nothing came of these");
	OK(set(str_of(sid), 3, RECORDING_WAVEFORM_STORED), "its own");
	IS_INT(without(0, 4, page), 2, "it waits no more");
	IS_INT(waveform_of(str_of(sid)), RECORDING_WAVEFORM_STORED, "and says so");
	OK(call_changed(3) > changed_seq, "its call has changed: the list shows it");
	OK(set(str_of(other), 2, RECORDING_WAVEFORM_NONE), "that there is none");
	IS_INT(without(0, 4, page), 1, "is not looked for again");
	store(3, sid);
	IS_INT(waveform_of(str_of(sid)), RECORDING_WAVEFORM_PENDING, "stored again, none yet");
	store(2, other);
	IS_INT(without(0, 4, page), 3, "all are looked for");
	OK(set(str_of(sid), 3, RECORDING_WAVEFORM_STORED) &&
		   set(str_of(sid), 3, RECORDING_WAVEFORM_PENDING),
	   "one whose file is lost");
	IS_INT(without(0, 4, page), 3, "is looked for, too");
	MUST(catalog_begin(ledger.writer, &err));
	MUST(recordings_mark_purged(ledger.writer, str_of(sid), NOON, &err));
	MUST(catalog_commit(ledger.writer, &err));
	OK(!set(str_of(sid), 3, RECORDING_WAVEFORM_STORED) && err.kind == ERR_CONFLICT,
	   "purged: none");
	IS_INT(without(0, 4, page), 2, "nor is one wanted");
}

/* Among millions, finding what waits must not walk the rest. */
static void test_index(void)
{
	struct str plan = plan_of(ledger.writer->db,
				  "SELECT id FROM recordings WHERE waveform = 0 "
				  "AND stored_at_ms IS NOT NULL AND changed_seq > $1 "
				  "ORDER BY changed_seq");

	OK(plan_has(plan, "recordings_without_waveform"), "by the index: %.*s",
	   STR_ARG(str_first(plan, str_find(plan, '\n'))));
}

int main(void)
{
	ledger_open(&ledger);
	test_pages();
	test_newest_first();
	test_set();
	test_index();
	ledger_remove(&ledger);
	return tap_end();
}
