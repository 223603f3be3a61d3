/*
 * What asking Twilio's REST API needs, the same for all who ask.  It belongs to dispatch/fetcher.c; read-only for others.
 */
#pragma once

struct accounts;
struct fetch;
struct ledger;
struct loop;
struct mailbox;

struct rest_env {
	struct loop *loop;       /* the fetching loop */
	struct mailbox *mailbox; /* its */
	struct fetch *fetch;
	struct ledger *ledger;
	const struct accounts *accounts;
};
