/*
 * Is a recording still played?  What the rules in force say of it (retention/retention.h), by the clock of a serving loop.
 */
#pragma once

#include "retention/retention.h"

#include <stdbool.h>

struct web_local;

/* Has the last instant at which it is played passed? */
bool expiry_has_passed(const struct web_local *local, const struct kept *kept);
