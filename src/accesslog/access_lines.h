/*
 * What one serving loop has to say to the access log: lines, gathered in a batch without a lock, which is handed over when
 * it is full, or a moment after its first line.
 *
 * A loop never waits for the log.  While ACCESS_BATCHES_MAX of its batches are not written, further lines are lost, and
 * counted (access_log_lost()).
 *
 * Thread: the loop's own.
 */
#pragma once

#include "accesslog/access_line.h"
#include "accesslog/access_log.h"

struct access_lines;
struct loop;
struct mailbox;

#define ACCESS_BATCHES_MAX 8 /* half a MiB: some 3,000 lines */

/* All that is handed in is borrowed and outlives it.  NULL: there is no log. */
struct access_lines *access_lines_new(struct access_log *log, struct loop *loop,
				      struct mailbox *mailbox);
/* reply->date is filled in here. */
void access_lines_add(struct access_lines *lines, const struct access_request *request,
		      struct access_reply *reply);
/* Hands over what there is: after the loop has ended, before access_log_stop().  NULL does nothing. */
void access_lines_end(struct access_lines *lines);
/* After access_log_stop(), when all mail of the mailbox was delivered. */
void access_lines_free(struct access_lines *lines);
