/*
 * What libcurl calls while a hop is under way: the answer's head and body on their way to
 * the receiver, and each socket before it is opened.
 *
 * An answer that will be followed is never shown to the receiver, and read to its end only where
 * that is short, to keep the connection.
 */
#pragma once

#include <curl/curl.h>

struct fetch;
struct transfer;

#define TRANSFER_REDIRECT_BODY_MAX 65536 /* more is not worth the connection */

/*
 * What was gathered of a body goes to its receiver: after each call into libcurl, outside of its
 * callbacks.  fetch->must_stop is set when that transfer is to end.
 */
void transfer_give_gathered(struct fetch *fetch);

/* A handle with all that stays the same from hop to hop; it is the caller's. */
CURL *transfer_new_easy(struct transfer *transfer);
