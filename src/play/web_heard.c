#include "play/web_heard.h"

#include "access/web_admit.h"
#include "access/web_link.h"
#include "access/web_refusal.h"
#include "api/cors.h"
#include "api/sid_param.h"
#include "api/web.h"
#include "api/web_json.h"
#include "audit/heard.h"
#include "audit/open_plays.h"
#include "base/mem.h"
#include "catalog/recordings.h"
#include "http/reply.h"
#include "ledger/ledger.h"
#include "twilio/sid.h"

#include <stdlib.h>

#define RANGES_MAX 200 /* of one report */

struct report {
	struct ledger_job job;
	struct parked parked;
	struct exchange *x; /* NULL: the client is gone */
	struct open_plays *plays;
	struct play_request request; /* its texts lie here */
	char recording_sid[SID_SIZE];
	char address[AUDIT_ADDRESS_SIZE], for_user[AUDIT_FOR_SIZE];
	struct heard heard;
};

/* ---- what is reported ---- */

/* Rounded down to a millisecond, so that what meets in the player meets here. */
static bool read_ms(const json_t *value, uint32_t *out)
{
	double ms = json_number_value(value) * 1000;

	if (!json_is_number(value) || !(ms >= 0 && ms <= HEARD_MOST_MS))
		return false;
	*out = (uint32_t)(ms + 0.0005);
	return true;
}

static bool read_range(const json_t *range, struct heard *out)
{
	uint32_t from_ms, to_ms;

	if (json_array_size(range) != 2 || !read_ms(json_array_get(range, 0), &from_ms) ||
	    !read_ms(json_array_get(range, 1), &to_ms) || to_ms < from_ms)
		return false;
	if (from_ms < to_ms)
		heard_add(out, from_ms, to_ms);
	return true;
}

static bool read_ranges(const json_t *ranges, struct heard *out)
{
	if (!json_is_array(ranges) || json_array_size(ranges) > RANGES_MAX)
		return false;
	for (size_t i = 0; i < json_array_size(ranges); i++)
		if (!read_range(json_array_get(ranges, i), out))
			return false;
	return true;
}

/* ---- is there such a recording? ---- */

static bool run_find(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	const struct report *report = container_of(job, struct report, job);
	struct recording recording;

	return recordings_find(catalog, str_of(report->recording_sid), &recording, err);
}

static void found(struct ledger_job *job)
{
	AUTO(free) struct report *report = container_of(job, struct report, job);

	if (job->succeeded && report->heard.count > 0)
		open_plays_heard(report->plays, &report->request, &report->heard);
	if (!report->x)
		return;
	if (job->succeeded) {
		reply_begin(report->x, 204);
		cors_add(report->x);
		reply_send(report->x, STR(""));
	} else if (job->err.kind == ERR_NOT_FOUND) {
		web_refuse_missing(report->x, WEB_RECORDING_NOT_FOUND, NULL);
	} else {
		web_refuse_change(report->x, &job->err, WEB_RECORDING_NOT_FOUND, WEB_INTERNAL);
	}
}

static void client_gone(struct parked *parked)
{
	container_of(parked, struct report, parked)->x = NULL;
}

/* Nothing of the request is left when the client is gone. */
static void keep_texts(struct report *report)
{
	struct play_request *request = &report->request;

	str_fit(request->address, report->address, sizeof(report->address));
	str_fit(request->for_user, report->for_user, sizeof(report->for_user));
	request->address = str_of(report->address);
	request->for_user = str_of(report->for_user);
	request->recording_sid = report->recording_sid;
}

static void take_report(struct exchange *x, struct str sid)
{
	struct web_local *local = web_local_of(x);
	json_t *body = web_json_body(x);
	struct report *report;

	if (!body)
		return;
	report = xcalloc(1, sizeof(*report));
	if (!read_ranges(json_object_get(body, "ranges"), &report->heard)) {
		free(report);
		web_refuse(x, WEB_BAD_REQUEST,
			   "ranges are at most 200 pairs of seconds, [[from, to], ...].",
			   WEB_NO_RETRY);
	} else {
		report->x = x;
		report->parked.gone = client_gone;
		report->plays = local->plays;
		str_fit(sid, report->recording_sid, sizeof(report->recording_sid));
		web_play_request(x, report->recording_sid, &report->request);
		keep_texts(report);
		report->job = (struct ledger_job){ .run = run_find,
						   .done = found,
						   .reply = local->mailbox };
		exchange_park(x, &report->parked);
		ledger_read(local->web->ledger, &report->job);
	}
	json_decref(body);
}

/* ---- the routes ---- */

void web_recording_heard(struct exchange *x)
{
	char room[SID_PARAM_SIZE];
	struct str sid = sid_param(x->request.params[0], room);

	if (sid_is_recording(sid))
		take_report(x, sid);
	else
		web_refuse(x, WEB_BAD_REQUEST,
			   "This is not a recording SID: RE and 32 hexadecimal digits.",
			   WEB_NO_RETRY);
}

static void report_of_link(struct exchange *x, const char *recording_sid)
{
	take_report(x, str_of(recording_sid));
}

void web_link_heard(struct exchange *x)
{
	char sid[SID_SIZE];
	bool is_own;

	if (!web_link_recording(x, sid, &is_own))
		return;
	if (is_own)
		take_report(x, str_of(sid));
	else
		web_link_look(x, report_of_link); /* does the link open it? */
}
