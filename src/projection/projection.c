/*
 * The watermark.
 *
 *	events   1 2 3 4 5 6 7 8 9
 *	         applied   ^ watermark
 *
 * An event is applied exactly once: its effects and the watermark that passes it are
 * in one transaction.  Should it come twice in the log, the second finds nothing to
 * change.
 *
 * Order does not matter because every field is merged by a rule that does not ask
 * which came first: ranks only rise (project_call.c, project_recording.c), instants
 * take the better known or the earlier, texts that are told once are kept.  That
 * makes late and repeated callbacks harmless without sorting or waiting for them.
 * What does depend on the order of commits, on purpose, is a call's main recording.
 *
 * An event that cannot be applied is passed over in the end, by who calls (ledger/projector.h).
 *
 * A stream of the log is read in the order of seq, which is the order of commits because one
 * writer gives its numbers.  Between streams any order is as good.
 */
#include "projection/projection.h"

#include <assert.h>

#include "catalog/catalog_sql.h"
#include "catalog/events.h"
#include "catalog/processes.h"
#include "catalog/streams.h"
#include "catalog/turn_news.h"
#include "projection/facts.h"
#include "projection/project_call.h"
#include "projection/project_recording.h"

static int64_t told(const struct db_stmt *row, int column)
{
	return db_column_is_null(row, column) ? EVENT_UNKNOWN : db_column_int(row, column);
}

/* The texts are borrowed from the row. */
static void event_read(const struct db_stmt *row, struct event *out)
{
	*out = (struct event){
		.kind = (enum event_kind)db_column_int(row, 1),
		.received_at_ms = db_column_int(row, 2),
		.account_sid = db_column_str(row, 3),
		.call_sid = db_column_str(row, 4),
		.parent_call_sid = db_column_str(row, 5),
		.recording_sid = db_column_str(row, 6),
		.status = db_column_str(row, 7),
		.direction = db_column_str(row, 8),
		.from = db_column_str(row, 9),
		.to = db_column_str(row, 10),
		.source = db_column_str(row, 11),
		.track = db_column_str(row, 12),
		.recording_url = db_column_str(row, 13),
		.encryption = db_column_str(row, 14),
		.sequence_number = told(row, 15),
		.started_at_ms = db_column_int(row, 16),
		.timestamp_ms = db_column_int(row, 17),
		.duration_s = told(row, 18),
		.channels = db_column_int(row, 19),
		.error_code = db_column_int(row, 20),
		.request_id = db_column_str(row, 21),
	};
}

static bool apply(struct facts *known, struct catalog *catalog, const struct event *event,
		  struct projection_result *result, struct err *err)
{
	struct projection_change *change = &result->changes[result->count];
	int64_t call_id;

	*change = (struct projection_change){ 0 };
	text_set(change->call_sid, SID_SIZE, event->call_sid);
	text_set(change->recording_sid, SID_SIZE, event->recording_sid);
	text_set(change->account_sid, SID_SIZE, event->account_sid);
	if (!project_call(known, catalog, event, &call_id, change, err))
		return false;
	if (event->recording_sid.len &&
	    !project_recording(known, catalog, event, call_id, change, err))
		return false;
	if (change->what)
		result->count++;
	return true;
}

/* How events are applied. */
struct run {
	struct catalog *catalog;
	size_t max_events; /* in all */
	bool is_careful; /* what is deferred is waited for event by event: so it is known which one is to blame */
	struct projection_result *out;
	struct projection_ahead *ahead; /* NULL: nothing was asked before */
};

/* Of each row up to the most that is taken. */
static bool read_facts(const struct run *run, struct db_stmt *events, struct facts **out,
		       struct err *err)
{
	AUTO(facts_free) struct facts *facts = facts_new();
	enum db_step step = DB_DONE;
	size_t left = run->max_events - run->out->events;

	for (; left > 0 && (step = db_step(events, err)) == DB_ROW; left--) {
		facts_name_call(facts, db_column_str(events, 4));
		facts_name_recording(facts, db_column_str(events, 6));
	}
	db_rewind(events);
	if (step == DB_FAILED || !facts_read(facts, run->catalog, err))
		return false;
	*out = TAKE(facts);
	return true;
}

/* Of many that were sent anyone may be it. */
static bool blame(const struct run *run, const struct stream_mark *mark, struct err *err)
{
	if (!run->is_careful)
		return false;
	run->out->failed_event = mark->watermark;
	run->out->failed_stream = mark->stream;
	return err_context(err, "event %lld", (long long)mark->watermark);
}

static bool apply_rows(const struct run *run, struct db_stmt *events, struct stream_mark *mark,
		       struct err *err)
{
	AUTO(facts_free) struct facts *known = NULL;
	struct projection_result *out = run->out;
	enum db_step step;

	if (!run->is_careful && !read_facts(run, events, &known, err))
		return false;
	while ((step = db_step(events, err)) == DB_ROW) {
		struct event event;

		if (out->events == run->max_events) {
			out->more = true;
			return true;
		}
		event_read(events, &event);
		mark->watermark = db_column_int(events, 0);
		if (!apply(known, run->catalog, &event, out, err) ||
		    (run->is_careful && !db_catch_up(catalog_db(run->catalog), err)))
			return blame(run, mark, err);
		out->events++;
	}
	return step == DB_DONE;
}

/* A statement is asked once at a time: so that of turns has a text of its own. */
#define EVENTS_OF(stream)                                                                 \
	"SELECT seq, kind, received_at_ms, account_sid, call_sid, parent_call_sid, "      \
	"recording_sid, status, direction, from_address, to_address, source, track, "     \
	"recording_url, encryption, sequence_number, started_at_ms, timestamp_ms, "       \
	"duration_s, channels, error_code, request_id FROM events WHERE stream = " stream \
	" AND seq > $1 ORDER BY seq LIMIT $2"

static bool prepare_events(struct catalog *catalog, const struct stream_mark *mark,
			   size_t max_events, struct db_stmt **out, struct err *err)
{
	bool is_of_turns = mark->stream == 0 && !catalog_is_local(catalog);

	if (!db_prepare(catalog_db(catalog), is_of_turns ? EVENTS_OF("0") : EVENTS_OF("$3"), out,
			err))
		return false;
	db_bind_int(*out, 1, mark->watermark);
	db_bind_int(*out, 2, (int64_t)max_events + 1);
	if (!is_of_turns)
		db_bind_int(*out, 3, mark->stream);
	return true;
}

/* Of the two streams that every process looks at, by what it knows of their watermarks. */
static bool ask_ahead(struct catalog_ahead *self, struct catalog *catalog, struct err *err)
{
	struct projection_ahead *ahead = container_of(self, struct projection_ahead, ahead);
	struct stream_mark marks[2];
	size_t count;

	if (catalog_is_local(catalog))
		return true;
	count = streams_at_hand(catalog, marks);
	for (size_t i = 0; i < count; i++) {
		ahead->after[i] = marks[i].watermark;
		if (!prepare_events(catalog, &marks[i], ahead->max_events, &ahead->events[i],
				    err) ||
		    !db_ask(ahead->events[i], err))
			return false;
	}
	return true;
}

struct catalog_ahead *projection_ahead(struct projection_ahead *ahead, size_t max_events)
{
	*ahead = (struct projection_ahead){ .ahead = { ask_ahead }, .max_events = max_events };
	return &ahead->ahead;
}

void projection_ahead_release(struct projection_ahead *ahead)
{
	db_stmt_reset(TAKE(ahead->events[0]));
	db_stmt_reset(TAKE(ahead->events[1]));
}

/* NULL: what was asked for, if anything, is not what comes after the watermark. */
static struct db_stmt *take_asked(const struct run *run, const struct stream_mark *mark)
{
	size_t which = mark->stream != 0;

	if (!run->ahead || (which && mark->stream != catalog_process(run->catalog)) ||
	    !run->ahead->events[which])
		return NULL;
	if (run->ahead->after[which] == mark->watermark)
		return TAKE(run->ahead->events[which]);
	db_stmt_reset(TAKE(run->ahead->events[which]));
	return NULL;
}

/* The mark goes along. */
static bool apply_after(const struct run *run, struct stream_mark *mark, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *next = take_asked(run, mark);

	if (!next &&
	    !prepare_events(run->catalog, mark, run->max_events - run->out->events, &next, err))
		return false;
	return apply_rows(run, next, mark, err);
}

/* One that was left behind is over once nothing is left of it. */
static bool run_stream(const struct run *run, struct stream_mark *mark, struct err *err)
{
	struct projection_result *out = run->out;
	bool is_orphan = mark->stream != 0 && mark->stream != catalog_process(run->catalog);
	int64_t before = mark->watermark;

	if (!apply_after(run, mark, err))
		return false;
	out->watermark = mark->watermark;
	if (mark->watermark != before && !stream_advance(run->catalog, mark, err))
		return false;
	if (is_orphan && !out->more)
		stream_end(run->catalog, mark->stream);
	return true;
}

static void run_begins(struct projection_result *out)
{
	out->count = out->events = 0;
	out->failed_event = 0;
	out->more = false;
}

static bool run_ends(struct catalog *catalog, struct projection_result *out, struct err *err)
{
	for (size_t i = 0; i < out->count; i++)
		turn_tell(catalog, &out->changes[i]);
	return catalog_sequence(catalog, &out->sequence, err);
}

static bool run_all(const struct run *run, struct err *err)
{
	struct stream_mark marks[STREAMS_PROJECTED_MAX];
	size_t count;

	assert(run->max_events > 0 && run->max_events <= PROJECTION_EVENTS_MAX);
	run_begins(run->out);
	run->out->is_unclear = !run->is_careful;
	if (!catalog_may_change(run->catalog, err) ||
	    !streams_projected(run->catalog, marks, &count, err))
		return false;
	for (size_t i = 0; i < count && !run->out->more; i++)
		if (!run_stream(run, &marks[i], err))
			return false;
	return run_ends(run->catalog, run->out, err);
}

bool projection_run(struct catalog *catalog, size_t max_events, struct projection_result *out,
		    struct err *err)
{
	const struct run run = { catalog, max_events, catalog_is_local(catalog), out, NULL };

	return run_all(&run, err);
}

bool projection_run_ahead(struct catalog *catalog, struct projection_ahead *ahead,
			  struct projection_result *out, struct err *err)
{
	const struct run run = { catalog, ahead->max_events, catalog_is_local(catalog), out,
				 ahead };

	return run_all(&run, err);
}

bool projection_run_carefully(struct catalog *catalog, size_t max_events,
			      struct projection_result *out, struct err *err)
{
	const struct run run = { catalog, max_events, true, out, NULL };

	return run_all(&run, err);
}

bool projection_set_aside(struct catalog *catalog, int64_t stream, int64_t event_seq, int64_t at_ms,
			  const char *reason, struct err *err)
{
	const struct stream_mark behind_it = { stream, event_seq };
	struct db_stmt *insert;
	bool is_past;

	if (!catalog_may_change(catalog, err) ||
	    !stream_is_past(catalog, &behind_it, &is_past, err))
		return false;
	if (is_past)
		return true;
	if (!stream_advance(catalog, &behind_it, err) ||
	    !db_prepare(catalog_db(catalog),
			"INSERT INTO events_set_aside (event_seq, set_aside_at_ms, reason, stream) "
			"VALUES ($1, $2, $3, $4)",
			&insert, err))
		return false;
	db_bind_int(insert, 1, event_seq);
	db_bind_int(insert, 2, at_ms);
	db_bind_str(insert, 3, str_of(reason));
	db_bind_int(insert, 4, stream);
	return db_run(insert, err);
}
