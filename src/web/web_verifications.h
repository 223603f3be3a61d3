/*
 * Comparing the store with the ledger (verify/verifier.h):
 *
 *	POST /api/verifications          {"mend": true}: has it begun, or joins what was begun
 *	GET  /api/verifications          how far, and what was found: since that began, and what is not over; after=PATH
 *	POST /api/verifications/accept   what cannot be mended is known, and no cause of a degraded health any more
 */
#pragma once

struct exchange;

void web_verifications_list(struct exchange *x);
void web_verifications_begin(struct exchange *x);
void web_verifications_accept(struct exchange *x);
