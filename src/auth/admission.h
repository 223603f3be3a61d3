/*
 * Who is this?  What one serving loop knows of the credentials that requests show.
 *
 *	admission_expect(), admission_look()
 *	                  in the loop's own table: the warm way, no query, no lock, no allocation
 *	admission_ask()   else a reader asks the ledger; one query for all who show the same
 *
 * Whether somebody may then is the caller's to decide, from the rights and the route.  An answer that is older than
 * the last change of any credential that the loop heard of is asked for again: so what was revoked is
 * not known a moment later because a query was under way.  Somebody whom nobody knows is
 * remembered for a moment, and throttled by network: who is known is served all the same.
 *
 * Thread: the loop's own.
 */
#pragma once

#include "auth/auth.h"
#include "auth/known.h"
#include "base/compiler.h"
#include "base/list.h"
#include "base/own.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct admission;
struct loop;
struct mailbox;

enum admission_result {
	ADMISSION_KNOWN,     /* there is an entry */
	ADMISSION_NOBODY,    /* no such credential, or it is over, or its user is disabled */
	ADMISSION_THROTTLED, /* this network has shown too many that nobody knows */
	ADMISSION_BUSY,      /* the ledger does not answer just now */
	ADMISSION_FAILED,    /* nor will it */
};

/* Embedded in who waits. */
struct admission_waiter {
	struct list link;
	/* `entry`: with ADMISSION_KNOWN, until the next turn.  `wait_ms`: with ADMISSION_THROTTLED. */
	void (*answered)(struct admission_waiter *waiter, enum admission_result result,
			 const struct known *entry, int64_t wait_ms);
};

/* All that is handed in is borrowed and outlives it.  Before ledger_start(). */
/* `lines`: of the table of who is known (known.h). */
struct admission *admission_new(struct auth *auth, struct loop *loop, struct mailbox *mailbox,
				struct lines lines);
void admission_free(struct admission *admission); /* after the ledger was stopped */

/* What a request shows, hashed, and where it is known if it is. */
struct admission_sight {
	uint64_t tag[2];
	unsigned place; /* of KNOWN_PLACES */
};

/*
 * Before admission_look().  From now on what is known is on its way from memory, which takes as long as some hundred
 * instructions that need not wait for it.
 */
void admission_expect(const struct admission *admission, enum known_source source, struct str text,
		      struct admission_sight *out);
/* NULL: not known here, or what is known is no longer to be relied on (ledger_hears()); nobody (kind 0) is an entry, too.  Until the next turn. */
const struct known *admission_look(struct admission *admission,
				   const struct admission_sight *sight);
/*
 * Asks; answered() is called later, never from inside, unless the answer is known without a query: then *out says it
 * and true is returned.  `text` is the credential as it was sent, of a token without its prefix; for
 * KNOWN_LINK_VISIT the link's name before the visit's credential; for KNOWN_PROXY
 * "user NUL rights in two bytes", which the caller trusts.  `network`: who is throttled.
 */
bool admission_ask(struct admission *admission, enum known_source source, struct str text,
		   struct str network, struct admission_waiter *waiter, enum admission_result *out,
		   int64_t *out_wait_ms);
/* Is what admitted somebody a moment ago still in the loop's table?  No: it is over, or else is to be looked up again. */
bool admission_has(const struct admission *admission, const struct known *known) MUST_CHECK;
void admission_leave(struct admission_waiter *waiter); /* as often as you like */
