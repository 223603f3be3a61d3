#include "cmd/cmd_options.h"

#include "base/log.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SETS_MAX 64

/* Takes the value of an option: "--name=value" or the next argument. */
static const char *value_of(const char *name, int argc, char **argv, int *at)
{
	size_t len = strlen(name);

	if (strncmp(argv[*at], name, len) != 0)
		return NULL;
	if (argv[*at][len] == '=')
		return argv[*at] + len + 1;
	if (argv[*at][len] == '\0' && *at + 1 < argc)
		return argv[++*at];
	return NULL;
}

static bool read_sources(struct cmd_options *options, const char *file, const char *const *sets,
			 int set_count, struct err *err)
{
	options->source = settings_source_new();
	if (!file && (file = getenv("CALLSPOOL_CONFIG")) != NULL && file[0] == '\0')
		file = NULL;
	if (file && !settings_read_file(options->source, file, err))
		return false;
	if (!settings_read_environment(options->source, err))
		return false;
	for (int i = 0; i < set_count; i++)
		if (!settings_set(options->source, sets[i], err))
			return false;
	return true;
}

static bool read_flag(const char *arg, struct cmd_options *out)
{
	if (strcmp(arg, "--json") == 0)
		out->is_json = true;
	else if (strcmp(arg, "--stdio") == 0)
		out->is_stdio = true;
	else if (strcmp(arg, "--markdown") == 0)
		out->is_markdown = true;
	else
		return false;
	return true;
}

bool cmd_options_read(const struct cmd *cmd, int argc, char **argv, struct cmd_options *out,
		      int *out_status)
{
	const char *sets[SETS_MAX], *file = NULL, *value;
	int set_count = 0;
	struct err err;

	*out = (struct cmd_options){ 0 };
	for (int at = 1; at < argc; at++) {
		if (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0) {
			cmd_print_help(cmd);
			*out_status = 0;
			return false;
		}
		if (read_flag(argv[at], out))
			continue;
		if (argv[at][0] != '-') {
			if (out->operand_count == (int)ARRAY_LEN(out->operands)) {
				*out_status = cmd_misused(cmd, "too many arguments");
				return false;
			}
			out->operands[out->operand_count++] = argv[at];
		} else if ((value = value_of("--set", argc, argv, &at)) != NULL &&
			   set_count < SETS_MAX) {
			sets[set_count++] = value;
		} else if ((value = value_of("--config", argc, argv, &at)) != NULL) {
			file = value;
		} else {
			*out_status = cmd_misused(
				cmd, "the option '%s' is not known or lacks its value", argv[at]);
			return false;
		}
	}
	if (!read_sources(out, file, sets, set_count, &err)) {
		*out_status = cmd_fail(&err);
		return false;
	}
	return true;
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
