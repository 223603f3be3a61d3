/*
 * Sending callbacks as Twilio does: a signed form, retried by the overrides that stand in
 * the fragment of the webhook's address (rc, rp, ct, rt, tt: Twilio, "Connection
 * overrides"), within 15 s in all.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/list.h"
#include "event/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fetch;
struct sim_call;
struct sim_faults;
struct sim_recording;

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

bool sim_sender_open(struct sim_sender *sender, struct loop *loop, const char *webhook_url,
		     const char *signed_url, const char *auth_token, struct sim_faults *faults,
		     struct err *err) MUST_CHECK;
void sim_sender_close(struct sim_sender *sender);
/* Callbacks that wait or are under way. */
size_t sim_sender_waiting(const struct sim_sender *sender);

/* The call's status as it is now; takes its next SequenceNumber. */
void sim_send_call_status(struct sim_sender *sender, struct sim_call *call);
/* The recording's status as it is now. */
void sim_send_recording_status(struct sim_sender *sender, struct sim_recording *recording);
