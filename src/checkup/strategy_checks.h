/*
 * The group `strategy`: are recordings here before they are played?  By what the server counts and the ledger holds, and by a
 * webhook of the server's own, signed as Twilio would sign it, through the public address.
 */
#pragma once

#include "doctor/check.h"

extern const struct check_group strategy_checks;
