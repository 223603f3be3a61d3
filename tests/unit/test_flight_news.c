#include "flights/flight_private.h"

#include "media/arriving.h"
#include "one_flight.h"

#include <fcntl.h>

/* An update of one serving loop, and how often it came there. */
static struct flight_update update;
static int came;

static void update_came(struct mail *mail)
{
	came++;
}

static bool it_came(void)
{
	return came > 0;
}

/* The mirror sends it back, and it comes again with news. */
static const struct news *news(void)
{
	came = 0;
	flight_take_update(flight, &update);
	until(it_came);
	return &update.news;
}

static bool a_turn_is_over;

static void turn_is_over(struct timer *timer)
{
	a_turn_is_over = true;
}

static bool is_turn_over(void)
{
	return a_turn_is_over;
}

/* The mirror sends it back; true: it stays with the flight, because nothing is new. */
static bool stays(void)
{
	struct timer timer = { 0 };

	came = 0;
	flight_take_update(flight, &update);
	a_turn_is_over = false;
	timer_start(env.loop, &timer, 1, turn_is_over);
	until(is_turn_over);
	return came == 0;
}

static void join(void)
{
	update = (struct flight_update){ .mirror_mailbox = env.mailbox,
					 .came_to_mirror = update_came,
					 .news.media.fd = -1 };
	list_init(&update.link);
	memcpy(update.recording_sid, RECORDING, SID_SIZE);
	flight->mirror_count++;
}

static bool is_arriving(void)
{
	return flight->state == FLIGHT_ARRIVING && flight->arrival.file->size == 4000;
}

/* 4000 bytes have come, and the upstream says nothing more. */
static void arrive_in_part(void)
{
	upstream_answers(RANGED, str_first(whole, 4000), THEN_HANG);
	fly_begin();
	until(is_arriving);
}

static void test_flowing(void)
{
	char bytes[4] = "";
	int fd;

	begin_anew();
	join();
	OK(stays(), "nothing is known of it: nothing is said");
	arrive_in_part();
	until(it_came);
	OK(update.news.is_flowing && update.news.arrived > 0, "its first bytes are audio: told");
	if (update.news.arrived < 4000)
		news();
	IS_INT(update.news.arrived, 4000, "all that came may be sent");
	IS_INT(update.news.media.size, 6191, "of so much in all");
	IS_STR(str_of(update.news.media.recording_sid), STR(RECORDING), "of which recording");
	IS_STR(str_of(update.news.media.call_sid), STR(CALL), "of which call");
	IS_STR(str_of(update.news.media.format), STR("mp3"), "what it is");
	IS_INT(update.news.media.channels, 1, "with how many channels");
	IS_INT(update.news.media.generation, flight->generation, "of which generation");
	OK(strstr(update.news.media.etag, RECORDING), "its ETag");
	IS_INT(update.news.media.modified_at_ms, flight->generation_at_ms, "since when");
	IS_INT(update.news.media.kept.started_at_ms, recorded().started_at_ms,
	       "the recording's start");
	OK(!update.news.is_complete && !update.news.is_last, "more is to come");
	OK(update.news.reason_text[0] == '\0' && !update.news.is_pointless, "nothing is wrong");
	fd = update.generation_sent == flight->generation ? update.news.media.fd : -1;
	OK(stays(), "nothing more has come: it waits with the flight");
	OK(fd < 0 || (pread(fd, bytes, 3, 0) == 3 && memcmp(bytes, whole.at, 3) == 0),
	   "by its descriptor the media is read");
	if (fd >= 0)
		close(fd);
}

/* Of the parts ahead, a descriptor comes once, then how far they are. */
static void test_seeks(void)
{
	struct seek *seek = &flight->seeks.at[1];
	const struct news_seek *told = &update.news.seeks[1];
	int fd;

	flight->seeks.at[1] = (struct seek){ .id = 5,
					     .fd = open("/dev/zero", O_RDONLY | O_CLOEXEC),
					     .first = 5000,
					     .arrived = 5100 };
	list_remove(&update.link);
	news();
	OK(told->id == 5 && told->first == 5000 && told->arrived == 5100, "a part ahead is told");
	OK(told->fd >= 0 && told->fd != seek->fd, "with a descriptor of its own");
	IS_INT(update.news.seeks[0].id, 0, "the other place is free");
	IS_INT(update.news.media.fd, -1, "the flight's own descriptor is not given again");
	fd = told->fd;
	OK(stays(), "it has not moved: nothing is said");
	seek->arrived = 5200;
	list_remove(&update.link);
	news();
	OK(told->arrived == 5200 && told->fd < 0, "it has moved: told, without another descriptor");
	close(fd);
	seek->id = 6;
	news();
	OK(told->id == 6 && told->fd >= 0, "another part: a descriptor of its own");
	close(told->fd);
	close(seek->fd);
	*seek = (struct seek){ .fd = -1 };
	news();
	IS_INT(told->id, 0, "it has ended: told");
}

/* While its last byte may still turn out to be wrong, it is held back. */
static void test_last_byte(void)
{
	uint64_t length = flight->arrival.length;

	flight->arrival.length = 4000;
	news();
	IS_INT(update.news.arrived, 3999, "all is here, but not kept yet: the last byte waits");
	OK(!update.news.is_complete, "nor is it called complete");
	flight->arrival.length = DOWNLOAD_LENGTH_UNKNOWN;
	news();
	IS_INT(update.news.arrived, 4000, "no length is known: all that came may be sent");
	OK(update.news.media.size == MEDIA_SIZE_UNKNOWN && update.news.media.etag[0] == '\0',
	   "under no ETag");
	flight->arrival.length = length;
	flight_set_reason(flight, "internal", "Something is wrong.", false);
	news();
	OK(strcmp(update.news.reason_code, "internal") == 0 &&
		   strcmp(update.news.reason_text, "Something is wrong.") == 0,
	   "what is wrong is told");
	OK(!update.news.is_pointless, "and that to wait may help");
	OK(stays(), "once");
	flight_set_reason(flight, "internal", "Something is wrong.", true);
	list_remove(&update.link);
	news();
	OK(update.news.is_pointless, "that it does not is told, too");
	flight_clear_reason(flight);
	news();
	OK(update.news.reason_text[0] == '\0' && update.news.reason_code[0] == '\0' &&
		   !update.news.is_pointless,
	   "and that all is well again");
}

static void test_stored(void)
{
	begin_anew();
	join();
	OK(stays(), "a new flight");
	fly_on(WHOLE, whole);
	until(it_came);
	while (!update.news.is_last)
		news();
	OK(update.news.is_complete && update.news.is_flowing, "stored: complete");
	IS_INT(update.news.arrived, whole.len, "to the last byte");
	IS_INT(update.news.media.size, whole.len, "of so much");
	IS_INT(flight->mirror_count, 0, "the mirror has heard the last");
	OK(flight_is_done(flight), "the flight may be freed");
	if (update.news.media.fd >= 0)
		close(update.news.media.fd);
}

static void test_given_up(void)
{
	begin_anew();
	join();
	OK(stays(), "a new flight");
	fly_on("HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n", STR_NONE);
	until(it_came);
	OK(update.news.is_last && !update.news.is_complete && !update.news.is_flowing,
	   "gone: the last news, without media");
	IS_STR(str_of(update.news.reason_code), STR("gone"), "and why");
	OK(update.news.is_pointless, "for good");
}

/* Other processes are told of what is fetched here, and of nothing else. */
static void test_of_peer(void)
{
	begin_anew();
	join();
	update.is_of_peer = true;
	flight->holds_lease = true;
	OK(stays(), "what is to be fetched here is waited for");
	flight->holds_lease = false;
	list_remove(&update.link);
	news();
	OK(update.news.is_elsewhere && update.news.is_last && !update.news.is_flowing,
	   "what is fetched elsewhere is not passed on");
	IS_INT(flight->mirror_count, 0, "and the flight knows nothing of it any more");
	update.is_of_peer = false;
}

static bool is_shown(uint64_t bytes)
{
	struct arriving shown;

	return arriving_find(env.arriving, STR(RECORDING), &shown) && shown.bytes == bytes &&
	       shown.total == 6191 && str_eq(str_of(shown.call_sid), STR(CALL)) &&
	       shown.started_at_ms == recorded().started_at_ms;
}

/* For whoever looks at all of them: as long as it arrives, and no longer. */
static void test_shown(void)
{
	struct arriving shown;

	env.arriving = arriving_table_new();
	begin_anew();
	OK(!arriving_find(env.arriving, STR(RECORDING), &shown), "it waits: nothing arrives");
	arrive_in_part();
	OK(is_shown(4000), "it is so far, of so much");
	begin_anew();
	OK(!arriving_find(env.arriving, STR(RECORDING), &shown), "the flight is no more");
	fly_on(WHOLE, whole);
	OK(flight->state == FLIGHT_STORED && !flight->is_shown, "it is here");
	OK(!arriving_find(env.arriving, STR(RECORDING), &shown), "it arrives no longer");
	arriving_table_free(TAKE(env.arriving));
}

int main(void)
{
	one_flight_start();
	test_flowing();
	test_seeks();
	test_last_byte();
	list_remove(&update.link);
	test_stored();
	test_given_up();
	test_of_peer();
	test_shown();
	return one_flight_stop();
}
