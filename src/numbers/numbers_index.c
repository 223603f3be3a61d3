#include "numbers/numbers_index.h"

#include <string.h>

#include "base/own.h"
#include "db/db.h"

static bool change(struct db *db, const char *sql, const struct digits *digits,
		   const struct numbers_of_call *call, struct err *err)
{
	struct db_stmt *stmt;

	if (!db_prepare(db, sql, &stmt, err))
		return false;
	db_bind_str(stmt, 1, str_of(digits->text));
	db_bind_int(stmt, 2, call->started_at_ms);
	db_bind_int(stmt, 3, call->call_id);
	return db_run(stmt, err);
}

static bool is_known(struct db *db, const struct digits *digits, bool *out, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;
	enum db_step step;

	if (!db_prepare(db, "SELECT 1 FROM call_numbers WHERE digits = $1 LIMIT 1", &find, err))
		return false;
	db_bind_str(find, 1, str_of(digits->text));
	step = db_step(find, err);
	*out = step == DB_ROW;
	return step != DB_FAILED;
}

static bool add_part(struct db *db, struct str part, const struct digits *digits, struct err *err)
{
	struct db_stmt *insert;

	if (!db_prepare(db,
			"INSERT INTO number_parts (part, digits) VALUES ($1, $2) "
			"ON CONFLICT DO NOTHING",
			&insert, err))
		return false;
	db_bind_str(insert, 1, part);
	db_bind_str(insert, 2, str_of(digits->text));
	return db_run(insert, err);
}

static bool add_parts(struct db *db, const struct digits *digits, struct err *err)
{
	struct str all = str_of(digits->text);

	for (size_t at = NUMBER_PART_FIRST; at + NUMBER_PART_LEAST <= all.len;
	     at += NUMBER_PART_STEP)
		if (!add_part(db, str_first(str_after(all, at), NUMBER_PART_LEN), digits, err))
			return false;
	return true;
}

/* On a server a question waits for its answer, and all that was sent before: so the one and the other are one statement. */
static bool add_parts_unless_known(struct db *db, const struct digits *digits, struct err *err)
{
	struct db_stmt *insert;

	if (!db_prepare(db,
			"INSERT INTO number_parts (part, digits) "
			"SELECT substr($1, place + 1, $3), $1 "
			"FROM generate_series($2, length($1) - $4, $5) AS place "
			"WHERE NOT EXISTS (SELECT 1 FROM call_numbers WHERE digits = $1) "
			"ON CONFLICT DO NOTHING",
			&insert, err))
		return false;
	db_bind_str(insert, 1, str_of(digits->text));
	db_bind_int(insert, 2, NUMBER_PART_FIRST);
	db_bind_int(insert, 3, NUMBER_PART_LEN);
	db_bind_int(insert, 4, NUMBER_PART_LEAST);
	db_bind_int(insert, 5, NUMBER_PART_STEP);
	return db_run(insert, err);
}

/* True: it was not there, and is now. */
static bool learn(struct numbers_seen *seen, const struct digits *digits)
{
	uint64_t hash = 0;
	size_t at;

	for (const char *digit = digits->text; *digit; digit++)
		hash = (hash ^ (unsigned char)*digit) * 0x9e3779b97f4a7c15u;
	for (at = (size_t)(hash >> 40) % NUMBERS_SEEN_SLOTS; seen->digits[at].text[0];
	     at = (at + 1) % NUMBERS_SEEN_SLOTS)
		if (strcmp(seen->digits[at].text, digits->text) == 0)
			return false;
	if (seen->count < NUMBERS_SEEN_SLOTS / 2) {
		seen->digits[at] = *digits;
		seen->count++;
	}
	return true;
}

static bool add_new_parts(struct db *db, const struct digits *digits, struct numbers_seen *seen,
			  struct err *err)
{
	bool is_here;

	if (db_dialect(db) == DB_POSTGRES)
		return (seen && !learn(seen, digits)) || add_parts_unless_known(db, digits, err);
	return is_known(db, digits, &is_here, err) && (is_here || add_parts(db, digits, err));
}

static bool add(struct db *db, struct str address, const struct numbers_of_call *call,
		struct numbers_seen *seen, struct err *err)
{
	struct digits digits = digits_of_address(address);

	if (digits.text[0] == '\0')
		return true;
	return add_new_parts(db, &digits, seen, err) &&
	       /* A call to oneself has one row. */
	       change(db,
		      "INSERT INTO call_numbers (digits, started_at_ms, call_id) "
		      "VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
		      &digits, call, err);
}

/* What a call has as a rule. */
static bool add_two(struct db *db, const struct digits *from, const struct digits *to,
		    const struct numbers_of_call *call, struct err *err)
{
	struct db_stmt *insert;

	if (!db_prepare(db,
			"INSERT INTO call_numbers (digits, started_at_ms, call_id) "
			"VALUES ($1, $3, $4), ($2, $3, $4) ON CONFLICT DO NOTHING",
			&insert, err))
		return false;
	db_bind_str(insert, 1, str_of(from->text));
	db_bind_str(insert, 2, str_of(to->text));
	db_bind_int(insert, 3, call->started_at_ms);
	db_bind_int(insert, 4, call->call_id);
	return db_run(insert, err);
}

static bool remove_one(struct db *db, struct str address, const struct numbers_of_call *call,
		       struct err *err)
{
	struct digits digits = digits_of_address(address);

	return digits.text[0] == '\0' ||
	       change(db,
		      "DELETE FROM call_numbers "
		      "WHERE digits = $1 AND started_at_ms = $2 AND call_id = $3",
		      &digits, call, err);
}

bool numbers_index_add(struct db *db, const struct numbers_of_call *call, struct numbers_seen *seen,
		       struct err *err)
{
	struct digits from = digits_of_address(call->from), to = digits_of_address(call->to);

	if (db_dialect(db) == DB_POSTGRES && from.text[0] && to.text[0])
		return add_new_parts(db, &from, seen, err) && add_new_parts(db, &to, seen, err) &&
		       add_two(db, &from, &to, call, err);
	return add(db, call->from, call, seen, err) && add(db, call->to, call, seen, err);
}

bool numbers_index_remove(struct db *db, const struct numbers_of_call *call, struct err *err)
{
	return remove_one(db, call->from, call, err) && remove_one(db, call->to, call, err);
}
