#include "proxylog/log_file.h"

#include "base/mem.h"
#include "base/own.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define BLOCK (256 * 1024)

/* zlib's reader gives what is not gzipped as it is. */
static void close_gz(gzFile file)
{
	if (file)
		gzclose_r(file);
}
DEFINE_AUTO(gzFile, close_gz)

uint64_t log_file_size(const char *path)
{
	struct stat status;

	return strcmp(path, "-") != 0 && stat(path, &status) == 0 ? (uint64_t)status.st_size : 0;
}

/* Lines that end in the block; the rest moves to its beginning.  Returns how much that is. */
static size_t give_lines(struct log_file_lines *lines, char *block, size_t len, bool *is_passing)
{
	struct str rest = { block, len };
	size_t end;

	while ((end = str_find(rest, '\n')) < rest.len) {
		if (!*is_passing)
			lines->line(lines, str_first(rest, end));
		*is_passing = false;
		rest = str_after(rest, end + 1);
	}
	if (rest.len >= LOG_FILE_LINE_MAX) {
		if (!*is_passing)
			lines->line(lines, str_first(rest, LOG_FILE_LINE_MAX));
		*is_passing = true;
		rest.len = 0;
	}
	memmove(block, rest.at, rest.len);
	return rest.len;
}

static bool open_log(const char *path, gzFile *out, struct err *err)
{
	AUTO(close)
	int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return err_set(err, ERR_NOT_FOUND, "there is no '%s'", path);
	if (fd < 0)
		return err_errno(err, "cannot open '%s'", path);
	*out = gzdopen(fd, "r");
	if (!*out)
		return err_set(err, ERR_INTERNAL, "cannot read '%s'", path);
	fd = -1; /* zlib's now */
	gzbuffer(*out, BLOCK);
	return true;
}

static void move_on(const struct log_file *file, int64_t *seen, gzFile gz)
{
	int64_t at = gzoffset(gz);

	if (at > *seen) {
		*file->done_bytes += (uint64_t)(at - *seen);
		*seen = at;
	}
	progress_move(file->progress, *file->done_bytes, file->all_bytes);
}

bool log_file_read(const struct log_file *file, struct log_file_lines *lines, struct err *err)
{
	AUTO(close_gz) gzFile gz = NULL;
	AUTO(free) char *block = xmalloc(BLOCK);
	bool is_passing = false;
	int64_t seen = 0;
	size_t kept = 0;
	const char *why;
	int got, status;

	if (!open_log(file->path, &gz, err))
		return false;
	while ((got = gzread(gz, block + kept, (unsigned)(BLOCK - kept))) > 0) {
		kept = give_lines(lines, block, kept + (size_t)got, &is_passing);
		move_on(file, &seen, gz);
	}
	if (kept > 0 && !is_passing)
		lines->line(lines, (struct str){ block, kept });
	why = gzerror(gz, &status);
	return status == Z_OK || status == Z_STREAM_END ||
	       err_set(err, ERR_INTERNAL, "'%s' is broken: %s", file->path, why);
}
