/*
 * Other generations of a recording of which one file is damaged: an older one that is whole is better than that.
 *
 * Blocks: for a worker, but for other_files_pass_over().
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "blob/blob.h"
#include "catalog/catalog.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Media beside the damaged file, the highest generation first. */
struct other_files {
	size_t count;
	char at[BLOB_LIST_MAX][BLOB_NAME_SIZE];
};

bool other_files_list(struct blob_store *store, const char *damaged, struct other_files *out,
		      struct err *err) MUST_CHECK;
/* A reader: without those that are known to be damaged as well. */
bool other_files_pass_over(struct catalog *catalog, struct other_files *files,
			   struct err *err) MUST_CHECK;
/*
 * The first that is audio, not cut short, no shorter than the damaged one, and as long as Twilio said (told_s; below 0: it did not).
 * NULL: none, or no more than that can be told now.
 */
const char *other_files_whole(struct blob_store *store, const struct other_files *files,
			      const char *damaged, int64_t told_s, const atomic_bool *is_stopping);
