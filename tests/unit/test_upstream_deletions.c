#include "chores/upstream_deletions.h"

#include "ledger_fixture.h"
#include "tap.h"

#define ONE "RE00000000000000000000000000000001"
#define TWO "RE00000000000000000000000000000002"

static struct err err;
static struct catalog *catalog;

static void add(const char *sid, int64_t at_ms, int64_t forget_ms)
{
	MUST(catalog_begin(catalog, &err));
	MUST(upstream_deletions_add(catalog, sid, at_ms, forget_ms, &err));
	MUST(catalog_commit(catalog, &err));
}

static void bound(int64_t now_ms)
{
	MUST(catalog_begin(catalog, &err));
	MUST(upstream_deletions_bound(catalog, now_ms, &err));
	MUST(catalog_commit(catalog, &err));
}

static int64_t count(int64_t since_ms, const char *but_sid)
{
	int64_t found;

	MUST(upstream_deletions_count(catalog, since_ms, but_sid, &found, &err));
	return found;
}

static bool has(const char *sid)
{
	bool is_there;

	MUST(upstream_deletions_has(catalog, sid, &is_there, &err));
	return is_there;
}

static void test_counted(void)
{
	IS_INT(count(0, NULL), 0, "nothing was deleted");
	OK(!has(ONE), "nor that one");
	add(ONE, 100, 0);
	add(ONE, 150, 0);
	add(TWO, 200, 0);
	IS_INT(count(0, NULL), 2, "recordings, however often each was asked for");
	IS_INT(count(0, ONE), 1, "without one that is named");
	IS_INT(count(149, NULL), 2, "by the last time that it was asked for");
	IS_INT(count(150, NULL), 1, "behind an instant");
	IS_INT(count(200, NULL), 0, "and none behind the last");
	OK(has(ONE) && has(TWO), "each is known");
}

/* A clock that was ahead must not count for longer than a day, nor one that was not for less. */
static void test_bound(void)
{
	add(TWO, 9000, 0);
	IS_INT(count(500, NULL), 1, "one is of a time to come");
	bound(500);
	IS_INT(count(500, NULL), 0, "it is of now at the latest");
	IS_INT(count(499, NULL), 1, "and not earlier");
	IS_INT(count(149, ONE) + count(149, TWO), 2, "what is past stays where it is");
	IS_INT(count(150, TWO), 0, "all of it");
}

static void test_forgotten(void)
{
	add(TWO, 600, 151);
	OK(!has(ONE), "rows before an instant are taken away");
	add(TWO, 700, 600);
	IS_INT(count(0, NULL), 1, "those of that instant are not");
	IS_INT(count(599, NULL), 1, "nor later ones");
}

int main(void)
{
	struct ledger ledger;

	ledger_open(&ledger);
	catalog = ledger.writer;
	test_counted();
	test_bound();
	test_forgotten();
	ledger_remove(&ledger);
	return tap_end();
}
