/*
 * Is there room on the store's disk for more recordings?  Below min_free nothing new is
 * fetched, so that events, and what is being fetched already, still find some.
 *
 * Thread: the fetching loop.
 */
#pragma once

#include <stdbool.h>

struct flight_gear;

struct room {
	const struct flight_gear *gear;
	bool is_short;
};

void room_init(struct room *room, const struct flight_gear *gear);
/* Asks the disk, each time (a system call).  Says so in the log when it begins and when it ends. */
bool room_is_short(struct room *room);
