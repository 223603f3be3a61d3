#include "ledger/reserve.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tap.h"

/* What the file holds on the disk. */
static uint64_t held_bytes(const char *path)
{
	struct stat about;

	return stat(path, &about) == 0 ? (uint64_t)about.st_blocks * 512 : 0;
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
	OK(unlink(path) == 0 && rmdir(folder) == 0, "nothing else is left behind");
	return tap_end();
}
