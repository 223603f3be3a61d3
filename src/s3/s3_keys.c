#include "s3/s3_keys.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define TEXT_MAX (64 * 1024)

enum part { PART_ID, PART_SECRET, PART_TOKEN, PARTS };

/* How a file looked: what changes it changes this. */
struct look {
	struct timespec modified, changed;
	ino_t inode;
	off_t size;
};

struct s3_keys {
	pthread_mutex_t mutex; /* guards all of it */
	char *texts[PARTS];    /* NULL: there is none */
	char *paths[PARTS];    /* NULL: it does not stand in a file */
	struct look read[PARTS], seen[PARTS];
	bool is_settling; /* `seen` differs from `read` */
	bool is_told;     /* that they cannot be read */
	int64_t expires_at_ms;
	struct s3_credentials now;
};

static void wipe(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}

static char *copy(const char *text)
{
	return text ? xstrdup(text) : NULL;
}

/* "": its file went between two looks at it. */
static const char *text_of(const struct s3_keys *keys, enum part part)
{
	return keys->texts[part] ? keys->texts[part] : "";
}

static void point(struct s3_keys *keys)
{
	keys->now = (struct s3_credentials){ .access_key_id = text_of(keys, PART_ID),
					     .secret_access_key = text_of(keys, PART_SECRET),
					     .session_token = keys->texts[PART_TOKEN],
					     .expires_at_ms = keys->expires_at_ms };
}

static void look(const struct s3_keys *keys, struct look out[PARTS])
{
	for (int part = 0; part < PARTS; part++) {
		struct stat about;

		out[part] = (struct look){ .inode = 0 };
		if (keys->paths[part] && stat(keys->paths[part], &about) == 0)
			out[part] = (struct look){ about.st_mtim, about.st_ctim, about.st_ino,
						   about.st_size };
	}
}

static bool is_same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool are_same(const struct look a[PARTS], const struct look b[PARTS])
{
	for (int part = 0; part < PARTS; part++)
		if (!is_same_time(a[part].modified, b[part].modified) ||
		    !is_same_time(a[part].changed, b[part].changed) ||
		    a[part].inode != b[part].inode || a[part].size != b[part].size)
			return false;
	return true;
}

/* Without the newline at its end. */
static struct str without_newline(struct str text)
{
	while (str_ends(text, STR("\n")) || str_ends(text, STR("\r")))
		text.len--;
	return text;
}

/* *out: for free(). */
static bool read_part(const char *path, char **out, struct err *err)
{
	AUTO(free) char *text = NULL;
	size_t len;

	if (!file_read(path, TEXT_MAX, &text, &len, err))
		return false;
	*out = str_dup(without_newline((struct str){ text, len }));
	explicit_bzero(text, len);
	if ((*out)[0] != '\0' && strpbrk(*out, "\r\n") == NULL)
		return true;
	wipe(TAKE(*out));
	return err_set(err, ERR_INVALID, "'%s' does not hold one line", path);
}

static bool read_all(struct s3_keys *keys, struct err *err)
{
	char *fresh[PARTS] = { NULL };
	bool is_good = true;

	for (int part = 0; is_good && part < PARTS; part++)
		is_good = !keys->paths[part] || read_part(keys->paths[part], &fresh[part], err);
	for (int part = 0; part < PARTS; part++) {
		if (!is_good) {
			wipe(fresh[part]);
		} else if (keys->paths[part]) {
			wipe(keys->texts[part]);
			keys->texts[part] = fresh[part];
		}
	}
	point(keys);
	return is_good;
}

static void take(struct s3_keys *keys)
{
	struct err err;

	if (read_all(keys, &err)) {
		memcpy(keys->read, keys->seen, sizeof(keys->read));
		keys->is_settling = keys->is_told = false;
		log_info(NULL, "the bucket's keys have changed, and are read again");
	} else if (!keys->is_told) {
		keys->is_told = true;
		log_warn(NULL,
			 "the bucket's keys have changed, and those of before are used on: %s",
			 err.text);
	}
}

bool s3_keys_are_in_files(const struct s3_keys *keys)
{
	for (int part = 0; part < PARTS; part++)
		if (keys->paths[part])
			return true;
	return false;
}

void s3_keys_look(struct s3_keys *keys)
{
	struct look now[PARTS];

	look(keys, now); /* before the lock: who signs does not wait for it */
	pthread_mutex_lock(&keys->mutex);
	if (keys->is_settling && are_same(now, keys->seen)) {
		take(keys);
	} else {
		memcpy(keys->seen, now, sizeof(keys->seen));
		keys->is_settling = !are_same(now, keys->read);
	}
	pthread_mutex_unlock(&keys->mutex);
}

bool s3_keys_lend(struct s3_keys *keys, const struct s3_credentials *lent)
{
	const char *const texts[PARTS] = {
		[PART_ID] = lent->access_key_id,
		[PART_SECRET] = lent->secret_access_key,
		[PART_TOKEN] = lent->session_token,
	};
	bool are_others;

	pthread_mutex_lock(&keys->mutex);
	are_others = !keys->texts[PART_ID] ||
		     strcmp(keys->texts[PART_ID], lent->access_key_id) != 0 ||
		     keys->expires_at_ms != lent->expires_at_ms;
	for (int part = 0; part < PARTS; part++) {
		wipe(keys->texts[part]);
		keys->texts[part] = copy(texts[part]);
	}
	keys->expires_at_ms = lent->expires_at_ms;
	point(keys);
	pthread_mutex_unlock(&keys->mutex);
	return are_others;
}

bool s3_keys_are_there(struct s3_keys *keys)
{
	bool are_there;

	pthread_mutex_lock(&keys->mutex);
	are_there = keys->texts[PART_ID] && keys->texts[PART_SECRET];
	pthread_mutex_unlock(&keys->mutex);
	return are_there;
}

const struct s3_credentials *s3_keys_lock(struct s3_keys *keys)
{
	pthread_mutex_lock(&keys->mutex);
	return &keys->now;
}

void s3_keys_unlock(struct s3_keys *keys)
{
	pthread_mutex_unlock(&keys->mutex);
}

bool s3_keys_check(const struct s3_options *options, struct err *err)
{
	char *text;

	if (!options->access_key_id_file)
		return true;
	if (options->access_key_id)
		return err_set(err, ERR_INVALID,
			       "s3.access_key_id and s3.access_key_id_file: set one of them");
	if (!read_part(options->access_key_id_file, &text, err)) {
		err->kind = ERR_INVALID;
		return err_context(err, "s3.access_key_id_file");
	}
	wipe(text);
	return true;
}

/* They are read once more, behind the look: they may have changed since the settings were read. */
struct s3_keys *s3_keys_new(const struct s3_options *options)
{
	struct s3_keys *keys = xcalloc(1, sizeof(*keys));
	struct err ignored;

	pthread_mutex_init(&keys->mutex, NULL);
	keys->texts[PART_ID] = copy(options->access_key_id);
	keys->texts[PART_SECRET] = copy(options->secret_access_key);
	keys->texts[PART_TOKEN] = copy(options->session_token);
	keys->paths[PART_ID] = copy(options->access_key_id_file);
	keys->paths[PART_SECRET] = copy(options->secret_access_key_file);
	keys->paths[PART_TOKEN] = copy(options->session_token_file);
	look(keys, keys->read);
	(void)!read_all(keys, &ignored);
	return keys;
}

void s3_keys_free(struct s3_keys *keys)
{
	if (!keys)
		return;
	for (int part = 0; part < PARTS; part++) {
		wipe(keys->texts[part]);
		free(keys->paths[part]);
	}
	pthread_mutex_destroy(&keys->mutex);
	free(keys);
}
