#include "api/webhook_counts.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REPORT_MS 20

static struct webhook_counters counters;
static struct loop *waited;
static int log_fd;

/* What was logged since the last call. */
static struct str logged(void)
{
	static char text[4096];
	ssize_t length = pread(log_fd, text, sizeof(text), 0);

	if (length < 0 || ftruncate(log_fd, 0) < 0)
		length = 0;
	lseek(log_fd, 0, SEEK_SET);
	return (struct str){ text, (size_t)length };
}

static int lines_in(struct str text)
{
	int count = 0;

	for (size_t i = 0; i < text.len; i++)
		count += text.at[i] == '\n';
	return count;
}

static bool has(struct str text, const char *part)
{
	return str_find_str(text, str_of(part)) < text.len;
}

static bool is_logged(void)
{
	return lseek(log_fd, 0, SEEK_END) > 0;
}

static bool is_at_rest(void)
{
	return !counters.is_reporting;
}

struct wait {
	struct timer timer;
	bool (*is_over)(void);
	int64_t give_up_at_ms;
};

static void look(struct timer *timer)
{
	struct wait *wait = container_of(timer, struct wait, timer);

	if (wait->is_over() || clock_monotonic_ms() > wait->give_up_at_ms)
		loop_stop(waited);
	else
		timer_start(waited, &wait->timer, 1, look);
}

/* Runs the loop until it is so; false when it never is. */
static bool run_until(struct loop *loop, bool (*is_over)(void))
{
	struct wait wait = { .is_over = is_over, .give_up_at_ms = clock_monotonic_ms() + 20000 };

	waited = loop;
	timer_start(loop, &wait.timer, 1, look);
	loop_run(loop);
	return is_over();
}

#define ORIGIN STR("http://calls.example.com")

static void check_log(struct loop *loop, struct loop *other, struct webhook_counter *counter[2])
{
	struct str text;

	webhook_count_refused(counter[0], WEBHOOK_WRONG_SIGNATURE, STR("192.0.2.1"), ORIGIN, NULL);
	text = logged();
	OK(has(text, "level=warn") && has(text, "refused a webhook from 192.0.2.1"),
	   "the first refusal is a line at once");
	for (int i = 0; i < 500; i++) {
		webhook_count_refused(counter[0], WEBHOOK_WRONG_SIGNATURE, STR("192.0.2.1"), ORIGIN,
				      NULL);
		webhook_count_refused(counter[1], WEBHOOK_UNSIGNED,
				      i < 499 ? STR("192.0.2.2") : STR("192.0.2.3"), ORIGIN, NULL);
	}
	IS_INT(logged().len, 0, "a thousand more on both loops are none");
	OK(run_until(loop, is_logged), "but when the period is over");
	text = logged();
	IS_INT(lines_in(text), 1, "there is one line");
	OK(has(text, "refused 1000 more webhooks"),
	   "with their number, whatever loop refused them");
	OK(has(text, "the last from 192.0.2.3: it has no X-Twilio-Signature"),
	   "and who sent the latest, and why it was refused");

	OK(run_until(loop, is_at_rest), "a period without any ends the reports");
	IS_INT(logged().len, 0, "and is no line");
	OK(run_until(other, is_at_rest), "the other loop takes a turn, and so knows the time");
	webhook_count_refused(counter[1], WEBHOOK_UNSIGNED, STR("192.0.2.7"), ORIGIN, NULL);
	OK(has(logged(), "refused a webhook from 192.0.2.7"), "and the next begins anew");
}

static void check_sum(void)
{
	struct webhook_counts sum;

	webhook_counters_sum(&counters, &sum);
	IS_INT(sum.refused[WEBHOOK_WRONG_SIGNATURE], 501, "wrong signatures of all loops");
	IS_INT(sum.refused[WEBHOOK_UNSIGNED], 501, "unsigned ones of all loops");
	IS_INT(sum.refused[WEBHOOK_UNKNOWN_ACCOUNT], 0, "and no other");
	IS_INT(sum.last_refusal, WEBHOOK_UNSIGNED, "why the last was refused");
	IS_STR(str_of(sum.last_client), STR("192.0.2.7"), "and who sent it");
	IS_STR(str_of(sum.last_origin), ORIGIN, "and where to");
	OK(webhook_last_refused_at_ms(&sum) > 0, "and when");
	IS_INT(sum.taken, 2, "those that were taken");
	IS_INT(sum.malformed, 3, "those that were no callback");
	IS_INT(sum.uncommitted, 1, "those that could not be committed");
	OK(sum.last_taken_at_ms > 0, "and when the last was");
}

int main(void)
{
	char path[] = "/tmp/callspool-log.XXXXXX";
	struct webhook_counter *counter[2];
	struct loop *loops[2];
	struct err err;
	int stderr_fd = dup(STDERR_FILENO);

	log_fd = mkstemp(path);
	unlink(path);
	if (log_fd < 0 || stderr_fd < 0 || dup2(log_fd, STDERR_FILENO) < 0)
		return 1;
	webhook_counters_init(&counters, REPORT_MS);
	for (int i = 0; i < 2; i++) {
		if (!loop_new(&loops[i], &err))
			return 1;
		counter[i] = webhook_counter_new(&counters, loops[i]);
	}
	check_log(loops[0], loops[1], counter);
	webhook_count_taken(counter[0]);
	webhook_count_taken(counter[1]);
	webhook_count_malformed(counter[0]);
	webhook_count_malformed(counter[0]);
	webhook_count_malformed(counter[1]);
	webhook_count_uncommitted(counter[1]);
	check_sum();
	for (int i = 0; i < 2; i++) {
		webhook_counter_free(counter[i]);
		loop_free(loops[i]);
	}
	dup2(stderr_fd, STDERR_FILENO);
	return tap_end();
}
