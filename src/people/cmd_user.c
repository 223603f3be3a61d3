/* callspool user: who may sign in. */
#include "people/access_command.h"
#include "people/people_commands.h"

#include <stdio.h>

#define PATH "/api/users"

static bool run_add(struct access_command *command, struct err *err)
{
	json_t *answer, *body = json_pack("{s:s, s:s}", "name", command->operand[0], "role",
					  command->is_admin ? "admin" : "listener");

	if (command->full_name)
		json_object_set_new(body, "full_name", json_string(command->full_name));
	if (!access_command_ask(command, "POST", PATH, NULL, NULL, body, &answer, err))
		return false;
	access_command_print_secret(command, answer, "url",
				    "Whoever opens this link sets the password; it works once, "
				    "within 24 hours.");
	json_decref(answer);
	return true;
}

static bool run_list(struct access_command *command, struct err *err)
{
	static const struct access_column columns[] = {
		{ "name", "NAME" },
		{ "role", "ROLE" },
		{ "source", "SOURCE" },
		{ "disabled", "DISABLED" },
		{ "has_password", "PASSWORD" },
		{ "signed_in_at", "LAST SIGNED IN" },
		{ 0 },
	};
	const struct access_list list = {
		.path = PATH "?", .key = "users", .pager = "after", .columns = columns
	};

	return access_command_list(command, &list, err);
}

static bool change(struct access_command *command, json_t *body, struct err *err)
{
	return access_command_change(command, "POST", PATH, command->operand[0], NULL, body, err);
}

static bool run_rename(struct access_command *command, struct err *err)
{
	return change(command, json_pack("{s:s}", "name", command->operand[1]), err);
}

static bool run_role(struct access_command *command, struct err *err)
{
	return change(command, json_pack("{s:s}", "role", command->operand[1]), err);
}

static bool run_disable(struct access_command *command, struct err *err)
{
	return change(command, json_pack("{s:b}", "disabled", 1), err);
}

static bool run_enable(struct access_command *command, struct err *err)
{
	return change(command, json_pack("{s:b}", "disabled", 0), err);
}

static bool run_delete(struct access_command *command, struct err *err)
{
	return access_command_change(command, "DELETE", PATH, command->operand[0], NULL, NULL, err);
}

static bool run_reset(struct access_command *command, struct err *err)
{
	json_t *answer;

	if (!access_command_ask(command, "POST", PATH, command->operand[0], "reset", json_object(),
				&answer, err))
		return false;
	access_command_print_secret(command, answer, "url",
				    "Whoever opens this link sets a new password; it works once, "
				    "within an hour.  Until then the old one goes on.");
	json_decref(answer);
	return true;
}

static int run_user(int argc, char **argv)
{
	static const struct access_verb verbs[] = {
		{ "add", 1, 1, run_add },
		{ "list", 0, 0, run_list },
		{ "rename", 2, 2, run_rename },
		{ "role", 2, 2, run_role },
		{ "disable", 1, 1, run_disable },
		{ "enable", 1, 1, run_enable },
		{ "delete", 1, 1, run_delete },
		{ "reset", 1, 1, run_reset },
		{ 0 },
	};

	return access_command_run(&cmd_user, verbs, argc, argv);
}

static const struct cmd_flag flags[] = {
	{ "--admin", CMD_SWITCH, offsetof(struct access_command, is_admin), NULL,
	  "add: an administrator, not a listener" },
	{ "--full-name", CMD_TEXT, offsetof(struct access_command, full_name), "NAME",
	  "add: as they are called" },
	{ "--json", CMD_SWITCH, offsetof(struct cmd_options, is_json), NULL,
	  "the answer as it is" },
	{ 0 },
};

const struct cmd cmd_user = {
	.name = "user",
	.summary = "who may sign in: add, list, rename, role, disable, delete, reset",
	.usage = "add|list|rename|role|disable|enable|delete|reset [NAME [NEW]]",
	.help = "Asks the server that runs on the data folder; when none does, changes its ledger.\n"
		"add and reset print a link, alone, on standard output: whoever opens it sets the password.\n"
		"Exit status: 3 there is no such user, 4 the name is taken, or it is the last administrator.\n",
	.examples = "  callspool user add dana --admin\n"
		    "  callspool user role dana listener\n"
		    "  callspool user reset dana\n",
	.flags = flags,
	.takes_settings = true,
	.operands_max = 3,
	.run = run_user,
};
