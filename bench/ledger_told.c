#include "ledger_told.h"

#include "catalog/catalog.h"
#include "catalog/events.h"
#include "catalog/recordings_digest.h"
#include "catalog/recordings_waveform.h"
#include "catalog/removals.h"
#include "projection/projection.h"

#define PURGED "ab/purged.mp3" /* the path is forgotten again */

static bool apply(struct catalog *catalog, const struct event *event, struct err *err)
{
	static struct projection_result result;
	int64_t seq;

	return events_append(catalog, event, &seq, err) &&
	       projection_run(catalog, PROJECTION_EVENTS_MAX, &result, err);
}

static bool tell_call(struct catalog *catalog, const struct call *call, struct err *err)
{
	struct event event;

	event_init(&event, EVENT_CALL_STATUS, call->ended_at_ms + 100);
	event.account_sid = str_of(call->account_sid);
	event.call_sid = str_of(call->call_sid);
	event.status = str_of(call_status_text(call->status));
	event.direction = str_of(call->direction_text);
	event.from = str_of(call->from);
	event.to = str_of(call->to);
	event.started_at_ms = call->started_at_ms;
	event.timestamp_ms = call->ended_at_ms;
	event.duration_s = call->duration_s;
	return apply(catalog, &event, err);
}

static struct str status_of(enum recording_state state)
{
	switch (state) {
	case RECORDING_STORED:
	case RECORDING_PURGED:
	case RECORDING_DELETED:
		return STR("completed");
	case RECORDING_ABSENT:
		return STR("absent");
	case RECORDING_DEAD:
		return STR("failed");
	case RECORDING_GONE:
		return STR("deleted");
	case RECORDING_ANNOUNCED:
	case RECORDING_QUEUED:
	case RECORDING_WAITING:
	case RECORDING_STATES:
		break;
	}
	return STR("processing");
}

static bool tell_recording(struct catalog *catalog, const struct recording *recording,
			   struct err *err)
{
	char url[PLAN_URL_SIZE];
	struct event event;

	plan_url(recording, url);
	event_init(&event, EVENT_RECORDING_STATUS,
		   recording->completed_at_ms ? recording->completed_at_ms
					      : recording->started_at_ms + 60000);
	event.account_sid = str_of(recording->account_sid);
	event.call_sid = str_of(recording->call_sid);
	event.recording_sid = str_of(recording->recording_sid);
	event.status = status_of(recording->state);
	event.source = str_of(recording->source);
	event.recording_url = str_of(url);
	event.started_at_ms = recording->started_at_ms;
	event.duration_s = recording->duration_s;
	event.channels = recording->channels;
	event.error_code = recording->error_code;
	return apply(catalog, &event, err);
}

/* With the removal of its file, of which nothing is left then. */
static bool purge(struct catalog *catalog, const struct recording *recording, struct err *err)
{
	struct removal removal;
	size_t count;

	return recordings_mark_purged(catalog, str_of(recording->recording_sid),
				      recording->stored_at_ms + 1000, err) &&
	       removals_list(catalog, 0, &removal, 1, &count, err) &&
	       removals_end(catalog, removal.seq, err);
}

static bool keep(struct catalog *catalog, const struct recording *recording, struct err *err)
{
	const struct recording_media media = { .stored_at_ms = recording->stored_at_ms,
					       .generation = recording->generation,
					       .generation_at_ms = recording->generation_at_ms,
					       .size = recording->size,
					       .duration_ms = recording->duration_ms,
					       .channels = recording->channels_stored,
					       .format = recording->format,
					       .path = recording->path[0] ? recording->path
									  : PURGED };
	struct str sid = str_of(recording->recording_sid);

	if (!recordings_mark_stored(catalog, sid, &media, err) ||
	    !recordings_set_waveform(catalog, sid, recording->generation, recording->waveform,
				     err) ||
	    !recordings_set_digest(catalog, sid, recording->generation, recording->sha256, err))
		return false;
	return recording->state != RECORDING_PURGED || purge(catalog, recording, err);
}

static bool tell(struct catalog *catalog, const struct planned_call *planned, struct err *err)
{
	if (!tell_call(catalog, &planned->call, err))
		return false;
	for (int64_t i = 0; i < planned->recording_count; i++) {
		const struct recording *recording = &planned->recordings[i];

		if (!tell_recording(catalog, recording, err))
			return false;
		if (recording->stored_at_ms && !keep(catalog, recording, err))
			return false;
	}
	return true;
}

bool ledger_told_add(struct catalog *catalog, const struct planned_call *planned, struct err *err)
{
	if (!catalog_begin(catalog, err))
		return false;
	if (!tell(catalog, planned, err)) {
		catalog_rollback(catalog);
		return false;
	}
	return catalog_commit(catalog, err);
}
