#include "manual/usage.h"

#include "cli/cmd_flags.h"

static const struct cmd_flag help_flag = { .name = "--help",
					   .type = CMD_SWITCH,
					   .help = "this text" };

static bool is_verb(struct str word)
{
	for (size_t i = 0; i < word.len; i++)
		if (!(word.at[i] >= 'a' && word.at[i] <= 'z') && word.at[i] != '-')
			return false;
	return word.len > 0 && word.at[0] != '-';
}

static void add_verb(struct usage_verbs *verbs, struct str word)
{
	for (size_t i = 0; i < verbs->count; i++)
		if (str_eq(verbs->at[i], word))
			return;
	if (verbs->count < USAGE_VERBS_MAX)
		verbs->at[verbs->count++] = word;
}

/* "add|list|rename": all of them, or none where one is no verb. */
static void add_verbs(struct usage_verbs *verbs, struct str words)
{
	struct str rest = words, word;

	while (str_cut(&rest, '|', &word))
		if (!is_verb(word))
			return;
	rest = words;
	while (str_cut(&rest, '|', &word))
		add_verb(verbs, word);
}

struct usage_verbs usage_verbs(const struct cmd *cmd)
{
	struct usage_verbs verbs = { 0 };
	struct str rest = str_of(cmd->usage), word;
	bool begins = true; /* an alternative */

	while (str_cut(&rest, ' ', &word)) {
		if (begins)
			add_verbs(&verbs, word);
		begins = str_eq(word, STR("|"));
	}
	return verbs;
}

static enum usage_value value_of(struct str word)
{
	if (str_eq(word, STR("KEY=VALUE")))
		return USAGE_SETTING;
	if (str_eq(word, STR("DIR")))
		return USAGE_FOLDER;
	return str_eq(word, STR("FILE")) || str_eq(word, STR("PATH")) ? USAGE_FILE : USAGE_ANY;
}

enum usage_value usage_value(const struct cmd_flag *flag)
{
	return value_of(str_of(flag->value));
}

/* Without the brackets and dots of what may be left out or repeated. */
static struct str bare(struct str word)
{
	while (word.len > 0 && word.at[0] == '[')
		word = str_after(word, 1);
	while (word.len > 0 && strchr("].", word.at[word.len - 1]))
		word.len--;
	return word;
}

enum usage_value usage_operand(const struct cmd *cmd)
{
	struct str rest = str_of(cmd->usage), word, before = STR("");

	while (str_cut(&rest, ' ', &word)) {
		enum usage_value value = value_of(bare(word));

		if (value != USAGE_ANY && !str_starts(bare(before), STR("--")))
			return value;
		before = word;
	}
	return USAGE_ANY;
}

const struct cmd_flag *usage_flag(const struct cmd *cmd, size_t number)
{
	for (const struct cmd_flag *flag = cmd->flags; flag && flag->name; flag++)
		if (number-- == 0)
			return flag;
	for (const struct cmd_flag *flag = cmd_settings_flags; cmd->takes_settings && flag->name;
	     flag++)
		if (number-- == 0)
			return flag;
	return number == 0 ? &help_flag : NULL;
}
