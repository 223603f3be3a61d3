/*
 * The group `cluster`: a ledger on a server, and those who serve from it together.
 */
#pragma once

#include "doctor/check.h"

extern const struct check_group cluster_checks;
