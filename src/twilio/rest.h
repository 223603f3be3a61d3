/*
 * Twilio's REST API, version 2010-04-01, as far as recordings and calls go: its addresses
 * and its answers.  (Sending and receiving is for others.)
 *
 * api_url is "https://api.twilio.com" or a region's or a test's, without a slash at its
 * end.  SIDs must have been checked (sid.h): they are put into addresses as they are.
 */
#pragma once

#include "base/buf.h"
#include "base/compiler.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- addresses: appended to buf, which the caller checks with buf_ok() ---- */

enum rest_format { REST_MP3, REST_WAV };

/* channels: 1 or 2 for RequestedChannels, 0 to leave it out. */
void rest_media_url(struct buf *buf, struct str api_url, struct str account_sid,
		    struct str recording_sid, enum rest_format format, int channels);
/* The metadata: Recordings/{RE}.json.  DELETE on it deletes the recording. */
void rest_recording_url(struct buf *buf, struct str api_url, struct str account_sid,
			struct str recording_sid);

/* Of the account, newest first. */
struct rest_recordings_query {
	int page_size;             /* 1 to 1000; 0: Twilio's default, 50 */
	int64_t created_from_ms;   /* on that day (GMT) or later; 0: no bound */
	int64_t created_before_ms; /* on that day (GMT) or earlier; 0: no bound */
};
void rest_recordings_url(struct buf *buf, struct str api_url, struct str account_sid,
			 const struct rest_recordings_query *query);
void rest_call_recordings_url(struct buf *buf, struct str api_url, struct str account_sid,
			      struct str call_sid);
void rest_call_url(struct buf *buf, struct str api_url, struct str account_sid,
		   struct str call_sid);
/*
 * The next page of a list.  next_page_uri comes from an answer: unless it is a path below
 * /2010-04-01/, ERR_INVALID and nothing is appended, so that credentials go nowhere else.
 */
bool rest_next_page_url(struct buf *buf, struct str api_url, struct str next_page_uri,
			struct err *err) MUST_CHECK;

/* ---- answers ---- */

/* Owns what was parsed; the slices of the structs below lie in it. */
struct rest_document {
	void *root; /* jansson's json_t */
};
void rest_document_release(struct rest_document *document);
static inline void rest_document_release_at(struct rest_document *document)
{
	rest_document_release(document);
}

#define REST_UNKNOWN (-1)

/* A recording resource.  STR_NONE, REST_UNKNOWN (numbers) or 0 (dates) where null or absent. */
struct rest_recording {
	struct str account_sid;    /* AC... */
	struct str recording_sid;  /* RE...; always there */
	struct str call_sid;       /* CA..., or absent */
	struct str conference_sid; /* CF... */
	/* "in-progress", "paused", "stopped", "processing", "completed", "absent", "deleted" */
	struct str status;
	struct str source;
	struct str track;
	struct str media_url;
	struct str encryption; /* encryption_details as JSON text */
	int64_t duration_s;
	int64_t channels;                                    /* 0 not told */
	int64_t started_at_ms, created_at_ms, updated_at_ms; /* wall clock */
	int64_t error_code;                                  /* 0 none */
};

struct rest_recordings_page {
	struct rest_document document;
	size_t count;
	struct rest_recording *recordings; /* in the order of the answer: newest first */
	size_t malformed;                  /* rows that are no recordings, left out */
	struct str next_page_uri;          /* at == NULL on the last page */
};
void rest_recordings_page_release(struct rest_recordings_page *page);
static inline void rest_recordings_page_release_at(struct rest_recordings_page *page)
{
	rest_recordings_page_release(page);
}

/* A call resource. */
struct rest_call {
	struct str account_sid, call_sid, parent_call_sid;
	struct str status;    /* as in callbacks */
	struct str direction; /* "inbound", "outbound-api", "outbound-dial", "trunking-..." */
	struct str from, to;
	struct str forwarded_from, caller_name;
	int64_t duration_s;
	int64_t created_at_ms, updated_at_ms, started_at_ms, ended_at_ms;
};

/*
 * Each reads one JSON answer of status 200.  ERR_UNAVAILABLE with a sentence when it is
 * not that: an answer that is cut or strange may be whole next time.  A recording in a list whose SID is
 * malformed is left out and counted; where that is all of them, the page is malformed.  On success the caller releases *out / *document.
 */
bool rest_read_recordings(struct str body, struct rest_recordings_page *out,
			  struct err *err) MUST_CHECK;
bool rest_read_recording(struct str body, struct rest_document *document,
			 struct rest_recording *out, struct err *err) MUST_CHECK;
bool rest_read_call(struct str body, struct rest_document *document, struct rest_call *out,
		    struct err *err) MUST_CHECK;

/*
 * The error body of any other status: JSON {code, message, status} or, on media addresses,
 * XML <TwilioResponse><RestException>.  False when it is neither.
 */
struct rest_error {
	int code;          /* 20404 ...; 0 when there is none */
	int status;        /* the HTTP status as the body says; 0 when it does not */
	char message[200]; /* cut, "" when there is none */
};
bool rest_read_error(struct str body, struct rest_error *out) MUST_CHECK;

/* ---- error codes ---- */

/* What a code of Twilio's means for a recording; one sentence for a person.  NULL: not known to us. */
const char *rest_code_meaning(int code);

#define REST_CODE_BAD_CREDENTIALS 20003
#define REST_CODE_NOT_FOUND       20404
#define REST_CODE_TOO_MANY        20429
#define REST_CODE_TOO_SHORT       16101
#define REST_CODE_SILENT          16102
#define REST_CODE_NO_KEY          16105
#define REST_CODE_OTHER_KEY       16107
#define REST_CODE_MP3_ENCRYPTED   16109
