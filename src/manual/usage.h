/*
 * What a command takes, as completions need it: read off the words that its help shows to people.  Pure.
 */
#pragma once

#include "base/str.h"
#include "cli/cmd.h"

#define USAGE_VERBS_MAX 16

struct usage_verbs {
	size_t count;
	struct str at[USAGE_VERBS_MAX]; /* slices of cmd->usage */
};

enum usage_value {
	USAGE_ANY, /* nobody can guess it */
	USAGE_FILE,
	USAGE_FOLDER,
	USAGE_SETTING, /* key=value of the table of settings */
};

/*
 * The second words of a command that has some: in "add|list [NAME]" and "make CALL_SID | list" the words in
 * small letters with which an alternative begins, each once.
 */
struct usage_verbs usage_verbs(const struct cmd *cmd);
/* By the word that stands for it: FILE, DIR, PATH, KEY=VALUE.  Not for a switch. */
enum usage_value usage_value(const struct cmd_flag *flag);
/* The same of its operands: of a word in the usage that is no flag's value. */
enum usage_value usage_operand(const struct cmd *cmd);

/* The flag of that number, from 0: the command's own, those of settings, --help; NULL behind the last. */
const struct cmd_flag *usage_flag(const struct cmd *cmd, size_t number);
