/* callspool status: what is here, what waits, what is wrong. */
#include "cmd/commands.h"

#include "cli/cmd_reach.h"

#include "client/admin_client.h"
#include "client/answer.h"
#include "client/ledger_status.h"

#include <jansson.h>
#include <stdio.h>

#define BODY_MAX (1024 * 1024)

static bool is_running(const json_t *status)
{
	return json_is_string(json_object_get(status, "started_at"));
}

static bool is_degraded(const json_t *status)
{
	return json_is_true(json_object_get(status, "degraded"));
}

static void print_webhooks(const json_t *webhooks)
{
	json_t *refused = json_object_get(webhooks, "refused");
	const char *reason;
	json_t *count;

	printf("webhooks    last good one %s", answer_text(webhooks, "last_taken_at", "never"));
	if (refused)
		printf("; since the start %lld accepted", answer_number(webhooks, "taken"));
	/* clang-format takes the macro for a call */
	/* clang-format off */
	json_object_foreach(refused, reason, count) {
		if (json_integer_value(count) > 0)
			printf(", %lld refused (%s)", (long long)json_integer_value(count), reason);
	}
	/* clang-format on */
	printf("\n");
}

static void print_notify(const json_t *notify)
{
	if (!json_is_true(json_object_get(notify, "on")) && answer_number(notify, "waiting") == 0 &&
	    answer_number(notify, "dead") == 0)
		return;
	printf("notify      %lld waiting", answer_number(notify, "waiting"));
	if (json_is_string(json_object_get(notify, "oldest_at")))
		printf(", the oldest since %s", answer_text(notify, "oldest_at", "never"));
	printf(", %lld given up\n", answer_number(notify, "dead"));
}

static void print_complete(const json_t *complete)
{
	printf("complete    %s\n", answer_text(complete, "text", ""));
	printf("list        last read %s", answer_text(complete, "listed_at", "never"));
	if (json_is_string(json_object_get(complete, "failing_since")))
		printf("; cannot be read since %s: %s",
		       answer_text(complete, "failing_since", "never"),
		       answer_text(complete, "failure", ""));
	printf("\n");
}

static void print_text(const json_t *status)
{
	const json_t *fetching = json_object_get(status, "fetching");
	const json_t *cause;
	const char *state;
	json_t *count;
	size_t i;

	printf("callspool %s, %s%s\n", answer_text(status, "version", ""),
	       is_running(status) ? "running, " : "not running",
	       !is_running(status)   ? ""
	       : is_degraded(status) ? "degraded"
				     : "well");
	print_complete(json_object_get(status, "complete"));
	printf("calls       %lld\n", answer_number(status, "calls"));
	/* clang-format off */
	json_object_foreach(json_object_get(status, "recordings"), state, count) {
		if (json_integer_value(count) > 0)
			printf("%-11s %lld\n", state, (long long)json_integer_value(count));
	}
	/* clang-format on */
	printf("bytes       %lld stored, %lld free\n", answer_number(status, "bytes_stored"),
	       answer_number(status, "free_bytes"));
	if (json_is_string(json_object_get(status, "oldest_queued_at")))
		printf("waiting     since %s, the oldest\n",
		       answer_text(status, "oldest_queued_at", "never"));
	print_webhooks(json_object_get(status, "webhooks"));
	print_notify(json_object_get(status, "notify"));
	if (fetching)
		printf("fetching    last recording stored %s\n",
		       json_is_string(json_object_get(fetching, "last_stored_at"))
			       ? answer_text(fetching, "last_stored_at", "never")
			       : "before the start");
	json_array_foreach(json_object_get(status, "causes"), i, cause)
		printf("! %s\n", json_string_value(cause));
}

static bool get_status(const struct settings *settings, struct buf *out, struct err *err)
{
	if (admin_get(settings, "/api/status", out, err))
		return true;
	if (err->kind != ERR_NOT_FOUND)
		return false;
	return ledger_status(settings, out, err) || err_context(err, "no server runs");
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
	if (!cmd_reach(&options, &status))
		return status;
	if (!get_status(&options.settings, &body, &err))
		return cmd_fail(&err);
	status_json = json_loadb(body.at, body.len, 0, NULL);
	if (options.is_json)
		printf("%s", body.at);
	else
		print_text(status_json);
	status = !is_running(status_json)   ? EXIT_NO_ANSWER
		 : is_degraded(status_json) ? EXIT_DEGRADED
					    : EXIT_GOOD;
	json_decref(status_json);
	return status;
}

static const struct cmd_flag flags[] = {
	{ "--json", CMD_SWITCH, offsetof(struct cmd_options, is_json), NULL,
	  "the answer as it is" },
	{ 0 },
};

const struct cmd cmd_status = {
	.name = "status",
	.summary = "what is here, what waits, what is wrong",
	.usage = "[--json] [--set data_dir=DIR]",
	.help = "Asks the server that runs on the data folder; when none does, reads its ledger.\n"
		"Exit status: 0 it runs and is well, 3 there is no ledger either, 5 no server runs, 6 it runs and is\n"
		"degraded (the causes are told), 8 the folder is another user's.\n",
	.examples = "  callspool status\n"
		    "  callspool status --json | jq .recordings\n",
	.flags = flags,
	.takes_settings = true,
	.run = run_status,
};
