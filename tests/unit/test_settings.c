#include "base/file.h"
#include "config/settings.h"
#include "tap.h"

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
		{ "listen", "127.0.0.1:99999", false },
		{ "no_such_setting", "1", false },
		{ "data_dir", "", false }, /* what has a default cannot be nothing */
		{ "log_level", "", false },
		{ "format", "", false },
		{ "play_wait", "", false },
		{ "public_url", "", true },
		{ "public_url", "https://calls.example.com/?x", false },
		{ "cors_origins", "https://crm.example.com http://localhost:3000", true },
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
	IS_STR(str_of(settings.account.auth_token), STR("secret-of-the-environment"),
	       "Twilio's own names count");
	for (size_t i = 0; i < settings_count; i++)
		if (settings_table[i].is_secret)
			OK(!strstr(settings_text(source, &settings_table[i]), "secret-of"),
			   "%s is not shown", settings_table[i].key);
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
	IS_INT(settings.flights.too_old_ms, (2 + 23) * 86400000LL,
	       "fetched is what is no older than retention and grace");
	OK(resolves("retention", "forever", &settings, &err), "for ever (%s)", err.text);
	IS_INT(settings.flights.too_old_ms, INT64_MAX, "then everything is");
	OK(resolves("min_free", "3M", &settings, &err), "a limit of room (%s)", err.text);
	OK(settings.web.min_free_bytes == 3 << 20 && settings.flights.min_free_bytes == 3 << 20,
	   "is known to those who fetch and to those who tell");
	IS_INT(settings.web.auth, WEB_AUTH_NONE, "a word is its enumerator");
}

static void saying_it_twice(void)
{
	static const char text[] = "play_wait = 5s\nplay_wait = 6s\n";
	struct settings_source *source = settings_source_new();
	struct err err = { 0 };

	OK(!reads(source, text, &err) && strstr(err.text, ":2: "), "a key that stands twice: %s",
	   err.text);
	settings_source_free(source);
}

int main(void)
{
	values();
	members();
	derived();
	saying_it_twice();
	order();
	naming_the_line();
	return tap_end();
}
