/*
 * Who is told what, and when: a hub on a ledger that runs, with clients that only keep what they are told.  The clocks are
 * put forward by the linker (tests/unit/meson.build), so that nobody waits for 25 s.
 */
#include "live/live_hub.h"

#include "accounts/credentials.h"
#include "api/web.h"
#include "catalog/events.h"
#include "running_ledger.h"

#define CROWD 200

int64_t __real_clock_monotonic_us(void);
int64_t __real_clock_wall_ms(void);
int64_t __wrap_clock_monotonic_us(void);
int64_t __wrap_clock_wall_ms(void);

void __real_ledger_read(struct ledger *to, struct ledger_job *job);
void __wrap_ledger_read(struct ledger *to, struct ledger_job *job);

static _Atomic int64_t ahead_us;
static unsigned reads;

void __wrap_ledger_read(struct ledger *to, struct ledger_job *job)
{
	reads++;
	__real_ledger_read(to, job);
}

int64_t __wrap_clock_monotonic_us(void)
{
	return __real_clock_monotonic_us() + ahead_us;
}

int64_t __wrap_clock_wall_ms(void)
{
	return __real_clock_wall_ms() + ahead_us / 1000;
}

/* ---- clients ---- */

struct client {
	struct live_client live;
	bool is_stuck;    /* it takes nothing */
	int64_t takes_us; /* what sending it something costs */
	unsigned looks;   /* whether it can be told something */
	unsigned messages;
	unsigned order; /* of its last message among those of all */
	char last[4096];
	int end; /* enum live_end, or -1 */
};

static struct web web;
static struct web_counts counts;
static struct live_hub *hub;
static unsigned said;

static struct client *client_of(struct live_client *live)
{
	return container_of(live, struct client, live);
}

static bool is_ready(struct live_client *live)
{
	client_of(live)->looks++;
	return !client_of(live)->is_stuck;
}

static bool keep(struct live_client *live, struct str json)
{
	struct client *client = client_of(live);

	ahead_us += client->takes_us;
	client->messages++;
	client->order = ++said;
	str_fit(json, client->last, sizeof(client->last));
	return true;
}

static void ended(struct live_client *live, enum live_end why)
{
	client_of(live)->end = (int)why;
	live_hub_leave(live);
}

static bool answer(struct live_client *live, struct str json)
{
	keep(live, json);
	live_hub_leave(live);
	return true;
}

static const struct live_channel socket_channel = { .is_ready = is_ready,
						    .send = keep,
						    .end = ended };
static const struct live_channel poll_channel = {
	.is_ready = is_ready, .send = answer, .end = ended, .is_one_answer = true
};

static void join(struct client *client, const struct live_channel *channel, int64_t told)
{
	*client = (struct client){ .end = -1, .live = { .channel = channel, .told = told } };
	live_hub_join(hub, &client->live);
}

static struct client *awaited;
static unsigned awaited_messages;

static bool has_come(void)
{
	return awaited->messages >= awaited_messages || awaited->end >= 0;
}

/* So many messages in all, or its end. */
static bool comes(struct client *client, unsigned messages)
{
	awaited = client;
	awaited_messages = messages;
	return until(has_come);
}

static bool is_looked_at;

static bool has_been_looked_at(void)
{
	bool was = is_looked_at;

	is_looked_at = true;
	return was;
}

/* The clocks go on, and the hub has had its turn. */
static void pass(int64_t ms)
{
	ahead_us += ms * 1000;
	for (int i = 0; i < 2; i++) {
		is_looked_at = false;
		until(has_been_looked_at);
	}
}

/* ---- calls ---- */

struct telling {
	struct ledger_job job;
	unsigned first, count;
	int64_t before;
	bool is_done;
};
static struct telling telling;

static bool run_telling(struct ledger_job *job, struct catalog *catalog, struct err *cause)
{
	for (unsigned i = 0; i < telling.count; i++) {
		struct event event;
		char sid[SID_SIZE];
		int64_t seq;

		snprintf(sid, sizeof(sid), "CA%032u", telling.first + i);
		event_init(&event, EVENT_CALL_STATUS, 1700000000000);
		event.call_sid = str_of(sid);
		event.status = STR("ringing");
		if (!events_append(catalog, &event, &seq, cause))
			return false;
	}
	return true;
}

static void telling_done(struct ledger_job *job)
{
	telling.is_done = true;
}

/* It is committed, worked into calls, and the feed was told. */
static bool is_told(void)
{
	return telling.is_done && live_hub_sequence(hub) >= telling.before + telling.count;
}

static void tell_calls(unsigned first, unsigned count)
{
	telling = (struct telling){ .first = first,
				    .count = count,
				    .before = live_hub_sequence(hub) };
	telling.job =
		(struct ledger_job){ .run = run_telling, .done = telling_done, .reply = mailbox };
	ledger_write(ledger, &telling.job);
	until(is_told);
}

/* ---- */

static void test_time(void)
{
	struct client socket, poll, first, asked, over;
	int64_t now = live_hub_sequence(hub);

	join(&socket, &socket_channel, now);
	OK(socket.messages == 1 && strstr(socket.last, "{\"seq\":") == socket.last,
	   "a number at once");
	join(&poll, &poll_channel, now);
	IS_INT(poll.messages, 0, "a poll waits");
	join(&first, &poll_channel, now);
	live_hub_leave(&first.live);
	first = (struct client){
		.end = -1, .live = { .channel = &poll_channel, .told = now, .is_new = true }
	};
	live_hub_join(hub, &first.live);
	IS_INT(first.messages, 1, "unless it has no number yet");
	IS_INT(gauge_read(&counts.live_sockets), 1, "one is here by socket");
	IS_INT(gauge_read(&counts.live_polls), 1, "one by poll");
	pass(LIVE_QUIET_MS - 1000);
	IS_INT(socket.messages, 1, "nothing happens, and nothing is said");
	pass(1001);
	OK(comes(&socket, 2) && strstr(socket.last, "{\"seq\":") == socket.last,
	   "within 15 s it is said that nothing happened");
	IS_INT(poll.messages, 0, "a poll waits on");
	pass(LIVE_POLL_MS - LIVE_QUIET_MS);
	OK(comes(&poll, 1) && strstr(poll.last, "{\"seq\":") == poll.last,
	   "and is answered after 25 s");
	join(&asked, &poll_channel, now);
	asked.live.who = (struct known){ .kind = 1,
					 .expires_s = (uint32_t)(clock_wall_ms() / 1000) + 5,
					 .idle_s = UINT32_MAX };
	pass(7000);
	OK(comes(&asked, 1) && asked.end < 0,
	   "who is to be asked for again is answered, and may show again who it is");
	join(&over, &socket_channel, now);
	over.live.who = (struct known){ .kind = 1,
					.expires_s = (uint32_t)(clock_wall_ms() / 1000) + 60,
					.idle_s = UINT32_MAX };
	pass(59000);
	IS_INT(over.end, -1, "who may follow for a minute does");
	pass(3000);
	OK(comes(&over, 1000) && over.end == LIVE_END_SIGNED_OUT, "and then no longer");
	IS_INT(gauge_read(&counts.live_polls), 0, "who has gone is not counted");
	live_hub_leave(&socket.live);
	live_hub_leave(&socket.live);
	IS_INT(gauge_read(&counts.live_sockets), 0, "not even twice");
}

static void test_changes(void)
{
	struct client one, two, stuck, poll, back;
	int64_t now = live_hub_sequence(hub);

	join(&one, &socket_channel, now);
	join(&two, &socket_channel, now);
	join(&stuck, &socket_channel, now);
	join(&poll, &poll_channel, now);
	stuck.is_stuck = true;
	tell_calls(0, 3);
	pass(LIVE_TICK_MS);
	OK(comes(&one, 2) && comes(&two, 2), "all are told");
	IS_STR(str_of(one.last), str_of(two.last), "the same");
	OK(strstr(one.last, "CA00000000000000000000000000000002") &&
		   strstr(one.last, "\"gone\":[]"),
	   "what has changed");
	OK(comes(&poll, 1) && strstr(poll.last, "CA00000000000000000000000000000002"),
	   "the poll is answered with it");
	IS_INT(stuck.messages, 1, "but for who takes nothing");
	stuck.is_stuck = false;
	pass(LIVE_TICK_MS);
	OK(comes(&stuck, 2) && strstr(stuck.last, "\"more\":3"), "who is told how much it was");
	join(&back, &socket_channel, now);
	OK(comes(&back, 1), "who comes back with the old number");
	IS_STR(str_of(back.last), str_of(one.last), "is told the same, too");
	pass(LIVE_TICK_MS);
	pass(LIVE_TICK_MS);
	OK(back.messages == 1 && one.messages == 2, "nobody is told it twice");
	live_hub_ask_anew(&back.live, now);
	OK(comes(&back, 2) && strstr(back.last, "CA00000000000000000000000000000001"),
	   "but who asks anew, from before it");
	live_hub_leave(&back.live);
	join(&back, &socket_channel, live_hub_sequence(hub) + 1);
	OK(comes(&back, 1) && strstr(back.last, "\"reset\":true"), "a number that never was");
	OK(live_hub_sequence(hub) == back.live.told, "is brought back");
	live_hub_leave(&back.live);
	join(&back, &socket_channel, now);
	live_hub_leave(&back.live);
	pass(LIVE_TICK_MS);
	IS_INT(back.messages, 0, "who leaves before it was read is told nothing");
	live_hub_leave(&one.live);
	live_hub_leave(&two.live);
	live_hub_leave(&stuck.live);
}

static void test_late(void)
{
	struct client here, stuck;
	int64_t now = live_hub_sequence(hub);

	join(&here, &socket_channel, now);
	join(&stuck, &socket_channel, now);
	stuck.is_stuck = true;
	tell_calls(3, 2);
	pass(LIVE_TICK_MS);
	OK(comes(&here, 2), "others are told");
	stuck.is_stuck = false;
	live_hub_ask_anew(&stuck.live, stuck.live.told);
	pass(LIVE_TICK_MS);
	OK(comes(&stuck, 2) && strstr(stuck.last, "\"more\":2"),
	   "who could not be told, and asks for something else, hears no number before how much it was");
	stuck.is_stuck = true;
	tell_calls(5, 1);
	pass(LIVE_TICK_MS);
	OK(comes(&here, 3), "others are told of the next");
	stuck.is_stuck = false;
	live_hub_ask_anew(&stuck.live, stuck.live.told - 1);
	OK(comes(&stuck, 3) && strstr(stuck.last, "\"calls\":["),
	   "who goes back before it is told it");
	live_hub_leave(&here.live);
	live_hub_leave(&stuck.live);
}

/* ---- somebody whose missed calls take longer to read than the news of all others ---- */

#define READERS 2
#define MISSED  (LIVE_READ_ROWS + 6) /* in two pieces */

static struct {
	struct ledger_job jobs[READERS];
	pthread_mutex_t shut;
	unsigned done;
} held = { .shut = PTHREAD_MUTEX_INITIALIZER };

static bool run_held(struct ledger_job *job, struct catalog *catalog, struct err *cause)
{
	pthread_mutex_lock(&held.shut);
	pthread_mutex_unlock(&held.shut);
	return true;
}

static void held_done(struct ledger_job *job)
{
	held.done++;
}

static bool has_held(void)
{
	return held.done == READERS;
}

static void hold_readers(void)
{
	pthread_mutex_lock(&held.shut);
	held.done = 0;
	for (int i = 0; i < READERS; i++) {
		held.jobs[i] =
			(struct ledger_job){ .run = run_held, .done = held_done, .reply = mailbox };
		ledger_read(ledger, &held.jobs[i]);
	}
}

static void test_overtaken(void)
{
	int64_t now = live_hub_sequence(hub);
	struct client here, back;

	tell_calls(10, MISSED);
	join(&here, &socket_channel, live_hub_sequence(hub));
	hold_readers();
	join(&back, &socket_channel, now);
	tell_calls(99, 1);
	pass(LIVE_TICK_MS); /* the news is asked for behind the first piece, and before the second */
	IS_INT(back.messages, 0, "it is being read what was missed");
	pthread_mutex_unlock(&held.shut);
	OK(comes(&here, 2) && strstr(here.last, "CA00000000000000000000000000000099"),
	   "others are told the news meanwhile");
	OK(comes(&back, 2) && strstr(back.last, "CA00000000000000000000000000000099"),
	   "who was reading is told it, too, behind what was missed");
	live_hub_leave(&here.live);
	live_hub_leave(&back.live);
}

static void test_greedy(void)
{
	int64_t now = live_hub_sequence(hub);
	struct client greedy, back;

	tell_calls(95, 3);
	hold_readers();
	join(&greedy, &socket_channel, INT64_MAX);
	join(&back, &socket_channel, now);
	live_hub_ask_anew(&greedy.live, INT64_MAX - 1);
	pthread_mutex_unlock(&held.shut);
	OK(comes(&back, 1) && comes(&greedy, 1) && back.order < greedy.order,
	   "who asks for something else while it is being read for waits behind the others");
	back.live.rows_left = 1;
	back.live.rows_at_ms = clock_monotonic_us() / 1000 + 3600000; /* nothing is earned */
	live_hub_ask_anew(&back.live, now);
	OK(comes(&back, 2) && strstr(back.last, "\"more\":3"), "and earns no rows by asking");
	live_hub_leave(&greedy.live);
	live_hub_leave(&back.live);
}

static void test_too_much(void)
{
	int64_t first = live_hub_sequence(hub), second;
	struct client greedy, little, much;

	tell_calls(1000, 300);
	tell_calls(1300, 300);
	second = live_hub_sequence(hub);
	tell_calls(1600, 1);
	hold_readers();
	join(&greedy, &socket_channel, INT64_MAX);
	join(&little, &socket_channel, second);
	join(&much, &socket_channel, first);
	pthread_mutex_unlock(&held.shut);
	OK(comes(&much, 1) && strstr(much.last, "\"more\":601"),
	   "who missed much is told how much");
	OK(comes(&little, 1) && strstr(little.last, "CA00000000000000000000000000001600"),
	   "who missed little and waits beside them what it was");
	live_hub_leave(&greedy.live);
	live_hub_leave(&little.live);
	live_hub_leave(&much.live);
}

static void test_slow_reads(void)
{
	struct client socket, poll, over;

	join(&socket, &socket_channel, live_hub_sequence(hub));
	join(&poll, &poll_channel, live_hub_sequence(hub));
	join(&over, &socket_channel, live_hub_sequence(hub));
	over.live.who = (struct known){ .kind = 1,
					.expires_s = (uint32_t)(clock_wall_ms() / 1000) + 10,
					.idle_s = UINT32_MAX };
	hold_readers();
	tell_calls(777777, 1);
	pass(2 * LIVE_TICK_MS); /* a reader is asked for it */
	socket.looks = 0;
	pass(LIVE_POLL_MS + 1000);
	IS_INT(over.end, LIVE_END_SIGNED_OUT, "who follows is signed out in time");
	OK(poll.messages == 1 && strstr(poll.last, "{\"seq\":") == poll.last,
	   "a poll is answered in time, though what has changed cannot be read");
	OK(socket.looks > 0, "a socket is looked after");
	pthread_mutex_unlock(&held.shut);
	OK(comes(&socket, socket.messages + 1), "and told once it was read");
	OK(until(has_held), "by readers that are free again");
	live_hub_leave(&socket.live);

	hold_readers();
	join(&socket, &socket_channel, INT64_MAX);
	join(&poll, &poll_channel, INT64_MAX);
	join(&over, &socket_channel, INT64_MAX);
	over.live.who = (struct known){ .kind = 1,
					.expires_s = (uint32_t)(clock_wall_ms() / 1000) + 10,
					.idle_s = UINT32_MAX };
	pass(LIVE_POLL_MS + 1000);
	IS_INT(over.end, LIVE_END_SIGNED_OUT, "who waits for a reader is signed out in time");
	OK(poll.messages == 1 && strstr(poll.last, "{\"seq\":") == poll.last,
	   "a poll that waits for one is answered in time");
	OK(socket.looks > 0 && socket.messages == 0, "a socket is looked after, and told nothing");
	pthread_mutex_unlock(&held.shut);
	OK(comes(&socket, 1), "until it was read");
	live_hub_leave(&socket.live);
}

static void test_unreadable(void)
{
	struct client back;

	sql("ALTER TABLE turns RENAME TO turns_away");
	join(&back, &socket_channel, INT64_MAX);
	OK(comes(&back, 1) && strstr(back.last, "\"reset\":true"),
	   "a number that the ledger cannot be asked for is none");
	IS_INT(back.live.told, live_hub_sequence(hub), "and is brought back");
	sql("ALTER TABLE turns_away RENAME TO turns");
	live_hub_leave(&back.live);
}

/* ---- a crowd, of whom each takes half a millisecond ---- */

static struct client crowd[CROWD];
static unsigned turns;
static struct timer turn_timer;

static void count_turn(struct timer *timer)
{
	turns++;
	timer_start(loop, timer, 0, count_turn);
}

static bool has_all(void)
{
	for (int i = 0; i < CROWD; i++)
		if (crowd[i].messages < 2)
			return false;
	return true;
}

static bool has_first(void)
{
	for (int i = 0; i < CROWD; i++)
		if (crowd[i].messages < 1)
			return false;
	return true;
}

/* All come back at once: half of them have missed more than the others. */
static void test_storm(void)
{
	int64_t first = live_hub_sequence(hub), second;
	unsigned right = 0;

	tell_calls(110, 1);
	second = live_hub_sequence(hub);
	tell_calls(111, 1);
	hold_readers();
	reads = 0;
	for (int i = 0; i < CROWD; i++) {
		join(&crowd[i], &socket_channel, i % 2 ? first : second);
		crowd[i].takes_us = LIVE_TURN_US / 2;
	}
	turns = 0;
	timer_start(loop, &turn_timer, 0, count_turn);
	pthread_mutex_unlock(&held.shut);
	OK(until(has_first), "all who come back are told");
	timer_stop(&turn_timer);
	IS_INT(reads, 2, "what they missed is read for the first, and for all others");
	OK(turns >= CROWD / 4, "and others have had their turns between (%u)", turns);
	for (int i = 0; i < CROWD; i++) {
		right += strstr(crowd[i].last, "CA00000000000000000000000000000111") &&
			 (i % 2 == 1) == (strstr(crowd[i].last,
						 "CA00000000000000000000000000000110") != NULL);
		live_hub_leave(&crowd[i].live);
	}
	IS_INT(right, CROWD, "each of what they missed, and of nothing else");
}

static void join_as(struct client *client, uint8_t kind, uint64_t user_id, uint64_t credential_id)
{
	*client = (struct client){ .end = -1,
				   .live = { .channel = &socket_channel,
					     .told = live_hub_sequence(hub),
					     .who = { .kind = kind,
						      .user_id = user_id,
						      .credential_id = credential_id,
						      .expires_s = UINT32_MAX,
						      .idle_s = UINT32_MAX } } };
	live_hub_join(hub, &client->live);
}

/* A user has several sessions; a token of theirs is somebody else. */
static void test_of_user(void)
{
	struct known user = { .kind = CREDENTIAL_SESSION, .user_id = 7, .credential_id = 99 };
	struct known token = { .kind = CREDENTIAL_TOKEN, .user_id = 7, .credential_id = 7 };
	struct known other = { .kind = CREDENTIAL_SESSION, .user_id = 8, .credential_id = 1 };
	struct known nobody = { .kind = 0 };
	int i;

	for (i = 0; i < CROWD && live_hub_room(hub, &user) == LIVE_ROOM; i++)
		join_as(&crowd[i], CREDENTIAL_SESSION, 7, (uint64_t)(i % 3));
	IS_INT(i, 100, "a user is told in so many places");
	IS_INT(live_hub_room(hub, &user), LIVE_FULL_OF_USER, "and no more");
	IS_INT(live_hub_room(hub, &token), LIVE_ROOM, "a program of theirs is another");
	IS_INT(live_hub_room(hub, &other), LIVE_ROOM, "so is who has the same number of session");
	IS_INT(live_hub_room(hub, &nobody), LIVE_ROOM, "who is nobody is not counted");
	live_hub_leave(&crowd[0].live);
	live_hub_leave(&crowd[0].live);
	IS_INT(live_hub_room(hub, &user), LIVE_ROOM, "who leaves makes room");
	join_as(&crowd[0], CREDENTIAL_SESSION, 7, 5);
	IS_INT(live_hub_room(hub, &user), LIVE_FULL_OF_USER, "for one");
	while (i > 0)
		live_hub_leave(&crowd[--i].live);
}

static void test_crowd(void)
{
	int64_t now = live_hub_sequence(hub);
	struct known who = { .kind = 0 };
	unsigned left = 0;

	for (int i = 0; i < CROWD; i++) {
		join(&crowd[i], &socket_channel, now);
		crowd[i].takes_us = LIVE_TURN_US / 2;
	}
	tell_calls(100, 1);
	ahead_us += LIVE_TICK_MS * 1000;
	turns = 0;
	timer_start(loop, &turn_timer, 0, count_turn);
	OK(until(has_all), "all of them are told");
	timer_stop(&turn_timer);
	OK(turns >= CROWD / 4, "and others have had their turns between (%u)", turns);
	IS_INT(live_hub_room(hub, &who), LIVE_FULL, "no more than are let in");
	live_hub_stop(hub, true);
	for (int i = 0; i < CROWD; i++)
		left += crowd[i].end == LIVE_END_RESTART;
	IS_INT(left, CROWD, "at the end all are told why");
	IS_INT(live_hub_room(hub, &who), LIVE_STOPPED, "and nobody comes in any more");
}

int main(void)
{
	running_open();
	web.ledger = ledger;
	web.options.events_max = CROWD;
	hub = live_hub_new(&web, loop, mailbox, &counts);
	MUST(ledger_start(ledger, &err));
	test_time();
	test_changes();
	test_late();
	test_overtaken();
	test_greedy();
	test_too_much();
	test_slow_reads();
	test_unreadable();
	test_storm();
	test_of_user();
	test_crowd();
	ledger_stop(ledger);
	mailbox_drain(mailbox);
	live_hub_free(hub);
	running_remove();
	return tap_end();
}
