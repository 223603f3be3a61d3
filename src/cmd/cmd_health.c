/*
 * callspool health: does the server answer?  For a container's health check, a supervisor, a script.
 *
 * Degraded is healthy: a server that waits for Twilio, or for room on the disk, plays what it has, and would play nothing
 * while it is started anew.
 */
#include "cmd/commands.h"

#include "cli/cmd_reach.h"

#include "client/admin_client.h"

#include <jansson.h>
#include <stdio.h>

#define BODY_MAX     4096
#define TIME_LIMIT_S 5 /* a server that takes longer for this plays to nobody */

static bool ask(const struct settings *settings, struct buf *out, struct err *err)
{
	const struct admin_request request = { .method = "GET",
					       .path = "/health",
					       .time_limit_s = TIME_LIMIT_S };
	long status = 0;

	if (!admin_ask(settings, &request, &status, out, err))
		return false;
	return status == 200 ||
	       err_set(err, ERR_UNAVAILABLE,
		       "the server answers with status %ld: see its log, and callspool status",
		       status);
}

/* False: what answered is no callspool. */
static bool print_text(const struct buf *body)
{
	json_t *health = json_loadb(body->at, body->len, 0, NULL);
	const char *version = json_string_value(json_object_get(health, "version"));
	bool is_degraded = json_is_true(json_object_get(health, "degraded"));

	if (version)
		printf("callspool %s answers%s\n", version,
		       is_degraded ? ", but is degraded: callspool status says why" : "");
	json_decref(health);
	return version != NULL;
}

static int tell(const struct cmd_options *options, const struct buf *body)
{
	struct err err;

	if (options->is_json) {
		printf("%s", body->at);
		return EXIT_GOOD;
	}
	if (print_text(body))
		return EXIT_GOOD;
	err_set(&err, ERR_UNAVAILABLE, "what answers is no callspool");
	return cmd_fail(&err);
}

static int run_health(int argc, char **argv)
{
	__attribute__((cleanup(cmd_options_release_at))) struct cmd_options options = { 0 };
	__attribute__((cleanup(buf_release_at))) struct buf body;
	struct err err;
	int status;

	buf_init(&body, BODY_MAX);
	if (!cmd_options_read(&cmd_health, argc, argv, &options, &status))
		return status;
	if (!cmd_reach(&options, &status))
		return status;
	if (ask(&options.settings, &body, &err))
		return tell(&options, &body);
	cmd_fail(&err);
	return err.kind == ERR_NOT_FOUND ? EXIT_NO_ANSWER : (int)exit_status_of(err.kind);
}

static const struct cmd_flag flags[] = {
	{ "--json", CMD_SWITCH, offsetof(struct cmd_options, is_json), NULL,
	  "the answer as it is" },
	{ 0 },
};

const struct cmd cmd_health = {
	.name = "health",
	.summary = "does the server answer?",
	.usage = "[--json] [--set data_dir=DIR]",
	.help = "Asks the server that runs on the data folder, by its socket there, and waits 5 s at most.\n"
		"Exit status: 0 it answers, also when it is degraded; 5 none runs, or it does not answer; 8 the folder is\n"
		"another user's.  What is wrong with one that is degraded: callspool status.\n",
	.examples = "  callspool health || echo 'callspool does not answer'\n"
		    "  callspool health --json --set data_dir=/var/lib/callspool | jq .degraded\n",
	.flags = flags,
	.takes_settings = true,
	.run = run_health,
};
