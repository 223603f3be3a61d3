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

int main(void)
{
	test_ends();
	test_requests();
	test_circle_of_variables();
	return tap_end();
}
