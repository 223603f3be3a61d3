/*
 * What commands that take settings have in common: where settings come from, and their flags.
 */
#pragma once

#include "base/buf.h"
#include "cli/cmd.h"
#include "config/settings.h"

#include <stdbool.h>

struct cmd_options {
	struct settings_source *source;
	struct settings settings; /* resolved by cmd_options_resolve() */
	/* By the flags: of all commands that take settings, and of some. */
	const char *config_path;
	const char *
		file; /* what was read: that, or CALLSPOOL_CONFIG, or the installed one; NULL: none */
	struct cmd_texts sets;
	bool is_json, is_stdio, is_markdown, is_explained;
	struct cmd_texts operands; /* what is no flag */
	struct err err;            /* why the settings could not be read; "": they could */
};

/* Of a build for a package: the settings file where nobody names one and it exists; else "". */
#define CMD_INSTALLED_FILE CALLSPOOL_CONFIG_FILE

/*
 * Reads the command line, the settings file, the environment and --set, in the order of
 * settings.h.  True: go on.  False: *out_status is to be returned (help was printed, or the
 * arguments are wrong).
 */
bool cmd_options_read(const struct cmd *cmd, int argc, char **argv, struct cmd_options *out,
		      int *out_status);
/* Resolves the settings and sets the log level. */
bool cmd_options_resolve(struct cmd_options *options, struct err *err) MUST_CHECK;
/*
 * SIGHUP: reads all sources anew and takes over what is live (settings.h); each setting that changed is told in the
 * log, those that are not live as what the next start will bring.  False: something is wrong, and nothing was changed.
 */
bool cmd_options_reread(struct cmd_options *options, struct err *err) MUST_CHECK;
/*
 * All sources read anew, with one more --set besides each of the two texts that is not NULL; they are borrowed for as long as *out lives.  What is in
 * force stays so: the caller puts *out in its place once nobody has a text of it, and releases it.
 */
bool cmd_options_besides(const struct cmd_options *options, const char *set, const char *other,
			 struct cmd_options *out, struct err *err) MUST_CHECK;
/* Where they came from, as it was said: " --config FILE --set key=value"; to be written behind another command. */
void cmd_options_repeat(const struct cmd_options *options, struct buf *out);
void cmd_options_release(struct cmd_options *options);
static inline void cmd_options_release_at(struct cmd_options *options)
{
	cmd_options_release(options);
}
