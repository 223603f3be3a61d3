#include "audit/heard.h"

#include <string.h>

#include "tap.h"

#define MOST HEARD_MOST_MS

static const struct {
	const char *name;
	struct heard_range told[4]; /* to 0: none */
	const char *want;
} rows[] = {
	{ "one range", { { 0, 15200 } }, "[[0.000,15.200]],\"listened\":15.200" },
	{ "two, the later first",
	  { { 40000, 55000 }, { 0, 1000 } },
	  "[[0.000,1.000],[40.000,55.000]],\"listened\":16.000" },
	{ "what meets is one",
	  { { 0, 1000 }, { 1000, 2000 } },
	  "[[0.000,2.000]],\"listened\":2.000" },
	{ "what overlaps is one, and counts twice",
	  { { 0, 3000 }, { 1000, 4000 } },
	  "[[0.000,4.000]],\"listened\":6.000" },
	{ "what lies within another leaves it as it is",
	  { { 0, 9000 }, { 1000, 2000 } },
	  "[[0.000,9.000]],\"listened\":10.000" },
	{ "one that closes a gap joins three",
	  { { 0, 1000 }, { 2000, 3000 }, { 4000, 5000 }, { 500, 4500 } },
	  "[[0.000,5.000]],\"listened\":7.000" },
	{ "the same begin, the longer later",
	  { { 5, 6 }, { 5, 9 } },
	  "[[0.005,0.009]],\"listened\":0.005" },
	{ "the last instant that there is",
	  { { MOST - 1, MOST } },
	  "[[4294967.294,4294967.295]],\"listened\":0.001" },
};

static void is_written(const struct heard *heard, const char *want, const char *name)
{
	char room[2048];
	struct json json;
	struct buf buf;

	buf_over(&buf, room, sizeof(room));
	json_start(&json, &buf);
	heard_write(heard, &json);
	OK(str_starts(buf_str(&buf), STR("\"heard\":")), "%s: by its name", name);
	IS_STR(str_after(buf_str(&buf), 8), str_of(want), "%s", name);
}

static void test_many(void)
{
	struct heard heard = { .count = 0 }, more = { .count = 0 };

	for (uint32_t i = HEARD_RANGES; i > 0; i--)
		heard_add(&heard, i * 1000, i * 1000 + 100);
	OK(heard.count == HEARD_RANGES, "as many as there is room for");
	heard_add(&heard, 2500, 2600);
	OK(heard.count == HEARD_RANGES && heard.ranges[1].from_ms == 2000 &&
		   heard.ranges[1].to_ms == 2600,
	   "of one more, the two nearest are one");
	OK(heard.listened_ms == (HEARD_RANGES + 1) * 100, "no time is added by that");
	heard_add(&more, 0, 60000);
	heard_add(&more, 70000, 80000);
	heard_join(&heard, &more);
	OK(heard.count == 2 && heard.listened_ms == (HEARD_RANGES + 1) * 100 + 70000,
	   "another report covers them all");
}

int main(void)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct heard heard = { .count = 0 };

		for (size_t j = 0; j < 4 && rows[i].told[j].to_ms; j++)
			heard_add(&heard, rows[i].told[j].from_ms, rows[i].told[j].to_ms);
		is_written(&heard, rows[i].want, rows[i].name);
	}
	test_many();
	return tap_end();
}
