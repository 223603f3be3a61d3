/*
 * A bucket of an S3 store, and what is asked of it.
 *
 * One thread with a loop of its own carries all requests, by libcurl (fetch/transfer.h), signed as s3_sign.h says.  What
 * does not get through is repeated: no answer, 5xx, 429, with full jitter from a quarter of a second up to a minute, until
 * give_up_after_ms are over.  Requests are idempotent (a key is written once, with the same
 * bytes), so that a repeat does no harm.
 *
 * While nothing gets through the bucket is *away*: it is asked for one key every few seconds, and as soon as it answers what
 * waits is asked again at once.
 *
 * Who answers need not be the bucket: a proxy may, or the page of a network that wants a password first.  So what was PUT is there
 * where the answer has the MD5 of it as its ETag, as nearly every store's has, and else once a HEAD says that it is as long; what
 * was DELETEd is gone at 204, and else once a HEAD says so.  A GET is judged by who wants it, who knows what should come.
 *
 * Errors: ERR_NOT_FOUND: it answers that the key is not there.  ERR_UNAVAILABLE: it does not answer, or refuses us (the text
 * says which, and what is wrong: a clock, a key, a bucket).  ERR_INTERNAL: the file that was sent is not what it was
 * when it was hashed.  ERR_INVALID: it does not know such a request (501), or denies what may be denied.  Nothing is asked
 * under a condition: a 409 or 412 is of something in between.
 *
 * Threads: any may ask.
 */
#pragma once

#include "base/buf.h"
#include "base/compiler.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/own.h"
#include "base/str.h"
#include "event/loop.h"
#include "event/mailbox.h"
#include "fetch/transfer_receiver.h"
#include "s3/s3_counts.h"
#include "s3/s3_options.h"
#include "s3/s3_sign.h"

#include <stdbool.h>
#include <stdint.h>

struct s3;
struct transfer;

#define S3_KEY_SIZE      1025
#define S3_TEXT_MAX      (4 * 1024 * 1024) /* of an answer that is kept in memory: a page of a listing */
#define S3_NEVER_GIVE_UP 0

/* Embedded in its owner, who leaves it alone until it is done.  Zeroed but for what is asked. */
struct s3_request {
	enum s3_method method;
	char key[S3_KEY_SIZE]; /* behind the store's prefix; of_bucket: not looked at */
	bool of_bucket;        /* the bucket itself is asked: a listing */
	bool may_be_denied; /* a right that we may lack: that it is denied is ERR_INVALID, and the bucket is not away */
	const struct s3_pair *query; /* borrowed until it is done */
	size_t query_count;
	/* PUT: a file, open until it is done, and the SHA-256 of it; else `bytes`. */
	bool sends_file;
	int file_fd;
	uint64_t file_size;
	char file_sha256[SHA256_HEX], file_md5[MD5_HEX]; /* MD5 "": not known */
	struct str bytes;                                /* borrowed until it is done */
	const char *content_type;                        /* NULL: none is said */
	/* GET: the body goes into this file, from its beginning (-1: nowhere, it is only hashed); else, and for errors, into `text`. */
	bool takes_file;
	int into_fd;
	uint64_t size_most; /* GET: of a longer body one byte more is taken; 0: not known */
	/* GET: the disk is full; has some room been made?  On the bucket's loop; NULL: it cannot be. */
	bool (*make_room)(struct s3_request *request);
	int64_t give_up_after_ms; /* S3_NEVER_GIVE_UP, or for how long it is repeated */
	int64_t limit_ms;         /* for one try; 0: as is usual */
	bool is_once;             /* it is not repeated */
	void (*done)(struct s3_request *request);
	struct mailbox
		*reply; /* of the loop on which done() is called; NULL: on the bucket's own */

	/* The answer.  Unless it succeeded err is set. */
	bool succeeded;
	struct err err;
	int64_t date_ms;              /* its Date, wall clock; 0: none was told */
	uint64_t size;                /* of the body; of a HEAD: what it would be */
	uint8_t sha256[SHA256_BYTES]; /* takes_file: of what came */
	struct buf text;              /* the owner's to release: s3_request_release() */

	/* internal */
	struct mail mail;
	struct list link;
	struct s3 *s3;
	struct transfer *transfer; /* NULL: it waits to be asked again */
	struct transfer_receiver receiver;
	struct timer again;
	struct sha256 *sha;
	int64_t asked_at_ms, tried_at_us;
	int status;
	unsigned tries;
	char etag[128];          /* of the answer, as sent */
	char md5[MD5_HEX];       /* PUT: of what is sent; "": not known */
	uint64_t received_bytes; /* of this try */
	bool has_waited;         /* for keys */
	bool is_proving;         /* a HEAD is asked, whether what was answered is so */
	bool has_size;           /* HEAD: it says how long it is */
	bool is_too_long;        /* it has size_most, and one byte more: it goes no further */
	bool is_spoilt;          /* what came could not be kept */
};

void s3_request_release(struct s3_request *request);
static inline void s3_request_release_at(struct s3_request *request)
{
	s3_request_release(request);
}

/* ERR_INVALID: names the setting that is wrong, or missing. */
bool s3_check(const struct s3_options *options, struct err *err) MUST_CHECK;
/* Starts its thread.  ERR_INVALID: the options are wrong.  Nothing is asked of the bucket yet. */
bool s3_open(const struct s3_options *options, struct s3 **out, struct err *err) MUST_CHECK;
/* After all that was asked is done: s3_stop(). */
void s3_free(struct s3 *s3);
DEFINE_AUTO(struct s3 *, s3_free)

/* From now on nothing is tried twice, nor for long; waits until nothing is under way. */
void s3_stop(struct s3 *s3);

/* The answer's ETag is that MD5, in hexadecimal; where it is of another kind it is not. */
bool s3_has_md5(const struct s3_request *request, const char *md5);

void s3_ask(struct s3 *s3, struct s3_request *request);
/* The same, and waits for it: done and reply are not looked at. */
bool s3_ask_now(struct s3 *s3, struct s3_request *request) MUST_CHECK;

/* "s3://BUCKET/PREFIX" and the key; for free(). */
char *s3_url(const struct s3 *s3, struct str key);
/* What keys begin with in listings. */
struct str s3_prefix(const struct s3 *s3);
/* "https://minio.example.com:9000": where addresses of s3_presigned() begin. */
const char *s3_origin(const struct s3 *s3);
const struct s3_counts *s3_counts(const struct s3 *s3);
struct mailbox *s3_mailbox(const struct s3 *s3); /* of its loop */

/*
 * Appends an address by which anybody may GET that key for `expires_s` seconds.  Any thread.  `query`: further pairs, that the store
 * is told, response-content-type and the like.  False: it is too long, or would be signed with a session token that is not
 * known to be good for so long.
 */
bool s3_presigned(struct s3 *s3, struct str key, const struct s3_pair *query, size_t count,
		  int64_t expires_s, struct buf *out) MUST_CHECK;

/* False: of none would that be known. */
bool s3_presigns(struct s3 *s3) MUST_CHECK;

/*
 * Who is told that the bucket is away, and why, and that it is back: on the bucket's loop, each time that something did not
 * get through, or did.
 */
struct s3_listener {
	void (*away)(struct s3_listener *listener, const char *why);
	void (*back)(struct s3_listener *listener);
};
void s3_listen(struct s3 *s3, struct s3_listener *listener); /* before anything is asked */
