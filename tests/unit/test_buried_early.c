/*
 * A process that is taken for dead while it starts, again and again, or while it stops; and one whose database_listen leads elsewhere.
 * Run by tests/tools/postgres.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "base/own.h"
#include "catalog/catalog_private.h"
#include "cluster/members.h"
#include "event/loop.h"
#include "event/mailbox.h"
#include "ledger/ledger.h"
#include "must.h"
#include "tap.h"
#include "test_database.h"

#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#define LOOK_MS     2
#define PATIENCE_MS 30000 /* a busy machine does not reach it */

static struct err err;
static char address[TEST_DATABASE_SIZE];
static struct db *onlooker;

/* ---- waiting for a condition ---- */

static bool until(struct ledger *ledger, bool (*is_so)(struct ledger *ledger))
{
	int64_t until_ms = clock_monotonic_ms() + PATIENCE_MS;

	while (!is_so(ledger)) {
		if (clock_monotonic_ms() > until_ms)
			return false;
		(void)poll(NULL, 0, LOOK_MS);
	}
	return true;
}

static int64_t count(const char *sql)
{
	AUTO(db_stmt_reset) struct db_stmt *stmt = NULL;

	MUST(db_prepare(onlooker, sql, &stmt, &err));
	return db_step(stmt, &err) == DB_ROW ? db_column_int(stmt, 0) : -1;
}

static struct pulse_sight sight_of(struct ledger *ledger)
{
	struct ledger_company company;

	MUST(ledger_company(ledger, &company));
	return company.sight;
}

static uint64_t beats_before, funerals_before;

static bool has_beaten(struct ledger *ledger)
{
	ledger_beat(ledger);
	return sight_of(ledger).beats > beats_before;
}

static bool was_fenced(struct ledger *ledger)
{
	ledger_beat(ledger);
	return sight_of(ledger).funerals > funerals_before;
}

static bool is_listed(struct ledger *ledger)
{
	return count("SELECT COUNT(*) FROM processes") == 1;
}

/* Enlisted, and not started yet. */
static struct ledger *enlisted(void)
{
	const struct member_place place = { .name = "here" };
	struct ledger *ledger;

	MUST(ledger_open(address, &ledger, &err));
	MUST(ledger_enlist(ledger, &place, &err));
	return ledger;
}

static void end(struct ledger *ledger)
{
	ledger_stop(ledger);
	ledger_free(ledger);
}

static void test_early(void)
{
	struct ledger *ledger = enlisted();

	ledger_hear_at(ledger, address);
	MUST(db_exec(onlooker, "DELETE FROM processes", &err));
	OK(ledger_start(ledger, &err), "who was buried early starts, and begins anew");
	end(ledger);
}

/* The row is gone, and the number is given again: so it is on a server that took over without the last turns. */
static void lose_row(int64_t process)
{
	AUTO(free)
	char *sql = xasprintf("SELECT setval(pg_get_serial_sequence('processes', 'id'), %lld, "
			      "false); DELETE FROM processes",
			      (long long)process);

	MUST(db_exec(onlooker, sql, &err));
}

static void test_same_number(void)
{
	struct ledger *ledger = enlisted();
	int64_t process = ledger_process(ledger);

	MUST(ledger_start(ledger, &err));
	for (int i = 1; i <= 2; i++) {
		struct pulse_sight sight = sight_of(ledger);

		beats_before = sight.beats;
		funerals_before = sight.funerals;
		OK(until(ledger, has_beaten), "it beats, time %d", i);
		lose_row(process);
		OK(until(ledger, was_fenced), "it is no more");
		OK(until(ledger, is_listed) && ledger_process(ledger) == process,
		   "it begins anew under the number that it had");
	}
	end(ledger);
}

/* ---- while it stops ---- */

/* Threads of this process with that name; NULL: all. */
static int threads(const char *name)
{
	DIR *tasks = opendir("/proc/self/task");
	const struct dirent *task;
	int found = 0;

	while (tasks && (task = readdir(tasks))) {
		AUTO(free) char *path = xasprintf("/proc/self/task/%s/comm", task->d_name);
		char comm[32] = "";
		FILE *file = task->d_name[0] == '.' ? NULL : fopen(path, "re");

		if (!file)
			continue;
		found += fgets(comm, sizeof(comm), file) &&
			 (!name || str_eq(str_first(str_of(comm), str_find(str_of(comm), '\n')),
					  str_of(name)));
		fclose(file);
	}
	if (tasks)
		closedir(tasks);
	return found;
}

static bool is_held_up(struct ledger *ledger)
{
	ledger_beat(ledger);
	return count("SELECT COUNT(*) FROM pg_locks WHERE NOT granted") > 0;
}

/* A beat that takes its time: somebody holds the row, until the server puts him out. */
static void test_stop_in_beat(void)
{
	AUTO(db_free) struct db *holder = NULL;
	struct ledger *ledger = enlisted();

	MUST(ledger_start(ledger, &err));
	MUST(db_open(address, DB_WRITE, &holder, &err));
	MUST(db_exec(holder,
		     "BEGIN; SET LOCAL idle_in_transaction_session_timeout = '1s'; "
		     "UPDATE processes SET hears = hears",
		     &err));
	OK(until(ledger, is_held_up), "it stops while it beats");
	ledger_stop(ledger);
	OK(threads("pulse") == 0, "nothing beats any more, nor looks whether it is there");
	ledger_free(ledger);
}

/* Held up by a job, the writer has the next before it when it is to end. */
static struct {
	struct loop *loop;
	struct mailbox *mailbox;
	struct ledger_job held, last;
	pthread_mutex_t shut;
	atomic_bool is_held;
	_Atomic pid_t stopper;
} stop = { .shut = PTHREAD_MUTEX_INITIALIZER };

static bool run_held(struct ledger_job *job, struct catalog *catalog, struct err *cause)
{
	atomic_store(&stop.is_held, true);
	pthread_mutex_lock(&stop.shut);
	pthread_mutex_unlock(&stop.shut);
	return true;
}

static bool run_last(struct ledger_job *job, struct catalog *catalog, struct err *cause)
{
	return true;
}

static void was_run(struct ledger_job *job)
{
}

static bool is_writer_held(struct ledger *ledger)
{
	return atomic_load(&stop.is_held);
}

static void *stop_ledger(void *argument)
{
	atomic_store(&stop.stopper, gettid());
	ledger_stop(argument);
	return NULL;
}

/* All others have ended, and it sleeps: until the writer has. */
static bool is_last_waited_for(struct ledger *ledger)
{
	AUTO(free) char *path = xasprintf("/proc/self/task/%d/stat", (int)stop.stopper);
	FILE *file = threads(NULL) == 3 ? fopen(path, "re") : NULL;
	char line[256] = "";
	const char *state;

	if (!file)
		return false;
	state = fgets(line, sizeof(line), file) ? strrchr(line, ')') : NULL;
	fclose(file);
	return state && strncmp(state, ") S", 3) == 0;
}

static void test_fenced_at_stop(void)
{
	struct ledger *ledger = enlisted();
	pthread_t thread;

	MUST(loop_new(&stop.loop, &err) && mailbox_open(stop.loop, &stop.mailbox, &err));
	MUST(ledger_start(ledger, &err));
	stop.held = (struct ledger_job){ .run = run_held, .done = was_run, .reply = stop.mailbox };
	stop.last = (struct ledger_job){ .run = run_last, .done = was_run, .reply = stop.mailbox };
	pthread_mutex_lock(&stop.shut);
	ledger_write(ledger, &stop.held);
	OK(until(ledger, is_writer_held), "the writer is at work");
	funerals_before = sight_of(ledger).funerals;
	MUST(db_exec(onlooker, "DELETE FROM processes", &err));
	OK(until(ledger, was_fenced), "meanwhile it is taken for dead");
	ledger_write(ledger, &stop.last);
	MUST(pthread_create(&thread, NULL, stop_ledger, ledger) == 0);
	OK(until(ledger, is_last_waited_for), "and told to stop");
	pthread_mutex_unlock(&stop.shut);
	pthread_join(thread, NULL);
	mailbox_drain(stop.mailbox);
	OK(stop.last.succeeded, "what waited is written, by one who began anew: %s",
	   stop.last.err.text);
	ledger_free(ledger);
	mailbox_free(stop.mailbox);
	loop_free(stop.loop);
}

int main(void)
{
	char folder[] = "/tmp/callspool-test.XXXXXX", other_folder[] = "/tmp/callspool-test.XXXXXX";
	char other[TEST_DATABASE_SIZE];
	struct ledger *ledger;

	if (!mkdtemp(folder) || !mkdtemp(other_folder))
		return 1;
	test_database_make(folder, address);
	test_database_make(other_folder, other);

	MUST(db_open(address, DB_WRITE, &onlooker, &err));
	test_early();
	test_same_number();
	test_stop_in_beat();
	test_fenced_at_stop();

	MUST(ledger_open(other, &ledger, &err));
	ledger_free(ledger);
	ledger = enlisted();
	ledger_hear_at(ledger, other);
	OK(!ledger_start(ledger, &err) && err.kind == ERR_INVALID,
	   "another ledger is a wrong setting: %s", err.text);
	end(ledger);

	db_free(onlooker);
	test_database_remove(folder, address);
	test_database_remove(other_folder, other);
	rmdir(folder);
	rmdir(other_folder);
	return tap_end();
}
