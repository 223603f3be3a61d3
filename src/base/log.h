/*
 * One line, one event, in logfmt on standard error.
 *
 *	time=2026-11-28T14:06:53.123Z level=info conn=17 msg="..."
 *	<6>level=info conn=17 msg="..."
 *
 * The second where standard error is the journal's, which has the time itself and takes the number
 * for the priority (sd-daemon(3)).
 *
 * error: an operator must act.  warn: odd but handled (say how).  info: life
 * cycle.  debug: state changes.  Rooms below spool only log debug.  Foreign bytes
 * are escaped here.  Safe on every thread: one write(2) a line.
 *
 * The level and the form are the only globals: set once at start.
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

/* The tag of the request with this id, in `room`; NULL for "". */
const struct log_tag *log_tag_of_request(const char *request_id, struct log_tag *room);

/* How lines begin; with the time when it is not set. */
enum log_form { LOG_WITH_TIME, LOG_WITH_PRIORITY };

/*
 * LOG_WITH_PRIORITY when journal_stream, the value of JOURNAL_STREAM (systemd.exec(5)), says that fd is the
 * journal's: "DEVICE:INODE", which standard error has ceased to be once it is redirected.  NULL: not set.
 */
enum log_form log_form_of(const char *journal_stream, int fd);
void log_set_form(enum log_form form);
void log_set_level(enum log_level level);
bool log_level_from_text(const char *text, enum log_level *out) MUST_CHECK;
bool log_wants(enum log_level level);

void log_error(const struct log_tag *tag, const char *fmt, ...) PRINTF_LIKE(2, 3);
void log_warn(const struct log_tag *tag, const char *fmt, ...) PRINTF_LIKE(2, 3);
void log_info(const struct log_tag *tag, const char *fmt, ...) PRINTF_LIKE(2, 3);
void log_debug(const struct log_tag *tag, const char *fmt, ...) PRINTF_LIKE(2, 3);
