#include "ledger/intake.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "catalog/events.h"
#include "ledger/ledger.h"
#include "twilio/callback.h"

#include <stdlib.h>
#include <string.h>

/* An event on its way to the writer; its texts lie behind it, in one allocation. */
struct intake {
	struct ledger_job job;
	struct intake_waiter *waiter; /* NULL: nobody waits any more */
	struct event event;
	char texts[];
};

/* The event's texts, in one place, so that they can be measured and moved. */
static size_t texts_of(struct event *event, struct str *out[16])
{
	struct str *all[] = {
		&event->account_sid,
		&event->call_sid,
		&event->parent_call_sid,
		&event->recording_sid,
		&event->status,
		&event->direction,
		&event->from,
		&event->to,
		&event->source,
		&event->track,
		&event->recording_url,
		&event->encryption,
		&event->idempotency,
		&event->request_id,
		&event->raw,
	};

	memcpy(out, all, sizeof(all));
	return ARRAY_LEN(all);
}

static struct intake *intake_new(const struct event *event)
{
	struct event copy = *event;
	struct str *texts[16];
	size_t count = texts_of(&copy, texts), total = 0;

	for (size_t i = 0; i < count; i++)
		total += texts[i]->len;

	struct intake *intake = xcalloc(1, sizeof(*intake) + total);
	char *at = intake->texts;

	intake->event = *event;
	texts_of(&intake->event, texts);
	for (size_t i = 0; i < count; i++) {
		if (!texts[i]->at)
			continue;
		memcpy(at, texts[i]->at, texts[i]->len);
		texts[i]->at = at;
		at += texts[i]->len;
	}
	return intake;
}

static bool read_recording(const struct intake_callback *callback, struct event *event,
			   struct err *err)
{
	struct recording_callback told;

	if (!recording_callback_read(callback->params, callback->param_count, &told, err))
		return false;
	event->account_sid = told.account_sid;
	event->call_sid = told.call_sid;
	event->recording_sid = told.recording_sid;
	event->status = told.status;
	event->recording_url = told.url;
	event->source = told.source;
	event->track = told.track;
	event->encryption = told.encryption;
	event->duration_s = told.duration_s;
	event->channels = told.channels;
	event->started_at_ms = told.started_at_ms;
	event->error_code = told.error_code;
	return true;
}

static bool read_call(const struct intake_callback *callback, struct event *event, struct err *err)
{
	struct call_callback told;

	if (!call_callback_read(callback->params, callback->param_count, &told, err))
		return false;
	event->account_sid = told.account_sid;
	event->call_sid = told.call_sid;
	event->parent_call_sid = told.parent_call_sid;
	event->recording_sid = told.recording_sid;
	event->recording_url = told.recording_url;
	event->status = told.status;
	event->direction = told.direction;
	event->from = told.from;
	event->to = told.to;
	event->duration_s = told.duration_s;
	event->sequence_number = told.sequence_number;
	event->timestamp_ms = told.timestamp_ms;
	return true;
}

static bool run_append(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct intake *intake = container_of(job, struct intake, job);
	int64_t seq;

	return events_append(catalog, &intake->event, &seq, err);
}

static void append_done(struct ledger_job *job)
{
	AUTO(free) struct intake *intake = container_of(job, struct intake, job);

	/* A full disk refuses thousands: the ledger's reserve tells of it, once. */
	if (!job->succeeded && job->err.kind == ERR_UNAVAILABLE)
		log_debug(NULL, "cannot commit an event: %s", job->err.text);
	else if (!job->succeeded)
		log_error(NULL, "cannot commit an event: %s", job->err.text);
	if (!intake->waiter)
		return;
	intake->waiter->intake = NULL;
	intake->waiter->committed(intake->waiter, job->succeeded);
}

bool intake_post(struct ledger *ledger, struct mailbox *reply,
		 const struct intake_callback *callback, struct intake_waiter *waiter,
		 struct err *err)
{
	bool is_call = callback->kind == INTAKE_CALL_STATUS;
	struct event event;

	event_init(&event, is_call ? EVENT_CALL_STATUS : EVENT_RECORDING_STATUS, clock_wall_ms());
	event.raw = callback->raw;
	event.idempotency = callback->idempotency;
	event.request_id = callback->request_id;
	if (!(is_call ? read_call : read_recording)(callback, &event, err))
		return false;

	struct intake *intake = intake_new(&event);

	intake->waiter = waiter;
	intake->job = (struct ledger_job){
		.run = run_append, .done = append_done, .reply = reply, .is_quick = true
	};
	waiter->intake = intake;
	ledger_write(ledger, &intake->job);
	return true;
}

void intake_leave(struct intake_waiter *waiter)
{
	if (waiter->intake)
		waiter->intake->waiter = NULL;
	waiter->intake = NULL;
}
