/*
 * Files, whole and durable.  Everything is CLOEXEC.  Names say what was synced.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The whole file, NUL-terminated, at most max bytes; *out is for free(). */
bool file_read(const char *path, size_t max, char **out, size_t *out_len,
	       struct err *err) MUST_CHECK;
/* Writes all of it, going on after short writes and EINTR.  ERR_UNAVAILABLE: the disk is full. */
bool file_write_all(int fd, const void *bytes, size_t len, struct err *err) MUST_CHECK;
bool file_sync(int fd, const char *what, struct err *err) MUST_CHECK;
/* fsync of a folder, so that a name in it survives power loss. */
bool file_sync_folder(const char *path, struct err *err) MUST_CHECK;
/*
 * Makes durable what can be read of a file, though an earlier fsync of it failed: the kernel calls the
 * pages clean after that, and another fsync does not write them.  Writes all bytes anew, where they
 * are, and syncs.  Nobody else may write to it meanwhile.  ERR_NOT_FOUND: there is no such file;
 * ERR_UNAVAILABLE: no room (some file systems write elsewhere).
 */
bool file_rewrite(const char *path, struct err *err) MUST_CHECK;
/* Syncs the folder that `path` is in: file_sync_folder(). */
bool file_sync_name(const char *path, struct err *err) MUST_CHECK;
/*
 * Makes the folder and its parents (0750) where they do not exist.  All their names are synced;
 * where that fails it is an error for those that it made.
 */
bool file_make_folders(const char *path, struct err *err) MUST_CHECK;

/*
 * A path to the same file of less than `size` bytes, for what takes no longer one (a socket's address): the
 * path itself, or one by its opened folder.  *out_folder_fd (-1: none) is to be kept open as
 * long as *out is used; both are the caller's.
 */
bool file_short_path(const char *path, size_t size, char **out, int *out_folder_fd,
		     struct err *err) MUST_CHECK;

/*
 * Where root works, a file that it made in the folder is given to the folder's owner, who may have put something else under
 * its name meanwhile: ERR_CONFLICT, when it has another name besides or belongs to a third.
 */
bool file_hand_over(const char *folder, int fd, const char *path, struct err *err) MUST_CHECK;

/*
 * Takes the lock that the file at `path` stands for, made (0640; its folder's owner has it) where it
 * is not there: flock(2), so it ends with the descriptor, which is the caller's.  ERR_CONFLICT:
 * another process has it.
 */
bool file_take_lock(const char *path, int *out_fd, struct err *err) MUST_CHECK;
