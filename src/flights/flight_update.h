/*
 * The message that travels between a flight and the mirror of it on one serving loop:
 * see mirror.h for its way.  Whoever holds it may write it.
 */
#pragma once

#include "base/list.h"
#include "catalog/recordings.h"
#include "event/mailbox.h"
#include "flights/seeks.h"
#include "media/media.h"
#include "verdict/verdict.h"

#include <stdbool.h>
#include <stdint.h>

struct flight;
struct mirror;
struct fetcher;

/* A part ahead of the flight (seeks.h): [first, arrived) of the media is in it, at the same offsets. */
struct news_seek {
	uint32_t id; /* 0: there is none, and nothing else counts */
	uint64_t first, arrived;
	int fd; /* as media.fd */
};

/* What is new of a flight.  A plain value but for the descriptors. */
struct news {
	/* The first bytes are known to be audio: media says what; else media is not filled. */
	bool is_flowing;
	struct media
		media; /* fd: a new one, the receiver's, when the generation is another than it has; else -1 */
	uint64_t arrived; /* bytes that may be sent */
	struct news_seek seeks[SEEKS_MAX];
	bool is_complete; /* all of them; media.size is known */

	/* The last try failed, or none can be made: why.  "" while one is under way. */
	char reason_code[RECORDING_REASON_SIZE];
	char reason_text[VERDICT_TEXT_SIZE];
	bool is_pointless; /* to wait for the next try */
	bool is_last;      /* the flight is over: complete, or never will be */
	bool is_elsewhere; /* is_of_peer: it is not fetched here; the last, and nothing else counts */
};

/* What the row of a recording said when the first player came: how its flight left off. */
struct recorded_wait {
	int64_t next_try_at_ms, waiting_since_ms; /* wall clock; 0: it does not wait */
	enum recording_wait_rule rule;
	char reason_code[RECORDING_REASON_SIZE];
	char reason_text[RECORDING_TEXT_SIZE];
};

struct flight_update {
	struct mail mail;
	struct list link; /* on its flight's list while it is there */
	struct mirror *mirror;
	struct mailbox *mirror_mailbox;
	void (*came_to_mirror)(struct mail *mail);
	struct fetcher *fetcher;
	char recording_sid[SID_SIZE], call_sid[SID_SIZE], account_sid[SID_SIZE];
	char request_id[REQUEST_ID_SIZE]; /* of the player who came first; "" */
	struct recorded_wait recorded;
	bool is_of_peer; /* of what another process is sent (play/peer_play.h): makes no flight */
	bool is_left; /* it has no mirror any more, as nobody plays there: the flight's to free */
	struct flight *flight;   /* where it has been, which waits for it; NULL: nowhere yet */
	int64_t generation_sent; /* whose descriptor the mirror has */
	bool lacks_descriptor;   /* there was none to give it, of the generation that is arriving */
	uint32_t seeks_sent[SEEKS_MAX];   /* ... and of which seeks */
	uint32_t seeks_lacked[SEEKS_MAX]; /* no descriptor was left to give it */
	uint32_t seeks_used[SEEKS_MAX];   /* set by the mirror: those that its players are on */
	struct news news;
};

/* One that is of no flight: what another process asks for is not fetched here. */
void flight_update_refuse(struct flight_update *update);
