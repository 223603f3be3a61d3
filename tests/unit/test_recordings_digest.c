#include "catalog/recordings_digest.h"

#include "catalog/catalog_private.h"
#include "catalog/removals.h"
#include "stored_fixture.h"
#include "tap.h"
#include "test_plan.h"

#define DIGEST "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static size_t undigested(int64_t after_seq, size_t size, struct recording_file *page)
{
	size_t count = 99;

	MUST(recordings_undigested(ledger.writer, after_seq, page, size, &count, &err));
	return count;
}

static bool set_digest(struct str sid, int64_t generation, const char *sha256)
{
	struct err ignored;
	bool is_set;

	MUST(catalog_begin(ledger.writer, &err));
	is_set = recordings_set_digest(ledger.writer, sid, generation, sha256, &err);
	if (is_set)
		MUST(catalog_commit(ledger.writer, &ignored));
	else
		catalog_rollback(ledger.writer);
	return is_set;
}

static void test_pages(void)
{
	struct recording_file page[4];
	char sid[SID_SIZE];

	announce(1, sid);
	IS_INT(undigested(0, 4, page), 0, "what is not stored wants no digest");
	for (unsigned n = 2; n <= 4; n++)
		store(n, sid);
	IS_INT(undigested(0, 2, page), 2, "a page");
	IS_STR(str_of(page[0].recording_sid), sid_text("RE", 2, sid), "the first");
	IS_STR(str_of(page[0].call_sid), sid_text("CA", 2, sid), "its call");
	IS_STR(str_of(page[0].path), STR("3f/x"), "its place");
	IS_INT(page[0].generation, 2, "its generation");
	IS_INT(undigested(page[1].changed_seq, 2, page), 1, "the page after it");
	IS_STR(str_of(page[0].recording_sid), sid_text("RE", 4, sid), "the last");
}

static void test_set(void)
{
	struct recording_file page[4];
	struct recording recording;
	char sid[SID_SIZE];
	int64_t last_seq;

	sid_text("RE", 3, sid);
	OK(!set_digest(str_of(sid), 3, "abc") && err.kind == ERR_INVALID, "half a digest");
	OK(!set_digest(str_of(sid), 2, DIGEST) && err.kind == ERR_CONFLICT,
	   "of another generation");
	OK(!set_digest(STR("RE-none"), 3, DIGEST) && err.kind == ERR_CONFLICT, "of no recording");
	IS_INT(undigested(0, 4, page), 3, "nothing came of these");
	OK(set_digest(str_of(sid), 3, DIGEST), "its own");
	IS_INT(undigested(0, 4, page), 2, "it waits no more");
	MUST(recordings_find(ledger.writer, str_of(sid), &recording, &err));
	IS_STR(str_of(recording.sha256), STR(DIGEST), "and is there");
	IS_INT(undigested(0, 4, page), 2, "two are left");
	last_seq = page[1].changed_seq;
	store(3, sid);
	IS_INT(undigested(0, 4, page), 3, "stored again, it wants another");
	IS_INT(undigested(last_seq, 4, page), 1, "behind all that were listed before");
	IS_STR(str_of(page[0].recording_sid), str_of(sid), "it is the one");
	MUST(catalog_begin(ledger.writer, &err));
	MUST(recordings_mark_purged(ledger.writer, str_of(sid), NOON, &err));
	MUST(catalog_commit(ledger.writer, &err));
	OK(!set_digest(str_of(sid), 3, DIGEST) && err.kind == ERR_CONFLICT, "purged: none");
	IS_INT(undigested(0, 4, page), 2, "nor is one wanted");
}

/* Among millions, finding what waits must not walk the rest. */
static void test_index(void)
{
	struct str plan = plan_of(ledger.writer->db,
				  "SELECT id FROM recordings WHERE sha256 IS NULL "
				  "AND stored_at_ms IS NOT NULL AND changed_seq > $1 "
				  "ORDER BY changed_seq");

	OK(plan_has(plan, "recordings_undigested"), "by the index: %.*s",
	   STR_ARG(str_first(plan, str_find(plan, '\n'))));
}

int main(void)
{
	ledger_open(&ledger);
	test_pages();
	test_set();
	test_index();
	ledger_remove(&ledger);
	return tap_end();
}
