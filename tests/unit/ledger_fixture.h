/*
 * A ledger of its own (test_database.h), for the tests of catalog and of what uses it.
 * Whatever fails here ends the test: MUST(call(..., &err)).
 */
#pragma once

#include "base/file.h"
#include "base/mem.h"
#include "catalog/catalog.h"
#include "catalog/events.h"
#include "must.h"
#include "projection/projection.h"
#include "test_database.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct ledger {
	char folder[64], path[TEST_DATABASE_SIZE];
	struct catalog *writer;
};

__attribute__((unused)) static void ledger_open(struct ledger *ledger)
{
	struct err err = { 0 };

	snprintf(ledger->folder, sizeof(ledger->folder), "/tmp/callspool-test.XXXXXX");
	if (!mkdtemp(ledger->folder))
		exit(1);
	test_database_make(ledger->folder, ledger->path);
	MUST(catalog_open(ledger->path, CATALOG_WRITE, &ledger->writer, &err));
}

__attribute__((unused)) static void ledger_reopen(struct ledger *ledger)
{
	struct err err = { 0 };

	catalog_free(ledger->writer);
	MUST(catalog_open(ledger->path, CATALOG_WRITE, &ledger->writer, &err));
}

__attribute__((unused)) static void ledger_remove(struct ledger *ledger)
{
	catalog_free(ledger->writer);
	test_database_remove(ledger->folder, ledger->path);
	rmdir(ledger->folder);
}

__attribute__((unused)) static void ledger_append(struct ledger *ledger, const struct event *event)
{
	struct err err = { 0 };
	int64_t seq;

	MUST(catalog_begin(ledger->writer, &err));
	MUST(events_append(ledger->writer, event, &seq, &err));
	MUST(catalog_commit(ledger->writer, &err));
}

/* Projects what waits, all of it; the last run's result is left in *out. */
__attribute__((unused)) static void ledger_project(struct ledger *ledger,
						   struct projection_result *out)
{
	struct err err = { 0 };

	MUST(catalog_begin(ledger->writer, &err));
	do
		MUST(projection_run(ledger->writer, PROJECTION_EVENTS_MAX, out, &err));
	while (out->more);
	MUST(catalog_commit(ledger->writer, &err));
}

/* A SID of that kind ("CA", "RE") and number. */
__attribute__((unused)) static struct str sid_text(const char *kind, unsigned number,
						   char out[SID_SIZE])
{
	snprintf(out, SID_SIZE, "%s%032x", kind, number);
	return str_of(out);
}
