#include "vault/vault.h"

#include "sealed_fixture.h"
#include "tap.h"

#define A "CR0000000000000000000000000000000a"
#define B "CR0000000000000000000000000000000b"
#define C "CR0000000000000000000000000000000c"

#define LARGE (3 * 64 * 1024 + 5)

static EVP_PKEY *one, *two;
static uint8_t plain[LARGE];
static struct err err;

/* A sink that keeps what it is given. */
struct kept {
	struct vault_sink sink;
	uint8_t bytes[LARGE];
	size_t len, calls;
	size_t fails_after; /* calls; 0: never */
	int spoiled_fd;     /* whose last byte is changed with the first call; -1: none */
	uint64_t spoiled_at;
};

static bool take(struct vault_sink *sink, struct str bytes, struct err *why)
{
	struct kept *kept = container_of(sink, struct kept, sink);

	if (kept->calls++ == 0 && kept->spoiled_fd >= 0)
		NEED(pwrite(kept->spoiled_fd, "?", 1, (off_t)kept->spoiled_at) == 1);
	if (kept->fails_after > 0 && kept->calls > kept->fails_after)
		return err_set(why, ERR_UNAVAILABLE, "full");
	NEED(kept->len + bytes.len <= sizeof(kept->bytes));
	memcpy(kept->bytes + kept->len, bytes.at, bytes.len);
	kept->len += bytes.len;
	return true;
}

static struct kept *kept_new(void)
{
	struct kept *kept = xcalloc(1, sizeof(*kept));

	kept->sink.take = take;
	kept->spoiled_fd = -1;
	return kept;
}

static struct vault *vault_of(const char *key_path, const char *own)
{
	const struct vault_options options = { .key_path = key_path, .own_folder = own };
	struct vault *vault = NULL;

	if (!vault_open(&options, &vault, &err))
		return NULL;
	return vault;
}

static void opens(struct vault *vault)
{
	static const size_t sizes[] = { 0, 1, 15, 16, 17, 65535, 65536, 65537, 131072, LARGE };
	struct encryption_details details;

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		AUTO(close) int fd = seal(one, A, plain, sizes[i], &details);
		AUTO(free) struct kept *kept = kept_new();

		IS_INT(vault_decrypt(vault, &details, fd, sizes[i] + 16, &kept->sink, &err),
		       VAULT_OPENED, "%zu bytes are opened", sizes[i]);
		OK(kept->len == sizes[i] && memcmp(kept->bytes, plain, sizes[i]) == 0,
		   "byte for byte");
	}
}

/* Each bit of a small one, a byte in each piece of a large one, and every length below its own. */
static void refuses_what_was_changed(struct vault *vault)
{
	AUTO(free) struct kept *kept = kept_new();
	struct encryption_details details, other;
	AUTO(close) int fd = seal(one, A, plain, 20, &details);
	int opened = 0;
	uint8_t byte, changed;

	for (unsigned bit = 0; bit < 36 * 8; bit++) {
		NEED(pread(fd, &byte, 1, bit / 8) == 1);
		changed = (uint8_t)(byte ^ 1u << bit % 8);
		NEED(pwrite(fd, &changed, 1, bit / 8) == 1);
		opened += vault_decrypt(vault, &details, fd, 36, &kept->sink, &err) != VAULT_FORGED;
		NEED(pwrite(fd, &byte, 1, bit / 8) == 1);
	}
	IS_INT(opened, 0, "no changed bit of it is taken for authentic");
	for (unsigned bit = 0; bit < 12 * 8; bit++) {
		other = details;
		other.iv[bit / 8] ^= (uint8_t)(1u << bit % 8);
		opened += vault_decrypt(vault, &other, fd, 36, &kept->sink, &err) != VAULT_FORGED;
	}
	IS_INT(opened, 0, "nor of its IV");
	for (unsigned bit = 0; bit < 2048; bit += 101) {
		other = details;
		other.cek[bit / 8] ^= (uint8_t)(1u << bit % 8);
		opened += vault_decrypt(vault, &other, fd, 36, &kept->sink, &err) !=
			  VAULT_WRONG_KEY;
	}
	IS_INT(opened, 0, "nor of its key");
	for (uint64_t size = 0; size < 36; size++)
		opened += vault_decrypt(vault, &details, fd, size, &kept->sink, &err) !=
			  VAULT_FORGED;
	IS_INT(opened, 0, "nor is any part of it");
	IS_INT(kept->calls, 0, "and nobody was given a byte");
	IS_INT(vault_decrypt(vault, &details, fd, 36, &kept->sink, &err), VAULT_OPENED,
	       "whereas the whole is");
	IS_INT(vault_decrypt(vault, &details, fd, 37, &kept->sink, &err), VAULT_FAILED,
	       "a file that is shorter than was said is our fault: %s", err.text);
}

static void is_spoiled_on_the_way(struct vault *vault)
{
	AUTO(free) struct kept *kept = kept_new();
	AUTO(free) struct kept *full = kept_new();
	struct encryption_details details;
	AUTO(close) int fd = seal(one, A, plain, LARGE, &details);

	kept->spoiled_fd = fd;
	kept->spoiled_at = LARGE - 1;
	IS_INT(vault_decrypt(vault, &details, fd, LARGE + 16, &kept->sink, &err), VAULT_FORGED,
	       "changed between the two readings, the second finds it");
	NEED(close(fd) == 0);
	fd = seal(one, A, plain, LARGE, &details);
	full->fails_after = 2;
	IS_INT(vault_decrypt(vault, &details, fd, LARGE + 16, &full->sink, &err), VAULT_FAILED,
	       "what the sink cannot take");
	OK(err.kind == ERR_UNAVAILABLE, "is told as it said");
	IS_INT(full->calls, 3, "at once");
}

static void knows_its_keys(void)
{
	AUTO(free) char *named = key_write(one, "twilio_private.pem", 0600);
	AUTO(free) char *own = xasprintf("%s/keys", folder);
	AUTO(free) char *second = NULL;
	AUTO(free) struct vault_key *keys = NULL;
	AUTO(vault_free) struct vault *vault = vault_of(named, own);
	char fingerprint[PRIVATE_KEY_FINGERPRINT], before[PRIVATE_KEY_FINGERPRINT];
	struct encryption_details of_one, of_two;
	AUTO(close) int first_fd = seal(one, C, plain, 9, &of_one);
	AUTO(close) int second_fd = seal(two, B, plain, 9, &of_two);
	bool has_changed = true;

	OK(vault != NULL, "a file, and a folder that is not there yet");
	IS_INT(vault_try(vault, &of_one, &err), VAULT_OPENED, "a key without a SID opens any");
	IS_INT(vault_try(vault, &of_two, &err), VAULT_WRONG_KEY, "that was wrapped for it");
	OK(vault_finds(vault, B, before), "though it is the one that was tried");
	NEED(mkdir(own, 0700) == 0);
	second = key_write(two, "keys/CR0000000000000000000000000000000B.pem", 0600);
	OK(vault_reread(vault, &has_changed, &err) && has_changed, "another comes");
	IS_INT(vault_try(vault, &of_two, &err), VAULT_OPENED, "and opens what is its own");
	IS_INT(vault_try(vault, &of_one, &err), VAULT_OPENED, "the other one the rest");
	OK(vault_finds(vault, B, fingerprint) && strcmp(fingerprint, before) != 0,
	   "it is another than the one before");
	OK(vault_reread(vault, &has_changed, &err) && !has_changed, "nothing is new");
	IS_INT(vault_list(vault, &keys), 2, "two keys");
	OK(keys[0].public_key_sid[0] == '\0' && !keys[0].is_own &&
		   strcmp(keys[1].public_key_sid, B) == 0 && keys[1].is_own && keys[1].bits == 2048,
	   "each with its place");
	OK(vault_test(vault, B, &err) == VAULT_OPENED &&
		   vault_test(vault, "", &err) == VAULT_OPENED &&
		   vault_test(vault, A, &err) == VAULT_NO_KEY,
	   "which open what their public halves encrypt");
	NEED(chmod(second, 0644) == 0);
	OK(!vault_reread(vault, &has_changed, &err) && strstr(err.text, "by others"),
	   "one that others may read: %s", err.text);
	IS_INT(vault_try(vault, &of_two, &err), VAULT_OPENED, "the keys are as they were");
	NEED(unlink(second) == 0);
	OK(vault_reread(vault, &has_changed, &err) && has_changed, "one was taken away");
	IS_INT(vault_try(vault, &of_two, &err), VAULT_WRONG_KEY, "and is no more");
}

static void refuses_settings(void)
{
	AUTO(free) char *none = xasprintf("%s/nowhere", folder);
	AUTO(free) char *empty = xasprintf("%s/empty", folder);
	AUTO(free) char *a = NULL;
	AUTO(free) char *again = NULL;
	AUTO(free) char *other = NULL;
	AUTO(vault_free) struct vault *nothing = vault_of(NULL, none);
	AUTO(vault_free) struct vault *twice = NULL;
	struct encryption_details details;
	AUTO(close) int fd = seal(one, A, plain, 9, &details);
	struct vault_key *keys = NULL;

	OK(nothing && vault_list(nothing, &keys) == 0, "no keys are no mistake");
	free(keys);
	IS_INT(vault_try(nothing, &details, &err), VAULT_NO_KEY, "and open nothing");
	OK(!vault_of(none, NULL) && err.kind == ERR_INVALID, "a file that is not there: %s",
	   err.text);
	NEED(mkdir(empty, 0700) == 0);
	OK(!vault_of(empty, NULL) && err.kind == ERR_INVALID, "a folder without a key: %s",
	   err.text);
	a = key_write(one, "empty/" A ".pem", 0600);
	again = key_write(one, "empty/" A ".key", 0640);
	twice = vault_of(empty, NULL);
	OK(twice && vault_list(twice, &keys) == 1, "the same key twice is one");
	free(keys);
	other = key_write(two, "empty/" A, 0600);
	OK(!vault_of(empty, NULL) && err.kind == ERR_INVALID, "two for one SID: %s", err.text);
}

int main(void)
{
	AUTO(free) char *path = NULL;
	AUTO(vault_free) struct vault *vault = NULL;

	folder_make();
	NEED(RAND_bytes(plain, sizeof(plain)) > 0);
	one = key_make(2048);
	two = key_make(2048);
	path = key_write(one, A ".pem", 0600);
	vault = vault_of(path, NULL);
	OK(vault != NULL, "opens");
	opens(vault);
	refuses_what_was_changed(vault);
	is_spoiled_on_the_way(vault);
	knows_its_keys();
	refuses_settings();
	EVP_PKEY_free(one);
	EVP_PKEY_free(two);
	folder_remove();
	return tap_end();
}
