/* Completion for fish: shells/completion.fish, filled. */
#include "manual/manual.h"

#include "config/settings.h"
#include "manual/quote.h"
#include "manual/shells_data.h"
#include "manual/template.h"
#include "manual/usage.h"

/* A key, "=" and perhaps a value, and what the setting means, for printf. */
static void add_setting(struct buf *out, const struct setting *setting, struct str value)
{
	buf_addf(out, "        %s%s=%.*s '", setting->key, setting->is_secret ? "_file" : "",
		 STR_ARG(value));
	quote_fish(out, setting->help);
	buf_add_text(out, "' \\\n");
}

static void fill_settings(const struct manual *manual, struct buf *out)
{
	for (size_t i = 0; i < settings_count; i++) {
		struct str rest = str_of(settings_table[i].choices), word;

		if (!rest.at)
			add_setting(out, &settings_table[i], STR(""));
		while (str_cut(&rest, ' ', &word))
			add_setting(out, &settings_table[i], word);
	}
}

static void add_meaning(struct buf *out, const char *meaning)
{
	buf_add_text(out, " -d '");
	quote_fish(out, meaning);
	buf_add_text(out, "'\n");
}

static const char *value_of(enum usage_value value)
{
	switch (value) {
	case USAGE_FILE:
		return " -rF";
	case USAGE_FOLDER:
		return " -xa '(__fish_complete_directories)'";
	case USAGE_SETTING:
		return " -xa '(__callspool_settings)'";
	case USAGE_ANY:
		break;
	}
	return " -x";
}

static void add_flag(struct buf *out, const struct cmd *cmd, const struct cmd_flag *flag)
{
	buf_addf(out, "complete -c callspool -n '__callspool_in %s' -l %s%s", cmd->name,
		 flag->name + 2, flag->type == CMD_SWITCH ? "" : value_of(usage_value(flag)));
	add_meaning(out, flag->help);
}

static void add_operands(struct buf *out, const struct cmd *cmd)
{
	struct usage_verbs verbs = usage_verbs(cmd);
	enum usage_value operand = usage_operand(cmd);

	for (size_t i = 0; i < verbs.count; i++)
		buf_addf(out, "complete -c callspool -n '__callspool_in %s 2' -a %.*s\n", cmd->name,
			 STR_ARG(verbs.at[i]));
	if (operand != USAGE_ANY)
		buf_addf(out, "complete -c callspool -n '__callspool_in %s' -F\n", cmd->name);
}

static void fill_commands(const struct manual *manual, struct buf *out)
{
	const struct cmd_flag *flag;

	for (size_t i = 0; i < manual->count; i++) {
		const struct cmd *cmd = manual->commands[i];

		buf_addf(out, "\ncomplete -c callspool -n __callspool_first -a %s", cmd->name);
		add_meaning(out, cmd->summary);
		buf_addf(out, "complete -c callspool -n '__callspool_in help 2' -a %s\n",
			 cmd->name);
		add_operands(out, cmd);
		for (size_t k = 0; (flag = usage_flag(cmd, k)) != NULL; k++)
			add_flag(out, cmd, flag);
	}
}

void manual_write_fish(const struct manual *manual, struct buf *out)
{
	static const struct template_slot slots[] = {
		{ "settings", fill_settings },
		{ "commands", fill_commands },
		{ 0 },
	};

	template_write(shells_fish, slots, manual, out);
}
