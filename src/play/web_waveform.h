/*
 * GET|HEAD /api/recordings/{RecordingSid}/waveform[?points=N][&format=json|binary]
 * GET|HEAD /l/{name or name and secret}/waveform
 *
 * A reader finds the recording; a worker opens the file that lies beside the media, one of a loop at a time, and makes of it
 * what is asked for.  What a caller has already is answered without it; nothing is decoded here.
 * One that turns out lost or damaged is computed again (keeping/waveforms.h).
 */
#pragma once

struct exchange;

void web_recording_waveform(struct exchange *x);
void web_link_waveform(struct exchange *x);
