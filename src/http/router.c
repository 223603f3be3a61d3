#include "http/router.h"

static struct str segment_of(struct str path)
{
	return str_first(path, str_find(path, '/'));
}

/* One path against one pattern; the params of an attempt that fails later do no harm. */
static bool matches(const char *pattern, struct str path, struct http_request *request)
{
	size_t count = 0;

	while (*pattern) {
		if (pattern[0] == '{' && pattern[1] == '}') {
			struct str segment = segment_of(path);
			struct str tail = segment_of(str_of(pattern + 2));

			if (count == HTTP_PARAMS_MAX || segment.len <= tail.len ||
			    !str_ends(segment, tail))
				return false;
			request->params[count++] = str_first(segment, segment.len - tail.len);
			path = str_after(path, segment.len);
			pattern += 2 + tail.len;
		} else {
			if (path.len == 0 || path.at[0] != *pattern)
				return false;
			path = str_after(path, 1);
			pattern++;
		}
	}
	return path.len == 0;
}

enum router_result router_find(const struct http_route *routes, size_t count,
			       struct http_request *request, const struct http_route **out,
			       unsigned *out_methods)
{
	unsigned methods = 0;

	/* OPTIONS * asks of the server as a whole (RFC 9110, 9.3.7): what any of its routes takes. */
	bool is_any = str_eq(request->path, STR("*"));

	for (size_t i = 0; i < count; i++) {
		if (is_any) {
			methods |= routes[i].methods;
			continue;
		}
		if (!matches(routes[i].pattern, request->path, request))
			continue;
		if (routes[i].methods & BIT(request->method)) {
			*out = &routes[i];
			return ROUTER_FOUND;
		}
		methods |= routes[i].methods;
	}
	*out_methods = methods;
	return methods ? ROUTER_NO_METHOD : ROUTER_NO_PATH;
}
