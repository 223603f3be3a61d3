/*
 * The targets of requests as nginx reads them: each row was put to nginx 1.22, `return 200 $uri`.
 */
#include "nginx/nginx_uri.h"

#include "tap.h"

static const struct {
	const char *target;
	const char *path; /* NULL: 400 */
	const char *args;
	bool merges, is_quoted;
} rows[] = {
	{ "/", "/", "", true, false },
	{ "/a/b?x=1?y", "/a/b", "x=1?y", true, false },
	{ "/a#b?x", "/a", "", true, false },
	{ "/%41%2e%2Fb", "/A./b", "", true, true },
	{ "/a/./b/", "/a/b/", "", true, false },
	{ "/a/b/../c", "/a/c", "", true, false },
	{ "/a/%2e%2E/c", "/c", "", true, true },
	{ "/a/.", "/a/", "", true, false },
	{ "/a/..", "/", "", true, false },
	{ "/a/..b/.c", "/a/..b/.c", "", true, false },
	{ "/a//b", "/a/b", "", true, false },
	{ "/a//b", "/a//b", "", false, false },
	{ "/..", NULL, "", true, false },
	{ "/a/../../b", NULL, "", true, false },
	{ "/%", NULL, "", true, false },
	{ "/%4", NULL, "", true, false },
	{ "/%4g", NULL, "", true, false },
	{ "/%g4", NULL, "", true, false },
	{ "/%00", NULL, "", true, false },
	{ "a", NULL, "", true, false },
	{ "", NULL, "", true, false },
	{ "//", "/", "", true, false },
	{ "//", "//", "", false, false },
	{ "/./", "/", "", true, false },
	{ "/.", "/", "", true, false },
	{ "/...", "/...", "", true, false },
	{ "/a/../..", NULL, "", true, false },
	{ "/a//../b", "/b", "", true, false },
	{ "/a//../b", "/a/b", "", false, false },
	{ "/%2e%2e", NULL, "", true, false },
	{ "/a?", "/a", "", true, false },
	{ "/%7F%fF", "/\x7f\xff", "", true, true },
	{ "/%10", "/\x10", "", true, true },
	{ "/%01", "/\x01", "", true, true },
	{ "/a?#b", "/a", "", true, false },
	{ "/%4%31", NULL, "", true, false },
};

static void test_full(void)
{
	char array[4];
	struct buf path;
	struct str args;
	bool is_quoted;

	buf_over(&path, array, sizeof(array));
	OK(nginx_uri_normalize(STR("/ab"), true, &path, &args, &is_quoted), "a path that fits");
	buf_over(&path, array, sizeof(array));
	OK(!nginx_uri_normalize(STR("/abc"), true, &path, &args, &is_quoted), "one that does not");
}

static void test_escape(void)
{
	static const struct {
		const char *path, *written;
	} cases[] = {
		{ "/a~b!$&'()*+,;=:@", "/a~b!$&'()*+,;=:@" },
		{ "/ #%?", "/%20%23%25%3F" },
		{ "/\x01\x1f\x7f", "/%01%1F%7F" },
		{ "/\x80\xff", "/%80%FF" },
		{ "", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char array[64];
		struct buf out;

		buf_over(&out, array, sizeof(array));
		nginx_uri_escape(str_of(cases[i].path), &out);
		IS_STR(buf_str(&out), str_of(cases[i].written), "'%s' as it is written",
		       cases[i].written);
	}
}

int main(void)
{
	test_full();
	test_escape();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char array[64];
		struct buf path;
		struct str args;
		bool is_quoted;

		buf_over(&path, array, sizeof(array));
		bool is_good = nginx_uri_normalize(str_of(rows[i].target), rows[i].merges, &path,
						   &args, &is_quoted);

		OK(is_good == (rows[i].path != NULL), "'%s' is taken or refused", rows[i].target);
		if (!is_good || !rows[i].path)
			continue;
		IS_STR(buf_str(&path), str_of(rows[i].path), "'%s': its path", rows[i].target);
		IS_STR(args, str_of(rows[i].args), "'%s': what is behind '?'", rows[i].target);
		OK(is_quoted == rows[i].is_quoted, "'%s': decoded or not", rows[i].target);
	}
	return tap_end();
}
