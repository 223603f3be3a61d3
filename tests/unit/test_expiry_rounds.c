#include "notify/expiry_rounds.h"

#include "catalog/notices.h"
#include "retention/retention.h"

#include "running_ledger.h"

#define KEPT_MS 1000
#define YEAR_MS (INT64_C(365) * 24 * 60 * 60 * 1000)

static struct retention *retention;
static struct expiry_rounds *rounds;
static int64_t began_ms;
static unsigned told;
static uint64_t awaited;

static void add(const char *name, int64_t started_at_ms, bool is_held)
{
	AUTO(free)
	char *text =
		xasprintf("INSERT INTO recordings (recording_sid, state, upstream, is_held, "
			  "is_duration_off, channels_wanted, tries, changed_seq, stored_at_ms, "
			  "started_at_ms) VALUES ('%s', 3, 3, %d, 0, 2, 0, 1, 1, %lld)",
			  name, is_held, (long long)started_at_ms);

	sql(text);
}

static bool is_told(void)
{
	uint64_t count;

	return str_to_u64(sql_text("SELECT CAST(COUNT(*) AS TEXT) FROM notices WHERE type = 3"),
			  &count) &&
	       count >= awaited;
}

static void noted(void *owner)
{
	told++;
}

/* A process from its start to its end, in which so many have been told of in the end. */
static void live(unsigned count, int64_t kept_ms)
{
	struct retention_rules rules = retention_rules_of(kept_ms);
	struct expiry_rounds_env env = { .loop = loop, .mailbox = mailbox, .noted = noted };

	retention = retention_new(&rules);
	env.retention = retention;
	env.ledger = ledger;
	catalog_notify(ledger_catalog(ledger), true);
	MUST(expiry_rounds_open(&env, &rounds, &err));
	MUST(ledger_start(ledger, &err));
	expiry_rounds_start(rounds);
	awaited = count;
	OK(until(is_told), "%u are told of in the end", count);
	expiry_rounds_stop(rounds);
	ledger_stop(ledger);
	mailbox_drain(mailbox);
	expiry_rounds_free(rounds);
	retention_free(retention);
}

static void begin_again(void)
{
	ledger_free(ledger);
	MUST(ledger_open(path, &ledger, &err));
}

static struct str names_told(void)
{
	return sql_text("SELECT group_concat(name, ' ') FROM (SELECT r.recording_sid AS name FROM "
			"notices n JOIN recordings r ON r.id = n.recording_id WHERE n.type = 3 "
			"ORDER BY n.seq)");
}

int main(void)
{
	AUTO(free) char *ahead = NULL;

	running_open();
	began_ms = clock_wall_ms();
	add("before", began_ms - 5 * KEPT_MS, false);
	add("held", began_ms, true);
	add("timely", began_ms, false);
	live(1, KEPT_MS);
	IS_STR(names_told(), STR("timely"), "what expired before anybody was to be told is not");
	OK(told > 0, "whoever tells is woken");

	ahead = xasprintf("UPDATE notify_state SET expired_until_ms = expired_until_ms + %lld",
			  (long long)YEAR_MS);
	sql(ahead);
	add("passed", began_ms, false);
	begin_again();
	live(2, KEPT_MS);
	IS_STR(names_told(), STR("timely passed"), "a clock that was ahead loses none");

	add("late", began_ms, false);
	begin_again();
	live(3, 2 * KEPT_MS);
	IS_STR(names_told(), STR("timely passed late"),
	       "by other rules all are looked at again, and each is told of once");

	begin_again();
	MUST(expiry_rounds_forget(ledger, &err));
	IS_STR(sql_text("SELECT CAST(COUNT(*) AS TEXT) FROM notify_state"), STR("0"),
	       "where nobody is to be told any more, that is forgotten");
	MUST(expiry_rounds_forget(ledger, &err));
	running_remove();
	return tap_end();
}
