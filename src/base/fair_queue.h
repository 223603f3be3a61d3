/*
 * Who goes next where many wait: each peer in its turn, and of one peer who came first.  So whoever
 * asks for much waits for itself alone; and only so many may wait, of one peer and of all.
 *
 * A plain structure of one thread.
 */
#pragma once

#include "base/compiler.h"
#include "base/list.h"
#include "base/map.h"
#include "base/str.h"

#include <stdbool.h>

#define FAIR_QUEUE_PEER_SIZE 48 /* an address as text */

struct fair_queue {
	struct map peers; /* those of whom somebody waits */
	struct list ring; /* the same, who is next first */
	unsigned count;
	unsigned peer_max, max; /* so many may wait, of one peer and of all */
};

/* Embedded in what waits.  All zero: it does not wait. */
struct fair_queue_entry {
	struct fair_queue_peer *peer;
	struct list link;
};

void fair_queue_init(struct fair_queue *queue, unsigned peer_max, unsigned max);
void fair_queue_release(struct fair_queue *queue); /* nobody may wait any more */

/* False: too many wait already, of this peer or of all. */
bool fair_queue_add(struct fair_queue *queue, struct fair_queue_entry *entry,
		    struct str peer) MUST_CHECK;
/* Takes out who is next; NULL when nobody waits. */
struct fair_queue_entry *fair_queue_take(struct fair_queue *queue);
/* Does nothing when it does not wait. */
void fair_queue_remove(struct fair_queue *queue, struct fair_queue_entry *entry);
