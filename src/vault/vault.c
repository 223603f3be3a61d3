/*
 * Keys are looked at by sealers while somebody adds one: a lock of readers and one writer, which is held to unwrap a key, some
 * ms, and to put another set of keys in the place of this one, an instant.  Files are read, and freed, outside of it.
 */
#include "vault/vault.h"

#include "base/hash.h"
#include "base/mem.h"
#include "vault/sealed_stream.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct held_key {
	char public_key_sid[SID_LEN + 1]; /* "": see vault_key */
	bool is_own;
	struct private_key *key;
};

struct key_set {
	size_t count;
	struct held_key at[VAULT_KEYS_MAX]; /* by SID */
};

struct vault {
	char *key_path, *own_folder;
	pthread_mutex_t reading; /* one reads the files at a time: what was read last is in force */
	pthread_rwlock_t lock;   /* of `keys` */
	struct key_set *keys;
};

static void key_set_free(struct key_set *set)
{
	if (!set)
		return;
	for (size_t i = 0; i < set->count; i++)
		private_key_free(set->at[i].key);
	free(set);
}
DEFINE_AUTO(struct key_set *, key_set_free)

static void close_folder(DIR *folder)
{
	if (folder)
		closedir(folder);
}
DEFINE_AUTO(DIR *, close_folder)

/* ---- finding ---- */

static struct held_key *find(struct key_set *set, const char *public_key_sid)
{
	for (size_t i = 0; i < set->count; i++)
		if (strcmp(set->at[i].public_key_sid, public_key_sid) == 0)
			return &set->at[i];
	return NULL;
}

/* That of the SID, else the one that has none. */
static struct held_key *find_for(struct key_set *set, const char *public_key_sid)
{
	struct held_key *held = find(set, public_key_sid);

	return held ? held : find(set, "");
}

/* ---- reading ---- */

static int compare_held(const void *a, const void *b)
{
	const struct held_key *one = a, *other = b;

	return strcmp(one->public_key_sid, other->public_key_sid);
}

/* The same key twice is one; two keys for a SID are a mistake, and which is meant is not ours to guess. */
static bool add_file(struct key_set *set, const char *path, const char *public_key_sid, bool is_own,
		     struct err *err)
{
	AUTO(private_key_free) struct private_key *key = NULL;
	const struct held_key *there = find(set, public_key_sid);

	if (!private_key_read(path, &key, err))
		return false;
	if (there && private_key_equal(there->key, key))
		return true;
	if (there)
		return err_set(err, ERR_INVALID,
			       "'%s' is another private key for %s than one read before it", path,
			       public_key_sid[0] ? public_key_sid : "all the rest");
	if (set->count == VAULT_KEYS_MAX)
		return err_set(err, ERR_INVALID, "there are more than %d private keys",
			       VAULT_KEYS_MAX);

	struct held_key *held = &set->at[set->count++];

	*held = (struct held_key){ .is_own = is_own, .key = TAKE(key) };
	memcpy(held->public_key_sid, public_key_sid, strlen(public_key_sid) + 1);
	return true;
}

/* The SID that a file's name says, in lower case. */
static bool sid_of_name(const char *name, char out[SID_LEN + 1])
{
	struct str text = str_of(name), rest = str_after(text, SID_LEN);

	return (rest.len == 0 || str_eq(rest, STR(".pem")) || str_eq(rest, STR(".key"))) &&
	       public_key_sid_read(str_first(text, SID_LEN), out);
}

static bool add_folder(struct key_set *set, const char *path, bool is_own, struct err *err)
{
	AUTO(close_folder) DIR *folder = opendir(path);
	const struct dirent *entry;
	char sid[SID_LEN + 1];

	if (!folder && is_own && errno == ENOENT)
		return true;
	if (!folder)
		return err_errno(err, "cannot read the folder of keys '%s'", path);
	while ((errno = 0, entry = readdir(folder))) {
		AUTO(free) char *file = NULL;

		if (!sid_of_name(entry->d_name, sid))
			continue;
		file = xasprintf("%s/%s", path, entry->d_name);
		if (!add_file(set, file, sid, is_own, err))
			return false;
	}
	return errno == 0 || err_errno(err, "cannot read the folder of keys '%s'", path);
}

/* What the setting names; a folder without a key is a mistake of who named it. */
static bool add_named(struct key_set *set, const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	size_t before = set->count;
	char sid[SID_LEN + 1] = "";
	struct stat about;

	if (stat(path, &about) < 0)
		return err_errno(err, "cannot find '%s'", path);
	if (!S_ISDIR(about.st_mode)) {
		if (!sid_of_name(slash ? slash + 1 : path, sid))
			sid[0] = '\0';
		return add_file(set, path, sid, false, err);
	}
	if (!add_folder(set, path, false, err))
		return false;
	return set->count > before ||
	       err_set(err, ERR_INVALID,
		       "the folder '%s' holds no key: name each by the SID of its public key, CR….pem",
		       path);
}

static bool read_all(const struct vault *vault, struct key_set **out, struct err *err)
{
	AUTO(key_set_free) struct key_set *set = xcalloc(1, sizeof(*set));

	if (vault->key_path && !add_named(set, vault->key_path, err)) {
		if (err->kind != ERR_SCARCE)
			err->kind = ERR_INVALID; /* the setting is wrong */
		return err_context(err, "twilio.private_key_file");
	}
	if (vault->own_folder && !add_folder(set, vault->own_folder, true, err))
		return false;
	qsort(set->at, set->count, sizeof(set->at[0]), compare_held);
	*out = TAKE(set);
	return true;
}

static bool are_same(const struct key_set *a, const struct key_set *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->at[i].public_key_sid, b->at[i].public_key_sid) != 0 ||
		    !private_key_equal(a->at[i].key, b->at[i].key))
			return false;
	return true;
}

/* ---- life cycle ---- */

static void read_lock(struct vault *vault)
{
	int failed = pthread_rwlock_rdlock(&vault->lock);

	assert(failed == 0);
}

static void unlock(struct vault *vault)
{
	pthread_rwlock_unlock(&vault->lock);
}

bool vault_open(const struct vault_options *options, struct vault **out, struct err *err)
{
	AUTO(vault_free) struct vault *vault = xcalloc(1, sizeof(*vault));

	pthread_mutex_init(&vault->reading, NULL);
	pthread_rwlock_init(&vault->lock, NULL);
	vault->key_path = options->key_path ? xstrdup(options->key_path) : NULL;
	vault->own_folder = options->own_folder ? xstrdup(options->own_folder) : NULL;
	if (!private_key_prepare(err) || !read_all(vault, &vault->keys, err))
		return false;
	*out = TAKE(vault);
	return true;
}

void vault_free(struct vault *vault)
{
	if (!vault)
		return;
	key_set_free(vault->keys);
	pthread_mutex_destroy(&vault->reading);
	pthread_rwlock_destroy(&vault->lock);
	free(vault->key_path);
	free(vault->own_folder);
	free(vault);
}

static bool reread(struct vault *vault, bool *out_changed, struct err *err)
{
	AUTO(key_set_free) struct key_set *read = NULL;
	struct key_set *before;
	int failed;

	if (!read_all(vault, &read, err))
		return false;
	failed = pthread_rwlock_wrlock(&vault->lock);
	assert(failed == 0);
	before = vault->keys;
	*out_changed = !are_same(before, read);
	vault->keys = read;
	read = before; /* to be freed */
	unlock(vault);
	return true;
}

bool vault_reread(struct vault *vault, bool *out_changed, struct err *err)
{
	bool good;

	pthread_mutex_lock(&vault->reading);
	good = reread(vault, out_changed, err);
	pthread_mutex_unlock(&vault->reading);
	return good;
}

/* ---- what is there ---- */

size_t vault_list(struct vault *vault, struct vault_key **out)
{
	struct vault_key *list;
	size_t count;

	read_lock(vault);
	count = vault->keys->count;
	list = xcalloc(count + 1, sizeof(*list));
	for (size_t i = 0; i < count; i++) {
		const struct held_key *held = &vault->keys->at[i];

		list[i] = (struct vault_key){ .bits = private_key_bits(held->key),
					      .is_own = held->is_own };
		memcpy(list[i].public_key_sid, held->public_key_sid, SID_LEN + 1);
		memcpy(list[i].fingerprint, private_key_fingerprint(held->key),
		       PRIVATE_KEY_FINGERPRINT);
	}
	unlock(vault);
	*out = list;
	return count;
}

bool vault_finds(struct vault *vault, const char *public_key_sid, char out[PRIVATE_KEY_FINGERPRINT])
{
	const struct held_key *held;

	read_lock(vault);
	held = find_for(vault->keys, public_key_sid);
	if (held)
		memcpy(out, private_key_fingerprint(held->key), PRIVATE_KEY_FINGERPRINT);
	unlock(vault);
	return held != NULL;
}

/* ---- opening ---- */

static enum vault_result result_of(bool is_good, const struct err *err)
{
	if (is_good)
		return VAULT_OPENED;
	return err->kind == ERR_INVALID ? VAULT_WRONG_KEY : VAULT_FAILED;
}

static enum vault_result unwrap(struct vault *vault, const struct encryption_details *details,
				uint8_t key[CONTENT_KEY_BYTES], struct err *err)
{
	enum vault_result result = VAULT_NO_KEY;
	const struct held_key *held;

	read_lock(vault);
	held = find_for(vault->keys, details->public_key_sid);
	if (held)
		result = result_of(private_key_unwrap(held->key, details->cek, details->cek_len,
						      key, err),
				   err);
	unlock(vault);
	return result;
}

enum vault_result vault_test(struct vault *vault, const char *public_key_sid, struct err *err)
{
	enum vault_result result = VAULT_NO_KEY;
	const struct held_key *held;

	read_lock(vault);
	held = find(vault->keys, public_key_sid);
	if (held)
		result = result_of(private_key_test(held->key, err), err);
	unlock(vault);
	return result;
}

enum vault_result vault_try(struct vault *vault, const struct encryption_details *details,
			    struct err *err)
{
	uint8_t key[CONTENT_KEY_BYTES];
	enum vault_result result = unwrap(vault, details, key, err);

	sodium_memzero(key, sizeof(key));
	return result;
}

/* Reads for its tag alone, then once more for its bytes. */
static enum vault_result open_twice(const struct sealed_stream *stream, struct vault_sink *sink,
				    struct err *err)
{
	enum vault_result result = sealed_stream_read(stream, NULL, err);

	return result == VAULT_OPENED ? sealed_stream_read(stream, sink, err) : result;
}

enum vault_result vault_decrypt(struct vault *vault, const struct encryption_details *details,
				int fd, uint64_t size, struct vault_sink *sink, struct err *err)
{
	struct sealed_stream *stream = sodium_malloc(sizeof(*stream)); /* it holds the key */
	enum vault_result result;

	if (!stream)
		abort(); /* as base/mem.h does */
	*stream = (struct sealed_stream){ .fd = fd, .size = size };
	memcpy(stream->iv, details->iv, sizeof(stream->iv));
	result = unwrap(vault, details, stream->key, err);
	if (result == VAULT_OPENED)
		result = open_twice(stream, sink, err);
	sodium_free(stream); /* wipes it */
	return result;
}
