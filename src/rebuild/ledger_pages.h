/*
 * The pages of an SQLite file, damaged or not, as it and its log have them, without SQLite: which gives up
 * at the first page that is not as it should be.
 *
 * Where the log (-wal) holds a page that was committed, its last version counts, as it would to SQLite: frames are taken up to
 * the first whose checksum is wrong.
 *
 * One thread; blocks.  The files are only read.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/own.h"

#include <stdbool.h>
#include <stdint.h>

struct ledger_pages;

/* `path`: of the file; its log is looked for beside it.  ERR_NOT_FOUND: there is no such file. */
bool ledger_pages_open(const char *path, struct ledger_pages **out, struct err *err) MUST_CHECK;
void ledger_pages_free(struct ledger_pages *pages); /* NULL does nothing */
DEFINE_AUTO(struct ledger_pages *, ledger_pages_free)

/* Where the header says nothing of use it is 4096, which is what we make. */
uint32_t ledger_pages_size(const struct ledger_pages *pages);
uint32_t ledger_pages_usable(const struct ledger_pages *pages); /* of a page */
uint32_t ledger_pages_count(const struct ledger_pages *pages);
/* Pages count from 1; `to` has room for one.  False: it cannot be read. */
bool ledger_pages_read(struct ledger_pages *pages, uint32_t number, uint8_t *to) MUST_CHECK;
