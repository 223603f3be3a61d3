/* callspool migrate: the running server moves its ledger to PostgreSQL, and media into a bucket (client/migrate_client.h). */
#include "cmd/commands.h"

#include "cli/cmd_reach.h"

#include "base/own.h"
#include "base/utf8.h"
#include "client/answer.h"
#include "client/migrate_client.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

struct migrate_command {
	struct cmd_options options; /* first: flags are read into all of it */
	const char *to, *store;
	bool shows, pauses, cancels, verifies;
};

/* ---- telling ---- */

static bool is_state(const json_t *status, const char *state)
{
	return strcmp(answer_text(status, "state", ""), state) == 0;
}

static void print_settings(const json_t *status)
{
	if (answer_text(status, "to", "")[0])
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
	       migrate_client_words(answer_text(status, "phase", "")));
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
	(void)migrate_client_refused(json_object_get(status, "failed"), &err);
	return command->options.is_json ? (int)exit_status_of(err.kind) : cmd_fail(&err);
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
	const struct migrate_client asked = {
		.settings = &command->options.settings,
		.what = command->shows     ? MIGRATE_SHOW
			: command->pauses  ? MIGRATE_PAUSE
			: command->cancels ? MIGRATE_CANCEL
					   : MIGRATE_BEGIN,
		.verifies = command->verifies,
		.to = command->to,
		.store = command->store,
	};
	json_t *status = NULL;
	struct err err;
	int result;

	if (!check(command, &err) || !migrate_client_run(&asked, &status, &err)) {
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
	if ((command.to || command.store) + command.shows + command.pauses + command.cancels != 1)
		status = cmd_misused(
			&cmd_migrate,
			"--to and --store, or one of them, or one of --status, --pause and --cancel is needed");
	else if (command.verifies && !command.store)
		status = cmd_misused(&cmd_migrate, "--verify-media goes with --store");
	else if (cmd_reach_confined(&command.options, &status))
		status = migrate(&command);
	cmd_options_release(&command.options);
	return status;
}

static const struct cmd_flag flags[] = {
	{ "--to", CMD_TEXT, offsetof(struct migrate_command, to), "ADDRESS",
	  "an empty database, as `database` will name it: postgresql://callspool@db.example.com/callspool" },
	{ "--store", CMD_TEXT, offsetof(struct migrate_command, store), "ADDRESS",
	  "media goes into this bucket, as `store` will name it, with --to or alone; s3.* are the server's settings" },
	{ "--verify-media", CMD_SWITCH, offsetof(struct migrate_command, verifies), NULL,
	  "with --store: read every recording back from the bucket, before it is served from there" },
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
		"move the ledger to PostgreSQL, media into a bucket, or both, while the server serves",
	.usage =
		"[--to ADDRESS] [--store ADDRESS [--verify-media]] | --status | --pause | --cancel",
	.help = "The running server does it, whether this goes on to look or not: it copies every row, and what changes\n"
		"meanwhile, compares both, and is then put together anew on the new ledger, within seconds, in which\n"
		"whoever connects waits.  Until then nothing of the old one has changed; killed at any time it goes on as it\n"
		"was, and asked again the move goes on where it was.  From then on the old ledger is refused by everybody.\n"
		"The settings file has to say the new address before the next start: the lines are printed.\n"
		"Ends with 3 when no server runs, with 4 where something is in the database or both differ, with 5 when it\n"
		"does not answer.\n",
	.examples =
		"  callspool migrate --to 'postgresql://callspool@db.example.com/callspool?passfile=/etc/callspool/pgpass'\n"
		"  callspool migrate --store s3://recordings/calls\n"
		"  callspool migrate --status\n",
	.flags = flags,
	.takes_settings = true,
	.run = run_migrate,
};
