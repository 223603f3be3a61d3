/*
 * Many different GET requests, asked one after the other and then from the first again.
 *
 * They are read from a file: a line each, the length that the answer's body must have (0:
 * any), a space, the path, and perhaps a tab and one line of the head.
 */
#pragma once

#include "load_request.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct one_path {
	char *text;
	struct str request;
	uint64_t length;
};

struct paths {
	struct one_path *at;
	size_t count, next;
};

/* Range and the rest of the head are the options'.  Says on standard error what is wrong. */
bool paths_read(struct paths *paths, const struct load_options *options) MUST_CHECK;
void paths_free(struct paths *paths);
const struct one_path *paths_next(struct paths *paths);
