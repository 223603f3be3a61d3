/*
 * One request, hop by hop.
 *
 * Redirects are ours, not libcurl's, so that each hop is judged before it is made:
 * whether the receiver wants it, whether credentials go along, whether it leaves
 * https.
 *
 * Thread: the loop's, outside of libcurl's callbacks.  Each may call the receiver, and so
 * end this transfer and others.
 */
#pragma once

#include <curl/curl.h>

struct transfer;

/* Its turn has come: from WAITING to ACTIVE. */
void transfer_begin(struct transfer *transfer);
/* libcurl is through with the hop: the next one, or the end. */
void transfer_done(struct transfer *transfer, CURLcode code);
