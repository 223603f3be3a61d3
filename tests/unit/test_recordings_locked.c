#include "chores/recordings_locked.h"

#include "catalog/catalog_sql.h"
#include "ledger_fixture.h"
#include "tap.h"

#define NOON    1700000000000
#define DETAILS "{\"type\":\"rsa-aes\"}"

static struct err err;
static struct ledger ledger;

static void announce(unsigned n, char sid[SID_SIZE])
{
	struct projection_result result;
	char call_sid[SID_SIZE];
	struct event event;

	event_init(&event, EVENT_RECORDING_STATUS, NOON + n);
	event.call_sid = sid_text("CA", n, call_sid);
	event.recording_sid = sid_text("RE", n, sid);
	event.status = STR("completed");
	ledger_append(&ledger, &event);
	ledger_project(&ledger, &result);
}

/* A dead letter of that reason. */
static void plant(unsigned n, const char *details, const char *reason_code)
{
	char sid[SID_SIZE];

	announce(n, sid);
	MUST(catalog_begin(ledger.writer, &err));
	if (details)
		MUST(recordings_set_encryption(ledger.writer, str_of(sid), str_of(details), &err));
	MUST(recordings_mark_dead(ledger.writer, str_of(sid), reason_code, "public key CR", &err));
	MUST(catalog_commit(ledger.writer, &err));
}

static void is_by_an_index(void)
{
	AUTO(db_stmt_reset) struct db_stmt *plan = NULL;
	char text[200] = "";

	MUST(db_prepare(catalog_db(ledger.writer),
			"EXPLAIN QUERY PLAN SELECT changed_seq FROM recordings WHERE state = 5 AND "
			"encryption IS NOT NULL AND reason_code IN ('key_missing', 'key_wrong') "
			"AND changed_seq > $1 ORDER BY changed_seq LIMIT $2",
			&plan, &err));
	while (db_step(plan, &err) == DB_ROW)
		str_fit(db_column_str(plan, 3), text, sizeof(text));
	OK(strstr(text, "recordings_locked"), "by its own index: %s", text);
}

int main(void)
{
	struct recording_locked found[3];
	struct recording recording;
	char sid[SID_SIZE];
	int64_t locked;
	size_t count;

	ledger_open(&ledger);
	plant(1, DETAILS, "key_missing");
	plant(2, DETAILS, "upstream_unavailable");
	plant(3, DETAILS, "key_wrong");
	plant(4, NULL, "key_missing");
	plant(5, DETAILS, "key_missing");
	MUST(recordings_count_locked(ledger.writer, &locked, &err));
	IS_INT(locked, 3, "encrypted, and given up for want of a key");
	MUST(recordings_list_locked(ledger.writer, 0, found, 2, &count, &err));
	IS_INT(count, 2, "a page");
	IS_STR(str_of(found[0].recording_sid), sid_text("RE", 1, sid), "the first");
	IS_STR(str_of(found[0].encryption), STR(DETAILS), "its details");
	IS_STR(str_of(found[0].reason_text), STR("public key CR"), "and its reason");
	MUST(recordings_list_locked(ledger.writer, found[1].changed_seq, found, 2, &count, &err));
	IS_INT(count, 1, "the last page");
	IS_STR(str_of(found[0].recording_sid), sid_text("RE", 5, sid), "the last");

	MUST(catalog_begin(ledger.writer, &err));
	MUST(recordings_requeue(ledger.writer, str_of(sid), NOON, &err));
	MUST(catalog_commit(ledger.writer, &err));
	MUST(recordings_count_locked(ledger.writer, &locked, &err));
	IS_INT(locked, 2, "one is tried again");
	MUST(recordings_find(ledger.writer, str_of(sid), &recording, &err));
	OK(recording.is_encrypted, "and is known to be encrypted");
	MUST(catalog_begin(ledger.writer, &err));
	OK(!recordings_set_encryption(ledger.writer, STR("RE00000000000000000000000000000099"),
				      STR(DETAILS), &err) &&
		   err.kind == ERR_NOT_FOUND,
	   "of one that is not there");
	catalog_rollback(ledger.writer);
	is_by_an_index();
	ledger_remove(&ledger);
	return tap_end();
}
