#include "backup/restore.h"

#include "accounts/credentials.h"
#include "backup/backup_ledger.h"
#include "backup/digest_list.h"
#include "backup/folder_use.h"
#include "backup/landing.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/own.h"
#include "base/progress.h"
#include "base/str.h"
#include "catalog/catalog.h"
#include "catalog/recordings.h"
#include "chores/recordings_stored.h"
#include "chores/upkeep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE        256 /* recordings in one transaction */
#define PIECE_BYTES (256 * 1024)
#define FILE_MODE   0600

struct restore {
	const struct restore_options *options;
	struct restore_report *report;
	struct digest_list *list;
	struct digest_list_head head;
	struct landing *landing;
	char *ledger;  /* its path until all is there */
	uint64_t away; /* files that are missing, or cannot be read */
};

static void find_fault(struct restore *restore, enum backup_finding finding, const char *path,
		       const char *reason)
{
	restore->report->findings[finding]++;
	backup_watch_tell(restore->options->watch, finding, path, reason);
}

/* ---- the media ---- */

static bool copy(struct restore *restore, const struct digest_list_line *line, int fd,
		 struct err *err)
{
	struct landing_content content;
	struct stat about;

	if (fstat(fd, &about) < 0)
		return err_errno(err, "cannot look at '%s'", line->name);
	content.size = (uint64_t)about.st_size;
	memcpy(content.sha256, line->sha256, sizeof(content.sha256));
	switch (landing_copy(restore->landing, fd, line->name, &content, err)) {
	case LANDING_DONE:
		restore->report->bytes += content.size;
		return true;
	case LANDING_OTHER:
		find_fault(restore, BACKUP_DAMAGED, line->name,
			   "its bytes are not those that were backed up");
		return true;
	case LANDING_UNREADABLE:
		restore->away++;
		find_fault(restore, BACKUP_DAMAGED, line->name, err->text);
		return true;
	case LANDING_FAILED:
		break;
	}
	return false;
}

/* A file that has its name was checked and synced before it got it. */
static bool is_here(const struct restore *restore, const char *name, int fd)
{
	struct stat about;

	return fstat(fd, &about) == 0 &&
	       landing_has(restore->landing, name, (uint64_t)about.st_size);
}

/* It says nothing of the file: there is no descriptor for us, or the disk of the backup is not to be had, or not by us. */
static bool is_for_now(int number)
{
	static const int numbers[] = { EMFILE, ENFILE,   ENOMEM,    EACCES,   EPERM,
				       ESTALE, ENOTCONN, EHOSTDOWN, ETIMEDOUT };

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		if (numbers[i] == number)
			return true;
	return false;
}

static bool take(struct restore *restore, const struct digest_list_line *line, struct err *err)
{
	AUTO(free)
	char *path = xasprintf("%s/recordings/%s", restore->options->folder, line->name);
	AUTO(close) int fd = folder_open_file(path);

	bool is_there = fd >= 0 || errno == EINVAL; /* a link in its place, or a pipe, is there */

	restore->away += !is_there;
	if (fd < 0 && errno == ENOENT)
		find_fault(restore, BACKUP_MISSING, line->name, "the backup does not have it");
	else if (fd < 0 && is_for_now(errno))
		return err_errno(err, "cannot open '%s'", path);
	else if (fd < 0)
		find_fault(restore, BACKUP_DAMAGED, line->name, strerror(errno));
	else if (!is_here(restore, line->name, fd))
		return copy(restore, line, fd, err);
	return true;
}

/* What is given up now is not taken from the backup any more, and Twilio may have it no more. */
static bool is_all_there(const struct restore *restore, uint64_t all, struct err *err)
{
	return restore->options->though_files_missing || !folder_seems_away(restore->away, all) ||
	       err_set(err, ERR_UNAVAILABLE,
		       "of %llu recordings %llu cannot be had from the backup: is its disk mounted, and all "
		       "of it?  The same again goes on; --though-files-missing does so without them",
		       (unsigned long long)all, (unsigned long long)restore->away);
}

static bool take_all(struct restore *restore, struct err *err)
{
	struct digest_list_line line;
	uint64_t done = 0;
	bool is_end;

	progress_move(restore->options->progress, 0, restore->head.recordings);
	for (;;) {
		if (!digest_list_next(restore->list, &line, &is_end, err))
			return false;
		if (is_end)
			break;
		if (!take(restore, &line, err))
			return false;
		progress_move(restore->options->progress, ++done, restore->head.recordings);
	}
	progress_move(restore->options->progress, done, done);
	return landing_finish(restore->landing, err) && is_all_there(restore, done, err);
}

/* ---- the ledger ---- */

static bool copy_bytes(int from_fd, int to_fd, struct err *err)
{
	AUTO(free) char *piece = xmalloc(PIECE_BYTES);
	off_t at = 0;
	ssize_t n;

	while ((n = pread(from_fd, piece, PIECE_BYTES, at)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "cannot read the ledger of the backup");
		if (!file_write_all(to_fd, piece, (size_t)n, err))
			return false;
		at += n;
	}
	return true;
}

/* What was written has the digest; that the disk keeps it is the affair of who opens it next. */
static bool is_as_written(const struct restore *restore, int fd, struct err *err)
{
	struct landing_content content;

	return landing_digest(fd, &content, err) &&
	       (strcmp(content.sha256, restore->head.ledger_sha256) == 0 ||
		err_set(err, ERR_INVALID, "the ledger of the backup changed while it was read"));
}

/* What SQLite keeps beside it, which is of what was begun before. */
static bool remove_logs(const struct restore *restore, struct err *err)
{
	static const char *const ends[] = { "-wal", "-shm", "-journal" };

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		AUTO(free) char *path = xasprintf("%s%s", restore->ledger, ends[i]);

		if (unlink(path) < 0 && errno != ENOENT)
			return err_errno(err, "cannot remove '%s'", path);
	}
	return true;
}

static bool copy_ledger(const struct restore *restore, const char *from, struct err *err)
{
	AUTO(close) int from_fd = folder_open_file(from);
	AUTO(close) int to_fd = -1;

	if (from_fd < 0)
		return err_errno(err, "cannot open '%s'", from);
	if (!remove_logs(restore, err))
		return false;
	/* It is there from the first file to the last, so that no server begins an empty ledger beside them. */
	to_fd = open(restore->ledger, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
	if (to_fd < 0)
		return err_errno(err, "cannot create '%s'", restore->ledger);
	if (!file_hand_over(restore->options->data_dir, to_fd, restore->ledger, err))
		return false;
	if (ftruncate(to_fd, 0) < 0)
		return err_errno(err, "cannot cut '%s'", restore->ledger);
	return copy_bytes(from_fd, to_fd, err) && is_as_written(restore, to_fd, err) &&
	       file_sync(to_fd, restore->ledger, err) && file_sync_name(restore->ledger, err);
}

static bool end_kinds(struct catalog *catalog, const enum credential_kind *kinds, size_t count,
		      int64_t *out_count, struct err *err)
{
	int64_t ended;

	for (size_t i = 0; i < count; i++) {
		if (!credentials_end_kind(catalog, kinds[i], &ended, err))
			return false;
		*out_count += ended;
	}
	return true;
}

/* Who may come in: see restore.h. */
static bool end_credentials(const struct restore *restore, struct catalog *catalog, struct err *err)
{
	static const enum credential_kind always[] = { CREDENTIAL_VISIT, CREDENTIAL_DEVICE,
						       CREDENTIAL_INVITATION, CREDENTIAL_SESSION };
	static const enum credential_kind asked[] = { CREDENTIAL_TOKEN, CREDENTIAL_LINK };
	struct restore_report *report = restore->report;
	int64_t ended = 0;

	if (!end_kinds(catalog, always, ARRAY_LEN(always), &report->sessions_ended, err) ||
	    (restore->options->ends_all &&
	     !end_kinds(catalog, asked, ARRAY_LEN(asked), &ended, err)))
		return false;
	return credentials_count_kind(catalog, CREDENTIAL_TOKEN, &report->tokens, err) &&
	       credentials_count_kind(catalog, CREDENTIAL_LINK, &report->links, err);
}

static bool queue_again(const struct restore *restore, struct catalog *catalog,
			const struct recording_stored *stored, struct err *err)
{
	struct recording recording;

	restore->report->queued++;
	return recordings_find(catalog, str_of(stored->recording_sid), &recording, err) &&
	       recordings_mark_lost(catalog, &recording, clock_wall_ms(),
				    "the backup that was restored does not have its file", err);
}

static bool queue_page(const struct restore *restore, struct catalog *catalog,
		       const struct recording_stored *page, size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		bool is_there;

		if (!landing_find(restore->landing, page[i].path, page[i].size, &is_there, err))
			return false;
		if (is_there)
			restore->report->recordings++;
		else if (!queue_again(restore, catalog, &page[i], err))
			return false;
	}
	return true;
}

static bool queue_missing(const struct restore *restore, struct catalog *catalog, struct err *err)
{
	AUTO(free) struct recording_stored *page = xcalloc(PAGE, sizeof(*page));
	int64_t after_id = 0;
	size_t count = PAGE;

	while (count == PAGE) {
		if (!recordings_list_stored(catalog, after_id, page, PAGE, &count, err) ||
		    !catalog_begin(catalog, err))
			return false;
		if (!queue_page(restore, catalog, page, count, err)) {
			catalog_rollback(catalog);
			return false;
		}
		if (!catalog_commit(catalog, err))
			return false;
		after_id = count > 0 ? page[count - 1].id : after_id;
	}
	return true;
}

/* Once: a restore that is begun again copies the ledger anew. */
static bool go_back(const struct restore *restore, struct catalog *catalog, struct err *err)
{
	if (!catalog_begin(catalog, err))
		return false;
	if (!catalog_leap(catalog, err) ||
	    !upkeep_pause_purge(catalog, UPKEEP_PAUSE_RESTORED, err) ||
	    !end_credentials(restore, catalog, err)) {
		catalog_rollback(catalog);
		return false;
	}
	return catalog_commit(catalog, err) && queue_missing(restore, catalog, err);
}

/* ---- the whole ---- */

/* The ledger has no log any more: SQLite moves it into the file when the last one closes it. */
static bool name_ledger(const struct restore *restore, struct err *err)
{
	AUTO(free) char *log = xasprintf("%s-wal", restore->ledger);
	AUTO(free) char *path = xasprintf("%s/ledger.db", restore->options->data_dir);
	AUTO(close) int fd = -1;

	if (access(log, F_OK) == 0)
		return err_set(err, ERR_UNAVAILABLE, "the log of '%s' cannot be moved into it",
			       restore->ledger);
	fd = open(restore->ledger, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, "cannot open '%s'", restore->ledger);
	if (!file_sync(fd, restore->ledger, err))
		return false;
	if (rename(restore->ledger, path) < 0)
		return err_errno(err, "cannot rename '%s'", restore->ledger);
	if (file_sync_folder(restore->options->data_dir, err))
		return true;
	/* Begun again, it goes on from here; no server has opened it, as the lock is ours. */
	if (rename(path, restore->ledger) < 0)
		return err_context(err, "all is restored, but the disk may not keep it");
	return false;
}

/* One that is refused at its begin leaves no restore behind that would have to be finished. */
static bool open_ledger(const struct restore *restore, struct catalog **out, struct err *err)
{
	struct err ignored;

	if (catalog_open(restore->ledger, CATALOG_WRITE, out, err))
		return true;
	if (err->kind == ERR_INVALID && !folder_has(restore->options->data_dir, "recordings") &&
	    remove_logs(restore, &ignored))
		(void)!unlink(restore->ledger);
	return false;
}

/* The ledger is looked at before hours of copying: a newer callspool's is refused. */
static bool bring_back(struct restore *restore, struct err *err)
{
	const struct restore_options *options = restore->options;
	AUTO(free) char *from = NULL;
	struct catalog *catalog = NULL;
	bool good;

	if (!backup_ledger_find(options->folder, &restore->head, &from, err) ||
	    !copy_ledger(restore, from, err) || !open_ledger(restore, &catalog, err))
		return false;
	good = landing_open(options->data_dir, &restore->landing, err) && take_all(restore, err) &&
	       go_back(restore, catalog, err);
	catalog_free(catalog);
	return good && name_ledger(restore, err);
}

/* audit.key, keys: who keeps them elsewhere brings them first. */
static bool ready_folder(const char *data_dir, int *out_lock_fd, struct err *err)
{
	static const char *const at_first[] = { "lock", "reserve", "audit.key", "keys", NULL };
	static const char *const again[] = { "lock",
					     "reserve",
					     "audit.key",
					     "keys",
					     "recordings",
					     "arriving",
					     RESTORE_UNFINISHED,
					     RESTORE_UNFINISHED "-wal",
					     RESTORE_UNFINISHED "-shm",
					     RESTORE_UNFINISHED "-journal",
					     NULL };
	AUTO(free) char *lock = xasprintf("%s/lock", data_dir);

	/* What runs there is told rather than what lies there. */
	if (folder_has(data_dir, "lock") && !file_take_lock(lock, out_lock_fd, err))
		return false;
	if (!folder_use(data_dir, folder_has(data_dir, RESTORE_UNFINISHED) ? again : at_first, err))
		return false;
	return *out_lock_fd >= 0 || file_take_lock(lock, out_lock_fd, err);
}

bool restore_run(const struct restore_options *options, struct restore_report *report,
		 struct err *err)
{
	struct restore restore = { .options = options, .report = report };
	AUTO(free) char *ledger = xasprintf("%s/" RESTORE_UNFINISHED, options->data_dir);
	AUTO(close) int lock_fd = -1;
	bool good;

	*report = (struct restore_report){ .recordings = 0 };
	if (!digest_list_open(options->folder, &restore.list, &restore.head, err))
		return false;
	report->made_at_ms = restore.head.made_at_ms;
	restore.ledger = ledger;
	good = ready_folder(options->data_dir, &lock_fd, err) && bring_back(&restore, err);
	landing_free(restore.landing);
	digest_list_free(restore.list);
	return good;
}
