/*
 *	ask -> answer: media    takes bytes; whole, or broken: asks again from there, at once if some came
 *	     | waits, other     asks again, soon
 *	     | elsewhere        doubts; the owner looks in the ledger
 *	     '- none            asks again in half a second, and doubts where nobody listens
 */
#include "peer/peer_stream.h"

#include "base/log.h"

#include <stdio.h>
#include <string.h>

#define SOON_MS        50
#define AGAIN_MS       500 /* after it was not reached */
#define FAILED_MOST_MS 2000
#define WAITS_FIRST_MS 500 /* it has said that it waits */
#define WAITS_MOST_MS  5000
#define PLAIN_MOST_MS  10000 /* all that is here is sent once more */
#define OURS_MS        2000  /* our disk did not take it */
#define REFUSALS       3

static void ask(struct peer_stream *stream);

static void ask_again(struct timer *timer)
{
	ask(container_of(timer, struct peer_stream, again));
}

static void ask_in(struct peer_stream *stream, int64_t wait_ms)
{
	if (!stream->is_off)
		timer_start(peers_loop(stream->peers), &stream->again, wait_ms, ask_again);
}

static int64_t doubled(int64_t first_ms, unsigned times, int64_t most_ms)
{
	for (; times > 0 && first_ms < most_ms; times--)
		first_ms *= 2;
	return first_ms < most_ms ? first_ms : most_ms;
}

/* ---- the answer ---- */

static void on_line(struct transfer_receiver *receiver, struct str line)
{
	peer_head_line(&container_of(receiver, struct peer_stream, receiver)->head, line);
}

/* No process of ours sends one. */
static bool may_follow(struct transfer_receiver *receiver, const char *url)
{
	return false;
}

/* Of one generation all bytes are the same; its length may not have been known at first. */
static bool is_as_before(const struct peer_stream *stream, const struct peer_media *media)
{
	if (stream->media.size != PEER_SIZE_UNKNOWN)
		return media->size == stream->media.size;
	return media->size == PEER_SIZE_UNKNOWN || media->size >= stream->arrived;
}

/* False: it does not go on with what is here, and is no beginning either. */
static bool take_media(struct peer_stream *stream, const struct peer_media *media)
{
	bool has_size = stream->media.size != PEER_SIZE_UNKNOWN;

	stream->position = media->position;
	if (stream->media.generation == media->generation) {
		if (!is_as_before(stream, media))
			return false;
		stream->media = *media;
		if (!has_size && media->size != PEER_SIZE_UNKNOWN)
			stream->told(stream);
		return true;
	}
	if (media->position > 0)
		return false;
	stream->media = (struct peer_media){ 0 };
	stream->arrived = stream->asked_with = 0;
	stream->is_ours_failed = !stream->begins(stream, media);
	if (stream->is_ours_failed)
		return false;
	stream->media = *media;
	return true;
}

static void set_reason(struct peer_stream *stream, const struct peer_reason *reason,
		       bool is_pointless)
{
	bool is_news = strcmp(reason->code, stream->reason.code) != 0 ||
		       strcmp(reason->text, stream->reason.text) != 0 ||
		       is_pointless != stream->is_pointless;

	stream->reason = *reason;
	stream->is_pointless = is_pointless;
	if (is_news)
		stream->told(stream);
}

static void clear_reason(struct peer_stream *stream)
{
	set_reason(stream, &(struct peer_reason){ .code = "" }, false);
}

static enum transfer_go on_head(struct transfer_receiver *receiver,
				const struct transfer_head *head)
{
	struct peer_stream *stream = container_of(receiver, struct peer_stream, receiver);
	const struct peer_want want = { .first = stream->began_with,
					.is_matched = stream->began_with > 0 };
	struct peer_media media;

	stream->has_answer = true;
	stream->answer = peer_answer_read(head, &stream->head, &want, &media);
	if (stream->answer != PEER_MEDIA)
		return TRANSFER_GO_ON;
	if (take_media(stream, &media)) {
		stream->is_plain = false;
		clear_reason(stream);
		return TRANSFER_GO_ON;
	}
	if (!stream->is_ours_failed)
		stream->answer = PEER_STRANGE;
	return TRANSFER_STOP;
}

static enum transfer_go take_bytes(struct peer_stream *stream, struct str bytes)
{
	uint64_t known = stream->arrived - stream->position;

	if (known >= bytes.len) {
		stream->position += bytes.len;
		return TRANSFER_GO_ON;
	}
	bytes = str_after(bytes, (size_t)known);
	if (!stream->takes(stream, bytes)) {
		stream->is_ours_failed = true;
		return TRANSFER_STOP;
	}
	counter_add(&peers_counts(stream->peers)->received_bytes, bytes.len);
	stream->arrived += bytes.len;
	stream->position = stream->arrived;
	return TRANSFER_GO_ON;
}

static enum transfer_go on_bytes(struct transfer_receiver *receiver, struct str bytes)
{
	struct peer_stream *stream = container_of(receiver, struct peer_stream, receiver);
	struct str kept = str_first(bytes, sizeof(stream->body) - stream->body_len);

	if (stream->answer == PEER_MEDIA)
		return take_bytes(stream, bytes);
	memcpy(stream->body + stream->body_len, kept.at, kept.len);
	stream->body_len += kept.len;
	return kept.len == bytes.len ? TRANSFER_GO_ON : TRANSFER_STOP;
}

/* ---- and then ---- */

/* Who has let us wait before they said so is asked again at once. */
static void told_to_wait(struct peer_stream *stream, const struct transfer_result *result)
{
	bool has_waited = !stream->head.is_pointless && result->total_ms >= WAITS_FIRST_MS;
	struct peer_reason reason;

	peer_reason_read((struct str){ stream->body, stream->body_len }, &reason);
	if (has_waited)
		stream->waits = 0;
	ask_in(stream,
	       has_waited ? SOON_MS : doubled(WAITS_FIRST_MS, stream->waits++, WAITS_MOST_MS));
	set_reason(stream, &reason, stream->head.is_pointless);
}

static void ended_with_media(struct peer_stream *stream, const struct transfer_result *result)
{
	bool came = stream->arrived > stream->asked_with;
	bool is_sent_again = stream->began_with < stream->asked_with;

	if (stream->is_ours_failed) {
		ask_in(stream, OURS_MS);
		return;
	}
	stream->waits = 0;
	if (result->outcome == TRANSFER_OK && stream->media.size == PEER_SIZE_UNKNOWN)
		stream->media.size = stream->arrived;
	stream->is_whole = stream->arrived == stream->media.size;
	if (stream->is_whole) {
		stream->told(stream);
		return;
	}
	log_debug(NULL, "recording %s: %s broke off at byte %llu: %s", stream->recording_sid,
		  stream->whom.address, (unsigned long long)stream->arrived, result->text);
	stream->failures = came ? 0 : stream->failures + 1;
	ask_in(stream, is_sent_again ? doubled(WAITS_FIRST_MS, stream->failures, PLAIN_MOST_MS)
				     : doubled(SOON_MS, stream->failures, FAILED_MOST_MS));
}

static void was_not_reached(struct peer_stream *stream, const struct transfer_result *result)
{
	log_debug(NULL, "recording %s: %s does not answer: %s", stream->recording_sid,
		  stream->whom.address, result->text);
	stream->refusals = result->is_refused ? stream->refusals + 1 : 0;
	stream->failures++;
	ask_in(stream,
	       result->is_refused ? AGAIN_MS : doubled(SOON_MS, stream->failures, FAILED_MOST_MS));
	if (stream->refusals >= REFUSALS)
		stream->doubts(stream, PEER_DOUBT_GONE);
}

static enum peer_result result_of(const struct peer_stream *stream,
				  const struct transfer_result *result)
{
	static const enum peer_result of[] = {
		[PEER_MEDIA] = PEER_RESULT_BROKEN,     [PEER_ELSEWHERE] = PEER_RESULT_ELSEWHERE,
		[PEER_STRANGER] = PEER_RESULT_REFUSED, [PEER_OTHER] = PEER_RESULT_ELSEWHERE,
		[PEER_WAITS] = PEER_RESULT_WAITS,      [PEER_STRANGE] = PEER_RESULT_STRANGE,
	};

	if (!stream->has_answer)
		return result->is_refused ? PEER_RESULT_REFUSED : PEER_RESULT_UNREACHABLE;
	if (stream->answer == PEER_MEDIA && result->outcome == TRANSFER_OK)
		return PEER_RESULT_MEDIA;
	return of[stream->answer];
}

static void tell_peers(struct peer_stream *stream, const struct transfer_result *result)
{
	enum peer_result came = result_of(stream, result);
	char text[40];

	snprintf(text, sizeof(text), "it answered %d", result->status);
	peers_told(stream->peers, stream->whom.address, came,
		   stream->has_answer ? text : result->text);
}

static void on_end(struct transfer_receiver *receiver, const struct transfer_result *result)
{
	struct peer_stream *stream = container_of(receiver, struct peer_stream, receiver);

	stream->transfer = NULL;
	tell_peers(stream, result);
	if (!stream->has_answer) {
		was_not_reached(stream, result);
		return;
	}
	stream->refusals = 0;
	switch (stream->answer) {
	case PEER_MEDIA:
		ended_with_media(stream, result);
		return;
	case PEER_OTHER:
		stream->is_plain = true;
		ask_in(stream, SOON_MS);
		return;
	case PEER_WAITS:
		told_to_wait(stream, result);
		return;
	case PEER_STRANGE:
		log_debug(NULL, "recording %s: %s answered %d, which is not understood",
			  stream->recording_sid, stream->whom.address, result->status);
		ask_in(stream, doubled(AGAIN_MS, ++stream->failures, WAITS_MOST_MS));
		return;
	case PEER_ELSEWHERE:
	case PEER_STRANGER:
		break;
	}
	stream->doubts(stream, PEER_DOUBT_WHO);
}

/* ---- the question ---- */

static void ask(struct peer_stream *stream)
{
	bool goes_on = stream->arrived > 0 && stream->media.etag[0] != '\0' && !stream->is_plain;
	struct err err;

	stream->receiver = (struct transfer_receiver){ .may_follow = may_follow,
						       .on_line = on_line,
						       .on_head = on_head,
						       .on_bytes = on_bytes,
						       .on_end = on_end };
	stream->head = (struct peer_head){ 0 };
	stream->has_answer = stream->is_ours_failed = false;
	stream->body_len = 0;
	stream->position = 0;
	stream->began_with = goes_on ? stream->arrived : 0;
	stream->asked_with = stream->arrived;
	if (peers_ask(stream->peers, &stream->whom, stream->recording_sid, stream->began_with,
		      goes_on ? stream->media.etag : NULL, &stream->receiver, &stream->transfer,
		      &err))
		return;
	/* An address that cannot be asked: the ledger may have a better one. */
	log_debug(NULL, "recording %s: cannot ask %s: %s", stream->recording_sid,
		  stream->whom.address, err.text);
	ask_in(stream, WAITS_MOST_MS);
}

void peer_stream_start(struct peer_stream *stream)
{
	stream->is_off = false;
	stream->is_plain = false;
	stream->failures = stream->refusals = stream->waits = 0;
	if (!stream->transfer && !stream->is_whole)
		ask_in(stream, 0);
}

void peer_stream_stop(struct peer_stream *stream)
{
	stream->is_off = true;
	timer_stop(&stream->again);
	transfer_cancel(stream->transfer);
	stream->transfer = NULL;
}

bool peer_stream_flows(const struct peer_stream *stream)
{
	return stream->transfer && stream->has_answer && stream->answer == PEER_MEDIA;
}
