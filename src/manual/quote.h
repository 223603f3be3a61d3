/*
 * Words that people read, written into programs of shells.  Each stands between single quotes; what the caller
 * names in `special` gets a backslash before.
 */
#pragma once

#include "base/buf.h"

/* bash, zsh: a quote cannot stand in quotes, so it ends them, stands alone, and begins them anew. */
void quote_posix(struct buf *out, const char *text, const char *special);
/* fish: in quotes a backslash makes a quote or a backslash plain. */
void quote_fish(struct buf *out, const char *text);
