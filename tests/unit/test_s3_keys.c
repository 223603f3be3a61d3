#include "s3/s3_keys.h"

#include "base/mem.h"
#include "s3/s3_lender.h"
#include "tap.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/s3_keys.XXXXXX";

static char *path_of(const char *name)
{
	return xasprintf("%s/%s", folder, name);
}

static void put(const char *name, const char *text)
{
	AUTO(free) char *path = path_of(name);
	FILE *file = fopen(path, "w");

	if (!file || fputs(text, file) < 0 || fclose(file) != 0)
		abort();
}

/* As long as what was there, and as if it were as old: what is written tells alone. */
static void put_alike(const char *name, const char *text)
{
	AUTO(free) char *path = path_of(name);
	struct stat before, after;

	if (stat(path, &before) != 0)
		abort();
	do {
		const struct timespec times[2] = { before.st_atim, before.st_mtim };

		put(name, text);
		if (utimensat(AT_FDCWD, path, times, 0) != 0 || stat(path, &after) != 0)
			abort();
	} while (after.st_ctim.tv_sec == before.st_ctim.tv_sec &&
		 after.st_ctim.tv_nsec == before.st_ctim.tv_nsec);
}

/* A moment later. */
static void is_now(struct s3_keys *keys, const char *want, const char *name)
{
	const struct s3_credentials *now;
	char got[128];

	s3_keys_look(keys);
	now = s3_keys_lock(keys);
	snprintf(got, sizeof(got), "%s %s %s", now->access_key_id, now->secret_access_key,
		 now->session_token ? now->session_token : "-");
	s3_keys_unlock(keys);
	IS_STR(str_of(got), str_of(want), "%s", name);
}

static void test_lent(void)
{
	static const struct s3_options none = { .container_url = "http://127.0.0.1/" };
	AUTO(s3_keys_free) struct s3_keys *keys = s3_keys_new(&none);

	OK(!s3_keys_are_there(keys), "those that are to be lent are not there");
	OK(s3_keys_lend(keys, &(struct s3_credentials){ "lent", "for", "a while", 4711 }),
	   "the first are others");
	OK(!s3_keys_lend(keys, &(struct s3_credentials){ "lent", "for", "a while", 4711 }),
	   "the same once more are none");
	OK(s3_keys_lend(keys, &(struct s3_credentials){ "lent", "for", "a while", 4712 }),
	   "but good for longer they are");
	OK(s3_keys_lend(keys, &(struct s3_credentials){ "lent", "for", "a while", 4711 }),
	   "or for less");
	OK(s3_keys_are_there(keys), "until they are");
	is_now(keys, "lent for a while", "and count then");
	IS_INT(s3_keys_lock(keys)->expires_at_ms, 4711, "for as long");
	s3_keys_unlock(keys);
	OK(s3_keys_lend(keys, &(struct s3_credentials){ "others", "for", NULL, 0 }),
	   "with another name they are");
	is_now(keys, "others for -", "until there are others");
}

static void test_token_alone(void)
{
	struct s3_options options = { .container_url = "http://127.0.0.1/" };
	struct err err;

	OK(s3_lender_check(&options, &err), "who lends is enough");
	options.session_token = "token";
	OK(s3_options_want_lender(&options) && !s3_lender_check(&options, &err) &&
		   err.kind == ERR_INVALID,
	   "a token without its key is refused");
}

int main(void)
{
	AUTO(s3_keys_free) struct s3_keys *keys = NULL;
	AUTO(s3_keys_free) struct s3_keys *lasting = NULL;
	const struct s3_options texts = { .access_key_id = "id", .secret_access_key = "secret" };
	struct err err;

	if (!mkdtemp(folder))
		return 1;
	AUTO(free) char *id = path_of("id"), *secret = path_of("secret"), *token = path_of("token");
	struct s3_options options = { .access_key_id_file = id,
				      .secret_access_key = "as it was read",
				      .secret_access_key_file = secret,
				      .session_token = "and its token",
				      .session_token_file = token };

	lasting = s3_keys_new(&texts);
	OK(!s3_keys_are_in_files(lasting), "lasting ones");
	is_now(lasting, "id secret -", "those of the settings");
	is_now(lasting, "id secret -", "stay");

	OK(!s3_keys_check(&options, &err) && err.kind == ERR_INVALID, "no file: refused");
	put("id", "one\n");
	put("secret", "two\n");
	put("token", "three\n");
	OK(s3_keys_check(&options, &err), "one that can be read");
	options.access_key_id = "both";
	OK(!s3_keys_check(&options, &err), "and not beside another");
	options.access_key_id = NULL;
	keys = s3_keys_new(&options);
	OK(s3_keys_are_in_files(keys), "those that are looked at");
	is_now(keys, "one two three", "what the files hold, and not what they held before");
	put("id", "1st");
	is_now(keys, "one two three", "a change is waited for");
	put("secret", "2nd");
	is_now(keys, "one two three", "until it rests");
	put("token", "3rd");
	is_now(keys, "one two three", "all of it");
	is_now(keys, "1st 2nd 3rd", "then it counts");
	put("token", "");
	is_now(keys, "1st 2nd 3rd", "what is empty");
	is_now(keys, "1st 2nd 3rd", "does not");
	unlink(secret);
	put("token", "later");
	is_now(keys, "1st 2nd 3rd", "nor a set");
	is_now(keys, "1st 2nd 3rd", "that is not whole");
	put("secret", "again\r\n");
	is_now(keys, "1st 2nd 3rd", "when it is");
	is_now(keys, "1st again later", "it counts");
	put("secret", "two\nlines");
	is_now(keys, "1st again later", "a text of two lines");
	is_now(keys, "1st again later", "is no key");
	put("secret", "lasts");
	is_now(keys, "1st again later", "one of one line");
	is_now(keys, "1st lasts later", "is one");
	put_alike("secret", "other");
	is_now(keys, "1st lasts later", "one that is as long, and says it is as old");
	is_now(keys, "1st other later", "is another");

	test_lent();
	test_token_alone();
	unlink(id);
	unlink(secret);
	unlink(token);
	rmdir(folder);
	return tap_end();
}
