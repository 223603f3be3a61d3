#include "sim/sim_tour.h"

#include "base/compiler.h"
#include "sim/sim_calls.h"
#include "sim/sim_faults.h"
#include "sim/sim_state.h"

#include <stdio.h>
#include <string.h>

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)

/* Ours; the others are of the ranges that are kept free for fiction, too. */
#define DESK   "+442079460150"
#define OFFICE "+14155550132"
#define HAIFA  "+972555550110"
#define SIP    "sip:reception-desk-2.floor-14.north@edge-07.voice.example.com"

#define NO_FAULT ""
#define DELETED  "deleted" /* the recording is no longer there when it is fetched */

struct scene {
	int64_t after_ms; /* of the start; 0: at once */
	int64_t age_ms;   /* it was over so long ago; 0: it goes by now, as fast as in life */
	const char *direction, *from, *to;
	const char *status;
	int recordings;
	const char *recording_status;
	int error_code;
	int dialogue;
	int64_t duration_ms; /* 0: the dialogue's */
	unsigned channels;
	const char *fault; /* of its media: "slow=4000"; the recording is added */
};

/* Newest first, as the page shows them. */
static const struct scene SCENES[] = {
	/* They go by. */
	{ 2 * SECOND, 0, "inbound", "+15035550155", DESK, "no-answer", 0, NULL, 0, 0, 0, 0,
	  NO_FAULT },
	{ 1 * SECOND, 0, "outbound-api", OFFICE, "+13125550120", "completed", 1, "completed", 0, 3,
	  45 * SECOND, 2, NO_FAULT },
	{ 20 * SECOND, 0, "inbound", "+17025550116", OFFICE, "completed", 1, "completed", 0, 5,
	  30 * SECOND, 2, NO_FAULT },
	/* They arrive slowly, badly, or not at all. */
	{ 0, 2 * MINUTE, "inbound", "+972555550134", HAIFA, "completed", 1, "completed", 0, 8,
	  7 * MINUTE, 2, "slow=14000" },
	{ 0, 3 * MINUTE, "outbound-api", OFFICE, "+16175550172", "completed", 1, "completed", 0, 1,
	  0, 2, "429=20#12" },
	{ 0, 4 * MINUTE, "outbound-api", DESK, "+442079460280", "completed", 1, "completed", 0, 2,
	  0, 2, "503#9" },
	{ 0, 6 * MINUTE, "inbound", "+18085550119", OFFICE, "completed", 1, "completed", 0, 4, 0, 2,
	  "cut=60%#4" },
	/* They play. */
	{ 0, 7 * MINUTE, "inbound", SIP, DESK, "completed", 1, "completed", 0, 6, 0, 2, NO_FAULT },
	{ 0, 9 * MINUTE, "outbound-api", OFFICE, "+13125550184", "completed", 4, "completed", 0, 7,
	  0, 2, NO_FAULT },
	{ 0, 12 * MINUTE, "outbound-api", HAIFA, "+972555550187", "completed", 1, "completed", 0, 8,
	  0, 2, NO_FAULT },
	{ 0, 15 * MINUTE, "inbound", "+12125550132", DESK, "completed", 1, "completed", 0, 9, 0, 1,
	  NO_FAULT },
	{ 0, 20 * MINUTE, "outbound-api", OFFICE, "+16175550118", "completed", 1, "completed", 0, 0,
	  62 * MINUTE + 33 * SECOND, 2, NO_FAULT },
	/* There is nothing to play. */
	{ 0, 16 * MINUTE, "inbound", "+17025550161", OFFICE, "completed", 1, "completed", 0, 5, 0,
	  2, DELETED },
	{ 0, 11 * MINUTE, "outbound-api", OFFICE, "+442079460485", "completed", 1, "absent", 16101,
	  0, 2 * SECOND, 2, NO_FAULT },
	{ 0, 14 * MINUTE, "outbound-api", OFFICE, "+12025550158", "busy", 0, NULL, 0, 0, 0, 0,
	  NO_FAULT },
	{ 0, 17 * MINUTE, "inbound", "+14155550156", DESK, "no-answer", 0, NULL, 0, 0, 0, 0,
	  NO_FAULT },
	{ 0, 22 * MINUTE, "outbound-api", HAIFA, "+972555550145", "failed", 0, NULL, 0, 0, 0, 0,
	  NO_FAULT },
	{ 0, 25 * MINUTE, "outbound-api", DESK, "+442079460053", "completed", 0, NULL, 0, 0, 0, 0,
	  NO_FAULT },
};

static bool add_fault(struct sim *sim, const struct scene *scene, const struct sim_call *call,
		      struct err *err)
{
	char rule[96];
	int length;

	if (scene->fault[0] == '\0' || !call->recordings)
		return true;
	if (strcmp(scene->fault, DELETED) == 0) {
		snprintf(call->recordings->status, sizeof(call->recordings->status), "deleted");
		return true;
	}
	length = snprintf(rule, sizeof(rule), "%s:%s", scene->fault, call->recordings->sid);
	return sim_faults_add(&sim->faults, (struct str){ rule, (size_t)length }, err);
}

static bool play_scene(struct sim *sim, const struct scene *scene, struct err *err)
{
	struct sim_wish wish = sim_wish_any();
	struct sim_call *call;

	wish.direction = str_of(scene->direction);
	wish.from = str_of(scene->from);
	wish.to = str_of(scene->to);
	wish.status = str_of(scene->status);
	wish.recordings = scene->recordings;
	wish.recording_status = str_of(scene->recording_status);
	wish.error_code = scene->error_code;
	wish.dialogue = scene->dialogue;
	wish.duration_ms = scene->duration_ms;
	wish.channels = scene->channels;
	wish.age_ms = scene->age_ms;
	wish.is_past = scene->age_ms > 0;
	wish.speed = 1;
	/* Before its callbacks go out, which another turn of the loop sends. */
	return sim_place(sim, &wish, &call, err) && add_fault(sim, scene, call, err);
}

/* ---- those that are to come ---- */

static const struct scene *next_scene(int64_t after_ms)
{
	const struct scene *next = NULL;

	for (size_t i = 0; i < ARRAY_LEN(SCENES); i++)
		if (SCENES[i].after_ms > after_ms && (!next || SCENES[i].after_ms < next->after_ms))
			next = &SCENES[i];
	return next;
}

static void wait_for_next(struct sim *sim);

static void play_next(struct timer *timer)
{
	struct sim *sim = container_of(timer, struct sim, tour_timer);
	const struct scene *scene = next_scene(sim->tour_ms);
	struct err err;

	sim->tour_ms = scene->after_ms;
	if (play_scene(sim, scene, &err)) /* what the table says is valid */
		wait_for_next(sim);
}

static void wait_for_next(struct sim *sim)
{
	const struct scene *next = next_scene(sim->tour_ms);

	if (next)
		timer_start(sim->loop, &sim->tour_timer, next->after_ms - sim->tour_ms, play_next);
}

bool sim_tour_start(struct sim *sim, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(SCENES); i++)
		if (SCENES[i].after_ms == 0 && !play_scene(sim, &SCENES[i], err))
			return false;
	wait_for_next(sim);
	return true;
}

void sim_tour_stop(struct sim *sim)
{
	timer_stop(&sim->tour_timer);
}
