/*
 * A client of the hub that waits for one answer: a long poll, for where WebSockets are blocked.  It is answered with
 * what has changed as soon as something has, and with the number alone after LIVE_POLL_MS.
 *
 * Thread: the loop of the connection.
 */
#pragma once

struct exchange;
struct live_hub;
struct live_request;

/* Parks the exchange and joins the hub. */
void live_poll_open(struct exchange *x, const struct live_request *request, struct live_hub *hub);
