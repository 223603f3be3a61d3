/*
 * A ledger is rebuilt from what is left of it, and from the store: when it is refused, under which names, and what is there then.
 */
#include "rebuild/rebuild.h"

#include "accounts/credentials.h"
#include "backup/restore.h"
#include "base/clock.h"
#include "base/progress.h"
#include "blob/blob.h"
#include "catalog/catalog_private.h"
#include "chores/recordings_age.h"
#include "chores/upkeep.h"
#include "chores/upstream_deletions.h"
#include "chores/verifications.h"
#include "ledger_fixture.h"
#include "tap.h"

#include <ftw.h>
#include <time.h>

#define NOON      1700000000000
#define SOUND     "mp3-mono-22k.mp3"
#define ZEROS     "0000000000000000000000000000000"
#define STAMP_LEN 16 /* 20261201T040000Z */

/* Of a recording whose number has one digit, and a generation. */
#define FILE_OF(n, generation) "CA" ZEROS n ".RE" ZEROS n "." generation ".mp3"

static struct err err;
static struct ledger ledger;

static int remove_entry(const char *path, const struct stat *about, int kind, struct FTW *at)
{
	return remove(path);
}

static void run_in_folder(const char *command)
{
	AUTO(free) char *whole = xasprintf("cd %s && %s", ledger.folder, command);

	MUST(system(whole) == 0 || err_set(&err, ERR_INTERNAL, "%s", command));
}

static bool is_there(const char *name)
{
	AUTO(free) char *path = xasprintf("%s/%s", ledger.folder, name);

	return access(path, F_OK) == 0;
}

/* ---- what there is ---- */

static void write_media(unsigned n)
{
	char call[SID_SIZE], sid[SID_SIZE], name[BLOB_NAME_SIZE];
	AUTO(free) char *path = NULL;
	FILE *file;

	MUST(blob_name_make(sid_text("CA", n, call), sid_text("RE", n, sid), n, STR("mp3"), name,
			    &err));
	path = xasprintf("%s/recordings/%s", ledger.folder, name);
	file = fopen(path, "w");
	if (!file || fputs("sounds so", file) < 0 || fclose(file) != 0)
		abort();
}

/* In a transaction. */
static void append_event(unsigned n, unsigned call_of_it)
{
	char call[SID_SIZE], sid[SID_SIZE];
	struct event event;
	int64_t seq;

	event_init(&event, EVENT_RECORDING_STATUS, NOON + n);
	event.call_sid = sid_text("CA", call_of_it, call);
	event.recording_sid = sid_text("RE", n, sid);
	event.status = STR("completed");
	MUST(events_append(ledger.writer, &event, &seq, &err));
}

static void mark_stored(unsigned n)
{
	char call[SID_SIZE], sid[SID_SIZE], name[BLOB_NAME_SIZE];
	struct recording_media media = {
		.stored_at_ms = NOON, .generation = n, .size = 9, .format = "mp3", .path = name
	};

	MUST(blob_name_make(sid_text("CA", n, call), sid_text("RE", n, sid), n, STR("mp3"), name,
			    &err));
	MUST(recordings_mark_stored(ledger.writer, str_of(sid), &media, &err));
}

/* Rows of it may be made to say anything. */
static void make_empty(void)
{
	ledger_open(&ledger);
	MUST(db_exec(catalog_db(ledger.writer),
		     "PRAGMA foreign_keys = off; PRAGMA synchronous = off", &err));
	run_in_folder("mkdir -p recordings/00");
}

/* So many recordings that are stored, of which the last few have no file. */
static void make_open(unsigned stored, unsigned missing)
{
	struct projection_result result;

	make_empty();
	MUST(catalog_begin(ledger.writer, &err));
	for (unsigned n = 1; n <= stored; n++)
		append_event(n, n);
	do
		MUST(projection_run(ledger.writer, PROJECTION_EVENTS_MAX, &result, &err));
	while (result.more);
	for (unsigned n = 1; n <= stored; n++) {
		mark_stored(n);
		if (n <= stored - missing)
			write_media(n);
	}
	MUST(catalog_commit(ledger.writer, &err));
}

/* The ledger is closed then. */
static void make(unsigned stored, unsigned missing)
{
	make_open(stored, missing);
	catalog_free(TAKE(ledger.writer));
}

static void clear(void)
{
	nftw(ledger.folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static bool rebuild(struct rebuild_report *report, bool though_files_missing)
{
	const struct rebuild_options options = { .data_dir = ledger.folder,
						 .though_whole = true,
						 .though_files_missing = though_files_missing };

	return rebuild_run(&options, report, &err);
}

/* ---- is the store there? ---- */

static void test_missing_files(void)
{
	static const struct {
		unsigned stored, missing;
		bool is_refused;
	} cases[] = {
		{ 1, 0, false }, { 2, 1, false },  { 3, 2, false }, { 4, 3, true },
		{ 29, 3, true }, { 30, 3, false }, { 39, 4, true }, { 40, 4, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		unsigned stored = cases[i].stored, missing = cases[i].missing;
		struct rebuild_report report;
		bool is_done;

		make(stored, missing);
		is_done = rebuild(&report, false);
		OK(is_done == !cases[i].is_refused, "of %u files %u are missing: %s%s", stored,
		   missing, is_done ? "a few are no sign of anything" : "",
		   is_done ? "" : err.text);
		if (!is_done) {
			OK(err.kind == ERR_UNAVAILABLE && !is_there(REBUILD_UNFINISHED) &&
				   !report.set_aside[0],
			   "it is as it was");
			OK(rebuild(&report, true), "unless it is asked for: %s", err.text);
		}
		IS_INT(report.stored, stored - missing, "those that are there are stored");
		IS_INT(report.to_fetch, missing, "the others are fetched");
		clear();
	}
}

/* Its disk is not mounted, perhaps. */
static void test_no_store(void)
{
	struct rebuild_report report;

	make(1, 1);
	run_in_folder("rm -r recordings");
	OK(!rebuild(&report, false) && err.kind == ERR_UNAVAILABLE, "one file, and no folder: %s",
	   err.text);
	OK(rebuild(&report, true) && report.to_fetch == 1, "unless it is asked for: %s", err.text);
	clear();

	make(0, 0);
	run_in_folder("rm -r recordings");
	OK(!rebuild(&report, false) && err.kind == ERR_UNAVAILABLE &&
		   strstr(err.text, "nothing can be read"),
	   "an empty ledger, and no folder: %s", err.text);
	clear();

	make(0, 0);
	run_in_folder("rm -r recordings ledger.db*");
	OK(!rebuild(&report, true) && err.kind == ERR_NOT_FOUND, "nothing at all: %s", err.text);
	clear();
}

/* ---- what is there then ---- */

static bool is_of_just_now(const char *stamp)
{
	struct tm parts = { 0 };
	const char *end = strptime(stamp, "%Y%m%dT%H%M%SZ", &parts);
	int64_t at_ms = (int64_t)timegm(&parts) * 1000;

	return end && *end == '\0' && at_ms <= clock_wall_ms() &&
	       at_ms > clock_wall_ms() - 10 * 60 * 1000;
}

static void test_names(void)
{
	const struct rebuild_options when_damaged = { .data_dir = ledger.folder };
	struct rebuild_report report;
	struct upkeep clock, pause;
	int64_t before, after;

	make(3, 0);
	MUST(catalog_open(ledger.path, CATALOG_READ, &ledger.writer, &err) &&
	     catalog_sequence(ledger.writer, &before, &err));
	catalog_free(TAKE(ledger.writer));
	OK(!rebuild_run(&when_damaged, &report, &err) && err.kind == ERR_CONFLICT,
	   "what is whole is left alone: %s", err.text);
	run_in_folder("cp ledger.db old.db");
	OK(rebuild(&report, false), "unless it is asked for: %s", err.text);
	OK(strlen(report.set_aside) > STAMP_LEN && is_there(report.set_aside),
	   "the old one is set aside: %s", report.set_aside);
	OK(is_of_just_now(report.set_aside + strlen(report.set_aside) - STAMP_LEN),
	   "under the instant at which it was");
	{
		AUTO(free) char *compare = xasprintf("cmp old.db %s", report.set_aside);

		run_in_folder(compare);
	}
	OK(!is_there(REBUILD_UNFINISHED) && !is_there(REBUILD_WHOLE) &&
		   !is_there(REBUILD_WHOLE "-wal"),
	   "nothing else is left");
	OK(report.calls == 3 && report.recordings == 3 && report.events == 3 &&
		   report.events_missing == 0 && report.stored == 3 && report.adopted == 0,
	   "all is known that was");
	MUST(catalog_open(ledger.path, CATALOG_READ, &ledger.writer, &err));
	MUST(upkeep_find(ledger.writer, UPKEEP_CLOCK, &clock, &err));
	IS_INT(clock.at_ms, NOON + 3, "its clock was right when the last event came");
	MUST(upkeep_find(ledger.writer, UPKEEP_PURGE_PAUSE, &pause, &err));
	OK(pause.at_ms != 0 && pause.count == UPKEEP_PAUSE_REBUILT,
	   "nothing is removed by age for a while");
	MUST(catalog_sequence(ledger.writer, &after, &err));
	OK(after >= before + CATALOG_LEAP, "and numbers leap");
	catalog_free(TAKE(ledger.writer));
	clear();
}

static void test_store_alone(void)
{
	struct rebuild_report report;

	make(4, 1);
	run_in_folder(
		"rm ledger.db* && cd recordings/00 && cp \"$TEST_DATA\"/audio/" SOUND
		" " FILE_OF("1", "1") " && cp " FILE_OF("1", "1") " " FILE_OF(
			"2", "1") " && head -c 3000 " FILE_OF("1", "1") " > " FILE_OF("3", "3"));
	OK(rebuild(&report, false), "there is a store, and no ledger: %s", err.text);
	OK(report.recordings == 3 && report.stored == 0,
	   "its files say of which recordings they are");
	IS_INT(report.adopted, 2,
	       "one that is sound is kept, an older one, too, and none that is cut");
	OK(!report.set_aside[0] && strstr(report.why, "not there"),
	   "there was nothing to set aside");
	clear();
}

static void test_refused(void)
{
	AUTO(close) int fd = -1;
	struct rebuild_report report;

	make(1, 0);
	run_in_folder("touch " RESTORE_UNFINISHED);
	OK(!rebuild(&report, true) && err.kind == ERR_CONFLICT && strstr(err.text, "restore"),
	   "a restore has not come to its end: %s", err.text);
	run_in_folder("rm " RESTORE_UNFINISHED);
	{
		AUTO(free) char *lock = xasprintf("%s/lock", ledger.folder);

		MUST(file_take_lock(lock, &fd, &err));
	}
	OK(!rebuild(&report, true) && err.kind == ERR_CONFLICT, "a server runs: %s", err.text);
	close(TAKE_FD(fd));
	run_in_folder("cp ledger.db " REBUILD_WHOLE);
	run_in_folder("echo garbage > ledger.db");
	OK(rebuild(&report, true) && report.set_aside[0] && !is_there(REBUILD_WHOLE),
	   "one that was killed when all but the names was done is brought to its end: %s",
	   err.text);
	OK(catalog_check(ledger.path, &err), "with the new one: %s", err.text);
	clear();
	OK(!rebuild(&report, true) && err.kind == ERR_NOT_FOUND, "there is no folder: %s",
	   err.text);
}

/* ---- what rows tell ---- */

#define SHA256_OF_FILE  "7bf02b50abb3a6a3e9ab938ceaaa8d4358b9b3f7c79f222cd24146b65537a010"
#define SHA256_OF_OTHER "0000000000000000000000000000000000000000000000000000000000000000"

static void damage(const char *sql)
{
	MUST(catalog_begin(ledger.writer, &err));
	MUST(db_exec(catalog_db(ledger.writer), sql, &err));
	MUST(catalog_commit(ledger.writer, &err));
}

static struct rebuild_report rebuild_damaged(void)
{
	struct rebuild_report report;

	catalog_free(TAKE(ledger.writer));
	MUST(rebuild(&report, false));
	MUST(catalog_open(ledger.path, CATALOG_READ, &ledger.writer, &err));
	return report;
}

/* One number, or text, that the new ledger answers. */
static int64_t told_int(const char *literal)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;

	MUST(db_prepare(catalog_db(ledger.writer), literal, &find, &err) &&
	     db_step(find, &err) == DB_ROW);
	return db_column_int(find, 0);
}

static void is_told(const char *literal, const char *want)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;

	MUST(db_prepare(catalog_db(ledger.writer), literal, &find, &err));
	IS_STR(db_step(find, &err) == DB_ROW ? db_column_str(find, 0) : STR("no row"), str_of(want),
	       "%s", want);
}

enum fate {
	AS_STORED, /* its file and its generation are known */
	TO_FETCH,
	IS_PURGED,
	IS_DELETED,
};

#define NO_FAULT (-1)
#define REMOVED  NOON + 5

/* Recording n is the n-th of these: its row was, before the ledger was damaged, changed so. */
static const struct {
	const char *name, *row; /* of an UPDATE */
	enum fate fate;
	bool is_held, has_digest;
	enum upstream_copy copy;
	int fault; /* its kind */
} rows[] = {
	{ "stored", "duration_s = 7", AS_STORED, false, false, 0, NO_FAULT },
	{ "held", "is_held = 1, hold_by = 'somebody', hold_since_ms = 9, hold_reason = 'a dispute'",
	  AS_STORED, true, false, 0, NO_FAULT },
	{ "its digest is known", "sha256 = '" SHA256_OF_FILE "'", AS_STORED, false, true, 0,
	  NO_FAULT },
	{ "purged", "state = 7, path = NULL, purged_at_ms = 1700000000005", IS_PURGED, false, false,
	  0, NO_FAULT },
	{ "deleted", "state = 8, path = NULL, purged_at_ms = 1700000000005", IS_DELETED, false,
	  false, 0, NO_FAULT },
	{ "purged, but its path is there", "state = 7, purged_at_ms = 1700000000005", AS_STORED,
	  false, false, 0, NO_FAULT },
	{ "purged, but at no time", "state = 7, path = NULL", TO_FETCH, false, false, 0, NO_FAULT },
	{ "purged, but held", "state = 7, path = NULL, purged_at_ms = 1700000000005, is_held = 1",
	  TO_FETCH, true, false, 0, NO_FAULT },
	{ "a state that is none", "state = 200", TO_FETCH, false, false, 0, NO_FAULT },
	{ "its file has another size", "size = 10", TO_FETCH, false, false, 0, STORE_FAULT_SIZE },
	{ "of no size", "size = 0", TO_FETCH, false, false, 0, NO_FAULT },
	{ "of no generation", "generation = 0", TO_FETCH, false, false, 0, NO_FAULT },
	{ "of a generation that was never given", "generation = 281474976710655", TO_FETCH, false,
	  false, 0, NO_FAULT },
	{ "its path is no name", "path = '../ledger.db'", TO_FETCH, false, false, 0, NO_FAULT },
	{ "Twilio's copy is needed", "upstream_copy = 3", AS_STORED, false, false,
	  UPSTREAM_COPY_NEEDED, NO_FAULT },
	{ "Twilio's copy was deleted", "upstream_copy = 2", AS_STORED, false, false,
	  UPSTREAM_COPY_DELETED, NO_FAULT },
	{ "Twilio's copy could go, once it was read again", "upstream_copy = 1", AS_STORED, false,
	  false, UPSTREAM_COPY_THERE, NO_FAULT },
	{ "to be fetched, with a file of which nothing is known", "state = 1", AS_STORED, false,
	  false, 0, NO_FAULT },
	{ "to be fetched, with a file that is as it was",
	  "state = 1, reason_code = 'lost', sha256 = '" SHA256_OF_FILE "'", AS_STORED, false, true,
	  0, NO_FAULT },
	{ "to be fetched, with a file that is not as it was",
	  "state = 1, sha256 = '" SHA256_OF_OTHER "'", TO_FETCH, false, false, 0,
	  STORE_FAULT_BYTES },
	{ "lost, and nobody knows its digest", "state = 1, reason_code = 'lost'", TO_FETCH, false,
	  false, 0, STORE_FAULT_BYTES },
	{ "to be fetched, as Twilio has other bytes", "state = 1, reason_code = 'other_bytes'",
	  TO_FETCH, false, false, 0, NO_FAULT },
	{ "to be fetched, and its bytes are known to be others", "state = 1", TO_FETCH, false,
	  false, 0, STORE_FAULT_BYTES },
	{ "to be fetched, and its size is known to be another", "state = 1", TO_FETCH, false, false,
	  0, STORE_FAULT_SIZE },
	{ "to be fetched, and was said to be missing", "state = 1", AS_STORED, false, false, 0,
	  STORE_FAULT_MISSING },
	{ "deleted, as the audit alone tells", "state = 1, path = NULL", IS_DELETED, false, false,
	  0, NO_FAULT },
	{ "deleted, as row and audit tell", "state = 8, path = NULL, purged_at_ms = 1700000000005",
	  IS_DELETED, false, false, 0, NO_FAULT },
	{ "stored still, whatever else the audit tells of it", "duration_s = 7", AS_STORED, false,
	  false, 0, NO_FAULT },
};

/* Which of them verify, and the audit, told of. */
#define FAULTS_FROM 23
#define AUDIT_FROM  26

static void damage_rows(void)
{
	for (unsigned n = 1; n <= ARRAY_LEN(rows); n++) {
		char sid[SID_SIZE];
		AUTO(free)
		char *sql = xasprintf("UPDATE recordings SET %s WHERE recording_sid = '%s'",
				      rows[n - 1].row, sid_text("RE", n, sid).at);

		damage(sql);
	}
	for (unsigned n = FAULTS_FROM; n < FAULTS_FROM + 3; n++) {
		char sid[SID_SIZE];
		AUTO(free)
		char *sql = xasprintf(
			"INSERT INTO store_faults SELECT path, %d, %d, call_sid, recording_sid, "
			"generation, 1, 1, 0, 'known' FROM recordings WHERE recording_sid = '%s'",
			rows[n - 1].fault, STORE_FAULT_MENDING, sid_text("RE", n, sid).at);

		damage(sql);
	}
	damage("INSERT INTO store_faults VALUES ('no/name of ours', 0, 0, '', '', 1, 1, 1, 0, '')");
	for (unsigned n = AUDIT_FROM; n < AUDIT_FROM + 3; n++) {
		char sid[SID_SIZE];
		AUTO(free)
		char *sql =
			xasprintf("INSERT INTO audit (chain, seq, at_ms, kind, recording_sid, mac) "
				  "VALUES (1, %u, 1700000000005, '%s', '%s', printf('%%064x', 7))",
				  n, n < AUDIT_FROM + 2 ? "recording_deleted" : "recording_held",
				  sid_text("RE", n, sid).at);

		damage(sql);
	}
}

static void check_row(unsigned n)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;
	int64_t removed_at_ms;
	struct recording now;
	struct store_fault fault;
	char sid[SID_SIZE], name[BLOB_NAME_SIZE], call[SID_SIZE];
	const char *what = rows[n - 1].name;
	bool has_fault;

	MUST(recordings_find(ledger.writer, sid_text("RE", n, sid), &now, &err));
	MUST(blob_name_make(sid_text("CA", n, call), str_of(sid), n, STR("mp3"), name, &err));
	MUST(db_prepare(catalog_db(ledger.writer),
			"SELECT upstream_copy, purged_at_ms FROM recordings "
			"WHERE recording_sid = $1",
			&find, &err));
	db_bind_str(find, 1, str_of(sid));
	MUST(db_step(find, &err) == DB_ROW);
	removed_at_ms = db_column_int(find, 1);
	switch (rows[n - 1].fate) {
	case AS_STORED:
		OK(now.state == RECORDING_STORED && now.generation == n && now.size == 9 &&
			   strcmp(now.path, name) == 0 && now.stored_at_ms == NOON &&
			   strcmp(now.format, "mp3") == 0,
		   "%s: as it was", what);
		break;
	case TO_FETCH:
		OK(now.state == RECORDING_QUEUED || now.state == RECORDING_WAITING,
		   "%s: it is fetched: %s", what, recording_state_text(now.state));
		break;
	case IS_PURGED:
	case IS_DELETED:
		OK(now.state == (rows[n - 1].fate == IS_PURGED ? RECORDING_PURGED
							       : RECORDING_DELETED) &&
			   !now.path[0],
		   "%s: it stays so: %s", what, recording_state_text(now.state));
		IS_INT(removed_at_ms, REMOVED, "since then");
		break;
	}
	OK(now.is_held == rows[n - 1].is_held, "%s: %s", what, now.is_held ? "held" : "not held");
	OK((now.sha256[0] != '\0') == rows[n - 1].has_digest, "%s: its digest is %s", what,
	   now.sha256[0] ? "known" : "not known");
	IS_INT(db_column_int(find, 0), rows[n - 1].copy, "%s: Twilio's copy", what);
	has_fault = store_faults_find(ledger.writer, name, &fault, &err);
	IS_INT(has_fault ? (int)fault.kind : NO_FAULT, rows[n - 1].fault, "%s: its fault", what);
	if (!has_fault)
		return;
	OK(fault.state == STORE_FAULT_MENDING && fault.generation == n &&
		   strcmp(fault.recording_sid, sid) == 0 && strcmp(fault.call_sid, call) == 0 &&
		   fault.seen_at_ms > 0,
	   "%s: whose it is", what);
	OK(strcmp(fault.reason, n >= FAULTS_FROM ? "known"
				: fault.kind == STORE_FAULT_SIZE
					? "its size was another, as its row says"
					: "its SHA-256 was another, as its row "
					  "says") == 0,
	   "%s: why: %s", what, fault.reason);
}

static void test_rows(void)
{
	uint64_t stored = 0, held = 0, to_fetch = 0, removed = 0;
	struct rebuild_report report;

	make_open(ARRAY_LEN(rows), 0);
	damage_rows();
	report = rebuild_damaged();
	for (unsigned n = 1; n <= ARRAY_LEN(rows); n++) {
		check_row(n);
		stored += rows[n - 1].fate == AS_STORED;
		to_fetch += rows[n - 1].fate == TO_FETCH;
		removed += rows[n - 1].fate == IS_PURGED || rows[n - 1].fate == IS_DELETED;
		held += rows[n - 1].is_held;
	}
	IS_INT(report.stored, stored, "so many are told to be stored");
	IS_INT(report.to_fetch, to_fetch, "so many to be fetched");
	IS_INT(report.removed, removed, "so many to be removed");
	IS_INT(report.held, held, "so many to be held");
	IS_INT(report.audit_entries, 3, "so many entries of the audit");
	IS_INT(report.rows_broken, 3, "three cannot have been removed, as they say");
	IS_INT(report.recordings, ARRAY_LEN(rows), "of so many");
	is_told("SELECT hold_by || ', ' || hold_since_ms || ', ' || hold_reason FROM recordings "
		"WHERE hold_by = 'somebody'",
		"somebody, 9, a dispute");
	IS_INT(told_int("SELECT COUNT(*) FROM store_faults WHERE path LIKE 'no/%'"), 0,
	       "a fault of no file of ours is not kept");
	catalog_free(TAKE(ledger.writer));
	clear();
}

/* ---- rows of which the events are lost ---- */

/* Recording n is the n-th of these: no event tells of it, and its row was so. */
static const struct {
	const char *name, *row;
	enum event_kind kind; /* of what is told now */
	const char *status;
} lost[] = {
	{ "stored, with all that was told",
	  "completed_at_ms = 1700000009000, started_at_ms = 1600000000000, duration_s = 60, "
	  "channels = 2, error_code = 5, source = 'DialVerb', track = 'both', "
	  "url = 'https://example.com/1', account_sid = printf('AC%032x', 1), encryption = 'key'",
	  EVENT_RECORDING_LISTED, "completed" },
	{ "stored, of which nobody but a file told", "upstream = 0", EVENT_RECORDING_ADOPTED, "" },
	{ "announced", "state = 0, upstream = 0", EVENT_RECORDING_LISTED, "in-progress" },
	{ "queued, and nobody knows why", "state = 1, upstream = 0", EVENT_RECORDING_LISTED,
	  "completed" },
	{ "failed", "state = 5, upstream = 1", EVENT_RECORDING_LISTED, "failed" },
	{ "absent", "state = 4, upstream = 2", EVENT_RECORDING_LISTED, "absent" },
	{ "deleted at Twilio", "state = 6, upstream = 4", EVENT_RECORDING_LISTED, "deleted" },
	{ "of a rank that is none", "state = 1, upstream = 5", EVENT_RECORDING_LISTED,
	  "completed" },
	{ "of a rank below all", "state = 0, upstream = -1", EVENT_RECORDING_LISTED,
	  "in-progress" },
};

#define LOST_CALL ARRAY_LEN(lost) /* whose row tells all that there is */

static void check_lost(unsigned n, int64_t began_ms)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;
	char sid[SID_SIZE];
	int64_t at_ms;

	MUST(db_prepare(catalog_db(ledger.writer),
			"SELECT kind, COALESCE(status, ''), received_at_ms FROM events "
			"WHERE recording_sid = $1",
			&find, &err));
	db_bind_str(find, 1, sid_text("RE", n, sid));
	MUST(db_step(find, &err) == DB_ROW);
	IS_INT(db_column_int(find, 0), lost[n - 1].kind, "%s: the kind of its event",
	       lost[n - 1].name);
	IS_STR(db_column_str(find, 1), str_of(lost[n - 1].status), "... with its status");
	at_ms = db_column_int(find, 2);
	OK(n == 1 ? at_ms == 1700000009000 : at_ms >= began_ms && at_ms <= clock_wall_ms(),
	   "... of when it was completed, or of now");
	OK(db_step(find, &err) == DB_DONE, "... and no other");
}

static void test_lost_events(void)
{
	int64_t began_ms = clock_wall_ms();
	struct rebuild_report report;

	make_open(ARRAY_LEN(lost), 0);
	for (unsigned n = 1; n <= ARRAY_LEN(lost); n++) {
		char sid[SID_SIZE];
		AUTO(free)
		char *sql = xasprintf("UPDATE recordings SET %s%s WHERE recording_sid = '%s'",
				      n == 1 ? "" : "completed_at_ms = NULL, ", lost[n - 1].row,
				      sid_text("RE", n, sid).at);

		damage(sql);
	}
	damage("UPDATE calls SET parent_call_sid = printf('CA%032x', 77), "
	       "account_sid = printf('AC%032x', 1), status = 54, direction_text = 'inbound', "
	       "from_address = '+15550001111', to_address = '+15550002222', "
	       "started_at_ms = 1600000000000, ended_at_ms = 1600000060000, duration_s = 60 "
	       "WHERE call_sid = printf('CA%032x', 9)");
	damage("DELETE FROM events");
	report = rebuild_damaged();
	for (unsigned n = 1; n <= ARRAY_LEN(lost); n++)
		check_lost(n, began_ms);
	OK(report.events == 0 && report.events_missing == 0 &&
		   report.recordings == ARRAY_LEN(lost) && report.calls == LOST_CALL,
	   "no event could be read, and nothing is lost");
	IS_INT(told_int("SELECT COUNT(*) FROM calls WHERE call_sid = printf('CA%032x', 77)"), 0,
	       "nor is anything told that no row told");
	is_told("SELECT started_at_ms || ' ' || duration_s || ' ' || channels || ' ' || error_code "
		"|| ' ' || source || ' ' || track || ' ' || recording_url || ' ' || encryption || "
		"' ' || account_sid || ' ' || call_sid FROM events "
		"WHERE recording_sid = printf('RE%032x', 1)",
		"1600000000000 60 2 5 DialVerb both https://example.com/1 key "
		"AC" ZEROS "1 CA" ZEROS "1");
	is_told("SELECT kind || ' ' || received_at_ms || ' ' || parent_call_sid || ' ' || "
		"account_sid || ' ' || status || ' ' || direction || ' ' || from_address || ' ' || "
		"to_address || ' ' || started_at_ms || ' ' || timestamp_ms || ' ' || duration_s "
		"FROM events WHERE call_sid = printf('CA%032x', 9) AND kind = 4",
		"4 1600000000000 CA000000000000000000000000000000"
		"4d AC" ZEROS
		"1 completed inbound +15550001111 +15550002222 1600000000000 1600000060000 60");
	catalog_free(TAKE(ledger.writer));
	clear();
}

/* Events tell of it, and perhaps its row tells more; recording and call n are the n-th of these. */
static void test_rows_that_say_more(void)
{
	static const struct {
		const char *name, *events, *call, *recording;
		int64_t of_call, of_recording; /* events that are told beside */
	} cases[] = {
		{ "no more", "status = 'completed'", "duration_s = NULL", "duration_s = 7", 0, 0 },
		{ "who called", "status = 'completed'", "from_address = '+1555'", "size = 9", 1,
		  0 },
		{ "who was called", "status = 'completed'", "to_address = '+1555'", "size = 9", 1,
		  0 },
		{ "which way", "status = 'completed'", "direction_text = 'inbound'", "size = 9", 1,
		  0 },
		{ "its status", "status = 'completed'", "status = 10", "size = 9", 1, 0 },
		{ "how long the call was", "status = 'completed'", "duration_s = 0", "size = 9", 1,
		  0 },
		{ "what its events told", "status = 'completed', kind = 3",
		  "started_at_ms = started_at_ms", "size = 9", 0, 0 },
		{ "that it was completed", "status = 'in-progress'", "duration_s = NULL",
		  "size = 9", 0, 1 },
		{ "that it was announced, as its event", "status = 'in-progress'",
		  "duration_s = NULL", "state = 0, upstream = 0", 0, 0 },
	};

	make_open(ARRAY_LEN(cases), 0);
	for (unsigned n = 1; n <= ARRAY_LEN(cases); n++) {
		AUTO(free)
		char *sql = xasprintf("UPDATE events SET %s WHERE recording_sid = "
				      "printf('RE%%032x', %u); UPDATE calls SET %s WHERE "
				      "call_sid = printf('CA%%032x', %u); UPDATE recordings SET %s "
				      "WHERE recording_sid = printf('RE%%032x', %u)",
				      cases[n - 1].events, n, cases[n - 1].call, n,
				      cases[n - 1].recording, n);

		damage(sql);
	}
	rebuild_damaged();
	for (unsigned n = 1; n <= ARRAY_LEN(cases); n++) {
		AUTO(db_stmt_reset) struct db_stmt *find = NULL;
		char sid[SID_SIZE];

		MUST(db_prepare(catalog_db(ledger.writer),
				"SELECT SUM(kind = 4), SUM(kind <> 4) - 1 FROM events "
				"WHERE call_sid = $1",
				&find, &err));
		db_bind_str(find, 1, sid_text("CA", n, sid));
		MUST(db_step(find, &err) == DB_ROW);
		IS_INT(db_column_int(find, 0), cases[n - 1].of_call, "the call's row tells %s",
		       cases[n - 1].name);
		IS_INT(db_column_int(find, 1), cases[n - 1].of_recording,
		       "the recording's row tells %s", cases[n - 1].name);
	}
	catalog_free(TAKE(ledger.writer));
	clear();
}

/* ---- rows that are put as they were ---- */

static void test_events(void)
{
	struct rebuild_report report;

	make_open(9, 0);
	damage("UPDATE events SET received_at_ms = 0 WHERE seq = 3");
	damage("DELETE FROM events WHERE seq = 4");
	damage("UPDATE events SET seq = 281474976710656 WHERE seq = 5");
	damage("UPDATE events SET kind = 99 WHERE seq = 6");
	damage("UPDATE events SET raw = x'00ff', request_id = 'r', sequence_number = 0 "
	       "WHERE seq = 7");
	report = rebuild_damaged();
	IS_INT(report.events, 6, "six events are left");
	IS_INT(report.events_missing, 3, "three of those up to the last are not");
	IS_INT(report.rows_broken, 2, "two of which were garbage");
	IS_INT(report.recordings, 9, "nothing is lost");
	IS_INT(told_int("SELECT received_at_ms FROM events WHERE seq = 3"), NOON + 2,
	       "one that came at no time came with the one before");
	IS_INT(told_int("SELECT received_at_ms FROM events WHERE seq = 7"), NOON + 7,
	       "the others when they did");
	is_told("SELECT hex(raw) || ' ' || request_id || ' ' || sequence_number || ' ' || "
		"COALESCE(duration_s, 'none') FROM events WHERE seq = 7",
		"00FF r 0 none");
	IS_INT(told_int("SELECT at_ms FROM upkeep WHERE name = 'clock'"), NOON + 9,
	       "the clock was right when the last of them came");
	catalog_free(TAKE(ledger.writer));
	clear();

	make_open(3, 0);
	damage("DELETE FROM events WHERE seq < 3; INSERT INTO upkeep VALUES "
	       "('clock', 1600000000000, 0, '') ON CONFLICT (name) DO UPDATE SET at_ms = "
	       "1600000000000; INSERT INTO upkeep VALUES ('zebra', 5, 0, '')");
	report = rebuild_damaged();
	OK(report.events == 1 && report.events_missing == 0, "nobody knows of those before");
	IS_INT(told_int("SELECT at_ms FROM upkeep WHERE name = 'clock'"), 1600000000000,
	       "its own word of the clock counts");
	catalog_free(TAKE(ledger.writer));
	clear();
}

static void add_people(void)
{
	damage("INSERT INTO users (id, source, name, role, password_hash, is_disabled, made_at_ms, "
	       "changed_seq) VALUES (1, 0, 'first', 1, '$argon2id$', 0, 1, 1), "
	       "(2, 0, 'second', 1, NULL, 0, 1, 1), (3, 0, 'garbage', 77, '$argon2id$', 0, 1, 1)");
	for (int kind = CREDENTIAL_SESSION; kind <= CREDENTIAL_DOCTOR; kind++) {
		AUTO(free)
		char *sql = xasprintf(
			"INSERT INTO credentials (id, kind, name, hash, user_id, rights, "
			"made_at_ms, plays, plays_max, options, changed_seq) VALUES (%d, %d, "
			"'name000%d', printf('%%064x', %d), 1, 0, 1, 0, 0, 0, 1)",
			kind, kind, kind, kind);

		damage(sql);
	}
	damage("INSERT INTO credentials (id, kind, name, hash, user_id, rights, made_at_ms, plays, "
	       "plays_max, options, changed_seq) VALUES (8, 3, 'name0008', printf('%064x', 8), 9, "
	       "0, 1, 0, 0, 0, 1)");
	damage("INSERT INTO store_faults VALUES (printf('00/CA%032x.RE%032x.1.mp3', 1, 1), 2, 1, "
	       "printf('CA%032x', 1), printf('RE%032x', 1), 1, 1, 1, 0, 'known'); "
	       "INSERT INTO upkeep VALUES ('clock', 1600000000000, 0, '') "
	       "ON CONFLICT (name) DO UPDATE SET at_ms = 1600000000000");
	damage("INSERT INTO audit_chains VALUES (1, 'k', 1, 0, NULL)");
	damage("INSERT INTO audit (chain, seq, at_ms, kind, mac) "
	       "VALUES (1, 1, 1, 'sign_in', printf('%064x', 7))");
}

static void test_people(void)
{
	struct rebuild_report report;

	make_open(1, 0);
	add_people();
	report = rebuild_damaged();
	OK(report.users == 2 && report.users_disabled == 0, "users are as they were");
	OK(report.tokens == 1 && report.links == 1, "tokens and links, too");
	OK(report.audit_entries == 1 && report.removed == 0, "the audit, too");
	IS_INT(report.rows_broken, 2, "but no user whose role is garbage, and no token of nobody");
	is_told("SELECT group_concat(kind || name, ' ') FROM credentials", "3name0003 4name0004");
	is_told("SELECT group_concat(name || is_disabled, ' ') FROM users", "first0 second0");
	is_told("SELECT key_id || began_at_ms || pruned_seq FROM audit_chains", "k10");
	catalog_free(TAKE(ledger.writer));
	clear();

	/* Nobody knows which pages were given up. */
	make_open(1, 0);
	add_people();
	catalog_free(TAKE(ledger.writer));
	run_in_folder("dd if=/dev/zero of=ledger.db bs=4096 count=1 conv=notrunc status=none");
	MUST(rebuild(&report, false));
	MUST(catalog_open(ledger.path, CATALOG_READ, &ledger.writer, &err));
	OK(report.why[0] && report.pages > 10, "the first page is lost: %s", report.why);
	OK(report.users == 1 && report.users_disabled == 1,
	   "who merely looks like a user is disabled, and one without a password does not");
	OK(report.tokens == 0 && report.links == 0, "and no token is taken on its looks");
	is_told("SELECT group_concat(name || is_disabled, ' ') FROM users", "first1");
	OK(report.recordings == 1 && report.stored == 1, "recordings are");
	IS_INT(told_int("SELECT at_ms FROM upkeep WHERE name = 'clock'"), 1600000000000,
	       "and the clock");
	is_told("SELECT reason FROM store_faults", "known");
	catalog_free(TAKE(ledger.writer));
	clear();
}

/* ---- files that no row names ---- */

#define SOUND_OF(n, generation) "cp \"$SOUND\" " FILE_OF(n, generation) ";"
#define CUT_OF(n, generation)   "head -c 3000 \"$SOUND\" > " FILE_OF(n, generation) ";"

static struct {
	unsigned count;
	uint64_t done, all;
} shown;

static void show(struct progress *progress, uint64_t done, uint64_t all)
{
	shown.count++;
	shown.done = done;
	shown.all = all;
}

/* Recording n is the n-th of these; what verify knew of its file is a fault. */
static const struct {
	const char *name, *row; /* NULL: neither row nor event is left */
	bool is_damaged;
	enum recording_state state; /* RECORDING_STATES: not known */
	unsigned of_generation;     /* whose file is taken; 0: none */
} alone[] = {
	{ "nothing else tells of it", NULL, false, RECORDING_STORED, 1 },
	{ "its newest file is cut: an older one is taken", NULL, false, RECORDING_STORED, 1 },
	{ "there is a waveform, and no more", NULL, false, RECORDING_STATES, 0 },
	{ "it is damaged, and there is no other", NULL, true, RECORDING_STORED, 4 },
	{ "it is damaged, and cut", NULL, true, RECORDING_ANNOUNCED, 0 },
	{ "it waited to be fetched", "state = 1, path = NULL, size = NULL", false, RECORDING_STORED,
	  6 },
	{ "it was deleted", "state = 8, path = NULL, purged_at_ms = 1700000000005", false,
	  RECORDING_DELETED, 0 },
	{ "it is stored already", "size = 9", false, RECORDING_STORED, 8 },
	{ "it is damaged, and is fetched", "state = 1, path = NULL, size = NULL", true,
	  RECORDING_QUEUED, 0 },
};

static void lose_rows(void)
{
	for (unsigned n = 1; n <= ARRAY_LEN(alone); n++) {
		AUTO(free)
		char *fault = xasprintf(
			"INSERT INTO store_faults SELECT path, 2, 1, call_sid, recording_sid, "
			"generation, 1, 1, 0, 'known' FROM recordings "
			"WHERE recording_sid = printf('RE%%032x', %u)",
			n);
		AUTO(free)
		char *change = xasprintf("UPDATE recordings SET %s "
					 "WHERE recording_sid = printf('RE%%032x', %u)",
					 alone[n - 1].row ? alone[n - 1].row : "size = 9", n);
		AUTO(free)
		char *lose = xasprintf(
			"DELETE FROM recordings WHERE recording_sid = printf('RE%%032x', %u); "
			"DELETE FROM events WHERE recording_sid = printf('RE%%032x', %u); "
			"DELETE FROM calls WHERE call_sid = printf('CA%%032x', %u)",
			n, n, n);

		if (alone[n - 1].is_damaged)
			damage(fault);
		damage(alone[n - 1].row ? change : lose);
	}
}

static void check_alone(unsigned n)
{
	const char *what = alone[n - 1].name;
	char sid[SID_SIZE], call[SID_SIZE], path[BLOB_NAME_SIZE];
	enum upstream_copy copy;
	struct recording now;

	if (!recordings_find(ledger.writer, sid_text("RE", n, sid), &now, &err)) {
		IS_INT(RECORDING_STATES, alone[n - 1].state, "%s: it is not known", what);
		return;
	}
	IS_INT(now.state, alone[n - 1].state, "%s: its state", what);
	IS_STR(str_of(now.call_sid), sid_text("CA", n, call), "%s: its call", what);
	if (alone[n - 1].of_generation == 0) {
		OK(!now.path[0], "%s: it has no file", what);
		return;
	}
	MUST(blob_name_make(str_of(call), str_of(sid), alone[n - 1].of_generation, STR("mp3"), path,
			    &err));
	IS_STR(str_of(now.path), str_of(path), "%s: its file", what);
	if (n == 8)
		return;
	OK(now.generation > (int64_t)ARRAY_LEN(alone) && now.size > 3000 && now.duration_ms > 0 &&
		   strcmp(now.format, "mp3") == 0 && !now.sha256[0],
	   "%s: what it holds, under another number", what);
	IS_INT(now.generation_at_ms, INT64_C(1600000000000), "%s: of when it was written", what);
	MUST(upstream_copy_find(ledger.writer, sid, &copy, &err));
	IS_INT(copy, UPSTREAM_COPY_NEEDED, "%s: Twilio's copy stays", what);
}

static void test_files(void)
{
	struct progress progress = { show };
	const struct rebuild_options options = { .data_dir = ledger.folder,
						 .though_whole = true,
						 .progress = &progress };
	struct rebuild_report report;
	uint64_t adopted = 0;

	make_open(ARRAY_LEN(alone), 0);
	lose_rows();
	catalog_free(TAKE(ledger.writer));
	run_in_folder(
		"cd recordings/00 && SOUND=\"$TEST_DATA\"/audio/" SOUND
		"; rm " FILE_OF("3", "3") ";" SOUND_OF("1", "1") SOUND_OF("2", "1") CUT_OF("2", "2")
			SOUND_OF("4", "4") CUT_OF("5", "5") SOUND_OF("6", "6") SOUND_OF("7", "7")
				SOUND_OF("9", "9") "touch CA" ZEROS "3.RE" ZEROS
						   "3.3.peaks && touch -d @1600000000 *");
	shown.count = 0;
	OK(rebuild_run(&options, &report, &err), "files that no row names: %s", err.text);
	MUST(catalog_open(ledger.path, CATALOG_READ, &ledger.writer, &err));
	for (unsigned n = 1; n <= ARRAY_LEN(alone); n++) {
		check_alone(n);
		adopted += alone[n - 1].of_generation != 0 && n != 8;
	}
	IS_INT(report.adopted, adopted, "so many are told");
	OK(report.stored == 1 && report.to_fetch == 1 && report.removed == 1, "beside the others");
	OK(shown.count == 2 * 256 && shown.done == 256 && shown.all == 256,
	   "the folders are shown, for names and for files");
	is_told("SELECT kind || ' ' || source || ' ' || started_at_ms FROM events "
		"WHERE recording_sid = printf('RE%032x', 1)",
		"5 adopted 1600000000000");
	is_told("SELECT group_concat(state || reason, '; ') FROM (SELECT state, reason "
		"FROM store_faults ORDER BY path)",
		"3nobody else tells of it: the damaged file is played as it is; 1known; 1known");
	IS_INT(told_int("SELECT COUNT(*) FROM attempts WHERE ended_at_ms IS NULL OR "
			"outcome <> 'adopted'"),
	       0, "each number was given by an attempt that ended");
	catalog_free(TAKE(ledger.writer));
	clear();
}

/* Call 1, 3, 5 and 7 have two recordings each. */
static void test_mains(void)
{
	struct projection_result result;

	make_empty();
	MUST(catalog_begin(ledger.writer, &err));
	for (unsigned n = 1; n <= 8; n++)
		append_event(n, n % 2 ? n : n - 1);
	MUST(projection_run(ledger.writer, PROJECTION_EVENTS_MAX, &result, &err));
	for (unsigned n = 1; n <= 8; n++) {
		mark_stored(n);
		write_media(n);
	}
	MUST(catalog_commit(ledger.writer, &err));
	damage("UPDATE calls SET is_main_fixed = 1, main_recording_id = (SELECT r.id "
	       "FROM recordings r WHERE r.recording_sid = CASE calls.call_sid "
	       "WHEN printf('CA%032x', 1) THEN printf('RE%032x', 2) "
	       "WHEN printf('CA%032x', 3) THEN printf('RE%032x', 3) "
	       "WHEN printf('CA%032x', 5) THEN printf('RE%032x', 6) "
	       "ELSE printf('RE%032x', 8) END)");
	rebuild_damaged();
	is_told("SELECT group_concat(substr(sid, -1), ' ') FROM (SELECT r.recording_sid AS sid "
		"FROM calls c JOIN recordings r ON r.id = c.main_recording_id "
		"ORDER BY c.call_sid)",
		"2 3 6 8");
	catalog_free(TAKE(ledger.writer));
	clear();
}

int main(void)
{
	test_missing_files();
	test_no_store();
	test_names();
	test_store_alone();
	test_refused();
	test_rows();
	test_lost_events();
	test_rows_that_say_more();
	test_events();
	test_people();
	test_mains();
	test_files();
	return tap_end();
}
