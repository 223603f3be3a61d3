/*
 * callspool migrate: the running server moves its ledger to PostgreSQL, and media into a bucket.
 *
 * The server does it, and goes on whether this looks or not.  In the switch the administrator's socket waits in its queue, too; so
 * whoever serves in the end answers the last question.
 */
#include "cmd/commands.h"

#include "cli/cmd_reach.h"

#include "base/own.h"
#include "base/utf8.h"
#include "client/admin_client.h"
#include "client/answer.h"
#include "client/progress_bar.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ANSWER_MAX (64 * 1024)
#define LOOK_MS    250
#define ASKS       20 /* a server that stops to listen may cut questions off */

struct migrate_command {
	struct cmd_options options; /* first: flags are read into all of it */
	const char *to, *store;
	bool shows, pauses, cancels;
};

/* ---- asking ---- */

static enum err_kind kind_of(const char *code)
{
	if (strcmp(code, "bad_request") == 0)
		return ERR_INVALID;
	if (strcmp(code, "conflict") == 0)
		return ERR_CONFLICT;
	return strcmp(code, "overloaded") == 0 ? ERR_UNAVAILABLE : ERR_INTERNAL;
}

static bool refused(const json_t *answer, struct err *err)
{
	return err_set(err, kind_of(answer_text(answer, "code", "")), "%s",
		       answer_text(answer, "error", "the server's answer is not understood"));
}

static bool ask(const struct migrate_command *command, const struct admin_request *request,
		json_t **out, struct err *err)
{
	__attribute__((cleanup(buf_release_at))) struct buf body;
	long status = 0;
	json_t *answer;

	buf_init(&body, ANSWER_MAX);
	if (!admin_ask(&command->options.settings, request, &status, &body, err))
		return false;
	answer = json_loadb(body.at ? body.at : "", body.len, 0, NULL);
	if (status == 200 && answer) {
		*out = answer;
		return true;
	}
	if (status == 404)
		err_set(err, ERR_INVALID, "the running server is of a version that moves nothing");
	else
		refused(answer, err);
	json_decref(answer);
	return false;
}

static bool show(const struct migrate_command *command, json_t **out, struct err *err)
{
	static const struct admin_request request = { .method = "GET",
						      .path = "/api/migration",
						      .time_limit_s = ADMIN_NO_LIMIT };

	for (int i = 1;; i++) {
		if (ask(command, &request, out, err))
			return true;
		if (err->kind != ERR_UNAVAILABLE || i == ASKS)
			return false;
	}
}

static bool begin(const struct migrate_command *command, json_t **out, struct err *err)
{
	struct admin_request request = { .method = "POST", .path = "/api/migration" };
	json_t *body = json_pack("{s:s, s:s}", "to", command->to, "store",
				 command->store ? command->store : "");
	char *text = json_dumps(body, JSON_COMPACT);
	bool is_good;

	json_decref(body);
	request.body = text;
	is_good = text ? ask(command, &request, out, err)
		       : err_set(err, ERR_INVALID, "the address is no text in UTF-8");
	free(text);
	return is_good;
}

/* ---- telling ---- */

static const char *words_of(const char *phase)
{
	static const struct {
		const char *phase, *words;
	} all[] = {
		{ "media", "recordings brought" },
		{ "rows", "rows copied" },
		{ "compares", "rows compared" },
		{ "follows", "rows, and what changes meanwhile" },
	};

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (strcmp(all[i].phase, phase) == 0)
			return all[i].words;
	return "rows";
}

static bool is_state(const json_t *status, const char *state)
{
	return strcmp(answer_text(status, "state", ""), state) == 0;
}

static void print_settings(const json_t *status)
{
	printf("database = %s\n", answer_text(status, "to", ""));
	if (answer_text(status, "store", "")[0])
		printf("store = %s\n", answer_text(status, "store", ""));
}

static void print_status(const json_t *status)
{
	const json_t *failed = json_object_get(status, "failed");
	AUTO(free) char *why = utf8_plain(str_of(answer_text(failed, "error", "")));

	if (is_state(status, "none")) {
		printf("nothing is being moved\n");
		return;
	}
	if (is_state(status, "moved")) {
		printf("moved.  What the settings file has to say, before callspool is started again:\n\n");
		print_settings(status);
		return;
	}
	printf("%s: %lld of %lld %s", answer_text(status, "state", ""),
	       answer_number(status, "done"), answer_number(status, "all"),
	       words_of(answer_text(status, "phase", "")));
	printf(why[0] ? "; %s\n" : "%s\n", why);
}

/* Its exit status is that of what failed. */
static int end(const struct migrate_command *command, const json_t *status)
{
	struct err err;

	if (command->options.is_json)
		answer_print(status);
	else if (!is_state(status, "failed"))
		print_status(status);
	if (!is_state(status, "failed"))
		return EXIT_GOOD;
	refused(json_object_get(status, "failed"), &err);
	return command->options.is_json ? (int)exit_status_of(err.kind) : cmd_fail(&err);
}

/* ---- until it has come to its end ---- */

struct following {
	struct progress_bar bar;
	char phase[32], waits_for[256];
};

static void look(struct following *following, const json_t *status)
{
	const char *phase = answer_text(status, "phase", "");
	const char *waits_for = answer_text(json_object_get(status, "failed"), "error", "");
	uint64_t all = (uint64_t)answer_number(status, "all");
	uint64_t done = (uint64_t)answer_number(status, "done");

	if (strcmp(phase, following->phase) != 0) {
		str_fit(str_of(phase), following->phase, sizeof(following->phase));
		progress_bar_start(&following->bar, words_of(phase));
	}
	if (is_state(status, "running") && all > 0 && done < all)
		progress_move(&following->bar.progress, done, all);
	if (is_state(status, "running") && waits_for[0] &&
	    strcmp(waits_for, following->waits_for) != 0)
		fprintf(stderr, "callspool: %s; it is tried again\n", waits_for);
	str_fit(str_of(waits_for), following->waits_for, sizeof(following->waits_for));
}

static bool follow(const struct migrate_command *command, json_t **inout, struct err *err)
{
	const struct timespec wait = { .tv_nsec = LOOK_MS * 1000000L };
	struct following following = { .phase = "" };

	while (is_state(*inout, "running") || is_state(*inout, "switching")) {
		look(&following, *inout);
		nanosleep(&wait, NULL);
		json_decref(TAKE(*inout));
		if (!show(command, inout, err))
			return false;
	}
	return true;
}

static bool run(const struct migrate_command *command, json_t **out, struct err *err)
{
	static const struct admin_request pause = { .method = "POST",
						    .path = "/api/migration/pause" };
	static const struct admin_request cancel = { .method = "DELETE", .path = "/api/migration" };

	if (command->shows)
		return show(command, out, err);
	if (command->pauses)
		return ask(command, &pause, out, err) && follow(command, out, err);
	if (command->cancels)
		return ask(command, &cancel, out, err) && follow(command, out, err);
	return begin(command, out, err) && follow(command, out, err);
}

/* What the server is to be started with in the end is wrong before anything is asked, where it is wrong. */
static bool check(struct migrate_command *command, struct err *err)
{
	struct settings checked;

	return (!command->to ||
		settings_put(command->options.source, "database", command->to, "--to", err)) &&
	       (!command->store ||
		settings_put(command->options.source, "store", command->store, "--store", err)) &&
	       settings_resolve(command->options.source, &checked, err);
}

static int migrate(struct migrate_command *command)
{
	json_t *status = NULL;
	struct err err;
	int result;

	if (!check(command, &err) || !run(command, &status, &err)) {
		json_decref(status);
		return cmd_fail(&err);
	}
	result = end(command, status);
	json_decref(status);
	return result;
}

static int run_migrate(int argc, char **argv)
{
	struct migrate_command command = { .to = NULL };
	int status;

	if (!cmd_options_read(&cmd_migrate, argc, argv, &command.options, &status))
		return status;
	if ((command.to != NULL) + command.shows + command.pauses + command.cancels != 1)
		status = cmd_misused(&cmd_migrate,
				     "one of --to, --status, --pause and --cancel is needed");
	else if (command.store && !command.to)
		status = cmd_misused(&cmd_migrate, "--store goes with --to");
	else if (cmd_reach_confined(&command.options, &status))
		status = migrate(&command);
	cmd_options_release(&command.options);
	return status;
}

static const struct cmd_flag flags[] = {
	{ "--to", CMD_TEXT, offsetof(struct migrate_command, to), "ADDRESS",
	  "an empty database, as `database` will name it: postgresql://callspool@db.example.com/callspool" },
	{ "--store", CMD_TEXT, offsetof(struct migrate_command, store), "ADDRESS",
	  "with --to: media goes into this bucket, as `store` will name it; s3.* are the server's settings" },
	{ "--status", CMD_SWITCH, offsetof(struct migrate_command, shows), NULL, "how far it is" },
	{ "--pause", CMD_SWITCH, offsetof(struct migrate_command, pauses), NULL,
	  "stop where it is; asked again, it goes on from there" },
	{ "--cancel", CMD_SWITCH, offsetof(struct migrate_command, cancels), NULL,
	  "give it up: the ledger stays where it is" },
	{ "--json", CMD_SWITCH, offsetof(struct cmd_options, is_json), NULL, "as JSON" },
	{ 0 },
};

const struct cmd cmd_migrate = {
	.name = "migrate",
	.summary =
		"move the ledger to PostgreSQL, and media into a bucket, while the server serves",
	.usage = "--to ADDRESS [--store ADDRESS] | --status | --pause | --cancel",
	.help = "The running server does it, whether this goes on to look or not: it copies every row, and what changes\n"
		"meanwhile, compares both, and is then put together anew on the new ledger, within seconds, in which\n"
		"whoever connects waits.  Until then nothing of the old one has changed; killed at any time it goes on as it\n"
		"was, and asked again the move goes on where it was.  From then on the old ledger is refused by everybody.\n"
		"The settings file has to say the new address before the next start: the lines are printed.\n"
		"Ends with 3 when no server runs, with 4 where something is in the database or both differ, with 5 when it\n"
		"does not answer.\n",
	.examples =
		"  callspool migrate --to 'postgresql://callspool@db.example.com/callspool?passfile=/etc/callspool/pgpass'\n"
		"  callspool migrate --status\n",
	.flags = flags,
	.takes_settings = true,
	.run = run_migrate,
};
