#include "numbers/numbers_find.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/own.h"
#include "db/db.h"
#include "numbers/numbers_index.h"

#define COUNTED_MAX   200   /* how rare a part is, is found out so far */
#define LOOKED_AT_MAX 20000 /* rows of one part: some 10 ms */

struct finding {
	struct db *db;
	const struct digits *sought;
	struct digits *at; /* the caller's */
	size_t count, most;
	bool more;
};

/* The least text that stands behind all that begin with these digits. */
static struct str past(const char *digits, char room[DIGITS_MAX + 2])
{
	struct buf buf;

	buf_over(&buf, room, DIGITS_MAX + 2);
	buf_add_text(&buf, digits);
	buf_add_byte(&buf, ':'); /* stands after '9' */
	return buf_str(&buf);
}

/* ---- those that end in them ---- */

/* From one number to the next, a descent of the index each, and one statement for a server that is far away. */
static const char ENDS[] =
	"WITH RECURSIVE n (d) AS (SELECT MIN(digits) FROM call_numbers WHERE digits >= $1 "
	"AND digits < $2 UNION ALL SELECT (SELECT MIN(digits) FROM call_numbers "
	"WHERE digits > n.d AND digits < $2) FROM n WHERE n.d IS NOT NULL) "
	"SELECT d FROM n WHERE d IS NOT NULL LIMIT $3";

/* They begin with the digits, for they are kept reversed. */
static bool find_ends(struct finding *finding, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;
	char end[DIGITS_MAX + 2];
	enum db_step step;

	if (!db_prepare(finding->db, ENDS, &find, err))
		return false;
	db_bind_str(find, 1, str_of(finding->sought->text));
	db_bind_str(find, 2, past(finding->sought->text, end));
	db_bind_int(find, 3, (int64_t)finding->most + 1);
	while ((step = db_step(find, err)) == DB_ROW) {
		struct str digits = db_column_str(find, 0);

		finding->more = finding->count == finding->most;
		if (!finding->more)
			str_fit(digits, finding->at[finding->count++].text, sizeof(struct digits));
	}
	return step != DB_FAILED;
}

/* ---- those that have them inside ---- */

static bool count_part(struct db *db, const char *part, int64_t *out, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *count = NULL;
	char end[DIGITS_MAX + 2];
	enum db_step step;

	if (!db_prepare(db,
			"SELECT COUNT(*) FROM (SELECT 1 FROM number_parts WHERE part >= $1 "
			"AND part < $2 LIMIT $3) n",
			&count, err))
		return false;
	db_bind_str(count, 1, str_of(part));
	db_bind_str(count, 2, past(part, end));
	db_bind_int(count, 3, COUNTED_MAX);
	step = db_step(count, err);
	if (step == DB_ROW)
		*out = db_column_int(count, 0);
	return step != DB_FAILED;
}

/* What the digits show of a part that begins at this place in them. */
static void part_at(const struct digits *sought, size_t at, char out[NUMBER_PART_LEN + 1])
{
	str_fit(str_first(str_of(sought->text + at), NUMBER_PART_LEN), out, NUMBER_PART_LEN + 1);
}

/* The rarest part among those at `first` and every second place behind it. */
static bool choose_part(struct finding *finding, size_t first, char out[NUMBER_PART_LEN + 1],
			struct err *err)
{
	size_t len = strlen(finding->sought->text), best_at = first;
	int64_t best = INT64_MAX, found = 0;

	for (size_t at = first; len > NUMBER_PART_LEN && at + NUMBER_PART_LEN <= len;
	     at += NUMBER_PART_STEP) {
		part_at(finding->sought, at, out);
		if (!count_part(finding->db, out, &found, err))
			return false;
		if (found < best) {
			best = found;
			best_at = at;
		}
	}
	part_at(finding->sought, best_at, out);
	return true;
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct digits *)a)->text, ((const struct digits *)b)->text);
}

static void add(struct finding *finding, struct str digits)
{
	struct digits number;

	str_fit(digits, number.text, sizeof(number.text));
	/* Those that end in them are found already. */
	if (!digits_hold(&number, finding->sought) ||
	    str_starts(str_of(number.text), str_of(finding->sought->text)))
		return;
	if (finding->count == finding->most)
		finding->more = true;
	else
		finding->at[finding->count++] = number;
}

/* In the order of the index: a number may come once for each part that it has. */
static bool look_through(struct finding *finding, const char *part, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *list = NULL;
	char end[DIGITS_MAX + 2];
	enum db_step step;
	size_t looked_at = 0;

	if (!db_prepare(finding->db,
			"SELECT digits FROM number_parts WHERE part >= $1 AND part < $2 LIMIT $3",
			&list, err))
		return false;
	db_bind_str(list, 1, str_of(part));
	db_bind_str(list, 2, past(part, end));
	db_bind_int(list, 3, LOOKED_AT_MAX);
	while ((step = db_step(list, err)) == DB_ROW && !finding->more) {
		add(finding, db_column_str(list, 0));
		looked_at++;
	}
	finding->more |= looked_at == LOOKED_AT_MAX;
	return step != DB_FAILED;
}

static void leave_one_of_each(struct finding *finding)
{
	size_t count = 0;

	qsort(finding->at, finding->count, sizeof(finding->at[0]), compare);
	for (size_t i = 0; i < finding->count; i++)
		if (count == 0 || compare(&finding->at[i], &finding->at[count - 1]) != 0)
			finding->at[count++] = finding->at[i];
	finding->count = count;
}

/* What is sought begins at a place of which there is a part, or one before. */
static bool find_inside(struct finding *finding, struct err *err)
{
	char part[NUMBER_PART_LEN + 1];

	for (size_t first = 0; first < NUMBER_PART_STEP && !finding->more; first++) {
		if (!choose_part(finding, first, part, err) || !look_through(finding, part, err))
			return false;
		leave_one_of_each(finding);
	}
	return true;
}

bool numbers_find(struct db *db, const struct digits *sought, struct digits *out, size_t most,
		  size_t *out_count, bool *out_more, struct err *err)
{
	struct finding finding = { .db = db, .sought = sought, .at = out, .most = most };

	if (!find_ends(&finding, err) || (!finding.more && !find_inside(&finding, err)))
		return false;
	*out_count = finding.count;
	*out_more = finding.more;
	return true;
}
