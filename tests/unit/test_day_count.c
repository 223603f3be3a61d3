#include "purge/day_count.h"

#include "tap.h"

#define MINUTE INT64_C(60000)
#define HOUR   (60 * MINUTE)

int main(void)
{
	struct day_count day = { .at = { { 0 } } };
	int64_t began = 1000 * HOUR + 7 * MINUTE;

	IS_INT(day_count_sum(&day, began), 0, "none yet");
	day_count_add(&day, began);
	day_count_add(&day, began + MINUTE);
	day_count_add(&day, began + 2 * HOUR);
	IS_INT(day_count_sum(&day, began + 2 * HOUR), 3, "three");
	IS_INT(day_count_sum(&day, began + 24 * HOUR), 3, "a day later all count");
	IS_INT(day_count_sum(&day, began + 24 * HOUR + 15 * MINUTE), 1,
	       "a quarter after that the first two are gone");
	IS_INT(day_count_sum(&day, began + 27 * HOUR), 0, "and then the third");
	day_count_add(&day, began + 48 * HOUR);
	IS_INT(day_count_sum(&day, began + 48 * HOUR), 1, "old places are taken anew");
	for (int i = 0; i < 24 * 4; i++)
		day_count_add(&day, began + 72 * HOUR + i * 15 * MINUTE);
	IS_INT(day_count_sum(&day, began + 96 * HOUR - MINUTE), 96,
	       "each quarter of a day has its own");
	day_count_add(&day, 5 * MINUTE);
	IS_INT(day_count_sum(&(struct day_count){ .at = { { 0, 0 } } }, 5 * MINUTE), 0,
	       "soon after the machine began there is nothing of before");
	return tap_end();
}
