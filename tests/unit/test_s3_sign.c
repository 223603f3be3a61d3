/* The examples are those that Amazon publishes with the description of the signature. */
#include "base/own.h"
#include "s3/s3_sign.h"
#include "tap.h"

#include <stdio.h>

static const struct s3_credentials published = {
	.access_key_id = "AKIAIOSFODNN7EXAMPLE",
	.secret_access_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
};
#define PUBLISHED_AT INT64_C(1369353600000) /* 2013-05-24T00:00:00Z */

static struct s3_to_sign example(const char *method, const char *path)
{
	return (struct s3_to_sign){
		.method = method,
		.host = "examplebucket.s3.amazonaws.com",
		.path = path,
		.region = "us-east-1",
		.payload_hash = S3_EMPTY_HASH,
		.at_ms = PUBLISHED_AT,
	};
}

static void is_signed(const struct s3_to_sign *what, const char *want, const char *name)
{
	AUTO(buf_release) struct buf got;

	buf_init(&got, 4096);
	OK(s3_sign(what, &published, &got), "%s: signed", name);
	IS_STR(buf_str(&got), str_of(want), "%s", name);
}

#define SCOPE "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request"

static void test_published(void)
{
	static const struct s3_pair range[] = { { "range", "bytes=0-9" } };
	static const struct s3_pair put[] = { { "x-amz-storage-class", "REDUCED_REDUNDANCY" },
					      { "date", "Fri, 24 May 2013 00:00:00 GMT" } };
	static const struct s3_pair lifecycle[] = { { "lifecycle", "" } };
	static const struct s3_pair list[] = { { "prefix", "J" }, { "max-keys", "2" } };
	AUTO(buf_release) struct buf path;
	struct s3_to_sign what = example("GET", "/test.txt");

	what.headers = range;
	what.header_count = 1;
	is_signed(&what,
		  "AWS4-HMAC-SHA256 Credential=" SCOPE
		  ",SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature="
		  "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
		  "a range of an object");

	buf_init(&path, 100);
	s3_path_add(&path, STR("/test$file.text"));
	what = example("PUT", path.at);
	what.headers = put;
	what.header_count = 2;
	what.payload_hash = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";
	is_signed(
		&what,
		"AWS4-HMAC-SHA256 Credential=" SCOPE
		",SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class,Signature="
		"98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
		"an object put, its key encoded");

	what = example("GET", "/");
	what.query = lifecycle;
	what.query_count = 1;
	is_signed(&what,
		  "AWS4-HMAC-SHA256 Credential=" SCOPE
		  ",SignedHeaders=host;x-amz-content-sha256;x-amz-date,Signature="
		  "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
		  "a query without a value");

	what.query = list;
	what.query_count = 2;
	is_signed(&what,
		  "AWS4-HMAC-SHA256 Credential=" SCOPE
		  ",SignedHeaders=host;x-amz-content-sha256;x-amz-date,Signature="
		  "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
		  "a listing, its query not in order");
}

static void test_presigned(void)
{
	struct s3_to_sign what = example("GET", "/test.txt");
	AUTO(buf_release) struct buf got;

	buf_init(&got, 4096);
	OK(s3_presign(&what, &published, 86400, &got), "an address is signed");
	IS_STR(buf_str(&got),
	       STR("X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2F"
		   "us-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400"
		   "&X-Amz-SignedHeaders=host&X-Amz-Signature="
		   "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"),
	       "an address that is good for a day");
}

static void test_session_token(void)
{
	struct s3_credentials passing = published;
	struct s3_to_sign what = example("GET", "/test.txt");
	AUTO(buf_release) struct buf header;
	AUTO(buf_release) struct buf query;

	passing.session_token = "a/token=";
	buf_init(&header, 4096);
	buf_init(&query, 4096);
	OK(s3_sign(&what, &passing, &header), "signed with a token");
	OK(str_find_str(buf_str(&header), STR("x-amz-date;x-amz-security-token,")) < header.len,
	   "which is a header that is signed");
	OK(s3_presign(&what, &passing, 60, &query), "an address with a token");
	OK(str_find_str(buf_str(&query), STR("&X-Amz-Security-Token=a%2Ftoken%3D&")) < query.len,
	   "in which it is part of the query");
}

static void test_encoding(void)
{
	static const struct s3_pair pairs[] = {
		{ "prefix", "3f/CA+a b=c&d" },
		{ "a-b", "1" },
		{ "a", "2" },
		{ "a", "1" },
		{ "uploads", "" },
		{ "a+", "3" },
	};
	AUTO(buf_release) struct buf query;
	AUTO(buf_release) struct buf path;

	buf_init(&query, 1000);
	s3_query_add(&query, pairs, 6);
	IS_STR(buf_str(&query), STR("a=1&a=2&a%2B=3&a-b=1&prefix=3f%2FCA%2Ba%20b%3Dc%26d&uploads="),
	       "a query is encoded, and in the order of what is encoded");
	buf_init(&path, 1000);
	s3_path_add(&path, STR("/b/a b+c:d~e_f-g.h'\xc3\xa9"));
	IS_STR(buf_str(&path), STR("/b/a%20b%2Bc%3Ad~e_f-g.h%27%C3%A9"),
	       "a path keeps its slashes");
}

static void test_too_many(void)
{
	struct s3_pair pairs[S3_PAIRS_MAX + 1];
	struct s3_to_sign what = example("GET", "/");
	AUTO(buf_release) struct buf got;

	for (int i = 0; i <= S3_PAIRS_MAX; i++)
		pairs[i] = (struct s3_pair){ "a", "b" };
	buf_init(&got, 4096);
	what.query = pairs;
	what.query_count = S3_PAIRS_MAX + 1;
	OK(!s3_sign(&what, &published, &got), "more than there is room for is refused");
	OK(!s3_presign(&what, &published, 1, &got), "in an address, too");
}

static void test_stamp(void)
{
	char stamp[S3_STAMP_SIZE];

	s3_stamp(PUBLISHED_AT + 999, stamp);
	IS_STR(str_of(stamp), STR("20130524T000000Z"), "an instant");
}

int main(void)
{
	test_published();
	test_presigned();
	test_session_token();
	test_encoding();
	test_too_many();
	test_stamp();
	return tap_end();
}
