/*
 * A hash of a password that somebody planted in the ledger: what libsodium is asked to check against costs no more
 * than our limits, by libsodium's own reading of it.
 *
 * crypto_pwhash_str_verify() is wrapped by the linker (tests/fuzz/meson.build): a hash that is dear, though within the limits,
 * is looked at and not computed.
 */
#include <assert.h>
#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>

#include "auth/password_hash.h"
#include "base/mem.h"
#include "base/own.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int __real_crypto_pwhash_str_verify(const char *hash, const char *password,
				    unsigned long long password_len);
int __wrap_crypto_pwhash_str_verify(const char *hash, const char *password,
				    unsigned long long password_len);

#define CHEAP_BYTES (1024 * 1024)

static const struct password_cost cheap = { .memory_bytes = crypto_pwhash_MEMLIMIT_MIN,
					    .passes = 1 };

/* Does libsodium read these costs? */
static bool costs(const char *hash, const struct password_cost *cost)
{
	return crypto_pwhash_str_needs_rehash(hash, cost->passes, cost->memory_bytes) == 0;
}

/* The number behind `name`, if libsodium is to agree with it. */
static uint64_t number_of(struct str hash, struct str name)
{
	struct str rest = str_after(hash, str_find_str(hash, name) + name.len);
	size_t digits = 0;
	uint64_t number = 0;

	while (digits < rest.len && ascii_is_digit(rest.at[digits]))
		digits++;
	return str_to_u64(str_first(rest, digits), &number) ? number : 0;
}

/* False: libsodium reads others than stand there. */
static bool find_cost(const char *hash, struct password_cost *out)
{
	out->memory_bytes = number_of(str_of(hash), STR("$m=")) * 1024;
	out->passes = (unsigned)number_of(str_of(hash), STR(",t="));
	return costs(hash, out);
}

int __wrap_crypto_pwhash_str_verify(const char *hash, const char *password,
				    unsigned long long password_len)
{
	struct password_cost cost;

	if (crypto_pwhash_str_needs_rehash(hash, 1, crypto_pwhash_MEMLIMIT_MIN) == -1)
		return __real_crypto_pwhash_str_verify(hash, password, password_len);
	assert(find_cost(hash, &cost));
	assert(cost.memory_bytes <= PASSWORD_MEMORY_MOST && cost.passes <= PASSWORD_PASSES_MOST);
	if (cost.memory_bytes > CHEAP_BYTES)
		return -1;
	return __real_crypto_pwhash_str_verify(hash, password, password_len);
}

/* One of our own is good, and no longer with a byte changed. */
static void check_own(struct str password)
{
	char hash[PASSWORD_HASH_SIZE];
	enum password_match match;
	struct err err;

	if (!password_hash_make(&cheap, password, hash, &err))
		abort();
	assert(password_hash_check(&cheap, hash, password, &match, &err));
	assert(match == PASSWORD_RIGHT);
	hash[strlen(hash) - 2] ^= 1;
	assert(!password_hash_check(&cheap, hash, password, &match, &err) ||
	       match == PASSWORD_WRONG);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	AUTO(free) char *hash = xasprintf("%.*s", STR_ARG(text));
	enum password_match match;
	struct err err = { .text = "" };

	if (sodium_init() < 0)
		abort();
	if (size >= PASSWORD_HASH_SIZE)
		return 0; /* a row holds no more */
	if (!password_hash_check(&cheap, hash, STR("password"), &match, &err))
		assert(err.kind == ERR_INVALID && strlen(err.text) > 0);
	if (size > 0 && data[0] % 16 == 0)
		check_own(text);
	return 0;
}
