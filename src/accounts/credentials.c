#include "accounts/credentials.h"

#include "catalog/catalog_sql.h"

#define LINK_GRACE_MS (60 * 60 * 1000) /* beside its length: pauses, and hearing a part again */

#define CREDENTIAL_COLUMNS                                                                  \
	"c.id, c.kind, c.name, c.hash, c.user_id, c.parent_id, c.rights, c.recording_sid, " \
	"c.note, c.for_user, c.made_by, c.made_at_ms, c.seen_at_ms, c.expires_at_ms, "      \
	"c.window_until_ms, c.plays, c.plays_max, c.options, c.network, c.agent"
#define CREDENTIAL_COLUMN_COUNT 20

static void hash_text(const uint8_t hash[SHA256_BYTES], char out[SHA256_HEX])
{
	struct buf buf;

	buf_over(&buf, out, SHA256_HEX);
	hex_add(&buf, hash, SHA256_BYTES);
}

/* A hash that somebody broke is no hash: it stays zeros, of which nobody knows the text. */
static void hash_read(struct str text, uint8_t out[SHA256_BYTES])
{
	if (!hex_decode(text, out, SHA256_BYTES))
		memset(out, 0, SHA256_BYTES);
}

static void credential_read(const struct db_stmt *row, struct credential_row *out)
{
	*out = (struct credential_row){
		.id = db_column_int(row, 0),
		.kind = (enum credential_kind)db_column_int(row, 1),
		.user_id = db_column_int(row, 4),
		.parent_id = db_column_int(row, 5),
		.rights = (uint16_t)db_column_int(row, 6),
		.made_by = db_column_int(row, 10),
		.made_at_ms = db_column_int(row, 11),
		.seen_at_ms = db_column_int(row, 12),
		.expires_at_ms = db_column_int(row, 13),
		.window_until_ms = db_column_int(row, 14),
		.plays = db_column_int(row, 15),
		.plays_max = db_column_int(row, 16),
		.options = (int)db_column_int(row, 17),
	};
	hash_read(db_column_str(row, 3), out->hash);
	text_set(out->name, sizeof(out->name), db_column_str(row, 2));
	text_set(out->recording_sid, sizeof(out->recording_sid), db_column_str(row, 7));
	text_set(out->note, sizeof(out->note), db_column_str(row, 8));
	text_set(out->for_user, sizeof(out->for_user), db_column_str(row, 9));
	text_set(out->network, sizeof(out->network), db_column_str(row, 18));
	text_set(out->agent, sizeof(out->agent), db_column_str(row, 19));
}

bool credentials_add(struct catalog *catalog, struct credential_row *row, struct err *err)
{
	char hash[SHA256_HEX];
	struct db_stmt *insert;
	int64_t id;

	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(
		    catalog_db(catalog),
		    "INSERT INTO credentials (id, kind, name, hash, user_id, parent_id, rights, "
		    "recording_sid, note, for_user, made_by, made_at_ms, seen_at_ms, "
		    "expires_at_ms, window_until_ms, plays, plays_max, options, network, agent, "
		    "changed_seq) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, "
		    "$13, $14, $15, $16, $17, $18, $19, $20, $1)",
		    &insert, err))
		return false;
	hash_text(row->hash, hash);
	id = catalog_next_sequence(catalog);
	db_bind_int(insert, 1, id);
	db_bind_int(insert, 2, row->kind);
	db_bind_str(insert, 3, str_of(row->name));
	db_bind_str(insert, 4, str_of(hash));
	bind_known(insert, 5, row->user_id);
	bind_known(insert, 6, row->parent_id);
	db_bind_int(insert, 7, row->rights);
	bind_text(insert, 8, row->recording_sid);
	bind_text(insert, 9, row->note);
	bind_text(insert, 10, row->for_user);
	bind_known(insert, 11, row->made_by);
	db_bind_int(insert, 12, row->made_at_ms);
	bind_known(insert, 13, row->seen_at_ms);
	bind_known(insert, 14, row->expires_at_ms);
	bind_known(insert, 15, row->window_until_ms);
	db_bind_int(insert, 16, row->plays);
	db_bind_int(insert, 17, row->plays_max);
	db_bind_int(insert, 18, row->options);
	bind_text(insert, 19, row->network);
	bind_text(insert, 20, row->agent);
	if (!db_run(insert, err))
		return false;
	row->id = id;
	return true;
}

/* ---- finding ---- */

static void owner_read(const struct db_stmt *row, int first, struct user *out)
{
	*out = (struct user){ .id = db_column_int(row, first) };
	if (out->id == 0)
		return;
	out->source = (enum user_source)db_column_int(row, first + 1);
	out->role = (int)db_column_int(row, first + 3);
	out->is_disabled = db_column_int(row, first + 4) != 0;
	text_set(out->name, sizeof(out->name), db_column_str(row, first + 2));
}

/* The one row of a statement that has been bound. */
static bool step_found(struct db_stmt *find, struct credential_row *out, struct err *err)
{
	switch (db_step(find, err)) {
	case DB_ROW:
		credential_read(find, out);
		return true;
	case DB_DONE:
		return err_set(err, ERR_NOT_FOUND, "no such credential");
	case DB_FAILED:
		break;
	}
	return false;
}

bool credentials_find(struct catalog *catalog, struct str name, struct credential_row *out,
		      struct user *out_user, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;

	if (!db_prepare(catalog_db(catalog),
			"SELECT " CREDENTIAL_COLUMNS
			", u.id, u.source, u.name, u.role, u.is_disabled FROM credentials c "
			"LEFT JOIN users u ON u.id = c.user_id WHERE c.name = $1",
			&find, err))
		return false;
	db_bind_str(find, 1, name);
	if (!step_found(find, out, err))
		return false;
	owner_read(find, CREDENTIAL_COLUMN_COUNT, out_user);
	return true;
}

bool credentials_find_id(struct catalog *catalog, int64_t id, struct credential_row *out,
			 struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;

	if (!db_prepare(catalog_db(catalog),
			"SELECT " CREDENTIAL_COLUMNS " FROM credentials c WHERE c.id = $1", &find,
			err))
		return false;
	db_bind_int(find, 1, id);
	return step_found(find, out, err);
}

bool credentials_list(struct catalog *catalog, enum credential_kind kind, int64_t user_id,
		      int64_t before_id, struct credential_row *out, size_t size, size_t *out_count,
		      struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *list = NULL;
	enum db_step step;
	size_t count = 0;

	if (!db_prepare(catalog_db(catalog),
			"SELECT " CREDENTIAL_COLUMNS " FROM credentials c WHERE c.kind = $1 AND "
			"($2 = 0 OR c.user_id = $2) AND c.id < $3 ORDER BY c.id DESC LIMIT $4",
			&list, err))
		return false;
	db_bind_int(list, 1, kind);
	db_bind_int(list, 2, user_id);
	db_bind_int(list, 3, before_id ? before_id : INT64_MAX);
	db_bind_int(list, 4, (int64_t)size);
	while (count < size && (step = db_step(list, err)) != DB_DONE) {
		if (step == DB_FAILED)
			return false;
		credential_read(list, &out[count++]);
	}
	*out_count = count;
	return true;
}

/* ---- ending ---- */

static bool run_with(struct db_stmt *change, const int64_t *values, int count, struct err *err)
{
	for (int i = 0; i < count; i++)
		db_bind_int(change, i + 1, values[i]);
	return db_run_now(change, err);
}

bool credentials_end(struct catalog *catalog, int64_t id, struct err *err)
{
	struct db_stmt *end_visits, *end;

	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(catalog_db(catalog), "DELETE FROM credentials WHERE parent_id = $1",
			&end_visits, err) ||
	    !db_prepare(catalog_db(catalog), "DELETE FROM credentials WHERE id = $1", &end, err) ||
	    !run_with(end_visits, &id, 1, err) || !run_with(end, &id, 1, err))
		return false;
	(void)catalog_next_sequence(catalog); /* caches hear of it, though no row is left */
	return db_changes(catalog_db(catalog)) > 0 ||
	       err_set(err, ERR_NOT_FOUND, "no such credential");
}

bool credentials_end_of_user(struct catalog *catalog, int64_t user_id, enum credential_kind kind,
			     int64_t but_id, struct err *err)
{
	const int64_t values[] = { user_id, kind, but_id };
	struct db_stmt *end;

	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(catalog_db(catalog),
			"DELETE FROM credentials WHERE user_id = $1 AND kind = $2 AND id <> $3",
			&end, err))
		return false;
	(void)catalog_next_sequence(catalog);
	return run_with(end, values, ARRAY_LEN(values), err);
}

bool credentials_end_kind(struct catalog *catalog, enum credential_kind kind, int64_t *out_count,
			  struct err *err)
{
	const int64_t values[] = { kind };
	struct db_stmt *end;

	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(catalog_db(catalog), "DELETE FROM credentials WHERE kind = $1", &end, err))
		return false;
	(void)catalog_next_sequence(catalog);
	if (!run_with(end, values, ARRAY_LEN(values), err))
		return false;
	*out_count = db_changes(catalog_db(catalog));
	return true;
}

bool credentials_count_kind(struct catalog *catalog, enum credential_kind kind, int64_t *out,
			    struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *count = NULL;

	if (!db_prepare(catalog_db(catalog), "SELECT COUNT(*) FROM credentials WHERE kind = $1",
			&count, err))
		return false;
	db_bind_int(count, 1, kind);
	if (db_step(count, err) != DB_ROW)
		return false;
	*out = db_column_int(count, 0);
	return true;
}

bool credentials_keep(struct catalog *catalog, int64_t user_id, enum credential_kind kind,
		      int64_t most, struct err *err)
{
	const int64_t values[] = { user_id, kind, most };
	struct db_stmt *end;

	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(catalog_db(catalog),
			"DELETE FROM credentials WHERE user_id = $1 AND kind = $2 AND id NOT IN ("
			"SELECT k.id FROM credentials k WHERE k.user_id = $1 AND k.kind = $2 "
			"ORDER BY COALESCE(k.seen_at_ms, k.made_at_ms) DESC, k.id DESC LIMIT $3)",
			&end, err))
		return false;
	(void)catalog_next_sequence(catalog);
	return run_with(end, values, ARRAY_LEN(values), err);
}

bool credentials_keep_visits(struct catalog *catalog, int64_t link_id, int64_t now_ms, int64_t most,
			     struct err *err)
{
	const int64_t values[] = { link_id, now_ms, most };
	struct db_stmt *end;

	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(catalog_db(catalog),
			"DELETE FROM credentials WHERE parent_id = $1 AND id NOT IN ("
			"SELECT k.id FROM credentials k WHERE k.parent_id = $1 "
			"ORDER BY CASE WHEN k.window_until_ms >= $2 THEN 0 ELSE 1 END, k.id DESC "
			"LIMIT $3)",
			&end, err))
		return false;
	(void)catalog_next_sequence(catalog);
	return run_with(end, values, ARRAY_LEN(values), err);
}

bool credentials_seen(struct catalog *catalog, int64_t id, int64_t at_ms, struct err *err)
{
	const int64_t values[] = { id, at_ms };
	struct db_stmt *update;

	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(catalog_db(catalog),
			"UPDATE credentials SET seen_at_ms = $2 WHERE id = $1 AND "
			"COALESCE(seen_at_ms, 0) < $2",
			&update, err))
		return false;
	return run_with(update, values, ARRAY_LEN(values), err);
}

bool credentials_forget(struct catalog *catalog, int64_t before_ms, int64_t most,
			int64_t *out_count, struct err *err)
{
	const int64_t values[] = { before_ms, most };
	struct db_stmt *forget;

	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(catalog_db(catalog),
			"DELETE FROM credentials WHERE id IN (SELECT o.id FROM credentials o WHERE "
			"o.expires_at_ms < $1 AND COALESCE(o.window_until_ms, 0) < $1 "
			"ORDER BY o.expires_at_ms LIMIT $2)",
			&forget, err) ||
	    !run_with(forget, values, ARRAY_LEN(values), err))
		return false;
	*out_count = db_changes(catalog_db(catalog));
	return true;
}

/* ---- plays of a link ---- */

/* What the play of a link is decided by. */
struct play_state {
	int64_t id, parent_id, expires_at_ms, window_until_ms, plays, plays_max;
};

static bool play_state_read(struct catalog *catalog, int64_t id, struct play_state *out,
			    bool *out_found, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;
	enum db_step step;

	if (!db_prepare(catalog_db(catalog),
			"SELECT parent_id, expires_at_ms, window_until_ms, plays, plays_max FROM "
			"credentials WHERE id = $1",
			&find, err))
		return false;
	db_bind_int(find, 1, id);
	step = db_step(find, err);
	if (step == DB_FAILED)
		return false;
	*out_found = step == DB_ROW;
	if (step == DB_ROW)
		*out = (struct play_state){ id,
					    db_column_int(find, 0),
					    db_column_int(find, 1),
					    db_column_int(find, 2),
					    db_column_int(find, 3),
					    db_column_int(find, 4) };
	return true;
}

/* until_ms 0: the play is counted, its window is another's. */
static bool count_play(struct catalog *catalog, int64_t id, int64_t until_ms, struct err *err)
{
	struct db_stmt *update;

	if (!db_prepare(catalog_db(catalog),
			"UPDATE credentials SET plays = plays + 1, "
			"window_until_ms = COALESCE($2, window_until_ms) WHERE id = $1",
			&update, err))
		return false;
	db_bind_int(update, 1, id);
	bind_known(update, 2, until_ms);
	return db_run(update, err);
}

/* What is asked for, and the link that it belongs to: itself, or that of the visit. */
struct play_judgement {
	struct play_state asked, link;
	enum link_play result;
	bool is_within_window; /* of a play that was counted */
};

static bool judge_play(struct catalog *catalog, int64_t id, int64_t now_ms,
		       struct play_judgement *out, struct err *err)
{
	struct play_state *asked = &out->asked, *link = &out->link;
	bool found;

	if (!play_state_read(catalog, id, asked, &found, err))
		return false;
	out->is_within_window = found && now_ms <= asked->window_until_ms;
	out->result = LINK_PLAYS;
	if (out->is_within_window)
		return true;
	*link = *asked;
	if (found && asked->parent_id != 0 &&
	    !play_state_read(catalog, asked->parent_id, link, &found, err))
		return false;
	if (!found)
		out->result = LINK_GONE;
	else if (asked->expires_at_ms != 0 && now_ms > asked->expires_at_ms)
		out->result = LINK_EXPIRED; /* a visit's own: it may be later than its link's */
	else if (link->plays_max != 0 && link->plays >= link->plays_max)
		out->result = LINK_USED_UP;
	return true;
}

bool credentials_link_judge(struct catalog *catalog, int64_t id, int64_t now_ms,
			    enum link_play *out, struct err *err)
{
	struct play_judgement play;

	if (!judge_play(catalog, id, now_ms, &play, err))
		return false;
	*out = play.result;
	return true;
}

bool credentials_link_play(struct catalog *catalog, int64_t id, int64_t now_ms, int64_t length_ms,
			   enum link_play *out, struct err *err)
{
	int64_t until_ms = now_ms + length_ms + LINK_GRACE_MS;
	struct play_judgement play;

	if (!catalog_may_change(catalog, err) || !judge_play(catalog, id, now_ms, &play, err))
		return false;
	*out = play.result;
	if (play.result != LINK_PLAYS || play.is_within_window)
		return true;
	return count_play(catalog, play.asked.id, until_ms, err) &&
	       (play.asked.id == play.link.id || count_play(catalog, play.link.id, 0, err));
}
