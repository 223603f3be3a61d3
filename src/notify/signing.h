/*
 * Signatures of the Standard Webhooks convention: "v1," and base64 of HMAC-SHA256 over "id.timestamp.body".
 *
 * A secret is "whsec_" and base64 of 24 to 64 bytes.  Several, one after another with spaces between, are for the time
 * of a rotation: each signs, and the receiver takes what any of those that it knows has signed.
 *
 * Pure.  Source: https://github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md.
 */
#pragma once

#include "base/buf.h"
#include "base/compiler.h"
#include "base/err.h"
#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

#define SIGNING_KEYS_MAX 4
#define SIGNING_KEY_MIN  24 /* bytes */
#define SIGNING_KEY_MAX  64

/* A plain value, to be wiped. */
struct signing {
	size_t count;
	struct {
		uint8_t bytes[SIGNING_KEY_MAX];
		size_t len;
	} keys[SIGNING_KEYS_MAX];
};

/* ERR_INVALID: there is none, too many, or one that is no such secret; the error does not show it. */
bool signing_read(struct str secrets, struct signing *out, struct err *err) MUST_CHECK;
void signing_wipe(struct signing *signing);

/* The value of webhook-signature: "v1,<base64> v1,<base64>". */
#define SIGNING_TEXT_SIZE (SIGNING_KEYS_MAX * 48 + 1)
void signing_sign(const struct signing *signing, const char *id, int64_t timestamp_s,
		  struct str body, char out[SIGNING_TEXT_SIZE]);
