/*
 * Rows of chores/ that stand in one table each, and the pages in which what is stored is listed.
 */
#include "catalog/catalog_private.h"
#include "chores/imports.h"
#include "chores/recordings_age.h"
#include "chores/recordings_stored.h"
#include "chores/rescue.h"
#include "chores/row_columns.h"
#include "chores/upkeep.h"
#include "ledger_fixture.h"
#include "tap.h"

#define NOON  1700000000000
#define AC(n) "AC0000000000000000000000000000000" #n

static struct err err;
static struct ledger ledger;

static void change(const char *sql)
{
	MUST(catalog_begin(ledger.writer, &err));
	MUST(db_exec(ledger.writer->db, sql, &err));
	MUST(catalog_commit(ledger.writer, &err));
}

static int64_t ask(const char *sql)
{
	AUTO(db_stmt_reset) struct db_stmt *stmt = NULL;

	MUST(db_prepare(ledger.writer->db, sql, &stmt, &err) && db_step(stmt, &err) == DB_ROW);
	return db_column_int(stmt, 0);
}

/* ---- columns ---- */

struct thing {
	int64_t number;
	bool truth, other_truth;
	char text[8];
	int64_t behind; /* is none of the columns that are asked for */
};

static const struct row_column columns[] = {
	NUMBER_COLUMN(struct thing, number),     TRUTH_COLUMN(struct thing, truth),
	TRUTH_COLUMN(struct thing, other_truth), TEXT_COLUMN(struct thing, text),
	NUMBER_COLUMN(struct thing, behind),
};

static void test_columns(void)
{
	AUTO(db_stmt_reset) struct db_stmt *stmt = NULL;
	const struct thing in = { -5, true, false, "abcdefg", 9 };
	struct thing out = { .behind = 77 };

	MUST(db_prepare(ledger.writer->db, "SELECT $1, $2, $3, $4 || 'hij', $5, 'x', $6", &stmt,
			&err));
	db_bind_int(stmt, 6, 33);
	row_bind(stmt, 2, columns, 4, &in);
	db_bind_int(stmt, 1, 11);
	MUST(db_step(stmt, &err) == DB_ROW);
	IS_INT(db_column_int(stmt, 0), 11, "what stands before the first is not bound");
	OK(db_column_int(stmt, 1) == -5 && db_column_int(stmt, 2) == 1, "a number, and a truth");
	IS_STR(db_column_str(stmt, 3), STR("0hij"), "what is not true is 0");
	IS_STR(db_column_str(stmt, 4), STR("abcdefg"), "a text");
	IS_INT(db_column_int(stmt, 6), 33, "nor what stands behind the last");
	db_stmt_reset(TAKE(stmt));

	MUST(db_prepare(ledger.writer->db, "SELECT 1, -5, 2, 0, 'abcdefghi', 88", &stmt, &err));
	MUST(db_step(stmt, &err) == DB_ROW);
	row_read(stmt, 1, columns, 4, &out);
	OK(out.number == -5 && out.truth && !out.other_truth, "they are read");
	IS_STR(str_of(out.text), STR("abcdefg"), "a text that is too long is cut");
	IS_INT(out.behind, 77, "nothing else is");
}

/* ---- imports ---- */

static void test_imports(void)
{
	struct import row = { .account_sid = AC(1),
			      .since_ms = 1,
			      .before_ms = 2,
			      .asked_at_ms = 3,
			      .completed_at_ms = 4,
			      .reached_ms = 5,
			      .next_url = "/next",
			      .listed = 6,
			      .found = 7,
			      .malformed = 8,
			      .too_old = 9,
			      .failure = "it is not here" };
	struct import found;

	MUST(imports_find(ledger.writer, STR(AC(1)), &found, &err));
	IS_STR(str_of(found.account_sid), STR(AC(1)),
	       "where none was asked for there is its account");
	OK(found.asked_at_ms == 0 && found.since_ms == 0 && !found.next_url[0], "and nothing else");
	for (int i = 0; i < 2; i++) {
		MUST(catalog_begin(ledger.writer, &err));
		MUST(imports_set(ledger.writer, &row, &err));
		MUST(catalog_commit(ledger.writer, &err));
		MUST(imports_find(ledger.writer, STR(AC(1)), &found, &err));
		OK(strcmp(found.account_sid, row.account_sid) == 0 &&
			   found.since_ms == row.since_ms && found.before_ms == row.before_ms &&
			   found.asked_at_ms == row.asked_at_ms &&
			   found.completed_at_ms == row.completed_at_ms &&
			   found.reached_ms == row.reached_ms &&
			   strcmp(found.next_url, row.next_url) == 0 &&
			   found.listed == row.listed && found.found == row.found &&
			   found.malformed == row.malformed && found.too_old == row.too_old &&
			   strcmp(found.failure, row.failure) == 0,
		   "a row is found as it was set");
		row.reached_ms = 50;
		row.failure[0] = row.next_url[0] = '\0';
		row.found = 70;
	}
	IS_INT(ask("SELECT COUNT(*) FROM imports"), 1, "in the place of the one before");
	MUST(imports_find(ledger.writer, STR(AC(2)), &found, &err));
	OK(found.asked_at_ms == 0, "another account's is its own");
}

/* ---- what is stored ---- */

#define RECORDINGS                                                                              \
	"INSERT INTO recordings (id, recording_sid, call_sid, account_sid, direction, state, "  \
	"started_at_ms, stored_at_ms, purged_at_ms, is_held, upstream_copy, size, generation, " \
	"sha256, path, upstream, is_duration_off, channels_wanted, tries, changed_seq) VALUES "

static void test_stored(void)
{
	static const struct {
		int64_t id;
		bool is_stored, is_kept, is_named;
	} cases[] = {
		{ 1, false, true, false },   /* announced again, once stored */
		{ 2, false, true, false },   /* queued */
		{ 3, false, true, false },   /* waiting */
		{ 4, true, true, true },     /* stored */
		{ 5, false, true, true },    /* absent */
		{ 6, false, true, true },    /* dead */
		{ 7, false, true, true },    /* gone */
		{ 8, false, false, false },  /* purged */
		{ 9, false, false, false },  /* deleted */
		{ 10, false, false, false }, /* dead, and never stored */
		{ 11, false, false, false }, /* dead, and purged before */
	};
	static struct recording_stored stored[16], kept[16], named[16];
	size_t stored_count, kept_count, named_count, at[3] = { 0 };

	change(RECORDINGS
	       "(1, 'RE1', 'CA1', NULL, 0, 0, 1, 5, NULL, 0, 0, 1, 1, NULL, 'p1', 0, 0, 0, 0, 1),"
	       "(2, 'RE2', 'CA1', NULL, 0, 1, 1, 5, NULL, 0, 0, 1, 1, NULL, 'p2', 0, 0, 0, 0, 2),"
	       "(3, 'RE3', 'CA1', NULL, 0, 2, 1, 5, NULL, 0, 0, 1, 1, NULL, 'p3', 0, 0, 0, 0, 3),"
	       "(4, 'RE4', 'CA4', NULL, 0, 3, 1, 5, NULL, 0, 0, 44, 17, 'abcd', 'p4', 0, 0, 0, 0, 4),"
	       "(5, 'RE5', 'CA1', NULL, 0, 4, 1, 5, NULL, 0, 0, 1, 1, NULL, 'p5', 0, 0, 0, 0, 5),"
	       "(6, 'RE6', NULL, NULL, 0, 5, 1, 5, NULL, 0, 0, 1, 1, NULL, 'p6', 0, 0, 0, 0, 6),"
	       "(7, 'RE7', 'CA1', NULL, 0, 6, 1, 5, NULL, 0, 0, 1, 1, NULL, 'p7', 0, 0, 0, 0, 7),"
	       "(8, 'RE8', 'CA1', NULL, 0, 7, 1, 5, 6, 0, 0, 1, 1, NULL, 'p8', 0, 0, 0, 0, 8),"
	       "(9, 'RE9', 'CA1', NULL, 0, 8, 1, 5, 6, 0, 0, 1, 1, NULL, 'p9', 0, 0, 0, 0, 9),"
	       "(10, 'RE10', 'CA1', NULL, 0, 5, 1, NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, 0, 0, 0, 0, 10),"
	       "(11, 'RE11', 'CA1', NULL, 0, 5, 1, 5, 6, 0, 0, 1, 1, NULL, 'p11', 0, 0, 0, 0, 11)");
	MUST(recordings_list_stored(ledger.writer, 0, stored, 16, &stored_count, &err));
	MUST(recordings_list_kept(ledger.writer, 0, kept, 16, &kept_count, &err));
	MUST(recordings_list_named(ledger.writer, 0, named, 16, &named_count, &err));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		bool is_stored = at[0] < stored_count && stored[at[0]].id == cases[i].id;
		bool is_kept = at[1] < kept_count && kept[at[1]].id == cases[i].id;
		bool is_named = at[2] < named_count && named[at[2]].id == cases[i].id;

		at[0] += is_stored;
		at[1] += is_kept;
		at[2] += is_named;
		OK(is_stored == cases[i].is_stored && is_kept == cases[i].is_kept &&
			   is_named == cases[i].is_named,
		   "recording %d is stored, kept, has a name: %d, %d, %d", (int)cases[i].id,
		   is_stored, is_kept, is_named);
	}
	OK(at[0] == stored_count && at[1] == kept_count && at[2] == named_count, "and no others");
	OK(stored[0].size == 44 && stored[0].generation == 17 && !stored[0].is_given_up &&
		   strcmp(stored[0].recording_sid, "RE4") == 0 &&
		   strcmp(stored[0].call_sid, "CA4") == 0 &&
		   strcmp(stored[0].sha256, "abcd") == 0 && strcmp(stored[0].path, "p4") == 0,
	   "what is told of one that is stored");
	OK(!named[0].is_given_up && named[2].is_given_up && !named[2].call_sid[0] &&
		   !named[2].sha256[0],
	   "and of one that was given up, without a call, or a digest");
	MUST(recordings_list_kept(ledger.writer, 2, kept, 2, &kept_count, &err));
	OK(kept_count == 2 && kept[0].id == 3 && kept[1].id == 4, "a page behind another");
	MUST(recordings_list_kept(ledger.writer, 6, kept, 2, &kept_count, &err));
	OK(kept_count == 1 && kept[0].id == 7, "the last page");
	change("DELETE FROM recordings");
}

/* ---- by age ---- */

static void test_ages(void)
{
	struct age_range range = { AC(2), RETENTION_INBOUND, UPSTREAM_COPY_SPARED };
	char account[SID_SIZE] = "";
	struct age_row out[8];
	bool is_found = false;
	int64_t oldest_ms = -1, rows = 1;
	uint64_t bytes = 1000;
	size_t count;

	MUST(ages_next_account(ledger.writer, "", account, &is_found, &err));
	OK(!is_found, "nothing is there of any account");
	change(RECORDINGS "(21, 'RE21', 'CA1', '" AC(
		2) "', 1, 3, 100, 5, NULL, 0, 1, 1, 1, NULL, 'p', 0, 0, 0, 0, 1),"
		   "(22, 'RE22', NULL, '" AC(
			   2) "', 1, 5, 100, 5, NULL, 0, 1, 2, 1, NULL, 'p', 0, 0, 0, 0, 2),"
			      "(23, 'RE23', 'CA3', '" AC(
				      2) "', 1, 3, 200, 5, NULL, 0, 1, 4, 1, NULL, 'p', 0, 0, 0, 0, 3),"
					 "(24, 'RE24', 'CA1', '" AC(
						 2) "', 1, 3, 300, 5, NULL, 0, 1, 8, 1, NULL, 'p', 0, 0, 0, 0, 4),"
						    "(25, 'RE25', 'CA1', '" AC(
							    2) "', 1, 3, 150, 5, NULL, 1, 1, 16, 1, NULL, 'p', 0, 0, 0, 0, 5),"
							       "(26, 'RE26', 'CA1', '" AC(
								       2) "', 1, 7, 150, 5, 6, 0, 1, 32, 1, NULL, 'p', 0, 0, 0, 0, 6),"
									  "(27, 'RE27', 'CA1', '" AC(
										  2) "', 2, 3, 150, 5, NULL, 0, 1, 64, 1, NULL, 'p', 0, 0, 0, 0, 7),"
										     "(28, 'RE28', 'CA1', '" AC(
											     2) "', 1, 3, 150, 5, NULL, 0, 2, 128, 1, NULL, 'p', 0, 0, 0, 0, 8),"
												"(29, 'RE29', 'CA1', '" AC(
													3) "', 1, 3, 150, 5, NULL, 0, 1, 256, 1, NULL, 'p', 0, 0, 0, 0, 9),"
													   "(30, 'RE30', 'CA1', NULL, 1, 3, 150, 5, NULL, 0, 1, 512, 1, NULL, 'p', 0, 0, 0, 0, 10),"
													   "(31, 'RE31', 'CA1', '" AC(
														   2) "', 1, 1, 150, NULL, NULL, 0, 1, 1, 1, NULL, NULL, 0, 0, 0, 0, 11),"
														      "(32, 'RE32', 'CA1', '" AC(
															      4) "', 1, 3, 150, 5, NULL, 1, 1, 1, 1, NULL, 'p', 0, 0, 0, 0, 12)");
	MUST(ages_next_account(ledger.writer, account, account, &is_found, &err));
	OK(is_found && strcmp(account, AC(2)) == 0, "the first account that has any");
	MUST(ages_next_account(ledger.writer, account, account, &is_found, &err));
	OK(is_found && strcmp(account, AC(3)) == 0, "the next");
	MUST(ages_next_account(ledger.writer, account, account, &is_found, &err));
	OK(!is_found, "and no one that has what is held alone");

	MUST(ages_list(ledger.writer, &range, AGE_START, 300, out, 8, &count, &err));
	OK(count == 3 && out[0].id == 21 && out[1].id == 22 && out[2].id == 23,
	   "of a range, what began before an instant, the oldest first: %zu", count);
	OK(strcmp(out[2].recording_sid, "RE23") == 0 && strcmp(out[2].call_sid, "CA3") == 0 &&
		   out[2].size == 4 && out[2].kept.started_at_ms == 200 &&
		   out[2].kept.way == RETENTION_INBOUND && !out[2].kept.is_held &&
		   strcmp(out[2].kept.account_sid, AC(2)) == 0 && !out[1].call_sid[0],
	   "with what is told of it");
	MUST(ages_list(ledger.writer, &range, AGE_START, 301, out, 1, &count, &err));
	OK(count == 1 && out[0].id == 21, "a page of one");
	MUST(ages_list(ledger.writer, &range, age_place_of(&out[0]), 301, out, 8, &count, &err));
	OK(count == 3 && out[0].id == 22 && out[2].id == 24, "the one behind it");
	MUST(ages_sum(ledger.writer, &range, 300, &rows, &bytes, &err));
	OK(rows == 4 && bytes == 1007, "summed up, to what was summed up before");
	MUST(ages_oldest(ledger.writer, &range, &oldest_ms, &err));
	IS_INT(oldest_ms, 100, "when the oldest began");
	range.copy = UPSTREAM_COPY_NEEDED;
	MUST(ages_oldest(ledger.writer, &range, &oldest_ms, &err));
	IS_INT(oldest_ms, 0, "there is none");
	MUST(ages_sum(ledger.writer, &range, 300, &rows, &bytes, &err));
	OK(rows == 4 && bytes == 1007, "and nothing to sum up");
	range = (struct age_range){ "", RETENTION_INBOUND, UPSTREAM_COPY_SPARED };
	MUST(ages_list(ledger.writer, &range, AGE_START, 300, out, 8, &count, &err));
	OK(count == 1 && out[0].id == 30 && !out[0].kept.account_sid[0],
	   "those whose account is not known");
	change("DELETE FROM recordings");
}

/* ---- upkeep ---- */

static void test_upkeep(void)
{
	char id[UPKEEP_ID_SIZE], other[UPKEEP_ID_SIZE], text[UPKEEP_TEXT_SIZE];
	struct upkeep row;
	int64_t written_ms = -1;

	MUST(upkeep_find(ledger.writer, UPKEEP_CLOCK, &row, &err));
	OK(row.at_ms == 0 && row.count == 0, "there is no such row");
	MUST(upkeep_find_id(ledger.writer, UPKEEP_STORE, id, &err));
	MUST(upkeep_find_text(ledger.writer, UPKEEP_MOVED_STORE, text, &err));
	OK(!id[0] && !text[0], "nor an id, nor a text");
	MUST(catalog_begin(ledger.writer, &err));
	MUST(upkeep_set(ledger.writer, UPKEEP_CLOCK, &(struct upkeep){ NOON, 3 }, &err));
	MUST(upkeep_make_id(ledger.writer, UPKEEP_STORE, id, &err));
	MUST(upkeep_make_id(ledger.writer, UPKEEP_STORE, other, &err));
	OK(strlen(id) == UPKEEP_ID_SIZE - 1 && strcmp(id, other) == 0, "an id is made once: %s",
	   id);
	MUST(upkeep_set_id(ledger.writer, UPKEEP_STORE, "another", &err));
	MUST(upkeep_find_id(ledger.writer, UPKEEP_STORE, other, &err));
	IS_STR(str_of(other), str_of(id), "and one that is there stays");
	MUST(upkeep_make_id(ledger.writer, "second", other, &err));
	OK(strcmp(id, other) != 0, "another one is another");
	MUST(upkeep_set_text(ledger.writer, UPKEEP_MOVED_STORE, "one", &err));
	MUST(upkeep_set_text(ledger.writer, UPKEEP_MOVED_STORE, "two", &err));
	MUST(upkeep_find_text(ledger.writer, UPKEEP_MOVED_STORE, text, &err));
	IS_STR(str_of(text), STR("two"), "a text takes the place of another");
	MUST(upkeep_set(ledger.writer, UPKEEP_MOVED_STORE,
			&(struct upkeep){ .count = UPKEEP_MOVED_AWAITED }, &err));
	MUST(upkeep_find_text(ledger.writer, UPKEEP_MOVED_STORE, text, &err));
	IS_STR(str_of(text), STR("two"), "and stays when its count changes");
	MUST(upkeep_pause_purge(ledger.writer, UPKEEP_PAUSE_RESTORED, &err));
	(void)catalog_next_sequence(ledger.writer);
	MUST(catalog_commit(ledger.writer, &err));
	MUST(upkeep_find(ledger.writer, UPKEEP_CLOCK, &row, &err));
	OK(row.at_ms == NOON && row.count == 3, "a row is found as it was set");
	MUST(upkeep_find(ledger.writer, UPKEEP_PURGE_PAUSE, &row, &err));
	OK(row.at_ms == 1 && row.count == UPKEEP_PAUSE_RESTORED, "a pause, and why");
	MUST(upkeep_last_write(ledger.writer, &written_ms, &err));
	IS_INT(written_ms, ask("SELECT MAX(at_ms) FROM turns"), "when it was last written to");
	OK(written_ms > NOON, "is not never");
}

/* ---- what is rescued ---- */

#define INT(n)                                  \
	{                                       \
		.type = RESCUE_INT, .number = n \
	}
#define TEXT(t)                                      \
	{                                            \
		.type = RESCUE_TEXT, .bytes = STR(t) \
	}

static void test_rescue(void)
{
	static const struct rescue_value chain[] = {
		INT(9), TEXT("key"), INT(NOON), INT(0), { .type = RESCUE_NULL }
	};
	static const struct rescue_value event[] = { INT(77), INT(1), INT(NOON) };
	static const struct rescue_value credential[] = { INT(5),
							  INT(1),
							  TEXT("abcdefgh"),
							  { .type = RESCUE_BYTES,
							    .bytes = STR("\xff\x01") },
							  INT(12345) };
	static const size_t columns_of[RESCUE_TABLES] = { 24, 10, 21, 14, 5 };
	char why[200] = "x";
	bool is_taken = false;
	int64_t before, after;

	for (int i = 0; i < RESCUE_TABLES; i++)
		IS_INT(rescue_columns((enum rescue_table)i), columns_of[i], "columns of table %d",
		       i);
	MUST(catalog_begin(ledger.writer, &err));
	MUST(rescue_put(ledger.writer, RESCUE_AUDIT_CHAINS, 0, chain, ARRAY_LEN(chain), &is_taken,
			&err));
	OK(is_taken, "a row is put");
	IS_INT(ask("SELECT COUNT(*) FROM audit_chains WHERE chain = 9 AND key_id = 'key' AND "
		   "pruned_mac IS NULL"),
	       1, "as it was");
	MUST(rescue_put(ledger.writer, RESCUE_AUDIT_CHAINS, 0, chain, ARRAY_LEN(chain), &is_taken,
			&err));
	OK(!is_taken, "what is there already stays");
	MUST(rescue_put(ledger.writer, RESCUE_EVENTS, 42, event, ARRAY_LEN(event), &is_taken,
			&err));
	IS_INT(ask("SELECT COUNT(*) FROM events WHERE seq = 42 AND kind = 1 AND raw IS NULL AND "
		   "request_id IS NULL"),
	       1, "an event has the number that is said, and what is not told of it is not known");
	OK(!rescue_put(ledger.writer, RESCUE_CREDENTIALS, 0, credential, ARRAY_LEN(credential),
		       &is_taken, &err) &&
		   err.kind == ERR_CONFLICT,
	   "what needs a user that is missing cannot be so: %s", err.text);
	catalog_rollback(ledger.writer);

	MUST(catalog_begin(ledger.writer, &err));
	MUST(catalog_sequence(ledger.writer, &before, &err));
	MUST(rescue_leap(ledger.writer, CATALOG_LEAP - 1, &err));
	MUST(catalog_sequence(ledger.writer, &after, &err));
	OK(after - before >= 2 * CATALOG_LEAP && after - before < 3 * CATALOG_LEAP,
	   "two leaps behind what lies before the first");
	before = after;
	MUST(rescue_leap(ledger.writer, CATALOG_LEAP, &err));
	MUST(catalog_sequence(ledger.writer, &after, &err));
	OK(after - before >= 3 * CATALOG_LEAP && after - before < 4 * CATALOG_LEAP,
	   "three behind what lies at it");
	catalog_rollback(ledger.writer);

	OK(rescue_examine(ledger.path, why, sizeof(why), &err) && !why[0],
	   "nothing is wrong with a ledger");
	OK(rescue_examine("/dev/null/x", why, sizeof(why), &err) ? why[0] != '\0'
								 : err.kind == ERR_UNAVAILABLE,
	   "what is not there is not well");
}

/* The call's address means the recording that it meant. */
static void test_rescue_main(void)
{
	change("INSERT INTO calls (id, call_sid, status, direction, started_at_ms, started_rank, "
	       "main_recording_id, is_main_fixed, recording_group, recordings, changed_seq) VALUES "
	       "(1, 'CA1', 1, 1, 1, 1, 51, 0, 0, 2, 1), (2, 'CA2', 1, 1, 1, 1, NULL, 0, 0, 0, 1);" RECORDINGS
	       "(51, 'RE51', 'CA1', NULL, 0, 3, 1, 5, NULL, 0, 0, 1, 1, NULL, 'p', 0, 0, 0, 0, 1),"
	       "(52, 'RE52', 'CA1', NULL, 0, 3, 1, 5, NULL, 0, 0, 1, 1, NULL, 'p', 0, 0, 0, 0, 2);"
	       "UPDATE recordings SET call_id = 1");
	MUST(catalog_begin(ledger.writer, &err));
	MUST(rescue_main(ledger.writer, STR("CA1"), STR("RE51"), &err));
	IS_INT(ask("SELECT is_main_fixed FROM calls WHERE id = 1"), 0,
	       "where it is so already nothing happens");
	MUST(rescue_main(ledger.writer, STR("CA2"), STR("RE52"), &err));
	MUST(rescue_main(ledger.writer, STR("CA1"), STR("RE53"), &err));
	IS_INT(ask("SELECT SUM(is_main_fixed) FROM calls"), 0,
	       "nor with another call's, nor with one that is not known");
	MUST(rescue_main(ledger.writer, STR("CA1"), STR("RE52"), &err));
	IS_INT(ask("SELECT COUNT(*) FROM calls WHERE id = 1 AND is_main_fixed = 1 AND "
		   "main_recording_id = 52 AND changed_seq > 1"),
	       1, "it is this one, and stays so");
	MUST(catalog_commit(ledger.writer, &err));
}

int main(void)
{
	ledger_open(&ledger);
	test_columns();
	test_imports();
	test_stored();
	test_ages();
	test_upkeep();
	test_rescue();
	test_rescue_main();
	ledger_remove(&ledger);
	return tap_end();
}
