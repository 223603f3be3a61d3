/*
 * What each check of nginx's configuration says, word for word: tests/data/nginx/findings.json.  A small configuration is as it
 * should be, and a row has one part of it in other words:
 *
 *	events { }
 *	http { HTTP
 *	upstream callspool { UPSTREAM }
 *	server { listen LISTEN; server_name calls.test; SERVER ADDS
 *	location / { PASS LOCATION }
 *	MORE } }
 *
 * or "whole", which takes the place of all of it.  An address that is "" is not set.
 */
#include "proxycheck/proxy_checks.h"

#include "base/file.h"
#include "base/mem.h"
#include "checked.h"
#include "must.h"
#include "nginx/nginx_conf.h"
#include "proxycheck/proxy_words.h"

#include <jansson.h>
#include <sys/mman.h>
#include <unistd.h>

#define TEXT_MAX (1u << 20)
#define HTTP     "map $http_upgrade $c { default upgrade; '' ''; }"
#define UPSTREAM "server 127.0.0.1:8080; keepalive 32; keepalive_timeout 60s;"
#define SERVER                                                                          \
	"proxy_http_version 1.1; proxy_buffering off; proxy_set_header Connection $c; " \
	"proxy_set_header Upgrade $http_upgrade; proxy_set_header Host $http_host; "    \
	"proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;"

static const char *text_of(const json_t *row, const char *key, const char *fallback)
{
	const char *text = json_string_value(json_object_get(row, key));

	return text ? text : fallback;
}

static const char *address_of(const json_t *row, const char *key, const char *fallback)
{
	const char *text = text_of(row, key, fallback);

	return text[0] ? text : NULL;
}

static char *configuration(const json_t *row)
{
	if (json_object_get(row, "whole"))
		return xstrdup(text_of(row, "whole", ""));
	return xasprintf("events { }\n"
			 "http { %s\n"
			 "upstream callspool { %s }\n"
			 "server { listen %s; server_name calls.test; %s %s\n"
			 "location / { %s %s }\n"
			 "%s } }\n",
			 text_of(row, "http", HTTP), text_of(row, "upstream", UPSTREAM),
			 text_of(row, "listen", "80"), text_of(row, "server", SERVER),
			 text_of(row, "adds", ""),
			 text_of(row, "pass", "proxy_pass http://callspool;"),
			 text_of(row, "location", ""), text_of(row, "more", ""));
}

static char *says_of(const json_t *row)
{
	AUTO(free) char *text = configuration(row);
	AUTO(close) int fd = memfd_create("nginx.conf", MFD_CLOEXEC);
	AUTO(free) char *path = xasprintf("/proc/self/fd/%d", fd);
	const char *const names[][2] = { { path, "CONF" }, { NULL, NULL } };
	struct deployment deployment = {
		.nginx_conf = path,
		.proxy = PROXY_LIMITS_UNKNOWN,
		.server = { .auth = text_of(row, "auth", NULL),
			    .user_header = text_of(row, "user_header", NULL),
			    .play_wait_ms = 25000,
			    .keepalive_ms = 75000 },
		.places = { { .url = address_of(row, "direct", "http://127.0.0.1:8080") },
			    { .url = address_of(row, "public_url", "http://calls.test") } },
	};
	struct err err;
	char *says;

	if (!file_write_all(fd, text, strlen(text), &err))
		printf("Bail out! %s\n", err.text);
	says = checked(&proxy_checks, text_of(row, "check", ""), &deployment, names);
	proxy_checks.clear(&deployment);
	return says;
}

static void test_row(const json_t *row)
{
	AUTO(free) char *says = says_of(row);
	AUTO(buf_release) struct buf want;
	const json_t *line;
	size_t i;

	buf_init(&want, CHECKED_MAX);
	json_array_foreach(json_object_get(row, "says"), i, line)
		buf_addf(&want, "%s\n", json_string_value(line));
	IS_STR(str_of(says), buf_str(&want), "%s: %s", text_of(row, "check", ""),
	       text_of(row, "name", ""));
}

/* Nobody gave a configuration, or it is none: one check tells it, and the others are left out. */
static void test_unread(void)
{
	static const struct {
		const char *name, *conf, *first, *others, *chosen, *other_chosen;
	} rows[] = {
		{ "none was given", NULL,
		  "left out: no configuration of nginx was given: --nginx-conf FILE\n",
		  "left out: no configuration of nginx was given: --nginx-conf FILE\n",
		  "unchecked: no configuration of nginx was given: --nginx-conf FILE\n",
		  "unchecked: no configuration of nginx was given: --nginx-conf FILE\n" },
		{ "it cannot be opened", "/nonexistent/nginx.conf", "unchecked: ",
		  "left out: the configuration could not be read: see the check conf\n",
		  "unchecked: ",
		  "left out: the configuration could not be read: see the check conf\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (size_t k = 0; k < proxy_checks.count; k++) {
			const char *check = proxy_checks.checks[k].name;
			struct deployment deployment = { .nginx_conf = rows[i].conf };
			AUTO(free) char *says = checked(&proxy_checks, check, &deployment, NULL);
			AUTO(free)
			char *chosen = checked_as(&proxy_checks, check, &deployment, NULL, true);
			bool is_first = strcmp(check, "conf") == 0;

			OK(str_starts(str_of(says),
				      str_of(is_first ? rows[i].first : rows[i].others)),
			   "%s: %s", check, rows[i].name);
			OK(str_starts(str_of(chosen),
				      str_of(is_first ? rows[i].chosen : rows[i].other_chosen)),
			   "%s, asked for by name: %s", check, rows[i].name);
			proxy_checks.clear(&deployment);
		}
}

/* A line that has no room is cut, and one that just has is not. */
static void test_cut(void)
{
	for (size_t len = PROXY_WORDS_MAX - 2; len <= PROXY_WORDS_MAX + 1; len++) {
		char line[PROXY_WORDS_MAX + 2], out[PROXY_WORDS_MAX];
		struct nginx_conf_options options = { .path = "C" };
		AUTO(nginx_conf_free) struct nginx_conf *conf = NULL;
		struct err err;

		/* "C:1, aaa": it is as long as `len` in all. */
		memset(line, 'a', len - 5);
		memcpy(line + len - 5, ";", 2);
		options.text = str_of(line);
		MUST(nginx_conf_read(&options, &conf, &err));
		proxy_words_of(nginx_first(nginx_conf_root(conf)), out);
		IS_INT(strlen(out), len < PROXY_WORDS_MAX ? len : PROXY_WORDS_MAX - 1,
		       "of %zu bytes: as many as there is room for", len);
		IS_INT(str_ends(str_of(out), STR("aaa...")), len >= PROXY_WORDS_MAX,
		       "of %zu bytes: dots where it is cut", len);
	}
}

int main(void)
{
	AUTO(free) char *path = xasprintf("%s/nginx/findings.json", getenv("TEST_DATA"));
	AUTO(free) char *text = NULL;
	const json_t *row;
	struct err err;
	json_t *all;
	size_t i, len;

	if (!file_read(path, TEXT_MAX, &text, &len, &err)) {
		printf("Bail out! %s\n", err.text);
		return 1;
	}
	all = json_loads(text, 0, NULL);
	json_array_foreach(all, i, row) test_row(row);
	OK(json_array_size(all) > 0, "there are rows");
	json_decref(all);
	test_unread();
	test_cut();
	return tap_end();
}
