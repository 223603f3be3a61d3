/*
 * Text for man(7): manual pages in the macros that groff and mandoc both know.  What is added as text is escaped,
 * so that no word of it is taken for a request.
 */
#pragma once

#include "base/buf.h"

#include <stdint.h>

/* .TH: name, section, the day of date_s, and whose manual it is. */
void roff_title(struct buf *out, const char *name, const char *section, int64_t date_s);
void roff_section(struct buf *out, const char *title);
void roff_subsection(struct buf *out, const char *title);
/* Escaped, within a line. */
void roff_text(struct buf *out, const char *text);
/* A line of input, to be filled with those around it. */
void roff_line(struct buf *out, const char *text);
/* Paragraphs, filled: lines of `text` are joined; an empty line, or one that begins with "Exit status", starts another. */
void roff_paragraphs(struct buf *out, const char *text);
/* The head of an item in bold, what stands behind it, plain or in italics ("" for nothing); its text comes next. */
void roff_item(struct buf *out, const char *bold, const char *italic);
/* Lines as they are. */
void roff_example(struct buf *out, const char *lines);
