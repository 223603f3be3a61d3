#include "keeping/cache_upkeep.h"

#define COUNT 7

#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "blob/blob_driver.h"
#include "catalog/attempts.h"
#include "catalog/projection_change.h"
#include "catalog/removals.h"
#include "sweep_recordings.h"
#include "tap.h"

#define FOLDERS   256
#define MINUTE_MS INT64_C(60000)

/* Recordings by what has become of them, and so of the file of theirs that lies here. */
enum { NAMED = 1, BESIDE, OLD, COMING, JUST_CAME, QUEUED, REMOVED, UNKNOWN, LAST = UNKNOWN };

static const struct {
	const char *what;
	int64_t generation;
	bool stays;
} cases[] = {
	[NAMED] = { "what the ledger names", 0, true },
	[BESIDE] = { "the waveform beside it", 0, true },
	[OLD] = { "another generation, tried long ago", 9, false },
	[COMING] = { "what is put just now, and not named yet", 9, true },
	[JUST_CAME] = { "what an attempt has left since", 9, true },
	[QUEUED] = { "what is to be fetched anew", 0, true },
	[REMOVED] = { "what was deleted", 0, false },
	[UNKNOWN] = { "what no row tells of", 1, false },
};

/* ---- the time, which may be put forward, and what is logged ---- */

int64_t __real_clock_monotonic_us(void);
int64_t __wrap_clock_monotonic_us(void);
void __wrap_log_info(const struct log_tag *tag, const char *fmt, ...);

static _Atomic int64_t ahead_ms;
static char told[200];

int64_t __wrap_clock_monotonic_us(void)
{
	return __real_clock_monotonic_us() + ahead_ms * 1000;
}

void __wrap_log_info(const struct log_tag *tag, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(told, sizeof(told), fmt, args);
	va_end(args);
}

/* ---- a store whose files are what lies here of another ---- */

static const struct blob_driver *local;
static struct blob_driver beside;
static atomic_uint walked, doubted;
static atomic_bool is_unreadable; /* the last folder, once */

static bool here_walk(struct blob_store *store, const char *name, struct blob_folder *out,
		      struct err *why)
{
	walked++;
	if (strcmp(name, "ff") == 0 && atomic_exchange(&is_unreadable, false)) {
		err_set(why, ERR_INTERNAL, "%s cannot be read", name);
		return false;
	}
	return local->walk(store, name, out, why);
}

static void here_doubt(struct blob_store *store, const char *name)
{
	(void)store;
	(void)name;
	doubted++;
}

static void here_drop(struct blob_store *store, const char *name)
{
	struct err ignored;

	(void)local->remove(store, name, &ignored);
}

static void lay_beside(void)
{
	local = env.store->driver;
	beside = *local;
	beside.here_walk = here_walk;
	beside.here_doubt = here_doubt;
	beside.here_drop = here_drop;
	env.store->driver = &beside;
}

static struct str file_of(unsigned n, char out[BLOB_NAME_SIZE])
{
	char call_sid[SID_SIZE], sid[SID_SIZE], name[BLOB_NAME_SIZE];

	if (n == BESIDE)
		must(blob_name_beside(name_of(n, name, sizeof(name)), out, &err));
	else if (cases[n].generation == 0)
		name_of(n, out, BLOB_NAME_SIZE); /* as the ledger has it */
	else
		must(blob_name_make(sid_of("CA", n, call_sid), sid_of("RE", n, sid),
				    cases[n].generation, STR("mp3"), out, &err));
	return str_of(out);
}

static void lay(unsigned n)
{
	AUTO(blob_arriving_free) struct blob_arriving *arriving = NULL;
	char sid[SID_SIZE], name[BLOB_NAME_SIZE];

	must(blob_arriving_open(env.store, sid_of("RE", n, sid), 1, &arriving, &err) &&
	     blob_arriving_write(arriving, STR("sound"), &err));
	must(blob_arriving_seal(arriving, file_of(n, name), &err) == BLOB_SEALED);
}

static bool lies(unsigned n)
{
	char name[BLOB_NAME_SIZE];
	uint64_t size;
	int fd;

	if (!blob_open_read(env.store, file_of(n, name), &fd, &size, &err))
		return false;
	close(fd);
	return true;
}

/* ---- the ledger ---- */

static int64_t begin_attempt(struct catalog *catalog, unsigned n)
{
	struct attempt_begin begin = { .began_at_ms = 1 };
	char sid[SID_SIZE];
	int64_t id;

	begin.recording_sid = sid_of("RE", n, sid);
	must(recordings_requeue(catalog, begin.recording_sid, 1, &err) &&
	     attempts_begin(catalog, &begin, &id, &err));
	return id;
}

/* Stored under its name again, by an attempt that ended then. */
static void try_again(struct catalog *catalog, unsigned n, int64_t ended_at_ms)
{
	struct attempt_end end = { .id = begin_attempt(catalog, n),
				   .ended_at_ms = ended_at_ms,
				   .outcome = "stored" };

	must(attempts_end(catalog, &end, &err) && mark_stored(catalog, n, end.id, &err));
}

static void fill_all(struct catalog *catalog)
{
	char sid[SID_SIZE];

	fill(catalog);
	try_again(catalog, OLD, 2);
	begin_attempt(catalog, COMING);
	try_again(catalog, JUST_CAME, clock_wall_ms() + 3600000);
	must(recordings_requeue(catalog, sid_of("RE", QUEUED, sid), 1, &err) &&
	     recordings_mark_deleted(catalog, sid_of("RE", REMOVED, sid), 1, &err));
}

/* ---- the tests ---- */

static struct cache_upkeep *upkeep;
static unsigned walks;

static bool is_walked(void)
{
	return walked == walks * FOLDERS && !lies(UNKNOWN);
}

static bool is_last_done;

static void nothing(struct job *job)
{
	(void)job;
}

static void last_is_done(struct job *job)
{
	(void)job;
	is_last_done = true;
}

static bool is_over(void)
{
	return is_last_done;
}

/* What the worker was given before is done. */
static bool all_is_done(void)
{
	struct job last = { .run = nothing, .done = last_is_done, .reply = env.mailbox };

	is_last_done = false;
	workers_post(env.workers, &last);
	return sweep_until(is_over);
}

/* To its end: behind the walk of the last folder, which is empty, stands one job more. */
static bool compares(void)
{
	walks++;
	return sweep_until(is_walked) && all_is_done() && walked == walks * FOLDERS;
}

static bool at_once(void)
{
	return true;
}

static void pass(int64_t ms)
{
	ahead_ms += ms;
	must(sweep_until(at_once)); /* the loop has looked at the time */
}

static void test_files(void)
{
	for (unsigned n = NAMED; n <= LAST; n++)
		lay(n);
	cache_upkeep_start(upkeep);
	OK(compares(), "at the start each folder is compared with the ledger");
	for (unsigned n = NAMED; n <= LAST; n++)
		OK(lies(n) == cases[n].stays, "%s %s", cases[n].what,
		   cases[n].stays ? "stays" : "goes");
	OK(doubted == 0, "what comes meanwhile is kept: all that is removed is heard of");
}

static void test_gap(void)
{
	const struct projection_change all = { .what = PROJECTED_ALL };

	lay(UNKNOWN);
	is_unreadable = true;
	cache_upkeep_changed(upkeep, &all);
	OK(compares(), "where something may have happened unheard, too");
	OK(doubted == FOLDERS, "and what comes meanwhile is not kept (%u)", doubted);
	OK(strstr(told, "1 files of the cache are removed") != NULL,
	   "what went is told of, though one folder could not be read");
	lay(UNKNOWN);
	pass(59 * MINUTE_MS);
	OK(all_is_done() && walked == walks * FOLDERS,
	   "it is not looked at again before an hour has passed");
	pass(MINUTE_MS);
	OK(compares() && doubted == 2 * FOLDERS,
	   "then all are, and what comes meanwhile is not kept either (%u)", doubted);
	lay(UNKNOWN);
	cache_upkeep_start(upkeep);
	OK(compares() && doubted == 2 * FOLDERS, "as it is again behind it (%u)", doubted);
}

int main(void)
{
	sweep_env_open(fill_all);
	lay_beside();
	upkeep = cache_upkeep_new(&env);
	must(ledger_start(env.ledger, &err));
	test_files();
	test_gap();
	sweep_env_stop();
	cache_upkeep_free(upkeep);
	sweep_env_free();
	return tap_end();
}
