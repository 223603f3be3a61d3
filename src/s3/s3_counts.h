/*
 * What is asked of a bucket, counted: each try once, by its method and what came of it.  The bucket's loop counts, any thread reads.
 */
#pragma once

#include "base/counter.h"
#include "base/time_histogram.h"

#include <stdint.h>

enum s3_method { S3_GET, S3_HEAD, S3_PUT, S3_DELETE, S3_METHODS };

enum s3_result {
	S3_RESULT_OK,
	S3_RESULT_MISSING,    /* it is not there */
	S3_RESULT_REFUSED,    /* we are: a key, a right, a clock, a bucket */
	S3_RESULT_BUSY,       /* 429, 5xx */
	S3_RESULT_UNANSWERED, /* no answer, or not all of it */
	S3_RESULT_FALSE,      /* an answer that is not the bucket's */
	S3_RESULT_OTHER, /* a request that it does not know; what is no answer to ours; our own disk */
	S3_RESULTS,
};

struct s3_counts {
	struct counter requests[S3_METHODS][S3_RESULTS];
	struct time_histogram seconds[S3_METHODS];
	struct counter sent_bytes, received_bytes; /* of bodies */
};

/* "GET", "ok": stable, for labels. */
const char *s3_method_name(enum s3_method method);
const char *s3_result_name(enum s3_result result);
