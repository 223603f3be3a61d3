#include "db/db_postgres_private.h"

#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/own.h"

/* A division by zero, the root of a negative number: only a fence computes (catalog/processes.c). */
#define FENCED      "22012"
#define LEFT_BEHIND "2201F"
#define FENCED_TEXT \
	"this callspool was taken for dead by another one: nothing of it is kept until it has begun anew"
#define LEFT_BEHIND_TEXT                                                            \
	"a newer callspool has changed the ledger into one that this one does not " \
	"know: run the newer one here, too"
#define RETRY_MS 100 /* between two tries for a connection */
/*
 * Who may wait for a minute waits for a server that works, or for one that is no more and has not said so.  After so long, and again
 * and again, it is asked which, over another connection; that is to be answered within LOOK_MS.  Who may wait for less is done
 * sooner without.
 */
#define SILENT_MS 3000
#define LOOK_MS   3000
#define LOOK_S    "3" /* the same */
/* Commands after which the server says how far it is: else it keeps what it has to say up to the sync. */
#define FLUSH_EVERY 16

/* ---- what fails ---- */

/* By SQLSTATE, the longest that fits. */
static enum err_kind kind_of(const char *state)
{
	static const struct {
		const char *state;
		enum err_kind kind;
	} kinds[] = {
		{ "22021", ERR_INVALID }, /* no text in UTF-8 */
		{ FENCED, ERR_UNAVAILABLE },
		{ LEFT_BEHIND, ERR_UNAVAILABLE },
		{ "23", ERR_CONFLICT },       /* a constraint */
		{ "08", ERR_UNAVAILABLE },    /* connections */
		{ "0A000", ERR_UNAVAILABLE }, /* a plan from before the schema changed */
		{ "25P03", ERR_UNAVAILABLE }, /* we were idle in a transaction for too long */
		{ "26000", ERR_UNAVAILABLE }, /* names of statements, through a pooler */
		{ "42P05", ERR_UNAVAILABLE },
		{ "40", ERR_UNAVAILABLE }, /* a deadlock */
		{ "53", ERR_UNAVAILABLE }, /* disk, memory, connections are full */
		{ "55P03", ERR_UNAVAILABLE },
		{ "57", ERR_UNAVAILABLE }, /* the server stops, or somebody ended us */
	};

	for (size_t i = 0; state && i < ARRAY_LEN(kinds); i++)
		if (str_starts(str_of(state), str_of(kinds[i].state)))
			return kinds[i].kind;
	return ERR_INTERNAL;
}

static void fail(struct pg_link *link, enum err_kind kind, struct str text)
{
	if (link->has_failed)
		return;
	link->has_failed = true;
	text = str_first(text, str_find(text, '\n'));
	(void)err_set(&link->failure, kind, "PostgreSQL: %.*s", STR_ARG(text));
}

static void forget(struct pg_link *link)
{
	PQfinish(link->conn);
	link->conn = NULL;
	link->sent = link->received = link->relevant = 0;
	link->syncs = 0;
	link->is_unsynced = false;
	link->naming = NULL;
	link->naming_end = &link->naming;
	while (link->answers)
		link->answers = TAKE(link->answers->next);
	link->answers_end = &link->answers;
}

/* Nothing of the connection is of use: the server rolls back what was open when it notices. */
static void lose(struct pg_link *link, const char *why)
{
	AUTO(free) char *text = xstrdup(why); /* the connection's own, perhaps */

	forget(link);
	link->lost_at_ms = clock_monotonic_ms();
	fail(link, ERR_UNAVAILABLE, str_of(text));
}

static bool is_lost(const struct pg_link *link)
{
	return !link->conn || PQstatus(link->conn) != CONNECTION_OK;
}

/* ---- connecting ---- */

/*
 * Its options stand behind ours, and so win.  Those of the server that a plan of a page of a list depends on: with a generic
 * plan, which the server may choose after some uses, it sorts a tenth of the table.
 */
static char *join_options(const struct pg_link *link)
{
	PQconninfoOption *parts = PQconninfoParse(link->address, NULL);
	const char *theirs = "";
	char *joined;

	for (const PQconninfoOption *part = parts; part && part->keyword; part++)
		if (strcmp(part->keyword, "options") == 0 && part->val)
			theirs = part->val;
	joined = xasprintf("%s%s%s", link->options, *link->options && *theirs ? " " : "", theirs);
	PQconninfoFree(parts);
	return joined;
}

static void say_nothing(void *context, const char *text)
{
}

static bool ask_backend(struct pg_link *link, struct pg_answer *out)
{
	if (!PQsendQueryParams(link->conn, "SELECT pg_backend_pid()", 0, NULL, NULL, NULL, NULL,
			       0)) {
		lose(link, PQerrorMessage(link->conn));
		return false;
	}
	link->is_unsynced = true;
	link->sent++;
	pg_link_expect(link, out, link->sent);
	return pg_link_finish(link);
}

/*
 * A pooler makes up the number of the server's process that it tells us, for ours is another one each time; and what is prepared
 * in one the next does not know.  Whoever found that out by statements that fail would have their transactions fail, too.
 */
static bool look_for_pooler(struct pg_link *link, struct err *err)
{
	bool had_failed = link->has_failed;
	struct err before =
		link->failure; /* of the connection before this one, and somebody else's to hear */
	int64_t lost_at_ms = link->lost_at_ms; /* that one was; this was none yet */
	struct pg_answer answer = { 0 };
	bool is_answered;
	uint64_t pid;

	if (link->is_nameless)
		return true;
	link->has_failed = false;
	is_answered = ask_backend(link, &answer);
	pg_link_give_up(link, &answer);
	if (!is_answered)
		*err = link->failure;
	link->lost_at_ms = lost_at_ms;
	link->has_failed = had_failed;
	link->failure = before;
	link->is_nameless = is_answered &&
			    (PQntuples(answer.result) != 1 ||
			     !str_to_u64(str_of(PQgetvalue(answer.result, 0, 0)), &pid) ||
			     (int64_t)pid != PQbackendPID(link->conn));
	PQclear(answer.result);
	return is_answered;
}

static bool make_connection(struct pg_link *link, struct err *err)
{
	AUTO(free) char *options = join_options(link);
	/* What stands behind the address is not to be changed by it. */
	const char *const keywords[] = { "connect_timeout",
					 "tcp_user_timeout",
					 "keepalives_idle",
					 "keepalives_interval",
					 "target_session_attrs",
					 "application_name",
					 "dbname",
					 "options",
					 "client_encoding",
					 NULL };
	const char *const values[] = { "5",         "8000",        "5",     "2",    "primary",
				       "callspool", link->address, options, "UTF8", NULL };

	link->conn = PQconnectdbParams(keywords, values, 1);
	if (PQstatus(link->conn) != CONNECTION_OK || !PQenterPipelineMode(link->conn) ||
	    PQsetnonblocking(link->conn, 1) != 0) {
		struct str why = str_of(PQerrorMessage(link->conn));

		(void)err_set(err, ERR_UNAVAILABLE, "PostgreSQL: %.*s",
			      STR_ARG(str_first(why, str_find(why, '\n'))));
		PQfinish(link->conn);
		link->conn = NULL;
		return false;
	}
	PQsetNoticeProcessor(link->conn, say_nothing, NULL);
	link->connection++;
	if (look_for_pooler(link, err))
		return true;
	forget(link);
	return false;
}

bool pg_link_connect(struct pg_link *link, struct err *err)
{
	link->is_unreachable = !make_connection(link, err);
	return !link->is_unreachable;
}

/*
 * A server that ended while nobody asked it anything has closed the connection: that can be seen without asking.  Its last words are
 * read first, and by a second look that nothing comes behind them.
 */
static bool is_alive(struct pg_link *link)
{
	return !is_lost(link) && PQconsumeInput(link->conn) && PQconsumeInput(link->conn) &&
	       !is_lost(link);
}

bool pg_link_ready(struct pg_link *link, struct err *err)
{
	if (link->conn && !is_alive(link)) {
		lose(link, "the connection was closed");
		link->has_failed = false; /* nothing was asked in it that anybody waits for */
	}
	if (link->conn)
		return true;
	while (!pg_link_connect(link, err)) {
		if (link->lost_at_ms == 0 ||
		    clock_monotonic_ms() - link->lost_at_ms > PG_PATIENCE_MS)
			return false;
		(void)poll(NULL, 0, RETRY_MS);
	}
	return true;
}

void pg_link_init(struct pg_link *link, const char *address, const char *options, int64_t wait_ms)
{
	*link = (struct pg_link){ .address = xstrdup(address),
				  .options = xstrdup(options),
				  .wait_ms = wait_ms };
	link->naming_end = &link->naming;
	link->answers_end = &link->answers;
}

void pg_link_release(struct pg_link *link)
{
	PQfinish(link->conn);
	while (link->texts) {
		struct pg_text *text = link->texts;

		link->texts = text->other;
		free(text);
	}
	free(link->address);
	free(link->options);
}

/* ---- sending ---- */

/* FNV-1a, 64 bits. */
static uint64_t hash_text(const char *text)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
	return hash;
}

static int count_parameters(const char *sql)
{
	int most = 0;

	for (; *sql; sql++) {
		int n = 0;

		if (*sql != '$')
			continue;
		while (ascii_is_digit(sql[1]) && n < 1000)
			n = n * 10 + *++sql - '0';
		most = n > most ? n : most;
	}
	return most;
}

struct pg_text *pg_link_text(struct pg_link *link, const char *sql)
{
	struct pg_text *text = link->texts;

	while (text && strcmp(text->sql, sql) != 0)
		text = text->other;
	if (text)
		return text;
	text = xcalloc(1, sizeof(*text));
	text->sql = sql;
	text->parameters = count_parameters(sql);
	text->other = link->texts;
	snprintf(text->name, sizeof(text->name), "cs_%016llx", (unsigned long long)hash_text(sql));
	link->texts = text;
	return text;
}

static bool tell_name(struct pg_link *link, struct pg_text *text)
{
	if (text->known_since == link->connection)
		return true;
	if (!PQsendPrepare(link->conn, text->name, text->sql, 0, NULL))
		return false;
	text->known_since = link->connection;
	text->naming = ++link->sent;
	text->next = NULL;
	*link->naming_end = text;
	link->naming_end = &text->next;
	return true;
}

uint64_t pg_link_send(struct pg_link *link, struct pg_text *text, const char *const *values,
		      const int *lengths, const int *formats)
{
	bool good;

	if (!link->conn)
		return 0;
	if (link->is_nameless)
		good = PQsendQueryParams(link->conn, text->sql, text->parameters, NULL, values,
					 lengths, formats, 0);
	else
		good = tell_name(link, text) &&
		       PQsendQueryPrepared(link->conn, text->name, text->parameters, values,
					   lengths, formats, 0);
	if (!good) {
		lose(link, PQerrorMessage(link->conn));
		return 0;
	}
	link->is_unsynced = true;
	if (++link->sent % FLUSH_EVERY == 0 && !PQsendFlushRequest(link->conn)) {
		lose(link, PQerrorMessage(link->conn));
		return 0;
	}
	return link->sent;
}

void pg_link_expect(struct pg_link *link, struct pg_answer *answer, uint64_t number)
{
	*answer = (struct pg_answer){ .number = number };
	*link->answers_end = answer;
	link->answers_end = &answer->next;
}

void pg_link_give_up(struct pg_link *link, struct pg_answer *answer)
{
	struct pg_answer **at = &link->answers;

	while (*at && *at != answer)
		at = &(*at)->next;
	if (!*at)
		return;
	*at = TAKE(answer->next);
	if (!*at)
		link->answers_end = at;
}

static bool sync_all(struct pg_link *link)
{
	if (!link->conn)
		return false;
	if (!link->is_unsynced)
		return true;
	if (!PQpipelineSync(link->conn)) {
		lose(link, PQerrorMessage(link->conn));
		return false;
	}
	link->is_unsynced = false;
	link->syncs++;
	return true;
}

void pg_link_flush(struct pg_link *link)
{
	if (sync_all(link) && PQflush(link->conn) < 0)
		lose(link, PQerrorMessage(link->conn));
}

/* ---- what comes back ---- */

/*
 * One that lets in nobody just now, or not us, is there.  Of several hosts that one is asked which is silent; behind a pooler
 * the pooler, and what it says is no more than that it is there itself.
 */
static bool is_there(const struct pg_link *link)
{
	const char *const keywords[] = { "dbname",          "host", "hostaddr", "port",
					 "connect_timeout", NULL };
	const char *const values[] = { link->address,
				       PQhost(link->conn),
				       PQhostaddr(link->conn),
				       PQport(link->conn),
				       LOOK_S,
				       NULL };

	return PQpingParams(keywords, values, 1) != PQPING_NO_RESPONSE;
}

/* False: nothing came, and nothing will.  What comes while it is asked for is an answer, too. */
static bool wait_for_more(struct pg_link *link, struct pollfd *poller, int64_t wait_ms)
{
	bool is_long = wait_ms > SILENT_MS + LOOK_MS;

	if (wait_ms <= 0)
		return false;
	if (poll(poller, 1, is_long ? SILENT_MS : (int)wait_ms) != 0)
		return true;
	if (!is_long)
		return false;
	if (is_there(link) || poll(poller, 1, 0) != 0)
		return true;
	link->is_unreachable = true;
	return false;
}

/* A result can be taken without waiting. */
static bool await_result(struct pg_link *link, int64_t until_ms)
{
	for (;;) {
		struct pollfd poller = { .fd = PQsocket(link->conn), .events = POLLIN };
		int left = PQflush(link->conn);

		if (left >= 0 && !PQisBusy(link->conn))
			return true;
		poller.events |= left > 0 ? POLLOUT : 0;
		if (left >= 0 && !wait_for_more(link, &poller, until_ms - clock_monotonic_ms())) {
			lose(link, "it does not answer");
			return false;
		}
		if (left < 0 || !PQconsumeInput(link->conn)) {
			lose(link, PQerrorMessage(link->conn));
			return false;
		}
	}
}

/* The command was one that tells a name: does the server know it now? */
static void note_naming(struct pg_link *link, ExecStatusType status)
{
	struct pg_text *text = link->naming;

	if (!text || text->naming != link->received + 1)
		return;
	link->naming = text->next;
	if (!link->naming)
		link->naming_end = &link->naming;
	if (status != PGRES_COMMAND_OK)
		text->known_since = 0;
}

static void note_result(struct pg_link *link, PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);
	struct str tag = str_of(PQcmdStatus(result));
	int64_t changes;

	note_naming(link, status);
	if (status == PGRES_FATAL_ERROR) {
		const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
		const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

		if (state && (strcmp(state, "26000") == 0 || strcmp(state, "42P05") == 0))
			link->is_nameless = true;
		if (state && link->received + 1 >= link->relevant)
			fail(link, kind_of(state),
			     strcmp(state, FENCED) == 0        ? STR(FENCED_TEXT)
			     : strcmp(state, LEFT_BEHIND) == 0 ? STR(LEFT_BEHIND_TEXT)
							       : str_of(text ? text : ""));
	}
	if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
		if ((str_starts(tag, STR("INSERT")) || str_starts(tag, STR("UPDATE")) ||
		     str_starts(tag, STR("DELETE"))) &&
		    str_to_i64(str_of(PQcmdTuples(result)), &changes))
			link->changes = changes;
	}
}

/* It is over; who waits for what it says has it, or it had nothing to say. */
static void end_command(struct pg_link *link)
{
	link->received++;
	while (link->answers && link->answers->number <= link->received)
		pg_link_give_up(link, link->answers);
}

/* True: somebody waits for it, and has it now. */
static bool give_out(struct pg_link *link, PGresult *result, ExecStatusType status)
{
	struct pg_answer *answer = link->answers;

	if (!answer || answer->number != link->received + 1 ||
	    (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK))
		return false;
	answer->result = result;
	pg_link_give_up(link, answer);
	return true;
}

bool pg_link_finish(struct pg_link *link)
{
	int64_t until_ms = clock_monotonic_ms() + link->wait_ms;

	if (!sync_all(link))
		return false;
	link->waits += link->syncs > 0;
	while (link->syncs > 0 && await_result(link, until_ms)) {
		PGresult *result = PQgetResult(link->conn);
		ExecStatusType status = PQresultStatus(result);

		until_ms = clock_monotonic_ms() + link->wait_ms; /* it goes on */
		if (result && status == PGRES_PIPELINE_SYNC)
			link->syncs--;
		else if (result)
			note_result(link, result);
		else if (is_lost(link))
			lose(link, PQerrorMessage(link->conn));
		else
			end_command(link);
		if (!result || !give_out(link, result, status))
			PQclear(result);
	}
	return link->conn && !link->has_failed;
}

bool pg_link_has_notice(struct pg_link *link)
{
	PGnotify *notice;
	bool has_come = false;

	if (link->conn && !is_alive(link))
		lose(link, "the connection was closed");
	while (link->conn && (notice = PQnotifies(link->conn))) {
		PQfreemem(notice);
		has_come = true;
	}
	return has_come;
}

bool pg_link_exec(struct pg_link *link, const char *sql, struct err *err)
{
	PGresult *result;
	bool good;

	if (!pg_link_finish(link)) {
		*err = link->failure;
		return false;
	}
	if (!PQexitPipelineMode(link->conn)) {
		lose(link, PQerrorMessage(link->conn));
		*err = link->failure;
		return false;
	}
	result = PQexec(link->conn, sql);
	good = PQresultStatus(result) == PGRES_COMMAND_OK ||
	       PQresultStatus(result) == PGRES_TUPLES_OK ||
	       PQresultStatus(result) == PGRES_EMPTY_QUERY;
	if (is_lost(link)) {
		lose(link, PQerrorMessage(link->conn));
	} else if (!good) {
		const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

		fail(link, kind_of(PQresultErrorField(result, PG_DIAG_SQLSTATE)),
		     str_of(text ? text : ""));
	}
	PQclear(result);
	if (link->conn && !PQenterPipelineMode(link->conn))
		lose(link, PQerrorMessage(link->conn));
	if (!link->has_failed)
		return true;
	*err = link->failure;
	return false;
}
