/*
 * A play that has to wait: for the ledger's answer, then perhaps for a flight.
 *
 * It ends in media, or in an error of the table within play_wait; once a head was sent, in all
 * of the promised bytes or in a connection that is closed short of them: when the flight finally
 * fails, or after play_wait without a byte for this player.
 */
#pragma once

#include "base/str.h"

struct exchange;

/* Parks the exchange.  call_sid: the recording must be of this call; at == NULL when any will do. */
void web_play_start(struct exchange *x, struct str sid, struct str call_sid);
