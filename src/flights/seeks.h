/*
 * Seeks: parts of a recording far ahead of its flight, each fetched on its own, so that a
 * player who jumps ahead does not wait for what lies between.
 *
 * Where the upstream serves ranges with a strong validator, and the flight would take more
 * than SEEK_WORTH_MS to come by, the media from the wanted byte to its end is asked for with a
 * request of its own (If-Range), into a file without a name.  Its bytes lie in that file
 * where they lie in the media, so a player reads the one like the other.  At most SEEKS_MAX
 * a flight; one that nobody has used for a while makes room for another.  A seek
 * ends when all of it is here, when it fails (nobody is told: who waits goes on waiting
 * for the flight), or when the flight has come by.
 *
 * Thread: the fetching loop.
 */
#pragma once

#include "base/compiler.h"
#include "event/loop.h"
#include "fetch/transfer.h"

#include <stdbool.h>
#include <stdint.h>

struct account;
struct arrival;
struct flight_env;
struct peer_address;
struct seeks;

#define SEEKS_MAX     2
#define SEEK_WORTH_MS 2000

struct seek {
	struct transfer_receiver receiver;
	struct transfer *transfer; /* NULL: no more will come */
	struct seeks *seeks;
	uint32_t id;             /* never used again; 0: the slot is free */
	int fd;                  /* for reading and writing */
	uint64_t first, arrived; /* here is [first, arrived) of the media */
	int64_t used_at_ms;      /* monotonic: when a player was last known to want it */
	bool is_right;           /* the head was what we asked for */
};

/* Embedded in a flight; all zero: none. */
struct seeks {
	struct seek at[SEEKS_MAX];
	uint32_t last_id;
	uint64_t wanted; /* a byte that somebody waits for; 0: none */
	int64_t wanted_at_ms;
	int64_t not_before_ms; /* one failed: left alone so long */
	struct timer timer;    /* looks at the wish again */

	/* how fast the flight is */
	int64_t since_ms;
	uint64_t since_size;
	bool is_on;

	/* the attempt's: see seeks_go_on() */
	const struct flight_env *env;
	const struct arrival *arrival;
	const struct account *account;
	const struct peer_address *whom; /* NULL: Twilio, as the account */
	const char *recording_sid;
	int channels;
	void (*moved)(struct seeks *seeks); /* bytes came, or a seek began */
};

/* An attempt begins: from now on seeks may begin, too.  All is borrowed until seeks_rest(). */
void seeks_go_on(struct seeks *seeks, const struct flight_env *env, const struct arrival *arrival,
		 const struct account *account, const char *recording_sid, int channels,
		 void (*moved)(struct seeks *seeks));
/* The same for what comes from another process: it is asked for them, and for exactly these bytes. */
void seeks_follow(struct seeks *seeks, const struct flight_env *env, const struct arrival *arrival,
		  const struct peer_address *whom, const char *recording_sid,
		  void (*moved)(struct seeks *seeks));
/* The attempt is over: none begins, those under way go on. */
void seeks_rest(struct seeks *seeks);
/* Ends all: the arrival is discarded, or the recording is stored. */
void seeks_release(struct seeks *seeks);

/* A player waits for this byte of the media. */
void seeks_want(struct seeks *seeks, uint64_t byte);
/* Players are on this one. */
void seeks_used(struct seeks *seeks, uint32_t id);
/* The flight has come further. */
void seeks_flight_moved(struct seeks *seeks);
