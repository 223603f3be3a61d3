#include "nginx/nginx_force.h"

#include "tap.h"

static const struct {
	const char *text;
	int64_t ms; /* -1: none */
} times[] = {
	{ "60s", 60000 },   { "60", 60000 },
	{ "500ms", 500 },   { "1m 30s", 90000 },
	{ "1m30s", 90000 }, { "2h", 7200000 },
	{ "1d", 86400000 }, { "1M", 2592000000 },
	{ "0", 0 },         { "", -1 },
	{ "s", -1 },        { "5x", -1 },
	{ "-1", -1 },       { "99999999999999y", -1 },
};

static const struct {
	const char *text;
	int64_t bytes; /* -1: none */
} sizes[] = {
	{ "1m", 1 << 20 }, { "2M", 2 << 20 },
	{ "8k", 8192 },    { "1g", 1 << 30 },
	{ "0", 0 },        { "17", 17 },
	{ "", -1 },        { "k", -1 },
	{ "1t", -1 },      { "18446744073709551615g", -1 },
};

static void test_units(void)
{
	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		int64_t ms = 12345;

		OK(nginx_time_ms(str_of(times[i].text), &ms) == (times[i].ms >= 0),
		   "'%s' as a time", times[i].text);
		IS_INT(ms, times[i].ms >= 0 ? times[i].ms : 12345, "a time of '%s'", times[i].text);
	}
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		uint64_t bytes = 12345;

		OK(nginx_size(str_of(sizes[i].text), &bytes) == (sizes[i].bytes >= 0),
		   "'%s' as a size", sizes[i].text);
		IS_INT(bytes, sizes[i].bytes >= 0 ? sizes[i].bytes : 12345, "a size of '%s'",
		       sizes[i].text);
	}
}

static const char text[] =
	"http { proxy_read_timeout 1s; proxy_set_header A 1; allow all; proxy_pass http://x;"
	" server { proxy_set_header B 2; proxy_set_header C 3;"
	"  location / { proxy_read_timeout 2s; location /in { deny all; } } } }";

static void test_inheritance(void)
{
	struct nginx_conf_options options = { .path = "-", .text = STR_NONE };
	AUTO(nginx_conf_free) struct nginx_conf *conf = NULL;
	struct err err;

	options.text = str_of(text);
	if (!nginx_conf_read(&options, &conf, &err)) {
		OK(false, "%s", err.text);
		return;
	}

	const struct nginx_directive *http = nginx_first(nginx_conf_root(conf));
	const struct nginx_directive *server = nginx_find(http, NULL, STR("server"));
	const struct nginx_directive *outer = nginx_find(server, NULL, STR("location"));
	const struct nginx_directive *inner = nginx_find(outer, NULL, STR("location"));

	IS_STR(nginx_word_in_force(server, STR("proxy_read_timeout")), STR("1s"),
	       "a value is inherited");
	IS_STR(nginx_word_in_force(inner, STR("proxy_read_timeout")), STR("2s"),
	       "from the nearest block");
	IS_STR(nginx_word_in_force(inner, STR("proxy_set_header")), STR("B"),
	       "an array is replaced");
	IS_STR(nginx_word_in_force(inner, STR("proxy_send_timeout")), STR("60s"),
	       "without any, nginx's own");
	OK(!nginx_in_force(outer, STR("proxy_pass")), "what answers is never inherited");
	OK(nginx_in_force(outer, STR("allow")) != NULL, "who may come in is inherited");
	OK(!nginx_in_force(inner, STR("allow")), "until who may not is said");
	IS_STR(nginx_word_in_force(inner, STR("nothing")), STR_NONE, "a name that nobody knows");
}

int main(void)
{
	test_units();
	test_inheritance();
	for (size_t i = 0; i < nginx_rules_count; i++)
		OK(nginx_rule_of(str_of(nginx_rules[i].name)) == &nginx_rules[i], "%s is found",
		   nginx_rules[i].name);
	OK(!nginx_rule_of(STR("nothing")) && !nginx_rule_of(STR("")), "what is none is not");
	for (size_t i = 1; i < nginx_rules_count; i++)
		OK(strcmp(nginx_rules[i - 1].name, nginx_rules[i].name) < 0, "%s is in its place",
		   nginx_rules[i].name);
	return tap_end();
}
