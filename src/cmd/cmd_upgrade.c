/*
 * callspool upgrade: the running server starts its successor and hands everything over.
 *
 * Two questions over the administrator's socket.  The first is answered when the successor is prepared, or why it is
 * not.  From then on that socket, too, waits in its queue, so that whoever is there in the end answers the second: the
 * successor, or the server that goes on.
 */
#include "cmd/commands.h"

#include "cli/cmd_reach.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/own.h"
#include "base/utf8.h"
#include "client/admin_client.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_MAX     (64 * 1024)
#define PREPARE_TIME_S 90 /* above what the server lets its successor have */
#define ASKS           10 /* the server may take one more question before it stops to listen */

struct upgrade_command {
	struct cmd_options options; /* first: flags are read into all of it */
	const char *binary;
};

static enum err_kind kind_of(const char *code)
{
	if (code && strcmp(code, "bad_request") == 0)
		return ERR_INVALID;
	if (code && strcmp(code, "conflict") == 0)
		return ERR_CONFLICT;
	return code && strcmp(code, "overloaded") == 0 ? ERR_UNAVAILABLE : ERR_INTERNAL;
}

/* "error" and "code" of a refusal, or of what failed last. */
static bool refused(const json_t *answer, struct err *err)
{
	const char *text = json_string_value(json_object_get(answer, "error"));

	return err_set(err, kind_of(json_string_value(json_object_get(answer, "code"))), "%s",
		       text ? text : "the server's answer is not understood");
}

static bool ask(const struct settings *settings, const struct admin_request *request, json_t **out,
		struct err *err)
{
	__attribute__((cleanup(buf_release_at))) struct buf body;
	long status = 0;
	json_t *answer;

	buf_init(&body, ANSWER_MAX);
	if (!admin_ask(settings, request, &status, &body, err))
		return false;
	answer = json_loadb(body.at ? body.at : "", body.len, 0, NULL);
	if (status == 404)
		err_set(err, ERR_INVALID,
			"the running server is of a version that needs a restart");
	else if (status != 200 || !answer)
		refused(answer, err);
	if (status == 200 && answer) {
		*out = answer;
		return true;
	}
	json_decref(answer);
	return false;
}

static json_int_t pid_of(const json_t *answer)
{
	return json_integer_value(json_object_get(answer, "pid"));
}

static bool begin(const struct upgrade_command *command, json_t **out, struct err *err)
{
	AUTO(free) char *path = command->binary ? realpath(command->binary, NULL) : NULL;
	struct admin_request request = { .method = "POST",
					 .path = "/api/upgrade",
					 .time_limit_s = PREPARE_TIME_S };
	json_t *body;
	char *text;
	bool is_good;

	if (command->binary && !path) {
		err_errno(err, "cannot find '%s'", command->binary);
		err->kind = ERR_INVALID;
		return false;
	}
	/* JSON holds no other: without it, the default one would be started. */
	if (path && !utf8_is_valid(str_of(path)))
		return err_set(err, ERR_INVALID,
			       "the path of --binary is not UTF-8, and the server takes no other");
	body = json_object();
	if (path)
		json_object_set_new(body, "binary", json_string(path));
	text = json_dumps(body, JSON_COMPACT);
	json_decref(body);
	request.body = text;
	is_good = ask(&command->options.settings, &request, out, err);
	free(text);
	return is_good;
}

/* The answer of whoever is there in the end; NULL: one that the server gave before it stopped, or it was cut. */
static bool ask_who(const struct upgrade_command *command, json_int_t pid, json_t **out,
		    struct err *err)
{
	static const struct admin_request request = { .method = "GET",
						      .path = "/api/upgrade",
						      .time_limit_s = ADMIN_NO_LIMIT };
	json_t *answer = NULL;

	if (!ask(&command->options.settings, &request, &answer, err) &&
	    err->kind != ERR_UNAVAILABLE)
		return false;
	if (answer && pid_of(answer) != pid && pid_of(json_object_get(answer, "failed")) != pid) {
		err_set(err, ERR_UNAVAILABLE, "the server does not say what became of it");
		json_decref(TAKE(answer));
	}
	*out = answer;
	return true;
}

/* However long the successor takes: it may have to bring the ledger up to date. */
static bool await(const struct upgrade_command *command, json_int_t pid, json_t **out,
		  struct err *err)
{
	json_t *answer = NULL;

	for (int i = 0; i < ASKS && !answer; i++)
		if (!ask_who(command, pid, &answer, err))
			return false;
	if (answer && pid_of(answer) == pid) {
		*out = answer;
		return true;
	}
	if (!answer)
		return false;
	refused(json_object_get(answer, "failed"), err);
	json_decref(answer);
	return err_context(err, "the server goes on as it was");
}

static void tell(const struct upgrade_command *command, const json_t *answer, int64_t took_ms)
{
	const char *version = json_string_value(json_object_get(answer, "version"));

	if (command->options.is_json)
		printf("{\"pid\":%lld,\"version\":\"%s\",\"took_ms\":%lld}\n",
		       (long long)pid_of(answer), version ? version : "", (long long)took_ms);
	else
		printf("process %lld serves now, version %s; it took %lld.%02lld s\n",
		       (long long)pid_of(answer), version ? version : "?",
		       (long long)(took_ms / 1000), (long long)(took_ms % 1000 / 10));
}

static bool upgrade(const struct upgrade_command *command, struct err *err)
{
	int64_t started_ms = clock_monotonic_ms();
	json_t *prepared = NULL, *serving = NULL;
	json_int_t pid;

	if (!begin(command, &prepared, err))
		return false;
	pid = pid_of(prepared);
	json_decref(prepared);
	if (!await(command, pid, &serving, err))
		return false;
	tell(command, serving, clock_monotonic_ms() - started_ms);
	json_decref(serving);
	return true;
}

static int run_upgrade(int argc, char **argv)
{
	struct upgrade_command command = { .binary = NULL };
	struct err err;
	int status;

	if (!cmd_options_read(&cmd_upgrade, argc, argv, &command.options, &status))
		return status;
	if (cmd_reach_confined(&command.options, &status))
		status = upgrade(&command, &err) ? EXIT_GOOD : cmd_fail(&err);
	cmd_options_release(&command.options);
	return status;
}

static const struct cmd_flag flags[] = {
	{ "--binary", CMD_PATH, offsetof(struct upgrade_command, binary), "PATH",
	  "the program to start, or what execs it; by default the one at the server's own path, links resolved when it started" },
	{ "--json", CMD_SWITCH, offsetof(struct cmd_options, is_json), NULL, "as JSON" },
	{ 0 },
};

const struct cmd cmd_upgrade = {
	.name = "upgrade",
	.summary = "have the running server replaced by a new binary, without a refused connection",
	.usage = "[--binary PATH] [--json] [--config FILE] [--set KEY=VALUE]...",
	.help = "The running server starts the new binary with its own arguments and environment, and hands it the\n"
		"listening sockets, the data folder and its ledger.  Whoever connects meanwhile waits; plays that are cut\n"
		"go on by Range.  When the new one fails, the server goes on as it was, and this says why.\n"
		"Where systemd passes the sockets, `systemctl restart` does as well.  Ends with 2 when the new one refuses\n"
		"its settings or the ledger, with 3 when no server runs, 4 when an upgrade is under way already, 5 when\n"
		"the new one did not come about.\n",
	.examples = "  callspool upgrade\n"
		    "  callspool upgrade --binary /opt/callspool/bin/callspool\n",
	.flags = flags,
	.takes_settings = true,
	.run = run_upgrade,
};
