/*
 * What is read of nginx's configuration once, for all checks: which server requests come to, and the time limits of the way of
 * a play, each with the place that says it.
 */
#include "proxycheck/proxy_view.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/own.h"
#include "checked.h"

#include <sys/mman.h>
#include <unistd.h>

/* Line 2 is the upstream, 3 the server, 4 the location. */
#define CONF(upstream, server, location)                               \
	"events { } http {\n"                                          \
	"upstream callspool { server 127.0.0.1:8080; " upstream " }\n" \
	"server { listen 80; server_name calls.test; " server "\n"     \
	"location / { proxy_pass http://callspool; " location " } } }\n"
#define NO_KEEPALIVE "0 (nginx's own: without keepalive it keeps none)"
#define OWN(name)    "60000 (nginx's own, no " name ")"
#define OWN_CONNECT  OWN("proxy_connect_timeout")
#define OWN_SEND     OWN("proxy_send_timeout")
#define OWN_READ     OWN("proxy_read_timeout")

static char *path;

static void read_conf(const char *text, struct deployment *deployment)
{
	int fd = memfd_create("nginx.conf", MFD_CLOEXEC);
	struct err err;

	if (fd < 0 || !file_write_all(fd, text, strlen(text), &err))
		abort();
	path = xasprintf("/proc/self/fd/%d", fd);
	deployment->nginx_conf = path;
	(void)proxy_view_open(deployment);
	close(fd);
}

/* "5000 (CONF:4)"; "unknown". */
static char *told(const struct proxy_limit *limit)
{
	const char *const names[][2] = { { path, "CONF" }, { NULL, NULL } };
	AUTO(free) char *text = NULL;

	if (limit->ms == LIMIT_UNKNOWN)
		return xstrdup(limit->source ? "unknown, with a source" : "unknown");
	text = xasprintf("%lld (%s)", (long long)limit->ms, limit->source ? limit->source : "");
	return checked_plain(str_of(text), names);
}

static const struct {
	const char *name, *conf;
	const char *connect, *send, *read, *keepalive;
} cases[] = {
	{ "nothing is said", CONF("", "", ""), OWN_CONNECT, OWN_SEND, OWN_READ, NO_KEEPALIVE },
	{ "each in a block of its own",
	  CONF("keepalive 8; keepalive_timeout 50s;", "proxy_connect_timeout 5s;",
	       "proxy_send_timeout 1m; proxy_read_timeout 90;"),
	  "5000 (CONF:3)", "60000 (CONF:4)", "90000 (CONF:4)", "50000 (CONF:2)" },
	{ "connections are kept for as long as nginx does by itself", CONF("keepalive 8;", "", ""),
	  OWN_CONNECT, OWN_SEND, OWN_READ, "60000 (CONF:2)" },
	{ "a timeout of an upstream that keeps none", CONF("keepalive_timeout 50s;", "", ""),
	  OWN_CONNECT, OWN_SEND, OWN_READ, NO_KEEPALIVE },
	{ "no upstream",
	  "events { } http {\nserver { listen 80; location / { proxy_pass http://127.0.0.1:8080; "
	  "} } }",
	  OWN_CONNECT, OWN_SEND, OWN_READ, NO_KEEPALIVE },
	{ "what only nginx knows", CONF("", "proxy_read_timeout $t;", ""), OWN_CONNECT, OWN_SEND,
	  "unknown", NO_KEEPALIVE },
	{ "the shortest of the ways on which recordings are played",
	  CONF("", "proxy_read_timeout 90s;",
	       "} location /api/recordings/ { proxy_pass http://callspool; proxy_read_timeout 10s; "
	       "proxy_connect_timeout 70s; } location /l/ { proxy_pass http://callspool; "
	       "proxy_connect_timeout 2s; proxy_send_timeout 3s;"),
	  "2000 (CONF:4)", "3000 (CONF:4)", "10000 (CONF:4)", NO_KEEPALIVE },
	{ "that of a way that leads elsewhere is none of them",
	  CONF("", "",
	       "} location /api/recordings/ { proxy_pass http://other; proxy_read_timeout 10s;"),
	  OWN_CONNECT, OWN_SEND, OWN_READ, NO_KEEPALIVE },
	{ "plays are not passed on", CONF("", "return 404;", ""), "unknown", "unknown", "unknown",
	  "unknown" },
	{ "no configuration", "http {", "unknown", "unknown", "unknown", "unknown" },
};

static void is_told(const struct proxy_limit *limit, const char *want, const char *which,
		    const char *name)
{
	AUTO(free) char *text = told(limit);

	IS_STR(str_of(text), str_of(want), "%s: %s", name, which);
}

static void test_limits(void)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct deployment deployment = { .proxy = PROXY_LIMITS_UNKNOWN,
						 .places[PLACE_PUBLIC].url = "http://calls.test" };
		const struct proxy_limits *limits = &deployment.proxy;

		read_conf(cases[i].conf, &deployment);
		is_told(&limits->connect, cases[i].connect, "connect", cases[i].name);
		is_told(&limits->send, cases[i].send, "send", cases[i].name);
		is_told(&limits->read, cases[i].read, "read", cases[i].name);
		is_told(&limits->keepalive, cases[i].keepalive, "keepalive", cases[i].name);
		proxy_view_close(&deployment);
		is_told(&limits->connect, "unknown", "connect, forgotten", cases[i].name);
		is_told(&limits->send, "unknown", "send, forgotten", cases[i].name);
		is_told(&limits->read, "unknown", "read, forgotten", cases[i].name);
		is_told(&limits->keepalive, "unknown", "keepalive, forgotten", cases[i].name);
		free(path);
	}
}

/* What an option says stays, whatever the configuration says. */
static void test_options(void)
{
	struct deployment deployment = {
		.proxy = { { 1, "--connect" }, { 2, "--send" }, { 3, "--read" }, { 4, "--keep" } },
		.places[PLACE_PUBLIC].url = "http://calls.test",
	};
	const struct proxy_limits *limits = &deployment.proxy;

	read_conf(cases[1].conf, &deployment);
	is_told(&limits->connect, "1 (--connect)", "connect", "options");
	is_told(&limits->send, "2 (--send)", "send", "options");
	is_told(&limits->read, "3 (--read)", "read", "options");
	is_told(&limits->keepalive, "4 (--keep)", "keepalive", "options");
	proxy_view_close(&deployment);
	is_told(&limits->connect, "1 (--connect)", "connect, which stays", "options");
	is_told(&limits->send, "2 (--send)", "send, which stays", "options");
	is_told(&limits->read, "3 (--read)", "read, which stays", "options");
	is_told(&limits->keepalive, "4 (--keep)", "keepalive, which stays", "options");
	free(path);
}

/* ---- which server */

#define SERVER(listen, name) \
	"server { listen " listen "; server_name " name "; location / { proxy_pass http://b; } }\n"
#define FILES(listen, name) \
	"server { listen " listen "; server_name " name "; location / { root /srv; } }\n"
#define TO_TLS(listen)                                                                    \
	"server { listen " listen "; if ($http_x_forwarded_proto != https) { return 301 " \
	"https://$host$request_uri; } location / { proxy_pass http://b; } }\n"
#define HTTP(servers) "events { } http {\n" servers "}\n"

static const struct {
	const char *name, *conf, *url, *host;
	bool is_https, is_guess, is_behind, is_proxied, is_forwarded;
} servers[] = {
	{ "the one of the name", HTTP(FILES("80", "a.test") SERVER("80", "calls.test")),
	  "http://calls.test", "calls.test", false, false, false, true, false },
	{ "another has it", HTTP(SERVER("80", "a.test") FILES("80", "calls.test")),
	  "http://calls.test", "calls.test", false, false, false, false, false },
	{ "by its port", HTTP(FILES("80", "calls.test") SERVER("8443 ssl", "calls.test")),
	  "https://calls.test:8443", "calls.test:8443", true, false, false, true, false },
	{ "nothing listens for it: the first that passes plays on",
	  HTTP(FILES("80", "a.test") SERVER("81", "b.test")), "https://calls.test", "calls.test",
	  true, false, true, true, true },
	{ "nothing listens for it, and none passes them on", HTTP(FILES("80", "a.test")),
	  "https://calls.test", "calls.test", true, false, true, false, true },
	{ "nothing listens for it, and who came without TLS is sent elsewhere",
	  HTTP(FILES("80", "a.test") TO_TLS("81")), "https://calls.test", "calls.test", true, false,
	  true, true, true },
	{ "it listens for it, and TLS ends before it", HTTP(TO_TLS("443")), "https://calls.test",
	  "calls.test", true, false, false, true, true },
	{ "nothing listens for it, and what does has TLS of its own",
	  HTTP(SERVER("8443 ssl", "b.test")), "https://calls.test", "calls.test", true, false, true,
	  true, false },
	{ "nobody set an address: the name of the first that passes plays on",
	  HTTP(FILES("80", "a.test") SERVER("81", "b.test")), NULL, "b.test", false, true, false,
	  true, false },
	{ "nobody did, and it listens with TLS", HTTP(SERVER("443 ssl", "b.test")), NULL, "b.test",
	  true, true, false, true, false },
	{ "nobody did, and it has no name", HTTP(SERVER("80", "_")), NULL, "calls.example.com",
	  false, true, false, true, false },
	{ "nobody did, and its name is an expression", HTTP(SERVER("80", "~^b")), NULL,
	  "calls.example.com", false, true, false, true, false },
	{ "nobody did, and its name has a star", HTTP(SERVER("80", "*.b.test")), NULL,
	  "calls.example.com", false, true, false, true, false },
};

static void test_servers(void)
{
	for (size_t i = 0; i < ARRAY_LEN(servers); i++) {
		struct deployment deployment = { .proxy = PROXY_LIMITS_UNKNOWN,
						 .places[PLACE_PUBLIC].url = servers[i].url };
		const struct proxy_view *view;

		read_conf(servers[i].conf, &deployment);
		view = proxy_view_open(&deployment);
		IS_INT(view->state, PROXY_VIEW_READ, "%s: it is read", servers[i].name);
		IS_STR(str_of(view->host), str_of(servers[i].host), "%s: for that name",
		       servers[i].name);
		IS_INT(view->is_https, servers[i].is_https, "%s: by https", servers[i].name);
		IS_INT(view->is_guess, servers[i].is_guess, "%s: guessed", servers[i].name);
		IS_INT(view->is_behind, servers[i].is_behind, "%s: behind another",
		       servers[i].name);
		IS_INT(view->ways[WAY_PLAY].is_proxied, servers[i].is_proxied,
		       "%s: a play is passed on", servers[i].name);
		IS_STR(nginx_request_header(&view->ways[WAY_PLAY].request,
					    STR("X-Forwarded-Proto")),
		       servers[i].is_forwarded ? STR("https") : STR(""), "%s: TLS ends before it",
		       servers[i].name);
		for (int kind = 0; kind < PROXY_WAYS; kind++)
			IS_INT(proxy_way_is_ours(view, (enum proxy_way_kind)kind),
			       servers[i].is_proxied, "%s: %s goes where a play goes",
			       servers[i].name, view->ways[kind].name);
		proxy_view_close(&deployment);
		OK(!deployment.proxy_view, "%s: nothing is left", servers[i].name);
		free(path);
	}
}

int main(void)
{
	test_limits();
	test_options();
	test_servers();
	return tap_end();
}
