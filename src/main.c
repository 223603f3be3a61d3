/*
 * The table of commands, nothing else.
 */
#include "cmd/cmd.h"

#include <stdio.h>
#include <string.h>

static const struct cmd *const commands[] = {
	&cmd_serve, &cmd_demo, &cmd_simulate, &cmd_status, &cmd_path, &cmd_config, &cmd_version,
};

static void print_commands(FILE *to)
{
	fprintf(to,
		"callspool keeps every call recording and plays it, first time, on every player.\n\n"
		"Usage: callspool COMMAND [OPTION]...\n\n");
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		fprintf(to, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
	fprintf(to,
		"\nEach has --help.  Exit status: 0 good, 1 our fault, 2 wrong input, 3 not found, 4 conflict,\n"
		"5 somebody else is down.\n");
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		print_commands(stderr);
		return 2;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0) {
		print_commands(stdout);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (strcmp(argv[1], commands[i]->name) == 0)
			return commands[i]->run(argc - 1, argv + 1);
	fprintf(stderr, "callspool: there is no command '%s'\n\n", argv[1]);
	print_commands(stderr);
	return 2;
}
