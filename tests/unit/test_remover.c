#include "keeping/remover.h"

#include <stdio.h>
#include <string.h>

#include "blob/blob.h"
#include "blob/blob_flaky.h"
#include "catalog/attempts.h"
#include "catalog/events.h"
#include "catalog/recordings.h"
#include "catalog/removals.h"
#include "chores/removals_due.h"
#include "projection/projection.h"
#include "sweep_fixture.h"
#include "tap.h"

#define GENERATIONS (BLOB_LIST_MAX + 3) /* more than one page of names */

static struct sweep *remover;

static struct str sid_of(const char *kind, unsigned n, char out[SID_SIZE])
{
	snprintf(out, SID_SIZE, "%s%032x", kind, n);
	return str_of(out);
}

static void announce(struct catalog *catalog, struct str call_sid, unsigned n)
{
	char sid[SID_SIZE];
	struct event event;
	int64_t seq;

	event_init(&event, EVENT_RECORDING_STATUS, 1700000000000);
	event.call_sid = call_sid;
	event.recording_sid = sid_of("RE", n, sid);
	event.status = STR("completed");
	must(events_append(catalog, &event, &seq, &err));
}

/* 1 and 2 of one call, of which 1 is deleted, and 3 of none that is known, which is. */
static void fill(struct catalog *catalog)
{
	AUTO(free) struct projection_result *result = xcalloc(1, sizeof(*result));
	char sid[SID_SIZE];

	announce(catalog, sid_of("CA", 1, sid), 1);
	announce(catalog, sid_of("CA", 1, sid), 2);
	announce(catalog, STR(""), 3);
	must(projection_run(catalog, PROJECTION_EVENTS_MAX, result, &err));
	must(recordings_mark_deleted(catalog, sid_of("RE", 1, sid), 1, &err) &&
	     recordings_mark_deleted(catalog, sid_of("RE", 3, sid), 1, &err));
}

static void write_file(const char *call, unsigned n, int64_t generation)
{
	AUTO(blob_arriving_free) struct blob_arriving *arriving = NULL;
	char call_sid[SID_SIZE] = "", sid[SID_SIZE], name[BLOB_NAME_SIZE];

	if (call)
		sid_of(call, 1, call_sid);
	must(blob_name_make(str_of(call_sid), sid_of("RE", n, sid), generation, STR("mp3"), name,
			    &err) &&
	     blob_arriving_open(env.store, sid_of("RE", n, sid), generation, &arriving, &err) &&
	     blob_arriving_write(arriving, STR("sound"), &err));
	must(blob_arriving_seal(arriving, str_of(name), &err) == BLOB_SEALED);
}

/* 1 was stored, 5 never; both are deleted. */
static void fill_away(struct catalog *catalog)
{
	AUTO(free) struct projection_result *result = xcalloc(1, sizeof(*result));
	struct recording_media media = {
		.stored_at_ms = 1, .generation = 1, .size = 5, .format = "mp3", .path = NAME
	};
	char sid[SID_SIZE];

	announce(catalog, sid_of("CA", 1, sid), 1);
	announce(catalog, sid_of("CA", 1, sid), 5);
	must(projection_run(catalog, PROJECTION_EVENTS_MAX, result, &err));
	must(recordings_mark_stored(catalog, sid_of("RE", 1, sid), &media, &err) &&
	     recordings_mark_deleted(catalog, sid_of("RE", 1, sid), 1, &err) &&
	     recordings_mark_deleted(catalog, sid_of("RE", 5, sid), 1, &err));
}

static size_t files(void)
{
	struct blob_names names;

	must(blob_list(env.store, STR("00/"), STR(""), &names, &err));
	return names.count;
}

struct counting {
	struct ledger_job job;
	size_t count;
	bool are_due, is_back;
};

static bool run_count(struct ledger_job *job, struct catalog *catalog, struct err *why)
{
	struct counting *count = container_of(job, struct counting, job);
	struct removal list[4];

	return removals_list(catalog, 0, list, 4, &count->count, why) &&
	       removals_are_due(catalog, &count->are_due, why);
}

static struct counting counting;
static size_t left;  /* as counted last */
static bool are_due; /* the same: of those that nothing holds */

static void counted(struct ledger_job *job)
{
	container_of(job, struct counting, job)->is_back = true;
}

/* Asks the ledger until no more than that are left to be removed. */
static bool are_left(size_t count)
{
	bool is_so = counting.is_back && counting.count <= count;

	if (is_so) {
		left = counting.count;
		are_due = counting.are_due;
	}
	if (counting.is_back || !counting.job.run) {
		counting = (struct counting){
			.job = { .run = run_count, .done = counted, .reply = env.mailbox }
		};
		ledger_read(env.ledger, &counting.job);
	}
	return is_so;
}

static bool nothing_is_left(void)
{
	return are_left(0);
}

static bool one_is_left(void)
{
	return are_left(1);
}

static bool two_are_left(void)
{
	return are_left(2);
}

static void open_all(void (*fill_with)(struct catalog *catalog))
{
	counting = (struct counting){ .count = 0 };
	sweep_env_open(fill_with);
}

static void start(void)
{
	must(ledger_start(env.ledger, &err));
	remover = sweep_new(&env, &remover_table);
	sweep_wake(remover);
}

static void close_all(void)
{
	sweep_env_stop();
	sweep_free(remover);
	sweep_env_free();
}

static void test_all(void)
{
	struct blob_names names;
	char sid[SID_SIZE];

	open_all(fill);
	for (int64_t generation = 1; generation <= GENERATIONS; generation++)
		write_file("CA", 1, generation);
	write_file(NULL, 1, 90); /* before its call was known */
	write_file("CA", 2, 91);
	write_file(NULL, 3, 92);
	write_file(NULL, 4, 93); /* of nobody that the ledger knows */
	start();
	OK(sweep_until(nothing_is_left), "all that was deleted is crossed out");
	OK(files() == 2, "its files are gone, of whatever generation; no others");
	must(blob_list(env.store, STR("00/"), STR(""), &names, &err));
	OK(strstr(names.at[0], sid_of("RE", 2, sid).at) &&
		   strstr(names.at[1], sid_of("RE", 4, sid).at),
	   "those of the same call and of another stay");
	close_all();
}

static void test_away(void)
{
	AUTO(free) char *here = NULL;
	AUTO(free) char *away = NULL;

	open_all(fill_away);
	write_file("CA", 1, 1);
	here = xasprintf("%s/recordings/00", folder);
	away = xasprintf("%s/away", folder);
	must(rename(here, away) == 0);
	start();
	OK(sweep_until(one_is_left) && left == 1,
	   "while the store is away, what was stored is not crossed out; what never was, is");
	must(rename(away, here) == 0);
	sweep_restart(remover, 0);
	OK(sweep_until(nothing_is_left) && files() == 0, "once it is back, the file goes");
	close_all();
}

/* The server has opened the folder that a volume is mounted over later: it sees none of the volume's files. */
static void test_mounted_over(void)
{
	AUTO(free) char *opened = NULL;
	AUTO(free) char *mounted = NULL;

	open_all(fill_away);
	write_file("CA", 1, 1);
	opened = xasprintf("%s/recordings", folder);
	mounted = xasprintf("%s/volume", folder);
	must(rename(opened, mounted) == 0 && mkdir(opened, 0700) == 0);
	blob_store_free(env.store);
	must(blob_local_open(folder, &env.store, &err));
	must(rmdir(opened) == 0 && rename(mounted, opened) == 0);
	start();
	OK(sweep_until(one_is_left) && left == 1,
	   "nor while a volume lies over the folder that is open");
	close_all();
}

static bool sync_has_failed(void)
{
	return blob_flaky_calls(env.store, BLOB_CALL_SYNC_PLACE) > 0;
}

/* As after a removal whose sync failed, or that was killed before it: the name is gone, the row is there. */
static void test_unsynced(void)
{
	open_all(fill_away);
	write_file("CA", 2, 1); /* the folder is there */
	env.store = blob_flaky_new(env.store);
	blob_flaky_fail(env.store, &(struct blob_failure){ .call = BLOB_CALL_SYNC_PLACE,
							   .count = UINT64_MAX,
							   .kind = ERR_INTERNAL });
	start();
	OK(sweep_until(sync_has_failed) && sweep_until(two_are_left) && left == 2,
	   "what is not there is not crossed out before its folder is synced");
	blob_flaky_fail(env.store, NULL);
	sweep_restart(remover, 0);
	OK(sweep_until(nothing_is_left), "then it is");
	close_all();
}

/* ---- while it is being fetched ---- */

static int64_t attempt_id;
static unsigned ended;

static void fill_fetching(struct catalog *catalog)
{
	char sid[SID_SIZE];
	struct attempt_begin begin = { .recording_sid = sid_of("RE", 1, sid), .began_at_ms = 1 };

	fill(catalog);
	must(attempts_begin(catalog, &begin, &attempt_id, &err));
}

static bool run_end(struct ledger_job *job, struct catalog *catalog, struct err *why)
{
	const struct attempt_end end = {
		.id = attempt_id, .ended_at_ms = 2, .outcome = "deleted", .detail = ""
	};

	return attempts_end(catalog, &end, why);
}

static void attempt_ended(struct ledger_job *job)
{
	must(job->succeeded);
	ended++;
}

static bool has_ended(void)
{
	return ended > 0;
}

/* `told`: of its end. */
static void test_being_fetched(unsigned told)
{
	struct ledger_job end = { .run = run_end, .done = attempt_ended };

	ended = 0;
	open_all(fill_fetching);
	write_file("CA", 1, 1);
	start();
	OK(sweep_until(one_is_left) && left == 1 && files() == 0,
	   "what is being fetched stays on the list, though its files are gone");
	OK(!are_due, "and nobody waits for it");
	end.reply = env.mailbox;
	ledger_write(env.ledger, &end);
	must(sweep_until(has_ended));
	write_file("CA", 1, 2); /* what came of it */
	sweep_changed(remover, told);
	OK(sweep_until(nothing_is_left), "once that is over, it is taken up again");
	OK(files() == 0, "with what came of it");
	close_all();
}

int main(void)
{
	test_all();
	test_being_fetched(PROJECTED_LET_GO);
	test_being_fetched(PROJECTED_ALL); /* it was among what was missed, perhaps */
	test_away();
	test_mounted_over();
	test_unsynced();
	return tap_end();
}
