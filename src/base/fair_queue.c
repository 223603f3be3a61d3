#include "base/fair_queue.h"

#include "base/mem.h"

#include <stdlib.h>

struct fair_queue_peer {
	struct map_node node; /* key: address */
	struct list in_ring, line;
	unsigned count;
	char address[FAIR_QUEUE_PEER_SIZE];
};

void fair_queue_init(struct fair_queue *turns)
{
	*turns = (struct fair_queue){ .count = 0 };
	map_init(&turns->peers);
	list_init(&turns->ring);
}

void fair_queue_release(struct fair_queue *turns)
{
	map_release(&turns->peers);
}

static struct fair_queue_peer *peer_of(struct fair_queue *turns, const char *address)
{
	struct map_node *node = map_find(&turns->peers, str_of(address));
	struct fair_queue_peer *peer = node ? container_of(node, struct fair_queue_peer, node)
					    : NULL;

	if (peer)
		return peer;
	peer = xcalloc(1, sizeof(*peer));
	str_fit(str_of(address), peer->address, sizeof(peer->address));
	list_init(&peer->line);
	map_add(&turns->peers, &peer->node, str_of(peer->address));
	list_append(&turns->ring, &peer->in_ring);
	return peer;
}

bool fair_queue_add(struct fair_queue *turns, struct fair_queue_entry *turn, struct str address)
{
	struct fair_queue_peer *peer;
	char name[FAIR_QUEUE_PEER_SIZE];

	if (turns->count >= FAIR_QUEUE_MAX)
		return false;
	str_fit(address, name, sizeof(name));
	peer = peer_of(turns, name);
	if (peer->count >= FAIR_QUEUE_PEER_MAX)
		return false;
	turn->peer = peer;
	list_append(&peer->line, &turn->link);
	peer->count++;
	turns->count++;
	return true;
}

void fair_queue_remove(struct fair_queue *turns, struct fair_queue_entry *turn)
{
	struct fair_queue_peer *peer = turn->peer;

	if (!peer)
		return;
	turn->peer = NULL;
	list_remove(&turn->link);
	turns->count--;
	if (--peer->count > 0)
		return;
	map_remove(&turns->peers, &peer->node);
	list_remove(&peer->in_ring);
	free(peer);
}

struct fair_queue_entry *fair_queue_take(struct fair_queue *turns)
{
	struct list *first = list_first(&turns->ring);
	struct fair_queue_peer *peer;
	struct fair_queue_entry *turn;

	if (!first)
		return NULL;
	peer = container_of(first, struct fair_queue_peer, in_ring);
	turn = container_of(list_first(&peer->line), struct fair_queue_entry, link);
	list_remove(first);
	list_append(&turns->ring, first);
	fair_queue_remove(turns, turn);
	return turn;
}
