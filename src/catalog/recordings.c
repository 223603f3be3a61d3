#include "catalog/recordings.h"

#include "base/mem.h"
#include "catalog/calls.h"
#include "catalog/catalog_private.h"

static const struct {
	const char *text;
	enum recording_group group;
} states[RECORDING_STATES] = {
	[RECORDING_ANNOUNCED] = { "announced", RECORDING_GROUP_PENDING },
	[RECORDING_QUEUED] = { "queued", RECORDING_GROUP_PENDING },
	[RECORDING_WAITING] = { "waiting", RECORDING_GROUP_PENDING },
	[RECORDING_STORED] = { "stored", RECORDING_GROUP_STORED },
	[RECORDING_ABSENT] = { "absent", RECORDING_GROUP_ABSENT },
	[RECORDING_DEAD] = { "dead", RECORDING_GROUP_FAILED },
	[RECORDING_GONE] = { "gone", RECORDING_GROUP_DELETED },
	[RECORDING_PURGED] = { "purged", RECORDING_GROUP_DELETED },
	[RECORDING_DELETED] = { "deleted", RECORDING_GROUP_DELETED },
};

static const char *const groups[RECORDING_GROUPS] = {
	[RECORDING_GROUP_NONE] = "none",     [RECORDING_GROUP_PENDING] = "pending",
	[RECORDING_GROUP_STORED] = "stored", [RECORDING_GROUP_ABSENT] = "absent",
	[RECORDING_GROUP_FAILED] = "failed", [RECORDING_GROUP_DELETED] = "deleted",
};

const char *recording_state_text(enum recording_state state)
{
	return (unsigned)state < RECORDING_STATES ? states[state].text : "unknown";
}

struct kept recording_kept(const struct recording *recording)
{
	struct kept kept = { .way = recording->way,
			     .is_held = recording->is_held,
			     .started_at_ms = recording->started_at_ms };

	memcpy(kept.account_sid, recording->account_sid, SID_SIZE);
	return kept;
}

enum recording_group recording_state_group(enum recording_state state)
{
	return (unsigned)state < RECORDING_STATES ? states[state].group : RECORDING_GROUP_NONE;
}

const char *recording_group_text(enum recording_group group)
{
	return (unsigned)group < RECORDING_GROUPS ? groups[group] : "unknown";
}

bool recording_group_from_text(struct str text, enum recording_group *out)
{
	for (int i = 0; i < RECORDING_GROUPS; i++) {
		if (!str_eq(text, str_of(groups[i])))
			continue;
		*out = (enum recording_group)i;
		return true;
	}
	return false;
}

void recording_source_release(struct recording_source *source)
{
	free(source->url);
	free(source->encryption);
	free(source->track);
	*source = (struct recording_source){ 0 };
}

static bool not_known(struct str recording_sid, struct err *err)
{
	return err_set(err, ERR_NOT_FOUND, "no recording '%.*s' in the ledger",
		       STR_ARG(recording_sid));
}

const char *recording_absent_code(int64_t error_code)
{
	return error_code == 16101   ? "too_short"
	       : error_code == 16102 ? "silent"
	       : error_code == 16105 ? "no_key"
				     : "absent";
}

bool recordings_find(struct catalog *catalog, struct str recording_sid, struct recording *out,
		     struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;

	if (!db_prepare(catalog->db,
			"SELECT " RECORDING_COLUMNS " FROM recordings r WHERE r.recording_sid = $1",
			&find, err))
		return false;
	db_bind_str(find, 1, recording_sid);
	switch (db_step(find, err)) {
	case DB_ROW:
		recording_read(find, 0, out);
		return true;
	case DB_DONE:
		return not_known(recording_sid, err);
	case DB_FAILED:
		break;
	}
	return false;
}

bool recordings_find_source(struct catalog *catalog, struct str recording_sid,
			    struct recording_source *out, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;

	if (!db_prepare(catalog->db,
			"SELECT url, encryption, track FROM recordings WHERE recording_sid = $1",
			&find, err))
		return false;
	db_bind_str(find, 1, recording_sid);
	switch (db_step(find, err)) {
	case DB_ROW:
		out->url = str_dup(db_column_str(find, 0));
		out->encryption = str_dup(db_column_str(find, 1));
		out->track = str_dup(db_column_str(find, 2));
		return true;
	case DB_DONE:
		return not_known(recording_sid, err);
	case DB_FAILED:
		break;
	}
	return false;
}

bool recordings_find_main(struct catalog *catalog, struct str call_sid,
			  enum call_recorded *out_found, struct recording *out, bool *out_call_on,
			  struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;

	if (!db_prepare(catalog->db,
			"SELECT c.status, r.id IS NOT NULL, " RECORDING_COLUMNS
			" FROM" CALLS_WITH_MAIN " WHERE c.call_sid = $1",
			&find, err))
		return false;
	db_bind_str(find, 1, call_sid);
	switch (db_step(find, err)) {
	case DB_ROW:
		*out_call_on = !call_status_is_final((enum call_status)db_column_int(find, 0));
		*out_found = CALL_UNRECORDED;
		if (db_column_int(find, 1)) {
			*out_found = CALL_RECORDED;
			recording_read(find, 2, out);
		}
		return true;
	case DB_DONE:
		*out_found = CALL_UNKNOWN;
		return true;
	case DB_FAILED:
		break;
	}
	return false;
}

bool recordings_list_of_call(struct catalog *catalog, struct str call_sid, struct recording *out,
			     size_t size, size_t *out_count, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *list = NULL;
	enum db_step step;
	size_t count = 0;

	if (!db_prepare(catalog->db,
			"SELECT " RECORDING_COLUMNS " FROM calls c "
			"JOIN recordings r ON r.call_id = c.id WHERE c.call_sid = $1 "
			"ORDER BY COALESCE(r.started_at_ms, 0), r.recording_sid LIMIT $2",
			&list, err))
		return false;
	db_bind_str(list, 1, call_sid);
	db_bind_int(list, 2, (int64_t)size);
	while ((step = db_step(list, err)) == DB_ROW && count < size)
		recording_read(list, 0, &out[count++]);
	if (step == DB_FAILED)
		return false;
	*out_count = count;
	return true;
}

bool recordings_list_dead(struct catalog *catalog, int64_t after_id, struct recording_dead *out,
			  size_t size, size_t *out_count, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *list = NULL;
	enum db_step step;
	size_t count = 0;

	if (!db_prepare(catalog->db,
			"SELECT " RECORDING_COLUMNS ", r.id FROM recordings r "
			"WHERE r.id > $1 AND r.state = $2 ORDER BY r.id LIMIT $3",
			&list, err))
		return false;
	db_bind_int(list, 1, after_id);
	db_bind_int(list, 2, RECORDING_DEAD);
	db_bind_int(list, 3, (int64_t)size);
	while ((step = db_step(list, err)) == DB_ROW && count < size) {
		recording_read(list, 0, &out[count].recording);
		out[count++].id = db_column_int(list, RECORDING_COLUMN_COUNT);
	}
	if (step == DB_FAILED)
		return false;
	*out_count = count;
	return true;
}
