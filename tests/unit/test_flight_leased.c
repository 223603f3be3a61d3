/*
 * How a turn ends that somebody was faster than, or had queued anew, where there is a lease of its recording, and other processes wait for it to be let
 * go.  Run by tests/tools/postgres.
 */
#include "catalog/removals.h"
#include "cluster/leases.h"
#include "flights/flight_private.h"
#include "one_flight.h"

static int64_t number(const char *sql)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;

	must(db_prepare(reader->db, sql, &find, &err) && db_step(find, &err) == DB_ROW);
	return db_column_int(find, 0);
}

static bool run_deleted(struct ledger_job *job, struct catalog *catalog, struct err *why)
{
	return recordings_mark_deleted(catalog, STR(RECORDING), clock_wall_ms(), why);
}

/* Its files are gone: nothing holds what was deleted. */
static bool run_removed(struct ledger_job *job, struct catalog *catalog, struct err *why)
{
	struct removal removal;
	size_t count;

	return removals_list(catalog, 0, &removal, 1, &count, why) && count == 1 &&
	       removals_end(catalog, removal.seq, why);
}

static int64_t turns_before;

static void begin_case(void)
{
	begin_anew();
	upstream_answers(WHOLE, whole, THEN_CLOSE);
	turns_before = number("SELECT MAX(seq) FROM turns");
}

/* Turns since then that say so, to all. */
static int64_t told_let_go(void)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;

	must(db_prepare(reader->db,
			"SELECT COUNT(*) FROM turns WHERE seq > $1 AND "
			"split_part(changes, ' ', 1) IN ($2::bigint::text, $3::bigint::text)",
			&find, &err));
	db_bind_int(find, 1, turns_before);
	db_bind_int(find, 2, PROJECTED_LET_GO);
	db_bind_int(find, 3, PROJECTED_LET_GO | PROJECTED_RECORDING);
	must(db_step(find, &err) == DB_ROW);
	return db_column_int(find, 0);
}

static void is_let_go(const char *what)
{
	IS_INT(flight->state, FLIGHT_GONE, "%s: not fetched any more", what);
	IS_INT(number("SELECT COUNT(*) FROM leases"), 0, "its lease is given back");
	IS_INT(number("SELECT COUNT(*) FROM attempts WHERE ended_at_ms IS NULL"), 0,
	       "no attempt is left open");
	IS_INT(told_let_go(), 1, "other processes are told");
	read_attempts();
	write_now(run_removed, NULL);
	write_sql("UPDATE recordings SET state = 5");
}

/* Before the flight's own turn, which is posted once it is sealed. */
static void delete_landed(struct flight *of)
{
	fixture_write = (struct fixture_write){
		.job = { .run = run_deleted, .done = fixture_written, .reply = env.mailbox },
	};
	ledger_write(env.ledger, &fixture_write.job);
}

static void test_overtaken(void)
{
	begin_case();
	owner.landed = delete_landed;
	fly();
	owner.landed = flight_landed;
	is_let_go("deleted while it is sealed");
	IS_STR(str_of(attempts[0].outcome), STR("stored"), "its attempt says what it was");
}

static bool is_deleting; /* by the process that fetches it */

static void abandon_landed(struct flight *of)
{
	delete_landed(of);
	is_deleting = !flight_abandon(of);
}

static void test_abandoned(void)
{
	begin_case();
	owner.landed = abandon_landed;
	fly();
	owner.landed = flight_landed;
	OK(is_deleting, "it is being sealed");
	is_let_go("deleted where it is fetched");
	IS_STR(str_of(attempts[0].outcome), STR("deleted"), "its attempt says so");
}

/* Somebody has it fetched again, by this process or another, while it is tried for the last time. */
static void test_retried(void)
{
	static const struct {
		const char *name, *raw;
		size_t sent;
		int64_t leases;
	} cases[] = {
		{ "nothing came", "HTTP/1.1 503 Down\r\nContent-Length: 0\r\n\r\n", 0, 0 },
		{ "a part of it came", RANGED, 4000, 1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *name = cases[i].name;

		begin_case();
		write_sql(
			"UPDATE recordings SET state = 2, trying_ms = 3600000, first_try_at_ms = 1");
		upstream_answers(cases[i].raw, str_first(whole, cases[i].sent), THEN_CLOSE);
		fly_begin();
		write_now(run_requeue, NULL);
		until(has_turned);
		OK(flight->state == FLIGHT_WAITING && recorded().state == RECORDING_QUEUED &&
			   last.wait_ms == 0,
		   "%s: it stays queued, and is due", name);
		IS_INT(number("SELECT COUNT(*) FROM leases"), cases[i].leases,
		       "%s: the lease stays with what is there", name);
		IS_INT(flight->holds_lease, cases[i].leases, "%s: as the flight knows", name);
		IS_INT(number("SELECT COUNT(*) FROM attempts WHERE ended_at_ms IS NULL"), 0,
		       "%s: no attempt is left open", name);
		IS_INT(told_let_go(), 1, "%s: other processes are told", name);
		fly_on(RANGED, whole);
		IS_INT(flight->state, FLIGHT_STORED, "%s: the next try stores it", name);
		IS_INT(number("SELECT COUNT(*) FROM leases"), 0, "%s: no lease is left", name);
	}
}

/* ---- as it begins ---- */

static bool run_claimed(struct ledger_job *job, struct catalog *catalog, struct err *why)
{
	const struct attempt_begin begin = { .recording_sid = STR(RECORDING),
					     .began_at_ms = clock_wall_ms(),
					     .channels = 2 };
	bool is_ours;
	int64_t id;

	return lease_take(catalog, begin.recording_sid, begin.began_at_ms, &is_ours, why) &&
	       attempts_begin(catalog, &begin, &id, why);
}

/* It stood in line for so long that what the claim has begun is not believed any more. */
static void test_deleted_in_line(void)
{
	begin_case();
	write_now(run_claimed, NULL);
	flight->holds_lease = true;
	flight->begun = xcalloc(1, sizeof(*flight->begun));
	flight->begun->began_at_ms = clock_wall_ms() - 60000;
	write_now(run_deleted, NULL);
	fly();
	is_let_go("deleted while it stands in line");
	IS_STR(str_of(attempts[0].detail), STR("no request was sent"), "its attempt says so");
	IS_INT(server.requests, 0, "nobody is asked");
}

/* A file was begun, and the lease is kept for it from try to try. */
static void test_deleted_in_wait(void)
{
	begin_case();
	fly_on(RANGED, str_first(whole, 4000));
	OK(flight->state == FLIGHT_WAITING && number("SELECT COUNT(*) FROM leases") == 1,
	   "it waits with its lease");
	write_now(run_deleted, NULL);
	server_forget(&server);
	fly();
	is_let_go("deleted while it waits");
	IS_INT(server.requests, 0, "nobody is asked");
}

/* Another process has taken it over: its lease is not ours to give back. */
static void test_taken_over(void)
{
	begin_case();
	write_now(run_claimed, NULL);
	write_sql("UPDATE leases SET process_id = 1000000");
	flight->holds_lease = true;
	write_now(run_deleted, NULL);
	fly();
	IS_INT(flight->state, FLIGHT_GONE, "deleted, and another one's: not fetched any more");
	IS_INT(number("SELECT COUNT(*) FROM leases"), 1, "its lease stays");
	write_sql("DELETE FROM leases");
	is_let_go("ours let go");
}

int main(void)
{
	one_flight_start();
	test_overtaken();
	test_abandoned();
	test_retried();
	test_deleted_in_line();
	test_deleted_in_wait();
	test_taken_over();
	return one_flight_stop();
}
