/*
 * A ledger is rebuilt from what is left of it, and from the store: when it is refused, under which names, and what is there then.
 */
#include "rebuild/rebuild.h"

#include "backup/restore.h"
#include "base/clock.h"
#include "blob/blob.h"
#include "catalog/catalog_private.h"
#include "chores/upkeep.h"
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
static void append_event(unsigned n)
{
	char call[SID_SIZE], sid[SID_SIZE];
	struct event event;
	int64_t seq;

	event_init(&event, EVENT_RECORDING_STATUS, NOON + n);
	event.call_sid = sid_text("CA", n, call);
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

/* So many recordings that are stored, of which the last few have no file; the ledger is closed. */
static void make(unsigned stored, unsigned missing)
{
	struct projection_result result;

	ledger_open(&ledger);
	run_in_folder("mkdir -p recordings/00");
	MUST(catalog_begin(ledger.writer, &err));
	for (unsigned n = 1; n <= stored; n++)
		append_event(n);
	do
		MUST(projection_run(ledger.writer, PROJECTION_EVENTS_MAX, &result, &err));
	while (result.more);
	for (unsigned n = 1; n <= stored; n++) {
		mark_stored(n);
		if (n <= stored - missing)
			write_media(n);
	}
	MUST(catalog_commit(ledger.writer, &err));
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

int main(void)
{
	test_missing_files();
	test_no_store();
	test_names();
	test_store_alone();
	test_refused();
	return tap_end();
}
