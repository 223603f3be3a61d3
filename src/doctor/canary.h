/*
 * The server examines itself: when somebody asks, and every while, if it is set so.  On a thread of its own, which asks the
 * server as anybody does who has the administrator's socket, and plays through the public address.
 *
 *	canary_new    nothing runs yet
 *	canary_start  waits
 *	canary_stop   breaks off what is under way; whoever waits is answered
 *
 * What was found last is kept, and read from any thread.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/own.h"
#include "doctor/deployment.h"
#include "doctor/examination.h"
#include "event/mailbox.h"

#include <stdbool.h>
#include <stdint.h>

#define CANARY_NEVER INT64_MAX

struct canary;
struct json;

/* `deployment` is lent for as long as the canary lives. */
struct canary *canary_new(const struct deployment_options *deployment, int64_t every_ms);
bool canary_start(struct canary *canary, struct err *err) MUST_CHECK;
void canary_stop(struct canary *canary);
void canary_free(struct canary *canary);
DEFINE_AUTO(struct canary *, canary_free)
/* Any thread. */
void canary_change(struct canary *canary, int64_t every_ms);

/* Embedded by who asks; the asker's again when done() is called, on the loop of `reply`. */
struct canary_request {
	char *names
		[EXAMINATION_NAMES_MAX]; /* of checks and groups, which are valid; none: all, and what is found is kept */
	size_t names_count;
	struct mailbox *reply;
	void (*done)(struct canary_request *request);
	bool succeeded;       /* else the server stops */
	struct report report; /* to be released */
	int64_t at_ms;

	struct mail mail;            /* internal */
	struct canary_request *next; /* internal */
};
/* False: CANARY_WAITING_MAX wait already, and the request is left alone. */
#define CANARY_WAITING_MAX 8
bool canary_ask(struct canary *canary, struct canary_request *request) MUST_CHECK;
/* Nobody waits for it any more.  True: it had not begun, and done() is not called. */
bool canary_withdraw(struct canary *canary, struct canary_request *request);

/* What was found last; a plain value. */
struct canary_word {
	int64_t at_ms; /* wall clock; 0: nothing was examined yet */
	enum doctor_verdict verdict;
	size_t good, findings, unchecked;
	bool is_broken;        /* of the findings one breaks plays */
	char says[256];        /* the finding nearest to the cause; "" */
	uint64_t examinations; /* since the start */
};
/* Any thread; canary == NULL: nothing was examined. */
void canary_read(struct canary *canary, struct canary_word *out);
/* Any thread.  As an object of that name: "checked_at", and what report_json.h writes; null where nothing was examined. */
void canary_write(struct canary *canary, const char *key, struct json *json);
/* The same of a report. */
void canary_write_report(const struct report *report, int64_t at_ms, const char *key,
			 struct json *json);
