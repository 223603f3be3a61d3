/*
 * The ring, counted by changes since the beginning; at % FEED_RING is a place in it:
 *
 *	oldest .. next -- kept
 *	forgotten_sequence -- of the newest change that was overwritten: who has heard less than
 *	                      that has missed something
 */
#include "ledger/feed.h"

#include "base/mem.h"
#include "event/mailbox.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct feed {
	struct ledger_listener *listeners;
	pthread_mutex_t mutex; /* guards what follows */
	int64_t sequence, forgotten_sequence;
	uint64_t oldest, next;
	struct feed_change ring[FEED_RING];
};

/* One commit to one listener. */
struct broadcast {
	struct mail mail;
	struct ledger_listener *listener;
	int64_t sequence;
	size_t count;
	struct projection_change changes[];
};

/* ---- listeners ---- */

static void deliver(struct mail *mail)
{
	AUTO(free) struct broadcast *broadcast = container_of(mail, struct broadcast, mail);

	for (size_t i = 0; i < broadcast->count; i++)
		broadcast->listener->changed(broadcast->listener, &broadcast->changes[i],
					     broadcast->sequence);
}

static void post(struct ledger_listener *listener, const struct projection_change *changes,
		 size_t count, int64_t sequence)
{
	struct broadcast *broadcast = xmalloc(sizeof(*broadcast) + count * sizeof(*changes));

	broadcast->mail.deliver = deliver;
	broadcast->listener = listener;
	broadcast->sequence = sequence;
	broadcast->count = count;
	memcpy(broadcast->changes, changes, count * sizeof(*changes));
	mailbox_post(listener->mailbox, &broadcast->mail);
}

/* ---- the ring ---- */

/* The mutex is held. */
static void keep(struct feed *feed, const struct projection_change *change, int64_t sequence)
{
	struct feed_change *place = &feed->ring[feed->next % FEED_RING];

	if (feed->next - feed->oldest == FEED_RING) {
		feed->forgotten_sequence = place->sequence;
		feed->oldest++;
	}
	place->sequence = sequence;
	place->change = *change;
	feed->next++;
}

/* The first kept change after `sequence`: they are in order.  The mutex is held. */
static uint64_t find(const struct feed *feed, int64_t sequence)
{
	uint64_t low = feed->oldest, high = feed->next;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (feed->ring[middle % FEED_RING].sequence > sequence)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* How many of those from `at` on fit, the last commit whole.  The mutex is held. */
static size_t count_whole(const struct feed *feed, uint64_t at, size_t size)
{
	size_t count = 0, whole = 0;

	while (at + count < feed->next && count < size) {
		int64_t sequence = feed->ring[(at + count) % FEED_RING].sequence;

		count++;
		if (at + count == feed->next ||
		    feed->ring[(at + count) % FEED_RING].sequence != sequence)
			whole = count;
	}
	return whole;
}

void feed_tell(struct feed *feed, const struct projection_change *changes, size_t count,
	       int64_t sequence)
{
	assert(count <= FEED_COMMIT_MAX);
	pthread_mutex_lock(&feed->mutex);
	assert(count == 0 || sequence >= feed->sequence);
	if (sequence > feed->sequence)
		feed->sequence = sequence;
	for (size_t i = 0; i < count; i++)
		keep(feed, &changes[i], sequence);
	pthread_mutex_unlock(&feed->mutex);
	for (struct ledger_listener *listener = count > 0 ? feed->listeners : NULL; listener;
	     listener = listener->next)
		post(listener, changes, count, sequence);
}

void feed_begin_anew(struct feed *feed, int64_t sequence)
{
	pthread_mutex_lock(&feed->mutex);
	feed->sequence = feed->forgotten_sequence = sequence;
	feed->oldest = feed->next;
	pthread_mutex_unlock(&feed->mutex);
}

int64_t feed_sequence(struct feed *feed)
{
	int64_t sequence;

	pthread_mutex_lock(&feed->mutex);
	sequence = feed->sequence;
	pthread_mutex_unlock(&feed->mutex);
	return sequence;
}

int64_t feed_oldest(struct feed *feed)
{
	int64_t oldest;

	pthread_mutex_lock(&feed->mutex);
	oldest = feed->forgotten_sequence;
	pthread_mutex_unlock(&feed->mutex);
	return oldest;
}

bool feed_since(struct feed *feed, int64_t sequence, struct feed_change *out, size_t size,
		size_t *out_count)
{
	bool is_known;

	assert(size >= FEED_COMMIT_MAX);
	pthread_mutex_lock(&feed->mutex);
	is_known = sequence >= feed->forgotten_sequence && sequence <= feed->sequence;
	if (is_known) {
		uint64_t at = find(feed, sequence);

		*out_count = count_whole(feed, at, size);
		for (size_t i = 0; i < *out_count; i++)
			out[i] = feed->ring[(at + i) % FEED_RING];
	}
	pthread_mutex_unlock(&feed->mutex);
	return is_known;
}

/* ---- life cycle ---- */

struct feed *feed_new(int64_t sequence)
{
	struct feed *feed = xcalloc(1, sizeof(*feed));

	pthread_mutex_init(&feed->mutex, NULL);
	feed->sequence = feed->forgotten_sequence = sequence;
	return feed;
}

void feed_free(struct feed *feed)
{
	if (!feed)
		return;
	pthread_mutex_destroy(&feed->mutex);
	free(feed);
}

void feed_listen(struct feed *feed, struct ledger_listener *listener)
{
	listener->next = feed->listeners;
	feed->listeners = listener;
}
