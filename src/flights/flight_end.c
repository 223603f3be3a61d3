/*
 * How a turn ends: with media, which a worker seals and the ledger then commits; or without,
 * when the ledger commits why, and when again.  Nobody hears of either before.  Where a person had it queued anew during
 * the try, that round is the one which goes on.
 */
#include "flights/flight_private.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "base/retry_wait.h"
#include "blob/blob_request.h"
#include "catalog/attempts.h"
#include "chores/recordings_locked.h"
#include "cluster/leases.h"
#include "flights/flight_env.h"
#include "flights/recheck.h"
#include "flights/unnamed_media.h"

#include <stdlib.h>

#define ELSEWHERE_MS      500   /* between two looks at what another process fetches */
#define LEDGER_AGAIN_MS   30000 /* after it took no word of a turn */
#define NOT_READY_MOST_MS 30000 /* between two tries of what is not ready yet */

void flight_begin_try(struct flight *flight)
{
	flight->try = xcalloc(1, sizeof(*flight->try));
	flight->try->flight = flight;
	flight->try->began_at_ms = clock_wall_ms();
}

static void try_free(struct try *try)
{
	download_cancel(&try->download);
	rest_request_release(&try->question);
	blob_arriving_free(try->plain);
	free(try->encryption);
	free(try->url);
	free(try->new_details);
	free(try);
}

static void release_try(struct reap *reap)
{
	try_free(container_of(reap, struct try, reap));
}

void flight_free_try(struct flight *flight)
{
	if (flight->try)
		try_free(TAKE(flight->try));
}

/* It is one of its own callbacks that ends it. */
static void end_try(struct flight *flight)
{
	struct try *try = TAKE(flight->try);

	loop_reap(flight->env->loop, &try->reap, release_try);
}

/* Of a wait, what no play makes shorter: all of it where there were too many at once, else Retry-After. */
static int64_t at_least_ms(const struct verdict *verdict, int64_t wait_ms)
{
	return verdict->meaning == VERDICT_LIMITED ? wait_ms : verdict->at_least_ms;
}

/* An empty file is not worth a descriptor. */
static bool is_worth_keeping(const struct flight *flight)
{
	return flight->try->verdict.may_resume && flight->arrival.file &&
	       flight->arrival.file->size > 0 && !flight->arrival.is_opened;
}

void flight_end_turn(struct flight *flight, enum flight_state state, int64_t wait_ms)
{
	struct flight_result result = {
		.meaning = flight->try->verdict.meaning,
		.status = flight->try->facts.status,
		.is_redirected = flight->try->facts.is_redirected,
		.was_sent = flight->try->was_sent,
		.is_in_ledger = flight->try->is_in_ledger,
		.wait_ms = wait_ms,
		.at_least_ms = at_least_ms(&flight->try->verdict, wait_ms),
	};
	/* The ledger took what this turn had to say before it took the removal. */
	if (flight->is_abandoned && state == FLIGHT_WAITING) {
		flight_clear_reason(flight);
		state = FLIGHT_GONE;
	}
	/* What came from another process stays until it is known that nothing more comes from there. */
	bool may_resume = is_worth_keeping(flight) || flight->arrival.is_followed;

	end_try(flight);
	flight_enter(flight, state);
	result.is_over = flight_is_over(flight);
	if (state != FLIGHT_WAITING || !may_resume)
		seeks_release(&flight->seeks);
	/* Of what is stored, mirrors may still have to hear: the descriptor goes with the flight. */
	if (state != FLIGHT_STORED && !(state == FLIGHT_WAITING && may_resume))
		arrival_discard(&flight->arrival);
	flight_tell(flight);
	flight->owner->turned(flight, &result);
}

/* Its lines of the log are those of the request that had it begun. */
static const struct log_tag *tag_of(const struct flight *flight, struct log_tag *room)
{
	return log_tag_of_request(flight->request_id, room);
}

/*
 * Somebody else decided meanwhile, Twilio by a webhook perhaps: there is nothing to fetch any more.  No
 * reason is given: players ask the ledger, which knows why.
 */
static void flight_overtaken(struct flight *flight, const struct err *err)
{
	struct log_tag tag;

	log_info(tag_of(flight, &tag), "recording %s: not fetched any more: %s",
		 flight->recording_sid, err->text);
	flight->try->verdict = (struct verdict){ .meaning = VERDICT_GONE, .is_pointless = true };
	flight_clear_reason(flight);
	flight_end_turn(flight, FLIGHT_GONE, 0);
}

/* Who waits for it here has it from the ledger once it is stored there; or it is fetched here, should that process end. */
void flight_end_elsewhere(struct flight *flight)
{
	flight->try->verdict = (struct verdict){ .meaning = VERDICT_OURS };
	flight->try->is_in_ledger = true;
	flight_clear_reason(flight);
	flight_end_turn(flight, FLIGHT_WAITING, ELSEWHERE_MS);
}

static bool end_attempt(struct flight *flight, struct catalog *catalog, struct err *err)
{
	struct attempt_end end = {
		.id = flight->try->attempt_id,
		.ended_at_ms = clock_wall_ms(),
		.outcome = flight->try->verdict.outcome,
		.http_status = flight->try->facts.status,
		.bytes = (int64_t)flight->try->facts.received,
		.detail = flight->try->verdict.text,
	};

	return attempts_end(catalog, &end, err);
}

/* Once it is committed, so that the sum is that of the ledger's rows. */
static void count_attempt(struct flight *flight)
{
	struct flight_counts *counts = &flight->owner->counts;

	counter_add(&counts->attempts[flight->try->verdict.row], 1);
	counter_add(&counts->received_bytes, flight->try->facts.received);
}

static bool run_overtaken(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct flight *flight = container_of(job, struct try, ledger_job)->flight;

	ledger_job_let_go(job, catalog);
	return lease_end(catalog, str_of(flight->recording_sid), err) &&
	       end_attempt(flight, catalog, err);
}

/*
 * Where that fails, too, another process has the lease, and ended the attempt; or, on a server that does not answer, both stay for a
 * minute at most, until they are given back as forgotten (ledger/membership.h); or, in a file, the next start ends it.
 */
static void overtaken_written(struct ledger_job *job)
{
	struct try *try = container_of(job, struct try, ledger_job);

	if (job->succeeded)
		count_attempt(try->flight);
	flight_overtaken(try->flight, &try->overtaken_by);
}

/* The conflict took back all that the turn had to say.  The recording is left to who was faster, but the attempt has ended. */
static void end_overtaken(struct flight *flight, const struct err *err)
{
	flight->try->overtaken_by = *err;
	flight_write_ledger(flight, run_overtaken, overtaken_written);
}

void flight_ledger_failed(struct flight *flight, const struct err *err)
{
	struct log_tag tag;

	/* Nothing of it was written, its end neither: what was deleted waits for that. */
	if (err->kind == ERR_CONFLICT && flight->is_abandoned && flight->try->attempt_id != 0 &&
	    !flight->try->facts.is_deleted) {
		flight_end_deleted(flight);
		return;
	}
	if (err->kind == ERR_CONFLICT || err->kind == ERR_NOT_FOUND) {
		if (flight->try->attempt_id != 0)
			end_overtaken(flight, err);
		else
			flight_overtaken(flight, err);
		return;
	}
	/* A server is away for a while, or was: whoever can wait hears it then. */
	if (err->kind == ERR_UNAVAILABLE && ledger_is_shared(flight->env->ledger)) {
		log_warn(tag_of(flight, &tag), "recording %s: the ledger: %s",
			 flight->recording_sid, err->text);
		flight->try->verdict = (struct verdict){ .meaning = VERDICT_OURS };
		flight_set_reason(flight, "overloaded", "Our database does not answer just now.",
				  false);
	} else {
		log_error(tag_of(flight, &tag), "recording %s: the ledger: %s",
			  flight->recording_sid, err->text);
		flight->try->verdict =
			(struct verdict){ .meaning = VERDICT_OURS, .is_pointless = true };
		flight_set_reason(flight, "internal", "Our database could not be written.", true);
	}
	flight_end_turn(flight, FLIGHT_WAITING, LEDGER_AGAIN_MS);
}

void flight_write_ledger(struct flight *flight,
			 bool (*run)(struct ledger_job *job, struct catalog *catalog,
				     struct err *err),
			 void (*done)(struct ledger_job *job))
{
	flight->try->is_handed_over = true;
	flight->try->ledger_job = (struct ledger_job){ .run = run,
						       .done = done,
						       .reply = flight->env->mailbox,
						       .recording_sid = flight->recording_sid };
	memcpy(flight->try->ledger_job.change.recording_sid, flight->recording_sid, SID_SIZE);
	memcpy(flight->try->ledger_job.change.call_sid, flight->call_sid, SID_SIZE);
	ledger_write(flight->env->ledger, &flight->try->ledger_job);
}

/* ---- a turn that ends without media ---- */

/*
 * What a play is to do to the wait: the ledger keeps it for flights that come back from there.  A row holds one
 * instant, so that with Retry-After no play shortens any of the wait, the back-off with it; but a Retry-After that is
 * no longer than the time between two tries for players needs no such rule.
 */
static enum recording_wait_rule rule_of(const struct verdict *verdict)
{
	if (verdict->is_pointless)
		return RECORDING_WAIT_POINTLESS;
	return verdict->meaning == VERDICT_LIMITED || verdict->at_least_ms > FLIGHT_NUDGE_MS
		       ? RECORDING_WAIT_AS_TOLD
		       : RECORDING_WAIT_SHORTENED;
}

/* When it is tried again: 0 for never. */
static int64_t again_at(const struct try *try)
{
	if (!try->was_requeued)
		return try->next_try_at_ms;
	return try->not_before_ms > 0 ? try->not_before_ms : try->recording.next_try_at_ms;
}

static bool keeps_lease(const struct try *try)
{
	return try->keeps_lease && again_at(try) != 0;
}

/* Who asked for it during this try was told that it is queued: the try neither takes that back nor counts in the new round. */
static bool find_requeued(struct try *try, struct catalog *catalog, struct err *err)
{
	struct str sid = str_of(try->flight->recording_sid);

	return recordings_was_requeued(catalog, sid, &try->was_requeued, err) &&
	       (!try->was_requeued || recordings_find(catalog, sid, &try->recording, err));
}

static bool mark_waiting(const struct try *try, struct catalog *catalog, struct err *err)
{
	const struct verdict *verdict = &try->verdict;
	const struct recording_wait wait = {
		.at_ms = clock_wall_ms(),
		.next_try_at_ms = again_at(try),
		.reason_code = verdict->reason_code,
		.reason_text = verdict->text,
		.is_counted = verdict->is_counted && !try->was_requeued,
		.is_limited = verdict->meaning == VERDICT_LIMITED,
		.trying_ms = try->was_requeued ? 0 : try->trying_ms,
		.rule = rule_of(verdict),
	};

	return recordings_mark_waiting(catalog, str_of(try->flight->recording_sid), &wait, err);
}

static bool run_failed(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct try *try = container_of(job, struct try, ledger_job);
	struct flight *flight = try->flight;
	const struct verdict *verdict = &try->verdict;
	struct str sid = str_of(flight->recording_sid);

	job->change.what = PROJECTED_RECORDING;
	if (!find_requeued(try, catalog, err) ||
	    !(keeps_lease(try) ? lease_check : lease_end)(catalog, sid, err) ||
	    !end_attempt(flight, catalog, err))
		return false;
	if (try->facts.is_deleted) {
		ledger_job_let_go(job, catalog);
		return true;
	}
	if (try->new_details &&
	    !recordings_set_encryption(catalog, sid, str_of(try->new_details), err))
		return false;
	if (verdict->action == VERDICT_END_ABSENT)
		return recordings_mark_absent(catalog, sid, try->facts.error_code, verdict->text,
					      err);
	if (verdict->action == VERDICT_END_GONE)
		return recordings_mark_gone(catalog, sid, verdict->text, err);
	if (again_at(try) == 0)
		return recordings_mark_dead(catalog, sid, verdict->reason_code, verdict->text, err);
	if (verdict->meaning == VERDICT_NO_DUAL && !recordings_want_channels(catalog, sid, 1, err))
		return false;
	if (!try->was_requeued || try->not_before_ms > 0)
		return mark_waiting(try, catalog, err);
	ledger_job_let_go(job, catalog); /* as its row is left as it is */
	return true;
}

static void failed_written(struct ledger_job *job)
{
	struct try *try = container_of(job, struct try, ledger_job);
	struct flight *flight = try->flight;
	const struct verdict *verdict = &try->verdict;
	int64_t wait_ms = again_at(try) - clock_wall_ms();
	struct log_tag tag;

	if (!job->succeeded) {
		flight_ledger_failed(flight, &job->err);
		return;
	}
	try->is_in_ledger = true;
	flight->holds_lease = keeps_lease(try);
	count_attempt(flight);
	flight_set_reason(flight, verdict->reason_code, verdict->text, verdict->is_pointless);
	if (verdict->action == VERDICT_END_ABSENT) {
		flight_end_turn(flight, FLIGHT_ABSENT, 0);
	} else if (verdict->action == VERDICT_END_GONE) {
		flight_end_turn(flight, FLIGHT_GONE, 0);
	} else if (again_at(try) == 0) {
		log_warn(tag_of(flight, &tag), "recording %s: given up: %s", flight->recording_sid,
			 verdict->text);
		flight_end_turn(flight, FLIGHT_DEAD, 0);
	} else {
		log_info(tag_of(flight, &tag), "recording %s: again in %lld ms: %s",
			 flight->recording_sid, (long long)(wait_ms > 0 ? wait_ms : 0),
			 verdict->text);
		if (verdict->action == VERDICT_AT_ONCE ||
		    (try->was_requeued && try->not_before_ms == 0))
			flight_clear_reason(flight);
		/* Who asked another process for it did not name himself to this one. */
		if (try->was_requeued)
			memcpy(flight->request_id, try->recording.request_id, REQUEST_ID_SIZE);
		flight_end_turn(flight, FLIGHT_WAITING, wait_ms > 0 ? wait_ms : 0);
	}
}

static int64_t longer(int64_t a_ms, int64_t b_ms)
{
	return a_ms > b_ms ? a_ms : b_ms;
}

static int64_t back_off(const struct flight *flight, int64_t most_ms)
{
	const struct recording *recording = &flight->try->recording;
	/* One too many is not counted, but waited for longer and longer. */
	int64_t limited = flight->try->verdict.meaning == VERDICT_LIMITED ? recording->limited + 1
									  : 0;
	int64_t tries = recording->tries + limited + 1;
	uint64_t random;

	random_bytes(&random, sizeof(random));
	return retry_wait_ms(tries, flight->env->options.retry_first_ms, most_ms, random);
}

/*
 * For how long the round has been tried: its attempts, and its waits as far as they were meant.  What a wait took
 * longer than it was to is time in which callspool did not run, or had no slot, or which the clock
 * jumped over.
 */
static int64_t trying_ms(const struct flight *flight)
{
	const struct recording *recording = &flight->try->recording;
	int64_t meant_ms = recording->next_try_at_ms - recording->waiting_since_ms;
	int64_t waited_ms = flight->try->began_at_ms - recording->waiting_since_ms;

	if (recording->waiting_since_ms == 0 || waited_ms < 0 || meant_ms < 0)
		waited_ms = 0;
	else if (waited_ms > meant_ms)
		waited_ms = meant_ms;
	return recording->trying_ms + waited_ms + loop_now_ms(flight->env->loop) -
	       flight->last_try_at_ms;
}

/* How long to wait for the next try, if there is one. */
static int64_t wait_of(const struct flight *flight)
{
	const struct verdict *verdict = &flight->try->verdict;
	int64_t wait_ms = verdict->wait_ms;

	if (wait_ms < 0)
		wait_ms = back_off(flight, flight->env->options.retry_most_ms);
	else if (verdict->meaning == VERDICT_NOT_READY && wait_ms < NOT_READY_MOST_MS)
		wait_ms = longer(wait_ms, back_off(flight, NOT_READY_MOST_MS));
	return longer(wait_ms, verdict->at_least_ms);
}

/* Its round, at least. */
static bool is_given_up(const struct flight *flight)
{
	const struct verdict *verdict = &flight->try->verdict;

	return verdict->action == VERDICT_END_DEAD ||
	       (flight->try->trying_ms >= flight->env->options.give_up_after_ms &&
		(verdict->is_counted || verdict->meaning == VERDICT_LIMITED));
}

void flight_end_without_media(struct flight *flight)
{
	struct try *try = flight->try;
	int64_t now_ms = clock_wall_ms(), wait_ms = wait_of(flight);
	int64_t told_ms = at_least_ms(&try->verdict, wait_ms);

	try->trying_ms = trying_ms(flight);
	try->next_try_at_ms = is_given_up(flight) ? 0 : now_ms + wait_ms;
	try->not_before_ms = told_ms > 0 ? now_ms + told_ms : 0;
	try->keeps_lease = !try->facts.is_deleted &&
			   (flight->mirror_count > 0 || is_worth_keeping(flight));
	flight_write_ledger(flight, run_failed, failed_written);
}

/* ---- a turn that ends with media ---- */

static bool mark_stored(struct flight *flight, struct catalog *catalog, struct err *err)
{
	struct str sid = str_of(flight->recording_sid);

	return lease_end(catalog, sid, err) && end_attempt(flight, catalog, err) &&
	       recordings_mark_stored(catalog, sid, &flight->try->media, err);
}

/* A server took a commit whose answer was lost: the second try finds the lease given back, and the attempt ended. */
static bool is_marked(const struct flight *flight, struct catalog *catalog)
{
	struct recording recording;
	struct err ignored;

	return recordings_find(catalog, str_of(flight->recording_sid), &recording, &ignored) &&
	       recording.state == RECORDING_STORED &&
	       str_eq(str_of(recording.path), str_of(flight->try->media_name));
}

static bool run_stored(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct flight *flight = container_of(job, struct try, ledger_job)->flight;

	job->change.what = PROJECTED_RECORDING | PROJECTED_STORED;
	return mark_stored(flight, catalog, err) ||
	       (err->kind == ERR_CONFLICT && is_marked(flight, catalog));
}

static void stored_written(struct ledger_job *job)
{
	struct flight *flight = container_of(job, struct try, ledger_job)->flight;
	const char *replaced;
	struct log_tag tag;

	if (!job->succeeded) {
		if (ledger_left_nothing(flight->env->ledger, &job->err))
			unnamed_media_remove(flight->env, flight->recording_sid,
					     flight->try->media_name);
		else
			log_warn(tag_of(flight, &tag),
				 "recording %s: %s stays, for the ledger may name it",
				 flight->recording_sid, flight->try->media_name);
		flight_ledger_failed(flight, &job->err);
		return;
	}
	count_attempt(flight);
	replaced = flight->try->recording.path;
	if (replaced[0] != '\0')
		unnamed_media_remove(flight->env, flight->recording_sid, replaced);
	log_info(tag_of(flight, &tag), "recording %s: stored, %llu bytes", flight->recording_sid,
		 (unsigned long long)flight->try->media.size);
	flight_clear_reason(flight);
	flight_end_turn(flight, FLIGHT_STORED, 0);
}

static void seal_done(struct blob_request *request)
{
	struct flight *flight = container_of(request, struct try, sealing)->flight;
	struct log_tag tag;

	if (request->succeeded) {
		/* Of a store that had to know it, to take the file at all. */
		flight->try->media.sha256 = flight->arrival.file->sha256;
		flight->try->media.stored_at_ms = clock_wall_ms();
		if (flight->try->media.is_duration_off)
			flight->try->media.recheck_at_ms =
				flight->try->media.stored_at_ms + RECHECK_AFTER_MS;
		flight_write_ledger(flight, run_stored, stored_written);
		return;
	}
	/* At the end, when they have stopped: the attempt stays open, and the next start goes on with the recording. */
	if (!flight->env->sealers)
		return;
	flight->try->facts.is_unsynced = request->sealed == BLOB_UNSYNCED;
	verdict_blame_store(&flight->try->facts, &request->err);
	if (flight->try->facts.is_unsynced)
		log_error(tag_of(flight, &tag), "recording %s: %s: fetching it anew",
			  flight->recording_sid, request->err.text);
	verdict_judge(&flight->try->facts, &flight->try->verdict);
	flight_end_without_media(flight);
}

void flight_seal(struct flight *flight)
{
	const struct arrival *arrival = &flight->arrival;
	const char *format = audio_extension(flight->try->facts.kind);
	struct err err;

	flight_enter(flight, FLIGHT_SEALING);
	flight->try->media = (struct recording_media){
		.generation = flight->generation,
		.generation_at_ms = flight->generation_at_ms,
		.size = arrival->file->size,
		.duration_ms = flight->try->facts.duration_ms,
		.channels = (int)arrival->sniff.channels,
		.is_duration_off = flight->try->verdict.meaning == VERDICT_KEPT_OFF,
		.format = format,
		.path = flight->try->media_name,
	};
	if (!blob_name_make(str_of(flight->try->recording.call_sid), str_of(flight->recording_sid),
			    flight->generation, str_of(format), flight->try->media_name, &err)) {
		flight->try->facts.is_disk_failed = true;
		verdict_judge(&flight->try->facts, &flight->try->verdict);
		flight_end_without_media(flight);
		return;
	}
	flight->try->sealing = (struct blob_request){ .verb = BLOB_PUT,
						      .arriving = arrival->file,
						      .done = seal_done,
						      .reply = flight->env->mailbox };
	memcpy(flight->try->sealing.name, flight->try->media_name, BLOB_NAME_SIZE);
	flight->try->is_handed_over = true;
	blob_ask(flight->env->store, flight->env->sealers, &flight->try->sealing);
	flight->owner->landed(flight);
}
