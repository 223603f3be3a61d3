/*
 * A WebSocket (RFC 6455) on a connection that was upgraded: messages of text both ways.
 *
 * Pings are answered, fragments put together, a close is answered and ends it.  What breaks the protocol
 * is closed with the code that says how; a message is at most WEBSOCKET_MESSAGE_MAX.
 *
 * Thread: all of it on the loop of the connection.
 */
#pragma once

#include "base/buf.h"
#include "base/compiler.h"
#include "base/str.h"
#include "http/upgrade.h"
#include "websocket/websocket_frame.h"

#include <stdbool.h>
#include <stdint.h>

struct loop;

/* Embedded in what goes on with it; the caller's, until gone(). */
struct websocket {
	/* A message, valid UTF-8, for this call.  From the loop. */
	void (*received)(struct websocket *socket, struct str text);
	/* It is over; as gone() of struct upgraded. */
	void (*gone)(struct websocket *socket);

	/* internal: */
	struct upgraded upgraded;
	struct loop *loop;
	struct buf partial; /* of a frame that has not come whole */
	struct buf message; /* the fragments so far */
	bool is_in_message;
	bool is_closing;     /* the close was sent: nothing is said or heard any more */
	int64_t heard_at_ms; /* monotonic: something came */
};

/*
 * Answers 101; received and gone are set.  `key` is of websocket_wish_of().  x is not to be used any more; parked or
 * not before, it is unparked.
 */
void websocket_accept(struct exchange *x, struct str key, struct websocket *socket);
/* False: too much waits already, or it is closing; nothing of it is sent. */
bool websocket_send(struct websocket *socket, struct str text) MUST_CHECK;
/* The client is to answer, so that it is heard. */
void websocket_ping(struct websocket *socket);
/* Says why and ends it; gone() follows.  As often as you like. */
void websocket_close(struct websocket *socket, enum websocket_code code, struct str reason);

/* The client has not taken all that it was sent. */
static inline bool websocket_is_behind(const struct websocket *socket)
{
	return upgraded_is_behind(&socket->upgraded);
}
/* When something of the client came last, a pong among it; monotonic. */
static inline int64_t websocket_heard_at_ms(const struct websocket *socket)
{
	return socket->heard_at_ms;
}
