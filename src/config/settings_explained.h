/*
 * A settings file that explains itself: what the package installs, and `callspool config --explained` prints.
 *
 * Each setting has its meaning, its kind and its bounds as a comment; then a line.  Where the value is the
 * default, or nothing, that line is a comment, too ("#key = value", without a space: a line to be uncommented);
 * otherwise it says what is in force, so that the whole can be read back by --config.
 */
#pragma once

#include "base/buf.h"
#include "config/settings.h"

#define SETTINGS_COMMENT_COLUMNS 100 /* comments are broken at words */

void settings_explain(const struct settings_source *source, struct buf *out);

/* "a list of words", "one of: password, proxy, none": what a value looks like.  Appends to *out. */
void setting_kind_text(const struct setting *setting, struct buf *out);
/* "from 1s to 365d", "at least 1s"; nothing where there is no bound. */
void setting_bounds_text(const struct setting *setting, struct buf *out);
#define SETTING_LIVE_TEXT "; a reload changes it" /* behind both, of a setting that is live */
