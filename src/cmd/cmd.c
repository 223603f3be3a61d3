#include "cmd/cmd.h"

#include <stdarg.h>
#include <stdio.h>

int cmd_fail(const struct err *err)
{
	fprintf(stderr, "callspool: %s\n", err->text);
	return err_exit_status(err->kind);
}

int cmd_misused(const struct cmd *cmd, const char *fmt, ...)
{
	va_list args;

	fprintf(stderr, "callspool %s: ", cmd->name);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "\nTry: callspool %s --help\n", cmd->name);
	return 2;
}

void cmd_print_help(const struct cmd *cmd)
{
	printf("Usage: callspool %s %s\n\n%s\n", cmd->name, cmd->usage, cmd->help);
}
