/*
 * Sending callbacks as Twilio does: a signed form, retried by the overrides that stand in
 * the fragment of the webhook's address (rc, rp, ct, rt, tt: Twilio, "Connection
 * overrides"), within 15 s in all.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct loop;
struct sim_call;
struct sim_faults;
struct sim_recording;
struct sim_sender; /* in struct sim: sim_state.h */

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
