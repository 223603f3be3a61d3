/*
 * Playing one of the doctor's calls (probes.h): by the code that plays any other, from media that is in memory.
 */
#pragma once

#include "base/str.h"
#include "http/exchange.h"

#include <stdbool.h>

/* For a SID of a play: true where it is a reserved one, and the exchange is answered or parked. */
bool probe_play(struct exchange *x, struct str sid);
/* Before a recording that is really stored is sent: where the doctor plays it, it is counted nowhere. */
void probe_note_token(struct exchange *x);
static inline void probe_note_play(struct exchange *x)
{
	if (x->request.known[HTTP_AUTHORIZATION].at)
		probe_note_token(x);
}
/* A signed webhook that names one of them (at == NULL: none): true where it is answered as any other, and nothing is stored. */
bool probe_webhook(struct exchange *x, struct str call_sid);
/* Does it name one that can be played just now? */
bool probe_is_of(const struct exchange *x, struct str call_sid);
