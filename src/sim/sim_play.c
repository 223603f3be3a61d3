/*
 * Where nothing is to go wrong, the file is sent and forgotten.  Else a struct sending
 * keeps it: a timer lets the body arrive little by little, up to the place where it stalls or the
 * connection is cut.
 */
#include "sim/sim_play.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/own.h"
#include "http/conditional.h"
#include "http/form.h"
#include "http/range.h"
#include "http/reply.h"
#include "sim/sim_cipher.h"
#include "sim/sim_faults.h"
#include "sim/sim_media.h"
#include "sim/sim_reply.h"
#include "sim/sim_speech.h"
#include "sim/sim_state.h"
#include "twilio/rest.h"

#define TICK_MS 10

/* One answer that takes its time. */
struct sending {
	struct parked parked;
	struct timer timer;
	struct reap reap;
	struct sim_recording *recording;
	struct exchange *x;
	struct sim_plan plan;
	bool is_wav, has_begun;
	unsigned edition;
	bool is_pristine; /* as it was before anything went wrong, or was encrypted */
	int fd;
	uint64_t first, end, stop; /* of the file: what is sent; how far it comes */
	bool is_cut; /* at `stop` the connection ends; else it stalls there, unless stop is the end */
	int64_t begun_at_ms;
};

static void sending_free_late(struct reap *reap)
{
	free(container_of(reap, struct sending, reap));
}

static void sending_end(struct sending *sending)
{
	struct loop *loop = sending->recording->call->sim->loop;

	timer_stop(&sending->timer);
	if (sending->fd >= 0)
		close(sending->fd);
	sending->recording->counts.open--;
	loop_reap(loop, &sending->reap, sending_free_late);
}

/* The client left, or all was sent, or we cut it. */
static void sending_gone(struct parked *parked)
{
	sending_end(container_of(parked, struct sending, parked));
}

/* ---- little by little ---- */

static void sending_tick(struct timer *timer)
{
	struct sending *sending = container_of(timer, struct sending, timer);
	struct loop *loop = sending->recording->call->sim->loop;
	int64_t passed_ms = loop_now_ms(loop) - sending->begun_at_ms;
	uint64_t arrived = sending->stop;

	if (sending->plan.bytes_per_s > 0) {
		uint64_t came = sending->plan.bytes_per_s * (uint64_t)passed_ms / 1000;

		if (came < sending->stop - sending->first)
			arrived = sending->first + came;
	}
	exchange_arrived(sending->x, arrived, arrived == sending->end);
	if (arrived < sending->stop) {
		timer_start(loop, &sending->timer, TICK_MS, sending_tick);
		return;
	}
	if (!sending->is_cut)
		return;
	/* What was let go has to reach the socket first: a cut loses what waits. */
	if (sending->x->sent_bytes >= sending->stop - sending->first) {
		exchange_cut(sending->x);
		return;
	}
	timer_start(loop, &sending->timer, TICK_MS, sending_tick);
}

static void sending_begin(struct sending *sending, uint64_t promised)
{
	struct exchange *x = sending->x;
	struct loop *loop = sending->recording->call->sim->loop;

	sending->begun_at_ms = loop_now_ms(loop);
	sending->has_begun = true;
	if (sending->plan.is_lengthless)
		reply_send_chunked(x, sending->fd, sending->first, false, &sending->parked);
	else
		reply_send_growing(x, sending->fd, sending->first, promised, sending->first,
				   &sending->parked);
	timer_start(loop, &sending->timer, 0, sending_tick);
}

/* ---- heads ---- */

/* A number of the query; `otherwise` where it is not there, UINT64_MAX where it is no number. */
static uint64_t number_wanted(const struct exchange *x, struct str name, uint64_t otherwise)
{
	AUTO(buf_release) struct buf room = { 0 };
	uint64_t number = UINT64_MAX;
	struct form form;
	struct str wanted;

	buf_init(&room, 16384);
	if (!form_parse(x->request.query, &room, &form))
		return UINT64_MAX;
	wanted = form_field(&form, name);
	if (!wanted.at)
		return otherwise;
	return str_to_u64(wanted, &number) ? number : UINT64_MAX;
}

/* Channels as asked for; 0 when the recording does not have so many, or it is no number. */
static unsigned channels_wanted(const struct exchange *x, const struct sim_recording *recording)
{
	uint64_t wanted = number_wanted(x, STR("RequestedChannels"), recording->channels);

	return wanted == 0 || wanted > recording->channels ? 0 : (unsigned)wanted;
}

static void type_add(struct exchange *x, const struct sending *sending)
{
	struct str type = sending->is_wav ? STR("audio/x-wav") : STR("audio/mpeg");

	reply_header(x, STR("Content-Type"),
		     sending->plan.type ? str_of(sending->plan.type) : type);
}

/* Sets what part is sent, and begins the reply with the head that goes with it. */
static void head_begin(struct sending *sending, unsigned channels, uint64_t size)
{
	struct exchange *x = sending->x;
	struct str header = x->request.known[HTTP_RANGE];
	struct validators validators = { 0 };
	struct ranges ranges = { 0 };
	enum range_result result = RANGE_WHOLE;
	char etag[96];

	sending->first = 0;
	sending->end = size;
	if (!sending->plan.has_ranges || sending->plan.is_lengthless) {
		sim_begin(x, 200);
		type_add(x, sending);
		return;
	}
	snprintf(etag, sizeof(etag), "\"%s-%s-%u-%u\"", sending->recording->sid,
		 sending->is_wav ? "wav" : "mp3", channels, sending->edition);
	validators.etag = str_of(etag);
	if (header.at && conditional_range_counts(&x->request, &validators))
		result = range_parse(header, size, &ranges);
	if (result == RANGE_SOME && ranges.count == 1) {
		sending->first = ranges.at[0].first;
		sending->end = ranges.at[0].last + 1;
		sim_begin(x, 206);
		reply_headerf(x, "Content-Range", "bytes %llu-%llu/%llu",
			      (unsigned long long)sending->first,
			      (unsigned long long)sending->end - 1, (unsigned long long)size);
	} else if (result == RANGE_OUTSIDE) {
		sending->end = 0;
		sim_begin(x, 416);
		reply_headerf(x, "Content-Range", "bytes */%llu", (unsigned long long)size);
	} else {
		sim_begin(x, 200);
	}
	reply_header(x, STR("Accept-Ranges"), STR("bytes"));
	reply_header(x, STR("ETag"), str_of(etag));
	type_add(x, sending);
}

/* Works out where it ends; false when nothing is to go wrong on the way. */
static bool body_plan(struct sending *sending, uint64_t *out_promised)
{
	const struct sim_plan *plan = &sending->plan;
	uint64_t length = sending->end - sending->first;
	uint64_t stall = sending->first + sim_place_in(&plan->stall, length);
	uint64_t cut = sending->first + sim_place_in(&plan->cut, length);
	bool is_odd = plan->bytes_per_s > 0 || plan->stall.is_given || plan->cut.is_given ||
		      plan->is_lengthless;

	sending->is_cut = plan->cut.is_given && cut <= stall;
	sending->stop = sending->is_cut ? cut : stall;
	*out_promised = length;
	if (plan->length_off > 0) {
		*out_promised = length + (uint64_t)plan->length_off;
		/* The rest never comes: the connection ends where the bytes do. */
		sending->is_cut = sending->is_cut || sending->stop == sending->end;
		return true;
	}
	if (plan->length_off < 0) {
		uint64_t off = (uint64_t)-plan->length_off;

		*out_promised = off < length ? length - off : 0;
		sending->end = sending->first + *out_promised;
		if (sending->stop > sending->end)
			sending->stop = sending->end;
	}
	return is_odd;
}

static bool is_sealed(const struct sending *sending)
{
	return sending->recording->sealing && !sending->is_pristine;
}

static bool media_open(struct sending *sending, const struct sim_media *media, uint64_t *out_size,
		       struct err *err)
{
	struct sim_recording *recording = sending->recording;

	return sim_media_open(recording->call->sim->speech, media, &sending->fd, out_size, err) &&
	       (!is_sealed(sending) ||
		sim_sealing_seal(recording->sealing, &sending->fd, out_size, err));
}

/* Replies, by now for real.  Ends the sending, unless it goes on. */
static void sending_answer(struct sending *sending)
{
	struct exchange *x = sending->x;
	struct sim_recording *recording = sending->recording;
	unsigned channels = channels_wanted(x, recording);
	struct sim_media media = { .recording_sid = str_of(recording->sid),
				   .dialogue =
					   (recording->dialogue + sending->edition) % SIM_DIALOGUES,
				   .duration_ms = recording->duration_ms,
				   .is_wav = sending->is_wav,
				   .channels = channels };
	uint64_t size = 0, promised = 0;
	struct err err;

	if (sim_reply_planned(x, &sending->plan)) {
		recording->counts.faulty++;
		sending_end(sending);
		return;
	}
	if (strcmp(recording->status, "completed") != 0) {
		sim_reply_not_found(x);
	} else if (channels == 0) {
		sim_reply_error(x, 400, 20001, "The requested number of channels is not available");
	} else if (is_sealed(sending) && !sending->is_wav) {
		sim_reply_error(x, 400, REST_CODE_MP3_ENCRYPTED,
				"An encrypted recording can be had as WAV only");
	} else if (!media_open(sending, &media, &size, &err)) {
		sim_reply_error(x, 500, 20500, "%s", err.text);
	} else {
		head_begin(sending, channels, size);
		recording->counts.bytes += sending->end - sending->first;
		if (body_plan(sending, &promised)) {
			sending_begin(sending, promised);
			return;
		}
		reply_send_file(x, sending->fd, sending->first, promised);
	}
	sending_end(sending);
}

static void sending_delay_over(struct timer *timer)
{
	sending_answer(container_of(timer, struct sending, timer));
}

/* ---- requests ---- */

static void count_request(struct sim_recording *recording, const struct exchange *x,
			  bool was_redirected)
{
	struct sim_counts *counts = &recording->counts;
	struct str range = x->request.known[HTTP_RANGE];
	bool is_known = sim_knows_credentials(recording->call->sim, x);

	counts->requests++;
	counts->heads += x->request.method == HTTP_HEAD;
	counts->authorized += is_known;
	counts->anonymous += !is_known;
	counts->redirected += was_redirected;
	counts->redirected_authorized += was_redirected && x->request.known[HTTP_AUTHORIZATION].at;
	if (range.at) {
		char *kept = counts->range[counts->ranges++ % SIM_RANGES_KEPT];

		snprintf(kept, SIM_WORD_SIZE, "%.*s", STR_ARG(range));
	}
}

static struct sending *sending_new(struct sim_recording *recording, struct exchange *x, bool is_wav)
{
	struct sending *sending = xcalloc(1, sizeof(*sending));

	sending->recording = recording;
	sending->x = x;
	sending->is_wav = is_wav;
	sending->edition = recording->edition;
	sending->fd = -1;
	sending->parked.gone = sending_gone;
	if (++recording->counts.open > recording->counts.open_max)
		recording->counts.open_max = recording->counts.open;
	return sending;
}

static void media_serve(struct exchange *x, bool is_wav)
{
	struct sim *sim = sim_of(x);
	struct sim_recording *recording = sim_find_recording(sim, x->request.params[1]);
	bool was_redirected = str_find_str(x->request.query, STR("SimRedirected=1")) <
			      x->request.query.len;

	if (recording)
		count_request(recording, x, was_redirected);
	if (!was_redirected && !sim_admits(x))
		return;
	if (!recording) {
		sim_reply_not_found(x);
		return;
	}

	struct sending *sending = sending_new(recording, x, is_wav);

	sim_faults_plan(&sim->faults, SIM_REQUEST_MEDIA, str_of(recording->sid), &recording->hits,
			&sending->plan);
	if (was_redirected)
		sending->plan.redirect = NULL;
	if (sending->plan.is_changed)
		sending->edition = ++recording->edition;
	if (!sending->plan.is_hanging && !sending->plan.is_closing && sending->plan.delay_ms == 0) {
		sending_answer(sending);
		return;
	}
	exchange_park(x, &sending->parked);
	if (sending->plan.is_closing)
		exchange_cut(x);
	else if (!sending->plan.is_hanging)
		timer_start(sim->loop, &sending->timer, sending->plan.delay_ms, sending_delay_over);
}

void sim_get_mp3(struct exchange *x)
{
	media_serve(x, false);
}

void sim_get_wav(struct exchange *x)
{
	media_serve(x, true);
}

/* GET /simulate/media/{RE}.mp3 or .wav: what it should be, without faults, for comparing; as it is, or ?edition=N. */
void sim_get_pristine(struct exchange *x)
{
	struct sim_recording *recording = sim_find_recording(sim_of(x), x->request.params[0]);
	struct sending *sending;
	uint64_t edition;

	edition = recording ? number_wanted(x, STR("edition"), recording->edition) : UINT64_MAX;
	if (!recording || edition > recording->edition) {
		sim_reply_not_found(x);
		return;
	}
	sending = sending_new(recording, x, str_ends(x->request.path, STR(".wav")));
	sending->edition = (unsigned)edition;
	sending->is_pristine = true;
	sending_answer(sending);
}
