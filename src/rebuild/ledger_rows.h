/*
 * The rows that can still be read of a damaged ledger: of every page that holds rows of a table, of each row that makes sense.
 *
 * Which table a page belongs to is told by the way from the table's root; where a page on that way is damaged, by what
 * its rows look like.  So a row may be offered that was deleted, if the page was not wiped when it was given up (we have SQLite do
 * that, but a ledger may be older): who takes rows says which tables he takes on looks alone.  Of users and credentials none is
 * offered of a page that is on the list of free ones.
 *
 * Rows on the way from the root come first.  One thread; blocks.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/str.h"
#include "rebuild/ledger_pages.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ledger_table {
	LEDGER_EVENTS,
	LEDGER_CALLS,
	LEDGER_RECORDINGS,
	LEDGER_ATTEMPTS,
	LEDGER_USERS,
	LEDGER_CREDENTIALS,
	LEDGER_AUDIT,
	LEDGER_AUDIT_CHAINS,
	LEDGER_TURNS,
	LEDGER_STORE_FAULTS,
	LEDGER_UPKEEP,
	LEDGER_TABLES,
};

#define LEDGER_CELLS_MAX 96

struct ledger_cell {
	enum { CELL_NULL, CELL_INT, CELL_REAL, CELL_TEXT, CELL_BYTES } type;
	int64_t number;   /* CELL_INT */
	struct str bytes; /* CELL_TEXT (UTF-8 as it stands there), CELL_BYTES */
};

struct ledger_row {
	enum ledger_table table;
	int64_t id; /* the rowid, which is what an INTEGER PRIMARY KEY says */
	bool is_by_looks;
	size_t count; /* columns added later are missing in older rows */
	struct ledger_cell cells[LEDGER_CELLS_MAX];
};

/* 0, and "", where it is not there or of another type. */
int64_t ledger_row_int(const struct ledger_row *row, size_t column);
struct str ledger_row_text(const struct ledger_row *row, size_t column);

struct ledger_rows_counts {
	uint32_t pages, damaged;      /* of the file; damaged: no kind of page, or cannot be read */
	uint64_t rows[LEDGER_TABLES]; /* offered */
	uint64_t broken;              /* rows of which some bytes are not there */
	bool has_schema;              /* the tables' roots are known */
};

struct ledger_rows_taker {
	/* What it borrows is good until it returns.  False: it ends with err. */
	bool (*take)(struct ledger_rows_taker *taker, const struct ledger_row *row,
		     struct err *err);
};

bool ledger_rows_read(struct ledger_pages *pages, struct ledger_rows_taker *taker,
		      struct ledger_rows_counts *out, struct err *err) MUST_CHECK;
