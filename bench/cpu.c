#include "cpu.h"

#include "base/str.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

/* The first number of the file. */
static int64_t read_number(const char *path)
{
	char text[128];
	uint64_t number = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text));
	close(fd);
	if (n > 0) {
		struct str all = { text, (size_t)n };
		bool good = str_to_u64(str_first(all, str_find(all, ' ')), &number);

		return good ? (int64_t)number : 0;
	}
	return 0;
}

static int64_t cpu_of(unsigned pid)
{
	char path[64 + 256];
	int64_t sum = 0;
	struct dirent *task;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%u/task", pid);
	tasks = opendir(path);
	if (!tasks)
		return 0;
	while ((task = readdir(tasks)) != NULL) {
		if (task->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%u/task/%s/schedstat", pid, task->d_name);
		sum += read_number(path);
	}
	closedir(tasks);
	return sum;
}

int64_t cpu_ns(const unsigned *pids, unsigned count)
{
	int64_t sum = 0;

	for (unsigned i = 0; i < count; i++)
		sum += cpu_of(pids[i]);
	return sum;
}
