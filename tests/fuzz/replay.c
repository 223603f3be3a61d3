/*
 * Runs every file of a corpus through a fuzz target: what was found once stays fixed.
 * Fails when the folder holds no file, because then it would prove nothing.
 */
#include <dirent.h>
#include <stdint.h>

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/own.h"

#define CORPUS_FILE_MAX (1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static bool replay(const char *folder, const char *name, struct err *err)
{
	AUTO(free) char *path = xasprintf("%s/%s", folder, name);
	AUTO(free) char *bytes = NULL;
	size_t len;

	if (!file_read(path, CORPUS_FILE_MAX, &bytes, &len, err))
		return false;

	/* A copy of just that size, so that a sanitizer sees a read beyond it. */
	AUTO(free) uint8_t *exact = xmalloc(len > 0 ? len : 1);

	memcpy(exact, bytes, len);
	LLVMFuzzerTestOneInput(exact, len);
	return true;
}

int main(int argc, char **argv)
{
	unsigned count = 0, failed = 0;

	for (int i = 1; i < argc; i++) {
		DIR *folder = opendir(argv[i]);
		const struct dirent *entry;

		while (folder && (entry = readdir(folder))) {
			struct err err;

			if (entry->d_name[0] == '.')
				continue;
			if (replay(argv[i], entry->d_name, &err)) {
				count++;
			} else {
				fprintf(stderr, "%s\n", err.text);
				failed++;
			}
		}
		if (folder)
			closedir(folder);
	}
	printf("%u files replayed\n", count);
	return count > 0 && failed == 0 ? 0 : 1;
}
