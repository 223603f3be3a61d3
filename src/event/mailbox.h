/*
 * What crosses a thread: mail, posted by any thread and delivered on the thread of
 * the mailbox's loop, in the order in which it was posted (per sender).
 *
 * A message embeds struct mail and says what becomes of it in deliver(), which runs
 * on the receiver's loop and usually frees it.  What is in a message is the
 * receiver's from the post on, until it is delivered.
 *
 * One atomic exchange a post; the eventfd is written only when the box was empty.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>

struct loop;
struct mailbox;

struct mail {
	struct mail *next;
	void (*deliver)(struct mail *mail);
};

bool mailbox_open(struct loop *loop, struct mailbox **out, struct err *err) MUST_CHECK;
/* After the senders are gone.  Mail still in it is delivered first. */
void mailbox_free(struct mailbox *mailbox);
/* Delivers what is in it, on this thread: only while its loop does not run. */
void mailbox_drain(struct mailbox *mailbox);
void mailbox_post(struct mailbox *mailbox, struct mail *mail); /* any thread */
