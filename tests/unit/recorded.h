/*
 * What is told, against files of tests/data that say what it is to be.  With TEST_RECORD=1 in the environment they are written
 * anew, for somebody who reads the difference.
 */
#pragma once

#include "base/file.h"
#include "base/mem.h"
#include "base/own.h"
#include "base/str.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>

#define RECORDED_MAX (4 * 1024 * 1024) /* of one file */

static inline bool recorded_anew(void)
{
	return getenv("TEST_RECORD") != NULL;
}

static inline void recorded_fail(const char *path, const char *why)
{
	printf("Bail out! %s: %s\n", path, why);
	exit(1);
}

/* "web/calls.txt", for free(). */
static inline char *recorded_path(const char *name)
{
	return xasprintf("%s/%s", getenv("TEST_DATA"), name);
}

/* For free(); *out is all of it. */
static inline char *recorded_read(const char *path, struct str *out)
{
	struct err why;
	char *bytes;
	size_t len;

	if (!file_read(path, RECORDED_MAX, &bytes, &len, &why))
		recorded_fail(path, why.text);
	*out = (struct str){ bytes, len };
	return bytes;
}

static inline void recorded_write(const char *path, struct str text)
{
	FILE *file = fopen(path, "we");

	if (!file || fwrite(text.at, 1, text.len, file) != text.len || fclose(file) != 0)
		recorded_fail(path, "it cannot be written");
}

/* All of one file. */
static inline void recorded_is(const char *name, struct str told, const char *what)
{
	AUTO(free) char *path = recorded_path(name), *bytes = NULL;
	struct str wanted;

	if (recorded_anew())
		recorded_write(path, told);
	bytes = recorded_read(path, &wanted);
	IS_STR(told, wanted, "%s", what);
}
