/*
 * The group `limits`: who waits how long for whom, from the player to Twilio, and which of them contradict each other.
 *
 * The usual advice, that a proxy waits no longer than the back end works, is for back ends whose workers are killed half-way.
 * callspool begins every answer within play_wait, and goes on as long as bytes come: so each limit of a proxy is held
 * against that.
 */
#pragma once

#include "doctor/check.h"

extern const struct check_group limit_checks;
