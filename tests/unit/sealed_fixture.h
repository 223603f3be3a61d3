/*
 * Keys and recordings as Twilio makes them, by OpenSSL: pairs of RSA in files, and AES-256-GCM with the tag behind it.
 */
#pragma once

#include "base/mem.h"
#include "base/own.h"
#include "blob_folder.h"
#include "twilio/encryption_details.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <string.h>
#include <sys/mman.h>

#define NEED(condition)                                                                 \
	do {                                                                            \
		if (!(condition)) {                                                     \
			printf("Bail out! %s:%d %s\n", __FILE__, __LINE__, #condition); \
			exit(1);                                                        \
		}                                                                       \
	} while (0)

__attribute__((unused)) static EVP_PKEY *key_make(unsigned bits)
{
	EVP_PKEY *pair = EVP_RSA_gen(bits);

	NEED(pair);
	return pair;
}

/* The private half, in PEM; the path is for free(). */
__attribute__((unused)) static char *key_write(EVP_PKEY *pair, const char *name, mode_t mode)
{
	char *path = xasprintf("%s/%s", folder, name);
	FILE *file = fopen(path, "w");

	NEED(file && PEM_write_PrivateKey(file, pair, NULL, NULL, 0, NULL, NULL));
	NEED(fclose(file) == 0 && chmod(path, mode) == 0);
	return path;
}

/* What comes of `len` bytes, in a file in memory, and how it was made. */
__attribute__((unused)) static int seal(EVP_PKEY *pair, const char *sid, const uint8_t *plain,
					size_t len, struct encryption_details *out)
{
	EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(pair, NULL);
	AUTO(free) uint8_t *sealed = xmalloc(len + 16);
	uint8_t key[32];
	int fd = memfd_create("sealed", MFD_CLOEXEC), got = 0, rest = 0;

	*out = (struct encryption_details){ .cek_len = sizeof(out->cek) };
	memcpy(out->public_key_sid, sid, strlen(sid) + 1);
	NEED(RAND_bytes(key, sizeof(key)) > 0 && RAND_bytes(out->iv, sizeof(out->iv)) > 0);
	NEED(EVP_EncryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, key, out->iv) > 0);
	NEED(EVP_EncryptUpdate(cipher, sealed, &got, plain, (int)len) > 0 && (size_t)got == len);
	NEED(EVP_EncryptFinal_ex(cipher, sealed + got, &rest) > 0 && rest == 0);
	NEED(EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, 16, sealed + len) > 0);
	NEED(EVP_PKEY_encrypt_init(context) > 0 &&
	     EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) > 0 &&
	     EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_sha256()) > 0 &&
	     EVP_PKEY_encrypt(context, out->cek, &out->cek_len, key, sizeof(key)) > 0);
	NEED(fd >= 0 && write(fd, sealed, len + 16) == (ssize_t)(len + 16));
	EVP_CIPHER_CTX_free(cipher);
	EVP_PKEY_CTX_free(context);
	return fd;
}
