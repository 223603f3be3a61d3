#include "dispatch/kept_files.h"

#include "flights/flight.h"

void kept_files_init(struct kept_files *kept, unsigned most)
{
	*kept = (struct kept_files){ .most = most };
	list_init(&kept->flights);
}

void kept_files_remove(struct kept_files *kept, struct flight *flight)
{
	if (list_is_empty(&flight->kept))
		return;
	list_remove(&flight->kept);
	kept->count--;
}

/* Whose file is given up first: that of the longest wait, but rather one that nobody hears. */
static struct flight *least_needed(const struct kept_files *kept)
{
	LIST_EACH (item, &kept->flights) {
		struct flight *flight = container_of(item, struct flight, kept);

		if (flight->mirror_count == 0)
			return flight;
	}
	return container_of(list_first(&kept->flights), struct flight, kept);
}

struct flight *kept_files_add(struct kept_files *kept, struct flight *flight)
{
	list_append(&kept->flights, &flight->kept);
	if (++kept->count <= kept->most)
		return NULL;
	flight = least_needed(kept);
	kept_files_remove(kept, flight);
	return flight;
}
