#include "media/arriving.h"

#include "tap.h"

#include <stdio.h>

static struct arriving at(const char *sid, uint64_t bytes)
{
	struct arriving arriving = { .bytes = bytes, .total = 1000, .started_at_ms = 7 };

	snprintf(arriving.recording_sid, sizeof(arriving.recording_sid), "%s", sid);
	return arriving;
}

static void set(struct arriving_table *table, const char *sid, uint64_t bytes)
{
	struct arriving arriving = at(sid, bytes);

	arriving_set(table, &arriving);
}

static void test_looking(struct arriving_table *table)
{
	struct arriving found = { .bytes = 1 };

	OK(!arriving_find(table, STR("RE1"), &found) && found.bytes == 1, "nothing is arriving");
	set(table, "RE1", 10);
	set(table, "RE2", 20);
	set(table, "RE1", 30);
	OK(arriving_find(table, STR("RE1"), &found) && found.bytes == 30,
	   "it is as far as told last");
	OK(arriving_find(table, STR("RE2"), &found) && found.bytes == 20 && found.total == 1000,
	   "the other is where it was");
	arriving_end(table, "RE1");
	arriving_end(table, "RE1");
	OK(!arriving_find(table, STR("RE1"), &found), "it arrives no longer");
}

static void test_steps(struct arriving_table *table)
{
	struct arriving moved[3];
	uint64_t turn = 0, other = 0;

	set(table, "RE3", 1);
	IS_INT(arriving_moved(table, &turn, moved, 3), 2, "who asks first hears of all");
	IS_INT(arriving_moved(table, &turn, moved, 3), 0, "and then of nothing");
	set(table, "RE2", 21);
	IS_INT(arriving_moved(table, &turn, moved, 3), 1, "until one moves");
	OK(str_eq(str_of(moved[0].recording_sid), STR("RE2")) && moved[0].bytes == 21, "that one");
	IS_INT(arriving_moved(table, &other, moved, 1), 1, "in pieces, where there is little room");
	IS_INT(arriving_moved(table, &other, moved, 1), 1, "the rest");
	IS_INT(arriving_moved(table, &other, moved, 1), 0, "to the end");
	set(table, "RE2", 22);
	arriving_end(table, "RE2");
	IS_INT(arriving_moved(table, &turn, moved, 3), 0, "what has ended is not told");
}

int main(void)
{
	AUTO(arriving_table_free) struct arriving_table *table = arriving_table_new();
	struct arriving none;
	uint64_t turn = 0;

	test_looking(table);
	test_steps(table);
	set(NULL, "RE1", 1);
	arriving_end(NULL, "RE1");
	OK(!arriving_find(NULL, STR("RE1"), &none) && arriving_moved(NULL, &turn, &none, 1) == 0,
	   "a table that is not there is empty");
	return tap_end();
}
