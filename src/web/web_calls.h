/*
 * GET /api/calls: a page of calls, newest first.
 * GET /api/calls/{CallSid}: one call with its recordings and their attempts.
 */
#pragma once

struct exchange;

void web_calls_list(struct exchange *x);
void web_call_details(struct exchange *x);
