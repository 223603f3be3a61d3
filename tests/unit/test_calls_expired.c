#include "catalog/catalog_sql.h"
#include "ledger_fixture.h"
#include "listing/listing_private.h"
#include "tap.h"

#include <time.h>

#define NOW    INT64_C(1700000000000)
#define DAY_MS INT64_C(86400000)
#define SHORT  "AC11111111111111111111111111111111"
#define LONG   "AC22222222222222222222222222222222"
#define SIZE   10

static struct err err;
static struct ledger ledger;

/* In place of libc's: it is always the same instant. */
int clock_gettime(clockid_t id, struct timespec *out)
{
	*out = (struct timespec){ .tv_sec = NOW / 1000 };
	return 0;
}

/* So many calls whose recordings are stored, a second apart, the newest so many days old. */
static void add(const char *account_sid, enum call_direction direction, unsigned days, int count)
{
	static unsigned first;
	long long newest_ms = NOW - days * DAY_MS;
	char sql[1536];

	first += 100000;
	snprintf(
		sql, sizeof(sql),
		"CREATE TEMPORARY TABLE n AS WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL "
		"SELECT i + 1 FROM n WHERE i < %d) SELECT %u + i AS id, %lld - 1000 * i AS at_ms FROM n;"
		"INSERT INTO calls (id, call_sid, account_sid, status, direction, started_at_ms, "
		"started_rank, main_recording_id, is_main_fixed, recording_group, recordings, "
		"changed_seq) SELECT id, printf('CA%%032d', id), '%s', 5, %d, at_ms, 1, id, 1, %d, 1, 1 "
		"FROM n;"
		"INSERT INTO recordings (id, recording_sid, call_id, state, upstream, is_held, "
		"is_duration_off, started_at_ms, channels_wanted, tries, changed_seq) "
		"SELECT id, printf('RE%%032d', id), id, %d, 0, 0, 0, at_ms, 2, 0, 1 FROM n; DROP TABLE n;",
		count - 1, first, newest_ms, account_sid, direction, RECORDING_GROUP_STORED,
		RECORDING_STORED);
	MUST(db_exec(catalog_db(ledger.writer), sql, &err));
}

static struct retention_rules rules_of(const struct retention_options *options)
{
	struct retention_rules rules;

	MUST(retention_rules_make(options, &rules, &err));
	return rules;
}

static struct call_page page;
static struct call_row *rows;

static void read_page(enum call_side side, const struct call_filter *filter,
		      const struct call_cursor *from)
{
	MUST(catalog_begin(ledger.writer, &err));
	if (side == CALLS_OLDER)
		MUST(calls_list(ledger.writer, filter, from, rows, SIZE, &page, &err));
	else
		MUST(calls_list_newer(ledger.writer, filter, from, rows, SIZE, &page, &err));
	catalog_rollback(ledger.writer);
}

/* All pages of that side: how many calls; *out_pages, and whether their order was kept. */
static unsigned read_all(enum call_side side, const struct call_filter *filter, unsigned *out_pages,
			 bool *out_ordered)
{
	struct call_cursor from = { 0, 0 };
	int64_t last_ms = side == CALLS_OLDER ? INT64_MAX : 0;
	unsigned count = 0;

	*out_pages = 0;
	*out_ordered = true;
	do {
		read_page(side, filter, &from);
		for (size_t i = 0; i < page.count; i++) {
			size_t at = side == CALLS_OLDER ? i : page.count - 1 - i;
			int64_t ms = rows[at].call.started_at_ms;

			*out_ordered &= side == CALLS_OLDER ? ms <= last_ms : ms >= last_ms;
			last_ms = ms;
		}
		count += (unsigned)page.count;
		from = page.next;
		++*out_pages;
	} while (page.more && *out_pages < 1000);
	return count;
}

/* Inbound is kept for a day, outbound for most of a year: of those many lie before the inbound ones. */
static void test_by_direction(void)
{
	struct retention_rules rules = rules_of(
		&(struct retention_options){ .general_ms = DAY_MS, .outbound_ms = 300 * DAY_MS });
	struct call_filter filter = { .fate = CALLS_EXPIRED, .retention = &rules };
	unsigned pages;
	bool is_ordered;

	ledger_open(&ledger);
	add(SHORT, CALL_OUTBOUND, 100, 20000);
	add(SHORT, CALL_DIRECTION_UNKNOWN, 200, 20000);
	add(SHORT, CALL_INBOUND, 250, 25);
	add(SHORT, CALL_OUTBOUND, 301, 25);
	add(SHORT, CALL_DIRECTION_UNKNOWN, 302, 25);
	read_page(CALLS_OLDER, &filter, &(struct call_cursor){ 0, 0 });
	OK(page.count == SIZE && rows[0].call.direction == CALL_INBOUND && page.more,
	   "the first page is full, past 40,000 that are kept longer");
	IS_INT(read_all(CALLS_OLDER, &filter, &pages, &is_ordered), 75, "each once");
	OK(pages <= 8 && is_ordered, "on full pages (%u), in order", pages);
	IS_INT(read_all(CALLS_NEWER, &filter, &pages, &is_ordered), 75, "the other way, too");
	OK(pages <= 8 && is_ordered, "on full pages (%u), in order", pages);
	filter.direction = CALL_OUTBOUND;
	IS_INT(read_all(CALLS_OLDER, &filter, &pages, &is_ordered), 25, "those of one direction");
	OK(pages <= 3, "on full pages (%u)", pages);
	ledger_remove(&ledger);
}

/* What is not of that direction is not even walked: however much of it has expired, the first page is full. */
static void test_one_direction(void)
{
	static const struct {
		const char *name;
		enum call_direction asked, other;
	} cases[] = {
		{ "outbound alone", CALL_OUTBOUND, CALL_INBOUND },
		{ "inbound alone", CALL_INBOUND, CALL_OUTBOUND },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct retention_rules rules =
			rules_of(&(struct retention_options){ .general_ms = DAY_MS });
		struct call_filter filter = { .fate = CALLS_EXPIRED,
					      .retention = &rules,
					      .direction = cases[i].asked };
		size_t right = 0;

		ledger_open(&ledger);
		add(SHORT, cases[i].other, 2, 9000);
		add(SHORT, cases[i].asked, 30, SIZE);
		read_page(CALLS_OLDER, &filter, &(struct call_cursor){ 0, 0 });
		for (size_t row = 0; row < page.count; row++)
			right += rows[row].call.direction == cases[i].asked;
		OK(page.count == SIZE && right == SIZE && !page.more,
		   "%s: at once, past 9,000 of the other", cases[i].name);
		ledger_remove(&ledger);
	}
}

/* An account that keeps longer: its calls are passed over, so many a page. */
static void test_by_account(void)
{
	const char *const accounts[] = { LONG "=300d", NULL };
	struct retention_rules rules =
		rules_of(&(struct retention_options){ .general_ms = DAY_MS, .accounts = accounts });
	struct call_filter filter = { .fate = CALLS_EXPIRED, .retention = &rules };
	unsigned pages;
	bool is_ordered;

	ledger_open(&ledger);
	add(LONG, CALL_INBOUND, 100, 2000);
	add(SHORT, CALL_INBOUND, 200, 5);
	read_page(CALLS_OLDER, &filter, &(struct call_cursor){ 0, 0 });
	OK(page.count == 5 && !page.more, "found at once past 2,000 of another account");
	add(LONG, CALL_INBOUND, 110, 20000);
	read_page(CALLS_OLDER, &filter, &(struct call_cursor){ 0, 0 });
	OK(page.count == 0 && page.more, "past 22,000 it takes more than one page");
	IS_INT(read_all(CALLS_OLDER, &filter, &pages, &is_ordered), 5, "which find all");
	OK(pages <= 7, "soon (%u)", pages);
	ledger_remove(&ledger);
}

static void test_forever(void)
{
	struct retention_rules rules = rules_of(&(struct retention_options){
		.general_ms = RETENTION_FOREVER, .inbound_ms = DAY_MS });
	struct call_filter filter = { .fate = CALLS_EXPIRED, .retention = &rules };
	unsigned pages;
	bool is_ordered;

	ledger_open(&ledger);
	add(SHORT, CALL_OUTBOUND, 100, 30);
	add(SHORT, CALL_INBOUND, 200, 12);
	IS_INT(read_all(CALLS_OLDER, &filter, &pages, &is_ordered), 12,
	       "what is kept for ever never expires");
	filter.retention = NULL;
	IS_INT(read_all(CALLS_OLDER, &filter, &pages, &is_ordered), 0, "nor without rules");
	ledger_remove(&ledger);
}

int main(void)
{
	rows = xcalloc(SIZE, sizeof(*rows));
	test_by_direction();
	test_one_direction();
	test_by_account();
	test_forever();
	free(rows);
	return tap_end();
}
