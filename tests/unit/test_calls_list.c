#include "listing/calls_list.h"

#include "catalog/recordings.h"
#include "catalog/recordings_hold.h"
#include "ledger_fixture.h"
#include "listing/listing_private.h"
#include "tap.h"
#include "test_plan.h"

#include <time.h>

#define NOON     1700000000000
#define NOW      (NOON + 200000)
#define EDGE     (NOON + 50500) /* what began before it has expired */
#define KEPT     .retention = &kept
#define CALLS    100
#define PAGE_MAX 32

static struct err err;
static struct ledger ledger;
static struct retention_rules kept; /* NOW - EDGE */

/* In place of libc's: it is always the same instant. */
int clock_gettime(clockid_t id, struct timespec *out)
{
	*out = (struct timespec){ .tv_sec = NOW / 1000 };
	return 0;
}

/*
 * Call n began n seconds after noon, every second pair at the same instant.  Every
 * third is inbound, the others outbound; those whose number ends in 0 are only known
 * by their recording and have no direction.  Recordings: n % 5 == 0 stored, 1 pending,
 * 2 absent, else none.
 */
static int64_t start_of(unsigned n)
{
	return NOON + (n - n % 4 / 3) * 1000;
}

static bool has_direction(unsigned n)
{
	return n % 10 != 0;
}

static enum call_direction direction_of(unsigned n)
{
	if (!has_direction(n))
		return CALL_DIRECTION_UNKNOWN;
	return n % 3 == 0 ? CALL_INBOUND : CALL_OUTBOUND;
}

static enum recording_group group_of(unsigned n)
{
	return n % 5 == 0   ? RECORDING_GROUP_STORED
	       : n % 5 == 1 ? RECORDING_GROUP_PENDING
	       : n % 5 == 2 ? RECORDING_GROUP_ABSENT
			    : RECORDING_GROUP_NONE;
}

static bool is_held(unsigned n)
{
	return n % 4 == 1 && group_of(n) != RECORDING_GROUP_NONE;
}

static void append_call(unsigned n)
{
	struct event event;
	char sid[SID_SIZE], customer[32];

	if (!has_direction(n))
		return;
	event_init(&event, EVENT_CALL_STATUS, start_of(n) + 7);
	event.call_sid = sid_text("CA", n, sid);
	event.status = STR("in-progress");
	event.timestamp_ms = start_of(n);
	snprintf(customer, sizeof(customer), "+9725012345%02u", n);
	event.direction = direction_of(n) == CALL_INBOUND ? STR("inbound")
			  : n % 2                         ? STR("outbound-api")
							  : STR("outbound-dial");
	event.from = direction_of(n) == CALL_INBOUND ? str_of(customer) : STR("+15550001111");
	event.to = direction_of(n) == CALL_INBOUND ? STR("+15550001111") : str_of(customer);
	ledger_append(&ledger, &event);
}

static void append_recording(unsigned n)
{
	struct event event;
	char call_sid[SID_SIZE], sid[SID_SIZE];

	if (group_of(n) == RECORDING_GROUP_NONE)
		return;
	event_init(&event, EVENT_RECORDING_STATUS, start_of(n) + 9);
	event.call_sid = sid_text("CA", n, call_sid);
	event.recording_sid = sid_text("RE", n, sid);
	event.status = group_of(n) == RECORDING_GROUP_ABSENT ? STR("absent") : STR("completed");
	event.started_at_ms = start_of(n);
	ledger_append(&ledger, &event);
}

static void store_recording(unsigned n)
{
	static const struct recording_media media = {
		.stored_at_ms = NOON,
		.generation = 1,
		.generation_at_ms = NOON,
		.size = 1000,
		.format = "mp3",
		.path = "00/x.mp3",
	};
	char sid[SID_SIZE];

	if (group_of(n) != RECORDING_GROUP_STORED)
		return;
	MUST(catalog_begin(ledger.writer, &err));
	MUST(recordings_mark_stored(ledger.writer, sid_text("RE", n, sid), &media, &err));
	MUST(catalog_commit(ledger.writer, &err));
}

static void hold_recording(unsigned n)
{
	const struct recording_hold one = { STR("dana"), NOON, STR("") };
	bool to_fetch;
	char sid[SID_SIZE];

	if (!is_held(n))
		return;
	MUST(catalog_begin(ledger.writer, &err));
	MUST(recordings_hold(ledger.writer, sid_text("RE", n, sid), &one, &to_fetch, &err));
	MUST(catalog_commit(ledger.writer, &err));
}

/* Every second hold is set before its recording is stored, and one is lifted and set again. */
static void fill(void)
{
	struct projection_result result;

	for (unsigned n = 0; n < CALLS; n++) {
		append_call(n);
		append_recording(n);
	}
	ledger_project(&ledger, &result);
	for (unsigned n = 0; n < CALLS; n++) {
		char sid[SID_SIZE];

		if (n % 8 == 1)
			hold_recording(n);
		store_recording(n);
		hold_recording(n);
		if (n != 25)
			continue;
		MUST(catalog_begin(ledger.writer, &err));
		MUST(recordings_lift_hold(ledger.writer, sid_text("RE", n, sid), &err));
		MUST(catalog_commit(ledger.writer, &err));
		hold_recording(n);
	}
}

static bool has_fate(enum call_fate fate, unsigned n)
{
	bool has_expired = !is_held(n) && start_of(n) < EDGE;

	switch (fate) {
	case CALLS_HELD:
		return is_held(n);
	case CALLS_EXPIRED:
		return has_expired && (group_of(n) == RECORDING_GROUP_STORED ||
				       group_of(n) == RECORDING_GROUP_PENDING);
	case CALLS_ON_THE_WAY:
		return !has_expired && group_of(n) == RECORDING_GROUP_PENDING;
	case CALLS_OF_ANY_FATE:
		break;
	}
	return true;
}

/* What the filter should find, counted without an index. */
static bool wanted(const struct call_filter *filter, unsigned n, const char *number_part)
{
	char customer[32];

	snprintf(customer, sizeof(customer), "9725012345%02u", n);
	if (filter->direction && direction_of(n) != filter->direction)
		return false;
	if (filter->has_group && group_of(n) != filter->group)
		return false;
	if (!has_fate(filter->fate, n))
		return false;
	if (filter->from_ms && start_of(n) < filter->from_ms)
		return false;
	if (filter->to_ms && start_of(n) >= filter->to_ms)
		return false;
	if (!number_part)
		return true;
	return has_direction(n) &&
	       (strstr(customer, number_part) || strstr("15550001111", number_part));
}

static bool is_beyond(enum call_side side, const struct call_cursor *cursor,
		      const struct call *call)
{
	bool is_older = call->started_at_ms < cursor->started_at_ms ||
			(call->started_at_ms == cursor->started_at_ms && call->id < cursor->id);

	return cursor->id == 0 ||
	       (side == CALLS_OLDER ? is_older : !is_older && call->id != cursor->id);
}

/* A page, in the order of the walk: one of newer calls is told newest first as well. */
static void read_page(enum call_side side, const struct call_filter *filter,
		      const struct call_cursor *cursor, struct call_row *rows, size_t size,
		      struct call_page *page)
{
	if (side == CALLS_OLDER) {
		MUST(calls_list(ledger.writer, filter, cursor, rows, size, page, &err));
		return;
	}
	MUST(calls_list_newer(ledger.writer, filter, cursor, rows, size, page, &err));
	call_rows_reverse(rows, page->count);
}

/* Pages through all of it; checks order, that nothing comes twice, and each row's filter. */
static unsigned walk(enum call_side side, const struct call_filter *filter, size_t size,
		     const char *number_part, unsigned *out_wrong)
{
	struct call_row rows[PAGE_MAX];
	struct call_cursor cursor = { 0 };
	struct call_page page;
	unsigned count = 0, pages = 0;
	bool seen[CALLS] = { false };

	*out_wrong = 0;
	do {
		read_page(side, filter, &cursor, rows, size, &page);
		for (size_t i = 0; i < page.count; i++) {
			const struct call *call = &rows[i].call;
			uint64_t n = 0;

			if (!str_hex_to_u64(str_after(str_of(call->call_sid), 20), &n) ||
			    n >= CALLS || seen[n] || !wanted(filter, (unsigned)n, number_part) ||
			    call->started_at_ms != start_of((unsigned)n) ||
			    !is_beyond(side, &cursor, call) ||
			    (rows[i].recording.recording_sid[0] != 0) !=
				    (group_of((unsigned)n) != RECORDING_GROUP_NONE))
				++*out_wrong;
			else
				seen[n] = true;
			cursor.started_at_ms = call->started_at_ms;
			cursor.id = call->id;
			count++;
		}
		cursor = page.next;
	} while (page.more && ++pages < 200);
	return count;
}

static void test_filters(void)
{
	static const struct {
		const char *name;
		struct call_filter filter;
		const char *number_part; /* what the number means */
	} cases[] = {
		{ "everything", { 0 }, NULL },
		{ "inbound", { .direction = CALL_INBOUND }, NULL },
		{ "outbound", { .direction = CALL_OUTBOUND }, NULL },
		{ "stored", { .has_group = true, .group = RECORDING_GROUP_STORED }, NULL },
		{ "pending", { .has_group = true, .group = RECORDING_GROUP_PENDING }, NULL },
		{ "absent", { .has_group = true, .group = RECORDING_GROUP_ABSENT }, NULL },
		{ "none", { .has_group = true, .group = RECORDING_GROUP_NONE }, NULL },
		{ "failed: nothing", { .has_group = true, .group = RECORDING_GROUP_FAILED }, NULL },
		{ "inbound and stored",
		  { .direction = CALL_INBOUND, .has_group = true, .group = RECORDING_GROUP_STORED },
		  NULL },
		{ "from a time", { .from_ms = NOON + 50000 }, NULL },
		{ "before a time", { .to_ms = NOON + 50000 }, NULL },
		{ "between, outbound",
		  { .direction = CALL_OUTBOUND, .from_ms = NOON + 20000, .to_ms = NOON + 50000 },
		  NULL },
		{ "between, stored",
		  { .has_group = true,
		    .group = RECORDING_GROUP_STORED,
		    .from_ms = NOON + 20000,
		    .to_ms = NOON + 50000 },
		  NULL },
		{ "held", { .fate = CALLS_HELD }, NULL },
		{ "held, inbound", { .fate = CALLS_HELD, .direction = CALL_INBOUND }, NULL },
		{ "expired", { .fate = CALLS_EXPIRED, KEPT }, NULL },
		{ "expired, outbound, from a time",
		  { .fate = CALLS_EXPIRED,
		    KEPT,
		    .direction = CALL_OUTBOUND,
		    .from_ms = NOON + 20000 },
		  NULL },
		{ "on the way", { .fate = CALLS_ON_THE_WAY, KEPT }, NULL },
		{ "on the way, inbound, before a time",
		  { .fate = CALLS_ON_THE_WAY,
		    KEPT,
		    .direction = CALL_INBOUND,
		    .to_ms = NOON + 70000 },
		  NULL },
		{ "expired, our own number",
		  { .fate = CALLS_EXPIRED, KEPT, .number = STR("15550001111") },
		  "15550001111" },
		{ "held, our own number",
		  { .fate = CALLS_HELD, .number = STR("15550001111"), .direction = CALL_OUTBOUND },
		  "15550001111" },
		{ "a whole number", { .number = STR("+972501234542") }, "972501234542" },
		{ "a number as dialled at home", { .number = STR("050-123 45 42") }, "501234542" },
		{ "a number with 00", { .number = STR("00972 50 1234542") }, "972501234542" },
		{ "last seven digits", { .number = STR("1234542") }, "1234542" },
		{ "few digits", { .number = STR("542") }, "542" },
		{ "digits inside", { .number = STR("01234") }, "01234" },
		{ "digits inside and at the end, pending",
		  { .number = STR("345"), .has_group = true, .group = RECORDING_GROUP_PENDING },
		  "345" },
		{ "the begin of a number", { .number = STR("+97250123452") }, "97250123452" },
		{ "our own number, in every call",
		  { .number = STR("+15550001111") },
		  "15550001111" },
		{ "our own number, inbound",
		  { .number = STR("15550001111"), .direction = CALL_INBOUND },
		  "15550001111" },
		{ "our own number, pending, between",
		  { .number = STR("15550001111"),
		    .has_group = true,
		    .group = RECORDING_GROUP_PENDING,
		    .from_ms = NOON + 20000,
		    .to_ms = NOON + 70000 },
		  "15550001111" },
		{ "nobody's number", { .number = STR("999999999") }, "999999999" },
	};
	static const size_t sizes[] = { 1, 7, 32 };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		unsigned want = 0, wrong;

		for (unsigned n = 0; n < CALLS; n++)
			want += (has_direction(n) || group_of(n) != RECORDING_GROUP_NONE) &&
				wanted(&cases[i].filter, n, cases[i].number_part);
		for (size_t j = 0; j < ARRAY_LEN(sizes); j++) {
			IS_INT(walk(CALLS_OLDER, &cases[i].filter, sizes[j], cases[i].number_part,
				    &wrong),
			       want, "%s, in pages of %zu: all of it", cases[i].name, sizes[j]);
			IS_INT(wrong, 0,
			       "%s, in pages of %zu: in order, nothing twice, nothing else",
			       cases[i].name, sizes[j]);
			IS_INT(walk(CALLS_NEWER, &cases[i].filter, sizes[j], cases[i].number_part,
				    &wrong),
			       want, "%s, in pages of %zu, from the oldest on: all of it",
			       cases[i].name, sizes[j]);
			IS_INT(wrong, 0, "%s, in pages of %zu, from the oldest on: in order",
			       cases[i].name, sizes[j]);
		}
	}
}

/* What lies beyond a bound is not looked at: the page that is full with the last is the last. */
static void test_bounds(void)
{
	static const struct {
		const char *name;
		struct call_filter filter;
	} cases[] = {
		{ "from a time", { .from_ms = NOON + 50000 } },
		{ "up to a time", { .to_ms = NOON + 20000 } },
		{ "between", { .from_ms = NOON + 20000, .to_ms = NOON + 40000 } },
		{ "outbound, from a time",
		  { .direction = CALL_OUTBOUND, .from_ms = NOON + 50000 } },
		{ "pending, between",
		  { .has_group = true,
		    .group = RECORDING_GROUP_PENDING,
		    .from_ms = NOON + 20000,
		    .to_ms = NOON + 70000 } },
	};
	struct call_cursor start = { 0 };
	struct call_row rows[CALLS];
	struct call_page page;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		unsigned want = 0;

		for (unsigned n = 0; n < CALLS; n++)
			want += (has_direction(n) || group_of(n) != RECORDING_GROUP_NONE) &&
				wanted(&cases[i].filter, n, NULL);
		MUST(calls_list(ledger.writer, &cases[i].filter, &start, rows, want, &page, &err));
		OK(want > 0 && page.count == want && !page.more, "%s: %zu of %u on one page",
		   cases[i].name, page.count, want);
		MUST(calls_list_newer(ledger.writer, &cases[i].filter, &start, rows, want, &page,
				      &err));
		OK(page.count == want && !page.more, "%s: from the oldest on as well",
		   cases[i].name);
		if (want < 2)
			continue;
		MUST(calls_list(ledger.writer, &cases[i].filter, &start, rows, want - 1, &page,
				&err));
		OK(page.count == want - 1 && page.more, "%s: one less is not all", cases[i].name);
	}
}

static void test_one_call(void)
{
	char sid[SID_SIZE];
	struct call_filter filter = { .call_sid = sid_text("CA", 33, sid) };
	struct call_cursor start = { 0 };
	struct call_row row;
	struct call_page page;
	struct call call;

	MUST(calls_list(ledger.writer, &filter, &start, &row, 1, &page, &err));
	OK(page.count == 1 && !page.more, "by call SID: one");
	IS_STR(str_of(row.call.call_sid), filter.call_sid, "that one");
	filter.direction = CALL_OUTBOUND;
	MUST(calls_list(ledger.writer, &filter, &start, &row, 1, &page, &err));
	IS_INT(page.count, 0, "the other filters count too");
	filter = (struct call_filter){ .call_sid = filter.call_sid, .number = STR("4533") };
	MUST(calls_list(ledger.writer, &filter, &start, &row, 1, &page, &err));
	IS_INT(page.count, 1, "the number as well: it ends so");
	filter.number = STR("4534");
	MUST(calls_list(ledger.writer, &filter, &start, &row, 1, &page, &err));
	IS_INT(page.count, 0, "or not");
	MUST(calls_find(ledger.writer, filter.call_sid, &call, &err));
	OK(call.direction == CALL_INBOUND && call.status == CALL_IN_PROGRESS, "found by itself");
	filter = (struct call_filter){ .call_sid = filter.call_sid };
	OK(call_filter_passes(&filter, &call), "a filter of its SID lets it pass");
	filter.call_sid = STR("CA00000000000000000000000000000022");
	OK(!call_filter_passes(&filter, &call), "and of another does not");
	OK(!calls_find(ledger.writer, STR("CA-none"), &call, &err) && err.kind == ERR_NOT_FOUND,
	   "what is not there is ERR_NOT_FOUND");
	filter = (struct call_filter){ .number = STR("0-12") };
	OK(!calls_list(ledger.writer, &filter, &start, &row, 1, &page, &err) &&
		   err.kind == ERR_INVALID,
	   "two digits are too few");
}

/* Where recordings are kept for ever nothing expires. */
static void test_kept_for_ever(void)
{
	struct retention_rules for_ever = retention_rules_of(RETENTION_FOREVER);
	const struct retention_rules *const rules[] = { NULL, &for_ever };
	struct call_cursor start = { 0 };
	struct call_row rows[PAGE_MAX];
	struct call_page page;

	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		struct call_filter filter = { .fate = CALLS_EXPIRED, .retention = rules[i] };

		MUST(calls_list(ledger.writer, &filter, &start, rows, PAGE_MAX, &page, &err));
		OK(page.count == 0 && !page.more, "%zu: nothing has expired", i);
		filter.fate = CALLS_ON_THE_WAY;
		MUST(calls_list(ledger.writer, &filter, &start, rows, PAGE_MAX, &page, &err));
		OK(page.count == CALLS / 5, "%zu: all that is to come is on its way", i);
	}
}

/* A call that arrives between two pages neither repeats nor hides one. */
static void test_arrival_between_pages(void)
{
	struct call_filter filter = { 0 };
	struct call_cursor start = { 0 };
	struct call_row first[5], second[5];
	struct call_page page;
	struct event event;
	struct projection_result result;
	int64_t want;

	MUST(calls_list(ledger.writer, &filter, &start, first, 5, &page, &err));
	MUST(calls_list(ledger.writer, &filter, &page.next, second, 5, &page, &err));
	want = second[0].call.id;
	MUST(calls_list(ledger.writer, &filter, &start, first, 5, &page, &err));
	event_init(&event, EVENT_CALL_STATUS, NOON + 999000);
	event.call_sid = STR("CA-new");
	event.status = STR("ringing");
	ledger_append(&ledger, &event);
	ledger_project(&ledger, &result);
	MUST(calls_list(ledger.writer, &filter, &page.next, second, 5, &page, &err));
	IS_INT(second[0].call.id, want, "the second page begins where it would have");
	MUST(calls_list(ledger.writer, &filter, &start, first, 5, &page, &err));
	IS_STR(str_of(first[0].call.call_sid), STR("CA-new"), "the new one is on the first");
}

/* When the better start time is told late, list and number follow. */
static void test_start_moves(void)
{
	struct call_filter filter = { .number = STR("97239998877") };
	struct call_cursor start = { 0 };
	struct call_row rows[3];
	struct call_page page;
	struct event event;
	struct projection_result result;

	event_init(&event, EVENT_CALL_STATUS, NOON + 500000);
	event.call_sid = STR("CA-moves");
	event.status = STR("ringing");
	event.from = STR("+97239998877");
	event.to = STR("sip:100@10.20.30.40");
	ledger_append(&ledger, &event);
	ledger_project(&ledger, &result);
	event_init(&event, EVENT_CALL_FETCHED, NOON + 600000);
	event.call_sid = STR("CA-moves");
	event.started_at_ms = NOON - 5000;
	ledger_append(&ledger, &event);
	ledger_project(&ledger, &result);
	MUST(calls_list(ledger.writer, &filter, &start, rows, 3, &page, &err));
	IS_INT(page.count, 1, "found once by its number");
	IS_INT(rows[0].call.started_at_ms, NOON - 5000, "at the better time");
	filter = (struct call_filter){ .to_ms = NOON - 1000 };
	MUST(calls_list(ledger.writer, &filter, &start, rows, 3, &page, &err));
	IS_INT(page.count, 1, "and listed there");
}

/* Calls from numbers first .. end - 1 of those that end in 777. */
static void add_numbers(unsigned first, unsigned end)
{
	struct projection_result result;
	int64_t seq;

	MUST(catalog_begin(ledger.writer, &err));
	for (unsigned n = first; n < end; n++) {
		struct event event;
		char sid[SID_SIZE], number[32];

		event_init(&event, EVENT_CALL_STATUS, NOON - 100000 - n);
		event.call_sid = sid_text("CA", 1000 + n, sid);
		snprintf(number, sizeof(number), "+44%03u777", n);
		event.from = str_of(number);
		MUST(events_append(ledger.writer, &event, &seq, &err));
	}
	MUST(catalog_commit(ledger.writer, &err));
	ledger_project(&ledger, &result);
}

/* More numbers than are merged without a walk; the calls of all are found, page by page. */
static void test_many_numbers(enum call_side side)
{
	static const char *const parts[] = { "777", "4406", "9777", "44069" };
	struct call_row rows[CALLS_PAGE_MAX];

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		struct call_filter filter = { .number = str_of(parts[i]) };
		struct call_cursor cursor = { 0 }, last = { 0 };
		struct call_page page;
		unsigned found = 0, wrong = 0, want = 0;

		for (unsigned n = 0; n < 520; n++) {
			char number[32];

			snprintf(number, sizeof(number), "+44%03u777", n);
			want += strstr(number, parts[i]) != NULL;
		}
		do {
			read_page(side, &filter, &cursor, rows, 30, &page);
			for (size_t j = 0; j < page.count; j++, found++) {
				wrong += !is_beyond(side, &last, &rows[j].call) ||
					 !strstr(rows[j].call.from, parts[i]);
				last.started_at_ms = rows[j].call.started_at_ms;
				last.id = rows[j].call.id;
			}
			cursor = page.next;
		} while (page.more);
		IS_INT(found, want, "%s: each call once", parts[i]);
		IS_INT(wrong, 0, "%s: in order", parts[i]);
	}
}

/*
 * Two numbers that end alike: one with more outbound calls than a page looks at, one
 * with three inbound calls that are older than most of those, and a call between them.
 */
static void add_busy_numbers(void)
{
	struct event event;
	struct projection_result result;
	int64_t seq;

	MUST(catalog_begin(ledger.writer, &err));
	for (unsigned n = 0; n < 1203; n++) {
		char sid[SID_SIZE];
		bool is_inbound = n >= 1200;

		event_init(&event, EVENT_CALL_STATUS, NOON - 900000 - n);
		if (is_inbound)
			event.received_at_ms = NOON - 901100 - n * 7;
		event.call_sid = sid_text("CA", 5000 + n, sid);
		event.direction = is_inbound ? STR("inbound") : STR("outbound-api");
		event.from = is_inbound ? STR("+25558889999") : STR("+15558889999");
		if (n == 1202)
			event.to = STR("+15558889999");
		MUST(events_append(ledger.writer, &event, &seq, &err));
	}
	MUST(catalog_commit(ledger.writer, &err));
	ledger_project(&ledger, &result);
}

static void test_horizon(enum call_side side)
{
	struct call_filter filter = { .number = STR("8889999"), .direction = CALL_INBOUND };
	struct call_cursor cursor = { 0 };
	struct call_row rows[10];
	struct call_page page;
	struct call_cursor last = { 0 };
	unsigned found = 0, pages = 0, wrong = 0;

	do {
		read_page(side, &filter, &cursor, rows, 10, &page);
		for (size_t i = 0; i < page.count; i++, found++) {
			wrong += !is_beyond(side, &last, &rows[i].call);
			last.started_at_ms = rows[i].call.started_at_ms;
			last.id = rows[i].call.id;
		}
		cursor = page.next;
	} while (page.more && ++pages < 20);
	OK(pages > 0, "a page that looked at enough ends short, with a place to go on from");
	IS_INT(found, 3, "the pages together find each call once");
	IS_INT(wrong, 0, side == CALLS_OLDER ? "newest first" : "from the oldest on");
}

#define SPARSE \
	340 /* inbound calls of a number, 10 s apart: more than a page looks at of each of three */
#define DENSE   1000 /* calls of another, 1 ms apart, half of them at each end of that time */
#define INBOUND 50   /* one in so many of those */

static void append_uneven(unsigned n, const char *from, int64_t ago_ms, bool is_inbound)
{
	struct event event;
	char sid[SID_SIZE];
	int64_t seq;

	event_init(&event, EVENT_CALL_STATUS, NOON - 5000000 - ago_ms);
	event.call_sid = sid_text("CA", n, sid);
	event.from = str_of(from);
	event.direction = is_inbound ? STR("inbound") : STR("outbound-api");
	MUST(events_append(ledger.writer, &event, &seq, &err));
}

/* Three numbers that end alike: of the one in the middle a page sees a moment, of the others an hour. */
static void add_uneven_numbers(void)
{
	struct projection_result result;

	MUST(catalog_begin(ledger.writer, &err));
	for (unsigned n = 0; n < SPARSE; n++) {
		append_uneven(7000 + n, "+14443333111", n * INT64_C(10000), true);
		append_uneven(8000 + n, "+34443333111", n * INT64_C(10000), true);
	}
	for (unsigned n = 0; n < DENSE; n++)
		append_uneven(9000 + n, "+24443333111",
			      n < DENSE / 2 ? n : SPARSE * INT64_C(10000) - DENSE + n,
			      n % INBOUND == 0);
	MUST(catalog_commit(ledger.writer, &err));
	ledger_project(&ledger, &result);
}

/* Beyond the last call that was read of any of them nothing is shown yet, whichever was read last. */
static void test_uneven_numbers(enum call_side side)
{
	struct call_filter filter = { .number = STR("4443333111"), .direction = CALL_INBOUND };
	struct call_cursor cursor = { 0 }, last = { 0 };
	struct call_row rows[10];
	struct call_page page;
	unsigned found = 0, wrong = 0;

	do {
		read_page(side, &filter, &cursor, rows, ARRAY_LEN(rows), &page);
		for (size_t i = 0; i < page.count; i++, found++) {
			wrong += !is_beyond(side, &last, &rows[i].call);
			last.started_at_ms = rows[i].call.started_at_ms;
			last.id = rows[i].call.id;
		}
		cursor = page.next;
	} while (page.more && found < 1000);
	IS_INT(found, 2 * SPARSE + DENSE / INBOUND, "each call of uneven numbers once");
	IS_INT(wrong, 0, side == CALLS_OLDER ? "newest first" : "from the oldest on");
}

/* Nobody is sent on to a page with nothing on it. */
static void test_all_on_a_page(enum call_side side)
{
	static const struct {
		const char *part;
		enum call_direction direction;
		size_t size, count;
		bool more;
	} cases[] = {
		{ "44400777", CALL_DIRECTION_UNKNOWN, 10, 1, false },
		{ "4444477", CALL_DIRECTION_UNKNOWN, 1, 1, false },
		{ "25558889999", CALL_INBOUND, 10, 3, false },
		{ "25558889999", CALL_DIRECTION_UNKNOWN, 3, 3, false },
		{ "25558889999", CALL_DIRECTION_UNKNOWN, 2, 2, true },
		{ "25558889999", CALL_OUTBOUND, 10, 0, false },
		{ "4443333111", CALL_DIRECTION_UNKNOWN, PAGE_MAX, PAGE_MAX, true },
	};
	struct call_row rows[PAGE_MAX];
	struct call_cursor start = { 0 };
	struct call_page page;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct call_filter filter = { .number = str_of(cases[i].part),
					      .direction = cases[i].direction };

		read_page(side, &filter, &start, rows, cases[i].size, &page);
		IS_INT(page.count, cases[i].count, "%s: on a page of %zu", cases[i].part,
		       cases[i].size);
		IS_INT(page.more, cases[i].more, "%s: whether there is more", cases[i].part);
	}
}

/* Each statement searches an index and neither scans a table nor sorts more than pages. */
static void test_plans(enum call_side side)
{
	static const struct {
		const char *name, *index;
		struct call_filter filter;
		bool sorts;
	} cases[] = {
		{ "all", "calls_by_time", { 0 }, false },
		{ "direction", "calls_by_direction", { .direction = CALL_INBOUND }, false },
		{ "group", "calls_by_group", { .has_group = true }, true },
		{ "group and direction",
		  "calls_by_group",
		  { .has_group = true, .direction = CALL_INBOUND },
		  true },
		{ "held", "calls_by_group", { .fate = CALLS_HELD }, true },
		{ "held and direction",
		  "calls_by_group",
		  { .fate = CALLS_HELD, .direction = CALL_INBOUND },
		  true },
		{ "expired", "calls_by_group", { .fate = CALLS_EXPIRED, KEPT }, true },
		{ "on the way", "calls_by_group", { .fate = CALLS_ON_THE_WAY, KEPT }, true },
		{ "call SID", "autoindex_calls", { .call_sid = STR("CA") }, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct str plan =
			plan_of(catalog_db(ledger.writer), calls_list_sql(side, &cases[i].filter));
		const char *index = on_postgres() && !strcmp(cases[i].index, "autoindex_calls")
					    ? "calls_call_sid_key"
					    : cases[i].index;

		OK(plan_has(plan, index) && (on_postgres() || plan_has(plan, "SEARCH c ")),
		   "%s: searches %s", cases[i].name, index);
		OK(!plan_has(plan, "SCAN c") && !plan_has(plan, "SCAN r") &&
			   !plan_has(plan, "Seq Scan") && !plan_has(plan, "Gather"),
		   "%s: scans no table", cases[i].name);
		IS_INT(plan_has(plan, "TEMP B-TREE") || plan_has(plan, "Sort"), cases[i].sorts,
		       "%s: sorts only where ranges are merged", cases[i].name);
		if (!plan_has(plan, index))
			printf("# %.*s\n", STR_ARG(plan));
	}
}

int main(void)
{
	kept = retention_rules_of(NOW - EDGE);
	ledger_open(&ledger);
	fill();
	test_filters();
	test_kept_for_ever();
	test_bounds();
	test_one_call();
	test_arrival_between_pages();
	test_start_moves();
	add_numbers(0, 520);
	test_many_numbers(CALLS_OLDER);
	test_many_numbers(CALLS_NEWER);
	add_busy_numbers();
	test_horizon(CALLS_OLDER);
	test_horizon(CALLS_NEWER);
	add_uneven_numbers();
	test_uneven_numbers(CALLS_OLDER);
	test_uneven_numbers(CALLS_NEWER);
	test_all_on_a_page(CALLS_OLDER);
	test_all_on_a_page(CALLS_NEWER);
	test_plans(CALLS_OLDER);
	test_plans(CALLS_NEWER);
	ledger_remove(&ledger);
	return tap_end();
}
