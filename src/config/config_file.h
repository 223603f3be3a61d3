/*
 * The settings file, line by line:
 *
 *	# a comment
 *	key = value
 *
 * White space around key and value does not count.  A value is the rest of its line, '#'
 * included.  Pure.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

struct config_file {
	struct str rest;
	unsigned line_number; /* of the line read last; from 1 */
};

struct config_line {
	struct str key, value; /* slices of the text */
};

enum config_result {
	CONFIG_LINE, /* *out is filled */
	CONFIG_END,
	CONFIG_BAD, /* err says what is wrong with line_number */
};

void config_file_start(struct config_file *file, struct str text);
enum config_result config_file_next(struct config_file *file, struct config_line *out,
				    struct err *err);
