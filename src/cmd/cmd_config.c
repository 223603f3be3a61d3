/* callspool config: what is in force, and where each value came from. */
#include "cmd/commands.h"

#include "base/buf.h"
#include "base/json.h"
#include "base/own.h"
#include "cli/cmd_options.h"
#include "config/settings_explained.h"

#include <stdio.h>
#include <stdlib.h>

static const char *type_text(const struct setting *setting)
{
	switch (setting->type) {
	case SETTING_TEXT:
		return "text";
	case SETTING_NUMBER:
		return "number";
	case SETTING_DURATION:
		return "duration";
	case SETTING_BYTES:
		return "size";
	case SETTING_LIST:
		return "list";
	case SETTING_CHOICE:
	case SETTING_ENUM:
		return setting->choices;
	}
	return "";
}

/* The table of docs/settings.md. */
static void print_markdown(void)
{
	printf("| setting | kind | default | bounds | meaning |\n| --- | --- | --- | --- | --- |\n");
	for (size_t i = 0; i < settings_count; i++) {
		const struct setting *setting = &settings_table[i];
		const char *fallback = setting->fallback ? setting->fallback : "";

		printf("| `%s` | %s%s%s | %s%s%s | %s%s%s | %s |\n", setting->key,
		       type_text(setting), setting->is_secret ? ", secret" : "",
		       setting->is_live ? ", live" : "", fallback[0] ? "`" : "", fallback,
		       fallback[0] ? "`" : "", setting->min ? setting->min : "",
		       setting->min || setting->max ? " – " : "", setting->max ? setting->max : "",
		       setting->help);
	}
}

static void print_json(const struct settings_source *source)
{
	__attribute__((cleanup(buf_release_at))) struct buf text;
	struct json json;

	buf_init(&text, 256 * 1024);
	json_start(&json, &text);
	json_open(&json, NULL, '{');
	for (size_t i = 0; i < settings_count; i++) {
		const struct setting *setting = &settings_table[i];

		json_open(&json, setting->key, '{');
		json_text(&json, "value", str_of(settings_text(source, setting)));
		json_text(&json, "from", str_of(settings_origin(source, setting)));
		if (setting->is_live)
			json_bool(&json, "live", true);
		json_close(&json, '}');
	}
	json_close(&json, '}');
	printf("%s\n", text.at);
}

static void print_explained(const struct settings_source *source)
{
	__attribute__((cleanup(buf_release_at))) struct buf text;

	buf_init(&text, 256 * 1024);
	settings_explain(source, &text);
	printf("%s", text.at);
}

static void print_lines(const struct settings_source *source)
{
	for (size_t i = 0; i < settings_count; i++) {
		AUTO(free) char *line = settings_line(source, &settings_table[i]);

		printf("%s\n", line);
	}
}

static int run_config(int argc, char **argv)
{
	__attribute__((cleanup(cmd_options_release_at))) struct cmd_options options = { 0 };
	struct err err;
	int status;

	if (!cmd_options_read(&cmd_config, argc, argv, &options, &status))
		return status;
	if (options.is_markdown) {
		print_markdown();
		return 0;
	}
	if (options.is_json)
		print_json(options.source);
	else if (options.is_explained)
		print_explained(options.source);
	else
		print_lines(options.source);
	return cmd_options_resolve(&options, &err) ? 0 : cmd_fail(&err);
}

static const struct cmd_flag flags[] = {
	{ "--json", CMD_SWITCH, offsetof(struct cmd_options, is_json), NULL, "as JSON" },
	{ "--explained", CMD_SWITCH, offsetof(struct cmd_options, is_explained), NULL,
	  "as a settings file that says of each setting what it means" },
	{ "--markdown", CMD_SWITCH, offsetof(struct cmd_options, is_markdown), NULL,
	  "the table of all settings, as in the documentation" },
	{ 0 },
};

const struct cmd cmd_config = {
	.name = "config",
	.summary = "print the settings in force and where they came from",
	.usage = "[--json | --explained | --markdown] [--config FILE] [--set KEY=VALUE]...",
	.help = "Prints every setting with its value and where it came from, as lines that a settings file may hold,\n"
		"then checks them together.  Secrets are not shown.  What is live changes in a running server when it is\n"
		"sent SIGHUP; all others at its next start.\n",
	.examples = "  callspool config --set play_wait=20s | grep play_wait\n"
		    "  callspool config --explained >callspool.conf\n",
	.flags = flags,
	.takes_settings = true,
	.run = run_config,
};
