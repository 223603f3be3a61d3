/*
 * Asking a running server over the administrator's socket in the data folder.
 */
#pragma once

#include "base/buf.h"
#include "base/compiler.h"
#include "base/err.h"
#include "config/settings.h"

#include <stdbool.h>

/*
 * GET of a path; the body goes into `out`.  ERR_NOT_FOUND: no server runs on this data folder;
 * ERR_UNAVAILABLE: one does, and did not answer with 200.  Blocks, at most 30 s.
 */
bool admin_get(const struct settings *settings, const char *path, struct buf *out,
	       struct err *err) MUST_CHECK;
