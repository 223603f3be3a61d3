#include "spool/mirror.h"

#include "base/mem.h"
#include "spool/spool.h"

#include <stdlib.h>
#include <unistd.h>

struct mirrors {
	struct map by_recording;
	struct mailbox *mailbox;
	struct spool *spool;
	void (*prepare)(struct media *media);
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
static void note_used(const struct mirror *mirror, struct baton *baton)
{
	memset(baton->seeks_used, 0, sizeof(baton->seeks_used));
	LIST_EACH (item, &mirror->players) {
		uint32_t id = container_of(item, struct player, link)->seek_id;

		for (int i = 0; i < SEEKS_MAX && id != 0; i++)
			if (mirror->now.seeks[i].id == id)
				baton->seeks_used[i] = id;
	}
}

static void baton_came(struct mail *mail)
{
	struct baton *baton = container_of(mail, struct baton, mail);
	struct mirror *mirror = baton->mirror;

	take_news(mirror, &baton->news);
	tell_players(mirror);
	if (mirror->now.is_last) {
		mirror_free(mirror);
		free(baton);
		return;
	}
	note_used(mirror, baton);
	spool_take_baton(baton);
}

static struct baton *baton_new(struct mirror *mirror, const struct recording *recording)
{
	struct baton *baton = xcalloc(1, sizeof(*baton));

	baton->mirror = mirror;
	baton->mirror_mailbox = mirror->owner->mailbox;
	baton->spool = mirror->owner->spool;
	baton->came_to_mirror = baton_came;
	baton->news.media.fd = -1;
	memcpy(baton->recording_sid, recording->recording_sid, SID_SIZE);
	memcpy(baton->call_sid, recording->call_sid, SID_SIZE);
	memcpy(baton->account_sid, recording->account_sid, SID_SIZE);
	return baton;
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
		spool_take_baton(baton_new(mirror, recording));
	} else {
		spool_nudge(mirrors->spool, recording->recording_sid);
	}
	player->mirror = mirror;
	list_append(&mirror->players, &player->link);
	return mirror;
}

void player_seek(struct player *player, uint64_t byte)
{
	struct mirror *mirror = player->mirror;

	if (mirror)
		spool_seek(mirror->owner->spool, mirror->recording_sid,
			   mirror->now.media.generation, byte);
}

void player_leave(struct player *player)
{
	if (!player->mirror)
		return;
	list_remove(&player->link);
	player->mirror = NULL;
}

struct mirrors *mirrors_new(struct mailbox *mailbox, struct spool *spool,
			    void (*prepare)(struct media *media))
{
	struct mirrors *mirrors = xcalloc(1, sizeof(*mirrors));

	*mirrors = (struct mirrors){ .mailbox = mailbox, .spool = spool, .prepare = prepare };
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
