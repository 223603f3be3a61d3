/*
 * A change as a line: "what call_sid recording_sid account_sid credential_id user_id", "-" for none; or "*": anything may
 * have changed.  The bits of `what` are stored, and never given another meaning.
 */
#include "catalog/turn_news.h"

#include "base/buf.h"
#include "base/str.h"
#include "catalog/catalog_private.h"

#include <string.h>

#define ALL  "*"
#define NONE "-"
#define PAGE 64 /* turns read at once */

/* ---- telling ---- */

/* A SID is whatever a provider says it is: one that would be read otherwise is not told by itself. */
static bool is_plain(const char *sid)
{
	for (const char *at = sid; *at; at++)
		if ((unsigned char)*at <= ' ')
			return false;
	return strcmp(sid, NONE) != 0;
}

static const char *shown(const char *sid)
{
	return *sid ? sid : NONE;
}

void turn_tell(struct catalog *catalog, const struct projection_change *change)
{
	if (catalog_is_local(catalog))
		return;
	if (++catalog->told > TURN_CHANGES_MAX || !is_plain(change->call_sid) ||
	    !is_plain(change->recording_sid) || !is_plain(change->account_sid)) {
		catalog->told = TURN_CHANGES_MAX + 1;
		return;
	}
	buf_addf(&catalog->changes, "%u %s %s %s %lld %lld\n", change->what,
		 shown(change->call_sid), shown(change->recording_sid), shown(change->account_sid),
		 (long long)change->credential_id, (long long)change->user_id);
}

struct str turn_changes(const struct catalog *catalog)
{
	if (catalog->told > TURN_CHANGES_MAX || !buf_ok(&catalog->changes))
		return STR(ALL);
	return catalog->told > 0 ? buf_str(&catalog->changes) : STR_NONE;
}

bool turn_notify(struct catalog *catalog, struct err *err)
{
	struct db_stmt *notify;

	if (catalog_is_local(catalog))
		return true;
	return db_prepare(catalog->db, "SELECT pg_notify(" TURN_CHANNEL_SQL ", '')", &notify,
			  err) &&
	       db_run(notify, err);
}

/* ---- hearing ---- */

static void take_sid(struct str *line, char out[SID_SIZE])
{
	struct str sid;

	if (str_cut(line, ' ', &sid) && !str_eq(sid, STR(NONE)))
		text_set(out, SID_SIZE, sid);
}

static bool take_number(struct str *line, int64_t *out)
{
	struct str number;

	return str_cut(line, ' ', &number) && str_to_i64(number, out);
}

static bool read_change(struct str line, struct projection_change *out)
{
	int64_t what = 0;

	*out = (struct projection_change){ 0 };
	if (!take_number(&line, &what))
		return false;
	out->what = (unsigned)what;
	take_sid(&line, out->call_sid);
	take_sid(&line, out->recording_sid);
	take_sid(&line, out->account_sid);
	return take_number(&line, &out->credential_id) && take_number(&line, &out->user_id);
}

static void hear_all(struct turn_hearer *hearer, int64_t sequence)
{
	const struct projection_change all = { .what = PROJECTED_ALL };

	hearer->heard(hearer, &all, 1, sequence);
}

static void hear_turn(struct turn_hearer *hearer, struct str text, int64_t sequence)
{
	struct projection_change changes[TURN_CHANGES_MAX];
	struct str line;
	size_t count = 0;

	while (text.len > 0 && str_cut(&text, '\n', &line)) {
		if (count == TURN_CHANGES_MAX || !read_change(line, &changes[count])) {
			hear_all(hearer, sequence);
			return;
		}
		count++;
	}
	hearer->heard(hearer, changes, count, sequence);
}

/* A server that took the place of another without its last turns gives their numbers again. */
static bool is_another(const struct turn_stamp *heard, const struct turn_stamp *row)
{
	return heard->seq == row->seq &&
	       (heard->at_ms != row->at_ms || heard->writer_id != row->writer_id);
}

/* More lies between two turns than any turn has: what was committed between them once may be gone. */
static bool is_leap(int64_t before, int64_t seq)
{
	return before > 0 && seq - before >= CATALOG_LEAP;
}

/*
 * What was heard is not there, or what others were told may not be: anything may have changed.  Whoever holds a number that was
 * given before is to learn that, wherever he asks; so those that are given from here on are none of them.
 */
static bool hear_of_loss(struct catalog *catalog, int64_t *heard, struct turn_hearer *hearer,
			 struct err *err)
{
	int64_t numbers[CATALOG_NUMBERS];

	if (!is_leap(*heard, catalog->newest.seq) && !turn_leap(catalog, err))
		return false;
	if (!numbers_read(catalog, numbers, err))
		return false;
	catalog->heard = catalog->newest;
	*heard = numbers[NUMBER_SEQUENCE];
	hearer->lost(hearer, *heard);
	hear_all(hearer, *heard);
	return true;
}

static bool prepare_page(struct catalog *catalog, int64_t after, struct db_stmt **out,
			 struct err *err)
{
	if (!db_prepare(catalog->db,
			"SELECT seq, at_ms, process_id, changes FROM turns WHERE seq >= $1 "
			"ORDER BY seq LIMIT $2",
			out, err))
		return false;
	db_bind_int(*out, 1, after);
	db_bind_int(*out, 2, PAGE);
	return true;
}

/* Where others had turns before this process's last one, they have had some before this one, too, as a rule. */
bool turn_news_ask(struct catalog *catalog, struct err *err)
{
	if (!catalog->expects_news)
		return true;
	catalog->news_after = catalog->heard.seq;
	return prepare_page(catalog, catalog->news_after, &catalog->news, err) &&
	       db_ask(catalog->news, err);
}

void turn_news_end(struct catalog *catalog)
{
	db_stmt_reset(TAKE(catalog->news));
}

/* What was asked for with the begin of the turn, where it is that. */
static struct db_stmt *take_page(struct catalog *catalog, int64_t after)
{
	if (catalog->news && catalog->news_after == after)
		return TAKE(catalog->news);
	turn_news_end(catalog);
	return NULL;
}

/* From the turn that was heard last on, which is there still where none between is gone. */
static bool hear_page(struct catalog *catalog, int64_t *heard, struct turn_hearer *hearer,
		      bool *out_more, bool *out_lost, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *list = take_page(catalog, *heard);
	enum db_step step;
	int64_t after = *heard;
	unsigned rows = 0;

	if (!list && !prepare_page(catalog, after, &list, err))
		return false;
	for (; (step = db_step(list, err)) == DB_ROW; rows++) {
		const struct turn_stamp row = turn_stamp_read(list, 0);
		int64_t seq = row.seq;

		*out_lost = rows == 0 && is_another(&catalog->heard, &row);
		if (*out_lost)
			return true;
		if ((rows == 0 && seq > after && after > 0) || is_leap(*heard, seq))
			hear_all(hearer, seq);
		else if (seq > after)
			hear_turn(hearer, db_column_str(list, 3), seq);
		*heard = seq;
		catalog->heard = row;
	}
	*out_lost = step == DB_DONE && rows == 0 && after > 0;
	*out_more = rows == PAGE;
	return step == DB_DONE;
}

bool turns_recent(struct catalog *catalog, int64_t most, int64_t *out_sequence, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;

	if (!db_prepare(
		    catalog->db,
		    "SELECT MIN(seq) FROM (SELECT seq FROM turns ORDER BY seq DESC LIMIT $1) AS newest",
		    &find, err))
		return false;
	db_bind_int(find, 1, most);
	if (db_step(find, err) != DB_ROW)
		return false;
	*out_sequence = db_column_int(find, 0);
	return true;
}

bool turns_hear(struct catalog *catalog, int64_t *heard, struct turn_hearer *hearer,
		struct err *err)
{
	bool is_turn = catalog->mode == CATALOG_WRITE && db_in_transaction(catalog->db);
	bool more = true, is_lost = is_turn && catalog->has_leapt;

	if (is_turn && catalog->newest.seq <= *heard) {
		more = false;
		is_lost |= catalog->newest.seq < *heard ||
			   is_another(&catalog->heard, &catalog->newest);
		turn_news_end(catalog);
	}
	if (is_turn)
		catalog->expects_news = more;
	while (more && !is_lost)
		if (!hear_page(catalog, heard, hearer, &more, &is_lost, err))
			return false;
	if (!is_lost)
		return true;
	return is_turn ? hear_of_loss(catalog, heard, hearer, err)
		       : err_set(err, ERR_CONFLICT, "turns that were heard of are not there");
}
