/*
 * What Twilio tells in its callbacks: the form's parameters, read and checked.
 *
 * All texts are slices of the parameters' values, STR_NONE where not told (an empty
 * value counts as not told).  Fields that we do not know are no error: Twilio adds new ones
 * without notice.  Of a repeated name the first counts.  Pure.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/str.h"
#include "twilio/signature.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CALLBACK_UNKNOWN (-1) /* a number that was not told, or is none */

/* recordingStatusCallback. */
struct recording_callback {
	struct str account_sid;    /* AC..., required */
	struct str call_sid;       /* CA..., the parent leg; absent for a conference */
	struct str conference_sid; /* CF... */
	struct str recording_sid;  /* RE..., required */
	struct str status;     /* "in-progress", "completed", "absent", "failed" ...: required */
	struct str url;        /* RecordingUrl: not to be believed before its host was checked */
	struct str source;     /* "DialVerb", "Conference", "OutboundAPI", "Trunking" ... */
	struct str track;      /* "inbound", "outbound", "both" */
	struct str encryption; /* EncryptionDetails, JSON text as it came */
	int64_t duration_s;    /* only when completed; else CALLBACK_UNKNOWN */
	int64_t channels;      /* 1, 2; 0 not told */
	int64_t started_at_ms; /* wall clock; 0 not told */
	int64_t error_code;    /* 16101 ...; 0 none */
};

/* StatusCallback of a call, and the <Record action> request, which has the same fields. */
struct call_callback {
	struct str account_sid;     /* AC..., required */
	struct str call_sid;        /* CA..., required */
	struct str parent_call_sid; /* CA..., not on a first leg */
	struct str status;    /* "queued" ... "completed", "busy", "no-answer" ...: required */
	struct str direction; /* "inbound", "outbound-api", "outbound-dial", "trunking-..." */
	struct str from, to;  /* E.164, "client:...", "sip:..." */
	struct str forwarded_from;
	struct str caller_name;
	struct str callback_source; /* "call-progress-events" */
	int64_t duration_s;         /* CallDuration, only when completed; else CALLBACK_UNKNOWN */
	int64_t sequence_number;    /* from 0; arrival order is not guaranteed; CALLBACK_UNKNOWN */
	int64_t timestamp_ms;       /* when it happened, wall clock; 0 not told */
	struct str recording_sid;   /* RE..., when it was recorded with Record=true */
	struct str recording_url;
	int64_t recording_duration_s; /* CALLBACK_UNKNOWN when not told */
};

/*
 * ERR_INVALID, with a sentence that names the parameter, when a required one is missing or
 * a SID is none.  A status that we do not know is taken as it is, if it is a word
 * (lower case letters and '-').  A number or date that is none counts as not told.
 */
bool recording_callback_read(const struct twilio_param *params, size_t count,
			     struct recording_callback *out, struct err *err) MUST_CHECK;
bool call_callback_read(const struct twilio_param *params, size_t count, struct call_callback *out,
			struct err *err) MUST_CHECK;

/* The value of that name; at == NULL when absent. */
struct str twilio_param(const struct twilio_param *params, size_t count, struct str name);
