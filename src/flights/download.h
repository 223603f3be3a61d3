/*
 * One attempt's download: the request, its answer into the arriving file, and what came
 * back as facts for verdict_judge().
 *
 * Goes on with what an earlier attempt of the same generation left in the file: by a
 * Range with If-Range where the upstream offered a strong validator, else from the start,
 * comparing each byte with what is there, because players may have been sent it.
 *
 * Thread: the fetching loop.
 */
#pragma once

#include "audio/sniff.h"
#include "base/compiler.h"
#include "base/err.h"
#include "fetch/transfer.h"
#include "twilio/rest.h"
#include "verdict/verdict.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct account;
struct blob_arriving;
struct flight_env;

#define DOWNLOAD_ERROR_BODY     4096 /* so much of an answer is kept to be read as an error page */
#define DOWNLOAD_LENGTH_UNKNOWN UINT64_MAX

/* What outlives an attempt: the file in the making and what is known of it. */
struct arrival {
	struct blob_arriving *file; /* NULL: none yet */
	int reader_fd;              /* of the same file; -1 */
	struct sniff sniff;  /* fed with exactly the bytes in the file, unless is_encrypted */
	bool is_encrypted;   /* as Twilio encrypted it: to be opened when it is whole */
	bool is_opened;      /* it was; nothing can be gone on with */
	bool is_followed;    /* another process's (follow.h): no attempt of ours goes on with it */
	uint64_t length;     /* of the whole media, or DOWNLOAD_LENGTH_UNKNOWN */
	char validator[128]; /* strong ETag for If-Range; "" none */
};

void arrival_init(struct arrival *arrival);
/* Removes the file; ready for another. */
void arrival_discard(struct arrival *arrival);

/* Where the media of a recording is, and how one signs in there. */
struct download_address {
	char url[1024], user[128], password[256];
};
/* ERR_INVALID: it does not fit. */
bool download_address(const struct account *account, const char *recording_sid,
		      enum rest_format format, int channels, struct download_address *out,
		      struct err *err) MUST_CHECK;
/* What is asked for: as the setting says, but WAV of what is encrypted, which Twilio has in nothing else. */
enum rest_format download_format(const struct flight_env *env, bool is_encrypted);

struct download {
	struct transfer_receiver receiver;
	struct transfer *transfer; /* NULL when none is under way */
	struct arrival *arrival;
	uint64_t position;         /* in the media: where the next byte belongs */
	bool has_head, takes_body; /* the status says media */
	bool is_elsewhere;         /* it is not the API that is asked */
	const struct account *account;
	struct verdict_facts facts;
	size_t body_len;
	char body[DOWNLOAD_ERROR_BODY];

	/* set by the owner */
	const struct flight_env *env;
	void (*arrived)(struct download *download); /* bytes were added: look at the arrival */
	void (*ended)(
		struct download *download); /* facts are filled as far as the download knows */
};

/*
 * Asks for the media of a recording.  arrival->file is open (and empty, or holds what is to be
 * gone on with).  told_url is RecordingUrl (NULL, "": none): where it is on another host than the API's, and media_hosts
 * names that, it is asked in place of the API, without credentials.  ERR_INVALID: no address can be made.
 */
bool download_start(struct download *download, struct arrival *arrival,
		    const struct account *account, const char *recording_sid, const char *told_url,
		    int channels, struct err *err) MUST_CHECK;
void download_cancel(struct download *download);
