/*
 * The group `playback`: plays as iOS Safari, Chrome and curl do, directly and through the public address, and compares every
 * byte with what the server has.
 */
#pragma once

#include "doctor/check.h"

extern const struct check_group playback_checks;
