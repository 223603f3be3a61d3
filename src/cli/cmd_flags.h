/*
 * The flags of a command: a table each, which its help is printed from, too.
 *
 * "--name VALUE" and "--name=VALUE" mean the same; behind "--" all are operands.  A flag that the
 * command does not know is refused, with the nearest name.
 */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>

struct cmd;

#define CMD_TEXTS_MAX 64

struct cmd_texts {
	size_t count;
	const char *at[CMD_TEXTS_MAX];
};

enum cmd_flag_type {
	CMD_SWITCH, /* bool; no value */
	CMD_TEXT,   /* const char *: UTF-8, so that each can be told to a server in JSON */
	CMD_PATH,   /* const char *: of a file, which may be called what it likes */
	CMD_NUMBER, /* uint64_t */
	CMD_COUNT,  /* uint64_t, from 1 to INT64_MAX: 0 is what it was not given as */
	CMD_TEXTS,  /* struct cmd_texts, of any bytes: may be repeated, others may not */
};

struct cmd_flag {
	const char *name; /* "--json" */
	enum cmd_flag_type type;
	size_t offset;     /* of its member in the command's struct */
	const char *value; /* what stands for its value in the help: "FILE"; NULL for a switch */
	const char *help;  /* half a line */
};

/* The flags of commands that take settings; members of struct cmd_options. */
extern const struct cmd_flag cmd_settings_flags[];

/*
 * Reads argv[1] and what follows into the members of *into.  False: *out_status is to be returned,
 * as help was printed, or the arguments are wrong, which was told.
 */
bool cmd_flags_read(const struct cmd *cmd, int argc, char **argv, void *into,
		    struct cmd_texts *out_operands, int *out_status) MUST_CHECK;
/* How the command is called, what it does, a line for each flag, and examples: on standard output. */
void cmd_print_help(const struct cmd *cmd);
