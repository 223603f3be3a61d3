#include "numbers/numbers_find.h"

#include "catalog/catalog_private.h"
#include "ledger_fixture.h"
#include "numbers/numbers_index.h"
#include "schema/schema.h"
#include "tap.h"

#define NUMBERS 1500
#define SOUGHT  600

static struct err err;
static struct ledger ledger;
static struct digits numbers[NUMBERS];
static size_t count;

/* Always the same: a number that fails does so again. */
static unsigned draw(unsigned below)
{
	static uint64_t state = 88172645463325252;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state % below);
}

/* Few different digits, so that parts are shared, and stand in a number twice. */
static void add_number(void)
{
	char address[32] = "+";
	size_t len = 3 + draw(13);
	struct numbers_of_call call = { .started_at_ms = 1, .call_id = (int64_t)count + 1 };

	for (size_t i = 1; i <= len; i++)
		address[i] = (char)('0' + draw(i < 4 ? 2 : 4));
	address[len + 1] = '\0';
	call.from = str_of(address);
	MUST(numbers_index_add(ledger.writer->db, &call, NULL, &err));
	numbers[count] = digits_of_address(call.from);
	for (size_t i = 0; i < count; i++)
		if (strcmp(numbers[i].text, numbers[count].text) == 0)
			return;
	count++;
}

static size_t brute(const struct digits *sought)
{
	size_t found = 0;

	for (size_t i = 0; i < count; i++)
		found += digits_hold(&numbers[i], sought);
	return found;
}

static bool are_right(const struct digits *found, size_t found_count, const struct digits *sought)
{
	for (size_t i = 0; i < found_count; i++) {
		if (!digits_hold(&found[i], sought))
			return false;
		for (size_t j = 0; j < i; j++)
			if (strcmp(found[i].text, found[j].text) == 0)
				return false;
	}
	return found_count == brute(sought);
}

/* Some digits of a number, or of none. */
static struct digits some_digits(void)
{
	struct digits sought = { "" };
	const char *text = numbers[draw((unsigned)count)].text;
	size_t len = strlen(text), from = draw((unsigned)len - 2), most = len - from;

	text_set(sought.text, sizeof(sought.text),
		 str_first(str_of(text + from), 3 + draw((unsigned)most - 2)));
	if (draw(10) == 0)
		sought.text[0] = '9';
	return sought;
}

static void test_against_all(void)
{
	static struct digits found[NUMBERS];
	unsigned wrong = 0, nothing = 0, inside = 0;
	size_t found_count;
	bool more;

	for (unsigned i = 0; i < SOUGHT; i++) {
		struct digits sought = some_digits();

		MUST(numbers_find(ledger.writer->db, &sought, found, NUMBERS, &found_count, &more,
				  &err));
		wrong += more || !are_right(found, found_count, &sought);
		nothing += found_count == 0;
		for (size_t j = 0; j < found_count; j++)
			inside += !str_starts(str_of(found[j].text), str_of(sought.text));
	}
	IS_INT(wrong, 0, "what is found is what a look at all numbers finds, each once");
	OK(nothing > 0 && inside > SOUGHT, "also nothing, and more than ends");
}

static void test_most(void)
{
	static struct digits found[NUMBERS];
	struct digits sought = digits_of_search(STR("111"));
	size_t all = brute(&sought), found_count;
	bool more;

	MUST(numbers_find(ledger.writer->db, &sought, found, 2 * all, &found_count, &more, &err));
	OK(!more && found_count == all, "all, with room for some that come twice");
	MUST(numbers_find(ledger.writer->db, &sought, found, all - 1, &found_count, &more, &err));
	OK(more, "one more than that");
	MUST(numbers_find(ledger.writer->db, &sought, found, 1, &found_count, &more, &err));
	OK(more, "as soon as ends alone are more");
}

/* The same parts as of numbers that come one by one. */
static void test_migrated(void)
{
	AUTO(db_stmt_reset) struct db_stmt *differ = NULL;

	MUST(db_exec(ledger.writer->db,
		     "CREATE TABLE parts_before AS SELECT part, digits FROM number_parts;"
		     "DROP TABLE number_parts;"
		     "DELETE FROM schema_version WHERE version > 17",
		     &err));
	MUST(schema_migrate_to(ledger.writer->db, 18, &err));
	MUST(db_prepare(ledger.writer->db,
			"SELECT COUNT(*), (SELECT COUNT(*) FROM number_parts n "
			"JOIN parts_before b ON b.part = n.part AND b.digits = n.digits), "
			"(SELECT COUNT(*) FROM number_parts) FROM parts_before",
			&differ, &err));
	MUST(db_step(differ, &err) == DB_ROW);
	OK(db_column_int(differ, 0) > NUMBERS &&
		   db_column_int(differ, 0) == db_column_int(differ, 1) &&
		   db_column_int(differ, 0) == db_column_int(differ, 2),
	   "an old ledger gets the parts of all its numbers");
}

int main(void)
{
	ledger_open(&ledger);
	MUST(catalog_begin(ledger.writer, &err));
	while (count < NUMBERS - 200)
		add_number();
	test_against_all();
	test_most();
	if (!on_postgres()) /* which begins with them */
		test_migrated();
	catalog_rollback(ledger.writer);
	ledger_remove(&ledger);
	return tap_end();
}
