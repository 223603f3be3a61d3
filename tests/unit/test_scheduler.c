#include "dispatch/scheduler.h"

#include "blob/blob_local.h"
#include "cluster/leases.h"
#include "fetch/fetch.h"
#include "flights/flight_private.h"
#include "peer/peers.h"
#include "queue_fixture.h"
#include "rest/upstream.h"
#include "tap.h"
#include "twilio/accounts.h"

#include <netinet/in.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>

/* Whom Twilio leaves without an answer; whom it does not even let connect. */
#define SILENT  "AC00000000000000000000000000000001"
#define REFUSED "AC00000000000000000000000000000002"
/* Silent, too, until the test says what came back: what 429 does to its limit is its own. */
#define TOLD "AC00000000000000000000000000000003"

static struct scheduler *scheduler;
static int last_news, news;
static struct account accounts_at[3];
static const struct accounts accounts = { .at = accounts_at, .count = ARRAY_LEN(accounts_at) };
static int silent_fd;

/* In place of the ledger's (see meson.build): what one claim finds, who has a lease, and how many were given back. */
static atomic_uint claims, lease_ends;
static atomic_bool has_row, has_holder;
static struct queue_row row;
static struct lease_holder holder;

bool __real_leases_claim(struct catalog *catalog, const struct queue_claim *claim,
			 struct queue_row *out, size_t *out_count, struct leases_asked *asked,
			 struct err *err);
bool __wrap_leases_claim(struct catalog *catalog, const struct queue_claim *claim,
			 struct queue_row *out, size_t *out_count, struct leases_asked *asked,
			 struct err *err);
bool __wrap_leases_claim(struct catalog *catalog, const struct queue_claim *claim,
			 struct queue_row *out, size_t *out_count, struct leases_asked *asked,
			 struct err *err)
{
	claims++;
	if (!has_row)
		return __real_leases_claim(catalog, claim, out, out_count, asked, err);
	*out = row;
	*out_count = 1;
	has_row = false;
	return true;
}

bool __real_lease_end(struct catalog *catalog, struct str recording_sid, struct err *err);
bool __wrap_lease_end(struct catalog *catalog, struct str recording_sid, struct err *err);
bool __wrap_lease_end(struct catalog *catalog, struct str recording_sid, struct err *err)
{
	lease_ends++;
	return __real_lease_end(catalog, recording_sid, err);
}

bool __real_lease_find_holder(struct catalog *catalog, struct str recording_sid,
			      struct lease_holder *out, struct err *err);
bool __wrap_lease_find_holder(struct catalog *catalog, struct str recording_sid,
			      struct lease_holder *out, struct err *err);
bool __wrap_lease_find_holder(struct catalog *catalog, struct str recording_sid,
			      struct lease_holder *out, struct err *err)
{
	if (!has_holder)
		return __real_lease_find_holder(catalog, recording_sid, out, err);
	*out = holder;
	return true;
}

/* Updates that are with their mirrors; the others are freed with their flights. */
static struct list at_mirrors;

static void update_came(struct mail *mail)
{
	struct flight_update *update = container_of(mail, struct flight_update, mail);

	list_append(&at_mirrors, &update->link);
	last_news += update->news.is_last;
	news++;
}

static struct flight_update *update_new(unsigned n, const char *account_sid)
{
	struct flight_update *update = xcalloc(1, sizeof(*update));

	update->mirror_mailbox = env.mailbox;
	update->came_to_mirror = update_came;
	update->news.media.fd = -1;
	snprintf(update->recording_sid, SID_SIZE, "RE%032x", n);
	snprintf(update->call_sid, SID_SIZE, "CA%032x", n);
	memcpy(update->account_sid, account_sid, SID_SIZE);
	return update;
}

/* Goes to its flight, which is returned. */
static struct flight *take(struct flight_update *update)
{
	if (update->link.next)
		list_remove(&update->link);
	scheduler_take_update(scheduler, update);
	return update->flight;
}

static struct scheduler_counts counted(void)
{
	struct scheduler_counts counts;

	scheduler_counts(scheduler, &counts);
	return counts;
}

static struct timer turn_timer;

static void turn_over(struct timer *timer)
{
	loop_stop(env.loop);
}

static void turn(void)
{
	timer_start(env.loop, &turn_timer, 1, turn_over);
	loop_run(env.loop);
}

static void turn_often(void)
{
	for (int i = 0; i < 20; i++)
		turn();
}

/* As if all of it had arrived. */
static void land(struct flight *flight)
{
	flight_enter(flight, FLIGHT_CHECKING);
	flight_enter(flight, FLIGHT_SEALING);
	flight->owner->landed(flight);
}

static bool none_is_here(void)
{
	return counted().flying + counted().queued + counted().waiting == 0;
}

static int64_t attempts(void)
{
	return plant_number("SELECT count(*) FROM attempts");
}

static const char RETRIED_BY[REQUEST_ID_SIZE] = "retried-by";

static int64_t before; /* so many of the tests above */

static bool one_attempt(void)
{
	return attempts() == before + 1 && none_is_here();
}

static bool two_attempts(void)
{
	return attempts() == before + 2;
}

/* Nothing is wanted of it any more, and its flight will find out. */
static void give_up_one(unsigned n)
{
	char sid[SID_SIZE];

	snprintf(sid, SID_SIZE, "RE%032x", n);
	plant_sql("UPDATE recordings SET next_try_at_ms = NULL, state = 3");
	scheduler_retry(scheduler, sid, RETRIED_BY);
}

static void give_up(unsigned n)
{
	give_up_one(n);
	await(none_is_here);
}

/* A slot is for asking Twilio; who waits for our disk has given it back. */
static void test_landed(void)
{
	struct flight *flight;

	before = attempts();
	for (unsigned n = 1; n <= 9; n++)
		plant_recording(n, SILENT, clock_wall_ms() - 1000 + n);
	scheduler_wake(scheduler);
	await(two_attempts);
	OK(counted().flying == 2 && counted().queued == 0,
	   "as many fly as may; the others are rows, and nothing else");
	IS_INT(plant_number(
		       "SELECT count(*) FROM attempts a JOIN recordings r ON r.id = "
		       "a.recording_id WHERE r.recording_sid < 'RE00000000000000000000000000000003'"),
	       2, "the two that have been due longest");

	flight = take(update_new(9, SILENT));
	turn();
	OK(counted().flying == 3 && flight->state == FLIGHT_ASKING,
	   "the last of them goes first when a player wants it, in a slot for players");
	flight = take(update_new(1, SILENT));
	OK(flight->state == FLIGHT_ASKING, "one flight a recording: the player joins it");
	scheduler_retry(scheduler, flight->recording_sid, RETRIED_BY);
	OK(strcmp(flight->request_id, RETRIED_BY) == 0,
	   "a retry comes behind the claim that it led to: the flight is that request's");
	land(flight);
	IS_INT(counted().flying, 2, "it has landed: its slot is free");
}

static bool three_attempts(void)
{
	return attempts() == before + 3;
}

static bool four_attempts(void)
{
	return attempts() == before + 4;
}

static void test_landed_twice(void)
{
	struct flight *flight;

	land(take(update_new(2, SILENT)));
	land(take(update_new(9, SILENT)));
	await(three_attempts);
	turn();
	OK(attempts() == before + 3 && counted().flying == 0 && counted().queued == 0,
	   "as many wait for the disk as may fly: none begins");
	flight = take(update_new(5, SILENT));
	await(four_attempts);
	OK(flight->state == FLIGHT_ASKING, "but for players");
}

/* What fails and has no player leaves nothing but its row. */
static void test_failed(void)
{
	before = attempts();
	plant_recording(20, REFUSED, clock_wall_ms() - 1);
	scheduler_wake(scheduler);
	await(one_attempt);
	OK(plant_number("SELECT state = 2 AND next_try_at_ms - waiting_since_ms > 59000 "
			"FROM recordings WHERE recording_sid LIKE '%14'") == 1,
	   "it waits in the ledger, for as long as the back-off says");
	scheduler_wake(scheduler);
	turn();
	OK(attempts() == before + 1, "and is not claimed before that");
}

static struct flight *joined;

static bool one_flies(void)
{
	return counted().flying == 1;
}

static bool two_fly(void)
{
	return counted().flying >= 2;
}

static bool it_waits(void)
{
	return joined->state == FLIGHT_WAITING;
}

static int64_t next_try_in_ms(void)
{
	return joined->timer.at_ms - loop_now_ms(env.loop);
}

/* Whoever waits, and since when: within 5 s of the last try Twilio is asked again. */
static void test_players_bring_forward(void)
{
	plant_recording(21, REFUSED, clock_wall_ms() - 1);
	joined = take(update_new(21, REFUSED));
	await(it_waits);
	OK(next_try_in_ms() > 0 && next_try_in_ms() <= 5000,
	   "the wait of a minute is one of 5 s, because a player waits: %lld ms",
	   (long long)next_try_in_ms());
	give_up(21);
}

/* It was told something: its mirror finds that nobody plays it there any more. */
static void mirror_leaves(struct flight_update *update)
{
	list_remove(&update->link);
	update->is_left = true;
	scheduler_take_update(scheduler, update);
}

static bool has_news(void)
{
	return news > 0;
}

static unsigned claims_before;
static int64_t patience_ends_at_ms;

static bool claimed_in_time(void)
{
	return claims > claims_before || clock_monotonic_ms() > patience_ends_at_ms;
}

/* The queue is looked at, by itself. */
static bool is_claimed_again(void)
{
	patience_ends_at_ms = clock_monotonic_ms() + 10000;
	await(claimed_in_time);
	return claims > claims_before;
}

/* A play is over: the next try is no sooner than the ledger says. */
static void test_players_leave(void)
{
	static const struct {
		bool is_of_peer, another_plays, is_left;
		const char *why;
	} cases[] = {
		{ false, false, true, "nobody waits for it any more: it is only a row" },
		{ false, true, false, "somebody else does, on another loop: it stays" },
		{ true, false, false, "another process may ask again in a moment: it stays" },
	};

	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		struct flight_update *update = update_new(25 + i, REFUSED);

		plant_recording(25 + i, REFUSED, clock_wall_ms() - 1);
		news = 0;
		joined = take(update);
		if (cases[i].another_plays)
			take(update_new(25 + i, REFUSED));
		await(it_waits);
		await(has_news);
		turn_often();
		update->is_of_peer = cases[i].is_of_peer;
		claims_before = claims;
		mirror_leaves(update);
		OK(none_is_here() == cases[i].is_left, "%s", cases[i].why);
		if (cases[i].is_left)
			OK(is_claimed_again() &&
				   plant_number("SELECT state = 2 AND next_try_at_ms - "
						"waiting_since_ms > 59000 FROM recordings "
						"WHERE recording_sid LIKE '%19'") == 1,
			   "which waits as the back-off says, and the queue is looked at");
		else
			give_up(25 + i);
	}
}

static bool it_is_asked(void)
{
	return joined->try && joined->try->download.transfer;
}

/* A try ends while a player listens: by Retry-After it waits as long as it was told to. */
static void test_players_wait_as_told(void)
{
	static const struct {
		struct verdict verdict;
		int64_t wait_ms, least_ms, most_ms;
		const char *why;
	} cases[] = {
		{ { .meaning = VERDICT_DOWN }, 600000, 0, 5000, "503: again in 5 s" },
		{ { .meaning = VERDICT_DOWN, .at_least_ms = 60000 },
		  600000,
		  59000,
		  60000,
		  "503 with Retry-After: as long as it says, and no longer" },
		{ { .meaning = VERDICT_LIMITED }, 600000, 599000, 600000, "429: the whole wait" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		plant_recording(22 + (unsigned)i, TOLD, clock_wall_ms() - 1);
		joined = take(update_new(22 + (unsigned)i, TOLD));
		await(it_is_asked);
		joined->try->verdict = cases[i].verdict;
		flight_end_turn(joined, FLIGHT_WAITING, cases[i].wait_ms);
		OK(next_try_in_ms() >= cases[i].least_ms && next_try_in_ms() <= cases[i].most_ms,
		   "%s: %lld ms", cases[i].why, (long long)next_try_in_ms());
		give_up(22 + (unsigned)i);
	}
}

/* A player comes to what is only a row, and waits for its next try. */
static void test_bring_in(void)
{
	static const struct {
		enum recording_wait_rule rule;
		int64_t waited_ms, wait_ms, least_ms, most_ms;
		bool is_pointless;
		const char *why;
	} cases[] = {
		{ RECORDING_WAIT_SHORTENED, 60000, 600000, -5, 5, false,
		  "a play brings it forward" },
		{ RECORDING_WAIT_SHORTENED, 2000, 600000, 2000, 3000, false, "once in 5 s" },
		{ RECORDING_WAIT_AS_TOLD, 60000, 600000, 590000, 600000, false,
		  "not where Twilio asked us to wait" },
		{ RECORDING_WAIT_POINTLESS, 60000, 600000, 590000, 600000, true,
		  "not where it would be in vain: the play is told so" },
		{ RECORDING_WAIT_SHORTENED, -60000, 600000, -5, 5, false,
		  "the clock was set back meanwhile: at once" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t now_ms = clock_wall_ms();
		struct flight_update *player = update_new(30 + (unsigned)i, SILENT);

		news = 0;
		player->recorded = (struct recorded_wait){
			.next_try_at_ms = now_ms + cases[i].wait_ms,
			.waiting_since_ms = now_ms - cases[i].waited_ms,
			.rule = cases[i].rule,
			.reason_code = "upstream_unavailable",
			.reason_text = "Twilio did not answer in time.",
		};
		joined = take(player);
		OK(joined->state == FLIGHT_WAITING && next_try_in_ms() >= cases[i].least_ms &&
			   next_try_in_ms() <= cases[i].most_ms,
		   "%s: in %lld ms", cases[i].why, (long long)next_try_in_ms());
		turn();
		OK(news > 0 && player->news.is_pointless == cases[i].is_pointless &&
			   strcmp(player->news.reason_code, "upstream_unavailable") == 0,
		   "and hears why it waits");
		give_up(30 + (unsigned)i);
	}
}

/* They leave while it is tried, or before it is. */
static void test_players_leave_early(void)
{
	struct flight_update *update = update_new(28, SILENT);

	plant_recording(28, SILENT, clock_wall_ms() - 1);
	news = 0;
	joined = take(update);
	await(it_is_asked);
	flight_tell(joined);
	await(has_news);
	mirror_leaves(update);
	OK(joined->state == FLIGHT_ASKING && joined->rank == FLIGHT_NEW,
	   "while it is tried: the try goes on, as of one that nobody waits for");
	flight_end_turn(joined, FLIGHT_WAITING, 600000);
	give_up(28);

	update = update_new(29, SILENT);
	plant_recording(29, SILENT, clock_wall_ms() + 600000);
	news = 0;
	joined = take(update);
	flight_tell(joined);
	mailbox_drain(env.mailbox);
	OK(news > 0 && joined->state == FLIGHT_QUEUED, "one that stands in line");
	mirror_leaves(update);
	OK(none_is_here(), "is a row again");
}

static bool heard_three(void)
{
	return last_news == 3;
}

static bool heard_one(void)
{
	return last_news == 1;
}

/*
 * A flight that is over lives on until every mirror has brought its update and heard so.  What is
 * wanted of the recording meanwhile is wanted of the next flight.
 */
static void test_wanted_again(void)
{
	struct flight_update *away = update_new(40, SILENT);
	struct flight *first, *second;

	last_news = 0;
	first = take(away);
	flight_tell(first);
	turn(); /* it is with its mirror */
	take(update_new(40, SILENT));
	await(heard_one); /* the ledger has no such recording: the flight ends */
	OK(none_is_here(), "the flight is over, one mirror has not heard");
	second = take(update_new(40, SILENT));
	OK(second != first && counted().queued == 1, "a new flight begins");
	OK(take(away) == first, "the mirror that was away brings its update to the old one");
	await(heard_three); /* of the new one, too */
	OK(away->news.is_last, "and hears its end");
	give_up(40);
}

/* Another process asks for what is not fetched here: no flight is made for it. */
static void test_of_peer(void)
{
	struct flight_update *update = update_new(41, SILENT), *second = update_new(42, SILENT);

	last_news = 0;
	update->is_of_peer = second->is_of_peer = true;
	scheduler_take_update(scheduler, update);
	await(heard_one);
	OK(update->news.is_elsewhere && none_is_here(), "it is told so, and nothing is begun");
	plant_recording(42, SILENT, clock_wall_ms() - 1);
	joined = take(update_new(42, SILENT));
	await(it_is_asked);
	last_news = 0;
	OK(take(second) == joined && last_news == 0, "what is fetched here it follows");
	joined->holds_lease = false;
	flight_tell(joined);
	await(heard_one);
	OK(second->news.is_elsewhere, "as long as this process has the lease");
	flight_end_turn(joined, FLIGHT_WAITING, 600000);
	give_up(42);
}

/* What a claim took is fetched here from the claim on, whether or not its attempt is written yet. */
static void test_claimed_of_peer(void)
{
	struct flight_update *update = update_new(43, SILENT);
	struct err err;

	before = attempts();
	plant_recording(43, SILENT, clock_wall_ms() - 1);
	must(catalog_begin(plant, &err), &err); /* nobody else writes meanwhile */
	scheduler_wake(scheduler);
	await(one_flies);
	last_news = 0;
	update->is_of_peer = true;
	joined = take(update);
	OK(joined != NULL && last_news == 0, "what a claim took other processes may follow");
	IS_INT(attempts(), before, "at once");
	must(catalog_commit(plant, &err), &err);
	if (!joined)
		joined = take(update_new(43, SILENT));
	await(it_is_asked);
	flight_end_turn(joined, FLIGHT_WAITING, 600000);
	give_up(43);
}

static int64_t attempts_of(unsigned n)
{
	AUTO(db_stmt_reset) struct db_stmt *count = NULL;
	char sid[SID_SIZE];
	struct err err;

	snprintf(sid, sizeof(sid), "RE%032x", n);
	must(db_prepare(plant->db,
			"SELECT count(*) FROM attempts a JOIN recordings r ON r.id = "
			"a.recording_id WHERE r.recording_sid = $1",
			&count, &err),
	     &err);
	db_bind_str(count, 1, str_of(sid));
	must(db_step(count, &err) == DB_ROW, &err);
	return db_column_int(count, 0);
}

static bool the_fourth_flies(void)
{
	return attempts_of(103) == 1 && counted().flying >= 3;
}

/* Twilio limits one account: the slots that it has no use of are the others'. */
static void test_of_account(void)
{
	static const char *const account_of[] = { TOLD, TOLD, SILENT, SILENT, TOLD };
	struct flight *waits;

	env.options.concurrency = 4;
	scheduler_change(scheduler);
	for (unsigned i = 0; i < 3; i++)
		plant_recording(100 + i, account_of[i], clock_wall_ms() - 1000 + i);
	scheduler_wake(scheduler);
	await(two_fly);
	plant_recording(103, SILENT, clock_wall_ms() - 1);
	scheduler_wake(scheduler);
	await(the_fourth_flies);
	OK(attempts_of(100) == 1 && attempts_of(102) == 1, "one of each account");
	IS_INT(attempts_of(101), 0, "the second of an account with one slot waits");
	joined = take(update_new(101, TOLD));
	await(it_is_asked);
	IS_INT(counted().flying, 4, "until a player wants it, in a slot for players");
	plant_recording(104, TOLD, clock_wall_ms() + 600000);
	waits = take(update_new(104, TOLD));
	turn();
	OK(waits->state == FLIGHT_QUEUED && counted().flying == 4,
	   "of which that account has one, though the others have not used theirs");
	for (unsigned i = 0; i < ARRAY_LEN(account_of); i++) {
		joined = take(update_new(100 + i, account_of[i]));
		await(it_is_asked);
		flight_end_turn(joined, FLIGHT_WAITING, 600000);
	}
	env.options.concurrency = 2;
	scheduler_change(scheduler);
	for (unsigned i = 0; i < ARRAY_LEN(account_of); i++)
		give_up_one(100 + i);
	await(none_is_here);
}

static bool it_has_no_slot(void)
{
	return joined->state == FLIGHT_QUEUED && joined->is_nobodys;
}

static bool waits_in_time(void)
{
	return joined->state == FLIGHT_WAITING || clock_monotonic_ms() > patience_ends_at_ms;
}

static bool stored_in_time(void)
{
	return joined->state == FLIGHT_STORED || clock_monotonic_ms() > patience_ends_at_ms;
}

/* It was told once that nobody fetches it; brings its update back. */
static bool hears_it_stored(struct flight_update *update)
{
	patience_ends_at_ms = clock_monotonic_ms() + 10000;
	await(stored_in_time);
	if (joined->state != FLIGHT_STORED)
		return false;
	last_news = 0;
	take(update);
	await(heard_one);
	return update->news.is_last;
}

/* All slots are taken; nobody fetches recording n when it is looked at, and then it is stored by another process. */
static struct flight_update *stored_meanwhile(unsigned n)
{
	struct flight_update *update = update_new(n, SILENT);
	AUTO(free) char *stored = NULL;

	plant_recording(n, SILENT, clock_wall_ms() + 600000);
	joined = take(update);
	await(it_has_no_slot);
	stored = xasprintf("UPDATE recordings SET next_try_at_ms = NULL, state = 3 "
			   "WHERE recording_sid = 'RE%032x'",
			   n);
	plant_sql(stored);
	return update;
}

static struct flight *flying[3];

/* Others have all slots, and other processes can be asked. */
static void take_slots(unsigned n)
{
	struct err err;

	for (unsigned i = 0; i < ARRAY_LEN(flying); i++) {
		plant_recording(n + i, SILENT, clock_wall_ms() - 1);
		flying[i] = joined = take(update_new(n + i, SILENT));
		await(it_is_asked);
	}
	must(peers_new(env.loop, &env.peers, &err), &err);
}

static void free_slots(unsigned n)
{
	for (unsigned i = 0; i < ARRAY_LEN(flying); i++)
		flight_end_turn(flying[i], FLIGHT_WAITING, 600000);
	peers_free(TAKE(env.peers));
	for (unsigned i = 0; i < ARRAY_LEN(flying); i++)
		give_up(n + i);
}

/* Nobody fetched it, and there is no slot for it here: another process may fetch it by now. */
static void test_no_slot(void)
{
	struct flight_update *update;

	take_slots(50);
	update = stored_meanwhile(60);
	scheduler_stored(scheduler, update->recording_sid);
	OK(hears_it_stored(update), "that it is stored is told to its players");
	update = stored_meanwhile(61);
	OK(hears_it_stored(update), "and found out where nobody says so");
	free_slots(50);
}

static bool it_is_held_back(void)
{
	return joined->state == FLIGHT_WAITING;
}

static int64_t unflown_wanted, turns_before;

static bool it_is_given_back(void)
{
	return plant_number("SELECT count(*) FROM attempts WHERE detail = 'no request was sent'") ==
	       unflown_wanted;
}

/* It comes into line with an attempt that a claim has begun. */
static void join_begun(unsigned n)
{
	plant_recording(n, SILENT, clock_wall_ms() - 1);
	plant_sql("INSERT INTO attempts (recording_id, began_at_ms) "
		  "SELECT MAX(id), 1 FROM recordings");
	joined = take(update_new(n, SILENT));
	joined->holds_lease = true;
	joined->begun = xcalloc(1, sizeof(*joined->begun));
	joined->begun->attempt_id = plant_number("SELECT MAX(id) FROM attempts");
	turns_before = plant_number("SELECT MAX(seq) FROM turns");
	unflown_wanted++;
}

static void attempt_is_over(void)
{
	OK(!joined->begun, "the attempt is not kept for later");
	if (!joined->begun)
		await(it_is_given_back);
	OK(it_is_given_back(), "it is ended in the ledger");
	OK(plant_number("SELECT MAX(seq) FROM turns") > turns_before,
	   "by a turn, of which other processes hear");
}

/* Its turn does not come, and nobody knows for how long. */
static void test_held_back(void)
{
	env.options.min_free_bytes = UINT64_MAX;
	join_begun(70);
	await(it_is_held_back);
	attempt_is_over();
	env.options.min_free_bytes = 0;
	give_up(70);
}

static void test_begun_without_slot(void)
{
	take_slots(80);
	join_begun(71);
	turn();
	IS_INT(joined->state, FLIGHT_QUEUED, "it stands in line");
	attempt_is_over();
	free_slots(80);
	give_up(71);
}

/* One that was under way takes no other up: it is woken until there were two. */
static bool two_claims(void)
{
	if (claims < claims_before + 2)
		scheduler_wake(scheduler);
	return claims >= claims_before + 2;
}

/* The second is asked for when all of the first has come. */
static void claim_and_come(void)
{
	claims_before = claims;
	await(two_claims);
	turn();
}

static void find_in_claim(unsigned n)
{
	row = (struct queue_row){ .rank = RECORDING_RANK_NEW, .is_leased = true };
	snprintf(row.recording_sid, SID_SIZE, "RE%032x", n);
	snprintf(row.call_sid, SID_SIZE, "CA%032x", n);
	memcpy(row.account_sid, SILENT, SID_SIZE);
	has_row = true;
}

static bool given_back_in_time(void)
{
	return it_is_given_back() || clock_monotonic_ms() > patience_ends_at_ms;
}

/* A player was faster than the claim: what it began as well is not flown. */
static void test_claimed_in_flight(void)
{
	plant_recording(120, SILENT, clock_wall_ms() - 1);
	joined = take(update_new(120, SILENT));
	await(it_is_asked);
	plant_sql("INSERT INTO attempts (recording_id, began_at_ms) "
		  "SELECT MAX(id), 1 FROM recordings");
	find_in_claim(120);
	row.begun = xcalloc(1, sizeof(*row.begun));
	row.begun->attempt_id = plant_number("SELECT MAX(id) FROM attempts");
	unflown_wanted++;
	claim_and_come();
	patience_ends_at_ms = clock_monotonic_ms() + 10000;
	await(given_back_in_time);
	OK(it_is_given_back(), "claimed while it flies: the claim's attempt is ended");
	OK(!joined->begun && joined->state == FLIGHT_ASKING, "and the flight goes on");
	flight_end_turn(joined, FLIGHT_WAITING, 600000);
	give_up(120);
}

/* A claim finds what waits here: its row is due, whatever our timer says. */
static void test_claimed_while_it_waits(void)
{
	static const struct {
		const char *name;
		bool is_as_in_ledger, is_brought_forward;
	} cases[] = {
		{ "waits for what the ledger says", true, true },
		{ "waits for what only we know of", false, false },
	};

	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		struct flight_update *player = update_new(122 + i, SILENT);

		player->recorded = (struct recorded_wait){
			.next_try_at_ms = clock_wall_ms() + 600000,
			.waiting_since_ms = clock_wall_ms(),
			.rule = RECORDING_WAIT_AS_TOLD,
			.reason_code = "upstream_unavailable",
			.reason_text = "Twilio did not answer in time.",
		};
		joined = take(player);
		joined->is_as_in_ledger = cases[i].is_as_in_ledger;
		find_in_claim(122 + i);
		claim_and_come();
		OK((joined->state != FLIGHT_WAITING || next_try_in_ms() < 500000) ==
			   cases[i].is_brought_forward,
		   "it %s", cases[i].name);
		if (!cases[i].is_brought_forward)
			scheduler_retry(scheduler, player->recording_sid, RETRIED_BY);
		await(none_is_here); /* the ledger has no such recording */
	}
}

static void test_full_disk(void)
{
	unsigned ends;

	claim_and_come();
	plant_recording(125, SILENT, clock_wall_ms() - 1);
	claims_before = claims;
	env.options.min_free_bytes = UINT64_MAX;
	scheduler_wake(scheduler);
	turn_often();
	IS_INT(claims, claims_before, "while the disk is full nothing is claimed");
	plant_sql("UPDATE recordings SET next_try_at_ms = NULL, state = 3");
	env.options.min_free_bytes = 0;

	ends = lease_ends;
	find_in_claim(126);
	claims_before = claims;
	scheduler_wake(scheduler);
	env.options.min_free_bytes = UINT64_MAX;
	turn_often();
	OK(claims > claims_before && none_is_here(), "full since the claim: it is a row again");
	IS_INT(lease_ends, ends,
	       "of a ledger of this process alone there is no lease to give back");
	env.options.min_free_bytes = 0;
}

/* Another process fetches it, and is to be asked where it says, with what it says. */
static void test_holder_told_nothing(void)
{
	static const struct {
		const char *name, *address, *token;
	} cases[] = {
		{ "neither where nor with what", "", "" },
		{ "not where", "", "token" },
		{ "not with what", "127.0.0.1:1", "" },
	};

	take_slots(140);
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		holder = (struct lease_holder){ .process_id = 4711 };
		snprintf(holder.address, sizeof(holder.address), "%s", cases[i].address);
		snprintf(holder.token, sizeof(holder.token), "%s", cases[i].token);
		has_holder = true;
		plant_recording(130 + i, SILENT, clock_wall_ms() - 1);
		joined = take(update_new(130 + i, SILENT));
		patience_ends_at_ms = clock_monotonic_ms() + 5000;
		await(waits_in_time);
		OK(joined->state == FLIGHT_WAITING && joined->was_elsewhere,
		   "whoever fetches it told %s: it is looked at again", cases[i].name);
		has_holder = false;
		plant_sql("UPDATE recordings SET next_try_at_ms = NULL, state = 3 "
			  "WHERE id = (SELECT MAX(id) FROM recordings)");
		await(stored_in_time);
	}
	free_slots(140);
}

static void listen_silently(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t len = sizeof(address);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	silent_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (silent_fd < 0 || bind(silent_fd, (const void *)&address, sizeof(address)) < 0 ||
	    listen(silent_fd, 64) < 0 || getsockname(silent_fd, (void *)&address, &len) < 0)
		abort();
	accounts_at[0] = (struct account){
		.account_sid = xstrdup(SILENT),
		.api_url = xasprintf("http://127.0.0.1:%d", ntohs(address.sin_port)),
		.auth_token = xstrdup("x"),
	};
	accounts_at[1] = (struct account){ .account_sid = xstrdup(REFUSED),
					   .api_url = xstrdup("http://127.0.0.1:1"),
					   .auth_token = xstrdup("x") };
	accounts_at[2] = (struct account){ .account_sid = xstrdup(TOLD),
					   .api_url = xstrdup(accounts_at[0].api_url),
					   .auth_token = xstrdup("x") };
}

int main(void)
{
	static const char *const hosts[] = { "127.0.0.1", NULL };
	struct fetch_options fetch_options = { .allowed_hosts = hosts };
	struct err err;

	list_init(&at_mirrors);
	queue_open();
	listen_silently();
	env.accounts = &accounts;
	env.options = (struct flight_options){ .format = "mp3",
					       .concurrency = 2,
					       .player_slots = 1,
					       .retry_first_ms = 600000,
					       .retry_most_ms = 600000,
					       .give_up_after_ms = 86400000,
					       .kept_files_max = 10,
					       .followed_max = 10,
					       .connect_timeout_ms = 10000,
					       .stall_timeout_ms = 30000 };
	must(blob_local_open(folder, &env.store, &err) &&
		     fetch_new(env.loop, &fetch_options, &env.fetch, &err) &&
		     ledger_start(env.ledger, &err),
	     &err);
	env.upstream = upstream_new(&accounts);
	scheduler = scheduler_new(&env);
	test_failed();
	test_players_bring_forward();
	test_players_leave();
	test_players_leave_early();
	test_players_wait_as_told();
	test_bring_in();
	test_wanted_again();
	test_of_peer();
	test_claimed_of_peer();
	test_of_account();
	test_no_slot();
	test_held_back();
	test_begun_without_slot();
	test_claimed_in_flight();
	test_claimed_while_it_waits();
	test_full_disk();
	test_holder_told_nothing();
	test_landed();
	test_landed_twice();
	ledger_stop(env.ledger);
	mailbox_free(env.mailbox);
	scheduler_free(scheduler);
	upstream_free(env.upstream);
	LIST_EACH (item, &at_mirrors)
		free(container_of(item, struct flight_update, link));
	fetch_free(env.fetch);
	blob_store_free(env.store);
	close(silent_fd);
	for (size_t i = 0; i < ARRAY_LEN(accounts_at); i++) {
		free(accounts_at[i].account_sid);
		free(accounts_at[i].api_url);
		free(accounts_at[i].auth_token);
	}
	queue_close();
	return tap_end();
}
