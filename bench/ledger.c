/*
 * A large ledger for the bench, and the proof that it is a true one.
 *
 *	bench-ledger make FOLDER COUNT MEDIA     FOLDER/ledger.db with COUNT calls; FILES of the stored
 *	                                         recordings, evenly spread, are links to MEDIA; prints
 *	                                         the call SID of each
 *	bench-ledger fill DATABASE COUNT         the same rows, without files, in a ledger on PostgreSQL that
 *	                                         has none yet
 *	bench-ledger check FOLDER COUNT          the rows of COUNT calls equal those that the projection
 *	                                         makes of the same calls' events; says where not
 *
 * FOLDER is the data folder of a server to come; MEDIA must be on the same file system.
 */
#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "catalog/catalog_private.h"
#include "ledger_rows.h"
#include "ledger_told.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FILES         1000
#define AT_ONCE       100000 /* calls in one transaction */
#define AT_ONCE_THERE 2000   /* the same of a server, which gives up one who is silent within it */
#define MEDIA_MAX     (64 << 20)
#define DURATION_S    300

/* Nothing of it is needed after a crash, and all of it should stay in memory till it is whole. */
static const char HASTE[] = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
			    "PRAGMA foreign_keys = OFF; PRAGMA cache_size = -4194304;";

struct making {
	const char *folder, *media_path; /* media_path: NULL for no files */
	struct plan_media media;
	int64_t count, next_file_at;
	struct plan_place place;
	struct planned_call planned;
};

static bool measure_media(struct making *making, struct err *err)
{
	AUTO(free) char *bytes = NULL;
	uint8_t sha256[SHA256_BYTES];
	struct buf hex;
	size_t len;

	if (!file_read(making->media_path, MEDIA_MAX, &bytes, &len, err))
		return false;
	sha256_of((struct str){ bytes, len }, sha256);
	buf_over(&hex, making->media.sha256, sizeof(making->media.sha256));
	hex_add(&hex, sha256, sizeof(sha256));
	making->media.size = len;
	return true;
}

/* The first stored recording in each thousandth of the calls. */
static bool link_file(struct making *making, struct err *err)
{
	const struct planned_call *planned = &making->planned;
	const struct recording *recording = &planned->recordings[0];

	if (making->place.index <= making->next_file_at || recording->state != RECORDING_STORED)
		return true;

	AUTO(free) char *folder = xasprintf("%s/recordings/%.2s", making->folder, recording->path);
	AUTO(free) char *path = xasprintf("%s/recordings/%s", making->folder, recording->path);

	if (!file_make_folders(folder, err))
		return false;
	if (link(making->media_path, path) < 0)
		return err_errno(err, "cannot link '%s' to '%s'", path, making->media_path);
	printf("%s\n", planned->call.call_sid);
	making->next_file_at += making->count / FILES;
	return true;
}

static bool add_rows(struct catalog *catalog, struct making *making, struct err *err)
{
	int64_t end = making->place.index + (catalog_is_local(catalog) ? AT_ONCE : AT_ONCE_THERE);

	if (end > making->count)
		end = making->count;
	if (!catalog_begin(catalog, err))
		return false;
	while (making->place.index < end) {
		plan_call(&making->place, making->count, &making->media, &making->planned);
		if (!ledger_rows_add(catalog, &making->planned, err) ||
		    (making->media_path && !link_file(making, err))) {
			catalog_rollback(catalog);
			return false;
		}
	}
	return catalog_commit(catalog, err);
}

static bool make(struct making *making, const char *name, struct err *err)
{
	AUTO(free) char *path = xasprintf("%s/%s", making->folder, name);
	AUTO(catalog_free) struct catalog *catalog = NULL;

	if (!file_make_folders(making->folder, err))
		return false;
	if (access(path, F_OK) == 0)
		return err_set(err, ERR_CONFLICT, "'%s' is there already", path);
	if (!catalog_open(path, CATALOG_WRITE, &catalog, err) || !db_exec(catalog->db, HASTE, err))
		return false;
	while (making->place.index < making->count)
		if (!add_rows(catalog, making, err))
			return false;
	return db_exec(catalog->db, "PRAGMA journal_mode = WAL", err);
}

static bool fill(struct making *making, struct err *err)
{
	AUTO(catalog_free) struct catalog *catalog = NULL;

	memset(making->media.sha256, 'a', sizeof(making->media.sha256) - 1);
	making->media.size = 4096;
	/* A recording is written before its call: its keys are looked at by nobody meanwhile. */
	if (!catalog_open(making->folder, CATALOG_WRITE, &catalog, err) ||
	    !db_exec(catalog->db, "SET session_replication_role = replica", err))
		return false;
	while (making->place.index < making->count)
		if (!add_rows(catalog, making, err))
			return false;
	return db_exec(catalog->db, "ANALYZE", err);
}

/* ---- the proof ---- */

static bool tell(struct making *making, const char *name, struct catalog **out, struct err *err)
{
	AUTO(free) char *path = xasprintf("%s/%s", making->folder, name);

	if (!catalog_open(path, CATALOG_WRITE, out, err))
		return false;
	making->place = (struct plan_place){ 0 };
	while (making->place.index < making->count) {
		plan_call(&making->place, making->count, &making->media, &making->planned);
		if (!ledger_told_add(*out, &making->planned, err))
			return false;
	}
	return true;
}

/* The watermark counts events, of which a ledger made of rows has none. */
#define LAST_TURN(db) \
	"SELECT * FROM (SELECT seq, counts FROM " db ".turns ORDER BY seq DESC LIMIT 1)"
#define ROWS(db, table) "SELECT * FROM " db "." table
#define BOTH_WAYS(one, two)                                                       \
	"SELECT COUNT(*) FROM (SELECT * FROM (" one " EXCEPT " two ") UNION ALL " \
	"SELECT * FROM (" two " EXCEPT " one "))"
#define TABLE(table)                                                       \
	{                                                                  \
		table, BOTH_WAYS(ROWS("main", table), ROWS("made", table)) \
	}

static const struct {
	const char *name, *sql;
} comparisons[] = {
	TABLE("calls"),
	TABLE("call_numbers"),
	TABLE("recordings"),
	TABLE("attempts"),
	{ "turns", BOTH_WAYS(LAST_TURN("main"), LAST_TURN("made")) },
};

static bool compare(struct db *db, const char *made_path, struct err *err)
{
	AUTO(free) char *attach = xasprintf("ATTACH DATABASE '%s' AS made", made_path);

	if (!db_exec(db, attach, err))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(comparisons); i++) {
		AUTO(db_stmt_reset) struct db_stmt *count = NULL;

		if (!db_prepare(db, comparisons[i].sql, &count, err))
			return false;
		if (db_step(count, err) != DB_ROW)
			return false;
		if (db_column_int(count, 0) > 0)
			return err_set(err, ERR_INTERNAL, "%lld rows of %s differ",
				       (long long)db_column_int(count, 0), comparisons[i].name);
	}
	return true;
}

static bool check(struct making *making, struct err *err)
{
	AUTO(catalog_free) struct catalog *told = NULL;
	AUTO(free) char *made_path = xasprintf("%s/made.db", making->folder);

	memset(making->media.sha256, 'a', sizeof(making->media.sha256) - 1);
	making->media.size = 4096;
	return make(making, "made.db", err) && tell(making, "told.db", &told, err) &&
	       compare(told->db, made_path, err);
}

int main(int argc, char **argv)
{
	struct making making = { .media.duration_s = DURATION_S };
	bool is_check = argc == 4 && str_eq(str_of(argv[1]), STR("check"));
	bool is_fill = argc == 4 && str_eq(str_of(argv[1]), STR("fill"));
	struct err err;

	if (!(is_check || is_fill || (argc == 5 && str_eq(str_of(argv[1]), STR("make")))) ||
	    !str_to_i64(str_of(argv[3]), &making.count) || making.count < 1) {
		fprintf(stderr, "usage: bench-ledger make FOLDER COUNT MEDIA\n"
				"       bench-ledger fill DATABASE COUNT\n"
				"       bench-ledger check FOLDER COUNT\n");
		return 2;
	}
	making.folder = argv[2];
	making.media_path = argv[4];
	if (is_check  ? check(&making, &err)
	    : is_fill ? fill(&making, &err)
		      : measure_media(&making, &err) && make(&making, "ledger.db", &err))
		return 0;
	fprintf(stderr, "bench-ledger: %s\n", err.text);
	return 1;
}
