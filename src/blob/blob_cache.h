/*
 * What of a bucket lies here, too: files of a local store, of which the least recently used go when there are too many.
 *
 * Whose place in the order that is was kept in memory; it begins anew, at a start, with the order in which the files were last
 * changed, and a file that is used is touched once an hour at most.  A file that goes while it is played stays
 * readable for who has it open.
 *
 * Any thread; what goes to make room goes without a lock, so that nobody who plays waits for it.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/own.h"
#include "base/str.h"
#include "blob/blob.h"

#include <stdbool.h>
#include <stdint.h>

struct blob_cache;

/*
 * Of the files that this store has; max_bytes: of all of them; least_free_bytes: what their disk is to have left, for what is
 * arriving, before any is kept.
 */
bool blob_cache_open(struct blob_store *files, uint64_t max_bytes, uint64_t least_free_bytes,
		     struct blob_cache **out, struct err *err) MUST_CHECK;
void blob_cache_free(struct blob_cache *cache);
DEFINE_AUTO(struct blob_cache *, blob_cache_free)

/* It has come; others go where it needs room. */
void blob_cache_added(struct blob_cache *cache, const char *name, uint64_t size);
/* Others have taken the disk's room, perhaps: a few files go where it is short.  Often. */
void blob_cache_make_room(struct blob_cache *cache);
/* The disk is full: what was used least goes.  False: nothing is left that could. */
bool blob_cache_give_room(struct blob_cache *cache) MUST_CHECK;
/* It is used, by this descriptor, and so is none of those that go first. */
void blob_cache_used(struct blob_cache *cache, const char *name, int fd);
/* It was wanted here, and is. */
void blob_cache_hit(struct blob_cache *cache);
/* It is wanted here, and is to be brought. */
void blob_cache_missed(struct blob_cache *cache);
/* What of the facts is the cache's. */
void blob_cache_read(struct blob_cache *cache, struct blob_remote_facts *out);
/* Removes it, if it is there. */
void blob_cache_drop(struct blob_cache *cache, const char *name);
uint64_t blob_cache_bytes(struct blob_cache *cache);
