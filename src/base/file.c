#include "base/file.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/own.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER_MODE   0750         /* recordings are nobody else's business */
#define REWRITE_BYTES (256 * 1024) /* at once: few calls, little memory */

/* -1: not opened; ERR_NOT_FOUND where there is none. */
static int open_existing(const char *path, int flags, struct err *err)
{
	int fd = open(path, flags | O_CLOEXEC);
	bool is_missing = fd < 0 && errno == ENOENT;

	if (fd < 0)
		err_errno(err, "cannot open '%s'", path);
	if (is_missing)
		err->kind = ERR_NOT_FOUND;
	return fd;
}

bool file_read(const char *path, size_t max, char **out, size_t *out_len, struct err *err)
{
	AUTO(close) int fd = open_existing(path, O_RDONLY, err);
	__attribute__((cleanup(buf_release_at))) struct buf text;

	buf_init(&text, max);
	if (fd < 0)
		return false;
	for (;;) {
		char piece[16384];
		ssize_t n = read(fd, piece, sizeof(piece));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "cannot read '%s'", path);
		if (n == 0)
			break;
		buf_add(&text, piece, (size_t)n);
	}
	if (!buf_ok(&text))
		return err_set(err, ERR_INVALID, "'%s' is larger than %zu bytes", path, max);
	*out_len = text.len;
	*out = buf_take(&text);
	return true;
}

static bool cannot_write(const char *path, struct err *err)
{
	bool is_full = errno == ENOSPC || errno == EDQUOT;

	err_errno(err, "cannot write%s%s%s", path ? " '" : "", path ? path : "", path ? "'" : "");
	if (is_full)
		err->kind = ERR_UNAVAILABLE;
	return false;
}

bool file_write_all(int fd, const void *bytes, size_t len, struct err *err)
{
	const char *at = bytes;

	while (len > 0) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return cannot_write(NULL, err);
		at += n;
		len -= (size_t)n;
	}
	return true;
}

bool file_sync(int fd, const char *what, struct err *err)
{
	if (fsync(fd) < 0)
		return err_errno(err, "cannot sync %s", what);
	return true;
}

bool file_sync_folder(const char *path, struct err *err)
{
	AUTO(close) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_errno(err, "cannot open the folder '%s'", path);
	if (fsync(fd) < 0)
		return err_errno(err, "cannot sync the folder '%s'", path);
	return true;
}

bool file_sync_name(const char *path, struct err *err)
{
	AUTO(free) char *parent = xstrdup(path);
	char *slash = strrchr(parent, '/');

	if (slash)
		slash[slash == parent ? 1 : 0] = '\0';
	return file_sync_folder(slash ? parent : ".", err);
}

/* Sets *out_len to 0 at the end of the file. */
static bool rewrite_piece(int fd, const char *path, char *piece, size_t size, off_t at,
			  size_t *out_len, struct err *err)
{
	size_t written = 0;
	ssize_t len;

	do
		len = pread(fd, piece, size, at);
	while (len < 0 && errno == EINTR);
	if (len < 0)
		return err_errno(err, "cannot read '%s'", path);
	while (written < (size_t)len) {
		ssize_t n = pwrite(fd, piece + written, (size_t)len - written, at + (off_t)written);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return cannot_write(path, err);
		written += (size_t)n;
	}
	*out_len = (size_t)len;
	return true;
}

bool file_rewrite(const char *path, struct err *err)
{
	AUTO(close) int fd = open_existing(path, O_RDWR, err);
	AUTO(free) char *piece = NULL;
	size_t len = 0;

	if (fd < 0)
		return false;
	piece = xmalloc(REWRITE_BYTES);
	for (off_t at = 0;; at += (off_t)len) {
		if (!rewrite_piece(fd, path, piece, REWRITE_BYTES, at, &len, err))
			return false;
		if (len == 0)
			return file_sync(fd, path, err);
	}
}

bool file_make_folders(const char *path, struct err *err)
{
	AUTO(free) char *partial = xstrdup(path);

	for (char *slash = partial; slash;) {
		struct err not_ours;
		bool is_made;

		slash = strchr(slash + 1, '/');
		if (slash)
			*slash = '\0';
		is_made = mkdir(partial, FOLDER_MODE) == 0;
		if (!is_made && errno != EEXIST)
			return err_errno(err, "cannot make the folder '%s'", partial);
		/* Of one that was there, its maker may have been killed before this; or it is not ours to sync. */
		if (!file_sync_name(partial, is_made ? err : &not_ours) && is_made)
			return false;
		if (slash)
			*slash = '/';
	}
	return true;
}

bool file_short_path(const char *path, size_t size, char **out, int *out_folder_fd, struct err *err)
{
	AUTO(free) char *folder = xstrdup(path);
	char *slash = strrchr(folder, '/');
	AUTO(close) int fd = -1;
	AUTO(free) char *by_folder = NULL;

	if (strlen(path) < size || !slash) {
		*out = TAKE(folder);
		*out_folder_fd = -1;
		return true;
	}
	*slash = '\0';
	fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, "cannot open the folder '%s'", folder);
	by_folder = xasprintf("/proc/self/fd/%d/%s", fd, slash + 1);
	if (strlen(by_folder) >= size)
		return err_set(err, ERR_INVALID, "the name of '%s' is too long", path);
	*out = TAKE(by_folder);
	*out_folder_fd = TAKE_FD(fd);
	return true;
}

bool file_hand_over(const char *folder, int fd, const char *path, struct err *err)
{
	struct stat owner, file;

	if (geteuid() != 0)
		return true;
	if (stat(folder, &owner) < 0 || fstat(fd, &file) < 0)
		return err_errno(err, "cannot look at '%s'", path);
	if (!S_ISREG(file.st_mode) || file.st_nlink != 1 ||
	    (file.st_uid != 0 && file.st_uid != owner.st_uid))
		return err_set(err, ERR_CONFLICT, "'%s' is not the file that was made there", path);
	return fchown(fd, owner.st_uid, owner.st_gid) == 0 ||
	       err_errno(err, "cannot hand '%s' over", path);
}

/* The server, which may be another user than root, opens it, too. */
static bool hand_over_lock(int fd, const char *path, struct err *err)
{
	AUTO(free) char *folder = xstrdup(path);

	return file_hand_over(dirname(folder), fd, path, err);
}

bool file_take_lock(const char *path, int *out_fd, struct err *err)
{
	const int flags = O_RDWR | O_NOFOLLOW | O_CLOEXEC;
	AUTO(close) int fd = open(path, flags | O_CREAT | O_EXCL, 0640);
	bool is_made = fd >= 0;

	if (!is_made && errno == EEXIST)
		fd = open(path, flags | O_CREAT, 0640);
	if (fd < 0)
		return err_errno(err, "cannot open '%s'", path);
	if (is_made && !hand_over_lock(fd, path, err)) {
		unlink(path); /* or the next one would take it as it is */
		return false;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? err_set(err, ERR_CONFLICT,
						      "another process has the lock '%s'", path)
					    : err_errno(err, "cannot lock '%s'", path);
	*out_fd = TAKE_FD(fd);
	return true;
}
