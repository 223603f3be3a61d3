/*
 * What all answers of the simulated Twilio have in common: credentials, errors in both
 * of Twilio's forms, and answers that a fault puts in the place of the right one.
 */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>

struct buf;
struct exchange;
struct sim;
struct sim_plan;

bool sim_admits(struct exchange *x); /* checks account and credentials; replies 401 itself */
bool sim_knows_credentials(const struct sim *sim, const struct exchange *x);
/* In Twilio's form: JSON where the path ends in .json, else XML. */
void sim_reply_error(struct exchange *x, int status, int code, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
void sim_reply_not_found(struct exchange *x);
void sim_reply_json(struct exchange *x, int status, const struct buf *body);
/* Answers otherwise if the plan says so: errors, pages, redirect, empty.  True: it has replied. */
bool sim_reply_planned(struct exchange *x, const struct sim_plan *plan);
void sim_begin(struct exchange *x, int status); /* with the headers that Twilio adds to all */
