#include "play/web_waveform.h"

#include "access/web_link.h"
#include "access/web_refusal.h"
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
#include "dispatch/fetcher.h"
#include "event/loop.h"
#include "event/workers.h"
#include "http/conditional.h"
#include "http/form.h"
#include "http/reply.h"
#include "play/media_reply.h"
#include "play/recording_sides.h"
#include "play/web_play.h"
#include "retention/retention.h"
#include "twilio/sid.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define POINTS_DEFAULT   8000 /* as many as a page can draw; a browser may choke on many more */
#define QUERY_ROOM       512
#define STORED_RETRY_S   2  /* it is computed a moment after its media was stored */
#define ARRIVING_RETRY_S 10 /* the media comes first */
#define ETAG_SIZE        96

/* What is asked of the ledger. */
struct waveform_read {
	struct web_read read;
	char sid[SID_SIZE];
	size_t points;
	bool is_binary;

	/* what the reader found */
	struct recording recording;
	enum recording_sides sides;
};

/* What is asked of the store then, and what is made of it. */
struct waveform_reply {
	struct job job;
	struct list
		link; /* of web_local.waveforms; removed: the client is gone, or it is answered */
	struct parked parked;
	struct exchange *x; /* NULL: the client is gone */
	struct web_local *local;
	struct blob_store *store;
	struct recording recording;
	enum recording_sides sides;
	size_t points;
	bool is_binary, is_being_read;
	char etag[ETAG_SIZE];

	/* what the worker found */
	struct buf body;
	bool succeeded; /* else err says why not */
	bool is_lost;   /* the ledger says that there is a waveform; loss says why there is none */
	struct err loss, err;
};

/* ---- the file: on a worker ---- */

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

/* Where the whole store is away, or something else answers in its place, no waveform is: *err says so. */
static bool is_lost(struct waveform_reply *reply, struct str name, struct err *err)
{
	reply->is_lost = blob_has_place(reply->store, name);
	if (reply->is_lost)
		return true;
	*err = reply->loss;
	err->kind = blob_is_remote(reply->store) ? ERR_UNAVAILABLE : ERR_INTERNAL;
	return false;
}

/* *out stays NULL where it is lost or damaged: reply->loss says so. */
static bool load(struct waveform_reply *reply, struct waveform **out, struct err *err)
{
	const struct blob_want want = { .size_most = WAVEFORM_FILE_MAX };
	AUTO(buf_release) struct buf bytes;
	AUTO(close) int fd = -1;
	char name[BLOB_NAME_SIZE];
	uint64_t size;

	buf_init(&bytes, WAVEFORM_FILE_MAX);
	if (!blob_name_beside(str_of(reply->recording.path), name, err))
		return false;
	if (!blob_open_wanted(reply->store, str_of(name), &want, &fd, &size, &reply->loss)) {
		*err = reply->loss;
		return err->kind == ERR_NOT_FOUND && is_lost(reply, str_of(name), err);
	}
	if (!read_all(fd, &bytes, size < WAVEFORM_FILE_MAX ? size : WAVEFORM_FILE_MAX, err))
		return false;
	return waveform_read(buf_str(&bytes), out, &reply->loss) ||
	       is_lost(reply, str_of(name), err);
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

static bool make(struct web_read *web_read, struct catalog *catalog, struct json *json,
		 struct err *err)
{
	struct waveform_read *read = container_of(web_read, struct waveform_read, read);

	return recordings_find(catalog, str_of(read->sid), &read->recording, err) &&
	       find_sides(read, catalog, &read->sides, err);
}

static void write_waveform(struct waveform_reply *reply, struct waveform *waveform)
{
	struct json json;

	waveform_reduce(waveform, reply->points);
	if (reply->is_binary) {
		waveform_write_dat(waveform, &reply->body);
		return;
	}
	json_start(&json, &reply->body);
	add_json(&json, waveform, reply->sides);
}

static void run_reply(struct job *job)
{
	struct waveform_reply *reply = container_of(job, struct waveform_reply, job);
	AUTO(waveform_free) struct waveform *waveform = NULL;

	reply->succeeded = load(reply, &waveform, &reply->err);
	if (waveform)
		write_waveform(reply, waveform);
	if (!buf_ok(&reply->body))
		reply->succeeded =
			err_set(&reply->err, ERR_INTERNAL, "a waveform grew beyond its limit");
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

static void mend(struct web_local *local, const struct waveform_reply *reply)
{
	struct mending *mending = xcalloc(1, sizeof(*mending));
	struct projection_change *change = &mending->job.change;

	mending->job = (struct ledger_job){ .run = run_mending,
					    .done = mending_done,
					    .reply = local->mailbox };
	memcpy(mending->sid, reply->recording.recording_sid, SID_SIZE);
	mending->generation = reply->recording.generation;
	mending->loss = reply->loss;
	change->what = PROJECTED_RECORDING | PROJECTED_STORED; /* the sweep looks again */
	memcpy(change->recording_sid, reply->recording.recording_sid, SID_SIZE);
	memcpy(change->call_sid, reply->recording.call_sid, SID_SIZE);
	ledger_write(local->web->ledger, &mending->job);
}

/* ---- the reply: on the loop ---- */

/* Of the bytes that are sent: what they are made of and how, and the one thing in them that may be learned later. */
static void make_etag(struct waveform_reply *reply)
{
	snprintf(reply->etag, sizeof(reply->etag), "\"%s-waveform%d-%lld-%zu-%s%d\"",
		 reply->recording.recording_sid, WAVEFORM_VERSION,
		 (long long)reply->recording.generation, reply->points,
		 reply->is_binary ? "dat" : "json", reply->is_binary ? 0 : (int)reply->sides);
}

static void add_head(struct exchange *x, const char *etag)
{
	reply_header_lines(x, STR("Cache-Control: private, no-cache\r\n"
				  "X-Content-Type-Options: nosniff\r\n"));
	reply_header(x, STR("ETag"), str_of(etag));
	media_reply_add_policies(x);
}

/* By its ETag, which the ledger's row gives: no file is read for that. */
static bool is_answered_by_etag(struct exchange *x, const char *etag)
{
	const struct validators now = { .etag = str_of(etag) };

	switch (conditional_check(&x->request, &now)) {
	case CONDITIONAL_NOT_MODIFIED:
		reply_begin(x, 304);
		add_head(x, etag);
		reply_send(x, STR(""));
		return true;
	case CONDITIONAL_FAILED:
		web_refuse(x, WEB_PRECONDITION_FAILED, NULL, WEB_NO_RETRY);
		return true;
	case CONDITIONAL_GO_ON:
		break;
	}
	return false;
}

static void send(struct exchange *x, const struct waveform_reply *reply)
{
	reply_begin(x, 200);
	add_head(x, reply->etag);
	reply_header(x, STR("Content-Type"),
		     reply->is_binary ? STR("application/octet-stream") : STR("application/json"));
	reply_send(x, buf_str(&reply->body));
}

static void reply_free(struct waveform_reply *reply)
{
	buf_release(&reply->body);
	free(reply);
}

static void read_next(struct web_local *local);

static void read_done(struct job *job)
{
	struct waveform_reply *reply = container_of(job, struct waveform_reply, job);
	struct web_local *local = reply->local;

	list_remove(&reply->link);
	if (reply->x && reply->is_lost)
		mend(local, reply);
	if (reply->x && !reply->succeeded)
		web_refuse_failed(reply->x, &reply->err);
	else if (reply->x && reply->is_lost)
		web_refuse(reply->x, WEB_WAVEFORM_PENDING, NULL, STORED_RETRY_S);
	else if (reply->x)
		send(reply->x, reply);
	reply_free(reply);
	read_next(local);
}

/* One of a loop at a time: a disk that stalls takes few of the workers, who have recordings to store. */
static void read_next(struct web_local *local)
{
	struct list *first = list_first(&local->waveforms);
	struct waveform_reply *reply = first ? container_of(first, struct waveform_reply, link)
					     : NULL;

	if (!reply || reply->is_being_read)
		return;
	reply->is_being_read = true;
	reply->job = (struct job){ .run = run_reply, .done = read_done, .reply = local->mailbox };
	workers_post(fetcher_sealers(local->web->fetcher), &reply->job);
}

static void reply_gone(struct parked *parked)
{
	struct waveform_reply *reply = container_of(parked, struct waveform_reply, parked);

	reply->x = NULL;
	if (reply->is_being_read)
		return;
	list_remove(&reply->link);
	reply_free(reply);
}

/* The file is read by a worker, and by no reader of the ledger: lists do not wait for a disk. */
static void reply_from_file(struct exchange *x, const struct waveform_read *read)
{
	struct waveform_reply *reply = xcalloc(1, sizeof(*reply));

	reply->recording = read->recording;
	reply->sides = read->sides;
	reply->points = read->points;
	reply->is_binary = read->is_binary;
	buf_init(&reply->body, WEB_READ_BODY_MAX);
	make_etag(reply);
	if (is_answered_by_etag(x, reply->etag)) {
		reply_free(reply);
		return;
	}
	reply->x = x;
	reply->parked.gone = reply_gone;
	reply->local = web_local_of(x);
	reply->store = reply->local->web->store;
	exchange_park(x, &reply->parked);
	list_append(&reply->local->waveforms, &reply->link);
	read_next(reply->local);
}

static void answer_stored(struct exchange *x, const struct waveform_read *read)
{
	if (read->recording.waveform == RECORDING_WAVEFORM_NONE)
		web_refuse(x, WEB_WAVEFORM_UNAVAILABLE, NULL, WEB_NO_RETRY);
	else if (read->recording.waveform == RECORDING_WAVEFORM_PENDING)
		web_refuse(x, WEB_WAVEFORM_PENDING, NULL, STORED_RETRY_S);
	else
		reply_from_file(x, read);
}

static void answer(struct web_read *web_read, struct exchange *x)
{
	const struct waveform_read *read = container_of(web_read, struct waveform_read, read);
	const struct recording *recording = &read->recording;
	const struct web_local *local = web_local_of(x);
	struct kept kept = recording_kept(recording);
	struct play_refusal refusal;

	if (!recording_is_removed(recording->state) &&
	    retention_has_expired(local->web->retention, &kept, loop_wall_ms(local->loop)))
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
	for (size_t i = 0; i < form.count; i++) {
		/* Which of a link's: access/web_link.c has read it. */
		if (x->route->access == WEB_LINK && str_eq(form.fields[i].name, STR("recording")))
			continue;
		if (!read_field(read, form.fields[i].name, form.fields[i].value))
			return false;
	}
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
