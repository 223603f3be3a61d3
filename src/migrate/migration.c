#include "migrate/migration.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "catalog/catalog.h"
#include "chores/upkeep.h"
#include "event/loop.h"
#include "event/mailbox.h"
#include "ledger/ledger.h"
#include "migrate/media_move.h"
#include "migrate/mover.h"
#include "tables/arrival.h"
#include "tables/row_move.h"
#include "tables/tables.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

_Static_assert(MOVER_ROUND_MS <= MIGRATION_SWITCH_LEAST_MS - MEDIA_MOVE_HURRY_MS,
	       "what takes a round is brought in the least that a switch has");
_Static_assert(MIGRATION_ADDRESS_SIZE == DEPARTURE_ADDRESS_SIZE, "one is copied to the other");

#define ASIDES_MAX 100
#define NICE       5 /* whoever plays or records goes first */
/* A switch that came to nothing, for want of an answer, is tried again: after 5 s, 10 s, 20 s ... */
#define SWITCH_TRIES    5
#define SWITCH_AGAIN_MS 5000

#define BEING_REMOVED \
	"what a move that was given up has noted is being removed: ask again in a moment"

struct migration {
	struct migration_callbacks on;
	struct mailbox *mailbox; /* of the main loop */
	struct mail ended;
	pthread_mutex_t
		mutex; /* guards what follows, for a few instructions; the mover's thread only reads */
	struct migration_status status;
	struct mover mover;
	pthread_t thread;
	bool has_thread; /* it is to be joined */
	bool is_over;    /* ... at once */
	bool is_attached;
	bool wants_pause, wants_cancel; /* as soon as the thread has stopped */
	unsigned switches;              /* that came to nothing since it was asked for */
	bool is_to_go_on;               /* with the next server, from where it was */
	struct ledger_job arriving;     /* the main loop's */
	bool is_arriving;               /* it is under way */
};

static void lock(struct migration *migration)
{
	pthread_mutex_lock(&migration->mutex);
}

static void unlock(struct migration *migration)
{
	pthread_mutex_unlock(&migration->mutex);
}

/* ---- what the mover tells ---- */

static void told(struct mover *mover, enum migration_phase phase, const char *table, uint64_t done,
		 uint64_t all, uint64_t changes)
{
	struct migration *migration = container_of(mover, struct migration, mover);
	struct migration_status *status = &migration->status;

	lock(migration);
	status->phase = phase;
	str_fit(str_of(table ? table : ""), status->table, sizeof(status->table));
	status->done = done;
	status->all = done > all ? done
				 : all; /* what came since they were counted is copied, too */
	status->changes = changes;
	unlock(migration);
}

static void waits(struct mover *mover, const struct err *waits_for)
{
	struct migration *migration = container_of(mover, struct migration, mover);

	lock(migration);
	if (waits_for)
		migration->status.err = *waits_for;
	else
		migration->status.err.text[0] = '\0';
	unlock(migration);
}

/* The mutex is held. */
static void set_outcome(struct migration *migration, bool is_good, const struct err *err)
{
	struct migration_status *status = &migration->status;

	if (migration->mover.gives_up && is_good)
		*status = (struct migration_status){ .state = MIGRATION_NONE };
	else if (is_good)
		status->state = MIGRATION_SWITCHING;
	else if (!err->text[0] && migration->wants_pause)
		status->state = MIGRATION_PAUSED;
	else
		status->state = MIGRATION_FAILED;
	if (status->state == MIGRATION_FAILED)
		status->err = *err;
	if (status->state == MIGRATION_FAILED && !err->text[0])
		(void)err_set(&status->err, ERR_UNAVAILABLE, "the server was stopped meanwhile");
	if (status->state == MIGRATION_SWITCHING)
		mailbox_post(migration->mailbox, &migration->ended);
	migration->is_over = true;
}

static bool run_mover(struct mover *mover, struct err *err)
{
	bool is_good = mover_run(mover, err);

	if (!is_good)
		mover_release(mover);
	if (!is_good && err->text[0])
		log_warn(NULL, "the ledger is not moved: %s", err->text);
	return is_good;
}

/* The mutex is held.  Whatever has come of it. */
static bool is_to_give_up(struct migration *migration)
{
	if (!migration->wants_cancel || !migration->is_attached)
		return false;
	migration->wants_cancel = false;
	migration->mover.gives_up = true;
	atomic_store(&migration->mover.is_to_stop, false);
	return true;
}

static void *run_thread(void *argument)
{
	struct migration *migration = argument;
	struct err err = { .kind = ERR_INTERNAL };
	bool is_good;

	if (setpriority(PRIO_PROCESS, (id_t)gettid(), NICE) < 0)
		log_debug(NULL, "the move of the ledger has no low priority");
	is_good = run_mover(&migration->mover, &err);
	lock(migration);
	while (is_to_give_up(migration)) {
		unlock(migration);
		mover_release(&migration->mover);
		is_good = run_mover(&migration->mover, &err);
		lock(migration);
	}
	if (is_good && migration->wants_pause && !migration->mover.gives_up) {
		unlock(migration);
		mover_release(&migration->mover);
		is_good = err_set(&err, ERR_UNAVAILABLE, "%s", "");
		lock(migration);
	}
	set_outcome(migration, is_good, &err);
	unlock(migration);
	return NULL;
}

static void is_ready(struct mail *mail)
{
	static const struct err stopped = { ERR_UNAVAILABLE, "the server was stopped meanwhile" };
	struct migration *migration = container_of(mail, struct migration, ended);
	bool is_attached;

	lock(migration);
	is_attached = migration->is_attached;
	unlock(migration);
	if (is_attached)
		migration->on.switch_over(migration->on.owner);
	else
		migration_refuse(migration, &stopped);
}

/* ---- life cycle ---- */

bool migration_open(struct loop *loop, const struct migration_callbacks *on, struct migration **out,
		    struct err *err)
{
	AUTO(migration_free) struct migration *migration = xcalloc(1, sizeof(*migration));

	pthread_mutex_init(&migration->mutex, NULL);
	migration->on = *on;
	migration->ended.deliver = is_ready;
	migration->mover.tell = told;
	migration->mover.waits = waits;
	if (!mailbox_open(loop, &migration->mailbox, err))
		return false;
	*out = TAKE(migration);
	return true;
}

static void join(struct migration *migration)
{
	if (migration->has_thread)
		pthread_join(migration->thread, NULL);
	migration->has_thread = migration->is_over = false;
}

void migration_free(struct migration *migration)
{
	if (!migration)
		return;
	migration_detach(migration);
	mover_release(&migration->mover);
	free(migration->mover.ledger_file);
	mailbox_free(migration->mailbox);
	pthread_mutex_destroy(&migration->mutex);
	free(migration);
}

/* The mutex is held. */
static bool start(struct migration *migration, struct err *err)
{
	join(migration); /* it is over */
	atomic_store(&migration->mover.is_to_stop, false);
	migration->wants_pause = migration->wants_cancel = false;
	migration->status.state = MIGRATION_RUNNING;
	migration->status.err.text[0] = '\0';
	if (pthread_create(&migration->thread, NULL, run_thread, migration) != 0) {
		(void)err_set(err, ERR_INTERNAL, "cannot start the thread 'mover'");
		migration->status.state = MIGRATION_FAILED;
		migration->status.err = *err;
		return false;
	}
	pthread_setname_np(migration->thread, "mover");
	migration->has_thread = true;
	return true;
}

/* The mutex is held. */
static bool give_up(struct migration *migration, struct err *err)
{
	migration->mover.gives_up = true;
	migration->mover.begins_after_ms = 0;
	return start(migration, err);
}

/* It was given up, and stopped before all that it had noted was removed. */
static void end_leftover(struct migration *migration)
{
	struct err err;

	if (!give_up(migration, &err))
		log_warn(NULL, "what a move that was given up has noted stays: %s", err.text);
}

/* Another process, or another server, has begun a move that did not come to its end. */
static void find_begun(struct migration *migration, const char *ledger_file)
{
	struct migration_status *status = &migration->status;
	struct departure departure;
	struct err err;

	if (migration->is_to_go_on || !departure_begun(ledger_file, &departure, &err))
		return;
	if (departure.is_given_up)
		end_leftover(migration);
	if (status->state != MIGRATION_NONE || !departure.name[0])
		return;
	log_warn(NULL, "a move of the ledger to %s has begun: %s", departure.to,
		 departure_may_go_on(&departure, &err)
			 ? "callspool migrate goes on with it, or --cancel gives it up"
			 : err.text);
	status->state = MIGRATION_PAUSED;
	departure_addresses(departure.to, status->to, status->store);
	atomic_store(&migration->mover.reads_back, departure.verifies || departure.is_verified);
}

void migration_expect_stop(struct migration *migration)
{
	lock(migration);
	migration->is_attached = false;
	/* What is there for the switch is of use until that. */
	if (migration->status.state != MIGRATION_SWITCHING)
		atomic_store(&migration->mover.is_to_stop, true);
	unlock(migration);
}

void migration_detach(struct migration *migration)
{
	bool has_thread;

	migration_expect_stop(migration);
	lock(migration);
	has_thread = migration->has_thread;
	unlock(migration);
	if (has_thread)
		join(migration);
}

/* ---- asking ---- */

/* The mutex is held.  What it was that failed is told until it gets on. */
static void go_on(struct migration *migration)
{
	struct err why = migration->status.err, err;

	migration->is_to_go_on = false;
	migration->mover.begins_after_ms = (int64_t)SWITCH_AGAIN_MS << (migration->switches - 1);
	if (start(migration, &err))
		migration->status.err = why;
}

void migration_attach(struct migration *migration, const struct migration_server *server)
{
	lock(migration);
	free(migration->mover.ledger_file);
	migration->mover.ledger_file = server->ledger_file ? xstrdup(server->ledger_file) : NULL;
	migration->mover.server = *server;
	migration->mover.server.ledger_file = NULL;
	migration->is_attached = true;
	if (server->ledger_file)
		find_begun(migration, server->ledger_file);
	if (migration->is_to_go_on)
		go_on(migration);
	unlock(migration);
}

/* By --cancel, or by one that was stopped before all that it had noted was removed. */
static bool is_given_up(const struct migration *migration)
{
	return migration->wants_cancel || migration->mover.gives_up;
}

static bool may_start(const struct migration *migration, struct err *err)
{
	const struct migration_status *status = &migration->status;

	if (!migration->is_attached)
		return err_set(err, ERR_UNAVAILABLE, "the server is being stopped");
	if (status->state == MIGRATION_SWITCHING || (migration->has_thread && !migration->is_over))
		return err_set(err, ERR_CONFLICT, "%s",
			       is_given_up(migration) ? BEING_REMOVED : "a move is under way");
	if (!migration->mover.ledger_file)
		return err_set(err, ERR_INVALID, "the ledger is on a server already");
	return true;
}

static bool is_same(const struct migration_status *status, const char *to, const char *store)
{
	return strcmp(status->to, to) == 0 && strcmp(status->store, store) == 0;
}

/* Who asks for what is under way goes along with it, unless it is more than that. */
static bool may_join(const struct migration *migration, bool verifies, struct err *err)
{
	if (!verifies || atomic_load(&migration->mover.reads_back))
		return true;
	return err_set(
		err, ERR_CONFLICT, "%s",
		migration->status.state == MIGRATION_MOVED
			? "it was moved without --verify-media: callspool verify reads what is in the bucket"
			: "it is under way without --verify-media: --pause it, and ask again");
}

/*
 * Of a move that goes on: what its ledger said last, so that whoever joins it is answered before its thread has looked again.  What the ledger
 * could not be told yet does not count.
 */
static bool is_read_back(const struct migration *migration, const char *to, const char *store)
{
	const struct mover *mover = &migration->mover;

	return migration->status.state != MIGRATION_NONE && !mover->gives_up && !mover->verifies &&
	       is_same(&migration->status, to, store) && atomic_load(&mover->reads_back);
}

static bool ask(struct migration *migration, const char *to, const char *store, bool verifies,
		struct err *err)
{
	struct migration_status *status = &migration->status;
	struct mover *mover = &migration->mover;
	bool reads_back;

	if ((status->state == MIGRATION_RUNNING || status->state == MIGRATION_SWITCHING ||
	     status->state == MIGRATION_MOVED) &&
	    !migration->wants_pause && !is_given_up(migration) && is_same(status, to, store))
		return may_join(migration, verifies, err);
	if (!to[0] && !store[0])
		return err_set(err, ERR_INVALID, "a database is needed, or a bucket, to move to");
	if (!may_start(migration, err))
		return false;
	reads_back = verifies || is_read_back(migration, to, store);
	*status = (struct migration_status){ .state = MIGRATION_NONE };
	if (!str_copy(str_of(to), status->to, sizeof(status->to)) ||
	    !str_copy(str_of(store), status->store, sizeof(status->store)))
		return err_set(err, ERR_INVALID, "the address is too long");
	memcpy(mover->to, status->to, sizeof(mover->to));
	memcpy(mover->store, status->store, sizeof(mover->store));
	mover->verifies = verifies;
	atomic_store(&mover->reads_back, reads_back);
	mover->gives_up = false;
	mover->begins_after_ms = 0;
	migration->switches = 0;
	return start(migration, err);
}

bool migration_ask(struct migration *migration, const char *to, const char *store, bool verifies,
		   struct err *err)
{
	bool is_good;

	lock(migration);
	is_good = ask(migration, to, store, verifies, err);
	unlock(migration);
	return is_good;
}

static bool stop_here(struct migration *migration, struct err *err)
{
	if (migration->status.state == MIGRATION_PAUSED)
		return true;
	if (migration->status.state != MIGRATION_RUNNING)
		return err_set(err, ERR_CONFLICT, "no move is under way that could be paused");
	if (is_given_up(migration))
		return err_set(err, ERR_CONFLICT, BEING_REMOVED);
	migration->wants_pause = true;
	atomic_store(&migration->mover.is_to_stop, true);
	return true;
}

bool migration_pause(struct migration *migration, struct err *err)
{
	bool is_good;

	lock(migration);
	is_good = stop_here(migration, err);
	unlock(migration);
	return is_good;
}

static bool cancel(struct migration *migration, struct err *err)
{
	if (migration->status.state == MIGRATION_RUNNING && migration->is_attached &&
	    migration->has_thread && !migration->is_over) {
		migration->wants_cancel = true;
		atomic_store(&migration->mover.is_to_stop, true);
		return true;
	}
	if (!may_start(migration, err))
		return false;
	return give_up(migration, err);
}

bool migration_cancel(struct migration *migration, struct err *err)
{
	bool is_good;

	lock(migration);
	is_good = cancel(migration, err);
	unlock(migration);
	return is_good;
}

void migration_read(struct migration *migration, struct migration_status *out)
{
	lock(migration);
	*out = migration->status;
	unlock(migration);
}

/* ---- the switch ---- */

void migration_refuse(struct migration *migration, const struct err *why)
{
	log_warn(NULL, "the ledger is not moved: %s", why->text);
	mover_release(&migration->mover);
	lock(migration);
	migration->status.state = MIGRATION_FAILED;
	migration->status.err = *why;
	unlock(migration);
}

/* Nobody is served meanwhile: the bucket is waited for as long as there is time for all else, too. */
static bool switch_media(struct mover *mover, int64_t until_ms, struct err *err)
{
	int64_t noted;

	media_move_hurry(mover->media, until_ms - MEDIA_MOVE_HURRY_MS);
	return media_move_changes(mover->media, INT64_MAX, &noted, err) &&
	       media_move_is_whole(mover->media, err);
}

static bool write_moved_store(struct catalog *catalog, const struct mover *mover, struct err *err)
{
	static const struct upkeep awaited = { .count = UPKEEP_MOVED_AWAITED };
	struct departure now;
	bool is_over = false;

	if (!departure_find_in(catalog, &now, err))
		return false;
	if (strcmp(now.name, mover->departure.name) != 0)
		return err_set(err, ERR_CONFLICT, "it is another move that has begun");
	while (!is_over)
		if (!departure_end(catalog, &is_over, err))
			return false;
	return upkeep_set_text(catalog, UPKEEP_MOVED_STORE, mover->store, err) &&
	       upkeep_set(catalog, UPKEEP_MOVED_STORE, &awaited, err);
}

/* Of media alone: from then on the ledger says where it lies. */
static bool finish_media(const struct mover *mover, struct err *err)
{
	AUTO(catalog_free) struct catalog *catalog = NULL;

	if (!catalog_open(mover->ledger_file, CATALOG_WRITE, &catalog, err) ||
	    !catalog_begin(catalog, err))
		return false;
	if (write_moved_store(catalog, mover, err))
		return catalog_commit(catalog, err);
	catalog_rollback(catalog);
	return false;
}

/* The mark comes last: before it nothing has changed here. */
static bool switch_rows(struct mover *mover, int64_t until_ms, struct err *err)
{
	atomic_store(&mover->is_to_stop, false);
	if ((mover->media && !switch_media(mover, until_ms, err)) ||
	    (mover->rows && !row_move_complete(mover->rows, until_ms, err)) ||
	    (mover->media && !media_move_is_ours(mover->media, err)))
		return false;
	mover_release(mover);
	if (clock_monotonic_ms() > until_ms)
		return err_set(err, ERR_UNAVAILABLE, TABLE_CHANGES_LATE);
	return mover->to[0] ? departure_finish(mover->ledger_file, &mover->departure, err)
			    : finish_media(mover, err);
}

/* What was not answered in time may be the next time. */
static void undo_switch(struct migration *migration, const struct err *why)
{
	bool is_worth_it = (why->kind == ERR_UNAVAILABLE || why->kind == ERR_SCARCE) &&
			   migration->switches < SWITCH_TRIES;

	migration_refuse(migration, why);
	if (!is_worth_it)
		return;
	lock(migration);
	migration->switches++;
	migration->is_to_go_on = true;
	migration->status.state = MIGRATION_RUNNING;
	unlock(migration);
}

bool migration_switch(struct migration *migration, int64_t until_ms, struct migration_status *out,
		      struct err *err)
{
	if (!switch_rows(&migration->mover, until_ms, err)) {
		undo_switch(migration, err);
		return false;
	}
	lock(migration);
	migration->status.state = MIGRATION_MOVED;
	migration->status.err.text[0] = '\0';
	*out = migration->status;
	unlock(migration);
	return true;
}

/* ---- after it ---- */

static bool is_taken(int error)
{
	return error == ENOTEMPTY || error == EEXIST || error == ENOTDIR || error == EISDIR;
}

/* To the first name that is free; *out stays NULL where there is nothing. */
static bool rename_aside(const char *files, char **out, struct err *err)
{
	for (unsigned i = 1; i <= ASIDES_MAX; i++) {
		AUTO(free)
		char *aside = i == 1 ? xasprintf("%s.moved", files)
				     : xasprintf("%s.moved.%u", files, i);

		if (rename(files, aside) == 0) {
			*out = TAKE(aside);
			return true;
		}
		if (errno == ENOENT)
			return true;
		if (!is_taken(errno))
			return err_errno(err, "cannot rename '%s' to '%s'", files, aside);
	}
	return err_set(err, ERR_INTERNAL, "cannot rename '%s': too many lie beside it", files);
}

/* What lies in files is in the bucket, and its owner's to remove.  It is in nobody's way, as where it is a mount point. */
static void put_aside(const char *data_dir)
{
	AUTO(free) char *files = xasprintf("%s/recordings", data_dir);
	AUTO(free) char *aside = NULL;
	struct err why;

	if (!rename_aside(files, &aside, &why))
		log_warn(NULL, "recordings lie in the bucket: '%s' is of use no more; %s", files,
			 why.text);
	else if (aside)
		log_info(NULL, "recordings lie in the bucket: '%s' is of use no more", aside);
}

/* With what the ledger was moved to, and nothing else. */
static bool is_served_with(const struct departure *departure, const char *database,
			   const char *store)
{
	char both[DEPARTURE_TO_SIZE], alone[DEPARTURE_TO_SIZE];

	departure_words(database, store, both);
	departure_words(database, NULL, alone);
	return strcmp(departure->to, both) == 0 || strcmp(departure->to, alone) == 0;
}

static bool is_with_media(const struct departure *departure, const char *database)
{
	char alone[DEPARTURE_TO_SIZE];

	departure_words(database, NULL, alone);
	return strcmp(departure->to, alone) != 0;
}

/* Where media alone was moved to, as the ledger in the file says; *out_store "": it was not. */
static void find_moved_store(const char *ledger_file, char out_store[UPKEEP_TEXT_SIZE],
			     struct upkeep *out)
{
	AUTO(catalog_free) struct catalog *catalog = NULL;
	struct err ignored;

	*out = (struct upkeep){ .count = UPKEEP_MOVED_ARRIVED };
	out_store[0] = '\0';
	if (access(ledger_file, F_OK) < 0 ||
	    !catalog_open(ledger_file, CATALOG_READ, &catalog, &ignored) ||
	    !catalog_begin(catalog, &ignored))
		return;
	if (!upkeep_find_text(catalog, UPKEEP_MOVED_STORE, out_store, &ignored) ||
	    !upkeep_find(catalog, UPKEEP_MOVED_STORE, out, &ignored))
		out_store[0] = '\0';
}

/* Media alone was moved: what lies in files is in nobody's way any more, perhaps since a process was killed. */
static void settle_media(const char *data_dir, const char *ledger_file, const char *store)
{
	char moved[UPKEEP_TEXT_SIZE];
	struct upkeep ignored;

	find_moved_store(ledger_file, moved, &ignored);
	if (strcmp(moved, store) == 0)
		put_aside(data_dir);
}

static bool awaits_media(const char *ledger_file, char store[MIGRATION_ADDRESS_SIZE])
{
	char moved[UPKEEP_TEXT_SIZE];
	struct upkeep upkeep;

	find_moved_store(ledger_file, moved, &upkeep);
	str_fit(str_of(moved), store, MIGRATION_ADDRESS_SIZE);
	return moved[0] != '\0' && upkeep.count == UPKEEP_MOVED_AWAITED;
}

bool migration_awaits(const char *ledger_file, char to[MIGRATION_ADDRESS_SIZE],
		      char store[MIGRATION_ADDRESS_SIZE])
{
	struct departure departure;
	struct err ignored;

	to[0] = store[0] = '\0';
	if (!departure_moved_to(ledger_file, &departure, &ignored))
		return false;
	if (!departure.to[0])
		return awaits_media(ledger_file, store);
	departure_addresses(departure.to, to, store);
	return !departure.has_arrived && to[0] != '\0';
}

bool migration_settle(const char *data_dir, const char *ledger_file, const char *database,
		      const char *store, bool *out_was_moved, struct err *err)
{
	struct departure departure;
	struct err ignored;

	if (!database && store)
		settle_media(data_dir, ledger_file, store);
	/* What cannot be read is no ledger that was moved; opening it tells more. */
	if (!database || !departure_moved_to(ledger_file, &departure, &ignored) || !departure.to[0])
		return true;
	if (!is_served_with(&departure, database, store))
		return err_set(
			err, ERR_CONFLICT,
			"the ledger in '%s' was moved, and is served with %s: if something else is meant, "
			"remove ledger.db",
			data_dir, departure.to);
	*out_was_moved = true;
	if (!arrival_open(database, &departure, err))
		return false;
	if (is_with_media(&departure, database))
		put_aside(data_dir);
	return true;
}

/* ---- somebody is served from there ---- */

static void log_untold(const struct err *why)
{
	log_info(NULL, "the ledger does not say that what was moved has arrived: %s", why->text);
}

static bool run_arrive(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	static const struct upkeep arrived = { .count = UPKEEP_MOVED_ARRIVED };
	struct upkeep now;

	return upkeep_find(catalog, UPKEEP_MOVED_STORE, &now, err) &&
	       (now.count == UPKEEP_MOVED_ARRIVED ||
		upkeep_set(catalog, UPKEEP_MOVED_STORE, &arrived, err));
}

static void has_arrived(struct ledger_job *job)
{
	struct migration *migration = container_of(job, struct migration, arriving);

	if (!job->succeeded)
		log_untold(&job->err);
	migration->is_arriving = false;
}

void migration_arrived(struct migration *migration, const char *ledger_file)
{
	const struct mover *mover = &migration->mover;
	struct err err;

	if (!mover->ledger_file && !departure_set_arrived(ledger_file, &err))
		log_untold(&err);
	if (!mover->ledger_file || !mover->server.s3.store || migration->is_arriving)
		return;
	migration->is_arriving = true;
	migration->arriving = (struct ledger_job){ .run = run_arrive,
						   .done = has_arrived,
						   .reply = migration->mailbox };
	ledger_write(mover->server.ledger, &migration->arriving);
}
