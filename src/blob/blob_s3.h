/*
 * Media in a bucket of an S3 store, and a part of it here:
 *
 *	s3://BUCKET/PREFIX/3f/CA3f….RE….<generation>.mp3	stored
 *	s3://BUCKET/PREFIX/callspool.store			says that it is a store of ours, and not an empty place
 *	<data_dir>/arriving/RE….<generation>			not yet; swept at start
 *	<data_dir>/cache/3f/CA3f….RE….<generation>.mp3		what was played or stored last
 *
 * A key holds the generation, so that it is written once: no condition, no lock, no version is needed to write, and a
 * repeated PUT brings the same bytes again.  Its SHA-256 is part of what is signed: the store keeps nothing that came
 * otherwise, and its 200 is the proof, if it is the store's (s3.h).  Then the file moves into the cache: what was just recorded is what is played.
 *
 * Files are fetched whole, by as many as want one at once in one GET, checked and kept, and played from there like those of
 * blob_local: every Range comes from a file.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "blob/blob.h"
#include "s3/s3_options.h"

#include <stdbool.h>
#include <stdint.h>

struct blob_options {
	const char *data_dir;
	const struct s3_options *s3; /* s3->store NULL: files, blob_local_open() */
	uint64_t min_free_bytes,     /* the cache leaves the disk twice as much */
		cache_max_bytes; /* 0: this process keeps nothing here: a command beside a server */
	const char *claim;    /* the id of a marker that is to be made this ledger's; NULL: none */
	bool is_beside_files; /* recordings that lie in files are no reason not to open it */
};

/* ERR_INVALID: names the setting that is wrong, or missing.  s3->store NULL: nothing is. */
bool blob_check(const struct s3_options *s3, struct err *err) MUST_CHECK;
/*
 * The store that the options name.  Blocks.  A bucket is not asked: that it is away is no reason not to start.
 * ERR_CONFLICT: a bucket is named, and there are recordings in files: blob_check_no_files().
 */
bool blob_open(const struct blob_options *options, struct blob_store **out,
	       struct err *err) MUST_CHECK;
/* ERR_CONFLICT: recordings lie in files there. */
bool blob_check_no_files(const char *data_dir, struct err *err) MUST_CHECK;
