/*
 * A whole callspool in this process: ledger, store, fetcher, serving loops, put together from the
 * settings and taken apart in order.
 *
 *	server_open   nothing runs yet; the port is known
 *	server_start  all threads run
 *	server_stop   replies are finished (bounded), flights left to the next start, all is committed
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/own.h"
#include "config/settings.h"
#include "foothold/foothold.h"

#include <stdbool.h>

struct migration;
struct server;
struct successor;
struct watchdog;

struct server_options {
	const struct settings *settings; /* outlives the server */
	struct foothold *foothold; /* borrowed; NULL: the server opens its own, and closes it */
	struct successor
		*successor; /* borrowed, for who asks for an upgrade; NULL: none can be had */
	struct migration
		*migration; /* borrowed, for who asks that the ledger be moved; NULL: it is not */
	bool is_stdio;      /* no listener: one connection on standard input and output */
	bool is_command; /* the administrator's socket alone, for a command: nothing is fetched */
	bool does_list;  /* is_command: but Twilio's list is read where that was asked for */
	bool does_verify; /* is_command: but the store is compared with the ledger where that was asked for */
	bool does_remove; /* is_command: but the files of what was removed are taken away */
	void (*ended)(void *owner); /* is_stdio: that connection is closed; on a serving loop */
	void *owner;
};

/*
 * Would it open?  What can be told while another process has the data folder: settings, accounts, the ledger's version.
 */
bool server_check(const struct settings *settings, struct err *err) MUST_CHECK;
/* Takes the lock of the data folder, unless it stands on a foothold: ERR_CONFLICT when another process has it. */
bool server_open(const struct server_options *options, struct server **out,
		 struct err *err) MUST_CHECK;
bool server_start(struct server *server, struct err *err) MUST_CHECK;
/*
 * Reads the private keys anew; what waits for one of them is fetched.  Where a file is wrong the keys are as they were, which the log
 * says.  Thread: main, between start and stop.
 */
void server_reread_keys(struct server *server);
/* The access log, after its file was moved away.  Any thread, between start and stop. */
void server_reopen_logs(struct server *server);
/* After server_start(): all of its loops, and the writer; watchdog_forget() comes after server_free(). */
void server_watch(struct server *server, struct watchdog *watchdog);
/* Before server_stop(), which then takes drain_timeout and not stop_timeout, as it does with passed sockets. */
void server_expect_successor(struct server *server);
void server_stop(struct server *server);
/* The live settings (settings.h) of these are in force from now on; all others are as they were.  Thread: main. */
void server_change(struct server *server, const struct settings *settings);
void server_free(struct server *server);
DEFINE_AUTO(struct server *, server_free)

/* "http://127.0.0.1:8080" */
const char *server_url(const struct server *server);

/* data_dir/name, for free(). */
char *server_path(const struct settings *settings, const char *name);
/* Where the ledger is, for catalog_open(): what `database` says, or a file in data_dir; for free(). */
char *server_ledger(const struct settings *settings);
/* For a command beside a server, or where none runs: of a bucket it keeps nothing here. */
bool server_store_open(const struct settings *settings, struct blob_store **out,
		       struct err *err) MUST_CHECK;
/* ERR_NOT_FOUND: there is no such file.  A server of a database may have what it likes: opening it tells. */
bool server_has_ledger(const struct settings *settings, struct err *err) MUST_CHECK;
#define SERVER_LEDGER  "ledger.db"
#define SERVER_RESERVE "reserve"
#define SERVER_SOCKET  FOOTHOLD_SOCKET
