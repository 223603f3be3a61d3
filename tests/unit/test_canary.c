/*
 * The server that examines itself: who asks, and is answered, in what order; what is kept of it; plays; and a stop in between.
 * The examination only notes what it is asked, and ends when it is let.
 */
#include "doctor/canary.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "event/loop.h"
#include "tap.h"

#include <limits.h>
#include <sched.h>
#include <stdatomic.h>

/* ---- the examination ---- */

static const struct check check = { .name = "runs", .asks = "?", .meaning = "m", .remedy = "r" };
static const struct check_group group = { .name = "g", .title = "G", .checks = &check, .count = 1 };

static atomic_uint begun, allowed; /* examinations; UINT_MAX: as many as are wanted */
static _Atomic bool finds;
static char names[128]; /* of the last one that began: " name" each; before `begun` is counted */
static atomic_uint open_deployments;

void __wrap_deployment_open(const struct deployment_options *options, struct deployment *out);
void __wrap_deployment_close(struct deployment *deployment);
void __wrap_examination_run(const struct examination *examination, struct deployment *deployment,
			    struct report *report);

void __wrap_deployment_open(const struct deployment_options *options, struct deployment *out)
{
	open_deployments++;
}

void __wrap_deployment_close(struct deployment *deployment)
{
	open_deployments--;
}

void __wrap_examination_run(const struct examination *examination, struct deployment *deployment,
			    struct report *report)
{
	unsigned own = begun + 1;
	struct buf text;

	buf_over(&text, names, sizeof(names));
	for (size_t i = 0; i < examination->names_count; i++)
		buf_addf(&text, " %s", examination->names[i]);
	buf_add_text(&text, "");
	if (examination->names_count == 0)
		names[0] = '\0';
	begun = own;
	while (allowed < own && !*examination->is_cancelled)
		sched_yield();
	report->group = &group;
	report->check = &check;
	if (finds)
		report_finding(report, &(struct finding){ .severity = SEVERITY_BREAKS,
							  .says = "it is away",
							  .looked_at = "there",
							  .expected = "here" });
	report_good(report, "it is there");
}

static void await_begun(unsigned count)
{
	while (begun < count)
		sched_yield();
}

/* ---- who asks ---- */

static struct loop *loop;
static struct mailbox *mailbox;
static struct canary *canary;
static char answers[256]; /* in their order: " name", and "-" behind one that was not examined */
static size_t answered;

struct asked {
	struct canary_request request;
	const char *name;
};

static void done(struct canary_request *request)
{
	const struct asked *asked = container_of(request, struct asked, request);
	size_t used = strlen(answers);

	snprintf(answers + used, sizeof(answers) - used, " %s%s", asked->name,
		 request->succeeded ? "" : "-");
	answered++;
}

static bool ask(struct asked *asked, const char *name, char *check_name)
{
	*asked = (struct asked){ .request = { .reply = mailbox, .done = done }, .name = name };
	asked->request.names[0] = check_name;
	asked->request.names_count = check_name ? 1 : 0;
	return canary_ask(canary, &asked->request);
}

static void await_answers(size_t count)
{
	while (answered < count) {
		mailbox_drain(mailbox);
		sched_yield();
	}
}

static void begin(int64_t every_ms)
{
	static const struct deployment_options options = { .socket_path = "/nowhere" };
	struct err err;

	begun = allowed = 0;
	answered = 0;
	answers[0] = '\0';
	finds = false;
	canary = canary_new(&options, every_ms);
	if (!canary_start(canary, &err))
		abort();
}

static void end(void)
{
	canary_free(canary);
	mailbox_drain(mailbox);
	IS_INT(open_deployments, 0, "no deployment is left open");
}

static struct str written(struct canary *of)
{
	static char text[4096];
	struct buf buf;
	struct json json;

	buf_over(&buf, text, sizeof(text));
	json_start(&json, &buf);
	json_open(&json, NULL, '{');
	canary_write(of, "doctor", &json);
	json_close(&json, '}');
	return buf_str(&buf);
}

static bool holds(struct str text, struct str part)
{
	return str_find_str(text, part) < text.len;
}

/* ---- tests ---- */

static void test_kept(void)
{
	static char runs[] = "runs";
	struct canary_word word;
	struct asked all, one;
	int64_t before_ms = clock_wall_ms();

	canary_read(NULL, &word);
	OK(word.at_ms == 0 && word.examinations == 0, "a server without one has examined nothing");
	IS_STR(written(NULL), STR("{\"doctor\":null}"), "which is written");
	begin(CANARY_NEVER);
	canary_read(canary, &word);
	OK(word.at_ms == 0 && word.verdict == VERDICT_GOOD && word.says[0] == '\0',
	   "nor has one that was just begun");
	IS_STR(written(canary), STR("{\"doctor\":null}"), "which is written, too");

	allowed = 2;
	finds = true;
	OK(ask(&all, "all", NULL), "all is asked for");
	await_answers(1);
	IS_STR(str_of(answers), STR(" all"), "and answered");
	IS_STR(str_of(names), STR(""), "no check is chosen");
	OK(all.request.at_ms >= before_ms && all.request.at_ms <= clock_wall_ms(), "when it was");
	IS_INT(all.request.report.count, 2, "with all that was found");
	report_release(&all.request.report);
	canary_read(canary, &word);
	OK(word.at_ms == all.request.at_ms && word.examinations == 1, "it is kept, as of then");
	OK(word.verdict == VERDICT_FINDINGS && word.findings == 1 && word.good == 1 &&
		   word.unchecked == 0 && word.is_broken,
	   "what it comes to");
	IS_STR(str_of(word.says), STR("it is away"), "the finding that is nearest to the cause");
	OK(holds(written(canary), STR("{\"doctor\":{\"checked_at\":\"20")) &&
		   holds(written(canary), STR("it is away")),
	   "it is written");

	finds = false;
	OK(ask(&one, "one", runs), "one check is asked for");
	await_answers(2);
	IS_STR(str_of(answers), STR(" all one"), "and answered");
	IS_STR(str_of(names), STR(" runs"), "by that check alone");
	OK(one.request.report.count == 1 && one.request.at_ms >= all.request.at_ms,
	   "with what was found");
	report_release(&one.request.report);
	canary_read(canary, &word);
	OK(word.at_ms == all.request.at_ms && word.examinations == 1 && word.findings == 1,
	   "which is not kept");
	end();
}

/* One is under way; the others stand in a line, from which they may go. */
static void test_line(void)
{
	static const char *const numbers[] = { "1", "2", "3", "4", "5", "6", "7", "8" };
	struct asked under_way, waiting[CANARY_WAITING_MAX], late;

	begin(CANARY_NEVER);
	OK(ask(&under_way, "0", NULL), "one is asked for");
	await_begun(1);
	for (size_t i = 0; i < CANARY_WAITING_MAX; i++)
		OK(ask(&waiting[i], numbers[i], NULL), "%zu wait", i + 1);
	OK(!ask(&late, "late", NULL), "no more may wait");
	OK(!canary_withdraw(canary, &late.request), "who does not wait is not in the line");
	OK(!canary_withdraw(canary, &under_way.request), "nor is the one that is under way");
	OK(canary_withdraw(canary, &waiting[3].request), "one in the middle goes");
	OK(!canary_withdraw(canary, &waiting[3].request), "once");
	OK(canary_withdraw(canary, &waiting[0].request), "the first one goes");
	OK(canary_withdraw(canary, &waiting[7].request), "the last one goes");
	OK(ask(&waiting[7], "9", NULL) && ask(&waiting[3], "10", NULL) &&
		   ask(&waiting[0], "11", NULL),
	   "three may wait in their place");
	OK(!ask(&late, "late", NULL), "and no more");
	allowed = UINT_MAX;
	await_answers(9);
	IS_STR(str_of(answers), STR(" 0 2 3 5 6 7 9 10 11"), "they are answered in their order");
	IS_INT(begun, 9, "each is examined for");
	OK(!canary_withdraw(canary, &waiting[0].request), "what was answered waits no more");
	report_release(&under_way.request.report);
	for (size_t i = 0; i < CANARY_WAITING_MAX; i++)
		report_release(&waiting[i].request.report);
	for (size_t i = 1; i <= 3; i++) {
		OK(ask(&late, "later", NULL), "one that finds nobody before it");
		await_answers(9 + i);
		report_release(&late.request.report);
	}
	end();
}

static void test_stopped(void)
{
	struct asked asked[3];
	struct canary_word word;

	begin(CANARY_NEVER);
	OK(ask(&asked[0], "0", NULL), "one is asked for");
	await_begun(1);
	OK(ask(&asked[1], "1", NULL), "another waits");
	canary_stop(canary);
	mailbox_drain(mailbox);
	IS_STR(str_of(answers), STR(" 0- 1-"), "at a stop both are told, at once");
	OK(ask(&asked[2], "2", NULL), "one that comes later is taken");
	mailbox_drain(mailbox);
	IS_STR(str_of(answers), STR(" 0- 1- 2-"), "and told as well");
	IS_INT(begun, 1, "nothing is examined any more");
	canary_read(canary, &word);
	canary_stop(canary);
	canary_stop(NULL);
	for (size_t i = 0; i < ARRAY_LEN(asked); i++)
		report_release(&asked[i].request.report);
	end();
}

static void test_plays(void)
{
	struct canary_word word;
	struct asked asked;
	unsigned so_far;

	begin(1);
	await_begun(1);
	IS_STR(str_of(names), STR(" public playback webhook"), "what is played now and then");
	canary_read(canary, &word);
	IS_INT(word.examinations, 0, "is not kept before its end");
	allowed = 1;
	await_begun(2);
	canary_read(canary, &word);
	OK(word.examinations == 1 && word.at_ms != 0 && word.good == 1, "but then");
	canary_change(canary, CANARY_NEVER);
	canary_change(canary, CANARY_NEVER);
	canary_change(NULL, 1);
	allowed = UINT_MAX;
	OK(ask(&asked, "asked", NULL), "a request in between");
	await_answers(1);
	report_release(&asked.request.report);
	so_far = begun;
	OK(ask(&asked, "asked", NULL), "and another");
	await_answers(2);
	report_release(&asked.request.report);
	IS_INT(begun, so_far + 1, "nothing is played where it is not wanted any more");
	canary_change(canary, 1);
	await_begun(so_far + 3);
	OK(true, "and again where it is");
	end();

	begin(1);
	await_begun(1);
	canary_stop(canary);
	canary_read(canary, &word);
	IS_INT(word.examinations, 0, "a play that was broken off is not kept");
	end();

	begin(3600000);
	allowed = UINT_MAX;
	OK(ask(&asked, "asked", NULL), "a request before the first play is due");
	await_answers(1);
	report_release(&asked.request.report);
	IS_INT(begun, 1, "comes first");
	canary_change(canary, 1);
	await_begun(2);
	OK(true, "a change counts from now on");
	end();
}

int main(void)
{
	struct err err;

	if (!loop_new(&loop, &err) || !mailbox_open(loop, &mailbox, &err))
		return 1;
	canary_free(NULL);
	test_kept();
	test_line();
	test_stopped();
	test_plays();
	mailbox_free(mailbox);
	loop_free(loop);
	return tap_end();
}
