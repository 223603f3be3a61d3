#include "purge/purge_pause.h"

#include "base/clock.h"
#include "base/log.h"
#include "purge/clock_guard.h"

#include <stdio.h>

#define NOT_BEGUN 1 /* at_ms */

void purge_pause_text(const struct upkeep *row, char *out, size_t size)
{
	const char *why = row->count == UPKEEP_PAUSE_REBUILT ? "rebuilt" : "restored";
	char until[ISO_DATE_SIZE];

	out[0] = '\0';
	if (row->count == UPKEEP_PAUSE_OVER)
		return;
	clock_iso_date(row->at_ms, until);
	snprintf(
		out, size,
		"the ledger was %s, and holds may be lost: nothing is removed %s%s; callspool purge "
		"--resume ends that, once the holds are as they should be",
		why, row->at_ms == NOT_BEGUN ? "for a day" : "before ",
		row->at_ms == NOT_BEGUN ? "" : until);
}

static bool is_over(const struct upkeep *row, struct clock_guard *guard)
{
	int64_t told_ms;

	return row->count == UPKEEP_PAUSE_OVER || clock_guard_age_ms(guard) >= PURGE_PAUSE_MS ||
	       (row->at_ms != NOT_BEGUN && clock_guard_told(guard, &told_ms) &&
		told_ms >= row->at_ms);
}

bool purge_pause_check(struct catalog *catalog, struct clock_guard *guard, struct err *err)
{
	struct upkeep row;
	char text[320];

	if (!upkeep_find(catalog, UPKEEP_PURGE_PAUSE, &row, err))
		return false;
	if (is_over(&row, guard))
		return true;
	purge_pause_text(&row, text, sizeof(text));
	return err_set(err, ERR_UNAVAILABLE, "%s", text);
}

static bool end(struct catalog *catalog, struct err *err)
{
	const struct upkeep over = { .at_ms = 0, .count = UPKEEP_PAUSE_OVER };

	return upkeep_set(catalog, UPKEEP_PURGE_PAUSE, &over, err);
}

bool purge_pause_count(struct catalog *catalog, struct clock_guard *guard, struct err *err)
{
	struct upkeep row;
	int64_t told_ms;

	if (!upkeep_find(catalog, UPKEEP_PURGE_PAUSE, &row, err))
		return false;
	if (row.count == UPKEEP_PAUSE_OVER)
		return true;
	if (is_over(&row, guard)) {
		log_info(
			NULL,
			"the day after the ledger was brought back is over: what is older than it is kept "
			"is removed again");
		return end(catalog, err);
	}
	if (!clock_guard_told(guard, &told_ms))
		return true;
	/* An older version counted by our clock, which may have been ahead. */
	if (row.at_ms != NOT_BEGUN && row.at_ms <= told_ms + PURGE_PAUSE_MS)
		return true;
	row.at_ms = told_ms + PURGE_PAUSE_MS;
	return upkeep_set(catalog, UPKEEP_PURGE_PAUSE, &row, err);
}

bool purge_pause_end(struct catalog *catalog, bool *out_was, struct err *err)
{
	struct upkeep row;

	if (!upkeep_find(catalog, UPKEEP_PURGE_PAUSE, &row, err))
		return false;
	*out_was = row.count != UPKEEP_PAUSE_OVER;
	return !*out_was || end(catalog, err);
}
