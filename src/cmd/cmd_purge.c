/* callspool purge: what is older than it is kept, removed now, or told. */
#include "cmd/commands.h"

#include "base/own.h"
#include "cli/cmd_reach.h"
#include "client/access_client.h"
#include "client/answer.h"

#include <stdio.h>

struct purge_command {
	struct cmd_options options; /* first: flags are read into all of it */
	bool is_dry, trusts_clock, resumes;
	struct access_client client;
};

static void print_size(long long bytes)
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB" };
	double size = (double)bytes;
	size_t unit = 0;

	while (size >= 1024 && unit + 1 < sizeof(units) / sizeof(*units)) {
		size /= 1024;
		unit++;
	}
	printf(unit == 0 ? "%.0f %s" : "%.1f %s", size, units[unit]);
}

/* ---- the preview ---- */

static void print_preview(const json_t *answer)
{
	const json_t *oldest = json_object_get(answer, "oldest");
	size_t shown = json_array_size(oldest);

	printf("%lld recordings are older than they are kept, and would be removed: ",
	       answer_number(answer, "recordings"));
	print_size(answer_number(answer, "bytes"));
	printf("\n");
	if (shown > 0)
		printf("the oldest:\n");
	for (size_t i = 0; i < shown; i++) {
		const json_t *row = json_array_get(oldest, i);

		printf("  %s  began %s  %lld bytes%s%s\n", answer_text(row, "recording_sid", ""),
		       answer_text(row, "started_at", ""), answer_number(row, "size"),
		       answer_text(row, "call_sid", "")[0] ? "  of " : "",
		       answer_text(row, "call_sid", ""));
	}
	if (answer_text(answer, "next_at", "")[0])
		printf("the next is due at %s\n", answer_text(answer, "next_at", ""));
	if (answer_text(answer, "clock", "")[0])
		printf("not now: %s\n", answer_text(answer, "clock", ""));
	if (answer_text(answer, "pause", "")[0])
		printf("not now: %s\n", answer_text(answer, "pause", ""));
}

/* ---- the removal ---- */

static void print_removed(const json_t *answer)
{
	printf("%lld recordings were older than they are kept, and are removed: ",
	       answer_number(answer, "removed"));
	print_size(answer_number(answer, "bytes"));
	printf("\n");
	fflush(stdout);
	if (answer_text(answer, "failure", "")[0])
		fprintf(stderr, "callspool: %lld could not be removed: %s\n",
			answer_number(answer, "failed"), answer_text(answer, "failure", ""));
	if (json_is_true(json_object_get(answer, "files_left")))
		fprintf(stderr,
			"callspool: files of removed recordings are there still; the log of the "
			"server says why\n");
}

static int status_of(const json_t *answer)
{
	return answer_text(answer, "failure", "")[0] ||
			       json_is_true(json_object_get(answer, "files_left"))
		       ? EXIT_OUR_FAULT
		       : EXIT_GOOD;
}

static void print(const struct purge_command *command, const json_t *answer)
{
	if (command->options.is_json) {
		answer_print(answer);
	} else if (command->is_dry) {
		print_preview(answer);
	} else {
		print_removed(answer);
	}
	fflush(stdout);
}

static bool ask(struct purge_command *command, json_t **out, struct err *err)
{
	if (command->is_dry)
		return access_ask(&command->client, "GET", "/api/purge", NULL, out, err);
	return access_ask(&command->client, "POST", "/api/purge",
			  json_pack("{s:b, s:b}", "trust_clock", command->trusts_clock, "resume",
				    command->resumes),
			  out, err);
}

static int run(struct purge_command *command)
{
	int status;
	json_t *answer;
	struct err err;
	bool good;

	if (!cmd_reach_confined(&command->options, &status))
		return status;
	command->client.settings = &command->options.settings;
	command->client.does_remove = !command->is_dry;
	command->client.waits = true;
	good = ask(command, &answer, &err);
	access_client_release(&command->client);
	if (!good)
		return cmd_fail(&err);
	print(command, answer);
	status = command->is_dry ? EXIT_GOOD : status_of(answer);
	json_decref(answer);
	return status;
}

static int run_purge(int argc, char **argv)
{
	struct purge_command command = { .is_dry = false };
	int status;

	if (!cmd_options_read(&cmd_purge, argc, argv, &command.options, &status))
		return status;
	if (command.is_dry && (command.trusts_clock || command.resumes))
		status =
			cmd_misused(&cmd_purge, "--trust-clock and --resume are not for --dry-run");
	else
		status = run(&command);
	cmd_options_release(&command.options);
	return status;
}

static const struct cmd_flag flags[] = {
	{ "--dry-run", CMD_SWITCH, offsetof(struct purge_command, is_dry), NULL,
	  "tell how many, how large, and the oldest ten; remove nothing" },
	{ "--trust-clock", CMD_SWITCH, offsetof(struct purge_command, trusts_clock), NULL,
	  "I have looked: the clock of this machine is right" },
	{ "--resume", CMD_SWITCH, offsetof(struct purge_command, resumes), NULL,
	  "after a rebuild or a restore: I have looked: what is to be held is held" },
	{ "--json", CMD_SWITCH, offsetof(struct cmd_options, is_json), NULL, "as JSON" },
	{ 0 },
};

const struct cmd cmd_purge = {
	.name = "purge",
	.summary = "remove recordings that are older than they are kept, or tell which",
	.usage = "[--dry-run | --trust-clock | --resume]",
	.help = "A server does this by itself, when retention and purge_grace are over; this does it at once, and waits, for\n"
		"five seconds at most, until the files are gone; what is left then goes by itself, and the exit status is 1.\n"
		"What is held stays.  Asks the server that runs on the data folder, which goes by its own\n"
		"settings; when none does, changes its ledger, and goes by those given here.\n"
		"A clock that nobody vouches for removes nothing: Twilio's answers do, or that it was right a week ago at most.\n"
		"After callspool rebuild or restore nothing is removed for a day, for holds may be lost: --resume ends that at once.\n"
		"Exit status: 1 something could not be removed, 3 there is no ledger, 4 Twilio's answers contradict the\n"
		"clock, or nothing is removed after a rebuild or a restore, 5 the clock is not believed, or the server does not answer, 8 the data folder is another user's.\n",
	.examples = "  callspool purge --dry-run\n"
		    "  callspool purge\n",
	.flags = flags,
	.takes_settings = true,
	.run = run_purge,
};
