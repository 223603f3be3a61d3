#include "spool/room.h"

#include "base/log.h"
#include "blob/blob.h"
#include "spool/flight_gear.h"

void room_init(struct room *room, const struct flight_gear *gear)
{
	*room = (struct room){ .gear = gear };
}

bool room_is_short(struct room *room)
{
	const struct flight_gear *gear = room->gear;
	uint64_t least = gear->options.min_free_bytes, free_bytes;
	bool was_short = room->is_short;
	struct err err;

	if (!blob_free_bytes(gear->store, &free_bytes, &err)) {
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
