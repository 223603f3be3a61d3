#include "verify/mender.h"

#include "catalog/catalog_sql.h"
#include "chores/verifications.h"
#include "flights_fixture.h"
#include "verify/verify_env.h"

#include <errno.h>
#include <stdatomic.h>
#include <unistd.h>

#define FOLDER  "3f/"
#define P20     FOLDER CALL "." RECORDING ".20.mp3"
#define P10     FOLDER CALL "." RECORDING ".10.mp3"
#define P5      FOLDER CALL "." RECORDING ".5.mp3"
#define PEAKS10 FOLDER CALL "." RECORDING ".10.peaks"
#define LONG_S  600 /* longer than any file is */

/* Every other read of a file is interrupted, as a file system of the network may be. */
static atomic_bool interrupts;
static atomic_uint reads;

ssize_t __real_pread64(int fd, void *bytes, size_t len, off_t at);
ssize_t __wrap_pread64(int fd, void *bytes, size_t len, off_t at);
ssize_t __wrap_pread64(int fd, void *bytes, size_t len, off_t at)
{
	if (!interrupts || reads++ % 2 == 1)
		return __real_pread64(fd, bytes, len, at);
	errno = EINTR;
	return -1;
}

static struct verify_env verify;
static struct mender *mender;

/* What readers are asked: jobs, and how many faults one of them looks at.  Counted while it `counts`. */
static atomic_bool counts;
static atomic_uint jobs, jobs_back, looks, looks_of_job, looks_most, stop_at;
static void (*job_done)(struct ledger_job *job);

/* Each of these looks takes so long by this clock. */
#define LOOK_US 10000
static atomic_llong forward_us;

int64_t __real_clock_monotonic_us(void);
int64_t __wrap_clock_monotonic_us(void);
int64_t __wrap_clock_monotonic_us(void)
{
	return __real_clock_monotonic_us() + forward_us;
}

static void count_back(struct ledger_job *job)
{
	jobs_back++;
	job_done(job);
}

void __real_ledger_read(struct ledger *ledger, struct ledger_job *job);
void __wrap_ledger_read(struct ledger *ledger, struct ledger_job *job);
void __wrap_ledger_read(struct ledger *ledger, struct ledger_job *job)
{
	if (counts) {
		jobs++;
		looks_of_job = 0;
		job_done = job->done;
		job->done = count_back;
	}
	__real_ledger_read(ledger, job);
}

bool __real_store_faults_list(struct catalog *catalog, enum store_fault_state state,
			      const char *after, struct store_fault *out, size_t size,
			      size_t *out_count, struct err *why);
bool __wrap_store_faults_list(struct catalog *catalog, enum store_fault_state state,
			      const char *after, struct store_fault *out, size_t size,
			      size_t *out_count, struct err *why);
bool __wrap_store_faults_list(struct catalog *catalog, enum store_fault_state state,
			      const char *after, struct store_fault *out, size_t size,
			      size_t *out_count, struct err *why)
{
	bool could = __real_store_faults_list(catalog, state, after, out, size, out_count, why);

	if (counts && could) {
		forward_us += LOOK_US;
		looks += (unsigned)*out_count;
		looks_of_job += (unsigned)*out_count;
		if (looks_of_job > looks_most)
			looks_most = looks_of_job;
		if (stop_at > 0 && looks >= stop_at)
			verify.is_stopping = true;
	}
	return could;
}
static struct str whole, shorter;
static char *damaged;
static bool is_ended, does_wait;

static void ended(void *owner, bool waits)
{
	is_ended = true;
	does_wait = waits;
}

static bool has_ended(void)
{
	return is_ended;
}

static void mend(void)
{
	is_ended = false;
	mender_start(mender);
	until(has_ended);
}

/* ---- the store ---- */

static char *path_of(const char *name)
{
	return xasprintf("%s/recordings/%s", folder, name);
}

static void put(const char *name, const char *bytes, size_t len)
{
	AUTO(free) char *path = path_of(name);
	FILE *file = fopen(path, "w");

	if (!file || fwrite(bytes, 1, len, file) != len || fclose(file) != 0)
		exit(1);
}

static bool has(const char *name)
{
	AUTO(free) char *path = path_of(name);

	return access(path, F_OK) == 0;
}

static void empty_store(void)
{
	AUTO(free) char *each = xasprintf("exec rm -f %s/recordings/3f/*", folder);

	if (system(each) != 0)
		exit(1);
}

/* ---- the ledger ---- */

static bool run_sql(struct ledger_job *job, struct catalog *catalog, struct err *why)
{
	return db_exec(catalog_db(catalog), fixture_write.what, why);
}

static bool run_fault(struct ledger_job *job, struct catalog *catalog, struct err *why)
{
	return store_faults_add(catalog, fixture_write.what, why);
}

static void know(const char *path, enum store_fault_kind kind, enum store_fault_state state)
{
	struct store_fault fault = { .kind = kind,
				     .state = state,
				     .generation = 20,
				     .seen_at_ms = 1,
				     .call_sid = CALL,
				     .recording_sid = RECORDING };

	str_fit(str_of(path), fault.path, sizeof(fault.path));
	write_now(run_fault, &fault);
}

/* state -1: there is no such fault. */
static int fault_state(const char *path, struct store_fault *out)
{
	bool is_known;

	must(catalog_begin(reader, &err));
	is_known = store_faults_find(reader, path, out, &err);
	catalog_rollback(reader);
	return is_known ? (int)out->state : -1;
}

static void set_row(enum recording_state state, const char *path, int64_t duration_s,
		    const char *more)
{
	AUTO(free)
	char *text = xasprintf(
		"UPDATE recordings SET state = %d, path = '%s', generation = 20, size = 6191, "
		"stored_at_ms = 1, duration_s = %lld, queued_at_ms = NULL, next_try_at_ms = NULL, "
		"reason_text = NULL%s; DELETE FROM store_faults; UPDATE attempts SET ended_at_ms = 1",
		(int)state, path, (long long)duration_s, more);

	write_now(run_sql, text);
}

/* What plays now: 'w'hole, 'd'amaged, '-' nothing. */
static char plays(void)
{
	struct recording now = recorded();
	char *bytes = NULL, found = '-';
	AUTO(free) char *path = path_of(now.path);
	size_t len;

	if (now.state != RECORDING_STORED || !file_read(path, 1 << 20, &bytes, &len, &err))
		return '-';
	if (len == whole.len)
		found = memcmp(bytes, whole.at, len) == 0 ? 'w' : 'd';
	free(bytes);
	return found;
}

/* ---- what Twilio has no more ---- */

static void put_older(char what)
{
	struct str bytes = what == 'w' ? whole : what == 's' ? shorter : STR("no audio");

	put(P10, what == 'd' ? damaged : bytes.at, what == 'd' ? whole.len : bytes.len);
}

static void test_adopting(void)
{
	static const struct {
		const char *name;
		const char *older, *oldest; /* "w", "d", "s", "x"; NULL: is not there */
		bool is_older_known;        /* to be damaged */
		int64_t told_s;
		char plays;
	} cases[] = {
		{ "the damaged file alone", NULL, NULL, false, EVENT_UNKNOWN, 'd' },
		{ "an older one that is whole", "w", NULL, false, EVENT_UNKNOWN, 'w' },
		{ "one that is known to be damaged as well", "w", NULL, true, EVENT_UNKNOWN, 'd' },
		{ "behind which a still older one is whole", "d", "w", true, EVENT_UNKNOWN, 'w' },
		{ "one that is shorter than Twilio said", "w", NULL, false, LONG_S, 'd' },
		{ "one that is shorter than the damaged one", "s", NULL, false, EVENT_UNKNOWN,
		  'd' },
		{ "one that is no audio", "x", NULL, false, EVENT_UNKNOWN, 'd' },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *older = cases[i].older;
		struct store_fault fault;
		int state;

		empty_store();
		put(P20, damaged, whole.len);
		if (older)
			put_older(*older);
		if (cases[i].oldest)
			put(P5, whole.at, whole.len);
		set_row(RECORDING_GONE, P20, cases[i].told_s, "");
		know(P20, STORE_FAULT_BYTES, STORE_FAULT_MENDING);
		if (cases[i].is_older_known)
			know(P10, STORE_FAULT_BYTES, STORE_FAULT_MENDED);
		mend();
		OK(plays() == cases[i].plays, "%s: %c plays", cases[i].name, cases[i].plays);
		OK(recorded().generation > 20, "%s: under a generation of its own", cases[i].name);
		state = fault_state(P20, &fault);
		if (cases[i].plays == 'w') {
			OK(state == STORE_FAULT_STAYS && has(P20) &&
				   strstr(fault.reason, "an older file is whole"),
			   "%s: the damaged one is kept, and it says why", cases[i].name);
			mend();
			OK(fault_state(P20, &fault) == STORE_FAULT_STAYS && has(P20),
			   "%s: later as well", cases[i].name);
			continue;
		}
		OK(!has(P20), "%s: the old name is gone", cases[i].name);
		OK(state == -1 && fault_state(recorded().path, &fault) == STORE_FAULT_STAYS,
		   "%s: told under its new name", cases[i].name);
	}
}

static void test_interrupted(void)
{
	empty_store();
	put(P20, damaged, whole.len);
	put_older('w');
	set_row(RECORDING_GONE, P20, EVENT_UNKNOWN, "");
	know(P20, STORE_FAULT_BYTES, STORE_FAULT_MENDING);
	interrupts = true;
	mend();
	interrupts = false;
	OK(reads > 2 && plays() == 'w', "reads that are interrupted are done again: %u of them",
	   reads);
}

/* ---- what is done with each ---- */

static void test_judging(void)
{
	static const struct {
		const char *name;
		enum store_fault_kind kind;
		const char *path; /* of the fault; the row has P20 */
		enum recording_state state;
		const char *more; /* of the row */
		int fault_state;
		bool waits, has_file;
	} cases[] = {
		{ "lost, and queued", STORE_FAULT_MISSING, P20, RECORDING_QUEUED, "",
		  STORE_FAULT_MENDING, true, true },
		{ "lost, and waiting", STORE_FAULT_BYTES, P20, RECORDING_WAITING,
		  ", next_try_at_ms = 9", STORE_FAULT_MENDING, true, true },
		{ "lost, and too old to be fetched", STORE_FAULT_BYTES, P20, RECORDING_WAITING,
		  ", next_try_at_ms = 9223372036854775807", STORE_FAULT_ACCEPTED, false, true },
		{ "lost, and stored anew", STORE_FAULT_BYTES, P10, RECORDING_STORED, "",
		  STORE_FAULT_MENDED, false, true },
		{ "lost, and not found out yet", STORE_FAULT_BYTES, P20, RECORDING_STORED, "",
		  STORE_FAULT_MENDING, true, true },
		{ "lost, and purged meanwhile", STORE_FAULT_BYTES, P20, RECORDING_PURGED, "",
		  STORE_FAULT_MENDED, false, true },
		{ "missing, and gone at Twilio", STORE_FAULT_MISSING, P20, RECORDING_GONE, "",
		  STORE_FAULT_STAYS, false, true },
		{ "cut, and a dead letter", STORE_FAULT_SIZE, P20, RECORDING_DEAD, "",
		  STORE_FAULT_STAYS, false, true },
		{ "unreadable, and absent", STORE_FAULT_UNREADABLE, P20, RECORDING_ABSENT, "",
		  STORE_FAULT_STAYS, false, true },
		{ "old, of one that is stored", STORE_FAULT_OLD, P10, RECORDING_STORED, "",
		  STORE_FAULT_MENDED, false, false },
		{ "old, of one that was removed", STORE_FAULT_OLD, P10, RECORDING_DELETED, "",
		  STORE_FAULT_MENDED, false, false },
		{ "old, of one that is fetched", STORE_FAULT_OLD, P10, RECORDING_QUEUED, "",
		  STORE_FAULT_MENDING, true, true },
		{ "an old waveform of one that is gone", STORE_FAULT_OLD, PEAKS10, RECORDING_GONE,
		  "", STORE_FAULT_MENDED, false, false },
		{ "old, all that there is", STORE_FAULT_OLD, P10, RECORDING_GONE, "",
		  STORE_FAULT_MENDED, false, false },
		{ "unknown, and known by now", STORE_FAULT_UNKNOWN, P20, RECORDING_STORED, "",
		  STORE_FAULT_MENDED, false, true },
		{ "back, of one that was given up", STORE_FAULT_UNKNOWN, P20, RECORDING_GONE, "",
		  STORE_FAULT_MENDED, false, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct store_fault fault;

		empty_store();
		put(cases[i].path, whole.at, whole.len);
		set_row(cases[i].state, P20, EVENT_UNKNOWN, cases[i].more);
		know(cases[i].path, cases[i].kind, STORE_FAULT_MENDING);
		mend();
		IS_INT(fault_state(cases[i].path, &fault), cases[i].fault_state, "%s: its state",
		       cases[i].name);
		OK(does_wait == cases[i].waits, "%s: it is waited for, or not", cases[i].name);
		OK(has(cases[i].path) == cases[i].has_file, "%s: its file stays, or goes",
		   cases[i].name);
	}
}

/* What could not be mended: a loss is, when others have stored it again; a file that is too much is left to people. */
static void test_stays(void)
{
	static const struct {
		const char *name;
		enum store_fault_kind kind;
		const char *path;
		enum recording_state state; /* of the row, which has P20 */
		enum store_fault_state fault_state;
	} cases[] = {
		{ "a loss, stored anew", STORE_FAULT_BYTES, P10, RECORDING_STORED,
		  STORE_FAULT_MENDED },
		{ "a loss, removed by somebody", STORE_FAULT_MISSING, P10, RECORDING_DELETED,
		  STORE_FAULT_MENDED },
		{ "a loss, still gone at Twilio", STORE_FAULT_BYTES, P20, RECORDING_GONE,
		  STORE_FAULT_STAYS },
		{ "an old one, of what is stored", STORE_FAULT_OLD, P10, RECORDING_STORED,
		  STORE_FAULT_STAYS },
		{ "an unknown one, known by now", STORE_FAULT_UNKNOWN, P20, RECORDING_STORED,
		  STORE_FAULT_STAYS },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct store_fault fault;

		empty_store();
		put(cases[i].path, whole.at, whole.len);
		set_row(cases[i].state, P20, EVENT_UNKNOWN, "");
		know(cases[i].path, cases[i].kind, STORE_FAULT_STAYS);
		mend();
		IS_INT(fault_state(cases[i].path, &fault), cases[i].fault_state,
		       "%s, which could not be mended: its state", cases[i].name);
		OK(has(cases[i].path), "%s: its file is not touched", cases[i].name);
	}
}

/* ---- many of them ---- */

static bool is_back(void)
{
	return jobs_back == jobs;
}

static void count_anew(void)
{
	jobs = jobs_back = looks = looks_of_job = looks_most = 0;
	counts = true;
}

/* In each half another state; the fault behind all of them is over. */
static void test_many(void)
{
	enum { MANY = 3000, OF_JOB = 500 };
	struct store_fault fault;
	AUTO(free) char *text = NULL;

	empty_store();
	set_row(RECORDING_QUEUED, P20, EVENT_UNKNOWN, "");
	text = xasprintf(
		"INSERT INTO store_faults (path, kind, state, call_sid, recording_sid, "
		"generation, found_at_ms, seen_at_ms, ended_at_ms, reason) "
		"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
		"SELECT '00/' || i, %d, CASE WHEN i %% 2 THEN %d ELSE %d END, '%s', '%s', "
		"20, 1, 1, 0, '' FROM n",
		MANY, STORE_FAULT_MISSING, STORE_FAULT_MENDING, STORE_FAULT_STAYS, CALL, RECORDING);
	write_now(run_sql, text);
	know(P10, STORE_FAULT_UNKNOWN, STORE_FAULT_MENDING);
	write_now(run_sql, "UPDATE store_faults SET recording_sid = 'RE', kind = 0 "
			   "WHERE path = '" P10 "'");

	count_anew();
	mend();
	counts = false;
	OK(looks_most > 0 && looks_most <= OF_JOB,
	   "a job of a reader looks at %u faults at most: %u", OF_JOB, looks_most);
	IS_INT(looks, MANY + 1, "all are looked at, once");
	OK(does_wait, "what waits in a job before the last is told");
	OK(fault_state(P10, &fault) == STORE_FAULT_MENDED, "the last of them is mended");
	OK(mender_held_us(mender) >= INT64_C(1) * MANY * LOOK_US,
	   "for how long all jobs of the pass held readers is known");

	stop_at = 10;
	count_anew();
	is_ended = false;
	mender_start(mender);
	until(is_back);
	counts = false;
	IS_INT(looks, 10, "who stops waits for no more than one fault");
	OK(jobs == 1 && !is_ended, "and nothing is begun any more");
	stop_at = 0;
	verify.is_stopping = false;

	write_now(run_sql, "DELETE FROM store_faults");
	mend();
	OK(mender_held_us(mender) < INT64_C(1) * MANY * LOOK_US, "of the last pass alone");
}

/* ---- what cannot be read ---- */

static void fail_reading(enum err_kind kind)
{
	struct blob_failure failure = { .call = BLOB_CALL_OPEN_READ,
					.count = UINT64_MAX,
					.kind = kind };

	blob_flaky_fail(env.store, &failure);
}

static void test_unreadable(void)
{
	struct store_fault fault;

	empty_store();
	put(P20, damaged, whole.len);
	set_row(RECORDING_GONE, P20, EVENT_UNKNOWN, "");
	know(P20, STORE_FAULT_BYTES, STORE_FAULT_MENDING);
	fail_reading(ERR_SCARCE);
	for (int i = 0; i < 9; i++)
		mend();
	OK(fault_state(P20, &fault) == STORE_FAULT_MENDING && does_wait,
	   "want of descriptors is waited out");
	fail_reading(ERR_INTERNAL);
	for (int i = 0; i < 2; i++)
		mend();
	OK(fault_state(P20, &fault) == STORE_FAULT_MENDING && does_wait, "it is read again");
	verify.read_again_ms = INT64_C(1) << 40;
	mend();
	OK(fault_state(P20, &fault) == STORE_FAULT_MENDING, "but not at once");
	verify.read_again_ms = 0;
	mend();
	OK(fault_state(P20, &fault) == STORE_FAULT_STAYS && fault.kind == STORE_FAULT_UNREADABLE,
	   "the third time it is told: %s", fault.reason);
	mend();
	OK(!does_wait && fault_state(P20, &fault) == STORE_FAULT_STAYS, "and left alone");
	blob_flaky_fail(env.store, NULL);
	know(P20, STORE_FAULT_BYTES, STORE_FAULT_MENDING); /* by a pass that could read it */
	mend();
	OK(plays() == 'd', "when it can be read again it goes on");

	empty_store();
	put(P10, whole.at, whole.len);
	set_row(RECORDING_GONE, P20, EVENT_UNKNOWN, "");
	know(P10, STORE_FAULT_OLD, STORE_FAULT_MENDING);
	fail_reading(ERR_INTERNAL);
	for (int i = 0; i < 3; i++)
		mend();
	OK(fault_state(P10, &fault) == STORE_FAULT_STAYS && fault.kind == STORE_FAULT_OLD &&
		   has(P10),
	   "one that may be all that there is stays, too");
	blob_flaky_fail(env.store, NULL);

	set_row(RECORDING_GONE, P20, EVENT_UNKNOWN, "");
	empty_store();
	know(P20, STORE_FAULT_BYTES, STORE_FAULT_MENDING);
	mend();
	OK(fault_state(P20, &fault) == STORE_FAULT_STAYS &&
		   strstr(fault.reason, "not there any more"),
	   "one that is not there any more: %s", fault.reason);
}

static void release(void)
{
	mender_free(mender);
}

int main(void)
{
	AUTO(free) char *place = NULL;

	fixture_start();
	whole = audio_read("mp3-mono-22k.mp3");
	shorter = audio_read("wav-mono-mulaw.wav");
	damaged = xcalloc(1, whole.len);
	memcpy(damaged, whole.at, whole.len);
	damaged[3001] ^= 0x20;
	place = xasprintf("%s/recordings/3f", folder);
	if (mkdir(place, 0750) < 0)
		return 1;
	verify = (struct verify_env){ .loop = env.loop,
				      .mailbox = env.mailbox,
				      .ledger = env.ledger,
				      .store = env.store,
				      .workers = env.sealers };
	mender = mender_new(&verify, NULL, ended);
	tell_completed(EVENT_UNKNOWN);
	/* Above those of the files that are put there. */
	write_now(run_sql, "INSERT INTO sqlite_sequence (name, seq) VALUES ('attempts', 100)");
	test_adopting();
	test_interrupted();
	test_judging();
	test_stays();
	test_many();
	test_unreadable();
	fixture_stop(release);
	free(damaged);
	free((void *)(uintptr_t)whole.at);
	free((void *)(uintptr_t)shorter.at);
	return tap_end();
}
