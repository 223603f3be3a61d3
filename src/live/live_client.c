#include "live/live_client.h"

#include "base/json.h"
#include "catalog/projection_change.h"
#include "live/call_json.h"
#include "twilio/sid.h"

/* What a changed call is to a client. */
enum interest {
	NOTHING, /* it never had it, and is not to have it */
	ROW,
	GONE, /* it may have it, and is not to have it any more */
};

void live_client_begin(struct live_client *client, int64_t now_ms)
{
	client->joined_at_ms = client->told_at_ms = now_ms;
	client->rows_at_ms = client->wishes_at_ms = now_ms;
	client->rows_left = LIVE_ROWS_MAX;
	client->wishes_left = LIVE_WISHES_MAX;
	client->more = 0;
}

/* ---- how much ---- */

static void earn(unsigned *left, int64_t *at_ms, unsigned most, unsigned per_s, int64_t now_ms)
{
	int64_t earned = (now_ms - *at_ms) * per_s / 1000;

	if (earned <= 0)
		return;
	*at_ms += earned * 1000 / per_s;
	*left = earned > most - *left ? most : *left + (unsigned)earned;
}

static void earn_rows(struct live_client *client, int64_t now_ms)
{
	earn(&client->rows_left, &client->rows_at_ms, LIVE_ROWS_MAX, LIVE_ROWS_PER_S, now_ms);
}

bool live_client_may_wish(struct live_client *client, int64_t now_ms)
{
	earn(&client->wishes_left, &client->wishes_at_ms, LIVE_WISHES_MAX, LIVE_WISHES_PER_S,
	     now_ms);
	if (client->wishes_left == 0)
		return false;
	client->wishes_left--;
	return true;
}

/* ---- of one call ---- */

static bool is_above(const struct live_client *client, const struct call *call)
{
	const struct call_cursor *bottom = &client->bottom;

	return call->started_at_ms > bottom->started_at_ms ||
	       (call->started_at_ms == bottom->started_at_ms && call->id >= bottom->id);
}

/*
 * A list holds a call for where it stands, who called whom, and in what state its recording is.  The last changes often; a
 * change of the others is told apart (PROJECTED_MOVED).  So of the many calls that a list does not
 * show, nothing is said when they change in other ways.
 */
static enum interest interest_in(const struct live_client *client, const struct live_row *row)
{
	const struct call *call = &row->call.call;
	struct call_filter place;

	if (row->sequence <= client->told)
		return NOTHING;
	if (!row->is_there)
		return sid_is_call(str_of(row->sid)) ? GONE : NOTHING;
	if (is_above(client, call) && call_filter_passes(&client->query.filter, call))
		return ROW;
	if (row->what & PROJECTED_MOVED)
		return GONE;
	if ((row->what & PROJECTED_RECORDING) &&
	    call_filter_drop_state(&client->query.filter, &place) && is_above(client, call) &&
	    call_filter_passes(&place, call))
		return GONE;
	return NOTHING;
}

/* ---- of a batch ---- */

struct interests {
	enum interest of[LIVE_CHANGES_MAX];
	size_t rows, gone;
};

static void look_through(const struct live_client *client, const struct live_batch *batch,
			 struct interests *out)
{
	out->rows = out->gone = 0;
	for (size_t i = 0; i < batch->count; i++) {
		out->of[i] = interest_in(client, &batch->rows[i]);
		out->rows += out->of[i] == ROW;
		out->gone += out->of[i] == GONE;
	}
}

static void add_rows(const struct live_batch *batch, const struct interests *interests,
		     struct json *json)
{
	json_open(json, "calls", '[');
	for (size_t i = 0; i < batch->count; i++)
		if (interests->of[i] == ROW)
			json_raw(json, (struct str){ batch->json.at + batch->rows[i].json_at,
						     batch->rows[i].json_len });
	json_close(json, ']');
	json_open(json, "gone", '[');
	for (size_t i = 0; i < batch->count; i++)
		if (interests->of[i] == GONE)
			json_text(json, NULL, str_of(batch->rows[i].sid));
	json_close(json, ']');
}

void live_client_add_seq(struct live_client *client, struct json *json)
{
	json_int(json, "seq", client->told);
	if (client->has_id)
		json_int(json, "id", client->id);
	client->has_id = false;
}

static void move_on(struct live_client *client, int64_t sequence)
{
	if (sequence > client->told)
		client->told = sequence;
}

static void add_more(struct live_client *client, struct json *json)
{
	live_client_add_seq(client, json);
	json_int(json, "more", (int64_t)client->more);
	client->more = 0;
}

bool live_client_add_batch(struct live_client *client, const struct live_batch *batch,
			   int64_t now_ms, struct json *json)
{
	struct interests interests;

	look_through(client, batch, &interests);
	earn_rows(client, now_ms);
	if (batch->more > 0 && batch->sequence > client->told)
		client->more += batch->more;
	move_on(client, batch->sequence);
	if (client->more > 0 || interests.rows > client->rows_left)
		client->more += interests.rows + interests.gone;
	if (client->more > 0) {
		add_more(client, json);
		return true;
	}
	if (interests.rows + interests.gone == 0)
		return false;
	client->rows_left -= (unsigned)interests.rows;
	live_client_add_seq(client, json);
	add_rows(batch, &interests, json);
	return true;
}

void live_client_pass_batch(struct live_client *client, const struct live_batch *batch)
{
	struct interests interests;

	look_through(client, batch, &interests);
	client->more += interests.rows + interests.gone;
	if (batch->sequence > client->told)
		client->more += batch->more;
	move_on(client, batch->sequence);
}

/* ---- what is arriving ---- */

/* A recording begins after its call did: of a call below the bottom it may be above, but not the other way. */
static bool is_wanted(const struct live_client *client, const struct arriving *arriving)
{
	struct str call_sid = client->query.filter.call_sid;

	if (call_sid.len > 0 && arriving->call_sid[0] != '\0' &&
	    !str_eq(call_sid, str_of(arriving->call_sid)))
		return false;
	return arriving->started_at_ms == 0 ||
	       arriving->started_at_ms >= client->bottom.started_at_ms;
}

static void add_one(struct json *json, const struct arriving *arriving)
{
	json_open(json, NULL, '{');
	json_text(json, "recording_sid", str_of(arriving->recording_sid));
	json_text(json, "call_sid",
		  arriving->call_sid[0] != '\0' ? str_of(arriving->call_sid) : STR_NONE);
	arriving_json_add(json, arriving);
	json_close(json, '}');
}

void live_progress_write(struct live_progress *progress)
{
	struct buf room;
	struct json json;

	buf_over(&room, progress->json, sizeof(progress->json));
	for (size_t i = 0; i < progress->count; i++) {
		progress->json_at[i] = room.len;
		json_start(&json, &room);
		add_one(&json, &progress->at[i]);
	}
	progress->json_at[progress->count] = room.len;
}

static struct str json_of(const struct live_progress *progress, size_t i)
{
	return (struct str){ progress->json + progress->json_at[i],
			     progress->json_at[i + 1] - progress->json_at[i] };
}

bool live_client_add_progress(const struct live_client *client,
			      const struct live_progress *progress, struct json *json)
{
	size_t count = 0;

	for (size_t i = 0; i < progress->count; i++) {
		if (!is_wanted(client, &progress->at[i]))
			continue;
		if (count++ == 0)
			json_open(json, "progress", '[');
		json_raw(json, json_of(progress, i));
	}
	if (count > 0)
		json_close(json, ']');
	return count > 0;
}
