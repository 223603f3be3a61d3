/*
 * Variables: those of the request, those that were set or captured, and those of maps.
 */
#include "nginx/nginx_visit.h"

#include "base/own.h"
#include "nginx/nginx_force.h"
#include "nginx/nginx_upstream.h"
#include "nginx/nginx_visit_private.h"

#define DEPTH_MAX 16u /* nginx ends a circle of variables with 500 */

static bool is_name_byte(char c)
{
	return ascii_is_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || c == '_';
}

struct str nginx_request_header(const struct nginx_request *request, struct str name)
{
	if (str_eq_nocase(name, STR("host")))
		return request->host;
	for (size_t i = 0; i < request->header_count; i++)
		if (str_eq_nocase(request->headers[i].name, name))
			return request->headers[i].value;
	return STR_NONE;
}

/* "user_agent" for "User-Agent". */
static bool is_called(struct str header, struct str variable)
{
	if (header.len != variable.len)
		return false;
	for (size_t i = 0; i < header.len; i++) {
		char c = ascii_lower(header.at[i]);

		if ((c == '-' ? '_' : c) != ascii_lower(variable.at[i]))
			return false;
	}
	return true;
}

/* Several of one name are one value, as of nginx 1.23; which sorts are, does not matter to us. */
static bool add_header(struct nginx_visit *visit, struct str variable, struct buf *out)
{
	const struct nginx_request *request = visit->request;
	bool is_first = true;

	if (is_called(STR("host"), variable)) {
		buf_add_str(out, request->host);
		return true;
	}
	for (size_t i = 0; i < request->header_count; i++) {
		if (!is_called(request->headers[i].name, variable))
			continue;
		if (!is_first)
			buf_add_text(out, ", ");
		buf_add_str(out, request->headers[i].value);
		is_first = false;
	}
	return true;
}

static bool add_argument(struct nginx_visit *visit, struct str name, struct buf *out)
{
	struct str rest = { visit->args.at, visit->args.len }, pair;

	while (str_cut(&rest, '&', &pair)) {
		size_t sign = str_find(pair, '=');

		if (sign < pair.len && str_eq_nocase(str_first(pair, sign), name)) {
			buf_add_str(out, str_after(pair, sign + 1));
			return true;
		}
	}
	return true;
}

static void add_lower(struct buf *out, struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		buf_add_byte(out, ascii_lower(text.at[i]));
}

static bool value_host(struct nginx_visit *visit, struct buf *out)
{
	struct str host = nginx_host_of(visit->request->host);

	add_lower(out, host.len > 0 ? host : nginx_server_name(visit->server));
	return true;
}

static bool value_server_name(struct nginx_visit *visit, struct buf *out)
{
	add_lower(out, nginx_server_name(visit->server));
	return true;
}

static bool value_uri(struct nginx_visit *visit, struct buf *out)
{
	buf_add(out, visit->uri.at, visit->uri.len);
	return true;
}

static bool value_args(struct nginx_visit *visit, struct buf *out)
{
	buf_add(out, visit->args.at, visit->args.len);
	return true;
}

static bool value_is_args(struct nginx_visit *visit, struct buf *out)
{
	buf_add_text(out, visit->args.len > 0 ? "?" : "");
	return true;
}

static bool value_request_uri(struct nginx_visit *visit, struct buf *out)
{
	buf_add_str(out, visit->request->target);
	return true;
}

static bool value_request_method(struct nginx_visit *visit, struct buf *out)
{
	buf_add_str(out, visit->request->method);
	return true;
}

static bool value_scheme(struct nginx_visit *visit, struct buf *out)
{
	buf_add_text(out, visit->listen.is_tls ? "https" : "http");
	return true;
}

static bool value_https(struct nginx_visit *visit, struct buf *out)
{
	buf_add_text(out, visit->listen.is_tls ? "on" : "");
	return true;
}

static bool value_server_port(struct nginx_visit *visit, struct buf *out)
{
	buf_add_u64(out, visit->request->port);
	return true;
}

static bool value_remote_addr(struct nginx_visit *visit, struct buf *out)
{
	buf_add_str(out, visit->request->client);
	return true;
}

/* Nothing where who connects does not say for whom. */
static bool value_proxy_protocol_addr(struct nginx_visit *visit, struct buf *out)
{
	if (visit->listen.has_proxy_protocol)
		buf_add_str(out, visit->request->client);
	return true;
}

static bool value_forwarded_for(struct nginx_visit *visit, struct buf *out)
{
	struct str before = nginx_request_header(visit->request, STR("X-Forwarded-For"));

	if (before.at && before.len > 0) {
		buf_add_str(out, before);
		buf_add_text(out, ", ");
	}
	buf_add_str(out, visit->request->client);
	return true;
}

/* The address of proxy_pass: "name:port" as it is written, "name" where the port is the scheme's own. */
static bool proxy_address(struct nginx_visit *visit, struct buf *out)
{
	struct str text = visit->end == NGINX_PROXIED ? nginx_word(visit->by, 1) : STR_NONE;
	bool is_known = nginx_value(visit, text, out);
	struct str made = buf_str(out);
	size_t start = str_find_str(made, STR("://"));

	if (start == made.len)
		return is_known && made.len == 0;
	buf_drop(out, start + 3);
	made = buf_str(out);
	out->len = nginx_host_end(made);
	return is_known;
}

static bool value_proxy_host(struct nginx_visit *visit, struct buf *out)
{
	__attribute__((cleanup(buf_release_at))) struct buf made = { 0 };
	bool is_tls = visit->by && str_starts_nocase(nginx_word(visit->by, 1), STR("https:"));
	bool is_known;
	struct str host;

	buf_init(&made, NGINX_VALUE_BYTES_MAX);
	is_known = proxy_address(visit, &made);
	host = buf_str(&made);
	if (str_starts(host, STR("unix:")))
		host = STR("localhost");
	else if (str_ends(host, is_tls ? STR(":443") : STR(":80")))
		host.len -= is_tls ? 4 : 3;
	buf_add_str(out, host);
	return is_known;
}

static bool value_empty(struct nginx_visit *visit, struct buf *out)
{
	return true;
}

static bool value_protocol(struct nginx_visit *visit, struct buf *out)
{
	buf_add_text(out, "HTTP/1.1");
	return true;
}

static bool is_unknown(struct nginx_visit *visit, struct str name, struct buf *out)
{
	visit->unknown = name;
	buf_add_byte(out, '$');
	buf_add_str(out, name);
	return false;
}

/* Nothing where there are no slices: and a header that is set to it is not sent. */
static bool value_slice_range(struct nginx_visit *visit, struct buf *out)
{
	uint64_t bytes;

	return (nginx_size(nginx_visit_word(visit, STR("slice")), &bytes) && bytes == 0) ||
	       is_unknown(visit, STR("slice_range"), out);
}

static const struct builtin {
	const char *name;
	bool (*value)(struct nginx_visit *visit, struct buf *out);
} builtins[] = {
	{ "args", value_args },
	{ "document_uri", value_uri },
	{ "host", value_host },
	{ "https", value_https },
	{ "is_args", value_is_args },
	{ "proxy_add_x_forwarded_for", value_forwarded_for },
	{ "proxy_host", value_proxy_host },
	{ "proxy_internal_body_length", value_empty },
	{ "proxy_internal_chunked", value_empty },
	{ "proxy_protocol_addr", value_proxy_protocol_addr },
	{ "query_string", value_args },
	{ "remote_addr", value_remote_addr },
	{ "remote_user", value_empty },
	{ "request_method", value_request_method },
	{ "request_uri", value_request_uri },
	{ "scheme", value_scheme },
	{ "server_name", value_server_name },
	{ "server_port", value_server_port },
	{ "server_protocol", value_protocol },
	{ "slice_range", value_slice_range },
	{ "uri", value_uri },
};

static const struct builtin *builtin_of(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(builtins); i++)
		if (str_eq(name, str_of(builtins[i].name)))
			return &builtins[i];
	return NULL;
}

static bool add_group(struct nginx_visit *visit, size_t n, struct buf *out)
{
	if (n < visit->groups.count && visit->groups.at[n].at)
		buf_add_str(out, visit->groups.at[n]);
	return true;
}

const struct nginx_directive *nginx_map_of(const struct nginx_visit *visit, struct str variable)
{
	const struct nginx_directive *map = nginx_find(visit->http, NULL, STR("map"));

	for (; map; map = nginx_find(visit->http, map, STR("map"))) {
		struct str name = nginx_word(map, 2);

		if (map->has_block && str_starts(name, STR("$")) &&
		    str_eq_nocase(str_after(name, 1), variable))
			return map;
	}
	return NULL;
}

static bool names_group(struct str word, struct str name)
{
	for (size_t at = str_find_str(word, STR("(?")); at < word.len;
	     at = str_find_str(word, STR("(?"))) {
		word = str_after(word, at + 2);
		if (str_starts(word, STR("P")))
			word = str_after(word, 1);
		if (word.len > name.len + 1 && (word.at[0] == '<' || word.at[0] == '\'') &&
		    str_starts_nocase(str_after(word, 1), name) &&
		    (word.at[name.len + 1] == '>' || word.at[name.len + 1] == '\''))
			return true;
	}
	return false;
}

static bool gives_name(const struct nginx_directive *directive, struct str name)
{
	if (nginx_is(directive, STR("set")))
		return str_eq_nocase(str_after(nginx_word(directive, 1), 1), name);
	for (size_t i = 0; i < directive->word_count; i++)
		if (names_group(directive->words[i], name))
			return true;
	return false;
}

/* Is it a variable that the configuration gives a name to?  It is empty until then. */
static bool is_declared(const struct nginx_directive *block, struct str name)
{
	for (const struct nginx_directive *d = nginx_first(block); d; d = nginx_next(block, d))
		if (gives_name(d, name) || (d->has_block && is_declared(d, name)))
			return true;
	return false;
}

static bool add_variable(struct nginx_visit *visit, struct str name, struct buf *out)
{
	const struct nginx_variable *variable = nginx_visit_variable(visit, name);
	const struct nginx_directive *map;
	const struct builtin *builtin;

	if (name.len == 1 && ascii_is_digit(name.at[0]))
		return add_group(visit, (size_t)(name.at[0] - '0'), out);
	if (variable && !variable->is_known)
		return is_unknown(visit, name, out);
	if (variable) {
		buf_add(out, variable->value, variable->len);
		return true;
	}
	map = nginx_map_of(visit, name);
	if (map)
		return nginx_map_value(visit, map, out) || is_unknown(visit, name, out);
	builtin = builtin_of(name);
	if (builtin)
		return builtin->value(visit, out);
	if (str_starts(name, STR("http_")))
		return add_header(visit, str_after(name, 5), out);
	if (str_starts(name, STR("arg_")))
		return add_argument(visit, str_after(name, 4), out);
	return is_declared(visit->http, name) || is_unknown(visit, name, out);
}

/* "$name" or "${name}" at the start of a text; how long it is, 0 when it is none. */
static size_t variable_at(struct str text, struct str *out_name)
{
	bool is_braced = text.len > 1 && text.at[1] == '{';
	size_t from = is_braced ? 2 : 1, end = from;

	if (text.len < 2 || text.at[0] != '$')
		return 0;
	if (!is_braced && ascii_is_digit(text.at[1])) {
		*out_name = str_first(str_after(text, 1), 1);
		return 2;
	}
	while (end < text.len && is_name_byte(text.at[end]))
		end++;
	*out_name = str_first(str_after(text, from), end - from);
	if (end == from || (is_braced && (end == text.len || text.at[end] != '}')))
		return 0;
	return end + is_braced;
}

bool nginx_has_variables(struct str text)
{
	struct str name;

	for (size_t i = 0; i < text.len; i++)
		if (variable_at(str_after(text, i), &name) > 0)
			return true;
	return false;
}

static bool add_pieces(struct nginx_visit *visit, struct str text, struct buf *out)
{
	bool is_known = true;

	while (text.len > 0) {
		struct str name;
		size_t plain = str_find(text, '$'), len;

		buf_add_str(out, str_first(text, plain));
		text = str_after(text, plain);
		len = variable_at(text, &name);
		if (len == 0) {
			buf_add_str(out, str_first(text, 1));
			text = str_after(text, 1);
			continue;
		}
		is_known &= add_variable(visit, name, out);
		text = str_after(text, len);
	}
	return is_known && buf_ok(out);
}

bool nginx_value(struct nginx_visit *visit, struct str text, struct buf *out)
{
	__attribute__((cleanup(buf_release_at))) struct buf made = { 0 };
	bool is_known;

	if (visit->depth >= DEPTH_MAX)
		return is_unknown(visit, STR("a_circle_of_variables"), out);
	buf_init(&made, NGINX_VALUE_BYTES_MAX);
	visit->depth++;
	is_known = add_pieces(visit, text, &made);
	visit->depth--;
	buf_add(out, made.at, made.len);
	return is_known;
}
