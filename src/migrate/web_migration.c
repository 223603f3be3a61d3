#include "migrate/web_migration.h"

#include "api/web.h"
#include "api/web_error.h"
#include "api/web_json.h"
#include "api/web_read.h"
#include "base/json.h"
#include "base/mem.h"
#include "migrate/migration.h"

#include <stdlib.h>

#define BODY_SIZE (8 * 1024)

static const char *const states[] = {
	[MIGRATION_NONE] = "none",           [MIGRATION_RUNNING] = "running",
	[MIGRATION_PAUSED] = "paused",       [MIGRATION_FAILED] = "failed",
	[MIGRATION_SWITCHING] = "switching", [MIGRATION_MOVED] = "moved",
};

static const char *const phases[] = {
	[MIGRATION_BEGINS] = "begins",   [MIGRATION_MEDIA] = "media",
	[MIGRATION_ROWS] = "rows",       [MIGRATION_COMPARES] = "compares",
	[MIGRATION_FOLLOWS] = "follows", [MIGRATION_VERIFIES] = "verifies",
};

static struct str text_or_none(const char *text)
{
	return text[0] ? str_of(text) : STR_NONE;
}

static void add_error(struct json *json, const struct err *err)
{
	if (!err->text[0]) {
		json_nothing(json, "failed");
		return;
	}
	json_open(json, "failed", '{');
	json_text(json, "code", str_of(web_error_code(web_error_of_kind(err->kind))));
	json_text(json, "error", str_of(err->text));
	json_close(json, '}');
}

static void reply(struct exchange *x, struct migration *migration)
{
	AUTO(free) char *text = xmalloc(BODY_SIZE);
	struct migration_status status;
	struct json json;
	struct buf body;

	migration_read(migration, &status);
	buf_over(&body, text, BODY_SIZE);
	json_start(&json, &body);
	json_open(&json, NULL, '{');
	json_bool(&json, "success", true);
	json_text(&json, "state", str_of(states[status.state]));
	json_text(&json, "phase", str_of(phases[status.phase]));
	json_text(&json, "to", text_or_none(status.to));
	json_text(&json, "store", text_or_none(status.store));
	json_text(&json, "table", text_or_none(status.table));
	json_int(&json, "done", (int64_t)status.done);
	json_int(&json, "all", (int64_t)status.all);
	json_int(&json, "changes", (int64_t)status.changes);
	add_error(&json, &status.err);
	json_close(&json, '}');
	buf_add_byte(&body, '\n');
	web_send_json(x, buf_str(&body));
}

static struct migration *migration_of(struct exchange *x)
{
	struct migration *migration = web_local_of(x)->web->migration;

	if (!migration)
		web_refuse(x, WEB_CONFLICT,
			   "This process moves nothing: callspool serve did not start it.",
			   WEB_NO_RETRY);
	return migration;
}

static void answer(struct exchange *x, struct migration *migration, bool is_good,
		   const struct err *err)
{
	if (is_good)
		reply(x, migration);
	else
		web_refuse(x, web_error_of_kind(err->kind), err->text, WEB_NO_RETRY);
}

void web_migration_show(struct exchange *x)
{
	struct migration *migration = migration_of(x);

	if (migration)
		reply(x, migration);
}

void web_migration_begin(struct exchange *x)
{
	static const struct web_json_member members[] = {
		{ "to", WEB_JSON_TEXT },
		{ "store", WEB_JSON_TEXT },
		{ "verify", WEB_JSON_BOOL },
		{ 0 },
	};
	struct migration *migration = migration_of(x);
	AUTO(free) char *to = NULL;
	AUTO(free) char *store = NULL;
	json_t *body;
	struct err err;
	bool verifies;

	if (!migration)
		return;
	body = web_json_body_of(x, members);
	if (!body)
		return;
	to = str_dup(web_json_text(body, "to").at ? web_json_text(body, "to") : STR(""));
	store = str_dup(web_json_text(body, "store").at ? web_json_text(body, "store") : STR(""));
	verifies = json_is_true(json_object_get(body, "verify"));
	json_decref(body);
	answer(x, migration, migration_ask(migration, to, store, verifies, &err), &err);
}

void web_migration_pause(struct exchange *x)
{
	struct migration *migration = migration_of(x);
	struct err err;

	if (migration)
		answer(x, migration, migration_pause(migration, &err), &err);
}

void web_migration_cancel(struct exchange *x)
{
	struct migration *migration = migration_of(x);
	struct err err;

	if (migration)
		answer(x, migration, migration_cancel(migration, &err), &err);
}
