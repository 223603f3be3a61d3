/* callspool status: what is here, what waits, what is wrong. */
#include "cmd/admin_client.h"
#include "cmd/cmd_options.h"

#include "base/json.h"
#include "blob/blob_local.h"
#include "catalog/catalog.h"
#include "cmd/server.h"
#include "web/health.h"
#include "web/web_health.h"

#include <jansson.h>
#include <stdio.h>

#define BODY_MAX (1024 * 1024)

static long long number(const json_t *object, const char *key)
{
	return (long long)json_integer_value(json_object_get(object, key));
}

static void print_text(const json_t *status)
{
	const json_t *cause;
	const char *state;
	json_t *count;
	size_t i;

	printf("callspool %s, %s, %s\n", json_string_value(json_object_get(status, "version")),
	       json_is_null(json_object_get(status, "started_at")) ? "not running" : "running",
	       json_is_true(json_object_get(status, "degraded")) ? "degraded" : "well");
	printf("calls       %lld\n", number(status, "calls"));
	/* clang-format takes the macro for a call */
	/* clang-format off */
	json_object_foreach(json_object_get(status, "recordings"), state, count) {
		if (json_integer_value(count) > 0)
			printf("%-11s %lld\n", state, (long long)json_integer_value(count));
	}
	/* clang-format on */
	printf("stored      %lld bytes, %lld free\n", number(status, "bytes_stored"),
	       number(status, "free_bytes"));
	json_array_foreach(json_object_get(status, "causes"), i, cause)
		printf("! %s\n", json_string_value(cause));
}

/* No server runs: the ledger itself says it. */
static bool read_ledger(const struct settings *settings, struct buf *out, struct err *err)
{
	AUTO(free) char *path = server_path(settings, SERVER_LEDGER);
	AUTO(catalog_free) struct catalog *catalog = NULL;
	AUTO(blob_store_free) struct blob_store *store = NULL;
	struct health_facts facts = { .min_free_bytes = settings->web.min_free_bytes };
	struct json json;

	if (!catalog_open(path, CATALOG_READ, &catalog, err) ||
	    !blob_local_open(settings->data_dir, &store, err) ||
	    !web_health_read(catalog, store, &facts, err))
		return false;
	json_start(&json, out);
	health_write(&facts, true, &json);
	buf_add_byte(out, '\n');
	return true;
}

static bool get_status(const struct settings *settings, struct buf *out, struct err *err)
{
	if (admin_get(settings, "/api/status", out, err))
		return true;
	if (err->kind != ERR_NOT_FOUND)
		return false;
	return read_ledger(settings, out, err) || err_context(err, "no server runs");
}

static int run_status(int argc, char **argv)
{
	__attribute__((cleanup(cmd_options_release_at))) struct cmd_options options = { 0 };
	__attribute__((cleanup(buf_release_at))) struct buf body;
	json_t *status_json;
	struct err err;
	int status;

	buf_init(&body, BODY_MAX);
	if (!cmd_options_read(&cmd_status, argc, argv, &options, &status))
		return status;
	if (options.operand_count > 0)
		return cmd_misused(&cmd_status, "'%s' is too much", options.operands[0]);
	if (!cmd_options_resolve(&options, &err) || !get_status(&options.settings, &body, &err))
		return cmd_fail(&err);
	if (options.is_json) {
		printf("%s", body.at);
		return 0;
	}
	status_json = json_loadb(body.at, body.len, 0, NULL);
	print_text(status_json);
	json_decref(status_json);
	return 0;
}

const struct cmd cmd_status = {
	.name = "status",
	.summary = "what is here, what waits, what is wrong",
	.usage = "[--json] [--set data_dir=DIR]",
	.help = "Asks the server that runs on the data folder; when none does, reads its ledger.\n"
		"Exit status 3 when there is no ledger either.\n\n"
		"  --json            the answer as it is\n" CMD_OPTIONS_HELP
		"\nExample:\n  callspool status --json | jq .recordings\n",
	.run = run_status,
};
