/*
 * One line, one event, in logfmt on standard error; the journal keeps it.
 *
 *	level=info conn=17 msg="..."
 *
 * error: an operator must act.  warn: odd but handled (say how).  info: life
 * cycle.  debug: state changes.  Rooms below spool only log debug.  Foreign bytes
 * are escaped here.  Safe on every thread: one write(2) a line.
 *
 * The level is the one global: set once at start.
 */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Says whose a line is: `name=id`; embedded in what logs.  NULL as tag: nobody's. */
struct log_tag {
	const char *name; /* "conn", "recording" ...; static */
	char id[40];
};

void log_set_level(enum log_level level);
bool log_level_from_text(const char *text, enum log_level *out) MUST_CHECK;
bool log_wants(enum log_level level);

void log_error(const struct log_tag *tag, const char *fmt, ...) PRINTF_LIKE(2, 3);
void log_warn(const struct log_tag *tag, const char *fmt, ...) PRINTF_LIKE(2, 3);
void log_info(const struct log_tag *tag, const char *fmt, ...) PRINTF_LIKE(2, 3);
void log_debug(const struct log_tag *tag, const char *fmt, ...) PRINTF_LIKE(2, 3);
