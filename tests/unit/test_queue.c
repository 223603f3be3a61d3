#include "dispatch/queue.h"

#include "queue_fixture.h"
#include "tap.h"

#include <unistd.h>

#define ACCOUNT "AC00000000000000000000000000000001"

static struct queue queue;
static unsigned slots, taken, answers;
static char got[64]; /* the last digits of what was claimed */
static char at_hand[64][SID_SIZE];
static size_t at_hand_count;

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static bool prepare(struct queue *q, struct queue_claim *claim)
{
	claim->most = claim->most_backfill = slots - taken;
	qsort(at_hand, at_hand_count, SID_SIZE, compare);
	claim->skip = (const char(*)[SID_SIZE])at_hand;
	claim->skip_count = at_hand_count;
	return slots > taken;
}

static void claimed(struct queue *q, struct queue_row *row)
{
	size_t len = strlen(got);

	got[len] = row->recording_sid[SID_SIZE - 2];
	got[len + 1] = '\0';
	memcpy(at_hand[at_hand_count++], row->recording_sid, SID_SIZE);
	taken++;
}

static void claimed_all(struct queue *q)
{
	answers++;
}

static bool all_taken(void)
{
	return taken == slots;
}

static bool was_answered(void)
{
	return answers > 0;
}

static bool was_answered_twice(void)
{
	return answers >= 2;
}

/* So many more slots. */
static void wake(unsigned more)
{
	slots += more;
	answers = 0;
	got[0] = '\0';
	queue_wake(&queue);
}

static void test_claims(void)
{
	wake(0);
	IS_INT(queue.is_asking, false, "no slot: the ledger is not asked");
	wake(2);
	await(all_taken);
	IS_STR(str_of(got), STR("12"), "as many as there are slots, the soonest first");
	wake(1);
	await(all_taken);
	IS_STR(str_of(got), STR("3"), "the next slot takes the next");
	wake(2);
	queue_wake(&queue);
	queue_wake(&queue);
	await(was_answered_twice);
	IS_STR(str_of(got), STR("4"), "fewer are due than slots are free");
	IS_INT(queue.is_asking, false, "who woke it meanwhile, however often, is heard once");
}

static void test_timer(void)
{
	got[0] = '\0';
	plant_recording(5, ACCOUNT, clock_wall_ms() + 300);
	wake(0); /* as the projection's news would */
	await(all_taken);
	IS_STR(str_of(got), STR("5"), "what becomes due is claimed then, by itself");
	OK(clock_wall_ms() >= queue.rows[0].next_try_at_ms, "and not before");
}

static bool timer_waits(void)
{
	return was_answered() && !queue.is_asking && timer_is_on(&queue.timer);
}

/* What it waited for is told anew by each answer: a wake that is due no more asks for nothing. */
static void test_waits_anew(void)
{
	plant_recording(9, ACCOUNT, clock_wall_ms() + 30000);
	wake(1);
	await(timer_waits);
	OK(queue.timer.at_ms - loop_now_ms(env.loop) <= 30000, "the next is due soon");
	plant_sql("UPDATE recordings SET next_try_at_ms = next_try_at_ms + 1800000 "
		  "WHERE recording_sid = 'RE00000000000000000000000000000009'");
	answers = 0;
	queue_wake(&queue);
	OK(queue.is_asking && !timer_is_on(&queue.timer),
	   "while it is asked nothing is waited for");
	await(was_answered);
	OK(!timer_is_on(&queue.timer) || queue.timer.at_ms - loop_now_ms(env.loop) > 30000,
	   "and it is not due any more");
	plant_sql(
		"DELETE FROM recordings WHERE recording_sid = 'RE00000000000000000000000000000009'");
	slots--;
}

static bool failed;

static bool has_failed(void)
{
	return (failed = answers > 0);
}

/* Nothing is held here that a question which fails could lose. */
static void test_failed(void)
{
	plant_recording(6, ACCOUNT, clock_wall_ms() - 1);
	plant_sql("ALTER TABLE recordings RENAME TO hidden");
	wake(1);
	await(has_failed);
	OK(failed && got[0] == '\0', "the queue cannot be read");
	plant_sql("ALTER TABLE hidden RENAME TO recordings");
	await(all_taken);
	IS_STR(str_of(got), STR("6"), "it is asked again, until it can");
}

/* The clock was far ahead when the row was written. */
static void test_beyond(void)
{
	plant_recording(7, ACCOUNT, clock_wall_ms() + queue_longest_ms(&env) + 60000);
	plant_recording(8, ACCOUNT, clock_wall_ms() + queue_longest_ms(&env) - 60000);
	wake(1);
	await(all_taken);
	IS_STR(str_of(got), STR("7"), "a wait longer than any that is set is over");
	wake(1);
	await(was_answered);
	IS_STR(str_of(got), STR(""), "one that may be is waited for");
	OK(timer_is_on(&queue.timer) && queue.timer.at_ms - loop_now_ms(env.loop) <= QUEUE_LOOK_MS,
	   "with a look at the clock now and then");
}

static int log_fd, stderr_fd;

static void take_log(void)
{
	char path[] = "/tmp/callspool-log.XXXXXX";
	struct err err = { .text = "cannot take the log" };

	log_fd = mkstemp(path);
	stderr_fd = dup(STDERR_FILENO);
	must(log_fd >= 0 && unlink(path) == 0 && stderr_fd >= 0 && dup2(log_fd, STDERR_FILENO) >= 0,
	     &err);
}

/* What it says since take_log(). */
static const char *taken_log(void)
{
	static char text[4096];
	ssize_t len = pread(log_fd, text, sizeof(text) - 1, 0);

	dup2(stderr_fd, STDERR_FILENO);
	close(stderr_fd);
	close(log_fd);
	text[len > 0 ? len : 0] = '\0';
	return text;
}

/* SIGHUP: no wait is to be so long any more. */
static void test_shorter(void)
{
	const char *said;

	env.options.retry_most_ms = 4 * 3600000;
	plant_recording(10, ACCOUNT, clock_wall_ms() + 3 * 3600000);
	wake(0);
	await(was_answered);
	IS_STR(str_of(got), STR(""), "a wait of three hours is waited for");
	env.options.retry_most_ms = 1000;
	take_log();
	wake(0);
	await(all_taken);
	said = taken_log();
	IS_STR(str_of(got), STR("a"), "until the longest that is set is shorter");
	OK(strstr(said, "fetch.retry_most is shorter"), "which may be the reason");
}

int main(void)
{
	struct err err;

	queue_open();
	for (unsigned n = 1; n <= 4; n++)
		plant_recording(n, ACCOUNT, clock_wall_ms() - 1000 + n);
	must(ledger_start(env.ledger, &err), &err);
	env.options.retry_most_ms = 1000;
	queue_init(&queue, &env);
	queue.prepare = prepare;
	queue.claimed = claimed;
	queue.claimed_all = claimed_all;
	test_claims();
	test_timer();
	test_waits_anew();
	test_failed();
	test_beyond();
	test_shorter();
	queue_stop(&queue);
	ledger_stop(env.ledger);
	mailbox_free(env.mailbox);
	queue_close();
	return tap_end();
}
