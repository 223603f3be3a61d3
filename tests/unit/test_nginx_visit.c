/* What nginx itself confirms is in tests/server/nginxforce.test.js; here is what it would not start with, or never end. */
#include "nginx/nginx_visit.h"

#include "nginx/nginx_proxied.h"
#include "nginx/nginx_request.h"
#include "tap.h"

static const struct {
	const char *name, *text, *url;
	enum nginx_end end;
	unsigned status;
	size_t doubts;
} cases[] = {
	{ "no server", "events { }", "http://a/", NGINX_NO_SERVER, 0, 0 },
	{ "nobody listens there", "server { listen 81; }", "http://a/", NGINX_NO_SERVER, 0, 0 },
	{ "a file for conf.d alone", "server { location / { proxy_pass http://b; } }", "http://a/",
	  NGINX_PROXIED, 0, 0 },
	{ "an address of six", "server { listen [::]:80; location / { proxy_pass http://b; } }",
	  "http://a/", NGINX_PROXIED, 0, 0 },
	{ "a port of TLS", "server { listen 443 ssl; location / { proxy_pass http://b; } }",
	  "https://a/", NGINX_PROXIED, 0, 0 },
	{ "files", "server { listen 80; root /x; }", "http://a/", NGINX_FILES, 0, 0 },
	{ "another protocol", "server { location / { fastcgi_pass b; } }", "http://a/",
	  NGINX_ELSEWHERE, 0, 0 },
	{ "Lua answers", "server { location / { content_by_lua_block { x() } } }", "http://a/",
	  NGINX_ELSEWHERE, 0, 0 },
	{ "Lua may answer",
	  "server { location / { access_by_lua_block { x() } proxy_pass http://b; } }", "http://a/",
	  NGINX_PROXIED, 0, 1 },
	{ "a file may be there",
	  "server { location / { if (-f $request_filename) { return 403; } proxy_pass http://b; } }",
	  "http://a/", NGINX_PROXIED, 0, 1 },
	{ "what only a module knows",
	  "server { location / { if ($geoip_country_code = XX) { return 403; } proxy_pass http://b; } }",
	  "http://a/", NGINX_PROXIED, 0, 1 },
	{ "an expression that is none",
	  "server { location ~ ( { return 1; } location / { proxy_pass http://b; } }", "http://a/",
	  NGINX_PROXIED, 0, 1 },
	{ "an expression that never ends",
	  "server { location ~ ^/(a+)+$ { return 1; } location / { proxy_pass http://b; } }",
	  "http://a/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", NGINX_PROXIED, 0, 1 },
	{ "a rewrite that never ends", "server { location / { rewrite ^ /x last; } }", "http://a/",
	  NGINX_ANSWERED, 500, 0 },
	{ "names that send each other on",
	  "server { location / { try_files x @a; } location @a { try_files y @a; } }", "http://a/",
	  NGINX_FILES, 0, 0 },
	{ "a name that is not there", "server { location / { try_files x @a; } }", "http://a/",
	  NGINX_ANSWERED, 500, 0 },
	{ "a rewrite whose target nobody knows",
	  "server { location / { rewrite ^ /$geoip_city last; } }", "http://a/", NGINX_LOST, 0, 1 },
	{ "an if without an end of its condition",
	  "server { location / { if ($a { return 403; } proxy_pass http://b; } }", "http://a/",
	  NGINX_PROXIED, 0, 1 },
};

static void test_ends(void)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct nginx_conf_options options = { .path = "-", .text = str_of(cases[i].text) };
		AUTO(nginx_conf_free) struct nginx_conf *conf = NULL;
		struct nginx_request request;
		struct nginx_visit visit;
		struct err err = { 0 };

		if (!nginx_conf_read(&options, &conf, &err) ||
		    !nginx_request_of_url(str_of(cases[i].url), &request, &err)) {
			OK(false, "%s: %s", cases[i].name, err.text);
			continue;
		}
		nginx_visit_start(&visit, conf, &request);
		nginx_visit_follow(&visit);
		IS_INT(visit.end, cases[i].end, "%s: how it ends", cases[i].name);
		IS_INT(visit.status, cases[i].status, "%s: with which status", cases[i].name);
		IS_INT(visit.doubt_count, cases[i].doubts, "%s: doubts", cases[i].name);
		nginx_visit_release(&visit);
	}
}

static const char *const not_urls[] = { "",          "calls.example.com", "ftp://a/",   "http://",
					"http:///x", "http://a b/",       "http://a/\t" };

static void test_requests(void)
{
	struct nginx_request request;
	struct nginx_header header;
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(not_urls); i++)
		OK(!nginx_request_of_url(str_of(not_urls[i]), &request, &err), "'%s' is no address",
		   not_urls[i]);
	OK(nginx_request_of_url(STR("https://a:8443?x=/"), &request, &err),
	   "an address with a port");
	IS_INT(request.port, 8443, "the port");
	IS_STR(request.target, STR("/"), "without a path");
	OK(!nginx_header_of_line(STR(": x"), &header, &err), "a header without a name");
	OK(!nginx_header_of_line(STR("x"), &header, &err), "a header without a colon");
}

static void test_circle_of_variables(void)
{
	struct nginx_conf_options options = {
		.path = "-",
		.text = STR(
			"map $a $b { default $a; } map $b $a { default $b; } server { location / { proxy_pass http://$a; proxy_set_header X $b; } }"),
	};
	AUTO(nginx_conf_free) struct nginx_conf *conf = NULL;
	struct nginx_request request;
	struct nginx_visit visit;
	struct nginx_proxied proxied;
	struct err err;

	if (!nginx_conf_read(&options, &conf, &err) ||
	    !nginx_request_of_url(STR("http://a/"), &request, &err)) {
		OK(false, "%s", err.text);
		return;
	}
	nginx_visit_start(&visit, conf, &request);
	nginx_visit_follow(&visit);
	OK(nginx_proxied_start(&proxied, &visit), "maps that name each other");
	OK(!proxied.is_known, "end, and nobody knows what they are worth");
	nginx_proxied_release(&proxied);
	nginx_visit_release(&visit);
}

/* What is asked of the back end, and the header X, behind a location of /d/. */
static const struct {
	const char *name, *inside, *url, *target, *x;
} passed[] = {
	{ "as it came", "proxy_pass http://b;", "http://a/d/e%20f?q=1", "/d/e%20f?q=1", NULL },
	{ "another path before it", "proxy_pass http://b/y/;", "http://a/d/e?q=1", "/y/e?q=1",
	  NULL },
	{ "a rewrite: the path is put before what it gave",
	  "rewrite ^/d/([^/]*)$ /d/z/$1; proxy_pass http://b/y/;", "http://a/d/e", "/y/z/e", NULL },
	{ "a rewrite that breaks off: the path of proxy_pass does not count",
	  "rewrite ^/d/(.*)$ /z/$1 break; proxy_pass http://b/y/;", "http://a/d/e", "/z/e", NULL },
	{ "nor do rewrites behind it",
	  "rewrite ^/d/(.*)$ /z/$1 break; rewrite ^ /never; proxy_pass http://b;", "http://a/d/e",
	  "/z/e", NULL },
	{ "the old arguments follow the new",
	  "rewrite ^/d/(.*)$ /z/$1?n=1 break; proxy_pass http://b;", "http://a/d/e?q=1",
	  "/z/e?n=1&q=1", NULL },
	{ "or are dropped", "rewrite ^/d/(.*)$ /z/$1? break; proxy_pass http://b;",
	  "http://a/d/e?q=1", "/z/e", NULL },
	{ "a dollar that begins no variable is one",
	  "proxy_set_header X \"5$ or $$arg_q$ ${arg_q $\"; proxy_pass http://b;",
	  "http://a/d/?q=7", "/d/?q=7", "5$ or $7$ ${arg_q $" },
	{ "variables with braces and without",
	  "proxy_set_header X $arg_q${arg_q}0; proxy_pass http://b;", "http://a/d/?q=7", "/d/?q=7",
	  "770" },
};

static void test_passed(void)
{
	for (size_t i = 0; i < ARRAY_LEN(passed); i++) {
		char text[300];
		struct nginx_conf_options options = { .path = "-" };
		AUTO(nginx_conf_free) struct nginx_conf *conf = NULL;
		const struct nginx_sent *x;
		struct nginx_request request;
		struct nginx_visit visit;
		struct nginx_proxied proxied;
		struct err err = { 0 };

		snprintf(text, sizeof(text), "server { location /d/ { %s } }", passed[i].inside);
		options.text = str_of(text);
		if (!nginx_conf_read(&options, &conf, &err) ||
		    !nginx_request_of_url(str_of(passed[i].url), &request, &err)) {
			OK(false, "%s: %s", passed[i].name, err.text);
			continue;
		}
		nginx_visit_start(&visit, conf, &request);
		nginx_visit_follow(&visit);
		IS_INT(visit.end, NGINX_PROXIED, "%s: it is passed on", passed[i].name);
		OK(nginx_proxied_start(&proxied, &visit), "%s: to somebody", passed[i].name);
		IS_STR(buf_str(&proxied.target), str_of(passed[i].target), "%s", passed[i].name);
		x = nginx_sent_find(&proxied, NULL, STR("X"));
		IS_STR(x ? str_of(x->value) : STR(""), str_of(passed[i].x ? passed[i].x : ""),
		       "%s: the header", passed[i].name);
		nginx_proxied_release(&proxied);
		nginx_visit_release(&visit);
	}
}

int main(void)
{
	test_ends();
	test_passed();
	test_requests();
	test_circle_of_variables();
	return tap_end();
}
