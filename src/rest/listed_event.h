/*
 * What Twilio's Recordings list or metadata says of a recording, as an event of the ledger.
 */
#pragma once

#include "catalog/events.h"
#include "twilio/rest.h"

/* The texts are those of `told`.  account_sid: of whom it was asked, for an answer that names none. */
void listed_event(const struct rest_recording *told, struct str account_sid, struct event *out);
