/*
 * Recordings and Calls of the simulated Twilio's REST API: lists with filters and paging,
 * single resources, deletion.
 *
 * Each answers one route of sim.c; who asks has to sign in.
 */
#pragma once

struct exchange;

void sim_get_recordings(struct exchange *x);
void sim_get_call_recordings(struct exchange *x);
void sim_get_recording(struct exchange *x);
void sim_delete_recording(struct exchange *x);
void sim_get_calls(struct exchange *x);
void sim_get_call(struct exchange *x);
