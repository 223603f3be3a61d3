/*
 * A client of the hub behind a WebSocket.
 *
 * It is pinged, so that one whose machine went to sleep, or whose network is gone, does not hold its place for the quarter of an
 * hour that TCP would take: who is not heard for LIVE_SILENT_MS is ended.
 *
 * Thread: the loop of the connection.
 */
#pragma once

#include "base/str.h"
#include "live/live_client.h"

#include <stdint.h>

struct exchange;
struct live_hub;

#define LIVE_PING_MS   30000
#define LIVE_SILENT_MS 75000

/* What a new client asks for, of its address and its admission. */
struct live_request {
	struct call_query query;
	struct call_cursor bottom;
	bool has_after;
	int64_t after;
	struct known who;
};
/* Of the request: `told` is where there is no `after` the hub's own. */
void live_client_of_request(const struct live_request *request, const struct live_hub *hub,
			    const struct live_channel *channel, struct live_client *client);

/* Answers 101 and joins the hub; `key` is of websocket_wish_of(). */
void live_socket_open(struct exchange *x, struct str key, const struct live_request *request,
		      struct live_hub *hub);
