/*
 * What is stored, all of it, in pages: for commands that look at each file.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/hash.h"
#include "catalog/catalog.h"
#include "catalog/recordings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A plain value. */
struct recording_stored {
	int64_t id;                                       /* for the next page */
	char recording_sid[SID_SIZE], call_sid[SID_SIZE]; /* call_sid: "" when not known */
	int64_t generation;
	bool is_given_up; /* not recordings_list_stored(): it is not stored now, and a file of it may lie there */
	uint64_t size;
	char sha256[SHA256_HEX]; /* lower case; "" until it is computed */
	char path[RECORDING_PATH_SIZE];
};

/* By id, those behind after_id; the end is a page with fewer than `size`.  Walks over what is not stored. */
bool recordings_list_stored(struct catalog *catalog, int64_t after_id, struct recording_stored *out,
			    size_t size, size_t *out_count, struct err *err) MUST_CHECK;

/* The same, and all that were stored once and not removed: what lies there of them is of use yet, while they are fetched anew, too. */
bool recordings_list_kept(struct catalog *catalog, int64_t after_id, struct recording_stored *out,
			  size_t size, size_t *out_count, struct err *err) MUST_CHECK;
/* The same, and those that were stored and then given up: their files may be back. */
bool recordings_list_named(struct catalog *catalog, int64_t after_id, struct recording_stored *out,
			   size_t size, size_t *out_count, struct err *err) MUST_CHECK;
