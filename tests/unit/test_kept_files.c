#include "dispatch/kept_files.h"

#include "flights/flight.h"
#include "tap.h"

static struct flight flights[5];
static struct kept_files kept;

static int number(const struct flight *flight)
{
	return flight ? (int)(flight - flights) : -1;
}

int main(void)
{
	kept_files_init(&kept, 3);
	for (int i = 0; i < 5; i++)
		list_init(&flights[i].kept);
	flights[0].mirror_count = 1;
	for (int i = 0; i < 3; i++)
		IS_INT(number(kept_files_add(&kept, &flights[i])), -1, "there is room for %d", i);
	IS_INT(number(kept_files_add(&kept, &flights[3])), 1,
	       "one too many: the longest wait that nobody hears goes");
	IS_INT(kept.count, 3, "three are left");
	flights[2].mirror_count = flights[3].mirror_count = flights[4].mirror_count = 1;
	IS_INT(number(kept_files_add(&kept, &flights[4])), 0,
	       "where each has players, the longest wait of all");
	kept_files_remove(&kept, &flights[2]);
	kept_files_remove(&kept, &flights[2]);
	IS_INT(kept.count, 2, "one that flies again is counted off once");
	IS_INT(number(kept_files_add(&kept, &flights[0])), -1, "and makes room");
	return tap_end();
}
