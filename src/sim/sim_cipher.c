#include "sim/sim_cipher.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/own.h"
#include "twilio/sid.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define KEY_BYTES 32
#define IV_BYTES  12
#define TAG_BYTES 16
#define CEK_MAX   1024
#define PIECE     (64 * 1024)

struct sim_cipher {
	EVP_PKEY *public_key;
	char sid[SID_LEN + 1];
};

struct sim_sealing {
	char public_key_sid[SID_LEN + 1];
	uint8_t key[KEY_BYTES], iv[IV_BYTES];
	uint8_t cek[CEK_MAX];
	size_t cek_len;
};

bool sim_cipher_open(const char *public_key_path, const char *sid, struct sim_cipher **out,
		     struct err *err)
{
	const char *named = sid ? sid : SIM_PUBLIC_KEY_SID;
	FILE *file = fopen(public_key_path, "re");
	EVP_PKEY *key;
	struct sim_cipher *cipher;

	if (!file)
		return err_errno(err, "cannot open the public key '%s'", public_key_path);
	key = PEM_read_PUBKEY(file, NULL, NULL, NULL);
	fclose(file);
	ERR_clear_error();
	if (!key || !EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_get_size(key) > CEK_MAX ||
	    !sid_is(str_of(named), "CR")) {
		EVP_PKEY_free(key);
		return err_set(err, ERR_INVALID,
			       "'%s' and '%s': expected a public RSA key in PEM, and a SID of CR",
			       public_key_path, named);
	}
	cipher = xcalloc(1, sizeof(*cipher));
	cipher->public_key = key;
	memcpy(cipher->sid, named, sizeof(cipher->sid));
	*out = cipher;
	return true;
}

void sim_cipher_free(struct sim_cipher *cipher)
{
	if (!cipher)
		return;
	EVP_PKEY_free(cipher->public_key);
	free(cipher);
}

/* ---- one recording ---- */

static bool wrap_key(struct sim_sealing *sealing, const struct sim_cipher *cipher)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(cipher->public_key, NULL);
	bool good;

	sealing->cek_len = sizeof(sealing->cek);
	good = context && EVP_PKEY_encrypt_init(context) > 0 &&
	       EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) > 0 &&
	       EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_sha256()) > 0 &&
	       EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha256()) > 0 &&
	       EVP_PKEY_encrypt(context, sealing->cek, &sealing->cek_len, sealing->key,
				sizeof(sealing->key)) > 0;
	EVP_PKEY_CTX_free(context);
	return good;
}

struct sim_sealing *sim_sealing_new(const struct sim_cipher *cipher)
{
	struct sim_sealing *sealing = xcalloc(1, sizeof(*sealing));

	memcpy(sealing->public_key_sid, cipher->sid, sizeof(sealing->public_key_sid));
	random_bytes(sealing->key, sizeof(sealing->key));
	random_bytes(sealing->iv, sizeof(sealing->iv));
	if (!wrap_key(sealing, cipher))
		abort(); /* a key that was read wraps */
	return sealing;
}

bool sim_sealing_given(struct str public_key_sid, struct str cek, struct str iv, struct str key,
		       struct sim_sealing **out, struct err *err)
{
	AUTO(sim_sealing_free) struct sim_sealing *sealing = xcalloc(1, sizeof(*sealing));
	size_t iv_len, key_len;

	if (!sid_is(public_key_sid, "CR") ||
	    !base64_decode(cek, sealing->cek, CEK_MAX, &sealing->cek_len) ||
	    !base64_decode(iv, sealing->iv, IV_BYTES, &iv_len) || iv_len != IV_BYTES ||
	    !base64_decode(key, sealing->key, KEY_BYTES, &key_len) || key_len != KEY_BYTES)
		return err_set(
			err, ERR_INVALID,
			"encryption is public_key_sid, and encrypted_cek, iv (12 bytes) and key "
			"(32 bytes) as base64");
	memcpy(sealing->public_key_sid, public_key_sid.at, SID_LEN);
	*out = TAKE(sealing);
	return true;
}

struct sim_sealing *sim_sealing_copy(const struct sim_sealing *sealing)
{
	struct sim_sealing *copy = xcalloc(1, sizeof(*copy));

	*copy = *sealing;
	return copy;
}

void sim_sealing_free(struct sim_sealing *sealing)
{
	free(sealing);
}

void sim_sealing_add_text(const struct sim_sealing *sealing, struct buf *out)
{
	buf_addf(out, "{\"public_key_sid\":\"%s\",\"type\":\"rsa-aes\",\"encrypted_cek\":\"",
		 sealing->public_key_sid);
	base64_add(out, sealing->cek, sealing->cek_len);
	buf_add_text(out, "\",\"iv\":\"");
	base64_add(out, sealing->iv, sizeof(sealing->iv));
	buf_add_text(out, "\"}");
}

static void write_base64(struct json *json, const char *key, const uint8_t *bytes, size_t len)
{
	char text[CEK_MAX / 3 * 4 + 8];
	struct buf buf;

	buf_over(&buf, text, sizeof(text));
	base64_add(&buf, bytes, len);
	json_text(json, key, buf_str(&buf));
}

void sim_sealing_write(const struct sim_sealing *sealing, struct json *json)
{
	json_open(json, "encryption_details", '{');
	json_text(json, "type", STR("rsa-aes"));
	json_text(json, "encryption_public_key_sid", str_of(sealing->public_key_sid));
	write_base64(json, "encryption_cek", sealing->cek, sealing->cek_len);
	write_base64(json, "encryption_iv", sealing->iv, sizeof(sealing->iv));
	json_close(json, '}');
}

/* ---- its bytes ---- */

static bool pass(EVP_CIPHER_CTX *context, int from, uint64_t size, int to, struct err *err)
{
	AUTO(free) unsigned char *plain = xmalloc(PIECE);
	AUTO(free) unsigned char *sealed = xmalloc(PIECE + TAG_BYTES);
	int len;

	for (uint64_t at = 0; at < size;) {
		ssize_t got = pread(from, plain, PIECE, (off_t)at);

		if (got <= 0)
			return err_errno(err, "cannot read what is to be encrypted");
		if (EVP_EncryptUpdate(context, sealed, &len, plain, (int)got) <= 0)
			return err_set(err, ERR_INTERNAL, "OpenSSL could not encrypt");
		if (!file_write_all(to, sealed, (size_t)len, err))
			return false;
		at += (uint64_t)got;
	}
	if (EVP_EncryptFinal_ex(context, sealed, &len) <= 0 ||
	    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, sealed + len) <= 0)
		return err_set(err, ERR_INTERNAL, "OpenSSL could not encrypt");
	return file_write_all(to, sealed, (size_t)len + TAG_BYTES, err);
}

bool sim_sealing_seal(const struct sim_sealing *sealing, int *fd, uint64_t *size, struct err *err)
{
	AUTO(close) int to = memfd_create("encrypted", MFD_CLOEXEC);
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	bool good;

	if (to < 0)
		good = err_errno(err, "cannot create a file in memory");
	else if (EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), NULL, sealing->key, sealing->iv) <=
		 0)
		good = err_set(err, ERR_INTERNAL, "OpenSSL has no AES-256-GCM");
	else
		good = pass(context, *fd, *size, to, err);
	EVP_CIPHER_CTX_free(context);
	if (!good)
		return false;
	close(*fd);
	*fd = TAKE_FD(to);
	*size += TAG_BYTES;
	return true;
}
