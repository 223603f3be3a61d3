/*
 * What the files of the driver for buckets share: blob_s3.c (the driver; what goes there and comes from there) and
 * blob_s3_list.c (what is asked of the bucket and waited for: there, gone, listed).
 */
#pragma once

#include "blob/blob_driver.h"
#include "s3/s3.h"

#define BUCKET_GIVE_UP_MS 10000 /* whoever waits is not left waiting for longer */

/* blob_s3_list.c: blocking, with the contracts of blob.h. */
bool bucket_stat(struct s3 *s3, const char *key, uint64_t *out_size, struct err *err) MUST_CHECK;
/* size_most: as of blob_read_content(). */
bool bucket_read_content(struct s3 *s3, const char *key, uint64_t size_most,
			 struct blob_content *out, struct err *err) MUST_CHECK;
/* All versions of it, and what marks that it was removed. */
bool bucket_remove(struct s3 *s3, const char *key, struct err *err) MUST_CHECK;
bool bucket_list(struct s3 *s3, struct str prefix, struct str after, struct blob_names *out,
		 struct err *err) MUST_CHECK;
bool bucket_walk(struct s3 *s3, const char *folder, struct blob_folder *out,
		 struct err *err) MUST_CHECK;
