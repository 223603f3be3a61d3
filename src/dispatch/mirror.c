#include "dispatch/mirror.h"

#include "base/mem.h"
#include "dispatch/fetcher.h"

#include <stdlib.h>
#include <unistd.h>

struct mirrors {
	struct map by_recording;
	struct mailbox *mailbox;
	struct fetcher *fetcher;
	void (*prepare)(struct media *media);
	enum mirrors_kind kind;
};

/* Keeps the descriptors of the parts that it has; closes those of the parts that are no more. */
static void take_seeks(struct mirror *mirror, const struct news_seek before[SEEKS_MAX])
{
	for (int i = 0; i < SEEKS_MAX; i++) {
		struct news_seek *now = &mirror->now.seeks[i];

		if (before[i].id == 0)
			continue;
		if (now->id == before[i].id && now->fd < 0)
			now->fd = before[i].fd;
		else
			close(before[i].fd);
	}
}

static void mirror_free(struct mirror *mirror)
{
	map_remove(&mirror->owner->by_recording, &mirror->node);
	media_close(&mirror->now.media);
	for (int i = 0; i < SEEKS_MAX; i++)
		if (mirror->now.seeks[i].id != 0)
			close(mirror->now.seeks[i].fd);
	free(mirror);
}

/* Takes the news over; keeps the descriptor and the prepared head of a generation that it has. */
static void take_news(struct mirror *mirror, struct news *news)
{
	struct media *now = &mirror->now.media;
	struct media before = *now;
	struct news_seek seeks[SEEKS_MAX];

	memcpy(seeks, mirror->now.seeks, sizeof(seeks));
	mirror->now = *news;
	take_seeks(mirror, seeks);
	news->media.fd = -1;
	if (now->fd < 0)
		now->fd = before.fd;
	else
		media_close(&before);
	if (!news->is_flowing || !mirror->owner->prepare)
		return;
	if (before.lines_len > 0 && before.generation == now->generation &&
	    before.size == now->size) {
		memcpy(now->lines, before.lines, before.lines_len);
		now->lines_len = before.lines_len;
		now->common_len = before.common_len;
	} else {
		mirror->owner->prepare(now);
	}
}

static void tell_players(struct mirror *mirror)
{
	LIST_EACH (item, &mirror->players) {
		struct player *player = container_of(item, struct player, link);

		if (mirror->now.is_last) {
			list_remove(item);
			player->mirror = NULL;
		}
		player->moved(player, mirror);
	}
}

/* Of which parts players are being sent: the others may make room. */
static void note_used(const struct mirror *mirror, struct flight_update *update)
{
	memset(update->seeks_used, 0, sizeof(update->seeks_used));
	LIST_EACH (item, &mirror->players) {
		uint32_t id = container_of(item, struct player, link)->seek_id;

		for (int i = 0; i < SEEKS_MAX && id != 0; i++)
			if (mirror->now.seeks[i].id == id)
				update->seeks_used[i] = id;
	}
}

static void update_came(struct mail *mail)
{
	struct flight_update *update = container_of(mail, struct flight_update, mail);
	struct mirror *mirror = update->mirror;

	/* Whoever leaves because of this news may come again in a moment, and be told it at once. */
	update->is_left = list_is_empty(&mirror->players);
	take_news(mirror, &update->news);
	tell_players(mirror);
	if (mirror->now.is_last) {
		mirror_free(mirror);
		free(update);
		return;
	}
	note_used(mirror, update);
	if (update->is_left)
		mirror_free(mirror);
	fetcher_take_update(update);
}

static struct flight_update *update_new(struct mirror *mirror, const struct recording *recording,
					const struct player *player)
{
	struct flight_update *update = xcalloc(1, sizeof(*update));

	update->mirror = mirror;
	update->mirror_mailbox = mirror->owner->mailbox;
	update->fetcher = mirror->owner->fetcher;
	update->came_to_mirror = update_came;
	update->is_of_peer = mirror->owner->kind == MIRRORS_OF_PEERS;
	update->news.media.fd = -1;
	if (player->request_id)
		str_fit(str_of(player->request_id), update->request_id, sizeof(update->request_id));
	if (recording->state == RECORDING_WAITING) {
		update->recorded = (struct recorded_wait){
			.next_try_at_ms = recording->next_try_at_ms,
			.waiting_since_ms = recording->waiting_since_ms,
			.rule = recording->wait_rule,
		};
		memcpy(update->recorded.reason_code, recording->reason_code,
		       sizeof(recording->reason_code));
		memcpy(update->recorded.reason_text, recording->reason_text,
		       sizeof(recording->reason_text));
	}
	memcpy(update->recording_sid, recording->recording_sid, SID_SIZE);
	memcpy(update->call_sid, recording->call_sid, SID_SIZE);
	memcpy(update->account_sid, recording->account_sid, SID_SIZE);
	return update;
}

const struct mirror *mirror_join(struct mirrors *mirrors, const struct recording *recording,
				 struct player *player)
{
	struct map_node *node = map_find(&mirrors->by_recording, str_of(recording->recording_sid));
	struct mirror *mirror = node ? container_of(node, struct mirror, node) : NULL;

	if (!mirror) {
		mirror = xcalloc(1, sizeof(*mirror));
		mirror->owner = mirrors;
		mirror->now.media.fd = -1;
		memcpy(mirror->recording_sid, recording->recording_sid, SID_SIZE);
		list_init(&mirror->players);
		map_add(&mirrors->by_recording, &mirror->node, str_of(mirror->recording_sid));
		fetcher_take_update(update_new(mirror, recording, player));
	} else {
		fetcher_nudge(mirrors->fetcher, recording->recording_sid);
	}
	player->mirror = mirror;
	list_append(&mirror->players, &player->link);
	return mirror;
}

void player_seek(struct player *player, uint64_t byte)
{
	struct mirror *mirror = player->mirror;

	if (mirror)
		fetcher_seek(mirror->owner->fetcher, mirror->recording_sid,
			     mirror->now.media.generation, byte);
}

void player_leave(struct player *player)
{
	if (!player->mirror)
		return;
	list_remove(&player->link);
	player->mirror = NULL;
}

const struct news_seek *news_seek_with(const struct news *now, uint64_t byte)
{
	for (int i = 0; i < SEEKS_MAX; i++)
		if (now->seeks[i].id != 0 && now->seeks[i].first <= byte &&
		    byte < now->seeks[i].arrived)
			return &now->seeks[i];
	return NULL;
}

uint64_t news_seek_arrived(const struct news *now, uint32_t id, uint64_t otherwise)
{
	for (int i = 0; i < SEEKS_MAX; i++)
		if (now->seeks[i].id == id)
			return now->seeks[i].arrived;
	return otherwise;
}

struct mirrors *mirrors_new(struct mailbox *mailbox, struct fetcher *fetcher,
			    enum mirrors_kind kind, void (*prepare)(struct media *media))
{
	struct mirrors *mirrors = xcalloc(1, sizeof(*mirrors));

	*mirrors = (struct mirrors){
		.mailbox = mailbox, .fetcher = fetcher, .prepare = prepare, .kind = kind
	};
	map_init(&mirrors->by_recording);
	return mirrors;
}

void mirrors_free(struct mirrors *mirrors)
{
	struct map_node *node;

	if (!mirrors)
		return;
	while ((node = map_any(&mirrors->by_recording)) != NULL)
		mirror_free(container_of(node, struct mirror, node));
	map_release(&mirrors->by_recording);
	free(mirrors);
}
