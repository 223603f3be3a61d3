#include "spool/spool.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "blob/blob.h"
#include "event/loop.h"
#include "event/workers.h"
#include "fetch/fetch.h"
#include "spool/baton.h"
#include "spool/digests.h"
#include "spool/discovery.h"
#include "spool/ledger.h"
#include "spool/recovery.h"
#include "twilio/accounts.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define SEALERS 16 /* fsyncs under way at once: the disk merges them */

struct spool {
	struct flight_gear gear;
	struct ledger_listener listener;
	struct scheduler *scheduler;
	struct recovery *recovery;
	struct discovery *discovery;
	pthread_t thread;
	bool is_running;
	atomic_bool
		is_stopping; /* batons that come are kept, not sent on: their mirrors may be gone */
	struct list kept_batons;
};

/* "Look at this recording": from a serving loop. */
struct nudge {
	struct mail mail;
	struct spool *spool;
	bool is_retry;
	uint64_t seek_byte; /* not 0: somebody waits for it */
	int64_t generation; /* ... of these bytes */
	char recording_sid[SID_SIZE], call_sid[SID_SIZE], account_sid[SID_SIZE];
};

/* ---- what comes in ---- */

static void baton_came(struct mail *mail)
{
	struct baton *baton = container_of(mail, struct baton, mail);
	struct spool *spool = baton->spool;

	if (spool->is_stopping) {
		list_append(&spool->kept_batons, &baton->link);
		return;
	}
	scheduler_take_baton(spool->scheduler, baton);
}

void spool_take_baton(struct baton *baton)
{
	baton->mail.deliver = baton_came;
	mailbox_post(baton->spool->gear.mailbox, &baton->mail);
}

static void nudge_came(struct mail *mail)
{
	AUTO(free) struct nudge *nudge = container_of(mail, struct nudge, mail);

	if (nudge->spool->is_stopping)
		return;
	if (nudge->seek_byte != 0)
		scheduler_seek(nudge->spool->scheduler, nudge->recording_sid, nudge->generation,
			       nudge->seek_byte);
	else if (nudge->is_retry)
		scheduler_retry(nudge->spool->scheduler, nudge->recording_sid, nudge->call_sid,
				nudge->account_sid);
	else
		scheduler_nudge(nudge->spool->scheduler, nudge->recording_sid);
}

static struct nudge *nudge_new(struct spool *spool, const char *recording_sid)
{
	struct nudge *nudge = xcalloc(1, sizeof(*nudge));

	nudge->mail.deliver = nudge_came;
	nudge->spool = spool;
	memcpy(nudge->recording_sid, recording_sid, SID_SIZE);
	return nudge;
}

void spool_nudge(struct spool *spool, const char *recording_sid)
{
	mailbox_post(spool->gear.mailbox, &nudge_new(spool, recording_sid)->mail);
}

void spool_seek(struct spool *spool, const char *recording_sid, int64_t generation, uint64_t byte)
{
	struct nudge *nudge = nudge_new(spool, recording_sid);

	nudge->generation = generation;
	nudge->seek_byte = byte;
	mailbox_post(spool->gear.mailbox, &nudge->mail);
}

void spool_retry(struct spool *spool, const char *recording_sid, const char *call_sid,
		 const char *account_sid)
{
	struct nudge *nudge = nudge_new(spool, recording_sid);

	nudge->is_retry = true;
	memcpy(nudge->call_sid, call_sid, SID_SIZE);
	memcpy(nudge->account_sid, account_sid, SID_SIZE);
	mailbox_post(spool->gear.mailbox, &nudge->mail);
}

/* An inquest on its way here: it says where it goes itself, the spool does not stand in it. */
struct errand {
	struct mail mail;
	struct spool *spool;
	struct inquest *inquest;
};

static void errand_came(struct mail *mail)
{
	AUTO(free) struct errand *errand = container_of(mail, struct errand, mail);

	if (errand->spool->is_stopping)
		free(errand->inquest);
	else
		discovery_take(errand->spool->discovery, errand->inquest);
}

void spool_inquire(struct spool *spool, struct inquest *inquest)
{
	struct errand *errand = xcalloc(1, sizeof(*errand));

	*errand =
		(struct errand){ .mail.deliver = errand_came, .spool = spool, .inquest = inquest };
	mailbox_post(spool->gear.mailbox, &errand->mail);
}

static void ledger_changed(struct ledger_listener *listener, const struct projection_change *change,
			   int64_t sequence)
{
	struct spool *spool = container_of(listener, struct spool, listener);

	if (spool->is_stopping || !(change->what & PROJECTED_TO_FETCH))
		return;
	scheduler_add(spool->scheduler, change->recording_sid, change->call_sid,
		      change->account_sid, FLIGHT_NEW, 0);
}

/* ---- life cycle ---- */

bool spool_open(const struct spool_options *options, struct ledger *ledger,
		struct blob_store *store, const struct accounts *accounts, struct spool **out,
		struct err *err)
{
	AUTO(spool_free) struct spool *spool = xcalloc(1, sizeof(*spool));
	struct flight_gear *gear = &spool->gear;
	struct fetch_options fetch_options = {
		.proxy = options->proxy,
		.ca_file = options->ca_file,
		.allowed_hosts = options->media_hosts,
		.connect_timeout_ms = options->connect_timeout_ms,
		.stall_timeout_ms = options->stall_timeout_ms,
		.max_transfers = options->concurrency + options->player_slots + 8,
	};

	list_init(&spool->kept_batons);
	*gear = (struct flight_gear){
		.ledger = ledger, .store = store, .accounts = accounts, .options = *options
	};
	if (!loop_new(&gear->loop, err) || !mailbox_open(gear->loop, &gear->mailbox, err) ||
	    !fetch_new(gear->loop, &fetch_options, &gear->fetch, err) ||
	    !workers_start("sealer", SEALERS, &gear->sealers, err) ||
	    !digests_new(gear, &gear->digests, err))
		return false;
	spool->scheduler = scheduler_new(gear);
	spool->discovery = discovery_new(gear);
	spool->listener =
		(struct ledger_listener){ .mailbox = gear->mailbox, .changed = ledger_changed };
	ledger_listen(ledger, &spool->listener);
	if (!recovery_clean(ledger_catalog(ledger), store, err))
		return false;
	*out = TAKE(spool);
	return true;
}

static void *run_spool(void *argument)
{
	struct spool *spool = argument;

	loop_run(spool->gear.loop);
	return NULL;
}

bool spool_start(struct spool *spool, struct err *err)
{
	int failed;

	spool->recovery = recovery_start(&spool->gear, spool->scheduler);
	digests_want(spool->gear.digests); /* what the last run did not come to */
	failed = pthread_create(&spool->thread, NULL, run_spool, spool);
	if (failed)
		return err_set(err, ERR_INTERNAL, "cannot start the fetching thread (error %d)",
			       failed);
	pthread_setname_np(spool->thread, "fetching");
	spool->is_running = true;
	return true;
}

void spool_stop(struct spool *spool)
{
	if (!spool->is_running)
		return;
	loop_stop(spool->gear.loop);
	pthread_join(spool->thread, NULL);
	spool->is_running = false;
	spool->is_stopping = true;
	workers_stop(spool->gear.sealers);
	spool->gear.sealers = NULL;
	digests_stop(spool->gear.digests);
}

void spool_drain(struct spool *spool)
{
	mailbox_drain(spool->gear.mailbox);
}

void spool_free(struct spool *spool)
{
	if (!spool)
		return;
	spool->is_stopping = true;
	workers_stop(spool->gear.sealers);
	/* What the mirrors posted last is delivered while the flights are there. */
	mailbox_free(spool->gear.mailbox);
	LIST_EACH (item, &spool->kept_batons)
		free(container_of(item, struct baton, link));
	scheduler_free(spool->scheduler);
	discovery_free(spool->discovery);
	recovery_free(spool->recovery);
	digests_free(spool->gear.digests);
	fetch_free(spool->gear.fetch);
	loop_free(spool->gear.loop);
	free(spool);
}
