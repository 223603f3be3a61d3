#include "twilioapi/web_twilio_recordings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/web_refusal.h"
#include "api/web.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/own.h"
#include "catalog/calls.h"
#include "catalog/recordings.h"
#include "listing/recordings_list.h"
#include "retention/retention.h"
#include "twilio/sid.h"
#include "twilioapi/twilio_request.h"

struct recordings_request {
	struct twilio_request request;
	char call_sid[SID_SIZE]; /* "": of any */
	bool of_conference;      /* none that we know of is */
	bool of_deleted;         /* IncludeSoftDeleted */
	bool is_of_path;         /* the call is named by the address, and must be known */
	struct rest_bounds created;
	struct recording_cursor after;
	const struct retention_rules *retention;
};

static struct recordings_request *asked_of(struct web_read *read)
{
	struct twilio_request *request = container_of(read, struct twilio_request, read);

	return container_of(request, struct recordings_request, request);
}

/* ---- one as Twilio tells of it ---- */

static struct str status_of(const struct recording *recording, bool is_over)
{
	if (is_over)
		return STR("deleted");
	if (recording->state == RECORDING_ABSENT)
		return STR("absent");
	if (recording->state != RECORDING_ANNOUNCED)
		return STR("completed");
	if (recording->live == RECORDING_LIVE)
		return STR("in-progress");
	return recording->live == RECORDING_LIVE_PAUSED ? STR("paused") : STR("processing");
}

/* As Twilio said, else as it was measured. */
static int64_t duration_of(const struct recording *recording)
{
	if (recording->duration_s >= 0)
		return recording->duration_s;
	return recording->state == RECORDING_STORED ? (recording->duration_ms + 500) / 1000
						    : REST_UNKNOWN;
}

static int64_t first_known(int64_t a, int64_t b, int64_t c)
{
	return a ? a : b ? b : c;
}

static void write_recording(struct json *json, const struct recordings_request *asked,
			    const struct recording *recording)
{
	bool is_stored = recording->state == RECORDING_STORED;
	int channels = is_stored ? recording->channels_stored : recording->channels;
	const char *account_sid = recording->account_sid[0] ? recording->account_sid
							    : asked->request.account_sid;
	char url[sizeof(asked->request.origin) + TWILIO_PATH_SIZE];

	snprintf(url, sizeof(url), "%s" REST_ROOT "%s/Recordings/%s", asked->request.origin,
		 account_sid, recording->recording_sid);

	const struct rest_recording resource = {
		.account_sid = str_of(account_sid),
		.recording_sid = str_of(recording->recording_sid),
		.call_sid = recording->call_sid[0] ? str_of(recording->call_sid) : STR_NONE,
		.status = status_of(recording, recording_is_over(recording, asked->retention,
								 clock_wall_ms())),
		.source = recording->source[0] ? str_of(recording->source) : STR_NONE,
		.media_url = str_of(url),
		.duration_s = duration_of(recording),
		.channels = channels ? channels : 1,
		.started_at_ms = recording->started_at_ms,
		.created_at_ms =
			first_known(recording->started_at_ms, recording->completed_at_ms, 0),
		.updated_at_ms = first_known(recording->removed_at_ms, recording->completed_at_ms,
					     recording->started_at_ms),
		.error_code = recording->error_code,
	};

	rest_open_recording(json, &resource);
	json_nothing(json, "price");
	json_nothing(json, "encryption_details"); /* what was encrypted is opened here */
	json_close(json, '}');
}

/* ---- lists ---- */

static struct str token_of(const struct recording_cursor *place, char room[TWILIO_TOKEN_MAX])
{
	snprintf(room, TWILIO_TOKEN_MAX, "%lld.%lld.%lld", (long long)place->started_at_ms,
		 (long long)place->call_id, (long long)place->id);
	return str_of(room);
}

static bool token_read(struct str text, struct recording_cursor *out)
{
	int64_t *const numbers[] = { &out->started_at_ms, &out->call_id, &out->id };
	struct str rest = text, piece;

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		if (!str_cut(&rest, '.', &piece) || !str_to_i64(piece, numbers[i]) ||
		    *numbers[i] < 0)
			return false;
	return rest.len == 0 && (out->call_id > 0 || out->id > 0);
}

static bool is_of_account(struct catalog *catalog, const struct recordings_request *asked,
			  struct err *err)
{
	struct call call;

	if (!calls_find(catalog, str_of(asked->call_sid), &call, err))
		return false;
	return twilio_is_of_account(&asked->request, call.account_sid) ||
	       err_set(err, ERR_NOT_FOUND, "the call is another account's");
}

static bool make_list(struct web_read *read, struct catalog *catalog, struct json *json,
		      struct err *err)
{
	const struct recordings_request *asked = asked_of(read);
	const struct recording_filter filter = { .account_sid = str_of(asked->request.account_sid),
						 .call_sid = asked->call_sid[0]
								     ? str_of(asked->call_sid)
								     : STR_NONE,
						 .from_ms = asked->created.from_ms,
						 .to_ms = asked->created.before_ms,
						 .with_removed = asked->of_deleted,
						 .retention = asked->retention };
	size_t size = (size_t)asked->request.page.size;
	AUTO(free) struct recording *rows = xcalloc(size, sizeof(*rows));
	struct recording_page page = { 0 };
	char token[TWILIO_TOKEN_MAX];

	if (asked->is_of_path && !is_of_account(catalog, asked, err))
		return false;
	if (!asked->of_conference &&
	    !recordings_list(catalog, &filter, &asked->after, rows, size, &page, err))
		return false;
	json_open(json, NULL, '{');
	json_open(json, "recordings", '[');
	for (size_t i = 0; i < page.count; i++)
		write_recording(json, asked, &rows[i]);
	json_close(json, ']');
	twilio_list_end(json, &asked->request, page.count,
			page.more ? token_of(&page.next, token) : STR_NONE);
	json_close(json, '}');
	return true;
}

static bool read_filter(struct twilio_request *request, struct str name, struct str value)
{
	struct recordings_request *asked =
		container_of(request, struct recordings_request, request);
	enum rest_bound bound = rest_bound_read("DateCreated", name, value, &asked->created);

	if (bound != REST_BOUND_OTHER)
		return bound == REST_BOUND_TAKEN;
	if (str_eq(name, STR("IncludeSoftDeleted"))) {
		asked->of_deleted = str_eq_nocase(value, STR("true"));
		return true;
	}
	if (str_eq(name, STR("ConferenceSid"))) {
		asked->of_conference = true;
		return sid_is(value, "CF");
	}
	return str_eq(name, STR("CallSid")) && !asked->is_of_path && sid_is_call(value) &&
	       str_copy(value, asked->call_sid, SID_SIZE);
}

static void start_list(struct exchange *x, struct recordings_request *asked, const char *tail)
{
	struct twilio_request *request = &asked->request;

	if (!twilio_list_of(x, tail, RECORDINGS_PAGE_MAX, read_filter, request)) {
		free(asked);
		return;
	}
	if (request->page.token.at && !token_read(request->page.token, &asked->after)) {
		web_refuse(x, WEB_BAD_REQUEST, "PageToken is malformed.", WEB_NO_RETRY);
		free(asked);
		return;
	}
	request->read.make = make_list;
	web_read_start(&request->read, x);
}

/* NULL: it is refused. */
static struct recordings_request *request_of(struct exchange *x, const char *prefix)
{
	AUTO(free) struct recordings_request *asked = xcalloc(1, sizeof(*asked));

	if (!twilio_request_of(x, prefix, &asked->request))
		return NULL;
	asked->retention = retention_now(web_local_of(x)->web->retention);
	asked->request.read.not_found = WEB_NOT_FOUND;
	asked->request.read.refuse_missing = web_refuse_missing;
	return TAKE(asked);
}

void web_twilio_recordings(struct exchange *x)
{
	struct recordings_request *asked = request_of(x, NULL);

	if (asked)
		start_list(x, asked, "Recordings.json");
}

void web_twilio_call_recordings(struct exchange *x)
{
	struct recordings_request *asked = request_of(x, "CA");
	char tail[TWILIO_PATH_SIZE / 2];

	if (!asked)
		return;
	asked->is_of_path = true;
	memcpy(asked->call_sid, asked->request.sid, SID_SIZE);
	snprintf(tail, sizeof(tail), "Calls/%s/Recordings.json", asked->call_sid);
	start_list(x, asked, tail);
}

/* ---- one ---- */

static bool make_one(struct web_read *read, struct catalog *catalog, struct json *json,
		     struct err *err)
{
	const struct recordings_request *asked = asked_of(read);
	struct recording recording;

	if (!recordings_find(catalog, str_of(asked->request.sid), &recording, err))
		return false;
	if (!twilio_is_of_account(&asked->request, recording.account_sid) ||
	    (!asked->of_deleted &&
	     recording_is_over(&recording, asked->retention, clock_wall_ms())))
		return err_set(err, ERR_NOT_FOUND, "it is another account's, or over");
	write_recording(json, asked, &recording);
	return true;
}

void web_twilio_recording(struct exchange *x)
{
	struct recordings_request *asked = request_of(x, "RE");
	struct str query = x->request.query;

	if (!asked)
		return;
	asked->of_deleted = str_find_str(query, STR("IncludeSoftDeleted=true")) < query.len;
	asked->request.read.make = make_one;
	web_read_start(&asked->request.read, x);
}
