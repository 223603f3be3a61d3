#include "backup/backup.h"

#include "backup/backup_ledger.h"
#include "backup/digest_list.h"
#include "backup/folder_use.h"
#include "backup/landing.h"
#include "backup/prune.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/own.h"
#include "base/progress.h"
#include "base/str.h"
#include "blob/blob.h"
#include "catalog/catalog.h"
#include "catalog/recordings.h"
#include "chores/recordings_stored.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define PAGE 256 /* recordings at once */

struct backup {
	const struct backup_options *options;
	struct backup_report *report;
	struct catalog *live; /* the ledger as it goes on */
	struct catalog *copy; /* as it is backed up */
	struct landing *landing;
	struct digest_list_writer *list;
	struct digest_list_head head;
	bool is_begun;     /* there may be a ledger.db.new, and it is this one's */
	bool is_replacing; /* which belongs to the list from here on */
};

static char *path_in(const struct backup *backup, const char *name)
{
	return xasprintf("%s/%s", backup->options->folder, name);
}

/* ---- one recording ---- */

static void find_fault(struct backup *backup, enum backup_finding finding, const char *path,
		       const char *reason)
{
	backup->report->findings[finding]++;
	backup_watch_tell(backup->options->watch, finding, path, reason);
}

/* Its file is not there: because the server has gone on, or because it is lost? */
static bool miss(struct backup *backup, const struct recording_stored *stored, struct err *err)
{
	struct recording now;
	struct err unknown;

	if (!blob_has_place(backup->options->store, str_of(stored->path)))
		return err_set(err, ERR_UNAVAILABLE,
			       "the folder of '%s' is not there: is the store mounted?",
			       stored->path);
	if (!recordings_find(backup->live, str_of(stored->recording_sid), &now, &unknown)) {
		if (unknown.kind != ERR_NOT_FOUND) {
			*err = unknown;
			return false;
		}
		now.state = RECORDING_PURGED;
	}
	if (recording_is_removed(now.state) ||
	    (now.state == RECORDING_STORED && strcmp(now.path, stored->path) != 0))
		backup->report->gone++;
	else
		find_fault(backup, BACKUP_MISSING, stored->path, "the store does not have it");
	return true;
}

/* What lies in the backup is good, whatever its source is by now. */
static bool note_here(struct backup *backup, const struct recording_stored *stored, struct err *err)
{
	struct landing_content content = { .size = stored->size };
	AUTO(close) int fd = -1;

	if (stored->sha256[0] == '\0') {
		fd = landing_reader(backup->landing, stored->path);
		if (fd < 0)
			return err_errno(err, "cannot open '%s' of the backup", stored->path);
		if (!landing_digest(fd, &content, err))
			return err_context(err, "'%s' of the backup", stored->path);
	}
	digest_list_add(backup->list, stored->path,
			stored->sha256[0] ? stored->sha256 : content.sha256);
	return true;
}

static bool copy(struct backup *backup, const struct recording_stored *stored, int fd,
		 struct err *err)
{
	struct landing_content content = { .size = stored->size };

	memcpy(content.sha256, stored->sha256, sizeof(content.sha256));
	switch (landing_copy(backup->landing, fd, stored->path, &content, err)) {
	case LANDING_DONE:
		backup->report->copied++;
		backup->report->copied_bytes += content.size;
		digest_list_add(backup->list, stored->path, content.sha256);
		return true;
	case LANDING_OTHER:
		find_fault(backup, BACKUP_DAMAGED, stored->path,
			   "its bytes are not those that were stored");
		return true;
	case LANDING_UNREADABLE:
		find_fault(backup, BACKUP_DAMAGED, stored->path, err->text);
		return true;
	case LANDING_FAILED:
		break;
	}
	return false;
}

/* *out_linked false: it is to be copied. */
static bool link_it(struct backup *backup, const struct recording_stored *stored, bool *out_linked,
		    struct err *err)
{
	AUTO(free) char *path = NULL;

	*out_linked = false;
	if (backup->options->copies)
		return true;
	if (!blob_path(backup->options->store, str_of(stored->path), &path, err) ||
	    !landing_link(backup->landing, path, stored->path, out_linked, err))
		return false;
	if (!*out_linked)
		return true;
	backup->report->linked++;
	return note_here(backup, stored, err);
}

static bool take(struct backup *backup, const struct recording_stored *stored, struct err *err)
{
	AUTO(close) int fd = -1;
	struct err unread;
	bool is_linked;
	uint64_t size;

	if (landing_has(backup->landing, stored->path, stored->size)) {
		backup->report->here++;
		return note_here(backup, stored, err);
	}
	if (!blob_open_read(backup->options->store, str_of(stored->path), &fd, &size, &unread)) {
		if (unread.kind == ERR_NOT_FOUND)
			return miss(backup, stored, err);
		/* Of the file that says nothing: the list is not to lack it. */
		if (unread.kind == ERR_SCARCE || unread.kind == ERR_UNAVAILABLE) {
			*err = unread;
			return false;
		}
		find_fault(backup, BACKUP_DAMAGED, stored->path, unread.text);
		return true;
	}
	if (size != stored->size) {
		find_fault(backup, BACKUP_DAMAGED, stored->path, "it has another size");
		return true;
	}
	if (!link_it(backup, stored, &is_linked, err))
		return false;
	return is_linked || copy(backup, stored, fd, err);
}

static bool take_all(struct backup *backup, struct err *err)
{
	AUTO(free) struct recording_stored *page = xcalloc(PAGE, sizeof(*page));
	uint64_t done = 0, all = backup->report->recordings;
	int64_t after_id = 0;
	size_t count = PAGE;

	progress_move(backup->options->media_progress, 0, all);
	while (count == PAGE) {
		if (!recordings_list_stored(backup->copy, after_id, page, PAGE, &count, err))
			return false;
		for (size_t i = 0; i < count; i++) {
			if (!take(backup, &page[i], err))
				return false;
			progress_move(backup->options->media_progress, ++done, all);
		}
		after_id = count > 0 ? page[count - 1].id : after_id;
	}
	return landing_finish(backup->landing, err);
}

/* ---- the ledger ---- */

/* A ledger that has gone less far is another one, or was brought back from a copy: what is newer is not written over. */
static bool may_replace(const struct backup *backup, struct err *err)
{
	AUTO(digest_list_free) struct digest_list *list = NULL;
	struct digest_list_head old;

	if (!digest_list_open(backup->options->folder, &list, &old, err))
		return err->kind == ERR_NOT_FOUND;
	return old.sequence <= backup->head.sequence ||
	       err_set(err, ERR_CONFLICT,
		       "the backup in '%s' is of another ledger, or of a later state of this one: "
		       "name another folder",
		       backup->options->folder);
}

/* On the disk of the ledger, which the server needs; another may be filled. */
static bool has_room(const struct backup *backup, struct err *err)
{
	const struct backup_options *options = backup->options;
	AUTO(free) char *log_path = xasprintf("%s-wal", options->ledger);
	struct stat ledger, folder, log = { .st_size = 0 };
	struct statvfs disk;

	if (stat(options->ledger, &ledger) < 0 || stat(options->folder, &folder) < 0 ||
	    statvfs(options->folder, &disk) < 0)
		return err_errno(err, "cannot look at '%s'", options->folder);
	if (ledger.st_dev != folder.st_dev)
		return true;
	landing_keep_free(backup->landing, options->keep_free_bytes);
	if (stat(log_path, &log) < 0 && errno != ENOENT)
		return err_errno(err, "cannot look at '%s'", log_path);
	return (uint64_t)disk.f_bavail * disk.f_frsize >= (uint64_t)ledger.st_size +
								  (uint64_t)log.st_size +
								  options->keep_free_bytes ||
	       err_set(err, ERR_UNAVAILABLE,
		       "a copy of the ledger would leave less room on this disk than callspool "
		       "itself needs (min_free)");
}

static bool copy_snapshot(struct backup *backup, const char *path, struct err *err)
{
	backup->report->made_at_ms = backup->head.made_at_ms = clock_wall_ms();
	return catalog_sequence(backup->live, &backup->head.sequence, err) &&
	       may_replace(backup, err) && has_room(backup, err) &&
	       catalog_copy(backup->live, path, backup->options->ledger_progress, err);
}

/* The live ledger is held as it is for no longer than this takes. */
static bool copy_ledger(struct backup *backup, const char *path, struct err *err)
{
	AUTO(close) int fd = -1;
	struct landing_content content;
	struct catalog_counts counts;
	bool copied;

	if ((unlink(path) < 0 && errno != ENOENT))
		return err_errno(err, "cannot remove '%s'", path);
	backup->is_begun = true;
	if (!catalog_begin(backup->live, err))
		return false;
	copied = copy_snapshot(backup, path, err);
	catalog_rollback(backup->live);
	if (!copied)
		return false;
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, "cannot open '%s'", path);
	if (!file_hand_over(backup->options->folder, fd, path, err) ||
	    !landing_digest(fd, &content, err) ||
	    !catalog_open(path, CATALOG_READ, &backup->copy, err) ||
	    !catalog_counts(backup->copy, &counts, err))
		return false;
	backup->report->ledger_bytes = content.size;
	memcpy(backup->head.ledger_sha256, content.sha256, sizeof(content.sha256));
	backup->report->recordings = (uint64_t)counts.recordings[RECORDING_STORED];
	backup->head.recordings = backup->report->recordings;
	return true;
}

/* ---- the whole ---- */

static bool rename_in(const struct backup *backup, const char *from, const char *to,
		      struct err *err)
{
	AUTO(free) char *old = path_in(backup, from);
	AUTO(free) char *new = path_in(backup, to);

	return rename(old, new) == 0 || err_errno(err, "cannot rename '%s'", old);
}

/* From the first of these on the new backup is the one that is there (backup.h). */
static bool replace(struct backup *backup, struct err *err)
{
	if (!file_sync_folder(backup->options->folder, err))
		return false;
	backup->is_replacing = true;
	return rename_in(backup, DIGEST_LIST_NEW, DIGEST_LIST_NAME, err) &&
	       rename_in(backup, BACKUP_LEDGER_NEW, BACKUP_LEDGER, err) &&
	       file_sync_folder(backup->options->folder, err);
}

static bool fill(struct backup *backup, struct err *err)
{
	const struct backup_options *options = backup->options;
	AUTO(free) char *ledger = path_in(backup, BACKUP_LEDGER_NEW);

	if (!catalog_open(options->ledger, CATALOG_READ, &backup->live, err) ||
	    !landing_open(options->folder, &backup->landing, err) ||
	    !copy_ledger(backup, ledger, err))
		return false;
	if (!digest_list_begin(options->folder, &backup->head, &backup->list, err) ||
	    !take_all(backup, err) || !digest_list_end(backup->list, err) || !replace(backup, err))
		return false;
	return !options->prunes ||
	       prune(options->folder, backup->copy, backup->landing, &backup->report->pruned, err);
}

/* It is as large as the ledger, on what may be a full disk. */
static void drop_copy(const struct backup *backup)
{
	AUTO(free) char *path = path_in(backup, BACKUP_LEDGER_NEW);

	if (backup->is_begun && !backup->is_replacing)
		(void)!unlink(path);
}

/* What an earlier version left half done may be here, too; a data folder may not. */
static bool ready_folder(const char *folder, int *out_lock_fd, struct err *err)
{
	static const char *const names[] = {
		"lock",          "arriving",    "recordings",      DIGEST_LIST_NAME,
		DIGEST_LIST_NEW, BACKUP_LEDGER, BACKUP_LEDGER_NEW, NULL
	};
	AUTO(free) char *lock = xasprintf("%s/lock", folder);

	if (!folder_use(folder, names, err))
		return false;
	if (folder_has(folder, BACKUP_LEDGER) && !folder_has(folder, DIGEST_LIST_NAME))
		return err_set(err, ERR_CONFLICT,
			       "'%s' holds a ledger, and is no backup: name an empty folder, or "
			       "one that is not there",
			       folder);
	return file_take_lock(lock, out_lock_fd, err) && backup_ledger_settle(folder, err);
}

bool backup_make(const struct backup_options *options, struct backup_report *report,
		 struct err *err)
{
	struct backup backup = { .options = options, .report = report };
	AUTO(close) int lock_fd = -1;
	bool good;

	*report = (struct backup_report){ .recordings = 0 };
	if (access(options->ledger, F_OK) < 0) /* before a folder is made */
		return err_set(err, ERR_NOT_FOUND, "there is no '%s'", options->ledger);
	good = ready_folder(options->folder, &lock_fd, err) && fill(&backup, err);
	if (!good)
		drop_copy(&backup);
	digest_list_writer_free(backup.list);
	landing_free(backup.landing);
	catalog_free(backup.copy);
	catalog_free(backup.live);
	return good;
}
