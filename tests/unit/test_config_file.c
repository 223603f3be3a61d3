#include "config/config_file.h"
#include "tap.h"

#include <stdlib.h>

static void values(void)
{
	static const struct {
		const char *line, *value; /* NULL: refused */
		const char *name;
	} cases[] = {
		{ "key = value", "value", "a value" },
		{ "  key=\tvalue \r", "value", "white space around it does not count" },
		{ "key = two words", "two words", "white space within it does" },
		{ "key = value # why", "value", "a comment after a value" },
		{ "key = value\t#why", "value", "a comment after a tab" },
		{ "key = https://host/#rc=5", "https://host/#rc=5",
		  "a # within a word is no comment" },
		{ "key = # nothing", "", "a comment in place of a value" },
		{ "key =", "", "no value" },
		{ "key = \"value\"", "value", "double quotes are no part of the value" },
		{ "key = 'value'", "value", "nor are single ones" },
		{ "key = \"\"", "", "quotes around nothing" },
		{ "key = \"a # b\" # why", "a # b", "a # in quotes is no comment" },
		{ "key = \"  spaced \"", "  spaced ", "quotes keep white space" },
		{ "key = \"say \\\"so\\\" \\\\\"", "say \"so\" \\", "escapes in double quotes" },
		{ "key = 'C:\\dir \"x\"'", "C:\\dir \"x\"", "none in single quotes" },
		{ "key = a\"b", "a\"b", "a quote within a word is the word's" },
		{ "key = it's", "it's", "an apostrophe, too" },
		{ "key = \"value", NULL, "a quote that is not closed" },
		{ "key = 'value", NULL, "a single one" },
		{ "key = \"value\\\"", NULL, "one that is closed by an escape" },
		{ "key = \"a\" b", NULL, "words after the closing quote" },
		{ "key = \"a\"# b", NULL, "a comment must stand apart" },
		{ "key = \"a\\n\"", NULL, "an escape that has no meaning" },
		{ "key = a\x01", NULL, "a control character" },
		{ "just words", NULL, "no =" },
		{ "Key = value", NULL, "a key in upper case" },
		{ "= value", NULL, "no key" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct config_file file;
		struct config_line line = { 0 };
		struct err err = { 0 };
		enum config_result result;

		config_file_start(&file, str_of(cases[i].line));
		result = config_file_next(&file, &line, &err);
		IS_INT(result, cases[i].value ? CONFIG_LINE : CONFIG_BAD, "%s (%s)", cases[i].name,
		       err.text);
		if (result == CONFIG_LINE && cases[i].value) {
			char *value = config_line_value(&line);

			IS_STR(str_of(value), str_of(cases[i].value), "%s: as meant",
			       cases[i].name);
			free(value);
		}
	}
}

/* What is written is read back, and stands in quotes only where it has to. */
static void quoting(void)
{
	static const struct {
		const char *value, *quoted;
	} cases[] = {
		{ "", "" },
		{ "plain", "plain" },
		{ "two words", "two words" },
		{ "a # b", "\"a # b\"" },
		{ "# a", "\"# a\"" },
		{ "a#b", "a#b" },
		{ "a# b", "a# b" },
		{ " a ", "\" a \"" },
		{ "a ", "\"a \"" },
		{ "\"a\"", "\"\\\"a\\\"\"" },
		{ "'a'", "\"'a'\"" },
		{ "it's", "it's" },
		{ "a\\b", "a\\b" },
		{ "\\", "\\" },
		{ "\\\" # \"", "\"\\\\\\\" # \\\"\"" },
		{ "\ta", "\"\ta\"" },
		{ "a\"b", "a\"b" },
		{ "a\t#", "\"a\t#\"" },
		{ "\" \\\\ \"", "\"\\\" \\\\\\\\ \\\"\"" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct config_file file;
		struct config_line line = { 0 };
		struct err err = { 0 };
		char *quoted = config_quote(str_of(cases[i].value)), *value, text[80];

		IS_STR(str_of(quoted), str_of(cases[i].quoted), "%s: as written", cases[i].value);
		snprintf(text, sizeof(text), "key = %s  # default", quoted);
		config_file_start(&file, str_of(text));
		IS_INT(config_file_next(&file, &line, &err), CONFIG_LINE, "%s (%s)", text,
		       err.text);
		value = config_line_value(&line);
		IS_STR(str_of(value), str_of(cases[i].value), "%s: read back", text);
		free(value);
		free(quoted);
	}
}

static void numbers(void)
{
	struct config_file file;
	struct config_line line;
	struct err err;

	config_file_start(&file, STR("# a comment\n\na = 1\n   # another\nb = 2"));
	IS_INT(config_file_next(&file, &line, &err), CONFIG_LINE, "the first");
	IS_INT(file.line_number, 3, "is on line 3");
	IS_INT(config_file_next(&file, &line, &err), CONFIG_LINE, "the second");
	IS_INT(file.line_number, 5, "is on line 5, which has no end");
	IS_STR(line.value, STR("2"), "with its value");
	IS_INT(config_file_next(&file, &line, &err), CONFIG_END, "the end");
}

int main(void)
{
	values();
	quoting();
	numbers();
	return tap_end();
}
