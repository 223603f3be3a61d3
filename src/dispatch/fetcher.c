#include "dispatch/fetcher.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/trouble.h"
#include "blob/blob.h"
#include "dispatch/recovery.h"
#include "event/loop.h"
#include "event/workers.h"
#include "fetch/fetch.h"
#include "flights/flight_update.h"
#include "flights/recheck.h"
#include "ledger/ledger.h"
#include "ledger/membership.h"
#include "media/arriving.h"
#include "peer/peers.h"
#include "rest/backfill.h"
#include "rest/call_lookup.h"
#include "rest/discovery.h"
#include "rest/reconcile.h"
#include "rest/rest_env.h"
#include "rest/upstream.h"
#include "retention/retention.h"
#include "twilio/accounts.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define SEALERS 16 /* fsyncs under way at once: the disk merges them */

struct fetcher {
	struct flight_env env;
	struct rest_env rest_env;
	struct ledger_listener listener;
	struct scheduler *scheduler;
	struct recovery *recovery;
	struct discovery *discovery;
	struct recheck *recheck;
	struct membership *membership; /* NULL: it has the ledger alone */
	struct call_lookup *call_lookup;
	struct reconcile *reconcile;
	struct backfill *backfill;
	enum fetcher_work work;
	pthread_t thread;
	bool is_running;
	atomic_bool
		is_stopping; /* updates that come are kept, not sent on: their mirrors may be gone */
	struct list kept_updates;
	_Atomic int64_t reconcile_interval_ms; /* that of the options, for other threads */
};

/* "Look at this recording": from a serving loop. */
struct nudge {
	struct mail mail;
	struct fetcher *fetcher;
	bool is_retry;
	char request_id[REQUEST_ID_SIZE]; /* ... of that request */
	uint64_t seek_byte;               /* not 0: somebody waits for it */
	int64_t generation;               /* ... of these bytes */
	char recording_sid[SID_SIZE];
};

/* ---- what comes in ---- */

static void update_came(struct mail *mail)
{
	struct flight_update *update = container_of(mail, struct flight_update, mail);
	struct fetcher *fetcher = update->fetcher;

	if (fetcher->is_stopping) {
		list_append(&fetcher->kept_updates, &update->link);
		return;
	}
	scheduler_take_update(fetcher->scheduler, update);
}

void fetcher_take_update(struct flight_update *update)
{
	update->mail.deliver = update_came;
	mailbox_post(update->fetcher->env.mailbox, &update->mail);
}

static void nudge_came(struct mail *mail)
{
	AUTO(free) struct nudge *nudge = container_of(mail, struct nudge, mail);

	if (nudge->fetcher->is_stopping)
		return;
	if (nudge->seek_byte != 0)
		scheduler_seek(nudge->fetcher->scheduler, nudge->recording_sid, nudge->generation,
			       nudge->seek_byte);
	else if (nudge->is_retry)
		scheduler_retry(nudge->fetcher->scheduler, nudge->recording_sid, nudge->request_id);
	else
		scheduler_nudge(nudge->fetcher->scheduler, nudge->recording_sid);
}

static struct nudge *nudge_new(struct fetcher *fetcher, const char *recording_sid)
{
	struct nudge *nudge = xcalloc(1, sizeof(*nudge));

	nudge->mail.deliver = nudge_came;
	nudge->fetcher = fetcher;
	memcpy(nudge->recording_sid, recording_sid, SID_SIZE);
	return nudge;
}

void fetcher_nudge(struct fetcher *fetcher, const char *recording_sid)
{
	mailbox_post(fetcher->env.mailbox, &nudge_new(fetcher, recording_sid)->mail);
}

void fetcher_seek(struct fetcher *fetcher, const char *recording_sid, int64_t generation,
		  uint64_t byte)
{
	struct nudge *nudge = nudge_new(fetcher, recording_sid);

	nudge->generation = generation;
	nudge->seek_byte = byte;
	mailbox_post(fetcher->env.mailbox, &nudge->mail);
}

void fetcher_retry(struct fetcher *fetcher, const char *recording_sid, const char *request_id)
{
	struct nudge *nudge = nudge_new(fetcher, recording_sid);

	nudge->is_retry = true;
	memcpy(nudge->request_id, request_id, REQUEST_ID_SIZE);
	mailbox_post(fetcher->env.mailbox, &nudge->mail);
}

/* A request on its way here: it says where it goes itself, the fetcher does not stand in it. */
struct errand {
	struct mail mail;
	struct fetcher *fetcher;
	struct discovery_request *request;
};

static void errand_came(struct mail *mail)
{
	AUTO(free) struct errand *errand = container_of(mail, struct errand, mail);

	if (errand->fetcher->is_stopping)
		free(errand->request);
	else
		discovery_take(errand->fetcher->discovery, errand->request);
}

void fetcher_discover(struct fetcher *fetcher, struct discovery_request *request)
{
	struct errand *errand = xcalloc(1, sizeof(*errand));

	*errand = (struct errand){ .mail.deliver = errand_came,
				   .fetcher = fetcher,
				   .request = request };
	mailbox_post(fetcher->env.mailbox, &errand->mail);
}

/* A word from another thread that says nothing more. */
struct knock {
	struct mail mail;
	struct fetcher *fetcher;
};

static void import_came(struct mail *mail)
{
	AUTO(free) struct knock *knock = container_of(mail, struct knock, mail);

	if (!knock->fetcher->is_stopping && knock->fetcher->backfill)
		backfill_wake(knock->fetcher->backfill);
}

void fetcher_import(struct fetcher *fetcher)
{
	struct knock *knock = xcalloc(1, sizeof(*knock));

	*knock = (struct knock){ .mail.deliver = import_came, .fetcher = fetcher };
	mailbox_post(fetcher->env.mailbox, &knock->mail);
}

static void ledger_changed(struct ledger_listener *listener, const struct projection_change *change,
			   int64_t sequence)
{
	struct fetcher *fetcher = container_of(listener, struct fetcher, listener);

	if (fetcher->is_stopping || fetcher->work != FETCHER_FETCHES)
		return;
	if (change->what & PROJECTED_ALL ||
	    (change->what & PROJECTED_TO_FETCH && change->recording_sid[0] == '\0'))
		scheduler_let_go(fetcher->scheduler);
	else if (change->what & PROJECTED_TO_FETCH)
		scheduler_wake(fetcher->scheduler);
	if (change->what & PROJECTED_STORED)
		scheduler_stored(fetcher->scheduler, change->recording_sid);
	if (change->what & PROJECTED_REMOVED)
		scheduler_abandon(fetcher->scheduler, change->recording_sid);
}

struct workers *fetcher_sealers(const struct fetcher *fetcher)
{
	return fetcher->env.sealers;
}

struct mailbox *fetcher_mailbox(const struct fetcher *fetcher)
{
	return fetcher->env.mailbox;
}

void fetcher_read_upstream(const struct fetcher *fetcher, struct upstream_facts *out)
{
	upstream_read(fetcher->env.upstream, out);
}

struct arriving_table *fetcher_arriving(const struct fetcher *fetcher)
{
	return fetcher->env.arriving;
}

const struct flight_counts *fetcher_flight_counts(const struct fetcher *fetcher)
{
	return scheduler_flight_counts(fetcher->scheduler);
}

const struct peer_counts *fetcher_peer_counts(const struct fetcher *fetcher)
{
	return fetcher->env.peers ? peers_counts(fetcher->env.peers) : NULL;
}

void fetcher_read_peer_trouble(const struct fetcher *fetcher, struct trouble_facts *out)
{
	*out = (struct trouble_facts){ .for_ms = -1 };
	if (fetcher->env.peers)
		peers_read_trouble(fetcher->env.peers, out);
}

const struct loop_times *fetcher_loop_times(const struct fetcher *fetcher)
{
	return loop_times(fetcher->env.loop);
}

const struct rest_env *fetcher_rest_env(const struct fetcher *fetcher)
{
	return &fetcher->rest_env;
}

bool fetcher_reconciles(const struct fetcher *fetcher)
{
	return reconcile_is_wanted(fetcher->reconcile_interval_ms) &&
	       fetcher->env.accounts->count > 0;
}

/* Beside the flights, questions. */
static uint32_t transfers_of(const struct flight_options *options)
{
	return options->concurrency + options->player_slots + 8;
}

/* ---- life cycle ---- */

bool fetcher_open(const struct flight_options *options, struct ledger *ledger,
		  struct blob_store *store, const struct accounts *accounts, struct fetcher **out,
		  struct err *err)
{
	AUTO(fetcher_free) struct fetcher *fetcher = xcalloc(1, sizeof(*fetcher));
	struct flight_env *env = &fetcher->env;
	struct fetch_options fetch_options = {
		.proxy = options->proxy,
		.ca_file = options->ca_file,
		.allowed_hosts = options->allowed_hosts,
		.connect_timeout_ms = options->connect_timeout_ms,
		.stall_timeout_ms = options->stall_timeout_ms,
		.max_transfers = transfers_of(options),
	};

	list_init(&fetcher->kept_updates);
	fetcher->reconcile_interval_ms = options->reconcile_interval_ms;
	*env = (struct flight_env){
		.ledger = ledger,
		.store = store,
		.accounts = accounts,
		.upstream = upstream_new(accounts),
		.arriving = arriving_table_new(),
		.options = *options,
	};
	if (!loop_new(&env->loop, err) || !mailbox_open(env->loop, &env->mailbox, err) ||
	    !fetch_new(env->loop, &fetch_options, &env->fetch, err) ||
	    (ledger_is_shared(ledger) && !peers_new(env->loop, &env->peers, err)) ||
	    !workers_start("sealer", SEALERS, &env->sealers, err))
		return false;
	fetcher->rest_env = (struct rest_env){ .loop = env->loop,
					       .mailbox = env->mailbox,
					       .fetch = env->fetch,
					       .ledger = ledger,
					       .accounts = accounts };
	fetcher->scheduler = scheduler_new(env);
	fetcher->discovery = discovery_new(&fetcher->rest_env);
	fetcher->listener =
		(struct ledger_listener){ .mailbox = env->mailbox, .changed = ledger_changed };
	ledger_listen(ledger, &fetcher->listener);
	if (!recovery_clean(ledger, store, err))
		return false;
	*out = TAKE(fetcher);
	return true;
}

void fetcher_use_vault(struct fetcher *fetcher, struct vault *vault)
{
	fetcher->env.vault = vault;
}

static void *run_fetcher(void *argument)
{
	struct fetcher *fetcher = argument;

	loop_run(fetcher->env.loop);
	return NULL;
}

static void start_reconciling(struct fetcher *fetcher)
{
	const struct reconcile_options options = {
		.interval_ms = fetcher->env.options.reconcile_interval_ms,
		.reach_ms = retention_kept_longest_ms(fetcher->env.options.retention),
	};

	if (fetcher->reconcile)
		reconcile_change(fetcher->reconcile, &options);
	else
		fetcher->reconcile = reconcile_start(&fetcher->rest_env, &options);
}

/* Options on their way here. */
struct change {
	struct mail mail;
	struct fetcher *fetcher;
	struct flight_options options;
};

static void take_numbers(struct flight_options *options, const struct flight_options *wanted)
{
	options->concurrency = wanted->concurrency;
	options->player_slots = wanted->player_slots;
	options->give_up_after_ms = wanted->give_up_after_ms;
	options->retry_first_ms = wanted->retry_first_ms;
	options->retry_most_ms = wanted->retry_most_ms;
	options->min_free_bytes = wanted->min_free_bytes;
	options->reconcile_interval_ms = wanted->reconcile_interval_ms;
}

static void change_came(struct mail *mail)
{
	AUTO(free) struct change *change = container_of(mail, struct change, mail);
	struct fetcher *fetcher = change->fetcher;

	if (fetcher->is_stopping)
		return;
	take_numbers(&fetcher->env.options, &change->options);
	fetch_set_max_transfers(fetcher->env.fetch, transfers_of(&fetcher->env.options));
	scheduler_change(fetcher->scheduler);
	if (fetcher->recovery)
		recovery_look(fetcher->recovery);
	start_reconciling(fetcher);
	backfill_change(fetcher->backfill,
			retention_kept_longest_ms(fetcher->env.options.retention));
}

void fetcher_change(struct fetcher *fetcher, const struct flight_options *options)
{
	struct change *change = xcalloc(1, sizeof(*change));

	fetcher->reconcile_interval_ms = options->reconcile_interval_ms;
	*change = (struct change){ .mail.deliver = change_came,
				   .fetcher = fetcher,
				   .options = *options };
	mailbox_post(fetcher->env.mailbox, &change->mail);
}

static bool has_flight(void *owner, const char *recording_sid)
{
	return scheduler_has(owner, recording_sid);
}

static void start_fetching(struct fetcher *fetcher)
{
	const struct membership_env env = { .loop = fetcher->env.loop,
					    .mailbox = fetcher->env.mailbox,
					    .ledger = fetcher->env.ledger,
					    .has_flight = has_flight,
					    .owner = fetcher->scheduler };

	fetcher->membership = membership_start(&env);
	fetcher->recovery = recovery_start(&fetcher->env, fetcher->scheduler);
	scheduler_wake(fetcher->scheduler);
	fetcher->recheck = recheck_start(&fetcher->env);
	fetcher->call_lookup = call_lookup_start(&fetcher->rest_env);
	start_reconciling(fetcher);
}

bool fetcher_start(struct fetcher *fetcher, enum fetcher_work work, struct err *err)
{
	int failed;

	fetcher->work = work;
	if (work == FETCHER_FETCHES)
		start_fetching(fetcher);
	fetcher->backfill = backfill_start(
		&fetcher->rest_env, retention_kept_longest_ms(fetcher->env.options.retention));
	failed = pthread_create(&fetcher->thread, NULL, run_fetcher, fetcher);
	if (failed)
		return err_set(err, ERR_INTERNAL, "cannot start the fetching thread (error %d)",
			       failed);
	pthread_setname_np(fetcher->thread, "fetching");
	fetcher->is_running = true;
	return true;
}

void fetcher_stop(struct fetcher *fetcher)
{
	if (!fetcher->is_running)
		return;
	loop_stop(fetcher->env.loop);
	pthread_join(fetcher->thread, NULL);
	fetcher->is_running = false;
	fetcher->is_stopping = true;
	scheduler_stop(fetcher->scheduler);
	workers_stop(fetcher->env.sealers);
	fetcher->env.sealers = NULL;
}

void fetcher_drain(struct fetcher *fetcher)
{
	mailbox_drain(fetcher->env.mailbox);
}

void fetcher_free(struct fetcher *fetcher)
{
	if (!fetcher)
		return;
	fetcher->is_stopping = true;
	workers_stop(fetcher->env.sealers);
	/* What the mirrors posted last is delivered while the flights are there. */
	mailbox_free(fetcher->env.mailbox);
	LIST_EACH (item, &fetcher->kept_updates)
		free(container_of(item, struct flight_update, link));
	scheduler_free(fetcher->scheduler);
	discovery_free(fetcher->discovery);
	recheck_free(fetcher->recheck);
	membership_free(fetcher->membership);
	call_lookup_free(fetcher->call_lookup);
	reconcile_free(fetcher->reconcile);
	backfill_free(fetcher->backfill);
	recovery_free(fetcher->recovery);
	fetch_free(fetcher->env.fetch);
	peers_free(fetcher->env.peers);
	upstream_free(fetcher->env.upstream);
	arriving_table_free(fetcher->env.arriving);
	loop_free(fetcher->env.loop);
	free(fetcher);
}
