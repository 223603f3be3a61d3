/*
 * The group `bucket`: is the store of media as it should be, where it is a bucket?
 */
#pragma once

#include "doctor/check.h"

extern const struct check_group bucket_checks;
