#include "listing/recordings_list.h"

#include "base/clock.h"
#include "base/hash.h"
#include "ledger_fixture.h"
#include "listing/listing_private.h"
#include "tap.h"
#include "test_plan.h"

#define CALLS      90
#define OF_A_CALL  3 /* of those that have some */
#define HOUR_MS    3600000LL
#define PAGE_SIZES ARRAY_LEN(page_sizes)
#define OURS       "AC00000000000000000000000000000001"
#define OTHERS     "AC00000000000000000000000000000002"

static const size_t page_sizes[] = { 1, 2, 7, 1000 };

static struct err err;
static struct ledger ledger;
static int64_t now_ms;

/*
 * Call n began n hours ago; each third has no recording, the others three; of each fifth call the account is another.
 * Recording k of call n began k minutes after it.  The last is Twilio's no more.  Three recordings are of no call.
 */
static int64_t start_of(unsigned n)
{
	return now_ms - n * HOUR_MS;
}

static bool is_recorded(unsigned n)
{
	return n % 3 != 0;
}

static struct str account_of(unsigned n)
{
	return n % 5 == 0 ? STR(OTHERS) : STR(OURS);
}

static void append_recording(struct str call_sid, unsigned number, struct str account_sid,
			     int64_t started_at_ms, const char *status)
{
	struct event event;
	char sid[SID_SIZE];

	event_init(&event, EVENT_RECORDING_STATUS, started_at_ms + 60000);
	event.call_sid = call_sid;
	event.account_sid = account_sid;
	event.recording_sid = sid_text("RE", number, sid);
	event.status = str_of(status);
	event.started_at_ms = started_at_ms;
	ledger_append(&ledger, &event);
}

static void append_call(unsigned n)
{
	struct event event;
	char sid[SID_SIZE];

	event_init(&event, EVENT_CALL_STATUS, start_of(n));
	event.call_sid = sid_text("CA", n, sid);
	event.account_sid = account_of(n);
	event.status = STR("in-progress");
	event.timestamp_ms = start_of(n);
	ledger_append(&ledger, &event);
	for (unsigned k = 0; is_recorded(n) && k < OF_A_CALL; k++)
		append_recording(event.call_sid, 10 * n + k, account_of(n), start_of(n) + k * 60000,
				 k == 2 ? "absent" : "completed");
}

static void fill(void)
{
	struct projection_result result;

	for (unsigned n = CALLS; n-- > 1;)
		append_call(n);
	for (unsigned k = 0; k < 3; k++)
		append_recording(STR_NONE, 5000 + k, STR(OURS), start_of(4 + k), "completed");
	ledger_project(&ledger, &result);
}

struct walked {
	unsigned found, wrong, doubled, of_none;
	char seen[6000];
};

/* The last four of its digits. */
static unsigned number_of(const struct recording *recording)
{
	uint8_t bytes[2] = { 0 };

	(void)!hex_decode(str_after(str_of(recording->recording_sid), 30), bytes, sizeof(bytes));
	return bytes[0] << 8 | bytes[1];
}

static void take(struct walked *walked, const struct recording_filter *filter,
		 const struct recording *recording, const struct recording *before)
{
	unsigned number = number_of(recording);

	walked->doubled += walked->seen[number]++ != 0;
	walked->wrong += !str_eq(str_of(recording->account_sid), filter->account_sid);
	walked->wrong += filter->from_ms && recording->started_at_ms < filter->from_ms;
	walked->wrong += filter->to_ms && recording->started_at_ms >= filter->to_ms;
	walked->of_none += recording->call_sid[0] == '\0';
	if (before && recording->call_sid[0] != '\0')
		walked->wrong += before->started_at_ms < recording->started_at_ms;
	walked->found++;
}

static struct walked walk(const struct recording_filter *filter, size_t size)
{
	AUTO(free) struct recording *rows = xcalloc(size, sizeof(*rows));
	struct recording_cursor after = { 0 };
	struct recording_page page = { .more = true };
	struct walked walked = { 0 };
	struct recording last;
	bool has_last = false;

	for (unsigned pages = 0; page.more && pages < 1000; pages++) {
		MUST(recordings_list(ledger.writer, filter, &after, rows, size, &page, &err));
		for (size_t i = 0; i < page.count; i++) {
			take(&walked, filter, &rows[i], has_last ? &last : NULL);
			last = rows[i];
			has_last = true;
		}
		after = page.next;
	}
	return walked;
}

static unsigned counted(const struct recording_filter *filter, unsigned only_call)
{
	unsigned count = 0;

	for (unsigned n = 1; n < CALLS; n++)
		for (unsigned k = 0; is_recorded(n) && k < OF_A_CALL; k++) {
			int64_t began_at_ms = start_of(n) + k * 60000;

			count += str_eq(account_of(n), filter->account_sid) &&
				 (!only_call || n == only_call) &&
				 (!filter->from_ms || began_at_ms >= filter->from_ms) &&
				 (!filter->to_ms || began_at_ms < filter->to_ms);
		}
	for (unsigned k = 0; !only_call && k < 3; k++)
		count += str_eq(STR(OURS), filter->account_sid) &&
			 (!filter->from_ms || start_of(4 + k) >= filter->from_ms) &&
			 (!filter->to_ms || start_of(4 + k) < filter->to_ms);
	return count;
}

static void test_walks(void)
{
	char call_sid[SID_SIZE];
	const struct {
		const char *name;
		struct recording_filter filter;
		unsigned only_call;
	} cases[] = {
		{ "all of an account", { .account_sid = STR(OURS) }, 0 },
		{ "all of the other", { .account_sid = STR(OTHERS) }, 0 },
		{ "none of a third", { .account_sid = STR("AC3") }, 0 },
		{ "since a day", { .account_sid = STR(OURS), .from_ms = start_of(24) }, 0 },
		{ "until a day", { .account_sid = STR(OURS), .to_ms = start_of(40) + 60000 }, 0 },
		{ "between two",
		  { .account_sid = STR(OURS), .from_ms = start_of(40), .to_ms = start_of(4) + 1 },
		  0 },
		{ "of a call",
		  { .account_sid = STR(OURS), .call_sid = sid_text("CA", 7, call_sid) },
		  7 },
		{ "of a call that has none",
		  { .account_sid = STR(OURS),
		    .call_sid = STR("CA00000000000000000000000000000003") },
		  3 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		for (size_t s = 0; s < PAGE_SIZES; s++) {
			struct walked walked = walk(&cases[i].filter, page_sizes[s]);

			IS_INT(walked.found, counted(&cases[i].filter, cases[i].only_call),
			       "%s, %zu a page: all are found", cases[i].name, page_sizes[s]);
			IS_INT(walked.doubled + walked.wrong, 0,
			       "%s, %zu a page: each once, in order, and no other", cases[i].name,
			       page_sizes[s]);
		}
}

static void test_over(void)
{
	struct retention_rules kept = retention_rules_of(30 * HOUR_MS + HOUR_MS / 2);
	struct recording_filter filter = { .account_sid = STR(OURS), .retention = &kept };
	unsigned all = counted(&filter, 0);
	struct walked walked = walk(&filter, 10);
	struct recording_filter recent = { .account_sid = STR(OURS),
					   .from_ms = now_ms - 30 * HOUR_MS - HOUR_MS / 2 };

	IS_INT(walked.found, counted(&recent, 0), "what has expired is left out");
	filter.with_removed = true;
	IS_INT(walk(&filter, 10).found, all, "unless it is asked for");
}

static void test_plans(void)
{
	static const char *const names[] = { "all", "of a call", "of none" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct str plan = plan_of(catalog_db(ledger.writer), recordings_list_sql[i]);

		OK(!plan_has(plan, "SCAN r") && !plan_has(plan, "Seq Scan"),
		   "%s: scans no recordings", names[i]);
		OK(plan_has(plan, "recordings_of_call"), "%s: finds them by their call", names[i]);
		OK(i != 0 || plan_has(plan, "calls_by_time"), "%s: walks the calls by time",
		   names[i]);
		if (tap_failed)
			printf("# %.*s\n", STR_ARG(plan));
	}
}

int main(void)
{
	now_ms = clock_wall_ms() / HOUR_MS * HOUR_MS;
	ledger_open(&ledger);
	fill();
	test_walks();
	test_over();
	test_plans();
	ledger_remove(&ledger);
	return tap_end();
}
