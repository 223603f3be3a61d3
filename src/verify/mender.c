#include "verify/mender.h"

#include "adoption/adoption.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "blob/blob.h"
#include "catalog/attempts.h"
#include "catalog/events.h"
#include "catalog/recordings.h"
#include "chores/verifications.h"
#include "event/workers.h"
#include "ledger/ledger.h"
#include "verify/other_files.h"
#include "verify/verify_env.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE_BYTES (256 * 1024)
#define LOOKS       500 /* at faults, of a job: a reader is not held up long */
#define READS_MOST  3   /* of a file that cannot be read; then it is told */
#define FAILING     16  /* files of which tries are counted; of one more there is a single try */
/* Above the numbers that commands give to files that they stage. */
#define STAGED_LEAST (ADOPTION_STAGED_LEAST + (INT64_C(1) << 60))

enum mending {
	MENDING_WAITS,  /* for a flight, or for who is at it */
	MENDING_OVER,   /* it is mended */
	MENDING_STAYS,  /* it cannot be */
	MENDING_KNOWN,  /* nor need be: it is older than recordings are kept */
	MENDING_REMOVE, /* its file is to go */
	MENDING_ADOPT,  /* its file is to be a recording's */
};

/* A file that could not be read. */
struct failing {
	char path[RECORDING_PATH_SIZE];
	unsigned reads;
	int64_t at_ms; /* the last; monotonic */
};

struct mender {
	const struct verify_env *env;
	void *owner;
	void (*ended)(void *owner, bool waits);
	bool waits;
	enum store_fault_state listed; /* MENDING, then STAYS */
	struct store_fault fault;
	bool is_found, is_last; /* there is one to be mended; there is none left of those listed */
	int64_t held_us;        /* this pass, readers of the ledger */
	enum mending mending;
	char reason[VERIFICATION_TEXT_SIZE];
	struct ledger_job job;
	struct job work;
	struct adoption adoption;
	int64_t staged;
	struct other_files others; /* than what is damaged */
	int64_t told_s;            /* its length, as Twilio says; EVENT_UNKNOWN */
	const char *source; /* what is being adopted: the fault's file, or one of the others */
	struct blob_arriving *copy; /* of it */
	bool is_unreadable;
	struct failing failing[FAILING];
	bool work_failed;
	struct err err;
};

static struct mender *mender_of(struct ledger_job *job)
{
	return container_of(job, struct mender, job);
}

static void next(struct mender *mender);

/* Does what waits for us get no further now? */
static void go_on(struct mender *mender)
{
	if (!mender->env->is_stopping)
		next(mender);
}

/* ---- its end, into the ledger ---- */

/* What could not be compared any more is no longer what it was found to be: a pass that can read it begins anew. */
static bool end_unreadable(const struct mender *mender, struct catalog *catalog, struct err *err)
{
	struct store_fault fault = mender->fault;

	if (store_fault_is_loss(fault.kind))
		fault.kind = STORE_FAULT_UNREADABLE;
	fault.state = STORE_FAULT_STAYS;
	memcpy(fault.reason, mender->reason, sizeof(fault.reason));
	return store_faults_add(catalog, &fault, err);
}

static bool run_end(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	const struct mender *mender = mender_of(job);
	enum store_fault_state state = mender->mending == MENDING_STAYS   ? STORE_FAULT_STAYS
				       : mender->mending == MENDING_KNOWN ? STORE_FAULT_ACCEPTED
									  : STORE_FAULT_MENDED;

	if (mender->is_unreadable)
		return end_unreadable(mender, catalog, err);
	return store_faults_set_state(catalog, mender->fault.path, state,
				      mender->reason[0] ? mender->reason : NULL, clock_wall_ms(),
				      err);
}

static void end_written(struct ledger_job *job)
{
	struct mender *mender = mender_of(job);

	if (!job->succeeded) {
		mender->waits = true;
		log_warn(NULL, "the store: %s: cannot write what became of it: %s",
			 mender->fault.path, job->err.text);
	} else if (mender->mending == MENDING_STAYS) {
		log_warn(NULL, "the store: %s cannot be mended: %s", mender->fault.path,
			 mender->reason);
	} else {
		log_info(NULL, "the store: %s is mended", mender->fault.path);
	}
	go_on(mender);
}

static void end_fault(struct mender *mender, enum mending mending)
{
	mender->mending = mending;
	mender->job = (struct ledger_job){ .run = run_end,
					   .done = end_written,
					   .reply = mender->env->mailbox };
	ledger_write(mender->env->ledger, &mender->job);
}

/* ---- removing ---- */

static void run_remove(struct job *work)
{
	struct mender *mender = container_of(work, struct mender, work);

	verify_be_nice();
	mender->work_failed =
		!blob_remove(mender->env->store, str_of(mender->fault.path), &mender->err) &&
		mender->err.kind != ERR_NOT_FOUND;
}

static void removed(struct job *work)
{
	struct mender *mender = container_of(work, struct mender, work);

	if (mender->env->is_stopping)
		return;
	if (!mender->work_failed) {
		end_fault(mender, MENDING_OVER);
		return;
	}
	log_warn(NULL, "the store: %s: %s", mender->fault.path, mender->err.text);
	mender->waits = true;
	go_on(mender);
}

static void remove_file(struct mender *mender)
{
	mender->work =
		(struct job){ .run = run_remove, .done = removed, .reply = mender->env->mailbox };
	workers_post(mender->env->workers, &mender->work);
}

/* ---- adopting ---- */

/* The new name takes the place of the old one: it is damaged still, and nobody has a better one. */
static bool storing(struct adoption *adoption, struct catalog *catalog, struct err *err)
{
	const struct mender *mender = container_of(adoption, struct mender, adoption);
	struct store_fault stays = mender->fault;

	if (!store_fault_is_loss(stays.kind) || mender->source != mender->fault.path)
		return true;
	stays.state = STORE_FAULT_STAYS;
	stays.generation = adoption->generation;
	memcpy(stays.path, adoption->name, BLOB_NAME_SIZE);
	str_fit(STR("Twilio has it no more: the damaged file is played as it is"), stays.reason,
		sizeof(stays.reason));
	return store_faults_drop(catalog, mender->fault.path, err) &&
	       store_faults_add(catalog, &stays, err);
}

static void adopted(struct adoption *adoption)
{
	struct mender *mender = container_of(adoption, struct mender, adoption);

	blob_arriving_free(TAKE(mender->copy)); /* of which nothing is left, if it was sealed */
	if (mender->env->is_stopping)
		return;
	if (adoption->succeeded) {
		if (mender->source == mender->fault.path) {
			remove_file(mender);
			return;
		}
		snprintf(mender->reason, sizeof(mender->reason),
			 "an older file is whole, and is played instead: %s", mender->source);
		end_fault(mender, MENDING_STAYS);
		return;
	}
	str_fit(str_of(adoption->err.text), mender->reason, sizeof(mender->reason));
	if (adoption->err.kind == ERR_INVALID) {
		end_fault(mender, MENDING_STAYS);
		return;
	}
	mender->waits = true; /* it is being fetched, or the disk is full */
	go_on(mender);
}

static bool copy_all(struct mender *mender, int fd, struct blob_arriving *arriving, struct err *err)
{
	AUTO(free) char *piece = xmalloc(PIECE_BYTES);
	uint64_t at = 0;

	while (!mender->env->is_stopping) {
		ssize_t n = pread(fd, piece, PIECE_BYTES, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "cannot read '%s'", mender->source);
		if (n == 0)
			return true;
		if (!blob_arriving_write(arriving, (struct str){ piece, (size_t)n }, err))
			return false;
		at += (uint64_t)n;
	}
	return err_set(err, ERR_UNAVAILABLE, "not now: we stop");
}

/* What adoption_start() takes stays behind in arriving/. */
static bool stage(struct mender *mender, struct err *err)
{
	struct adoption *adoption = &mender->adoption;
	AUTO(close) int fd = -1;
	struct stat about;
	uint64_t size;

	if (!blob_open_read(mender->env->store, str_of(mender->source), &fd, &size, err))
		return false;
	if (fstat(fd, &about) < 0)
		return err_errno(err, "cannot look at '%s'", mender->source);
	adoption->recorded_at_ms = (int64_t)about.st_mtim.tv_sec * 1000;
	return blob_arriving_open(mender->env->store, str_of(adoption->recording_sid),
				  adoption->staged, &mender->copy, err) &&
	       copy_all(mender, fd, mender->copy, err);
}

static void run_stage(struct job *work)
{
	struct mender *mender = container_of(work, struct mender, work);

	verify_be_nice();
	mender->source = other_files_whole(mender->env->store, &mender->others, mender->fault.path,
					   mender->told_s, &mender->env->is_stopping);
	if (!mender->source)
		mender->source = mender->fault.path;
	mender->work_failed = !stage(mender, &mender->err);
}

static struct failing *find_failing(struct mender *mender, const char *path)
{
	for (size_t i = 0; i < FAILING; i++)
		if (strcmp(mender->failing[i].path, path) == 0)
			return &mender->failing[i];
	return NULL;
}

/* Was it tried often enough?  Else it is tried again, after a while. */
static bool count_read(struct mender *mender)
{
	struct failing *failing = find_failing(mender, mender->fault.path);

	if (!failing)
		failing = find_failing(mender, "");
	if (!failing)
		return true;
	memcpy(failing->path, mender->fault.path, sizeof(failing->path));
	failing->at_ms = clock_monotonic_ms();
	if (++failing->reads < READS_MOST)
		return false;
	*failing = (struct failing){ .reads = 0 };
	return true;
}

static void forget_failing(struct mender *mender)
{
	struct failing *failing = find_failing(mender, mender->fault.path);

	if (failing)
		*failing = (struct failing){ .reads = 0 };
}

/* Not for want of a descriptor or of room, and not as we stop: those pass. */
static bool is_file_at_fault(const struct err *err)
{
	return err->kind != ERR_SCARCE && err->kind != ERR_UNAVAILABLE;
}

static void staged(struct job *work)
{
	struct mender *mender = container_of(work, struct mender, work);

	if (mender->env->is_stopping)
		return;
	if (!mender->work_failed) {
		forget_failing(mender);
		adoption_start(&mender->adoption);
		return;
	}
	blob_arriving_free(TAKE(mender->copy));
	if (mender->err.kind == ERR_NOT_FOUND) {
		str_fit(STR("its file is not there any more"), mender->reason,
			sizeof(mender->reason));
		end_fault(mender,
			  store_fault_is_loss(mender->fault.kind) ? MENDING_STAYS : MENDING_OVER);
		return;
	}
	if (is_file_at_fault(&mender->err) && count_read(mender)) {
		snprintf(mender->reason, sizeof(mender->reason), "%.180s", mender->err.text);
		mender->is_unreadable = true;
		end_fault(mender, MENDING_STAYS);
		return;
	}
	log_warn(NULL, "the store: %s: %s", mender->fault.path, mender->err.text);
	mender->waits = true;
	go_on(mender);
}

static void stage_source(struct mender *mender)
{
	mender->work =
		(struct job){ .run = run_stage, .done = staged, .reply = mender->env->mailbox };
	workers_post(mender->env->workers, &mender->work);
}

static bool run_pass_over(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	return other_files_pass_over(catalog, &mender_of(job)->others, err);
}

static void passed_over(struct ledger_job *job)
{
	struct mender *mender = mender_of(job);

	if (mender->env->is_stopping)
		return;
	if (job->succeeded) {
		stage_source(mender);
		return;
	}
	mender->waits = true;
	log_warn(NULL, "the store: %s: %s", mender->fault.path, job->err.text);
	go_on(mender);
}

static void run_list(struct job *work)
{
	struct mender *mender = container_of(work, struct mender, work);
	struct err err;

	verify_be_nice();
	if (!other_files_list(mender->env->store, mender->fault.path, &mender->others, &err))
		mender->others.count = 0;
}

static void listed(struct job *work)
{
	struct mender *mender = container_of(work, struct mender, work);

	if (mender->env->is_stopping)
		return;
	mender->job = (struct ledger_job){ .run = run_pass_over,
					   .done = passed_over,
					   .reply = mender->env->mailbox };
	ledger_read(mender->env->ledger, &mender->job);
}

static void adopt(struct mender *mender)
{
	mender->adoption = (struct adoption){
		.staged = ++mender->staged,
		.ledger = mender->env->ledger,
		.store = mender->env->store,
		.workers = mender->env->workers,
		.reply = mender->env->mailbox,
		.done = adopted,
		.storing = storing,
	};
	memcpy(mender->adoption.recording_sid, mender->fault.recording_sid, SID_SIZE);
	memcpy(mender->adoption.call_sid, mender->fault.call_sid, SID_SIZE);
	mender->others.count = 0;
	if (!store_fault_is_loss(mender->fault.kind)) {
		stage_source(mender);
		return;
	}
	mender->work =
		(struct job){ .run = run_list, .done = listed, .reply = mender->env->mailbox };
	workers_post(mender->env->workers, &mender->work);
}

/* ---- what is to be done with one ---- */

PRINTF_LIKE(2, 3)
static enum mending stays(struct mender *mender, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(mender->reason, sizeof(mender->reason), fmt, args);
	va_end(args);
	return MENDING_STAYS;
}

/* Was an older file adopted in its place?  That may be of less: both are kept, until Twilio's is stored after all. */
static bool is_kept_beside(const struct mender *mender, struct catalog *catalog,
			   const struct recording *now, bool *out, struct err *err)
{
	struct attempt newest;
	size_t count;

	*out = false;
	if (mender->fault.kind != STORE_FAULT_BYTES || now->state != RECORDING_STORED ||
	    strcmp(now->path, mender->fault.path) == 0)
		return true;
	if (!attempts_list(catalog, str_of(now->recording_sid), &newest, 1, &count, err))
		return false;
	*out = count > 0 && newest.id == now->generation && strcmp(newest.outcome, "adopted") == 0;
	return true;
}

static enum mending judge_loss(struct mender *mender, const struct recording *now,
			       bool is_kept_beside)
{
	bool has_file = mender->fault.kind == STORE_FAULT_BYTES &&
			strcmp(now->path, mender->fault.path) == 0;

	switch (now->state) {
	case RECORDING_STORED:
		if (is_kept_beside)
			return stays(mender, "an older file is whole, and is played instead");
		return strcmp(now->path, mender->fault.path) == 0 ? MENDING_WAITS : MENDING_OVER;
	case RECORDING_PURGED:
	case RECORDING_DELETED:
		return MENDING_OVER;
	case RECORDING_ABSENT:
	case RECORDING_DEAD:
	case RECORDING_GONE:
		if (has_file && mender->listed == STORE_FAULT_MENDING)
			return MENDING_ADOPT;
		return stays(mender, "it could not be fetched again: %.120s",
			     now->reason_text[0] ? now->reason_text : "Twilio has it no more");
	case RECORDING_WAITING:
		if (now->next_try_at_ms == RECORDING_NEVER) {
			(void)stays(mender, "it is older than recordings are kept");
			return MENDING_KNOWN;
		}
		return MENDING_WAITS;
	case RECORDING_ANNOUNCED:
	case RECORDING_QUEUED:
	case RECORDING_STATES:
		break;
	}
	return MENDING_WAITS;
}

static bool is_given_up(enum recording_state state)
{
	return state == RECORDING_ABSENT || state == RECORDING_DEAD || state == RECORDING_GONE;
}

static bool is_waveform(const char *path)
{
	struct blob_name parts;

	return blob_name_parse(str_of(path), &parts) && str_eq(parts.format, STR("peaks"));
}

static bool judge(struct mender *mender, struct catalog *catalog, enum mending *out,
		  struct err *err)
{
	struct str sid = str_of(mender->fault.recording_sid);
	struct recording now;
	enum store_file found;
	bool is_kept;

	mender->reason[0] = '\0';
	mender->is_unreadable = false;
	mender->told_s = EVENT_UNKNOWN;
	if (store_fault_is_loss(mender->fault.kind)) {
		if (!recordings_find(catalog, sid, &now, err)) {
			*out = MENDING_OVER;
			return err->kind == ERR_NOT_FOUND;
		}
		mender->told_s = now.duration_s;
		if (!is_kept_beside(mender, catalog, &now, &is_kept, err))
			return false;
		*out = judge_loss(mender, &now, is_kept);
		return true;
	}
	if (!store_file_find(catalog, sid, mender->fault.path, INT64_MAX, &found, err))
		return false;
	switch (found) {
	case STORE_FILE_NAMED:
		if (!recordings_find(catalog, sid, &now, err))
			return false;
		*out = mender->fault.kind == STORE_FAULT_UNKNOWN && is_given_up(now.state)
			       ? MENDING_ADOPT
			       : MENDING_OVER;
		break;
	case STORE_FILE_UNKNOWN:
		*out = MENDING_ADOPT;
		break;
	case STORE_FILE_OLD:
		if (!recordings_find(catalog, sid, &now, err))
			return false;
		/* Where the recording is not stored, and will not be fetched, it may be all that there is of it. */
		*out = now.state == RECORDING_STORED || recording_is_removed(now.state) ||
				       is_waveform(mender->fault.path)
			       ? MENDING_REMOVE
			       : MENDING_ADOPT;
		break;
	case STORE_FILE_BUSY:
		*out = MENDING_WAITS;
		break;
	}
	return true;
}

/* It could not be read a moment ago. */
static bool is_too_soon(struct mender *mender)
{
	const struct failing *failing = find_failing(mender, mender->fault.path);

	return failing && clock_monotonic_ms() < failing->at_ms + mender->env->read_again_ms;
}

/* On to the next one that something is to be done with, of the next few. */
static bool look(struct mender *mender, struct catalog *catalog, struct err *err)
{
	size_t count;

	for (unsigned looks = 0; looks < LOOKS && !mender->env->is_stopping; looks++) {
		if (!store_faults_list(catalog, mender->listed, mender->fault.path, &mender->fault,
				       1, &count, err))
			return false;
		mender->is_last = count == 0;
		if (mender->is_last)
			return true;
		/* Of what stays only losses may be mended by others: by who retries it, or removes it. */
		if (mender->listed == STORE_FAULT_STAYS && !store_fault_is_loss(mender->fault.kind))
			continue;
		if (!judge(mender, catalog, &mender->mending, err))
			return false;
		if (mender->mending == MENDING_ADOPT && is_too_soon(mender))
			mender->mending = MENDING_WAITS;
		mender->waits |= mender->mending == MENDING_WAITS;
		mender->is_found =
			mender->mending != MENDING_WAITS &&
			!(mender->listed == STORE_FAULT_STAYS && mender->mending == MENDING_STAYS);
		if (mender->is_found)
			return true;
	}
	return true;
}

static bool run_next(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct mender *mender = mender_of(job);
	int64_t since_us = clock_monotonic_us();
	bool succeeded;

	mender->is_found = mender->is_last = false;
	succeeded = look(mender, catalog, err);
	mender->held_us += clock_monotonic_us() - since_us;
	return succeeded;
}

static void next_read(struct ledger_job *job)
{
	struct mender *mender = mender_of(job);

	if (mender->env->is_stopping)
		return;
	if (!job->succeeded) {
		log_warn(NULL, "cannot read what is to be mended: %s", job->err.text);
		mender->ended(mender->owner, true);
	} else if (!mender->is_found && !mender->is_last) {
		next(mender);
	} else if (!mender->is_found && mender->listed == STORE_FAULT_MENDING) {
		mender->listed = STORE_FAULT_STAYS;
		mender->fault.path[0] = '\0';
		next(mender);
	} else if (!mender->is_found) {
		mender->ended(mender->owner, mender->waits);
	} else if (mender->mending == MENDING_REMOVE) {
		remove_file(mender);
	} else if (mender->mending == MENDING_ADOPT) {
		adopt(mender);
	} else {
		end_fault(mender, mender->mending);
	}
}

static void next(struct mender *mender)
{
	mender->job = (struct ledger_job){ .run = run_next,
					   .done = next_read,
					   .reply = mender->env->mailbox };
	ledger_read(mender->env->ledger, &mender->job);
}

void mender_start(struct mender *mender)
{
	mender->waits = false;
	mender->held_us = 0;
	mender->listed = STORE_FAULT_MENDING;
	mender->fault = (struct store_fault){ .generation = 0 };
	next(mender);
}

int64_t mender_held_us(const struct mender *mender)
{
	return mender->held_us;
}

void mender_abandon(struct mender *mender)
{
	mender->adoption.is_abandoned = true;
}

struct mender *mender_new(const struct verify_env *env, void *owner,
			  void (*ended)(void *owner, bool waits))
{
	struct mender *mender = xcalloc(1, sizeof(*mender));

	mender->env = env;
	mender->owner = owner;
	mender->ended = ended;
	mender->staged = STAGED_LEAST;
	return mender;
}

void mender_free(struct mender *mender)
{
	if (!mender)
		return;
	blob_arriving_free(mender->copy);
	free(mender);
}
