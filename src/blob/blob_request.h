/*
 * What is asked of a store without waiting for it: five verbs that every kind of store has, files
 * and buckets alike.
 *
 *	put     what has arrived, under its name: blob_arriving_seal()
 *	get     a descriptor of a local file with its bytes: blob_open_read()
 *	stat    its size
 *	remove  it, durably: blob_remove()
 *	list    names that begin with a prefix, from behind one, in the order of their bytes
 *
 * What is arriving, and what get gives, is a local file whatever the store.  A store of files
 * answers from a worker.  A bucket answers when it has: a put is repeated for as long as that takes, a get for ten seconds,
 * and all who want the same at once are answered by one.
 *
 * Thread: any; done() runs on the loop of `reply`.  The request is left alone until then.
 */
#pragma once

#include "base/list.h"
#include "blob/blob.h"
#include "event/workers.h"

enum blob_verb { BLOB_PUT, BLOB_GET, BLOB_STAT, BLOB_REMOVE, BLOB_LIST };

/* Embedded in its owner. */
struct blob_request {
	enum blob_verb verb;
	char name[BLOB_NAME_SIZE];      /* list: the names behind this one; "": from the first */
	char prefix[BLOB_NAME_SIZE];    /* list: "3f/" at least */
	struct blob_arriving *arriving; /* put: stays the owner's */
	struct blob_names *names;       /* list: filled; the owner's */
	char want_sha256
		[SHA256_HEX]; /* get: what comes over a network has it, or counts as lost; put into a bucket: what has not is refused; "": not known */
	uint64_t want_size;   /* get: how long it is; 0: not known */
	uint64_t size_most;   /* get: as of blob_want */
	bool is_passing;      /* get from a bucket: read once, and so not kept here for others */
	bool leaves_same; /* put into a bucket: what lies there and is that already, as its ETag says, stays */
	void (*done)(struct blob_request *request);
	struct mailbox *reply;

	/* The answer.  Unless it succeeded err is set, with the kinds of blob.h. */
	bool succeeded;
	struct err err;
	enum blob_seal_result sealed; /* put */
	bool is_other; /* get: it did not succeed, for twice something else came than was wanted */
	int fd;        /* get: the owner's to close */
	uint64_t size; /* get, stat */

	struct blob_store *store; /* internal */
	struct job job;           /* internal */
	struct list link;         /* internal */
};

/* Workers: where a store of files does what blocks; for what a bucket answers they may be NULL. */
void blob_ask(struct blob_store *store, struct workers *workers, struct blob_request *request);
/* The same at once, on this thread; done() is not called. */
void blob_answer(struct blob_store *store, struct blob_request *request);
