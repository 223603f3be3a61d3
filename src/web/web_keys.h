/*
 * GET /api/keys: the private keys that are in force, by the SIDs of their public ones, and how many recordings were given up for
 * want of one.  POST /api/keys/reread: files are read anew, what waits for one of them is fetched, and the answer is the same.
 *
 * Nothing of a key itself is ever told, but for a fingerprint of its public half.
 */
#pragma once

struct exchange;

void web_keys_list(struct exchange *x);
void web_keys_reread(struct exchange *x);
