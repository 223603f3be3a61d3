/*
 * How a database would answer a query: its plan, as the database itself words it.
 */
#pragma once

#include "base/buf.h"
#include "base/mem.h"
#include "db/db.h"
#include "test_database.h"

#include <stdlib.h>

#define PLANS_MAX 128

static void plan_exec(struct db *db, const char *sql)
{
	struct err cause = { 0 };

	if (db_exec(db, sql, &cause))
		return;
	printf("Bail out! %s: %s\n", sql, cause.text);
	exit(1);
}

static unsigned plan_parameter(const char *at)
{
	unsigned n = 0;

	while (ascii_is_digit(*at))
		n = n * 10 + (unsigned)(*at++ - '0');
	return n;
}

/* On PostgreSQL: of tables that are taken for large, and of parameters whose values are not known. */
static char *plan_question(struct db *db, const char *sql, unsigned number)
{
	AUTO(free) char *name = xasprintf("PREPARE plan_%u AS %s", number, sql);
	char question[512];
	struct buf out;
	unsigned parameters = 0;

	if (!on_postgres())
		return xasprintf("EXPLAIN QUERY PLAN %s", sql);
	plan_exec(db, "SET enable_seqscan = off; SET enable_bitmapscan = off; "
		      "SET plan_cache_mode = force_generic_plan");
	plan_exec(db, name);
	for (const char *at = sql; (at = strchr(at, '$')) != NULL; at++)
		if (plan_parameter(at + 1) > parameters)
			parameters = plan_parameter(at + 1);
	buf_over(&out, question, sizeof(question));
	buf_addf(&out, "EXPLAIN (COSTS OFF) EXECUTE plan_%u", number);
	for (unsigned i = 0; i < parameters; i++)
		buf_addf(&out, "%s'1'", i == 0 ? "(" : ", ");
	return xasprintf("%s%s", question, parameters > 0 ? ")" : "");
}

/* What a question (EXPLAIN ...), which is kept, says, a step a line; valid until the next call. */
static struct str plan_told(struct db *db, char *question)
{
	static char *questions[PLANS_MAX],
		text[16384]; /* the db knows statements by their address */
	static unsigned count;
	AUTO(db_stmt_reset) struct db_stmt *explain = NULL;
	struct err cause = { 0 };
	struct buf out;

	questions[count] = question;
	if (!db_prepare(db, questions[count++], &explain, &cause)) {
		printf("Bail out! %s\n", cause.text);
		exit(1);
	}
	buf_over(&out, text, sizeof(text));
	while (db_step(explain, &cause) == DB_ROW)
		buf_addf(&out, "%.*s\n", STR_ARG(db_column_str(explain, on_postgres() ? 0 : 3)));
	return buf_str(&out);
}

/* The same of a statement. */
__attribute__((unused)) static struct str plan_of(struct db *db, const char *sql)
{
	static unsigned number;

	return plan_told(db, plan_question(db, sql, number++));
}

__attribute__((unused)) static bool plan_has(struct str plan, const char *part)
{
	return str_find_str(plan, str_of(part)) < plan.len;
}
