#include "access/cookie.h"

#include "api/forwarded.h"
#include "api/web.h"
#include "auth/auth.h"
#include "http/http_parse.h"
#include "tap.h"

static const char *const proxies[] = { "10.0.0.7", NULL };

static void test_finding(void)
{
	static const struct {
		const char *header, *name, *value; /* NULL: none */
	} cases[] = {
		{ "callspool=abc", "callspool", "abc" },
		{ "a=1; callspool=abc; b=2", "callspool", "abc" },
		{ "a=1;callspool=abc", "callspool", "abc" },
		{ "callspool=abc; callspool=other", "callspool", "abc" },
		{ "callspool=", "callspool", "" },
		{ "callspool=a=b", "callspool", "a=b" },
		{ "callspool-device=x", "callspool", NULL },
		{ "xcallspool=x", "callspool", NULL },
		{ "__Host-callspool=x", "callspool", NULL },
		{ "Callspool=x", "callspool", NULL },
		{ "callspool", "callspool", NULL },
		{ "\t callspool=abc \t", "callspool", "abc" },
		{ "a ; \t callspool=abc \t; b", "callspool", "abc" },
		{ "callspool=abc;", "callspool", "abc" },
		{ "callspool= a b ", "callspool", " a b" },
		{ "callspool= \t ;b", "callspool", "" },
		{ "callspool ;=abc", "callspool", NULL },
		{ "a;callspool=b", "a;callspool", NULL },
		{ "callspool \t", "callspool", NULL },
		{ " \t", "callspool", NULL },
		{ ";;; ;", "callspool", NULL },
		{ "", "callspool", NULL },
		{ "a=\"callspool=x\"", "callspool", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct str found = cookie_find(str_of(cases[i].header), str_of(cases[i].name));

		OK((found.at != NULL) == (cases[i].value != NULL), "'%s' %s", cases[i].header,
		   cases[i].value ? "has it" : "has none");
		if (cases[i].value)
			IS_STR(found, str_of(cases[i].value), "its value");
	}
}

struct connection {
	const char *name, *peer, *host, *lines, *public_url;
	bool insecure;
	bool is_over_tls, may_sign_in;
};

static const struct connection connections[] = {
	{ "public_url is https", "203.0.113.9", "h", "", "https://h", false, true, true },
	{ "public_url is http", "203.0.113.9", "h", "", "http://h", false, false, false },
	{ "a stranger says TLS", "203.0.113.9", "h", "X-Forwarded-Proto: https\r\n", NULL, false,
	  false, false },
	{ "a trusted proxy says TLS", "10.0.0.7", "h", "X-Forwarded-Proto: https\r\n", NULL, false,
	  true, true },
	{ "a browser on this machine", "127.0.0.1", "localhost:8080", "", NULL, false, false,
	  true },
	{ "the same by IPv6", "::1", "[::1]:8080", "", NULL, false, false, true },
	{ "this machine by another name", "127.0.0.1", "calls.example.com", "", NULL, false, false,
	  false },
	{ "another machine that says localhost", "203.0.113.9", "localhost", "", NULL, false, false,
	  false },
	{ "a trusted proxy that passes on localhost", "10.0.0.7", "localhost:8080", "", NULL, false,
	  false, true },
	{ "insecure_http", "203.0.113.9", "h", "", NULL, true, false, true },
};

static void make_request(struct exchange *x, const struct connection *connection)
{
	static char text[1024];
	struct http_parse parse;
	struct buf head;

	*x = (struct exchange){ .server = x->server };
	str_fit(str_of(connection->peer), x->peer, sizeof(x->peer));
	x->is_trusted = forwarded_trusts(x);
	buf_over(&head, text, sizeof(text));
	buf_addf(&head,
		 "GET / HTTP/1.1\r\nHost: %s\r\n%sCookie: callspool=plain; "
		 "__Host-callspool=host; callspool-link=plain; __Secure-callspool-link=secure; "
		 "__Host-callspool-link=host\r\n\r\n",
		 connection->host, connection->lines);
	http_parse_start(&parse, &x->request);
	IS_INT(http_parse_head(&parse, &x->request, text, head.len), HTTP_PARSE_DONE, "a request");
}

static void test_connections(void)
{
	struct auth auth = { .options = { .mode = AUTH_PASSWORD } };
	struct web web = { .options = { .trusted_proxies = proxies }, .auth = &auth };
	struct web_local local = { .web = &web };
	struct http_server server = { .local = &local.local };
	struct exchange x = { .server = &server };

	for (size_t i = 0; i < ARRAY_LEN(connections); i++) {
		const struct connection *connection = &connections[i];
		bool tls = connection->is_over_tls;

		web.options.public_url = connection->public_url;
		auth.options.insecure_http = connection->insecure ? AUTH_ON : AUTH_OFF;
		make_request(&x, connection);
		OK(forwarded_is_over_tls(&x) == tls, "over TLS or not: %s", connection->name);
		OK(cookie_may_sign_in(&x) == connection->may_sign_in, "may they sign in: %s",
		   connection->name);
		IS_STR(cookie_of(&x, COOKIE_SESSION), tls ? STR("host") : STR("plain"),
		       "the one name that counts: %s", connection->name);
		IS_STR(cookie_of(&x, COOKIE_LINK), tls ? STR("secure") : STR("plain"),
		       "and of a link: %s", connection->name);
	}
}

int main(void)
{
	test_finding();
	test_connections();
	return tap_end();
}
