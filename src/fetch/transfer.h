/*
 * One request to somebody else's server, and its answer as it comes.
 *
 * Who owns what: the transfer is the fetch's, from transfer_start() until on_end was
 * called or transfer_cancel() was; after either the pointer is dead.  The receiver
 * is the caller's, embedded in what wants the answer, and is not touched after
 * on_end has begun to return or transfer_cancel() has.  The request is copied.
 *
 * Order: may_follow* on_head? on_bytes* on_end, always on the loop's thread, never
 * from inside transfer_start() or transfer_cancel().  A redirect that is followed
 * shows only in may_follow.  Every callback may start and cancel
 * transfers, its own too.
 *
 * Credentials are sent to the origin (scheme, host and port) of `auth_for` alone, and
 * to nobody once a redirect has led elsewhere, not even back there.  They stand in
 * no log and no text.  The same holds for `headers` and the origin of the URL.
 *
 * Sources: RFC 9110 8.6, 8.8, 10.2.3, 13.1.5, 14, 15.4; RFC 7617; libcurl's
 * manual, libcurl-multi(3).
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "fetch/transfer_receiver.h"
#include "fetch/transfer_request.h"

#include <stdbool.h>

struct fetch;
struct transfer;

/*
 * Starts it, or lines it up when max_transfers are under way.  ERR_INVALID: the
 * request is wrong (not a URL, a scheme that is not http or https, credentials without
 * auth_for).  *out may be kept for transfer_cancel() and the like.
 */
bool transfer_start(struct fetch *fetch, const struct transfer_request *request,
		    struct transfer_receiver *receiver, struct transfer **out,
		    struct err *err) MUST_CHECK;
/* From anywhere, once: no callback comes any more.  NULL does nothing. */
void transfer_cancel(struct transfer *transfer);
