#include "audit/audit_key.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/own.h"
#include "tap.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIGITS "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define BYTES  "the key of these tests, 32 bytes"

static struct err err;
static char folder[] = "/tmp/callspool-test.XXXXXX";

static void write_file(const char *path, struct str text)
{
	FILE *file = fopen(path, "we");

	if (!file || fwrite(text.at, 1, text.len, file) != text.len || fclose(file) != 0)
		exit(1);
}

static void test_forms(void)
{
	static const struct {
		const char *name, *text;
		uint8_t first, last;
		bool is_good;
	} cases[] = {
		{ "hexadecimal digits", DIGITS, 0, 0x1f, true },
		{ "and a line's end", DIGITS "\n", 0, 0x1f, true },
		{ "of another system", DIGITS "\r\n", 0, 0x1f, true },
		{ "32 bytes as they are", BYTES, 't', 's', true },
		{ "31 bytes", "the key of these tests, 32 byte", 0, 0, false },
		{ "32 bytes and one more", BYTES "x", 0, 0, false },
		{ "63 digits", "00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", 0,
		  0, false },
		{ "a letter that is no digit",
		  "g00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", 0, 0, false },
		{ "nothing", "", 0, 0, false },
		{ "a file that is no key", DIGITS DIGITS DIGITS DIGITS DIGITS, 0, 0, false },
	};
	AUTO(free) char *path = xasprintf("%s/named", folder);
	enum audit_key_place place;
	struct audit_key *key;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *text = cases[i].text;

		write_file(path, str_of(text));
		if (!cases[i].is_good) {
			OK(!audit_key_read(path, folder, true, &key, &place, &err), "refused: %s",
			   cases[i].name);
			continue;
		}
		OK(audit_key_read(path, folder, true, &key, &place, &err), "taken: %s",
		   cases[i].name);
		IS_INT(place, AUDIT_KEY_NAMED, "it is the one that is named");
		OK(key->bytes[0] == cases[i].first && key->bytes[31] == cases[i].last, "its bytes");
		OK(strlen(key->id) == 8 && !strstr(DIGITS, key->id), "its name says nothing of it");
		audit_key_free(key);
	}
	unlink(path);
}

static void test_making(void)
{
	AUTO(free) char *path = xasprintf("%s/audit.key", folder);
	AUTO(free) char *named = xasprintf("%s/nowhere", folder);
	AUTO(free) char *left = xasprintf("%s/audit.key.new", folder);
	struct audit_key *key, *again;
	enum audit_key_place place;
	struct stat stat_of;

	OK(!audit_key_read(NULL, folder, false, &key, &place, &err) && err.kind == ERR_NOT_FOUND,
	   "a command makes none");
	OK(access(path, F_OK) < 0, "and leaves no file");
	OK(!audit_key_read(named, folder, true, &key, &place, &err) && err.kind == ERR_NOT_FOUND,
	   "one that is named and is not there is not made");
	write_file(left, STR("half a k"));
	OK(audit_key_read(NULL, folder, true, &key, &place, &err), "the first start makes one");
	IS_INT(place, AUDIT_KEY_OF_FOLDER, "in the data folder");
	OK(stat(path, &stat_of) == 0 && (stat_of.st_mode & 0777) == 0600,
	   "which its owner alone can read");
	OK(access(left, F_OK) < 0, "over what a start left that was killed");
	OK(audit_key_read(NULL, folder, true, &again, &place, &err), "the next start");
	OK(memcmp(key->bytes, again->bytes, sizeof(key->bytes)) == 0, "reads the same");
	audit_key_free(again);
	audit_key_free(key);
	unlink(path);
}

static struct audit_key *read_key(const char *file, enum audit_key_place *place)
{
	struct audit_key *key = NULL;

	OK(audit_key_read(file, folder, true, &key, place, &err), "it is read");
	return key;
}

static void test_systemd(void)
{
	AUTO(free) char *path = xasprintf("%s/audit_key", folder);
	AUTO(free) char *named = xasprintf("%s/named", folder);
	AUTO(free) char *of_folder = xasprintf("%s/audit.key", folder);
	enum audit_key_place place;
	struct audit_key *key;

	setenv("CREDENTIALS_DIRECTORY", folder, 1);
	write_file(path, STR(BYTES));
	write_file(named, STR(DIGITS));
	write_file(of_folder, STR(DIGITS));
	key = read_key(NULL, &place);
	IS_INT(place, AUDIT_KEY_OF_SYSTEMD, "systemd's credential comes before the data folder's");
	OK(key->bytes[0] == 't', "its bytes");
	audit_key_free(key);
	key = read_key(named, &place);
	IS_INT(place, AUDIT_KEY_NAMED, "and the one that is named before both");
	audit_key_free(key);
	unlink(path);
	key = read_key(NULL, &place);
	IS_INT(place, AUDIT_KEY_OF_FOLDER, "a unit without one has the data folder's");
	audit_key_free(key);
	unsetenv("CREDENTIALS_DIRECTORY");
	unlink(named);
	unlink(of_folder);
}

int main(void)
{
	if (sodium_init() < 0 || !mkdtemp(folder))
		return 1;
	test_forms();
	test_making();
	test_systemd();
	OK(rmdir(folder) == 0, "nothing is left behind");
	return tap_end();
}
