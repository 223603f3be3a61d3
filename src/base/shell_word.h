/*
 * A word of a command that people copy into a shell.
 */
#pragma once

#include "base/buf.h"
#include "base/str.h"

/* As it is, or in single quotes where the shell would take something of it for its own. */
void shell_word_add(struct buf *out, struct str word);
