#include "vault/private_key.h"

#include "sealed_fixture.h"
#include "tap.h"

#include <openssl/crypto.h>
#include <openssl/err.h>

#define SID "CR0000000000000000000000000000000a"

static struct err err;

/* ---- OpenSSL's memory ---- */

static long fails_at; /* the so-many-th allocation from now on fails; 0: none does */

static bool is_next_refused(void)
{
	return fails_at > 0 && --fails_at == 0;
}

static void *take(size_t size, const char *file, int line)
{
	return size == 0 || is_next_refused() ? NULL : malloc(size);
}

static void *take_more(void *memory, size_t size, const char *file, int line)
{
	if (is_next_refused())
		return NULL;
	if (size == 0) {
		free(memory);
		return NULL;
	}
	return realloc(memory, size);
}

static void give_back(void *memory, const char *file, int line)
{
	free(memory);
}

/* ---- */

static void test_wrong(const struct private_key *key, const struct encryption_details *right,
		       const struct encryption_details *other)
{
	uint8_t out[CONTENT_KEY_BYTES], most[256];

	OK(private_key_unwrap(key, right->cek, right->cek_len, out, &err),
	   "what was wrapped for it");
	OK(!private_key_unwrap(key, other->cek, other->cek_len, out, &err) &&
		   err.kind == ERR_INVALID,
	   "what was wrapped for another: wrong (%s)", err.text);
	memset(most, 0xff, sizeof(most));
	OK(!private_key_unwrap(key, most, sizeof(most), out, &err) && err.kind == ERR_INVALID,
	   "a number that no such key makes: wrong (%s)", err.text);
	memset(most, 0, sizeof(most));
	OK(!private_key_unwrap(key, most, sizeof(most), out, &err) && err.kind == ERR_INVALID,
	   "nothing but zeros: wrong (%s)", err.text);
	OK(!private_key_unwrap(key, right->cek, right->cek_len - 1, out, &err) &&
		   err.kind == ERR_INVALID,
	   "another length: wrong (%s)", err.text);
}

static void test_full_heap(const struct private_key *key, const struct encryption_details *right,
			   const char *path)
{
	AUTO(private_key_free) struct private_key *again = NULL;
	void *taken[4096];
	size_t count = 0;
	uint8_t out[CONTENT_KEY_BYTES];

	for (size_t size = 65536; size >= 64; size /= 2)
		while (count < ARRAY_LEN(taken) &&
		       (taken[count] = CRYPTO_secure_malloc(size, __FILE__, __LINE__)))
			count++;
	ERR_clear_error();
	OK(!private_key_unwrap(key, right->cek, right->cek_len, out, &err) &&
		   err.kind == ERR_SCARCE,
	   "the secure heap is full: the key is not blamed (%s)", err.text);
	OK(!private_key_test(key, &err) && err.kind == ERR_SCARCE, "nor when it is tested (%s)",
	   err.text);
	OK(!private_key_read(path, &again, &err) && err.kind == ERR_SCARCE,
	   "nor when it is read (%s)", err.text);
	while (count > 0)
		CRYPTO_secure_free(taken[--count], __FILE__, __LINE__);
	OK(private_key_unwrap(key, right->cek, right->cek_len, out, &err), "then it opens again");
}

/* Each allocation fails in turn. */
static void test_no_memory(const struct private_key *key, const struct encryption_details *right)
{
	uint8_t out[CONTENT_KEY_BYTES];
	unsigned blamed = 0, failed = 0;

	for (long n = 1; n < 100000; n++) {
		bool is_open;

		fails_at = n;
		is_open = private_key_unwrap(key, right->cek, right->cek_len, out, &err);
		failed += !is_open;
		if (!is_open && err.kind == ERR_INVALID)
			blamed++;
		if (fails_at > 0)
			break;
	}
	fails_at = 0;
	OK(failed > 5 && blamed == 0, "of %u failures for want of memory %u blame the key", failed,
	   blamed);
}

int main(void)
{
	AUTO(private_key_free) struct private_key *key = NULL;
	AUTO(free) char *path = NULL;
	struct encryption_details right, other;
	uint8_t plain[4] = "abc";
	EVP_PKEY *one, *two;

	NEED(CRYPTO_set_mem_functions(take, take_more, give_back) > 0);
	NEED(private_key_prepare(&err));
	folder_make();
	one = key_make(2048);
	two = key_make(2048);
	path = key_write(one, "one.pem", 0600);
	close(seal(one, SID, plain, sizeof(plain), &right));
	close(seal(two, SID, plain, sizeof(plain), &other));
	NEED(private_key_read(path, &key, &err));
	test_wrong(key, &right, &other);
	test_full_heap(key, &right, path);
	test_no_memory(key, &right);
	EVP_PKEY_free(one);
	EVP_PKEY_free(two);
	unlink(path);
	folder_remove();
	return tap_end();
}
