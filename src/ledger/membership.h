/*
 * What the loop that fetches does for being one of several (cluster/members.h): it says every while that it turns, and looks after
 * what it has under way in the ledger.
 *
 * A lease (cluster/leases.h) may be forgotten: a claim whose answer was lost, a flight that was given up as a row.  An attempt may stay
 * open: the ledger could not be written when it ended, and somebody else has stored the recording since; what is to be removed waits for
 * its end.  What is had, and has had no flight at two looks in a row, is given back, and ended.
 *
 * Thread: that loop's.
 */
#pragma once

#include <stdbool.h>

struct ledger;
struct loop;
struct mailbox;
struct membership;

#define LEASES_LOOK_MS 30000

struct membership_env {
	struct loop *loop;
	struct mailbox *mailbox;
	struct ledger *ledger;
	/* Whether somebody fetches, or follows, this recording here. */
	bool (*has_flight)(void *owner, const char *recording_sid);
	void *owner;
};

/* NULL: it has the ledger alone. */
struct membership *membership_start(const struct membership_env *env);
void membership_free(struct membership *membership); /* NULL does nothing */
