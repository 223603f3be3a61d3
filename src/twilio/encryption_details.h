/*
 * How Twilio encrypted a recording: what its callback says in EncryptionDetails, and its API in encryption_details.
 *
 * The two spell the members differently, and the API's own examples do, too, so any of these is taken:
 *
 *	type		"rsa-aes", or left out
 *	public key	public_key_sid, encryption_public_key_sid
 *	wrapped key	encrypted_cek, encryption_cek
 *	IV		iv, encryption_iv
 *
 * Where two spellings of one member are there they must agree.  Pure.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/str.h"
#include "twilio/sid.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ENCRYPTION_CEK_MAX 1024 /* bytes: RSA of 8192 bits */
#define ENCRYPTION_IV      12   /* of AES-GCM, bytes */
#define ENCRYPTION_TEXT \
	4096 /* a longer text is none; with RSA of 8192 bits it has some 1600 characters */

/* A plain value. */
struct encryption_details {
	char public_key_sid[SID_LEN + 1]; /* CR and digits in lower case */
	size_t cek_len;                   /* above 0 */
	uint8_t cek[ENCRYPTION_CEK_MAX];  /* the content's key, wrapped by the public key */
	uint8_t iv[ENCRYPTION_IV];
};

/* ERR_INVALID, with a sentence, for whatever is not exactly this; *out is untouched then. */
bool encryption_details_read(struct str json, struct encryption_details *out,
			     struct err *err) MUST_CHECK;
/* Do they say the same? */
bool encryption_details_equal(const struct encryption_details *a,
			      const struct encryption_details *b);

/* CR and 32 hexadecimal digits of either case; written in lower case to out.  False: it is none. */
bool public_key_sid_read(struct str text, char out[SID_LEN + 1]) MUST_CHECK;
