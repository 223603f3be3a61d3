#include "catalog/recording_file.h"

#include "catalog/catalog_private.h"
#include "catalog/recordings_digest.h"
#include "catalog/recordings_waveform.h"

/* The first two conditions are those of an index; the rest leaves out what is being repaired, or purged. */
#define FILES_THAT(condition, place, order)                                              \
	"SELECT changed_seq, recording_sid, call_sid, generation, path, "                \
	"size, sha256 FROM recordings WHERE " condition " AND stored_at_ms IS NOT NULL " \
	"AND changed_seq " place " AND state = $2 ORDER BY changed_seq " order " LIMIT $3"
static void file_read(const struct db_stmt *row, struct recording_file *out)
{
	out->changed_seq = db_column_int(row, 0);
	text_set(out->recording_sid, SID_SIZE, db_column_str(row, 1));
	text_set(out->call_sid, SID_SIZE, db_column_str(row, 2));
	out->generation = db_column_int(row, 3);
	text_set(out->path, sizeof(out->path), db_column_str(row, 4));
	out->size = (uint64_t)db_column_int(row, 5);
	text_set(out->sha256, sizeof(out->sha256), db_column_str(row, 6));
}

static bool list_files(struct catalog *catalog, const char *sql, int64_t edge_seq,
		       struct recording_file *out, size_t size, size_t *out_count, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *list = NULL;
	enum db_step step = DB_DONE;
	size_t count = 0;

	if (!db_prepare(catalog->db, sql, &list, err))
		return false;
	db_bind_int(list, 1, edge_seq);
	db_bind_int(list, 2, RECORDING_STORED);
	db_bind_int(list, 3, (int64_t)size);
	while (count < size && (step = db_step(list, err)) == DB_ROW)
		file_read(list, &out[count++]);
	if (step == DB_FAILED)
		return false;
	*out_count = count;
	return true;
}

bool recordings_undigested(struct catalog *catalog, int64_t after_seq, struct recording_file *out,
			   size_t size, size_t *out_count, struct err *err)
{
	return list_files(catalog, FILES_THAT("sha256 IS NULL", "> $1", ""), after_seq, out, size,
			  out_count, err);
}

bool recordings_without_waveform(struct catalog *catalog, int64_t after_seq,
				 struct recording_file *out, size_t size, size_t *out_count,
				 struct err *err)
{
	return list_files(catalog, FILES_THAT("waveform = 0", "> $1", ""), after_seq, out, size,
			  out_count, err);
}

bool recordings_without_waveform_newest(struct catalog *catalog, int64_t before_seq,
					struct recording_file *out, size_t size, size_t *out_count,
					struct err *err)
{
	return list_files(catalog, FILES_THAT("waveform = 0", "< $1", "DESC"), before_seq, out,
			  size, out_count, err);
}
