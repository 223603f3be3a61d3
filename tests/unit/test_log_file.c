#include "proxylog/log_file.h"

#include "base/mem.h"
#include "base/own.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

struct taken {
	struct log_file_lines lines;
	size_t count, bytes, longest;
	char last[32];
};

static void take(struct log_file_lines *lines, struct str line)
{
	struct taken *taken = container_of(lines, struct taken, lines);

	taken->count++;
	taken->bytes += line.len;
	taken->longest = line.len > taken->longest ? line.len : taken->longest;
	str_fit(line, taken->last, sizeof(taken->last));
}

static bool read_all(const char *path, struct taken *out, struct err *err)
{
	uint64_t done = 0;
	const struct log_file file = { .path = path, .done_bytes = &done };

	*out = (struct taken){ .lines.line = take };
	return log_file_read(&file, &out->lines, err);
}

static void put(const char *path, const char *mode, const char *bytes, size_t len)
{
	gzFile file = gzopen(path, mode);

	OK(file && gzwrite(file, bytes, (unsigned)len) == (int)len && gzclose(file) == Z_OK,
	   "a file is written");
}

int main(void)
{
	char folder[] = "/tmp/log_file.XXXXXX";
	AUTO(free) char *path = NULL;
	size_t size = 1024 * 1024;
	AUTO(free) char *bytes = xmalloc(size);
	struct taken taken;
	struct err err;

	OK(mkdtemp(folder) != NULL, "a folder");
	path = xasprintf("%s/log", folder);
	OK(!read_all(path, &taken, &err) && err.kind == ERR_NOT_FOUND, "there is none");

	put(path, "wT", "one\ntwo\n\nlast", 13);
	OK(read_all(path, &taken, &err), "a file is read");
	IS_INT(taken.count, 4, "its lines, an empty one and one without an end, too");
	IS_STR(str_of(taken.last), STR("last"), "the last");

	put(path, "w", "one\ntwo\n", 8);
	OK(read_all(path, &taken, &err) && taken.count == 2, "the same gzipped");
	OK(truncate(path, (off_t)log_file_size(path) - 6) == 0 && !read_all(path, &taken, &err),
	   "one that is cut off is told");

	memset(bytes, 'x', size);
	bytes[size - 6] = '\n';
	put(path, "wT", bytes, size);
	OK(read_all(path, &taken, &err), "a line of a megabyte");
	IS_INT(taken.count, 2, "is one line");
	IS_INT(taken.longest, LOG_FILE_LINE_MAX, "of which the beginning is given");
	IS_STR(str_of(taken.last), STR("xxxxx"), "and the next is whole");

	for (size_t i = 0; i < size; i++)
		bytes[i] = i % 8 == 7 ? '\n' : 'y';
	put(path, "w", bytes, size);
	OK(read_all(path, &taken, &err) && taken.count == size / 8 && taken.longest == 7 &&
		   taken.bytes == size / 8 * 7,
	   "lines lie across the blocks that are read");
	unlink(path);
	rmdir(folder);
	return tap_end();
}
