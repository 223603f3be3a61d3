#include "cli/cmd.h"

#include "base/own.h"
#include "base/suggestion.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct cmd *cmd_find(const struct cmd *const *commands, size_t count, const char *name)
{
	struct suggestion near;

	suggestion_start(&near, str_of(name));
	for (size_t i = 0; i < count; i++) {
		if (strcmp(name, commands[i]->name) == 0)
			return commands[i];
		suggestion_offer(&near, commands[i]->name);
	}
	suggestion_offer(&near, "help");
	fprintf(stderr, "callspool: unknown command '%s'", name);
	if (near.best)
		fprintf(stderr, "; did you mean '%s'?", near.best);
	fprintf(stderr, "\nTry: callspool --help\n");
	return NULL;
}

/* The text may name what a ledger, a file or a server says. */
int cmd_fail(const struct err *err)
{
	AUTO(free) char *plain = utf8_plain(str_of(err->text));

	fprintf(stderr, "callspool: %s\n", plain);
	return exit_status_of(err->kind);
}

int cmd_misused(const struct cmd *cmd, const char *fmt, ...)
{
	va_list args;

	fprintf(stderr, "callspool %s: ", cmd->name);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "\nTry: callspool %s --help\n", cmd->name);
	return EXIT_WRONG_USAGE;
}
