#include "schema/schema.h"

#include "db/db.h"
#include "schema/schema_postgres.h"

/*
 * Version 1.
 *
 * events: only appended to, its key the order of commits; no other index, so that an
 * append touches the last page alone.  AUTOINCREMENT, because the watermark must
 * stay behind every new event even when old ones have been pruned.
 *
 * calls: id is the tie-breaker of the list's order and what other tables refer to;
 * three indexes, one for each way the list is walked (calls_list.c).
 *
 * call_numbers: a row for each address of a call, digits last first (numbers/numbers_index.h).
 *
 * recordings: the two partial indexes hold only what waits to be fetched.
 */
static const char VERSION_1[] =
	"CREATE TABLE ledger_numbers ("
	"	number INTEGER PRIMARY KEY,"
	"	value BIGINT NOT NULL);"
	"CREATE TABLE events ("
	"	seq INTEGER PRIMARY KEY AUTOINCREMENT,"
	"	kind INTEGER NOT NULL,"
	"	received_at_ms BIGINT NOT NULL,"
	"	account_sid TEXT,"
	"	call_sid TEXT,"
	"	parent_call_sid TEXT,"
	"	recording_sid TEXT,"
	"	status TEXT,"
	"	direction TEXT,"
	"	from_address TEXT,"
	"	to_address TEXT,"
	"	source TEXT,"
	"	track TEXT,"
	"	recording_url TEXT,"
	"	encryption TEXT,"
	"	sequence_number BIGINT,"
	"	started_at_ms BIGINT,"
	"	timestamp_ms BIGINT,"
	"	duration_s BIGINT,"
	"	channels INTEGER,"
	"	error_code INTEGER,"
	"	idempotency TEXT,"
	"	raw BLOB);"
	"CREATE TABLE calls ("
	"	id INTEGER PRIMARY KEY,"
	"	call_sid TEXT NOT NULL UNIQUE,"
	"	parent_call_sid TEXT,"
	"	account_sid TEXT,"
	"	status INTEGER NOT NULL,"
	"	direction INTEGER NOT NULL,"
	"	direction_text TEXT,"
	"	from_address TEXT,"
	"	to_address TEXT,"
	"	started_at_ms BIGINT NOT NULL,"
	"	started_rank INTEGER NOT NULL,"
	"	ended_at_ms BIGINT,"
	"	duration_s BIGINT,"
	"	main_recording_id BIGINT,"
	"	is_main_fixed INTEGER NOT NULL,"
	"	recording_group INTEGER NOT NULL,"
	"	recordings BIGINT NOT NULL,"
	"	changed_seq BIGINT NOT NULL);"
	"CREATE INDEX calls_by_time ON calls (started_at_ms, id);"
	"CREATE INDEX calls_by_direction ON calls (direction, started_at_ms, id);"
	"CREATE INDEX calls_by_group ON calls (recording_group, direction, started_at_ms, id);"
	"CREATE TABLE call_numbers ("
	"	digits TEXT NOT NULL,"
	"	started_at_ms BIGINT NOT NULL,"
	"	call_id BIGINT NOT NULL,"
	"	PRIMARY KEY (digits, started_at_ms, call_id)) WITHOUT ROWID;"
	"CREATE TABLE recordings ("
	"	id INTEGER PRIMARY KEY,"
	"	recording_sid TEXT NOT NULL UNIQUE,"
	"	call_id BIGINT REFERENCES calls (id),"
	"	call_sid TEXT,"
	"	account_sid TEXT,"
	"	state INTEGER NOT NULL,"
	"	upstream INTEGER NOT NULL,"
	"	is_held INTEGER NOT NULL,"
	"	is_duration_off INTEGER NOT NULL,"
	"	started_at_ms BIGINT,"
	"	completed_at_ms BIGINT,"
	"	duration_s BIGINT,"
	"	channels INTEGER,"
	"	error_code INTEGER,"
	"	source TEXT,"
	"	track TEXT,"
	"	url TEXT,"
	"	encryption TEXT,"
	"	channels_wanted INTEGER NOT NULL,"
	"	queued_at_ms BIGINT,"
	"	next_try_at_ms BIGINT,"
	"	first_try_at_ms BIGINT,"
	"	tries BIGINT NOT NULL,"
	"	reason_code TEXT,"
	"	reason_text TEXT,"
	"	generation BIGINT,"
	"	generation_at_ms BIGINT,"
	"	size BIGINT,"
	"	duration_ms BIGINT,"
	"	channels_stored INTEGER,"
	"	format TEXT,"
	"	sha256 TEXT,"
	"	path TEXT,"
	"	stored_at_ms BIGINT,"
	"	purged_at_ms BIGINT,"
	"	changed_seq BIGINT NOT NULL);"
	"CREATE INDEX recordings_of_call ON recordings (call_id);"
	"CREATE INDEX recordings_by_next_try ON recordings (next_try_at_ms, id)"
	"	WHERE next_try_at_ms IS NOT NULL;"
	"CREATE INDEX recordings_by_queued ON recordings (queued_at_ms)"
	"	WHERE queued_at_ms IS NOT NULL;"
	"CREATE TABLE attempts ("
	"	id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"	recording_id BIGINT NOT NULL REFERENCES recordings (id),"
	"	began_at_ms BIGINT NOT NULL,"
	"	ended_at_ms BIGINT,"
	"	generation BIGINT," /* NULL: its own id */
	"	channels INTEGER,"
	"	http_status INTEGER,"
	"	bytes BIGINT,"
	"	outcome TEXT,"
	"	detail TEXT);"
	"CREATE INDEX attempts_of_recording ON attempts (recording_id, id);"
	"CREATE INDEX attempts_open ON attempts (id) WHERE ended_at_ms IS NULL;";

/*
 * Version 2: the stored recordings that wait for their digest, which used to be there from the
 * start.  Walks all recordings once (ten million: some seconds).
 */
static const char VERSION_2[] = "CREATE INDEX recordings_undigested ON recordings (id)"
				"	WHERE sha256 IS NULL AND stored_at_ms IS NOT NULL;";

/*
 * Version 3: the same in the order of change, so that what is stored after others were passed over
 * is found without walking those again.
 */
static const char VERSION_3[] = "DROP INDEX recordings_undigested;"
				"CREATE INDEX recordings_undigested ON recordings (changed_seq)"
				"	WHERE sha256 IS NULL AND stored_at_ms IS NOT NULL;";

/*
 * Version 4: who may use it.  users and credentials take their ids from the ledger's sequence; of a credential
 * only the hash is kept, of a name that failed to sign in a keyed one.
 */
static const char VERSION_4[] =
	"CREATE TABLE users ("
	"	id BIGINT PRIMARY KEY,"
	"	source INTEGER NOT NULL,"
	"	name TEXT NOT NULL,"
	"	full_name TEXT,"
	"	role INTEGER NOT NULL,"
	"	password_hash TEXT,"
	"	is_disabled INTEGER NOT NULL,"
	"	made_at_ms BIGINT NOT NULL,"
	"	signed_in_at_ms BIGINT,"
	"	changed_seq BIGINT NOT NULL,"
	"	UNIQUE (source, name));"
	"CREATE TABLE credentials ("
	"	id BIGINT PRIMARY KEY,"
	"	kind INTEGER NOT NULL,"
	"	name TEXT NOT NULL UNIQUE,"
	"	hash TEXT NOT NULL,"
	"	user_id BIGINT REFERENCES users (id),"
	"	parent_id BIGINT,"
	"	rights INTEGER NOT NULL,"
	"	recording_sid TEXT,"
	"	note TEXT,"
	"	for_user TEXT,"
	"	made_by BIGINT,"
	"	made_at_ms BIGINT NOT NULL,"
	"	seen_at_ms BIGINT,"
	"	expires_at_ms BIGINT,"
	"	window_until_ms BIGINT,"
	"	plays BIGINT NOT NULL,"
	"	plays_max BIGINT NOT NULL,"
	"	options INTEGER NOT NULL,"
	"	network TEXT,"
	"	agent TEXT,"
	"	changed_seq BIGINT NOT NULL);"
	"CREATE INDEX credentials_of_user ON credentials (user_id, kind)"
	"	WHERE user_id IS NOT NULL;"
	"CREATE INDEX credentials_of_parent ON credentials (parent_id) WHERE parent_id IS NOT NULL;"
	"CREATE INDEX credentials_by_kind ON credentials (kind, id);"
	"CREATE INDEX credentials_by_expiry ON credentials (expires_at_ms)"
	"	WHERE expires_at_ms IS NOT NULL;"
	"CREATE TABLE sign_in_failures ("
	"	name_hash TEXT PRIMARY KEY,"
	"	failures BIGINT NOT NULL,"
	"	at_ms BIGINT NOT NULL);"
	"CREATE INDEX sign_in_failures_by_time ON sign_in_failures (at_ms);";

/*
 * Version 5: the audit (audit/audit_chain.h).  pruned_mac is that of the last entry that was taken away.
 */
static const char VERSION_5[] =
	"CREATE TABLE audit_chains ("
	"	chain BIGINT PRIMARY KEY,"
	"	key_id TEXT NOT NULL,"
	"	began_at_ms BIGINT NOT NULL,"
	"	pruned_seq BIGINT NOT NULL,"
	"	pruned_mac TEXT);"
	"CREATE TABLE audit ("
	"	chain BIGINT NOT NULL,"
	"	seq BIGINT NOT NULL,"
	"	at_ms BIGINT NOT NULL,"
	"	kind TEXT NOT NULL,"
	"	user_id BIGINT,"
	"	user_name TEXT,"
	"	credential TEXT,"
	"	for_user TEXT,"
	"	recording_sid TEXT,"
	"	network TEXT,"
	"	address TEXT,"
	"	address_mac TEXT,"
	"	body TEXT,"
	"	mac TEXT NOT NULL,"
	"	PRIMARY KEY (chain, seq));"
	"CREATE INDEX audit_by_time ON audit (at_ms, chain, seq);"
	"CREATE INDEX audit_of_recording ON audit (recording_sid, at_ms)"
	"	WHERE recording_sid IS NOT NULL;"
	"CREATE INDEX audit_of_user ON audit (user_id, at_ms) WHERE user_id IS NOT NULL;";

/*
 * Version 6: when a recording whose length is not the announced one is looked at again (rechecks.h);
 * NULL: never planned, 0: it was.
 */
static const char VERSION_6[] =
	"ALTER TABLE recordings ADD COLUMN recheck_at_ms BIGINT;"
	"CREATE INDEX recordings_by_recheck ON recordings (recheck_at_ms, id)"
	"	WHERE recheck_at_ms > 0;";

/*
 * Version 7: when to ask Twilio about a call that is known by its recording alone (call_asks.h); those that are
 * there already, at once.  Walks all calls once (ten million: some seconds).
 */
static const char VERSION_7[] =
	"ALTER TABLE calls ADD COLUMN ask_at_ms BIGINT;"
	"UPDATE calls SET ask_at_ms = 1"
	"	WHERE status = 0 AND direction = 0 AND from_address IS NULL;"
	"CREATE INDEX calls_by_ask ON calls (ask_at_ms, id) WHERE ask_at_ms > 0;";

/*
 * Version 8: the queue (recordings_queue.h).  queue_rank: who goes first.  What is tried for and how long:
 * trying_ms has gathered up to waiting_since_ms, when the present wait began.  limited: tries in a
 * row that were one too many.  wait_rule: whether a play shortens the wait.  Both indexes of the queue hold only
 * what waits to be fetched; this one has for each account and rank its own order.  Walks all recordings
 * once.
 */
static const char VERSION_8[] =
	"ALTER TABLE recordings ADD COLUMN queue_rank INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE recordings ADD COLUMN trying_ms BIGINT NOT NULL DEFAULT 0;"
	"ALTER TABLE recordings ADD COLUMN waiting_since_ms BIGINT;"
	"ALTER TABLE recordings ADD COLUMN limited BIGINT NOT NULL DEFAULT 0;"
	"ALTER TABLE recordings ADD COLUMN wait_rule INTEGER NOT NULL DEFAULT 0;"
	"CREATE INDEX recordings_by_turn ON recordings"
	"	(COALESCE(account_sid, ''), queue_rank, next_try_at_ms, id)"
	"	WHERE next_try_at_ms IS NOT NULL;";

/* Version 9: the events that cannot be projected (projection_set_aside()); they are few. */
static const char VERSION_9[] = "CREATE TABLE events_set_aside ("
				"	event_seq BIGINT PRIMARY KEY,"
				"	set_aside_at_ms BIGINT NOT NULL,"
				"	reason TEXT NOT NULL);";

/*
 * Version 10: the sequence, the watermark and the counters as the last of an appended row (turns.c).  The
 * sequence goes on behind every id, for ids are taken from it now.
 */
static const char VERSION_10[] =
	"CREATE TABLE turns ("
	"	seq INTEGER PRIMARY KEY,"
	"	at_ms BIGINT NOT NULL,"
	"	watermark BIGINT NOT NULL,"
	"	counts TEXT NOT NULL);"
	"INSERT INTO turns (seq, at_ms, watermark, counts) SELECT"
	"	MAX(1,"
	"		COALESCE((SELECT value FROM ledger_numbers WHERE number = 0), 0),"
	"		COALESCE((SELECT MAX(id) FROM calls), 0),"
	"		COALESCE((SELECT MAX(id) FROM recordings), 0)),"
	"	1000 * CAST(strftime('%s', 'now') AS INTEGER),"
	"	COALESCE((SELECT value FROM ledger_numbers WHERE number = 1), 0),"
	"	COALESCE((SELECT group_concat(number || '=' || value, ' ')"
	"		FROM ledger_numbers WHERE number > 1 AND value <> 0), '')"
	"	WHERE EXISTS (SELECT 1 FROM ledger_numbers);"
	"DROP TABLE ledger_numbers;";

/* Version 11: how far Twilio's list of recordings was read (reconciliations.h); a row an account. */
static const char VERSION_11[] = "CREATE TABLE reconciliations ("
				 "	account_sid TEXT PRIMARY KEY,"
				 "	since_ms BIGINT NOT NULL,"
				 "	edge_ms BIGINT NOT NULL,"
				 "	started_at_ms BIGINT NOT NULL,"
				 "	completed_at_ms BIGINT NOT NULL,"
				 "	deep_at_ms BIGINT NOT NULL,"
				 "	listed BIGINT NOT NULL,"
				 "	found BIGINT NOT NULL,"
				 "	failing_since_ms BIGINT NOT NULL,"
				 "	failure TEXT NOT NULL);";

/* Version 12: the id of the request that brought an event, and that had a recording queued. */
static const char VERSION_12[] = "ALTER TABLE events ADD COLUMN request_id TEXT;"
				 "ALTER TABLE recordings ADD COLUMN request_id TEXT;";

/* Version 13: what was asked to be read of that list, and how far that is (imports.h); a row an account. */
static const char VERSION_13[] = "CREATE TABLE imports ("
				 "	account_sid TEXT PRIMARY KEY,"
				 "	since_ms BIGINT NOT NULL,"
				 "	before_ms BIGINT NOT NULL,"
				 "	asked_at_ms BIGINT NOT NULL,"
				 "	completed_at_ms BIGINT NOT NULL,"
				 "	reached_ms BIGINT NOT NULL,"
				 "	next_url TEXT NOT NULL,"
				 "	listed BIGINT NOT NULL,"
				 "	found BIGINT NOT NULL,"
				 "	malformed BIGINT NOT NULL,"
				 "	too_old BIGINT NOT NULL,"
				 "	failure TEXT NOT NULL);";

/* Version 14: which callspool brought the ledger to a version, for the words in which an older one refuses it. */
static const char VERSION_14[] = "ALTER TABLE schema_version ADD COLUMN program TEXT;";
#define PROGRAM_SINCE 14

/*
 * Version 15: what has become of a recording's waveform (recordings_waveform.h), and those stored that wait for
 * theirs, in the order of change.  Walks all recordings once (ten million: some seconds).
 */
static const char VERSION_15[] =
	"ALTER TABLE recordings ADD COLUMN waveform INTEGER NOT NULL DEFAULT 0;"
	"CREATE INDEX recordings_without_waveform ON recordings (changed_seq)"
	"	WHERE waveform = 0 AND stored_at_ms IS NOT NULL;";

/*
 * Version 16: a hold's who, when and why; and what was removed, or deleted, whose files are still to be (removals.h).
 * sid and call_sid are copies, for the files are named by them.
 */
static const char VERSION_16[] = "ALTER TABLE recordings ADD COLUMN hold_by TEXT;"
				 "ALTER TABLE recordings ADD COLUMN hold_since_ms BIGINT;"
				 "ALTER TABLE recordings ADD COLUMN hold_reason TEXT;"
				 "CREATE TABLE removals ("
				 "	seq BIGINT PRIMARY KEY,"
				 "	recording_id BIGINT NOT NULL REFERENCES recordings (id),"
				 "	recording_sid TEXT NOT NULL,"
				 "	call_sid TEXT);";

/* Version 17: whether Twilio is recording just now, or has paused (enum recording_live). */
static const char VERSION_17[] =
	"ALTER TABLE recordings ADD COLUMN live INTEGER NOT NULL DEFAULT 0;";

/*
 * Version 18: parts of numbers (numbers/numbers_index.h), of all that there are: leaps from one to the next.  Ten million
 * calls with two million numbers: less than a minute.
 */
static const char VERSION_18[] =
	"CREATE TABLE number_parts ("
	"	part TEXT NOT NULL,"
	"	digits TEXT NOT NULL,"
	"	PRIMARY KEY (part, digits)) WITHOUT ROWID;"
	"INSERT INTO number_parts (part, digits)"
	"	WITH RECURSIVE numbers (digits) AS ("
	"		SELECT MIN(digits) FROM call_numbers"
	"		UNION ALL SELECT (SELECT MIN(n.digits) FROM call_numbers n"
	"			WHERE n.digits > numbers.digits)"
	"		FROM numbers WHERE numbers.digits IS NOT NULL),"
	"	places (place) AS ("
	"		SELECT 2 UNION ALL SELECT place + 2 FROM places WHERE place < 22)"
	"	SELECT DISTINCT substr(digits, place, 5), digits FROM numbers, places"
	"	WHERE digits IS NOT NULL AND place < length(digits) ORDER BY 1, 2;";

/*
 * Version 19: how long a recording is kept depends on its call's direction, of which it has a copy; and what there is of
 * bytes and is not held, by age (chores/recordings_age.h), with what we know of Twilio's copy (enum upstream_copy).  upkeep: a word
 * and a number of what is done beside calls (chores/upkeep.h).  upstream_deletions: what Twilio was asked to delete
 * in the last days.  Walks all recordings twice (ten million: less than two minutes).
 */
static const char VERSION_19[] =
	"ALTER TABLE recordings ADD COLUMN direction INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE recordings ADD COLUMN upstream_copy INTEGER NOT NULL DEFAULT 0;"
	"UPDATE recordings SET direction = (SELECT c.direction FROM calls c"
	"		WHERE c.id = recordings.call_id)"
	"	WHERE call_id IS NOT NULL AND EXISTS (SELECT 1 FROM calls c"
	"		WHERE c.id = recordings.call_id AND c.direction <> 0);"
	"CREATE INDEX recordings_by_age ON recordings"
	"	(COALESCE(account_sid, ''), direction, upstream_copy, started_at_ms, id, size)"
	"	WHERE stored_at_ms IS NOT NULL AND purged_at_ms IS NULL AND is_held = 0;"
	"CREATE TABLE upkeep ("
	"	name TEXT PRIMARY KEY,"
	"	at_ms BIGINT NOT NULL,"
	"	count BIGINT NOT NULL,"
	"	detail TEXT NOT NULL);"
	"CREATE TABLE upstream_deletions ("
	"	seq BIGINT PRIMARY KEY,"
	"	at_ms BIGINT NOT NULL,"
	"	recording_sid TEXT NOT NULL);"
	"CREATE INDEX upstream_deletions_by_time ON upstream_deletions (at_ms);";

/*
 * Version 20: how far the store was compared with the ledger (verifications.h), a row for each kind of pass, and what
 * was found in it, a row a file.  pass: enum verification_pass; kind, state: enum store_fault_kind, store_fault_state.
 */
static const char VERSION_20[] =
	"CREATE TABLE verifications ("
	"	pass INTEGER PRIMARY KEY,"
	"	asked_at_ms BIGINT NOT NULL,"
	"	began_at_ms BIGINT NOT NULL,"
	"	completed_at_ms BIGINT NOT NULL,"
	"	mends INTEGER NOT NULL,"
	"	after_id BIGINT NOT NULL,"
	"	last_id BIGINT NOT NULL,"
	"	folder INTEGER NOT NULL,"
	"	files BIGINT NOT NULL,"
	"	bytes BIGINT NOT NULL,"
	"	undigested BIGINT NOT NULL,"
	"	failure TEXT NOT NULL);"
	"CREATE TABLE store_faults ("
	"	path TEXT PRIMARY KEY,"
	"	kind INTEGER NOT NULL,"
	"	state INTEGER NOT NULL,"
	"	call_sid TEXT,"
	"	recording_sid TEXT,"
	"	generation BIGINT NOT NULL,"
	"	found_at_ms BIGINT NOT NULL,"
	"	seen_at_ms BIGINT NOT NULL,"
	"	ended_at_ms BIGINT NOT NULL,"
	"	reason TEXT NOT NULL);"
	"CREATE INDEX store_faults_by_state ON store_faults (state, path);";

/*
 * Version 21: what is to be told to whom notify_url names (catalog/notices.h), until it was; due_at_ms NULL: given up.  What
 * expires is found by time (chores/notices_expired.h): since when anybody is told, what expired up to when was told, and by
 * which rules; expired_seq of a recording of which it was.
 */
static const char VERSION_21[] =
	"CREATE TABLE notices ("
	"	seq BIGINT PRIMARY KEY,"
	"	recording_id BIGINT NOT NULL REFERENCES recordings (id),"
	"	type INTEGER NOT NULL,"
	"	at_ms BIGINT NOT NULL,"
	"	due_at_ms BIGINT,"
	"	tries BIGINT NOT NULL,"
	"	tried_at_ms BIGINT,"
	"	trying_ms BIGINT NOT NULL,"
	"	died_at_ms BIGINT,"
	"	http_status INTEGER,"
	"	failure TEXT,"
	"	generation BIGINT,"
	"	size BIGINT,"
	"	duration_ms BIGINT,"
	"	channels INTEGER,"
	"	format TEXT,"
	"	reason_code TEXT,"
	"	reason_text TEXT);"
	"CREATE INDEX notices_by_due ON notices (due_at_ms, seq) WHERE due_at_ms IS NOT NULL;"
	"CREATE INDEX notices_waiting ON notices (seq) WHERE due_at_ms IS NOT NULL;"
	"CREATE INDEX notices_dead ON notices (seq) WHERE due_at_ms IS NULL;"
	"CREATE INDEX notices_of_recording ON notices (recording_id, seq);"
	"CREATE TABLE notify_state ("
	"	id INTEGER PRIMARY KEY,"
	"	since_ms BIGINT NOT NULL,"
	"	expired_until_ms BIGINT NOT NULL,"
	"	rules TEXT NOT NULL);"
	"ALTER TABLE recordings ADD COLUMN expired_seq BIGINT;";

/* Recordings that were given up for want of a private key: fetched again once it is there. */
static const char VERSION_22[] = "CREATE INDEX recordings_locked ON recordings (changed_seq)"
				 "	WHERE state = 5 AND encryption IS NOT NULL"
				 "	AND reason_code IN ('key_missing', 'key_wrong');";

/*
 * Version 23: what several processes write to one ledger, on a server.  An event belongs to a stream (catalog/events.h), a turn
 * to whoever made it; how far each stream was projected, and what has changed, stand in the turn.  A ledger in a file has
 * stream 0 alone, and nobody to tell.
 */
static const char VERSION_23[] =
	"ALTER TABLE events ADD COLUMN stream BIGINT NOT NULL DEFAULT 0;"
	"ALTER TABLE events_set_aside ADD COLUMN stream BIGINT NOT NULL DEFAULT 0;"
	"ALTER TABLE turns ADD COLUMN process_id BIGINT;"
	"ALTER TABLE turns ADD COLUMN streams TEXT;"
	"ALTER TABLE turns ADD COLUMN changes TEXT;";
static const char VERSION_23_POSTGRES[] =
	"ALTER TABLE events ADD COLUMN stream BIGINT NOT NULL DEFAULT 0;"
	"ALTER TABLE events DROP CONSTRAINT events_pkey;"
	"ALTER TABLE events ADD PRIMARY KEY (stream, seq);"
	"ALTER TABLE events_set_aside ADD COLUMN stream BIGINT NOT NULL DEFAULT 0;"
	"ALTER TABLE events_set_aside DROP CONSTRAINT events_set_aside_pkey;"
	"ALTER TABLE events_set_aside ADD PRIMARY KEY (stream, event_seq);"
	"ALTER TABLE turns ADD COLUMN process_id BIGINT;"
	"ALTER TABLE turns ADD COLUMN streams TEXT COLLATE \"C\";"
	"ALTER TABLE turns ADD COLUMN changes TEXT COLLATE \"C\";";

/*
 * Version 24: who serves from a ledger on a server, what each of them fetches (cluster/leases.h), and whose an attempt is.  A
 * lease lives for seconds: what is left of it is swept up often.
 */
static const char VERSION_24[] = "ALTER TABLE attempts ADD COLUMN process_id BIGINT;";
static const char VERSION_24_POSTGRES[] =
	"ALTER TABLE attempts ADD COLUMN process_id BIGINT;"
	"ALTER TABLE processes ADD COLUMN place TEXT COLLATE \"C\";"
	"CREATE TABLE leases ("
	"	recording_id BIGINT PRIMARY KEY,"
	"	process_id BIGINT NOT NULL,"
	"	since_ms BIGINT NOT NULL)"
	"	WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);"
	"CREATE INDEX leases_of_process ON leases (process_id);";

/*
 * Version 25: what a process on a server must know to go on beside a newer one (schema.h), and what each of them knows.  A turn
 * says in which life of the server it was written (catalog/turns.c).
 */
static const char VERSION_25[] = "ALTER TABLE schema_version ADD COLUMN oldest BIGINT;"
				 "ALTER TABLE turns ADD COLUMN timeline BIGINT;";
static const char VERSION_25_POSTGRES[] = "ALTER TABLE schema_version ADD COLUMN oldest BIGINT;"
					  "ALTER TABLE turns ADD COLUMN timeline BIGINT;"
					  "ALTER TABLE processes ADD COLUMN schema_known BIGINT;";
#define OLDEST_SINCE 25

/* Version 26: where the others may ask a process for what is on its way to it, and what they show (peer/peers.h). */
static const char VERSION_26[] = "";
static const char VERSION_26_POSTGRES[] =
	"ALTER TABLE processes ADD COLUMN address TEXT COLLATE \"C\";"
	"ALTER TABLE processes ADD COLUMN token TEXT COLLATE \"C\";";

/*
 * Version 27: what a process says of itself with each beat (cluster/members.h), for who looks after all of them.  A ledger in a
 * file has one, which is asked itself.
 */
static const char VERSION_27[] = "";
static const char VERSION_27_POSTGRES[] = "ALTER TABLE processes ADD COLUMN clock_ahead_ms BIGINT;"
					  "ALTER TABLE processes ADD COLUMN hears BIGINT;"
					  "ALTER TABLE processes ADD COLUMN prepares BIGINT;";

/* Those that PostgreSQL begins with (schema_postgres.h) need no text for it. */
static const struct migration {
	const char *sqlite, *postgres;
	/* On a server processes that do not know the version before it have to be gone: it takes away what they need. */
	bool takes_away;
} migrations[] = {
	{ .sqlite = VERSION_1 },
	{ .sqlite = VERSION_2 },
	{ .sqlite = VERSION_3 },
	{ .sqlite = VERSION_4 },
	{ .sqlite = VERSION_5 },
	{ .sqlite = VERSION_6 },
	{ .sqlite = VERSION_7 },
	{ .sqlite = VERSION_8 },
	{ .sqlite = VERSION_9 },
	{ .sqlite = VERSION_10 },
	{ .sqlite = VERSION_11 },
	{ .sqlite = VERSION_12 },
	{ .sqlite = VERSION_13 },
	{ .sqlite = VERSION_14 },
	{ .sqlite = VERSION_15 },
	{ .sqlite = VERSION_16 },
	{ .sqlite = VERSION_17 },
	{ .sqlite = VERSION_18 },
	{ .sqlite = VERSION_19 },
	{ .sqlite = VERSION_20 },
	{ .sqlite = VERSION_21 },
	{ .sqlite = VERSION_22 },
	{ .sqlite = VERSION_23, .postgres = VERSION_23_POSTGRES },
	{ .sqlite = VERSION_24, .postgres = VERSION_24_POSTGRES },
	{ .sqlite = VERSION_25, .postgres = VERSION_25_POSTGRES },
	{ .sqlite = VERSION_26, .postgres = VERSION_26_POSTGRES },
	{ .sqlite = VERSION_27, .postgres = VERSION_27_POSTGRES },
#ifdef SCHEMA_TO_COME
#include SCHEMA_TO_COME /* a test's (tests/tools/meson.build): versions as later ones may be */
#endif
};

#define SCHEMA_VERSION ((int64_t)ARRAY_LEN(migrations))

/* 0 when there is no row yet, and on failure.  A file from elsewhere may say anything; this is never below 0. */
static bool read_version(struct db *db, int64_t *out, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;
	enum db_step step;
	int64_t version;

	*out = 0;
	if (!db_prepare(db, "SELECT MAX(version) FROM schema_version", &find, err))
		return false;
	step = db_step(find, err);
	if (step == DB_FAILED)
		return false;
	version = step == DB_ROW ? db_column_int(find, 0) : 0;
	if (version < 0)
		return err_set(err, ERR_INVALID, "there is no schema %lld", (long long)version);
	*out = version;
	return true;
}

/* The oldest that a process may know which serves from a ledger of this version, where it is on a server. */
static int64_t oldest_of(int64_t version)
{
	int64_t oldest = OLDEST_SINCE;

	for (int64_t v = OLDEST_SINCE; v <= version; v++)
		if (migrations[v - 1].takes_away)
			oldest = v - 1;
	return oldest;
}

/* A newer version that others have brought: may one that knows ours go on? */
static bool is_served(struct db *db, int64_t version, bool *out, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;
	enum db_step step;

	*out = version <= SCHEMA_VERSION;
	if (*out || db_dialect(db) == DB_SQLITE)
		return true;
	if (!db_prepare(db, "SELECT oldest FROM schema_version WHERE version = $1", &find, err))
		return false;
	db_bind_int(find, 1, version);
	step = db_step(find, err);
	*out = step == DB_ROW && !db_column_is_null(find, 0) &&
	       db_column_int(find, 0) <= SCHEMA_VERSION;
	return step != DB_FAILED;
}

/* "" where it does not say. */
static bool read_program(struct db *db, int64_t version, char *out, size_t size, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;
	enum db_step step;

	out[0] = '\0';
	if (!db_prepare(db, "SELECT program FROM schema_version WHERE version = $1", &find, err))
		return false;
	db_bind_int(find, 1, version);
	step = db_step(find, err);
	if (step == DB_ROW)
		str_fit(db_column_str(find, 0), out, size);
	return step != DB_FAILED;
}

static bool refuse_marked(struct db *db, int64_t mark, struct err *err)
{
	char text[SCHEMA_MARK_SIZE];

	(void)!read_program(db, mark, text, sizeof(text), err); /* for the text alone */
	if (mark == SCHEMA_MOVED)
		return err_set(err, ERR_INVALID, "it was moved, and is served with %s from now on",
			       text);
	return err_set(
		err, ERR_INVALID,
		"a move into it from %s has not come to its end: run callspool migrate there again",
		text);
}

static bool refuse_newer(struct db *db, int64_t version, struct err *err)
{
	char program[32];

	if (version == SCHEMA_MOVED || version == SCHEMA_ARRIVING)
		return refuse_marked(db, version, err);

	(void)!read_program(db, version, program, sizeof(program), err); /* for the text alone */
	return err_set(err, ERR_INVALID,
		       "it was written by a newer callspool%s%s (schema %lld; this one, %s, knows "
		       "%lld): run that one, or restore a backup from before",
		       program[0] ? ", " : "", program, (long long)version, CALLSPOOL_VERSION,
		       (long long)SCHEMA_VERSION);
}

static bool migrate_once(struct db *db, int64_t version, struct err *err)
{
	const struct migration *migration = &migrations[version - 1];
	struct db_stmt *insert;

	if (!db_exec(db,
		     db_dialect(db) == DB_SQLITE          ? migration->sqlite
		     : version == SCHEMA_POSTGRES_VERSION ? schema_postgres
							  : migration->postgres,
		     err))
		return err_context(err, "schema %lld", (long long)version);
	if (!db_prepare(db, "INSERT INTO schema_version (version) VALUES ($1)", &insert, err))
		return false;
	db_bind_int(insert, 1, version);
	return db_run(insert, err);
}

static bool sign_program(struct db *db, int64_t version, struct err *err)
{
	struct db_stmt *update;

	if (version < PROGRAM_SINCE)
		return true;
	if (!db_prepare(db, "UPDATE schema_version SET program = $1 WHERE version = $2", &update,
			err))
		return false;
	db_bind_str(update, 1, STR(CALLSPOOL_VERSION));
	db_bind_int(update, 2, version);
	return db_run(update, err);
}

static bool sign(struct db *db, int64_t version, struct err *err)
{
	struct db_stmt *update;

	if (!sign_program(db, version, err))
		return false;
	if (version < OLDEST_SINCE)
		return true;
	if (!db_prepare(db, "UPDATE schema_version SET oldest = $1 WHERE version = $2", &update,
			err))
		return false;
	db_bind_int(update, 1, db_dialect(db) == DB_SQLITE ? version : oldest_of(version));
	db_bind_int(update, 2, version);
	return db_run(update, err);
}

/* ---- who is in the way of it, on a server ---- */

/*
 * Those that a migration would leave behind have to be gone.  Who does not beat in SCHEMA_STILL_LOOKS looks has no say: should
 * it live, its fence ends it (catalog/processes.h).
 */
static bool are_elders_gone(struct db *db, int64_t oldest, struct schema_wait *wait,
			    struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;
	int64_t count, beats;

	if (!db_prepare(db,
			"SELECT COUNT(*), CAST(COALESCE(SUM(beat), 0) AS BIGINT) FROM processes "
			"WHERE COALESCE(schema_known, 0) < $1",
			&find, err))
		return false;
	db_bind_int(find, 1, oldest);
	if (db_step(find, err) != DB_ROW)
		return false;
	count = db_column_int(find, 0);
	beats = db_column_int(find, 1);
	wait->still = count == wait->elders && beats == wait->beats ? wait->still + 1 : 0;
	wait->elders = count;
	wait->beats = beats;
	wait->is_worth_it = true;
	return count == 0 || wait->still >= SCHEMA_STILL_LOOKS ||
	       err_set(err, ERR_UNAVAILABLE,
		       "%lld processes of an older callspool still serve from it, and would be left "
		       "behind: stop them first",
		       (long long)count);
}

/* A table that somebody reads for long is not waited for: behind us all others would wait. */
static bool migrate_on_server(struct db *db, int64_t version, int64_t wanted,
			      struct schema_wait *wait, struct err *err)
{
	if (version < SCHEMA_POSTGRES_VERSION)
		version = SCHEMA_POSTGRES_VERSION - 1;
	else if (version >= OLDEST_SINCE && oldest_of(wanted) > oldest_of(version) &&
		 !are_elders_gone(db, oldest_of(wanted), wait, err))
		return false;
	if (!db_exec(db, "SET LOCAL lock_timeout = '2s'", err))
		return false;
	wait->is_worth_it = true;
	while (version < wanted)
		if (!migrate_once(db, ++version, err))
			return false;
	return sign(db, version, err);
}

static bool migrate_file(struct db *db, int64_t version, int64_t wanted, struct err *err)
{
	while (version < wanted)
		if (!migrate_once(db, ++version, err))
			return false;
	return sign(db, version, err);
}

static bool migrate(struct db *db, int64_t wanted, struct schema_wait *wait, struct err *err)
{
	int64_t version;
	bool is_ours;

	wait->is_worth_it = false;
	if (!db_exec(db, "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT PRIMARY KEY)",
		     err) ||
	    !read_version(db, &version, err) || !is_served(db, version, &is_ours, err))
		return false;
	if (!is_ours)
		return refuse_newer(db, version, err);
	if (version >= wanted)
		return true;
	return db_dialect(db) == DB_SQLITE ? migrate_file(db, version, wanted, err)
					   : migrate_on_server(db, version, wanted, wait, err);
}

bool schema_migrate_to(struct db *db, int64_t wanted, struct err *err)
{
	struct schema_wait wait = { 0 };

	return migrate(db, wanted, &wait, err);
}

bool schema_migrate(struct db *db, struct schema_wait *wait, struct err *err)
{
	return migrate(db, SCHEMA_VERSION, wait, err);
}

int64_t schema_known(void)
{
	return SCHEMA_VERSION;
}

bool schema_is_known(struct db *db, struct err *err)
{
	int64_t version;
	bool is_ours;
	struct err ignored;

	return !read_version(db, &version, &ignored) ||
	       !is_served(db, version, &is_ours, &ignored) || is_ours ||
	       version ==
		       SCHEMA_ARRIVING || /* who opens it may be who brings the move to its end */
	       refuse_newer(db, version, err);
}

bool schema_check(struct db *db, struct err *err)
{
	int64_t version;
	bool is_ours;
	struct err cause;

	if (!read_version(db, &version, &cause) || !is_served(db, version, &is_ours, &cause)) {
		if (cause.kind == ERR_UNAVAILABLE) {
			*err = cause;
			return false;
		}
		return err_set(err, ERR_INVALID, "it is no ledger of callspool (%s)", cause.text);
	}
	if (!is_ours)
		return refuse_newer(db, version, err);
	if (version < SCHEMA_VERSION)
		return err_set(err, ERR_INVALID,
			       "it is of an older callspool (schema %lld, this one needs %lld): "
			       "start the server once to bring it up to date",
			       (long long)version, (long long)SCHEMA_VERSION);
	return true;
}

/* ---- marks ---- */

bool schema_mark(struct db *db, enum schema_mark mark, const char *text, struct err *err)
{
	struct db_stmt *insert;

	if (!db_prepare(db, "INSERT INTO schema_version (version, program) VALUES ($1, $2)",
			&insert, err))
		return false;
	db_bind_int(insert, 1, mark);
	db_bind_str(insert, 2, str_of(text));
	return db_run_now(insert, err);
}

bool schema_unmark(struct db *db, enum schema_mark mark, struct err *err)
{
	struct db_stmt *remove;

	if (!db_prepare(db, "DELETE FROM schema_version WHERE version = $1", &remove, err))
		return false;
	db_bind_int(remove, 1, mark);
	return db_run_now(remove, err);
}

/* A table that is not there is no failure of the database; one that does not answer is. */
bool schema_marked(struct db *db, enum schema_mark mark, char text[SCHEMA_MARK_SIZE],
		   struct err *err)
{
	int64_t version;

	text[0] = '\0';
	if (!read_version(db, &version, err))
		return err->kind != ERR_UNAVAILABLE && err->kind != ERR_SCARCE;
	return version < mark || read_program(db, mark, text, SCHEMA_MARK_SIZE, err);
}

bool schema_is_current(struct db *db, bool *out, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;

	if (!db_prepare(db, "SELECT MAX(version) FROM schema_version WHERE version < $1", &find,
			err))
		return false;
	db_bind_int(find, 1, SCHEMA_MOVED);
	if (db_step(find, err) != DB_ROW)
		return false;
	*out = db_column_int(find, 0) == SCHEMA_VERSION;
	return true;
}
