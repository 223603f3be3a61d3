/*
 * UTF-8 (RFC 3629) in text that strangers sent.  Pure.
 */
#pragma once

#include "base/str.h"

#include <stdbool.h>

#define UTF8_REPLACEMENT "\xef\xbf\xbd" /* U+FFFD, in place of what is no character */

/* The length of the well-formed sequence that s begins with; 0 when it begins with none. */
size_t utf8_len(struct str s);
bool utf8_is_valid(struct str s); /* all of it */
/* All of s is well-formed and has no NUL: what every database takes as text. */
bool utf8_is_text(struct str s);
/* A copy in which each NUL and each byte of no sequence is U+FFFD; for free(). */
char *utf8_replace(struct str s);
/*
 * The same for a terminal, which obeys some characters instead of showing them: each control character (C0, DEL, C1), and
 * each that begins a line or turns the direction of writing, is '?'.  For free().
 */
char *utf8_plain(struct str s);
