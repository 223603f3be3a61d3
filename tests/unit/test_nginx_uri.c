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
	{ "/", "/", "", true, false },           { "/a/b?x=1?y", "/a/b", "x=1?y", true, false },
	{ "/a#b?x", "/a", "", true, false },     { "/%41%2e%2Fb", "/A./b", "", true, true },
	{ "/a/./b/", "/a/b/", "", true, false }, { "/a/b/../c", "/a/c", "", true, false },
	{ "/a/%2e%2E/c", "/c", "", true, true }, { "/a/.", "/a/", "", true, false },
	{ "/a/..", "/", "", true, false },       { "/a/..b/.c", "/a/..b/.c", "", true, false },
	{ "/a//b", "/a/b", "", true, false },    { "/a//b", "/a//b", "", false, false },
	{ "/..", NULL, "", true, false },        { "/a/../../b", NULL, "", true, false },
	{ "/%", NULL, "", true, false },         { "/%4", NULL, "", true, false },
	{ "/%4g", NULL, "", true, false },       { "/%g4", NULL, "", true, false },
	{ "/%00", NULL, "", true, false },       { "a", NULL, "", true, false },
	{ "", NULL, "", true, false },
};

int main(void)
{
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
