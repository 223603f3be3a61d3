/*
 * Calls and what becomes of them.
 *
 *	INITIATED -> RINGING -> ANSWERED -> ENDED -> RECORDED -> OVER
 *	    |           |                     ^
 *	    +-----------+---- not answered ---+
 *
 * Each stage is told by callbacks.  A simulated call may run faster than a real one:
 * its dates are then moved back, so that it ends now and has lasted as long as its
 * recording does.
 */
#include "sim/sim_calls.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "sim/sim_callback.h"
#include "sim/sim_cipher.h"
#include "sim/sim_faults.h"
#include "sim/sim_speech.h"
#include "sim/sim_state.h"

enum stage {
	STAGE_INITIATED,
	STAGE_RINGING,
	STAGE_ANSWERED,
	STAGE_ENDED,
	STAGE_RECORDED,
	STAGE_OVER
};

#define RING_AFTER_MS     500
#define ANSWER_AFTER_MS   3000 /* after the ringing began */
#define RECORDED_AFTER_MS 1500 /* after the call ended: Twilio's processing */
#define HANG_UP_MS        1000 /* what a call lasts longer than its recording */

/* ---- by chance ---- */

static uint64_t chance_below(struct sim *sim, uint64_t bound)
{
	return sim_chance_below(&sim->seed, bound);
}

static void sid_make(struct sim *sim, const char *prefix, char out[SIM_SID_SIZE])
{
	uint64_t a = sim_chance(&sim->seed), b = sim_chance(&sim->seed);

	snprintf(out, SIM_SID_SIZE, "%s%016llx%016llx", prefix, (unsigned long long)a,
		 (unsigned long long)b);
}

/* Of the ranges that are kept free for fiction: nobody is called there. */
static void number_make(struct sim *sim, char out[SIM_NUMBER_SIZE])
{
	static const unsigned areas[] = { 202, 212, 303, 312, 404, 415, 503, 617, 702, 808 };

	if (chance_below(sim, 4) == 0)
		snprintf(out, SIM_NUMBER_SIZE, "+442079460%03u", (unsigned)chance_below(sim, 1000));
	else
		snprintf(out, SIM_NUMBER_SIZE, "+1%u55501%02u",
			 areas[chance_below(sim, ARRAY_LEN(areas))],
			 (unsigned)chance_below(sim, 100));
}

struct sim_wish sim_wish_any(void)
{
	return (struct sim_wish){ .recordings = -1, .dialogue = -1, .has_callbacks = true };
}

static bool text_set(char *to, size_t size, struct str text)
{
	return str_copy(text, to, size);
}

static void fate_choose(struct sim *sim, struct sim_call *call, const struct sim_wish *wish)
{
	uint64_t fate = chance_below(sim, 100);
	const char *status = fate < 5    ? "no-answer"
			     : fate < 8  ? "busy"
			     : fate < 10 ? "failed"
					 : "completed";

	snprintf(call->final_status, sizeof(call->final_status), "%s",
		 wish->status.len == 0 && wish->recordings != 0 && wish->recordings != -1
			 ? "completed"
			 : status);
	snprintf(call->recording_end, sizeof(call->recording_end), "%s",
		 wish->recordings == -1 && fate >= 96 ? "absent" : "completed");
	if (fate >= 96)
		call->recording_error = fate >= 98 ? 16101 : 16102;
}

/* How many recordings a call that was answered has, when nobody says so. */
static int recordings_choose(struct sim *sim, const struct sim_call *call)
{
	uint64_t fate = chance_below(sim, 100);

	if (strcmp(call->final_status, "completed") != 0)
		return 0;
	return fate < 8 ? 0 : fate < 11 ? 2 : 1;
}

/* ---- building ---- */

static bool status_is_known(struct str status)
{
	static const char *const known[] = { "completed", "busy", "failed", "no-answer",
					     "canceled" };

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (str_eq(status, str_of(known[i])))
			return true;
	return false;
}

static bool recording_status_is_known(struct str status)
{
	return str_eq(status, STR("completed")) || str_eq(status, STR("absent")) ||
	       str_eq(status, STR("in-progress")) || str_eq(status, STR("processing"));
}

static bool wish_is_valid(struct sim *sim, const struct sim_wish *wish, struct err *err)
{
	if (wish->call_sid.at &&
	    (!sid_is_call(wish->call_sid) || sim_find_call(sim, wish->call_sid)))
		return err_set(err, ERR_INVALID, "the call SID is malformed or in use");
	if (wish->recording_sid.at && (!sid_is_recording(wish->recording_sid) ||
				       sim_find_recording(sim, wish->recording_sid)))
		return err_set(err, ERR_INVALID, "the recording SID is malformed or in use");
	if (wish->status.at && !status_is_known(wish->status))
		return err_set(err, ERR_INVALID, "the status is not one that a call ends with");
	if (wish->recording_status.at && !recording_status_is_known(wish->recording_status))
		return err_set(err, ERR_INVALID, "the recording's status is not one that there is");
	if (wish->recordings > 16 || wish->dialogue >= SIM_DIALOGUES || wish->channels > 2)
		return err_set(err, ERR_INVALID,
			       "at most 16 recordings, %d dialogues, two channels", SIM_DIALOGUES);
	if (wish->duration_ms < 0 || wish->duration_ms > 24 * INT64_C(3600000) ||
	    wish->age_ms < 0 || wish->from.len >= SIM_NUMBER_SIZE ||
	    wish->to.len >= SIM_NUMBER_SIZE || wish->direction.len >= SIM_WORD_SIZE ||
	    wish->source.len >= SIM_WORD_SIZE)
		return err_set(err, ERR_INVALID, "a value is out of bounds");
	return true;
}

static void people_choose(struct sim *sim, struct sim_call *call, const struct sim_wish *wish)
{
	const char *direction = chance_below(sim, 3) == 0 ? "inbound" : "outbound-api";

	number_make(sim, call->from);
	number_make(sim, call->to);
	snprintf(call->direction, sizeof(call->direction), "%s", direction);
	if (wish->direction.len > 0)
		text_set(call->direction, sizeof(call->direction), wish->direction);
	if (wish->from.len > 0)
		text_set(call->from, sizeof(call->from), wish->from);
	if (wish->to.len > 0)
		text_set(call->to, sizeof(call->to), wish->to);
}

static void recording_add(struct sim *sim, struct sim_call *call, const struct sim_wish *wish,
			  bool is_first)
{
	struct sim_recording *recording = xcalloc(1, sizeof(*recording)),
			     **last = &call->recordings;

	recording->call = call;
	sid_make(sim, "RE", recording->sid);
	if (is_first && wish->recording_sid.at)
		text_set(recording->sid, sizeof(recording->sid), wish->recording_sid);
	snprintf(recording->source, sizeof(recording->source), "%s",
		 strcmp(call->direction, "inbound") == 0 ? "DialVerb" : "OutboundAPI");
	if (wish->source.len > 0)
		text_set(recording->source, sizeof(recording->source), wish->source);
	recording->channels = wish->channels > 0 ? wish->channels : 2;
	recording->dialogue = wish->dialogue >= 0 ? (unsigned)wish->dialogue
						  : (unsigned)chance_below(sim, SIM_DIALOGUES);
	recording->duration_ms = wish->duration_ms > 0 ? wish->duration_ms
						       : sim_dialogue_ms(recording->dialogue);
	if (wish->sealing)
		recording->sealing = sim_sealing_copy(wish->sealing);
	else if (sim->cipher)
		recording->sealing = sim_sealing_new(sim->cipher);
	recording->started_at_ms = call->started_at_ms;
	snprintf(recording->status, sizeof(recording->status), "in-progress");
	while (*last)
		last = &(*last)->next_of_call;
	*last = recording;
}

static struct sim_call *call_make(struct sim *sim, const struct sim_wish *wish)
{
	struct sim_call *call = xcalloc(1, sizeof(*call));
	int recordings;

	call->sim = sim;
	sid_make(sim, "CA", call->sid);
	if (wish->call_sid.at)
		text_set(call->sid, sizeof(call->sid), wish->call_sid);
	people_choose(sim, call, wish);
	fate_choose(sim, call, wish);
	if (wish->status.len > 0)
		text_set(call->final_status, sizeof(call->final_status), wish->status);
	if (wish->recording_status.len > 0)
		text_set(call->recording_end, sizeof(call->recording_end), wish->recording_status);
	if (wish->error_code > 0)
		call->recording_error = wish->error_code;
	if (strcmp(call->recording_end, "absent") != 0)
		call->recording_error = 0;
	call->has_callbacks = wish->has_callbacks;
	call->speed = wish->speed > 0 ? wish->speed : sim->speed;

	recordings = wish->recordings >= 0 ? wish->recordings : recordings_choose(sim, call);
	for (int i = 0; i < recordings; i++)
		recording_add(sim, call, wish, i == 0);
	if (strcmp(call->final_status, "completed") == 0) {
		call->duration_ms = 20000;
		for (struct sim_recording *r = call->recordings; r; r = r->next_of_call)
			if (r->duration_ms + HANG_UP_MS > call->duration_ms ||
			    r == call->recordings)
				call->duration_ms = r->duration_ms + HANG_UP_MS;
	}
	return call;
}

/* ---- stages ---- */

static bool was_answered(const struct sim_call *call)
{
	return strcmp(call->final_status, "completed") == 0;
}

/* How long a stage lasts before the next one, as the dates will say. */
static int64_t stage_lasts_ms(const struct sim_call *call, enum stage stage)
{
	switch (stage) {
	case STAGE_INITIATED:
		return RING_AFTER_MS;
	case STAGE_RINGING:
		return ANSWER_AFTER_MS;
	case STAGE_ANSWERED:
		return call->duration_ms;
	case STAGE_ENDED:
		return call->recordings && was_answered(call) ? RECORDED_AFTER_MS : 0;
	case STAGE_RECORDED:
	case STAGE_OVER:
		break;
	}
	return 0;
}

static void call_tell(struct sim_call *call)
{
	if (call->has_callbacks)
		sim_send_call_status(&call->sim->sender, call);
}

static void recordings_tell(struct sim_call *call)
{
	for (struct sim_recording *r = call->recordings; r && call->has_callbacks;
	     r = r->next_of_call)
		sim_send_recording_status(&call->sim->sender, r);
}

static void status_set(struct sim_call *call, const char *status, int64_t at_ms)
{
	snprintf(call->status, sizeof(call->status), "%s", status);
	call->updated_at_ms = at_ms;
}

static void enter_answered(struct sim_call *call, int64_t at_ms)
{
	call->started_at_ms = at_ms;
	status_set(call, "in-progress", at_ms);
	call_tell(call);
	for (struct sim_recording *r = call->recordings; r; r = r->next_of_call) {
		r->started_at_ms = r->created_at_ms = r->updated_at_ms = at_ms;
		sim_table_add_recording(&call->sim->recordings, r);
	}
	recordings_tell(call);
}

static void enter_recorded(struct sim_call *call, int64_t at_ms)
{
	for (struct sim_recording *r = call->recordings; r; r = r->next_of_call) {
		snprintf(r->status, sizeof(r->status), "%s", call->recording_end);
		r->error_code = call->recording_error;
		r->updated_at_ms = at_ms;
	}
	if (strcmp(call->recording_end, "in-progress") != 0 &&
	    strcmp(call->recording_end, "processing") != 0)
		recordings_tell(call);
}

/* Enters a stage at that date; the stage behind it. */
static enum stage stage_enter(struct sim_call *call, enum stage stage, int64_t at_ms)
{
	switch (stage) {
	case STAGE_INITIATED:
		status_set(call, "initiated", at_ms);
		if (strcmp(call->direction, "inbound") != 0)
			call_tell(call);
		return STAGE_RINGING;
	case STAGE_RINGING:
		status_set(call, "ringing", at_ms);
		call_tell(call);
		return was_answered(call) ? STAGE_ANSWERED : STAGE_ENDED;
	case STAGE_ANSWERED:
		enter_answered(call, at_ms);
		return STAGE_ENDED;
	case STAGE_ENDED:
		call->ended_at_ms = at_ms;
		status_set(call, call->final_status, at_ms);
		call_tell(call);
		return call->started_at_ms > 0 && call->recordings ? STAGE_RECORDED : STAGE_OVER;
	case STAGE_RECORDED:
		enter_recorded(call, at_ms);
		return STAGE_OVER;
	case STAGE_OVER:
		break;
	}
	return STAGE_OVER;
}

/* How long all of it lasts, as its dates say. */
static int64_t call_lasts_ms(const struct sim_call *call)
{
	int64_t lasts = RING_AFTER_MS + ANSWER_AFTER_MS;

	if (was_answered(call))
		lasts += call->duration_ms + stage_lasts_ms(call, STAGE_ENDED);
	return lasts;
}

/* The date of a stage: as if everything before it had lasted as long as it says. */
static int64_t stage_at_ms(const struct sim_call *call, enum stage stage)
{
	int64_t at_ms = call->created_at_ms;

	for (int before = STAGE_INITIATED; before < (int)stage; before++)
		if (before != STAGE_ANSWERED || was_answered(call))
			at_ms += stage_lasts_ms(call, (enum stage)before);
	return at_ms;
}

static void call_go_on(struct timer *timer)
{
	struct sim_call *call = container_of(timer, struct sim_call, timer);
	enum stage stage = (enum stage)call->stage,
		   next = stage_enter(call, stage, stage_at_ms(call, stage));
	double lasts = (double)stage_lasts_ms(call, stage) / call->speed;

	call->stage = (int)next;
	if (next != STAGE_OVER)
		timer_start(call->sim->loop, &call->timer, (int64_t)lasts, call_go_on);
}

bool sim_place(struct sim *sim, const struct sim_wish *wish, struct sim_call **out, struct err *err)
{
	struct sim_call *call;
	int64_t lasts;

	if (!wish_is_valid(sim, wish, err))
		return false;
	call = call_make(sim, wish);
	lasts = call_lasts_ms(call);
	call->created_at_ms =
		clock_wall_ms() - wish->age_ms -
		(wish->is_past ? lasts : lasts - (int64_t)((double)lasts / call->speed));
	call->updated_at_ms = call->created_at_ms;
	status_set(call, "queued", call->created_at_ms);
	sim_table_add_call(&sim->calls, call);
	call->stage = STAGE_INITIATED;
	if (wish->is_past) {
		for (enum stage stage = STAGE_INITIATED; stage != STAGE_OVER;)
			stage = stage_enter(call, stage, stage_at_ms(call, stage));
		call->stage = STAGE_OVER;
	} else {
		timer_start(sim->loop, &call->timer, 0, call_go_on);
	}
	*out = call;
	return true;
}

/* ---- at a rate ---- */

static void place_next(struct timer *timer)
{
	struct sim *sim = container_of(timer, struct sim, place_timer);
	struct sim_wish wish = sim_wish_any();
	struct sim_call *call;
	struct err err;

	/* A wish for nothing in particular is always valid. */
	if (!sim_place(sim, &wish, &call, &err) ||
	    (!sim->calls_are_endless && --sim->calls_left == 0))
		return;
	timer_start(sim->loop, &sim->place_timer,
		    sim->interval_ms / 2 +
			    (int64_t)chance_below(sim, (uint64_t)sim->interval_ms + 1),
		    place_next);
}

void sim_calls_start(struct sim *sim)
{
	if (sim->interval_ms > 0)
		timer_start(sim->loop, &sim->place_timer, 0, place_next);
}

void sim_calls_stop(struct sim *sim)
{
	timer_stop(&sim->place_timer);
	for (size_t i = 0; i < sim->calls.count; i++) {
		struct sim_call *call = sim_call_at(sim, i);

		timer_stop(&call->timer);
		for (struct sim_recording *r = call->recordings, *next; r; r = next) {
			next = r->next_of_call;
			sim_sealing_free(r->sealing);
			free(r);
		}
		free(call);
	}
	free(sim->calls.at);
	free(sim->recordings.at);
	sim->calls = (struct sim_table){ 0 };
	sim->recordings = (struct sim_table){ 0 };
}
