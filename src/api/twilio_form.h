/*
 * Errors below /2010-04-01/, where whoever asks knows Twilio's: its form, and its statuses.
 */
#pragma once

#include "base/str.h"
#include "http/exchange.h"

#include <stdbool.h>

#define TWILIO_FORM_ROOT "/2010-04-01/"

bool twilio_form_is_wanted(const struct exchange *x);
/* What Twilio answers with in place of one of our statuses: it has no 410, what is gone is not found there. */
int twilio_form_status(int status);
/* After reply_begin(): the body, JSON or on addresses of media XML, and what it needs of the head. */
void twilio_form_send(struct exchange *x, struct str text);
