/*
 * The simulated Twilio: Recordings and Calls API, media of real speech, signed
 * callbacks, calls placed at a rate, and faults by rule (sim_faults.h).  For demo, tests, and
 * rehearsing a deployment.
 *
 * It runs on the loop it is given, on that thread alone.  What it serves is what Twilio's
 * OpenAPI document and documentation say; beside it lies /simulate/... for whoever
 * directs it (docs/simulate.md).
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/own.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct sim;

/* Texts are borrowed for sim_start() only. */
struct sim_options {
	const char *listen; /* "127.0.0.1:0"; port 0 picks a free one */
	/* As whom one signs in, and what callbacks are signed with; NULL: the SIM_ ones below. */
	const char *account_sid, *auth_token;
	const char *api_key, *api_secret; /* accepted too; NULL: none */
	/* Recordings are encrypted for this public key, a file in PEM (NULL: they are not), whose SID is that (NULL: sim_cipher.h). */
	const char *public_key_file, *public_key_sid;
	/*
	 * Where callbacks go: "http://127.0.0.1:8080", to which /webhook/recording-status and
	 * /webhook/call-status are added.  A fragment holds Twilio's connection overrides:
	 * "...#rc=5&rp=all".  NULL: none are sent.
	 */
	const char *webhook_url;
	const char *signed_url;  /* signed in its place: the server's public_url; NULL: the same */
	double calls_per_minute; /* 0: only those that are asked for */
	double speed; /* a call of 30 s takes 30 s / speed; 0: 10; large: all happens at once */
	unsigned calls_max;        /* placed by the rate before it stops; 0: no end */
	unsigned past_calls;       /* there at start, without callbacks, over the last past_ms */
	int64_t past_ms;           /* 0: a week */
	unsigned page_size_max;    /* rows of a list's page at most; 0: 1000 */
	bool has_tour;             /* a call of each kind at start (sim_tour.h) */
	uint64_t seed;             /* the same seed, the same calls; 0: another one each time */
	const char *const *faults; /* rules */
	size_t fault_count;
};

#define SIM_ACCOUNT_SID "AC51a1000000000000000000000000c0de"
#define SIM_AUTH_TOKEN  "51a1a0000000000000000000000070ke"

/* ERR_INVALID names the rule or option that is wrong. */
bool sim_start(struct loop *loop, const struct sim_options *options, struct sim **out,
	       struct err *err) MUST_CHECK;
/* "http://127.0.0.1:PORT": what goes into twilio.api_url. */
const char *sim_url(const struct sim *sim);
/*
 * Ends calls, callbacks and connections, and frees it; at once, on the loop's thread (or
 * after the loop has stopped).  NULL does nothing.
 */
void sim_stop(struct sim *sim);
DEFINE_AUTO(struct sim *, sim_stop)
