#include "catalog/catalog_sql.h"

#include <assert.h>

#include "catalog/catalog_private.h"

void kept_read(const struct db_stmt *row, int first, struct kept *out)
{
	text_set(out->account_sid, RETENTION_SID_SIZE, db_column_str(row, first));
	out->way = (enum retention_way)db_column_int(row, first + 1);
	out->started_at_ms = db_column_int(row, first + 2);
	out->is_held = db_column_int(row, first + 3) != 0;
}

struct db *catalog_db(struct catalog *catalog)
{
	return catalog->db;
}

bool catalog_may_change(struct catalog *catalog, struct err *err)
{
	assert(catalog->mode == CATALOG_WRITE);
	if (!db_in_transaction(catalog->db))
		return err_set(err, ERR_INTERNAL, "no transaction: it was given up after an error");
	catalog->may_have_changed = true;
	return true;
}

void text_set(char *to, size_t size, struct str text)
{
	size_t len = text.len < size ? text.len : size - 1;

	/* Not in the middle of a UTF-8 character: 10xxxxxx goes on with one. */
	if (len < text.len)
		while (len && ((unsigned char)text.at[len] & 0xc0) == 0x80)
			len--;
	if (len)
		memcpy(to, text.at, len);
	to[len] = '\0';
}

void bind_text(struct db_stmt *stmt, int n, const char *text)
{
	db_bind_str(stmt, n, text && *text ? str_of(text) : STR_NONE);
}

void bind_known(struct db_stmt *stmt, int n, int64_t value)
{
	if (value)
		db_bind_int(stmt, n, value);
	else
		db_bind_null(stmt, n);
}
