/*
 * What is older than it is kept:
 *
 *	GET  /api/purge                        how much is due, the oldest of it, when the next is, whether the clock is believed
 *	POST /api/purge {"trust_clock": true}  removes what is due, and answers when its files are gone, too
 *
 * What a run does is what the server does by itself (purge/purge.h).  trust_clock: a person says that the clock is right; resume: that
 * the holds are, after a rebuild or a restore (purge/purge_pause.h).
 */
#pragma once

struct exchange;

void web_purge_look(struct exchange *x);
void web_purge_now(struct exchange *x);
