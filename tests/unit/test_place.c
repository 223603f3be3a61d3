/* The name of where a server serves from: made once, and kept. */
#include "server/place.h"

#include "base/mem.h"
#include "base/own.h"
#include "base/str.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define NAME "00112233445566778899aabbccddeeff"

static struct err err;
static char folder[] = "/tmp/callspool-test.XXXXXX", path[sizeof(folder) + 16];

static void write_place(const char *text)
{
	FILE *file = fopen(path, "w");

	if (!file || fputs(text, file) < 0 || fclose(file) != 0)
		abort();
}

static bool is_name(const char *text)
{
	return strlen(text) == PLACE_SIZE - 1 && strspn(text, "0123456789abcdef") == PLACE_SIZE - 1;
}

static void test_made(void)
{
	char first[PLACE_SIZE] = "", again[PLACE_SIZE] = "", other[PLACE_SIZE] = "";
	struct stat about;

	OK(place_read(folder, first, &err) && is_name(first), "a name is made: %s", first);
	OK(stat(path, &about) == 0 && about.st_size == PLACE_SIZE - 1 && (about.st_mode & 07) == 0,
	   "in a file that is not for everybody");
	OK(place_read(folder, again, &err) && strcmp(first, again) == 0, "and kept");
	unlink(path);
	OK(place_read(folder, other, &err) && strcmp(first, other) != 0,
	   "another one is another one");
}

static void test_read(void)
{
	static const struct {
		const char *name, *text;
		bool is_kept;
	} rows[] = {
		{ "as it was made", NAME, true },
		{ "nothing, as a crash leaves it", "", false },
		{ "cut", "00112233445566778899aabbccddee", false },
		{ "no digit", "00112233445566778899aabbccddeefg", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char name[PLACE_SIZE] = "";

		write_place(rows[i].text);
		OK(place_read(folder, name, &err) && is_name(name) &&
			   (strcmp(name, NAME) == 0) == rows[i].is_kept,
		   "%s: it is %s", rows[i].name, rows[i].is_kept ? "kept" : "made anew");
	}
}

static void test_refused(void)
{
	AUTO(free) char *victim = xasprintf("%s/victim", folder);
	char name[PLACE_SIZE] = "";
	struct stat about;

	write_place(NAME NAME);
	OK(!place_read(folder, name, &err), "a file that is too long is none of ours: %s",
	   err.text);
	unlink(path);
	if (symlink(victim, path) < 0)
		abort();
	OK(!place_read(folder, name, &err) && stat(victim, &about) < 0,
	   "a link is not followed: %s", err.text);
	unlink(path);
	OK(!place_read("/nowhere", name, &err), "there is no folder: %s", err.text);
}

int main(void)
{
	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof(path), "%s/" PLACE_FILE, folder);
	test_made();
	test_read();
	test_refused();
	rmdir(folder);
	return tap_end();
}
