/*
 * Words for people on a terminal, or in a file: broken at the width, coloured where that is wanted.
 *
 * Colours and the terminal's own width only on a terminal, at most 100 columns; NO_COLOR and TERM=dumb are heeded.  What
 * strangers sent is made plain.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum colour { COLOUR_GOOD, COLOUR_BAD, COLOUR_UNSURE, COLOUR_QUIET, COLOUR_STRONG };

#define TERMINAL_LABELLED 17 /* the column in which what is labelled begins */

struct terminal {
	FILE *to;
	unsigned width;
	bool has_colour;
};

void terminal_start(struct terminal *terminal, FILE *to);
/* Between these; "" where nothing is coloured. */
const char *terminal_begin(const struct terminal *terminal, enum colour colour);
const char *terminal_end(const struct terminal *terminal);
/* Words, broken at blanks, and a line end; `at`: the column reached; `indent`: that of the next lines.  Line ends in them stay. */
void terminal_words(const struct terminal *terminal, const char *words, size_t at, size_t indent);
/* As it is, to be copied: broken only where it is; and a line end. */
void terminal_lines(const struct terminal *terminal, const char *lines);
void terminal_label(const struct terminal *terminal, const char *label);
/* NULL: nothing is printed. */
void terminal_labelled(const struct terminal *terminal, const char *label, const char *words);
