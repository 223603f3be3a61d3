/*
 * What settings.c and settings_environment.c, which gather values as text, share with settings_values.c, which reads them, and
 * settings_check.c, which judges them.
 */
#pragma once

#include "config/settings.h"

#define ROWS_MAX 96

/* One row's value as text. */
struct value {
	char *text; /* NULL: nothing */
	char *origin;
	char *file; /* the file of its own that a secret was read from; NULL: none */
	char *unread; /* why it could not be read: an error only where the value is needed; NULL: it was */
	char *words[SETTINGS_LIST_MAX + 1]; /* a list's, once resolved; NULL behind the last */
};

struct settings_source {
	struct value values[ROWS_MAX]; /* in the order of the table */
};

/* Sets a row.  No value may hold a control character, which no line of a file or of a request could. */
bool settings_put_text(struct settings_source *source, size_t index, const char *text,
		       const char *origin, struct err *err) MUST_CHECK;
/* A secret in a file of its own: all of it but the newline at its end. */
bool settings_put_secret_file(struct settings_source *source, size_t index, const char *path,
			      struct err *err) MUST_CHECK;
/* The same of one that the variable `name` names for whoever needs it. */
bool settings_put_common_file(struct settings_source *source, size_t index, const char *path,
			      const char *name, struct err *err) MUST_CHECK;
/* What the type alone cannot tell of one value. */
bool settings_check_alone(const struct setting *setting, const struct value *value,
			  struct err *err) MUST_CHECK;
/* What one value alone cannot tell. */
bool settings_check_together(const struct settings *settings, struct err *err) MUST_CHECK;
/* Is the value of this row one that the environment gave, not a file that it names? */
bool settings_is_from_environment(const struct settings_source *source, size_t index);
