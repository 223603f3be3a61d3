#include "base/file.h"
#include "base/own.h"
#include "config/settings_explained.h"
#include "tap.h"

#include <stdlib.h>
#include <unistd.h>

#define TEXT_MAX (256 * 1024)

/* What is read from a file with that text. */
static bool reads(struct settings_source *source, struct str text, struct err *err)
{
	char path[] = "/tmp/test_settings_explained.XXXXXX";
	int fd = mkstemp(path);
	bool good = fd >= 0 && file_write_all(fd, text.at, text.len, err) &&
		    settings_read_file(source, path, err);

	close(fd);
	unlink(path);
	return good;
}

/* Settings as who installs them would choose them. */
static struct settings_source *chosen(struct err *err)
{
	struct settings_source *source = settings_source_new();

	OK(settings_put(source, "data_dir", "/srv/calls # 1", "test", err) &&
		   settings_put(source, "auth", "none", "test", err) &&
		   settings_put(source, "twilio.auth_token", "secret-of-a-test", "test", err),
	   "settings are chosen (%s)", err->text);
	return source;
}

static const struct setting *row(const char *key)
{
	for (size_t i = 0; i < settings_count; i++)
		if (strcmp(settings_table[i].key, key) == 0)
			return &settings_table[i];
	return NULL;
}

static void reading_back(void)
{
	struct err err = { 0 };
	struct settings_source *source = chosen(&err), *again = settings_source_new();
	__attribute__((cleanup(buf_release_at))) struct buf text;

	buf_init(&text, TEXT_MAX);
	settings_explain(source, &text);
	OK(buf_ok(&text), "it fits");
	OK(!strstr(text.at, "secret-of"), "a secret is not shown");
	OK(reads(again, buf_str(&text), &err), "it can be read back (%s)", err.text);
	for (size_t i = 0; i < settings_count; i++)
		if (!settings_table[i].is_secret)
			IS_STR(str_of(settings_text(again, &settings_table[i])),
			       str_of(settings_text(source, &settings_table[i])), "%s is the same",
			       settings_table[i].key);
	settings_source_free(source);
	settings_source_free(again);
}

/* "#key = value" without its "#" says the same: so nobody has to look up how it is written. */
static void uncommenting(void)
{
	struct err err = { 0 };
	struct settings_source *source = settings_source_new(), *again = settings_source_new();
	__attribute__((cleanup(buf_release_at))) struct buf text, bare;
	struct str rest, line;
	size_t lines = 0;

	buf_init(&text, TEXT_MAX);
	buf_init(&bare, TEXT_MAX);
	settings_explain(source, &text);
	rest = buf_str(&text);
	while (str_cut(&rest, '\n', &line)) {
		OK(line.len <= SETTINGS_COMMENT_COLUMNS, "'%.*s' is not too long", STR_ARG(line));
		if (line.len < 2 || line.at[0] != '#' || line.at[1] == ' ' ||
		    str_find_str(line, STR("_file =")) < line.len)
			continue;
		buf_addf(&bare, "%.*s\n", STR_ARG(str_after(line, 1)));
		lines++;
	}
	OK(lines > settings_count / 2, "most lines are comments that are to be uncommented (%zu)",
	   lines);
	OK(reads(again, buf_str(&bare), &err), "without their # they are settings (%s)", err.text);
	for (size_t i = 0; i < settings_count; i++)
		IS_STR(str_of(settings_text(again, &settings_table[i])),
		       str_of(settings_text(source, &settings_table[i])), "%s is its default",
		       settings_table[i].key);
	settings_source_free(source);
	settings_source_free(again);
}

static void forms(void)
{
	static const struct {
		const char *key, *kind, *bounds;
	} cases[] = {
		{ "listen", "a list of words", "" },
		{ "auth", "one of: password, proxy, none", "" },
		{ "play_wait", "a duration", "from 10ms to 10m" },
		{ "session.idle", "a duration", "at least 1s" },
		{ "min_free", "a size", "at least 0" },
		{ "threads", "a number", "from 0 to 256" },
		{ "twilio.auth_token", "a secret", "" },
		{ "data_dir", "a text", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char kind_text[128], bounds_text[128];
		struct buf kind, bounds;

		buf_over(&kind, kind_text, sizeof(kind_text));
		buf_over(&bounds, bounds_text, sizeof(bounds_text));
		setting_kind_text(row(cases[i].key), &kind);
		setting_bounds_text(row(cases[i].key), &bounds);
		IS_STR(buf_str(&kind), str_of(cases[i].kind), "what %s looks like", cases[i].key);
		IS_STR(buf_str(&bounds), str_of(cases[i].bounds), "and its bounds");
	}
}

int main(void)
{
	reading_back();
	uncommenting();
	forms();
	return tap_end();
}
