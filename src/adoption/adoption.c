#include "adoption/adoption.h"

#include "audio/sniff.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "catalog/attempts.h"
#include "catalog/events.h"
#include "catalog/recordings.h"
#include "chores/upstream_deletions.h"
#include "cluster/leases.h"
#include "verdict/verdict.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECE_BYTES (64 * 1024) /* read at once */
/* The writer projects a batch of events after each try: a million may wait before ours. */
#define PROJECTION_TRIES 4096

static void write_ledger(struct adoption *adoption,
			 bool (*run)(struct ledger_job *job, struct catalog *catalog,
				     struct err *err),
			 void (*done)(struct ledger_job *job))
{
	adoption->job = (struct ledger_job){ .run = run, .done = done, .reply = adoption->reply };
	ledger_write(adoption->ledger, &adoption->job);
}

static struct adoption *adoption_of(struct ledger_job *job)
{
	return container_of(job, struct adoption, job);
}

/* ---- what failed ---- */

static bool run_end(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	const struct adoption *adoption = adoption_of(job);
	const struct attempt_end end = {
		.id = adoption->generation,
		.ended_at_ms = clock_wall_ms(),
		.outcome = "not_adopted",
		.detail = adoption->err.text,
	};

	ledger_job_let_go(job, catalog);
	memcpy(job->change.recording_sid, adoption->recording_sid, SID_SIZE);
	return attempts_end(catalog, &end, err);
}

/* Where it could not be written the next start ends the attempt. */
static void ended(struct ledger_job *job)
{
	struct adoption *adoption = adoption_of(job);

	if (!job->succeeded)
		log_warn(NULL, "recording %s: the attempt to adopt it is left open: %s",
			 adoption->recording_sid, job->err.text);
	adoption->done(adoption);
}

static void fail(struct adoption *adoption, const struct err *err)
{
	adoption->err = *err;
	if (adoption->is_begun)
		write_ledger(adoption, run_end, ended);
	else
		adoption->done(adoption);
}

static void run_remove(struct job *job)
{
	struct adoption *adoption = container_of(job, struct adoption, work);
	struct err err;

	if (!blob_remove(adoption->store, str_of(adoption->name), &err))
		log_warn(NULL, "recording %s: a file that the ledger does not name stays: %s",
			 adoption->recording_sid, err.text);
}

static void removed(struct job *job)
{
	struct adoption *adoption = container_of(job, struct adoption, work);
	struct err err = adoption->err;

	fail(adoption, &err);
}

/* ---- the ledger names it ---- */

static bool is_fetched(struct err *err)
{
	return err_set(err, ERR_CONFLICT, "it is being fetched from Twilio just now");
}

static bool run_stored(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct adoption *adoption = adoption_of(job);
	struct str sid = str_of(adoption->recording_sid);
	const struct attempt_end end = {
		.id = adoption->generation,
		.ended_at_ms = clock_wall_ms(),
		.outcome = "adopted",
		.bytes = (int64_t)adoption->size,
		.detail = "A file that another system left was taken over.",
	};
	struct recording recording;
	struct attempt newest;
	size_t count;

	if (!lease_shut_out(catalog, sid, err) || !recordings_find(catalog, sid, &recording, err))
		return false;
	job->change.what = PROJECTED_RECORDING | PROJECTED_STORED;
	memcpy(job->change.recording_sid, recording.recording_sid, SID_SIZE);
	memcpy(job->change.call_sid, recording.call_sid, SID_SIZE);
	/* A server took a commit whose answer was lost, and this is the second try. */
	if (recording.state == RECORDING_STORED &&
	    str_eq(str_of(recording.path), str_of(adoption->name)))
		return true;
	/* A flight that has begun meanwhile, or resumes a file that came in part, is an attempt after ours. */
	if (!attempts_list(catalog, sid, &newest, 1, &count, err))
		return false;
	if (recording.generation != adoption->generation || count == 0 ||
	    newest.id != adoption->generation)
		return is_fetched(err);

	const struct recording_media media = {
		.stored_at_ms = end.ended_at_ms,
		.generation = adoption->generation,
		.generation_at_ms = adoption->began_at_ms,
		.size = adoption->size,
		.duration_ms = adoption->duration_ms,
		.channels = adoption->channels,
		.is_duration_off =
			verdict_duration_is_off(adoption->duration_ms, recording.duration_s),
		.format = adoption->format,
		.path = adoption->name,
	};

	/* Nobody knows its bytes to be Twilio's: its copy is not to be deleted for them. */
	return attempts_end(catalog, &end, err) &&
	       recordings_mark_stored(catalog, sid, &media, err) &&
	       upstream_copy_need(catalog, adoption->recording_sid, err) &&
	       (!adoption->storing || adoption->storing(adoption, catalog, err));
}

static void stored(struct ledger_job *job)
{
	struct adoption *adoption = adoption_of(job);

	if (job->succeeded) {
		log_info(NULL, "recording %s: adopted, %llu bytes", adoption->recording_sid,
			 (unsigned long long)adoption->size);
		adoption->succeeded = true;
		adoption->done(adoption);
		return;
	}
	adoption->err = job->err;
	if (adoption->is_abandoned || !ledger_left_nothing(adoption->ledger, &job->err)) {
		log_warn(NULL, "recording %s: %s stays, a file that the ledger does not name",
			 adoption->recording_sid, adoption->name);
		fail(adoption, &job->err);
		return;
	}
	adoption->work =
		(struct job){ .run = run_remove, .done = removed, .reply = adoption->reply };
	workers_post(adoption->workers, &adoption->work);
}

/* ---- the file ---- */

static bool sniff_all(const struct blob_arriving *arriving, struct sniff *out, struct err *err)
{
	AUTO(free) char *piece = xmalloc(PIECE_BYTES);
	uint64_t at = 0;

	sniff_init(out);
	for (;;) {
		ssize_t n = pread(arriving->fd, piece, PIECE_BYTES, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "cannot read what was copied");
		if (n == 0)
			break;
		sniff_feed(out, piece, (size_t)n);
		at += (uint64_t)n;
	}
	sniff_end(out);
	if (out->kind == AUDIO_NOT)
		return err_set(err, ERR_INVALID, "not audio: it is %s", sniff_reason(out));
	return !out->is_cut || err_set(err, ERR_INVALID, "cut short");
}

static bool seal(struct adoption *adoption, struct err *err)
{
	struct str sid = str_of(adoption->recording_sid);
	AUTO(blob_arriving_free) struct blob_arriving *arriving = NULL;
	struct sniff sniff;

	if (!blob_arriving_take(adoption->store, sid, adoption->staged, &arriving, err) ||
	    !sniff_all(arriving, &sniff, err))
		return false;
	adoption->format = audio_extension(sniff.kind);
	adoption->duration_ms = (int64_t)sniff_duration_ms(&sniff);
	adoption->channels = (int)sniff.channels;
	adoption->size = arriving->size;
	return blob_name_make(str_of(adoption->known_call_sid), sid, adoption->generation,
			      str_of(adoption->format), adoption->name, err) &&
	       blob_arriving_seal(arriving, str_of(adoption->name), err) == BLOB_SEALED;
}

static void run_seal(struct job *job)
{
	struct adoption *adoption = container_of(job, struct adoption, work);

	adoption->is_sealed = seal(adoption, &adoption->err);
}

static void sealed(struct job *job)
{
	struct adoption *adoption = container_of(job, struct adoption, work);
	struct err err = adoption->err;

	if (adoption->is_sealed)
		write_ledger(adoption, run_stored, stored);
	else
		fail(adoption, &err);
}

/* ---- the ledger knows it, and gives it a generation ---- */

static bool tell(const struct adoption *adoption, struct catalog *catalog, struct err *err)
{
	struct event event;
	int64_t seq;

	event_init(&event, EVENT_RECORDING_ADOPTED, clock_wall_ms());
	event.recording_sid = str_of(adoption->recording_sid);
	event.call_sid = str_of(adoption->call_sid);
	event.source = STR("adopted");
	event.started_at_ms = adoption->recorded_at_ms;
	return events_append(catalog, &event, &seq, err);
}

/*
 * A lease says nothing: a flight that waits keeps its own, for days where Twilio refuses our credentials, and that is when somebody
 * takes the file over in its place.  Who fetches it has an open attempt.
 */
static bool may_begin(struct catalog *catalog, const struct recording *recording, struct err *err)
{
	struct attempt last;
	size_t count;

	if (recording->state == RECORDING_STORED)
		return err_set(err, ERR_CONFLICT, "it is stored");
	if (recording_is_removed(recording->state))
		return err_set(err, ERR_CONFLICT, "it was kept here and removed");
	if (!attempts_list(catalog, str_of(recording->recording_sid), &last, 1, &count, err))
		return false;
	return count == 0 || last.ended_at_ms != 0 || is_fetched(err);
}

static bool run_begin(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct adoption *adoption = adoption_of(job);
	struct str sid = str_of(adoption->recording_sid);
	const struct attempt_begin begin = { .recording_sid = sid, .began_at_ms = clock_wall_ms() };
	struct recording recording;

	adoption->generation = 0;
	if (!lease_shut_out(catalog, sid, err))
		return false;
	if (!recordings_find(catalog, sid, &recording, err)) {
		if (err->kind != ERR_NOT_FOUND)
			return false;
		return adoption->is_told || tell(adoption, catalog, err);
	}
	adoption->began_at_ms = begin.began_at_ms;
	memcpy(adoption->known_call_sid, recording.call_sid, SID_SIZE);
	return may_begin(catalog, &recording, err) &&
	       attempts_begin(catalog, &begin, &adoption->generation, err);
}

static void begun(struct ledger_job *job)
{
	struct adoption *adoption = adoption_of(job);
	struct err err = job->err;

	if (!job->succeeded) {
		fail(adoption, &err);
		return;
	}
	adoption->is_begun = adoption->generation != 0;
	adoption->is_told = true;
	if (adoption->is_abandoned ||
	    (!adoption->is_begun && adoption->tries == PROJECTION_TRIES)) {
		err_set(&err, ERR_UNAVAILABLE, "not now: try again");
		fail(adoption, &err);
	} else if (!adoption->is_begun) {
		adoption->tries++;
		write_ledger(adoption, run_begin, begun);
	} else {
		adoption->work =
			(struct job){ .run = run_seal, .done = sealed, .reply = adoption->reply };
		workers_post(adoption->workers, &adoption->work);
	}
}

void adoption_start(struct adoption *adoption)
{
	write_ledger(adoption, run_begin, begun);
}
