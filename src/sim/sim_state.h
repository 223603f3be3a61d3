/*
 * What a simulated Twilio consists of: its calls and recordings, who sends their
 * callbacks, and the server that shows them.  Plain data, and the tables to find it in; the
 * other files of the room work on it:
 *
 *	sim_callback, sim_resource, sim_reply	each by itself on top of it
 *	sim_calls				calls come about and go on
 *	sim_tour				a call of each kind
 *	sim_api, sim_play, sim_control		what is answered
 *	sim					the table of routes; start and stop
 *
 * Calls go from a line to those above it.
 */
#pragma once

#include "base/list.h"
#include "base/str.h"
#include "event/loop.h"
#include "http/http_server.h"
#include "sim/sim_faults.h"
#include "twilio/sid.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fetch;
struct sim_cipher;
struct sim_sealing;
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
	unsigned edition; /* how often its media became other media */
	int64_t duration_ms;
	int64_t created_at_ms, started_at_ms, updated_at_ms; /* wall clock */
	int error_code;
	struct sim_sealing *sealing; /* NULL: it is not encrypted */
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
	int stage;         /* what happens next: an enum of sim_calls.c */
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

/* When a try is worth another. */
enum sim_retry {
	SIM_RETRY_4XX = 1,
	SIM_RETRY_5XX = 2,
	SIM_RETRY_CONNECT = 4,
	SIM_RETRY_READ = 8,
};

struct sim_sender {
	struct loop *loop;
	struct fetch *fetch; /* NULL: nothing is sent */
	struct sim_faults *faults;
	char *webhook_url, *signed_url; /* without fragment */
	char *auth_token;
	unsigned retries;                                  /* rc */
	unsigned retry_on;                                 /* SIM_RETRY_* */
	int64_t total_ms;                                  /* tt */
	struct list callbacks;                             /* waiting or under way */
	uint64_t sent, answered, failed, retried, dropped; /* answered: with 2xx */
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
	uint64_t page_size_max; /* rows of a list's page at most */
	struct sim_speech *speech;
	struct sim_cipher *cipher; /* NULL: recordings are not encrypted */
	struct sim_table calls, recordings;

	uint64_t seed;
	double speed;
	int64_t interval_ms; /* between calls; 0: none */
	unsigned calls_left; /* of the rate; 0 with calls_are_endless */
	bool calls_are_endless;
	struct timer place_timer;
	struct timer tour_timer;
	int64_t tour_ms; /* how far the tour is (sim_tour.c) */

	uint64_t requests, unauthorized; /* of the whole API */
};

/* Whose server it came to. */
struct sim *sim_of(const struct exchange *x);

/* Where its creation puts it; the table does not own it. */
void sim_table_add_call(struct sim_table *table, struct sim_call *call);
void sim_table_add_recording(struct sim_table *table, struct sim_recording *recording);
/* NULL: there is none. */
struct sim_call *sim_find_call(const struct sim *sim, struct str sid);
struct sim_recording *sim_find_recording(const struct sim *sim, struct str sid);
/* The i-th of all, oldest first. */
static inline struct sim_call *sim_call_at(const struct sim *sim, size_t i)
{
	return sim->calls.at[i];
}
static inline struct sim_recording *sim_recording_at(const struct sim *sim, size_t i)
{
	return sim->recordings.at[i];
}
