#include "ledger/reserve.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define BYTES_MAX  (16 * 1024 * 1024) /* some ten thousand webhooks, till somebody has made room */
#define DISK_PARTS 16                 /* of a small disk it is one */
#define LOOK_MS    1000               /* how often the disk is asked whether there is room again */

struct reserve {
	int fd;
	uint64_t size;
	_Atomic enum reserve_state state;
	int64_t looked_at_ms;
};

static uint64_t free_bytes(const struct reserve *reserve)
{
	struct statvfs about;

	if (fstatvfs(reserve->fd, &about) < 0)
		return 0;
	return (uint64_t)about.f_bavail * about.f_frsize;
}

/* As much again is to be left: else the next event would give it up at once. */
static bool take_room(struct reserve *reserve)
{
	struct stat about;
	int failed;

	if (fstat(reserve->fd, &about) == 0 && (uint64_t)about.st_blocks * 512 >= reserve->size)
		return true; /* of the last run */
	if (free_bytes(reserve) < 2 * reserve->size)
		return false;
	failed = posix_fallocate(reserve->fd, 0, (off_t)reserve->size);
	if (failed && ftruncate(reserve->fd, 0) < 0)
		log_debug(NULL, "the reserve cannot be cut: error %d", errno);
	return failed == 0;
}

bool reserve_open(const char *path, struct reserve **out, struct err *err)
{
	AUTO(reserve_free) struct reserve *reserve = xcalloc(1, sizeof(*reserve));
	struct statvfs about;

	reserve->fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0640);
	if (reserve->fd < 0 && errno != ENOSPC)
		return err_errno(err, "cannot create '%s'", path);
	if (reserve->fd < 0)
		return err_set(err, ERR_UNAVAILABLE, "no room for '%s'", path);
	if (fstatvfs(reserve->fd, &about) < 0)
		return err_errno(err, "cannot ask how much room there is for '%s'", path);
	reserve->size = (uint64_t)about.f_blocks * about.f_frsize / DISK_PARTS;
	if (reserve->size > BYTES_MAX)
		reserve->size = BYTES_MAX;
	reserve->state = take_room(reserve) ? RESERVE_HELD : RESERVE_SPENT;
	if (reserve->state == RESERVE_SPENT)
		log_warn(NULL, "the disk has no room for the reserve that is kept for events");
	*out = TAKE(reserve);
	return true;
}

void reserve_free(struct reserve *reserve)
{
	if (!reserve)
		return;
	if (reserve->fd >= 0)
		close(reserve->fd);
	free(reserve);
}

uint64_t reserve_size_bytes(const struct reserve *reserve)
{
	return reserve->size;
}

bool reserve_spend(struct reserve *reserve)
{
	if (reserve->state != RESERVE_HELD || free_bytes(reserve) >= reserve->size)
		return false;
	if (ftruncate(reserve->fd, 0) < 0) {
		log_error(NULL, "the reserve cannot be given up: error %d", errno);
		return false;
	}
	log_warn(NULL, "the disk is full: events go to the %llu KiB that were kept for them",
		 (unsigned long long)(reserve->size >> 10));
	reserve->state = RESERVE_SPENT;
	return true;
}

void reserve_turn(struct reserve *reserve, enum reserve_batch batch)
{
	bool has_failed = batch == RESERVE_BATCH_FAILED;
	int64_t now_ms = clock_monotonic_ms();

	if (reserve->state == RESERVE_HELD)
		return;
	if (has_failed && reserve->state == RESERVE_SPENT && free_bytes(reserve) < reserve->size) {
		log_error(NULL,
			  "the disk is full, and so is what was kept for events: webhooks are "
			  "answered 503 until there is room");
		reserve->state = RESERVE_EXHAUSTED;
	}
	if (batch == RESERVE_BATCH_WRITTEN && reserve->state == RESERVE_EXHAUSTED) {
		log_info(NULL, "events are committed again");
		reserve->state = RESERVE_SPENT;
	}
	if (has_failed || now_ms - reserve->looked_at_ms < LOOK_MS)
		return;
	reserve->looked_at_ms = now_ms;
	if (take_room(reserve)) {
		log_info(NULL, "the disk has room again: the reserve for events is kept anew");
		reserve->state = RESERVE_HELD;
	}
}

enum reserve_state reserve_state(const struct reserve *reserve)
{
	return reserve->state;
}
