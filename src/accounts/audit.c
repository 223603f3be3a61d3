#include "accounts/audit.h"

#include "catalog/catalog_sql.h"

#define ENTRY_COLUMNS                                                                         \
	"a.chain, a.seq, a.at_ms, a.kind, a.user_id, a.user_name, a.credential, a.for_user, " \
	"a.recording_sid, a.network, a.address, a.address_mac, a.body, a.mac"

static void mac_read(struct str text, uint8_t out[SHA256_BYTES])
{
	/* What is no mac reads as zeros, which is the mac of nothing. */
	if (!hex_decode(text, out, SHA256_BYTES))
		memset(out, 0, SHA256_BYTES);
}

static void mac_text(const uint8_t mac[SHA256_BYTES], char out[SHA256_HEX])
{
	struct buf buf;

	buf_over(&buf, out, SHA256_HEX);
	hex_add(&buf, mac, SHA256_BYTES);
}

static void entry_read(const struct db_stmt *row, struct audit_entry *out)
{
	*out = (struct audit_entry){
		.chain = db_column_int(row, 0),
		.seq = db_column_int(row, 1),
		.at_ms = db_column_int(row, 2),
		.user_id = db_column_int(row, 4),
	};
	text_set(out->kind, sizeof(out->kind), db_column_str(row, 3));
	text_set(out->user_name, sizeof(out->user_name), db_column_str(row, 5));
	text_set(out->credential, sizeof(out->credential), db_column_str(row, 6));
	text_set(out->for_user, sizeof(out->for_user), db_column_str(row, 7));
	text_set(out->recording_sid, sizeof(out->recording_sid), db_column_str(row, 8));
	text_set(out->network, sizeof(out->network), db_column_str(row, 9));
	text_set(out->address, sizeof(out->address), db_column_str(row, 10));
	text_set(out->address_mac, sizeof(out->address_mac), db_column_str(row, 11));
	text_set(out->body, sizeof(out->body), db_column_str(row, 12));
	mac_read(db_column_str(row, 13), out->mac);
}

static bool read_entries(struct db_stmt *list, struct audit_entry *out, size_t size,
			 size_t *out_count, struct err *err)
{
	enum db_step step;
	size_t count = 0;

	while (count < size && (step = db_step(list, err)) != DB_DONE) {
		if (step == DB_FAILED)
			return false;
		entry_read(list, &out[count++]);
	}
	*out_count = count;
	return true;
}

/* ---- chains ---- */

bool audit_add_chain(struct catalog *catalog, struct str key_id, int64_t began_at_ms,
		     int64_t *out_chain, struct err *err)
{
	struct db_stmt *insert;
	int64_t chain;

	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(catalog_db(catalog),
			"INSERT INTO audit_chains (chain, key_id, began_at_ms, pruned_seq) "
			"VALUES ($1, $2, $3, 0)",
			&insert, err))
		return false;
	chain = catalog_next_sequence(catalog);
	db_bind_int(insert, 1, chain);
	db_bind_str(insert, 2, key_id);
	db_bind_int(insert, 3, began_at_ms);
	if (!db_run(insert, err))
		return false;
	*out_chain = chain;
	return true;
}

bool audit_chains(struct catalog *catalog, int64_t after, struct audit_chain_row *out, size_t size,
		  size_t *out_count, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *list = NULL;
	enum db_step step;
	size_t count = 0;

	if (!db_prepare(
		    catalog_db(catalog),
		    "SELECT chain, key_id, began_at_ms, pruned_seq, pruned_mac FROM audit_chains "
		    "WHERE chain > $1 ORDER BY chain LIMIT $2",
		    &list, err))
		return false;
	db_bind_int(list, 1, after);
	db_bind_int(list, 2, (int64_t)size);
	while (count < size && (step = db_step(list, err)) != DB_DONE) {
		struct audit_chain_row *row = &out[count];

		if (step == DB_FAILED)
			return false;
		*row = (struct audit_chain_row){ .chain = db_column_int(list, 0),
						 .began_at_ms = db_column_int(list, 2),
						 .pruned_seq = db_column_int(list, 3) };
		text_set(row->key_id, sizeof(row->key_id), db_column_str(list, 1));
		mac_read(db_column_str(list, 4), row->pruned_mac);
		count++;
	}
	*out_count = count;
	return true;
}

/* Steps once: a row of chain, seq, at_ms, mac. */
static bool read_tail(struct db_stmt *find, struct audit_tail *out, bool *out_found,
		      struct err *err)
{
	enum db_step step = db_step(find, err);

	if (step == DB_FAILED)
		return false;
	*out_found = step == DB_ROW;
	if (step != DB_ROW)
		return true;
	*out = (struct audit_tail){ .chain = db_column_int(find, 0),
				    .seq = db_column_int(find, 1),
				    .at_ms = db_column_int(find, 2) };
	mac_read(db_column_str(find, 3), out->mac);
	return true;
}

bool audit_tail(struct catalog *catalog, int64_t chain, struct audit_tail *out, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;
	struct audit_tail tail = { .chain = chain };
	bool found;

	if (!db_prepare(catalog_db(catalog),
			"SELECT a.chain, a.seq, a.at_ms, a.mac FROM audit a WHERE a.chain = $1 "
			"ORDER BY a.seq DESC LIMIT 1",
			&find, err))
		return false;
	db_bind_int(find, 1, chain);
	if (!read_tail(find, &tail, &found, err))
		return false;
	*out = tail;
	return true;
}

bool audit_tails(struct catalog *catalog, int64_t since_ms, struct audit_tail *out, size_t size,
		 size_t *out_count, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *list = NULL;
	size_t count = 0;
	bool found = true;

	if (!db_prepare(catalog_db(catalog),
			"SELECT a.chain, a.seq, a.at_ms, a.mac FROM audit_chains c JOIN audit a ON "
			"a.chain = c.chain AND a.seq = (SELECT MAX(b.seq) FROM audit b WHERE "
			"b.chain = c.chain) WHERE a.at_ms > $1 ORDER BY a.chain DESC LIMIT $2",
			&list, err))
		return false;
	db_bind_int(list, 1, since_ms);
	db_bind_int(list, 2, (int64_t)size);
	while (count < size) {
		if (!read_tail(list, &out[count], &found, err))
			return false;
		if (!found)
			break;
		count++;
	}
	*out_count = count;
	return true;
}

bool audit_last_before(struct catalog *catalog, int64_t chain, int64_t before_ms, int64_t most,
		       struct audit_tail *out, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *list = NULL;
	struct audit_tail last = { .chain = chain }, next;
	bool found = true;

	if (!db_prepare(catalog_db(catalog),
			"SELECT a.chain, a.seq, a.at_ms, a.mac FROM audit a WHERE a.chain = $1 "
			"ORDER BY a.seq LIMIT $2",
			&list, err))
		return false;
	db_bind_int(list, 1, chain);
	db_bind_int(list, 2, most);
	while (true) {
		if (!read_tail(list, &next, &found, err))
			return false;
		if (!found || next.at_ms >= before_ms)
			break;
		last = next;
	}
	*out = last;
	return true;
}

/* ---- entries ---- */

bool audit_insert(struct catalog *catalog, const struct audit_entry *entry, struct err *err)
{
	char mac[SHA256_HEX];
	struct db_stmt *insert;

	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(
		    catalog_db(catalog),
		    "INSERT INTO audit (chain, seq, at_ms, kind, user_id, user_name, credential, "
		    "for_user, recording_sid, network, address, address_mac, body, mac) VALUES "
		    "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
		    &insert, err))
		return false;
	mac_text(entry->mac, mac);
	db_bind_int(insert, 1, entry->chain);
	db_bind_int(insert, 2, entry->seq);
	db_bind_int(insert, 3, entry->at_ms);
	db_bind_str(insert, 4, str_of(entry->kind));
	bind_known(insert, 5, entry->user_id);
	bind_text(insert, 6, entry->user_name);
	bind_text(insert, 7, entry->credential);
	bind_text(insert, 8, entry->for_user);
	bind_text(insert, 9, entry->recording_sid);
	bind_text(insert, 10, entry->network);
	bind_text(insert, 11, entry->address);
	bind_text(insert, 12, entry->address_mac);
	bind_text(insert, 13, entry->body);
	db_bind_str(insert, 14, str_of(mac));
	return db_run(insert, err);
}

bool audit_read(struct catalog *catalog, int64_t chain, int64_t after_seq, struct audit_entry *out,
		size_t size, size_t *out_count, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *list = NULL;

	if (!db_prepare(catalog_db(catalog),
			"SELECT " ENTRY_COLUMNS " FROM audit a WHERE a.chain = $1 AND a.seq > $2 "
			"ORDER BY a.seq LIMIT $3",
			&list, err))
		return false;
	db_bind_int(list, 1, chain);
	db_bind_int(list, 2, after_seq);
	db_bind_int(list, 3, (int64_t)size);
	return read_entries(list, out, size, out_count, err);
}

/* One text for every way to filter; which index serves it is the database's to choose. */
bool audit_list(struct catalog *catalog, const struct audit_filter *filter, struct audit_entry *out,
		size_t size, size_t *out_count, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *list = NULL;

	if (!db_prepare(catalog_db(catalog),
			"SELECT " ENTRY_COLUMNS
			" FROM audit a WHERE a.at_ms >= $1 AND a.at_ms < $2 AND "
			"($3 = 0 OR a.user_id = $3) AND ($4 = '' OR a.kind = $4) AND "
			"($5 = '' OR a.recording_sid = $5) AND "
			"($6 = 0 OR (a.at_ms, a.chain, a.seq) < ($6, $7, $8)) "
			"ORDER BY a.at_ms DESC, a.chain DESC, a.seq DESC LIMIT $9",
			&list, err))
		return false;
	db_bind_int(list, 1, filter->since_ms);
	db_bind_int(list, 2, filter->until_ms ? filter->until_ms : INT64_MAX);
	db_bind_int(list, 3, filter->user_id);
	db_bind_str(list, 4, filter->kind ? str_of(filter->kind) : STR(""));
	db_bind_str(list, 5, filter->recording_sid ? str_of(filter->recording_sid) : STR(""));
	db_bind_int(list, 6, filter->before_at_ms);
	db_bind_int(list, 7, filter->before_chain);
	db_bind_int(list, 8, filter->before_seq);
	db_bind_int(list, 9, (int64_t)size);
	return read_entries(list, out, size, out_count, err);
}

/* ---- taking away ---- */

bool audit_prune(struct catalog *catalog, const struct audit_tail *upto, int64_t *out_count,
		 struct err *err)
{
	char mac[SHA256_HEX];
	struct db_stmt *update, *drop;

	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(catalog_db(catalog),
			"UPDATE audit_chains SET pruned_seq = $2, pruned_mac = $3 WHERE chain = $1",
			&update, err) ||
	    !db_prepare(catalog_db(catalog), "DELETE FROM audit WHERE chain = $1 AND seq <= $2",
			&drop, err))
		return false;
	mac_text(upto->mac, mac);
	db_bind_int(update, 1, upto->chain);
	db_bind_int(update, 2, upto->seq);
	db_bind_str(update, 3, str_of(mac));
	if (!db_run(update, err))
		return false;
	db_bind_int(drop, 1, upto->chain);
	db_bind_int(drop, 2, upto->seq);
	if (!db_run_now(drop, err))
		return false;
	*out_count = db_changes(catalog_db(catalog));
	return true;
}

bool audit_forget_addresses(struct catalog *catalog, int64_t before_ms, int64_t most,
			    int64_t *out_count, struct err *err)
{
	struct db_stmt *update;

	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(
		    catalog_db(catalog),
		    "UPDATE audit SET address = NULL WHERE (chain, seq) IN (SELECT o.chain, o.seq "
		    "FROM audit o WHERE o.at_ms < $1 AND o.address IS NOT NULL ORDER BY o.at_ms "
		    "LIMIT $2)",
		    &update, err))
		return false;
	db_bind_int(update, 1, before_ms);
	db_bind_int(update, 2, most);
	if (!db_run_now(update, err))
		return false;
	*out_count = db_changes(catalog_db(catalog));
	return true;
}
