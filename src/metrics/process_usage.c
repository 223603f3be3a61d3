#include "metrics/process_usage.h"

#include "base/err.h"
#include "base/file.h"
#include "base/own.h"
#include "base/str.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define STATM_MAX 256 /* seven numbers */

static int64_t us_of(const struct timeval *time)
{
	return (int64_t)time->tv_sec * 1000000 + time->tv_usec;
}

/* proc(5): the second number of statm is what is resident, in pages. */
static int64_t read_resident(void)
{
	AUTO(free) char *bytes = NULL;
	struct str rest, word;
	struct err err;
	uint64_t pages;
	size_t len;

	if (!file_read("/proc/self/statm", STATM_MAX, &bytes, &len, &err))
		return 0;
	rest = (struct str){ bytes, len };
	str_cut(&rest, ' ', &word); /* the address space; behind it what of it is resident */
	if (!str_cut(&rest, ' ', &word) || !str_to_u64(word, &pages))
		return 0;
	return (int64_t)pages * sysconf(_SC_PAGESIZE);
}

void process_usage_read(struct process_usage *out)
{
	struct rusage usage = { 0 };

	getrusage(RUSAGE_SELF, &usage);
	out->cpu_us = us_of(&usage.ru_utime) + us_of(&usage.ru_stime);
	out->resident_bytes = read_resident();
}
