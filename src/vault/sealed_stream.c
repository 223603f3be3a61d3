#include "vault/sealed_stream.h"

#include "base/mem.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

#define PIECE (64 * 1024)

static void free_cipher(EVP_CIPHER_CTX *cipher)
{
	EVP_CIPHER_CTX_free(cipher); /* wipes it */
}
DEFINE_AUTO(EVP_CIPHER_CTX *, free_cipher)

struct pieces {
	uint8_t sealed[PIECE], plain[PIECE];
};

/* What was opened does not stay in memory that others are given later. */
static void free_pieces(struct pieces *pieces)
{
	sodium_memzero(pieces->plain, sizeof(pieces->plain));
	free(pieces);
}
DEFINE_AUTO(struct pieces *, free_pieces)

static bool read_at(int fd, uint64_t at, uint8_t *to, size_t len, struct err *err)
{
	while (len > 0) {
		ssize_t got = pread(fd, to, len, (off_t)at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_errno(err, "cannot read what came encrypted");
		if (got == 0)
			return err_set(err, ERR_INTERNAL, "what came encrypted became shorter");
		to += got;
		at += (uint64_t)got;
		len -= (size_t)got;
	}
	return true;
}

static bool start(EVP_CIPHER_CTX *cipher, const struct sealed_stream *stream)
{
	return cipher && EVP_DecryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, NULL, NULL) > 0 &&
	       EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_SET_IVLEN, ENCRYPTION_IV, NULL) > 0 &&
	       EVP_DecryptInit_ex(cipher, NULL, NULL, stream->key, stream->iv) > 0;
}

/* One piece after another.  False: err is set. */
static bool read_body(EVP_CIPHER_CTX *cipher, const struct sealed_stream *stream,
		      struct vault_sink *sink, struct err *err)
{
	AUTO(free_pieces) struct pieces *pieces = xmalloc(sizeof(*pieces));
	uint64_t end = stream->size - VAULT_TAG;

	for (uint64_t at = 0; at < end;) {
		size_t len = end - at < PIECE ? (size_t)(end - at) : PIECE;
		int out_len = 0;

		if (!read_at(stream->fd, at, pieces->sealed, len, err))
			return false;
		if (EVP_DecryptUpdate(cipher, pieces->plain, &out_len, pieces->sealed, (int)len) <=
		    0)
			return err_set(err, ERR_INTERNAL, "OpenSSL could not decrypt");
		if (sink && !sink->take(sink, (struct str){ (char *)pieces->plain, len }, err))
			return false;
		at += len;
	}
	return true;
}

static bool fits(EVP_CIPHER_CTX *cipher, uint8_t tag[VAULT_TAG])
{
	uint8_t rest[16];
	int len;

	return EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_SET_TAG, VAULT_TAG, tag) > 0 &&
	       EVP_DecryptFinal_ex(cipher, rest, &len) > 0;
}

enum vault_result sealed_stream_read(const struct sealed_stream *stream, struct vault_sink *sink,
				     struct err *err)
{
	AUTO(free_cipher) EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
	uint8_t tag[VAULT_TAG];
	bool is_right;

	if (stream->size < VAULT_TAG)
		return VAULT_FORGED; /* it was cut: there is not even a tag */
	if (!start(cipher, stream)) {
		err_set(err, ERR_INTERNAL, "OpenSSL has no AES-256-GCM");
		return VAULT_FAILED;
	}
	if (!read_body(cipher, stream, sink, err) ||
	    !read_at(stream->fd, stream->size - VAULT_TAG, tag, sizeof(tag), err))
		return VAULT_FAILED;
	is_right = fits(cipher, tag);
	ERR_clear_error();
	return is_right ? VAULT_OPENED : VAULT_FORGED;
}
