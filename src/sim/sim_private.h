/*
 * What the files of the simulated Twilio share: its calls and recordings, and the
 * server that shows them.
 */
#pragma once

#include "event/loop.h"
#include "http/http_server.h"
#include "sim/sim_callback.h"
#include "sim/sim_faults.h"
#include "twilio/sid.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fetch;
struct sim_speech;

#define SIM_SID_SIZE    (SID_LEN + 1)
#define SIM_NUMBER_SIZE 64
#define SIM_WORD_SIZE   32
#define SIM_RANGES_KEPT 16

/* What was asked of a recording's media: GET /simulate/requests shows it. */
struct sim_counts {
	uint32_t requests, heads;
	uint32_t open, open_max;        /* answers under way, and the most at once */
	uint32_t authorized, anonymous; /* with and without an Authorization that is right */
	uint32_t redirected;            /* came by a redirect of ours */
	uint32_t redirected_authorized; /* ... with an Authorization: wrong at another host */
	uint32_t ranges;                /* requests with a Range */
	char range[SIM_RANGES_KEPT][SIM_WORD_SIZE]; /* the latest */
	uint64_t bytes;                             /* of bodies, sent */
	uint32_t faulty; /* answered by a rule instead: an error, a page, a redirect, nothing */
};

struct sim_call;

struct sim_recording {
	struct sim_recording *next_in_bucket;
	struct sim_recording *next_of_call;
	struct sim_call *call;
	char sid[SIM_SID_SIZE];
	char status[SIM_WORD_SIZE]; /* "in-progress", "completed", "absent", "deleted" */
	char source[SIM_WORD_SIZE];
	unsigned channels; /* 2: may be asked for as one, too; 1: no other */
	unsigned dialogue;
	int64_t duration_ms;
	int64_t created_at_ms, started_at_ms, updated_at_ms; /* wall clock */
	int error_code;
	struct sim_counts counts;
	struct sim_fault_hits hits;
};

struct sim_call {
	struct sim_call *next_in_bucket;
	struct sim *sim;
	char sid[SIM_SID_SIZE];
	char from[SIM_NUMBER_SIZE], to[SIM_NUMBER_SIZE];
	char direction[SIM_WORD_SIZE];
	char status[SIM_WORD_SIZE];
	char final_status[SIM_WORD_SIZE];  /* what it will be */
	char recording_end[SIM_WORD_SIZE]; /* what its recordings will be: "completed", "absent" */
	int recording_error;               /* 16101 ... with "absent" */
	int64_t duration_ms;
	/* Wall clock; 0 not yet. */
	int64_t created_at_ms, started_at_ms, ended_at_ms, updated_at_ms;
	struct sim_recording *recordings; /* oldest first */
	bool has_callbacks;
	unsigned sequence; /* of the next call status callback */
	int stage;         /* sim_calls.c: what happens next */
	struct timer timer;
	double speed;
};

/* Calls or recordings in the order of their creation, and by SID. */
#define SIM_BUCKETS 16384
struct sim_table {
	size_t count, size;
	void **at; /* oldest first */
	void *buckets[SIM_BUCKETS];
};

struct sim {
	struct loop *loop;
	struct http_local local; /* how a route finds us */
	struct http_server *server;
	int listen_fd;
	char *url;

	char *account_sid, *auth_token, *api_key, *api_secret;
	struct sim_sender sender;
	struct sim_faults faults;
	struct sim_speech *speech;
	struct sim_table calls, recordings;

	uint64_t seed;
	double speed;
	int64_t interval_ms; /* between calls; 0: none */
	unsigned calls_left; /* of the rate; 0 with calls_are_endless */
	bool calls_are_endless;
	struct timer place_timer;

	uint64_t requests, unauthorized; /* of the whole API */
};

struct sim *sim_of(const struct exchange *x);

/* ---- sim_table.c ---- */
void sim_table_add_call(struct sim_table *table, struct sim_call *call);
void sim_table_add_recording(struct sim_table *table, struct sim_recording *recording);
struct sim_call *sim_find_call(const struct sim *sim, struct str sid);
struct sim_recording *sim_find_recording(const struct sim *sim, struct str sid);
static inline struct sim_call *sim_call_at(const struct sim *sim, size_t i)
{
	return sim->calls.at[i];
}
static inline struct sim_recording *sim_recording_at(const struct sim *sim, size_t i)
{
	return sim->recordings.at[i];
}

/* ---- sim_calls.c ---- */

/* What may be said about a call to be placed; zeroed: chosen by chance. */
struct sim_wish {
	struct str call_sid, recording_sid; /* of the first recording */
	struct str from, to, direction;
	struct str status;           /* final one of the call */
	struct str recording_status; /* "completed", "absent", "in-progress" */
	struct str source;
	int64_t duration_ms;
	int64_t age_ms;    /* it began so long ago */
	int recordings;    /* -1: by chance */
	unsigned channels; /* 0: two */
	int dialogue;      /* -1: by chance */
	int error_code;
	bool has_callbacks;
	bool is_past; /* it is over already: final state, no timeline */
	double speed; /* 0: the simulation's */
};
struct sim_wish sim_wish_any(void);
/* ERR_INVALID: a malformed or used SID, a status that there is not. */
bool sim_place(struct sim *sim, const struct sim_wish *wish, struct sim_call **out,
	       struct err *err) MUST_CHECK;
void sim_calls_start(struct sim *sim);
void sim_calls_stop(struct sim *sim);

/* ---- sim_reply.c ---- */
bool sim_admits(struct exchange *x); /* checks account and credentials; replies 401 itself */
bool sim_knows_credentials(const struct sim *sim, const struct exchange *x);
/* In Twilio's form: JSON where the path ends in .json, else XML. */
void sim_reply_error(struct exchange *x, int status, int code, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
void sim_reply_not_found(struct exchange *x);
void sim_reply_json(struct exchange *x, int status, const struct buf *body);
/* Answers otherwise if the plan says so: errors, pages, redirect, empty.  True: it has replied. */
bool sim_reply_planned(struct exchange *x, const struct sim_plan *plan);
void sim_begin(struct exchange *x, int status); /* with the headers that Twilio adds to all */

/* ---- sim_resource.c ---- */
struct json;
void sim_write_recording(struct json *json, const struct sim_recording *recording);
void sim_write_call(struct json *json, const struct sim_call *call);

/* ---- routes ---- */
void sim_get_recordings(struct exchange *x);
void sim_get_call_recordings(struct exchange *x);
void sim_get_recording(struct exchange *x);
void sim_delete_recording(struct exchange *x);
void sim_get_calls(struct exchange *x);
void sim_get_call(struct exchange *x);
void sim_get_mp3(struct exchange *x);
void sim_get_wav(struct exchange *x);
void sim_get_pristine(struct exchange *x);
void sim_post_calls(struct exchange *x);
void sim_post_faults(struct exchange *x);
void sim_get_faults(struct exchange *x);
void sim_delete_faults(struct exchange *x);
void sim_get_requests(struct exchange *x);
void sim_delete_requests(struct exchange *x);
void sim_post_callback(struct exchange *x);
