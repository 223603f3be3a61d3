#include "ledger/reserve.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "tap.h"

/* What the file holds on the disk. */
static uint64_t held_bytes(const char *path)
{
	struct stat about;

	return stat(path, &about) == 0 ? (uint64_t)about.st_blocks * 512 : 0;
}

/* ---- a disk that is as large, and as full, as it is said to be: the linker puts this before libc (meson.build) ---- */

#define BLOCK 4096
#define MIB   (UINT64_C(1024) * 1024)

static bool is_said; /* else it is the real one, and the real time */
static uint64_t disk_bytes, left_bytes;
static int64_t now_ms;

int __real_fstatvfs64(int fd, struct statvfs *out);
int __wrap_fstatvfs64(int fd, struct statvfs *out);
int __wrap_fstatvfs64(int fd, struct statvfs *out)
{
	if (!is_said)
		return __real_fstatvfs64(fd, out);
	*out = (struct statvfs){ .f_frsize = BLOCK,
				 .f_blocks = disk_bytes / BLOCK,
				 .f_bfree = disk_bytes / BLOCK,
				 .f_bavail = left_bytes / BLOCK };
	return 0;
}

int64_t __real_clock_monotonic_ms(void);
int64_t __wrap_clock_monotonic_ms(void);
int64_t __wrap_clock_monotonic_ms(void)
{
	return is_said ? now_ms : __real_clock_monotonic_ms();
}

/* What happens, one after the other, on a disk of 16 MiB. */
static const struct {
	const char *name;
	enum { SPEND, FAILED, EMPTY, WRITTEN } what;
	int64_t after_ms;
	uint64_t left; /* in KiB */
	bool is_spent; /* of SPEND */
	enum reserve_state state;
	bool is_held; /* there is a file that takes so much */
} steps[] = {
	{ "there is as much as the reserve left", SPEND, 0, 1024, false, RESERVE_HELD, true },
	{ "less is left: it is given up", SPEND, 0, 1020, true, RESERVE_SPENT, false },
	{ "it is not given up twice", SPEND, 0, 0, false, RESERVE_SPENT, false },
	{ "events are written to what it held", WRITTEN, 0, 1024, false, RESERVE_SPENT, false },
	{ "one fails, and there is room", FAILED, 0, 1024, false, RESERVE_SPENT, false },
	{ "that is full, too", FAILED, 0, 1020, false, RESERVE_EXHAUSTED, false },
	{ "and fails again", FAILED, 0, 0, false, RESERVE_EXHAUSTED, false },
	{ "nothing was to be written", EMPTY, 0, 0, false, RESERVE_EXHAUSTED, false },
	{ "something is written again", WRITTEN, 0, 0, false, RESERVE_SPENT, false },
	{ "a second later there is not twice as much", EMPTY, 1000, 2044, false, RESERVE_SPENT,
	  false },
	{ "there is, and nobody looks yet", EMPTY, 999, 2048, false, RESERVE_SPENT, false },
	{ "not where one fails", FAILED, 1, 2048, false, RESERVE_SPENT, false },
	{ "then it is taken anew", EMPTY, 0, 2048, false, RESERVE_HELD, true },
	{ "a failure says nothing while it is held", FAILED, 0, 0, false, RESERVE_HELD, true },
};

static void test_full_disk(const char *path)
{
	struct reserve *reserve;
	struct err err;

	is_said = true;
	disk_bytes = 16 * MIB;
	left_bytes = 2 * MIB - BLOCK;
	now_ms = 10000;
	OK(reserve_open(path, &reserve, &err), "a disk that is too full has no reserve at first");
	IS_INT(reserve_state(reserve), RESERVE_SPENT, "it is spent");
	IS_INT(reserve_size_bytes(reserve), MIB, "a sixteenth of the disk");
	IS_INT(held_bytes(path), 0, "and takes nothing");
	reserve_free(reserve);
	left_bytes = 2 * MIB;
	OK(reserve_open(path, &reserve, &err), "where twice as much is left there is one");
	OK(reserve_state(reserve) == RESERVE_HELD && held_bytes(path) >= MIB, "it is held");
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		bool is_spent = false;

		now_ms += steps[i].after_ms;
		left_bytes = steps[i].left * 1024;
		if (steps[i].what == SPEND)
			is_spent = reserve_spend(reserve);
		else
			reserve_turn(reserve, steps[i].what == FAILED  ? RESERVE_BATCH_FAILED
					      : steps[i].what == EMPTY ? RESERVE_BATCH_EMPTY
								       : RESERVE_BATCH_WRITTEN);
		OK(is_spent == steps[i].is_spent && reserve_state(reserve) == steps[i].state &&
			   (held_bytes(path) >= MIB) == steps[i].is_held,
		   "%s", steps[i].name);
	}
	reserve_free(reserve);
	unlink(path);
	disk_bytes = 1024 * MIB;
	left_bytes = 0;
	OK(reserve_open(path, &reserve, &err), "a large disk");
	IS_INT(reserve_size_bytes(reserve), 16 * MIB, "has 16 MiB of it");
	reserve_free(reserve);
	unlink(path);
	disk_bytes -= BLOCK * 1024 * 192 + BLOCK * 16;
	OK(reserve_open(path, &reserve, &err), "one that is a little smaller than sixteen of them");
	IS_INT(reserve_size_bytes(reserve), 16 * MIB - BLOCK, "has its part");
	reserve_free(reserve);
	unlink(path);
	is_said = false;
}

int main(void)
{
	char folder[] = "/tmp/callspool-reserve.XXXXXX", path[64];
	struct reserve *reserve;
	struct err err;
	uint64_t held;

	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof(path), "%s/reserve", folder);
	OK(reserve_open(path, &reserve, &err), "a reserve is made");
	IS_INT(reserve_state(reserve), RESERVE_HELD, "there is room for it: it is held");
	held = held_bytes(path);
	OK(held > 0, "by a file that takes as much");
	reserve_free(reserve);
	OK(held_bytes(path) == held, "the file stays");

	OK(reserve_open(path, &reserve, &err), "again");
	IS_INT(reserve_state(reserve), RESERVE_HELD, "that of the last run is held");
	OK(!reserve_spend(reserve), "it is not given up on a disk that has room");
	reserve_turn(reserve, RESERVE_BATCH_FAILED);
	IS_INT(reserve_state(reserve), RESERVE_HELD, "nor when a write fails there");
	OK(held_bytes(path) == held, "its file stays as it is");
	reserve_free(reserve);

	snprintf(path, sizeof(path), "%s/none/reserve", folder);
	OK(!reserve_open(path, &reserve, &err), "in a folder that is not there: %s", err.text);
	snprintf(path, sizeof(path), "%s/reserve", folder);
	OK(unlink(path) == 0, "its file is there");
	test_full_disk(path);
	OK(rmdir(folder) == 0, "nothing else is left behind");
	return tap_end();
}
