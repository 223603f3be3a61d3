#include "config/settings.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/own.h"
#include "config/config_file.h"

#include <assert.h>
#include <stdlib.h>

#define FILE_MAX_BYTES   (256 * 1024)
#define SECRET_MAX_BYTES 4096
#define ROWS_MAX         64
#define PUBLIC_URL_MAX   1024 /* the signatures of webhooks are checked against it and a target */

/* One row's value as text. */
struct value {
	char *text; /* NULL: nothing */
	char *origin;
	char *words[SETTINGS_LIST_MAX + 1]; /* a list's, once resolved; NULL behind the last */
};

struct settings_source {
	struct value values[ROWS_MAX]; /* in the order of the table */
};

static void value_put(struct value *value, const char *text, const char *origin)
{
	free(value->text);
	free(value->origin);
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
		AUTO(free) char *value = str_dup(line.value);
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

/* ---- from text to values ---- */

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

static bool resolve_number(const struct setting *setting, const char *text, int64_t *out,
			   struct err *err)
{
	static const char *const forms[] = {
		[SETTING_NUMBER] = "a number",
		[SETTING_DURATION] = "a duration like 250ms, 30s, 15m, 12h or 7d",
		[SETTING_BYTES] = "a size like 512M or 2G",
	};
	int64_t n, bound;

	if (!text || !parse_number(setting, str_of(text), &n))
		return err_set(err, ERR_INVALID, "%s = %s: expected %s", setting->key,
			       text ? text : "", forms[setting->type]);
	if (setting->min && parse_number(setting, str_of(setting->min), &bound) && n < bound)
		return err_set(err, ERR_INVALID, "%s = %s: at least %s", setting->key, text,
			       setting->min);
	if (setting->max && parse_number(setting, str_of(setting->max), &bound) && n > bound)
		return err_set(err, ERR_INVALID, "%s = %s: at most %s", setting->key, text,
			       setting->max);
	*out = n;
	return true;
}

static bool resolve_list(const struct setting *setting, struct value *value, const char **out,
			 struct err *err)
{
	struct str rest = str_of(value->text);
	size_t count = 0;

	while (rest.len > 0) {
		size_t len = 0;

		while (len < rest.len && !strchr(" \t,", rest.at[len]))
			len++;
		if (len > 0) {
			if (count == SETTINGS_LIST_MAX)
				return err_set(err, ERR_INVALID, "%s: more than %d words",
					       setting->key, SETTINGS_LIST_MAX);
			free(value->words[count]);
			value->words[count] = str_dup(str_first(rest, len));
			out[count] = value->words[count];
			count++;
		}
		rest = str_after(rest, len + 1);
	}
	out[count] = NULL;
	return true;
}

static bool resolve_choice(const struct setting *setting, const char *text, const char **out,
			   struct err *err)
{
	struct str rest = str_of(setting->choices), word;

	if (!text)
		return true; /* nothing was said: who needs it asks for it */
	while (str_cut(&rest, ' ', &word)) {
		if (str_eq(word, str_of(text))) {
			*out = text;
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

	switch (setting->type) {
	case SETTING_TEXT:
		*(const char **)at = value->text;
		return true;
	case SETTING_NUMBER:
	case SETTING_DURATION:
	case SETTING_BYTES:
		return resolve_number(setting, value->text, at, err);
	case SETTING_LIST:
		return resolve_list(setting, value, at, err);
	case SETTING_CHOICE:
		return resolve_choice(setting, value->text, at, err);
	}
	return true;
}

/* As far as it can be told without asking the system: something, a colon, a port. */
static bool is_listen_address(struct str listen)
{
	size_t port_at = listen.len;
	uint64_t port;

	while (port_at > 0 && listen.at[port_at - 1] != ':')
		port_at--;
	return port_at > 1 && str_to_u64(str_after(listen, port_at), &port) && port <= 65535;
}

/* "https://host" or "https://host:port", as a browser writes it: "*" would let everybody's pages listen. */
static bool is_origin(struct str text)
{
	size_t scheme = str_starts(text, STR("https://"))  ? 8
			: str_starts(text, STR("http://")) ? 7
							   : 0;
	struct str host = str_after(text, scheme);

	return scheme > 0 && host.len > 0 && str_find(host, '/') == host.len &&
	       str_find(host, '*') == host.len;
}

/* What the type alone cannot tell. */
static bool check_alone(const struct setting *setting, const struct value *value, struct err *err)
{
	struct str text = str_of(value->text);

	if (!text.at && setting->fallback)
		return err_set(err, ERR_INVALID, "%s needs a value", setting->key);
	for (size_t i = 0; strcmp(setting->key, "cors_origins") == 0 && value->words[i]; i++)
		if (!is_origin(str_of(value->words[i])))
			return err_set(
				err, ERR_INVALID,
				"cors_origins: '%s' is not an origin, as https://crm.example.com",
				value->words[i]);
	if (strcmp(setting->key, "listen") == 0 && !is_listen_address(text))
		return err_set(
			err, ERR_INVALID,
			"listen = %.*s: expected ADDRESS:PORT, as 127.0.0.1:8080 or [::1]:8080",
			STR_ARG(text));
	if (strcmp(setting->key, "public_url") != 0 || !text.at)
		return true;
	if (!str_starts(text, STR("https://")) && !str_starts(text, STR("http://")))
		return err_set(err, ERR_INVALID, "public_url = %s: expected https://host", text.at);
	if (str_ends(text, STR("/")))
		return err_set(err, ERR_INVALID, "public_url = %s: without a slash at its end",
			       text.at);
	if (text.len > PUBLIC_URL_MAX || strpbrk(text.at, " \t?#"))
		return err_set(
			err, ERR_INVALID,
			"public_url: expected https://host, perhaps with a path, of %d characters at most",
			PUBLIC_URL_MAX);
	return true;
}

/* What one value alone cannot tell. */
static bool check_together(const struct settings *settings, struct err *err)
{
	struct str listen = str_of(settings->listen);
	bool is_loopback = str_starts(listen, STR("127.")) || str_starts(listen, STR("[::1]:")) ||
			   str_starts(listen, STR("localhost:"));

	if (str_eq(str_of(settings->auth), STR("none")) && !is_loopback)
		return err_set(
			err, ERR_INVALID,
			"auth = none lets everybody in: allowed only with listen on loopback, "
			"not on %s",
			settings->listen);
	if (settings->fetch_retry_first_ms > settings->fetch_retry_most_ms)
		return err_set(err, ERR_INVALID,
			       "fetch.retry_first is longer than fetch.retry_most");
	if (!settings->twilio_api_key != !settings->twilio_api_secret)
		return err_set(err, ERR_INVALID,
			       "twilio.api_key and twilio.api_secret go together");
	return true;
}

bool settings_resolve(struct settings_source *source, struct settings *out, struct err *err)
{
	struct settings settings = { 0 };

	for (size_t i = 0; i < settings_count; i++) {
		struct value *value = &source->values[i];

		if (!resolve_one(&settings_table[i], value, &settings, err) ||
		    !check_alone(&settings_table[i], value, err))
			return err_context(err, "%s", value->origin);
	}
	if (!check_together(&settings, err))
		return false;
	*out = settings;
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
