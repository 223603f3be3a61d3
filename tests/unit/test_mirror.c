#include "dispatch/mirror.h"

#include "base/mem.h"
#include "base/own.h"
#include "dispatch/fetcher.h"
#include "event/loop.h"
#include "tap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define RECORDING "RE8a00000000000000000000000000000b"
#define CALL      "CA3F00000000000000000000000000000a"
#define ACCOUNT   "AC00000000000000000000000000000001"

/* ---- the fetcher, as this serving loop sees it: what it was asked for ---- */

static struct {
	int updates, nudges, seeks;
	struct flight_update *update; /* the last one that came */
	char sid[SID_SIZE];           /* of the last nudge or seek */
	int64_t generation;
	uint64_t byte;
} asked;

void fetcher_take_update(struct flight_update *update)
{
	asked.updates++;
	asked.update = update;
}

void fetcher_nudge(struct fetcher *fetcher, const char *recording_sid)
{
	asked.nudges++;
	memcpy(asked.sid, recording_sid, SID_SIZE);
}

void fetcher_seek(struct fetcher *fetcher, const char *recording_sid, int64_t generation,
		  uint64_t byte)
{
	asked.seeks++;
	memcpy(asked.sid, recording_sid, SID_SIZE);
	asked.generation = generation;
	asked.byte = byte;
}

/* ---- the players ---- */

static int prepared;

static void prepare(struct media *media)
{
	prepared++;
	media->lines_len =
		(size_t)snprintf(media->lines, sizeof(media->lines), "head %d", prepared);
	media->common_len = 4;
}

struct listener {
	struct player player;
	int moves;
	bool was_last, leaves;
	const struct mirror *mirror;
};

static void moved(struct player *player, const struct mirror *mirror)
{
	struct listener *listener = container_of(player, struct listener, player);

	listener->moves++;
	listener->was_last = mirror->now.is_last;
	listener->mirror = mirror;
	if (listener->leaves)
		player_leave(player);
}

static struct mirrors *mirrors;
static struct listener one, two;

static const struct mirror *join(struct listener *listener, const struct recording *recording)
{
	*listener = (struct listener){ .player.moved = moved };
	return mirror_join(mirrors, recording, &listener->player);
}

static int file(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

/* The flight sends the update back with news. */
static void send(const struct news *news)
{
	struct flight_update *update = asked.update;

	update->news = *news;
	update->came_to_mirror(&update->mail);
}

static struct recording recording = { .recording_sid = RECORDING,
				      .call_sid = CALL,
				      .account_sid = ACCOUNT,
				      .state = RECORDING_QUEUED };

static void test_join(void)
{
	const struct mirror *mirror = join(&one, &recording);
	struct recording other = recording;

	OK(asked.updates == 1 && asked.nudges == 0,
	   "the first player: an update goes to the flight");
	IS_STR(str_of(asked.update->recording_sid), STR(RECORDING), "of that recording");
	IS_STR(str_of(asked.update->call_sid), STR(CALL), "of that call");
	IS_STR(str_of(asked.update->account_sid), STR(ACCOUNT), "of that account");
	IS_INT(asked.update->recorded.next_try_at_ms, 0, "which does not wait");
	OK(!mirror->now.is_flowing && mirror->now.media.fd < 0, "nothing is known of it");
	IS_INT(asked.update->news.media.fd, -1, "and no file of it goes along");
	IS_INT(one.moves, 0, "nothing is told from inside");
	OK(join(&two, &recording) == mirror, "a second player joins the same mirror");
	OK(asked.updates == 1 && asked.nudges == 1 && strcmp(asked.sid, RECORDING) == 0,
	   "and brings the next try forward");
	player_leave(&two.player);
	other.recording_sid[33] = 'c';
	other.state = RECORDING_WAITING;
	other.next_try_at_ms = 5000;
	other.waiting_since_ms = 4000;
	other.wait_rule = RECORDING_WAIT_AS_TOLD;
	snprintf(other.reason_code, sizeof(other.reason_code), "%s", "upstream_unavailable");
	snprintf(other.reason_text, sizeof(other.reason_text), "%s", "Twilio is down.");

	struct flight_update *first = asked.update;

	OK(join(&two, &other) != mirror && asked.updates == 2, "another recording: another mirror");
	OK(asked.update->recorded.next_try_at_ms == 5000 &&
		   asked.update->recorded.waiting_since_ms == 4000 &&
		   asked.update->recorded.rule == RECORDING_WAIT_AS_TOLD,
	   "how its row waits goes along");
	OK(strcmp(asked.update->recorded.reason_code, "upstream_unavailable") == 0 &&
		   strcmp(asked.update->recorded.reason_text, "Twilio is down.") == 0,
	   "and why");
	send(&(struct news){ .media.fd = -1, .is_last = true });
	asked.update = first;
	OK(two.moves == 1 && two.was_last && !two.player.mirror, "its end is told, and it is left");
}

/* What came before is kept where the news brings nothing in its place. */
static void test_news(void)
{
	int first = file(), second = file();
	struct news news = { .is_flowing = true,
			     .media = { .fd = first, .generation = 7, .size = 1000 },
			     .arrived = 10 };

	send(&news);
	OK(one.moves == 1 && one.mirror->now.arrived == 10 && !one.was_last, "news is told");
	IS_INT(one.mirror->now.media.fd, first, "with the descriptor");
	IS_INT(asked.updates, 3, "and the update returns to the flight");
	IS_INT(asked.update->news.media.fd, -1, "without it");
	IS_STR(str_of(one.mirror->now.media.lines), STR("head 1"), "the head is prepared");
	news.media.fd = -1;
	news.arrived = 20;
	send(&news);
	OK(one.mirror->now.media.fd == first && one.mirror->now.arrived == 20,
	   "further: by the same descriptor");
	OK(prepared == 1 && strcmp(one.mirror->now.media.lines, "head 1") == 0 &&
		   one.mirror->now.media.lines_len == 6 && one.mirror->now.media.common_len == 4,
	   "with the same head");
	news.media.size = 2000;
	send(&news);
	IS_INT(prepared, 2, "another length: another head");
	news.media.generation = 8;
	news.media.fd = second;
	send(&news);
	OK(one.mirror->now.media.fd == second && !is_open(first),
	   "another generation: by another descriptor, the first is closed");
	IS_INT(prepared, 3, "and with another head");
	news.is_flowing = false;
	news.media = (struct media){ .fd = -1 };
	send(&news);
	OK(prepared == 3 && one.mirror->now.media.fd == second,
	   "nothing flows: nothing is prepared");
	news = (struct news){ .is_flowing = true,
			      .media = { .fd = -1, .generation = 8, .size = 2000 } };
	send(&news);
	IS_INT(prepared, 4, "it flows again");
}

static void test_seeks(void)
{
	int first = file(), second = file(), third = file();
	struct news news = { .is_flowing = true,
			     .media = { .fd = -1, .generation = 8, .size = 2000 },
			     .seeks = { { .id = 3, .fd = first, .arrived = 100 },
					{ .id = 4, .fd = second } } };

	send(&news);
	OK(one.mirror->now.seeks[0].fd == first && one.mirror->now.seeks[1].fd == second,
	   "parts ahead, each with its descriptor");
	OK(asked.update->seeks_used[0] == 0 && asked.update->seeks_used[1] == 0,
	   "nobody is on them");
	one.player.seek_id = 4;
	news.seeks[0].fd = news.seeks[1].fd = -1;
	news.seeks[0].arrived = 200;
	send(&news);
	OK(one.mirror->now.seeks[0].fd == first && one.mirror->now.seeks[0].arrived == 200,
	   "further: by the same descriptors");
	OK(asked.update->seeks_used[0] == 0 && asked.update->seeks_used[1] == 4,
	   "the one that a player is on is told to the flight");
	news.seeks[0] = (struct news_seek){ .id = 5, .fd = third };
	send(&news);
	OK(one.mirror->now.seeks[0].fd == third && !is_open(first) && is_open(second),
	   "another in its place: its descriptor is closed");
	one.player.seek_id = 0;
	news.seeks[0] = news.seeks[1] = (struct news_seek){ .fd = -1 };
	send(&news);
	OK(!is_open(second) && !is_open(third), "they have ended: closed");
	IS_INT(asked.update->seeks_used[1], 0, "nobody is on them any more");
}

static void test_player(void)
{
	player_seek(&one.player, 1234);
	OK(asked.seeks == 1 && asked.byte == 1234 && asked.generation == 8 &&
		   strcmp(asked.sid, RECORDING) == 0,
	   "a byte far ahead is asked for, of the bytes that the player hears");
	join(&two, &recording);
	two.leaves = true;
	one.moves = 0;
	send(&(struct news){ .media.fd = -1 });
	OK(one.moves == 1 && two.moves == 1 && !two.player.mirror, "one leaves when it is told");
	send(&(struct news){ .media.fd = -1 });
	OK(one.moves == 2 && two.moves == 1, "then it hears no more");
	player_leave(&two.player);
	player_seek(&two.player, 99);
	IS_INT(asked.seeks, 1, "nor can it ask for anything");
}

static void test_last(void)
{
	int fd = file(), part = file(), updates = asked.updates;

	send(&(struct news){ .media.fd = fd, .seeks[1] = { .id = 9, .fd = part } });
	updates = asked.updates;
	send(&(struct news){ .media.fd = -1, .seeks[1] = { .id = 9, .fd = -1 }, .is_last = true });
	OK(one.was_last && !one.player.mirror, "the last news: players hear it, and are off");
	OK(!is_open(fd) && !is_open(part), "all descriptors are closed");
	IS_INT(asked.updates, updates, "the update is no more");
	join(&one, &recording);
	IS_INT(asked.updates, updates + 1, "who comes now begins anew");
}

/* What nobody plays here any more is told to the flight once, with the next news. */
static void test_left(void)
{
	int fd = file(), part = file(), updates = asked.updates;
	struct flight_update *left = asked.update;

	send(&(struct news){ .media.fd = fd, .seeks[0] = { .id = 6, .fd = part } });
	OK(!asked.update->is_left && asked.updates == ++updates, "somebody plays it");
	player_leave(&one.player);
	IS_INT(asked.updates, updates, "that he leaves is no message");
	join(&two, &recording);
	two.leaves = true;
	send(&(struct news){ .media.fd = -1, .seeks[0] = { .id = 6, .fd = -1 } });
	OK(!left->is_left && asked.updates == ++updates && is_open(fd),
	   "the last one leaves when he is told: who comes after him is told it as well");
	send(&(struct news){ .media.fd = -1, .seeks[0] = { .id = 6, .fd = -1 } });
	OK(left->is_left && asked.updates == ++updates,
	   "nobody does: the update says so, for the last time");
	OK(!is_open(fd) && !is_open(part), "the mirror is no more, nor its descriptors");
	join(&one, &recording);
	OK(asked.updates == updates + 1 && asked.update != left && !asked.update->is_left,
	   "who comes then makes another, with an update of its own");
	free(left);
}

/* The loop ends before the flight does. */
static void test_freed(void)
{
	int fd = file(), part = file();

	send(&(struct news){ .media.fd = fd, .seeks[0] = { .id = 2, .fd = part } });
	mirrors_free(mirrors);
	OK(!is_open(fd) && !is_open(part), "freed with its descriptors");
	free(asked.update);
	mirrors_free(NULL);
}

int main(void)
{
	mirrors = mirrors_new(NULL, NULL, MIRRORS_OF_PLAYERS, prepare);
	test_join();
	test_news();
	test_seeks();
	test_player();
	test_last();
	test_left();
	test_freed();
	return tap_end();
}
