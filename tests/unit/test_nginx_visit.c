/*
 * What nginx answers, and what it would not start with, or never end.  More that is put to nginx itself is in
 * tests/server/nginxforce.test.js.
 */
#include "nginx/nginx_visit.h"

#include "base/own.h"
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

/* Each row was put to nginx 1.22: what stands in http { }, what is asked, and what is answered. */
#define MAP(rows)   "map $arg_q $b { " rows " } server { return 200 \"$b\"; }"
#define HOSTS(rows) MAP("hostnames; default d; " rows)
#define IN(inside)  "server { " inside " }"
#define AT(inside)  "server { server_name A.Example.com b; location / { " inside " } }"
#define CALLED(names) \
	"server { return 200 default; } server { server_name " names "; return 200 named; }"
#define MANY_NAMES                                                               \
	"server { server_name first; return 200 'first'; } "                     \
	"server { server_name mail.*; return 200 'mail.*'; } "                   \
	"server { server_name mail.a.*; return 200 'mail.a.*'; } "               \
	"server { server_name *.example.com; return 200 '*.example.com'; } "     \
	"server { server_name *.b.example.com; return 200 '*.b.example.com'; } " \
	"server { server_name ~^r(\\d+)\\.x$; return 200 'regex'; } "            \
	"server { server_name ~^r1; return 200 'other regex'; } "                \
	"server { server_name www.example.com; return 200 'www.example.com'; } " \
	"server { server_name .dot.org; return 200 '.dot.org'; } "               \
	"server { server_name mail.example.com.*; return 200 'mail.example.com.*'; } "
#define MANY_PLACES                                                                                               \
	"server { "                                                                                               \
	"location = /e { return 200 '= /e'; } "                                                                   \
	"location /e { return 200 '/e'; } "                                                                       \
	"location /e/long { return 200 '/e/long'; } "                                                             \
	"location ^~ /e/firm { return 200 '^~ /e/firm'; } "                                                       \
	"location ~ \\.mp3$ { return 200 'mp3'; } "                                                               \
	"location ~* \\.WAV$ { return 200 'wav'; } "                                                              \
	"location ~ ^/both { return 200 '~ ^/both'; } "                                                           \
	"location ~ ^/bot { return 200 '~ ^/bot'; } "                                                             \
	"location /e/long/er { return 200 '/e/long/er'; } "                                                       \
	"location /in { location /in/side { return 200 side; } location ~ x$ { return 200 x; } return 200 in; } " \
	"location /firm { location ^~ /firm/er { return 200 firmer; } return 200 firm; } "                        \
	"location ~ ^/re { location ~ e$ { return 200 ree; } return 200 re; } "                                   \
	"location ~ x$ { return 200 outer; } location ~ er { return 200 outer; } }"
#define SLASH(pass)                                                                                     \
	"upstream u { server 127.0.0.1:1; } server { location / { return 200 /; } location /s/ { " pass \
	" } }"

static const struct {
	const char *name, *http, *url, *header;
	unsigned status;
	const char *body; /* NULL: not looked at */
} answers[] = {
	{ "map: the case does not matter", MAP("default d; Ab x;"), "http://a/?q=aB", NULL, 200,
	  "x" },
	{ "map: the default, wherever it stands", MAP("default d; a x;"), "http://a/?q=ab", NULL,
	  200, "d" },
	{ "map: without a default", MAP("a x;"), "http://a/?q=b", NULL, 200, "" },
	{ "map: a backslash before a word of its own", MAP("default d; \\default x;"),
	  "http://a/?q=default", NULL, 200, "x" },
	{ "map: or a sign", MAP("default d; \\~a x;"), "http://a/?q=~a", NULL, 200, "x" },
	{ "map: an expression", MAP("default d; ~^a$ x;"), "http://a/?q=a", NULL, 200, "x" },
	{ "map: whose case matters", MAP("default d; ~^a$ x;"), "http://a/?q=A", NULL, 200, "d" },
	{ "map: or does not", MAP("default d; ~*^a$ x;"), "http://a/?q=A", NULL, 200, "x" },
	{ "map: the first that matches", MAP("~b x; ~a y; ~^a z;"), "http://a/?q=a", NULL, 200,
	  "y" },
	{ "map: a text before any of them", MAP("~a y; a x;"), "http://a/?q=a", NULL, 200, "x" },
	{ "map: what is empty matches none", MAP("default d; ~^ x;"), "http://a/?q=", NULL, 200,
	  "d" },
	{ "map: but is a text", MAP("default d; '' x;"), "http://a/?q=", NULL, 200, "x" },
	{ "map: with groups", MAP("~^(.)(.)$ $2$1;"), "http://a/?q=xy", NULL, 200, "yx" },
	{ "map: with groups that have names", MAP("~^(?<n>.)(?P<m>.)(?'o'.)$ $o$n$m;"),
	  "http://a/?q=xyz", NULL, 200, "zxy" },
	{ "map: to another variable", MAP("a $arg_r;"), "http://a/?q=a&r=7", NULL, 200, "7" },
	{ "map: without hostnames an asterisk is one", MAP("default d; *.a x;"), "http://a/?q=b.a",
	  NULL, 200, "d" },
	{ "map: volatile is no value", MAP("volatile; default d;"), "http://a/?q=volatile", NULL,
	  200, "d" },
	{ "map: hostnames with a value is one", MAP("hostnames x; *.a y;"), "http://a/?q=hostnames",
	  NULL, 200, "x" },
	{ "map: ... and means nothing else", MAP("hostnames x; *.a y;"), "http://a/?q=b.a", NULL,
	  200, "" },
	{ "map: a dot and a name: the name", HOSTS(".a.b x;"), "http://a/?q=A.b", NULL, 200, "x" },
	{ "map: a dot and a name: below it", HOSTS(".a.b x;"), "http://a/?q=c.a.B", NULL, 200,
	  "x" },
	{ "map: a dot and a name: not beside it", HOSTS(".a.b x;"), "http://a/?q=ca.b", NULL, 200,
	  "d" },
	{ "map: an asterisk: below the name", HOSTS("*.a.b x;"), "http://a/?q=c.a.b", NULL, 200,
	  "x" },
	{ "map: an asterisk: not the name", HOSTS("*.a.b x;"), "http://a/?q=a.b", NULL, 200, "d" },
	{ "map: the longer name at the end", HOSTS("*.b x; *.a.b y;"), "http://a/?q=c.a.b", NULL,
	  200, "y" },
	{ "map: in whichever order", HOSTS("*.a.b y; *.b x;"), "http://a/?q=c.a.b", NULL, 200,
	  "y" },
	{ "map: with a dot, too", HOSTS(".a.b y; .b x;"), "http://a/?q=c.a.b", NULL, 200, "y" },
	{ "map: the longer name at the start", HOSTS("a.* x; a.b.* y;"), "http://a/?q=A.b.c", NULL,
	  200, "y" },
	{ "map: of those as well", HOSTS("a.b.* y; a.* x;"), "http://a/?q=a.b.c", NULL, 200, "y" },
	{ "map: a name at the start alone", HOSTS("a.* x;"), "http://a/?q=a", NULL, 200, "d" },
	{ "map: not another", HOSTS("a.* x;"), "http://a/?q=b.a.c", NULL, 200, "d" },
	{ "map: the end comes before the start", HOSTS("a.* x; *.c y;"), "http://a/?q=a.b.c", NULL,
	  200, "y" },
	{ "map: the whole before both", HOSTS("a.* x; *.c y; a.b.c z;"), "http://a/?q=a.b.c", NULL,
	  200, "z" },
	{ "map: an expression after them", HOSTS("~a z; *.c y;"), "http://a/?q=a.b.c", NULL, 200,
	  "y" },

	{ "$args, $is_args", AT("return 200 $is_args$args;"), "http://a/x?y=1&z", NULL, 200,
	  "?y=1&z" },
	{ "without any", AT("return 200 '[$is_args$query_string]';"), "http://a/x?", NULL, 200,
	  "[]" },
	{ "$uri is decoded", AT("return 200 $uri=$document_uri;"), "http://a/%41//b?c", NULL, 200,
	  "/A/b=/A/b" },
	{ "$request_uri is not", AT("return 200 $request_uri;"), "http://a/%41//b?c", NULL, 200,
	  "/%41//b?c" },
	{ "slashes as they came", IN("merge_slashes off; return 200 $uri;"), "http://a/a//b", NULL,
	  200, "/a//b" },
	{ "a target that is none", AT("return 200 $uri;"), "http://a/%00", NULL, 400, NULL },
	{ "$request_method, $scheme, $https", AT("return 200 $request_method:$scheme:$https;"),
	  "http://a/", NULL, 200, "GET:http:" },
	{ "$server_name, $server_port, $server_protocol",
	  AT("return 200 $server_name:$server_port:$server_protocol;"), "http://x/", NULL, 200,
	  "a.example.com:80:HTTP/1.1" },
	{ "$server_name without its dot", IN("server_name .Example.com; return 200 $server_name;"),
	  "http://x/", NULL, 200, "example.com" },
	{ "$host: lower case, without a port", AT("return 200 $host:$http_host;"),
	  "http://WWW.x:80/", NULL, 200, "www.x:WWW.x:80" },
	{ "$host: without a dot at its end", AT("return 200 $host;"), "http://x.:80/", NULL, 200,
	  "x" },
	{ "$remote_user, that nobody gave", AT("return 200 [$remote_user];"), "http://x/", NULL,
	  200, "[]" },
	{ "$proxy_host, where nothing is passed on", AT("return 200 [$proxy_host];"), "http://x/",
	  NULL, 200, "[]" },
	{ "$proxy_protocol_addr, where nobody is told it", AT("return 200 [$proxy_protocol_addr];"),
	  "http://x/", NULL, 200, "[]" },
	{ "$slice_range, where there are no slices", AT("return 200 [$slice_range];"), "http://x/",
	  NULL, 200, "[]" },
	{ "$slice_range, where there are none again",
	  IN("slice 1m; location / { slice 0; return 200 [$slice_range]; }"), "http://x/", NULL,
	  200, "[]" },
	{ "a header", AT("return 200 $http_user_agent;"), "http://x/", "User-Agent: u 1", 200,
	  "u 1" },
	{ "a header that is not there", AT("return 200 [$http_x_user_agent$http_agent];"),
	  "http://x/", "User-Agent: u 1", 200, "[]" },
	{ "an argument: not the end of another's name", AT("return 200 $arg_q;"),
	  "http://x/?xq=1&q=2&q=3", NULL, 200, "2" },
	{ "an argument: of any case", AT("return 200 $arg_q;"), "http://x/?Q=2", NULL, 200, "2" },
	{ "an argument: without a value", AT("return 200 [$arg_q];"), "http://x/?q&r=1", NULL, 200,
	  "[]" },
	{ "groups: of one digit", IN("location ~ ^/(.)(.) { return 200 $20:$1; }"), "http://x/abc",
	  NULL, 200, "b0:a" },
	{ "groups that took no part", IN("location ~ ^/(x)?(.) { return 200 [$1$3]$2; }"),
	  "http://x/a", NULL, 200, "[]a" },
	{ "a group of the server's name",
	  IN("server_name ~^(?<who>[a-z]+)\\.x$; location / { return 200 $who; }"), "http://ab.x/",
	  NULL, 200, "ab" },
	{ "set: the last of them", AT("set $v 1; set $v 2$v; return 200 $V;"), "http://x/", NULL,
	  200, "21" },
	{ "set elsewhere: empty", AT("return 200 [$v]; } location /y { set $v 1;"), "http://x/",
	  NULL, 200, "[]" },
	{ "a group elsewhere: empty",
	  AT("return 200 [$v$w$x]; } location ~ (?<v>y)(?P<w>y)(?'x'y) { return 200 y;"),
	  "http://x/", NULL, 200, "[]" },

	{ "return: an address alone", AT("return http://x/;"), "http://x/", NULL, 302, NULL },
	{ "return: a status alone", AT("return 403;"), "http://x/", NULL, 403, NULL },
	{ "return: the largest", AT("return 999 x;"), "http://x/", NULL, 999, NULL },
	{ "if: what is empty is false", AT("if ($arg_q) { return 200 y; } return 200 n;"),
	  "http://x/?q=", NULL, 200, "n" },
	{ "if: and 0", AT("if ($arg_q) { return 200 y; } return 200 n;"), "http://x/?q=0", NULL,
	  200, "n" },
	{ "if: but not 00", AT("if ($arg_q) { return 200 y; } return 200 n;"), "http://x/?q=00",
	  NULL, 200, "y" },
	{ "if: a is a", AT("if ($arg_q = a) { return 200 y; } return 200 n;"), "http://x/?q=a",
	  NULL, 200, "y" },
	{ "if: a is not A", AT("if ($arg_q = a) { return 200 y; } return 200 n;"), "http://x/?q=A",
	  NULL, 200, "n" },
	{ "if: not equal", AT("if ($arg_q != a) { return 200 y; } return 200 n;"), "http://x/?q=A",
	  NULL, 200, "y" },
	{ "if: equal to a variable", AT("if ($arg_q = $arg_r) { return 200 y; } return 200 n;"),
	  "http://x/?q=A&r=A", NULL, 200, "y" },
	{ "if: parentheses that stand apart",
	  AT("if ( $arg_q != a ) { return 200 y; } return 200 n;"), "http://x/?q=a", NULL, 200,
	  "n" },
	{ "if: parentheses apart, one word", AT("if ( $arg_q ) { return 200 y; } return 200 n;"),
	  "http://x/?q=a", NULL, 200, "y" },
	{ "if: ~ looks at the case", AT("if ($arg_q ~ A) { return 200 y; } return 200 n;"),
	  "http://x/?q=ba", NULL, 200, "n" },
	{ "if: ~ matches", AT("if ($arg_q ~ (A)$) { return 200 $1; } return 200 n;"),
	  "http://x/?q=bA", NULL, 200, "A" },
	{ "if: ~* does not look at the case",
	  AT("if ($arg_q ~* A) { return 200 y; } return 200 n;"), "http://x/?q=ba", NULL, 200,
	  "y" },
	{ "if: !~ looks at the case", AT("if ($arg_q !~ A) { return 200 y; } return 200 n;"),
	  "http://x/?q=ba", NULL, 200, "y" },
	{ "if: !~ matches", AT("if ($arg_q !~ A) { return 200 y; } return 200 n;"), "http://x/?q=A",
	  NULL, 200, "n" },
	{ "if: !~* does not look at the case",
	  AT("if ($arg_q !~* A) { return 200 y; } return 200 n;"), "http://x/?q=ba", NULL, 200,
	  "n" },
	{ "if: what follows it is run as well", AT("if ($arg_q) { set $v 1; } return 200 $v;"),
	  "http://x/?q=1", NULL, 200, "1" },
	{ "if of a server", IN("if ($arg_q) { return 403; } location / { return 200 l; }"),
	  "http://x/?q=1", NULL, 403, NULL },
	{ "if of a server: the location is still looked for",
	  IN("if ($arg_q) { set $v 1; } location / { return 200 l$v; }"), "http://x/?q=1", NULL,
	  200, "l1" },
	{ "break ends it all", IN("break; return 403; location / { return 200 l; }"), "http://x/",
	  NULL, 200, "l" },

	{ "rewrite: permanent", AT("rewrite ^/a /b permanent;"), "http://x/a", NULL, 301, NULL },
	{ "rewrite: redirect", AT("rewrite ^/a /b redirect;"), "http://x/a", NULL, 302, NULL },
	{ "rewrite: to another host", AT("rewrite ^/a http://b/;"), "http://x/a", NULL, 302, NULL },
	{ "rewrite: by TLS", AT("rewrite ^/a https://b/;"), "http://x/a", NULL, 302, NULL },
	{ "rewrite: by either", AT("rewrite ^/a $scheme://b/;"), "http://x/a", NULL, 302, NULL },
	{ "rewrite: what does not match", AT("rewrite ^/a /b permanent; return 200 $uri;"),
	  "http://x/b", NULL, 200, "/b" },
	{ "rewrite: whose case is another", AT("rewrite ^/a /b permanent; return 200 $uri;"),
	  "http://x/A", NULL, 200, "/A" },
	{ "rewrite: last",
	  IN("location /a { rewrite ^ /b last; return 403; } location /b { return 200 $uri; }"),
	  "http://x/a", NULL, 200, "/b" },
	{ "rewrite: without a flag",
	  IN("location /a { rewrite ^ /b; set $v 1; } location /b { return 200 $uri$v; }"),
	  "http://x/a", NULL, 200, "/b1" },
	{ "rewrite: without a flag, twice",
	  IN("location /a { rewrite a /b; rewrite b /c; } location /b { return 403; } location /c { return 200 $uri; }"),
	  "http://x/a", NULL, 200, "/c" },
	{ "rewrite: from place to place",
	  IN("location /a { rewrite a /b; } location /b { rewrite b /c; } location /c { return 200 $uri; }"),
	  "http://x/a", NULL, 200, "/c" },
	{ "rewrite: of a server",
	  IN("rewrite ^/a /b; location /a { return 403; } location /b { return 200 $uri; }"),
	  "http://x/a", NULL, 200, "/b" },
	{ "rewrite: last of a server",
	  IN("rewrite ^/a /b last; return 403; location /b { return 200 $uri; }"), "http://x/a",
	  NULL, 200, "/b" },
	{ "rewrite: of a server without a location", IN("rewrite ^(.*)$ /x$1; try_files y =418;"),
	  "http://x/", NULL, 418, NULL },
	{ "rewrite: of a server, once",
	  IN("rewrite ^(.*)$ /x$1; if ($uri = /x/x/) { return 403; } try_files y =418;"),
	  "http://x/", NULL, 418, NULL },
	{ "rewrite: to itself", AT("rewrite ^ $uri; "), "http://x/a", NULL, 500, NULL },
	{ "rewrite: nine places",
	  IN("location ~ ^/([0-8])$ { rewrite 0 /1; rewrite 1 /2; rewrite 2 /3; return 200 $uri; }"),
	  "http://x/0", NULL, 200, "/3" },
	{ "rewrite: ten rounds at most",
	  IN("rewrite ^ /xxxxxxxxxx; location ~ ^/x { rewrite ^/x(.*) /$1 last; } location / { return 200 $uri; }"),
	  "http://x/0", NULL, 200, "/" },
	{ "rewrite: not eleven",
	  IN("rewrite ^ /xxxxxxxxxxx; location ~ ^/x { rewrite ^/x(.*) /$1 last; } location / { return 200 $uri; }"),
	  "http://x/0", NULL, 500, NULL },
	{ "rewrite: the arguments", IN("rewrite ^ /b?n=1; location / { return 200 $args; }"),
	  "http://x/?q=1", NULL, 200, "n=1&q=1" },
	{ "rewrite: the arguments alone", IN("rewrite ^ /b; location / { return 200 $args; }"),
	  "http://x/?q=1", NULL, 200, "q=1" },
	{ "rewrite: without the old", IN("rewrite ^ /b?n=1?; location / { return 200 $args; }"),
	  "http://x/?q=1", NULL, 200, "n=1" },
	{ "rewrite: without any", IN("rewrite ^ /b?; location / { return 200 [$args]; }"),
	  "http://x/?q=1", NULL, 200, "[]" },

	{ "rewrite: a '?' of a variable is of the path",
	  IN("rewrite ^ $request_uri; location / { return 200 $uri|$args; }"), "http://x/a?q=1",
	  NULL, 200, "/a?q=1|q=1" },
	{ "rewrite: a '?' of a group, too",
	  IN("rewrite ^/a(.*) /b$1; location / { return 200 $uri|$args; }"), "http://x/a%3Fp?q=1",
	  NULL, 200, "/b?p|q=1" },
	{ "rewrite: behind the first '?' it is one of the arguments",
	  IN("rewrite ^ /b?n=$arg_q?m; location / { return 200 $args; }"), "http://x/?q=1", NULL,
	  200, "n=1?m&q=1" },
	{ "rewrite: to nothing", AT("rewrite ^/a(.*) $1; return 200 y;"), "http://x/a", NULL, 500,
	  NULL },
	{ "rewrite: an address in capitals is a path", AT("rewrite ^ HTTP://b/; return 200 n;"),
	  "http://x/a", NULL, 200, "n" },
	{ "rewrite: what does not match leaves no groups",
	  IN("location ~ ^/(a) { rewrite ^/x /y; return 200 [$1]; }"), "http://x/a", NULL, 200,
	  "[]" },
	{ "if: what does not match leaves no groups",
	  IN("location ~ ^/(a) { if ($uri ~ x) { break; } return 200 [$1]; }"), "http://x/a", NULL,
	  200, "[]" },
	{ "if: what compares leaves them",
	  IN("location ~ ^/(a) { if ($uri = x) { break; } return 200 [$1]; }"), "http://x/a", NULL,
	  200, "[a]" },
	{ "try_files: a status", IN("location / { try_files $uri =418; }"), "http://x/", NULL, 418,
	  NULL },
	{ "try_files: a path",
	  IN("location /a { try_files $uri /b$is_args$args; } location /b { return 200 $uri?$args; }"),
	  "http://x/a?q", NULL, 200, "/b?q" },
	{ "try_files: a name",
	  IN("location /a { try_files $uri @b; } location @b { return 200 $uri; }"), "http://x/a",
	  NULL, 200, "/a" },
	{ "try_files: the last of two names",
	  IN("location /a { try_files $uri @c; } location @b { return 200 b; } location @c { return 200 c; }"),
	  "http://x/a", NULL, 200, "c" },
	{ "internal: from outside", IN("location /a { internal; root /nowhere; }"), "http://x/a",
	  NULL, 404, NULL },
	{ "internal: before what stands in it", IN("location /a { internal; return 403; }"),
	  "http://x/a", NULL, 404, NULL },
	{ "internal: before a slash is added",
	  IN("location /a/ { internal; proxy_pass http://127.0.0.1:1; }"), "http://x/a", NULL, 404,
	  NULL },
	{ "internal: places inside it, too",
	  IN("location /a { internal; location /a/b { return 403; } }"), "http://x/a/b", NULL, 404,
	  NULL },
	{ "internal: by a rewrite", IN("rewrite ^ /a; location /a { internal; try_files x =418; }"),
	  "http://x/", NULL, 418, NULL },
	{ "internal: by a name",
	  IN("location / { try_files x @a; } location @a { internal; try_files x =418; }"),
	  "http://x/", NULL, 418, NULL },

	{ "name: the whole", MANY_NAMES, "http://WWW.example.com/", NULL, 200, "www.example.com" },
	{ "name: none of them: the first server", MANY_NAMES, "http://nobody/", NULL, 200,
	  "first" },
	{ "name: below", MANY_NAMES, "http://a.Example.com/", NULL, 200, "*.example.com" },
	{ "name: the longer", MANY_NAMES, "http://a.b.example.com/", NULL, 200, "*.b.example.com" },
	{ "name: not the name itself", MANY_NAMES, "http://example.com/", NULL, 200, "first" },
	{ "name: at the start", MANY_NAMES, "http://mail.org/", NULL, 200, "mail.*" },
	{ "name: longer at the start", MANY_NAMES, "http://MAIL.a.org/", NULL, 200, "mail.a.*" },
	{ "name: the end before the start", MANY_NAMES, "http://mail.example.com/", NULL, 200,
	  "*.example.com" },
	{ "name: nothing behind the start", MANY_NAMES, "http://mail/", NULL, 200, "first" },
	{ "name: an expression, the first of two", MANY_NAMES, "http://R1.x/", NULL, 200, "regex" },
	{ "name: the other", MANY_NAMES, "http://r1.y/", NULL, 200, "other regex" },
	{ "name: a dot: the name", MANY_NAMES, "http://dot.org/", NULL, 200, ".dot.org" },
	{ "name: a dot: below it", MANY_NAMES, "http://x.dot.org/", NULL, 200, ".dot.org" },
	{ "name: a dot: not beside it", MANY_NAMES, "http://xdot.org/", NULL, 200, "first" },
	{ "name: with a port, and a dot", MANY_NAMES, "http://www.example.com.:80/", NULL, 200,
	  "www.example.com" },
	{ "name: the second of a line", CALLED("x y"), "http://y/", NULL, 200, "named" },
	{ "name: of a second line", CALLED("x; server_name y"), "http://y/", NULL, 200, "named" },
	{ "name: the default server",
	  "server { return 200 first; } server { listen 80 default_server; server_name x; return 200 second; } server { server_name y; return 200 third; }",
	  "http://z/", NULL, 200, "second" },
	{ "name: also called default",
	  "server { return 200 first; } server { listen 80 default; server_name x; return 200 second; }",
	  "http://z/", NULL, 200, "second" },
	{ "port: of another server",
	  "server { return 200 first; } server { listen 81; return 200 second; }", "http://z:81/",
	  NULL, 200, "second" },
	{ "port: the second listen",
	  "server { return 200 first; } server { listen 82; listen 81; return 200 second$server_port; }",
	  "http://z:81/", NULL, 200, "second81" },
	{ "port: with an address",
	  "server { listen 127.0.0.1:81; return 200 first; } server { listen 80; return 200 second; }",
	  "http://z:81/", NULL, 200, "first" },
	{ "port: of all addresses",
	  "server { listen 0.0.0.0:81; return 200 first; } server { listen *:80; return 200 second; }",
	  "http://z/", NULL, 200, "second" },

	{ "place: the very path", MANY_PLACES, "http://x/e", NULL, 200, "= /e" },
	{ "place: the start of it", MANY_PLACES, "http://x/ef", NULL, 200, "/e" },
	{ "place: the longer", MANY_PLACES, "http://x/e/longest", NULL, 200, "/e/long" },
	{ "place: the longest, but for an expression", MANY_PLACES, "http://x/e/long/er", NULL, 200,
	  "outer" },
	{ "place: an expression is stronger", MANY_PLACES, "http://x/e/long.mp3", NULL, 200,
	  "mp3" },
	{ "place: than what is not firm", MANY_PLACES, "http://x/e/firm.mp3", NULL, 200,
	  "^~ /e/firm" },
	{ "place: whose case matters", MANY_PLACES, "http://x/e/long.MP3", NULL, 200, "/e/long" },
	{ "place: or not", MANY_PLACES, "http://x/e/long.wav", NULL, 200, "wav" },
	{ "place: the first of two", MANY_PLACES, "http://x/both", NULL, 200, "~ ^/both" },
	{ "place: or the second", MANY_PLACES, "http://x/bot", NULL, 200, "~ ^/bot" },
	{ "place: inside another", MANY_PLACES, "http://x/in/side", NULL, 200, "side" },
	{ "place: an expression inside comes first", MANY_PLACES, "http://x/inx", NULL, 200, "x" },
	{ "place: firm inside", MANY_PLACES, "http://x/firm/er", NULL, 200, "outer" },
	{ "place: an expression in an expression", MANY_PLACES, "http://x/re/e", NULL, 200, "ree" },
	{ "place: the outer of both", MANY_PLACES, "http://x/re/f", NULL, 200, "re" },
	{ "place: a slash that is missing", SLASH("proxy_pass http://u;"), "http://x/s", NULL, 301,
	  NULL },
	{ "place: fastcgi", SLASH("fastcgi_pass u;"), "http://x/s", NULL, 301, NULL },
	{ "place: uwsgi", SLASH("uwsgi_pass u;"), "http://x/s", NULL, 301, NULL },
	{ "place: scgi", SLASH("scgi_pass u;"), "http://x/s", NULL, 301, NULL },
	{ "place: memcached", SLASH("set $memcached_key x; memcached_pass u;"), "http://x/s", NULL,
	  301, NULL },
	{ "place: grpc", SLASH("grpc_pass u;"), "http://x/s", NULL, 301, NULL },
	{ "place: a slash that is missing, but for files", SLASH("root /;"), "http://x/s", NULL,
	  200, "/" },
	{ "place: more than a slash is missing", SLASH("proxy_pass http://u;"), "http://x/", NULL,
	  200, "/" },
	{ "place: the path has a place of its own",
	  SLASH("proxy_pass http://u; } location = /s { return 200 s;"), "http://x/s", NULL, 200,
	  "s" },
	{ "place: or one that begins so",
	  SLASH("proxy_pass http://u; } location /s { return 200 s;"), "http://x/s", NULL, 200,
	  "s" },
};

static void test_answers(void)
{
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		struct nginx_conf_options options = { .path = "-",
						      .text = str_of(answers[i].http) };
		AUTO(nginx_conf_free) struct nginx_conf *conf = NULL;
		AUTO(buf_release) struct buf body;
		struct nginx_header header;
		struct nginx_request request;
		struct nginx_visit visit;
		struct err err = { 0 };

		if (!nginx_conf_read(&options, &conf, &err) ||
		    !nginx_request_of_url(str_of(answers[i].url), &request, &err) ||
		    (answers[i].header &&
		     !nginx_header_of_line(str_of(answers[i].header), &header, &err))) {
			OK(false, "%s: %s", answers[i].name, err.text);
			continue;
		}
		request.headers = &header;
		request.header_count = answers[i].header ? 1 : 0;
		nginx_visit_start(&visit, conf, &request);
		nginx_visit_follow(&visit);
		IS_INT(visit.end, NGINX_ANSWERED, "%s: it is answered", answers[i].name);
		IS_INT(visit.status, answers[i].status, "%s: with which status", answers[i].name);
		IS_INT(visit.doubt_count, 0, "%s: without a doubt", answers[i].name);
		buf_init(&body, NGINX_VALUE_BYTES_MAX);
		if (answers[i].body) {
			OK(nginx_value(&visit, nginx_word(visit.by, 2), &body), "%s: that is known",
			   answers[i].name);
			IS_STR(buf_str(&body), str_of(answers[i].body), "%s", answers[i].name);
		}
		nginx_visit_release(&visit);
	}
}

/* Where a request arrives: its address ("" : any), port and Host; the server that it comes to. */
#define LISTENS(listen, name) "server { " listen " server_name " name "; } "
static const struct {
	const char *name, *http, *address;
	uint16_t port;
	const char *host, *server; /* NULL: none */
	bool is_tls;
} arrivals[] = {
	{ "an address that is written out comes before all",
	  LISTENS("listen 80;", "a") LISTENS("listen 10.0.0.1:80;", "b"), "10.0.0.1", 80, "a", "b",
	  false },
	{ "at another address", LISTENS("listen 80;", "a") LISTENS("listen 10.0.0.1:80;", "b"),
	  "10.0.0.2", 80, "b", "a", false },
	{ "where any will do the name counts",
	  LISTENS("listen 80;", "a") LISTENS("listen 10.0.0.1:80;", "b"), "", 80, "b", "b", false },
	{ "at an address where none listens", LISTENS("listen 10.0.0.1:80;", "b"), "10.0.0.2", 80,
	  "b", NULL, false },
	{ "at no port of theirs", LISTENS("listen 80;", "a"), "", 81, "a", NULL, false },
	{ "an address without a port", LISTENS("listen 10.0.0.1;", "a"), "10.0.0.1", 80, "a", "a",
	  false },
	{ "all addresses, written out", LISTENS("listen 0.0.0.0:81;", "a"), "10.0.0.1", 81, "x",
	  "a", false },
	{ "all of six", LISTENS("listen [::]:80;", "a"), "[fd00::1]", 80, "x", "a", false },
	{ "all of four are none of six", LISTENS("listen 80;", "a"), "[fd00::1]", 80, "x", NULL,
	  false },
	{ "all of six are none of four", LISTENS("listen [::]:80;", "a"), "10.0.0.1", 80, "x", NULL,
	  false },
	{ "one of six", LISTENS("listen [FD00::1]:80;", "a"), "[fd00::1]", 80, "x", "a", false },
	{ "one of six without a port", LISTENS("listen [::1];", "a"), "[::1]", 80, "x", "a",
	  false },
	{ "a socket is no port", LISTENS("listen unix:/run/x;", "a"), "", 0, "x", NULL, false },
	{ "a socket by its path", LISTENS("listen unix:/run/x;", "a"), "unix:/run/x", 0, "x", "a",
	  false },
	{ "the largest port", LISTENS("listen 65535;", "a"), "", 65535, "x", "a", false },
	{ "QUIC is another protocol", LISTENS("listen 443 quic; listen 444 ssl;", "a"), "", 443,
	  "x", NULL, false },
	{ "TLS beside it", LISTENS("listen 443 quic; listen 443 ssl;", "a"), "", 443, "x", "a",
	  true },
	{ "without TLS", LISTENS("listen 443;", "a"), "", 443, "x", "a", false },
	{ "the default, and not the first",
	  LISTENS("listen 80;", "a") LISTENS("listen 80 default_server;", "b"), "", 80, "x", "b",
	  false },
	{ "the first of two defaults",
	  LISTENS("listen 80 default;", "a") LISTENS("listen 80 default_server;", "b"), "", 80, "x",
	  "a", false },
	{ "a default of another port",
	  LISTENS("listen 80;", "a") LISTENS("listen 81 default_server; listen 80;", "b"), "", 80,
	  "x", "a", false },
	{ "without Host, a server without a name",
	  LISTENS("listen 80;", "a") "server { return 200; }", "", 80, NULL, "", false },
};

static void test_arrivals(void)
{
	for (size_t i = 0; i < ARRAY_LEN(arrivals); i++) {
		struct nginx_conf_options options = { .path = "-",
						      .text = str_of(arrivals[i].http) };
		AUTO(nginx_conf_free) struct nginx_conf *conf = NULL;
		const struct nginx_directive *server;
		struct nginx_listen listen = { .port = 0 };
		struct err err = { 0 };

		if (!nginx_conf_read(&options, &conf, &err)) {
			OK(false, "%s: %s", arrivals[i].name, err.text);
			continue;
		}
		server = nginx_server_for(conf, str_of(arrivals[i].address), arrivals[i].port,
					  str_of(arrivals[i].host), &listen);
		OK((server != NULL) == (arrivals[i].server != NULL),
		   "%s: somebody listens, or nobody", arrivals[i].name);
		if (!server)
			continue;
		IS_STR(nginx_server_name(server), str_of(arrivals[i].server), "%s",
		       arrivals[i].name);
		IS_INT(listen.port, arrivals[i].port, "%s: its port", arrivals[i].name);
		IS_INT(listen.is_tls, arrivals[i].is_tls, "%s: TLS", arrivals[i].name);
	}
}

/* Over TLS, and without a Host header. */
static void test_variables(void)
{
	static const struct {
		const char *url, *text, *want;
		bool has_host;
	} rows[] = {
		{ "https://A/?q", "$scheme:$https:$server_port:$host", "https:on:443:a", true },
		{ "https://A/?q", "$scheme:$http_host:$host", "https::c.example.com", false },
		{ "https://A/?q", "$remote_addr,$proxy_add_x_forwarded_for",
		  "203.0.113.7,203.0.113.7", true },
		{ "https://A/?q", "$http_x_a", "1, 2", true },
		{ "https://A/?q", "$http_x_forwarded_for", "", true },
	};
	static const struct nginx_header headers[] = { { { "X-A", 3 }, { "1", 1 } },
						       { { "x-b", 3 }, { "3", 1 } },
						       { { "x_a", 3 }, { "2", 1 } } };
	struct nginx_conf_options options = {
		.path = "-",
		.text = STR(
			"server { listen 443 ssl; server_name C.example.com; location / { root /; } }"),
	};
	AUTO(nginx_conf_free) struct nginx_conf *conf = NULL;
	struct err err = { 0 };

	if (!nginx_conf_read(&options, &conf, &err)) {
		OK(false, "%s", err.text);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(buf_release) struct buf made;
		struct nginx_request request;
		struct nginx_visit visit;

		OK(nginx_request_of_url(str_of(rows[i].url), &request, &err), "%s", rows[i].url);
		request.headers = headers;
		request.header_count = ARRAY_LEN(headers);
		if (!rows[i].has_host)
			request.host = STR_NONE;
		nginx_visit_start(&visit, conf, &request);
		nginx_visit_follow(&visit);
		IS_INT(visit.end, NGINX_FILES, "from files");
		buf_init(&made, NGINX_VALUE_BYTES_MAX);
		OK(nginx_value(&visit, str_of(rows[i].text), &made), "'%s' is known", rows[i].text);
		IS_STR(buf_str(&made), str_of(rows[i].want), "'%s'", rows[i].text);
		nginx_visit_release(&visit);
	}
}

static const char *const not_urls[] = { "",          "calls.example.com", "ftp://a/",   "http://",
					"http:///x", "http://a b/",       "http://a/\t" };

static const struct {
	const char *url, *host, *target;
	unsigned port;
} urls[] = {
	{ "http://a", "a", "/", 80 },
	{ "HTTP://a/b?c/d", "a", "/b?c/d", 80 },
	{ "https://a/", "a", "/", 443 },
	{ "HTTPS://a:8443/x", "a:8443", "/x", 8443 },
	{ "http://a:65535/", "a:65535", "/", 65535 },
	{ "http://[::1]/", "[::1]", "/", 80 },
	{ "http://[::1]:81/", "[::1]:81", "/", 81 },
	{ "http://a!/", "a!", "/", 80 },
};

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
	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		OK(nginx_request_of_url(str_of(urls[i].url), &request, &err), "%s", urls[i].url);
		IS_INT(request.port, urls[i].port, "%s: the port", urls[i].url);
		IS_STR(request.host, str_of(urls[i].host), "%s: Host", urls[i].url);
		IS_STR(request.target, str_of(urls[i].target), "%s: the target", urls[i].url);
	}
	IS_STR(request.method, STR("GET"), "how it is asked for");
	IS_STR(request.client, STR("203.0.113.7"), "by whom");
	OK(nginx_header_of_line(STR("X-A:  b: c "), &header, &err), "a header");
	IS_STR(header.name, STR("X-A"), "its name");
	IS_STR(header.value, STR("b: c"), "its value");
	OK(nginx_header_of_line(STR("x:"), &header, &err) && header.value.len == 0,
	   "a header without a value");
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
	test_answers();
	test_arrivals();
	test_variables();
	test_passed();
	test_requests();
	test_circle_of_variables();
	return tap_end();
}
