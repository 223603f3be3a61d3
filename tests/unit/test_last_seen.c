/*
 * Who was seen is told to the ledger each minute, also after the clock was set back.  Both clocks are put forward
 * by the linker (tests/unit/meson.build), so that nobody waits for a minute.
 */
#include "auth/last_seen.h"

#include "accounts/credentials.h"
#include "auth/known.h"
#include "running_ledger.h"

#define MINUTE_MS INT64_C(60000)
#define DAY_MS    INT64_C(86400000)

int64_t __real_clock_monotonic_us(void);
int64_t __real_clock_wall_ms(void);
int64_t __wrap_clock_monotonic_us(void);
int64_t __wrap_clock_wall_ms(void);

static int64_t monotonic_ahead_ms, wall_ahead_ms;

int64_t __wrap_clock_monotonic_us(void)
{
	return __real_clock_monotonic_us() + monotonic_ahead_ms * 1000;
}

int64_t __wrap_clock_wall_ms(void)
{
	return __real_clock_wall_ms() + wall_ahead_ms;
}

static const uint8_t key[KNOWN_KEY_BYTES] = "a key of a test";
static const struct credential_row *wanted;
static struct line_pairs *pairs;
static struct known_table *table;

static uint32_t now_s(void)
{
	return (uint32_t)(clock_wall_ms() / 1000);
}

struct adding {
	struct ledger_job job;
	struct credential_row row;
};

static bool run_add(struct ledger_job *job, struct catalog *catalog, struct err *cause)
{
	return credentials_add(catalog, &container_of(job, struct adding, job)->row, cause);
}

/* A session that the loop knows, and has seen just now. */
static void add_session(const char *name, struct adding *adding)
{
	struct known entry = { .kind = CREDENTIAL_SESSION, .expires_s = UINT32_MAX };

	*adding = (struct adding){ .job = { .run = run_add },
				   .row = { .kind = CREDENTIAL_SESSION, .made_at_ms = 1 } };
	str_fit(str_of(name), adding->row.name, sizeof(adding->row.name));
	MUST(ledger_write_now(ledger, &adding->job, &err));
	known_tag(table, KNOWN_COOKIE, str_of(name), entry.tag);
	entry.credential_id = (uint64_t)adding->row.id;
	known_put(table, &entry, now_s());
}

static void show(const char *name)
{
	uint64_t tag[2];

	known_tag(table, KNOWN_COOKIE, str_of(name), tag);
	known_find(table, tag, now_s())->seen_s = now_s();
}

static bool is_told(void)
{
	char query[128];

	snprintf(query, sizeof(query),
		 "SELECT 1 FROM credentials WHERE id = %lld AND seen_at_ms > 0",
		 (long long)wanted->id);
	return sql_text(query).len > 0;
}

/* Both clocks go on, and the loop's timer goes off each time. */
static void pass_minutes(int minutes)
{
	for (int i = 0; i < minutes; i++) {
		monotonic_ahead_ms += MINUTE_MS + 1000;
		wall_ahead_ms += MINUTE_MS + 1000;
		wait.is_over = is_told;
		wait.ends_at_ms = 0; /* one look */
		timer_start(loop, &wait.timer, 0, look);
		loop_run(loop);
	}
}

int main(void)
{
	static struct adding first, second;
	struct last_seen *seen;

	running_open();
	pairs = line_pairs_new(KNOWN_PLACES, false);
	table = known_table_new(key, line_pairs_left(pairs));
	add_session("session1", &first);
	add_session("session2", &second);
	MUST(ledger_start(ledger, &err));
	seen = last_seen_new(ledger, table, loop, mailbox, DAY_MS);

	wanted = &first.row;
	pass_minutes(1);
	wall_ahead_ms += 2000;
	show("session1");
	pass_minutes(6);
	OK(until(is_told), "who was seen is told");

	wanted = &second.row;
	wall_ahead_ms -= DAY_MS;
	pass_minutes(1);
	wall_ahead_ms +=
		2000; /* what is seen in the second that was told of is told the next time */
	show("session2");
	pass_minutes(6);
	OK(until(is_told), "also after the clock was set back by a day");

	ledger_stop(ledger);
	last_seen_free(seen);
	known_table_free(table);
	line_pairs_free(pairs);
	running_remove();
	return tap_end();
}
