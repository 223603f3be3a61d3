/*
 * What stands in the manual pages and in the completions for bash and zsh; whether formatters and shells understand them is for
 * tests/tools/manual.test.js.  Every word of some pages stands in tests/data/manual (recorded.h).
 */
#include "manual/manual.h"

#include "base/buf.h"
#include "base/own.h"
#include "config/settings.h"
#include "recorded.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX (1024 * 1024)
#define DATE_S   1764288000 /* 2025-11-28 */
#define BASH     "--bash"
#define ZSH      "--zsh"
#define FISH     "--fish"
#define MAN      "--man"
#define CONF     "--man-settings"

static const struct cmd_flag flags[] = {
	{ "--from", CMD_TEXT, 0, "DIR", "a folder" },
	{ "--into", CMD_TEXT, 0, "FILE", "a file [or none]" },
	{ "--reason", CMD_TEXTS, 0, "TEXT", "it's why: \\" },
	{ "--json", CMD_SWITCH, 0, NULL, "as JSON" },
	{ 0 },
};
static const struct cmd person = { .name = "person",
				   .summary = "who: it's",
				   .usage = "add|list|rename [NAME]",
				   .help = "Says who.\n",
				   .examples = "  callspool person list\n",
				   .operands_max = 2,
				   .takes_settings = true },
			take = { .name = "take",
				 .summary = "takes it",
				 .usage = "FILE...",
				 .help = "Takes it.\n\nExit status 3 when not.\n",
				 .examples = "  callspool take a\n  callspool take b\n",
				 .operands_max = 9,
				 .flags = flags },
			bare = { .name = "bare",
				 .summary = "nothing",
				 .usage = "",
				 .help = "Does nothing.\n",
				 .examples = "  callspool bare\n" };
static const struct cmd *const commands[] = { &person, &take, &bare };

/* How often a text stands in a form. */
static const struct {
	const char *form, *name, *text;
	unsigned count;
} rows[] = {
	{ BASH, "of an option, what its value is",
	  "in\n\tperson:--config) echo file ;;\n\tperson:--set) echo setting ;;\n"
	  "\ttake:--from) echo folder ;;\n\ttake:--into) echo file ;;\n\ttake:--reason) echo any ;;\n"
	  "\tesac\n",
	  1 },
	{ BASH, "the commands",
	  "in\n\tperson) options='--config --set --help' verbs='add list rename' ;;\n"
	  "\ttake) options='--from --into --reason --json --help' operand=file ;;\n"
	  "\tbare) options='--help' ;;\n\thelp)",
	  1 },
	{ BASH, "their names", "'person take bare'", 1 },
	{ BASH, "their names, and help", "'person take bare help'", 1 },
	{ BASH, "the settings begin with the first", " -W 'listen data_dir database ", 1 },
	{ BASH, "the last of them", " log_level' -- ", 1 },
	{ BASH, "a secret is told by its file", " twilio.auth_token_file ", 1 },
	{ BASH, "and by nothing else", " twilio.auth_token ", 0 },
	{ BASH, "what a setting may be",
	  "\tlog_level=*) compgen -P log_level= -W 'error warn info debug' -- \"${1#*=}\" ;;\n",
	  1 },
	{ BASH, "of one that may be much nothing is told", "\tlisten=*)", 0 },
	{ BASH, "a slot of the template", "@commands@", 0 },
	{ ZSH, "the names",
	  "\t\t'person:who\\: it'\\''s'\n\t\t'take:takes it'\n\t\t'bare:nothing'\n", 1 },
	{ ZSH, "the first setting", "\t\t'listen:Addresses and ports to serve on, or unix\\:PATH; ",
	  1 },
	{ ZSH, "a secret", "\t\t'twilio.auth_token_file:Checks the signatures; ", 1 },
	{ ZSH, "the last setting", "\t\t'log_level:How much is logged on standard error.'\n", 1 },
	{ ZSH, "what a setting may be", "\t\tlog_level) compadd error warn info debug ;;\n", 1 },
	{ ZSH, "of one that may be much nothing is told", "\t\tlisten) compadd", 0 },
	{ ZSH, "a command with settings and verbs",
	  "\tperson)\n\t\t_arguments \\\n"
	  "\t\t'--config=[settings from this file (else CALLSPOOL_CONFIG names one)]:FILE:_files' \\\n"
	  "\t\t'*--set=[one setting; may be repeated]:KEY=VALUE:_callspool_settings' \\\n"
	  "\t\t'--help[this text]' \\\n\t\t'1:verb:(add list rename)' \\\n\t\t'*: :'\n\t\t;;\n",
	  1 },
	{ ZSH, "a command with operands, a folder, a quote and brackets",
	  "\ttake)\n\t\t_arguments \\\n\t\t'--from=[a folder]:DIR:_files -/' \\\n"
	  "\t\t'--into=[a file \\[or none\\]]:FILE:_files' \\\n"
	  "\t\t'*--reason=[it'\\''s why\\: \\\\]:TEXT:' \\\n\t\t'--json[as JSON]' \\\n"
	  "\t\t'--help[this text]' \\\n\t\t'*: :_files'\n\t\t;;\n",
	  1 },
	{ ZSH, "a command with nothing",
	  "\tbare)\n\t\t_arguments \\\n\t\t'--help[this text]'\n\t\t;;\n", 1 },
	{ ZSH, "a slot of the template", "@names@", 0 },
	{ FISH, "the first setting",
	  "        listen= 'Addresses and ports to serve on, or unix:PATH; port 0 picks a free one.' \\\n"
	  "        data_dir= ",
	  1 },
	{ FISH, "a secret", "        twilio.auth_token_file= 'Checks the signatures; ", 1 },
	{ FISH, "what a setting may be",
	  "        log_level=error 'How much is logged on standard error.' \\\n"
	  "        log_level=warn 'How much is logged on standard error.' \\\n"
	  "        log_level=info 'How much is logged on standard error.' \\\n"
	  "        log_level=debug 'How much is logged on standard error.'",
	  1 },
	{ FISH, "one that may be one of some is not told without", "        log_level= ", 0 },
	{ FISH, "a command, its verbs, and its options from the first",
	  "\ncomplete -c callspool -n __callspool_first -a person -d 'who: it\\'s'\n"
	  "complete -c callspool -n '__callspool_in help 2' -a person\n"
	  "complete -c callspool -n '__callspool_in person 2' -a add\n"
	  "complete -c callspool -n '__callspool_in person 2' -a list\n"
	  "complete -c callspool -n '__callspool_in person 2' -a rename\n"
	  "complete -c callspool -n '__callspool_in person' -l config -rF -d ",
	  1 },
	{ FISH, "and to the last",
	  "complete -c callspool -n '__callspool_in person' -l help -d 'this text'\n\n", 1 },
	{ MAN, "its title", ".TH CALLSPOOL 1 \"2025-11-28\" \"callspool ", 1 },
	{ MAN, "a command", ".SS \"callspool person add|list|rename [NAME]\"\nSays who.\n", 1 },
	{ MAN, "a command, in its section",
	  ".SH \"COMMANDS\"\n.SS \"callspool person add|list|rename [NAME]\"\n", 1 },
	{ MAN, "one that takes nothing ends with its name", ".SS \"callspool bare\"\n", 1 },
	{ MAN, "a paragraph of an exit status", "Exit status 3 when not.\n", 1 },
	{ MAN, "a flag with a value", "\\fB\\-\\-from\\fR \\fIDIR\\fR\na folder\n", 1 },
	{ MAN, "a switch", "\\fB\\-\\-json\\fR\nas JSON\n", 1 },
	{ MAN, "an example of two lines", ".EX\ncallspool take a\ncallspool take b\n.EE\n", 1 },
	{ MAN, "who takes settings",
	  "options below:\nperson\n.TP\n\\fB\\-\\-config\\fR \\fIFILE\\fR\n", 1 },
	{ MAN, "the flags of settings, once", "\\fB\\-\\-set\\fR \\fIKEY=VALUE\\fR\n", 1 },
	{ MAN, "the first exit status",
	  ".SH \"EXIT STATUS\"\n.TP\n\\fB0\\fR\ngood\n.TP\n\\fB1\\fR\n", 1 },
	{ MAN, "the last exit status",
	  ".TP\n\\fB8\\fR\ncould not be checked\n.SH \"ENVIRONMENT\"\n", 1 },
	{ MAN, "what follows the commands", ".SS \"callspool help [COMMAND]\"\n", 1 },
	{ MAN, "a build for no package names no file", ".SH \"FILES\"\n", 0 },
	{ MAN, "its end", ".SH \"SEE ALSO\"\n.BR callspool.conf (5)\n", 1 },
	{ CONF, "its title", ".TH CALLSPOOL.CONF 5 \"2025-11-28\" \"callspool ", 1 },
	{ CONF, "the first setting",
	  ".SH \"SETTINGS\"\n.TP\n\\fBlisten\\fR\n"
	  "Addresses and ports to serve on, or unix:PATH; port 0 picks a free one.\n"
	  "(a list of words; 127.0.0.1:8080 where nothing is said)\n.TP\n\\fBdata_dir\\fR\n",
	  1 },
	{ CONF, "one without a default", "ledger.db in data_dir.\n(a text)\n", 1 },
	{ CONF, "one with a lower bound alone",
	  "A session without a request for so long is over.\n(a duration, ", 1 },
	{ CONF, "one without bounds",
	  "Lets people sign in without TLS: passwords cross the network as they are.\n"
	  "(one of: off, on; off where nothing is said)\n",
	  1 },
	{ CONF, "its end", ".SH \"SEE ALSO\"\n.BR callspool (1)\n", 1 },
};

static unsigned count_of(struct str text, struct str part)
{
	unsigned count = 0;
	size_t at;

	while ((at = str_find_str(text, part)) < text.len) {
		count++;
		text = str_after(text, at + 1);
	}
	return count;
}

static void check_rows(void)
{
	const struct manual manual = { commands, ARRAY_LEN(commands), DATE_S };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct manual_form *form = manual_find(rows[i].form);
		AUTO(buf_release) struct buf out;

		buf_init(&out, TEXT_MAX);
		if (form)
			form->write(&manual, &out);
		OK(form && buf_ok(&out), "%s is a form", rows[i].form);
		IS_INT(count_of(buf_str(&out), str_of(rows[i].text)), rows[i].count, "%s: %s",
		       rows[i].form, rows[i].name);
	}
}

/* ---- pages, to the last word ---- */

/* Without the version, and as far as `end`. */
static void add_comparable(struct str text, const char *end, struct buf *out)
{
	size_t at = str_find_str(text, STR(" \"callspool " CALLSPOOL_VERSION "\""));

	text = str_first(text, str_find_str(text, str_of(end)));
	buf_add_str(out, str_first(text, at));
	buf_add_str(out, str_after(text, at + strlen(" \"callspool " CALLSPOOL_VERSION "\"")));
}

static void check_page(const char *form, const char *end, const char *name)
{
	const struct manual manual = { commands, ARRAY_LEN(commands), DATE_S };
	AUTO(buf_release) struct buf page, comparable;
	AUTO(free) char *path = xasprintf("manual/%s", name);
	AUTO(free) char *what = xasprintf("%s: every word", name);

	buf_init(&page, TEXT_MAX);
	buf_init(&comparable, TEXT_MAX);
	manual_find(form)->write(&manual, &page);
	add_comparable(buf_str(&page), end, &comparable);
	recorded_is(path, buf_str(&comparable), what);
}

/* Each setting has its place in each form. */
static void check_settings(void)
{
	const struct manual manual = { commands, ARRAY_LEN(commands), DATE_S };
	AUTO(buf_release) struct buf conf, zsh;

	buf_init(&conf, TEXT_MAX);
	buf_init(&zsh, TEXT_MAX);
	manual_write_settings(&manual, &conf);
	manual_write_zsh(&manual, &zsh);
	for (size_t i = 0; i < settings_count; i++) {
		const struct setting *setting = &settings_table[i];
		char head[128], name[128];

		snprintf(head, sizeof(head), "\n\\fB%s\\fR\n", setting->key);
		snprintf(name, sizeof(name), "\t\t'%s%s:", setting->key,
			 setting->is_secret ? "_file" : "");
		IS_INT(count_of(buf_str(&conf), str_of(head)), 1, "%s is told of", setting->key);
		IS_INT(count_of(buf_str(&zsh), str_of(name)), 1, "%s is completed", setting->key);
	}
}

/* ---- what is printed ---- */

static size_t print_into(const char *date, char *out, size_t size)
{
	FILE *file = tmpfile(), *was = stdout;
	size_t len;

	if (!file)
		exit(1);
	if (date)
		setenv("SOURCE_DATE_EPOCH", date, 1);
	else
		unsetenv("SOURCE_DATE_EPOCH");
	stdout = file;
	manual_print(manual_find(MAN), commands, ARRAY_LEN(commands));
	stdout = was;
	rewind(file);
	len = fread(out, 1, size - 1, file);
	out[len] = '\0';
	fclose(file);
	return len;
}

static void check_printed(void)
{
	AUTO(free) char *text = malloc(TEXT_MAX);
	struct str printed;

	printed = (struct str){ text, print_into("1764288000", text, TEXT_MAX) };
	IS_INT(count_of(printed, STR(" 1 \"2025-11-28\" ")), 1, "of the date that is told");
	OK(str_starts(printed, STR(".TH CALLSPOOL")) &&
		   count_of(printed, STR(".BR callspool.conf (5)\n")) == 1,
	   "from its beginning to its end");
	printed = (struct str){ text, print_into("soon", text, TEXT_MAX) };
	IS_INT(count_of(printed, STR(" 1 \"2025-11-28\" ")) + count_of(printed, STR("\"1970-")), 0,
	       "else of today");
	printed = (struct str){ text, print_into(NULL, text, TEXT_MAX) };
	IS_INT(count_of(printed, STR(" 1 \"20")), 1, "as where none is told");
	OK(!manual_find("--nonsense") && !manual_find(""), "there is no other form");
}

int main(void)
{
	check_rows();
	check_page(MAN, "\n.SH \"FILES\"", "commands.txt");
	check_page(CONF, "\n.SH \"SETTINGS\"", "settings.txt");
	check_settings();
	check_printed();
	return tap_end();
}
