/*
 * Part of the group `playback`: what is asked in one or two requests of their own and is no row of its table of plays.
 */
#pragma once

#include "doctor/check.h"

void check_flight_at_once(struct deployment *deployment, struct report *report);
void check_stored(struct deployment *deployment, struct report *report);
void check_private(struct deployment *deployment, struct report *report);
void check_errors(struct deployment *deployment, struct report *report);
void check_cors(struct deployment *deployment, struct report *report);
void check_events(struct deployment *deployment, struct report *report);
