/* What a row of a damaged ledger tells, and which of its numbers cannot be. */
#include "rebuild/old_rows.h"

#include "catalog/events.h"
#include "rebuild/old_numbers.h"
#include "tap.h"

#include <string.h>

#define NOON      INT64_C(1700000000000)
#define TIME_MOST INT64_C(4102444800000) /* 2100 */
#define TOLD_FROM INT64_C(1199145600000) /* 2008 */
#define SECONDS   (INT64_C(1) << 31)
#define COUNT     (INT64_C(1) << 40)

static struct ledger_row row;

static void begin(enum ledger_table table, size_t count)
{
	memset(&row, 0, sizeof(row));
	row.table = table;
	row.id = 4711;
	row.count = count;
}

static void put_int(size_t column, int64_t number)
{
	row.cells[column].type = CELL_INT;
	row.cells[column].number = number;
}

static void put_text(size_t column, const char *text)
{
	row.cells[column].type = CELL_TEXT;
	row.cells[column].bytes = str_of(text);
}

/* Each column tells its own number: what is read of another one is seen. */
static void number_all(enum ledger_table table, size_t count)
{
	begin(table, count);
	for (size_t i = 0; i < count; i++)
		put_int(i, (int64_t)i);
}

/* ---- recordings ---- */

#define RECORDING_COLUMNS 50

#define TEXT_AT(column, member)                                         \
	{                                                               \
		column, offsetof(struct old_recording, member), #member \
	}

static void test_recording_texts(void)
{
	static const struct {
		size_t column, at;
		const char *name;
	} texts[] = {
		TEXT_AT(1, recording_sid), TEXT_AT(3, call_sid),     TEXT_AT(4, account_sid),
		TEXT_AT(14, source),       TEXT_AT(15, track),       TEXT_AT(16, url),
		TEXT_AT(17, encryption),   TEXT_AT(23, reason_code), TEXT_AT(30, format),
		TEXT_AT(31, sha256),       TEXT_AT(32, path),        TEXT_AT(44, hold_by),
		TEXT_AT(46, hold_reason),
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct old_recording old;

		begin(LEDGER_RECORDINGS, RECORDING_COLUMNS);
		put_text(texts[i].column, "words");
		old_recording_read(&row, &old);
		for (size_t n = 0; n < ARRAY_LEN(texts); n++) {
			const struct str *text =
				(const struct str *)((const char *)&old + texts[n].at);

			IS_STR(*text, i == n ? STR("words") : STR(""), "column %zu tells of %s",
			       texts[i].column, texts[n].name);
		}
	}
}

#define NUMBER_AT(column, member) column, offsetof(struct old_recording, member), #member

static void test_recording_numbers(void)
{
	static const struct {
		size_t column, at;
		const char *name;
		int64_t told, read;
	} cases[] = {
		{ NUMBER_AT(6, upstream), -7, -7 },
		{ NUMBER_AT(6, upstream), 3, 3 },
		{ NUMBER_AT(9, started_at_ms), TOLD_FROM - 1, 0 },
		{ NUMBER_AT(9, started_at_ms), TOLD_FROM, TOLD_FROM },
		{ NUMBER_AT(9, started_at_ms), TIME_MOST, TIME_MOST },
		{ NUMBER_AT(9, started_at_ms), TIME_MOST + 1, 0 },
		{ NUMBER_AT(10, completed_at_ms), -1, 0 },
		{ NUMBER_AT(10, completed_at_ms), 1, 1 },
		{ NUMBER_AT(10, completed_at_ms), TIME_MOST, TIME_MOST },
		{ NUMBER_AT(10, completed_at_ms), TIME_MOST + 1, 0 },
		{ NUMBER_AT(11, duration_s), -2, EVENT_UNKNOWN },
		{ NUMBER_AT(11, duration_s), 0, 0 },
		{ NUMBER_AT(11, duration_s), SECONDS, SECONDS },
		{ NUMBER_AT(11, duration_s), SECONDS + 1, EVENT_UNKNOWN },
		{ NUMBER_AT(12, channels), -1, 0 },
		{ NUMBER_AT(12, channels), 1, 1 },
		{ NUMBER_AT(12, channels), 255, 255 },
		{ NUMBER_AT(12, channels), 256, 0 },
		{ NUMBER_AT(13, error_code), -1, 0 },
		{ NUMBER_AT(13, error_code), SECONDS, SECONDS },
		{ NUMBER_AT(13, error_code), SECONDS + 1, 0 },
		{ NUMBER_AT(25, generation), 99, 99 },
		{ NUMBER_AT(26, generation_at_ms), NOON, NOON },
		{ NUMBER_AT(26, generation_at_ms), TIME_MOST + 1, 0 },
		{ NUMBER_AT(27, size), -1, 0 },
		{ NUMBER_AT(27, size), COUNT, COUNT },
		{ NUMBER_AT(27, size), COUNT + 1, 0 },
		{ NUMBER_AT(28, duration_ms), 1000 * SECONDS, 1000 * SECONDS },
		{ NUMBER_AT(28, duration_ms), 1000 * SECONDS + 1, 0 },
		{ NUMBER_AT(29, channels_stored), 255, 255 },
		{ NUMBER_AT(29, channels_stored), 256, 0 },
		{ NUMBER_AT(33, stored_at_ms), NOON, NOON },
		{ NUMBER_AT(33, stored_at_ms), -NOON, 0 },
		{ NUMBER_AT(34, removed_at_ms), NOON, NOON },
		{ NUMBER_AT(34, removed_at_ms), TIME_MOST + 1, 0 },
		{ NUMBER_AT(45, hold_since_ms), NOON, NOON },
		{ NUMBER_AT(45, hold_since_ms), TIME_MOST + 1, 0 },
		{ NUMBER_AT(49, upstream_copy), 2, 2 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct old_recording old;
		const int64_t *read = (const int64_t *)((const char *)&old + cases[i].at);

		begin(LEDGER_RECORDINGS, RECORDING_COLUMNS);
		put_int(cases[i].column, cases[i].told);
		old_recording_read(&row, &old);
		IS_INT(*read, cases[i].read, "%s of %" PRId64, cases[i].name, cases[i].told);
	}
}

static void test_recording_states(void)
{
	static const struct {
		const char *name;
		int64_t state, is_held, is_duration_off;
		int64_t read;
		bool read_held, read_off;
	} cases[] = {
		{ "below the first state", -1, 0, 0, RECORDING_STATES, false, false },
		{ "the first state, and a hold", 0, 1, 0, 0, true, false },
		{ "the last state, and a duration that is off", RECORDING_STATES - 1, 0, 1,
		  RECORDING_STATES - 1, false, true },
		{ "beyond the last state", RECORDING_STATES, 2, 2, RECORDING_STATES, false, false },
		{ "far beyond", INT64_C(1) << 32, -1, -1, RECORDING_STATES, false, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct old_recording old;

		begin(LEDGER_RECORDINGS, RECORDING_COLUMNS);
		put_int(5, cases[i].state);
		put_int(7, cases[i].is_held);
		put_int(8, cases[i].is_duration_off);
		old_recording_read(&row, &old);
		IS_INT(old.state, cases[i].read, "%s: its state", cases[i].name);
		OK(old.is_held == cases[i].read_held && old.is_duration_off == cases[i].read_off,
		   "%s: its flags", cases[i].name);
	}
}

/* A row of before the columns were added, and one whose cells are of another type. */
static void test_recording_untold(void)
{
	struct old_recording old;

	begin(LEDGER_RECORDINGS, 11);
	put_int(11, 60);
	put_int(27, 1000);
	put_text(32, "00/x");
	old_recording_read(&row, &old);
	OK(old.duration_s == EVENT_UNKNOWN && old.size == 0 && old.path.len == 0,
	   "what stands behind its last column is not its own");
	begin(LEDGER_RECORDINGS, RECORDING_COLUMNS);
	put_text(11, "60");
	put_text(27, "1000");
	put_int(32, 1);
	old_recording_read(&row, &old);
	OK(old.duration_s == EVENT_UNKNOWN && old.size == 0 && old.path.len == 0,
	   "nor is what is of another type");
}

/* ---- calls ---- */

static void test_call(void)
{
	struct old_call old;

	begin(LEDGER_CALLS, 18);
	put_text(1, "sid");
	put_text(2, "parent");
	put_text(3, "account");
	put_int(4, CALL_RINGING);
	put_text(6, "inbound");
	put_text(7, "from");
	put_text(8, "to");
	put_int(9, NOON);
	put_int(11, NOON + 1);
	put_int(12, 60);
	put_int(13, 17);
	put_int(14, 1);
	put_int(16, 2);
	old_call_read(&row, &old);
	IS_STR(old.call_sid, STR("sid"), "whose it is");
	IS_STR(old.parent_call_sid, STR("parent"), "the one that it belongs to");
	IS_STR(old.account_sid, STR("account"), "its account");
	IS_STR(old.direction, STR("inbound"), "its direction");
	IS_STR(old.from, STR("from"), "who called");
	IS_STR(old.to, STR("to"), "who was called");
	IS_INT(old.status, CALL_RINGING, "its status");
	IS_INT(old.started_at_ms, NOON, "when it began");
	IS_INT(old.ended_at_ms, NOON + 1, "when it ended");
	IS_INT(old.duration_s, 60, "how long it took");
	IS_INT(old.main_id, 17, "which recording its address means");
	IS_INT(old.recordings, 2, "how many it has");
	put_int(9, TIME_MOST + 1);
	put_int(11, -1);
	put_int(12, SECONDS + 1);
	old_call_read(&row, &old);
	OK(old.started_at_ms == 0 && old.ended_at_ms == 0 && old.duration_s == EVENT_UNKNOWN,
	   "what cannot be is not told");
}

static void test_call_status(void)
{
	static const struct {
		int64_t told;
		enum call_status read;
	} cases[] = {
		{ -1, CALL_STATUS_UNKNOWN },
		{ 0, CALL_STATUS_UNKNOWN },
		{ 1, CALL_STATUS_UNKNOWN },
		{ CALL_QUEUED, CALL_QUEUED },
		{ CALL_IN_PROGRESS + 1, CALL_STATUS_UNKNOWN },
		{ CALL_CANCELED, CALL_CANCELED },
		{ CALL_COMPLETED, CALL_COMPLETED },
		{ CALL_COMPLETED + 1, CALL_STATUS_UNKNOWN },
		{ (INT64_C(1) << 32) + CALL_COMPLETED, CALL_STATUS_UNKNOWN },
	};
	static const struct {
		const char *name;
		int64_t is_fixed, main_id;
	} mains[] = {
		{ "that is not fixed is of none yet", 0, 0 },
		{ "that is fixed is told", 1, 17 },
		{ "of which a byte was written over is of none", 2, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct old_call old;

		begin(LEDGER_CALLS, 18);
		put_int(4, cases[i].told);
		old_call_read(&row, &old);
		IS_INT(old.status, cases[i].read, "status %" PRId64 " of a call", cases[i].told);
	}
	for (size_t i = 0; i < ARRAY_LEN(mains); i++) {
		struct old_call old;

		begin(LEDGER_CALLS, 18);
		put_int(13, 17);
		put_int(14, mains[i].is_fixed);
		old_call_read(&row, &old);
		IS_INT(old.main_id, mains[i].main_id, "a main recording %s", mains[i].name);
	}
}

/* ---- numbers that were given ---- */

static void test_row_numbers(void)
{
	static const struct {
		const char *name;
		enum ledger_table table;
		int64_t numbers[OLD_ROW_NUMBERS];
	} cases[] = {
		{ "a recording: its own, its generation's, its change's",
		  LEDGER_RECORDINGS,
		  { 4711, 25, 35 } },
		{ "a call: its own, its change's", LEDGER_CALLS, { 4711, 17, 0 } },
		{ "an attempt: its own", LEDGER_ATTEMPTS, { 4711, 0, 0 } },
		{ "a turn: its own", LEDGER_TURNS, { 4711, 0, 0 } },
		{ "a user: its first column", LEDGER_USERS, { 1000, 0, 0 } },
		{ "a credential: its first column", LEDGER_CREDENTIALS, { 1000, 0, 0 } },
		{ "an entry of the audit: its first column", LEDGER_AUDIT, { 1000, 0, 0 } },
		{ "a chain: its first column", LEDGER_AUDIT_CHAINS, { 1000, 0, 0 } },
		{ "an event: none of the sequence", LEDGER_EVENTS, { 0, 0, 0 } },
		{ "a fault: none", LEDGER_STORE_FAULTS, { 0, 0, 0 } },
		{ "a chore: none", LEDGER_UPKEEP, { 0, 0, 0 } },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t numbers[OLD_ROW_NUMBERS] = { 7, 7, 7 };

		number_all(cases[i].table, RECORDING_COLUMNS);
		put_int(0, 1000);
		old_row_numbers(&row, numbers);
		OK(memcmp(numbers, cases[i].numbers, sizeof(numbers)) == 0,
		   "%s: %" PRId64 ", %" PRId64 ", %" PRId64, cases[i].name, numbers[0], numbers[1],
		   numbers[2]);
	}
}

/* ---- rows that are put as they were ---- */

#define HIGHEST 1000
#define VALUES  21

static const enum rescue_table events = RESCUE_EVENTS, users = RESCUE_USERS,
			       credentials = RESCUE_CREDENTIALS, audit = RESCUE_AUDIT,
			       chains = RESCUE_AUDIT_CHAINS;

enum then { STAYS, IS_NONE, IS_NULL, IS_ZERO };

static void check_bound(enum rescue_table table, size_t column, int64_t number, enum then then)
{
	struct rescue_value values[VALUES] = { 0 };
	bool is_row;

	values[column] = (struct rescue_value){ .type = RESCUE_INT, .number = number };
	is_row = old_values_bound(table, values, VALUES, HIGHEST);
	OK(is_row == (then != IS_NONE), "table %d, column %zu: %" PRId64 " makes %s row",
	   (int)table, column, number, is_row ? "a" : "no");
	if (then == IS_NONE)
		return;
	IS_INT(values[column].type, then == IS_NULL ? RESCUE_NULL : RESCUE_INT,
	       "... of which it is %s", then == IS_NULL ? "unknown" : "a number");
	IS_INT(values[column].number, then == STAYS ? number : 0, "... %s",
	       then == STAYS ? "as it was" : "none");
}

static void test_bounds(void)
{
	static const struct {
		const enum rescue_table *table;
		size_t column;
		int64_t least, most;
		enum then then;
	} cases[] = {
		{ &events, 1, 1, EVENT_RECORDING_ADOPTED, IS_NONE },
		{ &events, 2, 1, TIME_MOST, IS_ZERO },
		{ &events, 15, 0, COUNT, IS_NULL },
		{ &events, 16, TOLD_FROM, TIME_MOST, IS_NULL },
		{ &events, 17, TOLD_FROM, TIME_MOST, IS_NULL },
		{ &events, 18, 0, SECONDS, IS_NULL },
		{ &events, 19, 0, 255, IS_NULL },
		{ &events, 20, 0, SECONDS, IS_NULL },
		{ &users, 0, 1, HIGHEST, IS_NONE },
		{ &users, 1, 0, 1, IS_NONE },
		{ &users, 4, 0, 15, IS_NONE },
		{ &users, 6, 0, 1, IS_NONE },
		{ &users, 7, 0, TIME_MOST, IS_NONE },
		{ &users, 8, 0, TIME_MOST, IS_NULL },
		{ &users, 9, 0, HIGHEST, IS_ZERO },
		{ &credentials, 0, 1, HIGHEST, IS_NONE },
		{ &credentials, 4, 0, HIGHEST, IS_NONE },
		{ &credentials, 5, 0, HIGHEST, IS_NONE },
		{ &credentials, 6, 0, 65535, IS_NONE },
		{ &credentials, 10, 0, HIGHEST, IS_NULL },
		{ &credentials, 11, 0, TIME_MOST, IS_NONE },
		{ &credentials, 12, 0, TIME_MOST, IS_NULL },
		{ &credentials, 13, 0, TIME_MOST, IS_NONE },
		{ &credentials, 14, 0, TIME_MOST, IS_NONE },
		{ &credentials, 15, 0, COUNT, IS_NONE },
		{ &credentials, 16, 0, COUNT, IS_NONE },
		{ &credentials, 17, 0, SECONDS, IS_NONE },
		{ &credentials, 20, 0, HIGHEST, IS_ZERO },
		{ &audit, 0, 1, HIGHEST, IS_NONE },
		{ &audit, 1, 1, COUNT, IS_NONE },
		{ &chains, 0, 1, HIGHEST, IS_NONE },
		{ &chains, 3, 0, COUNT, IS_NONE },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		enum rescue_table table = *cases[i].table;

		check_bound(table, cases[i].column, cases[i].least - 1, cases[i].then);
		check_bound(table, cases[i].column, cases[i].least, STAYS);
		check_bound(table, cases[i].column, cases[i].most, STAYS);
		check_bound(table, cases[i].column, cases[i].most + 1, cases[i].then);
	}
}

static void test_unbounded(void)
{
	struct rescue_value values[VALUES] = { 0 };

	values[1] = (struct rescue_value){ .type = RESCUE_TEXT, .number = -1 };
	OK(old_values_bound(RESCUE_EVENTS, values, VALUES, HIGHEST) &&
		   values[1].type == RESCUE_TEXT && values[1].number == -1,
	   "a text is no number");
	values[1] = (struct rescue_value){ .type = RESCUE_INT, .number = 1 };
	values[2] = (struct rescue_value){ .type = RESCUE_INT, .number = -1 };
	OK(old_values_bound(RESCUE_EVENTS, values, 2, HIGHEST) && values[2].number == -1,
	   "what stands behind the last column is not looked at");
	OK(old_values_bound(RESCUE_EVENTS, values, 3, HIGHEST) && values[2].number == 0,
	   "but the last column is");
	values[2] = (struct rescue_value){ .type = RESCUE_INT, .number = -1 };
	OK(old_values_bound(RESCUE_AUDIT_CHAINS, values, VALUES, HIGHEST) && values[2].number == -1,
	   "nor is a column that is of no number in this table");
	/* The first is unknown, and the second still makes it none. */
	values[15] = (struct rescue_value){ .type = RESCUE_INT, .number = -1 };
	values[1].number = 0;
	OK(!old_values_bound(RESCUE_EVENTS, values, VALUES, HIGHEST), "one is enough");
}

/* ---- of chores ---- */

static void begin_fault(int64_t kind, int64_t state)
{
	begin(LEDGER_STORE_FAULTS, 10);
	put_text(0, "00/file");
	put_int(1, kind);
	put_int(2, state);
	put_text(3, "call");
	put_text(4, "recording");
	put_int(5, 9);
	put_int(7, NOON);
	put_text(9, "why");
}

static void test_fault(void)
{
	static const struct {
		const char *name;
		int64_t kind, state;
		bool is_read;
	} cases[] = {
		{ "the first of both", 0, 0, true },
		{ "the last kind that is a loss", STORE_FAULT_UNREADABLE, 0, true },
		{ "a kind that is none", STORE_FAULT_UNKNOWN, 0, false },
		{ "no kind", STORE_FAULT_KINDS, 0, false },
		{ "below the first kind", -1, 0, false },
		{ "a kind of which a high byte was written over", INT64_C(1) << 32, 0, false },
		{ "the last state", 0, STORE_FAULT_STATES - 1, true },
		{ "no state", 0, STORE_FAULT_STATES, false },
		{ "below the first state", 0, -1, false },
		{ "a state of which a high byte was written over", 0, INT64_C(1) << 32, false },
	};
	struct store_fault fault;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		bool is_read;

		begin_fault(cases[i].kind, cases[i].state);
		is_read = old_fault_read(&row, &fault);
		OK(is_read == cases[i].is_read, "a fault: %s", cases[i].name);
		if (is_read)
			OK((int64_t)fault.kind == cases[i].kind &&
				   (int64_t)fault.state == cases[i].state,
			   "... as it was");
	}
	begin_fault(0, 0);
	OK(old_fault_read(&row, &fault), "a fault is read");
	IS_STR(str_of(fault.path), STR("00/file"), "its file");
	IS_STR(str_of(fault.call_sid), STR("call"), "its call");
	IS_STR(str_of(fault.recording_sid), STR("recording"), "its recording");
	IS_STR(str_of(fault.reason), STR("why"), "why it stays");
	IS_INT(fault.generation, 9, "its generation");
	IS_INT(fault.seen_at_ms, NOON, "when it was seen");
	put_int(5, OLD_NUMBER_MOST);
	put_int(7, TIME_MOST + 1);
	OK(old_fault_read(&row, &fault) && fault.generation == OLD_NUMBER_MOST &&
		   fault.seen_at_ms == 0,
	   "the highest generation, and no instant");
	put_int(5, OLD_NUMBER_MOST + 1);
	OK(old_fault_read(&row, &fault) && fault.generation == 0, "beyond it there is none");
}

static void test_instants(void)
{
	number_all(LEDGER_UPKEEP, 4);
	IS_INT(old_upkeep_at_ms(&row), 1, "an instant of chores");
	IS_INT(old_event_received_ms(&row), 2, "when an event came");
	put_int(1, TIME_MOST + 1);
	put_int(2, TIME_MOST + 1);
	OK(old_upkeep_at_ms(&row) == 0 && old_event_received_ms(&row) == 0, "none that cannot be");
}

int main(void)
{
	test_recording_texts();
	test_recording_numbers();
	test_recording_states();
	test_recording_untold();
	test_call();
	test_call_status();
	test_row_numbers();
	test_bounds();
	test_unbounded();
	test_fault();
	test_instants();
	return tap_end();
}
