/*
 * What of a bucket lies here, too, and is not to: each process has a cache of its own, and what one removes the others keep.
 *
 *	removed, as the feed says          what lies here of that recording goes
 *	at the start, and where the feed   each folder is compared with the ledger: what that does not name, nor may be about to,
 *	had a gap                          goes
 *
 * Who may play is asked of the ledger each time; this is about the bytes on the disk.
 *
 * Thread: the loop of the env, which outlives it.
 */
#pragma once

#include "base/own.h"

struct cache_upkeep;
struct projection_change;
struct sweep_env;

struct cache_upkeep *cache_upkeep_new(struct sweep_env *env);
/* Begins to compare all that is here; before the loop turns. */
void cache_upkeep_start(struct cache_upkeep *upkeep);
/* On the loop. */
void cache_upkeep_changed(struct cache_upkeep *upkeep, const struct projection_change *change);
/* After the loop, the workers and the ledger have stopped.  NULL does nothing. */
void cache_upkeep_free(struct cache_upkeep *upkeep);
DEFINE_AUTO(struct cache_upkeep *, cache_upkeep_free)
