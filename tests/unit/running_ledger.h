/*
 * A ledger with its threads and the loop that they answer to, in a folder of its own.
 * Whatever fails here ends the test: MUST(call(..., &err)).
 */
#pragma once

#include "base/clock.h"
#include "base/compiler.h"
#include "base/mem.h"
#include "base/own.h"
#include "db/db.h"
#include "event/loop.h"
#include "event/mailbox.h"
#include "ledger/ledger.h"
#include "must.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOOK_MS     2
#define PATIENCE_MS 30000 /* a busy machine does not reach it */

static struct err err;
static char folder[] = "/tmp/callspool-test.XXXXXX";
static char path[sizeof(folder) + 16];
static struct loop *loop;
static struct mailbox *mailbox;
static struct ledger *ledger;

/* ---- waiting for a condition ---- */

static struct {
	struct timer timer;
	bool (*is_over)(void);
	int64_t ends_at_ms;
	bool was_over;
} wait;

static void look(struct timer *timer)
{
	wait.was_over = wait.is_over();
	if (wait.was_over || clock_monotonic_ms() > wait.ends_at_ms)
		loop_stop(loop);
	else
		timer_start(loop, timer, LOOK_MS, look);
}

__attribute__((unused)) static bool until(bool (*is_over)(void))
{
	wait.is_over = is_over;
	wait.ends_at_ms = clock_monotonic_ms() + PATIENCE_MS;
	timer_start(loop, &wait.timer, 0, look);
	loop_run(loop);
	timer_stop(&wait.timer);
	return wait.was_over;
}

/* ---- the ledger's file, beside it ---- */

__attribute__((unused)) static void sql(const char *text)
{
	AUTO(db_free) struct db *db = NULL;

	MUST(db_open(path, DB_WRITE, &db, &err));
	MUST(db_exec(db, text, &err));
}

/* The first column of the first row, as text; "" when there is none.  Valid until the next call. */
__attribute__((unused)) static struct str sql_text(const char *query)
{
	static char text[4096];
	AUTO(db_free) struct db *db = NULL;
	AUTO(db_stmt_reset) struct db_stmt *stmt = NULL;
	struct str found = STR("");

	MUST(db_open(path, DB_READ, &db, &err) && db_prepare(db, query, &stmt, &err));
	if (db_step(stmt, &err) == DB_ROW)
		found = db_column_str(stmt, 0);
	snprintf(text, sizeof(text), "%.*s", STR_ARG(found));
	return str_of(text);
}

/* ---- holding up the writer, so that what is posted meanwhile is one batch ---- */

static struct gate {
	struct ledger_job job;
	pthread_mutex_t shut;
	bool is_done;
} gate = { .shut = PTHREAD_MUTEX_INITIALIZER };

static bool run_gate(struct ledger_job *job, struct catalog *catalog, struct err *cause)
{
	pthread_mutex_lock(&gate.shut);
	pthread_mutex_unlock(&gate.shut);
	return true;
}

static void gate_done(struct ledger_job *job)
{
	gate.is_done = true;
}

__attribute__((unused)) static bool gate_is_done(void)
{
	return gate.is_done;
}

__attribute__((unused)) static void gate_shut(void)
{
	pthread_mutex_lock(&gate.shut);
	gate.is_done = false;
	gate.job = (struct ledger_job){ .run = run_gate, .done = gate_done, .reply = mailbox };
	ledger_write(ledger, &gate.job);
}

__attribute__((unused)) static void gate_open(void)
{
	pthread_mutex_unlock(&gate.shut);
}

/* ---- life cycle ---- */

static void running_open(void)
{
	if (!mkdtemp(folder))
		exit(1);
	snprintf(path, sizeof(path), "%s/ledger.db", folder);
	MUST(loop_new(&loop, &err) && mailbox_open(loop, &mailbox, &err));
	MUST(ledger_open(path, &ledger, &err));
}

/* Of a ledger that was stopped. */
static void running_remove(void)
{
	static const char *const names[] = { "", "-wal", "-shm" };

	ledger_free(ledger);
	mailbox_free(mailbox);
	loop_free(loop);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		AUTO(free) char *name = xasprintf("%s%s", path, names[i]);

		unlink(name);
	}
	OK(rmdir(folder) == 0, "nothing is left behind");
}
