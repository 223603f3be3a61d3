#include "verify/verify_turn.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "blob/blob.h"
#include "catalog/recordings.h"
#include "chores/recordings_stored.h"
#include "event/loop.h"
#include "event/workers.h"
#include "ledger/ledger.h"
#include "verify/file_check.h"
#include "verify/verify_env.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS        32                 /* of a step; a crash has so many looked at twice */
#define STEP_BYTES  (16 * 1024 * 1024) /* what a step reads, but for its last file */
#define EMPTY_MOST  64                 /* folders that are passed over in a step */
#define NAMES       500                /* compared at once: a reader is not held up long */
#define LOOK_MOST   (60 * 60 * 1000)   /* the clock may have been set meanwhile */
#define FORGET_MS   (90 * INT64_C(86400000))
#define IN_TIME     0.9 /* of every_ms: the rest is for the folders, and for what came meanwhile */
#define AGAIN_LEAST (60 * 1000) /* from one pass to the next */

struct verify_turn {
	const struct verify_env *env;
	void *owner;
	void (*ended)(void *owner, const struct verify_result *result);
	struct verify_result result;
	int64_t began_ms;

	struct ledger_job job;
	struct job work;
	enum verification_pass pass;
	struct verification row; /* as read, and as it will be written */

	/* rows */
	struct recording_stored rows[ROWS];
	size_t row_count, looked_at;
	bool is_last_row;
	struct err work_err;
	bool work_failed;

	/* a folder */
	struct blob_folder names;
	size_t compared;

	struct store_fault *faults;
	size_t fault_count, fault_size;
	size_t fault_at; /* that is written now */
};

static struct verify_turn *turn_of(struct ledger_job *job)
{
	return container_of(job, struct verify_turn, job);
}

static void end_turn(struct verify_turn *turn, enum verify_outcome outcome)
{
	blob_folder_release(&turn->names);
	turn->result.outcome = outcome;
	turn->result.pass = turn->pass;
	turn->result.took_ms = clock_monotonic_ms() - turn->began_ms;
	turn->ended(turn->owner, &turn->result);
}

static void hold_up(struct verify_turn *turn, const struct err *err)
{
	turn->result.err = *err;
	end_turn(turn, VERIFY_HELD_UP);
}

static void read_ledger(struct verify_turn *turn,
			bool (*run)(struct ledger_job *, struct catalog *, struct err *),
			void (*done)(struct ledger_job *))
{
	turn->job = (struct ledger_job){ .run = run, .done = done, .reply = turn->env->mailbox };
	ledger_read(turn->env->ledger, &turn->job);
}

static void write_ledger(struct verify_turn *turn,
			 bool (*run)(struct ledger_job *, struct catalog *, struct err *),
			 void (*done)(struct ledger_job *))
{
	turn->job = (struct ledger_job){ .run = run, .done = done, .reply = turn->env->mailbox };
	ledger_write(turn->env->ledger, &turn->job);
}

static struct store_fault *add_fault(struct verify_turn *turn, enum store_fault_kind kind)
{
	struct store_fault *fault;

	if (turn->fault_count == turn->fault_size) {
		turn->fault_size = turn->fault_size ? 2 * turn->fault_size : ROWS;
		turn->faults = xrealloc(turn->faults, turn->fault_size * sizeof(*turn->faults));
	}
	fault = &turn->faults[turn->fault_count++];
	*fault = (struct store_fault){ .kind = kind };
	fault->seen_at_ms = clock_wall_ms();
	return fault;
}

/* ---- the cursor ---- */

static bool forget_old(const struct verify_turn *turn, struct catalog *catalog, struct err *err)
{
	struct vouched_clock *clock = turn->env->clock;
	struct err doubt;
	int64_t now_ms;

	return !clock->now(clock, &now_ms, &doubt) ||
	       store_faults_forget(catalog, now_ms - FORGET_MS, err);
}

static bool run_cursor(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	const struct verify_turn *turn = turn_of(job);
	int64_t now_ms = clock_wall_ms();
	struct verification now;

	/* Asked anew meanwhile, or otherwise than when this step was planned: that one begins at its start. */
	if (!verifications_find(catalog, turn->pass, &now, err))
		return false;
	if (now.asked_at_ms != turn->row.asked_at_ms)
		return true;
	if (turn->row.completed_at_ms != 0 &&
	    (!store_faults_end_unseen(catalog, turn->row.began_at_ms, now_ms, err) ||
	     !forget_old(turn, catalog, err)))
		return false;
	return verifications_set(catalog, turn->pass, &turn->row, err);
}

static void cursor_written(struct ledger_job *job)
{
	struct verify_turn *turn = turn_of(job);

	if (!job->succeeded)
		hold_up(turn, &job->err);
	else if (turn->work_failed)
		hold_up(turn, &turn->work_err);
	else
		end_turn(turn, VERIFY_STEPPED);
}

static void write_cursor(struct verify_turn *turn)
{
	turn->row.failure[0] = '\0';
	if (turn->work_failed)
		str_fit(str_of(turn->work_err.text), turn->row.failure, sizeof(turn->row.failure));
	write_ledger(turn, run_cursor, cursor_written);
}

/* ---- faults, one by one ---- */

static void write_faults(struct verify_turn *turn);

static bool is_still_stored(struct catalog *catalog, const struct store_fault *fault,
			    struct recording *out, struct err *err)
{
	if (!recordings_find(catalog, str_of(fault->recording_sid), out, err))
		return false;
	return (out->state == RECORDING_STORED && strcmp(out->path, fault->path) == 0) ||
	       err_set(err, ERR_CONFLICT, "it is stored anew, or removed");
}

/* What was given up as unreadable, and can be read again: other bytes than were stored, which are better than none. */
static bool is_readable_again(struct catalog *catalog, const struct store_fault *fault,
			      const struct recording *now, struct err *err)
{
	struct store_fault known;

	return strcmp(now->path, fault->path) == 0 && fault->kind == STORE_FAULT_BYTES &&
	       store_faults_find(catalog, fault->path, &known, err) &&
	       known.kind == STORE_FAULT_UNREADABLE;
}

static bool run_fault(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct verify_turn *turn = turn_of(job);
	const struct store_fault *fault = &turn->faults[turn->fault_at];
	struct recording seen;

	job->change.what = 0;
	if (store_fault_is_loss(fault->kind)) {
		bool is_stored = is_still_stored(catalog, fault, &seen, err);

		if (!is_stored &&
		    (err->kind != ERR_CONFLICT || !is_readable_again(catalog, fault, &seen, err)))
			return false;
		if (is_stored && fault->state == STORE_FAULT_MENDING) {
			if (!recordings_mark_lost(catalog, &seen, fault->seen_at_ms,
						  "Its stored file is damaged or gone; it is "
						  "fetched again.",
						  err))
				return false;
			job->change.what = PROJECTED_RECORDING | PROJECTED_TO_FETCH;
			memcpy(job->change.recording_sid, seen.recording_sid, SID_SIZE);
			memcpy(job->change.call_sid, seen.call_sid, SID_SIZE);
			memcpy(job->change.account_sid, seen.account_sid, SID_SIZE);
		}
	}
	return store_faults_add(catalog, fault, err);
}

static void fault_written(struct ledger_job *job)
{
	struct verify_turn *turn = turn_of(job);
	const struct store_fault *fault = &turn->faults[turn->fault_at];

	if (!job->succeeded && job->err.kind != ERR_CONFLICT && job->err.kind != ERR_NOT_FOUND) {
		hold_up(turn, &job->err);
		return;
	}
	if (job->succeeded) {
		turn->result.faults += fault->state == STORE_FAULT_MENDING;
		log_warn(NULL, "the store: %s: %s (%s)%s", fault->path, fault->reason,
			 store_fault_kind_text(fault->kind),
			 fault->state == STORE_FAULT_MENDING ? ": it is mended" : "");
	}
	turn->fault_at++;
	write_faults(turn);
}

static void write_faults(struct verify_turn *turn)
{
	if (turn->env->is_stopping)
		return;
	if (turn->fault_at < turn->fault_count)
		write_ledger(turn, run_fault, fault_written);
	else
		write_cursor(turn);
}

/* ---- rows ---- */

static void note_row(struct verify_turn *turn, const struct recording_stored *row,
		     const struct file_check *check)
{
	struct store_fault *fault;

	turn->result.read += check->read;
	turn->row.bytes += (int64_t)check->read;
	turn->row.files++;
	turn->row.undigested += row->sha256[0] == '\0';
	turn->row.after_id = row->id;
	if (check->is_sound && !row->is_given_up)
		return;
	if (!check->is_sound && row->is_given_up && check->kind != STORE_FAULT_BYTES)
		return;
	fault = add_fault(turn, check->is_sound ? STORE_FAULT_UNKNOWN : check->kind);
	fault->state = turn->row.mends && check->may_mend ? STORE_FAULT_MENDING : STORE_FAULT_OPEN;
	fault->generation = row->generation;
	memcpy(fault->path, row->path, sizeof(fault->path));
	memcpy(fault->recording_sid, row->recording_sid, SID_SIZE);
	memcpy(fault->call_sid, row->call_sid, SID_SIZE);
	str_fit(check->is_sound ? STR("its recording was given up, and its file is back")
				: str_of(check->reason),
		fault->reason, sizeof(fault->reason));
}

static void run_rows(struct job *work)
{
	struct verify_turn *turn = container_of(work, struct verify_turn, work);
	struct file_check check;

	verify_be_nice();
	turn->work_failed = false;
	for (turn->looked_at = 0;
	     turn->looked_at < turn->row_count && turn->result.read < STEP_BYTES;
	     turn->looked_at++) {
		const struct recording_stored *row = &turn->rows[turn->looked_at];

		turn->work_failed = !file_check(turn->env->store, row, &turn->env->is_stopping,
						&check, &turn->work_err);
		if (turn->work_failed)
			return;
		note_row(turn, row, &check);
	}
}

static void rows_looked_at(struct job *work)
{
	struct verify_turn *turn = container_of(work, struct verify_turn, work);

	if (turn->env->is_stopping)
		return;
	if (!turn->work_failed && turn->looked_at == turn->row_count && turn->is_last_row)
		turn->row.after_id = turn->row.last_id;
	write_faults(turn);
}

static bool plan_rows(struct verify_turn *turn, struct catalog *catalog, struct err *err)
{
	if (!recordings_list_named(catalog, turn->row.after_id, turn->rows, ROWS, &turn->row_count,
				   err))
		return false;
	turn->is_last_row = turn->row_count < ROWS;
	while (turn->row_count > 0 && turn->rows[turn->row_count - 1].id > turn->row.last_id) {
		turn->row_count--;
		turn->is_last_row = true;
	}
	return true;
}

/* ---- folders ---- */

static void note_name(struct verify_turn *turn, const char *name, enum store_fault_kind kind,
		      const struct blob_name *parts, const char *reason)
{
	struct store_fault *fault = add_fault(turn, kind);
	AUTO(free) char *plain = utf8_plain(str_of(name));

	fault->state = turn->row.mends && kind != STORE_FAULT_FOREIGN ? STORE_FAULT_MENDING
								      : STORE_FAULT_OPEN;
	str_fit(str_of(plain), fault->path, sizeof(fault->path));
	str_fit(str_of(reason), fault->reason, sizeof(fault->reason));
	if (!parts)
		return;
	fault->generation = parts->generation;
	str_fit(parts->recording_sid, fault->recording_sid, SID_SIZE);
	str_fit(parts->call_sid, fault->call_sid, SID_SIZE);
}

/*
 * A damaged file beside the older one that is played instead of it; or one of which this pass has told that it is damaged, and which
 * was fetched anew since: whoever did so removes it, and what is left of it all the same the next pass finds.
 */
static bool is_told(const struct verify_turn *turn, struct catalog *catalog, const char *name,
		    bool *out, struct err *err)
{
	struct store_fault fault;
	bool is_kept;

	*out = false;
	if (!store_faults_find(catalog, name, &fault, err))
		return err->kind == ERR_NOT_FOUND;
	is_kept = fault.kind == STORE_FAULT_BYTES &&
		  (fault.state == STORE_FAULT_STAYS || fault.state == STORE_FAULT_ACCEPTED);
	*out = is_kept ||
	       (store_fault_is_loss(fault.kind) && fault.seen_at_ms >= turn->row.began_at_ms);
	return true;
}

static bool compare_name(struct verify_turn *turn, struct catalog *catalog, const char *name,
			 struct err *err)
{
	struct blob_name parts;
	enum store_file found;
	bool is_told_already;

	if (!blob_name_parse(str_of(name), &parts)) {
		note_name(turn, name, STORE_FAULT_FOREIGN, NULL, "no file of callspool's");
		return true;
	}
	if (!store_file_find(catalog, parts.recording_sid, name, turn->row.began_at_ms, &found,
			     err) ||
	    !is_told(turn, catalog, name, &is_told_already, err))
		return false;
	if (found == STORE_FILE_OLD && is_told_already)
		return true;
	if (found == STORE_FILE_OLD)
		note_name(turn, name, STORE_FAULT_OLD, &parts,
			  "a generation that the ledger does not name, or no longer");
	/* A waveform goes with its media, and tells of no recording. */
	else if (found == STORE_FILE_UNKNOWN && !str_eq(parts.format, STR("peaks")))
		note_name(turn, name, STORE_FAULT_UNKNOWN, &parts,
			  "the ledger has no row of its recording");
	return true;
}

static bool run_compare(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct verify_turn *turn = turn_of(job);
	size_t end = turn->compared + NAMES, before = turn->fault_count;

	for (size_t i = turn->compared; i < turn->names.count && i < end; i++)
		if (!compare_name(turn, catalog, turn->names.names[i], err)) {
			turn->fault_count = before;
			return false;
		}
	return true;
}

static void compared(struct ledger_job *job);

static void compare_some(struct verify_turn *turn)
{
	if (turn->compared < turn->names.count) {
		read_ledger(turn, run_compare, compared);
		return;
	}
	turn->row.folder++;
	if (turn->row.folder == VERIFICATION_FOLDERS)
		turn->row.completed_at_ms = clock_wall_ms();
	write_faults(turn);
}

static void compared(struct ledger_job *job)
{
	struct verify_turn *turn = turn_of(job);

	if (turn->env->is_stopping)
		return;
	if (!job->succeeded) {
		hold_up(turn, &job->err);
		return;
	}
	turn->compared += NAMES;
	compare_some(turn);
}

static void name_folder(int64_t number, char out[3])
{
	out[0] = '\0';
	if (number > 0)
		snprintf(out, 3, "%02x", (unsigned)(number - 1) & 0xff);
}

/* Over those in which nothing lies: a step is a commit, and a small store has hundreds of them. */
static void run_walk(struct job *work)
{
	struct verify_turn *turn = container_of(work, struct verify_turn, work);
	char folder[3];

	verify_be_nice();
	for (unsigned passed = 0;; passed++) {
		name_folder(turn->row.folder, folder);
		turn->work_failed =
			!blob_walk(turn->env->store, str_of(folder), &turn->names, &turn->work_err);
		if (turn->work_failed || turn->names.count > 0 || passed == EMPTY_MOST ||
		    turn->row.folder == VERIFICATION_FOLDERS - 1)
			return;
		turn->row.folder++;
	}
}

static void walked(struct job *work)
{
	struct verify_turn *turn = container_of(work, struct verify_turn, work);

	if (turn->env->is_stopping)
		return;
	if (turn->work_failed)
		write_faults(turn);
	else
		compare_some(turn);
}

/* ---- what is due ---- */

static void begin_pass(struct verify_turn *turn, int64_t now_ms, int64_t last_id, bool mends)
{
	turn->row = (struct verification){
		.asked_at_ms = turn->row.asked_at_ms,
		.began_at_ms = now_ms,
		.last_id = last_id,
		.mends = mends,
	};
}

/* By itself: when the step that comes next should be made, so that the pass takes its time. */
static int64_t due_at_ms(const struct verify_turn *turn)
{
	const struct verification *row = &turn->row;
	double share = row->last_id > 0 ? (double)row->after_id / (double)row->last_id : 1.0;

	return row->began_at_ms + (int64_t)(share * IN_TIME * (double)turn->env->options.every_ms);
}

static bool plan_by_itself(struct verify_turn *turn, int64_t now_ms, int64_t last_id)
{
	int64_t every_ms = turn->env->options.every_ms, at_ms;

	if (every_ms == INT64_MAX) {
		turn->result.wait_ms = LOOK_MOST;
		return false;
	}
	/* A clock that was set back would have it wait for the time that it came from. */
	if (turn->row.began_at_ms > now_ms)
		turn->row.began_at_ms = now_ms;
	if (turn->row.began_at_ms == 0 || turn->row.completed_at_ms != 0) {
		at_ms = turn->row.began_at_ms == 0
				? now_ms
				: turn->row.began_at_ms +
					  (every_ms > AGAIN_LEAST ? every_ms : AGAIN_LEAST);
		if (at_ms <= now_ms)
			begin_pass(turn, now_ms, last_id, true);
	} else {
		at_ms = due_at_ms(turn);
	}
	turn->result.wait_ms = at_ms - now_ms < LOOK_MOST ? at_ms - now_ms : LOOK_MOST;
	return at_ms <= now_ms;
}

static bool run_plan(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct verify_turn *turn = turn_of(job);
	int64_t now_ms = clock_wall_ms(), last_id;

	turn->result.wait_ms = 0;
	turn->pass = VERIFICATION_ASKED;
	if (!verifications_last_id(catalog, &last_id, err) ||
	    !verifications_find(catalog, turn->pass, &turn->row, err))
		return false;
	if (turn->row.asked_at_ms == 0 || turn->row.completed_at_ms != 0) {
		turn->pass = VERIFICATION_BY_ITSELF;
		if (!verifications_find(catalog, turn->pass, &turn->row, err))
			return false;
		if (!plan_by_itself(turn, now_ms, last_id))
			return true;
		turn->result.wait_ms = 0;
	} else if (turn->row.began_at_ms == 0) {
		begin_pass(turn, now_ms, last_id, turn->row.mends);
	}
	return turn->row.after_id >= turn->row.last_id || plan_rows(turn, catalog, err);
}

static void begin_step(struct verify_turn *turn)
{
	bool is_rows = turn->row.after_id < turn->row.last_id;

	if (is_rows) {
		turn->work = (struct job){ .run = run_rows, .done = rows_looked_at };
	} else {
		turn->work = (struct job){ .run = run_walk, .done = walked };
	}
	turn->work.reply = turn->env->mailbox;
	workers_post(turn->env->workers, &turn->work);
}

static void planned(struct ledger_job *job)
{
	struct verify_turn *turn = turn_of(job);

	if (turn->env->is_stopping)
		return;
	if (!job->succeeded)
		hold_up(turn, &job->err);
	else if (turn->result.wait_ms > 0)
		end_turn(turn, VERIFY_IDLE);
	else
		begin_step(turn);
}

void verify_turn_start(struct verify_turn *turn)
{
	turn->result = (struct verify_result){ .outcome = VERIFY_IDLE };
	turn->began_ms = clock_monotonic_ms();
	turn->fault_count = turn->fault_at = turn->compared = turn->row_count = 0;
	turn->work_failed = false;
	read_ledger(turn, run_plan, planned);
}

struct verify_turn *verify_turn_new(const struct verify_env *env, void *owner,
				    void (*ended)(void *owner, const struct verify_result *result))
{
	struct verify_turn *turn = xcalloc(1, sizeof(*turn));

	turn->env = env;
	turn->owner = owner;
	turn->ended = ended;
	return turn;
}

void verify_turn_free(struct verify_turn *turn)
{
	if (!turn)
		return;
	blob_folder_release(&turn->names);
	free(turn->faults);
	free(turn);
}
