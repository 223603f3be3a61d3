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

/* At the ten questions a second of discovery.c: two seconds alone, twenty for all. */
#define TURNS_OF_PEER_MAX 20
#define TURNS_MAX         200
#define TURNS_PEER_SIZE   48 /* an address as text */

struct turns {
	struct map peers; /* those of whom somebody waits */
	struct list ring; /* the same, who is next first */
	unsigned count;
};

/* Embedded in what waits.  All zero: it does not wait. */
struct turn {
	struct turns_peer *peer;
	struct list link;
};

void turns_init(struct turns *turns);
void turns_release(struct turns *turns); /* nobody may wait any more */

/* False: too many wait already, of this peer or of all. */
bool turns_add(struct turns *turns, struct turn *turn, struct str peer) MUST_CHECK;
/* Takes out who is next; NULL when nobody waits. */
struct turn *turns_take(struct turns *turns);
/* Does nothing when it does not wait. */
void turns_remove(struct turns *turns, struct turn *turn);
