/*
 * Is there room on the store's disk for more recordings?  Below min_free nothing new is
 * fetched, so that events, and what is being fetched already, still find some.
 *
 * Thread: the fetching loop.
 */
#pragma once

#include <stdbool.h>

struct flight_env;

struct disk_space {
	const struct flight_env *env;
	bool is_short;
};

void disk_space_init(struct disk_space *room, const struct flight_env *env);
/* Asks the disk, each time (a system call).  Says so in the log when it begins and when it ends. */
bool disk_space_is_short(struct disk_space *room);
