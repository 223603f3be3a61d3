#include "manual/usage.h"
#include "tap.h"

#include "base/buf.h"

static void verbs(void)
{
	static const struct {
		const char *usage, *verbs, *name;
	} cases[] = {
		{ "add|list|rename [NAME [NEW]]", "add list rename", "verbs between bars" },
		{ "make CALL_SID|RECORDING_SID | list | revoke NAME", "make list revoke",
		  "verbs that begin alternatives" },
		{ "list [--user NAME] | end NAME | end --user NAME", "list end",
		  "a verb that begins two of them" },
		{ "CALL_SID|RECORDING_SID | --all [--reason TEXT] | --list", "",
		  "alternatives without a verb" },
		{ "[--json | --markdown] [--set KEY=VALUE]...", "", "options" },
		{ "", "", "nothing" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct cmd cmd = { .usage = cases[i].usage };
		struct usage_verbs found = usage_verbs(&cmd);
		char text[128];
		struct buf joined;

		buf_over(&joined, text, sizeof(text));
		for (size_t k = 0; k < found.count; k++)
			buf_addf(&joined, "%s%.*s", k ? " " : "", STR_ARG(found.at[k]));
		IS_STR(buf_str(&joined), str_of(cases[i].verbs), "%s", cases[i].name);
	}
}

static void operands(void)
{
	static const struct {
		const char *usage;
		enum usage_value value;
		const char *name;
	} cases[] = {
		{ "FILE...", USAGE_FILE, "a file is an operand" },
		{ "[DIR] [--json]", USAGE_FOLDER, "a folder that may be left out" },
		{ "--from DIR", USAGE_ANY, "a folder that belongs to an option is none" },
		{ "[--config FILE] [--set KEY=VALUE]...", USAGE_ANY, "nor in brackets" },
		{ "add NOTE --rights LIST", USAGE_ANY, "a note is anything" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct cmd cmd = { .usage = cases[i].usage };

		IS_INT(usage_operand(&cmd), cases[i].value, "%s", cases[i].name);
	}
}

static void flags(void)
{
	static const struct cmd_flag own[] = {
		{ "--from", CMD_TEXT, 0, "DIR", "a folder" },
		{ 0 },
	};
	static const struct {
		bool takes_settings;
		const char *names;
	} cases[] = {
		{ false, "--from --help" },
		{ true, "--from --config --set --help" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct cmd cmd = { .flags = own, .takes_settings = cases[i].takes_settings };
		const struct cmd_flag *flag;
		char text[128];
		struct buf names;

		buf_over(&names, text, sizeof(text));
		for (size_t k = 0; (flag = usage_flag(&cmd, k)) != NULL; k++)
			buf_addf(&names, "%s%s", k ? " " : "", flag->name);
		IS_STR(buf_str(&names), str_of(cases[i].names), "all flags of a command%s",
		       cases[i].takes_settings ? " that takes settings" : "");
		IS_INT(usage_value(usage_flag(&cmd, 0)), USAGE_FOLDER, "what the first takes");
	}
}

int main(void)
{
	verbs();
	operands();
	flags();
	return tap_end();
}
