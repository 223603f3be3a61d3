/*
 * What an S3 store says in XML: pages of listings, and errors.  Foreign bytes in, plain values out;
 * what does not parse is left out, and nothing nests deeper than one looks.
 */
#pragma once

#include "base/compiler.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

struct s3_listed {
	char *key;        /* with the store's prefix */
	char *version_id; /* of a listing of versions; else NULL */
	bool is_folder;   /* keys that go on behind a '/' were put together */
};

/* A page.  All of it is its own, on the heap. */
struct s3_listing {
	struct s3_listed *at;
	size_t count, size;
	bool is_truncated; /* there is more: */
	char *next; /* the token, or of versions the key, to go on with; NULL: none was told */
	char *next_version;
};

/* False: it is no listing. */
bool s3_listing_read(struct str xml, struct s3_listing *out) MUST_CHECK;
void s3_listing_release(struct s3_listing *listing); /* and it is empty then */
static inline void s3_listing_release_at(struct s3_listing *listing)
{
	s3_listing_release(listing);
}

struct s3_error {
	char code[64]; /* "NoSuchKey"; "": none was told */
	char message[160];
};
void s3_error_read(struct str xml, struct s3_error *out);
