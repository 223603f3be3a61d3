/*
 * Where media is kept.
 *
 * A store is a driver: blob_local (files), blob_s3 (a bucket, with a cache of files), blob_flaky (a test
 * double that fails at the n-th call).  Callers use the functions below and do not know which.
 *
 * The life of a recording's bytes:
 *
 *	blob_arriving_open ... write, write ... seal -> a stored blob, under its name
 *	                                     \- discard
 *
 * Nothing is under a final name before it is whole and synced, and its folder too.
 *
 * Threads: a store may be used by all threads at once; it keeps no state but its
 * options.  An arriving file belongs to one thread at a time: the fetching loop, then the
 * worker that seals it.  Functions marked "blocks" are for workers and start-up.
 *
 * Errors: ERR_UNAVAILABLE when the disk is full (ENOSPC, EDQUOT), or the bucket does not answer: pause and go on
 * later; ERR_SCARCE when no descriptor is left; ERR_NOT_FOUND when the blob is not there; else
 * ERR_INTERNAL.
 */
#pragma once

#include "base/buf.h"
#include "base/compiler.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/own.h"
#include "base/str.h"
#include "base/trouble.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct blob_driver;
struct mailbox;
struct s3_counts;

/* A store: embedded first in the driver's own struct.  Released with blob_store_free(). */
struct blob_store {
	const struct blob_driver *driver;
	/* Of all threads: does it take files now, does it give them?  A full disk is not among it: blob_free_bytes(). */
	struct trouble writing, reading;
};
/* What a driver begins with. */
#define BLOB_STORE(itself)                                                           \
	{                                                                            \
		.driver = (itself), .writing = TROUBLE_NONE, .reading = TROUBLE_NONE \
	}

/* A file in the making: embedded first in the driver's own struct. */
struct blob_arriving {
	struct blob_store *store;
	int fd;                  /* for writing; the driver's */
	uint64_t size;           /* written so far */
	char sha256[SHA256_HEX]; /* once it is sealed in a store that had to know it; else "" */
	char md5[MD5_HEX];       /* the same; "" also where none can be made */
};

void blob_store_free(
	struct blob_store *store); /* after all its arriving files; NULL does nothing */
DEFINE_AUTO(struct blob_store *, blob_store_free)
/*
 * Blocks, for seconds at most.  From now on nothing waits for another machine that does not answer: what was asked is answered,
 * done() of it is posted, and what is asked later is tried once.
 */
void blob_store_stop(struct blob_store *store);
/* Of the loop that asks the other machine, for who watches whether it turns; NULL: there is none. */
struct mailbox *blob_store_mailbox(struct blob_store *store);

/*
 * Whose store is it?  `id`: of the ledger, as all know it who serve from that one; is_used: it says that media is stored there.
 * A bucket in which nothing of ours is will not be begun then, for it is another than it was.  Before anything is stored.
 */
#define BLOB_STORE_ID_SIZE 33                  /* 32 hexadecimal digits */
bool blob_is_remote(struct blob_store *store); /* false: it need not be told */
void blob_store_know(struct blob_store *store, const char *id, bool is_used);
/*
 * Blocks, for seconds at most; after blob_store_know().  ERR_CONFLICT: it is another ledger's, and what to do.  One that does not
 * answer just now is looked at again before anything is put there.
 */
bool blob_store_claim(struct blob_store *store, struct err *err) MUST_CHECK;

/* ---- names ---- */

#define BLOB_NAME_SIZE 104

/*
 * The name of a recording's media, relative to the store:
 * "3f/CA3f….RE….17.mp3", 3f being the first two digits of the call SID in lower case and 17 the
 * generation, so that no name is ever written twice; without a call SID (empty: conferences)
 * "8a/RE8a….17.mp3".  SIDs are two letters and 32 hexadecimal digits, a generation is above 0, the
 * format is "mp3", "wav" or, of a waveform, "peaks"; anything else is ERR_INVALID, so that what came from
 * outside never is a path.
 */
bool blob_name_make(struct str call_sid, struct str recording_sid, int64_t generation,
		    struct str format, char out[BLOB_NAME_SIZE], struct err *err) MUST_CHECK;
/*
 * Could blob_name_make() have made it, now or when names held no generation ("3f/CA3f….RE….mp3")?
 * All functions below refuse other names (ERR_INVALID).
 */
bool blob_name_is_valid(struct str name);
/*
 * What all names of a recording begin with below its call, or without one: "3f/CA3f….RE….", "8a/RE8a….".  SIDs as of
 * blob_name_make().
 */
bool blob_name_beginning(struct str call_sid, struct str recording_sid, char out[BLOB_NAME_SIZE],
			 struct err *err) MUST_CHECK;
/* Of the waveform that lies beside that media: "3f/CA3f….RE….17.peaks". */
bool blob_name_beside(struct str name, char out[BLOB_NAME_SIZE], struct err *err) MUST_CHECK;

/* ---- arriving ---- */

/* Empty, for the given generation of that recording; an old file of the same name is emptied. */
bool blob_arriving_open(struct blob_store *store, struct str recording_sid, int64_t generation,
			struct blob_arriving **out, struct err *err) MUST_CHECK;
/*
 * The same for what nobody may find should this process die: the file has no name until it is sealed.  On a file system that has no
 * such files (O_TMPFILE) it has one in arriving/, which the next start removes.
 */
bool blob_arriving_open_unnamed(struct blob_store *store, struct str recording_sid,
				int64_t generation, struct blob_arriving **out,
				struct err *err) MUST_CHECK;
/*
 * What another process has written by blob_arriving_open(), and left; it is not emptied.  ERR_NOT_FOUND: there is none.
 */
bool blob_arriving_take(struct blob_store *store, struct str recording_sid, int64_t generation,
			struct blob_arriving **out, struct err *err) MUST_CHECK;
/* Appends, to the page cache: does not wait for the disk.  After a failure the size is that of before. */
bool blob_arriving_write(struct blob_arriving *arriving, struct str bytes,
			 struct err *err) MUST_CHECK;
/* Cuts it back to `size` (at most the present one).  Never once a player was given a byte beyond. */
bool blob_arriving_truncate(struct blob_arriving *arriving, uint64_t size,
			    struct err *err) MUST_CHECK;
/* A descriptor for reading (CLOEXEC; use pread or sendfile with an offset), the caller's to close. */
bool blob_arriving_reader(struct blob_arriving *arriving, int *out_fd, struct err *err) MUST_CHECK;

/*
 * A file without a name, on the store's disk, for what is only passed on: for pread, pwrite and
 * sendfile with offsets; it is gone when its last descriptor is closed.  CLOEXEC, the caller's.
 */
bool blob_scratch(struct blob_store *store, int *out_fd, struct err *err) MUST_CHECK;

/*
 * BLOB_SEALED    it is under its name, synced, and so are the folders
 * BLOB_UNSEALED  it could not be; nothing is lost, the arriving file is as it was
 * BLOB_UNSYNCED  an fsync failed, of the file or of a folder: the kernel may have dropped the
 *                bytes and call them clean, so that a second fsync would lie.  It is under no name any
 *                more, nor is what was there before; it is to be fetched anew, into another file.
 */
enum blob_seal_result { BLOB_SEALED, BLOB_UNSEALED, BLOB_UNSYNCED };

/*
 * Blocks.  Syncs it, renames it to `name`, syncs the folder.  err is set unless BLOB_SEALED.  The arriving must be freed in every
 * case: blob_arriving_free().
 */
enum blob_seal_result blob_arriving_seal(struct blob_arriving *arriving, struct str name,
					 struct err *err) MUST_CHECK;
/* Closes it; removes the file unless it was sealed.  NULL does nothing.  Readers' descriptors stay good. */
void blob_arriving_free(struct blob_arriving *arriving);
DEFINE_AUTO(struct blob_arriving *, blob_arriving_free)

/* Blocks; at start: removes what a crash left of arriving files.  *out_removed: how many. */
bool blob_sweep_arriving(struct blob_store *store, uint64_t *out_removed,
			 struct err *err) MUST_CHECK;

/*
 * Blocks.  The waveform of that media, whole: written as what arrives, sealed, in place of one that is there.  Where the media has
 * been removed meanwhile it is ERR_NOT_FOUND, and nothing is left.
 */
bool blob_write_beside(struct blob_store *store, struct str media_name, struct str bytes,
		       struct err *err) MUST_CHECK;

/* ---- stored ---- */

/* A descriptor (CLOEXEC, the caller's) and the size.  May read the disk's folders; of a bucket it blocks, until the file is here. */
bool blob_open_read(struct blob_store *store, struct str name, int *out_fd, uint64_t *out_size,
		    struct err *err) MUST_CHECK;
/*
 * The same for bytes of which something is known.  ERR_INVALID: there are others.  What comes over a network is compared before it
 * counts, and asked for once more; of a file the length alone is.
 */
struct blob_want {
	uint64_t size;      /* 0: not known; then no more than ... */
	uint64_t size_most; /* ... so many and one are brought; 0: however many */
	const char *sha256; /* NULL, "": not known */
};
bool blob_open_wanted(struct blob_store *store, struct str name, const struct blob_want *want,
		      int *out_fd, uint64_t *out_size, struct err *err) MUST_CHECK;
/*
 * As blob_open_read(), and never waits for another machine: where it lies there alone *out_fd is -1, and it is to be had by
 * BLOB_GET (blob_request.h).
 */
bool blob_open_here(struct blob_store *store, struct str name, int *out_fd, uint64_t *out_size,
		    struct err *err) MUST_CHECK;
/*
 * What lies here is not what it should be: removed, and to be had from the other machine.  False: there is none, what
 * lies here is all there is.
 */
bool blob_forget_here(struct blob_store *store, struct str name) MUST_CHECK;
/* Blocks.  Its size, as it is kept: of a bucket, what the bucket says, whatever is in the cache. */
bool blob_stat(struct blob_store *store, struct str name, uint64_t *out_size,
	       struct err *err) MUST_CHECK;
/*
 * Is the folder there in which it lies, or would lie?  When it is not, then rather the whole store is away
 * (a disk that is not mounted) than this file lost.
 */
bool blob_has_place(struct blob_store *store, struct str name);
/* None of its folders is there: it never took a file, or its disk is not mounted. */
bool blob_is_away(struct blob_store *store);
/*
 * Blocks.  Names that begin with `prefix` and come after `after` (empty: all), in the order of their
 * bytes, at most BLOB_LIST_MAX.  The prefix holds the folder, "3f/", at least (ERR_INVALID).
 * Files that have no blob's name are passed over.
 */
#define BLOB_LIST_MAX 32
struct blob_names {
	size_t count; /* fewer than BLOB_LIST_MAX: the last page */
	char at[BLOB_LIST_MAX][BLOB_NAME_SIZE];
};
bool blob_list(struct blob_store *store, struct str prefix, struct str after,
	       struct blob_names *out, struct err *err) MUST_CHECK;
/*
 * Blocks.  All that lies in one folder of the store, "3f", whatever its name is, in no order: "3f/CA3f….mp3", "3f/notes.txt".
 * Of "", the store itself, what is no such folder.  A folder that is not there is empty.
 */
struct blob_folder {
	char **names;
	size_t count, size;
};
bool blob_walk(struct blob_store *store, struct str folder, struct blob_folder *out,
	       struct err *err) MUST_CHECK;
void blob_folder_release(struct blob_folder *folder); /* and it is empty then */
static inline void blob_folder_release_at(struct blob_folder *folder)
{
	blob_folder_release(folder);
}

/*
 * What of another machine lies here, too: a cache.  False: there is none, and what follows finds nothing.
 *
 * _walk: as blob_walk().  _doubt: what is just coming into that folder, and so is in no list of it, will not be kept; it does
 * not block.  _drop: it is not kept here any more.  _forget: nothing of that recording is (call_sid empty: none is known),
 * whatever is just coming.  These block, for the time of the disk.
 */
bool blob_has_here(struct blob_store *store);
bool blob_here_walk(struct blob_store *store, struct str folder, struct blob_folder *out,
		    struct err *err) MUST_CHECK;
void blob_here_doubt(struct blob_store *store, struct str folder);
void blob_here_drop(struct blob_store *store, struct str name);
void blob_here_forget(struct blob_store *store, struct str call_sid, struct str recording_sid);

/* It is still read by a descriptor of before, so that it is not among what was used longest ago.  Any thread, and never waits. */
void blob_here_used(struct blob_store *store, struct str name);

/* How it is with a bucket, and what of it lies here.  False: there is none.  Any thread. */
struct blob_remote_facts {
	bool answers;
	const struct s3_counts *asked; /* counted on meanwhile */
	uint64_t here_bytes, here_most_bytes;
	uint64_t hits, misses; /* of what was wanted here: it lay here, or had to be brought */
	uint64_t evictions;    /* files that went for want of room */
};
bool blob_remote_read(struct blob_store *store, struct blob_remote_facts *out) MUST_CHECK;

/* What a valid name says of itself. */
struct blob_name {
	struct str call_sid; /* "": none; this and the next lie in the name */
	struct str recording_sid;
	int64_t generation; /* 0: of a time when names held none */
	struct str format;  /* "mp3", "wav", "peaks" */
};
bool blob_name_parse(struct str name, struct blob_name *out) MUST_CHECK;

/*
 * Blocks.  Removes it, durably, and the waveform that lies beside it, if there is one; ERR_NOT_FOUND when it was not
 * there.  The waveform goes last: who writes one, and looks for its media then, sees that it is to go.
 */
bool blob_remove(struct blob_store *store, struct str name, struct err *err) MUST_CHECK;

/*
 * Blocks.  Syncs the folder in which it lies, or would lie: what was removed before, by whomever, is so after power loss, too.
 * ERR_NOT_FOUND: the folder is not there.
 */
bool blob_sync_place(struct blob_store *store, struct str name, struct err *err) MUST_CHECK;

/* What a blob holds. */
struct blob_content {
	uint64_t size;
	uint8_t sha256[SHA256_BYTES];
};
/*
 * Blocks: reads all of it, as it is kept (blob_stat()); ends early, with ERR_UNAVAILABLE, once *is_stopping (NULL: never).
 * size_most: of what comes over a network and is longer one byte more is read, which out->size tells; 0: how long it is is not known.
 */
bool blob_read_content(struct blob_store *store, struct str name, uint64_t size_most,
		       const atomic_bool *is_stopping, struct blob_content *out,
		       struct err *err) MUST_CHECK;

/* Blocks: reads all of it.  What `verify` finds is an outcome; false when it could not be read. */
enum blob_condition { BLOB_SOUND, BLOB_MISSING, BLOB_WRONG_SIZE, BLOB_WRONG_BYTES };
bool blob_verify(struct blob_store *store, struct str name, const struct blob_content *want,
		 enum blob_condition *out, struct err *err) MUST_CHECK;

/*
 * An address by which anybody may GET it from the machine where it lies, for so long and with those headers: appended.  False: there is
 * none.  Any thread, and never waits.
 */
struct blob_address_terms {
	const char *content_type, *disposition, *cache_control;
	int64_t expires_s;
};
bool blob_address(struct blob_store *store, struct str name, const struct blob_address_terms *terms,
		  struct buf *out) MUST_CHECK;
/* Is it such a store, does it answer just now, and are its addresses known to be good for a while? */
bool blob_gives_addresses(struct blob_store *store);
/* What those addresses begin with: "https://minio.example.com:9000"; NULL: there are none. */
const char *blob_origin(struct blob_store *store);
/* Where an operator finds it: an absolute path (or URL), for free(). */
bool blob_path(struct blob_store *store, struct str name, char **out, struct err *err) MUST_CHECK;
/* What we may still write there. */
bool blob_free_bytes(struct blob_store *store, uint64_t *out, struct err *err) MUST_CHECK;
