/*
 * How a turn ends that somebody was faster than, where there is a lease of its recording, and other processes wait for it to be let
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

static void is_let_go(const char *what)
{
	char told[160];

	snprintf(told, sizeof(told),
		 "SELECT COUNT(*) FROM turns WHERE seq > %lld AND "
		 "split_part(changes, ' ', 1) IN ('%d', '%d')",
		 (long long)turns_before, PROJECTED_LET_GO, PROJECTED_LET_GO | PROJECTED_RECORDING);
	IS_INT(flight->state, FLIGHT_GONE, "%s: not fetched any more", what);
	IS_INT(number("SELECT COUNT(*) FROM leases"), 0, "its lease is given back");
	IS_INT(number("SELECT COUNT(*) FROM attempts WHERE ended_at_ms IS NULL"), 0,
	       "no attempt is left open");
	IS_INT(number(told), 1, "other processes are told");
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

int main(void)
{
	one_flight_start();
	test_overtaken();
	test_abandoned();
	return one_flight_stop();
}
