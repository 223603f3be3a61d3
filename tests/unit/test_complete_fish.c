/* What stands in the completion for fish; whether fish understands it is for tests/tools/manual.test.js. */
#include "base/buf.h"
#include "manual/manual.h"
#include "tap.h"

#define IN(command) "complete -c callspool -n '__callspool_in " command "' "

static const struct cmd_flag flags[] = {
	{ "--from", CMD_TEXT, 0, "DIR", "a folder" },
	{ "--reason", CMD_TEXT, 0, "TEXT", "it's why" },
	{ "--json", CMD_SWITCH, 0, NULL, "as JSON" },
	{ 0 },
};
static const struct cmd person = { .name = "person",
				   .summary = "who it is",
				   .usage = "add|list|rename [NAME]" },
			take = { .name = "take",
				 .summary = "takes it",
				 .usage = "FILE...",
				 .flags = flags };
static const struct cmd *const commands[] = { &person, &take };

static const struct {
	const char *name, *line;
	bool is_there;
} cases[] = {
	{ "a command", "complete -c callspool -n __callspool_first -a person -d 'who it is'\n",
	  true },
	{ "one to help with", IN("help 2") "-a take\n", true },
	{ "its first verb", IN("person 2") "-a add\n", true },
	{ "one in the middle", IN("person 2") "-a list\n", true },
	{ "the last", IN("person 2") "-a rename\n", true },
	{ "a command without verbs has none", "__callspool_in take 2' -a", false },
	{ "files are operands", IN("take") "-F\n", true },
	{ "but not of every command", IN("person") "-F\n", false },
	{ "a folder behind an option",
	  IN("take") "-l from -xa '(__fish_complete_directories)' -d 'a folder'\n", true },
	{ "what nobody can guess, and a quote", IN("take") "-l reason -x -d 'it\\'s why'\n", true },
	{ "a switch", IN("take") "-l json -d 'as JSON'\n", true },
	{ "a slot of the template", "@commands@", false },
};

int main(void)
{
	const struct manual manual = { .commands = commands, .count = ARRAY_LEN(commands) };
	struct buf out;

	buf_init(&out, 1 << 20);
	manual_write_fish(&manual, &out);
	OK(buf_ok(&out), "it is written");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		IS_INT(str_find_str(buf_str(&out), str_of(cases[i].line)) < out.len,
		       cases[i].is_there, "%s", cases[i].name);
	buf_release(&out);
	return tap_end();
}
