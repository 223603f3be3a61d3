/*
 *	wanted, and nothing was stored for a moment
 *	  -> a reader: the next page without a digest -> the digester: each file
 *	  -> the writer: each digest -> the next page, until one is empty
 *
 * The ledger is the queue: nothing is kept here that a crash could lose, and there is no bound
 * to be kept.
 */
#include "flights/digests.h"

#include "base/buf.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "blob/blob.h"
#include "catalog/recordings_digest.h"
#include "event/loop.h"
#include "event/workers.h"
#include "flights/flight_env.h"
#include "ledger/ledger.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>

#define PAGE 32
/* Yields to every other thread of ours: a player or a webhook does not wait for a digest. */
#define NICENESS 19
/*
 * Files that could not be read, since the start: each is told of once and stays without a digest.
 * So many mean that the store is in trouble, which others tell of.
 */
#define UNREADABLE_MAX 64
#define AGAIN_MS       5000 /* after what was not a file's fault: a full disk, no descriptor */

/*
 * Begun when nothing was stored for so long, so that a burst is stored first and its digests are
 * written many at a time; but no later than that after the first.
 */
#define QUIET_MS     100
#define WAIT_MOST_MS 5000

struct digest {
	struct ledger_job job;
	struct digests *digests;
	struct recording_undigested recording;
	char sha256[SHA256_HEX]; /* "" when it could not be read */
	struct err err;
};

struct unreadable {
	int64_t id, generation;
};

struct digests {
	const struct flight_env *env;
	struct workers *digester;
	bool is_busy, is_wanted; /* wanted: again, from the start */
	bool is_held_up;         /* this round is to end, and to begin anew later */
	bool was_told;           /* ... and why, since the last digest was written */
	struct timer quiet;      /* wanted, and not begun */
	int64_t wanted_at_ms;    /* monotonic */
	atomic_bool is_stopping;
	struct unreadable unreadable[UNREADABLE_MAX];
	size_t unreadable_count;

	struct ledger_job page_job;
	struct job hash_job;
	int64_t after_id;
	size_t page_count, count,
		writing; /* count: of the batch, which leaves out the unreadable */
	struct recording_undigested page[PAGE];
	struct digest batch[PAGE];
};

static void read_page(struct digests *digests);
static void begin(struct timer *timer);

/* ---- the digester ---- */

static void hash(struct digest *digest)
{
	struct blob_store *store = digest->digests->env->store;
	struct blob_content content;
	struct buf hex;

	buf_over(&hex, digest->sha256, sizeof(digest->sha256));
	if (blob_read_content(store, str_of(digest->recording.path), &digest->digests->is_stopping,
			      &content, &digest->err))
		hex_add(&hex, content.sha256, sizeof(content.sha256));
}

static void run_hash(struct job *job)
{
	struct digests *digests = container_of(job, struct digests, hash_job);

	(void)setpriority(PRIO_PROCESS, 0, NICENESS); /* of this thread; where refused, as it is */
	for (size_t i = 0; i < digests->count && !digests->is_stopping; i++)
		hash(&digests->batch[i]);
}

/* ---- the loop's side ---- */

/* What fails now may succeed later, without anything more being stored. */
static void hold_up(struct digests *digests, const struct err *err)
{
	if (!digests->was_told)
		log_warn(NULL, "digests have to wait: %s", err->text);
	digests->was_told = digests->is_held_up = true;
}

static void end_round(struct digests *digests)
{
	digests->is_busy = false;
	if (digests->is_held_up) {
		digests->wanted_at_ms = loop_now_ms(digests->env->loop);
		timer_start(digests->env->loop, &digests->quiet, AGAIN_MS, begin);
	} else if (digests->is_wanted) {
		digests_want(digests);
	}
}

static void next_page(struct digests *digests)
{
	if (digests->is_stopping)
		return;
	if (digests->unreadable_count == UNREADABLE_MAX)
		log_error(NULL,
			  "%d stored recordings could not be read: no more digests are "
			  "computed until the next start",
			  UNREADABLE_MAX); /* and stays busy */
	else if (digests->page_count < PAGE || digests->is_held_up)
		end_round(digests);
	else
		read_page(digests);
}

static bool run_write(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct digest *digest = container_of(job, struct digest, job);

	job->change.what = PROJECTED_RECORDING;
	return recordings_set_digest(catalog, str_of(digest->recording.recording_sid),
				     digest->recording.generation, digest->sha256, err);
}

static void written(struct ledger_job *job)
{
	struct digest *digest = container_of(job, struct digest, job);
	struct digests *digests = digest->digests;

	if (job->succeeded)
		digests->was_told = false;
	else if (job->err.kind != ERR_CONFLICT)
		hold_up(digests, &job->err);
	if (--digests->writing == 0)
		next_page(digests);
}

static void write_digest(struct digests *digests, struct digest *digest)
{
	const struct recording_undigested *recording = &digest->recording;

	digest->job = (struct ledger_job){ .run = run_write,
					   .done = written,
					   .reply = digests->env->mailbox };
	memcpy(digest->job.change.recording_sid, recording->recording_sid, SID_SIZE);
	memcpy(digest->job.change.call_sid, recording->call_sid, SID_SIZE);
	digests->writing++;
	ledger_write(digests->env->ledger, &digest->job);
}

static bool is_unreadable(const struct digests *digests,
			  const struct recording_undigested *recording)
{
	for (size_t i = 0; i < digests->unreadable_count; i++)
		if (digests->unreadable[i].id == recording->id &&
		    digests->unreadable[i].generation == recording->generation)
			return true;
	return false;
}

static void failed(struct digests *digests, const struct digest *digest)
{
	const struct recording_undigested *recording = &digest->recording;

	if (digest->err.kind == ERR_SCARCE) {
		hold_up(digests, &digest->err);
		return;
	}
	if (digests->unreadable_count == UNREADABLE_MAX)
		return;
	log_error(NULL, "recording %s: cannot be read: %s", recording->recording_sid,
		  digest->err.text);
	digests->unreadable[digests->unreadable_count++] =
		(struct unreadable){ recording->id, recording->generation };
}

static void hashed(struct job *job)
{
	struct digests *digests = container_of(job, struct digests, hash_job);

	if (digests->is_stopping)
		return;
	for (size_t i = 0; i < digests->count; i++) {
		struct digest *digest = &digests->batch[i];

		if (digest->sha256[0] != '\0')
			write_digest(digests, digest);
		else
			failed(digests, digest);
	}
	if (digests->writing == 0)
		next_page(digests);
}

static bool run_page(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct digests *digests = container_of(job, struct digests, page_job);

	return recordings_undigested(catalog, digests->after_id, digests->page, PAGE,
				     &digests->page_count, err);
}

static void page_read(struct ledger_job *job)
{
	struct digests *digests = container_of(job, struct digests, page_job);

	if (digests->is_stopping)
		return;
	if (!job->succeeded) {
		hold_up(digests, &job->err);
		digests->page_count = 0;
	}
	digests->count = 0;
	for (size_t i = 0; i < digests->page_count; i++) {
		digests->after_id = digests->page[i].id;
		if (!is_unreadable(digests, &digests->page[i]))
			digests->batch[digests->count++] =
				(struct digest){ .digests = digests,
						 .recording = digests->page[i] };
	}
	if (digests->count == 0) {
		next_page(digests);
		return;
	}
	digests->hash_job =
		(struct job){ .run = run_hash, .done = hashed, .reply = digests->env->mailbox };
	workers_post(digests->digester, &digests->hash_job);
}

static void read_page(struct digests *digests)
{
	digests->page_job = (struct ledger_job){ .run = run_page,
						 .done = page_read,
						 .reply = digests->env->mailbox };
	ledger_read(digests->env->ledger, &digests->page_job);
}

static void begin(struct timer *timer)
{
	struct digests *digests = container_of(timer, struct digests, quiet);

	digests->is_busy = true;
	digests->is_wanted = digests->is_held_up = false;
	digests->after_id = 0;
	read_page(digests);
}

void digests_want(struct digests *digests)
{
	int64_t now_ms = loop_now_ms(digests->env->loop), wait_ms = QUIET_MS;

	if (digests->is_stopping)
		return;
	if (digests->is_busy) {
		digests->is_wanted = true;
		return;
	}
	if (!timer_is_on(&digests->quiet))
		digests->wanted_at_ms = now_ms;
	if (now_ms + wait_ms > digests->wanted_at_ms + WAIT_MOST_MS)
		wait_ms = digests->wanted_at_ms + WAIT_MOST_MS - now_ms;
	timer_start(digests->env->loop, &digests->quiet, wait_ms > 0 ? wait_ms : 0, begin);
}

/* ---- life cycle ---- */

bool digests_new(const struct flight_env *env, struct digests **out, struct err *err)
{
	AUTO(digests_free) struct digests *digests = xcalloc(1, sizeof(*digests));

	digests->env = env;
	if (!workers_start("digester", 1, &digests->digester, err))
		return false;
	*out = TAKE(digests);
	return true;
}

void digests_stop(struct digests *digests)
{
	digests->is_stopping = true;
	timer_stop(&digests->quiet);
	workers_stop(TAKE(digests->digester));
}

void digests_free(struct digests *digests)
{
	if (!digests)
		return;
	digests_stop(digests);
	free(digests);
}
