/*
 * Stored media on its way into another folder, that of a backup or of a restore: <folder>/recordings/3f/....
 *
 * A file is under its name only when it is whole and on the disk: it is written to <folder>/arriving/ first, and
 * renamed after it was synced.  Many are synced together, because the file system writes its journal once for
 * all of them then.  So what lies under a name that holds a generation is good, whoever was killed in between, and is
 * not copied again.
 *
 * Files have mode 0600, folders 0700, and where root works all belong to the owner of <folder>.
 * Blocks.  One thread.  Errors: ERR_UNAVAILABLE where the disk is full; ERR_INTERNAL else.  After an error there is
 * nothing but landing_free(): what a failed fsync concerned is removed, and never synced again.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/own.h"

#include <stdbool.h>
#include <stdint.h>

struct landing;

/* Makes the two folders in `folder`, which exists; what an earlier one left in arriving/ is removed. */
bool landing_open(const char *folder, struct landing **out, struct err *err) MUST_CHECK;
/* Removes what has no name yet.  NULL does nothing. */
void landing_free(struct landing *landing);
DEFINE_AUTO(struct landing *, landing_free)

/* While copying, leave so many bytes of the disk to others. */
void landing_keep_free(struct landing *landing, uint64_t bytes);

/*
 * Is it there, of that size, under a name that nobody gives twice?  Then landing_finish() makes that durable, too.
 * Names are those of blob.h, and valid.
 */
bool landing_has(struct landing *landing, const char *name, uint64_t size);
/* The same under any name: one that was written twice may be of either time. */
bool landing_holds(const struct landing *landing, const char *name, uint64_t size);
/* The same, where what cannot be looked at does not count as missing. */
bool landing_find(const struct landing *landing, const char *name, uint64_t size, bool *out_holds,
		  struct err *err) MUST_CHECK;
/* Opens what is there for reading; -1: there is none that can be opened. */
int landing_reader(const struct landing *landing, const char *name);

/* Gives the file at `path` the name, too.  *out_linked false: these two places do not allow that. */
bool landing_link(struct landing *landing, const char *path, const char *name, bool *out_linked,
		  struct err *err) MUST_CHECK;

enum landing_result {
	LANDING_DONE,       /* it gets its name by landing_finish(), at the latest */
	LANDING_UNREADABLE, /* the source cannot be read: err says why */
	LANDING_OTHER,      /* the source is not what was wanted */
	LANDING_FAILED,     /* the landing is at fault: err */
};
/* What is copied has to be, and then what it was. */
struct landing_content {
	uint64_t size;
	char sha256[SHA256_HEX]; /* "": any */
};
/* Copies what can be read of fd, from its beginning; `about` is filled in. */
enum landing_result landing_copy(struct landing *landing, int fd, const char *name,
				 struct landing_content *about, struct err *err) MUST_CHECK;

/* All that was copied and linked has its name, durably. */
bool landing_finish(struct landing *landing, struct err *err) MUST_CHECK;

/* Removes it; what is not there is well. */
bool landing_remove(struct landing *landing, const char *name, struct err *err) MUST_CHECK;

/* The SHA-256 of an open file, from its beginning, as text, and its size. */
bool landing_digest(int fd, struct landing_content *out, struct err *err) MUST_CHECK;
