#include "rebuild/ledger_rows.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

#define LEAF        0x0d
#define INNER       0x05
#define INDEX_LEAF  0x0a
#define INDEX_INNER 0x02
#define ROW_BYTES   (1024 * 1024) /* the longest row that we write is a webhook's body */
#define DEPTH_MOST  20
#define NO_TABLE    LEDGER_TABLES
#define FILE_MAGIC  "SQLite format 3"
#define FREE_AT     32 /* in the first page: the first page of the list of free ones */

struct reading {
	struct ledger_pages *pages;
	struct ledger_rows_taker *taker;
	struct ledger_rows_counts counts;
	uint32_t size, usable, count;
	uint8_t *seen; /* a bit a page: its rows were offered, or it is none of ours */
	uint8_t *free; /* a bit a page: it is on the list of those that were given up */
	uint8_t *page[DEPTH_MOST + 1];
	uint8_t *overflow; /* a page */
	uint8_t *payload;
	struct ledger_row row;
};

static const char *const table_names[LEDGER_TABLES] = {
	[LEDGER_EVENTS] = "events",         [LEDGER_CALLS] = "calls",
	[LEDGER_RECORDINGS] = "recordings", [LEDGER_ATTEMPTS] = "attempts",
	[LEDGER_USERS] = "users",           [LEDGER_CREDENTIALS] = "credentials",
	[LEDGER_AUDIT] = "audit",           [LEDGER_AUDIT_CHAINS] = "audit_chains",
	[LEDGER_TURNS] = "turns",           [LEDGER_STORE_FAULTS] = "store_faults",
	[LEDGER_UPKEEP] = "upkeep",
};

static uint32_t be16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

static uint32_t be32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Moves *at on; false: it does not end before `end`. */
static bool read_varint(const uint8_t **at, const uint8_t *end, uint64_t *out)
{
	uint64_t value = 0;

	for (int i = 0; i < 9; i++) {
		if (*at == end)
			return false;
		if (i == 8) {
			*out = value << 8 | *(*at)++;
			return true;
		}
		value = value << 7 | (**at & 0x7f);
		if (!(*(*at)++ & 0x80)) {
			*out = value;
			return true;
		}
	}
	return false;
}

/* ---- a record ---- */

static const uint8_t int_bytes[] = { 0, 1, 2, 3, 4, 6, 8 };

static uint64_t cell_bytes(uint64_t serial)
{
	if (serial < ARRAY_LEN(int_bytes))
		return int_bytes[serial];
	if (serial == 7)
		return 8;
	return serial >= 12 ? (serial - 12) / 2 : 0;
}

static int64_t read_int(const uint8_t *at, size_t len)
{
	uint64_t value = len > 0 && (at[0] & 0x80) ? UINT64_MAX : 0;

	for (size_t i = 0; i < len; i++)
		value = value << 8 | at[i];
	return (int64_t)value;
}

static bool read_cell(uint64_t serial, const uint8_t *at, struct ledger_cell *out)
{
	size_t len = (size_t)cell_bytes(serial);

	*out = (struct ledger_cell){ .type = CELL_NULL };
	if (serial == 0)
		return true;
	if (serial == 10 || serial == 11)
		return false;
	if (serial == 7) {
		out->type = CELL_REAL;
	} else if (serial < 12) {
		out->type = CELL_INT;
		out->number = serial == 9 ? 1 : read_int(at, len);
	} else {
		out->type = serial & 1 ? CELL_TEXT : CELL_BYTES;
		out->bytes = (struct str){ (const char *)at, len };
	}
	return true;
}

static bool read_record(const uint8_t *at, size_t len, struct ledger_row *out)
{
	const uint8_t *end = at + len, *head = at, *body;
	uint64_t head_len, serial;

	if (!read_varint(&head, end, &head_len) || head_len > len)
		return false;
	body = at + head_len;
	for (out->count = 0; head < at + head_len; out->count++) {
		if (out->count == LEDGER_CELLS_MAX || !read_varint(&head, at + head_len, &serial) ||
		    cell_bytes(serial) > (uint64_t)(end - body) ||
		    !read_cell(serial, body, &out->cells[out->count]))
			return false;
		body += cell_bytes(serial);
	}
	return body == end && out->count > 0;
}

/* ---- a row on a page ---- */

/* How much of a payload stands on the page itself. */
static uint64_t local_bytes(const struct reading *reading, uint64_t len)
{
	uint64_t most = reading->usable - 35, least = (reading->usable - 12) * 32 / 255 - 23, local;

	if (len <= most)
		return len;
	local = least + (len - least) % (reading->usable - 4);
	return local <= most ? local : least;
}

static bool read_overflow(struct reading *reading, uint32_t number, uint64_t done, uint64_t len)
{
	while (done < len) {
		uint64_t part = reading->usable - 4;

		if (number == 0 || number > reading->count ||
		    !ledger_pages_read(reading->pages, number, reading->overflow))
			return false;
		/* One of the chain was taken for something else meanwhile, or by another. */
		part = part < len - done ? part : len - done;
		memcpy(reading->payload + done, reading->overflow + 4, part);
		number = be32(reading->overflow);
		done += part;
	}
	return number == 0;
}

static bool read_row(struct reading *reading, const uint8_t *page, uint32_t at,
		     struct ledger_row *out)
{
	const uint8_t *from = page + at, *end = page + reading->usable;
	uint64_t len, id, local;

	if (!read_varint(&from, end, &len) || !read_varint(&from, end, &id) || len == 0 ||
	    len > ROW_BYTES)
		return false;
	out->id = (int64_t)id;
	local = local_bytes(reading, len);
	if (local > (uint64_t)(end - from))
		return false;
	if (local == len)
		return read_record(from, len, out);
	if ((uint64_t)(end - from) < local + 4)
		return false;
	memcpy(reading->payload, from, local);
	return read_overflow(reading, be32(from + local), local, len) &&
	       read_record(reading->payload, len, out);
}

/* ---- looks ---- */

int64_t ledger_row_int(const struct ledger_row *row, size_t column)
{
	return column < row->count && row->cells[column].type == CELL_INT
		       ? row->cells[column].number
		       : 0;
}

struct str ledger_row_text(const struct ledger_row *row, size_t column)
{
	return column < row->count && (row->cells[column].type == CELL_TEXT ||
				       row->cells[column].type == CELL_BYTES)
		       ? row->cells[column].bytes
		       : STR("");
}

static bool is_sid(struct str text, char a, char b)
{
	if (text.len != 34 || text.at[0] != a || text.at[1] != b)
		return false;
	for (size_t i = 2; i < text.len; i++)
		if (ascii_hex_value(text.at[i]) < 0)
			return false;
	return true;
}

static bool is_int(const struct ledger_row *row, size_t column)
{
	return column < row->count && row->cells[column].type == CELL_INT;
}

static bool is_null(const struct ledger_row *row, size_t column)
{
	return column < row->count && row->cells[column].type == CELL_NULL;
}

static bool is_hex(const struct ledger_row *row, size_t column, size_t len)
{
	struct str text = ledger_row_text(row, column);

	if (text.len != len)
		return false;
	for (size_t i = 0; i < len; i++)
		if (ascii_hex_value(text.at[i]) < 0)
			return false;
	return true;
}

/* Texts are UTF-8 (events_append() sees to it): what is none is a row of garbage. */
static bool has_good_texts(const struct ledger_row *row)
{
	for (size_t i = 0; i < row->count; i++)
		if (row->cells[i].type == CELL_TEXT && !utf8_is_valid(row->cells[i].bytes))
			return false;
	return true;
}

/* Does the row fit the table?  Of each column that is looked at it is known since version 1 of the schema where it stands. */
static bool fits(const struct ledger_row *row, enum ledger_table table)
{
	if (!has_good_texts(row))
		return false;
	switch (table) {
	case LEDGER_EVENTS:
		return row->count >= 23 && is_null(row, 0) && is_int(row, 1) && is_int(row, 2) &&
		       row->id > 0 &&
		       (is_sid(ledger_row_text(row, 4), 'C', 'A') ||
			is_sid(ledger_row_text(row, 6), 'R', 'E'));
	case LEDGER_CALLS:
		return row->count >= 18 && is_null(row, 0) &&
		       is_sid(ledger_row_text(row, 1), 'C', 'A') && is_int(row, 4) &&
		       is_int(row, 5) && is_int(row, 9);
	case LEDGER_RECORDINGS:
		return row->count >= 36 && is_null(row, 0) &&
		       is_sid(ledger_row_text(row, 1), 'R', 'E') && is_int(row, 5) &&
		       is_int(row, 6) && is_int(row, 7);
	case LEDGER_ATTEMPTS:
		return row->count >= 10 && row->count < 18 && is_null(row, 0) && is_int(row, 1) &&
		       is_int(row, 2);
	case LEDGER_USERS:
		return row->count >= 10 && is_int(row, 0) && is_int(row, 1) &&
		       ledger_row_text(row, 2).len > 0 && is_int(row, 4);
	case LEDGER_CREDENTIALS:
		return row->count >= 21 && is_int(row, 0) && is_int(row, 1) &&
		       ledger_row_text(row, 2).len == 8 && is_hex(row, 3, 64);
	case LEDGER_AUDIT:
		return row->count >= 14 && is_int(row, 0) && is_int(row, 1) && is_int(row, 2) &&
		       ledger_row_text(row, 3).len > 0 && is_hex(row, 13, 64);
	case LEDGER_AUDIT_CHAINS:
		return row->count >= 5 && is_int(row, 0) && ledger_row_text(row, 1).len > 0 &&
		       is_int(row, 2) && is_int(row, 3);
	case LEDGER_TURNS:
		return row->count >= 4 && is_null(row, 0) && is_int(row, 1) && is_int(row, 2);
	case LEDGER_STORE_FAULTS:
		return row->count >= 10 && ledger_row_text(row, 0).len > 0 && is_int(row, 1) &&
		       is_int(row, 2) && is_int(row, 5) && is_int(row, 6) && is_int(row, 7) &&
		       is_int(row, 8);
	case LEDGER_UPKEEP:
		return row->count >= 4 && ledger_row_text(row, 0).len > 0 && is_int(row, 1) &&
		       is_int(row, 2);
	case LEDGER_TABLES:
		break;
	}
	return false;
}

/* Only what is unmistakable: turns and attempts are numbers, that could be anything. */
static enum ledger_table guess(const struct ledger_row *row)
{
	static const enum ledger_table tables[] = { LEDGER_EVENTS, LEDGER_RECORDINGS, LEDGER_CALLS,
						    LEDGER_CREDENTIALS, LEDGER_AUDIT };
	struct str name = ledger_row_text(row, 0);

	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		if (fits(row, tables[i]))
			return tables[i];
	/* The hash of a password, or none yet: a name and a role alone are too little. */
	if (row->count == 10 && fits(row, LEDGER_USERS) &&
	    str_starts(ledger_row_text(row, 5), STR("$argon2")))
		return LEDGER_USERS;
	/* The path of a file in the store. */
	if (row->count == 10 && name.len > 3 && name.at[2] == '/' &&
	    fits(row, LEDGER_STORE_FAULTS) && is_sid(ledger_row_text(row, 4), 'R', 'E'))
		return LEDGER_STORE_FAULTS;
	if (row->count == 4 && str_eq(name, STR("clock")) && fits(row, LEDGER_UPKEEP))
		return LEDGER_UPKEEP;
	return NO_TABLE;
}

/* ---- pages ---- */

static bool is_in(const uint8_t *pages, uint32_t number)
{
	return pages[number / 8] & (1 << number % 8);
}

static void put_in(uint8_t *pages, uint32_t number)
{
	pages[number / 8] |= (uint8_t)(1 << number % 8);
}

static bool is_seen(const struct reading *reading, uint32_t number)
{
	return is_in(reading->seen, number);
}

static void mark_seen(struct reading *reading, uint32_t number)
{
	put_in(reading->seen, number);
}

static const uint8_t *head_of(const uint8_t *page, uint32_t number)
{
	return page + (number == 1 ? 100 : 0);
}

/* The page's cells: how many, and where; 0 where that makes no sense. */
static uint32_t cells_of(const struct reading *reading, const uint8_t *page, uint32_t number,
			 const uint8_t **out_places)
{
	const uint8_t *head = head_of(page, number);
	uint32_t head_len = head[0] == INNER ? 12 : 8, count = be16(head + 3);

	*out_places = head + head_len;
	return (size_t)(*out_places - page) + 2 * (size_t)count <= reading->usable ? count : 0;
}

static bool offer(struct reading *reading, enum ledger_table table, bool is_by_looks,
		  struct err *err)
{
	reading->row.table = table;
	reading->row.is_by_looks = is_by_looks;
	reading->counts.rows[table]++;
	return reading->taker->take(reading->taker, &reading->row, err);
}

/* What was removed there must not come back from a page that was given up and not wiped. */
static bool gives_access(enum ledger_table table)
{
	return table == LEDGER_USERS || table == LEDGER_CREDENTIALS;
}

/* table: NO_TABLE where the way to the page is not known. */
static bool read_leaf(struct reading *reading, const uint8_t *page, uint32_t number,
		      enum ledger_table table, struct err *err)
{
	const uint8_t *places;
	uint32_t count = cells_of(reading, page, number, &places);

	for (uint32_t i = 0; i < count; i++) {
		uint32_t at = be16(places + 2 * (size_t)i);
		enum ledger_table found;

		if (at >= reading->usable || !read_row(reading, page, at, &reading->row)) {
			reading->counts.broken++;
			continue;
		}
		found = table == NO_TABLE ? guess(&reading->row) : table;
		if (found == NO_TABLE || (gives_access(found) && is_in(reading->free, number)))
			continue;
		if (table != NO_TABLE && !fits(&reading->row, table)) {
			reading->counts.broken++;
			continue;
		}
		if (!offer(reading, found, table == NO_TABLE, err))
			return false;
	}
	return true;
}

static bool walk(struct reading *reading, uint32_t number, enum ledger_table table, unsigned depth,
		 struct err *err)
{
	uint8_t *page = reading->page[depth];
	const uint8_t *head = head_of(page, number), *places;
	uint32_t count, child;

	if (depth == DEPTH_MOST || number == 0 || number > reading->count ||
	    is_seen(reading, number) || !ledger_pages_read(reading->pages, number, page))
		return true;
	if (head[0] == LEAF) {
		mark_seen(reading, number);
		return read_leaf(reading, page, number, table, err);
	}
	if (head[0] != INNER)
		return true;
	mark_seen(reading, number);
	count = cells_of(reading, page, number, &places);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t at = be16(places + 2 * (size_t)i);

		if (at + 4 > reading->usable)
			continue;
		child = be32(page + at);
		if (!walk(reading, child, table, depth + 1, err))
			return false;
	}
	return walk(reading, be32(head + 8), table, depth + 1, err);
}

/* ---- the schema ---- */

struct roots {
	uint32_t of[LEDGER_TABLES];
};

static void note_root(struct reading *reading, struct roots *roots, const struct ledger_row *row)
{
	int64_t root = ledger_row_int(row, 3);

	if (row->count < 5 || root <= 1 || root > reading->count)
		return;
	if (!str_eq(ledger_row_text(row, 0), STR("table")))
		return;
	for (enum ledger_table table = 0; table < LEDGER_TABLES; table++)
		if (str_eq(ledger_row_text(row, 1), str_of(table_names[table])))
			roots->of[table] = (uint32_t)root;
}

/* The b-tree of page 1 is told as leaves and, once there are many tables, one level above. */
static void read_roots(struct reading *reading, uint32_t number, struct roots *roots,
		       unsigned depth)
{
	uint8_t *page = reading->page[depth];
	const uint8_t *head = head_of(page, number), *places;
	uint32_t count;

	if (depth == DEPTH_MOST || number == 0 || number > reading->count ||
	    is_seen(reading, number) || !ledger_pages_read(reading->pages, number, page) ||
	    (head[0] != LEAF && head[0] != INNER))
		return;
	mark_seen(reading, number);
	count = cells_of(reading, page, number, &places);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t at = be16(places + 2 * (size_t)i);

		if (head[0] == INNER && at + 4 <= reading->usable)
			read_roots(reading, be32(page + at), roots, depth + 1);
		else if (head[0] == LEAF && at < reading->usable &&
			 read_row(reading, page, at, &reading->row))
			note_root(reading, roots, &reading->row);
	}
	if (head[0] == INNER)
		read_roots(reading, be32(head + 8), roots, depth + 1);
}

/* ---- pages that were given up ---- */

/* As far as their list is whole; it names no page twice. */
static void read_free(struct reading *reading)
{
	uint8_t *page = reading->page[0];
	uint32_t trunk, count;

	if (!ledger_pages_read(reading->pages, 1, page) ||
	    memcmp(page, FILE_MAGIC, sizeof(FILE_MAGIC)) != 0)
		return;
	for (trunk = be32(page + FREE_AT);
	     trunk > 0 && trunk <= reading->count && !is_in(reading->free, trunk);
	     trunk = be32(page)) {
		put_in(reading->free, trunk);
		if (!ledger_pages_read(reading->pages, trunk, page))
			return;
		count = be32(page + 4);
		for (uint32_t i = 0; i < count && 8 + 4 * i + 4 <= reading->usable; i++) {
			uint32_t number = be32(page + 8 + 4 * i);

			if (number > 0 && number <= reading->count)
				put_in(reading->free, number);
		}
	}
}

/* ---- the whole ---- */

static bool is_empty(const uint8_t *page, uint32_t size)
{
	for (uint32_t i = 0; i < size; i++)
		if (page[i] != 0)
			return false;
	return true;
}

/* Pages of indexes, of overflow and of the list of free ones tell nothing by themselves; only the first can be told from damage. */
static bool is_known_kind(uint8_t kind)
{
	return kind == LEAF || kind == INNER || kind == INDEX_LEAF || kind == INDEX_INNER;
}

static bool read_rest(struct reading *reading, struct err *err)
{
	uint8_t *page = reading->page[0];

	for (uint32_t number = 1; number <= reading->count; number++) {
		const uint8_t *head = head_of(page, number);

		if (is_seen(reading, number))
			continue;
		if (!ledger_pages_read(reading->pages, number, page)) {
			reading->counts.damaged++;
			continue;
		}
		if (!is_known_kind(head[0]) && !is_empty(page, reading->size) &&
		    be32(page) > reading->count)
			reading->counts.damaged++;
		if (head[0] == LEAF && !read_leaf(reading, page, number, NO_TABLE, err))
			return false;
	}
	return true;
}

static bool read_all(struct reading *reading, struct err *err)
{
	struct roots roots = { .of = { 0 } };

	read_free(reading);
	read_roots(reading, 1, &roots, 0);
	for (enum ledger_table table = 0; table < LEDGER_TABLES; table++) {
		reading->counts.has_schema |= roots.of[table] != 0;
		if (!walk(reading, roots.of[table], table, 0, err))
			return false;
	}
	return read_rest(reading, err);
}

bool ledger_rows_read(struct ledger_pages *pages, struct ledger_rows_taker *taker,
		      struct ledger_rows_counts *out, struct err *err)
{
	struct reading *reading = xcalloc(1, sizeof(*reading));
	bool good;

	reading->pages = pages;
	reading->taker = taker;
	reading->size = ledger_pages_size(pages);
	reading->usable = ledger_pages_usable(pages);
	reading->count = ledger_pages_count(pages);
	reading->counts.pages = reading->count;
	reading->seen = xcalloc(1, reading->count / 8 + 1);
	for (unsigned i = 0; i <= DEPTH_MOST; i++)
		reading->page[i] = xmalloc(reading->size);
	reading->free = xcalloc(1, reading->count / 8 + 1);
	reading->overflow = xmalloc(reading->size);
	reading->payload = xmalloc(ROW_BYTES);
	good = read_all(reading, err);
	*out = reading->counts;
	for (unsigned i = 0; i <= DEPTH_MOST; i++)
		free(reading->page[i]);
	free(reading->overflow);
	free(reading->payload);
	free(reading->seen);
	free(reading->free);
	free(reading);
	return good;
}
