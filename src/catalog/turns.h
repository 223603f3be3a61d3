/*
 * What an open ledger holds in memory, and the turns that move it on: the sequence, the watermark, the counters.
 * For the files of this room alone.
 */
#pragma once

#include "base/buf.h"
#include "base/compiler.h"
#include "base/err.h"
#include "catalog/catalog.h"
#include "catalog/catalog_sql.h"
#include "catalog/recordings.h"
#include "catalog/streams.h"
#include "db/db.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * What a turn tells.  Changes gather in memory and become one row at the commit.
 * The counters' values are stored: a new one goes to the end.
 */
enum catalog_number {
	NUMBER_SEQUENCE,  /* catalog_sequence() */
	NUMBER_WATERMARK, /* the last event that was projected */
	NUMBER_COUNTERS,  /* the first of them */
	NUMBER_CALLS = NUMBER_COUNTERS,
	NUMBER_BYTES_STORED,
	NUMBER_RECORDINGS, /* + enum recording_state */
	CATALOG_NUMBERS = NUMBER_RECORDINGS + RECORDING_STATES,
};

/* A turn as nobody else could have written it; seq 0: none is known. */
struct turn_stamp {
	int64_t seq, at_ms, writer_id;
};

struct foresight;

struct catalog {
	struct db *db;
	enum catalog_mode mode;
	int64_t process_id; /* of the row in processes, and of its stream; 0: none */
	char *place; /* of that row, owned: in another place the number is somebody else's; NULL: nowhere */
	int64_t writer_id; /* what its turns say of whose they are; 0: nothing */
	struct stream_mark streams[STREAMS_MAX]; /* as they stand in this write transaction */
	size_t stream_count;
	int64_t orphans[STREAMS_MAX]; /* of processes that are no more, as far as is known here */
	size_t orphan_count;
	struct buf changes; /* what this write transaction tells others (turn_news.h) */
	size_t told; /* changes in it; more than TURN_CHANGES_MAX: too many, or what it cannot say */
	bool is_numbered;                 /* CATALOG_QUICK: last_event is that of the stream */
	int64_t numbers[CATALOG_NUMBERS]; /* at the begin of this write transaction */
	int64_t added[CATALOG_NUMBERS];   /* in it, not in the table yet */
	int64_t last_event;               /* the place that was given last in it; 0: none */
	bool may_have_changed;            /* it was to change something, at least */
	int64_t last_turn;                /* the turn that was written in it; 0: none */
	struct turn_stamp newest, heard;  /* on a server: as it began; as turns_hear() knows it */
	bool expects_news;                /* of others, who had turns before the last one */
	struct db_stmt
		*news; /* that was asked for, from news_after on; NULL: it was not, or is read */
	int64_t news_after;
	bool tells_timeline;  /* the server says which life of its it is in */
	int64_t timeline;     /* that, in this write transaction; 0: not known */
	bool is_another_life; /* it has not all that was committed before, perhaps */
	bool has_leapt;       /* so this write transaction's numbers begin far behind all others */
	int64_t turns_kept_from;     /* the sequence before which the next removal removes */
	int turns_left;              /* until the next removal */
	struct foresight *foresight; /* owned (foreseen.h); NULL: nothing was ever foreseen */
	bool notifies;               /* changes are noted (notices.h) */
	int64_t doubt_ms;            /* so long it is looked for what became of a commit */
	bool is_in_doubt;            /* and that of the last one was not found out */
};

/* What is gathered included, within a write transaction. */
bool numbers_read(struct catalog *catalog, int64_t out[CATALOG_NUMBERS],
		  struct err *err) MUST_CHECK;
bool number_read(struct catalog *catalog, enum catalog_number number, int64_t *out,
		 struct err *err) MUST_CHECK;
static inline void number_add(struct catalog *catalog, enum catalog_number number, int64_t n)
{
	catalog->added[number] += n;
}
/* On a server, once it was opened: can turns say in which life of it they were written?  ERR_UNAVAILABLE: it does not answer. */
bool turns_look_at_server(struct catalog *catalog, struct err *err) MUST_CHECK;
/* Where numbers of this transaction may have been given before, and are forgotten. */
bool turn_leap(struct catalog *catalog, struct err *err) MUST_CHECK;
/* The first thing in a write transaction, and the last: reads where the ledger stands, and tells what changed. */
bool turn_begin(struct catalog *catalog, struct err *err) MUST_CHECK;
/* Columns seq, at_ms, process_id, from `first` on. */
static inline struct turn_stamp turn_stamp_read(const struct db_stmt *row, int first)
{
	return (struct turn_stamp){ db_column_int(row, first), db_column_int(row, first + 1),
				    db_column_int(row, first + 2) };
}
bool turn_end(struct catalog *catalog, struct err *err) MUST_CHECK;

/* ---- streams.c ---- */

#define STREAMS_TEXT_MAX ((size_t)STREAMS_MAX * 42) /* "9223372036854775807=9223372036854775807 " */
/* As a turn's row has them. */
bool streams_read(struct str text, struct catalog *catalog, struct err *err) MUST_CHECK;
void streams_write(const struct catalog *catalog, struct buf *out);
/* In a write transaction; NULL: there is no such stream. */
struct stream_mark *stream_find(struct catalog *catalog, int64_t stream);
/* A new one begins, at nothing; ERR_UNAVAILABLE: there are too many. */
bool stream_begin(struct catalog *catalog, int64_t stream, struct err *err) MUST_CHECK;
/* Its process is no more: what it has left is projected here (or by another one, who is as good). */
void stream_adopt(struct catalog *catalog, int64_t stream);

/* ---- turn_news.c ---- */

/* Room for TURN_CHANGES_MAX lines. */
#define TURN_TEXT_MAX ((size_t)128 * 1024)
/* Others look, once it is committed. */
bool turn_notify(struct catalog *catalog, struct err *err) MUST_CHECK;
/* With the begin of a turn: what others have told since, where it is to be expected.  And when it is over. */
bool turn_news_ask(struct catalog *catalog, struct err *err) MUST_CHECK;
void turn_news_end(struct catalog *catalog);
/* What the turn of this transaction tells. */
struct str turn_changes(const struct catalog *catalog);
