/*
 * GET|HEAD /api/recordings/{RecordingSid}/media
 * GET|HEAD /api/calls/{CallSid}/download[?recording=RE...][&download=1]
 * GET|HEAD /l/{name or name and secret}/media
 *
 * Warm: known and stored, answered before the function returns.  Else the play is parked
 * (web_play.c) until the ledger, and perhaps a flight, have answered.
 */
#pragma once

struct exchange;

void web_recording_media(struct exchange *x);
void web_call_download(struct exchange *x);
void web_link_media(struct exchange *x);
