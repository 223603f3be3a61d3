/*
 * A ledger with its threads, a loop, and recordings that are due, for the tests of the queue.
 */
#pragma once

#include "base/clock.h"
#include "base/mem.h"
#include "blob_folder.h"
#include "catalog/catalog_private.h"
#include "catalog/events.h"
#include "event/loop.h"
#include "event/mailbox.h"
#include "flights/flight_env.h"
#include "ledger/ledger.h"
#include "projection/projection.h"

static struct flight_env env;
static struct catalog *plant; /* a second writer, who keeps its transactions short */

static void must(bool succeeded, const struct err *err)
{
	if (succeeded)
		return;
	printf("Bail out! %s\n", err->text);
	exit(1);
}

/* Runs the loop until it is so; each turn looks. */
static bool (*awaited)(void);
static struct timer awaiting;

static void await_look(struct timer *timer)
{
	if (awaited())
		loop_stop(env.loop);
	else
		timer_start(env.loop, &awaiting, 1, await_look);
}

__attribute__((unused)) static void await(bool (*is_so)(void))
{
	awaited = is_so;
	timer_start(env.loop, &awaiting, 0, await_look);
	loop_run(env.loop);
}

/* Recording n ("RE...n"), completed, due at that instant. */
__attribute__((unused)) static void plant_recording(unsigned n, const char *account_sid,
						    int64_t due_at_ms)
{
	static struct projection_result result;
	char sid[SID_SIZE], call_sid[SID_SIZE];
	struct event event;
	struct err err;
	int64_t seq;

	snprintf(sid, SID_SIZE, "RE%032x", n);
	snprintf(call_sid, SID_SIZE, "CA%032x", n);
	event_init(&event, EVENT_RECORDING_STATUS, due_at_ms);
	event.recording_sid = str_of(sid);
	event.call_sid = str_of(call_sid);
	event.account_sid = str_of(account_sid);
	event.status = STR("completed");
	must(catalog_begin(plant, &err) && events_append(plant, &event, &seq, &err) &&
		     projection_run(plant, PROJECTION_EVENTS_MAX, &result, &err) &&
		     catalog_commit(plant, &err),
	     &err);
}

__attribute__((unused)) static void plant_sql(const char *sql)
{
	struct err err;

	must(db_exec(plant->db, sql, &err), &err);
}

__attribute__((unused)) static int64_t plant_number(const char *sql)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;
	struct err err;

	must(db_prepare(plant->db, sql, &find, &err) && db_step(find, &err) == DB_ROW, &err);
	return db_column_int(find, 0);
}

__attribute__((unused)) static void queue_open(void)
{
	AUTO(free) char *path = NULL;
	struct err err;

	folder_make();
	path = xasprintf("%s/ledger.db", folder);
	must(loop_new(&env.loop, &err) && mailbox_open(env.loop, &env.mailbox, &err) &&
		     ledger_open(path, &env.ledger, &err) &&
		     catalog_open(path, CATALOG_WRITE, &plant, &err),
	     &err);
}

/* After ledger_stop(), and after whoever waits for mail let go of it. */
__attribute__((unused)) static void queue_close(void)
{
	loop_free(env.loop);
	ledger_free(env.ledger);
	catalog_free(plant);
	folder_remove();
}
