#include "tables/destination.h"

#include "base/compiler.h"
#include "base/own.h"
#include "base/str.h"
#include "db/db.h"
#include "schema/schema.h"

#include <stddef.h>
#include <stdint.h>

#define VERSION_LEAST 120000

enum fact { VERSION_NUMBER, VERSION_TEXT, ENCODING, ROLE, SCHEMA, MAY_CREATE, SEARCH_PATH, OTHERS };

static bool check_facts(const struct db_stmt *facts, struct err *err)
{
	struct str role = db_column_str(facts, ROLE), schema = db_column_str(facts, SCHEMA);

	if (db_column_int(facts, VERSION_NUMBER) < VERSION_LEAST)
		return err_set(err, ERR_INVALID, "PostgreSQL 12 or later is needed, and it is %.*s",
			       STR_ARG(db_column_str(facts, VERSION_TEXT)));
	if (!str_eq(db_column_str(facts, ENCODING), STR("UTF8")))
		return err_set(err, ERR_INVALID,
			       "the database is in %.*s: CREATE DATABASE ... ENCODING 'UTF8' "
			       "TEMPLATE template0 makes one for all texts",
			       STR_ARG(db_column_str(facts, ENCODING)));
	if (db_column_is_null(facts, SCHEMA))
		return err_set(err, ERR_INVALID,
			       "no schema of search_path (%.*s) is there, or is open to %.*s",
			       STR_ARG(db_column_str(facts, SEARCH_PATH)), STR_ARG(role));
	if (!db_column_int(facts, MAY_CREATE))
		return err_set(err, ERR_INVALID,
			       "%.*s may make no tables in the schema %.*s: "
			       "GRANT CREATE ON SCHEMA %.*s TO %.*s lets it",
			       STR_ARG(role), STR_ARG(schema), STR_ARG(schema), STR_ARG(role));
	return db_column_int(facts, OTHERS) == 0 ||
	       err_set(err, ERR_INVALID,
		       "tables in the schema %.*s belong to another role than %.*s",
		       STR_ARG(schema), STR_ARG(role));
}

static bool check_server(struct db *db, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *facts = NULL;

	if (!db_prepare(
		    db,
		    "SELECT CAST(current_setting('server_version_num') AS BIGINT), "
		    "current_setting('server_version'), current_setting('server_encoding'), "
		    "current_user::text, current_schema()::text, "
		    "COALESCE(has_schema_privilege(current_schema(), 'CREATE'), FALSE), "
		    "current_setting('search_path'), (SELECT COUNT(*) FROM pg_class c "
		    "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = current_schema() "
		    "AND c.relname IN ('schema_version', 'calls', 'events', 'recordings', 'migration') "
		    "AND NOT pg_has_role(c.relowner, 'USAGE'))",
		    &facts, err) ||
	    db_step(facts, err) != DB_ROW)
		return false;
	return check_facts(facts, err);
}

static bool check(struct db *db, struct err *err)
{
	bool is_good;

	if (!db_begin(db, err))
		return false;
	is_good = check_server(db, err) && db_settle(db, err);
	db_rollback(db);
	return is_good;
}

bool destination_look(const char *address, struct err *err)
{
	static const enum db_mode modes[] = { DB_WRITE, DB_QUICK, DB_READ, DB_READ };
	struct db *all[ARRAY_LEN(modes)] = { NULL };
	bool is_good = true;

	for (size_t i = 0; i < ARRAY_LEN(modes) && is_good; i++)
		is_good = db_open(address, modes[i], &all[i], err) ||
			  err_context(err, "%zu connections are needed", ARRAY_LEN(modes) + 1);
	is_good = is_good && check(all[0], err);
	for (size_t i = 0; i < ARRAY_LEN(modes); i++)
		db_free(all[i]);
	return is_good;
}

bool destination_refuse(struct db *db, struct err *err)
{
	struct err why;

	if (schema_check(db, &why))
		return err_set(err, ERR_CONFLICT,
			       "the database has a ledger of its own: " DESTINATION_REMEDY);
	if (why.kind == ERR_UNAVAILABLE) {
		*err = why;
		return false;
	}
	return err_set(
		err, ERR_CONFLICT,
		"the database has tables of another callspool, or of something else (%.100s): " DESTINATION_REMEDY,
		why.text);
}
