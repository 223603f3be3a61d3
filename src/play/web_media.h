/*
 * GET|HEAD /api/recordings/{RecordingSid}/media
 * GET|HEAD /api/calls/{CallSid}/download[?recording=RE...][&download=1]
 * GET|HEAD /l/{name or name and secret}/media
 *
 * Warm: known and stored, answered before the function returns.  Else the play is parked
 * (web_play.c) until the ledger, and perhaps a flight, have answered.
 */
#pragma once

#include "base/str.h"

struct exchange;
struct play_terms;

/* A well-formed SID, of a recording or a call; terms: NULL where it may be any. */
void web_media_serve(struct exchange *x, struct str sid, const struct play_terms *terms);

void web_recording_media(struct exchange *x);
void web_call_download(struct exchange *x);
void web_link_media(struct exchange *x);
