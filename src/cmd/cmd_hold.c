/* callspool hold: recordings that neither expire nor are removed. */
#include "cmd/commands.h"

#include "base/mem.h"
#include "base/own.h"
#include "cli/cmd_reach.h"
#include "client/access_client.h"
#include "client/answer.h"
#include "twilio/sid.h"

#include <stdio.h>

struct hold_command {
	struct cmd_options options; /* first: flags are read into all of it */
	const char *reason;
	bool lifts;
	struct access_client client;
};

/* Appends the answer. */
static bool change_one(struct hold_command *command, const char *recording_sid, json_t *changed,
		       struct err *err)
{
	AUTO(free) char *path = xasprintf("/api/recordings/%s/hold", recording_sid);
	json_t *answer, *body = NULL;

	if (command->reason)
		body = json_pack("{s:s}", "reason", command->reason);
	if (!access_ask(&command->client, command->lifts ? "DELETE" : "POST", path, body, &answer,
			err))
		return false;
	json_array_append_new(changed, answer);
	return true;
}

/* Of what was removed there is nothing to hold. */
static bool is_there(const json_t *recording)
{
	return !json_object_get(recording, "removed_at");
}

static bool change_all(struct hold_command *command, const json_t *recordings, json_t *changed,
		       struct err *err)
{
	for (size_t i = 0; i < json_array_size(recordings); i++) {
		const json_t *recording = json_array_get(recordings, i);
		const char *sid = json_string_value(json_object_get(recording, "recording_sid"));

		if (sid && is_there(recording) && !change_one(command, sid, changed, err))
			return false;
	}
	return json_array_size(changed) > 0 ||
	       err_set(err, ERR_CONFLICT, "no recording of the call is here");
}

static bool change(struct hold_command *command, json_t *changed, struct err *err)
{
	const char *sid = command->options.operands.at[0];
	AUTO(free) char *path = xasprintf("/api/calls/%s", sid);
	json_t *call;
	bool good;

	if (sid_is_recording(str_of(sid)))
		return change_one(command, sid, changed, err);
	if (!access_ask(&command->client, "GET", path, NULL, &call, err))
		return false;
	good = change_all(command, json_object_get(call, "recordings"), changed, err);
	json_decref(call);
	return good;
}

static void print(const struct hold_command *command, const json_t *changed)
{
	if (command->options.is_json) {
		answer_print_as("recordings", changed);
		return;
	}
	for (size_t i = 0; i < json_array_size(changed); i++) {
		const json_t *answer = json_array_get(changed, i);

		printf("%s is %s\n", answer_text(answer, "recording_sid", ""),
		       command->lifts ? "no longer held" : "held");
	}
}

/* What was done is told, though something stopped it. */
static int run(struct hold_command *command)
{
	json_t *changed;
	struct err err;
	int status;
	bool good;

	if (!cmd_reach_confined(&command->options, &status))
		return status;
	changed = json_array();
	command->client.settings = &command->options.settings;
	good = change(command, changed, &err);
	access_client_release(&command->client);
	if (json_array_size(changed) > 0)
		print(command, changed);
	json_decref(changed);
	fflush(stdout);
	return good ? EXIT_GOOD : cmd_fail(&err);
}

static int run_hold(int argc, char **argv)
{
	struct hold_command command = { .lifts = false };
	const struct cmd_texts *operands = &command.options.operands;
	int status;

	if (!cmd_options_read(&cmd_hold, argc, argv, &command.options, &status))
		return status;
	if (operands->count != 1)
		status = cmd_misused(&cmd_hold, "say which: a call SID or a recording SID");
	else if (command.lifts && command.reason)
		status = cmd_misused(&cmd_hold, "--reason is not for --lift");
	else if (!sid_is_call(str_of(operands->at[0])) &&
		 !sid_is_recording(str_of(operands->at[0])))
		status = cmd_misused(&cmd_hold,
				     "'%s' is neither a call SID (CA...) nor a "
				     "recording SID (RE...)",
				     operands->at[0]);
	else
		status = run(&command);
	cmd_options_release(&command.options);
	return status;
}

static const struct cmd_flag flags[] = {
	{ "--reason", CMD_TEXT, offsetof(struct hold_command, reason), "TEXT",
	  "why: shown beside the recording, and kept in the audit" },
	{ "--lift", CMD_SWITCH, offsetof(struct hold_command, lifts), NULL, "end the hold" },
	{ "--json", CMD_SWITCH, offsetof(struct cmd_options, is_json), NULL, "as JSON" },
	{ 0 },
};

const struct cmd cmd_hold = {
	.name = "hold",
	.summary = "keep recordings beyond their time, or lift that",
	.usage = "CALL_SID|RECORDING_SID [--reason TEXT | --lift]",
	.help = "What is held neither expires nor is removed, by nobody, until the hold is lifted; then its age counts again.\n"
		"Of a call all recordings are held that are here.  Asks the server that runs on the data folder; when none\n"
		"does, changes its ledger.\n"
		"Exit status: 2 it is no SID, 3 there is no such call or recording, or no ledger, 4 it was removed, 5 the\n"
		"server does not answer, 8 the data folder is another user's.\n",
	.examples = "  callspool hold CA0123456789abcdef0123456789abcdef --reason 'claim 4711'\n"
		    "  callspool hold RE0123456789abcdef0123456789abcdef --lift\n",
	.flags = flags,
	.takes_settings = true,
	.operands_max = 1,
	.run = run_hold,
};
