#include "catalog/silent_holders.h"

#include "base/log.h"
#include "catalog/catalog_private.h"

/* Of ours alone, and of this ledger: the seat is its schema's, and so is the table that a fence locks. */
#define HOLDS_UP                                                                         \
	"EXISTS (SELECT 1 FROM pg_catalog.pg_locks l WHERE l.pid = a.pid AND l.granted " \
	"AND ((l.locktype = 'advisory' AND l.objsubid = 1 "                              \
	"AND ((l.classid::bigint << 32) | l.objid::bigint) = "                           \
	"hashtextextended('callspool ' || current_schema(), 0)) "                        \
	"OR (l.locktype = 'relation' AND l.mode = 'RowShareLock' "                       \
	"AND l.relation = 'processes'::regclass)))"

void silent_holders_end(struct catalog *catalog)
{
	AUTO(db_stmt_reset) struct db_stmt *stmt = NULL;
	struct err err;

	if (catalog_is_local(catalog) || db_connection(catalog->db) == 0)
		return;
	if (!db_prepare(
		    catalog->db,
		    "SELECT COUNT(pg_catalog.pg_terminate_backend(a.pid)) "
		    "FROM pg_catalog.pg_stat_activity a "
		    "WHERE a.datname = current_database() AND a.usename = current_user "
		    "AND a.pid <> pg_backend_pid() AND a.wait_event = 'ClientRead' "
		    "AND a.state <> 'idle' "
		    "AND a.query_start < clock_timestamp() - interval '3 seconds' AND " HOLDS_UP,
		    &stmt, &err) ||
	    db_step(stmt, &err) != DB_ROW)
		log_debug(NULL, "cannot look for who holds others up: %s", err.text);
	else if (db_column_int(stmt, 0) > 0)
		log_debug(NULL, "%lld sessions of the ledger were ended, which held others up",
			  (long long)db_column_int(stmt, 0));
}
