#include "nginx/nginx_upstream.h"

static bool has_scheme(struct str *address, bool *out_is_tls)
{
	*out_is_tls = str_starts_nocase(*address, STR("https://"));
	if (*out_is_tls) {
		*address = str_after(*address, 8);
		return true;
	}
	if (!str_starts_nocase(*address, STR("http://")))
		return false;
	*address = str_after(*address, 7);
	return true;
}

size_t nginx_host_end(struct str text)
{
	size_t slash = str_find(text, '/'), query = str_find(text, '?');

	if (str_starts(text, STR("unix:")))
		return 5 + str_find(str_after(text, 5), ':');
	return slash < query ? slash : query;
}

static const struct nginx_directive *upstream_called(const struct nginx_directive *http,
						     struct str name)
{
	const struct nginx_directive *found = nginx_find(http, NULL, STR("upstream"));

	while (found && !(found->has_block && str_eq_nocase(nginx_word(found, 1), name)))
		found = nginx_find(http, found, STR("upstream"));
	return found;
}

bool nginx_target_read(const struct nginx_directive *http, struct str address,
		       struct nginx_target *out)
{
	struct nginx_target target = { 0 };
	size_t end;

	if (!has_scheme(&address, &target.is_tls))
		return false;
	end = nginx_host_end(address);
	target.host = str_first(address, end);
	if (end < address.len) {
		bool is_socket = str_starts(address, STR("unix:"));

		target.uri = str_after(address, is_socket ? end + 1 : end);
	}
	target.upstream = http ? upstream_called(http, target.host) : NULL;
	*out = target;
	return true;
}

struct str nginx_without_port(struct str host)
{
	size_t bracket = str_find(host, ']');

	if (str_starts(host, STR("unix:")))
		return host;
	return str_first(host, bracket < host.len ? bracket + 1 : str_find(host, ':'));
}

bool nginx_is_name(struct str host)
{
	struct str name = nginx_without_port(host);

	if (str_starts(host, STR("unix:")) || str_starts(host, STR("[")) ||
	    str_eq_nocase(name, STR("localhost")))
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (!ascii_is_digit(name.at[i]) && name.at[i] != '.')
			return true;
	return false;
}

uint16_t nginx_target_port(const struct nginx_target *target)
{
	struct str name = nginx_without_port(target->host);
	uint64_t port;

	if (name.len < target->host.len &&
	    str_to_u64(str_after(target->host, name.len + 1), &port) && port <= UINT16_MAX)
		return (uint16_t)port;
	return target->is_tls ? 443 : 80;
}
