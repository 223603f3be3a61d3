#include "spool/turns.h"

#include "base/mem.h"

#include <stdlib.h>

struct turns_peer {
	struct map_node node; /* key: address */
	struct list in_ring, line;
	unsigned count;
	char address[TURNS_PEER_SIZE];
};

void turns_init(struct turns *turns)
{
	*turns = (struct turns){ .count = 0 };
	map_init(&turns->peers);
	list_init(&turns->ring);
}

void turns_release(struct turns *turns)
{
	map_release(&turns->peers);
}

static struct turns_peer *peer_of(struct turns *turns, const char *address)
{
	struct map_node *node = map_find(&turns->peers, str_of(address));
	struct turns_peer *peer = node ? container_of(node, struct turns_peer, node) : NULL;

	if (peer)
		return peer;
	peer = xcalloc(1, sizeof(*peer));
	str_fit(str_of(address), peer->address, sizeof(peer->address));
	list_init(&peer->line);
	map_add(&turns->peers, &peer->node, str_of(peer->address));
	list_append(&turns->ring, &peer->in_ring);
	return peer;
}

bool turns_add(struct turns *turns, struct turn *turn, struct str address)
{
	struct turns_peer *peer;
	char name[TURNS_PEER_SIZE];

	if (turns->count >= TURNS_MAX)
		return false;
	str_fit(address, name, sizeof(name));
	peer = peer_of(turns, name);
	if (peer->count >= TURNS_OF_PEER_MAX)
		return false;
	turn->peer = peer;
	list_append(&peer->line, &turn->link);
	peer->count++;
	turns->count++;
	return true;
}

void turns_remove(struct turns *turns, struct turn *turn)
{
	struct turns_peer *peer = turn->peer;

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

struct turn *turns_take(struct turns *turns)
{
	struct list *first = list_first(&turns->ring);
	struct turns_peer *peer;
	struct turn *turn;

	if (!first)
		return NULL;
	peer = container_of(first, struct turns_peer, in_ring);
	turn = container_of(list_first(&peer->line), struct turn, link);
	list_remove(first);
	list_append(&turns->ring, first);
	turns_remove(turns, turn);
	return turn;
}
