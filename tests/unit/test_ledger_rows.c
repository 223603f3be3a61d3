#include "rebuild/ledger_rows.h"

#include "catalog/catalog_sql.h"
#include "catalog/recordings.h"
#include "ledger_fixture.h"
#include "tap.h"

#include <fcntl.h>
#include <string.h>

#define CALLS    400
#define LONG_RAW 20000 /* over several pages */

static struct err err;

struct seen {
	struct ledger_rows_taker taker;
	unsigned events, by_looks, long_raws, wrong;
	bool calls[CALLS];
};

static bool take(struct ledger_rows_taker *taker, const struct ledger_row *row, struct err *why)
{
	struct seen *seen = container_of(taker, struct seen, taker);
	struct str raw = ledger_row_text(row, 22);
	uint64_t n;

	if (row->table == LEDGER_CALLS) {
		/* Its SID ends with its number, in decimal. */
		if (!str_to_u64(str_after(ledger_row_text(row, 1), 24), &n) || n >= CALLS)
			seen->wrong++;
		else
			seen->calls[n] = true;
	}
	if (row->table != LEDGER_EVENTS)
		return true;
	seen->events++;
	seen->by_looks += row->is_by_looks;
	seen->long_raws += raw.len == LONG_RAW && raw.at[0] == 'r' && raw.at[LONG_RAW - 1] == 'r';
	return true;
}

static struct ledger_rows_counts read_all(const char *path, struct seen *seen)
{
	AUTO(ledger_pages_free) struct ledger_pages *pages = NULL;
	struct ledger_rows_counts counts;

	memset(seen, 0, sizeof(*seen));
	seen->taker.take = take;
	MUST(ledger_pages_open(path, &pages, &err));
	MUST(ledger_rows_read(pages, &seen->taker, &counts, &err));
	return counts;
}

static unsigned calls_of(const struct seen *seen)
{
	unsigned count = 0;

	for (size_t i = 0; i < CALLS; i++)
		count += seen->calls[i];
	return count;
}

static void append(struct ledger *ledger, unsigned from, unsigned to)
{
	static char raw[LONG_RAW];
	int64_t seq;

	memset(raw, 'r', sizeof(raw));
	MUST(catalog_begin(ledger->writer, &err));
	for (unsigned n = from; n < to; n++) {
		char call_sid[SID_SIZE];
		struct event event;

		snprintf(call_sid, sizeof(call_sid), "CA%032u", n);
		event_init(&event, EVENT_CALL_STATUS, 1700000000000 + n);
		event.call_sid = str_of(call_sid);
		event.status = STR("completed");
		event.from = STR("+15550001111");
		if (n % 50 == 0)
			event.raw = (struct str){ raw, sizeof(raw) };
		MUST(events_append(ledger->writer, &event, &seq, &err));
	}
	MUST(catalog_commit(ledger->writer, &err));
}

static off_t size_of(const char *path)
{
	struct stat about;

	return stat(path, &about) == 0 ? about.st_size : 0;
}

static void overwrite(const char *path, off_t at, const void *bytes, size_t len)
{
	AUTO(close) int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || pwrite(fd, bytes, len, at) != (ssize_t)len)
		exit(1);
}

/* The file's bytes; the caller frees them. */
static uint8_t *bytes_of(const char *path, size_t *out_size)
{
	AUTO(close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t size = (size_t)size_of(path);
	uint8_t *bytes = xcalloc(1, size + 1);

	if (fd < 0 || pread(fd, bytes, size, 0) != (ssize_t)size)
		exit(1);
	*out_size = size;
	return bytes;
}

#define LOG_HEAD       32
#define FRAME_HEAD     24
#define FRAME_CHECKSUM 16 /* within its head */

/* Where the checksum of the frame lies that was written last: behind it the log may hold frames of before a checkpoint. */
static off_t last_checksum(const uint8_t *before, size_t before_size, const uint8_t *now,
			   size_t size)
{
	size_t frame = FRAME_HEAD + 4096;

	while (size > LOG_HEAD && size <= before_size && now[size - 1] == before[size - 1])
		size--;
	return (off_t)(LOG_HEAD + (size - 1 - LOG_HEAD) / frame * frame + FRAME_CHECKSUM);
}

/* Half of the events are in the file, half in its log; the last of these frames is torn. */
static void test_log(struct ledger *ledger)
{
	AUTO(free) char *log = xasprintf("%s-wal", ledger->path);
	AUTO(free) uint8_t *before = NULL;
	AUTO(free) uint8_t *now = NULL;
	size_t before_size, size;
	struct projection_result result;
	struct seen seen;
	int64_t left;

	append(ledger, 0, CALLS / 2);
	ledger_project(ledger, &result);
	MUST(catalog_checkpoint(ledger->writer, &left, &err));
	append(ledger, CALLS / 2, CALLS);
	ledger_project(ledger, &result);
	OK(size_of(log) > 0, "there is a log");
	OK(read_all(ledger->path, &seen).has_schema, "the schema is read");
	IS_INT(seen.events, CALLS, "all events, of the file and of its log");
	IS_INT(seen.long_raws, CALLS / 50, "those that are longer than a page, whole");
	IS_INT(calls_of(&seen), CALLS, "and calls");
	IS_INT(seen.by_looks + seen.wrong, 0, "on the way from the root");

	before = bytes_of(log, &before_size);
	append(ledger, 0, 1);
	read_all(ledger->path, &seen);
	IS_INT(seen.events, CALLS + 1, "one more");
	now = bytes_of(log, &size);
	overwrite(log, last_checksum(before, before_size, now, size), "torn", 4);
	read_all(ledger->path, &seen);
	IS_INT(seen.events, CALLS, "a transaction that is torn did not happen");
}

/* Of each table a row that is one, and the columns without which it is none: numbers, and texts that must say something. */
static const struct {
	enum ledger_table table;
	const char *name, *columns, *values, *numbers, *texts;
} kinds[] = {
	{ LEDGER_EVENTS, "events", "kind, received_at_ms, recording_sid",
	  "1, 1, printf('RE%032x', 7)", "kind received_at_ms", "recording_sid" },
	{ LEDGER_CALLS, "calls",
	  "id, call_sid, status, direction, started_at_ms, started_rank, is_main_fixed, recording_group, "
	  "recordings, changed_seq",
	  "1, printf('CA%032x', 7), 1, 1, 1, 1, 0, 0, 1, 1", "status direction started_at_ms",
	  "call_sid" },
	{ LEDGER_RECORDINGS, "recordings",
	  "id, recording_sid, state, upstream, is_held, is_duration_off, channels_wanted, tries, changed_seq",
	  "1, printf('RE%032x', 7), 1, 1, 0, 0, 2, 0, 1", "state upstream is_held",
	  "recording_sid" },
	{ LEDGER_ATTEMPTS, "attempts", "recording_id, began_at_ms", "1, 1",
	  "recording_id began_at_ms", "" },
	{ LEDGER_USERS, "users", "id, source, name, role, is_disabled, made_at_ms, changed_seq",
	  "1, 1, 'dana', 1, 0, 0, 1", "id source role", "name" },
	{ LEDGER_CREDENTIALS, "credentials",
	  "id, kind, name, hash, rights, made_at_ms, plays, plays_max, options, changed_seq",
	  "1, 1, 'abcdefgh', printf('%064x', 7), 0, 0, 0, 0, 0, 1", "id kind", "name hash" },
	{ LEDGER_AUDIT, "audit", "chain, seq, at_ms, kind, mac", "1, 1, 0, 'x', printf('%064x', 7)",
	  "chain seq at_ms", "kind mac" },
	{ LEDGER_AUDIT_CHAINS, "audit_chains", "chain, key_id, began_at_ms, pruned_seq",
	  "1, 'k', 0, 0", "chain began_at_ms pruned_seq", "key_id" },
	{ LEDGER_STORE_FAULTS, "store_faults",
	  "path, kind, state, generation, found_at_ms, seen_at_ms, ended_at_ms, reason",
	  "'a', 1, 1, 0, 0, 0, 0, ''", "kind state generation found_at_ms seen_at_ms ended_at_ms",
	  "path" },
	{ LEDGER_UPKEEP, "upkeep", "name, at_ms, count, detail", "'x', 1, 1, ''", "at_ms count",
	  "name" },
	{ LEDGER_TURNS, "turns", "seq, at_ms, watermark, counts", "1000000, 1, 0, ''",
	  "at_ms watermark", "" },
};

static uint64_t broken; /* of the rows that were read last */

/* How many rows of the table are offered when it has that one alone, with `value` in that column. */
static uint64_t offered(struct ledger *ledger, size_t kind, struct str column, const char *value)
{
	AUTO(free)
	char *sql = xasprintf("DELETE FROM %s; INSERT INTO %s (%s) VALUES (%s)", kinds[kind].name,
			      kinds[kind].name, kinds[kind].columns, kinds[kind].values);
	AUTO(free)
	char *damage =
		xasprintf("UPDATE %s SET %.*s = %s", kinds[kind].name, STR_ARG(column), value);
	struct ledger_rows_counts counts;
	struct seen seen;

	MUST(catalog_begin(ledger->writer, &err));
	MUST(db_exec(catalog_db(ledger->writer), sql, &err));
	if (column.len > 0)
		MUST(db_exec(catalog_db(ledger->writer), damage, &err));
	MUST(catalog_commit(ledger->writer, &err));
	counts = read_all(ledger->path, &seen);
	broken = counts.broken;
	return counts.rows[kinds[kind].table];
}

static void test_kind(struct ledger *ledger, size_t kind)
{
	struct str numbers = str_of(kinds[kind].numbers), texts = str_of(kinds[kind].texts), column;

	uint64_t before;

	IS_INT(offered(ledger, kind, STR(""), ""), 1, "%s: a row is offered", kinds[kind].name);
	before = broken;
	while (str_cut(&numbers, ' ', &column))
		OK(offered(ledger, kind, column, "'x'") == 0 && broken == before + 1,
		   "%s: none whose %.*s is a text: it is broken", kinds[kind].name,
		   STR_ARG(column));
	while (texts.len > 0 && str_cut(&texts, ' ', &column))
		OK(offered(ledger, kind, column, "''") == 0 && broken == before + 1,
		   "%s: none whose %.*s is empty: it is broken", kinds[kind].name, STR_ARG(column));
}

/* As version 1 of the schema made them: with no column that was added since, and none less. */
static void test_older_rows(struct ledger *ledger)
{
	MUST(db_exec(catalog_db(ledger->writer),
		     "ALTER TABLE events DROP COLUMN request_id; "
		     "ALTER TABLE events DROP COLUMN stream; "
		     "DROP INDEX calls_by_ask; ALTER TABLE calls DROP COLUMN ask_at_ms",
		     &err));
	IS_INT(offered(ledger, 0, STR(""), ""), 1, "an event of before");
	IS_INT(offered(ledger, 1, STR(""), ""), 1, "a call of before");
	MUST(db_exec(catalog_db(ledger->writer), "ALTER TABLE events DROP COLUMN raw", &err));
	IS_INT(offered(ledger, 0, STR(""), ""), 0, "with a column less it is none");
}

static void test_kinds(void)
{
	struct ledger ledger;

	ledger_open(&ledger);
	MUST(db_exec(catalog_db(ledger.writer),
		     "PRAGMA foreign_keys = off; PRAGMA synchronous = off", &err));
	for (size_t kind = 0; kind < ARRAY_LEN(kinds); kind++)
		test_kind(&ledger, kind);
	test_older_rows(&ledger);
	ledger_remove(&ledger);
}

/* ---- what stands in a row ---- */

/* A number of each length, and the least and most of it; as rowids those that are above 0. */
static const int64_t numbers[] = {
	0,
	1,
	2,
	-1,
	127,
	128,
	-128,
	-129,
	16383,
	16384,
	32767,
	32768,
	-32768,
	-32769,
	2097151,
	2097152,
	8388607,
	8388608,
	-8388608,
	-8388609,
	268435455,
	268435456,
	2147483647,
	2147483648,
	-2147483648,
	-2147483649,
	34359738367,
	34359738368,
	140737488355327,
	140737488355328,
	-140737488355328,
	-140737488355329,
	(INT64_C(1) << 56) - 1,
	INT64_C(1) << 56,
	INT64_MAX,
	INT64_MIN,
};

#define LENGTHS_FROM 3900 /* of a body: somewhere behind it no longer fits on the page of its row */
#define LENGTHS_TO   4100
#define LENGTHS_MORE 13000 /* and so many bytes more take up pages of their own */

struct cells_seen {
	struct ledger_rows_taker taker;
	unsigned numbers, bodies, wrong;
};

static bool is_pattern(struct str bytes)
{
	for (size_t i = 0; i < bytes.len; i++)
		if (bytes.at[i] != "abc"[i % 3])
			return false;
	return true;
}

/* Its body is as long as its status says, in decimal. */
static bool is_body(const struct ledger_row *row)
{
	uint64_t len;

	return row->cells[22].type == CELL_BYTES && str_to_u64(ledger_row_text(row, 7), &len) &&
	       row->cells[22].bytes.len == len && is_pattern(row->cells[22].bytes);
}

static bool take_cells(struct ledger_rows_taker *taker, const struct ledger_row *row,
		       struct err *why)
{
	struct cells_seen *seen = container_of(taker, struct cells_seen, taker);

	if (row->table != LEDGER_EVENTS)
		return true;
	if (row->cells[7].type == CELL_TEXT) {
		seen->bodies++;
		seen->wrong += !is_body(row);
		return true;
	}
	/* The same number twice, beside one that is none, a real one, and an empty body. */
	seen->numbers++;
	seen->wrong += ledger_row_int(row, 2) != ledger_row_int(row, 15) ||
		       row->cells[17].type != CELL_NULL || row->cells[18].type != CELL_REAL ||
		       row->cells[22].type != CELL_BYTES || row->cells[22].bytes.len != 0 ||
		       (ledger_row_int(row, 2) > 0 && ledger_row_int(row, 2) != row->id) ||
		       ledger_row_int(row, 22) != 0 || ledger_row_text(row, 2).len != 0 ||
		       ledger_row_int(row, LEDGER_CELLS_MAX) != 0;
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		if (numbers[i] == ledger_row_int(row, 2))
			return true;
	seen->wrong++;
	return true;
}

static void test_cells(void)
{
	struct cells_seen seen = { .taker.take = take_cells };
	AUTO(ledger_pages_free) struct ledger_pages *pages = NULL;
	struct ledger_rows_counts counts;
	struct ledger ledger;

	ledger_open(&ledger);
	MUST(db_exec(catalog_db(ledger.writer), "PRAGMA synchronous = off", &err));
	MUST(catalog_begin(ledger.writer, &err));
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		AUTO(free)
		char *sql = xasprintf(
			"INSERT INTO events (seq, kind, received_at_ms, recording_sid, "
			"sequence_number, duration_s, raw) VALUES (%" PRId64 ", 1, %" PRId64
			" - %d, printf('RE%%032x', 7), %" PRId64 " - %d, 1.5, x'')",
			numbers[i] > 0 ? numbers[i] : (int64_t)(1000000 + i),
			numbers[i] == INT64_MIN ? INT64_MIN + 1 : numbers[i],
			numbers[i] == INT64_MIN,
			numbers[i] == INT64_MIN ? INT64_MIN + 1 : numbers[i],
			numbers[i] == INT64_MIN);

		MUST(db_exec(catalog_db(ledger.writer), sql, &err));
	}
	for (unsigned len = LENGTHS_FROM; len < LENGTHS_TO; len++) {
		AUTO(free)
		char *sql =
			xasprintf("INSERT INTO events (seq, kind, received_at_ms, recording_sid, "
				  "status, raw) VALUES (%u, 1, 1, printf('RE%%032x', 7), '%u', "
				  "CAST(substr(replace(hex(zeroblob(9000)), '00', 'abc'), 1, %u) "
				  "AS BLOB))",
				  2000000 + len, len % 2 ? len : len + LENGTHS_MORE,
				  len % 2 ? len : len + LENGTHS_MORE);

		MUST(db_exec(catalog_db(ledger.writer), sql, &err));
	}
	MUST(catalog_commit(ledger.writer, &err));
	MUST(ledger_pages_open(ledger.path, &pages, &err));
	MUST(ledger_rows_read(pages, &seen.taker, &counts, &err));
	IS_INT(seen.numbers, ARRAY_LEN(numbers), "numbers of every length");
	IS_INT(seen.bodies, LENGTHS_TO - LENGTHS_FROM,
	       "bodies that fit on a page, just so, no longer, and not on three");
	IS_INT(seen.wrong, 0, "all of them as they were written");
	OK(counts.broken == 0 && counts.damaged == 0 &&
		   counts.rows[LEDGER_EVENTS] == seen.numbers + seen.bodies,
	   "and none is broken");
	IS_INT(counts.pages, ledger_pages_count(pages), "of all pages");
	ledger_remove(&ledger);
}

static bool take_first(struct ledger_rows_taker *taker, const struct ledger_row *row,
		       struct err *why)
{
	struct cells_seen *seen = container_of(taker, struct cells_seen, taker);

	seen->numbers++;
	return err_set(why, ERR_UNAVAILABLE, "no further");
}

/* Who takes rows may end it, wherever they are found. */
static void test_ended(const char *path)
{
	struct cells_seen seen = { .taker.take = take_first };
	AUTO(ledger_pages_free) struct ledger_pages *pages = NULL;
	struct ledger_rows_counts counts;

	MUST(ledger_pages_open(path, &pages, &err));
	OK(!ledger_rows_read(pages, &seen.taker, &counts, &err) && err.kind == ERR_UNAVAILABLE,
	   "who takes rows ends it: %s", err.text);
	IS_INT(seen.numbers, 1, "and is offered no other");
}

static uint32_t below(uint64_t *state, uint32_t n)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((*state >> 33) % n);
}

/* Everything in the file: without its head, and without the pages above the rows. */
static void test_damage(const char *path)
{
	static uint8_t page[4096];
	struct ledger_rows_counts counts;
	AUTO(ledger_pages_free) struct ledger_pages *pages = NULL;
	struct seen seen;
	unsigned inner = 0;

	MUST(ledger_pages_open(path, &pages, &err));
	for (uint32_t n = 2; n <= ledger_pages_count(pages); n++) {
		if (!ledger_pages_read(pages, n, page) || page[0] != 0x05)
			continue;
		memset(page, 0xa5, sizeof(page));
		overwrite(path, (off_t)(n - 1) * 4096, page, sizeof(page));
		inner++;
	}
	OK(inner > 0, "there are pages above the rows");
	counts = read_all(path, &seen);
	IS_INT(seen.events, CALLS + 1, "without them all events are found by their looks");
	OK(seen.by_looks > 0 && counts.damaged >= inner, "which is told");
	memset(page, 0, sizeof(page));
	overwrite(path, 0, page, sizeof(page));
	counts = read_all(path, &seen);
	OK(!counts.has_schema, "without the first page the roots are not known");
	IS_INT(seen.events, CALLS + 1, "and all events are found");
	IS_INT(calls_of(&seen), CALLS, "and all calls");
}

/* Whatever stands there: nothing is read that is not there (the sanitizers see to it). */
static void test_garbage(const char *path)
{
	uint64_t state = 7;
	struct seen seen;

	for (unsigned round = 0; round < 200; round++) {
		for (unsigned i = 0; i < 50; i++) {
			uint8_t byte = (uint8_t)below(&state, 256);

			overwrite(path, below(&state, (uint32_t)size_of(path)), &byte, 1);
		}
		read_all(path, &seen);
	}
	OK(calls_of(&seen) > 0, "something is found still: %u calls, %u events", calls_of(&seen),
	   seen.events);
}

int main(void)
{
	AUTO(ledger_pages_free) struct ledger_pages *none = NULL;
	struct ledger ledger;
	int64_t left;

	test_kinds();
	test_cells();
	ledger_open(&ledger);
	test_log(&ledger);
	/* It remembers the frame that was torn under it, and moves that one, too: as no other would. */
	MUST(catalog_checkpoint(ledger.writer, &left, &err));
	catalog_free(TAKE(ledger.writer));
	test_ended(ledger.path);
	test_damage(ledger.path);
	test_ended(ledger.path);
	test_garbage(ledger.path);
	OK(!ledger_pages_open("/nowhere/ledger.db", &none, &err) && err.kind == ERR_NOT_FOUND,
	   "where there is none: %s", err.text);
	ledger_remove(&ledger);
	return tap_end();
}
