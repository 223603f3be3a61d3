/*
 * One connection: its state, what it holds, and what every file of http may do to it.
 *
 * A connection is small.  What a request needs, struct http_work and two blocks of bytes,
 * is taken from the server's pools when its first bytes come and given back when
 * its answer is out.
 *
 * Internal to http, and the lowest of its files that know a connection.  Calls run down, in this order:
 *
 *	http_server.c      accepts, stops, frees
 *	http_conn_open.c   births
 *	http_conn.c        the states, one step each, and the events of a descriptor
 *	http_route.c       routes and refusals           http_body.c    a body, bounded
 *	reply.c            a head and a body to send     reply_stream.c, upgrade.c, http_request_id.c
 *	http_conn_memory.c memory, waking, sending, the end
 *	http_conn_enter.c  which state may follow which
 *
 * Those below reach those above through inner->run and inner->left alone, and the product through
 * struct http_app and struct parked.
 *
 * Thread: the loop of the server.
 */
#pragma once

#include "base/buf.h"
#include "base/list.h"
#include "event/loop.h"
#include "http/exchange.h"
#include "http/http_app.h"
#include "http/http_chunked.h"
#include "http/http_conn_enter.h"
#include "http/http_parse.h"
#include "http/http_pool.h"
#include "http/send_file.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A head and a good piece of body; or our head and a small body. */
#define HTTP_BLOCK_SIZE (HTTP_HEAD_MAX + 4096)

enum reply_state {
	REPLY_NONE,
	REPLY_BEGUN, /* a head is being written */
	REPLY_SENT,  /* handed to `sending` */
};

/* What a connection holds while a request is read or answered. */
struct http_work {
	struct exchange x;
	struct http_conn *conn;

	/* Reading: in[0 .. in_used) is this request, in[in_used .. in_len) comes after it. */
	struct http_parse parse;
	struct http_chunked chunked;
	char *in;
	size_t in_len, in_used;
	uint64_t body_len; /* bytes of the body so far */
	struct buf body;   /* a body that does not fit behind its head, or came in chunks */
	bool owns_body;
	bool is_admitted;
	bool has_whole_body; /* the caller is asked for once more, if it took long */
	int64_t reading_since_ms;

	/* Replying. */
	enum reply_state reply;
	char *out;       /* the head, then what fits behind it */
	size_t head_len; /* bytes of out written so far */
	bool head_overflowed;
	bool closes;      /* the connection ends after this reply */
	bool body_unread; /* the request's body was not read to its end */
	struct sending sending;
	enum sending_result sent;
	int64_t last_sent_at_ms;
	int64_t full_since_ms; /* SENDING_FULL without a byte moved since */
};

/* A connection over two descriptors that were open already (serve --stdio). */
struct http_adopted {
	struct http_conn *conn;
	struct watch out_watch;
	int in_flags, out_flags; /* to be restored */
	void (*ended)(struct http_server *server);
};

/*
 * The little that came of a head, or of a body behind it, while the rest lets itself be waited for.
 * Behind a whole head, what was made of it goes along: it is decided once.
 */
struct http_stash {
	int64_t reading_since_ms, began_at_ms, head_at_us;
	char id[sizeof(((struct exchange *)NULL)->id)];
	size_t caller_size;
	char caller[EXCHANGE_CALLER_MAX];
	uint32_t len;
	char bytes[];
};

enum http_trust { TRUST_UNASKED, TRUST_NO, TRUST_YES };

struct http_conn {
	struct watch watch;
	struct timer
		timer; /* looks at deadline_at_ms when it fires; not restarted for each request */
	struct reap reap;
	struct list link;  /* on server->inner->conns */
	struct list awake; /* on server->inner->awake while it is to run in the next turn */
	struct http_server *server;
	struct http_work *work;   /* NULL while IDLE or LINGERING, and while there is a stash */
	struct http_stash *stash; /* owned; NULL but in HEAD and BODY */
	struct http_adopted *adopted;
	struct upgraded *upgraded; /* borrowed; NULL but in UPGRADED */
	int64_t deadline_at_ms;    /* INT64_MAX: none */
	int fd_in, fd_out;
	enum conn_state state;
	uint32_t lingered_bytes;
	enum http_listening listening;
	bool is_socket;
	bool readable, writable; /* as far as the edges have told */
	bool saw_end;            /* the client has sent its last byte */
	bool running;            /* inner->run() is below us on the stack */
	bool refused;            /* over the limit: told so and closed */
	enum http_trust trust;   /* what trusts() of the app says of the peer */
	char peer[48];
};

struct http_listener {
	struct watch watch;
	struct list link;
	struct http_server *server;
	enum http_listening listening;
	bool paused;
};

/*
 * What the connections of a server share.  Two things are for those above to do: they are set by
 * http_server_open() and called from here.
 */
struct http_server_inner {
	struct http_server *server;
	void (*run)(struct http_conn *conn); /* steps until it must wait: http_conn_run() */
	void (*left)(struct http_server *server, bool was_refused); /* a connection ended */
	struct list listeners, conns, awake;
	struct timer awake_timer, accept_timer, crowd_timer, stop_timer, quiet_timer, trim_timer;
	struct http_pool works, blocks;
	unsigned connections, refused; /* refused: of them, those over the limit */
	unsigned most_connections;     /* since memory was last given back */
	bool is_crowded;               /* told to the product */
	bool stopping;
	bool ends_idle; /* stopping: connections that wait for a request have waited long enough */
	bool was_refused; /* stopping: those that still waited for a reply were told so */
	void (*stopped)(struct http_server *server);
	int64_t date_s;     /* the second that date_line tells */
	char date_line[64]; /* "Date: ...\r\nX-Request-Id: " */
	size_t date_line_len;
	uint64_t id_key[2], id_count;
};

/* The only place that changes conn->state; what may not follow is a bug of ours, and ends the process. */
static inline void conn_enter(struct http_conn *conn, enum conn_state state)
{
	assert(conn_may_enter(conn->state, state));
	conn->state = state;
}

static inline struct http_work *http_work_of(struct exchange *x)
{
	return container_of(x, struct http_work, x);
}

/* ---- memory ---- */

/* Takes work and a block to read into, and starts a request; the connection holds none. */
void http_conn_take_work(struct http_conn *conn);
void http_conn_give_work(struct http_conn *conn);
/* Gives back the blocks that the reply under way does not need; the request is empty then. */
void http_conn_shed_blocks(struct http_conn *conn);
/* Puts a short beginning of a request aside, and the work back into its pool; and the other way. */
void http_conn_stash(struct http_conn *conn);
void http_conn_unstash(struct http_conn *conn);
/* The next request on the same work; bytes of it may be in the block already. */
void http_conn_start_request(struct http_conn *conn);

/* How many connections there are has changed. */
static inline void http_conn_counted(struct http_server *server)
{
	gauge_set(&server->counts.connections,
		  (int64_t)server->inner->connections - server->inner->refused);
}

/* ---- what goes on ---- */

/* Runs it in the next turn of the loop. */
void http_conn_wake(struct http_conn *conn);
/* Sends what `work->sending` holds, once that is complete; the result is work->sent. */
void http_conn_send(struct http_conn *conn);
/* The exchange is over, well or not: gone() and ended() are called. */
void http_conn_end_exchange(struct http_conn *conn);
/* Tells whoever upgraded it that it is over; nothing when nobody did, or he was told. */
void http_conn_end_upgraded(struct http_conn *conn);
/* Ends it at once, whatever it was doing; the memory is reaped at the end of the turn. */
void http_conn_end(struct http_conn *conn);
