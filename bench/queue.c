/*
 * What a queue costs on PostgreSQL: callspool's, with leases and a seat, beside a plain one with a column of states.
 *
 *	bench-queue DATABASE CYCLES ROUNDS [held]
 *
 * A cycle is one recording, claimed, tried and stored: for callspool by what its processes call (cluster/leases.h, catalog/attempts.h,
 * catalog/recordings.h), as they call it, AT_ONCE in each of two transactions: the claim, which begins the attempts, and the turn in
 * which they end; for the plain queue by FOR UPDATE SKIP LOCKED and an update, AT_ONCE in each of two.  They take turns.  With `held` a snapshot is held by another session from the start on.  Prints
 * a line a round: "leases plain", in cycles a second.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "base/own.h"
#include "base/str.h"
#include "catalog/attempts.h"
#include "catalog/catalog_private.h"
#include "catalog/processes.h"
#include "cluster/leases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT_ONCE 16

static struct err err;

#define MUST(call)                                                                                 \
	do {                                                                                       \
		if (!(call)) {                                                                     \
			fprintf(stderr, "bench-queue: %s:%d: %s\n", __FILE__, __LINE__, err.text); \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

struct queue {
	struct catalog *turns, *quick;
	struct db *plain;
	int64_t now_ms;
};

/* As many as all rounds take, due by now, in both. */
static void fill(struct queue *queue, int64_t count)
{
	struct db *db = queue->plain;
	AUTO(free)
	char *recordings = xasprintf(
		"INSERT INTO recordings (id, recording_sid, state, upstream, is_held, is_duration_off, "
		"channels_wanted, queued_at_ms, next_try_at_ms, tries, changed_seq) "
		"SELECT n, 'RE' || lpad(to_hex(n), 32, '0'), %d, 3, 0, 0, 0, %lld, %lld + n, 0, n "
		"FROM generate_series(1, %lld) AS n",
		RECORDING_QUEUED, (long long)queue->now_ms - 1000000,
		(long long)queue->now_ms - 1000000, (long long)count);
	AUTO(free)
	char *plain = xasprintf(
		"CREATE TABLE bench_plain (id BIGINT PRIMARY KEY, state BIGINT NOT NULL, "
		"due_ms BIGINT NOT NULL) WITH (fillfactor = 80);"
		"CREATE INDEX bench_plain_due ON bench_plain (due_ms, id) WHERE state = 0;"
		"INSERT INTO bench_plain SELECT n, 0, n FROM generate_series(1, %lld) AS n;"
		"ANALYZE bench_plain; ANALYZE recordings",
		(long long)count);

	MUST(db_exec(db, recordings, &err) && db_exec(db, plain, &err));
}

/* ---- callspool's ---- */

static size_t claim(struct queue *queue, struct queue_row *rows)
{
	const struct queue_claim wanted = { .now_ms = queue->now_ms,
					    .most = AT_ONCE,
					    .most_backfill = AT_ONCE };
	struct leases_asked asked = { NULL, NULL };
	size_t count = 0;
	bool passed_over; /* nobody else claims */

	MUST(catalog_begin(queue->quick, &err));
	MUST(leases_claim(queue->quick, &wanted, rows, &count, &asked, &err));
	MUST(catalog_commit(queue->quick, &err));
	MUST(leases_had(&wanted, &asked, rows, &count, &passed_over, &err));
	return count;
}

/* As the writer does it with what has been posted by then (ledger/writer.c). */
static void end_all(struct queue *queue, const struct queue_row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		catalog_foresee(queue->turns, str_of(rows[i].recording_sid));
	MUST(catalog_begin(queue->turns, &err));
	for (size_t i = 0; i < count; i++) {
		struct str sid = str_of(rows[i].recording_sid);
		int64_t attempt = rows[i].begun->attempt_id;
		const struct attempt_end end = { .id = attempt,
						 .ended_at_ms = queue->now_ms,
						 .outcome = "stored",
						 .http_status = 200,
						 .bytes = 100000 };
		const struct recording_media media = { .stored_at_ms = queue->now_ms,
						       .generation = attempt,
						       .generation_at_ms = queue->now_ms,
						       .size = 100000,
						       .duration_ms = 60000,
						       .channels = 1,
						       .format = "mp3",
						       .path = "00/bench.mp3" };

		MUST(lease_end(queue->turns, sid, &err));
		MUST(attempts_end(queue->turns, &end, &err));
		MUST(recordings_mark_stored(queue->turns, sid, &media, &err));
		foreseen_forget(queue->turns, sid);
	}
	MUST(catalog_commit(queue->turns, &err));
	for (size_t i = 0; i < count; i++)
		lease_begun_free(rows[i].begun);
}

static void run_leases(struct queue *queue, int64_t cycles)
{
	struct queue_row rows[AT_ONCE];

	for (int64_t done = 0; done < cycles; done += AT_ONCE)
		end_all(queue, rows, claim(queue, rows));
}

/* ---- the plain one ---- */

static void run_plain(struct queue *queue, int64_t cycles)
{
	struct db *db = queue->plain;

	for (int64_t done = 0; done < cycles; done += AT_ONCE) {
		struct db_stmt *take, *end;

		MUST(db_prepare(
			db,
			"WITH due AS (SELECT id FROM bench_plain WHERE state = 0 "
			"ORDER BY due_ms, id LIMIT $1 FOR UPDATE SKIP LOCKED) "
			"UPDATE bench_plain SET state = 1 FROM due WHERE bench_plain.id = due.id",
			&take, &err));
		MUST(db_prepare(db, "UPDATE bench_plain SET state = 2 WHERE state = 1", &end,
				&err));
		db_bind_int(take, 1, AT_ONCE);
		MUST(db_begin(db, &err) && db_run_now(take, &err) && db_commit(db, &err));
		MUST(db_begin(db, &err) && db_run_now(end, &err) && db_commit(db, &err));
	}
}

static double per_second(int64_t cycles, int64_t since_us)
{
	return (double)cycles * 1000000 / (double)(clock_monotonic_us() - since_us);
}

int main(int argc, char **argv)
{
	AUTO(db_free) struct db *holder = NULL;
	struct queue queue = { .now_ms = clock_wall_ms() };
	uint64_t cycles, rounds;

	if (argc < 4 || !str_to_u64(str_of(argv[2]), &cycles) ||
	    !str_to_u64(str_of(argv[3]), &rounds)) {
		fprintf(stderr, "usage: bench-queue DATABASE CYCLES ROUNDS [held]\n");
		return 2;
	}
	MUST(catalog_open(argv[1], CATALOG_WRITE, &queue.turns, &err));
	MUST(catalog_enlist(queue.turns, &(struct member_place){ .name = "bench" }, &err));
	MUST(catalog_open(argv[1], CATALOG_QUICK, &queue.quick, &err));
	catalog_enlist_as(queue.quick, catalog_process(queue.turns), "bench");
	MUST(db_open(argv[1], DB_QUICK, &queue.plain, &err)); /* it needs no seat */
	fill(&queue, (int64_t)(cycles * (rounds + 1)));
	if (argc > 4) {
		struct db_stmt *stmt;

		MUST(db_open(argv[1], DB_READ, &holder, &err));
		MUST(db_begin(holder, &err) &&
		     db_prepare(holder, "SELECT COUNT(*) FROM turns", &stmt, &err));
		MUST(db_step(stmt, &err) == DB_ROW);
		db_stmt_reset(stmt);
	}
	for (uint64_t round = 0; round <= rounds; round++) {
		int64_t began_us = clock_monotonic_us();
		double leases, plain;

		run_leases(&queue, (int64_t)cycles);
		leases = per_second((int64_t)cycles, began_us);
		began_us = clock_monotonic_us();
		run_plain(&queue, (int64_t)cycles);
		plain = per_second((int64_t)cycles, began_us);
		if (round > 0) /* the first warms up */
			printf("%.1f %.1f\n", leases, plain);
	}
	catalog_free(queue.quick);
	catalog_free(queue.turns);
	db_free(queue.plain);
	return 0;
}
