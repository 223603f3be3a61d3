/* Any bytes as a ledger: rows are read or passed over, and what is offered lies in what was read. */
#include "rebuild/ledger_rows.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char path[] = "/tmp/callspool-fuzz.XXXXXX";

static void remove_file(void)
{
	unlink(path);
}

static int open_file(void)
{
	static int fd = -1;

	if (fd >= 0)
		return fd;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0 || atexit(remove_file) != 0)
		abort();
	return fd;
}

/* Each byte is touched, for a sanitizer to look at. */
static volatile unsigned sum;

static bool take(struct ledger_rows_taker *taker, const struct ledger_row *row, struct err *err)
{
	if (row->table >= LEDGER_TABLES || row->count > LEDGER_CELLS_MAX)
		abort();
	for (size_t i = 0; i < row->count; i++) {
		struct str text = ledger_row_text(row, i);

		for (size_t at = 0; at < text.len; at++)
			sum += (uint8_t)text.at[at];
	}
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(ledger_pages_free) struct ledger_pages *pages = NULL;
	struct ledger_rows_taker taker = { .take = take };
	struct ledger_rows_counts counts;
	int fd = open_file();
	struct err err;

	if (pwrite(fd, data, size, 0) != (ssize_t)size || ftruncate(fd, (off_t)size) < 0)
		abort();
	if (!ledger_pages_open(path, &pages, &err) ||
	    !ledger_rows_read(pages, &taker, &counts, &err))
		abort();
	return 0;
}
