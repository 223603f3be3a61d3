#include "config/settings_explained.h"

#include "base/own.h"
#include "config/config_file.h"
#include "config/settings_private.h"

#include <stdlib.h>

static void add_choices(const struct setting *setting, struct buf *out)
{
	struct str rest = str_of(setting->choices), word;
	const char *joint = "one of: ";

	while (str_cut(&rest, ' ', &word)) {
		buf_addf(out, "%s%.*s", joint, STR_ARG(word));
		joint = ", ";
	}
}

void setting_kind_text(const struct setting *setting, struct buf *out)
{
	switch (setting->type) {
	case SETTING_TEXT:
		buf_add_text(out, setting->is_secret ? "a secret" : "a text");
		return;
	case SETTING_NUMBER:
		buf_add_text(out, "a number");
		return;
	case SETTING_DURATION:
		buf_add_text(out, "a duration");
		return;
	case SETTING_BYTES:
		buf_add_text(out, "a size");
		return;
	case SETTING_LIST:
		buf_add_text(out, "a list of words");
		return;
	case SETTING_CHOICE:
	case SETTING_ENUM:
		add_choices(setting, out);
		return;
	}
}

void setting_bounds_text(const struct setting *setting, struct buf *out)
{
	if (setting->min && setting->max)
		buf_addf(out, "from %s to %s", setting->min, setting->max);
	else if (setting->min)
		buf_addf(out, "at least %s", setting->min);
	else if (setting->max)
		buf_addf(out, "at most %s", setting->max);
}

/* A comment, in lines. */
static void add_comment(struct buf *out, const char *text)
{
	struct str rest = str_of(text), word;
	size_t column = 0;

	while (str_cut(&rest, ' ', &word)) {
		if (word.len == 0)
			continue; /* two spaces behind a full stop */
		if (column == 0 || column + 1 + word.len > SETTINGS_COMMENT_COLUMNS) {
			buf_add_text(out, column == 0 ? "#" : "\n#");
			column = 1;
		}
		buf_addf(out, " %.*s", STR_ARG(word));
		column += 1 + word.len;
	}
	buf_add_byte(out, '\n');
}

/* "A duration, from 1s to 365d; a reload changes it." */
static void add_form(struct buf *out, const struct setting *setting)
{
	char text[512];
	struct buf form;

	buf_over(&form, text, sizeof(text));
	setting_kind_text(setting, &form);
	if (form.len > 0)
		text[0] = ascii_upper(text[0]);
	if (setting->min || setting->max)
		buf_add_text(&form, ", ");
	setting_bounds_text(setting, &form);
	if (setting->is_live)
		buf_add_text(&form, SETTING_LIVE_TEXT);
	buf_add_byte(&form, '.');
	add_comment(out, text);
}

/* A secret that stands in a file of its own is shown by that file's name, any other not at all. */
static void add_line(struct buf *out, const struct setting *setting, const struct value *value)
{
	bool is_file = setting->is_secret && (value->file || !value->text);
	AUTO(free)
	char *quoted = config_quote(str_of(is_file ? value->file : value->text));
	bool is_default = !value->text || strcmp(value->origin, SETTINGS_DEFAULT) == 0;

	if (setting->is_secret && !is_file)
		buf_addf(out, "#%s = (secret)\n", setting->key);
	else
		buf_addf(out, "%s%s%s =%s%s\n", is_default ? "#" : "", setting->key,
			 is_file ? "_file" : "", quoted && quoted[0] ? " " : "",
			 quoted ? quoted : "");
}

void settings_explain(const struct settings_source *source, struct buf *out)
{
	add_comment(
		out,
		"Settings of callspool, one a line: key = value.  All of them are here; a line that begins with # "
		"and a key shows what is in force without it.  callspool.conf(5) says more, `callspool config` "
		"what is in force and where it came from.");
	for (size_t i = 0; i < settings_count; i++) {
		buf_add_byte(out, '\n');
		add_comment(out, settings_table[i].help);
		add_form(out, &settings_table[i]);
		add_line(out, &settings_table[i], &source->values[i]);
	}
}
