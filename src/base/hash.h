/*
 * Digests, their texts, and random bytes, over OpenSSL's libcrypto.
 */
#pragma once

#include "base/buf.h"
#include "base/compiler.h"
#include "base/own.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHA256_BYTES 32
#define SHA256_HEX   65 /* with its NUL */
#define SHA1_BYTES   20

struct sha256; /* a digest in the making */
struct sha256 *sha256_new(void);
void sha256_free(struct sha256 *sha);
DEFINE_AUTO(struct sha256 *, sha256_free)
void sha256_add(struct sha256 *sha, const void *bytes, size_t len);
void sha256_end(struct sha256 *sha, uint8_t out[SHA256_BYTES]);

#define MD5_HEX 33 /* with its NUL */

/*
 * MD5, in hexadecimal: to know what a store says of what it was sent.  It proves nothing against who means ill.  "" where
 * libcrypto is not allowed to make one.
 */
struct md5;
struct md5 *md5_new(void);
void md5_free(struct md5 *md5);
DEFINE_AUTO(struct md5 *, md5_free)
void md5_add(struct md5 *md5, const void *bytes, size_t len);
void md5_end(struct md5 *md5, char out[MD5_HEX]);

void sha256_of(struct str bytes, uint8_t out[SHA256_BYTES]);
void sha1_of(struct str bytes, uint8_t out[SHA1_BYTES]); /* for RFC 6455 alone: it proves nothing */
void hmac_sha1(struct str key, struct str bytes, uint8_t out[SHA1_BYTES]);
void hmac_sha256(struct str key, struct str bytes, uint8_t out[SHA256_BYTES]);

void hex_add(struct buf *buf, const uint8_t *bytes, size_t len);
/* Exactly `size` bytes as hexadecimal digits of either case; false (and *out undefined) on anything else. */
bool hex_decode(struct str text, uint8_t *out, size_t size) MUST_CHECK;
void base64_add(struct buf *buf, const uint8_t *bytes, size_t len);
/* False on anything that is not well-formed base64 (padding required), or longer than size. */
bool base64_decode(struct str text, uint8_t *out, size_t size, size_t *out_len) MUST_CHECK;

/* Constant time for equal lengths. */
bool bytes_equal_secret(const void *a, const void *b, size_t len);
void random_bytes(void *out, size_t len);
