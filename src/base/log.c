#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2048 /* longer messages are cut: a line must stay one write */

static _Atomic enum log_level wanted = LOG_INFO;

static _Atomic enum log_form form = LOG_WITH_TIME;

static const char *const level_names[] = {
	[LOG_ERROR] = "error",
	[LOG_WARN] = "warn",
	[LOG_INFO] = "info",
	[LOG_DEBUG] = "debug",
};

/* syslog(3)'s numbers, as the journal reads them from the head of a line. */
static const char *const level_priorities[] = {
	[LOG_ERROR] = "<3>",
	[LOG_WARN] = "<4>",
	[LOG_INFO] = "<6>",
	[LOG_DEBUG] = "<7>",
};

enum log_form log_form_of(const char *journal_stream, int fd)
{
	char stream[48];
	struct stat info;

	if (!journal_stream || fstat(fd, &info) < 0)
		return LOG_WITH_TIME;
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)info.st_dev,
		 (unsigned long long)info.st_ino);
	return strcmp(stream, journal_stream) == 0 ? LOG_WITH_PRIORITY : LOG_WITH_TIME;
}

void log_set_form(enum log_form wanted_form)
{
	form = wanted_form;
}

void log_set_level(enum log_level level)
{
	wanted = level;
}

bool log_level_from_text(const char *text, enum log_level *out)
{
	for (size_t i = 0; i < ARRAY_LEN(level_names); i++) {
		if (strcmp(text, level_names[i]) == 0) {
			*out = (enum log_level)i;
			return true;
		}
	}
	return false;
}

const struct log_tag *log_tag_of_request(const char *request_id, struct log_tag *room)
{
	if (request_id[0] == '\0')
		return NULL;
	room->name = "request";
	snprintf(room->id, sizeof(room->id), "%s", request_id);
	return room;
}

bool log_wants(enum log_level level)
{
	return level <= wanted;
}

/* Quotes, backslashes and control bytes are escaped; so are bytes above ASCII, so that a terminal is safe. */
static void add_escaped(struct buf *line, const char *text, size_t room)
{
	static const char hex[] = "0123456789abcdef";

	for (; *text && line->len < room; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\') {
			buf_add_byte(line, '\\');
			buf_add_byte(line, (char)c);
		} else if (c == '\n') {
			buf_add(line, "\\n", 2);
		} else if (c < 0x20 || c >= 0x7f) {
			buf_add(line, "\\x", 2);
			buf_add_byte(line, hex[c >> 4]);
			buf_add_byte(line, hex[c & 15]);
		} else {
			buf_add_byte(line, (char)c);
		}
	}
}

static void add_beginning(struct buf *line, enum log_level level)
{
	char date[ISO_DATE_SIZE];

	if (form == LOG_WITH_PRIORITY) {
		buf_add_text(line, level_priorities[level]);
		return;
	}
	clock_iso_date(clock_wall_ms(), date);
	buf_addf(line, "time=%s ", date);
}

PRINTF_LIKE(3, 0)
static void log_line(enum log_level level, const struct log_tag *tag, const char *fmt, va_list args)
{
	char bytes[LINE_MAX_BYTES], text[LINE_MAX_BYTES / 2];
	struct buf line;

	if (!log_wants(level))
		return;
	vsnprintf(text, sizeof(text), fmt, args);

	buf_over(&line, bytes, sizeof(bytes));
	add_beginning(&line, level);
	buf_add_text(&line, "level=");
	buf_add_text(&line, level_names[level]);
	if (tag) {
		buf_add_byte(&line, ' ');
		buf_add_text(&line, tag->name);
		buf_add_byte(&line, '=');
		add_escaped(&line, tag->id, sizeof(bytes));
	}
	buf_add_text(&line, " msg=\"");
	add_escaped(&line, text, sizeof(bytes) - 8);
	buf_add_text(&line, "\"\n");

	ssize_t written = write(STDERR_FILENO, line.at, line.len);

	(void)written; /* there is nowhere to complain */
}

#define DEFINE_LOG(name, level)                                    \
	void name(const struct log_tag *tag, const char *fmt, ...) \
	{                                                          \
		va_list args;                                      \
                                                                   \
		va_start(args, fmt);                               \
		log_line(level, tag, fmt, args);                   \
		va_end(args);                                      \
	}

DEFINE_LOG(log_error, LOG_ERROR)
DEFINE_LOG(log_warn, LOG_WARN)
DEFINE_LOG(log_info, LOG_INFO)
DEFINE_LOG(log_debug, LOG_DEBUG)
