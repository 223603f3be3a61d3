/* Completion for bash: shells/completion.bash, filled. */
#include "manual/manual.h"

#include "config/settings.h"
#include "manual/shells_data.h"
#include "manual/template.h"
#include "manual/usage.h"

static const char *kind_of(enum usage_value value)
{
	switch (value) {
	case USAGE_FILE:
		return "file";
	case USAGE_FOLDER:
		return "folder";
	case USAGE_SETTING:
		return "setting";
	case USAGE_ANY:
		break;
	}
	return "any";
}

static void fill_kinds(const struct manual *manual, struct buf *out)
{
	const struct cmd_flag *flag;

	for (size_t i = 0; i < manual->count; i++)
		for (size_t k = 0; (flag = usage_flag(manual->commands[i], k)) != NULL; k++)
			if (flag->type != CMD_SWITCH)
				buf_addf(out, "\t%s:%s) echo %s ;;\n", manual->commands[i]->name,
					 flag->name, kind_of(usage_value(flag)));
}

static void fill_choices(const struct manual *manual, struct buf *out)
{
	for (size_t i = 0; i < settings_count; i++)
		if (settings_table[i].choices)
			buf_addf(out, "\t%s=*) compgen -P %s= -W '%s' -- \"${1#*=}\" ;;\n",
				 settings_table[i].key, settings_table[i].key,
				 settings_table[i].choices);
}

static void fill_settings(const struct manual *manual, struct buf *out)
{
	for (size_t i = 0; i < settings_count; i++)
		buf_addf(out, "%s%s%s", i ? " " : "", settings_table[i].key,
			 settings_table[i].is_secret ? "_file" : "");
}

static void add_verbs(const struct cmd *cmd, struct buf *out)
{
	struct usage_verbs verbs = usage_verbs(cmd);

	if (verbs.count > 0)
		buf_add_text(out, " verbs='");
	for (size_t i = 0; i < verbs.count; i++)
		buf_addf(out, "%s%.*s", i ? " " : "", STR_ARG(verbs.at[i]));
	if (verbs.count > 0)
		buf_add_byte(out, '\'');
}

static void fill_commands(const struct manual *manual, struct buf *out)
{
	for (size_t i = 0; i < manual->count; i++) {
		const struct cmd *cmd = manual->commands[i];
		enum usage_value operand = usage_operand(cmd);
		const struct cmd_flag *flag;

		buf_addf(out, "\t%s) options='", cmd->name);
		for (size_t k = 0; (flag = usage_flag(cmd, k)) != NULL; k++)
			buf_addf(out, "%s%s", k ? " " : "", flag->name);
		buf_add_byte(out, '\'');
		add_verbs(cmd, out);
		if (operand != USAGE_ANY)
			buf_addf(out, " operand=%s", kind_of(operand));
		buf_add_text(out, " ;;\n");
	}
}

static void fill_names(const struct manual *manual, struct buf *out)
{
	for (size_t i = 0; i < manual->count; i++)
		buf_addf(out, "%s%s", i ? " " : "", manual->commands[i]->name);
}

void manual_write_bash(const struct manual *manual, struct buf *out)
{
	static const struct template_slot slots[] = {
		{ "kinds", fill_kinds },       { "choices", fill_choices },
		{ "settings", fill_settings }, { "commands", fill_commands },
		{ "names", fill_names },       { 0 },
	};

	template_write(shells_bash, slots, manual, out);
}
