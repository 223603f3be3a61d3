/*
 * A move as it is asked for, paused, given up, switched and refused; of media alone, to a bucket in memory.
 */
#include "migrate/migration.h"

#include "catalog/catalog.h"
#include "moving_fixture.h"

#include <stdatomic.h>
#include <time.h>

#define OTHER_STORE "s3://bucket/others"

/* Who moves waits for nothing; how long he would have before he asked the bucket for anything is added up. */
int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left);

static atomic_uint gets_before;
static atomic_llong slept_ms;

int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left)
{
	if (bucket_count(&bucket.gets) == gets_before)
		slept_ms += wanted->tv_sec * 1000 + wanted->tv_nsec / 1000000;
	return 0;
}

static struct migration *migration;
static unsigned switches; /* that were asked for */

static void switch_over(void *owner)
{
	switches++;
}

static struct migration_status now(void)
{
	struct migration_status status;

	migration_read(migration, &status);
	return status;
}

static enum migration_state wanted;

static bool is_as_wanted(void)
{
	return now().state == wanted;
}

static bool comes_to(enum migration_state state)
{
	wanted = state;
	return until(is_as_wanted);
}

static bool was_switched(void)
{
	return switches > 0;
}

static void attach(void)
{
	struct migration_server server = lent();

	migration_attach(migration, &server);
}

static void open_migration(void)
{
	const struct migration_callbacks on = { .switch_over = switch_over };

	MUST(migration_open(loop, &on, &migration, &err));
	switches = 0;
}

static void close_migration(void)
{
	migration_detach(migration);
	migration_free(TAKE(migration));
}

static struct departure departing(void)
{
	struct departure found;

	MUST(departure_begun(path, &found, &err));
	return found;
}

static bool ask_for(const char *store, bool verifies)
{
	return migration_ask(migration, "", store, verifies, &err);
}

static void test_asking(void)
{
	AUTO(free) char *long_store = xasprintf("s3://%0*d", MIGRATION_ADDRESS_SIZE, 0);
	struct migration_server elsewhere = lent();

	open_migration();
	OK(now().state == MIGRATION_NONE, "nobody has asked yet");
	OK(!ask_for(STORE, false) && err.kind == ERR_UNAVAILABLE, "without a server: %s", err.text);
	attach();
	OK(!ask_for("", false) && err.kind == ERR_INVALID, "to nowhere: %s", err.text);
	OK(!ask_for(long_store, false) && err.kind == ERR_INVALID, "too far: %s", err.text);
	OK(!migration_pause(migration, &err) && err.kind == ERR_CONFLICT, "nothing to pause: %s",
	   err.text);
	OK(now().state == MIGRATION_NONE, "nothing has come of it");
	elsewhere.ledger_file = NULL;
	migration_detach(migration);
	migration_attach(migration, &elsewhere);
	OK(!ask_for(STORE, false) && err.kind == ERR_INVALID && strstr(err.text, "already"),
	   "of a ledger that is on a server: %s", err.text);
	close_migration();
}

/* Up to the switch, and what may be asked meanwhile. */
static void test_to_the_switch(void)
{
	open_migration();
	attach();
	OK(ask_for(STORE, false), "it is asked for: %s", err.text);
	OK(comes_to(MIGRATION_SWITCHING) && until(was_switched), "and comes to the switch");
	IS_INT(switches, 1, "which is asked for once");
	IS_STR(str_of(now().store), STR(STORE), "where to");
	IS_STR(str_of(now().to), STR(""), "the ledger stays");
	OK(is_there(1), "all was brought");
	OK(now().phase == MIGRATION_FOLLOWS && now().done == 2 && now().all >= 2,
	   "and how much it is is told");
	OK(ask_for(STORE, false), "who asks for the same goes along with it: %s", err.text);
	OK(!ask_for(STORE, true) && err.kind == ERR_CONFLICT && strstr(err.text, "--verify-media"),
	   "not for more: %s", err.text);
	OK(!ask_for(OTHER_STORE, false) && err.kind == ERR_CONFLICT, "nor elsewhere: %s", err.text);
	OK(!migration_pause(migration, &err) && err.kind == ERR_CONFLICT, "nor is it paused: %s",
	   err.text);
	OK(!migration_cancel(migration, &err) && err.kind == ERR_CONFLICT, "nor given up: %s",
	   err.text);
	err_set(&err, ERR_CONFLICT, "the settings say something else");
	migration_refuse(migration, &err);
	OK(now().state == MIGRATION_FAILED && strstr(now().err.text, "something else"),
	   "refused it has failed, and says why");
	OK(departing().name[0], "what was done is not done anew");
	OK(ask_for(STORE, false) && comes_to(MIGRATION_SWITCHING), "it is asked for again: %s",
	   now().err.text);
	migration_expect_stop(migration);
	OK(!ask_for(OTHER_STORE, false) && err.kind == ERR_UNAVAILABLE,
	   "as the server stops nothing is asked: %s", err.text);
	close_migration();
}

/* Another process finds what has begun. */
static void test_begun(void)
{
	open_migration();
	attach();
	OK(now().state == MIGRATION_PAUSED && strcmp(now().store, STORE) == 0,
	   "what has begun is paused");
	OK(migration_pause(migration, &err), "and may be once more: %s", err.text);
	OK(migration_cancel(migration, &err) && comes_to(MIGRATION_NONE), "it is given up: %s",
	   now().err.text);
	OK(!departing().name[0], "and nothing of it is left");
	OK(now().store[0] == '\0', "nor told");
	close_migration();

	open_migration();
	attach();
	OK(now().state == MIGRATION_NONE, "then nothing has begun");
	close_migration();
}

/* What hangs is under way. */
static void test_meanwhile(void)
{
	bucket_empty();
	bucket_does(bucket.hangs, "RE");
	open_migration();
	attach();
	OK(ask_for(STORE, false) && now().state == MIGRATION_RUNNING, "it runs");
	OK(ask_for(STORE, false), "who asks for the same goes along with it: %s", err.text);
	OK(!ask_for(STORE, true) && err.kind == ERR_CONFLICT && strstr(err.text, "--pause"),
	   "not for more: %s", err.text);
	OK(!ask_for(OTHER_STORE, false) && err.kind == ERR_CONFLICT &&
		   strstr(err.text, "under way"),
	   "nor elsewhere: %s", err.text);
	OK(migration_pause(migration, &err) && comes_to(MIGRATION_PAUSED), "it is paused: %s",
	   err.text);
	bucket_does(bucket.hangs, "");
	OK(ask_for(STORE, true) && comes_to(MIGRATION_SWITCHING), "and asked for with more: %s",
	   now().err.text);
	OK(ask_for(STORE, true), "which it is then");
	close_migration();

	open_migration();
	bucket_does(bucket.hangs, "RE");
	attach();
	OK(ask_for(STORE, false) && migration_cancel(migration, &err), "it is given up: %s",
	   err.text);
	OK(!migration_pause(migration, &err) && err.kind == ERR_CONFLICT, "and not paused: %s",
	   err.text);
	OK(comes_to(MIGRATION_NONE) && !departing().name[0], "nothing is left");
	OK(ask_for(STORE, false) && now().state == MIGRATION_RUNNING, "asked for anew it runs: %s",
	   err.text);
	migration_detach(migration);
	OK(now().state == MIGRATION_FAILED && strstr(now().err.text, "stopped meanwhile"),
	   "the server's end is its own: %s", now().err.text);
	bucket_does(bucket.hangs, "");
	attach();
	OK(migration_cancel(migration, &err) && comes_to(MIGRATION_NONE),
	   "and then it is given up: %s", now().err.text);
	close_migration();
}

static void test_failed(void)
{
	char name[BLOB_NAME_SIZE];

	bucket_empty();
	remove_file(1);
	name_of(1, name);
	open_migration();
	attach();
	OK(ask_for(STORE, false) && comes_to(MIGRATION_FAILED), "it fails");
	OK(now().err.kind == ERR_CONFLICT && strstr(now().err.text, name), "and says why: %s",
	   now().err.text);
	OK(!migration_pause(migration, &err) && err.kind == ERR_CONFLICT, "it is not paused: %s",
	   err.text);
	write_file(1);
	OK(ask_for(STORE, false) && comes_to(MIGRATION_SWITCHING), "asked again it goes on: %s",
	   now().err.text);
	OK(now().err.text[0] == '\0', "and nothing is wrong any more");
	close_migration();
}

#define MOST_TRIES 20

/* As a server ends. */
static void detach_and_close(void)
{
	migration_detach(migration);
	ledger_stop(ledger);
	ledger_free(TAKE(ledger));
}

/* The ledger is closed meanwhile, as its server is. */
static void test_switch(void)
{
	unsigned tries = 0;
	char to[MIGRATION_ADDRESS_SIZE], store[MIGRATION_ADDRESS_SIZE];
	struct migration_status moved;

	open_migration();
	attach();
	OK(ask_for(STORE, false) && comes_to(MIGRATION_SWITCHING), "it comes to the switch: %s",
	   now().err.text);
	OK(!migration_awaits(path, to, store), "nothing was moved yet");
	migration_expect_stop(migration);
	OK(now().state == MIGRATION_SWITCHING, "what is ready stays so");
	detach_and_close();

	while (!migration_switch(migration, clock_monotonic_ms() - 1, &moved, &err) &&
	       now().state == MIGRATION_RUNNING && ++tries < MOST_TRIES) {
		OK(err.kind == ERR_UNAVAILABLE && now().err.text[0],
		   "what is late is not switched, but tried again: %s", err.text);
		OK(!migration_awaits(path, to, store) && departing().name[0],
		   "nothing has changed");
		MUST(ledger_open(path, &ledger, &err) && ledger_start(ledger, &err));
		gets_before = bucket_count(&bucket.gets);
		slept_ms = 0;
		attach();
		OK(comes_to(MIGRATION_SWITCHING), "with the next server it comes so far again: %s",
		   now().err.text);
		IS_INT(slept_ms, INT64_C(5000) << (tries - 1),
		       "after a pause that is twice as long each time");
		detach_and_close();
	}
	OK(now().state == MIGRATION_FAILED && tries > 1 && tries < MOST_TRIES,
	   "a few times, and then no more: %s", now().err.text);
	close_migration();

	MUST(ledger_open(path, &ledger, &err) && ledger_start(ledger, &err));
	open_migration();
	attach();
	add_recording(7);
	OK(ask_for(STORE, false) && comes_to(MIGRATION_SWITCHING), "later: %s", now().err.text);
	detach_and_close();
	add_recording(8);
	OK(migration_switch(migration, clock_monotonic_ms() + 600000, &moved, &err),
	   "in time it is: %s", err.text);
	OK(moved.state == MIGRATION_MOVED && strcmp(moved.store, STORE) == 0, "and says where to");
	OK(is_there(7) && is_there(8), "with what came last");
	OK(!departing().name[0], "nothing is under way any more");
	OK(migration_awaits(path, to, store) && strcmp(store, STORE) == 0 && to[0] == '\0',
	   "and nobody was served from there yet");
}

static bool has_arrived(void)
{
	char to[MIGRATION_ADDRESS_SIZE], store[MIGRATION_ADDRESS_SIZE];

	return !migration_awaits(path, to, store);
}

static void test_arrived(void)
{
	struct migration_server server;
	bool was_moved = false;

	OK(migration_settle(folder, path, NULL, OTHER_STORE, &was_moved, &err) && !was_moved,
	   "with another bucket: %s", err.text);
	run_in_folder("test -d recordings");
	OK(migration_settle(folder, path, NULL, STORE, &was_moved, &err) && !was_moved,
	   "with that one: %s", err.text);
	run_in_folder("test -d recordings.moved && test ! -e recordings");
	run_in_folder("mkdir recordings");
	OK(migration_settle(folder, path, NULL, STORE, &was_moved, &err), "and again: %s",
	   err.text);
	run_in_folder("test -d recordings.moved.2 && test ! -e recordings");
	MUST(ledger_open(path, &ledger, &err) && ledger_start(ledger, &err));
	server = lent();
	server.s3.store = STORE;
	migration_attach(migration, &server);
	OK(!has_arrived(), "it is not served yet");
	migration_arrived(migration, path);
	OK(until(has_arrived), "and then it has arrived");
	OK(ask_for(STORE, false), "who asks for it goes along: %s", err.text);
	OK(!ask_for(STORE, true) && err.kind == ERR_CONFLICT && strstr(err.text, "was moved"),
	   "not for more: %s", err.text);
	close_migration();
}

int main(void)
{
	moving_open();
	add_recording(1);
	add_recording(2);
	test_asking();
	test_to_the_switch();
	test_begun();
	test_meanwhile();
	test_failed();
	test_switch();
	test_arrived();
	moving_remove();
	return tap_end();
}
