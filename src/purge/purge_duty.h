/*
 * Removing by itself what is older than it is kept: at the start, when the next one is due, and every hour.
 *
 * Thread: the loop that it was given, but for purge_duty_wake().
 */
#pragma once

#include "base/own.h"

struct loop;
struct mailbox;
struct purge_duty;
struct purge_env;

/* Before the loop turns, and once the ledger has been opened; the env outlives it. */
struct purge_duty *purge_duty_new(const struct purge_env *env, struct loop *loop,
				  struct mailbox *mailbox);
/* The rules are others now.  Any thread, while the loop turns. */
void purge_duty_wake(struct purge_duty *duty);
/* Ends behind the page that it is at.  Any thread. */
void purge_duty_stop(struct purge_duty *duty); /* NULL does nothing */
/* After the loop and the ledger have stopped.  NULL does nothing. */
void purge_duty_free(struct purge_duty *duty);
DEFINE_AUTO(struct purge_duty *, purge_duty_free)
