#include "catalog/events.h"

#include "base/utf8.h"
#include "catalog/catalog.h"
#include "catalog/catalog_private.h"

#include <assert.h>
#include <stdlib.h>

#define STREAMS_LOOKED_AT 8  /* for the last webhook: more than processes serve at once */
#define EVENT_TEXTS       14 /* columns of an event that hold text */

void event_init(struct event *event, enum event_kind kind, int64_t received_at_ms)
{
	*event = (struct event){ .kind = kind,
				 .sequence_number = EVENT_UNKNOWN,
				 .duration_s = EVENT_UNKNOWN,
				 .received_at_ms = received_at_ms };
}

/* Texts that were replaced, until the statement has taken them. */
struct texts {
	size_t count;
	char *at[EVENT_TEXTS];
};

static void texts_release_at(struct texts *texts)
{
	for (size_t i = 0; i < texts->count; i++)
		free(texts->at[i]);
}

static bool is_about_recording(enum event_kind kind)
{
	return kind == EVENT_RECORDING_STATUS || kind == EVENT_RECORDING_LISTED ||
	       kind == EVENT_RECORDING_ADOPTED;
}

/*
 * What could not be projected is refused here, where somebody can still be told.
 * Length is all that is checked of a SID: other providers have other forms of it.
 */
static bool check(const struct event *event, struct err *err)
{
	const struct str sids[] = { event->account_sid, event->call_sid, event->parent_call_sid,
				    event->recording_sid };

	for (size_t i = 0; i < ARRAY_LEN(sids); i++)
		if (sids[i].len >= SID_SIZE)
			return err_set(err, ERR_INVALID, "a SID is longer than %d characters",
				       SID_SIZE - 1);
	if (is_about_recording(event->kind) && !event->recording_sid.len)
		return err_set(err, ERR_INVALID, "a recording event without a recording SID");
	if (!is_about_recording(event->kind) && !event->call_sid.len)
		return err_set(err, ERR_INVALID, "a call event without a call SID");
	return true;
}

/*
 * NUL and bytes that are no UTF-8 are replaced: PostgreSQL takes neither as text, so such a webhook
 * would be refused for ever.  `raw` keeps the bytes.
 */
static void bind_present(struct texts *texts, struct db_stmt *stmt, int n, struct str text)
{
	if (!text.len) {
		db_bind_null(stmt, n);
	} else if (utf8_is_text(text)) {
		db_bind_str(stmt, n, text);
	} else {
		assert(texts->count < ARRAY_LEN(texts->at));
		texts->at[texts->count] = utf8_replace(text);
		db_bind_str(stmt, n, str_of(texts->at[texts->count++]));
	}
}

static void bind_told(struct db_stmt *stmt, int n, int64_t value)
{
	if (value == EVENT_UNKNOWN)
		db_bind_null(stmt, n);
	else
		db_bind_int(stmt, n, value);
}

/* Behind all that are there, and behind the watermark, though what was projected were gone. */
static bool next_place_of_turns(struct catalog *catalog, int64_t *out, struct err *err)
{
	int64_t watermark;

	if (catalog->last_event == 0) {
		if (!events_last(catalog, &catalog->last_event, err) ||
		    !number_read(catalog, NUMBER_WATERMARK, &watermark, err))
			return false;
		if (catalog->last_event < watermark)
			catalog->last_event = watermark;
	}
	*out = ++catalog->last_event;
	return true;
}

/*
 * Nobody else writes to it, so it is counted from transaction to transaction.  After one that failed what is there is looked at: it
 * may have been committed after all, or is still on its way to be, and then both meet in the primary key.
 */
static bool next_place_of_process(struct catalog *catalog, int64_t *out, struct err *err)
{
	if (!catalog->is_numbered &&
	    !events_last_of(catalog, catalog->process_id, &catalog->last_event, err))
		return false;
	catalog->is_numbered = true;
	*out = ++catalog->last_event;
	return true;
}

static bool next_place(struct catalog *catalog, int64_t *out, struct err *err)
{
	if (catalog->mode == CATALOG_QUICK)
		return next_place_of_process(catalog, out, err);
	return catalog_may_change(catalog, err) && next_place_of_turns(catalog, out, err);
}

bool events_append(struct catalog *catalog, const struct event *event, int64_t *out_seq,
		   struct err *err)
{
	__attribute__((cleanup(texts_release_at))) struct texts texts = { .count = 0 };
	AUTO(db_stmt_reset) struct db_stmt *insert = NULL; /* reset first: it borrows the texts */

	int64_t seq;

	if (!check(event, err) || !next_place(catalog, &seq, err))
		return false;
	if (!db_prepare(
		    catalog->db,
		    "INSERT INTO events (kind, received_at_ms, account_sid, call_sid, "
		    "parent_call_sid, recording_sid, status, direction, from_address, "
		    "to_address, source, track, recording_url, encryption, sequence_number, "
		    "started_at_ms, timestamp_ms, duration_s, channels, error_code, "
		    "idempotency, raw, seq, request_id, stream) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, "
		    "$12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25)",
		    &insert, err))
		return false;
	db_bind_int(insert, 1, event->kind);
	db_bind_int(insert, 2, event->received_at_ms);
	bind_present(&texts, insert, 3, event->account_sid);
	bind_present(&texts, insert, 4, event->call_sid);
	bind_present(&texts, insert, 5, event->parent_call_sid);
	bind_present(&texts, insert, 6, event->recording_sid);
	bind_present(&texts, insert, 7, event->status);
	bind_present(&texts, insert, 8, event->direction);
	bind_present(&texts, insert, 9, event->from);
	bind_present(&texts, insert, 10, event->to);
	bind_present(&texts, insert, 11, event->source);
	bind_present(&texts, insert, 12, event->track);
	bind_present(&texts, insert, 13, event->recording_url);
	bind_present(&texts, insert, 14, event->encryption);
	bind_told(insert, 15, event->sequence_number);
	bind_known(insert, 16, event->started_at_ms);
	bind_known(insert, 17, event->timestamp_ms);
	bind_told(insert, 18, event->duration_s);
	bind_known(insert, 19, event->channels);
	bind_known(insert, 20, event->error_code);
	bind_present(&texts, insert, 21, event->idempotency);
	bind_present(&texts, insert, 24, event->request_id);
	db_bind_bytes(insert, 22, event->raw);
	db_bind_int(insert, 23, seq);
	db_bind_int(insert, 25, catalog->mode == CATALOG_QUICK ? catalog->process_id : 0);
	if (!db_run(insert, err))
		return false;
	*out_seq = seq;
	return true;
}

static bool find_one(struct db_stmt *find, int64_t *out, struct err *err)
{
	enum db_step step = db_step(find, err);

	if (step == DB_FAILED)
		return false;
	*out = step == DB_ROW ? db_column_int(find, 0) : 0;
	return true;
}

/* By the key of a file, and by that of a server. */
bool events_last_of(struct catalog *catalog, int64_t stream, int64_t *out_seq, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;

	if (!db_prepare(catalog->db,
			"SELECT seq FROM events WHERE stream = $1 ORDER BY seq DESC LIMIT 1", &find,
			err))
		return false;
	db_bind_int(find, 1, stream);
	return find_one(find, out_seq, err);
}

bool events_last(struct catalog *catalog, int64_t *out_seq, struct err *err)
{
	return events_last_of(catalog, 0, out_seq, err);
}

static bool last_webhook_of(struct catalog *catalog, int64_t stream, int64_t among, int64_t *out_ms,
			    struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;
	int64_t last;

	if (!events_last_of(catalog, stream, &last, err) ||
	    !db_prepare(catalog->db,
			"SELECT received_at_ms FROM events WHERE kind IN ($1, $2) AND seq > $3 "
			"AND stream = $4 ORDER BY seq DESC LIMIT 1",
			&find, err))
		return false;
	db_bind_int(find, 1, EVENT_RECORDING_STATUS);
	db_bind_int(find, 2, EVENT_CALL_STATUS);
	db_bind_int(find, 3, last - among);
	db_bind_int(find, 4, stream);
	return find_one(find, out_ms, err);
}

/* The next one that has events and is older; 0: none, or that of turns. */
static bool older_stream(struct catalog *catalog, int64_t *stream, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;

	if (!db_prepare(catalog->db,
			"SELECT stream FROM events WHERE stream < $1 ORDER BY stream DESC LIMIT 1",
			&find, err))
		return false;
	db_bind_int(find, 1, *stream);
	return find_one(find, stream, err);
}

bool events_last_webhook_at(struct catalog *catalog, int64_t among, int64_t *out_ms,
			    struct err *err)
{
	int64_t stream = INT64_MAX, last_ms = 0;

	if (catalog_is_local(catalog))
		return last_webhook_of(catalog, 0, among, out_ms, err);
	for (unsigned left = STREAMS_LOOKED_AT; left > 0 && stream > 0; left--) {
		int64_t at_ms;

		if (left == 1)
			stream = 0;
		else if (!older_stream(catalog, &stream, err))
			return false;
		if (!last_webhook_of(catalog, stream, among, &at_ms, err))
			return false;
		last_ms = at_ms > last_ms ? at_ms : last_ms;
	}
	*out_ms = last_ms;
	return true;
}

bool event_is_foreign(const char *account_sid, const struct event *event)
{
	return account_sid[0] != '\0' && event->account_sid.len > 0 &&
	       !str_eq(str_of(account_sid), event->account_sid);
}
