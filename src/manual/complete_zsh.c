/* Completion for zsh: shells/completion.zsh, filled. */
#include "manual/manual.h"

#include "config/settings.h"
#include "manual/quote.h"
#include "manual/shells_data.h"
#include "manual/template.h"
#include "manual/usage.h"

#define OF_DESCRIBE  ":\\"   /* what means something in 'name:meaning' */
#define OF_ARGUMENTS "[]:\\" /* and in '--option[meaning]:value:action' */

static void fill_choices(const struct manual *manual, struct buf *out)
{
	for (size_t i = 0; i < settings_count; i++)
		if (settings_table[i].choices)
			buf_addf(out, "\t\t%s) compadd %s ;;\n", settings_table[i].key,
				 settings_table[i].choices);
}

static void add_described(struct buf *out, const char *name, const char *ending,
			  const char *meaning)
{
	buf_addf(out, "\t\t'%s%s:", name, ending);
	quote_posix(out, meaning, OF_DESCRIBE);
	buf_add_text(out, "'\n");
}

static void fill_settings(const struct manual *manual, struct buf *out)
{
	for (size_t i = 0; i < settings_count; i++)
		add_described(out, settings_table[i].key,
			      settings_table[i].is_secret ? "_file" : "", settings_table[i].help);
}

static void fill_names(const struct manual *manual, struct buf *out)
{
	for (size_t i = 0; i < manual->count; i++)
		add_described(out, manual->commands[i]->name, "", manual->commands[i]->summary);
}

static const char *action_of(enum usage_value value)
{
	switch (value) {
	case USAGE_FILE:
		return "_files";
	case USAGE_FOLDER:
		return "_files -/";
	case USAGE_SETTING:
		return "_callspool_settings";
	case USAGE_ANY:
		break;
	}
	return "";
}

/* '--set=[one setting]:KEY=VALUE:_callspool_settings' */
static void add_flag(struct buf *out, const struct cmd_flag *flag)
{
	buf_addf(out, " \\\n\t\t'%s%s%s[", flag->type == CMD_TEXTS ? "*" : "", flag->name,
		 flag->type == CMD_SWITCH ? "" : "=");
	quote_posix(out, flag->help, OF_ARGUMENTS);
	buf_add_byte(out, ']');
	if (flag->type != CMD_SWITCH)
		buf_addf(out, ":%s:%s", flag->value, action_of(usage_value(flag)));
	buf_add_byte(out, '\'');
}

static void add_operands(struct buf *out, const struct cmd *cmd)
{
	struct usage_verbs verbs = usage_verbs(cmd);
	enum usage_value operand = usage_operand(cmd);

	if (verbs.count > 0)
		buf_add_text(out, " \\\n\t\t'1:verb:(");
	for (size_t i = 0; i < verbs.count; i++)
		buf_addf(out, "%s%.*s", i ? " " : "", STR_ARG(verbs.at[i]));
	if (verbs.count > 0)
		buf_add_text(out, ")'");
	if (cmd->operands_max > 0)
		buf_addf(out, " \\\n\t\t'*: :%s'", action_of(operand));
}

static void fill_commands(const struct manual *manual, struct buf *out)
{
	for (size_t i = 0; i < manual->count; i++) {
		const struct cmd *cmd = manual->commands[i];
		const struct cmd_flag *flag;

		buf_addf(out, "\t%s)\n\t\t_arguments", cmd->name);
		for (size_t k = 0; (flag = usage_flag(cmd, k)) != NULL; k++)
			add_flag(out, flag);
		add_operands(out, cmd);
		buf_add_text(out, "\n\t\t;;\n");
	}
}

void manual_write_zsh(const struct manual *manual, struct buf *out)
{
	static const struct template_slot slots[] = {
		{ "choices", fill_choices },
		{ "settings", fill_settings },
		{ "names", fill_names },
		{ "commands", fill_commands },
		{ 0 },
	};

	template_write(shells_zsh, slots, manual, out);
}
