/*
 * The vault: the private keys for what Twilio encrypted, by the SIDs of the public ones, and opening what came.
 *
 * Keys come from two places: `twilio.private_key_file`, which is one file or a folder of them, and our own folder in
 * data_dir, which `callspool key add` fills.  In a folder a file is named by the SID: CR…, CR….pem or CR….key; any other name
 * is passed over.  A single file whose name does not begin with a SID opens what no other key is for.
 *
 * Threads: any, all at once.  What says so blocks.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/own.h"
#include "base/str.h"
#include "twilio/encryption_details.h"
#include "vault/private_key.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vault;

#define VAULT_TAG      16 /* bytes: so much longer is what comes than what is in it */
#define VAULT_KEYS_MAX 256
#define VAULT_FOLDER   "keys" /* in data_dir */

struct vault_options {
	const char *key_path;   /* twilio.private_key_file; NULL: none */
	const char *own_folder; /* need not be there; NULL: none */
};

/* Blocks.  Empty where there are no keys, which is no error; a file that is wrong is: ERR_INVALID names it. */
bool vault_open(const struct vault_options *options, struct vault **out,
		struct err *err) MUST_CHECK;
void vault_free(struct vault *vault); /* NULL does nothing */
DEFINE_AUTO(struct vault *, vault_free)
/*
 * Blocks.  Reads all files anew.  On failure the keys are as they were.  *out_changed: they are others now.
 */
bool vault_reread(struct vault *vault, bool *out_changed, struct err *err) MUST_CHECK;

/* A plain value. */
struct vault_key {
	char public_key_sid[SID_LEN + 1]; /* "": for what no other key is for */
	unsigned bits;
	char fingerprint[PRIVATE_KEY_FINGERPRINT];
	bool is_own; /* in our own folder */
};
/* A new array, by SID, for free(); the count. */
size_t vault_list(struct vault *vault, struct vault_key **out);
/* The fingerprint of the key that would open what is encrypted with that public key.  False: there is none. */
bool vault_finds(struct vault *vault, const char *public_key_sid,
		 char out[PRIVATE_KEY_FINGERPRINT]) MUST_CHECK;

/* Who takes what was decrypted, piece by piece, in order. */
struct vault_sink {
	bool (*take)(struct vault_sink *sink, struct str bytes, struct err *err);
};

/*
 * VAULT_OPENED     all of it was authentic, and the sink has it
 * VAULT_NO_KEY     there is no key for it
 * VAULT_WRONG_KEY  the key that is here does not open it
 * VAULT_FORGED     its tag does not fit: somebody or something changed a bit of it, of its tag or of its IV, or its length
 * VAULT_FAILED     ours: reading failed, or the sink did, or there is no memory for the key; err is set
 */
enum vault_result { VAULT_OPENED, VAULT_NO_KEY, VAULT_WRONG_KEY, VAULT_FORGED, VAULT_FAILED };

/*
 * Blocks.  Opens the `size` bytes of `fd`, whose last 16 are the tag, in bounded memory.  The sink is not called before the tag
 * was found to fit: all is read twice.  Where the file changes in between, the second reading finds that, with VAULT_FORGED, and what the
 * sink took is to be thrown away, as it is with VAULT_FAILED.
 */
enum vault_result vault_decrypt(struct vault *vault, const struct encryption_details *details,
				int fd, uint64_t size, struct vault_sink *sink,
				struct err *err) MUST_CHECK;
/*
 * Blocks, some ms.  Does the key of exactly that SID ("": the one without) open what its public half encrypts?
 * VAULT_OPENED: it does; VAULT_WRONG_KEY: it is damaged.
 */
enum vault_result vault_test(struct vault *vault, const char *public_key_sid,
			     struct err *err) MUST_CHECK;
/* Blocks, some ms.  VAULT_OPENED: its key can be unwrapped, so that it is the right one. */
enum vault_result vault_try(struct vault *vault, const struct encryption_details *details,
			    struct err *err) MUST_CHECK;
