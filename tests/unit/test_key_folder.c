#include "vault/key_folder.h"

#include "sealed_fixture.h"
#include "tap.h"

#define A "CR0000000000000000000000000000000a"

int main(void)
{
	AUTO(private_key_free) struct private_key *key = NULL;
	AUTO(private_key_free) struct private_key *other = NULL;
	AUTO(private_key_free) struct private_key *kept = NULL;
	AUTO(free) char *path = NULL;
	AUTO(free) char *other_path = NULL;
	AUTO(free) char *keys = NULL;
	AUTO(free) char *file = NULL;
	AUTO(free) char *left = NULL;
	EVP_PKEY *one = key_make(2048), *two = key_make(2048);
	bool is_added = false;
	struct stat about;
	struct err err;

	folder_make();
	path = key_write(one, "one.pem", 0600);
	other_path = key_write(two, "two.pem", 0400);
	keys = xasprintf("%s/keys", folder);
	file = xasprintf("%s/" A ".pem", keys);
	left = xasprintf("%s.new", file);
	OK(private_key_read(path, &key, &err) && private_key_read(other_path, &other, &err),
	   "two keys");
	OK(!private_key_equal(key, other) && private_key_equal(key, key), "which differ");
	OK(private_key_test(key, &err), "and work");

	OK(key_folder_keep(keys, A, key, &is_added, &err) && is_added, "kept");
	OK(stat(file, &about) == 0 && (about.st_mode & 07777) == 0600, "for its owner alone");
	OK(stat(keys, &about) == 0 && (about.st_mode & 07777) == 0700, "in a folder that is, too");
	OK(private_key_read(file, &kept, &err) && private_key_equal(kept, key), "the same key");
	IS_STR(str_of(private_key_fingerprint(kept)), str_of(private_key_fingerprint(key)),
	       "by its fingerprint");
	OK(key_folder_keep(keys, A, key, &is_added, &err) && !is_added,
	   "a second time: it is there");
	OK(!key_folder_keep(keys, A, other, &is_added, &err) && err.kind == ERR_CONFLICT,
	   "another under its name: %s", err.text);
	OK(access(left, F_OK) < 0, "nothing is left of the writing");

	/* What a command that was killed left behind. */
	NEED(unlink(file) == 0);
	NEED(close(open(left, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)) == 0);
	OK(key_folder_keep(keys, A, other, &is_added, &err) && is_added,
	   "after one that was killed");
	NEED(chmod(file, 0604) == 0);
	OK(!key_folder_keep(keys, A, other, &is_added, &err) && err.kind == ERR_INVALID,
	   "one that others may read is told: %s", err.text);
	EVP_PKEY_free(one);
	EVP_PKEY_free(two);
	folder_remove();
	return tap_end();
}
