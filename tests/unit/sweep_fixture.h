/*
 * What a sweep needs around it: a ledger and a store in a folder of their own, a loop, a worker.
 *
 *	static bool is_done(void) { return written == 5; }
 *	...
 *	OK(sweep_until(is_done), "all are written");
 */
#pragma once

#include "base/mem.h"
#include "blob/blob_local.h"
#include "blob_folder.h"
#include "event/loop.h"
#include "event/mailbox.h"
#include "event/workers.h"
#include "keeping/sweep.h"
#include "ledger/ledger.h"

#include <string.h>

#define LOOK_MS   1     /* between two looks at a condition */
#define WITHIN_MS 30000 /* then it has failed: a busy machine needs long */

static struct sweep_env env;
static struct err err;

__attribute__((unused)) static void must(bool succeeded)
{
	if (succeeded)
		return;
	printf("Bail out! %s\n", err.text);
	exit(1);
}

struct look {
	struct timer timer;
	bool (*is_so)(void);
	int64_t end_at_ms;
	bool was_so;
};

static void look(struct timer *timer)
{
	struct look *one = container_of(timer, struct look, timer);

	one->was_so = one->is_so();
	if (one->was_so || loop_now_ms(env.loop) >= one->end_at_ms)
		loop_stop(env.loop);
	else
		timer_start(env.loop, timer, LOOK_MS, look);
}

/* Runs the loop until it is so; false: it never was. */
__attribute__((unused)) static bool sweep_until(bool (*is_so)(void))
{
	struct look one = { .is_so = is_so, .end_at_ms = loop_now_ms(env.loop) + WITHIN_MS };

	timer_start(env.loop, &one.timer, 0, look);
	loop_run(env.loop);
	timer_stop(&one.timer);
	return one.was_so;
}

/* fill: before the ledger starts, on its own catalog, within a transaction; NULL: nothing. */
static void sweep_env_open(void (*fill)(struct catalog *catalog))
{
	AUTO(free) char *path = NULL;

	memcpy(strrchr(folder, '.'), ".XXXXXX", 7);
	folder_make();
	path = xasprintf("%s/ledger.db", folder);
	memset(&env, 0, sizeof(env));
	must(blob_local_open(folder, &env.store, &err) && loop_new(&env.loop, &err) &&
	     mailbox_open(env.loop, &env.mailbox, &err) && ledger_open(path, &env.ledger, &err) &&
	     workers_start("keeping-worker", 1, &env.workers, &err));
	if (fill) {
		must(catalog_begin(ledger_catalog(env.ledger), &err));
		fill(ledger_catalog(env.ledger));
		must(catalog_commit(ledger_catalog(env.ledger), &err));
	}
}

/* As the keeper does: see there. */
static void sweep_env_stop(void)
{
	env.is_stopping = true;
	workers_stop(TAKE(env.workers));
	mailbox_drain(env.mailbox);
	ledger_stop(env.ledger);
	mailbox_drain(env.mailbox);
}

static void sweep_env_free(void)
{
	mailbox_free(env.mailbox);
	ledger_free(env.ledger);
	loop_free(env.loop);
	blob_store_free(env.store);
	folder_remove();
}
