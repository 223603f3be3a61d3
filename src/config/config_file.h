/*
 * The settings file, line by line:
 *
 *	# a comment
 *	key = value            # another one
 *	key = "a value # with a \"quote\" and a \\"
 *	key = 'as it stands: \ "'
 *
 * White space around key and value does not count.  A comment begins with a '#' that is the first
 * character of its line or of a value, or that follows white space; any other is a part of the value.  A value that
 * begins with a quote ends with the same one; in double quotes \" and \\ stand for " and \.  Pure.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

struct config_file {
	struct str rest;
	unsigned line_number; /* of the line read last; from 1 */
};

struct config_line {
	struct str key, value; /* slices of the text; a value without its quotes */
	bool has_escapes;      /* config_line_value() resolves them */
};

enum config_result {
	CONFIG_LINE, /* *out is filled */
	CONFIG_END,
	CONFIG_BAD, /* err says what is wrong with line_number */
};

void config_file_start(struct config_file *file, struct str text);
enum config_result config_file_next(struct config_file *file, struct config_line *out,
				    struct err *err);
/* The value as it is meant, for free(). */
char *config_line_value(const struct config_line *line);
/* A value as it is to be written behind "key = ", for free(): in quotes where it needs them. */
char *config_quote(struct str value);
