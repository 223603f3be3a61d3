/*
 * Recordings that Twilio encrypted: how, as its metadata tells it where its callback did not; and those that were given up because
 * their private key was not here.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/str.h"
#include "catalog/catalog.h"
#include "catalog/recordings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ENCRYPTION_SIZE 4097 /* a text that is longer is cut, and so unreadable */

/* A plain value. */
struct recording_locked {
	int64_t changed_seq; /* for the next page */
	char recording_sid[SID_SIZE], call_sid[SID_SIZE];
	char reason_text
		[RECORDING_TEXT_SIZE]; /* names the public key, and the private one that was tried */
	char encryption[ENCRYPTION_SIZE]; /* EncryptionDetails, JSON text */
};

/* Dead letters whose key is missing, or was wrong, in the order of their last change, behind after_seq; fewer than `size`: the last page. */
bool recordings_list_locked(struct catalog *catalog, int64_t after_seq,
			    struct recording_locked *out, size_t size, size_t *out_count,
			    struct err *err) MUST_CHECK;
/* How many they are. */
bool recordings_count_locked(struct catalog *catalog, int64_t *out, struct err *err) MUST_CHECK;

/* The writer: in place of what was told before.  ERR_NOT_FOUND: no such recording.  Any state. */
bool recordings_set_encryption(struct catalog *catalog, struct str recording_sid,
			       struct str encryption, struct err *err) MUST_CHECK;
