/*
 * The product as http's app: its routes, who may call them, and what each loop has of it.
 */
#pragma once

struct loop;
struct mailbox;
struct web;
struct web_local;

/* Fills web->app from the table of routes. */
void web_init(struct web *web);
/* One for each serving loop; before ledger_start(). */
struct web_local *web_local_new(struct web *web, struct loop *loop, struct mailbox *mailbox);
void web_local_free(struct web_local *local);
