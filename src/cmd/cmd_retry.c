/* callspool retry: what was given up is fetched again. */
#include "cmd/commands.h"

#include "cli/cmd_reach.h"

#include "base/mem.h"
#include "catalog/recordings.h"
#include "client/access_client.h"
#include "client/answer.h"
#include "client/dead_letters.h"
#include "client/retry_notify.h"
#include "notify/notice_message.h"
#include "twilio/sid.h"

#include <stdio.h>

struct retry_command {
	struct cmd_options options; /* first: flags are read into all of it */
	bool lists, is_of_all;
	bool is_of_notify; /* webhooks that are sent, in place of recordings */
	struct dead_letters letters;
	struct access_client client;
	struct answer_list list; /* what is printed */
};

/* ---- the dead letters ---- */

static void print_letter(const json_t *letter)
{
	const json_t *attempts = json_object_get(letter, "attempts");

	printf("%s  %s  %s  %s\n", answer_text(letter, "recording_sid", "-"),
	       answer_text(letter, "call_sid", "-"), answer_text(letter, "started_at", "-"),
	       answer_text(json_object_get(letter, "reason"), "text", "-"));
	for (size_t i = 0; i < json_array_size(attempts); i++) {
		const json_t *attempt = json_array_get(attempts, i);

		printf("    %s  %s: %s\n", answer_text(attempt, "began_at", "-"),
		       answer_text(attempt, "outcome", "-"), answer_text(attempt, "text", "-"));
	}
}

static bool list_letter(struct dead_letters *letters, struct catalog *catalog,
			const struct recording *recording, struct err *err)
{
	struct retry_command *command = container_of(letters, struct retry_command, letters);
	json_t *letter;

	if (!dead_letter_read(catalog, recording, &letter, err))
		return false;
	answer_list_add(&command->list, letter);
	if (!command->list.is_json)
		print_letter(letter);
	json_decref(letter);
	return true;
}

static bool list(struct retry_command *command, struct err *err)
{
	bool good;

	command->letters.take = list_letter;
	answer_list_begin(&command->list, "dead");
	good = dead_letters_each(&command->letters, err);
	answer_list_end(&command->list);
	return good;
}

/* ---- trying again ---- */

static void print_queued(struct retry_command *command, const json_t *queued)
{
	for (size_t i = 0; i < json_array_size(queued); i++) {
		const json_t *sid = json_array_get(queued, i);

		answer_list_add(&command->list, sid);
		if (!command->list.is_json)
			printf("%s is fetched again\n", json_string_value(sid));
	}
}

static bool ask(struct retry_command *command, const char *sid, json_t **out, struct err *err)
{
	AUTO(free)
	char *path = xasprintf("/api/%s/%s/retry",
			       sid_is_call(str_of(sid)) ? "calls" : "recordings", sid);

	return access_ask(&command->client, "POST", path, NULL, out, err);
}

static bool retry_one(struct retry_command *command, struct err *err)
{
	json_t *answer;

	if (!ask(command, command->options.operands.at[0], &answer, err))
		return false;
	answer_list_begin(&command->list, "queued");
	print_queued(command, json_object_get(answer, "queued"));
	answer_list_end(&command->list);
	json_decref(answer);
	return true;
}

/* One that is no dead letter any more, as somebody was faster, is passed over. */
static bool ask_letter(struct dead_letters *letters, struct catalog *catalog,
		       const struct recording *recording, struct err *err)
{
	struct retry_command *command = container_of(letters, struct retry_command, letters);
	json_t *answer;

	if (!ask(command, recording->recording_sid, &answer, err))
		return command->client.status == 409;
	print_queued(command, json_object_get(answer, "queued"));
	json_decref(answer);
	return true;
}

/* What was done is told, though something stopped it; of one that was refused nothing is. */
static bool retry(struct retry_command *command, struct err *err)
{
	bool good;

	command->client.settings = &command->options.settings;
	if (command->is_of_all) {
		command->letters.take = ask_letter;
		answer_list_begin(&command->list, "queued");
		good = dead_letters_each(&command->letters, err);
		answer_list_end(&command->list);
		if (good && !command->list.has_some && !command->list.is_json)
			printf("no dead letters\n");
	} else {
		good = retry_one(command, err);
	}
	access_client_release(&command->client);
	return good;
}

static bool run_notify(const struct retry_command *command, struct err *err)
{
	const struct settings *settings = &command->options.settings;
	const struct cmd_texts *operands = &command->options.operands;
	bool is_json = command->options.is_json;

	return command->lists ? retry_notify_list(settings, is_json, err)
			      : retry_notify(settings, operands->count ? operands->at[0] : NULL,
					     is_json, err);
}

/* NULL: it is used as it should be. */
static const char *misuse(const struct retry_command *command)
{
	const struct cmd_texts *operands = &command->options.operands;
	struct str operand = operands->count == 1 ? str_of(operands->at[0]) : STR_NONE;
	bool is_sid = sid_is_call(operand) || sid_is_recording(operand);
	int64_t seq;

	if (command->lists + command->is_of_all + (operands->count == 1) != 1)
		return "say which: a call SID or a recording SID, --all, or --list";
	if (command->letters.reason && (operands->count == 1 || command->is_of_notify))
		return "--reason goes with --list or --all, of recordings";
	if (operands->count == 0)
		return NULL;
	if (command->is_of_notify)
		return notice_id_read(operand, &seq)
			       ? NULL
			       : "with --notify: a webhook-id, as msg_RE..._1234";
	return is_sid ? NULL : "that is neither a call SID (CA...) nor a recording SID (RE...)";
}

static int run(struct retry_command *command)
{
	struct err err;
	int status;

	if (!cmd_reach_confined(&command->options, &status))
		return status;
	command->letters.settings = &command->options.settings;
	command->list.is_json = command->options.is_json;
	if (!(command->is_of_notify ? run_notify(command, &err)
	      : command->lists      ? list(command, &err)
				    : retry(command, &err))) {
		fflush(stdout);
		return cmd_fail(&err);
	}
	return EXIT_GOOD;
}

static int run_retry(int argc, char **argv)
{
	struct retry_command command = { .lists = false };
	const char *why;
	int status;

	if (!cmd_options_read(&cmd_retry, argc, argv, &command.options, &status))
		return status;
	why = misuse(&command);
	if (why)
		status = cmd_misused(&cmd_retry, "%s", why);
	else
		status = run(&command);
	cmd_options_release(&command.options);
	return status;
}

static const struct cmd_flag flags[] = {
	{ "--list", CMD_SWITCH, offsetof(struct retry_command, lists), NULL,
	  "print the dead letters, each with its reason and its attempts" },
	{ "--all", CMD_SWITCH, offsetof(struct retry_command, is_of_all), NULL,
	  "every dead letter" },
	{ "--reason", CMD_TEXT, offsetof(struct retry_command, letters.reason), "TEXT",
	  "--list, --all: those alone whose reason holds TEXT" },
	{ "--notify", CMD_SWITCH, offsetof(struct retry_command, is_of_notify), NULL,
	  "webhooks to notify_url that were given up, in place of recordings" },
	{ "--json", CMD_SWITCH, offsetof(struct cmd_options, is_json), NULL, "as JSON" },
	{ 0 },
};

const struct cmd cmd_retry = {
	.name = "retry",
	.summary = "fetch again what was given up (dead letters), or list it",
	.usage =
		"CALL_SID|RECORDING_SID | --all [--reason TEXT] | --list [--reason TEXT] | --notify WEBHOOK_ID|--all|--list",
	.help = "A recording that was given up, that Twilio did not have, or that waits for its next try, is fetched at\n"
		"once, and tried for as long as a new one.  Asks the server that runs on the data folder; when none does,\n"
		"changes its ledger, and the next start fetches.\n"
		"Of a call's recordings those are passed over that were stored meanwhile.\n"
		"With --notify: webhooks to notify_url are sent again, though it answered 410 (Gone).\n"
		"Exit status: 2 it is no SID, 3 there is no such call or recording, or no ledger, 4 it is stored, purged, or not\n"
		"over yet, 5 the server does not answer, 8 the data folder is another user's.\n",
	.examples = "  callspool retry --list\n"
		    "  callspool retry CA0123456789abcdef0123456789abcdef\n"
		    "  callspool retry --all --reason credentials\n"
		    "  callspool retry --notify --all\n",
	.flags = flags,
	.takes_settings = true,
	.operands_max = 1,
	.run = run_retry,
};
