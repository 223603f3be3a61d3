#include "nginx/nginx_site.h"

#include "tap.h"

static const struct nginx_site_options defaults = {
	.listen = "127.0.0.1:8080",
	.user_header = "Remote-User",
	.groups_header = "Remote-Groups",
	.play_wait_ms = 25000,
	.keepalive_ms = 75000,
};

static const struct {
	const char *name, *listen, *public_url;
	int64_t play_wait_ms, keepalive_ms;
	bool is_beside;
	const char *has, *lacks;
} cases[] = {
	{ "a socket", "unix:/run/x", NULL, 25000, 75000, false, "server unix:/run/x max_fails=0;",
	  "127.0.0.1:8080" },
	{ "all addresses", "0.0.0.0:90", NULL, 25000, 75000, false, "server 127.0.0.1:90 max",
	  "0.0.0.0" },
	{ "all addresses of six", "[::]:90", NULL, 25000, 75000, false, "server [::1]:90 max",
	  "[::]" },
	{ "a name", "127.0.0.1:8080", "http://calls.example.com", 25000, 75000, false,
	  "server_name calls.example.com;", "server_name _" },
	{ "a port", "127.0.0.1:8080", "http://calls.example.com:81", 25000, 75000, false,
	  "listen 81;", "listen 80;" },
	{ "https brings a server that leads to it", "127.0.0.1:8080", "https://calls.example.com",
	  25000, 75000, false, "return 301 https", "(1) and (2)" },
	{ "https on another port does not", "127.0.0.1:8080", "https://calls.example.com:8443",
	  25000, 75000, false, "listen 8443 ssl;", "return 301" },
	{ "a long play_wait", "127.0.0.1:8080", NULL, 50000, 75000, false,
	  "proxy_read_timeout    85s;", "proxy_read_timeout    60s" },
	{ "a short one changes no limit", "127.0.0.1:8080", NULL, 5000, 75000, false,
	  "proxy_read_timeout    60s;", "(25 s)" },
	{ "a short keepalive_timeout", "127.0.0.1:8080", NULL, 25000, 10000, false,
	  "    keepalive_timeout 8s;", "keepalive_timeout 60s" },
	{ "the shortest", "127.0.0.1:8080", NULL, 25000, 500, false, "    keepalive_timeout 1s;",
	  "keepalive_timeout 0s" },
	{ "beside a product", "127.0.0.1:8080", NULL, 25000, 75000, true,
	  "    proxy_pass http://127.0.0.1:8080;", "$callspool_" },
	{ "which has a server of its own", "127.0.0.1:8080", "https://calls.example.com", 25000,
	  75000, true, "location @callspool_is_away {", "server {" },
};

static void test_cases(void)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		__attribute__((cleanup(buf_release_at))) struct buf out;
		struct nginx_site_options options = defaults;
		struct err err = { 0 };

		buf_init(&out, 65536);
		options.listen = cases[i].listen;
		options.public_url = cases[i].public_url;
		options.play_wait_ms = cases[i].play_wait_ms;
		options.keepalive_ms = cases[i].keepalive_ms;
		options.is_beside = cases[i].is_beside;
		OK(nginx_site_write(&options, &out, &err), "%s%s", cases[i].name, err.text);
		OK(str_find_str(buf_str(&out), str_of(cases[i].has)) < out.len, "%s: %s",
		   cases[i].name, cases[i].has);
		OK(str_find_str(buf_str(&out), str_of(cases[i].lacks)) == out.len, "%s: no %s",
		   cases[i].name, cases[i].lacks);
	}
}

int main(void)
{
	__attribute__((cleanup(buf_release_at))) struct buf out;
	struct nginx_site_options options = defaults;
	struct err err;

	buf_init(&out, 65536);
	OK(nginx_site_write(&options, &out, &err), "what the settings say by themselves");
	IS_STR(buf_str(&out), nginx_site_packaged(), "is the packaged file");
	options.public_url = "calls.example.com";
	OK(!nginx_site_write(&options, &out, &err), "a public_url that is no address is refused");
	buf_clear(&out);
	options.public_url = "https://example.com/calls";
	OK(!nginx_site_write(&options, &out, &err) && err.kind == ERR_INVALID,
	   "so is one with a path");
	options.is_beside = true;
	OK(!nginx_site_write(&options, &out, &err) && err.kind == ERR_INVALID,
	   "beside a product, too");
	OK(str_find_str(str_of(err.text),
			STR(" write location /calls/ { proxy_pass http://callspool/; }")) <
		   str_of(err.text).len,
	   "and the location to write is named: %s", err.text);
	IS_INT(out.len, 0, "nothing is written then");
	options = defaults;
	options.user_header = "X-Whoever";
	buf_clear(&out);
	OK(nginx_site_write(&options, &out, &err), "a header of its own for who is signed in");
	OK(str_find_str(buf_str(&out), STR("    proxy_set_header X-Whoever \"\";\n")) < out.len,
	   "is emptied, too");
	test_cases();
	return tap_end();
}
