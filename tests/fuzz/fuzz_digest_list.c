/* A backup's list of any bytes is read to its end or refused at a line; each name stays below recordings/. */
#include "backup/digest_list.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/tmp/callspool-fuzz.XXXXXX";
static char path[sizeof(folder) + sizeof(DIGEST_LIST_NAME)];

static void remove_folder(void)
{
	unlink(path);
	rmdir(folder);
}

static int open_file(void)
{
	static int fd = -1;

	if (fd >= 0)
		return fd;
	if (!mkdtemp(folder))
		abort();
	snprintf(path, sizeof(path), "%s/" DIGEST_LIST_NAME, folder);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || atexit(remove_folder) != 0)
		abort();
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(digest_list_free) struct digest_list *list = NULL;
	struct digest_list_head head;
	struct digest_list_line line;
	bool is_end = false;
	struct err err;
	int fd = open_file();

	if (pwrite(fd, data, size, 0) != (ssize_t)size || ftruncate(fd, (off_t)size) < 0)
		abort();
	if (!digest_list_open(folder, &list, &head, &err))
		return 0;
	while (digest_list_next(list, &line, &is_end, &err) && !is_end)
		if (strstr(line.name, "..") || line.name[0] == '/' ||
		    strlen(line.sha256) != SHA256_HEX - 1)
			abort();
	return 0;
}
