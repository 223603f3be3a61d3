#include "purge/purge.h"

#include "accounts/audit.h"
#include "audit/audit_trail.h"
#include "catalog/calls.h"
#include "catalog/catalog_sql.h"
#include "catalog/recordings.h"
#include "catalog/recordings_hold.h"
#include "ledger_fixture.h"
#include "listing/calls_list.h"
#include "purge/clock_guard.h"
#include "purge/purge_pause.h"
#include "refused_calls.h"
#include "retention/retention.h"
#include "tap.h"

#include <sodium.h>
#include <string.h>

#define NOON    INT64_C(1700000000000)
#define HOUR_MS INT64_C(3600000)
#define DAY_MS  (24 * HOUR_MS)
#define COUNT   40
#define LIVES   12
#define STEPS   60

static struct err err;
static struct ledger ledger;
static struct audit_trail trail;
static int64_t wall_ms, boot_ms;

/* In place of the machine's (see meson.build). */
int64_t __wrap_clock_wall_ms(void);
int64_t __wrap_clock_boot_ms(void);
int64_t __wrap_clock_wall_ms(void)
{
	return wall_ms;
}
int64_t __wrap_clock_boot_ms(void)
{
	return boot_ms;
}

/* ---- chance, of a seed that is told ---- */

static uint64_t chance = 88172645463325252;

static uint64_t any(uint64_t below)
{
	chance ^= chance << 13;
	chance ^= chance >> 7;
	chance ^= chance << 17;
	return chance % below;
}

/* ---- what should be: said in another way than the rules are ---- */

static const char *const sids[] = { "", "AC11111111111111111111111111111111",
				    "AC22222222222222222222222222222222" };

struct one {
	char recording_sid[SID_SIZE];
	unsigned account, way;
	int64_t started_at_ms;
	bool is_held, is_purged;
};

static struct one all[COUNT];
static int64_t said_ms[3][3]; /* by account, 0 the general; by way, 0 any; 0 nothing was said */
static int64_t grace_ms;

static int64_t want_of(unsigned account, unsigned way)
{
	const int64_t chain[] = { said_ms[account][way], said_ms[account][0], said_ms[0][way],
				  said_ms[0][0] };
	size_t i = 0;

	while (chain[i] == 0)
		i++;
	return chain[i];
}

static int64_t most(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* What is not known counts as what is kept longest.  Account 0 is the one that is not known, or has no rule. */
static int64_t want_ms(unsigned account, unsigned way)
{
	int64_t ms = 0;

	for (unsigned w = way ? way : 1; w <= (way ? way : 2); w++) {
		ms = most(ms, want_of(account, w));
		for (unsigned a = 1; account == 0 && a < 3; a++)
			ms = most(ms, want_of(a, w));
	}
	return ms;
}

static bool is_over(const struct one *one, int64_t more_ms)
{
	int64_t ms = want_ms(one->account, one->way);

	return !one->is_held && ms != INT64_MAX && more_ms != INT64_MAX &&
	       one->started_at_ms + ms + more_ms < wall_ms;
}

/* ---- the ledger ---- */

static void begin(void)
{
	MUST(catalog_begin(ledger.writer, &err));
}

static void commit(void)
{
	MUST(catalog_commit(ledger.writer, &err));
}

static void add(unsigned n, int64_t started_at_ms)
{
	static const char *const directions[] = { "", "inbound", "outbound-api" };
	char call_sid[SID_SIZE];
	struct one *one = &all[n];
	struct event event;
	struct projection_result result;

	*one = (struct one){ .account = (unsigned)any(3), .way = (unsigned)any(3) };
	one->started_at_ms = started_at_ms;
	snprintf(one->recording_sid, SID_SIZE, "RE%032u", n);
	snprintf(call_sid, SID_SIZE, "CA%032u", n);
	event_init(&event, EVENT_RECORDING_STATUS, started_at_ms);
	event.call_sid = str_of(call_sid);
	event.recording_sid = str_of(one->recording_sid);
	event.account_sid = str_of(sids[one->account]);
	event.status = STR("completed");
	event.started_at_ms = started_at_ms;
	ledger_append(&ledger, &event);
	/* The direction is told before the recording, or after it. */
	event_init(&event, EVENT_CALL_STATUS, started_at_ms);
	event.call_sid = str_of(call_sid);
	event.account_sid = str_of(sids[one->account]);
	event.status = STR("completed");
	event.direction = str_of(directions[one->way]);
	ledger_append(&ledger, &event);
	ledger_project(&ledger, &result);
	struct recording_media media = { .stored_at_ms = wall_ms,
					 .generation = 1,
					 .generation_at_ms = wall_ms,
					 .size = 100 + n,
					 .channels = 1,
					 .format = "mp3",
					 .path = "a" };

	begin();
	MUST(recordings_mark_stored(ledger.writer, str_of(one->recording_sid), &media, &err));
	commit();
}

static void hold(struct one *one)
{
	struct recording_hold hold = { .at_ms = wall_ms };
	bool to_fetch;

	if (one->is_purged)
		return;
	begin();
	if (one->is_held)
		MUST(recordings_lift_hold(ledger.writer, str_of(one->recording_sid), &err));
	else
		MUST(recordings_hold(ledger.writer, str_of(one->recording_sid), &hold, &to_fetch,
				     &err));
	commit();
	one->is_held = !one->is_held;
}

/* ---- the settings ---- */

static int64_t any_time(void)
{
	return any(6) == 0 ? INT64_MAX : (int64_t)(1 + any(30)) * DAY_MS / (int64_t)(1 + any(3));
}

static void change_rules(struct retention *retention)
{
	static const char *const ways[] = { "", ".inbound", ".outbound" };
	char texts[6][80];
	const char *words[7] = { NULL };
	size_t count = 0;
	struct retention_options options;
	struct retention_rules rules;

	for (unsigned account = 0; account < 3; account++)
		for (unsigned way = 0; way < 3; way++)
			said_ms[account][way] = any(2) ? any_time() : 0;
	said_ms[0][0] = any_time();
	grace_ms = any(8) == 0 ? INT64_MAX : (int64_t)any(10) * DAY_MS;
	for (unsigned account = 1; account < 3; account++)
		for (unsigned way = 0; way < 3; way++) {
			int64_t ms = said_ms[account][way];

			if (ms == 0)
				continue;
			if (ms == INT64_MAX)
				snprintf(texts[count], sizeof(texts[0]), "%s%s=forever",
					 sids[account], ways[way]);
			else
				snprintf(texts[count], sizeof(texts[0]), "%s%s=%lldms",
					 sids[account], ways[way], (long long)ms);
			words[count] = texts[count];
			count++;
		}
	options = (struct retention_options){ .general_ms = said_ms[0][0],
					      .inbound_ms = said_ms[0][1],
					      .outbound_ms = said_ms[0][2],
					      .grace_ms = grace_ms,
					      .accounts = words };
	MUST(retention_rules_make(&options, &rules, &err));
	retention_change(retention, &rules);
}

/* ---- a life ---- */

static unsigned wrong, purged, refused, looks;

static void expect(bool is_so, const char *what, unsigned n)
{
	looks++;
	if (is_so)
		return;
	if (wrong++ < 10)
		printf("# %s: recording %u, at %lld\n", what, n, (long long)wall_ms);
}

/* As long as it gets on, as a run does. */
static bool remove_due(const struct purge_env *env)
{
	struct age_row rows[7];
	struct projection_change change;
	int64_t now_ms, next_at_ms;
	size_t count;

	do {
		if (!clock_guard_now(env->guard, &now_ms, &err))
			return false;
		MUST(purge_list(env, ledger.writer, now_ms, rows, ARRAY_LEN(rows), &count,
				&next_at_ms, &err));
		begin();
		for (size_t i = 0; i < count; i++) {
			MUST(purge_one(env, ledger.writer, rows[i].recording_sid, &change, &err));
			expect(change.what & PROJECTED_REMOVED, "it is told", (unsigned)i);
		}
		commit();
	} while (count > 0);
	expect(next_at_ms == 0 || next_at_ms > wall_ms, "the next is to come", 0);
	return true;
}

static void check_all(const struct retention_rules *rules)
{
	AUTO(free) struct recording *now = xcalloc(1, sizeof(*now));

	for (unsigned n = 0; n < COUNT; n++) {
		MUST(recordings_find(ledger.writer, str_of(all[n].recording_sid), now, &err));
		struct kept kept = recording_kept(now);

		expect((now->state == RECORDING_PURGED) == all[n].is_purged, "purged", n);
		expect((retention_expires_at_ms(rules, &kept) < wall_ms) == is_over(&all[n], 0),
		       "410", n);
	}
}

static void check_filter(const struct retention_rules *rules)
{
	struct call_filter filter = { .fate = CALLS_EXPIRED, .retention = rules };
	AUTO(free) struct call_row *rows = xcalloc(COUNT, sizeof(*rows));
	struct call_cursor start = { 0 };
	struct call_page page;
	unsigned want = 0;

	for (unsigned n = 0; n < COUNT; n++)
		want += !all[n].is_purged && is_over(&all[n], 0);
	MUST(calls_list(ledger.writer, &filter, &start, rows, COUNT, &page, &err));
	expect(page.count == want && !page.more, "the filter", (unsigned)page.count);
}

static void try_to_remove(const struct purge_env *env, bool is_clock_right)
{
	bool was_done = remove_due(env);

	expect(was_done == is_clock_right, "the clock", was_done);
	refused += !was_done;
	for (unsigned n = 0; was_done && n < COUNT; n++)
		if (!all[n].is_purged && is_over(&all[n], grace_ms)) {
			all[n].is_purged = true;
			purged++;
		}
}

static void go_on(int64_t ms)
{
	wall_ms += ms;
	boot_ms += ms;
}

static void live(void)
{
	struct retention_rules rules = retention_rules_of(RETENTION_FOREVER);
	AUTO(retention_free) struct retention *retention = retention_new(&rules);
	AUTO(clock_guard_free) struct clock_guard *guard = clock_guard_new();
	struct purge_env env = { .retention = retention, .trail = &trail, .guard = guard };

	memset(said_ms, 0, sizeof(said_ms));
	said_ms[0][0] = INT64_MAX;
	grace_ms = 0;
	wall_ms = NOON;
	ledger_open(&ledger);
	begin();
	MUST(audit_trail_begin(&trail, ledger.writer, &err));
	commit();
	for (unsigned n = 0; n < COUNT; n++)
		add(n, NOON - (int64_t)any(60 * DAY_MS));
	clock_guard_heard(guard, wall_ms);
	for (unsigned step = 0; step < STEPS; step++) {
		int64_t jump_ms = 0;

		go_on((int64_t)any(2 * DAY_MS));
		if (any(3) == 0)
			change_rules(retention);
		if (any(2) == 0)
			hold(&all[any(COUNT)]);
		if (any(5) == 0)
			jump_ms = (int64_t)any(700 * DAY_MS) - 350 * DAY_MS;
		wall_ms += jump_ms;
		try_to_remove(&env, jump_ms <= HOUR_MS);
		check_all(retention_now(retention));
		check_filter(retention_now(retention));
		wall_ms -= jump_ms;
	}
	ledger_remove(&ledger);
}

/* Between its being listed and its being marked. */
static void test_changed_meanwhile(void)
{
	struct retention_rules rules = retention_rules_of(DAY_MS);
	AUTO(retention_free) struct retention *retention = retention_new(&rules);
	AUTO(clock_guard_free) struct clock_guard *guard = clock_guard_new();
	struct purge_env env = { .retention = retention, .trail = &trail, .guard = guard };
	struct projection_change change;
	struct purge_preview preview;

	wall_ms = NOON;
	ledger_open(&ledger);
	begin();
	MUST(audit_trail_begin(&trail, ledger.writer, &err));
	commit();
	for (unsigned n = 0; n < COUNT; n++)
		add(n, NOON - DAY_MS - 2 + n / 20);
	MUST(purge_look(&env, ledger.writer, &preview, &err));
	OK(preview.clock.text[0] != '\0', "nobody vouches for the clock: said (%s)",
	   preview.clock.text);
	begin();
	OK(!purge_one(&env, ledger.writer, all[0].recording_sid, &change, &err) &&
		   err.kind == ERR_UNAVAILABLE,
	   "and nothing is removed");
	commit();
	clock_guard_heard(guard, wall_ms);
	MUST(purge_look(&env, ledger.writer, &preview, &err));
	OK(preview.count == COUNT && preview.bytes == COUNT * 100 + COUNT * (COUNT - 1) / 2 &&
		   preview.first_count == PURGE_SHOWN && preview.clock.text[0] == '\0',
	   "all are due");
	OK(preview.first[9].kept.started_at_ms == NOON - DAY_MS - 2, "the oldest are shown");
	hold(&all[0]);
	begin();
	OK(!purge_one(&env, ledger.writer, all[0].recording_sid, &change, &err) &&
		   err.kind == ERR_CONFLICT,
	   "held meanwhile: it stays");
	rules = retention_rules_of(2 * DAY_MS);
	retention_change(retention, &rules);
	OK(!purge_one(&env, ledger.writer, all[1].recording_sid, &change, &err) &&
		   err.kind == ERR_CONFLICT,
	   "kept longer meanwhile: it stays");
	rules = retention_rules_of(DAY_MS + 1);
	retention_change(retention, &rules);
	OK(purge_one(&env, ledger.writer, all[1].recording_sid, &change, &err),
	   "a millisecond behind the limit: it goes (%s)", err.text);
	rules = retention_rules_of(DAY_MS + 2);
	retention_change(retention, &rules);
	OK(!purge_one(&env, ledger.writer, all[2].recording_sid, &change, &err),
	   "at the limit it does not");
	OK(!purge_one(&env, ledger.writer, all[1].recording_sid, &change, &err) &&
		   err.kind == ERR_CONFLICT,
	   "and no second time");
	commit();
	ledger_remove(&ledger);
}

/* ---- what the database refuses ---- */

static const struct purge_env *env_of_faults;

static bool list_due(void)
{
	struct age_row due[COUNT + 1];
	int64_t next_at_ms;
	size_t count;

	return purge_list(env_of_faults, ledger.writer, wall_ms, due, ARRAY_LEN(due), &count,
			  &next_at_ms, &err) &&
	       count == COUNT / 2;
}

/* Half a day sooner none of them is. */
static bool list_next(void)
{
	struct age_row due[1];
	int64_t next_at_ms;
	size_t count;

	return purge_list(env_of_faults, ledger.writer, wall_ms - DAY_MS / 2, due, ARRAY_LEN(due),
			  &count, &next_at_ms, &err) &&
	       count == 0 && next_at_ms == NOON - 1;
}

static bool look(void)
{
	struct purge_preview preview;

	return purge_look(env_of_faults, ledger.writer, &preview, &err) &&
	       preview.count == COUNT / 2;
}

static bool remove_one(void)
{
	struct projection_change change;

	return purge_one(env_of_faults, ledger.writer, all[0].recording_sid, &change, &err);
}

/* A list that could not be read to its end must not pass for all that is due. */
static void test_faults(void)
{
	struct retention_rules rules = retention_rules_of(DAY_MS);
	AUTO(retention_free) struct retention *retention = retention_new(&rules);
	AUTO(clock_guard_free) struct clock_guard *guard = clock_guard_new();
	struct purge_env env = { .retention = retention, .trail = &trail, .guard = guard };

	env_of_faults = &env;
	wall_ms = NOON;
	ledger_open(&ledger);
	begin();
	MUST(audit_trail_begin(&trail, ledger.writer, &err));
	commit();
	for (unsigned n = 0; n < COUNT; n++)
		add(n, NOON - DAY_MS - 2 + (n < COUNT / 2 ? 0 : HOUR_MS));
	clock_guard_heard(guard, wall_ms);
	test_each_refused(ledger.writer, list_due, &err, "what is due");
	test_each_refused(ledger.writer, list_next, &err, "what is due next");
	test_each_refused(ledger.writer, look, &err, "a look at it");
	test_each_refused(ledger.writer, remove_one, &err, "the removal of one");
	ledger_remove(&ledger);
}

static void put_pause(enum upkeep_pause why)
{
	begin();
	MUST(upkeep_pause_purge(ledger.writer, why, &err));
	commit();
}

/* As the duty does now and then. */
static void count(struct clock_guard *guard)
{
	begin();
	MUST(clock_guard_keep(guard, ledger.writer, &err));
	MUST(purge_pause_count(ledger.writer, guard, &err));
	commit();
}

static bool is_refused(const struct purge_env *env, unsigned n, const char *text)
{
	struct projection_change change;
	bool is_refused;

	begin();
	is_refused = !purge_one(env, ledger.writer, all[n].recording_sid, &change, &err) &&
		     err.kind == ERR_UNAVAILABLE && strstr(err.text, text);
	catalog_rollback(ledger.writer);
	return is_refused;
}

/* After a rebuild or a restore. */
static void test_pause(void)
{
	struct retention_rules rules = retention_rules_of(DAY_MS);
	AUTO(retention_free) struct retention *retention = retention_new(&rules);
	AUTO(clock_guard_free) struct clock_guard *guard = clock_guard_new();
	struct purge_env env = { .retention = retention, .trail = &trail, .guard = guard };
	struct purge_preview preview;
	int64_t now_ms;
	bool was;

	wall_ms = NOON;
	ledger_open(&ledger);
	begin();
	MUST(audit_trail_begin(&trail, ledger.writer, &err));
	commit();
	for (unsigned n = 0; n < 3; n++)
		add(n, NOON - 2 * DAY_MS);
	put_pause(UPKEEP_PAUSE_REBUILT);
	count(guard);
	clock_guard_heard(guard, wall_ms);
	OK(is_refused(&env, 0, "rebuilt, and holds may be lost: nothing is removed for a day"),
	   "a day that no believed clock has begun (%s)", err.text);
	OK(!purge_may_remove(&env, ledger.writer, &now_ms, &err),
	   "nor is anything deleted at Twilio");
	MUST(purge_look(&env, ledger.writer, &preview, &err));
	OK(preview.count == 3 && preview.pause.count == UPKEEP_PAUSE_REBUILT,
	   "the preview says so");
	count(guard);
	go_on(DAY_MS - 1);
	count(guard);
	OK(is_refused(&env, 0, "removed before 2023-11-15T22:13:20"),
	   "a day but for a millisecond (%s)", err.text);
	go_on(400 * DAY_MS);
	wall_ms += 400 * DAY_MS;
	count(guard);
	OK(is_refused(&env, 0, "by Twilio's answers"),
	   "a clock that is not believed ends nothing (%s)", err.text);
	wall_ms -= 400 * DAY_MS;
	OK(!is_refused(&env, 0, ""), "behind the day it goes on");
	count(guard);
	MUST(purge_look(&env, ledger.writer, &preview, &err));
	OK(preview.pause.count == UPKEEP_PAUSE_OVER, "and the pause is over");
	put_pause(UPKEEP_PAUSE_RESTORED);
	begin();
	MUST(purge_pause_end(ledger.writer, &was, &err));
	OK(was, "a person ends it");
	MUST(purge_pause_end(ledger.writer, &was, &err));
	OK(!was, "once");
	commit();
	OK(!is_refused(&env, 1, ""), "and it goes on");
	ledger_remove(&ledger);
}

static void start_again(struct clock_guard **guard)
{
	clock_guard_free(*guard);
	*guard = clock_guard_new();
	MUST(clock_guard_load(*guard, ledger.writer, &err));
}

/* After a start our clock may be days ahead, and is believed. */
static void test_pause_after_start(void)
{
	struct retention_rules rules = retention_rules_of(DAY_MS);
	AUTO(retention_free) struct retention *retention = retention_new(&rules);
	AUTO(clock_guard_free) struct clock_guard *guard = clock_guard_new();
	struct purge_env env = { .retention = retention, .trail = &trail };
	struct upkeep pause;
	int64_t now_ms;

	wall_ms = NOON;
	ledger_open(&ledger);
	begin();
	MUST(audit_trail_begin(&trail, ledger.writer, &err));
	commit();
	add(0, NOON - 2 * DAY_MS);
	put_pause(UPKEEP_PAUSE_RESTORED);
	clock_guard_heard(guard, wall_ms);
	count(guard);
	go_on(DAY_MS / 2);
	wall_ms += 3 * DAY_MS;
	start_again(&guard);
	env.guard = guard;
	count(guard);
	OK(clock_guard_now(guard, &now_ms, &err), "a clock that is three days ahead is believed");
	OK(is_refused(&env, 0, "restored"), "but ends no pause (%s)", err.text);
	go_on(DAY_MS - 1);
	count(guard);
	OK(is_refused(&env, 0, "restored"), "nor does less than a day of one process (%s)",
	   err.text);
	go_on(1);
	OK(!is_refused(&env, 0, ""), "a day of it does");
	count(guard);
	MUST(upkeep_find(ledger.writer, UPKEEP_PURGE_PAUSE, &pause, &err));
	OK(pause.count == UPKEEP_PAUSE_OVER, "and the pause is over");

	put_pause(UPKEEP_PAUSE_RESTORED);
	start_again(&guard);
	env.guard = guard;
	count(guard);
	OK(is_refused(&env, 0, "for a day"), "without Twilio's word no day begins (%s)", err.text);
	wall_ms -= 3 * DAY_MS;
	clock_guard_heard(guard, wall_ms);
	count(guard);
	go_on(DAY_MS / 2);
	start_again(&guard);
	env.guard = guard;
	clock_guard_heard(guard, wall_ms);
	OK(is_refused(&env, 0, "restored"), "half a day by it (%s)", err.text);
	go_on(DAY_MS / 2);
	OK(!is_refused(&env, 0, ""), "the other half, of another process");
	ledger_remove(&ledger);
}

int main(void)
{
	struct audit_options options = { .key_file = NULL };
	char folder[] = "/tmp/callspool-key.XXXXXX", key[64];

	if (!mkdtemp(folder))
		return 1;
	if (sodium_init() < 0)
		return 1;
	MUST(audit_trail_open(&options, folder, true, NULL, &trail, &err));
	test_changed_meanwhile();
	test_faults();
	test_pause();
	test_pause_after_start();
	for (unsigned i = 0; i < LIVES; i++)
		live();
	IS_INT(wrong, 0, "%u lives, %u looks: %u removed, %u times refused for the clock", LIVES,
	       looks, purged, refused);
	OK(purged > 100 && refused > 50, "and all of that happened");
	audit_trail_release(&trail);
	snprintf(key, sizeof(key), "%s/audit.key", folder);
	unlink(key);
	rmdir(folder);
	return tap_end();
}
