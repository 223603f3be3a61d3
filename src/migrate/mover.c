/*
 * Whatever cannot be done before anything was begun is told at once: a server that does not let us in, a database that is not empty.
 * Once it has begun, a server that is away is waited for.
 *
 * The ledger's writer is asked for what is to be written here, as everybody asks it; so nothing is written beside it.
 */
#include "migrate/mover.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "chores/upkeep.h"
#include "event/loop.h"
#include "event/mailbox.h"
#include "ledger/ledger.h"
#include "migrate/media_move.h"
#include "tables/row_move.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NAME_BYTES  16
#define WAIT_MS     100  /* between two looks whether it is to stop */
#define AGAIN_MS    2000 /* a server that is away is asked again */
#define ROUND_AFTER 200  /* between two rounds, so that it does not turn for nothing */

struct work {
	struct mover *mover;
	struct loop *loop; /* this thread's, for the writer's answers */
	struct mailbox *mailbox;
	uint64_t done, all, changes;
	int64_t forgotten; /* the last note that is of use no more */
	bool is_new;       /* nothing of this move had begun */
};

static bool is_to_stop(const struct work *work)
{
	return atomic_load(&work->mover->is_to_stop);
}

static bool stopped(struct err *err)
{
	return err_set(err, ERR_UNAVAILABLE, "%s", "");
}

/* False: it is to stop. */
static bool rest(const struct work *work, int64_t ms)
{
	const struct timespec wait = { .tv_nsec = WAIT_MS * 1000000L };

	for (int64_t left = ms; left > 0 && !is_to_stop(work); left -= WAIT_MS)
		nanosleep(&wait, NULL);
	return !is_to_stop(work);
}

/* ---- the writer ---- */

struct order {
	struct ledger_job job;
	struct loop *loop;
	const struct departure *departure;
	int64_t last;
	bool is_over; /* of what is done in pieces */
	char id[UPKEEP_ID_SIZE];
};

static bool run_begin(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	return departure_begin(catalog, container_of(job, struct order, job)->departure, err);
}

static bool run_end(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	return departure_end(catalog, &container_of(job, struct order, job)->is_over, err);
}

static bool run_forget(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct order *order = container_of(job, struct order, job);

	return departure_forget(catalog, order->last, &order->is_over, err);
}

static bool run_make_id(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	return upkeep_make_id(catalog, UPKEEP_STORE, container_of(job, struct order, job)->id, err);
}

static void answered(struct ledger_job *job)
{
	loop_stop(container_of(job, struct order, job)->loop);
}

static bool order(const struct work *work, struct order *order, struct err *err)
{
	order->loop = work->loop;
	order->job.done = answered;
	order->job.reply = work->mailbox;
	ledger_write(work->mover->server.ledger, &order->job);
	loop_run(work->loop);
	if (!order->job.succeeded)
		*err = order->job.err;
	return order->job.succeeded;
}

/* A commit for each piece: whoever else writes comes in between. */
static bool order_pieces(const struct work *work, struct order *piece, struct err *err)
{
	for (;;) {
		if (!order(work, piece, err))
			return false;
		if (piece->is_over)
			return true;
		if (is_to_stop(work))
			return stopped(err);
	}
}

/* ---- the beginning ---- */

static void make_name(char out[DEPARTURE_NAME_SIZE])
{
	uint8_t bytes[NAME_BYTES];
	struct buf hex;

	random_bytes(bytes, sizeof(bytes));
	buf_over(&hex, out, DEPARTURE_NAME_SIZE);
	hex_add(&hex, bytes, sizeof(bytes));
}

/* The ledger stays in its file. */
static bool is_of_media_alone(const struct mover *mover)
{
	return mover->to[0] == '\0';
}

/* A move that has begun goes on under its name, if it is the same. */
static bool find_departure(struct work *work, struct err *err)
{
	struct mover *mover = work->mover;
	struct departure *departure = &mover->departure;
	char to[DEPARTURE_TO_SIZE];

	departure_words(is_of_media_alone(mover) ? NULL : mover->to,
			mover->store[0] ? mover->store : NULL, to);
	if (!departure_begun(mover->ledger_file, departure, err) ||
	    !departure_may_go_on(departure, err))
		return false;
	departure->verifies |= mover->verifies;
	if (departure->verifies || departure->is_verified)
		atomic_store(&mover->reads_back, true);
	if (departure->name[0])
		return strcmp(departure->to, to) == 0 ||
		       err_set(err, ERR_CONFLICT,
			       "another move has begun, to %s: go on with it, or --cancel it",
			       departure->to);
	work->is_new = true;
	make_name(departure->name);
	memcpy(departure->to, to, sizeof(to));
	departure->began_at_ms = clock_wall_ms();
	return true;
}

static bool open_rows(struct work *work, struct err *err)
{
	struct mover *mover = work->mover;

	if (is_of_media_alone(mover))
		return true;
	if (!row_move_open(mover->ledger_file, mover->to, &mover->rows, err))
		return false;
	row_move_stop_by(mover->rows, &mover->is_to_stop);
	return true;
}

static bool open_media(struct work *work, struct err *err);
static bool give_up(struct work *work, struct err *err);

/* What is refused there after all was not begun here. */
static bool begin_noted(struct work *work, struct err *err)
{
	struct mover *mover = work->mover;
	struct order noted = { .job.run = run_begin, .departure = &mover->departure };
	struct err ignored;

	if (!order(work, &noted, err))
		return false;
	mover->verifies = false;
	if (is_of_media_alone(mover) || row_move_begin(mover->rows, &mover->departure, err))
		return true;
	if (work->is_new && !give_up(work, &ignored))
		log_warn(NULL, "%s", ignored.text);
	return false;
}

/* Both places are looked at, and the bucket is claimed, before anything is noted; and neither for what cannot be gone on with. */
static bool begin(struct work *work, struct err *err)
{
	struct mover *mover = work->mover;

	if (mover->store[0] && mover->server.s3.store)
		return err_set(err, ERR_INVALID, "recordings lie in a bucket already: %.150s",
			       mover->server.s3.store);
	return find_departure(work, err) && open_rows(work, err) &&
	       (is_of_media_alone(mover) || row_move_look(mover->rows, &mover->departure, err)) &&
	       (!mover->store[0] || open_media(work, err)) && begin_noted(work, err);
}

static bool count_rows(struct work *work, struct err *err)
{
	int64_t all;

	if (!row_move_count(work->mover->rows, &all, err))
		return false;
	work->all = (uint64_t)all;
	work->done = 0;
	return true;
}

static bool open_again(struct work *work, struct err *err)
{
	struct mover *mover = work->mover;

	if (is_of_media_alone(mover))
		return true;
	row_move_free(TAKE(mover->rows));
	return open_rows(work, err) && row_move_begin(mover->rows, &mover->departure, err);
}

static bool wait_for(struct work *work, struct err *err);

/* ---- media ---- */

static void bucket_waits(void *owner, const struct err *waits_for)
{
	struct mover *mover = owner;

	mover->waits(mover, waits_for);
}

static bool open_media(struct work *work, struct err *err)
{
	struct mover *mover = work->mover;
	struct order id = { .job.run = run_make_id };
	struct media_move_options options = {
		.store_id = id.id,
		.ledger = mover->ledger_file,
		.data_dir = mover->server.data_dir,
		.to = mover->server.s3,
		.at_once = mover->server.puts,
		.min_free_bytes = mover->server.min_free_bytes,
		.is_to_stop = &mover->is_to_stop,
		.waits = bucket_waits,
		.owner = mover,
	};

	options.to.store = mover->store;
	return order(work, &id, err) && media_move_open(&options, work->is_new, &mover->media, err);
}

/* As long as no row is copied what is noted is of no use but for media. */
static bool forget(struct work *work, int64_t noted, struct err *err)
{
	struct order forget = { .job.run = run_forget, .last = noted };

	if (noted <= work->forgotten)
		return true;
	work->forgotten = noted;
	return order_pieces(work, &forget, err);
}

static bool run_set_media(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	return departure_set_media(catalog, container_of(job, struct order, job)->last, err);
}

/* How far it is stands in the new database, and where there is none in the ledger. */
static bool set_media(struct work *work, int64_t id, struct err *err)
{
	struct order set = { .job.run = run_set_media, .last = id };

	return is_of_media_alone(work->mover) ? order(work, &set, err)
					      : row_move_set_media(work->mover->rows, id, err);
}

static bool find_media(struct work *work, int64_t *out, struct err *err)
{
	if (!is_of_media_alone(work->mover))
		return row_move_find_media(work->mover->rows, out, err);
	*out = work->mover->departure.media;
	return true;
}

static bool bring_page(struct work *work, int64_t *inout_after, bool *out_is_last, struct err *err)
{
	struct mover *mover = work->mover;
	struct media_move_page page;
	int64_t noted, first_fault;

	if (!media_move_page(mover->media, *inout_after, !work->is_new, &page, err) ||
	    /* What is stored behind the last page by now is nobody's else. */
	    !media_move_changes(mover->media, page.is_last ? INT64_MAX : page.up_to, &noted, err) ||
	    !forget(work, noted, err))
		return false;
	/* What could not be brought is tried again when this is asked for again. */
	first_fault = media_move_first_fault(mover->media);
	if (!set_media(work, page.up_to < first_fault ? page.up_to : first_fault - 1, err))
		return false;
	*inout_after = page.up_to;
	*out_is_last = page.is_last;
	work->done += page.stored;
	mover->tell(mover, MIGRATION_MEDIA, NULL, work->done, work->all, 0);
	return true;
}

static bool move_media(struct work *work, struct err *err)
{
	bool is_last = false;
	int64_t after;

	if (!work->mover->store[0])
		return true;
	if (!find_media(work, &after, err) ||
	    !media_move_count(work->mover->media, &work->all, err))
		return false;
	if (after == INT64_MAX)
		return true; /* rows were begun: from then on what is noted is of use */
	work->done = 0;
	work->mover->tell(work->mover, MIGRATION_MEDIA, NULL, 0, work->all, 0);
	while (!is_last)
		if (!bring_page(work, &after, &is_last, err) && !wait_for(work, err))
			return false;
	return media_move_is_whole(work->mover->media, err) && set_media(work, INT64_MAX, err);
}

static bool run_set_verified(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	return departure_set_verified(catalog, err);
}

/* Another try, of the switch say, does not read all of it again. */
static bool set_verified(struct work *work, struct err *err)
{
	struct order set = { .job.run = run_set_verified };

	work->mover->departure.verifies = false;
	return order(work, &set, err);
}

/* Where something is wrong it stays asked for: the next try reads all of it again. */
static bool verify_media(struct work *work, struct err *err)
{
	struct mover *mover = work->mover;
	struct media_move_page page = { .is_last = false };

	if (!mover->media || !mover->departure.verifies)
		return true;

	work->done = 0;
	while (!page.is_last) {
		int64_t after = page.up_to;

		mover->tell(mover, MIGRATION_VERIFIES, NULL, work->done, work->all, 0);
		if (media_move_verify_page(mover->media, after, &page, err)) {
			work->done += page.stored;
			continue;
		}
		page = (struct media_move_page){ .up_to = after };
		if (!wait_for(work, err))
			return false;
	}
	return media_move_is_whole(mover->media, err) && set_verified(work, err);
}

/* ---- rows ---- */

static enum migration_phase phase_of(enum row_move_phase phase)
{
	switch (phase) {
	case ROWS_COPYING:
		return MIGRATION_ROWS;
	case ROWS_COMPARING:
		return MIGRATION_COMPARES;
	case ROWS_FOLLOWING:
		break;
	}
	return MIGRATION_FOLLOWS;
}

static void tell(struct work *work, const struct row_move_turn *turn)
{
	work->mover->tell(work->mover, phase_of(turn->phase), turn->table, work->done, work->all,
			  work->changes);
}

/* One turn, of media as well; *out_is_ready: it was so short, and behind all else, that the switch may begin. */
static bool move_on(struct work *work, bool *out_is_ready, struct err *err)
{
	int64_t noted = INT64_MAX, began_ms = clock_monotonic_ms();
	enum row_move_phase before;
	struct row_move_turn turn;

	before = row_move_phase(work->mover->rows);
	/* What of it could not be brought stays noted, for when this is asked for again. */
	if (work->mover->media &&
	    (!media_move_changes(work->mover->media, INT64_MAX, &noted, err) ||
	     !media_move_is_whole(work->mover->media, err)))
		return false;
	if (!row_move_turn(work->mover->rows, &turn, err))
		return false;
	work->mover->waits(work->mover, NULL);
	work->done = turn.phase == before ? work->done + (uint64_t)turn.rows : 0;
	work->changes += (uint64_t)turn.changes;
	tell(work, &turn);
	*out_is_ready = before == ROWS_FOLLOWING &&
			clock_monotonic_ms() - began_ms < MOVER_ROUND_MS;
	return forget(work, noted < turn.noted_up_to ? noted : turn.noted_up_to, err);
}

/* What a server, or a disk, may do another time.  False: it is not to be waited for. */
static bool may_wait(struct work *work, struct err *err)
{
	struct err waits_for = *err;

	if (is_to_stop(work))
		return stopped(err);
	if (err->kind != ERR_UNAVAILABLE && err->kind != ERR_SCARCE)
		return false;
	log_warn(NULL, "the move of the ledger waits: %s", waits_for.text);
	work->mover->waits(work->mover, &waits_for);
	return rest(work, AGAIN_MS) || stopped(err);
}

static bool wait_for(struct work *work, struct err *err)
{
	while (may_wait(work, err))
		if (open_again(work, err))
			return true;
	return false;
}

static bool move_rows(struct work *work, struct err *err)
{
	bool is_ready = false;

	while (!is_ready) {
		if (is_to_stop(work))
			return stopped(err);
		if (!move_on(work, &is_ready, err) && !wait_for(work, err))
			return false;
		if (!is_ready && row_move_phase(work->mover->rows) == ROWS_FOLLOWING &&
		    !rest(work, ROUND_AFTER))
			return stopped(err);
	}
	return true;
}

/* ---- the whole ---- */

static bool give_up(struct work *work, struct err *err)
{
	struct order end = { .job.run = run_end };

	return order_pieces(work, &end, err);
}

/* What was noted of media alone, until there is little enough of it. */
static bool follow_media(struct work *work, struct err *err)
{
	struct mover *mover = work->mover;
	bool is_ready = false;

	while (!is_ready) {
		int64_t began_ms = clock_monotonic_ms(), noted;

		if (is_to_stop(work))
			return stopped(err);
		mover->tell(mover, MIGRATION_FOLLOWS, NULL, work->done, work->all, 0);
		if (media_move_changes(mover->media, INT64_MAX, &noted, err) &&
		    media_move_is_whole(mover->media, err) && forget(work, noted, err))
			is_ready = clock_monotonic_ms() - began_ms < MOVER_ROUND_MS;
		else if (!wait_for(work, err))
			return false;
	}
	mover->waits(mover, NULL);
	return true;
}

/* Where it was as far as the switch before, nothing is refused that may be otherwise soon. */
static bool begin_in_time(struct work *work, struct err *err)
{
	int64_t after_ms = work->mover->begins_after_ms;

	if (after_ms > 0 && !rest(work, after_ms))
		return stopped(err);
	while (!begin(work, err)) {
		mover_release(work->mover);
		if (is_to_stop(work))
			return stopped(err);
		if (after_ms == 0 || !may_wait(work, err))
			return false;
	}
	return true;
}

static bool run(struct work *work, struct err *err)
{
	if (work->mover->gives_up)
		return give_up(work, err);
	if (!begin_in_time(work, err) || !move_media(work, err) || !verify_media(work, err))
		return false;
	return is_of_media_alone(work->mover) ? follow_media(work, err)
					      : count_rows(work, err) && move_rows(work, err);
}

bool mover_run(struct mover *mover, struct err *err)
{
	struct work work = { .mover = mover };
	bool is_good = loop_new(&work.loop, err) && mailbox_open(work.loop, &work.mailbox, err) &&
		       run(&work, err);

	mailbox_free(work.mailbox);
	loop_free(work.loop);
	return is_good;
}

void mover_release(struct mover *mover)
{
	media_move_free(TAKE(mover->media));
	row_move_free(TAKE(mover->rows));
}
