/*
 * What a serving loop sees of a flight, and the players who follow it there.
 *
 * A flight lives on the fetching loop.  A serving loop that has players on it holds a
 * mirror: identity, descriptor and how far it has arrived, moved forward by a update.
 * The update is one message that travels between the two: made by the mirror, posted to
 * the flight (which is how it joins), sent back with news, returned at once, and so on
 * until the news is the last; then the mirror frees it.  Whoever holds it may write it;
 * many arrivals while it is away melt into one; nothing is locked.
 *
 *	serving loop                    fetching loop
 *	mirror_join --- update --------> flight (made, or found)
 *	   moved   <--- news ---------- first bytes are audio
 *	           ---- returned -----> ... more arrived meanwhile:
 *	   moved   <--- news ----------
 *	   moved   <--- last news ----- stored, or given up
 *
 * That a player leaves is no message.  A mirror that has none any more when news comes returns the update for the last
 * time and is no more: the flight frees it, and tries for nobody (scheduler.h).  Who comes then makes another mirror,
 * whose update is behind that one.
 */
#pragma once

#include "base/list.h"
#include "base/map.h"
#include "flights/flight_update.h"

struct mailbox;
struct mirrors; /* of one serving loop */
struct recording;

struct mirror {
	struct map_node node; /* key: recording_sid */
	struct mirrors *owner;
	char recording_sid[SID_SIZE];
	struct list players;
	struct news now; /* the descriptors are the mirror's */
};

/* Embedded in what follows a flight. */
struct player {
	struct list link;
	const char *request_id; /* who plays, for mirror_join() alone; NULL: not told */
	uint32_t seek_id;       /* the part ahead that it is sent from; 0: the flight's own file */
	struct mirror *mirror;  /* NULL once it left, or the last news was told */
	/* Something in mirror->now changed.  May leave.  After the last news it has been taken off. */
	void (*moved)(struct player *player, const struct mirror *mirror);
};

enum mirrors_kind {
	MIRRORS_OF_PLAYERS,
	MIRRORS_OF_PEERS, /* other processes: of what is fetched here alone, and no flight is made for them */
};
struct mirrors *mirrors_new(struct mailbox *mailbox, struct fetcher *fetcher,
			    enum mirrors_kind kind, void (*prepare)(struct media *media));
void mirrors_free(struct mirrors *mirrors);
/*
 * Follows the flight of a recording, making it start, or try sooner, if need be.
 * moved() is called later, never from inside; what is known already is in ->now.
 */
const struct mirror *mirror_join(struct mirrors *mirrors, const struct recording *recording,
				 struct player *player);
/* It waits for this byte, which may be far ahead: ->now.seeks may come to hold it (seeks.h). */
void player_seek(struct player *player, uint64_t byte);
void player_leave(struct player *player); /* as often as you like */
/* The part ahead of the flight that holds this byte; NULL when there is none. */
const struct news_seek *news_seek_with(const struct news *now, uint64_t byte);
/* How far that part has arrived; where it is no more, `otherwise`. */
uint64_t news_seek_arrived(const struct news *now, uint32_t id, uint64_t otherwise);
