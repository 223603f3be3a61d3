/*
 * Settings in the environment: CALLSPOOL_ and the key, and the names that Twilio's own tools know; and the credentials
 * that a service manager hands over in a folder which the environment names (LoadCredential= of systemd).
 */
#include "config/settings_private.h"

#include "base/mem.h"
#include "base/own.h"
#include "base/suggestion.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OUR_PREFIX     "CALLSPOOL_"
#define NAME_MAX_BYTES 96 /* of a variable that is a setting */
#define NAME_SHOWN_MAX 64 /* of one that is none, in a message */

/* "fetch.concurrency" is CALLSPOOL_FETCH_CONCURRENCY. */
static void environment_name(const char *key, const char *ending, struct buf *out)
{
	buf_add_text(out, OUR_PREFIX);
	for (; *key; key++)
		buf_add_byte(out, *key == '.' ? '_' : ascii_upper(*key));
	buf_add_text(out, ending);
}

static void name_of(const struct setting *setting, const char *ending, char name[NAME_MAX_BYTES])
{
	struct buf buf;

	buf_over(&buf, name, NAME_MAX_BYTES);
	environment_name(setting->key, ending, &buf);
}

/* Whoever may look into /proc/PID/environ would read it there as long as the process lives. */
static void wipe_variable(const char *name)
{
	size_t len = strlen(name);

	for (char **variable = environ; *variable; variable++)
		if (strncmp(*variable, name, len) == 0 && (*variable)[len] == '=')
			explicit_bzero(*variable + len + 1, strlen(*variable + len + 1));
	unsetenv(name);
}

static bool read_variable(struct settings_source *source, size_t index, const char *name,
			  struct err *err)
{
	const char *value = name ? getenv(name) : NULL;
	bool is_good = !value || settings_put_text(source, index, value, name, err);

	if (value && settings_table[index].is_secret)
		wipe_variable(name);
	return is_good;
}

/*
 * Whether a variable is there for another reason: CALLSPOOL_CONFIG names the settings file, those of our own
 * test programs are told apart by name, and Kubernetes gives each container the addresses of
 * services, CALLSPOOL_PORT=tcp://10.0.0.1:8080 where one is called callspool.
 */
static bool is_no_setting(struct str name, struct str value)
{
	static const char *const names[] = { "CALLSPOOL_CONFIG", "CALLSPOOL_BIN",
					     "CALLSPOOL_RESULTS", "CALLSPOOL_URL",
					     "CALLSPOOL_SCREENSHOT" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_eq(name, str_of(names[i])))
			return true;
	return str_starts(name, STR("CALLSPOOL_TEST_")) || str_ends(name, STR("_SERVICE_HOST")) ||
	       str_find_str(name, STR("_SERVICE_PORT")) < name.len ||
	       (str_find_str(name, STR("_PORT_")) < name.len &&
		(str_ends(name, STR("_ADDR")) || str_ends(name, STR("_PORT")) ||
		 str_ends(name, STR("_PROTO")))) ||
	       str_starts(value, STR("tcp://")) || str_starts(value, STR("udp://"));
}

/* Whether it is the name of a setting; `near` is told of each. */
static bool is_setting(struct str name, char names[ROWS_MAX][NAME_MAX_BYTES],
		       struct suggestion *near)
{
	for (size_t i = 0; i < settings_count; i++) {
		bool is_file = settings_table[i].is_secret && str_ends(name, STR("_FILE"));

		if (str_eq(name, str_of(names[i])) ||
		    (is_file && str_eq(str_first(name, name.len - 5), str_of(names[i]))))
			return true;
		suggestion_offer(near, names[i]);
	}
	return false;
}

/* A misspelled name would leave a setting at its default in silence. */
static bool refuse_unknown(struct err *err)
{
	char names[ROWS_MAX][NAME_MAX_BYTES];

	for (size_t i = 0; i < settings_count; i++)
		name_of(&settings_table[i], "", names[i]);
	for (char **variable = environ; *variable; variable++) {
		struct str text = str_of(*variable);
		struct str name = str_first(text, str_find(text, '='));
		struct suggestion near;

		suggestion_start(&near, name);
		if (!str_starts(name, STR(OUR_PREFIX)) ||
		    is_no_setting(name, str_after(text, name.len + 1)) ||
		    is_setting(name, names, &near))
			continue;
		return err_set(err, ERR_INVALID,
			       "the environment sets %.*s, which is no setting%s%s%s",
			       STR_ARG(str_first(name, NAME_SHOWN_MAX)),
			       near.best ? "; did you mean " : "", near.best ? near.best : "",
			       near.best ? "?" : "");
	}
	return true;
}

bool settings_is_from_environment(const struct settings_source *source, size_t index)
{
	const struct setting *setting = &settings_table[index];
	const struct value *value = &source->values[index];
	char name[NAME_MAX_BYTES];

	name_of(setting, "", name);
	return value->text &&
	       (strcmp(value->origin, name) == 0 ||
		(setting->environment && strcmp(value->origin, setting->environment) == 0));
}

char **settings_environment_secrets(const struct settings_source *source)
{
	char **all = xcalloc(settings_count + 1, sizeof(*all));
	size_t count = 0;

	for (size_t i = 0; i < settings_count; i++)
		if (settings_table[i].is_secret && settings_is_from_environment(source, i))
			all[count++] = xasprintf("%s=%s", source->values[i].origin,
						 source->values[i].text);
	return all;
}

/* ---- credentials ---- */

/* The path of the credential of that name, for free(); NULL: it was not handed over. */
static char *credential_path(const char *folder, struct str name)
{
	char *path = xasprintf("%s/%.*s", folder, STR_ARG(name));

	if (access(path, F_OK) == 0)
		return path;
	free(path);
	return NULL;
}

/* systemd names what it reads from a folder with an underscore in between: "twilio_auth_token", too. */
static char *find_credential(const char *folder, struct str key)
{
	char *path = credential_path(folder, key);
	AUTO(free) char *name = str_dup(key);

	if (path)
		return path;
	for (char *at = name; *at; at++)
		if (*at == '.')
			*at = '_';
	return credential_path(folder, str_of(name));
}

static bool read_credential(struct settings_source *source, size_t index, const char *folder,
			    struct err *err)
{
	const struct setting *setting = &settings_table[index];
	struct str key = str_of(setting->key), ending = STR("_file");
	AUTO(free) char *path = NULL;

	if (!setting->is_secret && !str_ends(key, ending))
		return true;
	path = find_credential(folder,
			       setting->is_secret ? key : str_first(key, key.len - ending.len));
	if (!path)
		return true;
	return setting->is_secret ? settings_put_secret_file(source, index, path, err)
				  : settings_put_text(source, index, path, "credential", err);
}

static bool read_credentials(struct settings_source *source, struct err *err)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");

	for (size_t i = 0; folder && i < settings_count; i++)
		if (!read_credential(source, i, folder, err))
			return err_context(err, "credential");
	return true;
}

/* A container's agent has its token named for all that run there, callspool without a bucket as well. */
static bool read_file_of(struct settings_source *source, size_t index, const char *name,
			 struct err *err)
{
	const char *path = getenv(name);

	if (!path)
		return true;
	if (!str_starts(str_of(name), STR(OUR_PREFIX)))
		return settings_put_common_file(source, index, path, name, err);
	return settings_put_secret_file(source, index, path, err) || err_context(err, "%s", name);
}

/* The name, and with _FILE behind it: what comes later counts. */
static bool read_named(struct settings_source *source, size_t index, const char *name,
		       struct err *err)
{
	char file_name[NAME_MAX_BYTES + 8];
	struct buf buf;

	if (!read_variable(source, index, name, err))
		return false;
	if (!settings_table[index].is_secret)
		return true;
	buf_over(&buf, file_name, sizeof(file_name));
	buf_addf(&buf, "%s_FILE", name);
	return read_file_of(source, index, file_name, err);
}

bool settings_read_environment(struct settings_source *source, struct err *err)
{
	if (!read_credentials(source, err))
		return false;
	for (size_t i = 0; i < settings_count; i++) {
		const struct setting *setting = &settings_table[i];
		char name[NAME_MAX_BYTES];

		name_of(setting, "", name);
		/* Our own names count more than those that others know, too (AWS_CONTAINER_AUTHORIZATION_TOKEN). */
		if (setting->environment && !read_named(source, i, setting->environment, err))
			return false;
		if (!read_named(source, i, name, err))
			return false;
	}
	return refuse_unknown(err);
}
