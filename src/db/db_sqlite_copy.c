/*
 * A whole database as one snapshot has it, page by page into a file of its own.
 *
 * The pages are copied within a read transaction of the source's connection: so they are of one instant, and
 * SQLite has no reason to begin anew, as it does where a writer changes the source between two steps.
 * Nobody waits for it.  What is written meanwhile stays in the source's log, because the snapshot needs the file as it is;
 * so this is done in one go, at the speed of the disk.  (VACUUM INTO was rejected: it writes each index anew, which takes
 * several times as long.)
 *
 * The copy has no log beside it: it is marked as a file of the other kind, so that it can be read where nothing can be
 * written, and is one file to move about.  Whoever opens it to write gives it a log again.
 */
#include "db/db_sqlite_private.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include "base/file.h"
#include "base/own.h"
#include "base/progress.h"

#define COPY_MODE  0600
#define STEP_PAGES 4096 /* between two looks at the progress: 16 MiB */
/* The copy is synced once, at its end, and thrown away if that is not reached. */
#define COPY_PRAGMAS \
	"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -2048;"
/* "file format write version" and "read version", of the file's header: 1 without a log, 2 with one. */
#define VERSIONS_AT 18

/* A target that is being written. */
struct target {
	sqlite3 *handle;
	int fd;
	const char *path;
};

static bool copy_failed(const struct target *to, int code, struct err *err)
{
	return err_set(err, sqlite_kind_of(code, sqlite3_system_errno(to->handle)),
		       "cannot copy the database to '%s': %s", to->path, sqlite3_errstr(code));
}

/*
 * The disk gets it bit by bit: the sync of a commit waits behind all that is dirty by then.  No matter where the file system
 * cannot do that.
 */
static void write_back(const struct target *to)
{
	(void)!sync_file_range(to->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

static bool copy_pages(sqlite3 *from, const struct target *to, struct progress *progress,
		       struct err *err)
{
	sqlite3_backup *backup = sqlite3_backup_init(to->handle, "main", from, "main");
	int code, ended;

	if (!backup)
		return copy_failed(to, sqlite3_extended_errcode(to->handle), err);
	do {
		code = sqlite3_backup_step(backup, STEP_PAGES);
		write_back(to);
		progress_move(progress,
			      (uint64_t)(sqlite3_backup_pagecount(backup) -
					 sqlite3_backup_remaining(backup)),
			      (uint64_t)sqlite3_backup_pagecount(backup));
	} while (code == SQLITE_OK);
	ended = sqlite3_backup_finish(backup);
	if (code != SQLITE_DONE)
		return copy_failed(to, code, err);
	return ended == SQLITE_OK || copy_failed(to, ended, err);
}

static bool fill(sqlite3 *from, struct target *to, struct progress *progress, struct err *err)
{
	int code = sqlite3_open_v2(
		to->path, &to->handle,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
	bool good;

	if (code == SQLITE_OK)
		code = sqlite3_exec(to->handle, COPY_PRAGMAS, NULL, NULL, NULL);
	good = code == SQLITE_OK ? copy_pages(from, to, progress, err) : copy_failed(to, code, err);
	sqlite3_close(to->handle);
	return good;
}

static bool mark_and_sync(int fd, const char *path, struct err *err)
{
	static const uint8_t versions[] = { 1, 1 };

	if (pwrite(fd, versions, sizeof(versions), VERSIONS_AT) != (ssize_t)sizeof(versions))
		return err_errno(err, "cannot write '%s'", path);
	return file_sync(fd, path, err);
}

bool sqlite_copy_to(sqlite3 *from, const char *path, struct progress *progress, struct err *err)
{
	AUTO(close) int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, COPY_MODE);

	struct target to = { .fd = fd, .path = path };

	if (fd < 0)
		return err_errno(err, "cannot create '%s'", path);
	return fill(from, &to, progress, err) && mark_and_sync(fd, path, err);
}
