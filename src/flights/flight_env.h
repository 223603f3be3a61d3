/*
 * What all flights of a process share.  All of it belongs to fetcher.c; read-only for flights.
 */
#pragma once

#include "flights/flight_options.h"

struct accounts;
struct arriving_table;
struct blob_store;
struct fetch;
struct ledger;
struct loop;
struct mailbox;
struct peers;
struct upstream;
struct vault;
struct workers;

struct flight_env {
	struct loop *loop;       /* the fetching loop */
	struct mailbox *mailbox; /* its */
	struct fetch *fetch;
	struct ledger *ledger;
	struct blob_store *store;
	struct workers *sealers; /* fsync, rename */
	const struct accounts *accounts;
	struct upstream *upstream; /* how Twilio is doing */
	struct arriving_table
		*arriving;   /* how far they are, for others to see; NULL: nobody looks */
	struct vault *vault; /* private keys; NULL: there are none */
	struct peers *peers; /* other processes on the same ledger; NULL: there are none */
	struct flight_options options;
};
