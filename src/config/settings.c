#include "config/settings.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/own.h"
#include "config/config_file.h"
#include "config/settings_private.h"

#include <assert.h>
#include <stdlib.h>

#define FILE_MAX_BYTES   (256 * 1024)
#define SECRET_MAX_BYTES 4096

static void value_put(struct value *value, const char *text, const char *origin)
{
	free(value->text);
	free(value->origin);
	free(TAKE(value->file));
	value->text = text && text[0] != '\0' ? xstrdup(text) : NULL;
	value->origin = xstrdup(origin);
}

struct settings_source *settings_source_new(void)
{
	struct settings_source *source = xcalloc(1, sizeof(*source));

	assert(settings_count <= ROWS_MAX);
	for (size_t i = 0; i < settings_count; i++)
		value_put(&source->values[i], settings_table[i].fallback, "default");
	return source;
}

void settings_source_free(struct settings_source *source)
{
	if (!source)
		return;
	for (size_t i = 0; i < settings_count; i++) {
		free(source->values[i].text);
		free(source->values[i].origin);
		free(source->values[i].file);
		for (size_t k = 0; k < SETTINGS_LIST_MAX; k++)
			free(source->values[i].words[k]);
	}
	free(source);
}

static const struct setting *find(struct str key, size_t *out_index)
{
	for (size_t i = 0; i < settings_count; i++) {
		if (str_eq(key, str_of(settings_table[i].key))) {
			*out_index = i;
			return &settings_table[i];
		}
	}
	return NULL;
}

/* A secret in a file of its own: all of it but the newline at its end. */
static bool put_secret_file(struct settings_source *source, size_t index, const char *path,
			    struct err *err)
{
	AUTO(free) char *text = NULL;
	AUTO(free) char *origin = xasprintf("file %s", path);
	size_t len;

	if (!file_read(path, SECRET_MAX_BYTES, &text, &len, err))
		return err_context(err, "%s_file", settings_table[index].key);
	while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		text[--len] = '\0';
	value_put(&source->values[index], text, origin);
	source->values[index].file = xstrdup(path);
	return true;
}

static bool put(struct settings_source *source, struct str key, const char *value,
		const char *origin, struct err *err)
{
	size_t index;

	if (find(key, &index)) {
		value_put(&source->values[index], value, origin);
		return true;
	}
	if (str_ends(key, STR("_file"))) {
		const struct setting *secret = find(str_first(key, key.len - 5), &index);

		if (secret && secret->is_secret)
			return put_secret_file(source, index, value, err);
	}
	return err_set(err, ERR_INVALID, "there is no setting '%.*s' (callspool config lists them)",
		       STR_ARG(key));
}

bool settings_put(struct settings_source *source, const char *key, const char *value,
		  const char *from, struct err *err)
{
	return put(source, str_of(key), value, from, err);
}

bool settings_set(struct settings_source *source, const char *assignment, struct err *err)
{
	struct str text = str_of(assignment);
	size_t equals = str_find(text, '='), index;
	struct str key = str_trim(str_first(text, equals));
	const struct setting *setting = find(key, &index);

	if (equals == text.len)
		return err_set(err, ERR_INVALID, "--set %s: expected key=value", assignment);
	if (setting && setting->is_secret)
		return err_set(
			err, ERR_INVALID,
			"--set %s: a secret would show in the process list; use the environment, the settings "
			"file or %s_file",
			setting->key, setting->key);
	AUTO(free) char *value = str_dup(str_trim(str_after(text, equals + 1)));

	return put(source, key, value, "--set", err) || err_context(err, "--set");
}

bool settings_read_file(struct settings_source *source, const char *path, struct err *err)
{
	AUTO(free) char *text = NULL;
	bool seen[ROWS_MAX] = { false };
	struct config_line line;
	struct config_file file;
	size_t len, index;

	if (!file_read(path, FILE_MAX_BYTES, &text, &len, err))
		return false;
	config_file_start(&file, (struct str){ text, len });
	for (;;) {
		switch (config_file_next(&file, &line, err)) {
		case CONFIG_END:
			return true;
		case CONFIG_BAD:
			return err_context(err, "%s:%u", path, file.line_number);
		case CONFIG_LINE:
			break;
		}
		AUTO(free) char *value = config_line_value(&line);
		AUTO(free) char *origin = xasprintf("%s:%u", path, file.line_number);

		if (!put(source, line.key, value, origin, err))
			return err_context(err, "%s:%u", path, file.line_number);
		if (find(line.key, &index) && seen[index])
			return err_set(err, ERR_INVALID, "%s:%u: '%s' stands in this file already",
				       path, file.line_number, settings_table[index].key);
		if (find(line.key, &index))
			seen[index] = true;
	}
}

/* "fetch.concurrency" is CALLSPOOL_FETCH_CONCURRENCY. */
static void environment_name(const char *key, const char *ending, struct buf *out)
{
	buf_add_text(out, "CALLSPOOL_");
	for (; *key; key++)
		buf_add_byte(out, *key == '.' ? '_'
					      : (char)(*key >= 'a' && *key <= 'z' ? *key & ~0x20
										  : *key));
	buf_add_text(out, ending);
}

bool settings_read_environment(struct settings_source *source, struct err *err)
{
	for (size_t i = 0; i < settings_count; i++) {
		const struct setting *setting = &settings_table[i];
		char name[96], file_name[96];
		struct buf buf, file_buf;
		const char *value;

		buf_over(&buf, name, sizeof(name));
		environment_name(setting->key, "", &buf);
		buf_over(&file_buf, file_name, sizeof(file_name));
		environment_name(setting->key, "_FILE", &file_buf);
		if (setting->environment && (value = getenv(setting->environment)) != NULL)
			value_put(&source->values[i], value, setting->environment);
		if ((value = getenv(name)) != NULL)
			value_put(&source->values[i], value, name);
		if (setting->is_secret && (value = getenv(file_name)) != NULL &&
		    !put_secret_file(source, i, value, err))
			return false;
	}
	return true;
}

const char *settings_text(const struct settings_source *source, const struct setting *setting)
{
	const struct value *value = &source->values[setting - settings_table];

	if (!value->text)
		return "";
	return setting->is_secret ? "(secret)" : value->text;
}

const char *settings_origin(const struct settings_source *source, const struct setting *setting)
{
	return source->values[setting - settings_table].origin;
}

char *settings_line(const struct settings_source *source, const struct setting *setting)
{
	const struct value *value = &source->values[setting - settings_table];
	AUTO(free) char *quoted = config_quote(str_of(value->file ? value->file : value->text));
	AUTO(free) char *origin = xstrdup(value->origin);

	for (char *at = origin; *at; at++)
		if ((unsigned char)*at < ' ')
			*at = '?'; /* the path of a file may hold anything */
	if (value->file)
		return xasprintf("%s_file = %s  # %s", setting->key, quoted, origin);
	if (setting->is_secret && value->text)
		return xasprintf("# %s = (secret)  # %s", setting->key, origin);
	return xasprintf("%s = %s  # %s", setting->key, quoted ? quoted : "", origin);
}
