/* From text to values: what the type of a setting says. */
#include "config/settings_private.h"

#include "base/mem.h"
#include "base/own.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static bool parse_bytes(struct str text, int64_t *out)
{
	static const char units[] = "KMGT";
	const char *unit = text.len > 0 ? strchr(units, text.at[text.len - 1]) : NULL;
	int64_t n;

	if (!str_to_i64(unit ? str_first(text, text.len - 1) : text, &n) || n < 0)
		return false;
	for (int i = unit ? (int)(unit - units) + 1 : 0; i > 0; i--)
		if (__builtin_mul_overflow(n, 1024, &n))
			return false;
	*out = n;
	return true;
}

static bool parse_number(const struct setting *setting, struct str text, int64_t *out)
{
	if (setting->type == SETTING_DURATION)
		return str_to_duration_ms(text, out);
	return setting->type == SETTING_BYTES ? parse_bytes(text, out) : str_to_i64(text, out);
}

/* Bounds keep a number within what 4 bytes of either sign hold. */
static void put_number(const struct setting *setting, int64_t n, void *at)
{
	int32_t small = (int32_t)n;

	if (setting->size == sizeof(small)) {
		assert(small == n);
		memcpy(at, &small, sizeof(small));
	} else {
		assert(setting->size == sizeof(n));
		memcpy(at, &n, sizeof(n));
	}
}

static bool resolve_number(const struct setting *setting, const char *text, void *at,
			   struct err *err)
{
	static const char *const forms[] = {
		[SETTING_NUMBER] = "a number",
		[SETTING_DURATION] = "a duration like 250ms, 30s, 15m, 12h or 7d",
		[SETTING_BYTES] = "a size like 512M or 2G",
	};
	int64_t n = 0, bound;

	if (!text && !setting->fallback) {
		put_number(setting, n, at);
		return true;
	}
	if (!text || !parse_number(setting, str_of(text), &n))
		return err_set(err, ERR_INVALID, "%s = %s: expected %s", setting->key,
			       text ? text : "", forms[setting->type]);
	if (setting->min && parse_number(setting, str_of(setting->min), &bound) && n < bound)
		return err_set(err, ERR_INVALID, "%s = %s: at least %s", setting->key, text,
			       setting->min);
	if (setting->max && parse_number(setting, str_of(setting->max), &bound) && n > bound)
		return err_set(err, ERR_INVALID, "%s = %s: at most %s", setting->key, text,
			       setting->max);
	put_number(setting, n, at);
	return true;
}

static bool resolve_list(const struct setting *setting, struct value *value, struct err *err)
{
	struct str rest = str_of(value->text);
	size_t count = 0;

	for (size_t i = 0; i < SETTINGS_LIST_MAX; i++)
		free(TAKE(value->words[i]));
	while (rest.len > 0) {
		size_t len = 0;

		while (len < rest.len && !strchr(" \t,", rest.at[len]))
			len++;
		if (len > 0) {
			if (count == SETTINGS_LIST_MAX)
				return err_set(err, ERR_INVALID, "%s: more than %d words",
					       setting->key, SETTINGS_LIST_MAX);
			value->words[count++] = str_dup(str_first(rest, len));
		}
		rest = str_after(rest, len + 1);
	}
	return true;
}

/* The number of the word among the choices, from 1; 0: nothing was said, who needs it asks for it. */
static bool resolve_choice(const struct setting *setting, const char *text, unsigned *out,
			   struct err *err)
{
	struct str rest = str_of(setting->choices), word;

	*out = 0;
	if (!text)
		return true;
	for (unsigned n = 1; str_cut(&rest, ' ', &word); n++) {
		if (str_eq(word, str_of(text))) {
			*out = n;
			return true;
		}
	}
	return err_set(err, ERR_INVALID, "%s = %s: expected one of: %s", setting->key, text,
		       setting->choices);
}

static bool resolve_one(const struct setting *setting, struct value *value, struct settings *out,
			struct err *err)
{
	void *at = (char *)out + setting->offset;
	unsigned choice;

	if (setting->file_offset)
		*(const char **)((char *)out + setting->file_offset) = value->file;
	switch (setting->type) {
	case SETTING_TEXT:
		*(const char **)at = value->text;
		return true;
	case SETTING_NUMBER:
	case SETTING_DURATION:
	case SETTING_BYTES:
		return resolve_number(setting, value->text, at, err);
	case SETTING_LIST:
		*(const char *const **)at = (const char *const *)value->words;
		return resolve_list(setting, value, err);
	case SETTING_CHOICE:
		*(const char **)at = value->text;
		return resolve_choice(setting, value->text, &choice, err);
	case SETTING_ENUM:
		if (!resolve_choice(setting, value->text, &choice, err))
			return false;
		put_number(setting, choice, at);
		return true;
	}
	return true;
}

/* What more than one room needs, and what follows from several settings. */
static void derive(struct settings *settings)
{
	settings->web.min_free_bytes = settings->flights.min_free_bytes;
	settings->s3.ca_file = settings->flights.ca_file;
	settings->s3.proxy = settings->flights.proxy;
}

/* Keys are, whoever gives them; the token of a container's agent only where that is asked. */
static bool is_needed(const struct setting *setting, const struct s3_options *s3)
{
	return strcmp(setting->key, "s3.container_token") != 0 ||
	       (s3_options_want_lender(s3) && s3_options_name_agent(s3));
}

/* A file that could not be read is of a bucket's keys: without a bucket nobody asks for it, until recordings move into one. */
static bool take_unread(const struct settings_source *source, struct settings *settings,
			struct err *err)
{
	for (size_t i = 0; !settings->s3.unread && i < settings_count; i++)
		if (is_needed(&settings_table[i], &settings->s3))
			settings->s3.unread = source->values[i].unread;
	return !settings->s3.store || !settings->s3.unread ||
	       err_set(err, ERR_INVALID, "%s", settings->s3.unread);
}

bool settings_resolve(struct settings_source *source, struct settings *out, struct err *err)
{
	struct settings settings = { 0 };

	for (size_t i = 0; i < settings_count; i++) {
		struct value *value = &source->values[i];

		if (!resolve_one(&settings_table[i], value, &settings, err) ||
		    !settings_check_alone(&settings_table[i], value, err))
			return err_context(err, "%s", value->origin);
	}
	if (!take_unread(source, &settings, err) || !settings_check_together(&settings, err) ||
	    !retention_rules_make(&settings.retention, &settings.rules, err))
		return false;
	derive(&settings);
	*out = settings;
	return true;
}

void settings_take_live(struct settings_source *source, struct settings *settings,
			struct settings_source *fresh, const struct settings *fresh_settings)
{
	for (size_t i = 0; i < settings_count; i++) {
		const struct setting *setting = &settings_table[i];
		struct value before = source->values[i];

		if (!setting->is_live)
			continue;
		source->values[i] = fresh->values[i]; /* and what it owns */
		fresh->values[i] = before;
		memcpy((char *)settings + setting->offset,
		       (const char *)fresh_settings + setting->offset, setting->size);
		if (setting->type == SETTING_LIST) /* the words are where the value is now */
			*(const char *const **)((char *)settings + setting->offset) =
				(const char *const *)source->values[i].words;
	}
	settings->rules = fresh_settings->rules; /* all that they follow from is live */
	derive(settings);
}
