#include "doctor/canary.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "doctor/report_json.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

/* What is played every while; all else is asked for. */
static const char *const played[] = { "public", "playback", "webhook" };

struct canary {
	struct deployment_options deployment;
	pthread_t thread;
	bool is_running;       /* main's */
	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t changed;
	int64_t every_ms, next_at_ms; /* monotonic */
	struct canary_request *first, **last;
	unsigned waiting;     /* of those */
	struct report report; /* what was found last */
	int64_t at_ms;
	uint64_t examinations;
	_Atomic bool is_stopping;
};

static int64_t after(int64_t every_ms)
{
	return every_ms == CANARY_NEVER ? CANARY_NEVER : clock_monotonic_ms() + every_ms;
}

struct canary *canary_new(const struct deployment_options *deployment, int64_t every_ms)
{
	struct canary *canary = xcalloc(1, sizeof(*canary));
	pthread_condattr_t attributes;

	canary->deployment = *deployment;
	canary->deployment.is_cancelled = &canary->is_stopping;
	canary->every_ms = every_ms;
	canary->last = &canary->first;
	pthread_mutex_init(&canary->mutex, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&canary->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	return canary;
}

void canary_free(struct canary *canary)
{
	if (!canary)
		return;
	canary_stop(canary);
	report_release(&canary->report);
	pthread_cond_destroy(&canary->changed);
	pthread_mutex_destroy(&canary->mutex);
	free(canary);
}

/* ---- the thread ---- */

static void examine(struct canary *canary, const char *const *names, size_t names_count,
		    struct report *report)
{
	const struct examination examination = { .names = names,
						 .names_count = names_count,
						 .is_cancelled = &canary->is_stopping };
	struct deployment deployment;

	*report = (struct report){ .count = 0 };
	deployment_open(&canary->deployment, &deployment);
	examination_run(&examination, &deployment, report);
	deployment_close(&deployment);
}

/* Takes the report. */
static void keep(struct canary *canary, struct report *report, int64_t at_ms)
{
	pthread_mutex_lock(&canary->mutex);
	report_release(&canary->report);
	canary->report = *report;
	canary->at_ms = at_ms;
	canary->examinations++;
	pthread_mutex_unlock(&canary->mutex);
}

static void deliver(struct mail *mail)
{
	struct canary_request *request = container_of(mail, struct canary_request, mail);

	request->done(request);
}

static void answer(struct canary_request *request, bool succeeded)
{
	request->succeeded = succeeded;
	request->mail.deliver = deliver;
	mailbox_post(request->reply, &request->mail);
}

static void serve(struct canary *canary, struct canary_request *request)
{
	struct report kept;

	request->at_ms = clock_wall_ms();
	if (request->names_count == 0) {
		examine(canary, NULL, 0, &kept);
		report_copy(&kept, &request->report);
		keep(canary, &kept, request->at_ms);
	} else {
		examine(canary, (const char *const *)request->names, request->names_count,
			&request->report);
	}
	answer(request, !canary->is_stopping);
}

static void play(struct canary *canary)
{
	struct report report;

	examine(canary, played, ARRAY_LEN(played), &report);
	if (canary->is_stopping)
		report_release(&report);
	else
		keep(canary, &report, clock_wall_ms());
}

/* With the mutex held. */
static void wait_until(struct canary *canary, int64_t at_ms)
{
	const struct timespec at = { .tv_sec = at_ms / 1000, .tv_nsec = at_ms % 1000 * 1000000 };

	if (at_ms == CANARY_NEVER)
		pthread_cond_wait(&canary->changed, &canary->mutex);
	else
		pthread_cond_timedwait(&canary->changed, &canary->mutex, &at);
}

/* Out of the line; with the mutex held. */
static void take_out(struct canary *canary, struct canary_request **at)
{
	struct canary_request *request = *at;

	*at = request->next;
	if (canary->last == &request->next)
		canary->last = at;
	canary->waiting--;
}

/* What is to be done next: a request, or NULL for a play that is due.  False: the server stops. */
static bool next_work(struct canary *canary, struct canary_request **out)
{
	pthread_mutex_lock(&canary->mutex);
	while (!canary->is_stopping && !canary->first && clock_monotonic_ms() < canary->next_at_ms)
		wait_until(canary, canary->next_at_ms);
	*out = canary->first;
	if (*out) {
		take_out(canary, &canary->first);
	} else {
		canary->next_at_ms = after(canary->every_ms);
	}
	pthread_mutex_unlock(&canary->mutex);
	return !canary->is_stopping || *out;
}

static void *run(void *argument)
{
	struct canary *canary = argument;
	struct canary_request *request;

	while (next_work(canary, &request)) {
		if (!request)
			play(canary);
		else if (canary->is_stopping)
			answer(request, false);
		else
			serve(canary, request);
	}
	return NULL;
}

bool canary_start(struct canary *canary, struct err *err)
{
	int failure;

	canary->next_at_ms = after(canary->every_ms);
	failure = pthread_create(&canary->thread, NULL, run, canary);
	if (failure != 0) {
		errno = failure;
		return err_errno(err, "cannot start a thread");
	}
	canary->is_running = true;
	return true;
}

void canary_stop(struct canary *canary)
{
	if (!canary || !canary->is_running)
		return;
	pthread_mutex_lock(&canary->mutex);
	canary->is_stopping = true;
	pthread_cond_signal(&canary->changed);
	pthread_mutex_unlock(&canary->mutex);
	pthread_join(canary->thread, NULL);
	canary->is_running = false;
}

/* ---- any thread ---- */

void canary_change(struct canary *canary, int64_t every_ms)
{
	if (!canary)
		return;
	pthread_mutex_lock(&canary->mutex);
	if (every_ms != canary->every_ms) {
		canary->every_ms = every_ms;
		canary->next_at_ms = after(every_ms);
		pthread_cond_signal(&canary->changed);
	}
	pthread_mutex_unlock(&canary->mutex);
}

bool canary_ask(struct canary *canary, struct canary_request *request)
{
	bool is_taken = true;

	request->next = NULL;
	pthread_mutex_lock(&canary->mutex);
	if (canary->is_stopping) {
		answer(request, false);
	} else if (canary->waiting >= CANARY_WAITING_MAX) {
		is_taken = false;
	} else {
		*canary->last = request;
		canary->last = &request->next;
		canary->waiting++;
		pthread_cond_signal(&canary->changed);
	}
	pthread_mutex_unlock(&canary->mutex);
	return is_taken;
}

bool canary_withdraw(struct canary *canary, struct canary_request *request)
{
	struct canary_request **at;
	bool is_found;

	pthread_mutex_lock(&canary->mutex);
	at = &canary->first;
	while (*at && *at != request)
		at = &(*at)->next;
	is_found = *at != NULL;
	if (is_found)
		take_out(canary, at);
	pthread_mutex_unlock(&canary->mutex);
	return is_found;
}

void canary_read(struct canary *canary, struct canary_word *out)
{
	const struct result *worst;

	*out = (struct canary_word){ .at_ms = 0 };
	if (!canary)
		return;
	pthread_mutex_lock(&canary->mutex);
	worst = report_worst(&canary->report);
	out->at_ms = canary->at_ms;
	out->verdict = examination_verdict(&canary->report);
	out->good = report_count(&canary->report, RESULT_GOOD);
	out->findings = report_count(&canary->report, RESULT_FINDING);
	out->unchecked = report_count(&canary->report, RESULT_UNCHECKED);
	out->is_broken = worst && worst->finding.severity == SEVERITY_BREAKS;
	if (worst)
		str_fit(str_of(worst->finding.says), out->says, sizeof(out->says));
	out->examinations = canary->examinations;
	pthread_mutex_unlock(&canary->mutex);
}

void canary_write_report(const struct report *report, int64_t at_ms, const char *key,
			 struct json *json)
{
	json_open(json, key, '{');
	json_date(json, "checked_at", at_ms);
	report_json_write(report, json);
	json_close(json, '}');
}

void canary_write(struct canary *canary, const char *key, struct json *json)
{
	if (!canary) {
		json_nothing(json, key);
		return;
	}
	pthread_mutex_lock(&canary->mutex);
	if (canary->at_ms != 0)
		canary_write_report(&canary->report, canary->at_ms, key, json);
	else
		json_nothing(json, key);
	pthread_mutex_unlock(&canary->mutex);
}
