/*
 * The group `services`: does everything run that a play needs?
 */
#pragma once

#include "doctor/check.h"

extern const struct check_group service_checks;
