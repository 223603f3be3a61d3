#include "cli/cmd_flags.h"

#include "base/str.h"
#include "base/suggestion.h"
#include "base/utf8.h"
#include "cli/cmd.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define FLAGS_MAX 32 /* of one command */

struct flags_read {
	const struct cmd *cmd;
	int argc, at;
	char **argv;
	char *into;
	const struct cmd_flag *seen[FLAGS_MAX];
	size_t seen_count;
};

static const struct cmd_flag *find_in(const struct cmd_flag *flags, struct str name,
				      struct suggestion *near)
{
	for (; flags && flags->name; flags++) {
		if (str_eq(name, str_of(flags->name)))
			return flags;
		suggestion_offer(near, flags->name);
	}
	return NULL;
}

static const struct cmd_flag *find(const struct cmd *cmd, struct str name, struct suggestion *near)
{
	const struct cmd_flag *flag = find_in(cmd->flags, name, near);

	return flag || !cmd->takes_settings ? flag : find_in(cmd_settings_flags, name, near);
}

/* Whether it is the first of its kind. */
static bool note_seen(struct flags_read *read, const struct cmd_flag *flag)
{
	for (size_t i = 0; i < read->seen_count; i++)
		if (read->seen[i] == flag)
			return false;
	if (read->seen_count < FLAGS_MAX)
		read->seen[read->seen_count++] = flag;
	return true;
}

static int take_number(const struct flags_read *read, const struct cmd_flag *flag,
		       const char *value, uint64_t *member)
{
	bool is_count = flag->type == CMD_COUNT;
	uint64_t number;

	if (str_to_u64(str_of(value), &number) &&
	    (!is_count || (number > 0 && number <= INT64_MAX))) {
		*member = number;
		return EXIT_GOOD;
	}
	return cmd_misused(read->cmd, "%s %s: expected a number%s", flag->name, value,
			   is_count ? ", 1 or more" : "");
}

static int take_value(struct flags_read *read, const struct cmd_flag *flag, const char *value)
{
	void *member = read->into + flag->offset;
	struct cmd_texts *texts = member;

	switch (flag->type) {
	case CMD_SWITCH:
		*(bool *)member = true;
		return EXIT_GOOD;
	case CMD_TEXT:
		if (!utf8_is_valid(str_of(value)))
			return cmd_misused(read->cmd, "%s is not UTF-8", flag->name);
		*(const char **)member = value;
		return EXIT_GOOD;
	case CMD_PATH:
		*(const char **)member = value;
		return EXIT_GOOD;
	case CMD_NUMBER:
	case CMD_COUNT:
		return take_number(read, flag, value, member);
	case CMD_TEXTS:
		if (texts->count == CMD_TEXTS_MAX)
			return cmd_misused(read->cmd, "%s is given more than %d times", flag->name,
					   CMD_TEXTS_MAX);
		texts->at[texts->count++] = value;
		return EXIT_GOOD;
	}
	return EXIT_GOOD;
}

static int take_flag(struct flags_read *read)
{
	const char *arg = read->argv[read->at];
	struct str text = str_of(arg), name = str_first(text, str_find(text, '='));
	const char *value = name.len < text.len ? arg + name.len + 1 : NULL;
	struct suggestion near;

	suggestion_start(&near, name);
	suggestion_offer(&near, "--help");

	const struct cmd_flag *flag = find(read->cmd, name, &near);

	if (!flag)
		return cmd_misused(read->cmd, "unknown option '%.*s'%s%s%s", STR_ARG(name),
				   near.best ? "; did you mean '" : "", near.best ? near.best : "",
				   near.best ? "'?" : "");
	if (flag->type == CMD_SWITCH && value)
		return cmd_misused(read->cmd, "%s takes no value", flag->name);
	if (flag->type != CMD_SWITCH && !value) {
		if (read->at + 1 == read->argc)
			return cmd_misused(read->cmd, "%s needs a value", flag->name);
		value = read->argv[++read->at];
	}
	if (!note_seen(read, flag) && flag->type != CMD_TEXTS)
		return cmd_misused(read->cmd, "%s is given twice", flag->name);
	return take_value(read, flag, value);
}

static int take_operand(const struct flags_read *read, struct cmd_texts *operands)
{
	const char *arg = read->argv[read->at];

	if (operands->count == (size_t)read->cmd->operands_max)
		return cmd_misused(read->cmd, "unexpected argument '%s'", arg);
	operands->at[operands->count++] = arg;
	return EXIT_GOOD;
}

static bool asks_for_help(const char *arg)
{
	return strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0;
}

bool cmd_flags_read(const struct cmd *cmd, int argc, char **argv, void *into,
		    struct cmd_texts *out_operands, int *out_status)
{
	struct flags_read read = { .cmd = cmd, .argc = argc, .argv = argv, .into = into };
	struct cmd_texts operands = { 0 };
	bool is_behind = false;

	for (read.at = 1; read.at < argc; read.at++) {
		const char *arg = argv[read.at];

		if (!is_behind && strcmp(arg, "--") == 0) {
			is_behind = true;
			continue;
		}
		if (!is_behind && asks_for_help(arg)) {
			cmd_print_help(cmd);
			*out_status = EXIT_GOOD;
			return false;
		}
		*out_status = is_behind || arg[0] != '-' || arg[1] == '\0'
				      ? take_operand(&read, &operands)
				      : take_flag(&read);
		if (*out_status != EXIT_GOOD)
			return false;
	}
	*out_operands = operands;
	return true;
}

static void print_flags(const struct cmd_flag *flags)
{
	for (; flags && flags->name; flags++) {
		char text[64];

		snprintf(text, sizeof(text), "%s %s", flags->name,
			 flags->value ? flags->value : "");
		printf("  %-17s %s\n", text, flags->help);
	}
}

void cmd_print_help(const struct cmd *cmd)
{
	bool is_one = strchr(cmd->examples, '\n') == strrchr(cmd->examples, '\n');

	printf("Usage: callspool %s%s%s\n\n%s\nOptions:\n", cmd->name, cmd->usage[0] ? " " : "",
	       cmd->usage, cmd->help);
	print_flags(cmd->flags);
	if (cmd->takes_settings)
		print_flags(cmd_settings_flags);
	printf("  %-17s %s\n", "--help", "this text");
	printf("\n%s:\n%s", is_one ? "Example" : "Examples", cmd->examples);
}
