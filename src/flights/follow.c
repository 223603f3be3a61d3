/*
 *	follow -> look -> nobody, nowhere       the owner says what then
 *	   ^        |---> somebody              their bytes come; the ledger is looked at again after a while, when they
 *	   '--------+                           doubt it, and when it was told to say something
 *	            '---> stored                whole; or the rest is read from the store -> STORED
 */
#include "flights/follow.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "blob/blob_request.h"
#include "cluster/leases.h"
#include "flights/flight.h"
#include "flights/flight_env.h"
#include "flights/flight_private.h"
#include "ledger/ledger.h"
#include "peer/peer_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define LOOK_MS       10000 /* what was to be told may not have been */
#define AWAY_MS       2000  /* the ledger did not answer */
#define DOUBT_MS      100 /* the one who was thought to have it does not: the news of it is on its way */
#define DOUBT_MOST_MS 2000
#define LAST_BYTE_MS  500 /* is on its way, too, when it is stored */
#define COPY_BYTES    65536

struct follow {
	struct flight
		*flight; /* NULL: it does not follow any more, and an answer is still to come */
	char recording_sid[SID_SIZE];
	struct timer timer;
	struct peer_stream stream;
	int64_t process; /* whom; 0: nobody yet */
	unsigned doubts; /* in a row */
	bool is_last_awaited;

	/* The look. */
	struct ledger_job job;
	bool is_looking, is_wanted;
	struct recording recording;
	struct lease_holder holder;

	/* What is read from the store. */
	bool is_reading;
	struct blob_request request;
	struct job copy;
	bool is_copied;
	uint64_t copied; /* of the whole: file->size is what players are shown meanwhile */
	struct err err;
};

static void look(struct follow *follow);

static void timer_fired(struct timer *timer)
{
	look(container_of(timer, struct follow, timer));
}

static void look_in(struct follow *follow, int64_t wait_ms)
{
	struct loop *loop = follow->flight->env->loop;

	if (follow->is_reading)
		return;
	if (follow->is_looking)
		follow->is_wanted = true;
	else if (!timer_is_on(&follow->timer) || follow->timer.at_ms > loop_now_ms(loop) + wait_ms)
		timer_start(loop, &follow->timer, wait_ms, timer_fired);
}

/* ---- what comes from the other process ---- */

static void seeks_moved(struct seeks *seeks)
{
	struct flight *flight = container_of(seeks, struct flight, seeks);

	if (flight_is_flowing(flight))
		flight_tell(flight);
}

static void drop_file(struct flight *flight)
{
	seeks_release(&flight->seeks);
	arrival_discard(&flight->arrival);
}

static bool open_file(struct flight *flight, const struct peer_media *media, struct err *err)
{
	struct arrival *arrival = &flight->arrival;

	drop_file(flight);
	arrival->is_followed = true;
	flight->generation = media->generation;
	flight->generation_at_ms = media->generation_at_ms;
	if (!blob_arriving_open_unnamed(flight->env->store, str_of(flight->recording_sid),
					media->generation, &arrival->file, err))
		return false;
	return blob_arriving_reader(arrival->file, &arrival->reader_fd, err);
}

static void take_extent(struct flight *flight, const struct peer_media *media)
{
	flight->arrival.length = media->size == PEER_SIZE_UNKNOWN ? DOWNLOAD_LENGTH_UNKNOWN
								  : media->size;
	(void)!str_copy(str_of(media->etag), flight->arrival.validator,
			sizeof(flight->arrival.validator));
}

static bool stream_begins(struct peer_stream *stream, const struct peer_media *media)
{
	struct follow *follow = container_of(stream, struct follow, stream);
	struct flight *flight = follow->flight;
	struct err err;

	follow->doubts = 0;
	if (!open_file(flight, media, &err)) {
		log_warn(NULL, "recording %s: cannot be played from where it is fetched: %s",
			 flight->recording_sid, err.text);
		drop_file(flight);
		flight_tell(flight);
		return false;
	}
	take_extent(flight, media);
	seeks_follow(&flight->seeks, flight->env, &flight->arrival, &stream->whom,
		     flight->recording_sid, seeks_moved);
	flight_clear_reason(flight);
	flight_tell(flight);
	return true;
}

static bool stream_takes(struct peer_stream *stream, struct str bytes)
{
	struct flight *flight = container_of(stream, struct follow, stream)->flight;
	struct arrival *arrival = &flight->arrival;
	struct err err;

	if (!blob_arriving_write(arrival->file, bytes, &err)) {
		log_warn(NULL, "recording %s: cannot be played from where it is fetched: %s",
			 flight->recording_sid, err.text);
		return false;
	}
	sniff_feed(&arrival->sniff, bytes.at, bytes.len);
	flight_show(flight);
	seeks_flight_moved(&flight->seeks);
	flight_tell(flight);
	return true;
}

static void stream_told(struct peer_stream *stream)
{
	struct follow *follow = container_of(stream, struct follow, stream);
	struct flight *flight = follow->flight;

	if (flight->arrival.file && flight->generation == stream->media.generation)
		take_extent(flight, &stream->media);
	if (stream->is_whole) {
		flight->arrival.length = stream->arrived;
		seeks_rest(&flight->seeks);
		look_in(follow, 0);
	}
	if (stream->reason.code[0] != '\0')
		flight_set_reason(flight, stream->reason.code, stream->reason.text,
				  stream->is_pointless);
	else
		flight_clear_reason(flight);
	flight_tell(flight);
}

static int64_t doubt_ms(struct follow *follow)
{
	int64_t wait_ms = DOUBT_MS << (follow->doubts < 5 ? follow->doubts : 5);

	follow->doubts++;
	return wait_ms < DOUBT_MOST_MS ? wait_ms : DOUBT_MOST_MS;
}

static void stream_doubts(struct peer_stream *stream, enum peer_doubt doubt)
{
	struct follow *follow = container_of(stream, struct follow, stream);

	if (doubt == PEER_DOUBT_GONE)
		ledger_suspect(follow->flight->env->ledger, follow->process);
	else
		look_in(follow, doubt_ms(follow));
}

static void go_on_with(struct follow *follow)
{
	const struct lease_holder *holder = &follow->holder;
	struct peer_stream *stream = &follow->stream;
	struct flight *flight = follow->flight;

	if (follow->process != holder->process_id) {
		log_debug(NULL, "recording %s: process %lld fetches it", flight->recording_sid,
			  (long long)holder->process_id);
		peer_stream_stop(stream);
	}
	str_fit(str_of(holder->address), stream->whom.address, sizeof(stream->whom.address));
	str_fit(str_of(holder->token), stream->whom.token, sizeof(stream->whom.token));
	if (flight->arrival.file && follow->process != holder->process_id)
		seeks_follow(&flight->seeks, flight->env, &flight->arrival, &stream->whom,
			     flight->recording_sid, seeks_moved);
	follow->process = holder->process_id;
	peer_stream_start(stream);
	look_in(follow, LOOK_MS);
}

/* ---- it is over ---- */

static void follow_release(struct follow *follow)
{
	seeks_rest(&follow->flight->seeks);
	timer_stop(&follow->timer);
	peer_stream_stop(&follow->stream);
	follow->flight = NULL;
	if (!follow->is_looking && !follow->is_reading)
		free(follow);
}

void flight_unfollow(struct flight *flight)
{
	if (flight->follow)
		follow_release(TAKE(flight->follow));
}

/* In that state.  Where it is not over the file stays, for it may be followed again, and players are on it. */
static void end_with(struct flight *flight, enum flight_state state, enum follow_result result)
{
	flight_unfollow(flight);
	/* Of what is stored, mirrors may still have to hear: the descriptor goes with the flight. */
	if (state == FLIGHT_STORED)
		seeks_release(&flight->seeks);
	else if (state == FLIGHT_GONE)
		drop_file(flight);
	if (state != FLIGHT_FOLLOWING)
		flight_enter(flight, state);
	flight_clear_reason(flight);
	flight_tell(flight);
	flight->owner->looked(flight, result);
}

/* Stored: what came is that, or is given up, and who waits has it from the store. */
static void end_stored(struct flight *flight, bool is_whole)
{
	if (!is_whole)
		drop_file(flight);
	end_with(flight, FLIGHT_STORED, FOLLOW_OVER);
}

/* ---- what is missing, from the store ---- */

static bool write_at(int fd, const char *bytes, size_t len, uint64_t at, struct err *err)
{
	while (len > 0) {
		ssize_t n = pwrite(fd, bytes, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "cannot write what was read");
		bytes += n;
		len -= (size_t)n;
		at += (uint64_t)n;
	}
	return true;
}

static bool copy_rest(struct follow *follow, struct err *err)
{
	int fd = follow->flight->arrival.file->fd;
	char piece[COPY_BYTES];

	while (follow->copied < follow->recording.size) {
		ssize_t got =
			pread(follow->request.fd, piece, sizeof(piece), (off_t)follow->copied);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_errno(err, "cannot read '%s'", follow->recording.path);
		if (got == 0)
			return err_set(err, ERR_INTERNAL, "'%s' is shorter than the ledger says",
				       follow->recording.path);
		if (!write_at(fd, piece, (size_t)got, follow->copied, err))
			return false;
		follow->copied += (uint64_t)got;
	}
	return true;
}

/* On a sealer, which writes behind what is shown; the loop alone reads and sets the size. */
static void run_copy(struct job *job)
{
	struct follow *follow = container_of(job, struct follow, copy);

	follow->is_copied = copy_rest(follow, &follow->err);
	close(follow->request.fd);
}

static void was_read(struct follow *follow, bool is_whole)
{
	struct flight *flight = follow->flight;

	follow->is_reading = false;
	if (is_whole)
		flight->arrival.file->size = follow->copied;
	if (!flight->env->sealers)
		return; /* stopping */
	if (!is_whole)
		log_debug(NULL, "recording %s: the rest of it was not had from the store: %s",
			  flight->recording_sid, follow->err.text);
	if (flight->is_abandoned)
		end_with(flight, FLIGHT_GONE, FOLLOW_OVER);
	else
		end_stored(flight,
			   is_whole && flight->arrival.file->size == follow->recording.size);
}

static void copied(struct job *job)
{
	struct follow *follow = container_of(job, struct follow, copy);

	was_read(follow, follow->is_copied);
}

static void store_answered(struct blob_request *request)
{
	struct follow *follow = container_of(request, struct follow, request);
	struct flight *flight = follow->flight;

	follow->err = request->err;
	if (!request->succeeded || !flight->env->sealers) {
		if (request->succeeded)
			close(request->fd);
		was_read(follow, false);
		return;
	}
	follow->copy =
		(struct job){ .run = run_copy, .done = copied, .reply = flight->env->mailbox };
	workers_post(flight->env->sealers, &follow->copy);
}

static void read_from_store(struct follow *follow)
{
	struct flight *flight = follow->flight;

	peer_stream_stop(&follow->stream);
	timer_stop(&follow->timer);
	seeks_rest(&flight->seeks);
	follow->is_reading = true;
	follow->copied = flight->arrival.file->size;
	follow->request = (struct blob_request){ .verb = BLOB_GET,
						 .want_size = follow->recording.size,
						 .done = store_answered,
						 .reply = flight->env->mailbox };
	str_fit(str_of(follow->recording.path), follow->request.name, BLOB_NAME_SIZE);
	str_fit(str_of(follow->recording.sha256), follow->request.want_sha256, SHA256_HEX);
	blob_ask(flight->env->store, flight->env->sealers, &follow->request);
}

/* ---- the ledger ---- */

static void found_stored(struct follow *follow)
{
	struct flight *flight = follow->flight;
	const struct recording *recording = &follow->recording;
	const struct arrival *arrival = &flight->arrival;

	if (!flight_is_flowing(flight) || recording->generation != flight->generation ||
	    arrival->file->size > recording->size || !flight->env->sealers) {
		end_stored(flight, false);
	} else if (arrival->file->size == recording->size) {
		end_stored(flight, true);
	} else if (peer_stream_flows(&follow->stream) && !follow->is_last_awaited) {
		follow->is_last_awaited = true;
		look_in(follow, LAST_BYTE_MS);
	} else {
		read_from_store(follow);
	}
}

static bool is_to_be_fetched(const struct recording *recording)
{
	return recording->state == RECORDING_QUEUED || recording->state == RECORDING_WAITING;
}

static void look_failed(struct follow *follow, const struct err *err)
{
	struct flight *flight = follow->flight;

	if (err->kind == ERR_NOT_FOUND)
		end_with(flight, FLIGHT_GONE, FOLLOW_OVER);
	else if (follow->process == 0) /* no answer: as where there is nobody else */
		end_with(flight, FLIGHT_FOLLOWING, FOLLOW_NOBODY);
	else
		look_in(follow, AWAY_MS);
}

static void act(struct follow *follow)
{
	struct flight *flight = follow->flight;
	const struct lease_holder *holder = &follow->holder;

	flight->retained = recording_kept(&follow->recording);
	memcpy(flight->call_sid, follow->recording.call_sid, SID_SIZE);
	if (follow->recording.state == RECORDING_STORED) {
		found_stored(follow);
	} else if (!is_to_be_fetched(&follow->recording)) {
		/* Whoever fetched it has found out why not: players ask the ledger, which knows. */
		end_with(flight, FLIGHT_GONE, FOLLOW_OVER);
	} else if (holder->process_id == 0 ||
		   holder->process_id == ledger_process(flight->env->ledger)) {
		end_with(flight, FLIGHT_FOLLOWING, FOLLOW_NOBODY);
	} else if (holder->address[0] == '\0' || holder->token[0] == '\0' ||
		   flight->mirror_count == 0) {
		flight->was_elsewhere = true;
		end_with(flight, FLIGHT_WAITING, FOLLOW_NOWHERE);
	} else {
		flight->was_elsewhere = true;
		go_on_with(follow);
	}
}

static void looked(struct ledger_job *job)
{
	struct follow *follow = container_of(job, struct follow, job);
	bool is_wanted = follow->is_wanted;

	follow->is_looking = follow->is_wanted = false;
	if (!follow->flight) {
		free(follow);
		return;
	}
	if (is_wanted) /* what it has read may be of before */
		look(follow);
	else if (job->succeeded)
		act(follow);
	else
		look_failed(follow, &job->err);
}

static bool run_look(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct follow *follow = container_of(job, struct follow, job);
	struct str sid = str_of(follow->recording_sid);

	return recordings_find(catalog, sid, &follow->recording, err) &&
	       lease_find_holder(catalog, sid, &follow->holder, err);
}

static void look(struct follow *follow)
{
	const struct flight_env *env = follow->flight->env;

	if (follow->is_looking || follow->is_reading)
		return;
	timer_stop(&follow->timer);
	follow->is_looking = true;
	follow->job = (struct ledger_job){ .run = run_look, .done = looked, .reply = env->mailbox };
	ledger_read(env->ledger, &follow->job);
}

/* ---- from the owner ---- */

bool flight_may_follow(const struct flight *flight)
{
	return flight->env->peers && flight->mirror_count > 0 && !flight->holds_lease &&
	       !flight->is_nobodys && (!flight->arrival.file || flight->arrival.is_followed);
}

/* What came before goes on where it is. */
static void take_up(const struct flight *flight, struct peer_stream *stream)
{
	const struct arrival *arrival = &flight->arrival;

	if (!arrival->file)
		return;
	stream->media = (struct peer_media){
		.generation = flight->generation,
		.generation_at_ms = flight->generation_at_ms,
		.size = arrival->length == DOWNLOAD_LENGTH_UNKNOWN ? PEER_SIZE_UNKNOWN
								   : arrival->length,
	};
	(void)!str_copy(str_of(arrival->validator), stream->media.etag, sizeof(stream->media.etag));
	stream->arrived = arrival->file->size;
	stream->is_whole = stream->arrived == stream->media.size;
}

void flight_follow(struct flight *flight)
{
	struct follow *follow = xcalloc(1, sizeof(*follow));

	flight_enter(flight, FLIGHT_FOLLOWING);
	timer_stop(&flight->timer);
	flight->last_try_at_ms = loop_now_ms(flight->env->loop);
	flight->is_as_in_ledger = false;
	flight->follow = follow;
	follow->flight = flight;
	follow->stream.peers = flight->env->peers;
	memcpy(follow->recording_sid, flight->recording_sid, SID_SIZE);
	follow->stream.recording_sid = follow->recording_sid;
	follow->stream.begins = stream_begins;
	follow->stream.takes = stream_takes;
	follow->stream.told = stream_told;
	follow->stream.doubts = stream_doubts;
	take_up(flight, &follow->stream);
	look(follow);
}

void flight_look_in(struct flight *flight, int64_t wait_ms)
{
	look_in(flight->follow, wait_ms);
}

bool flight_is_reading(const struct flight *flight)
{
	return flight->follow && flight->follow->is_reading;
}
