#include "play/web_waveform.h"

#include "access/web_link.h"
#include "access/web_refusal.h"
#include "api/expiry.h"
#include "api/sid_param.h"
#include "api/web.h"
#include "api/web_read.h"
#include "audio/waveform.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "blob/blob.h"
#include "catalog/calls.h"
#include "catalog/recordings_waveform.h"
#include "http/conditional.h"
#include "http/form.h"
#include "http/reply.h"
#include "play/media_reply.h"
#include "play/recording_sides.h"
#include "play/web_play.h"
#include "twilio/sid.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define POINTS_DEFAULT   8000 /* as many as a page can draw; a browser may choke on many more */
#define QUERY_ROOM       512
#define STORED_RETRY_S   2  /* it is computed a moment after its media was stored */
#define ARRIVING_RETRY_S 10 /* the media comes first */
#define ETAG_SIZE        96

struct waveform_read {
	struct web_read read;
	char sid[SID_SIZE];
	size_t points;
	bool is_binary;

	/* what the reader found; read.body: the reply, where there is one */
	struct recording recording;
	char etag[ETAG_SIZE];
	bool is_lost; /* the ledger says that there is a waveform; loss says why there is none */
	struct err loss;
};

/* ---- the file: on a reader's thread ---- */

static bool read_all(int fd, struct buf *out, size_t size, struct err *err)
{
	char *at = buf_room(out, size);
	size_t done = 0;

	while (at && done < size) {
		ssize_t n = pread(fd, at + done, size - done, (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "cannot read a waveform");
		if (n == 0)
			break;
		done += (size_t)n;
	}
	if (at)
		buf_added(out, done);
	return true;
}

/* *out stays NULL where it is lost or damaged: read->loss says so. */
static bool load(struct waveform_read *read, struct waveform **out, struct err *err)
{
	struct blob_store *store = read->read.web->store;
	AUTO(buf_release) struct buf bytes;
	AUTO(close) int fd = -1;
	char name[BLOB_NAME_SIZE];
	uint64_t size;

	buf_init(&bytes, WAVEFORM_FILE_MAX);
	if (!blob_name_beside(str_of(read->recording.path), name, err))
		return false;
	if (!blob_open_read(store, str_of(name), &fd, &size, &read->loss)) {
		read->is_lost = read->loss.kind == ERR_NOT_FOUND &&
				blob_has_place(store, str_of(name));
		*err = read->loss;
		if (!read->is_lost && err->kind == ERR_NOT_FOUND)
			err->kind = ERR_INTERNAL; /* of the store, which is away */
		return read->is_lost;
	}
	if (!read_all(fd, &bytes, size < WAVEFORM_FILE_MAX ? size : WAVEFORM_FILE_MAX, err))
		return false;
	read->is_lost = !waveform_read(buf_str(&bytes), out, &read->loss);
	return true;
}

/* ---- what is told of it ---- */

/* There are tens of thousands: not by printf. */
static void add_sample(struct buf *body, int8_t sample)
{
	if (sample < 0)
		buf_add_byte(body, '-');
	buf_add_u64(body, (uint64_t)(sample < 0 ? -sample : sample));
}

static void add_data(struct json *json, const struct waveform *waveform)
{
	size_t count = waveform->count * waveform->channels * 2;

	json_open(json, "data", '[');
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			buf_add_byte(json->buf, ',');
		add_sample(json->buf, waveform->pairs[i]);
	}
	json_close(json, ']');
}

static void add_silence(struct json *json, const struct waveform *waveform)
{
	json_open(json, "silence", '[');
	for (size_t i = 0; i < waveform->silence_count; i++) {
		json_open(json, NULL, '[');
		json_seconds(json, NULL, waveform->silences[i].from_ms);
		json_seconds(json, NULL, waveform->silences[i].to_ms);
		json_close(json, ']');
	}
	json_close(json, ']');
}

static void add_loudness(struct json *json, const struct waveform *waveform)
{
	json_open(json, "loudness", '[');
	for (unsigned c = 0; c < waveform->channels; c++) {
		if (waveform->loudness[c] == WAVEFORM_NO_LOUDNESS)
			json_nothing(json, NULL);
		else
			json_hundredths(json, NULL, waveform->loudness[c]);
	}
	json_close(json, ']');
}

static void add_sides(struct json *json, enum recording_sides sides)
{
	bool is_agent_first = sides == RECORDING_AGENT_FIRST;

	if (sides == RECORDING_SIDES_UNKNOWN) {
		json_nothing(json, "sides");
		return;
	}
	json_open(json, "sides", '[');
	json_text(json, NULL, is_agent_first ? STR("agent") : STR("customer"));
	json_text(json, NULL, is_agent_first ? STR("customer") : STR("agent"));
	json_close(json, ']');
}

static void add_json(struct json *json, const struct waveform *waveform, enum recording_sides sides)
{
	json_open(json, NULL, '{');
	json_int(json, "version", 2);
	json_int(json, "channels", waveform->channels);
	json_int(json, "sample_rate", waveform->sample_rate);
	json_int(json, "samples_per_pixel", waveform->length);
	json_int(json, "bits", 8);
	json_int(json, "length", (int64_t)waveform->count);
	add_data(json, waveform);
	json_seconds(json, "duration", (int64_t)waveform_duration_ms(waveform));
	add_silence(json, waveform);
	add_loudness(json, waveform);
	add_sides(json, sides);
	json_close(json, '}');
	buf_add_byte(json->buf, '\n');
}

/* A call that is not known yet says nothing of its sides. */
static bool find_sides(const struct waveform_read *read, struct catalog *catalog,
		       enum recording_sides *out, struct err *err)
{
	AUTO(free) struct call *call = xcalloc(1, sizeof(*call));

	*out = RECORDING_SIDES_UNKNOWN;
	if (read->recording.call_sid[0] == '\0')
		return true;
	if (!calls_find(catalog, str_of(read->recording.call_sid), call, err))
		return err->kind == ERR_NOT_FOUND;
	*out = recording_sides(&read->recording, call);
	return true;
}

/* Of the bytes that are sent: what they are made of and how, and the one thing in them that may be learned later. */
static void make_etag(struct waveform_read *read, const struct waveform *waveform,
		      enum recording_sides sides)
{
	snprintf(read->etag, sizeof(read->etag), "\"%s-waveform%d-%lld-%u-%s%d\"",
		 read->recording.recording_sid, WAVEFORM_VERSION,
		 (long long)read->recording.generation, waveform->length,
		 read->is_binary ? "dat" : "json", read->is_binary ? 0 : (int)sides);
}

static bool make(struct web_read *web_read, struct catalog *catalog, struct json *json,
		 struct err *err)
{
	struct waveform_read *read = container_of(web_read, struct waveform_read, read);
	AUTO(waveform_free) struct waveform *waveform = NULL;
	enum recording_sides sides;

	if (!recordings_find(catalog, str_of(read->sid), &read->recording, err))
		return false;
	if (read->recording.state != RECORDING_STORED ||
	    read->recording.waveform != RECORDING_WAVEFORM_STORED)
		return true;
	if (!load(read, &waveform, err) || !find_sides(read, catalog, &sides, err))
		return false;
	if (!waveform)
		return true;
	waveform_reduce(waveform, read->points);
	make_etag(read, waveform, sides);
	if (read->is_binary)
		waveform_write_dat(waveform, &web_read->body);
	else
		add_json(json, waveform, sides);
	return true;
}

/* ---- a waveform that is lost: computed again ---- */

struct mending {
	struct ledger_job job;
	char sid[SID_SIZE];
	int64_t generation;
	struct err loss;
};

static bool run_mending(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	const struct mending *mending = container_of(job, struct mending, job);
	struct recording now;

	if (!recordings_find(catalog, str_of(mending->sid), &now, err))
		return false;
	if (now.waveform != RECORDING_WAVEFORM_STORED)
		return err_set(err, ERR_CONFLICT, "somebody else was faster");
	return recordings_set_waveform(catalog, str_of(mending->sid), mending->generation,
				       RECORDING_WAVEFORM_PENDING, err);
}

static void mending_done(struct ledger_job *job)
{
	AUTO(free) struct mending *mending = container_of(job, struct mending, job);

	if (job->succeeded)
		log_warn(NULL, "recording %s: its waveform is lost, and computed again: %s",
			 mending->sid, mending->loss.text);
	else if (job->err.kind != ERR_CONFLICT)
		log_warn(NULL, "recording %s: its waveform is lost, and this cannot be noted: %s",
			 mending->sid, job->err.text);
}

static void mend(struct web_local *local, const struct waveform_read *read)
{
	struct mending *mending = xcalloc(1, sizeof(*mending));
	struct projection_change *change = &mending->job.change;

	mending->job = (struct ledger_job){ .run = run_mending,
					    .done = mending_done,
					    .reply = local->mailbox };
	memcpy(mending->sid, read->sid, SID_SIZE);
	mending->generation = read->recording.generation;
	mending->loss = read->loss;
	change->what = PROJECTED_RECORDING | PROJECTED_STORED; /* the sweep looks again */
	memcpy(change->recording_sid, read->recording.recording_sid, SID_SIZE);
	memcpy(change->call_sid, read->recording.call_sid, SID_SIZE);
	ledger_write(local->web->ledger, &mending->job);
}

/* ---- the reply: on the loop ---- */

static void add_head(struct exchange *x, const struct waveform_read *read)
{
	reply_header_lines(x, STR("Cache-Control: private, no-cache\r\n"
				  "X-Content-Type-Options: nosniff\r\n"));
	reply_header(x, STR("ETag"), str_of(read->etag));
	media_reply_add_policies(x);
}

static void send(struct exchange *x, const struct waveform_read *read)
{
	const struct validators now = { .etag = str_of(read->etag) };

	switch (conditional_check(&x->request, &now)) {
	case CONDITIONAL_NOT_MODIFIED:
		reply_begin(x, 304);
		add_head(x, read);
		reply_send(x, STR(""));
		return;
	case CONDITIONAL_FAILED:
		web_refuse(x, WEB_PRECONDITION_FAILED, NULL, WEB_NO_RETRY);
		return;
	case CONDITIONAL_GO_ON:
		break;
	}
	reply_begin(x, 200);
	add_head(x, read);
	reply_header(x, STR("Content-Type"),
		     read->is_binary ? STR("application/octet-stream") : STR("application/json"));
	reply_send(x, buf_str(&read->read.body));
}

static void answer_stored(struct exchange *x, const struct waveform_read *read)
{
	if (read->recording.waveform == RECORDING_WAVEFORM_NONE)
		web_refuse(x, WEB_WAVEFORM_UNAVAILABLE, NULL, WEB_NO_RETRY);
	else if (read->recording.waveform == RECORDING_WAVEFORM_PENDING || read->is_lost)
		web_refuse(x, WEB_WAVEFORM_PENDING, NULL, STORED_RETRY_S);
	else
		send(x, read);
}

static void answer(struct web_read *web_read, struct exchange *x)
{
	const struct waveform_read *read = container_of(web_read, struct waveform_read, read);
	const struct recording *recording = &read->recording;
	struct web_local *local = web_local_of(x);
	struct play_refusal refusal;

	if (read->is_lost)
		mend(local, read);
	if (!recording_is_removed(recording->state) &&
	    expiry_has_passed(local, recording->started_at_ms, recording->is_held))
		web_refuse(x, WEB_RECORDING_EXPIRED, NULL, WEB_NO_RETRY);
	else if (web_play_refusal(recording, &refusal))
		web_refuse(x, refusal.error, refusal.text, refusal.retry_after_s);
	else if (recording->state == RECORDING_STORED)
		answer_stored(x, read);
	else
		web_refuse(x, WEB_WAVEFORM_PENDING, "The recording is not here yet.",
			   ARRIVING_RETRY_S);
}

/* ---- the request ---- */

static bool read_field(struct waveform_read *read, struct str name, struct str value)
{
	uint64_t points;

	if (str_eq(name, STR("format"))) {
		read->is_binary = str_eq(value, STR("binary"));
		return read->is_binary || str_eq(value, STR("json"));
	}
	if (!str_eq(name, STR("points")) || !str_to_u64(value, &points) || points == 0)
		return false;
	read->points = points < PEAKS_MAX ? points : PEAKS_MAX;
	return true;
}

static bool read_query(const struct exchange *x, struct waveform_read *read)
{
	char room_bytes[QUERY_ROOM];
	struct form form;
	struct buf room;

	buf_over(&room, room_bytes, sizeof(room_bytes));
	if (!form_parse(x->request.query, &room, &form))
		return false;
	for (size_t i = 0; i < form.count; i++)
		if (!read_field(read, form.fields[i].name, form.fields[i].value))
			return false;
	return true;
}

/* A well-formed SID. */
static void show(struct exchange *x, const char *recording_sid)
{
	AUTO(free) struct waveform_read *read = xcalloc(1, sizeof(*read));

	read->read.make = make;
	read->read.answer = answer;
	read->read.not_found = WEB_RECORDING_NOT_FOUND;
	read->read.refuse_missing = web_refuse_missing;
	read->points = POINTS_DEFAULT;
	memcpy(read->sid, recording_sid, SID_SIZE);
	if (read_query(x, read))
		web_read_start(&TAKE(read)->read, x);
	else
		web_refuse(x, WEB_BAD_REQUEST,
			   "The query may hold points, a number from 1 on, and format, json or "
			   "binary.",
			   WEB_NO_RETRY);
}

void web_recording_waveform(struct exchange *x)
{
	char room[SID_PARAM_SIZE], sid[SID_SIZE];
	struct str asked = sid_param(x->request.params[0], room);

	if (sid_is_recording(asked) && str_copy(asked, sid, sizeof(sid)))
		show(x, sid);
	else
		web_refuse(x, WEB_BAD_REQUEST,
			   "This is not a recording SID: RE and 32 hexadecimal digits.",
			   WEB_NO_RETRY);
}

void web_link_waveform(struct exchange *x)
{
	web_link_look(x, show);
}
