#include "s3/s3_address.h"

#include "base/own.h"
#include "tap.h"

static const struct {
	struct s3_options options;
	const char *origin, *host,
		*path; /* of the key "3f/a b"; path NULL: refused, host says by which words */
	const char *name;
} cases[] = {
	{ { .store = "s3://recordings/calls" },
	  "https://recordings.s3.us-east-1.amazonaws.com",
	  "recordings.s3.us-east-1.amazonaws.com",
	  "/calls/3f/a%20b",
	  "Amazon's, by the name of a host" },
	{ { .store = "s3://recordings/calls/", .region = "eu-west-3" },
	  "https://recordings.s3.eu-west-3.amazonaws.com",
	  "recordings.s3.eu-west-3.amazonaws.com",
	  "/calls/3f/a%20b",
	  "of a region; a slash at the end does nothing" },
	{ { .store = "s3://my.recordings", .region = "cn-north-1" },
	  "https://s3.cn-north-1.amazonaws.com.cn",
	  "s3.cn-north-1.amazonaws.com.cn",
	  "/my.recordings/3f/a%20b",
	  "a name with dots stands in the path, which a certificate covers" },
	{ { .store = "s3://recordings/a/b", .endpoint = "http://127.0.0.1:7480" },
	  "http://127.0.0.1:7480",
	  "127.0.0.1:7480",
	  "/recordings/a/b/3f/a%20b",
	  "another store's, by its path" },
	{ { .store = "s3://recordings",
	    .endpoint = "https://s3.example.com:443/",
	    .path_style = S3_PATH_STYLE_OFF },
	  "https://recordings.s3.example.com",
	  "recordings.s3.example.com",
	  "/3f/a%20b",
	  "another store's by the name of a host; a port that is the scheme's is not said" },
	{ { .store = "s3://recordings", .endpoint = "http://[::1]:9000" },
	  "http://[::1]:9000",
	  "[::1]:9000",
	  "/recordings/3f/a%20b",
	  "an IPv6 address" },
	{ { .store = "s3://recordings", .path_style = S3_PATH_STYLE_ON },
	  "https://s3.us-east-1.amazonaws.com",
	  "s3.us-east-1.amazonaws.com",
	  "/recordings/3f/a%20b",
	  "Amazon's by the path, where one wants it" },
	{ { .store = "s3://abc", .endpoint = "http://127.0.0.1:7480" },
	  "http://127.0.0.1:7480",
	  "127.0.0.1:7480",
	  "/abc/3f/a%20b",
	  "a name as short as it may be" },
	{ { .store = "s3://ab" }, .host = "no bucket's name", .name = "a shorter one" },
	{ { .store = "recordings" }, .host = "expected s3://", .name = "no scheme" },
	{ { .store = "s3://" }, .host = "no bucket's name", .name = "no bucket" },
	{ { .store = "s3://re cordings" }, .host = "no bucket's name", .name = "a space" },
	{ { .store = "s3://recordings/a//b" }, .host = "prefix", .name = "an empty piece" },
	{ { .store = "s3://recordings/../b" }, .host = "prefix", .name = "a piece that leads up" },
	{ { .store = "s3://recordings/a?b" }, .host = "prefix", .name = "a question mark" },
	{ { .store = "s3://recordings", .endpoint = "ftp://h" },
	  .host = "s3.endpoint",
	  .name = "a scheme" },
	{ { .store = "s3://recordings", .endpoint = "http://u:p@h" },
	  .host = "s3.endpoint",
	  .name = "a user" },
	{ { .store = "s3://recordings", .endpoint = "http://h/s3" },
	  .host = "without a path",
	  .name = "a path" },
	{ { .store = "s3://recordings", .endpoint = "http://h/s" },
	  .host = "without a path",
	  .name = "the shortest" },
};

int main(void)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(s3_address_release) struct s3_address address = { 0 };
		AUTO(buf_release) struct buf path;
		struct err err;

		buf_init(&path, 4096);
		if (!cases[i].path) {
			OK(!s3_address_read(&cases[i].options, &address, &err) &&
				   err.kind == ERR_INVALID &&
				   str_find_str(str_of(err.text), str_of(cases[i].host)) <
					   strlen(err.text),
			   "%s is refused", cases[i].name);
			continue;
		}
		if (!OK(s3_address_read(&cases[i].options, &address, &err), "%s", cases[i].name))
			continue;
		s3_address_path(&address, STR("3f/a b"), &path);
		IS_STR(str_of(address.origin), str_of(cases[i].origin), "its origin");
		IS_STR(str_of(address.host), str_of(cases[i].host), "its host");
		IS_STR(buf_str(&path), str_of(cases[i].path), "a path in it");
	}
	return tap_end();
}
