/*
 * May a folder be used for a backup, or for a restore?  Nothing that is not ours is written over.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Makes the folder (0700; its parents 0750) where it is not there.  ERR_CONFLICT: it holds something else than `names`
 * (ended by NULL), and the folder of the file system, lost+found.
 */
bool folder_use(const char *path, const char *const names[], struct err *err) MUST_CHECK;
bool folder_has(const char *folder, const char *name);
/*
 * So many of so many files that are to be in a store are not: is its disk not mounted, or not all of it?  A few are no sign of
 * anything, and of many a tenth is none.
 */
bool folder_seems_away(uint64_t missing, uint64_t all);
/* For reading; -1 with errno.  EINVAL: it is no file, but a link, or a pipe of which nobody waits for the other end. */
int folder_open_file(const char *path) MUST_CHECK;
