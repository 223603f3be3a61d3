#include "keeping/keeper.h"

#include "base/mem.h"
#include "event/loop.h"
#include "event/mailbox.h"
#include "event/workers.h"
#include "keeping/cache_upkeep.h"
#include "keeping/digests.h"
#include "keeping/remover.h"
#include "keeping/sweep.h"
#include "keeping/unlocking.h"
#include "keeping/waveforms.h"
#include "ledger/feed.h"
#include "ledger/ledger.h"

#include <pthread.h>
#include <stdlib.h>

static const struct sweep_table *const tables[] = {
	&digests_table, &waveforms_table, &waveforms_backlog_table,
	&remover_table, &unlocking_table,
};

struct keeper {
	struct sweep_env env;
	struct ledger_listener listener;
	struct sweep *sweeps[ARRAY_LEN(tables)];
	struct cache_upkeep *cache_upkeep;
	pthread_t thread;
	bool is_running;
};

static void ledger_changed(struct ledger_listener *listener, const struct projection_change *change,
			   int64_t sequence)
{
	struct keeper *keeper = container_of(listener, struct keeper, listener);

	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		sweep_changed(keeper->sweeps[i], change->what);
	cache_upkeep_changed(keeper->cache_upkeep, change);
}

bool keeper_open(struct ledger *ledger, struct blob_store *store, struct keeper **out,
		 struct err *err)
{
	AUTO(keeper_free) struct keeper *keeper = xcalloc(1, sizeof(*keeper));
	struct sweep_env *env = &keeper->env;

	env->ledger = ledger;
	env->store = store;
	if (!loop_new(&env->loop, err) || !mailbox_open(env->loop, &env->mailbox, err) ||
	    !workers_start("keeping-worker", 1, &env->workers, err))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		keeper->sweeps[i] = sweep_new(env, tables[i]);
	keeper->cache_upkeep = cache_upkeep_new(env);
	keeper->listener =
		(struct ledger_listener){ .mailbox = env->mailbox, .changed = ledger_changed };
	ledger_listen(ledger, &keeper->listener);
	*out = TAKE(keeper);
	return true;
}

const struct loop_times *keeper_loop_times(const struct keeper *keeper)
{
	return loop_times(keeper->env.loop);
}

void keeper_watch_keys(struct keeper *keeper, struct vault *vault)
{
	keeper->env.vault = vault;
}

struct keys_changed {
	struct mail mail;
	struct keeper *keeper;
};

static void keys_changed(struct mail *mail)
{
	AUTO(free) struct keys_changed *told = container_of(mail, struct keys_changed, mail);
	struct keeper *keeper = told->keeper;

	for (size_t i = 0; i < ARRAY_LEN(tables) && !keeper->env.is_stopping; i++)
		if (tables[i] == &unlocking_table)
			sweep_restart(keeper->sweeps[i], 0);
}

void keeper_keys_changed(struct keeper *keeper)
{
	struct keys_changed *told = xcalloc(1, sizeof(*told));

	*told = (struct keys_changed){ .mail.deliver = keys_changed, .keeper = keeper };
	mailbox_post(keeper->env.mailbox, &told->mail);
}

static void *run_keeper(void *argument)
{
	struct keeper *keeper = argument;

	loop_run(keeper->env.loop);
	return NULL;
}

bool keeper_start(struct keeper *keeper, enum keeper_work work, struct err *err)
{
	int64_t sequence = feed_sequence(ledger_feed(keeper->env.ledger));
	int failed;

	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		if (work == KEEPER_REMOVES && tables[i] != &remover_table)
			continue;
		if (tables[i]->is_for_new)
			sweep_begin_behind(keeper->sweeps[i], sequence);
		else
			sweep_wake(keeper->sweeps[i]);
	}
	if (work == KEEPER_KEEPS)
		cache_upkeep_start(keeper->cache_upkeep);
	failed = pthread_create(&keeper->thread, NULL, run_keeper, keeper);
	if (failed)
		return err_set(err, ERR_INTERNAL, "cannot start the keeping thread (error %d)",
			       failed);
	pthread_setname_np(keeper->thread, "keeping");
	keeper->is_running = true;
	return true;
}

void keeper_stop(struct keeper *keeper)
{
	keeper->env.is_stopping = true;
	if (keeper->is_running) {
		loop_stop(keeper->env.loop);
		pthread_join(keeper->thread, NULL);
	}
	keeper->is_running = false;
	workers_stop(TAKE(keeper->env.workers));
}

struct loop *keeper_loop(const struct keeper *keeper)
{
	return keeper->env.loop;
}

struct mailbox *keeper_mailbox(const struct keeper *keeper)
{
	return keeper->env.mailbox;
}

void keeper_drain(struct keeper *keeper)
{
	mailbox_drain(keeper->env.mailbox);
}

void keeper_free(struct keeper *keeper)
{
	if (!keeper)
		return;
	keeper_stop(keeper);
	mailbox_free(keeper->env.mailbox);
	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		sweep_free(keeper->sweeps[i]);
	cache_upkeep_free(keeper->cache_upkeep);
	loop_free(keeper->env.loop);
	free(keeper);
}
