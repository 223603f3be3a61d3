/*
 * The calls only queue and wake.  What is sent and received is so in a step of the connection
 * (http_conn.c), so that nothing of the caller's runs below a call of its own.
 */
#include "http/upgrade.h"

#include <assert.h>

#include "http/http_conn_memory.h"
#include "http/reply.h"

void exchange_upgrade(struct exchange *x, struct upgraded *upgraded)
{
	struct http_work *work = http_work_of(x);
	struct http_conn *conn = work->conn;

	assert(work->reply == REPLY_BEGUN && x->status == 101 && !work->head_overflowed);
	buf_init(&upgraded->waiting, UPGRADED_WAITING_MAX + HTTP_BLOCK_SIZE);
	buf_add(&upgraded->waiting, work->out, work->head_len);
	buf_add_text(&upgraded->waiting, "Connection: Upgrade\r\n\r\n");
	upgraded->conn = conn;
	upgraded->ends = false;
	work->reply = REPLY_SENT;
	x->parked = NULL;
	conn->upgraded = upgraded;
	conn_enter(conn, CONN_UPGRADED);
	http_conn_wake(conn);
}

bool upgraded_send(struct upgraded *upgraded, struct str bytes)
{
	if (upgraded->waiting.len + bytes.len > UPGRADED_WAITING_MAX)
		return false;
	buf_add_str(&upgraded->waiting, bytes);
	http_conn_wake(upgraded->conn);
	return true;
}

void upgraded_end(struct upgraded *upgraded)
{
	upgraded->ends = true;
	http_conn_wake(upgraded->conn);
}
