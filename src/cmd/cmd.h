/*
 * The commands: one file each, one entry each.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct cmd {
	const char *name;
	const char *summary; /* half a line, for the list */
	const char *usage;   /* what stands behind the name */
	const char *help;    /* a paragraph, options and examples */
	int (*run)(int argc,
		   char **argv); /* argv[0] is the command's name; returns the exit status */
};

extern const struct cmd cmd_serve, cmd_demo, cmd_simulate, cmd_status, cmd_path, cmd_config,
	cmd_version;

/* Tells an error on standard error and returns its exit status (base/err.h). */
int cmd_fail(const struct err *err);
/* For wrong arguments: tells it, points to --help, returns 2. */
int cmd_misused(const struct cmd *cmd, const char *fmt, ...) PRINTF_LIKE(2, 3);
void cmd_print_help(const struct cmd *cmd);
