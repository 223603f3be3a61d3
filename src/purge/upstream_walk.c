#include "purge/upstream_walk.h"

#include "catalog/recordings.h"
#include "purge/left_alone.h"
#include "twilio/accounts.h"

#include <string.h>

#define PAGE     64
#define ROWS_MAX 512 /* that are passed over in one transaction of a reader */

static const enum upstream_copy copies[] = { UPSTREAM_COPY_SPARED, UPSTREAM_COPY_THERE };

static void next_range(struct upstream_walk *walk)
{
	walk->is_inside = false;
	if (++walk->way < RETENTION_WAYS)
		return;
	walk->way = 0;
	if (++walk->copy < ARRAY_LEN(copies))
		return;
	walk->copy = 0;
	walk->account++;
}

static void next_account(struct upstream_walk *walk)
{
	*walk = (struct upstream_walk){ .account = walk->account + 1 };
}

/* The digest is made a moment after it was stored. */
static bool take(struct catalog *catalog, const struct upstream_wanted *wanted, const char *sid,
		 struct recording *out, bool *out_taken, struct err *err)
{
	*out_taken = false;
	if (left_alone_rests(wanted->left_alone, sid, wanted->loop_ms))
		return true;
	if (!recordings_find(catalog, str_of(sid), out, err))
		return false;
	*out_taken = out->state == RECORDING_STORED && out->sha256[0] != '\0' && !out->is_held;
	return true;
}

/* A page of the range that it is at. */
static bool read_page(struct upstream_walk *walk, struct catalog *catalog,
		      const struct upstream_wanted *wanted, struct recording *out, bool *out_taken,
		      size_t *rows_read, struct err *err)
{
	struct age_range range = { .way = walk->way, .copy = copies[walk->copy] };
	struct age_row rows[PAGE];
	size_t count;

	*out_taken = false;
	memcpy(range.account_sid, wanted->accounts->at[walk->account].account_sid, SID_SIZE);
	if (!ages_list(catalog, &range, walk->is_inside ? walk->place : AGE_START,
		       wanted->before_ms, rows, PAGE, &count, err))
		return false;
	*rows_read += count;
	for (size_t i = 0; i < count && !*out_taken; i++) {
		if (!take(catalog, wanted, rows[i].recording_sid, out, out_taken, err))
			return false;
		walk->is_inside = true;
		walk->place = age_place_of(&rows[i]);
	}
	if (!*out_taken && count < PAGE)
		next_range(walk);
	return true;
}

bool upstream_walk_next(struct upstream_walk *walk, struct catalog *catalog,
			const struct upstream_wanted *wanted, struct recording *out,
			enum upstream_found *out_found, struct err *err)
{
	size_t rows = 0;

	while (walk->account < wanted->accounts->count) {
		const char *account_sid = wanted->accounts->at[walk->account].account_sid;
		bool is_taken;

		if (left_alone_rests(wanted->left_alone, account_sid, wanted->loop_ms)) {
			next_account(walk);
			continue;
		}
		if (rows >= ROWS_MAX) {
			*out_found = UPSTREAM_MORE;
			return true;
		}
		if (!read_page(walk, catalog, wanted, out, &is_taken, &rows, err))
			return false;
		if (is_taken) {
			*out_found = UPSTREAM_FOUND;
			return true;
		}
	}
	*walk = (struct upstream_walk){ .account = 0 };
	*out_found = UPSTREAM_END;
	return true;
}
