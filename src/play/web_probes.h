/*
 * POST /api/probes: the doctor begins to examine, over the administrator's socket alone.
 *
 * Makes a token of one minute, which opens the doctor's calls (probes.h), the recording that the body names, and what may be
 * read; and tells what is in force here, and what can be played.
 */
#pragma once

struct exchange;

void web_probes_begin(struct exchange *x);
