/*
 * A play that has to wait: for the ledger's answer, then perhaps for a flight.
 *
 * It ends in media, or in an error of the table within play_wait; once a head was sent, in all
 * of the promised bytes or in a connection that is closed short of them: when the flight finally
 * fails, or after play_wait without a byte for this player.
 */
#pragma once

#include "api/web_error.h"
#include "base/str.h"
#include "catalog/recordings.h"

#include <stdbool.h>
#include <stdint.h>

struct exchange;
struct media;

/* Why a recording in this state is not played; false: it is stored, or on its way.  text: of `recording`, or NULL. */
struct play_refusal {
	enum web_error error;
	const char *text;
	int64_t retry_after_s; /* or WEB_NO_RETRY */
};
bool web_play_refusal(const struct recording *recording, struct play_refusal *out);

/* What the recording must be, beside its SID; at == NULL where any will do. */
struct play_terms {
	struct str call_sid, account_sid;
	struct str format; /* "mp3", "wav": as it is stored, or arrives */
};
bool play_terms_allow(const struct play_terms *terms, const struct media *media);
/* Parks the exchange. */
void web_play_start(struct exchange *x, struct str sid, const struct play_terms *terms);
