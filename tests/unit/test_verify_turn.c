#include "verify/verify_turn.h"

#include "catalog/catalog_sql.h"
#include "flights_fixture.h"
#include "verify/verify_env.h"

#define STEM    "3f/" CALL "." RECORDING
#define P20     STEM ".20.mp3"
#define P10     STEM ".10.mp3"
#define UNKNOWN "3f/" CALL ".RE8a00000000000000000000000000000c.7.mp3"
#define BYTES   "the bytes of a recording"
#define STEPS   400 /* a pass has fewer: each empty folder costs none */

static struct verify_env verify;
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

static struct verification pass(enum verification_pass which)
{
	struct verification row;

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
	for (int i = 0; i < STEPS; i++) {
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
		int64_t wait_most_ms;
	} cases[] = {
		{ "never begun: at once", { 0 }, 86400000, VERIFY_STEPPED, 0 },
		{ "only when asked", { 0 }, INT64_MAX, VERIFY_IDLE, 3600000 },
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
		  300000 },
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
			   (cases[i].outcome == VERIFY_STEPPED || result.wait_ms > 0),
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
	test_due();
	fixture_stop(release);
	return tap_end();
}
