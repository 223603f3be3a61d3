/*
 * A play that has to wait: for the ledger's answer, then perhaps for a flight.
 *
 * It ends in media, or in an error of the table within play_wait; once a head was sent, in all
 * of the promised bytes or in a connection that is closed short of them: when the flight finally
 * fails, or after play_wait without a byte for this player.
 */
#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct exchange;
struct web_local;

/* Parks the exchange.  call_sid: as in web_media.c. */
void web_play_start(struct exchange *x, struct str sid, struct str call_sid);

/* Older than the retention time?  started_at_ms: of the recording, wall clock; 0 not known: never. */
bool web_play_is_expired(const struct web_local *local, int64_t started_at_ms, bool is_held);
