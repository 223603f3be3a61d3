/*
 * Replies, JSON for the most part, made by a reader thread of the ledger, while their exchange is parked.
 */
#pragma once

#include "api/web_error.h"
#include "base/buf.h"
#include "base/compiler.h"
#include "base/err.h"
#include "base/json.h"
#include "http/exchange.h"
#include "ledger/ledger.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define WEB_READ_BODY_MAX (4 * 1024 * 1024) /* a page of 200 calls takes about 200 KiB */

struct catalog;
struct web;

/* The first member of a struct with what one reply needs; made with xcalloc, freed by web_read. */
struct web_read {
	/*
	 * On a reader's thread: writes one JSON value, or with `send` anything onto read->body.  ERR_NOT_FOUND becomes `not_found`, ERR_INVALID
	 * bad_request, ERR_UNAVAILABLE overloaded, all else internal.
	 */
	bool (*make)(struct web_read *read, struct catalog *catalog, struct json *json,
		     struct err *err);
	/*
	 * Optional, on the loop: make() has failed, or is not done after `patience_ms` (0: it is waited for), and this writes `body` in
	 * its place.  False: it is refused after all.  What make() has begun goes on, on its thread; what it has not is left undone.
	 */
	bool (*make_without)(struct web_read *read, struct buf *body);
	int64_t patience_ms;
	/* Replies with what was made; NULL: web_send_json(). */
	void (*send)(struct exchange *x, struct str body);
	/* In place of both: replies by what make() has left in the struct around this one.  NULL: as they say. */
	void (*answer)(struct web_read *read, struct exchange *x);
	enum web_error not_found;
	/* Refuses in that case; NULL: as everything else is refused. */
	void (*refuse_missing)(struct exchange *x, enum web_error error, const char *text);
	const struct web *web; /* for make() */

	struct buf body; /* at most WEB_READ_BODY_MAX */

	/* internal */
	struct ledger_job job;
	struct timer without;
	struct parked parked;
	struct exchange *x;      /* NULL once the client has gone, or is answered; ... */
	atomic_bool is_unwanted; /* ... then so, for the reader */
};

/* For make(): the ledger's sequence, of the same snapshot that it reads. */
static inline int64_t web_read_sequence(const struct web_read *read)
{
	return read->job.sequence;
}

void web_read_start(struct web_read *read, struct exchange *x);

/* Logs why it cannot be answered, and says that it cannot: ours is the fault, or for a while (503) the database's. */
void web_refuse_failed(struct exchange *x, const struct err *err);

/* Replies 200 with this body, which is JSON. */
void web_send_json(struct exchange *x, struct str body);
