#include "dispatch/disk_space.h"

#include "base/log.h"
#include "blob/blob.h"
#include "flights/flight_env.h"

void disk_space_init(struct disk_space *room, const struct flight_env *env)
{
	*room = (struct disk_space){ .env = env };
}

bool disk_space_is_short(struct disk_space *room)
{
	const struct flight_env *env = room->env;
	uint64_t least = env->options.min_free_bytes, free_bytes;
	bool was_short = room->is_short;
	struct err err;

	if (!blob_free_bytes(env->store, &free_bytes, &err)) {
		log_warn(NULL, "cannot ask the disk for its room: %s", err.text);
		return room->is_short;
	}
	room->is_short = free_bytes < least;
	if (room->is_short && !was_short)
		log_warn(NULL,
			 "the disk has %llu MiB left, less than min_free (%llu MiB): "
			 "nothing more is fetched until there is room",
			 (unsigned long long)(free_bytes >> 20), (unsigned long long)(least >> 20));
	if (!room->is_short && was_short)
		log_info(NULL, "the disk has room again: fetching goes on");
	return room->is_short;
}
