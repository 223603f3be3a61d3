/* callspool token: what programs show. */
#include "people/access_command.h"
#include "people/people_commands.h"

#define PATH "/api/tokens"

static bool run_add(struct access_command *command, struct err *err)
{
	json_t *answer, *body;

	if (!command->rights)
		return err_set(
			err, ERR_INVALID,
			"say what the token may do: --rights play,read,link,change,status,admin");
	body = json_pack("{s:s, s:s}", "note", command->operand[0], "rights", command->rights);
	if (command->expires)
		json_object_set_new(body, "expires_in", json_string(command->expires));
	if (!access_command_ask(command, "POST", PATH, NULL, NULL, body, &answer, err))
		return false;
	access_command_print_secret(command, answer, "token",
				    "This is told once: keep it where the program finds it.");
	json_decref(answer);
	return true;
}

static bool run_list(struct access_command *command, struct err *err)
{
	static const struct access_column columns[] = {
		{ "name", "NAME" },          { "rights", "RIGHTS" }, { "seen_at", "LAST USED" },
		{ "expires_at", "EXPIRES" }, { "note", "NOTE" },     { 0 },
	};
	const struct access_list list = {
		.path = PATH "?", .key = "tokens", .pager = "before", .columns = columns
	};

	return access_command_list(command, &list, err);
}

static bool run_revoke(struct access_command *command, struct err *err)
{
	return access_command_change(command, "DELETE", PATH, command->operand[0], NULL, NULL, err);
}

static int run_token(int argc, char **argv)
{
	static const struct access_verb verbs[] = {
		{ "add", 1, 1, run_add },
		{ "list", 0, 0, run_list },
		{ "revoke", 1, 1, run_revoke },
		{ 0 },
	};

	return access_command_run(&cmd_token, verbs, argc, argv);
}

static const struct cmd_flag flags[] = {
	{ "--rights", CMD_TEXT, offsetof(struct access_command, rights), "LIST",
	  "add: of play, read, link, change, status, admin, by comma" },
	{ "--expires", CMD_TEXT, offsetof(struct access_command, expires), "TIME",
	  "add: as 90d; else it lasts until it is revoked" },
	{ "--json", CMD_SWITCH, offsetof(struct cmd_options, is_json), NULL,
	  "the answer as it is" },
	{ 0 },
};

const struct cmd cmd_token = {
	.name = "token",
	.summary = "tokens of programs: add, list, revoke",
	.usage = "add NOTE --rights LIST | list | revoke NAME",
	.help = "A program shows its token as 'Authorization: Bearer csp_...'.  add prints it, alone, on standard output;\n"
		"list and revoke know it by its first eight characters behind csp_.\n"
		"Exit status 3: there is no such token.\n",
	.examples = "  callspool token add crm --rights play,link --expires 90d\n"
		    "  callspool token revoke Zk3_x81Q\n",
	.flags = flags,
	.takes_settings = true,
	.operands_max = 2,
	.run = run_token,
};
