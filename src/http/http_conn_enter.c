#include "http/http_conn_enter.h"

#include <assert.h>
#include <stdint.h>

#include "http/http_conn_memory.h"

static const uint16_t may_follow[CONN_STATES] = {
	[CONN_IDLE] = BIT(CONN_HEAD) | BIT(CONN_ENDED),
	/* IDLE again when what woke it turns out to be no byte. */
	[CONN_HEAD] = BIT(CONN_IDLE) | BIT(CONN_ADMITTING) | BIT(CONN_SENDING) | BIT(CONN_ENDED),
	[CONN_ADMITTING] = BIT(CONN_BODY) | BIT(CONN_PARKED) | BIT(CONN_SENDING) |
			   BIT(CONN_UPGRADED) | BIT(CONN_ENDED),
	[CONN_BODY] = BIT(CONN_PARKED) | BIT(CONN_SENDING) | BIT(CONN_UPGRADED) | BIT(CONN_ENDED),
	[CONN_PARKED] = BIT(CONN_SENDING) | BIT(CONN_UPGRADED) | BIT(CONN_ENDED),
	[CONN_SENDING] = BIT(CONN_IDLE) | BIT(CONN_LINGERING) | BIT(CONN_ENDED),
	[CONN_LINGERING] = BIT(CONN_ENDED),
	[CONN_UPGRADED] = BIT(CONN_LINGERING) | BIT(CONN_ENDED),
	[CONN_ENDED] = 0,
};

bool conn_may_enter(enum conn_state from, enum conn_state to)
{
	return (may_follow[from] & BIT(to)) != 0;
}

void conn_enter(struct http_conn *conn, enum conn_state state)
{
	assert(conn_may_enter(conn->state, state));
	conn->state = state;
}
