/* callspool session: who is signed in. */
#include "people/access_command.h"
#include "people/people_commands.h"

#include "base/buf.h"
#include "http/form.h"

#define PATH "/api/sessions"

static bool run_list(struct access_command *command, struct err *err)
{
	static const struct access_column columns[] = {
		{ "name", "NAME" },
		{ "user", "USER" },
		{ "network", "NETWORK" },
		{ "seen_at", "LAST SEEN" },
		{ "expires_at", "EXPIRES" },
		{ "agent", "BROWSER" },
		{ 0 },
	};
	char text[512];
	struct buf path;
	const struct access_list list = {
		.path = text, .key = "sessions", .pager = "before", .columns = columns
	};

	buf_over(&path, text, sizeof(text));
	buf_add_text(&path, PATH "?");
	if (command->user) {
		buf_add_text(&path, "user=");
		form_encode(&path, str_of(command->user));
	}
	if (!buf_ok(&path))
		return err_set(err, ERR_NOT_FOUND, "nobody has so long a name");
	return access_command_list(command, &list, err);
}

static bool run_end(struct access_command *command, struct err *err)
{
	if ((command->user != NULL) == (command->operand[0] != NULL))
		return err_set(err, ERR_INVALID,
			       "say which session ends, by its name, or whose: --user NAME");
	if (command->user)
		return access_command_change(command, "DELETE", "/api/users", command->user,
					     "sessions", NULL, err);
	return access_command_change(command, "DELETE", PATH, command->operand[0], NULL, NULL, err);
}

static int run_session(int argc, char **argv)
{
	static const struct access_verb verbs[] = {
		{ "list", 0, 0, run_list },
		{ "end", 0, 1, run_end },
		{ 0 },
	};

	return access_command_run(&cmd_session, verbs, argc, argv);
}

static const struct cmd_flag flags[] = {
	{ "--user", CMD_TEXT, offsetof(struct access_command, user), "NAME", "only theirs" },
	{ "--json", CMD_SWITCH, offsetof(struct cmd_options, is_json), NULL,
	  "the answer as it is" },
	{ 0 },
};

const struct cmd cmd_session = {
	.name = "session",
	.summary = "who is signed in: list, end",
	.usage = "list [--user NAME] | end NAME | end --user NAME",
	.help = "A session ends everywhere within a second; who had it signs in anew.\n"
		"Exit status 3: there is no such session, or no such user.\n",
	.examples = "  callspool session list --user dana\n"
		    "  callspool session end Zk3_x81Q\n",
	.flags = flags,
	.takes_settings = true,
	.operands_max = 2,
	.run = run_session,
};
