/*
 * Opening and writing.  All but access_log_reopen(), _post() and _lost() is on the log's own thread.
 *
 * What is no plain file may be shared with other writers, and its reader may be slow: there a write is whole lines of at
 * most PIPE_BUF bytes, and waits for room first, with a limit.  A pipe is opened without blocking, so that one
 * without a reader is an error at the start and not a server that does not come up.
 */
#include "accesslog/access_log.h"

#include "accesslog/access_line.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define ROOM_WAIT_MS 2000  /* for a reader to take some of what is there */
#define TELL_MS      60000 /* between two lines of the log about lines that were lost */

struct access_log {
	char *path; /* NULL: standard error */
	int fd;
	uint64_t keep_free_bytes;
	bool is_file;  /* a plain one, and ours alone */
	bool mid_line; /* the last write ended within a line */
	uint64_t told; /* of the lines lost, those that the log was told of */
	int64_t told_at_ms;
	bool is_failing;
	struct workers *workers;
	struct job reopen;
	atomic_bool reopen_is_posted;
	_Atomic uint64_t lost;
};

/* ---- opening ---- */

static bool open_file(const char *path, int *out_fd, struct err *err)
{
	int fd =
		open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);

	if (fd < 0)
		return err_set(err, ERR_INVALID, "access_log: cannot open '%s': %s", path,
			       strerror(errno));
	*out_fd = fd;
	return true;
}

static void take_fd(struct access_log *log, int fd)
{
	struct stat info;

	if (log->path && log->fd >= 0)
		close(log->fd);
	log->fd = fd;
	log->is_file = log->path && fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
	log->mid_line = false;
}

static void run_reopen(struct job *job)
{
	struct access_log *log = container_of(job, struct access_log, reopen);
	struct err err;
	int fd = -1;

	/* First, so that a wish that comes from now on is not lost. */
	atomic_store(&log->reopen_is_posted, false);
	if (open_file(log->path, &fd, &err)) {
		take_fd(log, fd);
		log_info(NULL, "the access log is opened anew: %s", log->path);
	} else {
		log_error(NULL, "%s; the old file is written on", err.text);
	}
}

bool access_log_open(const char *where, uint64_t keep_free_bytes, struct access_log **out,
		     struct err *err)
{
	AUTO(access_log_free) struct access_log *log = NULL;
	int fd = STDERR_FILENO;

	*out = NULL;
	if (strcmp(where, "off") == 0)
		return true;
	log = xcalloc(1, sizeof(*log));
	log->fd = -1;
	log->keep_free_bytes = keep_free_bytes;
	if (strcmp(where, "stderr") != 0) {
		if (!open_file(where, &fd, err))
			return false;
		log->path = xstrdup(where);
	}
	take_fd(log, fd);
	log->reopen.run = run_reopen;
	if (!workers_start("access-log", 1, &log->workers, err))
		return false;
	*out = TAKE(log);
	return true;
}

void access_log_reopen(struct access_log *log)
{
	if (log && log->path && !atomic_exchange(&log->reopen_is_posted, true))
		workers_post(log->workers, &log->reopen);
}

/* ---- writing ---- */

/* How much of it may go out in one write: whole lines, of which one is never longer than that. */
static size_t piece_of(const struct access_log *log, struct str bytes)
{
	size_t len = bytes.len;

	if (log->is_file || len <= ACCESS_LINE_MAX)
		return len;
	len = ACCESS_LINE_MAX;
	while (bytes.at[len - 1] != '\n')
		len--;
	return len;
}

static bool wait_for_room(const struct access_log *log)
{
	struct pollfd wanted = { .fd = log->fd, .events = POLLOUT };
	/* Once for all: what waits behind it must not take as long each, least of all at the end. */
	int wait_ms = log->is_failing ? 0 : ROOM_WAIT_MS;

	if (log->is_file || poll(&wanted, 1, wait_ms) > 0)
		return true;
	errno = EAGAIN;
	return false;
}

/* Takes off *bytes what was written; false with errno. */
static bool write_piece(struct access_log *log, struct str *bytes)
{
	ssize_t n;

	if (!wait_for_room(log))
		return false;
	n = write(log->fd, bytes->at, piece_of(log, *bytes));
	if (n < 0)
		return errno == EINTR || errno == EAGAIN; /* another took the room */
	if (n > 0)
		log->mid_line = bytes->at[n - 1] != '\n';
	*bytes = str_after(*bytes, (size_t)n);
	return true;
}

static bool write_all(struct access_log *log, struct str bytes)
{
	struct str newline = STR("\n");

	/* What was cut there is a line that no reader knows; what follows must not be of it. */
	while (log->mid_line && newline.len > 0)
		if (!write_piece(log, &newline))
			return false;
	while (bytes.len > 0)
		if (!write_piece(log, &bytes))
			return false;
	return true;
}

/* The last of a disk is for what must not be lost.  Where it does not say, the write will. */
static bool leaves_room(const struct access_log *log)
{
	struct statvfs disk;

	if (!log->is_file || fstatvfs(log->fd, &disk) < 0 ||
	    (uint64_t)disk.f_bavail * disk.f_frsize >= log->keep_free_bytes)
		return true;
	errno = ENOSPC;
	return false;
}

static void tell_lost(struct access_log *log)
{
	uint64_t lost = access_log_lost_count(log);

	if (lost == log->told)
		return;
	log_warn(NULL, "%llu lines of the access log were lost",
		 (unsigned long long)(lost - log->told));
	log->told = lost;
	log->told_at_ms = clock_monotonic_ms();
}

/* So that a full disk is a line at its beginning and one at its end, and not one a batch. */
static void tell(struct access_log *log, bool is_good, int failure)
{
	if (!is_good && !log->is_failing)
		log_error(NULL, "cannot write the access log: %s", strerror(failure));
	else if (is_good && log->is_failing)
		log_info(NULL, "the access log is written again");
	if (is_good && (log->is_failing || clock_monotonic_ms() - log->told_at_ms >= TELL_MS))
		tell_lost(log);
	log->is_failing = !is_good;
}

static void run_batch(struct job *job)
{
	struct access_batch *batch = container_of(job, struct access_batch, job);
	bool is_good = leaves_room(batch->log) &&
		       write_all(batch->log, (struct str){ batch->bytes, batch->len });
	int failure = errno;

	if (!is_good)
		access_log_lost(batch->log, batch->count);
	tell(batch->log, is_good, failure);
}

void access_log_post(struct access_log *log, struct access_batch *batch)
{
	batch->log = log;
	batch->job.run = run_batch;
	workers_post(log->workers, &batch->job);
}

void access_log_lost(struct access_log *log, uint64_t lines)
{
	atomic_fetch_add_explicit(&log->lost, lines, memory_order_relaxed);
}

uint64_t access_log_lost_count(const struct access_log *log)
{
	return log ? atomic_load_explicit(&log->lost, memory_order_relaxed) : 0;
}

/* ---- the end ---- */

void access_log_stop(struct access_log *log)
{
	if (!log)
		return;
	if (log->workers) {
		workers_stop(log->workers);
		tell_lost(log);
	}
	log->workers = NULL;
}

void access_log_free(struct access_log *log)
{
	if (!log)
		return;
	access_log_stop(log);
	if (log->path && log->fd >= 0)
		close(log->fd);
	free(log->path);
	free(log);
}
