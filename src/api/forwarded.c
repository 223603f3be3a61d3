#include "api/forwarded.h"

#include "api/web.h"
#include "api/web_host.h"
#include "base/network.h"

#include <string.h>

static bool is_proxy(const struct exchange *x, struct str address)
{
	const char *const *networks = web_local_of(x)->web->options.trusted_proxies;

	for (; networks && *networks; networks++)
		if (network_holds(str_of(*networks), address))
			return true;
	return false;
}

static bool trusts_unix(const struct exchange *x)
{
	const char *const *networks = web_local_of(x)->web->options.trusted_proxies;

	for (; networks && *networks; networks++)
		if (strcmp(*networks, FORWARDED_UNIX) == 0)
			return true;
	return false;
}

bool forwarded_trusts(const struct exchange *x)
{
	return x->over_admin || (x->over_unix && trusts_unix(x)) || is_proxy(x, str_of(x->peer));
}

/*
 * The elements of a list header, from the last to the first.  A header that comes in several lines is one
 * list, its lines in order (RFC 9110, 5.2): some proxies append to the line that is there, others add a
 * line of their own behind it.
 */
struct elements {
	const struct http_request *request;
	struct str name;
	uint32_t lines_left;
	struct str line; /* what is left of the line that is read */
};

static struct elements elements_of(const struct exchange *x, struct str name)
{
	return (struct elements){ &x->request, name, x->request.header_count, STR("") };
}

static struct str cut_last(struct str *line)
{
	size_t comma = line->len;
	struct str last;

	while (comma > 0 && line->at[comma - 1] != ',')
		comma--;
	last = str_trim(str_after(*line, comma));
	*line = str_first(*line, comma > 0 ? comma - 1 : 0);
	return last;
}

/* Empty elements count as not there (RFC 9110, 5.6.1); at == NULL behind the first. */
static struct str previous(struct elements *list)
{
	struct str element;

	while (true) {
		while (list->line.len > 0) {
			element = cut_last(&list->line);
			if (element.len > 0)
				return element;
		}
		if (list->lines_left == 0)
			return STR_NONE;
		list->lines_left--;
		if (str_eq_nocase(list->request->headers[list->lines_left].name, list->name))
			list->line = list->request->headers[list->lines_left].value;
	}
}

/* Some proxies write the port, too: "192.0.2.1:50000", "[2001:db8::1]:50000". */
static struct str without_port(struct str node)
{
	size_t colon = str_find(node, ':');

	if (node.len > 0 && node.at[0] == '[')
		return str_after(str_first(node, str_find(node, ']')), 1);
	if (str_find(str_after(node, colon + 1), ':') + colon + 1 < node.len)
		return node; /* a bare IPv6 address */
	return str_first(node, colon);
}

/*
 * Each proxy appends the address that it was called from, so that the last element is the word of the
 * other end.  Read from there: what a trusted proxy wrote is believed, and when it is the address
 * of another trusted proxy, so is the element before.  *out_hops: how many proxies were passed that way.
 */
static struct str client_behind(const struct exchange *x, unsigned *out_hops)
{
	struct elements list = elements_of(x, STR("x-forwarded-for"));
	struct str client = str_of(x->peer), element;
	bool is_trusted = x->is_trusted;

	*out_hops = 0;
	while (is_trusted && (element = previous(&list)).at) {
		element = without_port(element);
		if (!network_is_address(element)) /* "unknown": then the proxy is all we know */
			break;
		client = element;
		is_trusted = is_proxy(x, element);
		*out_hops += is_trusted;
	}
	return client;
}

struct str forwarded_client(const struct exchange *x)
{
	unsigned hops;

	return client_behind(x, &hops);
}

/*
 * What the proxy nearest to the client said: with each proxy that is passed one element further to the
 * left, as far as there are any, because a proxy may also leave a list as it is.
 */
static struct str said_by_first_proxy(const struct exchange *x, struct str name)
{
	struct elements list = elements_of(x, name);
	struct str said = STR_NONE, element;
	unsigned hops;

	if (!x->is_trusted)
		return STR_NONE;
	client_behind(x, &hops);
	do {
		element = previous(&list);
		said = element.at ? element : said;
	} while (element.at && hops-- > 0);
	return said;
}

static struct str host_said(const struct exchange *x)
{
	struct str host = said_by_first_proxy(x, STR("x-forwarded-host"));

	return host.len > 0 ? host : x->request.known[HTTP_HOST];
}

/* What is said here, whatever a request says; NULL: nothing is. */
static const char *settled_origin(const struct exchange *x)
{
	const struct web *web = web_local_of(x)->web;

	/* Of the administrator's socket, Host says nothing that others could open. */
	if (!web->options.public_url && x->over_admin)
		return web->own_url;
	return web->options.public_url;
}

static struct str scheme_said(const struct exchange *x)
{
	struct str proto = said_by_first_proxy(x, STR("x-forwarded-proto"));

	return proto.len > 0 ? proto : STR("http");
}

/* Settings take http://... and https://... alone; our own address may be a path.  Asked for each play. */
static bool is_https(const char *url)
{
	return url[0] == 'h' && url[4] == 's';
}

bool forwarded_is_over_tls(const struct exchange *x)
{
	const char *settled = settled_origin(x);

	if (settled)
		return is_https(settled);
	return str_eq_nocase(scheme_said(x), STR("https"));
}

void forwarded_add_asked_origin(const struct exchange *x, struct buf *url)
{
	buf_add_str(url, scheme_said(x));
	buf_add_text(url, "://");
	buf_add_str(url, host_said(x));
}

void forwarded_add_origin(const struct exchange *x, struct buf *url)
{
	const char *settled = settled_origin(x);

	if (settled)
		buf_add_text(url, settled);
	else
		forwarded_add_asked_origin(x, url);
}

bool forwarded_add_link_origin(const struct exchange *x, struct buf *url)
{
	if (!web_local_of(x)->web->options.public_url && !x->over_admin &&
	    !web_host_is_loopback(host_said(x)))
		return false;
	forwarded_add_origin(x, url);
	return true;
}
