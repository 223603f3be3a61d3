/*
 * As ngx_http_find_virtual_server(): an address that is written out comes before "*" of the same port; among its servers
 * an exact name, then the longest name that begins with "*", the longest that ends with it, the first expression that
 * matches, and else the default server, which is the first where none says that it is.
 */
#include "nginx/nginx_server.h"

#include "nginx/nginx_regex.h"

static bool has_servers(const struct nginx_directive *block)
{
	static const struct str names[] = { { "server", 6 }, { "upstream", 8 }, { "map", 3 } };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct nginx_directive *found = nginx_find(block, NULL, names[i]);

		if (found && found->has_block)
			return true;
	}
	return false;
}

const struct nginx_directive *nginx_http(const struct nginx_conf *conf)
{
	const struct nginx_directive *root = nginx_conf_root(conf);
	const struct nginx_directive *http = nginx_find(root, NULL, STR("http"));

	if (http && http->has_block)
		return http;
	return has_servers(root) ? root : NULL;
}

static bool is_port(struct str text, uint16_t *out)
{
	uint64_t port;

	if (!str_to_u64(text, &port) || port == 0 || port > UINT16_MAX)
		return false;
	*out = (uint16_t)port;
	return true;
}

static void split_address(struct str text, struct nginx_listen *out)
{
	size_t colon, after_bracket = str_find(text, ']');

	out->address = text;
	if (str_starts(text, STR("unix:"))) {
		out->port = 0;
		return;
	}
	if (is_port(text, &out->port)) {
		out->address = STR("*");
		return;
	}
	if (after_bracket == text.len)
		after_bracket = 0;
	colon = after_bracket + str_find(str_after(text, after_bracket), ':');
	if (colon < text.len && is_port(str_after(text, colon + 1), &out->port))
		out->address = str_first(text, colon);
	if (str_eq(out->address, STR("0.0.0.0")))
		out->address = STR("*");
}

static void read_listen(const struct nginx_directive *directive, struct nginx_listen *out)
{
	*out = (struct nginx_listen){ .directive = directive, .port = 80 };
	split_address(nginx_word(directive, 1), out);
	for (size_t i = 2; i < directive->word_count; i++) {
		struct str word = directive->words[i];

		out->is_default |= str_eq(word, STR("default_server")) ||
				   str_eq(word, STR("default"));
		out->is_tls |= str_eq(word, STR("ssl"));
		out->is_quic |= str_eq(word, STR("quic"));
		out->has_proxy_protocol |= str_eq(word, STR("proxy_protocol"));
	}
}

bool nginx_listen_of(const struct nginx_directive *server, size_t i, struct nginx_listen *out)
{
	const struct nginx_directive *listen = nginx_find(server, NULL, STR("listen"));

	if (!listen && i == 0) {
		*out = (struct nginx_listen){ .address = STR("*"), .port = 80 };
		return true;
	}
	while (listen && i-- > 0)
		listen = nginx_find(server, listen, STR("listen"));
	if (!listen)
		return false;
	read_listen(listen, out);
	return true;
}

/* How well a listen fits where the request arrives: 0 not at all, 1 as "*", 2 as it is written. */
static int fit(const struct nginx_listen *listen, struct str address, uint16_t port)
{
	bool is_six = str_starts(address, STR("["));

	if (listen->port != port || listen->is_quic)
		return 0;
	if (address.len == 0)
		return str_starts(listen->address, STR("unix:")) ? 0 : 1;
	if (str_eq_nocase(listen->address, address))
		return 2;
	if (str_eq(listen->address, is_six ? STR("[::]") : STR("*")))
		return 1;
	return 0;
}

static int best_fit(const struct nginx_directive *server, struct str address, uint16_t port,
		    struct nginx_listen *out)
{
	struct nginx_listen listen;
	int best = 0;

	for (size_t i = 0; nginx_listen_of(server, i, &listen); i++) {
		int fits = fit(&listen, address, port);

		if (fits > best) {
			best = fits;
			*out = listen;
		}
	}
	return best;
}

struct str nginx_host_of(struct str header)
{
	size_t end = str_find(header, ']');

	end = end < header.len ? end + 1 : str_find(header, ':');

	struct str host = str_first(header, end);

	if (str_ends(host, STR(".")))
		host.len--;
	return host;
}

enum name_fit {
	NAME_NONE,
	NAME_REGEX,
	NAME_TRAILING, /* "mail.*" */
	NAME_LEADING,  /* "*.example.com" */
	NAME_EXACT,
};

struct name_match {
	enum name_fit fit;
	size_t len; /* of the pattern: the longer is the better */
};

static struct name_match match_regex(struct str pattern, struct str host)
{
	AUTO(nginx_regex_free) struct nginx_regex *regex = nginx_regex_new(pattern, true);
	struct nginx_groups groups;

	if (!regex || nginx_regex_match(regex, host, &groups) != NGINX_MATCHES)
		return (struct name_match){ NAME_NONE, 0 };
	return (struct name_match){ NAME_REGEX, 0 };
}

static bool ends_nocase(struct str text, struct str end)
{
	return text.len >= end.len && str_eq_nocase(str_after(text, text.len - end.len), end);
}

static struct name_match match_name(struct str name, struct str host)
{
	struct name_match none = { NAME_NONE, 0 };

	if (str_starts(name, STR("~")))
		return match_regex(str_after(name, 1), host);
	if (str_starts(name, STR("*."))) {
		bool fits = host.len > name.len - 1 && ends_nocase(host, str_after(name, 1));

		return fits ? (struct name_match){ NAME_LEADING, name.len } : none;
	}
	if (str_starts(name, STR("."))) {
		if (str_eq_nocase(str_after(name, 1), host))
			return (struct name_match){ NAME_EXACT, 0 };
		return host.len > name.len && ends_nocase(host, name)
			       ? (struct name_match){ NAME_LEADING, name.len + 1 }
			       : none;
	}
	if (str_ends(name, STR(".*"))) {
		struct str start = str_first(name, name.len - 1);

		return host.len > start.len && str_starts_nocase(host, start)
			       ? (struct name_match){ NAME_TRAILING, name.len }
			       : none;
	}
	return str_eq_nocase(name, host) ? (struct name_match){ NAME_EXACT, 0 } : none;
}

static bool is_better(struct name_match a, struct name_match b)
{
	return a.fit > b.fit || (a.fit == b.fit && a.len > b.len);
}

static struct name_match match_names(const struct nginx_directive *server, struct str host)
{
	struct name_match best = { NAME_NONE, 0 };
	const struct nginx_directive *names = nginx_find(server, NULL, STR("server_name"));

	if (!names && host.len == 0)
		return (struct name_match){ NAME_EXACT, 0 };
	for (; names; names = nginx_find(server, names, STR("server_name"))) {
		for (size_t i = 1; i < names->word_count; i++) {
			struct name_match match = match_name(names->words[i], host);

			if (is_better(match, best))
				best = match;
		}
	}
	return best;
}

/* What was found so far among the servers of an address. */
struct choice {
	int fit;
	const struct nginx_directive *fallback, *named;
	struct nginx_listen fallback_listen, named_listen;
	struct name_match match;
};

static void consider(struct choice *choice, const struct nginx_directive *server, int fit,
		     const struct nginx_listen *listen, struct str host)
{
	struct name_match match = match_names(server, host);

	if (fit > choice->fit)
		*choice = (struct choice){ .fit = fit };
	if (!choice->fallback || (listen->is_default && !choice->fallback_listen.is_default)) {
		choice->fallback = server;
		choice->fallback_listen = *listen;
	}
	if (is_better(match, choice->match)) {
		choice->named = server;
		choice->named_listen = *listen;
		choice->match = match;
	}
}

const struct nginx_directive *nginx_server_for(const struct nginx_conf *conf, struct str address,
					       uint16_t port, struct str host,
					       struct nginx_listen *out_listen)
{
	const struct nginx_directive *http = nginx_http(conf), *server;
	struct choice choice = { 0 };

	if (!http)
		return NULL;
	for (server = nginx_find(http, NULL, STR("server")); server;
	     server = nginx_find(http, server, STR("server"))) {
		struct nginx_listen listen = { 0 };
		int fits = best_fit(server, address, port, &listen);

		if (fits > 0 && fits >= choice.fit)
			consider(&choice, server, fits, &listen, host);
	}
	if (choice.fit == 0)
		return NULL;
	*out_listen = choice.named ? choice.named_listen : choice.fallback_listen;
	return choice.named ? choice.named : choice.fallback;
}

struct str nginx_server_name(const struct nginx_directive *server)
{
	const struct nginx_directive *names = nginx_find(server, NULL, STR("server_name"));
	struct str name = names ? nginx_word(names, 1) : STR("");

	return str_starts(name, STR(".")) ? str_after(name, 1) : name;
}
