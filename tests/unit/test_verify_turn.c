#include "verify/verify_turn.h"

#include "catalog/catalog_sql.h"
#include "flights_fixture.h"
#include "told.h"
#include "verify/verify_env.h"

#include <limits.h>

#define STEM    "3f/" CALL "." RECORDING
#define P20     STEM ".20.mp3"
#define P10     STEM ".10.mp3"
#define UNKNOWN "3f/" CALL ".RE8a00000000000000000000000000000c.7.mp3"
#define BYTES   "the bytes of a recording"
#define STEPS   400 /* a pass has fewer: each empty folder costs none */
#define SLOW_MS 30000

static struct verify_env verify;
static bool is_doubted;

static bool vouched_now(struct vouched_clock *clock, int64_t *out_ms, struct err *cause)
{
	*out_ms = clock_wall_ms();
	return !is_doubted || err_set(cause, ERR_UNAVAILABLE, "the clock is doubted");
}

static struct vouched_clock vouched_clock = { .now = vouched_now };
static struct verify_turn *turn;
static struct verify_result result;
static char sha256[SHA256_HEX];
static bool is_ended;

static void ended(void *owner, const struct verify_result *what)
{
	result = *what;
	is_ended = true;
}

static bool has_ended(void)
{
	return is_ended;
}

static void step(void)
{
	is_ended = false;
	verify_turn_start(turn);
	until(has_ended);
}

/* ---- the store, and the ledger ---- */

static void put(const char *name, const char *bytes)
{
	AUTO(free) char *path = xasprintf("%s/recordings/%s", folder, name);
	FILE *file = fopen(path, "w");

	if (!file || fputs(bytes, file) < 0 || fclose(file) != 0)
		exit(1);
}

static void empty_store(void)
{
	AUTO(free) char *each = xasprintf("exec rm -rf %s/recordings/3f/*", folder);

	if (system(each) != 0)
		exit(1);
}

static bool run_sql(struct ledger_job *job, struct catalog *catalog, struct err *why)
{
	return db_exec(catalog_db(catalog), fixture_write.what, why);
}

static bool run_fault(struct ledger_job *job, struct catalog *catalog, struct err *why)
{
	return store_faults_add(catalog, fixture_write.what, why);
}

static void set_row(enum recording_state state, size_t size, const char *digest)
{
	AUTO(free)
	char *text = xasprintf(
		"UPDATE recordings SET state = %d, path = '" P20 "', generation = 20, size = %zu, "
		"sha256 = %s%s%s, stored_at_ms = 1, queued_at_ms = NULL, next_try_at_ms = NULL; "
		"DELETE FROM store_faults; DELETE FROM verifications",
		(int)state, size, digest ? "'" : "", digest ? digest : "NULL", digest ? "'" : "");

	write_now(run_sql, text);
}

static bool run_ask(struct ledger_job *job, struct catalog *catalog, struct err *why)
{
	return verifications_set(catalog, VERIFICATION_ASKED, fixture_write.what, why);
}

static void ask(bool mends)
{
	static int64_t asked_at_ms;
	const struct verification row = { .asked_at_ms = ++asked_at_ms, .mends = mends };

	write_now(run_ask, &row);
}

static unsigned steps; /* of the last pass */

static struct verification pass(enum verification_pass which)
{
	struct verification row = { .folder = 0 };

	must(catalog_begin(reader, &err) && verifications_find(reader, which, &row, &err));
	catalog_rollback(reader);
	return row;
}

/* "kind state" of the file; "" none is known. */
static const char *fault_of(const char *path)
{
	static char text[64];
	struct store_fault fault;
	bool is_known;

	must(catalog_begin(reader, &err));
	is_known = store_faults_find(reader, path, &fault, &err);
	catalog_rollback(reader);
	text[0] = '\0';
	if (is_known)
		snprintf(text, sizeof(text), "%s %s", store_fault_kind_text(fault.kind),
			 store_fault_state_text(fault.state));
	return text;
}

/* Until it is done, or held up; how many faults are being mended. */
static unsigned pass_through(bool mends)
{
	unsigned faults = 0;

	ask(mends);
	for (steps = 1; steps <= STEPS; steps++) {
		step();
		faults += result.faults;
		if (result.outcome != VERIFY_STEPPED ||
		    pass(VERIFICATION_ASKED).completed_at_ms != 0)
			return faults;
	}
	return 1000;
}

/* ---- what is found ---- */

static void test_findings(void)
{
	static const struct {
		const char *name;
		enum recording_state state;
		const char *bytes; /* in the store under P20; NULL: none */
		bool is_digested, mends;
		const char *other; /* a name beside it; NULL: none */
		const char *fault, *other_fault;
		enum recording_state becomes;
	} cases[] = {
		{ "sound", RECORDING_STORED, BYTES, true, true, NULL, "", "", RECORDING_STORED },
		{ "sound, of which no digest is known", RECORDING_STORED,
		  "THE bytes of a recording", false, true, NULL, "", "", RECORDING_STORED },
		{ "other bytes", RECORDING_STORED, "THE bytes of a recording", true, true, NULL,
		  "bytes mending", "", RECORDING_QUEUED },
		{ "other bytes, only to be told", RECORDING_STORED, "THE bytes of a recording",
		  true, false, NULL, "bytes open", "", RECORDING_STORED },
		{ "cut", RECORDING_STORED, "the bytes", true, true, NULL, "size mending", "",
		  RECORDING_QUEUED },
		{ "missing", RECORDING_STORED, NULL, true, true, NULL, "missing mending", "",
		  RECORDING_QUEUED },
		{ "a generation of before", RECORDING_STORED, BYTES, true, true, P10, "",
		  "old mending", RECORDING_STORED },
		{ "the same of one that is fetched", RECORDING_QUEUED, NULL, true, true, P10, "",
		  "", RECORDING_QUEUED },
		{ "a recording that nobody knows", RECORDING_STORED, BYTES, true, true, UNKNOWN, "",
		  "unknown mending", RECORDING_STORED },
		{ "no file of ours", RECORDING_STORED, BYTES, true, true, "3f/notes.txt", "",
		  "foreign open", RECORDING_STORED },
		{ "a waveform", RECORDING_STORED, BYTES, true, true, STEM ".20.peaks", "", "",
		  RECORDING_STORED },
		{ "given up, and its file is back", RECORDING_GONE, BYTES, true, true, NULL,
		  "unknown mending", "", RECORDING_GONE },
		{ "given up, and it is back with other bytes", RECORDING_GONE,
		  "THE bytes of a recording", true, true, NULL, "", "", RECORDING_GONE },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		unsigned faults, want;

		empty_store();
		if (cases[i].bytes)
			put(P20, cases[i].bytes);
		if (cases[i].other)
			put(cases[i].other, BYTES);
		set_row(cases[i].state, strlen(BYTES), cases[i].is_digested ? sha256 : NULL);
		faults = pass_through(cases[i].mends);
		want = (strstr(cases[i].fault, "mending") != NULL) +
		       (strstr(cases[i].other_fault, "mending") != NULL);
		IS_INT(faults, want, "%s: so many are mended", cases[i].name);
		IS_STR(str_of(fault_of(P20)), str_of(cases[i].fault), "%s: what is told",
		       cases[i].name);
		if (cases[i].other)
			IS_STR(str_of(fault_of(cases[i].other)), str_of(cases[i].other_fault),
			       "%s: and of the other file", cases[i].name);
		IS_INT(recorded().state, cases[i].becomes, "%s: what becomes of it", cases[i].name);
		OK(pass(VERIFICATION_ASKED).completed_at_ms != 0, "%s: the pass ends",
		   cases[i].name);
	}
}

/* A damaged file, of which an older one is played. */
static void test_kept_beside(void)
{
	struct store_fault fault = { .kind = STORE_FAULT_BYTES,
				     .state = STORE_FAULT_STAYS,
				     .path = P10,
				     .seen_at_ms = 1,
				     .call_sid = CALL,
				     .recording_sid = RECORDING };

	empty_store();
	put(P20, BYTES);
	put(P10, BYTES);
	set_row(RECORDING_STORED, strlen(BYTES), sha256);
	write_now(run_fault, &fault);
	IS_INT(pass_through(true), 0, "what is kept beside it is left alone");
	IS_STR(str_of(fault_of(P10)), STR("bytes stays"), "and told as before");
	fault.state = STORE_FAULT_MENDED;
	write_now(run_fault, &fault);
	IS_INT(pass_through(true), 1, "until it is mended");
	IS_STR(str_of(fault_of(P10)), STR("old mending"), "then it is a generation of before");
}

/* It was given up as nobody could read it; now it can be read, and has other bytes. */
static void test_readable_again(void)
{
	struct store_fault fault = { .kind = STORE_FAULT_UNREADABLE,
				     .state = STORE_FAULT_STAYS,
				     .path = P20,
				     .seen_at_ms = 1,
				     .call_sid = CALL,
				     .recording_sid = RECORDING };

	empty_store();
	put(P20, "THE bytes of a recording");
	set_row(RECORDING_GONE, strlen(BYTES), sha256);
	write_now(run_fault, &fault);
	IS_INT(pass_through(true), 1, "what can be read again is mended");
	IS_STR(str_of(fault_of(P20)), STR("bytes mending"), "for what it is now");
	set_row(RECORDING_GONE, strlen(BYTES), sha256);
	fault.kind = STORE_FAULT_MISSING;
	write_now(run_fault, &fault);
	IS_INT(pass_through(true), 0, "what was missing, and is back with other bytes, is not");
	IS_STR(str_of(fault_of(P20)), STR("missing stays"), "and is told as it was");
}

/* ---- how far it is ---- */

static void test_counted(void)
{
	static const struct {
		const char *name;
		const char *bytes;
		bool is_digested;
		int64_t files, read, undigested;
	} rows[] = {
		{ "one that is sound", BYTES, true, 1, sizeof(BYTES) - 1, 0 },
		{ "one without a digest, of its size alone", BYTES, false, 1, 0, 1 },
		{ "one that is not there", NULL, true, 1, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct verification row;

		empty_store();
		if (rows[i].bytes)
			put(P20, rows[i].bytes);
		set_row(RECORDING_STORED, strlen(BYTES), rows[i].is_digested ? sha256 : NULL);
		(void)pass_through(false);
		row = pass(VERIFICATION_ASKED);
		IS_INT(row.files, rows[i].files, "%s: it is a file", rows[i].name);
		IS_INT(row.bytes, rows[i].read, "%s: what of it is read", rows[i].name);
		IS_INT(row.undigested, rows[i].undigested, "%s: and what is not known",
		       rows[i].name);
		OK(row.folder == VERIFICATION_FOLDERS && row.after_id == row.last_id &&
			   !row.mends && row.began_at_ms > 0 &&
			   row.completed_at_ms >= row.began_at_ms,
		   "%s: all of it is done", rows[i].name);
	}
}

/* Those of the store's own folder, of its first and of its last; empty ones are passed over 64 at a time. */
static void test_folders(void)
{
	static const char *const names[] = { "notes.txt", "00/notes.txt", "ff/notes.txt" };

	empty_store();
	put(P20, BYTES);
	set_row(RECORDING_STORED, strlen(BYTES), sha256);
	(void)pass_through(true);
	IS_INT(steps, 5, "one for the rows, and four for 256 folders, of which one has a file");
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		AUTO(free) char *path = xasprintf("%s/recordings/%s", folder, names[i]);
		AUTO(free) char *place = xasprintf("%s/recordings/%.2s", folder, names[i]);

		if (i > 0 && mkdir(place, 0750) < 0)
			exit(1);
		put(names[i], BYTES);
		(void)pass_through(true);
		IS_STR(str_of(fault_of(names[i])), STR("foreign open"), "%s is found", names[i]);
		unlink(path);
		if (i > 0)
			rmdir(place);
	}
}

/* More names in a folder than are compared at once, and more faults than there was room for. */
static void test_many_names(void)
{
	unsigned told = 0;

	empty_store();
	put(P20, BYTES);
	set_row(RECORDING_STORED, strlen(BYTES), sha256);
	for (unsigned n = 0; n < 520; n++) {
		AUTO(free)
		char *name = n % 13 == 0 ? xasprintf("3f/%u.txt", n)
					 : xasprintf("3f/" CALL ".RE%032x.7.peaks", n);

		put(name, "");
	}
	IS_INT(pass_through(true), 0, "nothing of it is mended");
	for (unsigned n = 0; n < 520; n += 13) {
		AUTO(free) char *name = xasprintf("3f/%u.txt", n);

		told += strcmp(fault_of(name), "foreign open") == 0;
	}
	IS_INT(told, 40, "each that is none of ours is told, wherever it is listed");
}

/* ---- rows ---- */

/* Further recordings, 2 to count, whose files are not there. */
static void add_rows(unsigned count, const char *digest, size_t size)
{
	AUTO(free)
	char *text = xasprintf(
		"WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < %u) "
		"INSERT INTO recordings (id, recording_sid, call_id, call_sid, account_sid, state, "
		"upstream, is_held, is_duration_off, channels_wanted, tries, generation, size, "
		"sha256, path, stored_at_ms, changed_seq) SELECT id + i, printf('RE%%032x', i), call_id, "
		"call_sid, account_sid, %d, upstream, 0, 0, 2, 0, 20, %zu, '%s', "
		"printf('3f/" CALL
		".RE%%032x.20.mp3', i), 1, i FROM recordings, n WHERE recording_sid = '" RECORDING
		"'",
		count, (int)RECORDING_STORED, size, digest);

	write_now(run_sql, text);
}

static void drop_rows(void)
{
	write_now(run_sql, "DELETE FROM recordings WHERE recording_sid <> '" RECORDING "'");
}

static void test_many_rows(void)
{
	static const struct {
		unsigned rows, steps; /* beside the four of the folders */
	} cases[] = { { 32, 1 }, { 33, 2 } };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char last[96];

		empty_store();
		put(P20, BYTES);
		set_row(RECORDING_STORED, strlen(BYTES), sha256);
		add_rows(cases[i].rows, sha256, strlen(BYTES));
		(void)pass_through(false);
		snprintf(last, sizeof(last), "3f/" CALL ".RE%032x.20.mp3", cases[i].rows);
		IS_INT(pass(VERIFICATION_ASKED).files, cases[i].rows, "%u rows: each is looked at",
		       cases[i].rows);
		IS_INT(steps, cases[i].steps + 4, "... in so many steps");
		IS_STR(str_of(fault_of(last)), STR("missing open"), "... the last, too");
		drop_rows();
	}
}

/* What comes while a pass is under way is not of it. */
static void test_last_row(void)
{
	struct verification begun;

	set_row(RECORDING_STORED, strlen(BYTES), sha256);
	(void)pass_through(false);
	begun = (struct verification){ .asked_at_ms = 1,
				       .began_at_ms = 1,
				       .after_id = pass(VERIFICATION_ASKED).last_id,
				       .last_id = pass(VERIFICATION_ASKED).last_id + 3 };
	add_rows(5, sha256, strlen(BYTES));
	write_now(run_ask, &begun);
	step();
	OK(pass(VERIFICATION_ASKED).files == 2 &&
		   pass(VERIFICATION_ASKED).after_id == begun.last_id,
	   "of rows up to the last of it, without those before");
	drop_rows();
	/* The last of it was removed, and a whole page came behind it. */
	add_rows(34, sha256, strlen(BYTES));
	begun.last_id = begun.after_id + 1;
	write_now(run_ask, &begun);
	step();
	OK(pass(VERIFICATION_ASKED).files == 0 &&
		   pass(VERIFICATION_ASKED).after_id == begun.last_id,
	   "though the last of it is there no more");
	drop_rows();
}

#define STEP_SIZE (16 << 20)

/* A step ends with the file by which it has read so much. */
static void test_step_bytes(void)
{
	AUTO(free) char *first = xasprintf("%s/recordings/" P20, folder);
	struct blob_content content;
	char digest[SHA256_HEX];
	struct buf hex;

	for (int less = 0; less < 2; less++) {
		uint64_t size = STEP_SIZE - (uint64_t)less;

		empty_store();
		put(P20, "");
		if (truncate(first, (off_t)size) < 0)
			exit(1);
		must(blob_read_content(env.store, STR(P20), 0, NULL, &content, &err));
		buf_over(&hex, digest, sizeof(digest));
		hex_add(&hex, content.sha256, sizeof(content.sha256));
		set_row(RECORDING_STORED, size, digest);
		add_rows(3, sha256, strlen(BYTES));
		ask(false);
		step();
		IS_INT(pass(VERIFICATION_ASKED).files, less ? 3 : 1, "16 MiB%s are %s",
		       less ? " less a byte" : "", less ? "no step yet" : "a step");
		OK(result.read == size && result.took_ms > 0 && result.took_ms < SLOW_MS,
		   "as is told, and how long it took, for the rate");
		step();
		IS_INT(pass(VERIFICATION_ASKED).files, 3, "the others come with the next");
		drop_rows();
	}
	empty_store();
}

/* ---- what was known ---- */

static void test_known(void)
{
	static const struct {
		const char *name;
		enum store_fault_kind kind;
		enum store_fault_state state;
		const char *becomes;
	} rows[] = {
		{ "damaged, and taken as it is", STORE_FAULT_BYTES, STORE_FAULT_ACCEPTED,
		  "bytes accepted" },
		{ "cut, and not to be mended", STORE_FAULT_SIZE, STORE_FAULT_STAYS, "old mending" },
		{ "old, and not to be mended", STORE_FAULT_OLD, STORE_FAULT_STAYS, "old mending" },
		{ "damaged, and being mended", STORE_FAULT_BYTES, STORE_FAULT_MENDING,
		  "old mending" },
	};
	struct store_fault fault = {
		.path = P10, .seen_at_ms = 1, .call_sid = CALL, .recording_sid = RECORDING
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		empty_store();
		put(P20, BYTES);
		put(P10, BYTES);
		set_row(RECORDING_STORED, strlen(BYTES), sha256);
		fault.kind = rows[i].kind;
		fault.state = rows[i].state;
		fault.seen_at_ms = 1;
		write_now(run_fault, &fault);
		(void)pass_through(true);
		IS_STR(str_of(fault_of(P10)), str_of(rows[i].becomes), "one beside it, %s",
		       rows[i].name);
	}
	/* Told by this very pass: whoever fetched it anew removes it. */
	fault.kind = STORE_FAULT_BYTES;
	fault.state = STORE_FAULT_OPEN;
	fault.seen_at_ms = clock_wall_ms() + 86400000;
	set_row(RECORDING_STORED, strlen(BYTES), sha256);
	write_now(run_fault, &fault);
	IS_INT(pass_through(true), 0, "one that was fetched anew in this pass is left alone");
	IS_STR(str_of(fault_of(P10)), STR("bytes open"), "and told as it was");
}

/* At its end: what was not seen any more is over, and what was over long ago is forgotten. */
static void test_over(void)
{
	struct store_fault fault = { .kind = STORE_FAULT_OLD,
				     .state = STORE_FAULT_OPEN,
				     .path = P10,
				     .seen_at_ms = 1,
				     .call_sid = CALL,
				     .recording_sid = RECORDING };
	AUTO(free) char *text = NULL;

	empty_store();
	put(P20, BYTES);
	set_row(RECORDING_STORED, strlen(BYTES), sha256);
	write_now(run_fault, &fault);
	step();
	IS_STR(str_of(fault_of(P10)), STR("old open"), "what is known stays so");
	(void)pass_through(true);
	IS_STR(str_of(fault_of(P10)), STR("old mended"), "until a pass does not find it any more");
	(void)pass_through(true);
	IS_STR(str_of(fault_of(P10)), STR("old mended"), "which is known for a while");
	write_now(run_sql, "UPDATE store_faults SET ended_at_ms = 5");
	is_doubted = true;
	(void)pass_through(true);
	IS_STR(str_of(fault_of(P10)), STR("old mended"), "and by a clock that is doubted");
	is_doubted = false;
	(void)pass_through(true);
	IS_STR(str_of(fault_of(P10)), STR(""), "not for ever");
}

/* Others hear of it: its file is to be fetched, and who has it open is not to play it. */
static void test_heard(void)
{
	int64_t since;

	empty_store();
	put(P20, "the bytes");
	set_row(RECORDING_STORED, strlen(BYTES), sha256);
	since = told_until(env.ledger);
	(void)pass_through(false);
	OK(!was_told(env.ledger, UINT_MAX, since), "what is only told changes no recording");
	since = told_until(env.ledger);
	(void)pass_through(true);
	OK(was_told(env.ledger, PROJECTED_RECORDING, since) &&
		   was_told(env.ledger, PROJECTED_TO_FETCH, since),
	   "what is lost is told to who fetches");
}

static void fail_reading(enum err_kind kind)
{
	struct blob_failure failure = { .call = BLOB_CALL_OPEN_READ,
					.count = UINT64_MAX,
					.kind = kind };

	blob_flaky_fail(env.store, &failure);
}

static void test_held_up(void)
{
	empty_store();
	put(P20, BYTES);
	set_row(RECORDING_STORED, strlen(BYTES), sha256);
	fail_reading(ERR_SCARCE);
	(void)pass_through(true);
	OK(result.outcome == VERIFY_HELD_UP && result.err.kind == ERR_SCARCE, "held up: %s",
	   result.err.text);
	OK(pass(VERIFICATION_ASKED).failure[0] && pass(VERIFICATION_ASKED).after_id == 0,
	   "which is told, and no row is passed over");
	IS_STR(str_of(fault_of(P20)), STR(""), "nor anything found");
	blob_flaky_fail(env.store, NULL);
	step();
	OK(result.outcome == VERIFY_STEPPED && !pass(VERIFICATION_ASKED).failure[0] &&
		   pass(VERIFICATION_ASKED).files == 1,
	   "it goes on where it was");
}

/* ---- when it is due ---- */

static bool run_by_itself(struct ledger_job *job, struct catalog *catalog, struct err *why)
{
	return verifications_set(catalog, VERIFICATION_BY_ITSELF, fixture_write.what, why);
}

static void test_due(void)
{
	int64_t now_ms = clock_wall_ms();
	const struct {
		const char *name;
		struct verification row;
		int64_t every_ms;
		enum verify_outcome outcome;
		int64_t wait_most_ms; /* and hardly less: the test may be slow */
	} cases[] = {
		{ "never begun: at once", { 0 }, 86400000, VERIFY_STEPPED, 0 },
		{ "only when asked", { 0 }, INT64_MAX, VERIFY_IDLE, 3600000 },
		{ "due in days: the clock may be set meanwhile",
		  { .began_at_ms = now_ms, .completed_at_ms = now_ms },
		  2 * 86400000,
		  VERIFY_IDLE,
		  3600000 },
		{ "again and again: once a minute",
		  { .began_at_ms = now_ms, .completed_at_ms = now_ms },
		  1000,
		  VERIFY_IDLE,
		  60000 },
		{ "done a moment ago",
		  { .began_at_ms = now_ms, .completed_at_ms = now_ms },
		  600000,
		  VERIFY_IDLE,
		  600000 },
		{ "done a round ago",
		  { .began_at_ms = now_ms - 700000, .completed_at_ms = now_ms - 600000 },
		  600000,
		  VERIFY_STEPPED,
		  0 },
		{ "by a clock that was set back since",
		  { .began_at_ms = now_ms + 86400000, .completed_at_ms = now_ms + 86400000 },
		  600000,
		  VERIFY_IDLE,
		  600000 },
		{ "half of the rows in no time",
		  { .began_at_ms = now_ms, .after_id = 1, .last_id = 2, .mends = true },
		  600000,
		  VERIFY_IDLE,
		  270000 },
		{ "all rows, and no folder yet",
		  { .began_at_ms = now_ms, .after_id = 2, .last_id = 2, .mends = true },
		  600000,
		  VERIFY_IDLE,
		  540000 },
		{ "no rows: the folders at the end of its time",
		  { .began_at_ms = now_ms, .mends = true },
		  600000,
		  VERIFY_IDLE,
		  540000 },
		{ "half of the rows in half of the time",
		  { .began_at_ms = now_ms - 300000, .after_id = 1, .last_id = 2, .mends = true },
		  600000,
		  VERIFY_STEPPED,
		  0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		set_row(RECORDING_STORED, strlen(BYTES), sha256);
		write_now(run_by_itself, &cases[i].row);
		verify.options.every_ms = cases[i].every_ms;
		step();
		IS_INT(result.outcome, cases[i].outcome, "%s", cases[i].name);
		OK(result.wait_ms <= cases[i].wait_most_ms &&
			   result.wait_ms > cases[i].wait_most_ms - SLOW_MS &&
			   result.pass == VERIFICATION_BY_ITSELF,
		   "%s: when to look again (%lld)", cases[i].name, (long long)result.wait_ms);
	}
	ask(true);
	step();
	OK(result.pass == VERIFICATION_ASKED && result.outcome == VERIFY_STEPPED,
	   "one that was asked for goes first");
}

static void release(void)
{
	verify_turn_free(turn);
}

int main(void)
{
	struct blob_content content;
	struct buf hex;
	AUTO(free) char *place = NULL;

	fixture_start();
	place = xasprintf("%s/recordings/3f", folder);
	if (mkdir(place, 0750) < 0)
		return 1;
	verify = (struct verify_env){ .loop = env.loop,
				      .clock = &vouched_clock,
				      .mailbox = env.mailbox,
				      .ledger = env.ledger,
				      .store = env.store,
				      .workers = env.sealers,
				      .options = { .every_ms = INT64_MAX } };
	turn = verify_turn_new(&verify, NULL, ended);
	tell_completed(EVENT_UNKNOWN);
	put(P20, BYTES);
	must(blob_read_content(env.store, STR(P20), 0, NULL, &content, &err));
	buf_over(&hex, sha256, sizeof(sha256));
	hex_add(&hex, content.sha256, sizeof(content.sha256));
	test_findings();
	test_kept_beside();
	test_readable_again();
	test_held_up();
	test_counted();
	test_folders();
	test_many_names();
	test_many_rows();
	test_last_row();
	test_step_bytes();
	test_known();
	test_over();
	test_heard();
	test_due();
	fixture_stop(release);
	return tap_end();
}
