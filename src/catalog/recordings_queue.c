/*
 * A claim walks rank by rank, account by account:
 *
 *	recordings_by_turn   AC1 new       t1 t2 t3 ...
 *	                     AC1 backfill  t1 ...
 *	                     AC2 new       t1 t2 ...
 *
 * and takes of each account no more rows than the claim has room for, so it costs the same with
 * ten rows in the queue and with ten million.  One index by time alone was rejected: an account that is
 * paused with 100,000 rows due would have to be walked through with each claim.
 */
#include "catalog/recordings_queue.h"

#include "base/mem.h"
#include "base/own.h"
#include "catalog/catalog_private.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_SIZE 12 /* of an unsigned, in digits */
/* Recordings at hand that a server is told of by name: 592 KiB of the 1 MiB that a list may have (37 bytes each), with each claim. */
#define SKIP_NAMED_MAX 16384

/* The account as the index has it: one that is not known is "". */
#define ACCOUNT "COALESCE(account_sid, '')"
/* Looked up for each row that the index gives.  As a join it would be a matter of estimates, and at times one of the whole backlog, sorted. */
#define LEASE_HOLDER "(SELECT process_id FROM leases WHERE recording_id = recordings.id)"

const char queue_next_account_sql[] =
	"SELECT " ACCOUNT " FROM recordings WHERE next_try_at_ms IS NOT NULL AND " ACCOUNT " > $1 "
	"ORDER BY " ACCOUNT " LIMIT 1";

const char queue_due_sql[] = "SELECT id, recording_sid, call_sid, next_try_at_ms FROM recordings "
			     "WHERE " ACCOUNT
			     " = $1 AND queue_rank = $2 AND next_try_at_ms IS NOT NULL AND "
			     "next_try_at_ms <= $3 ORDER BY next_try_at_ms, id LIMIT $4";

/*
 * Where others fetch, too: not what they have a lease of, nor what is at hand here ($8); and all accounts, leapt to from one to
 * the next, and ranks by one question.  Of an account it reads no more than its share ($5, $6, $7), and as many more as are
 * at hand without being named ($9); nothing where its share is none.
 */
const char queue_due_shared_sql[] =
	"WITH RECURSIVE accounts (sid) AS ("
	"(SELECT " ACCOUNT " FROM recordings WHERE next_try_at_ms IS NOT NULL "
	"ORDER BY " ACCOUNT " LIMIT 1) "
	"UNION ALL SELECT (SELECT " ACCOUNT " FROM recordings "
	"WHERE next_try_at_ms IS NOT NULL AND " ACCOUNT " > accounts.sid "
	"ORDER BY " ACCOUNT " LIMIT 1) FROM accounts WHERE accounts.sid IS NOT NULL), "
	"shares (sid, most, most_backfill) AS ("
	"SELECT * FROM unnest($5::text[], $6::bigint[], $7::bigint[])), "
	"parts (queue_rank, sid, most) AS ("
	"SELECT 0, accounts.sid, LEAST($2, shares.most) "
	"FROM accounts LEFT JOIN shares ON shares.sid = accounts.sid "
	"UNION ALL SELECT 1, accounts.sid, LEAST($2, $4, shares.most, shares.most_backfill) "
	"FROM accounts LEFT JOIN shares ON shares.sid = accounts.sid) "
	"SELECT parts.queue_rank, parts.sid, due.id, due.recording_sid, due.call_sid, "
	"due.next_try_at_ms, due.is_leased, due.account_sid, due.direction, due.started_at_ms, "
	"due.is_held FROM parts CROSS JOIN LATERAL ("
	"SELECT id, recording_sid, call_sid, next_try_at_ms, account_sid, direction, "
	"started_at_ms, is_held, " LEASE_HOLDER " IS NOT NULL AS is_leased FROM recordings "
	"WHERE " ACCOUNT " = parts.sid AND queue_rank = parts.queue_rank "
	"AND next_try_at_ms IS NOT NULL AND next_try_at_ms <= $1 AND recording_sid <> ALL($8) "
	"AND COALESCE(" LEASE_HOLDER ", $3) = $3 "
	"ORDER BY next_try_at_ms, id LIMIT parts.most + $9) AS due "
	"WHERE parts.sid IS NOT NULL AND parts.most > 0 "
	"ORDER BY parts.queue_rank, parts.sid, due.next_try_at_ms, due.id";

const char queue_next_due_sql[] = "SELECT next_try_at_ms FROM recordings "
				  "WHERE next_try_at_ms IS NOT NULL AND next_try_at_ms > $1 "
				  "ORDER BY next_try_at_ms LIMIT 1";

#define NEXT_DUE(after)                                                            \
	"(SELECT next_try_at_ms FROM recordings WHERE next_try_at_ms IS NOT NULL " \
	"AND next_try_at_ms > " after " ORDER BY next_try_at_ms LIMIT 1)"

/* ---- who gets how much ---- */

static const struct queue_share *share_of(const struct queue_claim *claim, const char *account_sid)
{
	for (size_t i = 0; i < claim->share_count; i++)
		if (strcmp(claim->shares[i].account_sid, account_sid) == 0)
			return &claim->shares[i];
	return NULL;
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static unsigned taken_of(const struct queue_row *rows, size_t count, const char *account_sid)
{
	unsigned taken = 0;

	for (size_t i = 0; i < count; i++)
		taken += strcmp(rows[i].account_sid, account_sid) == 0;
	return taken;
}

/* How many rows of a rank an account may have, where *out has `before` of higher ranks. */
static unsigned most_of(const struct queue_claim *claim, enum recording_rank rank,
			const char *account_sid, const struct queue_row *out, size_t before)
{
	const struct queue_share *share = share_of(claim, account_sid);
	unsigned most = claim->most - (unsigned)before;

	if (rank == RECORDING_RANK_BACKFILL)
		most = least(most, claim->most_backfill);
	if (!share)
		return most;
	unsigned taken = taken_of(out, before, account_sid);

	most = least(most, share->most > taken ? share->most - taken : 0);
	return rank == RECORDING_RANK_BACKFILL ? least(most, share->most_backfill) : most;
}

static int compare_sids(const void *a, const void *b)
{
	return strcmp(a, b);
}

static bool is_skipped(const struct queue_claim *claim, const char *recording_sid)
{
	return claim->skip_count > 0 && bsearch(recording_sid, claim->skip, claim->skip_count,
						SID_SIZE, compare_sids) != NULL;
}

/* ---- one account, one rank ---- */

static bool is_sooner(const struct queue_row *a, const struct queue_row *b)
{
	return a->next_try_at_ms != b->next_try_at_ms ? a->next_try_at_ms < b->next_try_at_ms
						      : a->id < b->id;
}

/* Into its place among those of its rank, which begin at `first`; the last falls out where there is no room. */
static void put(struct queue_row *out, size_t first, size_t *count, size_t size,
		const struct queue_row *row)
{
	size_t at = *count;

	while (at > first && is_sooner(row, &out[at - 1]))
		at--;
	if (at == size)
		return;
	if (*count < size)
		(*count)++;
	memmove(&out[at + 1], &out[at], (*count - 1 - at) * sizeof(*out));
	out[at] = *row;
}

static bool claim_of_account(struct catalog *catalog, const struct queue_claim *claim,
			     struct queue_row *row, unsigned most, struct queue_row *out,
			     size_t first, size_t *count, size_t size, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *due = NULL;
	enum db_step step = DB_DONE;

	if (!db_prepare(catalog->db, queue_due_sql, &due, err))
		return false;
	db_bind_str(due, 1, str_of(row->account_sid));
	db_bind_int(due, 2, row->rank);
	db_bind_int(due, 3, claim->now_ms);
	db_bind_int(due, 4, (int64_t)(most + claim->skip_count));
	while (most > 0 && (step = db_step(due, err)) == DB_ROW) {
		row->id = db_column_int(due, 0);
		text_set(row->recording_sid, SID_SIZE, db_column_str(due, 1));
		text_set(row->call_sid, SID_SIZE, db_column_str(due, 2));
		row->next_try_at_ms = db_column_int(due, 3);
		if (is_skipped(claim, row->recording_sid))
			continue;
		put(out, first, count, size, row);
		most--;
	}
	return step != DB_FAILED;
}

/* ---- all of them ---- */

static bool next_account(struct catalog *catalog, const char *after, char out[SID_SIZE],
			 bool *out_found, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;
	enum db_step step;

	if (!db_prepare(catalog->db, queue_next_account_sql, &find, err))
		return false;
	db_bind_str(find, 1, str_of(after));
	step = db_step(find, err);
	*out_found = step == DB_ROW;
	if (step == DB_ROW)
		text_set(out, SID_SIZE, db_column_str(find, 0));
	return step != DB_FAILED;
}

/* Of a rank, whose rows begin at `first`. */
static size_t size_of_rank(const struct queue_claim *claim, enum recording_rank rank, size_t first)
{
	return rank == RECORDING_RANK_BACKFILL
		       ? first + least(claim->most - (unsigned)first, claim->most_backfill)
		       : claim->most;
}

static bool claim_rank(struct catalog *catalog, const struct queue_claim *claim,
		       enum recording_rank rank, struct queue_row *out, size_t *count,
		       struct err *err)
{
	struct queue_row row = { .rank = rank };
	size_t first = *count, size = size_of_rank(claim, rank, first);
	bool found = true;

	while (found && first < size) { /* begins with "": the account is not known */
		unsigned most = most_of(claim, rank, row.account_sid, out, first);
		char account_sid[SID_SIZE];

		if (!claim_of_account(catalog, claim, &row, most, out, first, count, size, err) ||
		    !next_account(catalog, row.account_sid, account_sid, &found, err))
			return false;
		if (found)
			memcpy(row.account_sid, account_sid, SID_SIZE);
	}
	return true;
}

static void read_shared(const struct db_stmt *due, struct queue_row *out)
{
	*out = (struct queue_row){ .rank = (enum recording_rank)db_column_int(due, 0),
				   .id = db_column_int(due, 2),
				   .next_try_at_ms = db_column_int(due, 5),
				   .is_leased = db_column_int(due, 6) != 0 };
	text_set(out->account_sid, SID_SIZE, db_column_str(due, 1));
	text_set(out->recording_sid, SID_SIZE, db_column_str(due, 3));
	text_set(out->call_sid, SID_SIZE, db_column_str(due, 4));
	kept_read(due, 7, &out->kept);
}

static void bind_shares(struct db_stmt *due, const struct queue_claim *claim)
{
	AUTO(free) struct str *list = xcalloc(claim->share_count + 1, sizeof(*list));
	AUTO(free) char(*numbers)[NUMBER_SIZE] = xcalloc(claim->share_count + 1, NUMBER_SIZE);

	for (size_t i = 0; i < claim->share_count; i++)
		list[i] = str_of(claim->shares[i].account_sid);
	db_bind_list(due, 5, list, claim->share_count);
	for (size_t i = 0; i < claim->share_count; i++) {
		snprintf(numbers[i], NUMBER_SIZE, "%u", claim->shares[i].most);
		list[i] = str_of(numbers[i]);
	}
	db_bind_list(due, 6, list, claim->share_count);
	for (size_t i = 0; i < claim->share_count; i++) {
		snprintf(numbers[i], NUMBER_SIZE, "%u", claim->shares[i].most_backfill);
		list[i] = str_of(numbers[i]);
	}
	db_bind_list(due, 7, list, claim->share_count);
}

/* Those that are not named are passed over as they come. */
static void bind_skip(struct db_stmt *due, const struct queue_claim *claim)
{
	size_t named = claim->skip_count < SKIP_NAMED_MAX ? claim->skip_count : SKIP_NAMED_MAX;
	AUTO(free) struct str *list = xcalloc(named + 1, sizeof(*list));

	for (size_t i = 0; i < named; i++)
		list[i] = str_of(claim->skip[i]);
	db_bind_list(due, 8, list, named);
	db_bind_int(due, 9, (int64_t)(claim->skip_count - named));
}

/* The same walk, over what one question has found: by rank, by account, and for each no fewer rows than it may have. */
static bool claim_shared(struct catalog *catalog, const struct queue_claim *claim,
			 struct queue_row *out, size_t *count, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *due = NULL;
	char account_sid[SID_SIZE] = "\n"; /* none has that */
	enum recording_rank rank = RECORDING_RANK_NEW;
	size_t first = 0;
	unsigned most = 0;
	enum db_step step;

	if (!db_prepare(catalog->db, queue_due_shared_sql, &due, err))
		return false;
	db_bind_int(due, 1, claim->now_ms);
	db_bind_int(due, 2, claim->most);
	db_bind_int(due, 3, catalog->process_id);
	db_bind_int(due, 4, claim->most_backfill);
	bind_shares(due, claim);
	bind_skip(due, claim);
	while ((step = db_step(due, err)) == DB_ROW) {
		struct queue_row row;

		read_shared(due, &row);
		if (row.rank != rank)
			first = *count;
		if (row.rank != rank || strcmp(row.account_sid, account_sid) != 0)
			most = most_of(claim, row.rank, row.account_sid, out, first);
		rank = row.rank;
		memcpy(account_sid, row.account_sid, SID_SIZE);
		if (most == 0 || is_skipped(claim, row.recording_sid))
			continue;
		put(out, first, count, size_of_rank(claim, rank, first), &row);
		most--;
	}
	return step == DB_DONE;
}

bool queue_claim(struct catalog *catalog, const struct queue_claim *claim, struct queue_row *out,
		 size_t *out_count, struct err *err)
{
	size_t count = 0;

	assert(claim->most <= QUEUE_CLAIM_MAX);
	if (!(catalog->process_id != 0
		      ? claim_shared(catalog, claim, out, &count, err)
		      : claim_rank(catalog, claim, RECORDING_RANK_NEW, out, &count, err) &&
				claim_rank(catalog, claim, RECORDING_RANK_BACKFILL, out, &count,
					   err)))
		return false;
	*out_count = count;
	return true;
}

bool queue_ask_dues(struct catalog *catalog, struct queue_dues *dues, struct err *err)
{
	dues->asked = NULL;
	if (catalog_is_local(catalog))
		return true;
	if (!db_prepare(catalog->db, "SELECT " NEXT_DUE("$1") ", " NEXT_DUE("$2"), &dues->asked,
			err))
		return false;
	db_bind_int(dues->asked, 1, dues->now_ms);
	db_bind_int(dues->asked, 2, dues->beyond_ms);
	return db_ask(dues->asked, err);
}

void queue_dues_release(struct queue_dues *dues)
{
	db_stmt_reset(TAKE(dues->asked));
}

bool queue_read_dues(struct catalog *catalog, struct queue_dues *dues, int64_t *out_next_ms,
		     bool *out_is_beyond, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *asked = TAKE(dues->asked);
	int64_t beyond_ms;

	if (!asked) {
		if (!queue_next_due(catalog, dues->now_ms, out_next_ms, err) ||
		    !queue_next_due(catalog, dues->beyond_ms, &beyond_ms, err))
			return false;
		*out_is_beyond = beyond_ms != RECORDING_NEVER;
		return true;
	}
	if (db_step(asked, err) != DB_ROW)
		return false;
	*out_next_ms = db_column_is_null(asked, 0) ? RECORDING_NEVER : db_column_int(asked, 0);
	*out_is_beyond = !db_column_is_null(asked, 1) && db_column_int(asked, 1) != RECORDING_NEVER;
	return true;
}

bool queue_next_due(struct catalog *catalog, int64_t now_ms, int64_t *out_ms, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;
	enum db_step step;

	if (!db_prepare(catalog->db, queue_next_due_sql, &find, err))
		return false;
	db_bind_int(find, 1, now_ms);
	step = db_step(find, err);
	*out_ms = step == DB_ROW ? db_column_int(find, 0) : RECORDING_NEVER;
	return step != DB_FAILED;
}

/* ---- what has expired ---- */

bool queue_expired(struct catalog *catalog, int64_t after_id, struct queue_expired *out,
		   size_t size, size_t *out_count, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *list = NULL;
	enum db_step step = DB_DONE;
	size_t count = 0;

	if (!db_prepare(catalog->db,
			"SELECT id, recording_sid, account_sid, direction, started_at_ms, is_held "
			"FROM recordings "
			"WHERE next_try_at_ms IS NOT NULL AND next_try_at_ms = $1 AND id > $2 "
			"ORDER BY id LIMIT $3",
			&list, err))
		return false;
	db_bind_int(list, 1, RECORDING_NEVER);
	db_bind_int(list, 2, after_id);
	db_bind_int(list, 3, (int64_t)size);
	while (count < size && (step = db_step(list, err)) == DB_ROW) {
		struct queue_expired *row = &out[count++];

		row->id = db_column_int(list, 0);
		text_set(row->recording_sid, SID_SIZE, db_column_str(list, 1));
		kept_read(list, 2, &row->kept);
	}
	*out_count = count;
	return step != DB_FAILED;
}

bool queue_count_backfill(struct catalog *catalog, int64_t now_ms, int64_t *out, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *count = NULL;
	enum db_step step;

	if (!db_prepare(catalog->db,
			"SELECT COUNT(*) FROM recordings WHERE next_try_at_ms IS NOT NULL "
			"AND queue_rank = $1 AND next_try_at_ms <= $2",
			&count, err))
		return false;
	db_bind_int(count, 1, RECORDING_RANK_BACKFILL);
	db_bind_int(count, 2, now_ms);
	step = db_step(count, err);
	*out = step == DB_ROW ? db_column_int(count, 0) : 0;
	return step != DB_FAILED;
}

bool queue_count_expired(struct catalog *catalog, int64_t *out, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *count = NULL;
	enum db_step step;

	if (!db_prepare(catalog->db,
			"SELECT COUNT(*) FROM recordings "
			"WHERE next_try_at_ms IS NOT NULL AND next_try_at_ms = $1",
			&count, err))
		return false;
	db_bind_int(count, 1, RECORDING_NEVER);
	step = db_step(count, err);
	*out = step == DB_ROW ? db_column_int(count, 0) : 0;
	return step != DB_FAILED;
}

bool queue_mend(struct catalog *catalog, int64_t now_ms, int64_t most_ms, size_t size,
		int64_t *out_mended, struct err *err)
{
	struct db_stmt *update;

	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(catalog->db,
			"UPDATE recordings SET next_try_at_ms = $1, waiting_since_ms = $1 "
			"WHERE id IN (SELECT id FROM recordings WHERE next_try_at_ms IS NOT NULL "
			"AND next_try_at_ms > $2 AND next_try_at_ms < $3 LIMIT $4)",
			&update, err))
		return false;
	db_bind_int(update, 1, now_ms);
	db_bind_int(update, 2, now_ms + most_ms);
	db_bind_int(update, 3, RECORDING_NEVER);
	db_bind_int(update, 4, (int64_t)size);
	if (!db_run_now(update, err))
		return false;
	*out_mended = db_changes(catalog->db);
	return true;
}
