#include "cmd/cmd_options.h"

#include "base/log.h"

#include <stdlib.h>
#include <unistd.h>

const struct cmd_flag cmd_settings_flags[] = {
	{ "--config", CMD_TEXT, offsetof(struct cmd_options, config_path), "FILE",
	  "settings from this file (else CALLSPOOL_CONFIG names one)" },
	{ "--set", CMD_TEXTS, offsetof(struct cmd_options, sets), "KEY=VALUE",
	  "one setting; may be repeated" },
	{ 0 },
};

static bool read_sources(struct cmd_options *options, struct err *err)
{
	const char *file = options->config_path;

	options->source = settings_source_new();
	if (!file && (file = getenv("CALLSPOOL_CONFIG")) != NULL && file[0] == '\0')
		file = NULL;
	if (file && !settings_read_file(options->source, file, err))
		return false;
	if (!settings_read_environment(options->source, err))
		return false;
	for (size_t i = 0; i < options->sets.count; i++)
		if (!settings_set(options->source, options->sets.at[i], err))
			return false;
	return true;
}

bool cmd_options_read(const struct cmd *cmd, int argc, char **argv, struct cmd_options *out,
		      int *out_status)
{
	*out = (struct cmd_options){ 0 };
	if (!cmd_flags_read(cmd, argc, argv, out, &out->operands, out_status))
		return false;
	if (read_sources(out, &out->err))
		return true;
	*out_status = cmd_fail(&out->err);
	return false;
}

bool cmd_options_resolve(struct cmd_options *options, struct err *err)
{
	enum log_level level;

	if (!settings_resolve(options->source, &options->settings, err))
		return false;
	if (log_level_from_text(options->settings.log_level, &level))
		log_set_level(level);
	log_set_form(log_form_of(getenv("JOURNAL_STREAM"), STDERR_FILENO));
	return true;
}

void cmd_options_release(struct cmd_options *options)
{
	settings_source_free(options->source);
	options->source = NULL;
}
