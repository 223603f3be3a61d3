/*
 * How many webhooks were accepted and how many refused, and what the log says of those refused.
 *
 * Anybody who reaches the port can send forged webhooks, thousands a second.  Each is counted; the
 * log has a line for the first, then at most one in WEBHOOK_REPORT_MS with the number since the
 * last line and the latest client.
 *
 * Each serving loop has a counter of its own.  Its lock is contended only while somebody adds
 * the counters up: for /api/status, and for a line of the log.
 */
#pragma once

#include "base/list.h"
#include "base/str.h"
#include "event/loop.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct log_tag;

#define WEBHOOK_REPORT_MS   (60 * 1000) /* 1,440 lines a day while somebody tries */
#define WEBHOOK_ORIGIN_SIZE 128

enum webhook_refusal {
	WEBHOOK_UNSIGNED,        /* no X-Twilio-Signature */
	WEBHOOK_UNKNOWN_ACCOUNT, /* signed for an account that is not configured, or for none */
	WEBHOOK_WRONG_SIGNATURE, /* does not fit public_url and the tokens of its account */
	WEBHOOK_NO_PUBLIC_URL,   /* public_url is not set: no signature can be checked */
	WEBHOOK_REFUSALS,
};

/* "unsigned", ... as /api/status spells it. */
const char *webhook_refusal_name(enum webhook_refusal refusal);

/* Since the start of the server; a plain value.  Instants: wall clock, 0 never. */
struct webhook_counts {
	int64_t taken; /* committed, and answered 200 */
	int64_t last_taken_at_ms;
	int64_t malformed;   /* no callback can be read from it: 400 */
	int64_t uncommitted; /* could not be committed: 503 */
	int64_t refused[WEBHOOK_REFUSALS];
	int64_t last_refused_at_ms[WEBHOOK_REFUSALS];
	enum webhook_refusal last_refusal; /* why the last one was refused, if one was */
	char last_client[48];              /* and its sender: an address; "" when none was */
	char last_origin
		[WEBHOOK_ORIGIN_SIZE]; /* and where to, "http://HOST"; "" when it is longer */
};

/* For whatever reason. */
int64_t webhook_last_refused_at_ms(const struct webhook_counts *counts);

/* Those of all loops. */
struct webhook_counters {
	struct list all;
	int64_t report_ms;
	atomic_bool is_reporting; /* one loop has the timer of the next line */
	int64_t told;             /* refusals that the log knows of; the reporting loop's */
};

void webhook_counters_init(struct webhook_counters *counters, int64_t report_ms);
/* Any thread, while the loops exist. */
void webhook_counters_sum(const struct webhook_counters *counters, struct webhook_counts *out);

/* One loop's.  Made and freed while no loop runs. */
struct webhook_counter *webhook_counter_new(struct webhook_counters *counters, struct loop *loop);
void webhook_counter_free(struct webhook_counter *counter);
/* On its loop. */
void webhook_count_taken(struct webhook_counter *counter);
void webhook_count_malformed(struct webhook_counter *counter);
void webhook_count_uncommitted(struct webhook_counter *counter);
/*
 * client sent it to origin.  True when it is the one that the log was given a line for: the first, or the first
 * after a quiet period.
 */
bool webhook_count_refused(struct webhook_counter *counter, enum webhook_refusal refusal,
			   struct str client, struct str origin, const struct log_tag *tag);
