/*
 * A connection to PostgreSQL and what is on its way over it: db_postgres_link.c, for db_postgres.c alone.
 *
 * Always in pipeline mode.  A command that is sent waits in a buffer until somebody wants an answer; then all go out with
 * one sync behind them, and what comes back is read up to it.  So ten changes and the question behind them cost one round
 * trip.
 *
 * Commands are counted.  What fails before anybody asks is kept, the first alone (what comes behind it fails because of it), and
 * told to who asks next.  What failed before the transaction that is open now concerns nobody.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/str.h"

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

/* A text that the server is to know by a name: one for all statements of the connection that have this text. */
struct pg_text {
	const char *sql; /* a literal */
	struct pg_text *other;
	char name[20];  /* of a hash of the text: whoever else uses the name means the same text */
	int parameters; /* how many it has */
	uint64_t known_since; /* the connection that knows it, or is being told; 0: none */
	uint64_t naming;      /* the command that tells it */
	struct pg_text *next; /* of those that are being told, in that order */
};

/* What one command says, for who asked it and goes on: kept when it comes. */
struct pg_answer {
	uint64_t number;  /* the command */
	PGresult *result; /* the asker's, for PQclear(); NULL: it has not come, or there is none */
	struct pg_answer *next;
};

struct pg_link {
	char *address, *options; /* of the URL; what ours adds to its `options` */
	int64_t wait_ms; /* for a sign that it goes on we wait so long; then the connection is lost */
	PGconn *conn;    /* NULL: none */
	bool is_unreachable; /* none could be made, or nobody was there: a connection that was lost says neither */
	uint64_t connection;     /* counts them */
	uint64_t sent, received; /* commands of this connection */
	uint64_t relevant;       /* the first command whose failure counts */
	unsigned syncs;          /* that are to come back */
	bool is_unsynced;        /* commands stand behind the last sync */
	bool is_nameless;        /* names do not work here: a pooler gives us other connections */
	struct pg_text *texts;   /* all, by `other` */
	struct pg_text *naming, **naming_end;
	struct pg_answer *answers, **answers_end; /* that are still to come, in that order */
	uint64_t waits;
	int64_t changes; /* of the statement that changes something and finished last */
	bool has_failed;
	struct err failure;
	int64_t lost_at_ms; /* 0: never */
};

/* options: "-c name=value ...", may be "". */
void pg_link_init(struct pg_link *link, const char *address, const char *options, int64_t wait_ms);
void pg_link_release(struct pg_link *link);
bool pg_link_connect(struct pg_link *link, struct err *err) MUST_CHECK;
/*
 * There is a connection, as far as can be told without asking; else a new one is made: for PG_PATIENCE_MS after one was lost this
 * is tried again and again.  ERR_UNAVAILABLE.
 */
#define PG_PATIENCE_MS 5000
bool pg_link_ready(struct pg_link *link, struct err *err) MUST_CHECK;

struct pg_text *pg_link_text(struct pg_link *link, const char *sql); /* the link's */
/* Sends it, and is given the number of the command.  0: the connection is lost. */
uint64_t pg_link_send(struct pg_link *link, struct pg_text *text, const char *const *values,
		      const int *lengths, const int *formats);
/* What command `number`, which was sent last, says is put there by pg_link_finish(). */
void pg_link_expect(struct pg_link *link, struct pg_answer *answer, uint64_t number);
/* It is not wanted any more; as often as you like. */
void pg_link_give_up(struct pg_link *link, struct pg_answer *answer);
/* Sends all that waits, and does not wait for answers. */
void pg_link_flush(struct pg_link *link);
/* Waits for all answers.  False: see link->failure. */
bool pg_link_finish(struct pg_link *link) MUST_CHECK;
/* Takes what those told whom it listens to; false: nothing came. */
bool pg_link_has_notice(struct pg_link *link);
/* Statements without parameters, at once, however long that takes. */
bool pg_link_exec(struct pg_link *link, const char *sql, struct err *err) MUST_CHECK;
