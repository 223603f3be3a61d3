/*
 * What is known of the media of one recording: enough to serve it.
 *
 * The same whether it is stored or still in flight, because its identity does not
 * change on the way: recording, format, channels, length and generation make the ETag,
 * the beginning of the generation is Last-Modified.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/str.h"
#include "catalog/recordings.h"
#include "retention/retention.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct blob_store;

#define MEDIA_ETAG_SIZE    96
#define MEDIA_LINES_SIZE   704
#define MEDIA_SIZE_UNKNOWN UINT64_MAX /* the provider sends no length, and not all is here */
#define MEDIA_FIRST_BYTES  16         /* kept at hand: the probe of iOS asks for two */

struct media {
	char recording_sid[SID_SIZE], call_sid[SID_SIZE]; /* call_sid may be "" */
	char format[8];                                   /* "mp3", "wav" */
	char path[RECORDING_PATH_SIZE];                   /* STORED: relative to the store */
	int64_t duration_ms;                              /* STORED: 0 where it is not known */
	int channels;
	uint64_t size; /* bytes, or MEDIA_SIZE_UNKNOWN */
	int64_t generation;
	int64_t modified_at_ms;     /* when the generation began; wall clock */
	struct kept kept;           /* how long it is played */
	char etag[MEDIA_ETAG_SIZE]; /* with its quotes; "" while the size is not known */
	char sha256[65];            /* hexadecimal; "" until it is computed */

	int fd; /* for reading; -1 when there is none */
	unsigned first_count;
	char first_bytes[MEDIA_FIRST_BYTES];

	/* The head of a reply that is the same for every request, made once by whoever replies (web). */
	size_t lines_len, common_len; /* the first common_len bytes go with a 304, too */
	char lines[MEDIA_LINES_SIZE];
};

/* From the ledger's row of a STORED recording; fd = -1. */
void media_of_recording(const struct recording *recording, struct media *out);
/* Makes the ETag from what is there. */
void media_name(struct media *media);
/*
 * Opens the blob and checks its length against the ledger; reads the disk, and waits for no other machine: fd stays -1 where it is
 * to be had from there (BLOB_GET, then media_take()).  ERR_NOT_FOUND: it is lost, not there
 * (though its folder is) or of another length; every other kind says nothing of the file.
 */
bool media_open(struct media *media, struct blob_store *store, struct str path,
		struct err *err) MUST_CHECK;
/* Takes the opened blob; the same check.  A descriptor that is not taken is closed. */
bool media_take(struct media *media, struct str path, int fd, uint64_t size,
		struct err *err) MUST_CHECK;
void media_close(struct media *media);
/* "audio/mpeg" or "audio/wav" */
struct str media_content_type(const struct media *media);
