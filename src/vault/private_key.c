#include "vault/private_key.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAP_BYTES \
	(256 * 1024) /* of OpenSSL's secure heap: the numbers of a hundred keys at once */
#define HEAP_LEAST     64
#define HEAP_PROBE     4096 /* a number of the largest key takes a quarter */
#define REFUSED_RIGHTS 0027

struct private_key {
	uint8_t *der; /* PKCS#8, in memory of libsodium's */
	size_t len;
	unsigned bits;
	char fingerprint[PRIVATE_KEY_FINGERPRINT];
	uint8_t public_half[SHA256_BYTES];
};

static void free_bio(BIO *bio)
{
	BIO_free_all(bio);
}
DEFINE_AUTO(BIO *, free_bio)

static void free_pkey(EVP_PKEY *pkey)
{
	EVP_PKEY_free(pkey);
}
DEFINE_AUTO(EVP_PKEY *, free_pkey)

static void free_context(EVP_PKEY_CTX *context)
{
	EVP_PKEY_CTX_free(context);
}
DEFINE_AUTO(EVP_PKEY_CTX *, free_context)

static void free_guarded(void *memory)
{
	sodium_free(memory);
}
DEFINE_AUTO(uint8_t *, free_guarded)

/* As base/mem.h: what there is no memory for is no branch of its own. */
static uint8_t *guarded(size_t size)
{
	uint8_t *memory = sodium_malloc(size);

	if (!memory)
		abort();
	return memory;
}

bool private_key_prepare(struct err *err)
{
	if (sodium_init() < 0)
		return err_set(err, ERR_INTERNAL, "libsodium cannot be used");
	if (!CRYPTO_secure_malloc_initialized() &&
	    !CRYPTO_secure_malloc_init(HEAP_BYTES, HEAP_LEAST))
		return err_set(err, ERR_INTERNAL, "no memory can be guarded for private keys");
	return true;
}

/* ---- what OpenSSL says of a failure ---- */

/* Both kinds of its memory. */
static bool says_no_memory(unsigned long code)
{
	return ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE ||
	       (ERR_GET_LIB(code) == ERR_LIB_CRYPTO &&
		ERR_GET_REASON(code) == CRYPTO_R_SECURE_MALLOC_FAILURE);
}

/* Its decoders drop the reason. */
static bool is_heap_full(void)
{
	void *probe = OPENSSL_secure_malloc(HEAP_PROBE);

	OPENSSL_secure_free(probe);
	return !probe;
}

/* Of an RSA decryption: that what came is not what this key's public half makes.  Any other reason says nothing of the key. */
static bool says_wrong_key(unsigned long code)
{
	int reason = ERR_GET_REASON(code);

	return ERR_GET_LIB(code) == ERR_LIB_RSA &&
	       (reason == RSA_R_OAEP_DECODING_ERROR || reason == RSA_R_DATA_TOO_LARGE_FOR_MODULUS);
}

/* What its queue says, which is empty then. */
enum openssl_word { OPENSSL_FAILED, OPENSSL_NO_MEMORY, OPENSSL_WRONG_KEY };
static enum openssl_word hear_openssl(void)
{
	enum openssl_word word = is_heap_full() ? OPENSSL_NO_MEMORY : OPENSSL_FAILED;
	unsigned long code;

	while ((code = ERR_get_error()) != 0) {
		if (says_no_memory(code))
			word = OPENSSL_NO_MEMORY;
		else if (word == OPENSSL_FAILED && says_wrong_key(code))
			word = OPENSSL_WRONG_KEY;
	}
	return word;
}

static bool blame(enum openssl_word word, struct err *err)
{
	if (word == OPENSSL_WRONG_KEY)
		return err_set(err, ERR_INVALID, "it was not wrapped for this key");
	if (word == OPENSSL_NO_MEMORY)
		return err_set(err, ERR_SCARCE, "there is no memory for a private key just now");
	return err_set(err, ERR_INTERNAL, "OpenSSL cannot use the private key");
}

/* For what says nothing of the key. */
static bool blame_openssl(struct err *err)
{
	enum openssl_word word = hear_openssl();

	return blame(word == OPENSSL_WRONG_KEY ? OPENSSL_FAILED : word, err);
}

/* ---- reading ---- */

static bool check_rights(int fd, const char *path, size_t *out_size, struct err *err)
{
	struct stat about;

	if (fstat(fd, &about) < 0)
		return err_errno(err, "cannot look at the private key '%s'", path);
	if (!S_ISREG(about.st_mode))
		return err_set(err, ERR_INVALID, "the private key '%s' is no file", path);
	if (about.st_mode & REFUSED_RIGHTS)
		return err_set(
			err, ERR_INVALID,
			"the private key '%s' can be read or changed by others (mode %04o): chmod 0600 it",
			path, (unsigned)(about.st_mode & 07777));
	if (about.st_size == 0 || about.st_size > PRIVATE_KEY_FILE_MAX)
		return err_set(err, ERR_INVALID, "the private key '%s' has %lld bytes", path,
			       (long long)about.st_size);
	*out_size = (size_t)about.st_size;
	return true;
}

/* Into guarded memory from the first byte on; *out is for sodium_free(). */
static bool read_guarded(const char *path, uint8_t **out, size_t *out_len, struct err *err)
{
	AUTO(close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	AUTO(free_guarded) uint8_t *text = NULL;
	size_t size = 0, len = 0;
	ssize_t got = 0;

	if (fd < 0) {
		bool is_missing = errno == ENOENT;

		err_errno(err, "cannot open the private key '%s'", path);
		if (is_missing)
			err->kind = ERR_NOT_FOUND;
		return false;
	}
	if (!check_rights(fd, path, &size, err))
		return false;
	text = guarded(size);
	while (len < size && (got = read(fd, text + len, size - len)) > 0)
		len += (size_t)got;
	if (got < 0)
		return err_errno(err, "cannot read the private key '%s'", path);
	if (len < size)
		return err_set(err, ERR_CONFLICT, "the private key '%s' has become shorter", path);
	*out_len = len;
	*out = TAKE(text);
	return true;
}

/* OpenSSL asks for a passphrase: there is none, and that it asked is the answer. */
static int no_passphrase(char *to, int size, int is_writing, void *has_asked)
{
	*(bool *)has_asked = true;
	return -1;
}

static bool refuse_pem(const char *path, struct str text, bool is_locked, struct err *err)
{
	if (is_locked)
		return err_set(
			err, ERR_INVALID,
			"the private key '%s' is locked with a passphrase, which callspool does not take: "
			"openssl pkey -in FILE -out NEW writes it without",
			path);
	if (str_find_str(text, STR("PUBLIC KEY-----")) < text.len)
		return err_set(
			err, ERR_INVALID,
			"'%s' is the public key, which Twilio has: the private one is wanted",
			path);
	return err_set(err, ERR_INVALID, "'%s' is no private key in PEM", path);
}

static bool refuse_now(const char *path, struct err *err)
{
	return err_set(err, ERR_SCARCE, "there is no memory to read the private key '%s'", path);
}

static bool take_public_half(struct private_key *key, EVP_PKEY *pkey)
{
	unsigned char *der = NULL;
	int len = i2d_PUBKEY(pkey, &der);
	struct buf buf;

	if (len <= 0)
		return false;
	sha256_of((struct str){ (const char *)der, (size_t)len }, key->public_half);
	OPENSSL_free(der);
	buf_over(&buf, key->fingerprint, sizeof(key->fingerprint));
	hex_add(&buf, key->public_half, (PRIVATE_KEY_FINGERPRINT - 1) / 2);
	return true;
}

static bool take_der(struct private_key *key, EVP_PKEY *pkey)
{
	int len = i2d_PrivateKey(pkey, NULL);
	unsigned char *end;

	if (len <= 0)
		return false;
	key->der = guarded((size_t)len);
	end = key->der;
	if (i2d_PrivateKey(pkey, &end) != len)
		return false;
	key->len = (size_t)len;
	sodium_mprotect_readonly(key->der);
	return true;
}

static bool check_kind(EVP_PKEY *pkey, const char *path, struct private_key *key, struct err *err)
{
	if (!EVP_PKEY_is_a(pkey, "RSA"))
		return err_set(err, ERR_INVALID, "the private key '%s' is not RSA", path);
	key->bits = (unsigned)EVP_PKEY_get_bits(pkey);
	if (key->bits < PRIVATE_KEY_BITS_MIN || key->bits > PRIVATE_KEY_BITS_MAX)
		return err_set(err, ERR_INVALID,
			       "the private key '%s' has %u bits: %d to %d are taken", path,
			       key->bits, PRIVATE_KEY_BITS_MIN, PRIVATE_KEY_BITS_MAX);
	return true;
}

bool private_key_read(const char *path, struct private_key **out, struct err *err)
{
	AUTO(private_key_free) struct private_key *key = xcalloc(1, sizeof(*key));
	AUTO(free_guarded) uint8_t *text = NULL;
	AUTO(free_bio) BIO *bio = NULL;
	AUTO(free_pkey) EVP_PKEY *pkey = NULL;
	bool has_asked = false;
	size_t len = 0;

	if (!private_key_prepare(err) || !read_guarded(path, &text, &len, err))
		return false;
	bio = BIO_new_mem_buf(text, (int)len);
	pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &has_asked) : NULL;
	if (!pkey && hear_openssl() == OPENSSL_NO_MEMORY)
		return refuse_now(path, err);
	ERR_clear_error();
	if (!pkey)
		return refuse_pem(path, (struct str){ (const char *)text, len }, has_asked, err);
	if (!check_kind(pkey, path, key, err))
		return false;
	if (!take_public_half(key, pkey) || !take_der(key, pkey))
		return hear_openssl() == OPENSSL_NO_MEMORY
			       ? refuse_now(path, err)
			       : err_set(err, ERR_INVALID, "the private key '%s' cannot be used",
					 path);
	*out = TAKE(key);
	return true;
}

void private_key_free(struct private_key *key)
{
	if (!key)
		return;
	sodium_free(key->der); /* wipes; accepts NULL */
	free(key);
}

unsigned private_key_bits(const struct private_key *key)
{
	return key->bits;
}

const char *private_key_fingerprint(const struct private_key *key)
{
	return key->fingerprint;
}

bool private_key_equal(const struct private_key *a, const struct private_key *b)
{
	return memcmp(a->public_half, b->public_half, sizeof(a->public_half)) == 0;
}

/* ---- using ---- */

static EVP_PKEY *open_key(const struct private_key *key)
{
	const unsigned char *der = key->der;

	return d2i_PrivateKey(EVP_PKEY_RSA, NULL, &der, (long)key->len);
}

static bool set_oaep(EVP_PKEY_CTX *context)
{
	return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) > 0 &&
	       EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_sha256()) > 0 &&
	       EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha256()) > 0;
}

static bool say_wrong(struct err *err)
{
	ERR_clear_error();
	return blame(OPENSSL_WRONG_KEY, err);
}

/* What it holds may be longer than a key of ours: OpenSSL wants room for all that could be in it. */
static bool unwrap(EVP_PKEY *pkey, const uint8_t *wrapped, size_t len,
		   uint8_t out[CONTENT_KEY_BYTES], struct err *err)
{
	AUTO(free_context) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(pkey, NULL);
	size_t room = (size_t)EVP_PKEY_get_size(pkey), got = room;
	AUTO(free_guarded) uint8_t *plain = guarded(room);

	if (len != room)
		return say_wrong(err);
	if (!context || EVP_PKEY_decrypt_init(context) <= 0 || !set_oaep(context))
		return blame_openssl(err);
	if (EVP_PKEY_decrypt(context, plain, &got, wrapped, len) <= 0)
		return blame(hear_openssl(), err);
	if (got != CONTENT_KEY_BYTES)
		return say_wrong(err);
	memcpy(out, plain, CONTENT_KEY_BYTES);
	return true;
}

static bool open_and_unwrap(const struct private_key *key, const uint8_t *wrapped, size_t len,
			    uint8_t out[CONTENT_KEY_BYTES], struct err *err)
{
	AUTO(free_pkey) EVP_PKEY *pkey = open_key(key);

	return pkey ? unwrap(pkey, wrapped, len, out, err) : blame_openssl(err);
}

/* Where memory ran out for the padding's hash, OpenSSL says "wrong" as well: so that is asked twice, of nothing that is left over. */
bool private_key_unwrap(const struct private_key *key, const uint8_t *wrapped, size_t len,
			uint8_t out[CONTENT_KEY_BYTES], struct err *err)
{
	sodium_memzero(out, CONTENT_KEY_BYTES);
	return open_and_unwrap(key, wrapped, len, out, err) ||
	       (err->kind == ERR_INVALID && open_and_unwrap(key, wrapped, len, out, err));
}

static bool wrap(EVP_PKEY *pkey, const uint8_t bytes[CONTENT_KEY_BYTES], uint8_t *out, size_t *len,
		 struct err *err)
{
	AUTO(free_context) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(pkey, NULL);

	return (context && EVP_PKEY_encrypt_init(context) > 0 && set_oaep(context) &&
		EVP_PKEY_encrypt(context, out, len, bytes, CONTENT_KEY_BYTES) > 0) ||
	       blame_openssl(err);
}

bool private_key_test(const struct private_key *key, struct err *err)
{
	AUTO(free_pkey) EVP_PKEY *pkey = open_key(key);
	uint8_t bytes[CONTENT_KEY_BYTES], back[CONTENT_KEY_BYTES];
	uint8_t wrapped[PRIVATE_KEY_BITS_MAX / 8];
	size_t len = sizeof(wrapped);

	random_bytes(bytes, sizeof(bytes));
	if (!pkey)
		return blame_openssl(err);
	return wrap(pkey, bytes, wrapped, &len, err) &&
	       private_key_unwrap(key, wrapped, len, back, err) &&
	       (memcmp(bytes, back, sizeof(bytes)) == 0 || say_wrong(err));
}

/* PEM, else DER. */
static EVP_PKEY *read_public(const char *bytes, size_t len)
{
	AUTO(free_bio) BIO *bio = BIO_new_mem_buf(bytes, (int)len);
	const unsigned char *der = (const unsigned char *)bytes;
	EVP_PKEY *pkey = bio ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;

	if (!pkey)
		pkey = d2i_PUBKEY(NULL, &der, (long)len);
	ERR_clear_error();
	return pkey;
}

bool private_key_matches(const struct private_key *key, const char *public_path, bool *out,
			 struct err *err)
{
	AUTO(free) char *bytes = NULL;
	AUTO(free_pkey) EVP_PKEY *pkey = NULL;
	struct private_key other = { 0 };
	size_t len;

	if (!file_read(public_path, PRIVATE_KEY_FILE_MAX, &bytes, &len, err))
		return false;
	pkey = read_public(bytes, len);
	if (!pkey || !take_public_half(&other, pkey))
		return err_set(err, ERR_INVALID, "'%s' is no public key, in PEM or DER",
			       public_path);
	*out = private_key_equal(key, &other);
	return true;
}

bool private_key_pem(const struct private_key *key, char **out, size_t *out_len, struct err *err)
{
	AUTO(free_pkey) EVP_PKEY *pkey = open_key(key);
	AUTO(free_bio) BIO *bio = BIO_new(BIO_s_secmem());
	const char *text;
	long len;

	if (!pkey || !bio || !PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL)) {
		ERR_clear_error();
		return err_set(err, ERR_INTERNAL, "the private key cannot be written");
	}
	len = BIO_get_mem_data(bio, &text);
	*out = (char *)guarded((size_t)len);
	memcpy(*out, text, (size_t)len);
	*out_len = (size_t)len;
	return true;
}

void private_key_pem_free(char *pem)
{
	sodium_free(pem);
}
