#include "api/forwarded.h"
#include "api/web.h"
#include "http/http_parse.h"
#include "tap.h"

static const char *const proxies[] = { "127.0.0.1", "10.0.0.0/8", "fd00::/8", NULL };

/* A request with these header lines, as it comes from `peer`. */
static void make_request(struct exchange *x, const char *peer, const char *const lines[4])
{
	static char text[1024];
	struct http_parse parse;
	struct buf head;

	*x = (struct exchange){ .server = x->server };
	str_fit(str_of(peer), x->peer, sizeof(x->peer));
	x->is_trusted = forwarded_trusts(x);
	buf_over(&head, text, sizeof(text));
	buf_add_text(&head, "GET / HTTP/1.1\r\nHost: h\r\n");
	for (size_t i = 0; i < 4 && lines[i]; i++)
		buf_addf(&head, "%s\r\n", lines[i]);
	buf_add_text(&head, "\r\n");
	http_parse_start(&parse, &x->request);
	IS_INT(http_parse_head(&parse, &x->request, text, head.len), HTTP_PARSE_DONE, "a request");
}

#define FOR   "X-Forwarded-For: "
#define PROTO "X-Forwarded-Proto: "
#define NAMED "X-Forwarded-Host: "

static void check_clients(struct exchange *x)
{
	static const struct {
		const char *name, *peer, *lines[4], *client;
	} cases[] = {
		{ "no proxy", "203.0.113.9", { NULL }, "203.0.113.9" },
		{ "a stranger's word", "203.0.113.9", { FOR "192.0.2.1" }, "203.0.113.9" },
		{ "a proxy that says nothing", "127.0.0.1", { NULL }, "127.0.0.1" },
		{ "a proxy's word", "127.0.0.1", { FOR "192.0.2.1" }, "192.0.2.1" },
		{ "appended to what the client wrote",
		  "127.0.0.1",
		  { FOR "198.51.100.1, 192.0.2.1" },
		  "192.0.2.1" },
		{ "a line of the proxy's own behind the client's",
		  "127.0.0.1",
		  { FOR "198.51.100.1", FOR "192.0.2.1" },
		  "192.0.2.1" },
		{ "other headers between the lines",
		  "127.0.0.1",
		  { FOR "198.51.100.1", "Via: 1.1 a", "x-forwarded-for: 192.0.2.1", "Via: 1.1 b" },
		  "192.0.2.1" },
		{ "two proxies", "127.0.0.1", { FOR "192.0.2.1, 10.0.0.7" }, "192.0.2.1" },
		{ "two proxies, a line each",
		  "127.0.0.1",
		  { FOR "192.0.2.1", FOR "10.0.0.7" },
		  "192.0.2.1" },
		{ "two proxies behind what the client wrote",
		  "127.0.0.1",
		  { FOR "10.0.0.9, 198.51.100.1", FOR "192.0.2.1", FOR "10.0.0.7" },
		  "192.0.2.1" },
		{ "proxies alone: the first of them",
		  "127.0.0.1",
		  { FOR "10.0.0.9, 10.0.0.7" },
		  "10.0.0.9" },
		{ "with ports",
		  "127.0.0.1",
		  { FOR "192.0.2.1:50000, 10.0.0.7:1234" },
		  "192.0.2.1" },
		{ "IPv6", "127.0.0.1", { FOR "2001:db8::1, fd00::7" }, "2001:db8::1" },
		{ "IPv6 with ports",
		  "127.0.0.1",
		  { FOR "[2001:db8::1]:50000, [fd00::7]:1" },
		  "2001:db8::1" },
		{ "empty elements", "127.0.0.1", { FOR "192.0.2.1, ,", FOR "" }, "192.0.2.1" },
		{ "no address", "127.0.0.1", { FOR "192.0.2.1, unknown" }, "127.0.0.1" },
		{ "no address behind a proxy", "127.0.0.1", { FOR "a, 10.0.0.7" }, "10.0.0.7" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		make_request(x, cases[i].peer, cases[i].lines);
		IS_STR(forwarded_client(x), str_of(cases[i].client), "the client: %s",
		       cases[i].name);
	}
	make_request(x, "", (const char *const[4]){ FOR "192.0.2.1" });
	x->over_unix = true;
	IS_STR(forwarded_client(x), STR(""), "the client: over a Unix socket that is not trusted");
	x->over_admin = true;
	x->is_trusted = forwarded_trusts(x);
	IS_STR(forwarded_client(x), STR("192.0.2.1"),
	       "the client: over the administrator's socket");
}

static void check_origins(struct exchange *x)
{
	static const struct {
		const char *name, *peer, *lines[4], *origin;
	} cases[] = {
		{ "no proxy", "203.0.113.9", { NULL }, "http://h" },
		{ "a stranger's word", "203.0.113.9", { PROTO "https", NAMED "a" }, "http://h" },
		{ "a proxy's word", "127.0.0.1", { PROTO "https", NAMED "a" }, "https://a" },
		{ "lines of the proxy's own behind the client's",
		  "127.0.0.1",
		  { PROTO "https", NAMED "evil", PROTO "http", NAMED "a" },
		  "http://a" },
		{ "appended to what the client wrote",
		  "127.0.0.1",
		  { NAMED "evil, a" },
		  "http://a" },
		{ "two proxies, both of which append",
		  "127.0.0.1",
		  { FOR "192.0.2.1, 10.0.0.7", PROTO "https", NAMED "evil, a", NAMED "inner" },
		  "https://a" },
		{ "two proxies, of which the first alone says it",
		  "127.0.0.1",
		  { FOR "192.0.2.1, 10.0.0.7", PROTO "https", NAMED "a" },
		  "https://a" },
	};
	char text[100];
	struct buf origin;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		make_request(x, cases[i].peer, cases[i].lines);
		buf_over(&origin, text, sizeof(text));
		forwarded_add_origin(x, &origin);
		IS_STR(buf_str(&origin), str_of(cases[i].origin), "the origin: %s", cases[i].name);
	}
}

/* What an operator settled, or else the proxy said: over TLS or not, and where links lead. */
static void check_settled(struct exchange *x, struct web *web)
{
	static const struct {
		const char *name, *public_url, *peer, *lines[4];
		bool is_tls;
		const char *link; /* NULL: none can be given */
	} cases[] = {
		{ "settled with TLS",
		  "https://c.example.com",
		  "127.0.0.1",
		  { NULL },
		  true,
		  "https://c.example.com" },
		{ "settled without",
		  "http://c.example.com",
		  "127.0.0.1",
		  { NULL },
		  false,
		  "http://c.example.com" },
		{ "settled without, whatever a proxy says",
		  "http://c",
		  "127.0.0.1",
		  { PROTO "https" },
		  false,
		  "http://c" },
		{ "not settled, and a proxy's word",
		  NULL,
		  "127.0.0.1",
		  { PROTO "HTTPS", NAMED "a" },
		  true,
		  NULL },
		{ "not settled, and a stranger's",
		  NULL,
		  "203.0.113.9",
		  { PROTO "https", NAMED "a" },
		  false,
		  NULL },
		{ "not settled, and on this machine",
		  NULL,
		  "127.0.0.1",
		  { NAMED "localhost:8080" },
		  false,
		  "http://localhost:8080" },
	};
	char text[100];
	struct buf link;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		web->options.public_url = cases[i].public_url;
		make_request(x, cases[i].peer, cases[i].lines);
		IS_INT(forwarded_is_over_tls(x), cases[i].is_tls, "%s: over TLS", cases[i].name);
		buf_over(&link, text, sizeof(text));
		OK(forwarded_add_link_origin(x, &link) == (cases[i].link != NULL),
		   "%s: a link can be given", cases[i].name);
		IS_STR(buf_str(&link), str_of(cases[i].link ? cases[i].link : ""),
		       "%s: where it leads", cases[i].name);
	}
	web->options.public_url = NULL;
}

/* Who came over a Unix socket is trusted where that was settled. */
static void check_trust(struct exchange *x, struct web *web)
{
	static const char *const with_unix[] = { "10.0.0.0/8", FORWARDED_UNIX, NULL };
	const char *const *before = web->options.trusted_proxies;

	*x = (struct exchange){ .server = x->server, .over_unix = true };
	OK(!forwarded_trusts(x), "a Unix socket that nobody named");
	web->options.trusted_proxies = with_unix;
	OK(forwarded_trusts(x), "one that was");
	x->over_unix = false;
	OK(!forwarded_trusts(x), "which says nothing of others");
	str_fit(STR("10.1.2.3"), x->peer, sizeof(x->peer));
	OK(forwarded_trusts(x), "a proxy's address");
	web->options.trusted_proxies = NULL;
	OK(!forwarded_trusts(x), "where none is");
	x->over_admin = true;
	OK(forwarded_trusts(x), "the administrator's socket");
	web->options.trusted_proxies = before;
	x->over_admin = false;
}

int main(void)
{
	struct web web = { .options = { .trusted_proxies = proxies } };
	struct web_local local = { .web = &web };
	struct http_server server = { .local = &local.local };
	struct exchange x = { .server = &server };

	check_clients(&x);
	check_origins(&x);
	check_settled(&x, &web);
	check_trust(&x, &web);
	return tap_end();
}
