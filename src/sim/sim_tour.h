/*
 * A call of each kind and state that a page of calls has to show, within the first minute: what `callspool demo` begins
 * with.  Thread: the loop's.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>

struct sim;

/* Places those that are over, and has the others come about in their time. */
bool sim_tour_start(struct sim *sim, struct err *err) MUST_CHECK;
void sim_tour_stop(struct sim *sim);
