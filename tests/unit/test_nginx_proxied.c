/* What nginx sends to a back end: each row was put to nginx 1.22; and the addresses of back ends. */
#include "nginx/nginx_proxied.h"

#include "base/own.h"
#include "nginx/nginx_request.h"
#include "nginx/nginx_upstream.h"
#include "nginx/nginx_visit.h"
#include "tap.h"

/* What is in http { }, what is asked, and all that is sent: version, target, headers. */
#define TO_B(inside) "server { location / { " inside " proxy_pass http://b; } }"
static const struct {
	const char *name, *http, *url, *header, *sent;
} rows[] = {
	{ "its habits", TO_B(""), "http://a:80/x?y", NULL, "1.0 /x?y|Host: b|Connection: close" },
	{ "the client's own header", TO_B(""), "http://a/", "Range: bytes=0-1",
	  "1.0 /|Host: b|Connection: close|Range: bytes=0-1" },
	{ "but for TE", TO_B(""), "http://a/", "te: trailers", "1.0 /|Host: b|Connection: close" },
	{ "but for Keep-Alive", TO_B(""), "http://a/", "Keep-Alive: 5",
	  "1.0 /|Host: b|Connection: close" },
	{ "but for Upgrade", TO_B(""), "http://a/", "Upgrade: websocket",
	  "1.0 /|Host: b|Connection: close" },
	{ "of another version", TO_B("proxy_http_version 1.1;"), "http://a/", NULL,
	  "1.1 /|Host: b|Connection: close" },
	{ "Connection may be nothing",
	  TO_B("proxy_http_version 1.1; proxy_set_header Connection '';"), "http://a/", NULL,
	  "1.1 /|Host: b" },
	{ "Upgrade may be the client's", TO_B("proxy_set_header Upgrade $http_upgrade;"),
	  "http://a/", "Upgrade: websocket", "1.0 /|Upgrade: websocket|Host: b|Connection: close" },
	{ "Host as it came", TO_B("proxy_set_header host $http_host;"), "http://A:80/", NULL,
	  "1.0 /|host: A:80|Connection: close" },
	{ "what is set hides the client's", TO_B("proxy_set_header X-A 1;"), "http://a/", "x-a: 2",
	  "1.0 /|X-A: 1|Host: b|Connection: close" },
	{ "though it is empty", TO_B("proxy_set_header X-A '';"), "http://a/", "x-a: 2",
	  "1.0 /|Host: b|Connection: close" },
	{ "what is set twice is sent twice",
	  TO_B("proxy_set_header X-A 1; proxy_set_header X-A 2;"), "http://a/", NULL,
	  "1.0 /|X-A: 1|X-A: 2|Host: b|Connection: close" },
	{ "what the server sets",
	  "server { proxy_set_header X-A 1; location / { proxy_pass http://b; } }", "http://a/",
	  NULL, "1.0 /|X-A: 1|Host: b|Connection: close" },
	{ "what the location sets instead",
	  "server { proxy_set_header X-A 1; location / { proxy_set_header X-B 2; proxy_pass http://b; } }",
	  "http://a/", NULL, "1.0 /|X-B: 2|Host: b|Connection: close" },
	{ "none of the client's", TO_B("proxy_pass_request_headers off;"), "http://a/", "Accept: x",
	  "1.0 /|Host: b|Connection: close" },
	{ "an answer that is cached is asked for whole", TO_B("proxy_cache z;"), "http://a/",
	  "Range: bytes=0-1", "1.0 /|Host: b|Connection: close" },
	{ "and without a condition", TO_B("proxy_cache z;"), "http://a/", "If-None-Match: \"a\"",
	  "1.0 /|Host: b|Connection: close" },
	{ "other headers go with it", TO_B("proxy_cache z;"), "http://a/", "Accept: x",
	  "1.0 /|Host: b|Connection: close|Accept: x" },
	{ "one that is not cached", TO_B("proxy_cache off;"), "http://a/", "If-Range: \"a\"",
	  "1.0 /|Host: b|Connection: close|If-Range: \"a\"" },
	{ "the address of the back end",
	  "server { location / { proxy_pass http://127.0.0.1:9000; } }", "http://a/", NULL,
	  "1.0 /|Host: 127.0.0.1:9000|Connection: close" },
	{ "the target as it came", TO_B(""), "http://a//x/../%41?", NULL,
	  "1.0 //x/../%41?|Host: b|Connection: close" },
	{ "a path in its place", "server { location /d { proxy_pass http://b/y; } }",
	  "http://a/d/e?q", NULL, "1.0 /y/e?q|Host: b|Connection: close" },
	{ "of the very path", "server { location = /d { proxy_pass http://b/z; } }", "http://a/d?q",
	  NULL, "1.0 /z?q|Host: b|Connection: close" },
	{ "a path that was quoted", "server { location /d/ { proxy_pass http://b/; } }",
	  "http://a/d/a%20b%41", NULL, "1.0 /a%20bA|Host: b|Connection: close" },
	{ "a path that was not", "server { location /d/ { proxy_pass http://b/; } }",
	  "http://a/d/\"e\"", NULL, "1.0 /\"e\"|Host: b|Connection: close" },
	{ "an expression", "server { location ~ ^/d { proxy_pass http://b; } }", "http://a/d/%41?q",
	  NULL, "1.0 /d/%41?q|Host: b|Connection: close" },
	{ "a name",
	  "server { location / { try_files x @b; } location @b { proxy_pass http://b; } }",
	  "http://a/d/%41?q", NULL, "1.0 /d/%41?q|Host: b|Connection: close" },
	{ "a path of variables", "server { location / { proxy_pass http://b/y$uri; } }",
	  "http://a/d?q", NULL, "1.0 /y/d|Host: b|Connection: close" },
	{ "arguments of variables", "server { location / { set $v ?n=1; proxy_pass http://b$v; } }",
	  "http://a/d?q", NULL, "1.0 /?n=1|Host: b|Connection: close" },
	{ "a host of variables", "server { location / { set $v b; proxy_pass http://$v; } }",
	  "http://a/d?q", NULL, "1.0 /d?q|Host: b|Connection: close" },
	{ "a rewrite", "server { rewrite ^/d(.*) /e$1; location / { proxy_pass http://b; } }",
	  "http://a/d/%41%20?q", NULL, "1.0 /e/A%20?q|Host: b|Connection: close" },
	{ "a rewrite, and break",
	  "server { location /d { rewrite ^/d(.*) /e$1 break; proxy_pass http://b/y; } }",
	  "http://a/d/x", NULL, "1.0 /e/x|Host: b|Connection: close" },
	{ "a rewrite, and a break behind it",
	  "server { location /d { rewrite ^/d(.*) /e$1; break; proxy_pass http://b/y; } }",
	  "http://a/d/x", NULL, "1.0 /e/x|Host: b|Connection: close" },
	{ "a break alone", "server { location /d { break; proxy_pass http://b/y; } }",
	  "http://a/d/x", NULL, "1.0 /y/x|Host: b|Connection: close" },
	{ "an if with a handler of its own",
	  "server { location / { if ($arg_q) { proxy_pass http://127.0.0.1:9000; } proxy_pass http://b; } }",
	  "http://a/?q=1", NULL, "1.0 /?q=1|Host: 127.0.0.1:9000|Connection: close" },
	{ "an if without",
	  "server { location / { if ($arg_q) { set $v 1; } proxy_pass http://b; } }",
	  "http://a/?q=1", NULL, "1.0 /?q=1|Host: b|Connection: close" },
	{ "a header's value of several words",
	  TO_B("proxy_set_header X '$scheme $server_port $arg_q';"), "http://a/?q=1", NULL,
	  "1.0 /?q=1|X: http 80 1|Host: b|Connection: close" },
	{ "$proxy_host", TO_B("proxy_set_header X $proxy_host;"), "http://a/", NULL,
	  "1.0 /|X: b|Host: b|Connection: close" },
};

static void add_sent(const struct nginx_proxied *proxied, struct buf *out)
{
	buf_add_str(out, proxied->version);
	buf_add_byte(out, ' ');
	buf_add_str(out, buf_str(&proxied->target));
	for (size_t i = 0; i < proxied->sent_count; i++)
		buf_addf(out, "|%.*s: %s", STR_ARG(proxied->sent[i].name), proxied->sent[i].value);
}

static void test_sent(void)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct nginx_conf_options options = { .path = "-", .text = str_of(rows[i].http) };
		AUTO(nginx_conf_free) struct nginx_conf *conf = NULL;
		AUTO(buf_release) struct buf sent;
		struct nginx_header header;
		struct nginx_request request;
		struct nginx_visit visit;
		struct nginx_proxied proxied;
		struct err err = { 0 };

		buf_init(&sent, 4096);
		if (!nginx_conf_read(&options, &conf, &err) ||
		    !nginx_request_of_url(str_of(rows[i].url), &request, &err) ||
		    (rows[i].header &&
		     !nginx_header_of_line(str_of(rows[i].header), &header, &err))) {
			OK(false, "%s: %s", rows[i].name, err.text);
			continue;
		}
		request.headers = &header;
		request.header_count = rows[i].header ? 1 : 0;
		nginx_visit_start(&visit, conf, &request);
		nginx_visit_follow(&visit);
		IS_INT(visit.end, NGINX_PROXIED, "%s: it is passed on", rows[i].name);
		OK(nginx_proxied_start(&proxied, &visit) && proxied.is_known &&
			   proxied.target_is_known,
		   "%s: to somebody", rows[i].name);
		add_sent(&proxied, &sent);
		IS_STR(buf_str(&sent), str_of(rows[i].sent), "%s", rows[i].name);
		for (size_t k = 0; k < proxied.sent_count; k++)
			OK(proxied.sent[k].is_known &&
				   proxied.sent[k].is_clients ==
					   (rows[i].header && !proxied.sent[k].by &&
					    str_eq(proxied.sent[k].name, header.name)),
			   "%s: whose header %zu is", rows[i].name, k);
		nginx_proxied_release(&proxied);
		nginx_visit_release(&visit);
	}
}

/* Of nginx 1.29.7 and later: by itself HTTP/1.1, and no Connection. */
static void test_later(void)
{
	struct nginx_conf_options options = {
		.path = "-",
		.text = STR(
			"server { location / { proxy_set_header X 1; proxy_set_header X $nobody_knows;"
			" proxy_set_header x 3; proxy_pass http://b; } }"),
	};
	AUTO(nginx_conf_free) struct nginx_conf *conf = NULL;
	const struct nginx_sent *x;
	struct nginx_request request;
	struct nginx_visit visit;
	struct nginx_proxied proxied;
	struct err err = { 0 };

	if (!nginx_conf_read(&options, &conf, &err) ||
	    !nginx_request_of_url(STR("http://a/"), &request, &err)) {
		OK(false, "%s", err.text);
		return;
	}
	nginx_visit_start(&visit, conf, &request);
	nginx_visit_follow(&visit);
	OK(!nginx_keeps_by_itself(&visit), "nobody knows the version: an older one");
	OK(nginx_proxied_start(&proxied, &visit), "it is passed on");
	x = nginx_sent_find(&proxied, NULL, STR("x"));
	OK(x && x->is_known && x->by, "the first of a name");
	x = x ? nginx_sent_find(&proxied, x, STR("X")) : NULL;
	OK(x && !x->is_known, "the second, which nobody knows");
	IS_STR(str_of(x ? x->value : ""), STR("$nobody_knows"), "is told as it is written");
	x = x ? nginx_sent_find(&proxied, x, STR("X")) : NULL;
	IS_STR(str_of(x ? x->value : ""), STR("3"), "the third");
	OK(x && !nginx_sent_find(&proxied, x, STR("X")), "and no more");
	nginx_proxied_release(&proxied);
	nginx_visit_release(&visit);
}

static const struct {
	const char *address, *host, *uri,
		*name; /* host NULL: it is none; uri NULL: nothing is behind it */
	unsigned port;
	bool is_tls, is_name, is_upstream;
} targets[] = {
	{ "http://b", "b", NULL, "b", 80, false, true, true },
	{ "HTTP://B/", "B", "/", "B", 80, false, true, true },
	{ "https://c/x?y", "c", "/x?y", "c", 443, true, true, false },
	{ "HTTPS://c:8443", "c:8443", NULL, "c", 8443, true, true, false },
	{ "http://c:65535/", "c:65535", "/", "c", 65535, false, true, false },
	{ "http://c:65536/", "c:65536", "/", "c", 80, false, true, false },
	{ "http://c:x/", "c:x", "/", "c", 80, false, true, false },
	{ "http://10.0.0.1:9", "10.0.0.1:9", NULL, "10.0.0.1", 9, false, false, false },
	{ "http://[::1]:9/", "[::1]:9", "/", "[::1]", 9, false, false, false },
	{ "http://[::1]", "[::1]", NULL, "[::1]", 80, false, false, false },
	{ "http://localhost:9", "localhost:9", NULL, "localhost", 9, false, false, false },
	{ "http://LocalHost", "LocalHost", NULL, "LocalHost", 80, false, false, false },
	{ "http://unix:/run/x:/y", "unix:/run/x", "/y", "unix:/run/x", 80, false, false, false },
	{ "http://unix:/run/x", "unix:/run/x", NULL, "unix:/run/x", 80, false, false, false },
	{ "https://unix:/run/x:", "unix:/run/x", "", "unix:/run/x", 443, true, false, false },
	{ "b", NULL, NULL, NULL, 0, false, false, false },
	{ "ftp://b", NULL, NULL, NULL, 0, false, false, false },
};

static void test_targets(void)
{
	struct nginx_conf_options options = {
		.path = "-", .text = STR("upstream a { server x; } upstream b { server y; }")
	};
	AUTO(nginx_conf_free) struct nginx_conf *conf = NULL;
	struct err err = { 0 };

	if (!nginx_conf_read(&options, &conf, &err)) {
		OK(false, "%s", err.text);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
		const char *address = targets[i].address;
		struct nginx_target target = { .host = STR("before") };
		bool is_read = nginx_target_read(nginx_http(conf), str_of(address), &target);

		OK(is_read == (targets[i].host != NULL), "%s: is read or refused", address);
		if (!is_read || !targets[i].host) {
			IS_STR(target.host, STR("before"), "%s: nothing is told of it", address);
			continue;
		}
		IS_STR(target.host, str_of(targets[i].host), "%s: its host", address);
		OK((target.uri.at != NULL) == (targets[i].uri != NULL), "%s: something behind it",
		   address);
		IS_STR(target.uri, str_of(targets[i].uri), "%s: what stands there", address);
		IS_STR(nginx_without_port(target.host), str_of(targets[i].name),
		       "%s: without a port", address);
		IS_INT(nginx_target_port(&target), targets[i].port, "%s: its port", address);
		IS_INT(target.is_tls, targets[i].is_tls, "%s: over TLS", address);
		IS_INT(nginx_is_name(target.host), targets[i].is_name, "%s: a name", address);
		OK((target.upstream != NULL) == targets[i].is_upstream, "%s: a block of its own",
		   address);
	}
	struct nginx_target target;

	OK(nginx_target_read(NULL, STR("http://b"), &target) && !target.upstream,
	   "no block where there are none");
}

int main(void)
{
	test_sent();
	test_later();
	test_targets();
	return tap_end();
}
