#include "purge/clock_guard.h"

#include "base/str.h"
#include "chores/upkeep.h"
#include "ledger_fixture.h"
#include "tap.h"

#include <string.h>

#define NOON    INT64_C(1700000000000)
#define HOUR_MS INT64_C(3600000)
#define DAY_MS  (24 * HOUR_MS)
#define YEAR_MS (365 * DAY_MS)

static struct err err;
static struct ledger ledger;
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

static void test_judge(void)
{
	static const struct {
		const char *name;
		struct clock_voucher voucher;
		struct clock_reading now;
		const char *refusal; /* NULL: it is believed */
	} cases[] = {
		{ "as Twilio says", { .twilio = { NOON, 1000 } }, { NOON + 5000, 6000 }, NULL },
		{ "an hour ahead of Twilio",
		  { .twilio = { NOON, 0 } },
		  { NOON + HOUR_MS, 0 },
		  NULL },
		{ "more than that",
		  { .twilio = { NOON, 0 } },
		  { NOON + HOUR_MS + 1, 0 },
		  "by Twilio's answers it is 2023-11-14T22:13:20" },
		{ "a year ahead, days after Twilio's word",
		  { .twilio = { NOON, 0 } },
		  { NOON + YEAR_MS, 5 * DAY_MS },
		  "by Twilio's answers it is 2023-11-19T22:13:20" },
		{ "days after Twilio's word",
		  { .twilio = { NOON, 0 } },
		  { NOON + 5 * DAY_MS, 5 * DAY_MS },
		  NULL },
		{ "behind Twilio: less is removed",
		  { .twilio = { NOON, 0 } },
		  { NOON - YEAR_MS, 0 },
		  NULL },
		{ "Twilio's word before all others",
		  { .twilio = { NOON, 0 },
		    .vouched = { NOON + YEAR_MS, 0 },
		    .kept_ms = NOON + YEAR_MS },
		  { NOON + YEAR_MS, 0 },
		  "by Twilio's answers" },
		{ "carried on by itself",
		  { .vouched = { NOON, 0 } },
		  { NOON + DAY_MS, DAY_MS },
		  NULL },
		{ "a jump ahead",
		  { .vouched = { NOON, 0 }, .kept_ms = NOON },
		  { NOON + DAY_MS, 1000 },
		  "by what went by since it was right" },
		{ "a jump back", { .vouched = { NOON, 0 } }, { NOON - YEAR_MS, DAY_MS }, NULL },
		{ "a week's standstill", { .kept_ms = NOON }, { NOON + 7 * DAY_MS, 5 }, NULL },
		{ "more than a week",
		  { .kept_ms = NOON },
		  { NOON + 7 * DAY_MS + 1, 5 },
		  "was last known to be right at 2023-11-14T22:13:20" },
		{ "nothing is known", { .kept_ms = 0 }, { NOON, 5 }, "is not known before Twilio" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		bool is_right = clock_guard_judge(&cases[i].voucher, &cases[i].now, &err);

		OK(is_right == !cases[i].refusal, "%s: %s", cases[i].name,
		   cases[i].refusal ? "refused" : "believed");
		if (cases[i].refusal)
			OK(err.kind == ERR_UNAVAILABLE && strstr(err.text, cases[i].refusal),
			   "%s: says why (%s)", cases[i].name, err.text);
	}
}

/* ---- with a ledger ---- */

static void go_on(int64_t ms)
{
	wall_ms += ms;
	boot_ms += ms;
}

/* A start of the process on the same ledger. */
static struct clock_guard *start(void)
{
	struct clock_guard *guard = clock_guard_new();

	MUST(clock_guard_load(guard, ledger.writer, &err));
	return guard;
}

static void keep(struct clock_guard *guard)
{
	MUST(catalog_begin(ledger.writer, &err));
	MUST(clock_guard_keep(guard, ledger.writer, &err));
	MUST(catalog_commit(ledger.writer, &err));
}

static void trust(struct clock_guard *guard)
{
	MUST(catalog_begin(ledger.writer, &err));
	MUST(clock_guard_trust(guard, ledger.writer, &err));
	MUST(catalog_commit(ledger.writer, &err));
}

static int64_t kept_ms(void)
{
	struct upkeep row;

	MUST(upkeep_find(ledger.writer, UPKEEP_CLOCK, &row, &err));
	return row.at_ms;
}

static bool is_believed(struct clock_guard *guard)
{
	int64_t now_ms;

	return clock_guard_now(guard, &now_ms, &err);
}

/* A person vouches for a clock that is a year ahead. */
static void trust_the_year_ahead(void)
{
	wall_ms = NOON + YEAR_MS;
	boot_ms = HOUR_MS;
	ledger_open(&ledger);
	AUTO(clock_guard_free) struct clock_guard *guard = start();

	trust(guard);
	OK(is_believed(guard) && kept_ms() == NOON + YEAR_MS, "a person's word is taken");
}

static void test_twilio_puts_it_right(void)
{
	trust_the_year_ahead();
	{
		AUTO(clock_guard_free) struct clock_guard *guard = start();

		OK(clock_guard_heard(guard, NOON + DAY_MS),
		   "Twilio says less than the ledger: that is to be kept");
		OK(!clock_guard_heard(guard, NOON + DAY_MS), "and asked for once");
		keep(guard);
		IS_INT(kept_ms(), NOON + DAY_MS, "the ledger follows, though this clock is ahead");
		OK(!clock_guard_heard(guard, NOON + DAY_MS), "then there is nothing to do");
	}
	{
		AUTO(clock_guard_free) struct clock_guard *guard = start();

		wall_ms = NOON + 300 * DAY_MS;
		OK(!is_believed(guard), "the next start believes no clock of that year (%s)",
		   err.text);
	}
	ledger_remove(&ledger);
}

static void test_a_person_puts_it_right(void)
{
	trust_the_year_ahead();
	wall_ms = NOON;
	{
		AUTO(clock_guard_free) struct clock_guard *guard = start();

		trust(guard);
		IS_INT(kept_ms(), NOON, "a later word that says less counts");
		wall_ms = NOON + 300 * DAY_MS;
		OK(!is_believed(guard), "in this process");
		OK(clock_guard_doubt(guard, &err) == CLOCK_UNVOUCHED,
		   "a person may say that it is right (%s)", err.text);
	}
	{
		AUTO(clock_guard_free) struct clock_guard *guard = start();

		OK(!is_believed(guard), "and at the next start");
	}
	ledger_remove(&ledger);
}

static void test_never_ahead(void)
{
	AUTO(clock_guard_free) struct clock_guard *guard = clock_guard_new();
	int64_t now_ms = 0, told_ms = 0;

	wall_ms = NOON + HOUR_MS / 2;
	boot_ms = 0;
	OK(!clock_guard_told(guard, &told_ms), "Twilio has said nothing yet");
	OK(clock_guard_doubt(guard, &err) == CLOCK_UNDOUBTED,
	   "which is no reason to doubt this clock");
	clock_guard_heard(guard, NOON);
	go_on(1000);
	MUST(clock_guard_now(guard, &now_ms, &err));
	IS_INT(now_ms, NOON + 1000, "half an hour ahead of Twilio: Twilio's time");
	wall_ms = NOON - YEAR_MS;
	MUST(clock_guard_now(guard, &now_ms, &err));
	IS_INT(now_ms, NOON - YEAR_MS, "behind it: this clock's");
	OK(clock_guard_doubt(guard, &err) == CLOCK_UNDOUBTED, "and no reason to doubt it");
	wall_ms = NOON + YEAR_MS;
	OK(clock_guard_doubt(guard, &err) == CLOCK_CONTRADICTED, "far ahead of it: there is (%s)",
	   err.text);
	OK(clock_guard_told(guard, &told_ms) && told_ms == NOON + 1000,
	   "Twilio's time goes on whatever this clock says");
}

/* Each step is within what two clocks may differ by. */
static void test_creeping_ahead(void)
{
	AUTO(clock_guard_free) struct clock_guard *guard = NULL;
	int64_t now_ms = 0;
	unsigned believed = 0;

	wall_ms = NOON;
	boot_ms = 0;
	ledger_open(&ledger);
	guard = start();
	trust(guard);
	for (unsigned step = 0; step < 100; step++) {
		wall_ms += HOUR_MS / 2;
		boot_ms += 1000;
		if (clock_guard_now(guard, &now_ms, &err))
			believed++;
	}
	OK(believed <= 2 && now_ms <= NOON + believed * 1000,
	   "a clock that creeps ahead vouches for itself no further (%u steps)", believed);
	wall_ms = NOON + 100 * 1000;
	MUST(clock_guard_now(guard, &now_ms, &err));
	IS_INT(now_ms, wall_ms, "put right it is believed again");
	ledger_remove(&ledger);
}

int main(void)
{
	test_judge();
	test_twilio_puts_it_right();
	test_a_person_puts_it_right();
	test_never_ahead();
	test_creeping_ahead();
	return tap_end();
}
