/* callspool(1): what the help of each command says, on one page. */
#include "manual/manual.h"

#include "cli/cmd_options.h"
#include "manual/roff.h"

#include <stdio.h>

static void write_head(const struct manual *manual, struct buf *out)
{
	roff_title(out, "CALLSPOOL", "1", manual->date_s);
	roff_section(out, "NAME");
	buf_add_text(out, "callspool \\- keeps every call recording and plays it\n");
	roff_section(out, "SYNOPSIS");
	buf_add_text(out, ".B callspool\n.I COMMAND\n.RI [ OPTION ]...\n");
	roff_section(out, "DESCRIPTION");
	roff_paragraphs(
		out,
		"Twilio tells callspool by webhook that a call was recorded.  It fetches the recording at once, checks that\n"
		"it is whole and is audio, keeps it on its own disk, and serves it to browsers, phones and scripts with\n"
		"exact HTTP Range semantics.\n\n"
		"Commands that act on a server ask the one that runs on the data folder, over its administrator's socket, as\n"
		"the user that it runs as, or as root.\n");
}

static void write_flag(const struct cmd_flag *flag, struct buf *out)
{
	roff_item(out, flag->name, flag->value ? flag->value : "");
	roff_line(out, flag->help);
}

static void write_command(const struct cmd *cmd, struct buf *out)
{
	char title[256];
	struct buf text;

	buf_over(&text, title, sizeof(title));
	buf_addf(&text, "callspool %s %s", cmd->name, cmd->usage);
	if (cmd->usage[0] == '\0')
		title[text.len - 1] = '\0';
	roff_subsection(out, title);
	roff_paragraphs(out, cmd->help);
	for (const struct cmd_flag *flag = cmd->flags; flag && flag->name; flag++)
		write_flag(flag, out);
	roff_example(out, cmd->examples);
}

static void write_commands(const struct manual *manual, struct buf *out)
{
	roff_section(out, "COMMANDS");
	for (size_t i = 0; i < manual->count; i++)
		write_command(manual->commands[i], out);
	roff_subsection(out, "callspool help [COMMAND]");
	roff_paragraphs(out,
			"Prints the list of commands, or what a command takes, with examples.\n");
}

static void write_common_flags(const struct manual *manual, struct buf *out)
{
	roff_section(out, "OPTIONS");
	roff_paragraphs(
		out, "Every command has --help.  These take settings, and so the options below:\n");
	for (size_t i = 0; i < manual->count; i++)
		if (manual->commands[i]->takes_settings)
			roff_line(out, manual->commands[i]->name);
	for (const struct cmd_flag *flag = cmd_settings_flags; flag->name; flag++)
		write_flag(flag, out);
}

static void write_exit_statuses(struct buf *out)
{
	roff_section(out, "EXIT STATUS");
	for (unsigned status = 0; exit_status_meaning(status); status++) {
		char number[12];

		snprintf(number, sizeof(number), "%u", status);
		roff_item(out, number, "");
		roff_line(out, exit_status_meaning(status));
	}
}

static void write_variable(struct buf *out, const char *name, const char *text)
{
	roff_item(out, name, "");
	roff_line(out, text);
}

static void write_environment(struct buf *out)
{
	roff_section(out, "ENVIRONMENT");
	write_variable(out, "CALLSPOOL_CONFIG", "The settings file, where --config names none.");
	write_variable(out, "CALLSPOOL_...",
		       "Any setting, in capitals, with underscores for dots: callspool.conf(5).");
	write_variable(out,
		       "TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, TWILIO_API_KEY, TWILIO_API_SECRET",
		       "The account, under the names that Twilio's own tools know.");
	write_variable(out, "CREDENTIALS_DIRECTORY",
		       "A folder of secrets, as systemd passes them: callspool.conf(5).");
}

static void write_files(struct buf *out)
{
	if (CMD_INSTALLED_FILE[0] == '\0')
		return;
	roff_section(out, "FILES");
	write_variable(
		out, CMD_INSTALLED_FILE,
		"The settings of the server that is installed here; read by every command but demo and simulate "
		"where neither --config nor CALLSPOOL_CONFIG names another.");
}

void manual_write_commands(const struct manual *manual, struct buf *out)
{
	write_head(manual, out);
	write_commands(manual, out);
	write_common_flags(manual, out);
	write_exit_statuses(out);
	write_environment(out);
	write_files(out);
	roff_section(out, "SEE ALSO");
	buf_add_text(out, ".BR callspool.conf (5)\n");
}
