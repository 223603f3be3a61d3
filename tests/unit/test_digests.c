#include "flights/digests.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/mem.h"
#include "blob/blob_local.h"
#include "blob_folder.h"
#include "catalog/events.h"
#include "catalog/recordings.h"
#include "event/loop.h"
#include "event/mailbox.h"
#include "flights/flight_env.h"
#include "ledger/ledger.h"
#include "tap.h"

#define MANY      70 /* more than what is given up after */
#define SOME      40 /* in one round fewer than that, in two more */
#define ROUND_MS  400
#define WITHIN_MS 10000

static struct flight_env env;
static struct digests *digests;
static struct catalog *reader;
static struct timer timer;
static struct err err;

static void must(bool succeeded)
{
	if (succeeded)
		return;
	printf("Bail out! %s\n", err.text);
	exit(1);
}

/* ---- recordings ---- */

static struct str sid_of(const char *kind, unsigned n, char out[SID_SIZE])
{
	snprintf(out, SID_SIZE, "%s%032x", kind, n);
	return str_of(out);
}

static struct str name_of(unsigned n, char *out, size_t size)
{
	snprintf(out, size, "00/CA%032x.RE%032x.mp3", n, n);
	return str_of(out);
}

static void announce(struct catalog *catalog, unsigned n)
{
	char call_sid[SID_SIZE], sid[SID_SIZE];
	struct event event;
	int64_t seq;

	event_init(&event, EVENT_RECORDING_STATUS, 1700000000000);
	event.call_sid = sid_of("CA", n, call_sid);
	event.recording_sid = sid_of("RE", n, sid);
	event.status = STR("completed");
	must(events_append(catalog, &event, &seq, &err));
}

static bool mark_stored(struct catalog *catalog, unsigned n, int64_t generation, struct err *why)
{
	char sid[SID_SIZE], name[96];
	struct recording_media media = { .stored_at_ms = 1700000000000,
					 .generation = generation,
					 .size = 5,
					 .format = "mp3",
					 .path = name };

	name_of(n, name, sizeof(name));
	return recordings_mark_stored(catalog, sid_of("RE", n, sid), &media, why);
}

static void write_file(unsigned n)
{
	AUTO(blob_arriving_free) struct blob_arriving *arriving = NULL;
	char sid[SID_SIZE], name[96];

	must(blob_arriving_open(env.store, sid_of("RE", n, sid), 1, &arriving, &err) &&
	     blob_arriving_write(arriving, STR("sound"), &err));
	must(blob_arriving_seal(arriving, name_of(n, name, sizeof(name)), &err) == BLOB_SEALED);
}

/* Recordings 1 to `count`, stored as the ledger says. */
static void fill_ledger(unsigned count)
{
	struct catalog *catalog = ledger_catalog(env.ledger);
	AUTO(free) struct projection_result *result = xcalloc(1, sizeof(*result));

	must(catalog_begin(catalog, &err));
	for (unsigned n = 1; n <= count; n++)
		announce(catalog, n);
	do
		must(projection_run(catalog, PROJECTION_EVENTS_MAX, result, &err));
	while (result->more);
	for (unsigned n = 1; n <= count; n++)
		must(mark_stored(catalog, n, 1, &err));
	must(catalog_commit(catalog, &err));
}

/* ---- waiting ---- */

static void time_is_over(struct timer *over)
{
	(void)over;
	loop_stop(env.loop);
}

static void run_for(int64_t ms)
{
	timer_start(env.loop, &timer, ms, time_is_over);
	loop_run(env.loop);
}

static bool has_digest(unsigned n)
{
	struct recording recording;
	char sid[SID_SIZE];

	must(catalog_begin(reader, &err) &&
	     recordings_find(reader, sid_of("RE", n, sid), &recording, &err));
	catalog_rollback(reader);
	return recording.sha256[0] != '\0';
}

static bool get_digest(unsigned n)
{
	for (int64_t ms = 0; ms < WITHIN_MS && !has_digest(n); ms += 50)
		run_for(50);
	return has_digest(n);
}

/* ---- the tests ---- */

static void open_all(unsigned count)
{
	AUTO(free) char *path = NULL;

	memcpy(strrchr(folder, '.'), ".XXXXXX", 7);
	folder_make();
	path = xasprintf("%s/ledger.db", folder);
	env = (struct flight_env){ 0 };
	must(blob_local_open(folder, &env.store, &err) && loop_new(&env.loop, &err) &&
	     mailbox_open(env.loop, &env.mailbox, &err) && ledger_open(path, &env.ledger, &err));
	fill_ledger(count);
	must(digests_new(&env, &digests, &err) && ledger_start(env.ledger, &err) &&
	     catalog_open(path, CATALOG_READ, &reader, &err));
	has_digest(1);
}

static void close_all(void)
{
	digests_stop(digests);
	mailbox_drain(env.mailbox);
	ledger_stop(env.ledger);
	mailbox_free(env.mailbox);
	digests_free(digests);
	catalog_free(reader);
	ledger_free(env.ledger);
	loop_free(env.loop);
	blob_store_free(env.store);
	folder_remove();
}

static void test_no_descriptor(void)
{
	struct rlimit limit, none;

	open_all(MANY);
	for (unsigned n = 1; n <= MANY; n++)
		write_file(n);
	must(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	none = limit;
	none.rlim_cur = 3;
	must(setrlimit(RLIMIT_NOFILE, &none) == 0);
	digests_want(digests);
	run_for(ROUND_MS);
	OK(!has_digest(1), "no descriptor is left: there is no digest");
	must(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	OK(get_digest(1) && get_digest(MANY), "there are some again: nothing was given up");
	close_all();
}

struct storing {
	struct ledger_job job;
	unsigned n;
};

static bool run_storing(struct ledger_job *job, struct catalog *catalog, struct err *why)
{
	return mark_stored(catalog, container_of(job, struct storing, job)->n, 2, why);
}

static void stored(struct ledger_job *job)
{
	must(job->succeeded);
	digests_want(digests);
}

static void test_lost(void)
{
	struct storing storing = { .n = SOME / 2 };

	open_all(SOME);
	for (int round = 0; round < 3; round++) {
		digests_want(digests);
		run_for(ROUND_MS);
	}
	OK(!has_digest(storing.n), "its file is lost, like some others");
	write_file(storing.n);
	storing.job =
		(struct ledger_job){ .run = run_storing, .done = stored, .reply = env.mailbox };
	ledger_write(env.ledger, &storing.job);
	OK(get_digest(storing.n),
	   "stored anew it gets its digest, however often others were tried");
	OK(!has_digest(1), "those stay without");
	close_all();
}

int main(void)
{
	test_no_descriptor();
	test_lost();
	return tap_end();
}
