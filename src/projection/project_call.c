/*
 * What an event says about a call, merged into its row.
 *
 * Status: enum call_status is its own rank, and the higher one stays; so no final
 * status goes back, and between two final ones the order of arrival does not decide.
 *
 * Start: the better source wins, then the earlier instant.
 *
 *	3  the Calls resource
 *	2  a call status callback: its Timestamp, less the length where it tells the end
 *	1  the start of one of its recordings
 *	0  when we first heard of the call
 *
 * Direction, addresses, parent and account are the same in everything that Twilio
 * says of one call: the first that tells them is believed.  What another account says of
 * it was signed with another key, and does not count.
 */
#include "projection/project_call.h"

#include "catalog/call_asks.h"
#include "catalog/catalog_sql.h"
#include "catalog/events.h"
#include "catalog/projection_change.h"
#include "numbers/numbers_index.h"
#include "projection/facts.h"

/* So long after its recording was told of, a callback of the call itself may still come. */
#define CALL_ASK_AFTER_MS 5000

static bool is_about_call(const struct event *event)
{
	return event->kind == EVENT_CALL_STATUS || event->kind == EVENT_CALL_FETCHED;
}

static int64_t start_told(const struct event *event, int *out_rank)
{
	bool is_end = call_status_is_final(call_status_from_text(event->status));

	if (is_about_call(event) && event->started_at_ms) {
		*out_rank = event->kind == EVENT_CALL_FETCHED ? 3 : 2;
		return event->started_at_ms;
	}
	if (event->kind == EVENT_CALL_STATUS && event->timestamp_ms) {
		*out_rank = 2;
		return is_end && event->duration_s > 0
			       ? event->timestamp_ms - event->duration_s * 1000
			       : event->timestamp_ms;
	}
	if (!is_about_call(event) && event->started_at_ms) {
		*out_rank = 1;
		return event->started_at_ms;
	}
	*out_rank = 0;
	return event->received_at_ms;
}

static void merge_start(struct call_facts *facts, const struct event *event, bool is_new)
{
	int rank;
	int64_t at_ms = start_told(event, &rank);

	if (!is_new && (rank < facts->started_rank ||
			(rank == facts->started_rank && at_ms >= facts->call.started_at_ms)))
		return;
	facts->started_rank = rank;
	facts->is_changed = true;
	if (at_ms == facts->call.started_at_ms)
		return;
	facts->call.started_at_ms = at_ms;
	facts->is_moved = true;
}

static void merge_status(struct call_facts *facts, const struct event *event,
			 struct projection_change *change)
{
	enum call_status status = call_status_from_text(event->status);
	struct call *call = &facts->call;

	if (status > call->status) {
		if (call_status_is_final(status) && !call_status_is_final(call->status))
			change->what |= PROJECTED_CALL_ENDED;
		call->status = status;
		facts->is_changed = true;
	}
	if (event->duration_s > call->duration_s) {
		call->duration_s = event->duration_s;
		facts->is_changed = true;
	}
	if (call_status_is_final(status) && event->timestamp_ms &&
	    (!call->ended_at_ms || event->timestamp_ms < call->ended_at_ms)) {
		call->ended_at_ms = event->timestamp_ms;
		facts->is_changed = true;
	}
}

/* The first that tells it is believed. */
static bool merge_text(struct call_facts *facts, char *text, size_t size, struct str told)
{
	if (*text || !told.len)
		return false;
	text_set(text, size, told);
	facts->is_changed = true;
	return true;
}

static void merge(struct call_facts *facts, const struct event *event, bool is_new,
		  struct projection_change *change)
{
	struct call *call = &facts->call;

	merge_start(facts, event, is_new);
	if (is_about_call(event))
		merge_status(facts, event, change);
	merge_text(facts, call->account_sid, SID_SIZE, event->account_sid);
	merge_text(facts, call->parent_call_sid, SID_SIZE, event->parent_call_sid);
	if (merge_text(facts, call->direction_text, sizeof(call->direction_text),
		       event->direction)) {
		call->direction = call_direction_from_text(event->direction);
		facts->is_moved = true;
	}
	if (merge_text(facts, call->from, sizeof(call->from), event->from))
		facts->is_moved = true;
	if (merge_text(facts, call->to, sizeof(call->to), event->to))
		facts->is_moved = true;
}

/* $2 .. $8: what no index of calls holds. */
static void bind_told(struct db_stmt *stmt, const struct call *call, int64_t changed_seq)
{
	bind_text(stmt, 2, call->parent_call_sid);
	bind_text(stmt, 3, call->account_sid);
	db_bind_int(stmt, 4, call->status);
	bind_known(stmt, 5, call->ended_at_ms);
	if (call->duration_s >= 0)
		db_bind_int(stmt, 6, call->duration_s);
	else
		db_bind_null(stmt, 6);
	db_bind_int(stmt, 7, changed_seq);
}

/* $8 .. $13 */
static void bind_listed(struct db_stmt *stmt, const struct call_facts *facts)
{
	const struct call *call = &facts->call;

	db_bind_int(stmt, 8, facts->started_rank);
	db_bind_int(stmt, 9, call->started_at_ms);
	db_bind_int(stmt, 10, call->direction);
	bind_text(stmt, 11, call->direction_text);
	bind_text(stmt, 12, call->from);
	bind_text(stmt, 13, call->to);
}

static struct numbers_of_call numbers_of(const struct call *call)
{
	return (struct numbers_of_call){ .from = str_of(call->from),
					 .to = str_of(call->to),
					 .started_at_ms = call->started_at_ms,
					 .call_id = call->id };
}

static bool insert(struct facts *known, struct catalog *catalog, struct call_facts *facts,
		   struct err *err)
{
	struct numbers_of_call numbers;
	struct db_stmt *stmt;

	if (!db_prepare(
		    catalog_db(catalog),
		    "INSERT INTO calls (id, call_sid, parent_call_sid, account_sid, status, "
		    "ended_at_ms, duration_s, changed_seq, started_rank, started_at_ms, "
		    "direction, direction_text, from_address, to_address, is_main_fixed, "
		    "recording_group, recordings, ask_at_ms) VALUES ($7, $1, $2, $3, $4, $5, $6, "
		    "$7, $8, $9, $10, $11, $12, $13, 0, 0, 0, $14)",
		    &stmt, err))
		return false;
	facts->call.id = catalog_next_sequence(catalog);
	db_bind_str(stmt, 1, str_of(facts->call.call_sid));
	bind_told(stmt, &facts->call, facts->call.id);
	bind_listed(stmt, facts);
	bind_known(stmt, 14, facts->ask_at_ms);
	if (!db_run(stmt, err))
		return false;
	catalog_count_call(catalog);
	numbers = numbers_of(&facts->call);
	return numbers_index_add(catalog_db(catalog), &numbers, facts_numbers(known), err);
}

/* Most events change nothing that the list is sorted or searched by: no index is written then. */
static bool update_told(struct catalog *catalog, const struct call_facts *facts, struct err *err)
{
	struct db_stmt *stmt;

	if (!db_prepare(catalog_db(catalog),
			"UPDATE calls SET parent_call_sid = $2, account_sid = $3, status = $4, "
			"ended_at_ms = $5, duration_s = $6, changed_seq = $7, started_rank = $8 "
			"WHERE id = $1",
			&stmt, err))
		return false;
	db_bind_int(stmt, 1, facts->call.id);
	bind_told(stmt, &facts->call, catalog_next_sequence(catalog));
	db_bind_int(stmt, 8, facts->started_rank);
	return db_run(stmt, err);
}

/* Its recordings have a copy of it (recordings_by_age). */
static bool update_ways(struct catalog *catalog, const struct call *call, struct err *err)
{
	struct db_stmt *stmt;

	if (!db_prepare(
		    catalog_db(catalog),
		    "UPDATE recordings SET direction = $2 WHERE call_id = $1 AND direction <> $2",
		    &stmt, err))
		return false;
	db_bind_int(stmt, 1, call->id);
	db_bind_int(stmt, 2, call->direction);
	return db_run(stmt, err);
}

static bool update_listed(struct facts *known, struct catalog *catalog,
			  const struct call_facts *facts, const struct call *before,
			  struct err *err)
{
	struct numbers_of_call old = numbers_of(before), now = numbers_of(&facts->call);
	struct db_stmt *stmt;

	if (!db_prepare(catalog_db(catalog),
			"UPDATE calls SET parent_call_sid = $2, account_sid = $3, status = $4, "
			"ended_at_ms = $5, duration_s = $6, changed_seq = $7, started_rank = $8, "
			"started_at_ms = $9, direction = $10, direction_text = $11, "
			"from_address = $12, to_address = $13 WHERE id = $1",
			&stmt, err))
		return false;
	db_bind_int(stmt, 1, facts->call.id);
	bind_told(stmt, &facts->call, catalog_next_sequence(catalog));
	bind_listed(stmt, facts);
	return db_run(stmt, err) &&
	       (before->direction == facts->call.direction ||
		update_ways(catalog, &facts->call, err)) &&
	       numbers_index_remove(catalog_db(catalog), &old, err) &&
	       numbers_index_add(catalog_db(catalog), &now, facts_numbers(known), err);
}

static bool write_row(struct facts *known, struct catalog *catalog, struct call_facts *facts,
		      const struct call *before, bool is_new, struct err *err)
{
	if (is_new)
		return insert(known, catalog, facts, err);
	if (facts->is_moved)
		return update_listed(known, catalog, facts, before, err);
	return !facts->is_changed || update_told(catalog, facts, err);
}

/* A recording of it has ended: the call may have as well, and its own callback be lost, or not set up for the end. */
static bool ask_for_end(struct catalog *catalog, struct call_facts *facts,
			const struct event *event, struct err *err)
{
	if (facts->ask_at_ms != 0 || call_status_is_final(facts->call.status) ||
	    (event->kind != EVENT_RECORDING_STATUS && event->kind != EVENT_RECORDING_LISTED) ||
	    !str_eq(event->status, STR("completed")))
		return true;
	facts->ask_at_ms = event->received_at_ms + CALL_ASK_AFTER_MS;
	return call_asks_set(catalog, event->call_sid, facts->ask_at_ms, err);
}

/* Told to its end: there is nothing to ask. */
static bool ask_no_more(struct catalog *catalog, struct call_facts *facts,
			const struct event *event, struct err *err)
{
	if (facts->ask_at_ms == 0 || !is_about_call(event) ||
	    !call_status_is_final(call_status_from_text(event->status)))
		return true;
	facts->ask_at_ms = 0;
	return call_asks_set(catalog, event->call_sid, 0, err);
}

bool project_call(struct facts *known, struct catalog *catalog, const struct event *event,
		  int64_t *out_id, struct projection_change *change, struct err *err)
{
	struct call_facts facts = { 0 };
	struct call before;
	bool found;

	*out_id = 0;
	if (!event->call_sid.len)
		return true;
	if (!facts_find_call(known, catalog, event->call_sid, &facts, &found, err))
		return false;
	if (found && event_is_foreign(facts.call.account_sid, event))
		return true;
	before = facts.call;
	if (!found) {
		text_set(facts.call.call_sid, SID_SIZE, event->call_sid);
		facts.call.duration_s = EVENT_UNKNOWN;
		if (!is_about_call(event))
			facts.ask_at_ms = event->received_at_ms + CALL_ASK_AFTER_MS;
	}
	merge(&facts, event, !found, change);
	if (!write_row(known, catalog, &facts, &before, !found, err) ||
	    (found && (!ask_no_more(catalog, &facts, event, err) ||
		       !ask_for_end(catalog, &facts, event, err))))
		return false;
	if (!found || facts.is_changed)
		change->what |= PROJECTED_CALL;
	if (found && facts.is_moved)
		change->what |= PROJECTED_MOVED;
	*out_id = facts.call.id;
	facts_keep_call(known, event->call_sid, &facts);
	return true;
}
