/*
 * Voice Recording Encryption as the simulated Twilio has it: each recording has a key and an IV of its own, AES-256-GCM with the
 * tag behind the bytes, and the key is wrapped by RSAES-OAEP (SHA-256) for the public key that was given.
 *
 * Written from Twilio's documents and apart from what opens it (vault/), so that the two do not share a mistake.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/json.h"
#include "base/own.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct sim_cipher;

#define SIM_PUBLIC_KEY_SID "CR51a1000000000000000000000000c1f3"

/* A public key in PEM; sid == NULL: the one above.  ERR_INVALID: it is no RSA key, or no SID. */
bool sim_cipher_open(const char *public_key_path, const char *sid, struct sim_cipher **out,
		     struct err *err) MUST_CHECK;
void sim_cipher_free(struct sim_cipher *cipher); /* NULL does nothing */

/* How one recording is encrypted. */
struct sim_sealing;
struct sim_sealing *sim_sealing_new(const struct sim_cipher *cipher);
/* With a key of the asker's, as base64: wrapped as `cek`, and as it is.  ERR_INVALID: it is none, or no SID. */
bool sim_sealing_given(struct str public_key_sid, struct str cek, struct str iv, struct str key,
		       struct sim_sealing **out, struct err *err) MUST_CHECK;
struct sim_sealing *sim_sealing_copy(const struct sim_sealing *sealing);
void sim_sealing_free(struct sim_sealing *sealing); /* NULL does nothing */
DEFINE_AUTO(struct sim_sealing *, sim_sealing_free)
/* EncryptionDetails, as in callbacks. */
void sim_sealing_add_text(const struct sim_sealing *sealing, struct buf *out);
/* encryption_details, as in the API. */
void sim_sealing_write(const struct sim_sealing *sealing, struct json *json);
/* In the place of the file of *size bytes puts another: what Twilio would send.  The same each time. */
bool sim_sealing_seal(const struct sim_sealing *sealing, int *fd, uint64_t *size,
		      struct err *err) MUST_CHECK;
