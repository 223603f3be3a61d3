#include "rebuild/rebuild.h"

#include "backup/folder_use.h"
#include "backup/restore.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "blob/blob.h"
#include "blob/blob_local.h"
#include "catalog/recordings.h"
#include "chores/rescue.h"
#include "chores/upkeep.h"
#include "projection/projection.h"
#include "rebuild/rebuild_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WRITES_MOST 2000 /* of a transaction */
#define LEDGER      "ledger.db"
#define ASIDE       "ledger.db.damaged-"

/* ---- the new ledger ---- */

bool rebuilding_begin(struct rebuilding *rebuilding, struct err *err)
{
	rebuilding->writes = 0;
	return catalog_begin(rebuilding->catalog, err);
}

bool rebuilding_end(struct rebuilding *rebuilding, struct err *err)
{
	return catalog_commit(rebuilding->catalog, err);
}

/* The log is moved now and then: it would grow as large as the ledger. */
bool rebuilding_count(struct rebuilding *rebuilding, struct err *err)
{
	int64_t left;

	if (++rebuilding->writes < WRITES_MOST)
		return true;
	return rebuilding_end(rebuilding, err) &&
	       (catalog_log_bytes(rebuilding->catalog) < CATALOG_LOG_BYTES ||
		catalog_checkpoint(rebuilding->catalog, &left, err)) &&
	       rebuilding_begin(rebuilding, err);
}

static bool project_some(struct rebuilding *rebuilding, struct projection_result *result,
			 struct err *err)
{
	if (!catalog_begin(rebuilding->catalog, err))
		return false;
	if (projection_run(rebuilding->catalog, PROJECTION_EVENTS_MAX, result, err))
		return catalog_commit(rebuilding->catalog, err);
	catalog_rollback(rebuilding->catalog);
	return false;
}

/* Up to the event that makes no sense, and without it. */
static bool pass_over(struct rebuilding *rebuilding, const struct projection_result *failed,
		      const struct err *why, struct err *err)
{
	struct projection_result result;

	if (!catalog_begin(rebuilding->catalog, err))
		return false;
	if ((failed->events > 0 &&
	     !projection_run(rebuilding->catalog, failed->events, &result, err)) ||
	    !projection_set_aside(rebuilding->catalog, failed->failed_stream, failed->failed_event,
				  clock_wall_ms(), why->text, err)) {
		catalog_rollback(rebuilding->catalog);
		return false;
	}
	return catalog_commit(rebuilding->catalog, err);
}

bool rebuilding_project(struct rebuilding *rebuilding, struct err *err)
{
	struct projection_result *result = xcalloc(1, sizeof(*result));
	bool good = true;
	int64_t left;

	do {
		struct err why;

		result->failed_event = 0;
		result->events = 0;
		if (!project_some(rebuilding, result, &why)) {
			result->more = result->failed_event != 0;
			good = result->more && pass_over(rebuilding, result, &why, err);
			if (!result->more)
				*err = why;
		}
		if (good && catalog_log_bytes(rebuilding->catalog) >= CATALOG_LOG_BYTES)
			good = catalog_checkpoint(rebuilding->catalog, &left, err);
	} while (good && result->more);
	free(result);
	return good;
}

/* Else it would be taken from what is written here, by a clock that nobody vouches for; 1: no clock is believed before Twilio answers. */
static bool keep_clock(struct rebuilding *rebuilding, struct err *err)
{
	const struct upkeep row = { .at_ms = rebuilding->clock_ms ? rebuilding->clock_ms : 1 };

	return upkeep_set(rebuilding->catalog, UPKEEP_CLOCK, &row, err);
}

static bool leap(struct rebuilding *rebuilding, struct err *err)
{
	return rebuilding_begin(rebuilding, err) &&
	       rescue_leap(rebuilding->catalog, rebuilding->highest, err) &&
	       keep_clock(rebuilding, err) &&
	       upkeep_pause_purge(rebuilding->catalog, UPKEEP_PAUSE_REBUILT, err) &&
	       rebuilding_end(rebuilding, err);
}

static bool count_all(struct rebuilding *rebuilding, struct err *err)
{
	struct rebuild_report *report = rebuilding->report;
	struct catalog_counts counts;

	if (!catalog_counts(rebuilding->catalog, &counts, err))
		return false;
	report->calls = (uint64_t)counts.calls;
	for (int state = 0; state < RECORDING_STATES; state++)
		report->recordings += (uint64_t)counts.recordings[state];
	report->to_fetch = (uint64_t)(counts.recordings[RECORDING_QUEUED] +
				      counts.recordings[RECORDING_WAITING]);
	return true;
}

static bool fill(struct rebuilding *rebuilding, struct err *err)
{
	bool has_old = rebuilding->pages != NULL;

	if (!rebuild_look_at_names(rebuilding, err))
		return false;
	rebuilding->highest = old_numbers_highest(rebuilding->numbers);
	rebuilding->highest_event = old_numbers_highest(rebuilding->event_numbers);
	return (!has_old || rebuild_take_events(rebuilding, err)) && leap(rebuilding, err) &&
	       rebuilding_project(rebuilding, err) &&
	       (!has_old ||
		(rebuild_take_rows(rebuilding, err) && rebuilding_project(rebuilding, err) &&
		 rebuild_take_states(rebuilding, err))) &&
	       rebuild_take_files(rebuilding, err) && count_all(rebuilding, err);
}

/* ---- names ---- */

static const char *const beside[] = { "", "-wal", "-shm", "-journal" };

static bool remove_all(const char *path, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(beside); i++) {
		AUTO(free) char *each = xasprintf("%s%s", path, beside[i]);

		if (unlink(each) < 0 && errno != ENOENT)
			return err_errno(err, "cannot remove '%s'", each);
	}
	return true;
}

/* It has no log any more: SQLite moves it into the file when the last one closes it. */
static bool name_whole(const struct rebuilding *rebuilding, struct err *err)
{
	AUTO(free) char *log = xasprintf("%s-wal", rebuilding->fresh);
	AUTO(close) int fd = open(rebuilding->fresh, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_errno(err, "cannot open '%s'", rebuilding->fresh);
	if (access(log, F_OK) == 0)
		return err_set(err, ERR_UNAVAILABLE, "the log of '%s' cannot be moved into it",
			       rebuilding->fresh);
	if (!file_hand_over(rebuilding->options->data_dir, fd, rebuilding->fresh, err) ||
	    !file_sync(fd, rebuilding->fresh, err))
		return false;
	if (rename(rebuilding->fresh, rebuilding->whole) < 0)
		return err_errno(err, "cannot rename '%s'", rebuilding->fresh);
	return file_sync_folder(rebuilding->options->data_dir, err);
}

static void name_aside(char *to, size_t size)
{
	time_t now = (time_t)(clock_wall_ms() / 1000);
	struct tm parts;

	gmtime_r(&now, &parts);
	strftime(to, size, ASIDE "%Y%m%dT%H%M%SZ", &parts);
}

/* Under a name more, so that it is there whenever this stops; then it gives up the one that the new one takes. */
static bool set_aside(const struct rebuilding *rebuilding, struct err *err)
{
	struct rebuild_report *report = rebuilding->report;

	if (access(rebuilding->ledger, F_OK) < 0)
		return errno == ENOENT || err_errno(err, "cannot look at '%s'", rebuilding->ledger);
	name_aside(report->set_aside, sizeof(report->set_aside));
	for (size_t i = 0; i < ARRAY_LEN(beside); i++) {
		AUTO(free) char *from = xasprintf("%s%s", rebuilding->ledger, beside[i]);
		AUTO(free)
		char *to = xasprintf("%s/%s%s", rebuilding->options->data_dir, report->set_aside,
				     beside[i]);

		if (link(from, to) < 0 && errno != ENOENT && errno != EEXIST)
			return err_errno(err, "cannot set '%s' aside", from);
	}
	return file_sync_folder(rebuilding->options->data_dir, err);
}

/* Begun again it goes on here: the new one is whole.  An old log beside it would be taken for its own. */
static bool change_names(const struct rebuilding *rebuilding, struct err *err)
{
	if (!set_aside(rebuilding, err))
		return false;
	for (size_t i = 1; i < ARRAY_LEN(beside); i++) {
		AUTO(free) char *log = xasprintf("%s%s", rebuilding->ledger, beside[i]);

		if (unlink(log) < 0 && errno != ENOENT)
			return err_errno(err, "cannot remove '%s'", log);
	}
	if (!file_sync_folder(rebuilding->options->data_dir, err))
		return false;
	if (rename(rebuilding->whole, rebuilding->ledger) < 0)
		return err_errno(err, "cannot rename '%s'", rebuilding->whole);
	return file_sync_folder(rebuilding->options->data_dir, err);
}

/* ---- the whole ---- */

static bool is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

static bool examine(const struct rebuilding *rebuilding, struct err *err)
{
	const struct rebuild_options *options = rebuilding->options;
	struct rebuild_report *report = rebuilding->report;

	if (!is_there(rebuilding->ledger)) {
		str_fit(STR("it is not there"), report->why, sizeof(report->why));
		return folder_has(options->data_dir, "recordings") ||
		       err_set(err, ERR_NOT_FOUND, "there is neither a ledger nor a store in '%s'",
			       options->data_dir);
	}
	if (!rescue_examine(rebuilding->ledger, report->why, sizeof(report->why), err))
		return false;
	return report->why[0] || options->though_whole ||
	       err_set(err, ERR_CONFLICT,
		       "nothing is wrong with the ledger in '%s': it is left as it is",
		       options->data_dir);
}

/* Without a ledger there is nothing but the store: one that holds nothing would make an empty ledger. */
static bool survey(struct rebuilding *rebuilding, struct err *err)
{
	if (rebuilding->pages)
		return rebuild_survey(rebuilding, err);
	return !blob_is_away(rebuilding->store) ||
	       err_set(err, ERR_NOT_FOUND,
		       "in '%s' there is no ledger, and the store holds no folder at all",
		       rebuilding->options->data_dir);
}

static bool make(struct rebuilding *rebuilding, struct err *err)
{
	bool good;

	if (!examine(rebuilding, err) ||
	    (!ledger_pages_open(rebuilding->ledger, &rebuilding->pages, err) &&
	     err->kind != ERR_NOT_FOUND) ||
	    !blob_local_open(rebuilding->options->data_dir, &rebuilding->store, err) ||
	    !survey(rebuilding, err) || !remove_all(rebuilding->fresh, err) ||
	    !catalog_open(rebuilding->fresh, CATALOG_WRITE, &rebuilding->catalog, err))
		return false;
	good = fill(rebuilding, err);
	catalog_free(TAKE(rebuilding->catalog));
	return good && name_whole(rebuilding, err);
}

static bool run(struct rebuilding *rebuilding, struct err *err)
{
	struct err ignored;

	if (folder_has(rebuilding->options->data_dir, RESTORE_UNFINISHED))
		return err_set(
			err, ERR_CONFLICT,
			"a restore into '%s' has not come to its end: run callspool restore again",
			rebuilding->options->data_dir);
	if (is_there(rebuilding->whole)) {
		str_fit(STR("a rebuild was stopped when all but the names was done"),
			rebuilding->report->why, REBUILD_TEXT_SIZE);
		return change_names(rebuilding, err);
	}
	if (make(rebuilding, err))
		return change_names(rebuilding, err);
	(void)!remove_all(rebuilding->fresh, &ignored);
	return false;
}

bool rebuild_run(const struct rebuild_options *options, struct rebuild_report *report,
		 struct err *err)
{
	struct rebuilding rebuilding = { .options = options,
					 .report = report,
					 .highest = OLD_NUMBER_MOST,
					 .numbers = old_numbers_new(),
					 .event_numbers = old_numbers_new() };
	AUTO(free) char *lock = xasprintf("%s/lock", options->data_dir);
	AUTO(free) char *ledger = xasprintf("%s/" LEDGER, options->data_dir);
	AUTO(free) char *fresh = xasprintf("%s/" REBUILD_UNFINISHED, options->data_dir);
	AUTO(free) char *whole = xasprintf("%s/" REBUILD_WHOLE, options->data_dir);
	AUTO(close) int lock_fd = -1;
	bool good;

	*report = (struct rebuild_report){ .events = 0 };
	rebuilding.ledger = ledger;
	rebuilding.fresh = fresh;
	rebuilding.whole = whole;
	good = (is_there(options->data_dir) ||
		err_set(err, ERR_NOT_FOUND, "there is no folder '%s'", options->data_dir)) &&
	       file_take_lock(lock, &lock_fd, err) && run(&rebuilding, err);
	old_numbers_free(rebuilding.numbers);
	old_numbers_free(rebuilding.event_numbers);
	free(rebuilding.mains);
	ledger_pages_free(rebuilding.pages);
	blob_store_free(rebuilding.store);
	return good;
}
