#include "dispatch/recovery.h"

#include "blob/blob.h"
#include "blob/blob_local.h"
#include "catalog/attempts.h"
#include "catalog/events.h"
#include "catalog/recordings.h"
#include "dispatch/scheduler.h"
#include "flights/flight_env.h"
#include "projection/projection.h"
#include "running_ledger.h"
#include "twilio/accounts.h"

#include <fcntl.h>
#include <sys/stat.h>

#define RECORDING STR("RE00000000000000000000000000000001")

static struct blob_store *store;
static char data[] = "/tmp/callspool-test.XXXXXX";

/* What a crash leaves: two attempts, of which one has ended, and two files that were arriving. */
static bool run_leave(struct ledger_job *job, struct catalog *catalog, struct err *cause)
{
	struct projection_result result;
	struct attempt_begin begin = { .recording_sid = RECORDING, .began_at_ms = 1000 };
	struct attempt_end end = { .ended_at_ms = 2000, .outcome = "stalled" };
	struct event event;
	int64_t seq, open_id;

	event_init(&event, EVENT_RECORDING_STATUS, 1000);
	event.recording_sid = RECORDING;
	event.status = STR("completed");
	return events_append(catalog, &event, &seq, cause) &&
	       projection_run(catalog, 1, &result, cause) &&
	       attempts_begin(catalog, &begin, &end.id, cause) &&
	       attempts_end(catalog, &end, cause) &&
	       attempts_begin(catalog, &begin, &open_id, cause);
}

static void leave_file(const char *name)
{
	AUTO(free) char *file = xasprintf("%s/arriving/%s", data, name);
	AUTO(close) int fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		exit(1);
}

static bool is_there(const char *name)
{
	AUTO(free) char *file = xasprintf("%s/arriving/%s", data, name);

	return access(file, F_OK) == 0;
}

static void test_clean(void)
{
	struct ledger_job leave = { .run = run_leave };

	MUST(ledger_write_now(ledger, &leave, &err));
	leave_file("one");
	leave_file("two");
	OK(recovery_clean(ledger, store, &err), "what the last run left is cleaned up");
	OK(!is_there("one") && !is_there("two"), "its files are gone");
	IS_STR(sql_text("SELECT group_concat(outcome) FROM attempts"), STR("stalled,interrupted"),
	       "the attempt that was open has ended, the other one as it did");
	IS_STR(sql_text("SELECT ended_at_ms > 2000 FROM attempts ORDER BY id DESC"), STR("1"),
	       "now");
	OK(recovery_clean(ledger, store, &err), "where nothing was left");
	IS_STR(sql_text("SELECT COUNT(*) FROM attempts WHERE outcome = 'interrupted'"), STR("1"),
	       "nothing changes");
}

static void test_unwritable(void)
{
	sql("CREATE TRIGGER refuse BEFORE UPDATE ON attempts "
	    "BEGIN SELECT RAISE(ABORT, 'not now'); END");
	leave_file("three");
	OK(recovery_clean(ledger, store, &err), "an attempt that cannot be written does not matter "
						"while none is open");
	sql("DROP TRIGGER refuse");
	sql("UPDATE attempts SET ended_at_ms = NULL");
	sql("CREATE TRIGGER refuse BEFORE UPDATE ON attempts "
	    "BEGIN SELECT RAISE(ABORT, 'not now'); END");
	OK(!recovery_clean(ledger, store, &err), "where one is, the start fails: %s", err.text);
	sql("DROP TRIGGER refuse");
	OK(recovery_clean(ledger, store, &err), "until it can be written");
}

static bool run_expire(struct ledger_job *job, struct catalog *catalog, struct err *cause)
{
	return recordings_mark_expired(catalog, RECORDING, cause);
}

static bool is_due(void)
{
	return str_eq(sql_text("SELECT COUNT(*) FROM recordings WHERE reason_code = "
			       "'recording_expired'"),
		      STR("0"));
}

static bool reads_behind(struct ledger_job *job, struct catalog *catalog, struct err *cause)
{
	return true;
}

/* What could not be read is looked for again, by the next look at the latest. */
static void test_read_again(void)
{
	static const struct accounts none = { .count = 0 };
	struct flight_env env = { .loop = loop,
				  .mailbox = mailbox,
				  .ledger = ledger,
				  .store = store,
				  .accounts = &none };
	struct ledger_job expire = { .run = run_expire };
	struct scheduler *scheduler; /* without a slot */
	struct recovery *recovery;

	MUST(ledger_write_now(ledger, &expire, &err));
	OK(!is_due(), "it has expired");
	MUST(ledger_start(ledger, &err));
	scheduler = scheduler_new(&env);
	sql("ALTER TABLE recordings RENAME TO away");
	recovery = recovery_start(&env, scheduler);
	gate.is_done = false;
	gate.job = (struct ledger_job){ .run = reads_behind, .done = gate_done, .reply = mailbox };
	ledger_read(ledger, &gate.job);
	until(gate_is_done);
	sql("ALTER TABLE away RENAME TO recordings");
	recovery_look(recovery);
	OK(until(is_due), "read again, it is kept longer now: it is queued");
	scheduler_stop(scheduler);
	ledger_stop(ledger);
	mailbox_drain(mailbox);
	recovery_free(recovery);
	scheduler_free(scheduler);
}

int main(void)
{
	static const char *const folders[] = { "recordings", "arriving", "" };

	running_open();
	if (!mkdtemp(data))
		return 1;
	MUST(blob_local_open(data, &store, &err));
	test_clean();
	test_unwritable();
	test_read_again();
	blob_store_free(store);
	running_remove();
	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		AUTO(free) char *name = xasprintf("%s/%s", data, folders[i]);

		OK(rmdir(name) == 0, "'%s' is empty", folders[i]);
	}
	return tap_end();
}
