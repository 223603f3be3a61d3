#include "base/hash.h"

#include "base/mem.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <sys/random.h>

struct sha256 {
	EVP_MD_CTX *context;
};

/* libcrypto's digests fail only when it is broken or out of memory: both end the process. */
static void must(int result)
{
	if (result != 1)
		abort();
}

struct sha256 *sha256_new(void)
{
	struct sha256 *sha = xcalloc(1, sizeof(*sha));

	sha->context = EVP_MD_CTX_new();
	must(sha->context != NULL);
	must(EVP_DigestInit_ex(sha->context, EVP_sha256(), NULL));
	return sha;
}

void sha256_free(struct sha256 *sha)
{
	if (!sha)
		return;
	EVP_MD_CTX_free(sha->context);
	free(sha);
}

void sha256_add(struct sha256 *sha, const void *bytes, size_t len)
{
	must(EVP_DigestUpdate(sha->context, bytes, len));
}

void sha256_end(struct sha256 *sha, uint8_t out[SHA256_BYTES])
{
	must(EVP_DigestFinal_ex(sha->context, out, NULL));
}

#define MD5_BYTES 16

struct md5 {
	EVP_MD_CTX *context; /* NULL: there is none, as by the rules of FIPS 140 */
};

struct md5 *md5_new(void)
{
	struct md5 *md5 = xcalloc(1, sizeof(*md5));

	md5->context = EVP_MD_CTX_new();
	must(md5->context != NULL);
	if (EVP_DigestInit_ex(md5->context, EVP_md5(), NULL) != 1) {
		EVP_MD_CTX_free(md5->context);
		md5->context = NULL;
	}
	return md5;
}

void md5_free(struct md5 *md5)
{
	if (!md5)
		return;
	EVP_MD_CTX_free(md5->context);
	free(md5);
}

void md5_add(struct md5 *md5, const void *bytes, size_t len)
{
	if (md5->context)
		must(EVP_DigestUpdate(md5->context, bytes, len));
}

void md5_end(struct md5 *md5, char out[MD5_HEX])
{
	uint8_t digest[MD5_BYTES];
	struct buf hex;

	buf_over(&hex, out, MD5_HEX);
	if (!md5->context)
		return;
	must(EVP_DigestFinal_ex(md5->context, digest, NULL));
	hex_add(&hex, digest, sizeof(digest));
}

void sha256_of(struct str bytes, uint8_t out[SHA256_BYTES])
{
	must(EVP_Digest(bytes.at, bytes.len, out, NULL, EVP_sha256(), NULL));
}

void sha1_of(struct str bytes, uint8_t out[SHA1_BYTES])
{
	must(EVP_Digest(bytes.at, bytes.len, out, NULL, EVP_sha1(), NULL));
}

void hmac_sha1(struct str key, struct str bytes, uint8_t out[SHA1_BYTES])
{
	assert(key.len <= INT32_MAX);
	must(HMAC(EVP_sha1(), key.at, (int)key.len, (const unsigned char *)bytes.at, bytes.len, out,
		  NULL) != NULL);
}

void hmac_sha256(struct str key, struct str bytes, uint8_t out[SHA256_BYTES])
{
	assert(key.len <= INT32_MAX);
	must(HMAC(EVP_sha256(), key.at, (int)key.len, (const unsigned char *)bytes.at, bytes.len,
		  out, NULL) != NULL);
}

void hex_add(struct buf *buf, const uint8_t *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		buf_add_byte(buf, digits[bytes[i] >> 4]);
		buf_add_byte(buf, digits[bytes[i] & 15]);
	}
}

bool hex_decode(struct str text, uint8_t *out, size_t size)
{
	if (text.len != 2 * size)
		return false;
	for (size_t i = 0; i < size; i++) {
		int high = ascii_hex_value(text.at[2 * i]),
		    low = ascii_hex_value(text.at[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

void base64_add(struct buf *buf, const uint8_t *bytes, size_t len)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (; len >= 3; bytes += 3, len -= 3) {
		buf_add_byte(buf, digits[bytes[0] >> 2]);
		buf_add_byte(buf, digits[(bytes[0] & 3) << 4 | bytes[1] >> 4]);
		buf_add_byte(buf, digits[(bytes[1] & 15) << 2 | bytes[2] >> 6]);
		buf_add_byte(buf, digits[bytes[2] & 63]);
	}
	if (len == 0)
		return;
	buf_add_byte(buf, digits[bytes[0] >> 2]);
	if (len == 1) {
		buf_add_byte(buf, digits[(bytes[0] & 3) << 4]);
		buf_add_byte(buf, '=');
	} else {
		buf_add_byte(buf, digits[(bytes[0] & 3) << 4 | bytes[1] >> 4]);
		buf_add_byte(buf, digits[(bytes[1] & 15) << 2]);
	}
	buf_add_byte(buf, '=');
}

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (ascii_is_digit(c))
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool base64_decode(struct str text, uint8_t *out, size_t size, size_t *out_len)
{
	size_t len = 0, padding = 0;

	if (text.len % 4 != 0)
		return false;
	while (padding < 2 && text.len > padding && text.at[text.len - 1 - padding] == '=')
		padding++;
	if (text.len / 4 * 3 - padding > size)
		return false;

	for (size_t i = 0; i < text.len; i += 4) {
		uint32_t group = 0;

		for (size_t k = 0; k < 4; k++) {
			bool is_padding = i + k >= text.len - padding;
			int value = is_padding ? 0 : base64_value(text.at[i + k]);

			if (value < 0)
				return false;
			group = group << 6 | (uint32_t)value;
		}
		for (size_t k = 0; k < 3 && len < text.len / 4 * 3 - padding; k++)
			out[len++] = (uint8_t)(group >> (16 - 8 * k));
	}
	*out_len = len;
	return true;
}

bool bytes_equal_secret(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}

void random_bytes(void *out, size_t len)
{
	char *at = out;

	while (len > 0) {
		ssize_t n = getrandom(at, len, 0);

		if (n < 0)
			continue; /* EINTR: before 256 bytes it cannot fail otherwise */
		at += n;
		len -= (size_t)n;
	}
}
