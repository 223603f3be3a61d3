#include "accounts/users.h"

#include "catalog/catalog_sql.h"

#define ROLE_ADMIN_STORED 2 /* ROLE_ADMIN of auth/rights.h */

#define USER_COLUMNS                                                                  \
	"id, source, name, full_name, role, password_hash, is_disabled, made_at_ms, " \
	"signed_in_at_ms"

static void user_read(const struct db_stmt *row, struct user *out)
{
	*out = (struct user){
		.id = db_column_int(row, 0),
		.source = (enum user_source)db_column_int(row, 1),
		.role = (int)db_column_int(row, 4),
		.is_disabled = db_column_int(row, 6) != 0,
		.made_at_ms = db_column_int(row, 7),
		.signed_in_at_ms = db_column_int(row, 8),
	};
	text_set(out->name, sizeof(out->name), db_column_str(row, 2));
	text_set(out->full_name, sizeof(out->full_name), db_column_str(row, 3));
	text_set(out->password_hash, sizeof(out->password_hash), db_column_str(row, 5));
}

/* ---- finding ---- */

static bool find_one(struct db_stmt *find, struct user *out, struct err *err)
{
	switch (db_step(find, err)) {
	case DB_ROW:
		user_read(find, out);
		return true;
	case DB_DONE:
		return err_set(err, ERR_NOT_FOUND, "no such user");
	case DB_FAILED:
		break;
	}
	return false;
}

bool users_find_name(struct catalog *catalog, enum user_source source, struct str name,
		     struct user *out, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;

	if (!db_prepare(catalog_db(catalog),
			"SELECT " USER_COLUMNS " FROM users WHERE source = $1 AND name = $2", &find,
			err))
		return false;
	db_bind_int(find, 1, source);
	db_bind_str(find, 2, name);
	return find_one(find, out, err);
}

bool users_find(struct catalog *catalog, int64_t id, struct user *out, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;

	if (!db_prepare(catalog_db(catalog), "SELECT " USER_COLUMNS " FROM users WHERE id = $1",
			&find, err))
		return false;
	db_bind_int(find, 1, id);
	return find_one(find, out, err);
}

bool users_list(struct catalog *catalog, struct str after, struct user *out, size_t size,
		size_t *out_count, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *list = NULL;
	enum db_step step;
	size_t count = 0;

	if (!db_prepare(catalog_db(catalog),
			"SELECT " USER_COLUMNS
			" FROM users WHERE name > $1 ORDER BY name, source LIMIT $2",
			&list, err))
		return false;
	db_bind_str(list, 1, after.at ? after : STR(""));
	db_bind_int(list, 2, (int64_t)size);
	while (count < size && (step = db_step(list, err)) != DB_DONE) {
		if (step == DB_FAILED)
			return false;
		user_read(list, &out[count++]);
	}
	*out_count = count;
	return true;
}

/* How many administrators could sign in if `but_id` could not. */
static bool count_admins(struct catalog *catalog, int64_t but_id, int64_t *out, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *count = NULL;

	if (!db_prepare(catalog_db(catalog),
			"SELECT COUNT(*) FROM users WHERE source = 0 AND role = $1 AND "
			"is_disabled = 0 AND password_hash IS NOT NULL AND id <> $2",
			&count, err))
		return false;
	db_bind_int(count, 1, ROLE_ADMIN_STORED);
	db_bind_int(count, 2, but_id);
	if (db_step(count, err) != DB_ROW)
		return false;
	*out = db_column_int(count, 0);
	return true;
}

bool users_any_admin(struct catalog *catalog, bool *out, struct err *err)
{
	int64_t count;

	if (!count_admins(catalog, 0, &count, err))
		return false;
	*out = count > 0;
	return true;
}

bool users_any_enabled(struct catalog *catalog, bool *out, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;
	enum db_step step;

	if (!db_prepare(catalog_db(catalog),
			"SELECT 1 FROM users WHERE source = 0 AND is_disabled = 0 AND "
			"password_hash IS NOT NULL LIMIT 1",
			&find, err))
		return false;
	step = db_step(find, err);
	if (step == DB_FAILED)
		return false;
	*out = step == DB_ROW;
	return true;
}

/* ---- changing ---- */

bool users_add(struct catalog *catalog, struct user *user, struct err *err)
{
	struct db_stmt *insert;
	int64_t id;

	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(catalog_db(catalog),
			"INSERT INTO users (id, source, name, full_name, role, is_disabled, "
			"made_at_ms, changed_seq) VALUES ($1, $2, $3, $4, $5, 0, $6, $1)",
			&insert, err))
		return false;
	id = catalog_next_sequence(catalog);
	db_bind_int(insert, 1, id);
	db_bind_int(insert, 2, user->source);
	db_bind_str(insert, 3, str_of(user->name));
	bind_text(insert, 4, user->full_name);
	db_bind_int(insert, 5, user->role);
	db_bind_int(insert, 6, user->made_at_ms);
	if (!db_run_now(insert, err))
		return err->kind == ERR_CONFLICT
			       ? err_set(err, ERR_CONFLICT, "there is a user '%s' already",
					 user->name)
			       : false;
	user->id = id;
	return true;
}

/* Runs an UPDATE or DELETE of one user, whose id is bound as $1. */
static bool run_of_one(struct catalog *catalog, struct db_stmt *change, struct err *err)
{
	if (!db_run_now(change, err))
		return false;
	return db_changes(catalog_db(catalog)) > 0 || err_set(err, ERR_NOT_FOUND, "no such user");
}

bool users_rename(struct catalog *catalog, int64_t id, struct str name, struct err *err)
{
	struct db_stmt *update;

	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(catalog_db(catalog),
			"UPDATE users SET name = $2, changed_seq = $3 WHERE id = $1", &update, err))
		return false;
	db_bind_int(update, 1, id);
	db_bind_str(update, 2, name);
	db_bind_int(update, 3, catalog_next_sequence(catalog));
	if (run_of_one(catalog, update, err))
		return true;
	return err->kind == ERR_CONFLICT
		       ? err_set(err, ERR_CONFLICT, "there is a user '%.*s' already", STR_ARG(name))
		       : false;
}

bool users_set_password(struct catalog *catalog, int64_t id, struct str hash, struct err *err)
{
	struct db_stmt *update;

	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(catalog_db(catalog),
			"UPDATE users SET password_hash = $2, changed_seq = $3 WHERE id = $1",
			&update, err))
		return false;
	db_bind_int(update, 1, id);
	db_bind_str(update, 2, hash);
	db_bind_int(update, 3, catalog_next_sequence(catalog));
	return run_of_one(catalog, update, err);
}

bool users_signed_in(struct catalog *catalog, int64_t id, int64_t at_ms, struct err *err)
{
	struct db_stmt *update;

	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(catalog_db(catalog), "UPDATE users SET signed_in_at_ms = $2 WHERE id = $1",
			&update, err))
		return false;
	db_bind_int(update, 1, id);
	db_bind_int(update, 2, at_ms);
	return run_of_one(catalog, update, err);
}

/* Would be nobody left who can administer, without this one? */
static bool keep_an_admin(struct catalog *catalog, int64_t id, struct err *err)
{
	struct user user;
	int64_t others;

	if (!users_find(catalog, id, &user, err))
		return false;
	if (user.source != USER_OWN || user.role != ROLE_ADMIN_STORED || user.is_disabled ||
	    user.password_hash[0] == '\0')
		return true; /* it administers nothing today */
	if (!count_admins(catalog, id, &others, err))
		return false;
	return others > 0 || err_set(err, ERR_CONFLICT,
				     "'%s' is the last administrator who can sign in", user.name);
}

bool users_set_role(struct catalog *catalog, int64_t id, int role, struct err *err)
{
	struct db_stmt *update;

	if (!catalog_may_change(catalog, err) ||
	    (role != ROLE_ADMIN_STORED && !keep_an_admin(catalog, id, err)) ||
	    !db_prepare(catalog_db(catalog),
			"UPDATE users SET role = $2, changed_seq = $3 WHERE id = $1", &update, err))
		return false;
	db_bind_int(update, 1, id);
	db_bind_int(update, 2, role);
	db_bind_int(update, 3, catalog_next_sequence(catalog));
	return run_of_one(catalog, update, err);
}

bool users_set_disabled(struct catalog *catalog, int64_t id, bool is_disabled, struct err *err)
{
	struct db_stmt *update;

	if (!catalog_may_change(catalog, err) ||
	    (is_disabled && !keep_an_admin(catalog, id, err)) ||
	    !db_prepare(catalog_db(catalog),
			"UPDATE users SET is_disabled = $2, changed_seq = $3 WHERE id = $1",
			&update, err))
		return false;
	db_bind_int(update, 1, id);
	db_bind_int(update, 2, is_disabled);
	db_bind_int(update, 3, catalog_next_sequence(catalog));
	return run_of_one(catalog, update, err);
}

bool users_delete(struct catalog *catalog, int64_t id, struct err *err)
{
	struct db_stmt *drop, *drop_credentials;

	if (!catalog_may_change(catalog, err) || !keep_an_admin(catalog, id, err) ||
	    !db_prepare(catalog_db(catalog), "DELETE FROM credentials WHERE user_id = $1",
			&drop_credentials, err) ||
	    !db_prepare(catalog_db(catalog), "DELETE FROM users WHERE id = $1", &drop, err))
		return false;
	(void)catalog_next_sequence(catalog); /* it changed, though no row is left to say so */
	db_bind_int(drop_credentials, 1, id);
	if (!db_run(drop_credentials, err))
		return false;
	db_bind_int(drop, 1, id);
	return run_of_one(catalog, drop, err);
}
