/*
 * The access log of the process: one line for each request that ended (access_line.h), in a file or on standard error.
 *
 * Serving loops gather lines in batches of their own (access_lines.h); one thread writes them, because a disk may be slow
 * and a pipe full.  A file is only appended to, so that it can be cut; after it was moved away, access_log_reopen() begins
 * a new one.  What does not take a line within some seconds (a pipe that nobody reads) loses a batch, not the process.
 *
 * Lines that are lost are counted, and told in the log when that begins and when it is over.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/own.h"
#include "event/workers.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct access_log;

#define ACCESS_BATCH_BYTES (64 * 1024)

/* Lines on their way to the file: whole ones. */
struct access_batch {
	struct job job; /* `done` and `reply` are the sender's */
	struct access_log *log;

	size_t len;
	uint64_t count;
	char bytes[ACCESS_BATCH_BYTES];
};

/*
 * `where`: "off", and *out is NULL; "stderr"; else the path of a file, which is made where there is none (0640).
 * A plain file leaves so many bytes of its disk free: below that, the disk is full for it.
 * ERR_INVALID: it cannot be opened.
 */
bool access_log_open(const char *where, uint64_t keep_free_bytes, struct access_log **out,
		     struct err *err) MUST_CHECK;
/* Writes what was posted, within the limits above.  NULL does nothing, as in all that follow. */
void access_log_stop(struct access_log *log);
void access_log_free(struct access_log *log);
DEFINE_AUTO(struct access_log *, access_log_free)

/*
 * Opens the file anew, by its name, before what is written next; where that fails the old one is written on,
 * and it is told.  Any thread.
 */
void access_log_reopen(struct access_log *log);
/* Writes it on the log's thread, then done() on the loop of the mailbox `reply`. */
void access_log_post(struct access_log *log, struct access_batch *batch);

/* So many lines came to nothing: they could not be written, or there was no batch for them.  Any thread. */
void access_log_lost(struct access_log *log, uint64_t lines);
uint64_t access_log_lost_count(const struct access_log *log);
