/*
 * Recordings that were given up, read from the ledger itself: beside a server that runs, or without one.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "config/settings.h"

#include <jansson.h>
#include <stdbool.h>

struct catalog;
struct recording;

struct dead_letters {
	const struct settings *settings;
	const char *reason; /* those alone whose reason holds it; NULL: all */
	/* What is done with each; false: no further. */
	bool (*take)(struct dead_letters *letters, struct catalog *catalog,
		     const struct recording *recording, struct err *err);
};
/* A page of them is in memory, however many there are. */
bool dead_letters_each(struct dead_letters *letters, struct err *err) MUST_CHECK;
/* One of them with its reason and its newest attempts; for json_decref(). */
bool dead_letter_read(struct catalog *catalog, const struct recording *recording, json_t **out,
		      struct err *err) MUST_CHECK;
