/*
 * A connection that goes on in another protocol, after 101 (RFC 9110, 7.8; RFC 6455, 4.2.2).
 *
 *	reply_begin(x, 101);
 *	reply_header(x, STR("Upgrade"), STR("websocket"));
 *	exchange_upgrade(x, &socket->upgraded);
 *
 * From there on there is no exchange: ended() of the app was called with status 101, the memory of
 * the request is given back, and the bytes of both directions belong to whoever upgraded.  Frames and
 * pings are his.  A client that takes nothing of what waits for it for send_timeout_ms is ended.
 *
 * Thread: all of it on the loop of the connection.
 */
#pragma once

#include "base/buf.h"
#include "base/compiler.h"
#include "base/str.h"
#include "http/exchange.h"

#include <stdbool.h>
#include <stddef.h>

/* Bytes that may wait for one slow client: some pages of events, and no more for each of thousands. */
#define UPGRADED_WAITING_MAX (256 * 1024)

struct http_conn;

/* Embedded in what goes on with the connection; the caller's, until gone(). */
struct upgraded {
	/* Bytes came, valid for this call; those that came with the head, too.  From the loop. */
	void (*received)(struct upgraded *upgraded, struct str bytes);
	/*
	 * It is over: the client ended or takes nothing, the server stops, or upgraded_end() was called.
	 * Once, from the loop, never below a call of the caller's own; it may be freed here.
	 */
	void (*gone)(struct upgraded *upgraded);

	/* internal: */
	struct http_conn *conn;
	struct buf waiting; /* not with the kernel yet */
	bool ends;
};

/*
 * Sends the head that was begun with reply_begin(x, 101), with "Connection: Upgrade" added.  x is not to be
 * used any more; parked or not before, it is unparked.
 */
void exchange_upgrade(struct exchange *x, struct upgraded *upgraded);
/* Copies and sends.  False: too much waits already; nothing of it is taken. */
bool upgraded_send(struct upgraded *upgraded, struct str bytes) MUST_CHECK;
/* Some of what was sent waits still for the client to take it. */
static inline bool upgraded_is_behind(const struct upgraded *upgraded)
{
	return upgraded->waiting.len > 0;
}
/* Nothing more is received; what waits is sent, then it is gone(). */
void upgraded_end(struct upgraded *upgraded);
