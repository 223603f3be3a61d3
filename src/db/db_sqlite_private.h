/*
 * What the files of the SQLite driver share.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

#include <sqlite3.h>
#include <stdbool.h>

struct progress;

/* What SQLite's code means to a caller: see db.h. */
enum err_kind sqlite_kind_of(int code, int os_errno);

/* db_copy(): db_sqlite_copy.c */
bool sqlite_copy_to(sqlite3 *from, const char *path, struct progress *progress,
		    struct err *err) MUST_CHECK;
