/*
 * Media of recordings, and how the simulated Twilio fails to deliver them.
 *
 * Each answers one route of sim.c.  The pristine one is what a recording's media are
 * without any fault, for tests to compare with.
 */
#pragma once

struct exchange;

void sim_get_mp3(struct exchange *x);
void sim_get_wav(struct exchange *x);
void sim_get_pristine(struct exchange *x);
