/*
 * map: the exact value first, whatever its case; with `hostnames` the longest *.name, then the longest name.*; then the
 * first expression that matches a value that is not empty; then the default, which is empty where none is written.
 */
#include "nginx/nginx_visit.h"

#include "nginx/nginx_visit_private.h"

struct lookup {
	struct nginx_visit *visit;
	struct str source;
	bool knows_hosts, is_unsure;
	const struct nginx_directive *exact, *leading, *trailing, *regex, *fallback;
};

/* A backslash lets a value begin with a sign, or be a word, of the map's own. */
static struct str plain_key(const struct nginx_directive *row)
{
	struct str key = nginx_name(row);

	return str_starts(key, STR("\\")) ? str_after(key, 1) : key;
}

static bool is_longer(const struct nginx_directive *row, const struct nginx_directive *best)
{
	return !best || nginx_name(row).len > nginx_name(best).len;
}

static bool ends_with(struct str text, struct str end)
{
	return text.len > end.len && str_eq_nocase(str_after(text, text.len - end.len), end);
}

static bool look_at_host(struct lookup *lookup, const struct nginx_directive *row, struct str key)
{
	if (str_starts(key, STR(".")) && str_eq_nocase(lookup->source, str_after(key, 1))) {
		lookup->exact = lookup->exact ? lookup->exact : row;
	} else if (str_starts(key, STR("."))) {
		if (ends_with(lookup->source, key) && is_longer(row, lookup->leading))
			lookup->leading = row;
	} else if (str_starts(key, STR("*."))) {
		if (ends_with(lookup->source, str_after(key, 1)) && is_longer(row, lookup->leading))
			lookup->leading = row;
	} else if (str_ends(key, STR(".*"))) {
		if (str_starts_nocase(lookup->source, str_first(key, key.len - 1)) &&
		    is_longer(row, lookup->trailing))
			lookup->trailing = row;
	} else {
		return false;
	}
	return true;
}

static void look_at_regex(struct lookup *lookup, const struct nginx_directive *row, struct str key)
{
	bool ignores_case = str_starts(key, STR("~*"));
	enum nginx_match match;

	if (lookup->regex || lookup->source.len == 0)
		return;
	match = nginx_visit_match(lookup->visit, str_after(key, ignores_case ? 2 : 1), ignores_case,
				  lookup->source);
	lookup->is_unsure |= match == NGINX_MATCH_UNKNOWN;
	if (match == NGINX_MATCHES)
		lookup->regex = row;
}

static bool is_flag(const struct nginx_directive *row, struct str name)
{
	return row->word_count == 1 && nginx_is(row, name);
}

/* Expressions come last, because one that matches leaves its groups behind. */
static void look_at_row(struct lookup *lookup, const struct nginx_directive *row)
{
	struct str key = nginx_name(row);

	if (row->word_count != 2 || str_starts(key, STR("~")))
		return;
	if (str_eq(key, STR("default"))) {
		lookup->fallback = row;
		return;
	}
	if (lookup->knows_hosts && look_at_host(lookup, row, key))
		return;
	if (!lookup->exact && str_eq_nocase(plain_key(row), lookup->source))
		lookup->exact = row;
}

static void look_for_regex(struct lookup *lookup, const struct nginx_directive *map)
{
	for (const struct nginx_directive *row = nginx_first(map); row && !lookup->regex;
	     row = nginx_next(map, row))
		if (row->word_count == 2 && str_starts(nginx_name(row), STR("~")))
			look_at_regex(lookup, row, nginx_name(row));
}

static const struct nginx_directive *row_of(struct lookup *lookup,
					    const struct nginx_directive *map)
{
	const struct nginx_directive *row;

	for (row = nginx_first(map); row; row = nginx_next(map, row))
		lookup->knows_hosts |= is_flag(row, STR("hostnames"));
	for (row = nginx_first(map); row; row = nginx_next(map, row))
		look_at_row(lookup, row);
	if (lookup->exact || lookup->leading || lookup->trailing)
		return lookup->exact     ? lookup->exact
		       : lookup->leading ? lookup->leading
					 : lookup->trailing;
	look_for_regex(lookup, map);
	return lookup->regex ? lookup->regex : lookup->fallback;
}

bool nginx_map_value(struct nginx_visit *visit, const struct nginx_directive *map, struct buf *out)
{
	__attribute__((cleanup(buf_release_at))) struct buf source = { 0 };
	struct lookup lookup = { .visit = visit };
	const struct nginx_directive *row;

	buf_init(&source, NGINX_VALUE_BYTES_MAX);
	if (!nginx_value(visit, nginx_word(map, 1), &source))
		return false;
	lookup.source = buf_str(&source);
	row = row_of(&lookup, map);
	if (lookup.is_unsure)
		return false;
	return !row || nginx_value(visit, row->words[1], out);
}
