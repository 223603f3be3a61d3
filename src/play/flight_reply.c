#include "play/flight_reply.h"

#include "event/loop.h"
#include "http/reply.h"
#include "play/media_reply.h"

#define SEEK_AGAIN_MS 1000

void flight_reply_init(struct flight_reply *reply, struct exchange *x, struct parked *parked,
		       struct player *player)
{
	*reply = (struct flight_reply){ .x = x, .parked = parked, .player = player };
}

static void begun(struct flight_reply *reply, const struct news *now, uint64_t arrived,
		  bool is_ahead)
{
	reply->generation = now->media.generation;
	reply->arrived = arrived;
	reply->is_ahead = is_ahead;
}

/* The first byte is ahead of the flight: sends from the part that has it, or asks for such a part. */
static enum flight_reply_begun begin_ahead(struct flight_reply *reply, const struct news *now,
					   const struct media_reply *wanted, uint64_t byte)
{
	const struct news_seek *seek = wanted->ranges.count == 1 ? news_seek_with(now, byte) : NULL;
	int64_t now_ms = loop_now_ms(exchange_loop(reply->x));
	struct media media;

	if (!seek) {
		if (now_ms - reply->sought_at_ms >= SEEK_AGAIN_MS) {
			reply->sought_at_ms = now_ms;
			player_seek(reply->player, byte);
		}
		return FLIGHT_REPLY_NOT_YET;
	}
	media = now->media;
	media.fd = seek->fd;
	reply->player->seek_id = seek->id;
	begun(reply, now, seek->arrived, true);
	return media_reply_send_growing(reply->x, &media, wanted, seek->arrived, reply->parked)
		       ? FLIGHT_REPLY_GOES_ON
		       : FLIGHT_REPLY_WHOLE;
}

enum flight_reply_begun flight_reply_begin(struct flight_reply *reply, const struct news *now,
					   bool may_chunk)
{
	struct media_reply wanted;
	uint64_t needs;

	if (now->media.size == MEDIA_SIZE_UNKNOWN) {
		if (!may_chunk)
			return FLIGHT_REPLY_NOT_YET;
		begun(reply, now, now->arrived, false);
		media_reply_send_chunked(reply->x, &now->media, now->arrived, now->is_complete,
					 reply->parked);
		return FLIGHT_REPLY_GOES_ON;
	}
	media_reply_choose(reply->x, &now->media, &wanted);
	needs = media_reply_needs(reply->x, &wanted);
	if (needs > now->arrived)
		return begin_ahead(reply, now, &wanted, needs - 1);
	begun(reply, now, now->arrived, false);
	return media_reply_send_growing(reply->x, &now->media, &wanted, now->arrived, reply->parked)
		       ? FLIGHT_REPLY_GOES_ON
		       : FLIGHT_REPLY_WHOLE;
}

bool flight_reply_is_of(const struct flight_reply *reply, const struct news *now)
{
	return now->is_flowing && now->media.generation == reply->generation;
}

void flight_reply_moved(struct flight_reply *reply, const struct news *now)
{
	if (reply->is_ahead && now->arrived > reply->arrived) {
		exchange_switch_file(reply->x, now->media.fd);
		reply->player->seek_id = 0;
		reply->is_ahead = false;
	}
	reply->arrived = reply->is_ahead
				 ? news_seek_arrived(now, reply->player->seek_id, reply->arrived)
				 : now->arrived;
	exchange_arrived(reply->x, reply->arrived, now->is_complete);
}
