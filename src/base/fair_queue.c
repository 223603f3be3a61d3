#include "base/fair_queue.h"

#include "base/mem.h"

#include <stdlib.h>

struct fair_queue_peer {
	struct map_node node; /* key: address */
	struct list in_ring, line;
	unsigned count;
	char address[FAIR_QUEUE_PEER_SIZE];
};

void fair_queue_init(struct fair_queue *queue, unsigned peer_max, unsigned max)
{
	*queue = (struct fair_queue){ .peer_max = peer_max, .max = max };
	map_init(&queue->peers);
	list_init(&queue->ring);
}

void fair_queue_release(struct fair_queue *queue)
{
	map_release(&queue->peers);
}

static struct fair_queue_peer *peer_of(struct fair_queue *queue, const char *address)
{
	struct map_node *node = map_find(&queue->peers, str_of(address));
	struct fair_queue_peer *peer = node ? container_of(node, struct fair_queue_peer, node)
					    : NULL;

	if (peer)
		return peer;
	peer = xcalloc(1, sizeof(*peer));
	str_fit(str_of(address), peer->address, sizeof(peer->address));
	list_init(&peer->line);
	map_add(&queue->peers, &peer->node, str_of(peer->address));
	list_append(&queue->ring, &peer->in_ring);
	return peer;
}

bool fair_queue_add(struct fair_queue *queue, struct fair_queue_entry *entry, struct str address)
{
	struct fair_queue_peer *peer;
	char name[FAIR_QUEUE_PEER_SIZE];

	if (queue->count >= queue->max)
		return false;
	str_fit(address, name, sizeof(name));
	peer = peer_of(queue, name);
	if (peer->count >= queue->peer_max)
		return false;
	entry->peer = peer;
	list_append(&peer->line, &entry->link);
	peer->count++;
	queue->count++;
	return true;
}

void fair_queue_remove(struct fair_queue *queue, struct fair_queue_entry *entry)
{
	struct fair_queue_peer *peer = entry->peer;

	if (!peer)
		return;
	entry->peer = NULL;
	list_remove(&entry->link);
	queue->count--;
	if (--peer->count > 0)
		return;
	map_remove(&queue->peers, &peer->node);
	list_remove(&peer->in_ring);
	free(peer);
}

struct fair_queue_entry *fair_queue_take(struct fair_queue *queue)
{
	struct list *first = list_first(&queue->ring);
	struct fair_queue_peer *peer;
	struct fair_queue_entry *entry;

	if (!first)
		return NULL;
	peer = container_of(first, struct fair_queue_peer, in_ring);
	entry = container_of(list_first(&peer->line), struct fair_queue_entry, link);
	list_remove(first);
	list_append(&queue->ring, first);
	fair_queue_remove(queue, entry);
	return entry;
}
