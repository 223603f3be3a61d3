/*
 * Signing requests to an S3 store: AWS Signature Version 4, in headers and in addresses.
 *
 * libcurl 7.88 has a signer of its own (CURLOPT_AWS_SIGV4).  It refuses what we send or signs it wrongly (an
 * "Expect:" that takes the header away, a query that is not sorted, `+` and `=` in keys), and it
 * cannot sign an address.  Hence this one, over base/hash.h.
 *
 * Pure: the same input gives the same text.  Sources: "Authenticating Requests (AWS Signature Version 4)" of the
 * Amazon S3 API Reference, whose published examples are the tests.
 */
#pragma once

#include "base/buf.h"
#include "base/compiler.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of a body that is not hashed: of what has none to be read first, and of presigned addresses. */
#define S3_UNSIGNED   "UNSIGNED-PAYLOAD"
#define S3_EMPTY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

#define S3_PAIRS_MAX  16
#define S3_STAMP_SIZE 17 /* "20130524T000000Z" */

struct s3_pair {
	const char *name, *value;
};

/* Plain values; texts are borrowed. */
struct s3_credentials {
	const char *access_key_id, *secret_access_key;
	const char *session_token; /* NULL: they are lasting ones */
	int64_t expires_at_ms;     /* of those that are not, wall clock; 0: not known */
};
struct s3_to_sign {
	const char *method;
	const char *host; /* as the Host header will say it */
	const char *path; /* as it is sent: s3_path_add() */
	const char *region;
	/* In any order; S3_PAIRS_MAX of each at most.  Names and values of the query as they are before encoding. */
	const struct s3_pair *query;
	size_t query_count;
	/* Further headers that are signed, with names in lower case; `host` and those that s3_sign() tells are added. */
	const struct s3_pair *headers;
	size_t header_count;
	const char *payload_hash; /* in hexadecimal, or S3_UNSIGNED */
	int64_t at_ms;            /* wall clock */
};

/* The instant as the store wants it. */
void s3_stamp(int64_t wall_ms, char out[S3_STAMP_SIZE]);
/* Appends a path or a key, percent-encoded but for '/' and what RFC 3986 calls unreserved. */
void s3_path_add(struct buf *buf, struct str path);
/* Appends the query in the order and form in which it is signed, and is to be sent; "" for none. */
void s3_query_add(struct buf *buf, const struct s3_pair *query, size_t count);

/*
 * Appends the value of the Authorization header.  The request is to be sent with just those that are signed: `headers`,
 * Host, X-Amz-Content-Sha256 (the payload_hash), X-Amz-Date (s3_stamp()), and with a session
 * token X-Amz-Security-Token.  False: too many pairs.
 */
bool s3_sign(const struct s3_to_sign *what, const struct s3_credentials *credentials,
	     struct buf *out) MUST_CHECK;
/*
 * Appends the query of an address that is good for `expires_s` seconds (a week at most) without any header:
 * PATH?QUERY is what is to be asked of the host.  payload_hash is not looked at.  False: too many pairs.
 */
bool s3_presign(const struct s3_to_sign *what, const struct s3_credentials *credentials,
		int64_t expires_s, struct buf *out) MUST_CHECK;
