#include "cluster/members.h"

#include "base/clock.h"
#include "catalog/attempts.h"
#include "catalog/catalog_sql.h"
#include "catalog/processes.h"
#include "catalog/projection_change.h"
#include "catalog/silent_holders.h"
#include "catalog/turn_news.h"
#include "schema/schema.h"

/* Who was left behind (schema/schema.h) lives no more: what it had is for others. */
#define KNOWS_SCHEMA                                                   \
	"$2 >= (SELECT COALESCE(oldest, version) FROM schema_version " \
	"ORDER BY version DESC LIMIT 1)"
#define CLOCK_DOUBT_MS 1000 /* an answer that takes longer says little of a clock */

bool members_look(struct catalog *catalog, int64_t *out_sequence, bool *out_is_alive,
		  struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *look = NULL;

	if (!db_prepare(catalog_db(catalog),
			"SELECT (SELECT seq FROM turns ORDER BY seq DESC LIMIT 1), "
			"(SELECT COUNT(*) FROM processes WHERE " OWN_PROCESS " AND " KNOWS_SCHEMA
			")",
			&look, err))
		return false;
	bind_own_process(look, catalog);
	if (db_step(look, err) != DB_ROW)
		return false;
	*out_sequence = db_column_int(look, 0);
	*out_is_alive = db_column_int(look, 1) > 0;
	return true;
}

static bool beat(struct catalog *catalog, const struct member_standing *own, struct err *err)
{
	struct db_stmt *update;

	if (!db_prepare(catalog_db(catalog),
			"UPDATE processes SET beat = beat + 1, clock_ahead_ms = $4, hears = $5, "
			"prepares = $6 WHERE " OWN_PROCESS " AND " KNOWS_SCHEMA,
			&update, err))
		return false;
	bind_own_process(update, catalog);
	if (own->is_clock_known)
		db_bind_int(update, 4, own->clock_ahead_ms);
	else
		db_bind_null(update, 4);
	db_bind_int(update, 5, own->hears);
	db_bind_int(update, 6, own->prepares);
	if (!db_run_now(update, err))
		return false;
	return db_changes(catalog_db(catalog)) > 0 ||
	       err_set(err, ERR_CONFLICT, "this process was taken for dead, or left behind");
}

static const struct member *find(const struct members *members, int64_t id)
{
	for (size_t i = 0; i < members->count; i++)
		if (members->at[i].id == id)
			return &members->at[i];
	return NULL;
}

static void see(struct members *now, const struct members *before, int64_t id, int64_t number)
{
	const struct member *known = find(before, id);

	if (now->count == MEMBERS_MAX)
		return;
	now->at[now->count++] = (struct member){
		.id = id,
		.beat = number,
		.still = known && known->beat == number ? known->still + 1 : 0,
	};
}

/* The server said what time it is between these two instants of ours: in the middle, as far as anybody can tell. */
static void measure_clock(struct member_standing *own, int64_t before_ms, int64_t after_ms,
			  int64_t theirs_ms)
{
	if (after_ms < before_ms || after_ms - before_ms > CLOCK_DOUBT_MS)
		return; /* it was set, or nothing can be told */
	own->is_clock_known = true;
	own->clock_ahead_ms = before_ms + (after_ms - before_ms) / 2 - theirs_ms;
}

bool members_beat(struct catalog *catalog, struct members *members, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *list = NULL;
	struct members now = { .own = members->own, .is_eldest = true };
	int64_t own = catalog_process(catalog), asked_at_ms, theirs_ms = 0;
	enum db_step step;

	now.own.prepares = !db_is_nameless(catalog_db(catalog));
	if (!beat(catalog, &now.own, err) ||
	    !db_prepare(
		    catalog_db(catalog),
		    "SELECT id, beat, CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) "
		    "FROM processes ORDER BY id",
		    &list, err))
		return false;
	asked_at_ms = clock_wall_ms();
	while ((step = db_step(list, err)) == DB_ROW) {
		int64_t id = db_column_int(list, 0);

		if (theirs_ms == 0) {
			theirs_ms = db_column_int(list, 2);
			measure_clock(&now.own, asked_at_ms, clock_wall_ms(), theirs_ms);
		}
		if (id < own)
			now.is_eldest = false;
		if (id != own)
			see(&now, members, id, db_column_int(list, 1));
	}
	if (step == DB_FAILED)
		return false;
	for (size_t i = 0; i < members->count; i++)
		now.has_lost |= !find(&now, members->at[i].id);
	*members = now;
	return true;
}

const struct member *members_find_dead(const struct members *members, int64_t suspect)
{
	for (size_t i = 0; i < members->count; i++) {
		const struct member *member = &members->at[i];

		if (member->still >= MEMBER_BEATS ||
		    (member->id == suspect && member->still >= MEMBER_BEATS_SUSPECTED))
			return member;
	}
	return NULL;
}

/* ---- what a process had ---- */

static bool run_of(struct catalog *catalog, const char *sql, int64_t id, struct err *err)
{
	struct db_stmt *stmt;

	if (!db_prepare(catalog_db(catalog), sql, &stmt, err))
		return false;
	db_bind_int(stmt, 1, id);
	return db_run(stmt, err);
}

/* What it fetched is anybody's, and all who have room for it look; or it was to be removed, and can be now. */
static bool give_up(struct catalog *catalog, int64_t id, int64_t at_ms, struct err *err)
{
	const struct projection_change change = { .what = PROJECTED_TO_FETCH | PROJECTED_LET_GO };

	if (!attempts_close_open(catalog, ATTEMPTS_OF_PROCESS, id, at_ms, NULL, err) ||
	    !run_of(catalog, "DELETE FROM leases WHERE process_id = $1", id, err))
		return false;
	(void)catalog_next_sequence(catalog);
	turn_tell(catalog, &change);
	return true;
}

bool member_bury(struct catalog *catalog, const struct member *member, int64_t at_ms,
		 bool *out_buried, struct err *err)
{
	struct db_stmt *bury;

	*out_buried = false;
	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(catalog_db(catalog), "DELETE FROM processes WHERE id = $1 AND beat = $2",
			&bury, err))
		return false;
	db_bind_int(bury, 1, member->id);
	db_bind_int(bury, 2, member->beat);
	if (!db_run_now(bury, err))
		return false;
	if (db_changes(catalog_db(catalog)) == 0)
		return true;
	*out_buried = true;
	return give_up(catalog, member->id, at_ms, err);
}

/* One that has no place is of a version that believes to be alone. */
static bool bury_at(struct catalog *catalog, const char *place, int64_t at_ms, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *list = NULL;
	enum db_step step;

	if (!db_prepare(catalog_db(catalog),
			"SELECT id FROM processes WHERE place = $1 OR place IS NULL", &list, err))
		return false;
	db_bind_str(list, 1, str_of(place));
	while ((step = db_step(list, err)) == DB_ROW) {
		int64_t id = db_column_int(list, 0);

		if (!run_of(catalog, "DELETE FROM processes WHERE id = $1", id, err) ||
		    !give_up(catalog, id, at_ms, err))
			return false;
	}
	return step == DB_DONE;
}

static bool clear_place(struct catalog *catalog, const char *place, int64_t at_ms, struct err *err)
{
	if (!catalog_begin(catalog, err))
		return false;
	if (schema_check(catalog_db(catalog), err) && bury_at(catalog, place, at_ms, err))
		return catalog_commit(catalog, err);
	catalog_rollback(catalog);
	silent_holders_end(catalog);
	return false;
}

bool members_enlist(struct catalog *catalog, const struct member_place *place, int64_t at_ms,
		    struct err *err)
{
	int64_t before = catalog_process(catalog);
	bool is_clear;

	if (catalog_is_local(catalog))
		return true;
	catalog_enlist_as(catalog, 0, NULL); /* its fence is of before */
	/* Looked at before as well: who is refused each second takes no turn for it. */
	is_clear = schema_check(catalog_db(catalog), err) &&
		   clear_place(catalog, place->name, at_ms, err);
	catalog_enlist_as(catalog, before, place->name);
	return is_clear && catalog_enlist(catalog, place, err);
}

bool member_leave(struct catalog *catalog, int64_t at_ms, struct err *err)
{
	int64_t own = catalog_process(catalog);

	if (!catalog_may_change(catalog, err) ||
	    !run_of(catalog, "DELETE FROM processes WHERE id = $1", own, err) ||
	    !give_up(catalog, own, at_ms, err))
		return false;
	catalog_end_stream(catalog);
	return true;
}
