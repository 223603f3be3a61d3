#include "ledger/ledger.h"

#include "catalog/calls.h"
#include "catalog/events.h"
#include "running_ledger.h"

/* ---- who listens ---- */

static struct {
	struct ledger_listener listener;
	int changes, out_of_order;
	int64_t sequence;
	int of_call[256]; /* by the number in its SID */
} heard;

static unsigned awaited;

static bool was_heard(void)
{
	return heard.of_call[awaited] > 0;
}

static bool hears_of(unsigned number)
{
	awaited = number;
	return until(was_heard);
}

static void changed(struct ledger_listener *listener, const struct projection_change *change,
		    int64_t sequence)
{
	heard.changes++;
	heard.out_of_order += sequence < heard.sequence;
	heard.sequence = sequence;
	if (change->call_sid[0])
		heard.of_call[ascii_hex_value(change->call_sid[32]) * 16 +
			      ascii_hex_value(change->call_sid[33])]++;
}

/* ---- jobs ---- */

struct write {
	struct ledger_job job;
	char call_sid[SID_SIZE];
	bool is_bad;
	int runs, settled;
	int heard_before,
		settled_before; /* done(): changes that were told, and that it was settled */
};

static int done_count, done_wanted;

static bool all_done(void)
{
	return done_count == done_wanted;
}

static void write_done(struct ledger_job *job)
{
	struct write *write = container_of(job, struct write, job);

	write->heard_before = heard.changes;
	write->settled_before = write->settled;
	done_count++;
}

static void write_settled(struct ledger_job *job)
{
	container_of(job, struct write, job)->settled++;
}

static bool run_write(struct ledger_job *job, struct catalog *catalog, struct err *cause)
{
	struct write *write = container_of(job, struct write, job);
	struct event event;
	int64_t seq;

	write->runs++;
	event_init(&event, EVENT_CALL_STATUS, 1700000000000);
	event.call_sid = str_of(write->call_sid);
	event.status = STR("completed");
	if (!events_append(catalog, &event, &seq, cause))
		return false;
	return !write->is_bad || err_set(cause, ERR_CONFLICT, "this one is bad");
}

static void post(struct write *write, unsigned number)
{
	snprintf(write->call_sid, SID_SIZE, "CA%032x", number);
	write->job.run = run_write;
	write->job.settled = write_settled;
	write->job.done = write_done;
	write->job.reply = mailbox;
	done_wanted++;
	ledger_write(ledger, &write->job);
}

struct find {
	struct ledger_job job;
	char call_sid[SID_SIZE];
	bool is_found, is_settled, is_done;
};

static struct find find;

static bool run_find(struct ledger_job *job, struct catalog *catalog, struct err *cause)
{
	struct call call;

	find.is_found = calls_find(catalog, str_of(find.call_sid), &call, cause);
	return find.is_found || cause->kind == ERR_NOT_FOUND;
}

static void find_settled(struct ledger_job *job)
{
	find.is_settled = find.is_found && !find.is_done;
}

static void find_done(struct ledger_job *job)
{
	find.is_done = true;
}

static bool is_answered(void)
{
	return find.is_done;
}

static bool is_known(unsigned number)
{
	find = (struct find){ .job = { .run = run_find,
				       .settled = find_settled,
				       .done = find_done,
				       .reply = mailbox } };
	snprintf(find.call_sid, SID_SIZE, "CA%032x", number);
	ledger_read(ledger, &find.job);
	return until(is_answered) && find.job.succeeded && find.is_found;
}

/* ---- tests ---- */

static uint64_t commits(void)
{
	struct ledger_sums sums;
	uint64_t count = 0;

	ledger_sums(ledger, &sums);
	for (unsigned i = 0; i <= TIME_BUCKETS; i++)
		count += sums.commits.buckets[i];
	return count;
}

static void test_write(void)
{
	struct write write = { 0 };

	post(&write, 1);
	OK(until(all_done) && write.job.succeeded, "a job is committed");
	IS_INT(commits(), 1, "and the commit is counted");
	OK(hears_of(1), "its event is projected, and who listens is told");
	OK(is_known(1), "a reader finds it");
	OK(find.is_settled, "and settles it before it answers");
	OK(find.job.sequence >= heard.sequence,
	   "in a snapshot that is no older than what was told");
}

static void test_neighbours(void)
{
	struct write writes[3] = { { .is_bad = false }, { .is_bad = true }, { .is_bad = false } };
	struct ledger_sums sums;

	gate_shut();
	for (unsigned i = 0; i < 3; i++)
		post(&writes[i], 10 + i);
	gate_open();
	OK(until(all_done), "three jobs are answered");
	OK(writes[0].job.succeeded && writes[2].job.succeeded, "the good ones are committed");
	OK(!writes[1].job.succeeded && writes[1].job.err.kind == ERR_CONFLICT,
	   "the bad one is told why: %s", writes[1].job.err.text);
	ledger_sums(ledger, &sums);
	IS_INT(sums.commits_failed, 0, "no commit has failed, though a job has");
	OK(writes[2].runs == 1 || writes[0].runs == 2, "they were in one batch, and ran again");
	OK(writes[0].settled_before == 1 && writes[2].settled_before == 1 && writes[1].settled == 0,
	   "what is committed is settled once, before it is answered; the bad one never");
	OK(hears_of(10) && hears_of(12) && is_known(12), "they are projected");
	OK(!is_known(11), "nothing of the bad one is there");
}

enum { MANY = FEED_COMMIT_MAX + 40 }; /* more jobs than one transaction takes */

static bool many_are_heard(void)
{
	return heard.of_call[0xee] >= MANY;
}

static void test_many(void)
{
	struct write *writes = xcalloc(MANY, sizeof(*writes));
	int good = 0, early = 0, commits = 1;

	gate_shut();
	for (unsigned i = 0; i < MANY; i++)
		post(&writes[i], ((i + 1) << 8) + 0xee);
	gate_open();
	OK(until(all_done), "more jobs than one transaction takes are answered");
	for (unsigned i = 0; i < MANY; i++) {
		good += writes[i].job.succeeded && writes[i].runs == 1;
		early += i > 0 && writes[i].job.sequence < writes[i - 1].job.sequence;
		commits += i > 0 && writes[i].job.sequence != writes[i - 1].job.sequence;
	}
	IS_INT(good, MANY, "each ran once, and is committed");
	IS_INT(early, 0, "in the order in which they were posted");
	/* Some of them perhaps with the job that held the writer up. */
	OK(commits == 2 || commits == 3, "in as few commits as there may be: %d", commits);
	OK(until(many_are_heard), "all are projected");
	free(writes);
}

static void test_one_bad(void)
{
	struct write write = { .is_bad = true };

	post(&write, 50);
	OK(until(all_done) && !write.job.succeeded && write.job.err.kind == ERR_CONFLICT,
	   "one that is alone and bad is told why");
	IS_INT(write.runs, 1, "it is not tried again");
	OK(!is_known(50), "nothing of it is there");
}

/* ---- readers ---- */

struct read {
	struct ledger_job job;
	pthread_mutex_t *waits_for;
	bool is_bad, is_done;
};

static struct read held_up, quick;

static bool run_read(struct ledger_job *job, struct catalog *catalog, struct err *cause)
{
	struct read *read = container_of(job, struct read, job);

	if (read->waits_for) {
		pthread_mutex_lock(read->waits_for);
		pthread_mutex_unlock(read->waits_for);
	}
	return !read->is_bad || err_set(cause, ERR_NOT_FOUND, "there is nothing");
}

static void read_done(struct ledger_job *job)
{
	container_of(job, struct read, job)->is_done = true;
}

static void read_as(struct read *read, pthread_mutex_t *waits_for, bool is_bad)
{
	*read = (struct read){ .job = { .run = run_read, .done = read_done, .reply = mailbox },
			       .waits_for = waits_for,
			       .is_bad = is_bad };
	ledger_read(ledger, &read->job);
}

static bool quick_is_done(void)
{
	return quick.is_done;
}

static bool held_up_is_done(void)
{
	return held_up.is_done;
}

static void test_readers(void)
{
	static pthread_mutex_t shut = PTHREAD_MUTEX_INITIALIZER;

	pthread_mutex_lock(&shut);
	read_as(&held_up, &shut, false);
	read_as(&quick, NULL, false);
	OK(until(quick_is_done) && !held_up.is_done,
	   "one reader that is held up does not hold up the other");
	OK(quick.job.succeeded && quick.job.sequence > 0, "it knows of which commit it tells");
	pthread_mutex_unlock(&shut);
	OK(until(held_up_is_done) && held_up.job.succeeded, "it goes on");
	read_as(&quick, NULL, true);
	OK(until(quick_is_done) && !quick.job.succeeded && quick.job.err.kind == ERR_NOT_FOUND,
	   "who does not find anything is told why");
	for (int i = 0; i < 4; i++) {
		read_as(&quick, NULL, false);
		OK(until(quick_is_done) && quick.job.succeeded, "and readers go on");
	}
}

static struct write told;

static bool run_told(struct ledger_job *job, struct catalog *catalog, struct err *cause)
{
	job->change.what = PROJECTED_CALL;
	return true;
}

static void test_told_first(void)
{
	int before = heard.changes;

	told.job = (struct ledger_job){ .run = run_told, .done = write_done, .reply = mailbox };
	done_wanted++;
	ledger_write(ledger, &told.job);
	OK(until(all_done) && told.job.succeeded, "a job that changes something itself");
	IS_INT(told.heard_before, before + 1, "is told of before it is answered");
}

static void test_projected_again(void)
{
	struct write write = { 0 };

	sql("CREATE TRIGGER refuse BEFORE INSERT ON calls BEGIN SELECT RAISE(ABORT, 'not now'); END");
	post(&write, 32);
	OK(until(all_done) && write.job.succeeded, "an event is committed");
	OK(!is_known(32), "and cannot be projected");
	sql("DROP TRIGGER refuse");
	OK(hears_of(32), "it is projected later, without another write");
	OK(is_known(32), "and found");
	IS_INT(heard.out_of_order, 0, "all was told in the order of commits");
}

/* What was posted is done, and can be delivered afterwards. */
static void test_stop(void)
{
	struct write writes[20] = { { .is_bad = false } };
	int good = 0;

	for (unsigned i = 0; i < ARRAY_LEN(writes); i++)
		post(&writes[i], 100 + i);
	ledger_stop(ledger);
	OK(until(all_done), "what was posted before a stop is answered");
	for (unsigned i = 0; i < ARRAY_LEN(writes); i++)
		good += writes[i].job.succeeded;
	IS_INT(good, ARRAY_LEN(writes), "all of it is committed");
}

/* As from done() of what was answered before the stop, and is delivered behind it. */
static void test_stopped(void)
{
	struct write late = { .is_bad = false };

	post(&late, 150);
	mailbox_drain(mailbox);
	OK(all_done() && !late.job.succeeded && late.job.err.kind == ERR_UNAVAILABLE,
	   "what is posted after a stop is answered undone");
}

/* No thread runs: on this one. */
static void test_write_now(void)
{
	struct write good = { .job.run = run_write },
		     bad = { .job.run = run_write, .is_bad = true };

	snprintf(good.call_sid, SID_SIZE, "CA%032x", 160u);
	snprintf(bad.call_sid, SID_SIZE, "CA%032x", 161u);
	OK(ledger_write_now(ledger, &good.job, &err) && good.job.sequence > 0, "written now");
	OK(!ledger_write_now(ledger, &bad.job, &err) && err.kind == ERR_CONFLICT, "or not: %s",
	   err.text);
	IS_STR(sql_text("SELECT count(*) FROM events WHERE call_sid LIKE '%a0'"), STR("1"),
	       "the one is there");
	IS_STR(sql_text("SELECT count(*) FROM events WHERE call_sid LIKE '%a1'"), STR("0"),
	       "of the other nothing is");
}

static bool run_broken(struct ledger_job *job, struct catalog *catalog, struct err *cause)
{
	return err_set(cause, ERR_INTERNAL, "the disk is broken");
}

/* Without a reserve, as most ledgers of tests are. */
static void test_trouble(void)
{
	struct ledger_job broken = { .run = run_broken };
	struct write good = { .job.run = run_write };
	struct ledger_troubles troubles;

	snprintf(good.call_sid, SID_SIZE, "CA%032x", 162u);
	OK(!ledger_write_now(ledger, &broken, &err) && err.kind == ERR_INTERNAL,
	   "what cannot be written");
	ledger_troubles(ledger, &troubles);
	OK(troubles.writing.for_ms >= 0, "is a trouble");
	IS_STR(str_of(troubles.writing.text), STR("the disk is broken"), "with its reason");
	MUST(ledger_write_now(ledger, &good.job, &err));
	ledger_troubles(ledger, &troubles);
	IS_INT(troubles.writing.for_ms, -1, "until something is written");
}

static void test_not_opened(void)
{
	struct ledger *none = NULL;

	OK(!ledger_open("/nowhere/ledger.db", &none, &err) && !none, "no folder, no ledger: %s",
	   err.text);
}

static void test_left_behind(void)
{
	ledger_free(ledger);
	sql("UPDATE turns SET watermark = 0");
	sql("DELETE FROM call_numbers");
	sql("DELETE FROM calls");
	heard.sequence = 0;
	memset(heard.of_call, 0, sizeof(heard.of_call));
	MUST(ledger_open(path, &ledger, &err));
	ledger_listen(ledger, &heard.listener);
	MUST(ledger_start(ledger, &err));
	OK(hears_of(1) && is_known(1), "a start projects what is behind the watermark");
	ledger_stop(ledger);
}

int main(void)
{
	running_open();
	heard.listener = (struct ledger_listener){ .mailbox = mailbox, .changed = changed };
	ledger_listen(ledger, &heard.listener);
	MUST(ledger_start(ledger, &err));
	test_write();
	test_neighbours();
	test_many();
	test_one_bad();
	test_readers();
	test_told_first();
	test_projected_again();
	test_stop();
	test_stopped();
	test_write_now();
	test_trouble();
	test_not_opened();
	test_left_behind();
	running_remove();
	return tap_end();
}
