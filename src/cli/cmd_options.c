#include "cli/cmd_options.h"

#include "base/log.h"
#include "base/shell_word.h"

#include <stdlib.h>
#include <unistd.h>

const struct cmd_flag cmd_settings_flags[] = {
	{ "--config", CMD_PATH, offsetof(struct cmd_options, config_path), "FILE",
	  "settings from this file (else CALLSPOOL_CONFIG names one)" },
	{ "--set", CMD_TEXTS, offsetof(struct cmd_options, sets), "KEY=VALUE",
	  "one setting; may be repeated" },
	{ 0 },
};

/* The settings file; NULL: none. */
static const char *find_file(const struct cmd *cmd, const struct cmd_options *options)
{
	const char *file = options->config_path ? options->config_path : getenv("CALLSPOOL_CONFIG");

	if (file && (options->config_path || file[0] != '\0'))
		return file;
	return cmd->is_apart || access(CMD_INSTALLED_FILE, F_OK) < 0 ? NULL : CMD_INSTALLED_FILE;
}

/* `before`: what was read at the start; NULL: this is it. */
static bool read_sources(const struct cmd_options *options, const struct settings_source *before,
			 struct settings_source *out, struct err *err)
{
	if (options->file && !settings_read_file(out, options->file, err))
		return false;
	if (!settings_read_environment(out, err))
		return false;
	if (before)
		settings_keep_secrets(out, before);
	for (size_t i = 0; i < options->sets.count; i++)
		if (!settings_set(out, options->sets.at[i], err))
			return false;
	return true;
}

bool cmd_options_read(const struct cmd *cmd, int argc, char **argv, struct cmd_options *out,
		      int *out_status)
{
	*out = (struct cmd_options){ 0 };
	if (!cmd_flags_read(cmd, argc, argv, out, &out->operands, out_status))
		return false;
	out->file = find_file(cmd, out);
	out->source = settings_source_new();
	if (read_sources(out, NULL, out->source, &out->err))
		return true;
	*out_status = cmd_fail(&out->err);
	return false;
}

static void set_log_level(const struct settings *settings)
{
	enum log_level level;

	if (log_level_from_text(settings->log_level, &level))
		log_set_level(level);
}

bool cmd_options_resolve(struct cmd_options *options, struct err *err)
{
	if (!settings_resolve(options->source, &options->settings, err))
		return false;
	set_log_level(&options->settings);
	log_set_form(log_form_of(getenv("JOURNAL_STREAM"), STDERR_FILENO));
	return true;
}

/* A secret's value is told by settings_text() as no more than that. */
static void tell_changes(const struct settings_source *before, const struct settings_source *now)
{
	for (size_t i = 0; i < settings_count; i++) {
		const struct setting *setting = &settings_table[i];

		if (settings_are_same(before, now, setting))
			continue;
		if (setting->is_live)
			log_info(NULL, "%s = %s, and was %s", setting->key,
				 settings_text(now, setting), settings_text(before, setting));
		else
			log_warn(NULL, "%s has changed: it takes effect at the next start",
				 setting->key);
	}
}

static bool has_of_file(const struct settings_source *source, const char *file)
{
	for (size_t i = 0; i < settings_count; i++) {
		const char *origin = settings_origin(source, &settings_table[i]);

		if (origin && str_starts(str_of(origin), str_of(file)))
			return true;
	}
	return false;
}

/* Emptied and not written yet, by whoever writes in place: every setting would go back to its default. */
static bool check_emptied(const struct cmd_options *options, const struct settings_source *fresh,
			  struct err *err)
{
	if (!options->file || has_of_file(fresh, options->file) ||
	    !has_of_file(options->source, options->file))
		return true;
	return err_set(err, ERR_INVALID, "%s gives no setting any more: is it being written?",
		       options->file);
}

bool cmd_options_reread(struct cmd_options *options, struct err *err)
{
	struct settings_source *fresh = settings_source_new();
	struct settings settings;
	bool is_good = read_sources(options, options->source, fresh, err) &&
		       check_emptied(options, fresh, err) &&
		       settings_resolve(fresh, &settings, err);

	if (is_good) {
		tell_changes(options->source, fresh);
		settings_take_live(options->source, &options->settings, fresh, &settings);
		set_log_level(&options->settings);
	}
	settings_source_free(fresh);
	return is_good;
}

static bool add_set(struct cmd_options *options, const char *set, struct err *err)
{
	if (!set)
		return true;
	if (options->sets.count == CMD_TEXTS_MAX)
		return err_set(err, ERR_INVALID, "there are %d --set already", CMD_TEXTS_MAX);
	options->sets.at[options->sets.count++] = set;
	return true;
}

bool cmd_options_besides(const struct cmd_options *options, const char *set, const char *other,
			 struct cmd_options *out, struct err *err)
{
	struct cmd_options fresh = *options;

	if (!add_set(&fresh, set, err) || !add_set(&fresh, other, err))
		return false;
	fresh.source = settings_source_new();
	if (read_sources(&fresh, options->source, fresh.source, err) &&
	    settings_resolve(fresh.source, &fresh.settings, err)) {
		*out = fresh;
		return true;
	}
	settings_source_free(fresh.source);
	return false;
}

void cmd_options_repeat(const struct cmd_options *options, struct buf *out)
{
	if (options->config_path) {
		buf_add_text(out, " --config ");
		shell_word_add(out, str_of(options->config_path));
	}
	for (size_t i = 0; i < options->sets.count; i++) {
		buf_add_text(out, " --set ");
		shell_word_add(out, str_of(options->sets.at[i]));
	}
}

void cmd_options_release(struct cmd_options *options)
{
	settings_source_free(options->source);
	options->source = NULL;
}
