#include "config/settings.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/own.h"
#include "base/suggestion.h"
#include "config/config_file.h"
#include "config/settings_private.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX_BYTES   (256 * 1024)
#define SECRET_MAX_BYTES 4096
#define KEY_SHOWN_MAX    64 /* of a name that is none, in a message */

static void value_put(struct value *value, const char *text, const char *origin)
{
	free(value->text);
	free(value->origin);
	free(TAKE(value->file));
	free(TAKE(value->unread));
	value->text = text && text[0] != '\0' ? xstrdup(text) : NULL;
	value->origin = xstrdup(origin);
}

/* Whatever hinders: the caller named the wrong file, or one that is not for this user. */
static bool read_file(const char *path, size_t max, char **out, size_t *out_len, struct err *err)
{
	if (file_read(path, max, out, out_len, err))
		return true;
	err->kind = ERR_INVALID;
	return false;
}

struct settings_source *settings_source_new(void)
{
	struct settings_source *source = xcalloc(1, sizeof(*source));

	assert(settings_count <= ROWS_MAX);
	for (size_t i = 0; i < settings_count; i++)
		value_put(&source->values[i], settings_table[i].fallback, SETTINGS_DEFAULT);
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
		free(source->values[i].unread);
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

bool settings_put_text(struct settings_source *source, size_t index, const char *text,
		       const char *origin, struct err *err)
{
	for (const char *at = text; *at; at++)
		if ((unsigned char)*at < ' ' && *at != '\t')
			return err_set(err, ERR_INVALID, "%s: %s: a control character (byte %d)",
				       origin, settings_table[index].key, *at);
	value_put(&source->values[index], text, origin);
	return true;
}

bool settings_put_secret_file(struct settings_source *source, size_t index, const char *path,
			      struct err *err)
{
	AUTO(free) char *text = NULL;
	AUTO(free) char *origin = xasprintf("file %s", path);
	size_t len;

	if (!read_file(path, SECRET_MAX_BYTES, &text, &len, err))
		return err_context(err, "%s_file", settings_table[index].key);
	while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		text[--len] = '\0';
	if (len == 0)
		return err_set(err, ERR_INVALID, "%s_file: '%s' is empty",
			       settings_table[index].key, path);
	if (!settings_put_text(source, index, text, origin, err))
		return false;
	source->values[index].file = xstrdup(path);
	return true;
}

/* It is read again when it is used. */
bool settings_put_common_file(struct settings_source *source, size_t index, const char *path,
			      const char *name, struct err *err)
{
	struct value *value = &source->values[index];
	AUTO(free) char *origin = xasprintf("file %s", path);

	if (settings_put_secret_file(source, index, path, err))
		return true;
	(void)err_context(err, "%s", name);
	if (!settings_table[index].file_offset)
		return false;
	value_put(value, NULL, origin);
	value->file = xstrdup(path);
	value->unread = xstrdup(err->text);
	return true;
}

static bool unknown(struct str key, struct err *err)
{
	struct suggestion near;

	suggestion_start(&near, key);
	for (size_t i = 0; i < settings_count; i++)
		suggestion_offer(&near, settings_table[i].key);
	if (near.best)
		return err_set(err, ERR_INVALID, "there is no setting '%.*s'; did you mean '%s'?",
			       STR_ARG(str_first(key, KEY_SHOWN_MAX)), near.best);
	return err_set(err, ERR_INVALID, "there is no setting '%.*s' (callspool config lists them)",
		       STR_ARG(str_first(key, KEY_SHOWN_MAX)));
}

/* *out_index is the row that was meant. */
static bool put(struct settings_source *source, struct str key, const char *value,
		const char *origin, size_t *out_index, struct err *err)
{
	const struct setting *setting = find(key, out_index);

	if (setting)
		return settings_put_text(source, *out_index, value, origin, err);
	if (str_ends(key, STR("_file")))
		setting = find(str_first(key, key.len - 5), out_index);
	if (!setting || !setting->is_secret)
		return unknown(key, err);
	return settings_put_secret_file(source, *out_index, value, err);
}

bool settings_put(struct settings_source *source, const char *key, const char *value,
		  const char *from, struct err *err)
{
	size_t index;

	return put(source, str_of(key), value, from, &index, err);
}

bool settings_put_back(struct settings_source *source, const char *key, const char *from,
		       struct err *err)
{
	size_t index;
	const struct setting *setting = find(str_of(key), &index);

	if (!setting)
		return unknown(str_of(key), err);
	value_put(&source->values[index], setting->fallback, from);
	return true;
}

bool settings_is_from(const struct settings_source *source, const char *key, const char *origin)
{
	size_t index;

	return find(str_of(key), &index) && strcmp(source->values[index].origin, origin) == 0;
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

	return put(source, key, value, SETTINGS_FLAG, &index, err) ||
	       err_context(err, SETTINGS_FLAG);
}

bool settings_read_file(struct settings_source *source, const char *path, struct err *err)
{
	AUTO(free) char *text = NULL;
	bool seen[ROWS_MAX] = { false };
	struct config_line line;
	struct config_file file;
	size_t len, index = 0;

	if (!read_file(path, FILE_MAX_BYTES, &text, &len, err))
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

		if (!put(source, line.key, value, origin, &index, err))
			return err_context(err, "%s:%u", path, file.line_number);
		if (seen[index])
			return err_set(err, ERR_INVALID, "%s:%u: '%s' is set twice", path,
				       file.line_number, settings_table[index].key);
		seen[index] = true;
	}
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
	return xasprintf("%s = %s  # %s%s", setting->key, quoted ? quoted : "",
			 setting->is_live ? "live; " : "", origin);
}

void settings_keep_secrets(struct settings_source *source, const struct settings_source *before)
{
	for (size_t i = 0; i < settings_count; i++)
		if (settings_table[i].is_secret && settings_is_from_environment(before, i))
			value_put(&source->values[i], before->values[i].text,
				  before->values[i].origin);
}

bool settings_are_same(const struct settings_source *a, const struct settings_source *b,
		       const struct setting *setting)
{
	size_t row = (size_t)(setting - settings_table);
	const char *file = a->values[row].file;

	/* What such a file holds counts already. */
	if (setting->file_offset && file && str_eq(str_of(file), str_of(b->values[row].file)))
		return true;
	return str_eq(str_of(a->values[row].text), str_of(b->values[row].text));
}
