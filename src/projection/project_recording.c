/*
 * What an event says about a recording, merged into its row.
 *
 * What Twilio says of it (`upstream`) only rises through the ranks below; what we
 * have made of it (`state`) follows where our own work has not gone further:
 *
 *	upstream rises to   the state goes from                         to
 *	completed           announced, absent, dead                     queued
 *	                    queued, waiting                             the same, and due
 *	absent              announced, queued, waiting, dead            absent
 *	failed              announced, queued, waiting                  dead
 *	deleted             announced, queued, waiting, absent, dead    gone
 *
 * What had ended (absent, dead) and is queued has a new round, as by a person's retry.
 *
 * All else stays as it is: a recording that we have stored is no worse for what
 * Twilio says later, and none for what another account says.  A call status callback can
 * name a recording too (Record=true): from announced it goes to queued, while `upstream`
 * stays, for all that is said is that it has ended.  If its media is not ready, its flight
 * waits; that it is absent or failed is told by its own event.  What goes on before that
 * (in-progress, paused) is no rank, for it goes to and fro: what came last counts.  A file that another system left
 * says nothing of Twilio: the recording stays announced until the file is stored.
 */
#include "projection/project_recording.h"

#include "catalog/catalog_sql.h"
#include "catalog/events.h"
#include "catalog/main_recording.h"
#include "catalog/projection_change.h"
#include "projection/facts.h"

#define PENDING_STATES (BIT(RECORDING_QUEUED) | BIT(RECORDING_WAITING))
#define ENDED_STATES   (BIT(RECORDING_ABSENT) | BIT(RECORDING_DEAD))

static const struct {
	const char *text;
	enum upstream upstream;
	unsigned from; /* states (bits) that follow */
	enum recording_state to;
} statuses[] = {
	{ "completed", UPSTREAM_COMPLETED,
	  BIT(RECORDING_ANNOUNCED) | BIT(RECORDING_ABSENT) | BIT(RECORDING_DEAD),
	  RECORDING_QUEUED },
	{ "absent", UPSTREAM_ABSENT,
	  BIT(RECORDING_ANNOUNCED) | PENDING_STATES | BIT(RECORDING_DEAD), RECORDING_ABSENT },
	{ "failed", UPSTREAM_FAILED, BIT(RECORDING_ANNOUNCED) | PENDING_STATES, RECORDING_DEAD },
	{ "deleted", UPSTREAM_DELETED,
	  BIT(RECORDING_ANNOUNCED) | PENDING_STATES | BIT(RECORDING_ABSENT) | BIT(RECORDING_DEAD),
	  RECORDING_GONE },
	/* in-progress, paused, stopped, processing, and what Twilio may think of */
	{ NULL, UPSTREAM_ANNOUNCED, 0, RECORDING_ANNOUNCED },
};

static size_t status_of(const struct event *event)
{
	size_t i = 0;

	if (event->kind != EVENT_RECORDING_STATUS && event->kind != EVENT_RECORDING_LISTED)
		return ARRAY_LEN(statuses) - 1;
	while (statuses[i].text && !str_eq(event->status, str_of(statuses[i].text)))
		i++;
	return i;
}

static void reason_of(struct recording *recording)
{
	const char *code = "", *text = "";

	switch (recording->state) {
	case RECORDING_ABSENT:
		code = recording_absent_code(recording->error_code);
		text = recording->error_code == 16101 ? "Twilio kept no recording: it was too short"
		       : recording->error_code == 16102 ? "Twilio kept no recording: it was silent"
							: "Twilio has no recording of this call";
		break;
	case RECORDING_DEAD:
		code = recording->error_code == 16105 ? "no_key" : "upstream_failed";
		text = recording->error_code == 16105
			       ? "Twilio could not keep the recording: no valid public key"
			       : "Twilio could not keep the recording";
		break;
	case RECORDING_GONE:
		code = "recording_deleted";
		text = "the recording was deleted at Twilio before it was fetched";
		break;
	case RECORDING_ANNOUNCED:
	case RECORDING_QUEUED:
	case RECORDING_WAITING:
	case RECORDING_STORED:
	case RECORDING_PURGED:
	case RECORDING_DELETED:
	case RECORDING_STATES:
		break;
	}
	text_set(recording->reason_code, sizeof(recording->reason_code), str_of(code));
	text_set(recording->reason_text, sizeof(recording->reason_text), str_of(text));
}

static void merge_number(struct recording_facts *facts, int64_t *number, int64_t unknown,
			 int64_t told)
{
	if (*number != unknown || told == unknown)
		return;
	*number = told;
	facts->is_changed = true;
}

/* Durations and starts in a call's event are the call's. */
static void merge_told(struct recording_facts *facts, const struct event *event)
{
	struct recording *recording = &facts->recording;
	int64_t channels = recording->channels, error_code = recording->error_code;

	merge_number(facts, &recording->started_at_ms, 0, event->started_at_ms);
	/* The first `completed` knows the length; what was told before it was not over does not count. */
	if (facts->upstream < UPSTREAM_COMPLETED && event->duration_s != EVENT_UNKNOWN &&
	    statuses[status_of(event)].upstream == UPSTREAM_COMPLETED)
		recording->duration_s = event->duration_s;
	else
		merge_number(facts, &recording->duration_s, EVENT_UNKNOWN, event->duration_s);
	merge_number(facts, &channels, 0, event->channels);
	merge_number(facts, &error_code, 0, event->error_code);
	recording->channels = (int)channels;
	recording->error_code = (int)error_code;
	if (!recording->source[0] && event->source.len) {
		text_set(recording->source, sizeof(recording->source), event->source);
		facts->is_changed = true;
	}
	if ((!facts->has_track && event->track.len) ||
	    (!recording->is_encrypted && event->encryption.len))
		facts->is_changed = true;
}

/* Until it has ended. */
static void merge_live(struct recording_facts *facts, const struct event *event)
{
	struct recording *recording = &facts->recording;
	enum recording_live live = RECORDING_NOT_LIVE;

	if (event->kind != EVENT_RECORDING_STATUS && event->kind != EVENT_RECORDING_LISTED)
		return;
	if (recording->state == RECORDING_ANNOUNCED && str_eq(event->status, STR("in-progress")))
		live = RECORDING_LIVE;
	else if (recording->state == RECORDING_ANNOUNCED && str_eq(event->status, STR("paused")))
		live = RECORDING_LIVE_PAUSED;
	if (live == recording->live)
		return;
	recording->live = live;
	facts->is_changed = true;
}

/* Its call says that it ended. */
static void merge_named(struct recording_facts *facts, const struct event *event)
{
	struct recording *recording = &facts->recording;

	if (facts->upstream != UPSTREAM_ANNOUNCED || recording->state != RECORDING_ANNOUNCED)
		return;
	recording->state = RECORDING_QUEUED;
	recording->queued_at_ms = recording->next_try_at_ms = event->received_at_ms;
	if (!recording->completed_at_ms)
		recording->completed_at_ms = event->received_at_ms;
	facts->is_changed = true;
}

/* Found by listing it, a moment before its own webhook came: it is new after all. */
static void merge_rank(struct recording_facts *facts, const struct event *event)
{
	struct recording *recording = &facts->recording;

	if (event->kind != EVENT_RECORDING_STATUS || recording->rank == RECORDING_RANK_NEW ||
	    !(PENDING_STATES & BIT(recording->state)))
		return;
	recording->rank = RECORDING_RANK_NEW;
	facts->is_changed = true;
}

/* It is there from now on, whatever its call said before: what waits for that is due. */
static void merge_completed(struct recording_facts *facts, const struct event *event,
			    struct projection_change *change)
{
	struct recording *recording = &facts->recording;

	recording->completed_at_ms = event->received_at_ms;
	if (recording->state != RECORDING_WAITING ||
	    recording->wait_rule == RECORDING_WAIT_AS_TOLD ||
	    recording->next_try_at_ms == RECORDING_NEVER ||
	    recording->next_try_at_ms <= event->received_at_ms)
		return;
	recording->next_try_at_ms = event->received_at_ms;
	change->what |= PROJECTED_TO_FETCH;
}

static void merge_status(struct recording_facts *facts, const struct event *event,
			 struct projection_change *change)
{
	size_t status = status_of(event);
	struct recording *recording = &facts->recording;

	if (statuses[status].upstream == UPSTREAM_COMPLETED &&
	    (!recording->completed_at_ms || event->received_at_ms < recording->completed_at_ms)) {
		recording->completed_at_ms = event->received_at_ms;
		facts->is_changed = true;
	}
	if (event->kind == EVENT_CALL_STATUS)
		merge_named(facts, event);
	merge_rank(facts, event);
	if (statuses[status].upstream <= facts->upstream)
		return;
	facts->upstream = statuses[status].upstream;
	facts->is_changed = true;
	if (facts->upstream == UPSTREAM_COMPLETED)
		merge_completed(facts, event, change);
	if (!(statuses[status].from & BIT(recording->state)))
		return;
	recording->state = statuses[status].to;
	recording->queued_at_ms = recording->next_try_at_ms =
		recording->state == RECORDING_QUEUED ? event->received_at_ms : 0;
	recording->rank = event->kind == EVENT_RECORDING_LISTED ? RECORDING_RANK_BACKFILL
								: RECORDING_RANK_NEW;
	reason_of(recording);
}

/* $2 .. $24 */
static void bind_facts(struct db_stmt *stmt, const struct recording_facts *facts,
		       const struct event *event)
{
	const struct recording *recording = &facts->recording;

	bind_known(stmt, 2, facts->place.call_id);
	bind_text(stmt, 3, recording->call_sid);
	bind_text(stmt, 4, recording->account_sid);
	db_bind_int(stmt, 5, recording->state);
	db_bind_int(stmt, 6, facts->upstream);
	bind_known(stmt, 7, recording->started_at_ms);
	bind_known(stmt, 8, recording->completed_at_ms);
	if (recording->duration_s >= 0)
		db_bind_int(stmt, 9, recording->duration_s);
	else
		db_bind_null(stmt, 9);
	bind_known(stmt, 10, recording->channels);
	bind_known(stmt, 11, recording->error_code);
	bind_text(stmt, 12, recording->source);
	db_bind_str(stmt, 13, event->track);
	db_bind_str(stmt, 14, event->recording_url);
	db_bind_str(stmt, 15, event->encryption);
	bind_known(stmt, 16, recording->queued_at_ms);
	bind_known(stmt, 17, recording->next_try_at_ms);
	bind_text(stmt, 18, recording->reason_code);
	bind_text(stmt, 19, recording->reason_text);
	db_bind_int(stmt, 20, recording->changed_seq);
	db_bind_int(stmt, 21, recording->rank);
	db_bind_str(stmt, 22, event->request_id);
	db_bind_int(stmt, 23, recording->live);
	db_bind_int(stmt, 24, recording->way);
}

static bool insert(struct catalog *catalog, struct recording_facts *facts,
		   const struct event *event, struct err *err)
{
	struct db_stmt *stmt;

	if (!db_prepare(
		    catalog_db(catalog),
		    "INSERT INTO recordings (id, recording_sid, call_id, call_sid, account_sid, "
		    "state, upstream, started_at_ms, completed_at_ms, duration_s, channels, "
		    "error_code, source, track, url, encryption, queued_at_ms, next_try_at_ms, "
		    "reason_code, reason_text, changed_seq, queue_rank, is_held, is_duration_off, "
		    "channels_wanted, tries, request_id, live, direction) VALUES ($20, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, "
		    "$11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, 0, 0, 2, 0, $22, $23, $24)",
		    &stmt, err))
		return false;
	db_bind_str(stmt, 1, event->recording_sid);
	bind_facts(stmt, facts, event);
	facts->place.id = facts->recording.changed_seq;
	return db_run(stmt, err);
}

/* Of what had ended.  What is announced may be tried just now, as its file is adopted: that is no old round. */
static bool begins_round(const struct recording_facts *facts)
{
	return facts->recording.state == RECORDING_QUEUED &&
	       (ENDED_STATES & BIT(facts->place.state));
}

static bool update(struct catalog *catalog, const struct recording_facts *facts,
		   const struct event *event, struct err *err)
{
	struct db_stmt *stmt;

	if (!db_prepare(
		    catalog_db(catalog),
		    "UPDATE recordings SET call_id = $2, call_sid = $3, account_sid = $4, "
		    "state = $5, upstream = $6, started_at_ms = $7, completed_at_ms = $8, "
		    "duration_s = $9, channels = $10, error_code = $11, source = $12, "
		    "track = COALESCE(track, $13), url = COALESCE(url, $14), "
		    "encryption = COALESCE(encryption, $15), queued_at_ms = $16, "
		    "next_try_at_ms = $17, reason_code = $18, reason_text = $19, "
		    "changed_seq = $20, queue_rank = $21, "
		    "trying_ms = CASE WHEN $5 = state THEN trying_ms ELSE 0 END, "
		    "waiting_since_ms = CASE WHEN $5 = state THEN waiting_since_ms END, "
		    "request_id = CASE WHEN $5 = state THEN request_id ELSE $22 END, live = $23, "
		    "direction = $24, "
		    "first_try_at_ms = CASE WHEN $25 = 0 THEN first_try_at_ms END, "
		    "tries = CASE WHEN $25 = 0 THEN tries ELSE 0 END, "
		    "limited = CASE WHEN $25 = 0 THEN limited ELSE 0 END, "
		    "wait_rule = CASE WHEN $25 = 0 THEN wait_rule ELSE 0 END "
		    "WHERE id = $1",
		    &stmt, err))
		return false;
	db_bind_int(stmt, 1, facts->place.id);
	bind_facts(stmt, facts, event);
	db_bind_int(stmt, 25, begins_round(facts));
	return db_run(stmt, err);
}

/* Its call and account, the first that tells them is believed. */
static void merge_owner(struct recording_facts *facts, const struct event *event, int64_t call_id)
{
	struct recording *recording = &facts->recording;

	if (!facts->place.call_id && call_id) {
		facts->place.call_id = call_id;
		facts->place.is_new_to_call = true;
		text_set(recording->call_sid, SID_SIZE, event->call_sid);
		facts->is_changed = true;
	}
	if (!recording->account_sid[0] && event->account_sid.len) {
		text_set(recording->account_sid, SID_SIZE, event->account_sid);
		facts->is_changed = true;
	}
}

/* What the row has by now, whatever it had before. */
static void note_told(struct recording_facts *facts, const struct event *event)
{
	facts->has_url |= event->recording_url.len > 0;
	facts->has_track |= event->track.len > 0;
	facts->recording.is_encrypted |= event->encryption.len > 0;
	facts->place.state = facts->recording.state;
}

static bool write_row(struct facts *known, struct catalog *catalog, struct recording_facts *facts,
		      const struct event *event, bool is_new, struct projection_change *change,
		      struct err *err)
{
	struct recording_place *place = &facts->place;
	enum recording_state from = place->state, to = facts->recording.state;
	bool is_main = false;

	if (place->is_new_to_call &&
	    !facts_find_call_of(known, catalog, event->call_sid, facts, err))
		return false;
	facts->recording.changed_seq = catalog_next_sequence(catalog);
	if (!(is_new ? insert(catalog, facts, event, err) : update(catalog, facts, event, err)))
		return false;
	if (!recording_moved(catalog, place, to, facts->recording.changed_seq, &is_main, err))
		return false;
	change->what |= PROJECTED_RECORDING | (is_main ? PROJECTED_MAIN : 0);
	if (to == RECORDING_QUEUED && from != RECORDING_QUEUED)
		change->what |= PROJECTED_TO_FETCH;
	note_told(facts, event);
	facts_keep_recording(known, event->recording_sid, facts);
	return true;
}

bool project_recording(struct facts *known, struct catalog *catalog, const struct event *event,
		       int64_t call_id, struct projection_change *change, struct err *err)
{
	struct recording_facts facts = { .recording.duration_s = EVENT_UNKNOWN };
	bool found;

	if (!facts_find_recording(known, catalog, event->recording_sid, &facts, &found, err))
		return false;
	if (found && event_is_foreign(facts.recording.account_sid, event))
		return true;
	if (!found) {
		facts.recording.state = RECORDING_ANNOUNCED;
		facts.is_changed = true;
	}
	merge_owner(&facts, event, call_id);
	if (event->kind == EVENT_RECORDING_STATUS || event->kind == EVENT_RECORDING_LISTED ||
	    event->kind == EVENT_RECORDING_ADOPTED)
		merge_told(&facts, event);
	if (!facts.has_url && event->recording_url.len)
		facts.is_changed = true;
	merge_status(&facts, event, change);
	merge_live(&facts, event);
	if (!found)
		facts.place.state = RECORDING_STATES;
	facts.place.is_completed = statuses[status_of(event)].upstream == UPSTREAM_COMPLETED;
	if (facts.place.is_completed && facts.place.call_id && !facts.place.is_main_fixed)
		facts.is_changed = true;
	return !facts.is_changed || write_row(known, catalog, &facts, event, !found, change, err);
}

bool recordings_is_news(struct catalog *catalog, const struct event *event, bool *out,
			struct err *err)
{
	struct recording_facts facts = { .upstream = UPSTREAM_ANNOUNCED };
	enum upstream told = statuses[status_of(event)].upstream;
	bool found;

	if (!facts_find_recording(NULL, catalog, event->recording_sid, &facts, &found, err))
		return false;
	*out = found ? told > facts.upstream &&
			       !event_is_foreign(facts.recording.account_sid, event)
		     : told != UPSTREAM_DELETED;
	return true;
}
