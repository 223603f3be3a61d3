/*
 * What the old ledger's rows still say, in three readings of it: events, and who may use it; calls and recordings of which the
 * events are lost; what has become of recordings.
 */
#include "rebuild/rebuild_private.h"

#include "accounts/credentials.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "blob/blob.h"
#include "catalog/calls.h"
#include "catalog/events.h"
#include "catalog/recordings.h"
#include "catalog/recordings_digest.h"
#include "catalog/recordings_hold.h"
#include "catalog/removals.h"
#include "chores/rescue.h"
#include "chores/upstream_deletions.h"
#include "chores/verifications.h"
#include "rebuild/old_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct taking {
	struct ledger_rows_taker taker;
	struct rebuilding *rebuilding;
	int64_t first_event, last_event;
	int64_t received_at_ms; /* of the event before */
};

static struct taking *taking_of(struct ledger_rows_taker *taker)
{
	return container_of(taker, struct taking, taker);
}

/* One row that cannot be is told and left out; all else ends it. */
static bool may_go_on(struct rebuilding *rebuilding, const struct err *err)
{
	if (err->kind != ERR_CONFLICT && err->kind != ERR_INVALID && err->kind != ERR_NOT_FOUND)
		return false;
	rebuilding->report->rows_broken++;
	return true;
}

static bool read_rows(struct rebuilding *rebuilding, struct taking *taking,
		      bool (*take)(struct ledger_rows_taker *, const struct ledger_row *,
				   struct err *),
		      struct ledger_rows_counts *counts, struct err *err)
{
	taking->rebuilding = rebuilding;
	taking->taker.take = take;
	return rebuilding_begin(rebuilding, err) &&
	       ledger_rows_read(rebuilding->pages, &taking->taker, counts, err) &&
	       rebuilding_end(rebuilding, err);
}

/* ---- as they were ---- */

static struct rescue_value value_of(const struct ledger_cell *cell)
{
	struct rescue_value value = { .type = RESCUE_NULL };

	switch (cell->type) {
	case CELL_INT:
		value = (struct rescue_value){ .type = RESCUE_INT, .number = cell->number };
		break;
	case CELL_TEXT:
		value = (struct rescue_value){ .type = RESCUE_TEXT, .bytes = cell->bytes };
		break;
	case CELL_BYTES:
		value = (struct rescue_value){ .type = RESCUE_BYTES, .bytes = cell->bytes };
		break;
	case CELL_NULL:
	case CELL_REAL: /* there is none in our tables */
		break;
	}
	return value;
}

static bool put_values(struct rebuilding *rebuilding, enum rescue_table table, int64_t id,
		       const struct rescue_value *values, size_t count, uint64_t *counter,
		       struct err *err)
{
	bool is_taken;

	if (!rescue_put(rebuilding->catalog, table, id, values, count, &is_taken, err))
		return may_go_on(rebuilding, err);
	*counter += is_taken;
	return rebuilding_count(rebuilding, err);
}

/* False: its numbers cannot be. */
static bool read_values(struct rebuilding *rebuilding, enum rescue_table table,
			const struct ledger_row *row, struct rescue_value values[LEDGER_CELLS_MAX])
{
	for (size_t i = 0; i < row->count; i++)
		values[i] = value_of(&row->cells[i]);
	if (old_values_bound(table, values, row->count, rebuilding->highest))
		return true;
	rebuilding->report->rows_broken++;
	return false;
}

static bool put(struct rebuilding *rebuilding, enum rescue_table table,
		const struct ledger_row *row, uint64_t *counter, struct err *err)
{
	struct rescue_value values[LEDGER_CELLS_MAX];

	return !read_values(rebuilding, table, row, values) ||
	       put_values(rebuilding, table, row->id, values, row->count, counter, err);
}

#define USER_IS_DISABLED 6 /* its column */

/* One that merely looks like one may have been removed: an administrator says whether it comes in again. */
static bool put_user(struct rebuilding *rebuilding, const struct ledger_row *row, struct err *err)
{
	struct rebuild_report *report = rebuilding->report;
	struct rescue_value values[LEDGER_CELLS_MAX];
	uint64_t before = report->users;

	if (!read_values(rebuilding, RESCUE_USERS, row, values))
		return true;
	if (row->is_by_looks)
		values[USER_IS_DISABLED] = (struct rescue_value){ .type = RESCUE_INT, .number = 1 };
	if (!put_values(rebuilding, RESCUE_USERS, row->id, values, row->count, &report->users, err))
		return false;
	if (row->is_by_looks)
		report->users_disabled += report->users - before;
	return true;
}

#define EVENT_RECEIVED_AT 2 /* its column */

/* One that came when nobody can say came with the one before. */
static bool put_event(struct taking *taking, const struct ledger_row *row, struct err *err)
{
	struct rebuilding *rebuilding = taking->rebuilding;
	struct rescue_value values[LEDGER_CELLS_MAX];

	if (row->id > rebuilding->highest_event) {
		rebuilding->report->rows_broken++;
		return true;
	}
	if (!read_values(rebuilding, RESCUE_EVENTS, row, values))
		return true;
	if (values[EVENT_RECEIVED_AT].number == 0)
		values[EVENT_RECEIVED_AT].number = taking->received_at_ms;
	taking->received_at_ms = values[EVENT_RECEIVED_AT].number;
	if (taking->first_event == 0 || row->id < taking->first_event)
		taking->first_event = row->id;
	if (row->id > taking->last_event)
		taking->last_event = row->id;
	return put_values(rebuilding, RESCUE_EVENTS, row->id, values, row->count,
			  &rebuilding->report->events, err);
}

/* What verify knew of files goes on to be known: their bytes are not those that their names stand for. */
static bool put_fault(struct rebuilding *rebuilding, const struct ledger_row *row, struct err *err)
{
	struct store_fault fault;

	return !old_fault_read(row, &fault) || !blob_name_is_valid(str_of(fault.path)) ||
	       (store_faults_add(rebuilding->catalog, &fault, err) &&
		rebuilding_count(rebuilding, err));
}

static bool take_first(struct ledger_rows_taker *taker, const struct ledger_row *row,
		       struct err *err)
{
	struct taking *taking = taking_of(taker);
	struct rebuilding *rebuilding = taking->rebuilding;
	struct rebuild_report *report = rebuilding->report;
	uint64_t chains = 0;

	switch (row->table) {
	case LEDGER_EVENTS:
		return put_event(taking, row, err);
	case LEDGER_USERS:
		return put_user(rebuilding, row, err);
	case LEDGER_AUDIT:
		return put(rebuilding, RESCUE_AUDIT, row, &report->audit_entries, err);
	case LEDGER_AUDIT_CHAINS:
		return put(rebuilding, RESCUE_AUDIT_CHAINS, row, &chains, err);
	case LEDGER_STORE_FAULTS:
		return put_fault(rebuilding, row, err);
	case LEDGER_CALLS:
	case LEDGER_RECORDINGS:
	case LEDGER_ATTEMPTS:
	case LEDGER_CREDENTIALS:
	case LEDGER_TURNS:
	case LEDGER_UPKEEP:
	case LEDGER_TABLES:
		break;
	}
	return true;
}

bool rebuild_take_events(struct rebuilding *rebuilding, struct err *err)
{
	struct taking taking = { .first_event = 0 };
	struct ledger_rows_counts counts;
	struct rebuild_report *report = rebuilding->report;

	if (!read_rows(rebuilding, &taking, take_first, &counts, err))
		return false;
	report->pages = counts.pages;
	report->pages_damaged = counts.damaged;
	report->rows_broken += counts.broken;
	if (report->events > 0)
		report->events_missing =
			(uint64_t)(taking.last_event - taking.first_event) + 1 - report->events;
	return true;
}

/* ---- rows of which the events are lost ---- */

/* By its rank. */
static struct str status_of(const struct old_recording *old)
{
	static const char *const texts[] = { "", "failed", "absent", "completed", "deleted" };

	if (old->upstream > 0 && old->upstream < (int64_t)ARRAY_LEN(texts))
		return str_of(texts[old->upstream]);
	return old->state == RECORDING_ANNOUNCED ? STR("in-progress") : STR("completed");
}

static bool tell_recording(struct rebuilding *rebuilding, const struct old_recording *old,
			   struct err *err)
{
	struct event event;
	int64_t seq;

	/* What nobody but a file told of. */
	bool is_adopted = old->upstream == 0 && old->state == RECORDING_STORED;

	event_init(&event, is_adopted ? EVENT_RECORDING_ADOPTED : EVENT_RECORDING_LISTED,
		   old->completed_at_ms > 0 ? old->completed_at_ms : clock_wall_ms());
	event.recording_sid = old->recording_sid;
	event.call_sid = old->call_sid;
	event.account_sid = old->account_sid;
	event.status = is_adopted ? STR_NONE : status_of(old);
	event.source = old->source;
	event.track = old->track;
	event.recording_url = old->url;
	event.encryption = old->encryption;
	event.started_at_ms = old->started_at_ms;
	event.duration_s = old->duration_s;
	event.channels = old->channels;
	event.error_code = old->error_code;
	return events_append(rebuilding->catalog, &event, &seq, err)
		       ? rebuilding_count(rebuilding, err)
		       : may_go_on(rebuilding, err);
}

static bool take_recording(struct rebuilding *rebuilding, const struct ledger_row *row,
			   struct err *err)
{
	struct old_recording old;
	struct recording now;

	old_recording_read(row, &old);
	if (recordings_find(rebuilding->catalog, old.recording_sid, &now, err))
		return now.state != RECORDING_ANNOUNCED || old.state == RECORDING_ANNOUNCED ||
		       tell_recording(rebuilding, &old, err);
	return err->kind == ERR_NOT_FOUND && tell_recording(rebuilding, &old, err);
}

static bool tell_call(struct rebuilding *rebuilding, const struct old_call *old, struct err *err)
{
	struct event event;
	int64_t seq;

	event_init(&event, EVENT_CALL_FETCHED,
		   old->started_at_ms > 0 ? old->started_at_ms : clock_wall_ms());
	event.call_sid = old->call_sid;
	event.parent_call_sid = old->parent_call_sid;
	event.account_sid = old->account_sid;
	event.direction = old->direction;
	event.from = old->from;
	event.to = old->to;
	event.status = str_of(call_status_text(old->status));
	event.started_at_ms = old->started_at_ms;
	event.timestamp_ms = old->ended_at_ms;
	event.duration_s = old->duration_s;
	return events_append(rebuilding->catalog, &event, &seq, err)
		       ? rebuilding_count(rebuilding, err)
		       : may_go_on(rebuilding, err);
}

static bool says_more(const struct old_call *old, const struct call *now)
{
	return (old->from.len > 0 && !now->from[0]) || (old->to.len > 0 && !now->to[0]) ||
	       (old->direction.len > 0 && !now->direction_text[0]) || old->status > now->status ||
	       old->duration_s > now->duration_s;
}

static void note_main(struct rebuilding *rebuilding, const struct old_call *old)
{
	struct old_main *main;

	if (rebuilding->main_count == rebuilding->main_size) {
		rebuilding->main_size = rebuilding->main_size ? 2 * rebuilding->main_size : 256;
		rebuilding->mains = xrealloc(rebuilding->mains,
					     rebuilding->main_size * sizeof(*rebuilding->mains));
	}
	main = &rebuilding->mains[rebuilding->main_count++];
	main->recording_id = old->main_id;
	str_fit(old->call_sid, main->call_sid, sizeof(main->call_sid));
}

static int compare_mains(const void *a, const void *b)
{
	const struct old_main *x = a, *y = b;

	return (x->recording_id > y->recording_id) - (x->recording_id < y->recording_id);
}

static bool take_main(struct rebuilding *rebuilding, const struct ledger_row *row,
		      const struct old_recording *old, struct err *err)
{
	const struct old_main key = { .recording_id = row->id }, *found = NULL;

	if (rebuilding->main_count > 0)
		found = bsearch(&key, rebuilding->mains, rebuilding->main_count, sizeof(key),
				compare_mains);
	return !found ||
	       rescue_main(rebuilding->catalog, str_of(found->call_sid), old->recording_sid, err);
}

static bool take_call(struct rebuilding *rebuilding, const struct ledger_row *row, struct err *err)
{
	struct old_call old;
	struct call now;

	old_call_read(row, &old);
	if (old.main_id > 0 && old.recordings > 1)
		note_main(rebuilding, &old);
	if (calls_find(rebuilding->catalog, old.call_sid, &now, err))
		return !says_more(&old, &now) || tell_call(rebuilding, &old, err);
	return err->kind == ERR_NOT_FOUND && tell_call(rebuilding, &old, err);
}

/* Where it stands in rights and links; sessions and the like are had again by signing in. */
static bool take_credential(struct rebuilding *rebuilding, const struct ledger_row *row,
			    struct err *err)
{
	struct rebuild_report *report = rebuilding->report;
	int64_t kind = ledger_row_int(row, 1);

	/* One that was revoked must not come back from a page that was given up. */
	if (row->is_by_looks || (kind != CREDENTIAL_TOKEN && kind != CREDENTIAL_LINK))
		return true;
	return put(rebuilding, RESCUE_CREDENTIALS, row,
		   kind == CREDENTIAL_TOKEN ? &report->tokens : &report->links, err);
}

static bool take_second(struct ledger_rows_taker *taker, const struct ledger_row *row,
			struct err *err)
{
	struct rebuilding *rebuilding = taking_of(taker)->rebuilding;

	if (row->table == LEDGER_RECORDINGS)
		return take_recording(rebuilding, row, err);
	if (row->table == LEDGER_CALLS)
		return take_call(rebuilding, row, err);
	return row->table != LEDGER_CREDENTIALS || take_credential(rebuilding, row, err);
}

bool rebuild_take_rows(struct rebuilding *rebuilding, struct err *err)
{
	struct ledger_rows_counts counts;
	struct taking taking = { .first_event = 0 };

	if (!read_rows(rebuilding, &taking, take_second, &counts, err))
		return false;
	if (rebuilding->main_count > 0)
		qsort(rebuilding->mains, rebuilding->main_count, sizeof(*rebuilding->mains),
		      compare_mains);
	return true;
}

/* ---- what has become of recordings ---- */

/* What cannot be read now is there: its row knows more of it than a try, and callspool verify judges it. */
bool rebuilding_find_file(const struct rebuilding *rebuilding, const struct old_recording *old,
			  enum old_file *out, struct err *err)
{
	AUTO(close) int fd = -1;
	uint64_t size;

	*out = OLD_FILE_UNTOLD;
	if (old->generation <= 0 || old->generation > rebuilding->highest || old->size <= 0 ||
	    !blob_name_is_valid(old->path))
		return true;
	if (blob_open_read(rebuilding->store, old->path, &fd, &size, err)) {
		*out = size == (uint64_t)old->size ? OLD_FILE_THERE : OLD_FILE_DAMAGED;
		return true;
	}
	*out = err->kind == ERR_NOT_FOUND ? OLD_FILE_MISSING : OLD_FILE_THERE;
	return err->kind != ERR_SCARCE && err->kind != ERR_UNAVAILABLE;
}

/* That Twilio's copy is the better one must not be forgotten: it would be deleted. */
static bool take_upstream_copy(struct rebuilding *rebuilding, const struct old_recording *old,
			       struct err *err)
{
	char sid[SID_SIZE];

	if (old->upstream_copy != UPSTREAM_COPY_NEEDED &&
	    old->upstream_copy != UPSTREAM_COPY_DELETED)
		return true;
	str_fit(old->recording_sid, sid, sizeof(sid));
	return upstream_copy_set(rebuilding->catalog, sid, (enum upstream_copy)old->upstream_copy,
				 err);
}

static bool take_stored(struct rebuilding *rebuilding, const struct old_recording *old,
			struct err *err)
{
	char format[8], path[RECORDING_PATH_SIZE], sha256[SHA256_HEX];
	struct recording_media media = {
		.stored_at_ms = old->stored_at_ms,
		.generation = old->generation,
		.generation_at_ms = old->generation_at_ms,
		.size = (uint64_t)old->size,
		.duration_ms = old->duration_ms,
		.channels = (int)old->channels_stored,
		.is_duration_off = old->is_duration_off,
		.format = format,
		.path = path,
	};

	str_fit(old->format, format, sizeof(format));
	str_fit(old->path, path, sizeof(path));
	str_fit(old->sha256, sha256, sizeof(sha256));
	if (!recordings_mark_stored(rebuilding->catalog, old->recording_sid, &media, err))
		return false;
	rebuilding->report->stored++;
	if (!take_upstream_copy(rebuilding, old, err))
		return false;
	return sha256[0] == '\0' || recordings_set_digest(rebuilding->catalog, old->recording_sid,
							  old->generation, sha256, err);
}

static bool take_hold(struct rebuilding *rebuilding, const struct old_recording *old,
		      struct err *err)
{
	const struct recording_hold hold = { .by = old->hold_by,
					     .at_ms = old->hold_since_ms,
					     .reason = old->hold_reason };
	bool to_fetch;

	if (!recordings_hold(rebuilding->catalog, old->recording_sid, &hold, &to_fetch, err))
		return false;
	rebuilding->report->held++;
	return true;
}

/* From "stored" to "purged" is a single bit: a removal leaves more than that. */
static bool was_removed(const struct old_recording *old)
{
	return recording_is_removed(old->state) && !old->is_held && old->path.len == 0 &&
	       old->removed_at_ms > 0;
}

static bool take_removed(struct rebuilding *rebuilding, const struct old_recording *old,
			 struct err *err)
{
	bool good = old->state == RECORDING_PURGED
			    ? recordings_mark_purged(rebuilding->catalog, old->recording_sid,
						     old->removed_at_ms, err)
			    : recordings_mark_deleted(rebuilding->catalog, old->recording_sid,
						      old->removed_at_ms, err);

	rebuilding->report->removed += good;
	return good;
}

bool rebuilding_is_damaged(const struct rebuilding *rebuilding, struct str path, bool *out,
			   struct err *err)
{
	char name[RECORDING_PATH_SIZE];
	struct store_fault fault;

	*out = false;
	str_fit(path, name, sizeof(name));
	if (!store_faults_find(rebuilding->catalog, name, &fault, err))
		return err->kind == ERR_NOT_FOUND;
	*out = fault.kind == STORE_FAULT_BYTES || fault.kind == STORE_FAULT_SIZE;
	return true;
}

/* It is fetched again; where Twilio has it no more, callspool verify sees what the file is good for. */
static bool note_damaged(struct rebuilding *rebuilding, const struct old_recording *old,
			 enum store_fault_kind kind, struct err *err)
{
	struct store_fault fault = { .kind = kind,
				     .state = STORE_FAULT_MENDING,
				     .generation = old->generation,
				     .seen_at_ms = clock_wall_ms() };

	snprintf(fault.reason, sizeof(fault.reason), "its %s another, as its row says",
		 kind == STORE_FAULT_SIZE ? "size was" : "SHA-256 was");
	str_fit(old->path, fault.path, sizeof(fault.path));
	str_fit(old->call_sid, fault.call_sid, sizeof(fault.call_sid));
	str_fit(old->recording_sid, fault.recording_sid, sizeof(fault.recording_sid));
	return store_faults_add(rebuilding->catalog, &fault, err);
}

/* Are its bytes those of which the row tells the digest?  Where it tells none, what was lost is not. */
static bool is_whole(const struct rebuilding *rebuilding, const struct old_recording *old,
		     bool *out, struct err *err)
{
	struct blob_content content;
	char hex[SHA256_HEX];
	struct buf buf;

	*out = !str_eq(old->reason_code, STR("lost"));
	if (old->sha256.len == 0)
		return true;
	*out = false;
	if (!blob_read_content(rebuilding->store, old->path, 0, NULL, &content, err))
		return err->kind != ERR_SCARCE && err->kind != ERR_UNAVAILABLE;
	buf_over(&buf, hex, sizeof(hex));
	hex_add(&buf, content.sha256, sizeof(content.sha256));
	*out = str_eq(buf_str(&buf), old->sha256);
	return true;
}

/*
 * What the row does not call stored, though its file is there, was to be fetched anew or given up: because Twilio has other bytes, or
 * because the file is damaged.  The row that told of the damage may be lost, and the file still has the size that it had.
 */
static bool take_unstored(struct rebuilding *rebuilding, const struct old_recording *old,
			  struct err *err)
{
	bool is_damaged, is_as_it_was;

	if (!rebuilding_is_damaged(rebuilding, old->path, &is_damaged, err))
		return false;
	if (is_damaged)
		return true;
	if (!is_whole(rebuilding, old, &is_as_it_was, err))
		return false;
	if (!is_as_it_was)
		return note_damaged(rebuilding, old, STORE_FAULT_BYTES, err);
	if (!take_stored(rebuilding, old, err))
		return false;
	if (!str_eq(old->reason_code, STR("other_bytes")))
		return true;
	rebuilding->report->stored--;
	return recordings_requeue(rebuilding->catalog, old->recording_sid, clock_wall_ms(), err);
}

static bool take_now(struct rebuilding *rebuilding, const struct old_recording *old,
		     struct err *err)
{
	enum old_file file;

	if (was_removed(old))
		return take_removed(rebuilding, old, err);
	rebuilding->report->rows_broken += recording_is_removed(old->state);
	if (old->state == RECORDING_STATES)
		return true;
	if (!rebuilding_find_file(rebuilding, old, &file, err))
		return false;
	if (file == OLD_FILE_DAMAGED)
		return note_damaged(rebuilding, old, STORE_FAULT_SIZE, err);
	if (file != OLD_FILE_THERE)
		return true;
	return old->state == RECORDING_STORED ? take_stored(rebuilding, old, err)
					      : take_unstored(rebuilding, old, err);
}

static bool take_state(struct rebuilding *rebuilding, const struct ledger_row *row, struct err *err)
{
	struct old_recording old;
	struct recording now;

	old_recording_read(row, &old);
	if (!recordings_find(rebuilding->catalog, old.recording_sid, &now, err))
		return may_go_on(rebuilding, err);
	if (!take_main(rebuilding, row, &old, err))
		return false;
	/* Two rows may tell of one, the second of a page that was given up. */
	if (recording_is_removed(now.state) || now.path[0])
		return true;
	/* First: whatever else of the row cannot be, what is held is not removed. */
	if (old.is_held && !now.is_held && !take_hold(rebuilding, &old, err) &&
	    !may_go_on(rebuilding, err))
		return false;
	return take_now(rebuilding, &old, err) ? rebuilding_count(rebuilding, err)
					       : may_go_on(rebuilding, err);
}

/* Of what was deleted and whose row is lost the audit may know; else it would be fetched again. */
static bool take_deletion(struct rebuilding *rebuilding, const struct ledger_row *row,
			  struct err *err)
{
	struct str sid = ledger_row_text(row, 8);
	struct recording now;

	if (!str_eq(ledger_row_text(row, 3), STR("recording_deleted")))
		return true;
	if (!recordings_find(rebuilding->catalog, sid, &now, err))
		return err->kind == ERR_NOT_FOUND;
	if (recording_is_removed(now.state))
		return true;
	if (!recordings_mark_deleted(rebuilding->catalog, sid, ledger_row_int(row, 2), err))
		return may_go_on(rebuilding, err);
	rebuilding->report->removed++;
	return rebuilding_count(rebuilding, err);
}

static bool take_third(struct ledger_rows_taker *taker, const struct ledger_row *row,
		       struct err *err)
{
	struct rebuilding *rebuilding = taking_of(taker)->rebuilding;

	if (row->table == LEDGER_RECORDINGS)
		return take_state(rebuilding, row, err);
	return row->table != LEDGER_AUDIT || take_deletion(rebuilding, row, err);
}

bool rebuild_take_states(struct rebuilding *rebuilding, struct err *err)
{
	struct ledger_rows_counts counts;
	struct taking taking = { .first_event = 0 };

	return read_rows(rebuilding, &taking, take_third, &counts, err);
}
