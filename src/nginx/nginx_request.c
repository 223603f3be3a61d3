#include "nginx/nginx_request.h"

#include "nginx/nginx_upstream.h"

#define CLIENT "203.0.113.7"

static bool has_space(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.at[i] <= ' ')
			return true;
	return false;
}

bool nginx_request_of_url(struct str url, struct nginx_request *out, struct err *err)
{
	bool is_tls = str_starts_nocase(url, STR("https://"));
	struct str rest = str_after(url, is_tls ? 8 : 7);
	size_t slash = str_find(rest, '/'), query = str_find(rest, '?');
	struct str host = str_first(rest, slash < query ? slash : query);
	struct nginx_target target = { .is_tls = is_tls, .host = host };

	if ((!is_tls && !str_starts_nocase(url, STR("http://"))) || host.len == 0 || has_space(url))
		return err_set(err, ERR_INVALID, "'%.*s' is no address like http://HOST/PATH",
			       STR_ARG(url));
	*out = (struct nginx_request){
		.address = STR(""),
		.port = nginx_target_port(&target),
		.method = STR("GET"),
		.target = slash < rest.len && slash < query ? str_after(rest, slash) : STR("/"),
		.host = host,
		.client = STR(CLIENT),
	};
	return true;
}

bool nginx_header_of_line(struct str line, struct nginx_header *out, struct err *err)
{
	size_t colon = str_find(line, ':');

	if (colon == 0 || colon == line.len)
		return err_set(err, ERR_INVALID, "'%.*s' is no header like 'Name: value'",
			       STR_ARG(line));
	out->name = str_first(line, colon);
	out->value = str_trim(str_after(line, colon + 1));
	return true;
}
