/*
 * GET /api/events: what changes, as it changes; by a WebSocket, or without Upgrade by a long poll.
 */
#pragma once

struct exchange;

void web_events(struct exchange *x);
