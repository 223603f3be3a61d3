/*
 * A command: one file, one entry in the table of main.c.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "cli/cmd_flags.h"
#include "client/exit_status.h"

#include <stdbool.h>
#include <stddef.h>

struct cmd {
	const char *name;
	const char *summary;          /* half a line, for the list */
	const char *usage;            /* what stands behind the name */
	const char *help;             /* a paragraph */
	const char *examples;         /* a command a line, each indented by two spaces */
	const struct cmd_flag *flags; /* its own; ended by one without a name; NULL: none */
	bool takes_settings;          /* --config and --set, too: cmd_options.h */
	bool is_apart;                /* the file of the installed server is not for it */
	int operands_max;             /* arguments that are no flags */
	/* argv[0] is the command's name; returns an enum exit_status. */
	int (*run)(int argc, char **argv);
};

/* NULL: there is none of that name, which was told with the nearest one. */
const struct cmd *cmd_find(const struct cmd *const *commands, size_t count, const char *name);
/* Tells an error on standard error and returns its exit status. */
int cmd_fail(const struct err *err);
/* For wrong arguments: tells it, points to --help, returns EXIT_WRONG_USAGE. */
int cmd_misused(const struct cmd *cmd, const char *fmt, ...) PRINTF_LIKE(2, 3);
