/*
 * What is done about the audit and old credentials as time goes by.
 *
 * Each hour, and when the process stops, the head of the chain goes into it and, as a line "audit head chain=... seq=... mac=...",
 * into the log, which another machine may keep (audit_chain.h).  At the start and each hour what is too old goes:
 * entries after audit.retention, full addresses after audit.address_retention, credentials 30 days after they were over.
 * Not while the clock is doubted, of which the purge tells (purge/purge_duty.h): the next hour looks again.
 * What was refused (refusals.h) is written within a second, and the last of it when the process stops.
 *
 * Each job of the ledger takes a bounded number of them; the next follows as soon as it is done.
 *
 * Thread: the loop's own.
 */
#pragma once

struct audit_duty;
struct audit_trail;
struct loop;
struct mailbox;
struct vouched_clock;

#define AUDIT_DUTY_EACH_MS (INT64_C(60) * 60 * 1000)

/* Begins as soon as the loop runs.  All that is handed in is borrowed and outlives it.  `each_ms`: the hour. */
struct audit_duty *audit_duty_new(struct audit_trail *trail, struct vouched_clock *clock,
				  struct loop *loop, struct mailbox *mailbox, int64_t each_ms);
void audit_duty_free(
	struct audit_duty
		*duty); /* after the loop and the ledger were stopped; NULL does nothing */

/* After ledger_stop(): what was refused last, and the last head; a failure is logged. */
void audit_duty_end(struct audit_trail *trail);
