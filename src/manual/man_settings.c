/* callspool.conf(5): the settings file, and every setting. */
#include "manual/manual.h"

#include "cli/cmd_options.h"
#include "config/settings_explained.h"
#include "manual/roff.h"

static void write_head(const struct manual *manual, struct buf *out)
{
	roff_title(out, "CALLSPOOL.CONF", "5", manual->date_s);
	roff_section(out, "NAME");
	buf_add_text(out, "callspool.conf \\- settings of callspool\n");
	roff_section(out, "DESCRIPTION");
	roff_paragraphs(
		out,
		"A settings file has a setting a line: key = value.  A comment begins with a # that is the first character\n"
		"of its line or follows white space.  A value that begins with a quote ends with the same one; in double quotes\n"
		"a backslash makes a quote or a backslash plain.  A setting that is unknown, said twice, out of bounds or\n"
		"contradicts another is refused at start, naming the line.\n\n"
		"Of several sources the later wins: the defaults, the file, credentials, the environment, --set on the command\n"
		"line.  In the environment a setting is called CALLSPOOL_ and its name in capitals, with underscores for dots:\n"
		"CALLSPOOL_FETCH_CONCURRENCY.\n\n"
		"Durations are written as 250ms, 30s, 15m, 12h, 7d or forever, sizes as 512M or 2G, lists with blanks or commas\n"
		"between their words.\n\n"
		"callspool config prints what is in force and where each value came from, callspool config --explained a file\n"
		"with all settings and their meaning.\n");
	if (CMD_INSTALLED_FILE[0])
		roff_paragraphs(
			out,
			"The file of the server that is installed here is " CMD_INSTALLED_FILE ".");
}

static void write_secrets(struct buf *out)
{
	roff_section(out, "SECRETS");
	roff_paragraphs(
		out,
		"A secret is never taken from --set, where the list of processes shows it.  It may stand in a file of its own,\n"
		"which the setting's name and _file names: twilio.auth_token_file = /etc/callspool/token.  A service manager may\n"
		"pass it as a credential: a file in the folder CREDENTIALS_DIRECTORY that is called as the setting\n"
		"(twilio.auth_token or twilio_auth_token) holds it.  Where a setting is itself the name of a file, as audit.key_file,\n"
		"the credential is called as the setting without its ending: audit.key or audit_key.\n");
}

/* "duration, from 1s to 365d; default 7d" */
static void write_setting(const struct setting *setting, struct buf *out)
{
	char text[512];
	struct buf form;

	buf_over(&form, text, sizeof(text));
	buf_add_byte(&form, '(');
	setting_kind_text(setting, &form);
	if (setting->min || setting->max)
		buf_add_text(&form, ", ");
	setting_bounds_text(setting, &form);
	if (setting->is_live)
		buf_add_text(&form, SETTING_LIVE_TEXT);
	if (setting->fallback)
		buf_addf(&form, "; %s where nothing is said", setting->fallback);
	buf_add_byte(&form, ')');
	roff_item(out, setting->key, "");
	roff_line(out, setting->help);
	roff_line(out, text);
}

void manual_write_settings(const struct manual *manual, struct buf *out)
{
	write_head(manual, out);
	write_secrets(out);
	roff_section(out, "SETTINGS");
	for (size_t i = 0; i < settings_count; i++)
		write_setting(&settings_table[i], out);
	roff_section(out, "SEE ALSO");
	buf_add_text(out, ".BR callspool (1)\n");
}
