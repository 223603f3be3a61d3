#include "tables/tables.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "db/db.h"
#include "tables/tables_private.h"

#include <stdio.h>
#include <stdlib.h>

#define TEXT_MAX ((size_t)64 * 1024)
/* What was sent to a server and not answered takes memory on both sides. */
#define SENT_MAX 500

/* ---- columns ---- */

/* As SQLite decides on the affinity of a column, as far as our schema goes. */
static enum column_kind kind_of(struct str type)
{
	if (str_find_str(type, STR("INT")) < type.len)
		return COLUMN_NUMBER;
	return str_find_str(type, STR("TEXT")) < type.len ? COLUMN_TEXT : COLUMN_BYTES;
}

static bool add_column(struct table *table, const struct db_stmt *row, struct err *err)
{
	struct column *column = &table->columns[table->count];

	if (table->count == TABLE_COLUMNS_MAX ||
	    !str_copy(db_column_str(row, 0), column->name, sizeof(column->name)))
		return err_set(err, ERR_INTERNAL,
			       "table '%s' has more or longer columns than expected",
			       table->entry->name);
	column->kind = kind_of(db_column_str(row, 1));
	table->count++;
	return true;
}

static bool find_column(const struct table *table, const char *name, size_t *out, struct err *err)
{
	size_t i = 0;

	while (i < table->count && strcmp(table->columns[i].name, name) != 0)
		i++;
	*out = i;
	return i < table->count || err_set(err, ERR_INTERNAL, "table '%s' has no column '%s'",
					   table->entry->name, name);
}

static bool find_keys(struct table *table, struct err *err)
{
	const struct table_entry *entry = table->entry;

	for (; table->keys < TABLE_KEYS_MAX && entry->key[table->keys]; table->keys++)
		if (!find_column(table, entry->key[table->keys], &table->key[table->keys], err))
			return false;
	return !entry->name_column || find_column(table, entry->name_column, &table->name, err);
}

static bool read_columns(struct db *db, struct table *table, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *list = NULL;
	enum db_step step;

	if (!db_prepare(db, "SELECT name, type FROM pragma_table_info($1) ORDER BY cid", &list,
			err))
		return false;
	db_bind_str(list, 1, str_of(table->entry->name));
	while ((step = db_step(list, err)) == DB_ROW)
		if (!add_column(table, list, err))
			return false;
	return step == DB_DONE && find_keys(table, err);
}

/* ---- texts ---- */

static void add_columns(struct buf *out, const struct table *table, const char *before)
{
	for (size_t i = 0; i < table->count; i++)
		buf_addf(out, "%s%s%s", i > 0 ? ", " : "", before, table->columns[i].name);
}

static void add_keys(struct buf *out, const struct table *table, const char *before)
{
	for (size_t i = 0; i < table->keys; i++)
		buf_addf(out, "%s%s%s", i > 0 ? ", " : "", before, table->entry->key[i]);
}

static void add_parameters(struct buf *out, size_t count)
{
	for (size_t i = 1; i <= count; i++)
		buf_addf(out, "%s$%zu", i > 1 ? ", " : "", i);
}

/* "(a, b) > ($1, $2)" or "a = $1 AND b = $2" */
static void add_behind(struct buf *out, const struct table *table)
{
	buf_add_byte(out, '(');
	add_keys(out, table, "");
	buf_add_text(out, ") > (");
	add_parameters(out, table->keys);
	buf_add_byte(out, ')');
}

static void add_is_one(struct buf *out, const struct table *table)
{
	for (size_t i = 0; i < table->keys; i++)
		buf_addf(out, "%s%s = $%zu", i > 0 ? " AND " : "", table->entry->key[i], i + 1);
	if (table->entry->part)
		buf_addf(out, " AND %s", table->entry->part);
}

/* "t.a = k.k1 AND t.b = k.k2" */
static void add_is_noted(struct buf *out, const struct table *table)
{
	for (size_t i = 0; i < table->keys; i++)
		buf_addf(out, "%st.%s = k.k%zu", i > 0 ? " AND " : "", table->entry->key[i], i + 1);
}

static void add_noted(struct buf *out)
{
	buf_add_text(out, "(SELECT DISTINCT k1, k2, k3 FROM departing_notes WHERE tab = $1) k");
}

static void write_count(struct buf *out, const struct table *table)
{
	const struct table_entry *entry = table->entry;

	buf_addf(out, "SELECT COUNT(*) FROM %s", entry->name);
	if (entry->part)
		buf_addf(out, " WHERE %s", entry->part);
}

static void write_page(struct buf *out, const struct table *table, bool is_behind)
{
	const struct table_entry *entry = table->entry;

	buf_add_text(out, "SELECT ");
	add_columns(out, table, "");
	buf_addf(out, " FROM %s%s", entry->name, entry->part || is_behind ? " WHERE " : "");
	if (entry->part)
		buf_add_text(out, entry->part);
	if (entry->part && is_behind)
		buf_add_text(out, " AND ");
	if (is_behind)
		add_behind(out, table);
	buf_add_text(out, " ORDER BY ");
	add_keys(out, table, "");
	buf_addf(out, " LIMIT $%zu", is_behind ? table->keys + 1 : 1);
}

static void write_first(struct buf *out, const struct table *table)
{
	write_page(out, table, false);
}

static void write_behind(struct buf *out, const struct table *table)
{
	write_page(out, table, true);
}

/* "a IN ($1, $2, ...)" or "(a, b) IN (($1, $2), ($3, $4), ...)" */
static void write_some(struct buf *out, const struct table *table)
{
	size_t parameter = 0;

	buf_add_text(out, "SELECT ");
	add_columns(out, table, "");
	buf_addf(out, " FROM %s WHERE %s%s(", table->entry->name,
		 table->entry->part ? table->entry->part : "", table->entry->part ? " AND " : "");
	add_keys(out, table, "");
	buf_add_text(out, ") IN (");
	for (size_t i = 0; i < table_some(table); i++) {
		buf_add_text(out, i > 0 ? ", (" : "(");
		for (size_t k = 0; k < table->keys; k++)
			buf_addf(out, "%s$%zu", k > 0 ? ", " : "", ++parameter);
		buf_add_byte(out, ')');
	}
	buf_add_byte(out, ')');
}

static bool is_key(const struct table *table, size_t column)
{
	for (size_t i = 0; i < table->keys; i++)
		if (table->key[i] == column)
			return true;
	return false;
}

static void add_taken_over(struct buf *out, const struct table *table)
{
	size_t count = 0;

	for (size_t i = 0; i < table->count; i++)
		if (!is_key(table, i))
			buf_addf(out, "%s%s = excluded.%s", count++ > 0 ? ", " : " DO UPDATE SET ",
				 table->columns[i].name, table->columns[i].name);
	if (count == 0)
		buf_add_text(out, " DO NOTHING");
}

static void write_write(struct buf *out, const struct table *table)
{
	const struct table_entry *entry = table->entry;

	buf_addf(out, "INSERT INTO %s (", entry->name);
	add_columns(out, table, "");
	buf_add_text(out, ") VALUES (");
	add_parameters(out, table->count);
	buf_addf(out, ") ON CONFLICT (%s%s", entry->part ? entry->part_columns : "",
		 entry->part ? ", " : "");
	add_keys(out, table, "");
	buf_add_byte(out, ')');
	add_taken_over(out, table);
}

static void write_remove(struct buf *out, const struct table *table)
{
	buf_addf(out, "DELETE FROM %s WHERE ", table->entry->name);
	add_is_one(out, table);
}

static void write_park(struct buf *out, const struct table *table)
{
	const char *name = table->entry->name_column, *key = table->entry->key[0];

	if (name)
		buf_addf(out,
			 "UPDATE %s SET %s = chr(1) || CAST(%s AS TEXT) WHERE %s = $1 AND %s <> $2",
			 table->entry->name, name, key, key, name);
	else
		buf_add_text(out, "SELECT 1"); /* nobody asks it */
}

static void write_analyze(struct buf *out, const struct table *table)
{
	buf_addf(out, "ANALYZE %s", table->entry->name);
}

static void write_changed(struct buf *out, const struct table *table)
{
	buf_add_text(out, "SELECT ");
	add_columns(out, table, "t.");
	buf_add_text(out, " FROM ");
	add_noted(out);
	buf_addf(out, " JOIN %s t ON ", table->entry->name);
	add_is_noted(out, table);
}

static void write_gone(struct buf *out, const struct table *table)
{
	buf_add_text(out, "SELECT k1, k2, k3 FROM ");
	add_noted(out);
	buf_addf(out, " WHERE NOT EXISTS (SELECT 1 FROM %s t WHERE ", table->entry->name);
	add_is_noted(out, table);
	buf_add_byte(out, ')');
}

/* Of what `row`, OLD or NEW, says. */
static void add_note(struct buf *out, const struct table *table, const char *row)
{
	buf_addf(out, " INSERT INTO departing_notes (tab, k1, k2, k3) SELECT '%s'",
		 table->entry->name);
	for (size_t i = 0; i < TABLE_KEYS_MAX; i++)
		if (i < table->keys)
			buf_addf(out, ", %s.%s", row, table->entry->key[i]);
		else
			buf_add_text(out, ", 0");
}

static void add_trigger(struct buf *out, const struct table *table, const char *event)
{
	buf_addf(out, "CREATE TRIGGER departing_%s_%s AFTER %s ON %s BEGIN", table->entry->name,
		 event, event, table->entry->name);
}

static void write_note(struct buf *out, const struct table *table)
{
	add_trigger(out, table, "INSERT");
	add_note(out, table, "NEW");
	buf_add_text(out, "; END;");
	add_trigger(out, table, "DELETE");
	add_note(out, table, "OLD");
	buf_add_text(out, "; END;");
	add_trigger(out, table, "UPDATE");
	add_note(out, table, "NEW");
	buf_add_text(out, ";");
	add_note(out, table, "OLD"); /* a key that is changed is two */
	for (size_t i = 0; i < table->keys; i++)
		buf_addf(out, "%s OLD.%s IS NOT NEW.%s", i > 0 ? " OR" : " WHERE",
			 table->entry->key[i], table->entry->key[i]);
	buf_add_text(out, "; END;");
}

static void write_unnote(struct buf *out, const struct table *table)
{
	const char *name = table->entry->name;

	buf_addf(
		out,
		"DROP TRIGGER IF EXISTS departing_%s_INSERT; DROP TRIGGER IF EXISTS departing_%s_UPDATE; "
		"DROP TRIGGER IF EXISTS departing_%s_DELETE;",
		name, name, name);
}

static void write_unnote_older(struct buf *out, const struct table *table)
{
	const char *name = table->entry->name;

	buf_addf(
		out,
		"DROP TRIGGER IF EXISTS migrating_%s_INSERT; DROP TRIGGER IF EXISTS migrating_%s_UPDATE; "
		"DROP TRIGGER IF EXISTS migrating_%s_DELETE;",
		name, name, name);
}

static bool make_texts(struct table *table, struct err *err)
{
	static void (*const write[TABLE_TEXTS])(struct buf * out, const struct table *table) = {
		[TEXT_COUNT] = write_count,
		[TEXT_FIRST] = write_first,
		[TEXT_BEHIND] = write_behind,
		[TEXT_SOME] = write_some,
		[TEXT_WRITE] = write_write,
		[TEXT_REMOVE] = write_remove,
		[TEXT_CHANGED] = write_changed,
		[TEXT_GONE] = write_gone,
		[TEXT_PARK] = write_park,
		[TEXT_ANALYZE] = write_analyze,
		[TEXT_NOTE] = write_note,
		[TEXT_UNNOTE] = write_unnote,
		[TEXT_UNNOTE_OLDER] = write_unnote_older,
	};

	for (int i = 0; i < TABLE_TEXTS; i++) {
		struct buf text;

		buf_init(&text, TEXT_MAX);
		write[i](&text, table);
		table->texts[i] = buf_ok(&text) ? buf_take(&text) : NULL;
		buf_release(&text);
		if (!table->texts[i])
			return err_set(err, ERR_INTERNAL, "table '%s' is too wide",
				       table->entry->name);
	}
	return true;
}

bool tables_read(struct db *db, struct tables **out, struct err *err)
{
	AUTO(tables_free) struct tables *tables = xcalloc(1, sizeof(*tables));

	tables->at = xcalloc(tables_moved_count, sizeof(*tables->at));
	for (; tables->count < tables_moved_count; tables->count++) {
		struct table *table = &tables->at[tables->count];

		table->entry = &tables_moved[tables->count];
		if (!read_columns(db, table, err) || !make_texts(table, err))
			return false;
	}
	*out = TAKE(tables);
	return true;
}

void tables_free(struct tables *tables)
{
	if (!tables)
		return;
	for (size_t i = 0; i < tables_moved_count; i++)
		for (int j = 0; j < TABLE_TEXTS; j++)
			free(tables->at[i].texts[j]);
	free(tables->at);
	free(tables);
}

/* ---- places ---- */

static enum column_kind key_kind(const struct table *table, size_t i)
{
	return table->columns[table->key[i]].kind;
}

void table_place_write(const struct tables *tables, size_t table, const struct table_place *place,
		       char text[TABLE_KEYS_MAX][TABLE_KEY_TEXT])
{
	const struct table *of = table_at(tables, table);

	for (size_t i = 0; i < TABLE_KEYS_MAX; i++) {
		text[i][0] = '\0';
		if (i < of->keys && key_kind(of, i) == COLUMN_NUMBER)
			snprintf(text[i], TABLE_KEY_TEXT, "%lld", (long long)place->number[i]);
		else if (i < of->keys)
			memcpy(text[i], place->text[i], TABLE_KEY_TEXT);
	}
}

bool table_place_read(const struct tables *tables, size_t table,
		      const char *const text[TABLE_KEYS_MAX], struct table_place *out)
{
	const struct table *of = table_at(tables, table);

	*out = (struct table_place){ .is_begun = true };
	for (size_t i = 0; i < of->keys; i++)
		if (key_kind(of, i) == COLUMN_NUMBER
			    ? !str_to_i64(str_of(text[i]), &out->number[i])
			    : !str_copy(str_of(text[i]), out->text[i], TABLE_KEY_TEXT))
			return false;
	return true;
}

void place_bind(const struct table *table, const struct table_place *place, struct db_stmt *stmt,
		int first)
{
	for (size_t i = 0; i < table->keys; i++)
		if (key_kind(table, i) == COLUMN_NUMBER)
			db_bind_int(stmt, first + (int)i, place->number[i]);
		else
			db_bind_str(stmt, first + (int)i, str_of(place->text[i]));
}

bool place_take(const struct table *table, const struct db_stmt *row, bool is_whole,
		struct table_place *out, struct err *err)
{
	out->is_begun = true;
	for (size_t i = 0; i < table->keys; i++) {
		int column = (int)(is_whole ? table->key[i] : i);

		if (key_kind(table, i) == COLUMN_NUMBER)
			out->number[i] = db_column_int(row, column);
		else if (!str_copy(db_column_str(row, column), out->text[i], TABLE_KEY_TEXT))
			return err_set(err, ERR_INTERNAL, "a key of table '%s' is too long",
				       table->entry->name);
	}
	return true;
}

void place_replace(const struct table *table, struct table_place *place)
{
	for (size_t i = 0; i < table->keys; i++) {
		AUTO(free) char *text = NULL;

		if (key_kind(table, i) != COLUMN_TEXT || utf8_is_text(str_of(place->text[i])))
			continue;
		text = utf8_replace(str_of(place->text[i]));
		str_fit(str_of(text), place->text[i], sizeof(place->text[i]));
	}
}

/* ---- rows ---- */

void replaced_release(struct replaced *replaced)
{
	while (replaced->count > 0)
		free(replaced->at[--replaced->count]);
}

void column_bind(const struct db_stmt *row, int from, enum column_kind kind, struct db_stmt *to,
		 int n, struct replaced *replaced)
{
	struct str text;

	if (db_column_is_null(row, from)) {
		db_bind_null(to, n);
		return;
	}
	if (kind == COLUMN_NUMBER) {
		db_bind_int(to, n, db_column_int(row, from));
		return;
	}
	text = db_column_str(row, from);
	if (kind == COLUMN_BYTES) {
		db_bind_bytes(to, n, text.at ? text : STR(""));
		return;
	}
	if (!utf8_is_text(text)) {
		replaced->at[replaced->count] = utf8_replace(text);
		text = str_of(replaced->at[replaced->count++]);
	}
	db_bind_str(to, n, text.at ? text : STR(""));
}

bool row_write(const struct table *table, const struct db_stmt *row, struct db *to, struct err *err)
{
	__attribute__((cleanup(replaced_release_at))) struct replaced replaced = { .count = 0 };
	AUTO(db_stmt_reset) struct db_stmt *write = NULL; /* reset first: it borrows the texts */

	if (!db_prepare(to, table->texts[TEXT_WRITE], &write, err))
		return false;
	for (size_t i = 0; i < table->count; i++)
		column_bind(row, (int)i, table->columns[i].kind, write, (int)i + 1, &replaced);
	return db_run(write, err);
}

static void digest_number(struct sha256 *sha, char kind, uint64_t number)
{
	uint8_t bytes[9] = { (uint8_t)kind };

	for (int i = 0; i < 8; i++)
		bytes[i + 1] = (uint8_t)(number >> (56 - 8 * i));
	sha256_add(sha, bytes, sizeof(bytes));
}

/* With its length before it, so that no two rows are alike. */
static void digest_text(struct sha256 *sha, enum column_kind kind, struct str text)
{
	AUTO(free) char *replacement = NULL;

	if (kind == COLUMN_TEXT && !utf8_is_text(text)) {
		replacement = utf8_replace(text);
		text = str_of(replacement);
	}
	digest_number(sha, kind == COLUMN_TEXT ? 't' : 'b', text.len);
	if (text.len > 0)
		sha256_add(sha, text.at, text.len);
}

void row_digest(const struct table *table, const struct db_stmt *row, struct sha256 *sha)
{
	for (size_t i = 0; i < table->count; i++) {
		enum column_kind kind = table->columns[i].kind;

		if (db_column_is_null(row, (int)i))
			digest_number(sha, 'n', 0);
		else if (kind == COLUMN_NUMBER)
			digest_number(sha, 'i', (uint64_t)db_column_int(row, (int)i));
		else
			digest_text(sha, kind, db_column_str(row, (int)i));
	}
}

/* ---- pages ---- */

static bool prepare_page(const struct table *table, struct db *db, int64_t most,
			 const struct table_place *place, struct db_stmt **out, struct err *err)
{
	if (!db_prepare(db, table->texts[place->is_begun ? TEXT_BEHIND : TEXT_FIRST], out, err))
		return false;
	if (place->is_begun)
		place_bind(table, place, *out, 1);
	db_bind_int(*out, place->is_begun ? (int)table->keys + 1 : 1, most);
	return true;
}

bool table_count(const struct tables *tables, size_t table, struct db *db, int64_t *out,
		 struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *count = NULL;

	if (!db_prepare(db, table_at(tables, table)->texts[TEXT_COUNT], &count, err) ||
	    db_step(count, err) != DB_ROW)
		return false;
	*out = db_column_int(count, 0);
	return true;
}

bool table_analyze(const struct tables *tables, size_t table, struct db *to, struct err *err)
{
	struct db_stmt *analyze;

	return db_prepare(to, table_at(tables, table)->texts[TEXT_ANALYZE], &analyze, err) &&
	       db_run_now(analyze, err);
}

bool table_copy(const struct tables *tables, size_t table, struct db *from, struct db *to,
		int64_t most, struct table_place *place, struct table_page *out, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *page = NULL;
	const struct table *of = table_at(tables, table);
	struct table_place before = *place;
	enum db_step step;

	*out = (struct table_page){ .rows = 0 };
	if (!prepare_page(of, from, most, &before, &page, err))
		return false;
	while ((step = db_step(page, err)) == DB_ROW) {
		if (!row_write(of, page, to, err) || !place_take(of, page, true, place, err) ||
		    (++out->rows % SENT_MAX == 0 && !db_catch_up(to, err)))
			return false;
	}
	out->is_last = out->rows < most;
	return step == DB_DONE && db_catch_up(to, err);
}

bool table_digest(const struct tables *tables, size_t table, struct db *db, int64_t most,
		  struct table_place *place, struct table_page *out, uint8_t sha256[SHA256_BYTES],
		  struct err *err)
{
	AUTO(sha256_free) struct sha256 *sha = sha256_new();
	AUTO(db_stmt_reset) struct db_stmt *page = NULL;
	const struct table *of = table_at(tables, table);
	struct table_place before = *place;
	enum db_step step;

	*out = (struct table_page){ .rows = 0 };
	if (!prepare_page(of, db, most, &before, &page, err))
		return false;
	while ((step = db_step(page, err)) == DB_ROW) {
		row_digest(of, page, sha);
		if (!place_take(of, page, true, place, err))
			return false;
		out->rows++;
	}
	out->is_last = out->rows < most;
	sha256_end(sha, sha256);
	return step == DB_DONE;
}
