/* callspool link: who was given a recording. */
#include "people/access_command.h"
#include "people/people_commands.h"

#include "twilio/sid.h"

#include <string.h>

#define PATH "/api/links"

static bool run_make(struct access_command *command, struct err *err)
{
	const char *sid = command->operand[0];
	json_t *answer, *body;

	if (!sid_is_call(str_of(sid)) && !sid_is_recording(str_of(sid)))
		return err_set(err, ERR_INVALID,
			       "'%s' is no SID of a call (CA...) or a recording (RE...)", sid);
	body = json_pack("{s:s, s:b, s:b}", sid_is_call(str_of(sid)) ? "call_sid" : "recording_sid",
			 sid, "show_numbers", command->shows_numbers, "whole_call",
			 command->is_of_whole_call);
	if (command->expires)
		json_object_set_new(body, "expires_in", json_string(command->expires));
	if (command->plays)
		json_object_set_new(body, "plays", json_integer((json_int_t)command->plays));
	if (command->note)
		json_object_set_new(body, "note", json_string(command->note));
	if (!access_command_ask(command, "POST", PATH, NULL, NULL, body, &answer, err))
		return false;
	access_command_print_secret(
		command, answer, "url",
		"Whoever has this link hears the recording.  With --json there is "
		"media_url, too, for a player.");
	json_decref(answer);
	return true;
}

static bool is_of_call(const json_t *row, const void *context)
{
	const char *sid = json_string_value(json_object_get(row, "recording_sid"));
	const json_t *recordings = context, *recording;
	size_t i;

	json_array_foreach(recordings, i,
			   recording) if (sid &&
					  strcmp(sid, json_string_value(json_object_get(
							      recording, "recording_sid"))) ==
						  0) return true;
	return false;
}

static bool run_list(struct access_command *command, struct err *err)
{
	static const struct access_column columns[] = {
		{ "name", "NAME" },
		{ "recording_sid", "RECORDING" },
		{ "plays", "PLAYS" },
		{ "plays_max", "AT MOST" },
		{ "expires_at", "EXPIRES" },
		{ "note", "NOTE" },
		{ 0 },
	};
	struct access_list list = {
		.path = PATH "?", .key = "links", .pager = "before", .columns = columns
	};
	json_t *call = NULL;
	bool good;

	if (command->call && !access_command_ask(command, "GET", "/api/calls", command->call, NULL,
						 NULL, &call, err))
		return false;
	if (call) {
		list.wanted = is_of_call;
		list.context = json_object_get(call, "recordings");
	}
	good = access_command_list(command, &list, err);
	json_decref(call);
	return good;
}

static bool run_revoke(struct access_command *command, struct err *err)
{
	return access_command_change(command, "DELETE", PATH, command->operand[0], NULL, NULL, err);
}

static int run_link(int argc, char **argv)
{
	static const struct access_verb verbs[] = {
		{ "make", 1, 1, run_make },
		{ "list", 0, 0, run_list },
		{ "revoke", 1, 1, run_revoke },
		{ 0 },
	};

	return access_command_run(&cmd_link, verbs, argc, argv);
}

static const struct cmd_flag flags[] = {
	{ "--expires", CMD_TEXT, offsetof(struct access_command, expires), "TIME",
	  "make: as 1h; else 7d" },
	{ "--plays", CMD_COUNT, offsetof(struct access_command, plays), "NUMBER",
	  "make: so often; else as often as one likes" },
	{ "--numbers", CMD_SWITCH, offsetof(struct access_command, shows_numbers), NULL,
	  "make: its page shows who called whom" },
	{ "--whole-call", CMD_SWITCH, offsetof(struct access_command, is_of_whole_call), NULL,
	  "make: all recordings of the call" },
	{ "--note", CMD_TEXT, offsetof(struct access_command, note), "TEXT",
	  "make: what lists say of it" },
	{ "--call", CMD_TEXT, offsetof(struct access_command, call), "CALL_SID",
	  "list: those to the recordings of this call" },
	{ "--json", CMD_SWITCH, offsetof(struct cmd_options, is_json), NULL,
	  "the answer as it is" },
	{ 0 },
};

const struct cmd cmd_link = {
	.name = "link",
	.summary = "links to recordings: make, list, revoke",
	.usage = "make CALL_SID|RECORDING_SID | list | revoke NAME",
	.help = "make prints the link, alone, on standard output; list and revoke know it by its name, which is\n"
		"the eight characters behind /l/.\n"
		"Exit status 3: there is no such link, or no such recording.\n",
	.examples =
		"  callspool link make CA0123456789abcdef0123456789abcdef --expires 1h --plays 1\n"
		"  callspool link revoke Zk3_x81Q\n",
	.flags = flags,
	.takes_settings = true,
	.operands_max = 2,
	.run = run_link,
};
