#include "base/file.h"
#include "config/settings.h"
#include "tap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static bool resolves(const char *key, const char *value, struct settings *out, struct err *err)
{
	struct settings_source *source = settings_source_new();
	bool good = settings_put(source, "auth", "none", "test", err) &&
		    settings_put(source, key, value, "test", err) &&
		    settings_resolve(source, out, err);

	settings_source_free(source);
	return good;
}

static void values(void)
{
	static const struct {
		const char *key, *value;
		bool good;
	} cases[] = {
		{ "play_wait", "20s", true },
		{ "play_wait", "20", false },
		{ "play_wait", "1ms", false },
		{ "retention", "forever", true },
		{ "threads", "4", true },
		{ "threads", "-1", false },
		{ "threads", "257", false },
		{ "min_free", "2G", true },
		{ "min_free", "2X", false },
		{ "format", "wav", true },
		{ "format", "ogg", false },
		{ "listen", "0.0.0.0:80", false }, /* auth = none */
		{ "public_url", "https://calls.example.com", true },
		{ "public_url", "calls.example.com", false },
		{ "public_url", "https://calls.example.com/", false },
		{ "fetch.retry_first", "1h", false }, /* longer than the longest */
		{ "twilio.api_key", "SK00000000000000000000000000000000",
		  false }, /* without its secret */
		{ "listen", "nowhere", false },
		{ "listen", "[::1]:8080", true },
		{ "listen", "127.0.0.1:80, [::1]:80 unix:/run/callspool/http", true },
		{ "listen", "unix:socket", false }, /* relative to what? */
		{ "listen", "127.0.0.1:80 0.0.0.0:80", false },
		{ "listen", ",", false },
		{ "listen", "127.0.0.1:99999", false },
		{ "listen", "foo:1", false },
		{ "listen", "[foo]:1", false },
		{ "listen", "::1:80", false },
		{ "listen", "127.0.0.300:80", false },
		{ "listen", "localhost:80", true },
		{ "data_dir", "a\nb", false },
		{ "no_such_setting", "1", false },
		{ "data_dir", "", false }, /* what has a default cannot be nothing */
		{ "log_level", "", false },
		{ "format", "", false },
		{ "play_wait", "", false },
		{ "public_url", "", true },
		{ "public_url", "https://calls.example.com/?x", false },
		{ "cors_origins", "https://crm.example.com http://localhost:3000", true },
		{ "store_claim", "0123456789abcdef0123456789abcdef", true },
		{ "store_claim", "0123456789ABCDEF0123456789abcdef", false },
		{ "store_claim", "0123456789abcdef0123456789abcde", false },
		{ "store_claim", "0123456789abcdef0123456789abcdef0", false },
		{ "store_claim", "0123456789abcdef0123456789abcdeg", false },
		{ "cluster_address", "10.0.0.5", true },
		{ "cluster_address", "10.0.0.5:8081", true },
		{ "cluster_address", "a-b_C.z:1", true },
		{ "cluster_address", "a:65535", true },
		{ "cluster_address", "a:65536", false },
		{ "cluster_address", "a:0", false },
		{ "cluster_address", "a:", false },
		{ "cluster_address", "a:b", false },
		{ "cluster_address", ":1", false },
		{ "cluster_address", "a/b", false },
		{ "cluster_address", "a@b", false },
		{ "cluster_address", "[fd00::5]", true },
		{ "cluster_address", "[fd00::5]:8081", true },
		{ "cluster_address", "[::]", true },
		{ "cluster_address", "[]", false },
		{ "cluster_address", "[fd00::5", false },
		{ "cluster_address", "[fd00::5]8081", false },
		{ "cluster_address", "[foo]:8081", false },
		{ "cluster_address", "fd00::5", false },
		{ "cors_origins", "*", false },
		{ "cors_origins", "https://crm.example.com/", false },
		{ "cors_origins", "https://*.example.com", false },
		{ "cors_origins", "crm.example.com", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct settings settings;
		struct err err = { 0 };

		OK(resolves(cases[i].key, cases[i].value, &settings, &err) == cases[i].good,
		   "%s = %s (%s)", cases[i].key, cases[i].value, err.text);
	}
}

/* What is read from a file with that text; the file is gone again. */
static bool reads(struct settings_source *source, const char *text, struct err *err)
{
	char path[] = "/tmp/test_settings.XXXXXX";
	int fd = mkstemp(path);
	bool good = fd >= 0 && file_write_all(fd, text, strlen(text), err) &&
		    settings_read_file(source, path, err);

	close(fd);
	unlink(path);
	return good;
}

static void order(void)
{
	static const char text[] =
		"# a comment\n\nauth = none\nplay_wait = 5s\r\n  trusted_proxies = 10.0.0.0/8, ::1 \n";
	struct settings_source *source = settings_source_new();
	struct settings settings;
	struct err err = { 0 };

	OK(reads(source, text, &err), "a file is read (%s)", err.text);
	setenv("CALLSPOOL_FETCH_CONCURRENCY", "7", 1);
	setenv("TWILIO_AUTH_TOKEN", "secret-of-the-environment", 1);
	OK(settings_read_environment(source, &err), "the environment is read");
	OK(settings_set(source, "play_wait=6s", &err), "--set is read");
	OK(!settings_set(source, "twilio.auth_token=x", &err) && !strstr(err.text, "=x"),
	   "--set takes no secret");
	OK(!settings_set(source, "play_wait", &err), "--set without a value is refused");
	OK(settings_resolve(source, &settings, &err), "all together (%s)", err.text);
	IS_INT(settings.web.play_wait_ms, 6000, "--set beats the file");
	IS_INT(settings.flights.concurrency, 7, "the environment beats the default");
	IS_INT(settings.http.keepalive_timeout_ms, 75000, "what nobody said has its default");
	IS_STR(str_of(settings.web.trusted_proxies[1]), STR("::1"), "a list has its words");
	OK(!settings.web.trusted_proxies[2], "and ends");
	OK(settings_set(source, "trusted_proxies=10.1.0.0/16", &err) &&
		   settings_resolve(source, &settings, &err),
	   "resolved once more");
	IS_STR(str_of(settings.web.trusted_proxies[0]), STR("10.1.0.0/16"), "a list is another");
	OK(!settings.web.trusted_proxies[1], "without the words that it had");
	IS_STR(str_of(settings.account.auth_token), STR("secret-of-the-environment"),
	       "Twilio's own names count");
	for (size_t i = 0; i < settings_count; i++)
		if (settings_table[i].is_secret)
			OK(!strstr(settings_text(source, &settings_table[i]), "secret-of"),
			   "%s is not shown", settings_table[i].key);
	settings_source_free(source);
}

/* SIGHUP: what the sources say by then. */
static void reading_anew(void)
{
	static const char before_text[] =
		"retention = 7d\npurge_grace = 1d\nlisten = 127.0.0.1:1\n";
	static const char after_text[] = "retention = 9d\npurge_grace = 2d\nlisten = 127.0.0.1:2\n"
					 "log_level = debug\n";
	struct settings_source *before = settings_source_new(), *after = settings_source_new();
	struct settings settings, fresh;
	struct err err = { 0 };
	char **secrets;
	unsigned differ = 0;

	OK(reads(before, before_text, &err), "a file, as it was");
	setenv("TWILIO_ACCOUNT_SID", "AC0123456789abcdef0123456789abcdef", 1);
	setenv("CALLSPOOL_TWILIO_AUTH_TOKEN", "secret-of-the-environment", 1);
	OK(settings_read_environment(before, &err) && settings_resolve(before, &settings, &err),
	   "is in force (%s)", err.text);
	OK(!getenv("CALLSPOOL_TWILIO_AUTH_TOKEN"), "the secret is wiped");
	secrets = settings_environment_secrets(before);
	OK(secrets[0] && !secrets[1], "and known still");
	IS_STR(str_of(secrets[0]), STR("CALLSPOOL_TWILIO_AUTH_TOKEN=secret-of-the-environment"),
	       "by the name that it came by");
	free(secrets[0]);
	free(secrets);

	OK(reads(after, after_text, &err) && settings_read_environment(after, &err),
	   "a file, as it is");
	settings_keep_secrets(after, before);
	OK(settings_resolve(after, &fresh, &err), "may be in force (%s)", err.text);
	for (size_t i = 0; i < settings_count; i++)
		differ += !settings_are_same(before, after, &settings_table[i]);
	IS_INT(differ, 4, "four settings say something else; the secret does not");
	settings_take_live(before, &settings, after, &fresh);
	settings_source_free(after);
	IS_INT(settings.retention.general_ms, 9 * 86400000LL, "what is live is taken");
	IS_INT(settings.rules.general.ms[RETENTION_INBOUND], 9 * 86400000LL,
	       "and what follows from it");
	IS_STR(str_of(settings.log_level), STR("debug"), "texts of choices, too");
	IS_STR(str_of(settings.listen[0]), STR("127.0.0.1:1"), "all else is as it was");
	settings_source_free(before);
	unsetenv("TWILIO_ACCOUNT_SID");
}

/*
 * What is live is a number or a choice: others are pointed at by rooms that are not told.  But for one list, of which
 * nothing is kept but what follows from it.
 */
static void live_kinds(void)
{
	for (size_t i = 0; i < settings_count; i++)
		OK(!settings_table[i].is_live ||
			   strcmp(settings_table[i].key, "retention.accounts") == 0 ||
			   (settings_table[i].type != SETTING_TEXT &&
			    settings_table[i].type != SETTING_LIST),
		   "%s may be live", settings_table[i].key);
}

/* Names of ours that are none would leave a setting at its default in silence. */
static void environment(void)
{
	static const struct {
		const char *name, *value, *says; /* NULL: good */
	} cases[] = {
		{ "CALLSPOOL_RETENTION", "9d", NULL },
		{ "CALLSPOOL_RETENTON", "9d",
		  "CALLSPOOL_RETENTON, which is no setting; did you mean CALLSPOOL_RETENTION?" },
		{ "CALLSPOOL_FETCH.CONCURRENCY", "9", "did you mean CALLSPOOL_FETCH_CONCURRENCY?" },
		{ "CALLSPOOL_", "x", "which is no setting" },
		{ "CALLSPOOL_FORMAT_FILE", "/dev/null", "which is no setting" },
		{ "CALLSPOOL_PORT", "8080", "which is no setting" },
		{ "CALLSPOOL_PORT", "tcp://10.0.0.1:8080", NULL },
		{ "CALLSPOOL_SERVICE_HOST", "10.0.0.1", NULL },
		{ "CALLSPOOL_SERVICE_PORT_HTTP", "8080", NULL },
		{ "CALLSPOOL_PORT_8080_TCP_ADDR", "10.0.0.1", NULL },
		{ "CALLSPOOL_PORT_8080_TCP_PORT", "8080", NULL },
		{ "CALLSPOOL_PORT_8080_TCP_PROTO", "tcp", NULL },
		{ "CALLSPOOL_PORT_8080_TCP", "udp://10.0.0.1:8080", NULL },
		{ "CALLSPOOL_PORT_8080_TCP", "10.0.0.1:8080", "which is no setting" },
		{ "CALLSPOOL_ADDR", "10.0.0.1", "which is no setting" },
		{ "CALLSPOOL_RESULTS", "x", NULL },
		{ "CALLSPOOL_URL", "x", NULL },
		{ "CALLSPOOL_SCREENSHOT", "x", NULL },
		{ "CALLSPOOL_CONFIG", "x", NULL },
		{ "CALLSPOOL_BIN", "x", NULL },
		{ "CALLSPOOL_TEST_COUNTS", "x", NULL },
		{ "MY_CALLSPOOL_RETENTON", "x", NULL },
		{ "CALLSPOOL_DATA_DIR", "a\nb", "control character" },
		{ "CALLSPOOL_TWILIO_AUTH_TOKEN_FILE", "/no/such/file", "cannot open" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct settings_source *source = settings_source_new();
		struct err err = { 0 };
		bool good;

		setenv(cases[i].name, cases[i].value, 1);
		good = settings_read_environment(source, &err);
		OK(good == !cases[i].says && (good || strstr(err.text, cases[i].says)),
		   "%s=%s (%s)", cases[i].name, cases[i].value, err.text);
		unsetenv(cases[i].name);
		settings_source_free(source);
	}
}

#define AGENT_TOKEN "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"

/* A container's agent names the file of its token to all that run there: it is asked for where it is needed. */
static void files_for_others(void)
{
	static const struct {
		const char *name, *says; /* NULL: it starts */
		bool is_told;            /* to who moves into a bucket */
		const char *sets[2];
	} cases[] = {
		{ AGENT_TOKEN, NULL, false, { NULL } },
		{ AGENT_TOKEN, NULL, true, { "s3.container_path=/keys" } },
		{ AGENT_TOKEN,
		  AGENT_TOKEN ": s3.container_token_file: cannot open",
		  true,
		  { "store=s3://bucket", "s3.container_path=/keys" } },
		{ AGENT_TOKEN, NULL, false, { "s3.access_key_id=id", "s3.container_path=/keys" } },
		{ AGENT_TOKEN, NULL, false, { "store=s3://bucket", "s3.access_key_id=id" } },
		{ AGENT_TOKEN,
		  NULL,
		  false,
		  { "store=s3://bucket", "s3.instance_url=http://169.254.169.254" } },
		{ "AWS_SECRET_ACCESS_KEY_FILE", NULL, true, { NULL } },
		{ "AWS_SECRET_ACCESS_KEY_FILE", "cannot open", true, { "store=s3://bucket" } },
		{ "AWS_SESSION_TOKEN_FILE", NULL, true, { "s3.access_key_id=id" } },
		{ "AWS_SESSION_TOKEN_FILE", "cannot open", true, { "store=s3://bucket" } },
		{ "CALLSPOOL_S3_CONTAINER_TOKEN_FILE", "cannot open", true, { NULL } },
		{ "TWILIO_AUTH_TOKEN_FILE", "cannot open", true, { NULL } },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct settings_source *source = settings_source_new();
		struct settings settings = { 0 };
		struct err err = { 0 };
		bool good;

		setenv(cases[i].name, "/no/such/file", 1);
		good = settings_read_environment(source, &err);
		for (size_t n = 0; good && n < ARRAY_LEN(cases[i].sets) && cases[i].sets[n]; n++)
			good = settings_set(source, cases[i].sets[n], &err);
		good = good && settings_resolve(source, &settings, &err);
		OK(good == !cases[i].says && (good || strstr(err.text, cases[i].says)),
		   "%zu: %s is not there (%s)", i, cases[i].name, err.text);
		OK(!good || !settings.s3.unread == !cases[i].is_told,
		   "%zu: whoever moves into a bucket is%s told", i, cases[i].is_told ? "" : " not");
		OK(!good || !settings.s3.unread || strstr(settings.s3.unread, cases[i].name),
		   "%zu: which it is", i);
		unsetenv(cases[i].name);
		settings_source_free(source);
	}
}

/* A secret that cannot be had must not become no secret. */
static void secret_files(void)
{
	static const struct {
		const char *content, *token; /* NULL: refused */
		const char *says, *name;
	} cases[] = {
		{ "token", "token", "", "a file that holds one" },
		{ "token\r\n", "token", "", "the end of its line is no part of it" },
		{ " to ken \n", " to ken ", "", "but white space is" },
		{ "", NULL, "is empty", "an empty file" },
		{ "\n", NULL, "is empty", "an empty line" },
		{ "one\ntwo\n", NULL, "control character", "two lines" },
	};
	static const char *const paths[] = { "/no/such/file", "/tmp" };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct settings_source *source = settings_source_new();
		char path[] = "/tmp/test_settings.XXXXXX";
		struct settings settings = { 0 };
		struct err err = { 0 };
		int fd = mkstemp(path);
		bool good = fd >= 0 &&
			    file_write_all(fd, cases[i].content, strlen(cases[i].content), &err) &&
			    settings_put(source, "twilio.auth_token_file", path, "test", &err) &&
			    settings_resolve(source, &settings, &err);

		OK(good == !!cases[i].token && strstr(err.text, cases[i].says), "%s (%s)",
		   cases[i].name, err.text);
		IS_STR(str_of(settings.account.auth_token), str_of(cases[i].token), "%s: it",
		       cases[i].name);
		close(fd);
		unlink(path);
		settings_source_free(source);
	}
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		struct settings_source *source = settings_source_new();
		struct err err = { 0 };

		OK(!settings_put(source, "twilio.auth_token_file", paths[i], "test", &err) &&
			   err.kind == ERR_INVALID && strstr(err.text, paths[i]),
		   "a secret's file that cannot be read is refused: %s", err.text);
		err = (struct err){ .kind = ERR_INTERNAL };
		OK(!settings_read_file(source, paths[i], &err) && err.kind == ERR_INVALID &&
			   strstr(err.text, paths[i]),
		   "and so is a settings file: %s", err.text);
		settings_source_free(source);
	}
}

/* Files of the folder that the environment names, and what they become. */
static void credentials(void)
{
	static const struct {
		const char *file, *content, *key, *value; /* its end */
		const char *says;                         /* NULL: good */
		const char *name;
	} cases[] = {
		{ "twilio.auth_token", "token\n", "twilio.auth_token", "token", NULL,
		  "a secret's own name" },
		{ "twilio_auth_token", "token\n", "twilio.auth_token", "token", NULL,
		  "the name that systemd gives to a file of a folder" },
		{ "audit_key", "x", "audit.key_file", "/audit_key", NULL,
		  "a setting that is the name of a file" },
		{ "twilio.accounts", "x", "twilio.accounts_file", "/twilio.accounts", NULL,
		  "another" },
		{ "data_dir", "/elsewhere", "data_dir", "callspool-data", NULL,
		  "what is no secret is no credential" },
		{ "unknown", "x", "twilio.auth_token", "", NULL, "what is nothing to us is left" },
		{ "twilio_auth_token", "", "twilio.auth_token", "", "is empty", "an empty one" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct settings_source *source = settings_source_new();
		char folder[] = "/tmp/test_settings.XXXXXX", path[128];
		const char *value = "";
		struct settings settings = { 0 };
		struct err err = { 0 };
		bool good;
		int fd;

		OK(mkdtemp(folder), "a folder");
		snprintf(path, sizeof(path), "%s/%s", folder, cases[i].file);
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		OK(file_write_all(fd, cases[i].content, strlen(cases[i].content), &err),
		   "a credential");
		close(fd);
		setenv("CREDENTIALS_DIRECTORY", folder, 1);
		good = settings_read_environment(source, &err) &&
		       settings_resolve(source, &settings, &err);
		OK(good == !cases[i].says && (good || strstr(err.text, cases[i].says)), "%s (%s)",
		   cases[i].name, err.text);
		for (size_t k = 0; k < settings_count; k++)
			if (strcmp(settings_table[k].key, cases[i].key) == 0)
				value = settings_table[k].is_secret
						? settings.account.auth_token
						: settings_text(source, &settings_table[k]);
		value = value ? value : "";
		OK(str_ends(str_of(value), str_of(cases[i].value)) &&
			   !value[0] == !cases[i].value[0],
		   "%s: '%s'", cases[i].name, value);
		unsetenv("CREDENTIALS_DIRECTORY");
		unlink(path);
		rmdir(folder);
		settings_source_free(source);
	}
}

/* The administrator of the moment says more than what the service manager always passes. */
static void credentials_and_variables(void)
{
	char folder[] = "/tmp/test_settings.XXXXXX", path[128];
	struct settings_source *source = settings_source_new();
	struct settings settings = { 0 };
	struct err err = { 0 };
	int fd;

	OK(mkdtemp(folder), "a folder");
	snprintf(path, sizeof(path), "%s/twilio_auth_token", folder);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	OK(file_write_all(fd, "of-the-folder", 13, &err), "a credential");
	close(fd);
	setenv("CREDENTIALS_DIRECTORY", folder, 1);
	setenv("TWILIO_AUTH_TOKEN", "of-the-environment", 1);
	OK(settings_read_environment(source, &err) && settings_resolve(source, &settings, &err),
	   "both are read (%s)", err.text);
	IS_STR(str_of(settings.account.auth_token), STR("of-the-environment"),
	       "a variable beats a credential");
	unsetenv("CREDENTIALS_DIRECTORY");
	unlink(path);
	rmdir(folder);
	settings_source_free(source);
}

/* Our own names say more than those that are there for others. */
static void variables_and_files(void)
{
	char path[] = "/tmp/test_settings.XXXXXX";
	struct settings_source *source = settings_source_new();
	struct settings settings = { 0 };
	struct err err = { 0 };
	int fd = mkstemp(path);

	OK(file_write_all(fd, "of-a-file", 9, &err), "a file");
	close(fd);
	setenv("TWILIO_AUTH_TOKEN_FILE", path, 1);
	setenv("CALLSPOOL_TWILIO_AUTH_TOKEN", "our-own", 1);
	OK(settings_read_environment(source, &err) && settings_resolve(source, &settings, &err),
	   "both are read (%s)", err.text);
	IS_STR(str_of(settings.account.auth_token), STR("our-own"),
	       "a variable of our own beats another's file");
	unsetenv("TWILIO_AUTH_TOKEN_FILE");
	unlink(path);
	settings_source_free(source);
}

static void suggesting(void)
{
	struct settings_source *source = settings_source_new();
	struct err err = { 0 };

	OK(!settings_set(source, "retenton=9d", &err) &&
		   strstr(err.text, "'retenton'; did you mean 'retention'?"),
	   "a misspelled setting: %s", err.text);
	OK(!settings_set(source, "fetch.concurency=9", &err) &&
		   strstr(err.text, "did you mean 'fetch.concurrency'?"),
	   "another: %s", err.text);
	OK(!settings_set(source, "colour=9", &err) && !strstr(err.text, "did you mean"),
	   "what is like none: %s", err.text);
	settings_source_free(source);
}

static void naming_the_line(void)
{
	static const char text[] = "auth = none\n\nplay_weight = 5s\n";
	struct settings_source *source = settings_source_new();
	struct err err = { 0 };

	OK(!reads(source, text, &err) && strstr(err.text, ":3: ") &&
		   strstr(err.text, "play_weight"),
	   "a misspelled key names file and line: %s", err.text);
	settings_source_free(source);
}

/* A number that its member could not hold would be cut. */
static void members(void)
{
	for (size_t i = 0; i < settings_count; i++) {
		const struct setting *setting = &settings_table[i];
		struct settings settings;
		struct err err = { 0 };
		uint64_t max = 0;

		if (setting->type != SETTING_NUMBER)
			continue;
		OK(setting->max && str_to_u64(str_of(setting->max), &max) && max <= INT32_MAX,
		   "%s has a bound that fits its member", setting->key);
		OK(resolves(setting->key, setting->max, &settings, &err), "%s takes its bound (%s)",
		   setting->key, err.text);
	}
}

static void derived(void)
{
	struct settings settings = { 0 };
	struct err err = { 0 };

	OK(resolves("retention", "2d", &settings, &err), "a retention (%s)", err.text);
	IS_INT(settings.rules.grace_ms, 23 * 86400000LL, "has its grace");
	IS_INT(settings.rules.longest.ms[RETENTION_ANY_WAY], 2 * 86400000LL, "and is for all");
	OK(resolves("retention", "forever", &settings, &err), "for ever (%s)", err.text);
	IS_INT(settings.rules.longest.ms[RETENTION_ANY_WAY], RETENTION_FOREVER, "is kept for ever");
	OK(resolves("retention.inbound", "3d", &settings, &err), "one of a direction (%s)",
	   err.text);
	IS_INT(settings.rules.general.ms[RETENTION_INBOUND], 3 * 86400000LL, "goes before");
	IS_INT(settings.rules.general.ms[RETENTION_OUTBOUND], 7 * 86400000LL, "in that direction");
	OK(!resolves("retention.accounts", "AC1=3d", &settings, &err) &&
		   strstr(err.text, "retention.accounts: 'AC1=3d'"),
	   "an account that is none is refused (%s)", err.text);
	OK(resolves("min_free", "3M", &settings, &err), "a limit of room (%s)", err.text);
	OK(settings.web.min_free_bytes == 3 << 20 && settings.flights.min_free_bytes == 3 << 20,
	   "is known to those who fetch and to those who tell");
	IS_INT(settings.auth.mode, AUTH_NONE, "a word is its enumerator");
}

static void saying_it_twice(void)
{
	static const char *const texts[] = {
		"play_wait = 5s\nplay_wait = 6s\n",
		"twilio.auth_token = x\ntwilio.auth_token_file = /etc/hostname\n",
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct settings_source *source = settings_source_new();
		struct err err = { 0 };

		OK(!reads(source, texts[i], &err) && strstr(err.text, ":2: ") &&
			   strstr(err.text, "is set twice"),
		   "a key that stands twice: %s", err.text);
		settings_source_free(source);
	}
}

/* The bounds of a number are values of it still. */
static void bounds(void)
{
	for (size_t i = 0; i < settings_count; i++) {
		const char *const ends[] = { settings_table[i].min, settings_table[i].max };

		for (size_t k = 0; k < ARRAY_LEN(ends); k++) {
			struct settings settings;
			struct err err = { .text = "" };

			if (!ends[k])
				continue;
			OK(resolves(settings_table[i].key, ends[k], &settings, &err) ||
				   (!strstr(err.text, ": at least ") &&
				    !strstr(err.text, ": at most ")),
			   "%s = %s: %s", settings_table[i].key, ends[k], err.text);
		}
	}
}

static void sizes(void)
{
	static const struct {
		const char *text;
		int64_t bytes; /* -1: refused */
	} cases[] = {
		{ "0", 0 },
		{ "1023", 1023 },
		{ "1K", 1024 },
		{ "3M", 3 * INT64_C(1048576) },
		{ "2G", 2 * INT64_C(1073741824) },
		{ "5T", 5 * INT64_C(1099511627776) },
		{ "8388607T", 8388607 * INT64_C(1099511627776) },
		{ "8388608T", -1 },
		{ "1k", -1 },
		{ "K", -1 },
		{ "-1", -1 },
		{ "1KK", -1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct settings settings = { 0 };
		struct err err = { .text = "" };
		bool good = resolves("min_free", cases[i].text, &settings, &err);

		OK(good == (cases[i].bytes >= 0), "min_free = %s (%s)", cases[i].text, err.text);
		if (!good) {
			OK(strstr(err.text, "expected a size like 512M or 2G"),
			   "which says why: %s", err.text);
			continue;
		}
		IS_INT(settings.flights.min_free_bytes, cases[i].bytes, "%s in bytes",
		       cases[i].text);
		IS_INT(settings.web.min_free_bytes, cases[i].bytes, "and for who answers");
	}
}

static void lists(void)
{
	static const struct {
		const char *text;
		size_t count;
		const char *last;
	} cases[] = {
		{ "10.0.0.1", 1, "10.0.0.1" },
		{ ",10.0.0.1,,\t 10.0.0.2, ", 2, "10.0.0.2" },
		{ "::1 ::2 ::3 ::4 ::5 ::6 ::7 ::8 ::9 ::a ::b ::c ::d ::e ::f ::10", 16, "::10" },
		{ "::1 ::2 ::3 ::4 ::5 ::6 ::7 ::8 ::9 ::a ::b ::c ::d ::e ::f ::10 ::11", 0,
		  NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct settings_source *source = settings_source_new();
		struct settings settings = { 0 };
		struct err err = { .text = "" };
		bool good = settings_put(source, "auth", "none", "test", &err) &&
			    settings_put(source, "trusted_proxies", cases[i].text, "test", &err) &&
			    settings_resolve(source, &settings, &err);
		size_t count = 0;

		OK(good == (cases[i].count > 0), "a list '%s' (%s)", cases[i].text, err.text);
		OK(good || strstr(err.text, "more than 16 words"), "which says why: %s", err.text);
		while (good && settings.web.trusted_proxies[count])
			count++;
		IS_INT(count, cases[i].count, "has so many words");
		if (good)
			IS_STR(str_of(settings.web.trusted_proxies[count - 1]),
			       str_of(cases[i].last), "of which that is the last");
		settings_source_free(source);
	}
}

static void putting_back(void)
{
	static const struct {
		const char *name, *key, *set;
		bool by_flag;
	} cases[] = {
		{ "a text that has no default", "database", "database=postgresql://x@y/z", true },
		{ "one that has", "access_log", "access_log=stderr", true },
		{ "one of which nobody said anything", "data_dir", NULL, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct settings_source *source = settings_source_new(),
				       *fresh = settings_source_new();
		const char *key = cases[i].key;
		struct err err = { .text = "" };

		OK(!cases[i].set || settings_set(source, cases[i].set, &err), "%s%s", cases[i].name,
		   err.text);
		OK(settings_is_from(source, key, SETTINGS_FLAG) == cases[i].by_flag &&
			   settings_is_from(source, key, SETTINGS_DEFAULT) != cases[i].by_flag,
		   "is known by where it came from");
		OK(settings_put_back(source, key, "test", &err), "is put back %s", err.text);
		OK(settings_is_from(source, key, "test"), "by whom is known");
		for (size_t k = 0; k < settings_count; k++)
			OK(settings_are_same(source, fresh, &settings_table[k]), "%s is as it was",
			   settings_table[k].key);
		OK(!settings_put_back(source, "retain", "test", &err) &&
			   strstr(err.text, "there is no setting 'retain'") &&
			   !settings_is_from(source, "retain", SETTINGS_DEFAULT),
		   "one that is none is refused: %s", err.text);
		settings_source_free(source);
		settings_source_free(fresh);
	}
}

int main(void)
{
	values();
	putting_back();
	bounds();
	sizes();
	lists();
	members();
	derived();
	saying_it_twice();
	order();
	reading_anew();
	live_kinds();
	environment();
	files_for_others();
	secret_files();
	credentials();
	credentials_and_variables();
	variables_and_files();
	suggesting();
	naming_the_line();
	return tap_end();
}
