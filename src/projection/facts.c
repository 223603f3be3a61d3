#include "projection/facts.h"

#include "base/map.h"
#include "base/mem.h"
#include "catalog/catalog_sql.h"
#include "catalog/rows.h"
#include "numbers/numbers_index.h"
#include "projection/projection.h"

#include <assert.h>
#include <stdlib.h>

/* Each event names one of each at most; recordings have calls that no event names. */
#define NAMES_MAX ((size_t)2 * PROJECTION_EVENTS_MAX)

struct known_call {
	struct map_node node;
	char *sid;
	bool is_there;
	struct call_facts facts;
};

struct known_recording {
	struct map_node node;
	char *sid;
	bool is_there;
	struct recording_facts facts;
};

struct facts {
	struct map calls, recordings;
	struct known_call *all_calls[NAMES_MAX];
	struct known_recording *all_recordings[PROJECTION_EVENTS_MAX];
	size_t call_count, recording_count;
	struct numbers_seen numbers;
};

struct facts *facts_new(void)
{
	struct facts *facts = xcalloc(1, sizeof(*facts));

	map_init(&facts->calls);
	map_init(&facts->recordings);
	return facts;
}

void facts_free(struct facts *facts)
{
	if (!facts)
		return;
	for (size_t i = 0; i < facts->call_count; i++) {
		free(facts->all_calls[i]->sid);
		free(facts->all_calls[i]);
	}
	for (size_t i = 0; i < facts->recording_count; i++) {
		free(facts->all_recordings[i]->sid);
		free(facts->all_recordings[i]);
	}
	map_release(&facts->calls);
	map_release(&facts->recordings);
	free(facts);
}

static struct known_call *known_call(const struct facts *facts, struct str sid)
{
	struct map_node *node = facts ? map_find(&facts->calls, sid) : NULL;

	return node ? container_of(node, struct known_call, node) : NULL;
}

static struct known_recording *known_recording(const struct facts *facts, struct str sid)
{
	struct map_node *node = facts ? map_find(&facts->recordings, sid) : NULL;

	return node ? container_of(node, struct known_recording, node) : NULL;
}

void facts_name_call(struct facts *facts, struct str call_sid)
{
	struct known_call *call;

	if (!call_sid.len || known_call(facts, call_sid))
		return;
	assert(facts->call_count < ARRAY_LEN(facts->all_calls));
	call = xcalloc(1, sizeof(*call));
	call->sid = str_dup(call_sid);
	facts->all_calls[facts->call_count++] = call;
	map_add(&facts->calls, &call->node, str_of(call->sid));
}

void facts_name_recording(struct facts *facts, struct str recording_sid)
{
	struct known_recording *recording;

	if (!recording_sid.len || known_recording(facts, recording_sid))
		return;
	assert(facts->recording_count < ARRAY_LEN(facts->all_recordings));
	recording = xcalloc(1, sizeof(*recording));
	recording->sid = str_dup(recording_sid);
	facts->all_recordings[facts->recording_count++] = recording;
	map_add(&facts->recordings, &recording->node, str_of(recording->sid));
}

/* ---- as the ledger says ---- */

#define CALL_FACTS             \
	"SELECT " CALL_COLUMNS \
	", c.started_rank, c.ask_at_ms, c.main_recording_id FROM" CALLS_WITH_MAIN

static void read_call(const struct db_stmt *row, struct call_facts *out)
{
	call_read(row, 0, &out->call);
	out->started_rank = (int)db_column_int(row, CALL_COLUMN_COUNT);
	out->ask_at_ms = db_column_int(row, CALL_COLUMN_COUNT + 1);
	out->main_recording_id = db_column_int(row, CALL_COLUMN_COUNT + 2);
}

#define RECORDING_FACTS                                                                  \
	"SELECT " RECORDING_COLUMNS ", r.id, r.call_id, r.upstream, r.url IS NOT NULL, " \
	"r.track IS NOT NULL, c.is_main_fixed, c.main_recording_id, c.recordings FROM "  \
	"recordings r LEFT JOIN calls c ON c.id = r.call_id"

static void read_recording(const struct db_stmt *row, struct recording_facts *out)
{
	int at = RECORDING_COLUMN_COUNT;

	recording_read(row, 0, &out->recording);
	out->place.id = db_column_int(row, at++);
	out->place.call_id = db_column_int(row, at++);
	out->upstream = (enum upstream)db_column_int(row, at++);
	out->has_url = db_column_int(row, at++) != 0;
	out->has_track = db_column_int(row, at++) != 0;
	out->place.is_main_fixed = db_column_int(row, at++) != 0;
	out->place.main_recording_id = db_column_int(row, at++);
	out->place.call_recordings = db_column_int(row, at++);
	out->place.state = out->recording.state;
	out->place.size = out->recording.size;
	out->place.is_held = out->recording.is_held;
}

static bool ask_call(struct catalog *catalog, struct str call_sid, struct call_facts *out,
		     bool *out_found, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;
	enum db_step step;

	if (!db_prepare(catalog_db(catalog), CALL_FACTS " WHERE c.call_sid = $1", &find, err))
		return false;
	db_bind_str(find, 1, call_sid);
	step = db_step(find, err);
	if (step == DB_ROW)
		read_call(find, out);
	*out_found = step == DB_ROW;
	return step != DB_FAILED;
}

static bool ask_recording(struct catalog *catalog, struct str recording_sid,
			  struct recording_facts *out, bool *out_found, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;
	enum db_step step;

	if (!db_prepare(catalog_db(catalog), RECORDING_FACTS " WHERE r.recording_sid = $1", &find,
			err))
		return false;
	db_bind_str(find, 1, recording_sid);
	step = db_step(find, err);
	if (step == DB_ROW)
		read_recording(find, out);
	*out_found = step == DB_ROW;
	return step != DB_FAILED;
}

static bool ask_call_of(struct catalog *catalog, struct recording_facts *out, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;
	enum db_step step;

	if (!db_prepare(catalog_db(catalog),
			"SELECT is_main_fixed, main_recording_id, recordings, direction FROM calls "
			"WHERE id = $1",
			&find, err))
		return false;
	db_bind_int(find, 1, out->place.call_id);
	step = db_step(find, err);
	if (step != DB_ROW)
		return step == DB_DONE;
	out->place.is_main_fixed = db_column_int(find, 0) != 0;
	out->place.main_recording_id = db_column_int(find, 1);
	out->place.call_recordings = db_column_int(find, 2);
	out->recording.way = (enum retention_way)db_column_int(find, 3);
	return true;
}

/* ---- all at once ---- */

/* What was named is what is asked for; a row says which of it is there. */
static bool ask_recordings(const struct facts *facts, struct catalog *catalog,
			   struct db_stmt **list, struct err *err)
{
	struct str sids[ARRAY_LEN(facts->all_recordings)];

	for (size_t i = 0; i < facts->recording_count; i++)
		sids[i] = str_of(facts->all_recordings[i]->sid);
	if (!db_prepare(catalog_db(catalog), RECORDING_FACTS " WHERE r.recording_sid = ANY($1)",
			list, err))
		return false;
	db_bind_list(*list, 1, sids, facts->recording_count);
	return db_ask(*list, err);
}

/* Those that were named, and those of the recordings that were. */
static bool ask_calls(const struct facts *facts, struct catalog *catalog, struct db_stmt **list,
		      struct err *err)
{
	struct str sids[ARRAY_LEN(facts->all_calls)];

	if (!db_prepare(catalog_db(catalog),
			CALL_FACTS " WHERE c.call_sid = ANY($1) OR c.id = ANY(ARRAY("
				   "SELECT o.call_id FROM recordings o "
				   "WHERE o.recording_sid = ANY($2)))",
			list, err))
		return false;
	for (size_t i = 0; i < facts->call_count; i++)
		sids[i] = str_of(facts->all_calls[i]->sid);
	db_bind_list(*list, 1, sids, facts->call_count);
	for (size_t i = 0; i < facts->recording_count; i++)
		sids[i] = str_of(facts->all_recordings[i]->sid);
	db_bind_list(*list, 2, sids, facts->recording_count);
	return db_ask(*list, err);
}

static bool read_recordings(const struct facts *facts, struct db_stmt *list, struct err *err)
{
	enum db_step step;

	while ((step = db_step(list, err)) == DB_ROW) {
		struct known_recording *recording = known_recording(facts, db_column_str(list, 0));

		if (!recording)
			continue;
		recording->is_there = true;
		read_recording(list, &recording->facts);
	}
	return step == DB_DONE;
}

static bool read_calls(struct facts *facts, struct db_stmt *list, struct err *err)
{
	enum db_step step;

	while ((step = db_step(list, err)) == DB_ROW) {
		struct known_call *call;

		facts_name_call(facts, db_column_str(list, 1));
		call = known_call(facts, db_column_str(list, 1));
		if (!call)
			continue;
		call->is_there = true;
		read_call(list, &call->facts);
	}
	return step == DB_DONE;
}

bool facts_read(struct facts *facts, struct catalog *catalog, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *recordings = NULL;
	AUTO(db_stmt_reset) struct db_stmt *calls = NULL;

	if (facts->recording_count == 0 && facts->call_count == 0)
		return true;
	return ask_recordings(facts, catalog, &recordings, err) &&
	       ask_calls(facts, catalog, &calls, err) && read_recordings(facts, recordings, err) &&
	       read_calls(facts, calls, err);
}

/* ---- as it is known ---- */

bool facts_find_call(struct facts *facts, struct catalog *catalog, struct str call_sid,
		     struct call_facts *out, bool *out_found, struct err *err)
{
	const struct known_call *call = known_call(facts, call_sid);

	if (!call)
		return ask_call(catalog, call_sid, out, out_found, err);
	*out_found = call->is_there;
	if (call->is_there)
		*out = call->facts;
	return true;
}

/* A call's other recordings may have changed it since. */
static void take_call(const struct call_facts *call, struct recording_facts *out)
{
	out->place.is_main_fixed = call->call.is_main_fixed;
	out->place.main_recording_id = call->main_recording_id;
	out->place.call_recordings = call->call.recordings;
	out->recording.way = (enum retention_way)call->call.direction;
}

bool facts_find_recording(struct facts *facts, struct catalog *catalog, struct str recording_sid,
			  struct recording_facts *out, bool *out_found, struct err *err)
{
	const struct known_recording *recording = known_recording(facts, recording_sid);
	const struct known_call *call = NULL;

	if (recording && recording->is_there && recording->facts.place.call_id) {
		call = known_call(facts, str_of(recording->facts.recording.call_sid));
		if (!call)
			recording = NULL;
	}
	if (!recording)
		return ask_recording(catalog, recording_sid, out, out_found, err);
	*out_found = recording->is_there;
	if (recording->is_there)
		*out = recording->facts;
	if (call)
		take_call(&call->facts, out);
	return true;
}

bool facts_find_call_of(struct facts *facts, struct catalog *catalog, struct str call_sid,
			struct recording_facts *out, struct err *err)
{
	const struct known_call *call = known_call(facts, call_sid);

	if (!call)
		return ask_call_of(catalog, out, err);
	take_call(&call->facts, out);
	return true;
}

struct numbers_seen *facts_numbers(struct facts *facts)
{
	return facts ? &facts->numbers : NULL;
}

void facts_keep_call(struct facts *facts, struct str call_sid, const struct call_facts *facts_now)
{
	struct known_call *call = known_call(facts, call_sid);

	if (!call)
		return;
	call->is_there = true;
	call->facts = *facts_now;
	call->facts.is_changed = call->facts.is_moved = false;
}

void facts_keep_recording(struct facts *facts, struct str recording_sid,
			  const struct recording_facts *facts_now)
{
	struct known_recording *recording = known_recording(facts, recording_sid);
	struct known_call *call = known_call(facts, str_of(facts_now->recording.call_sid));

	if (call && facts_now->place.call_id) {
		call->facts.call.is_main_fixed = facts_now->place.is_main_fixed;
		call->facts.call.recordings = facts_now->place.call_recordings;
		call->facts.main_recording_id = facts_now->place.main_recording_id;
	}
	if (!recording)
		return;
	recording->is_there = true;
	recording->facts = *facts_now;
	recording->facts.is_changed = false;
}
