/*
 * Files begun that flights keep open between two tries, for the next try to go on with.  In an outage
 * thousands may wait so for hours: only so many keep theirs, or descriptors would be used up.
 *
 * Thread: the fetching loop.
 */
#pragma once

#include "base/list.h"

struct flight;

struct kept_files {
	struct list flights; /* WAITING or QUEUED: the longest first */
	unsigned count, most;
};

void kept_files_init(struct kept_files *kept, unsigned most);
/* NULL; or whose file is one too many now: off the list, for the caller to drop. */
struct flight *kept_files_add(struct kept_files *kept, struct flight *flight);
/* It flies again, or is given up; as often as you like. */
void kept_files_remove(struct kept_files *kept, struct flight *flight);
