#include "auth/origin.h"

bool origin_is_listed(struct str origin, const char *const *listed)
{
	if (!origin.at || !listed)
		return false;
	for (; *listed; listed++)
		if (str_eq(origin, str_of(*listed)))
			return true;
	return false;
}

/* A page that somebody opened: the browser asks for a document, and shows its address. */
static bool is_opened_page(const struct origin_request *request)
{
	return str_eq(request->mode, STR("navigate")) && str_eq(request->dest, STR("document"));
}

static bool is_admitted_without_origin(const struct origin_request *request)
{
	if (request->is_websocket)
		return false; /* browsers always send an Origin there */
	if (!request->site.at || str_eq(request->site, STR("same-origin")) ||
	    str_eq(request->site, STR("none")))
		return true;
	return request->is_reading && is_opened_page(request);
}

bool origin_is_admitted(const struct origin_request *request, struct str own,
			const char *const *listed)
{
	if (request->is_doubled)
		return false;
	if (!request->origin.at)
		return is_admitted_without_origin(request);
	if (own.len > 0 && str_eq(request->origin, own))
		return true;
	return request->is_reading && origin_is_listed(request->origin, listed);
}

/* The authority of an address without its user; at == NULL when the scheme is another. */
static struct str authority_of(struct str url, struct str *out_scheme, struct str *out_default_port)
{
	static const struct {
		struct str scheme, port;
	} known[] = { { { "http", 4 }, { ":80", 3 } }, { { "https", 5 }, { ":443", 4 } } };
	size_t end = str_find_str(url, STR("://"));
	struct str scheme = str_first(url, end), rest = str_after(url, end + 3);

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		size_t len = 0, at;
		struct str authority;

		if (!str_eq_nocase(scheme, known[i].scheme))
			continue;
		while (len < rest.len && rest.at[len] != '/' && rest.at[len] != '?' &&
		       rest.at[len] != '#')
			len++;
		authority = str_first(rest, len);
		while ((at = str_find(authority, '@')) < authority.len)
			authority = str_after(authority, at + 1);
		*out_scheme = known[i].scheme;
		*out_default_port = known[i].port;
		return authority.len > 0 ? authority : STR_NONE;
	}
	return STR_NONE;
}

bool origin_of_url(struct str url, struct buf *out)
{
	struct str scheme, default_port, authority = authority_of(url, &scheme, &default_port);

	if (!authority.at)
		return false;
	if (str_ends(authority, default_port))
		authority.len -= default_port.len;
	buf_add_str(out, scheme);
	buf_add_text(out, "://");
	for (size_t i = 0; i < authority.len; i++)
		buf_add_byte(out, ascii_lower(authority.at[i]));
	return buf_ok(out);
}
