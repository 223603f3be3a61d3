/*
 * The lines of a log: a file, standard input, or one that is gzipped.  Read as a stream, whatever its size.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/progress.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define LOG_FILE_LINE_MAX (64 * 1024) /* of a longer line the rest is passed over */

/* Embedded by who takes the lines. */
struct log_file_lines {
	void (*line)(struct log_file_lines *lines, struct str line);
};

struct log_file {
	const char *path;                /* "-": standard input */
	struct progress *progress;       /* in bytes as they lie in files; NULL: nobody looks */
	uint64_t *done_bytes, all_bytes; /* of all files; done is moved on */
};

/* ERR_NOT_FOUND: there is none; ERR_INTERNAL: it cannot be read, or is no whole gzip: the lines before were given. */
bool log_file_read(const struct log_file *file, struct log_file_lines *lines,
		   struct err *err) MUST_CHECK;
/* 0 for standard input, and where there is none. */
uint64_t log_file_size(const char *path);
