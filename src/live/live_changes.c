#include "live/live_changes.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct live_changes *live_changes_new(void)
{
	struct live_changes *changes = xcalloc(1, sizeof(*changes));

	map_init(&changes->map);
	list_init(&changes->list);
	return changes;
}

static void forget_all(struct live_changes *changes)
{
	LIST_EACH (item, &changes->list) {
		struct live_change *change = container_of(item, struct live_change, link);

		map_remove(&changes->map, &change->node);
		list_remove(item);
		free(change);
	}
	changes->count = 0;
}

void live_changes_free(struct live_changes *changes)
{
	if (!changes)
		return;
	forget_all(changes);
	map_release(&changes->map);
	free(changes);
}

static struct live_change *find_or_add(struct live_changes *changes, const char *sid)
{
	struct map_node *node = map_find(&changes->map, str_of(sid));
	struct live_change *change;

	if (node)
		return container_of(node, struct live_change, node);
	change = xcalloc(1, sizeof(*change));
	memcpy(change->sid, sid, SID_SIZE);
	list_init(&change->link);
	map_add(&changes->map, &change->node, str_of(change->sid));
	changes->count++;
	return change;
}

void live_changes_add(struct live_changes *changes, const struct projection_change *told,
		      int64_t sequence)
{
	const char *sid = told->call_sid[0] != '\0' ? told->call_sid : told->recording_sid;
	struct live_change *change;

	changes->sequence = sequence;
	if (told->what & PROJECTED_ALL) {
		forget_all(changes);
		changes->more += LIVE_CHANGES_MAX;
		return;
	}
	if (!(told->what & (PROJECTED_CALL | PROJECTED_RECORDING)) || sid[0] == '\0')
		return;
	if (changes->more > 0) {
		changes->more++;
		return;
	}
	change = find_or_add(changes, sid);
	change->what |= told->what;
	change->sequence = sequence;
	list_remove(&change->link);
	list_append(&changes->list, &change->link);
	if (changes->count > LIVE_CHANGES_MAX) {
		changes->more = changes->count;
		forget_all(changes);
	}
}
