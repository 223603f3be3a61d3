#include "ledger/checkpointer.h"

#include "base/log.h"

#include <stdatomic.h>
#include <string.h>

#include "ledger_fixture.h"
#include "tap.h"

#define EVENT_BYTES (256 * 1024)
#define TURNS_MOST  400 /* several logs of CATALOG_LOG_BYTES */

static struct err err;
static char raw[EVENT_BYTES];
static atomic_bool disk_is_full;
static unsigned warned, informed;

/* In place of those that are linked (see meson.build). */
bool __real_catalog_checkpoint(struct catalog *catalog, int64_t *out_left_bytes, struct err *why);
bool __wrap_catalog_checkpoint(struct catalog *catalog, int64_t *out_left_bytes, struct err *why);
bool __wrap_catalog_checkpoint(struct catalog *catalog, int64_t *out_left_bytes, struct err *why)
{
	if (disk_is_full)
		return err_set(why, ERR_UNAVAILABLE, "no room");
	return __real_catalog_checkpoint(catalog, out_left_bytes, why);
}

void __wrap_log_warn(const struct log_tag *tag, const char *fmt, ...);
void __wrap_log_info(const struct log_tag *tag, const char *fmt, ...);
void __wrap_log_warn(const struct log_tag *tag, const char *fmt, ...)
{
	warned++;
}
void __wrap_log_info(const struct log_tag *tag, const char *fmt, ...)
{
	informed++;
}

static int64_t turn(struct ledger *ledger, struct checkpointer *checkpointer)
{
	struct event event;

	event_init(&event, EVENT_CALL_STATUS, 1700000000000);
	event.call_sid = STR("CA00000000000000000000000000000001");
	event.raw = (struct str){ raw, sizeof(raw) };
	ledger_append(ledger, &event);
	checkpointer_turn(checkpointer, ledger->writer);
	return catalog_log_bytes(ledger->writer);
}

/* Turns until the log is begun anew; how many it took. */
static int turns_to_begin(struct ledger *ledger, struct checkpointer *checkpointer)
{
	int64_t log_bytes = catalog_log_bytes(ledger->writer), before;
	int turns = 0;

	do {
		before = log_bytes;
		log_bytes = turn(ledger, checkpointer);
	} while (++turns < TURNS_MOST && log_bytes >= before);
	return turns;
}

static void test_grown(struct ledger *ledger, struct checkpointer *checkpointer)
{
	while (catalog_log_bytes(ledger->writer) < CATALOG_LOG_BYTES - 2 * EVENT_BYTES)
		turn(ledger, checkpointer);
	OK(catalog_log_bytes(ledger->writer) > CATALOG_LOG_BYTES / 2, "a short log is left alone");
	OK(turns_to_begin(ledger, checkpointer) < TURNS_MOST, "a long one is begun anew");
	OK(turns_to_begin(ledger, checkpointer) < TURNS_MOST, "and so is the next");
}

static void test_old_snapshot(struct ledger *ledger, struct checkpointer *checkpointer)
{
	AUTO(catalog_free) struct catalog *reader = NULL;
	int64_t seen, now;

	MUST(catalog_open(ledger->path, CATALOG_READ, &reader, &err));
	MUST(catalog_begin(reader, &err));
	MUST(events_last(reader, &seen, &err));
	for (int i = 0; i < 3 * CATALOG_LOG_BYTES / EVENT_BYTES; i++)
		turn(ledger, checkpointer);
	OK(catalog_log_bytes(ledger->writer) > 2 * CATALOG_LOG_BYTES,
	   "what a reader needs keeps the log");
	MUST(events_last(reader, &now, &err));
	IS_INT(now, seen, "it sees what it saw");
	catalog_rollback(reader);
	OK(turns_to_begin(ledger, checkpointer) < TURNS_MOST, "without it, it is begun anew");
}

/* Told once when it begins, and once when it is over, each time. */
static void test_full_disk(struct ledger *ledger, struct checkpointer *checkpointer)
{
	for (unsigned time = 1; time <= 2; time++) {
		int turns = 0;

		disk_is_full = true;
		warned = informed = 0;
		while (warned == 0 && ++turns < TURNS_MOST)
			turn(ledger, checkpointer);
		IS_INT(warned, 1, "time %u: that the log stays long is told", time);
		for (int i = 0; i < 3 * CATALOG_LOG_BYTES / EVENT_BYTES; i++)
			turn(ledger, checkpointer);
		OK(warned == 1 && informed == 0, "once, however often it fails");
		disk_is_full = false;
		OK(turns_to_begin(ledger, checkpointer) < TURNS_MOST,
		   "when there is room it is begun anew");
		IS_INT(informed, 1, "which is told");
		OK(turns_to_begin(ledger, checkpointer) < TURNS_MOST && informed == 1 &&
			   warned == 1,
		   "and of the next nothing is");
	}
}

int main(void)
{
	struct ledger ledger;
	struct checkpointer *checkpointer;
	int64_t last, again;

	memset(raw, 'x', sizeof(raw));
	ledger_open(&ledger);
	MUST(checkpointer_start(ledger.path, &checkpointer, &err));
	test_grown(&ledger, checkpointer);
	test_old_snapshot(&ledger, checkpointer);
	test_full_disk(&ledger, checkpointer);
	MUST(events_last(ledger.writer, &last, &err));
	checkpointer_free(checkpointer);
	ledger_reopen(&ledger);
	MUST(events_last(ledger.writer, &again, &err));
	IS_INT(again, last, "nothing is lost on the way");
	ledger_remove(&ledger);
	OK(!checkpointer_start("/nowhere/ledger.db", &checkpointer, &err), "without a ledger: %s",
	   err.text);
	return tap_end();
}
