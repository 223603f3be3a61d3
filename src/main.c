/*
 * The table of commands, and which of them is meant.
 */
#include "cmd/commands.h"
#include "manual/manual.h"
#include "people/people_commands.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct cmd *const commands[] = {
	&cmd_serve,  &cmd_demo,   &cmd_simulate, &cmd_status,  &cmd_health,
	&cmd_doctor, &cmd_path,   &cmd_user,     &cmd_token,   &cmd_session,
	&cmd_link,   &cmd_import, &cmd_retry,    &cmd_hold,    &cmd_purge,
	&cmd_key,    &cmd_verify, &cmd_backup,   &cmd_restore, &cmd_rebuild,
	&cmd_config, &cmd_nginx,  &cmd_migrate,  &cmd_upgrade, &cmd_version,
};

static void print_commands(FILE *to)
{
	fprintf(to,
		"callspool keeps every call recording and plays it, first time, on every player.\n\n"
		"Usage: callspool COMMAND [OPTION]...\n\n");
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		fprintf(to, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
	fprintf(to, "  %-10s %s\n", "help",
		"print this, or what 'callspool COMMAND --help' prints");
	fprintf(to, "\nExit status:\n");
	exit_status_print(to);
}

static int run_help(int argc, char **argv)
{
	const struct manual_form *form = argc == 2 ? manual_find(argv[1]) : NULL;
	const struct cmd *cmd;

	if (argc == 1) {
		print_commands(stdout);
		return EXIT_GOOD;
	}
	if (form) {
		manual_print(form, commands, ARRAY_LEN(commands));
		return EXIT_GOOD;
	}
	if (argc > 2) {
		fprintf(stderr, "callspool help: unexpected argument '%s'\n", argv[2]);
		return EXIT_WRONG_USAGE;
	}
	cmd = cmd_find(commands, ARRAY_LEN(commands), argv[1]);
	if (!cmd)
		return EXIT_WRONG_USAGE;
	cmd_print_help(cmd);
	return EXIT_GOOD;
}

static bool is_any(const char *word, const char *a, const char *b)
{
	return strcmp(word, a) == 0 || strcmp(word, b) == 0;
}

static int run(int argc, char **argv)
{
	const struct cmd *cmd;

	if (argc < 2) {
		print_commands(stderr);
		return EXIT_WRONG_USAGE;
	}
	if (is_any(argv[1], "--version", "-V"))
		return cmd_version.run(argc - 1, argv + 1);
	if (is_any(argv[1], "--help", "-h") || strcmp(argv[1], "help") == 0)
		return run_help(argc - 1, argv + 1);
	cmd = cmd_find(commands, ARRAY_LEN(commands), argv[1]);
	return cmd ? cmd->run(argc - 1, argv + 1) : EXIT_WRONG_USAGE;
}

/* What a command prints may be all that it was for: a full disk must not look like success. */
static int check_output(int status)
{
	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	fprintf(stderr, "callspool: cannot write to standard output: %s\n",
		errno ? strerror(errno) : "it was cut short");
	return status == EXIT_GOOD ? EXIT_OUR_FAULT : status;
}

int main(int argc, char **argv)
{
	return check_output(run(argc, argv));
}
