/*
 * /simulate/...: for whoever directs the simulated Twilio, tests above all.  Needs no
 * credentials: the simulation holds nothing of anybody's.
 *
 * Each answers one route of sim.c.
 */
#pragma once

struct exchange;

void sim_post_calls(struct exchange *x);
void sim_post_faults(struct exchange *x);
void sim_get_faults(struct exchange *x);
void sim_delete_faults(struct exchange *x);
void sim_get_requests(struct exchange *x);
void sim_delete_requests(struct exchange *x);
void sim_post_callback(struct exchange *x);
