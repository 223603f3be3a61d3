/*
 * A reply on its way: what those who feed it tell it, and what they ask.
 *
 * Nothing is sent here.  The state is set and the connection woken, so that no callback of the
 * caller's runs below its own call.
 */
#include "http/reply.h"

#include "http/http_conn_memory.h"

void exchange_arrived(struct exchange *x, uint64_t arrived, bool complete)
{
	struct http_work *work = http_work_of(x);
	struct sending *sending = &work->sending;

	if (arrived > sending->arrived)
		sending->arrived = arrived;
	sending->complete = sending->complete || complete;
	/* Sent in the next turn: no callback of the caller's runs below it, and arrivals melt together. */
	if (work->reply == REPLY_SENT && work->sent == SENDING_STARVED) {
		work->sent = SENDING_YIELD;
		http_conn_wake(work->conn);
	}
}

void exchange_switch_file(struct exchange *x, int fd)
{
	if (!sending_switch_file(&http_work_of(x)->sending, fd, x->server->options.file_fd_max))
		exchange_cut(x);
}

void exchange_cut(struct exchange *x)
{
	struct http_work *work = http_work_of(x);

	work->reply = REPLY_SENT;
	work->sent = SENDING_FAILED;
	if (work->conn->state != CONN_SENDING)
		conn_enter(work->conn, CONN_SENDING);
	http_conn_wake(work->conn);
}

void exchange_admit(struct exchange *x)
{
	struct http_work *work = http_work_of(x);

	x->parked = NULL;
	work->is_admitted = true;
	http_conn_wake(work->conn);
}

/* container_of() for what may only be looked at. */
static const struct http_work *read_only_work_of(const struct exchange *x)
{
	return (const void *)((const char *)x - offsetof(struct http_work, x));
}

bool exchange_is_stalled_by_client(const struct exchange *x)
{
	const struct http_work *work = read_only_work_of(x);

	return work->reply == REPLY_SENT && work->sent == SENDING_FULL;
}

int64_t exchange_last_sent_at_ms(const struct exchange *x)
{
	return read_only_work_of(x)->last_sent_at_ms;
}
