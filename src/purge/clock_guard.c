#include "purge/clock_guard.h"

#include "base/clock.h"
#include "base/mem.h"
#include "chores/upkeep.h"

#include <pthread.h>
#include <stdlib.h>

#define KEPT_EACH_MS INT64_C(3600000)

struct clock_guard {
	pthread_mutex_t lock;
	int64_t made_boot_ms;
	struct clock_voucher voucher;
	bool is_keep_asked; /* since the ledger was written to last */
};

/* ---- what vouches for it ---- */

static int64_t carried_on(const struct clock_reading *from, const struct clock_reading *now)
{
	return from->wall_ms + (now->boot_ms - from->boot_ms);
}

static bool refuse(const struct clock_reading *now, int64_t right_ms, const char *by,
		   struct err *err)
{
	char says[ISO_DATE_SIZE], right[ISO_DATE_SIZE];

	clock_iso_date(now->wall_ms, says);
	clock_iso_date(right_ms, right);
	return err_set(err, ERR_UNAVAILABLE,
		       "the clock says %s, but %s it is %s: nothing is removed", says, by, right);
}

/* Its wall_ms is 0 where neither Twilio nor this process has vouched. */
static const struct clock_reading *best_of(const struct clock_voucher *voucher)
{
	return voucher->twilio.wall_ms != 0 ? &voucher->twilio : &voucher->vouched;
}

int64_t clock_guard_bounded_ms(const struct clock_voucher *voucher, const struct clock_reading *now)
{
	const struct clock_reading *by = best_of(voucher);

	if (by->wall_ms == 0 || now->wall_ms < carried_on(by, now))
		return now->wall_ms;
	return carried_on(by, now);
}

bool clock_guard_judge(const struct clock_voucher *voucher, const struct clock_reading *now,
		       struct err *err)
{
	const struct clock_reading *by = best_of(voucher);
	char kept[ISO_DATE_SIZE], says[ISO_DATE_SIZE];

	if (by->wall_ms != 0)
		return now->wall_ms <= carried_on(by, now) + CLOCK_GUARD_APART_MS ||
		       refuse(now, carried_on(by, now),
			      by == &voucher->twilio ? "by Twilio's answers"
						     : "by what went by since it was right",
			      err);
	if (voucher->kept_ms != 0 && now->wall_ms <= voucher->kept_ms + CLOCK_GUARD_GAP_MS)
		return true;
	clock_iso_date(now->wall_ms, says);
	if (voucher->kept_ms == 0)
		return err_set(
			err, ERR_UNAVAILABLE,
			"whether the clock is right, which says %s, is not known before Twilio "
			"has answered: nothing is removed",
			says);
	clock_iso_date(voucher->kept_ms, kept);
	return err_set(
		err, ERR_UNAVAILABLE,
		"the clock says %s, and was last known to be right at %s: nothing is removed "
		"before Twilio has answered",
		says, kept);
}

/* ---- with a lock ---- */

struct clock_guard *clock_guard_new(void)
{
	struct clock_guard *guard = xcalloc(1, sizeof(*guard));

	pthread_mutex_init(&guard->lock, NULL);
	guard->made_boot_ms = clock_boot_ms();
	return guard;
}

void clock_guard_free(struct clock_guard *guard)
{
	if (!guard)
		return;
	pthread_mutex_destroy(&guard->lock);
	free(guard);
}

static struct clock_reading read_clocks(void)
{
	return (struct clock_reading){ .wall_ms = clock_wall_ms(), .boot_ms = clock_boot_ms() };
}

static bool is_ahead(int64_t kept_ms, int64_t told_ms)
{
	return kept_ms > told_ms + CLOCK_GUARD_APART_MS;
}

bool clock_guard_heard(struct clock_guard *guard, int64_t date_ms)
{
	bool is_keep_due;

	pthread_mutex_lock(&guard->lock);
	guard->voucher.twilio =
		(struct clock_reading){ .wall_ms = date_ms, .boot_ms = clock_boot_ms() };
	is_keep_due = !guard->is_keep_asked && is_ahead(guard->voucher.kept_ms, date_ms);
	guard->is_keep_asked |= is_keep_due;
	pthread_mutex_unlock(&guard->lock);
	return is_keep_due;
}

bool clock_guard_told(struct clock_guard *guard, int64_t *out_ms)
{
	struct clock_reading now = read_clocks();
	bool is_told;

	pthread_mutex_lock(&guard->lock);
	is_told = guard->voucher.twilio.wall_ms != 0;
	if (is_told)
		*out_ms = carried_on(&guard->voucher.twilio, &now);
	pthread_mutex_unlock(&guard->lock);
	return is_told;
}

int64_t clock_guard_age_ms(const struct clock_guard *guard)
{
	return clock_boot_ms() - guard->made_boot_ms;
}

/*
 * A ledger that has no word of it yet is one of an older version, or new: then it is as old as what was written to it
 * last.
 */
static bool read_kept(struct catalog *catalog, int64_t *out_ms, struct err *err)
{
	struct upkeep row;

	if (!upkeep_find(catalog, UPKEEP_CLOCK, &row, err))
		return false;
	*out_ms = row.at_ms;
	return row.at_ms != 0 || upkeep_last_write(catalog, out_ms, err);
}

bool clock_guard_load(struct clock_guard *guard, struct catalog *catalog, struct err *err)
{
	return read_kept(catalog, &guard->voucher.kept_ms, err);
}

/*
 * From here on by this process: but not by a clock that went back, which may come forward again, nor by one that is a little
 * ahead, which would vouch for itself an hour further each time.
 */
static bool judge(struct clock_guard *guard, const struct clock_reading *now, struct err *err)
{
	struct clock_voucher *voucher = &guard->voucher;
	int64_t right_ms;

	if (!clock_guard_judge(voucher, now, err))
		return false;
	right_ms = carried_on(&voucher->vouched, now);
	if (voucher->vouched.wall_ms == 0 ||
	    (now->wall_ms <= right_ms && now->wall_ms >= right_ms - CLOCK_GUARD_APART_MS))
		voucher->vouched = *now;
	return true;
}

bool clock_guard_now(struct clock_guard *guard, int64_t *out_ms, struct err *err)
{
	struct clock_reading now = read_clocks();
	bool is_right;

	pthread_mutex_lock(&guard->lock);
	is_right = judge(guard, &now, err);
	if (is_right)
		*out_ms = clock_guard_bounded_ms(&guard->voucher, &now);
	pthread_mutex_unlock(&guard->lock);
	return is_right;
}

enum clock_doubt clock_guard_doubt(struct clock_guard *guard, struct err *err)
{
	struct clock_reading now = read_clocks();
	enum clock_doubt doubt = CLOCK_UNDOUBTED;

	pthread_mutex_lock(&guard->lock);
	if (!judge(guard, &now, err)) {
		if (guard->voucher.twilio.wall_ms != 0)
			doubt = CLOCK_CONTRADICTED;
		else if (guard->voucher.vouched.wall_ms != 0 || guard->voucher.kept_ms != 0)
			doubt = CLOCK_UNVOUCHED;
	}
	pthread_mutex_unlock(&guard->lock);
	return doubt;
}

static bool set_kept(struct clock_guard *guard, struct catalog *catalog, int64_t at_ms,
		     struct err *err)
{
	const struct upkeep row = { .at_ms = at_ms };

	if (!upkeep_set(catalog, UPKEEP_CLOCK, &row, err))
		return false;
	pthread_mutex_lock(&guard->lock);
	guard->voucher.kept_ms = at_ms;
	guard->is_keep_asked = false;
	pthread_mutex_unlock(&guard->lock);
	return true;
}

/*
 * A ledger that has no word of the clock is asked what was written to it last; by now that may have been written by this very
 * clock, and the next start would believe it.
 */
static bool keep_first(struct clock_guard *guard, struct catalog *catalog, int64_t kept_ms,
		       struct err *err)
{
	return kept_ms != 0 || guard->voucher.kept_ms == 0 ||
	       set_kept(guard, catalog, guard->voucher.kept_ms, err);
}

bool clock_guard_keep(struct clock_guard *guard, struct catalog *catalog, struct err *err)
{
	int64_t now_ms, told_ms;
	struct upkeep row;
	struct err doubt;

	if (!upkeep_find(catalog, UPKEEP_CLOCK, &row, err))
		return false;
	if (clock_guard_told(guard, &told_ms) && is_ahead(row.at_ms, told_ms))
		return set_kept(guard, catalog, told_ms, err);
	if (!clock_guard_now(guard, &now_ms, &doubt))
		return keep_first(guard, catalog, row.at_ms, err);
	return (row.at_ms != 0 && now_ms < row.at_ms + KEPT_EACH_MS) ||
	       set_kept(guard, catalog, now_ms, err);
}

bool clock_guard_trust(struct clock_guard *guard, struct catalog *catalog, struct err *err)
{
	struct clock_reading now = read_clocks();
	bool is_told, is_right;

	pthread_mutex_lock(&guard->lock);
	is_told = guard->voucher.twilio.wall_ms != 0;
	is_right = !is_told || clock_guard_judge(&guard->voucher, &now, err);
	pthread_mutex_unlock(&guard->lock);
	if (!is_right) {
		err->kind = ERR_CONFLICT;
		return false;
	}
	if (!set_kept(guard, catalog, now.wall_ms, err))
		return false;
	pthread_mutex_lock(&guard->lock);
	guard->voucher.vouched = now;
	pthread_mutex_unlock(&guard->lock);
	return true;
}
