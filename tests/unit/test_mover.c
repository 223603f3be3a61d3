/*
 * The thread that moves, for media alone: the ledger stays in its file.  What of it is a move to a server stands in test_row_move.c and
 * tests/server/migrate.test.js.
 */
#include "migrate/mover.h"

#include "migrate/media_move.h"
#include "moving_fixture.h"

#define RECORDINGS 3

static struct mover mover;
static unsigned phases; /* a bit for each that was told */
static uint64_t most_done, most_all;

static void tell(struct mover *of, enum migration_phase phase, const char *table, uint64_t done,
		 uint64_t all, uint64_t changes)
{
	phases |= 1u << phase;
	if (done > most_done)
		most_done = done;
	if (all > most_all)
		most_all = all;
}

static void waits(struct mover *of, const struct err *waits_for)
{
}

static bool move_to(const char *store)
{
	struct migration_server server = lent();

	free(mover.ledger_file);
	mover = (struct mover){ .verifies = mover.verifies,
				.gives_up = mover.gives_up,
				.is_to_stop = mover.is_to_stop,
				.tell = tell,
				.waits = waits };
	mover.ledger_file = xstrdup(path);
	mover.server = server;
	mover.server.ledger_file = NULL;
	str_fit(str_of(store), mover.store, sizeof(mover.store));
	phases = 0;
	most_done = most_all = 0;
	memset(&err, 0, sizeof(err));
	return mover_run(&mover, &err);
}

static void let_go(void)
{
	mover_release(&mover);
}

static void give_up(void)
{
	mover.gives_up = true;
	OK(move_to(STORE), "it is given up: %s", err.text);
	mover.gives_up = false;
	let_go();
}

static struct departure departing(void)
{
	struct departure found;

	MUST(departure_begun(path, &found, &err));
	return found;
}

static bool is_told(enum migration_phase phase)
{
	return phases & 1u << phase;
}

static void test_moves(void)
{
	struct departure begun;
	unsigned puts;

	OK(!departing().name[0], "nothing has begun");
	OK(move_to(STORE), "it is moved: %s", err.text);
	OK(is_there(1) && is_there(2) && is_there(3), "all that is stored is there");
	OK(mover.media && !mover.rows, "and what is ready for the switch is media alone");
	OK(is_told(MIGRATION_MEDIA) && is_told(MIGRATION_FOLLOWS) && !is_told(MIGRATION_ROWS) &&
		   !is_told(MIGRATION_VERIFIES),
	   "it was told where it is");
	IS_INT(most_done, RECORDINGS, "how many are brought");
	begun = departing();
	IS_STR(str_of(begun.name), str_of(mover.departure.name), "the ledger knows its name");
	IS_STR(str_of(begun.to), STR("store = " STORE), "and where it goes");
	IS_INT(begun.media, INT64_MAX, "and that all was brought");
	let_go();

	puts = bucket_count(&bucket.puts);
	add_recording(4);
	OK(move_to(STORE) && strcmp(mover.departure.name, begun.name) == 0,
	   "asked again it goes on under its name: %s", err.text);
	OK(is_there(4), "what was stored since then is brought");
	IS_INT(bucket_count(&bucket.puts) - puts, 1, "that alone");
	OK(!is_told(MIGRATION_MEDIA), "no page is gone through again");
	IS_STR(sql_text("SELECT COUNT(*) FROM departing_notes"), STR("0"),
	       "what was brought is noted no more");
	let_go();

	OK(!move_to("s3://bucket/others") && err.kind == ERR_CONFLICT &&
		   strstr(err.text, "another move has begun, to store = " STORE),
	   "nowhere else meanwhile: %s", err.text);
	let_go();
	give_up();
	OK(!departing().name[0], "nothing of it is left");
	IS_STR(sql_text("SELECT COUNT(*) FROM sqlite_master WHERE name LIKE 'departing_notes%'"),
	       STR("0"), "nor is anything noted");
}

/* A fault ends it; what was brought before it is not gone through again. */
static void test_faults(void)
{
	char name[BLOB_NAME_SIZE];
	unsigned puts;

	bucket_empty();
	remove_file(2);
	name_of(2, name);
	OK(!move_to(STORE) && err.kind == ERR_CONFLICT && strstr(err.text, name),
	   "what is missing is told: %s", err.text);
	OK(is_there(1) && is_there(3), "the others are there");
	IS_INT(departing().media, 1, "and it goes on behind what was before it");
	let_go();
	write_file(2);
	puts = bucket_count(&bucket.puts);
	OK(move_to(STORE) && is_there(2), "once it is back it is brought: %s", err.text);
	IS_INT(bucket_count(&bucket.puts) - puts, 1, "what is there already stays there");
	IS_INT(departing().media, INT64_MAX, "all of it");
	let_go();
	add_recording(5);
	remove_file(5);
	OK(!move_to(STORE) && err.kind == ERR_CONFLICT, "later as well: %s", err.text);
	OK(strcmp(sql_text("SELECT COUNT(*) FROM departing_notes").at, "0") != 0,
	   "and it stays noted");
	let_go();
	write_file(5);
	OK(move_to(STORE) && is_there(5), "for the next time: %s", err.text);
	let_go();
	give_up();
}

static void test_verifies(void)
{
	AUTO(free) char *key = key_of(1);
	unsigned gets;

	bucket_empty();
	OK(move_to(STORE), "without reading back: %s", err.text);
	OK(!mover.reads_back && !departing().verifies, "nobody asked for it");
	let_go();
	bucket_put(key, "spoilt");
	mover.verifies = true;
	OK(move_to(STORE) && is_told(MIGRATION_VERIFIES), "asked for it is done: %s", err.text);
	OK(is_there(1), "what is not what was put is put anew");
	OK(mover.reads_back && !mover.verifies && departing().is_verified,
	   "it is known that it was");
	let_go();
	gets = bucket_count(&bucket.gets);
	mover.verifies = false;
	OK(move_to(STORE) && !is_told(MIGRATION_VERIFIES) && mover.reads_back,
	   "it is not done again: %s", err.text);
	OK(bucket_count(&bucket.gets) - gets < RECORDINGS, "nothing but the mark is read");
	let_go();
	give_up();
}

/* The writer's no is told as it is. */
static void test_refused(void)
{
	sql("CREATE VIEW departing_notes AS SELECT 1 AS id, 2 AS tab");
	OK(!move_to(STORE) && strstr(err.text, "views may not be indexed"), "it does not begin: %s",
	   err.text);
	OK(!departing().name[0], "and so nothing has begun");
	sql("DROP VIEW departing_notes");
	let_go();
	OK(move_to(STORE), "and does when nothing is in the way: %s", err.text);
	let_go();
	add_recording(6);
	sql("CREATE TRIGGER no BEFORE DELETE ON departing_notes BEGIN SELECT RAISE(ABORT, 'not now'); END");
	OK(!move_to(STORE) && strstr(err.text, "not now"), "nor go on: %s", err.text);
	sql("DROP TRIGGER no");
	let_go();
	give_up();
}

static void test_stops(void)
{
	bucket_empty();
	atomic_store(&mover.is_to_stop, true);
	OK(!move_to(STORE) && err.kind == ERR_UNAVAILABLE && err.text[0] == '\0',
	   "who is to stop says nothing more: %s", err.text);
	let_go();
	atomic_store(&mover.is_to_stop, false);
	give_up();
}

static void test_in_bucket(void)
{
	mover = (struct mover){
		.ledger_file = xstrdup(path), .server = lent(), .tell = tell, .waits = waits
	};
	mover.server.s3.store = "s3://bucket/here";
	str_fit(STR(STORE), mover.store, sizeof(mover.store));
	OK(!mover_run(&mover, &err) && err.kind == ERR_INVALID && strstr(err.text, "already"),
	   "what lies in a bucket is not moved: %s", err.text);
	OK(!departing().name[0], "nor has it begun");
	let_go();
}

/* Where nobody is there the move does not begin. */
static void test_nowhere(void)
{
	mover = (struct mover){
		.ledger_file = xstrdup(path), .server = lent(), .tell = tell, .waits = waits
	};
	str_fit(STR("postgresql:///ledger?host=/nowhere"), mover.to, sizeof(mover.to));
	phases = 0;
	OK(!mover_run(&mover, &err) && err.kind == ERR_UNAVAILABLE,
	   "a server that is not there: %s", err.text);
	OK(!departing().name[0] && !mover.rows && phases == 0, "nothing has begun");
	let_go();
}

int main(void)
{
	moving_open();
	for (unsigned n = 1; n <= RECORDINGS; n++)
		add_recording(n);
	test_moves();
	test_faults();
	test_verifies();
	test_refused();
	test_stops();
	free(mover.ledger_file);
	test_in_bucket();
	free(mover.ledger_file);
	test_nowhere();
	free(mover.ledger_file);
	moving_remove();
	return tap_end();
}
