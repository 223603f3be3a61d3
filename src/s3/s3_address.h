/*
 * Where a bucket is, read once from the settings: what a request is sent to, and what its Host says.
 */
#pragma once

#include "base/buf.h"
#include "base/compiler.h"
#include "base/err.h"
#include "base/str.h"
#include "s3/s3_options.h"

#include <stdbool.h>

/* Texts are its own, on the heap. */
struct s3_address {
	char *origin;    /* "https://minio.example.com:9000" */
	char *host;      /* "minio.example.com:9000": as the Host header says it */
	char *host_name; /* without the port */
	char *bucket;    /* "recordings" */
	char *prefix;    /* of all keys: "calls/", or "" */
	char *region;
	bool has_bucket_in_path;
};

/* ERR_INVALID: names the setting and says what is wrong with it. */
bool s3_address_read(const struct s3_options *options, struct s3_address *out,
		     struct err *err) MUST_CHECK;
void s3_address_release(struct s3_address *address);
static inline void s3_address_release_at(struct s3_address *address)
{
	s3_address_release(address);
}

/* Appends the path of that key, encoded: "/recordings/calls/3f/...".  key at == NULL: of the bucket itself. */
void s3_address_path(const struct s3_address *address, struct str key, struct buf *out);
