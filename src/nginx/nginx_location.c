/*
 * As ngx_http_core_find_location(): an exact path; else the longest prefix, then the locations inside it; else, unless
 * that prefix is firm (^~), the first expression that matches, and the locations inside that.
 */
#include "nginx/nginx_location.h"

enum found {
	FOUND_NOTHING,
	FOUND_PREFIX, /* an expression may overrule it */
	FOUND_FINALLY,
};

enum nginx_location_kind nginx_location_read(const struct nginx_directive *location,
					     struct str *out_path)
{
	static const struct {
		struct str sign;
		enum nginx_location_kind kind;
	} signs[] = {
		{ { "~*", 2 }, NGINX_LOCATION_REGEX_NOCASE }, { { "^~", 2 }, NGINX_LOCATION_FIRM },
		{ { "~", 1 }, NGINX_LOCATION_REGEX },         { { "=", 1 }, NGINX_LOCATION_EXACT },
		{ { "@", 1 }, NGINX_LOCATION_NAMED },
	};
	struct str word = nginx_word(location, 1);

	*out_path = location->word_count > 2 ? location->words[2] : word;
	for (size_t i = 0; i < ARRAY_LEN(signs); i++) {
		if (!str_starts(word, signs[i].sign))
			continue;
		if (location->word_count <= 2 && signs[i].kind != NGINX_LOCATION_NAMED)
			*out_path = str_after(word, signs[i].sign.len);
		return signs[i].kind;
	}
	return NGINX_LOCATION_PREFIX;
}

void nginx_place_release(struct nginx_place *place)
{
	nginx_regex_free(place->regex);
	place->regex = NULL;
}

static const struct nginx_directive *first_location(const struct nginx_directive *block)
{
	return nginx_find(block, NULL, STR("location"));
}

static const struct nginx_directive *next_location(const struct nginx_directive *block,
						   const struct nginx_directive *location)
{
	return nginx_find(block, location, STR("location"));
}

/* Only to such locations nginx sends who left the last slash away. */
static bool hands_on(const struct nginx_directive *location)
{
	static const struct str names[] = { { "proxy_pass", 10 },     { "fastcgi_pass", 12 },
					    { "uwsgi_pass", 10 },     { "scgi_pass", 9 },
					    { "memcached_pass", 14 }, { "grpc_pass", 9 } };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (nginx_find(location, NULL, names[i]))
			return true;
	return false;
}

struct prefix {
	const struct nginx_directive *location, *slash; /* slash: of the path and a slash */
	size_t len;
	bool is_exact, is_firm;
};

static bool lacks_slash(struct str path, struct str prefix)
{
	return path.len + 1 == prefix.len && str_starts(prefix, path) && str_ends(prefix, STR("/"));
}

static void compare(struct prefix *best, const struct nginx_directive *location, struct str path)
{
	struct str own;
	enum nginx_location_kind kind = nginx_location_read(location, &own);
	bool is_exact = kind == NGINX_LOCATION_EXACT;

	if (kind != NGINX_LOCATION_PREFIX && kind != NGINX_LOCATION_FIRM && !is_exact)
		return;
	if (lacks_slash(path, own) && hands_on(location))
		best->slash = location;
	if (best->is_exact || (is_exact ? !str_eq(own, path) : !str_starts(path, own)))
		return;
	if (is_exact || !best->location || own.len > best->len)
		*best = (struct prefix){ .location = location,
					 .slash = best->slash,
					 .len = own.len,
					 .is_exact = is_exact,
					 .is_firm = kind == NGINX_LOCATION_FIRM };
}

static struct prefix longest_prefix(const struct nginx_directive *block, struct str path)
{
	struct prefix best = { 0 };

	for (const struct nginx_directive *l = first_location(block); l;
	     l = next_location(block, l))
		compare(&best, l, path);
	return best;
}

static bool matches(const struct nginx_directive *location, struct str path,
		    struct nginx_place *out)
{
	struct str pattern;
	enum nginx_location_kind kind = nginx_location_read(location, &pattern);

	if (kind != NGINX_LOCATION_REGEX && kind != NGINX_LOCATION_REGEX_NOCASE)
		return false;

	AUTO(nginx_regex_free)
	struct nginx_regex *regex = nginx_regex_new(pattern, kind == NGINX_LOCATION_REGEX_NOCASE);
	struct nginx_groups groups;
	enum nginx_match match = regex ? nginx_regex_match(regex, path, &groups)
				       : NGINX_MATCH_UNKNOWN;

	out->is_unsure |= match == NGINX_MATCH_UNKNOWN;
	if (match != NGINX_MATCHES)
		return false;
	nginx_place_release(out);
	out->regex = TAKE(regex);
	out->groups = groups;
	return true;
}

static enum found find_in(const struct nginx_directive *block, struct str path,
			  struct nginx_place *out);

static enum found find_regex(const struct nginx_directive *block, struct str path,
			     struct nginx_place *out)
{
	for (const struct nginx_directive *l = first_location(block); l;
	     l = next_location(block, l)) {
		if (!matches(l, path, out))
			continue;
		out->block = l;
		find_in(l, path, out);
		return FOUND_FINALLY;
	}
	return FOUND_NOTHING;
}

static bool has_own_length(const struct prefix *best, struct str path)
{
	return best->location && best->len == path.len;
}

static enum found find_in(const struct nginx_directive *block, struct str path,
			  struct nginx_place *out)
{
	struct prefix best = longest_prefix(block, path);
	enum found found = FOUND_NOTHING;

	if (best.is_exact) {
		out->block = best.location;
		return FOUND_FINALLY;
	}
	if (best.slash && !has_own_length(&best, path)) {
		out->block = best.slash;
		out->redirects = true;
		return FOUND_FINALLY;
	}
	if (best.location) {
		out->block = best.location;
		found = find_in(best.location, path, out);
		if (found == FOUND_NOTHING)
			found = FOUND_PREFIX;
	}
	if (found == FOUND_FINALLY || best.is_firm)
		return found;
	return find_regex(block, path, out) == FOUND_FINALLY ? FOUND_FINALLY : found;
}

void nginx_location_for(const struct nginx_directive *server, struct str path,
			struct nginx_place *out)
{
	*out = (struct nginx_place){ .block = server };
	find_in(server, path, out);
}

const struct nginx_directive *nginx_location_named(const struct nginx_directive *server,
						   struct str name)
{
	for (const struct nginx_directive *l = first_location(server); l;
	     l = next_location(server, l)) {
		struct str path;

		if (nginx_location_read(l, &path) == NGINX_LOCATION_NAMED && str_eq(path, name))
			return l;
	}
	return NULL;
}
