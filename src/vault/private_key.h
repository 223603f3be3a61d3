/*
 * One private key, as it lies in a file: RSA, in PEM, without a passphrase.
 *
 * At rest in memory it is its DER in memory of libsodium's: locked, between guard pages, left out of dumps, read-only, and wiped
 * when it is freed.  OpenSSL gets to see it for as long as one key is unwrapped, with its numbers in OpenSSL's own
 * secure heap.
 *
 * A file that others than its owner and its group may read, or that the group may write, is refused.
 *
 * Threads: a key is a constant once it is read; any may use it.  private_key_read() blocks.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/own.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct private_key;

#define PRIVATE_KEY_FINGERPRINT 17          /* with its NUL */
#define PRIVATE_KEY_FILE_MAX    (64 * 1024) /* bytes */
#define PRIVATE_KEY_BITS_MIN    2048
#define PRIVATE_KEY_BITS_MAX    8192
#define CONTENT_KEY_BYTES       32 /* AES-256 */

/*
 * Once, before anything else of this room, and before threads: OpenSSL's secure heap.  Where the system gives it no
 * memory that is locked, it is memory that is not.  As often as you like.
 */
bool private_key_prepare(struct err *err) MUST_CHECK;

/*
 * ERR_NOT_FOUND: there is no such file.  ERR_INVALID, with what to do: a public key, a key that is locked with a passphrase,
 * not RSA, too short, rights that are too wide.  ERR_SCARCE: there is no memory for it.
 */
bool private_key_read(const char *path, struct private_key **out, struct err *err) MUST_CHECK;
void private_key_free(struct private_key *key); /* NULL does nothing */
DEFINE_AUTO(struct private_key *, private_key_free)

unsigned private_key_bits(const struct private_key *key);
/* The first 16 hexadecimal digits of the SHA-256 of its public half (DER, SubjectPublicKeyInfo): tells keys apart, and is no secret. */
const char *private_key_fingerprint(const struct private_key *key);

/*
 * RSAES-OAEP with SHA-256, MGF1 with SHA-256, no label.  ERR_INVALID: it was not wrapped for this key, or is no key of
 * AES-256.  ERR_SCARCE, ERR_INTERNAL: that could not be found out, for want of memory or else, and says nothing of the key.  On
 * failure out is zero.  `out` is to be wiped by whoever asked.
 */
bool private_key_unwrap(const struct private_key *key, const uint8_t *wrapped, size_t len,
			uint8_t out[CONTENT_KEY_BYTES], struct err *err) MUST_CHECK;
/*
 * Wraps a random key with its public half and unwraps it: that both halves belong together, and OpenSSL here can do what
 * Twilio does.  ERR_INVALID: they do not; other kinds as above.
 */
bool private_key_test(const struct private_key *key, struct err *err) MUST_CHECK;
/* Is the file, PEM or DER, the public half of it?  ERR_INVALID: it is no public key. */
bool private_key_matches(const struct private_key *key, const char *public_path, bool *out,
			 struct err *err) MUST_CHECK;
/* The same key as another? */
bool private_key_equal(const struct private_key *a, const struct private_key *b);
/* Its PEM, for a file: in memory of libsodium's, for private_key_pem_free(). */
bool private_key_pem(const struct private_key *key, char **out, size_t *out_len,
		     struct err *err) MUST_CHECK;
void private_key_pem_free(char *pem);
