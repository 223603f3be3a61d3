/*
 * callspool as the application of the HTTP server: its routes, access control, and the state of
 * each serving loop.
 */
#pragma once

#include <stdbool.h>

struct loop;
struct mailbox;
struct web;
struct web_local;
struct web_options;

/* Fills in web->app and what else is the same for all loops. */
void web_init(struct web *web);
/* Takes what is live out of these options.  One thread at a time. */
void web_change(struct web *web, const struct web_options *options);
/* The state of one serving loop; to be made before ledger_start(). */
struct web_local *web_local_new(struct web *web, struct loop *loop, struct mailbox *mailbox);
/* On its loop, when it is to stop: who is told of changes is told that it is over.  `is_restart`: another process goes on. */
void web_local_stop(struct web_local *local, bool is_restart);
/* After its loop has ended, before ledger_stop(): what is to be written still is posted. */
void web_local_end(struct web_local *local);
void web_local_free(struct web_local *local);
