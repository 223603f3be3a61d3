#include "ledger_plan.h"

#include "blob/blob.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define END_S          1782777600 /* 2026-06-30: the same dates in every run */
#define YEAR_S         (365LL * 24 * 3600)
#define JITTER_S       300 /* calls are not told of in the order in which they began */
#define OWN_NUMBERS    200
#define ANSWERED_AFTER 5 /* s: from the call's start to its recording's */

/* What is drawn for a call, each from a stream of its own. */
enum draw {
	DRAW_CALL_SID,
	DRAW_CALL_SID_REST,
	DRAW_RECORDING_SID,
	DRAW_RECORDING_SID_REST = DRAW_RECORDING_SID + PLAN_RECORDINGS_MAX,
	DRAW_JITTER = DRAW_RECORDING_SID_REST + PLAN_RECORDINGS_MAX,
	DRAW_DIRECTION,
	DRAW_OWN,
	DRAW_CUSTOMER,
	DRAW_STATUS,
	DRAW_STATE,
	DRAWS,
};

/* splitmix64: as good as random, and any of them is had without those before it. */
static uint64_t draw(int64_t index, int which)
{
	uint64_t z = ((uint64_t)index * DRAWS + (uint64_t)which + 1) * 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static unsigned percent(int64_t index, int which)
{
	return (unsigned)(draw(index, which) % 100);
}

/* One by one digit: printf would be a third of what a ledger costs to make. */
static void sid(char out[SID_SIZE], const char *kind, uint64_t one, uint64_t two)
{
	static const char digits[] = "0123456789abcdef";

	out[0] = kind[0];
	out[1] = kind[1];
	for (int i = 0; i < 16; i++) {
		out[2 + i] = digits[one >> (60 - 4 * i) & 15];
		out[18 + i] = digits[two >> (60 - 4 * i) & 15];
	}
	out[SID_SIZE - 1] = '\0';
}

static void own_number(int64_t index, char out[CALL_NUMBER_SIZE])
{
	uint64_t drawn = draw(index, DRAW_OWN);
	unsigned number = drawn % 4 == 0 ? 0 : (unsigned)(drawn / 4 % OWN_NUMBERS);

	snprintf(out, CALL_NUMBER_SIZE, "+1415555%04u", 100 + number);
}

static void customer(int64_t index, int64_t count, char out[CALL_NUMBER_SIZE])
{
	uint64_t drawn = draw(index, DRAW_CUSTOMER);
	uint64_t who = drawn / 100 % ((uint64_t)count / 5 + 50);

	/* The factors have no divisor in common with the powers of ten: each has a number of his own. */
	if (drawn % 100 < 2)
		snprintf(out, CALL_NUMBER_SIZE, "anonymous");
	else if (drawn % 100 < 4)
		snprintf(out, CALL_NUMBER_SIZE, "client:agent%llu", (unsigned long long)(who % 50));
	else if (who % 10 < 6)
		snprintf(out, CALL_NUMBER_SIZE, "+9725%08llu",
			 (unsigned long long)(who * 61803399 % 100000000));
	else if (who % 10 < 9)
		snprintf(out, CALL_NUMBER_SIZE, "+1%010llu",
			 (unsigned long long)(who * 6180339887 % 10000000000));
	else
		snprintf(out, CALL_NUMBER_SIZE, "+4420%08llu",
			 (unsigned long long)(who * 61803399 % 100000000));
}

static void plan_ends(struct call *call, int64_t index, int64_t count)
{
	unsigned drawn = percent(index, DRAW_DIRECTION);
	bool is_inbound = drawn < 45;

	own_number(index, is_inbound ? call->to : call->from);
	customer(index, count, is_inbound ? call->from : call->to);
	call->direction = is_inbound ? CALL_INBOUND : CALL_OUTBOUND;
	snprintf(call->direction_text, sizeof(call->direction_text), "%s",
		 is_inbound   ? "inbound"
		 : drawn < 80 ? "outbound-api"
			      : "outbound-dial");
}

static enum call_status plan_status(int64_t index)
{
	unsigned drawn = percent(index, DRAW_STATUS);

	return drawn < 80   ? CALL_COMPLETED
	       : drawn < 88 ? CALL_NO_ANSWER
	       : drawn < 93 ? CALL_BUSY
	       : drawn < 97 ? CALL_FAILED
			    : CALL_CANCELED;
}

static void plan_stored(struct recording *recording, const struct plan_media *media,
			int64_t generation, const char *call_sid)
{
	struct err err;

	recording->completed_at_ms = recording->started_at_ms + media->duration_s * 1000 + 4000;
	recording->generation = generation;
	recording->generation_at_ms = recording->completed_at_ms;
	recording->stored_at_ms = recording->completed_at_ms + 1500;
	recording->size = media->size;
	recording->duration_ms = media->duration_s * 1000;
	recording->channels_stored = 1;
	recording->waveform = RECORDING_WAVEFORM_STORED; /* or a server would make it */
	snprintf(recording->format, sizeof(recording->format), "mp3");
	memcpy(recording->sha256, media->sha256, sizeof(recording->sha256));
	if (!blob_name_make(str_of(call_sid), str_of(recording->recording_sid), generation,
			    STR("mp3"), recording->path, &err))
		abort(); /* the SIDs are ours */
}

static void set_reason(struct recording *recording, const char *code, const char *text)
{
	snprintf(recording->reason_code, sizeof(recording->reason_code), "%s", code);
	snprintf(recording->reason_text, sizeof(recording->reason_text), "%s", text);
}

/* Returns how many numbers of the sequence its changes take. */
static int64_t plan_state(struct recording *recording, unsigned drawn,
			  const struct plan_media *media, const struct plan_place *place,
			  const char *call_sid)
{
	recording->state = drawn < 90   ? RECORDING_STORED
			   : drawn < 94 ? RECORDING_PURGED
			   : drawn < 97 ? RECORDING_ABSENT
			   : drawn < 98 ? RECORDING_DEAD
			   : drawn < 99 ? RECORDING_GONE
					: RECORDING_ANNOUNCED;
	if (drawn < 94)
		plan_stored(recording, media, place->recordings + 1, call_sid);
	if (recording->state == RECORDING_PURGED) {
		recording->path[0] = '\0';
		set_reason(recording, "recording_deleted",
			   "The recording was removed after its time.");
	}
	if (recording->state == RECORDING_ABSENT) {
		recording->error_code = 16101;
		set_reason(recording, "too_short", "Twilio kept no recording: it was too short");
	}
	if (recording->state == RECORDING_DEAD)
		set_reason(recording, "upstream_failed", "Twilio could not keep the recording");
	if (recording->state == RECORDING_GONE)
		set_reason(recording, "recording_deleted",
			   "the recording was deleted at Twilio before it was fetched");
	return recording->state == RECORDING_PURGED ? 5 /* told, stored, drawn, digested, purged */
	       : recording->state == RECORDING_STORED ? 4
						      : 1;
}

static void plan_recording(struct plan_place *place, int n, unsigned drawn,
			   const struct plan_media *media, struct planned_call *out)
{
	struct recording *recording = &out->recordings[n];
	struct call *call = &out->call;

	sid(recording->recording_sid, "RE", draw(place->index, DRAW_RECORDING_SID + n),
	    draw(place->index, DRAW_RECORDING_SID_REST + n));
	memcpy(recording->call_sid, call->call_sid, SID_SIZE);
	memcpy(recording->account_sid, call->account_sid, SID_SIZE);
	recording->started_at_ms = call->started_at_ms + (ANSWERED_AFTER + n) * 1000;
	recording->duration_s = media->duration_s;
	recording->channels = 1;
	recording->channels_wanted = 2;
	snprintf(recording->source, sizeof(recording->source), "DialVerb");
	out->recording_ids[n] = place->sequence + 1;
	place->sequence += plan_state(recording, drawn, media, place, call->call_sid);
	place->recordings++;
	recording->changed_seq = place->sequence;
	/* A digest is no change of the call. */
	call->changed_seq = place->sequence - (recording->state == RECORDING_STORED);
	out->recording_count = call->recordings = n + 1;
	if (n > 0)
		return;
	memcpy(call->main_recording_sid, recording->recording_sid, SID_SIZE);
	call->is_main_fixed = drawn < 94;
	call->group = recording_state_group(recording->state);
}

void plan_call(struct plan_place *place, int64_t count, const struct plan_media *media,
	       struct planned_call *out)
{
	struct call *call = &out->call;
	int64_t index = place->index;
	unsigned drawn = percent(index, DRAW_STATE);

	memset(out, 0, sizeof(*out));
	sid(call->call_sid, "CA", draw(index, DRAW_CALL_SID), draw(index, DRAW_CALL_SID_REST));
	memcpy(call->account_sid, PLAN_ACCOUNT, SID_SIZE);
	call->started_at_ms = 1000 * (END_S - (count - index) * YEAR_S / count -
				      (int64_t)(draw(index, DRAW_JITTER) % JITTER_S));
	call->status = plan_status(index);
	call->duration_s = call->status == CALL_COMPLETED ? media->duration_s + ANSWERED_AFTER + 2
							  : 0;
	call->ended_at_ms = call->started_at_ms + 1000 * (call->duration_s + 1);
	plan_ends(call, index, count);
	call->id = call->changed_seq = ++place->sequence;
	/* Of a hundred that were completed five were not recorded, and two were twice. */
	if (call->status == CALL_COMPLETED && draw(index, DRAW_STATE) / 100 % 20 > 0) {
		plan_recording(place, 0, drawn, media, out);
		if (drawn < 2)
			plan_recording(place, 1, drawn, media, out);
	}
	place->index++;
}

void plan_url(const struct recording *recording, char out[PLAN_URL_SIZE])
{
	memcpy(out, PLAN_URL, sizeof(PLAN_URL) - 1);
	memcpy(out + sizeof(PLAN_URL) - 1, recording->recording_sid, SID_SIZE);
}
