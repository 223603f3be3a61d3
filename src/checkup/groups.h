/*
 * The table of all groups, in the order in which they are run and told: it is declared where checks are run (doctor/check.h),
 * and defined here, above all of them.
 */
#pragma once

#include "doctor/check.h"
