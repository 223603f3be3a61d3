#include "s3/s3_lent.h"

#include "tap.h"

#include <stdio.h>

#define KEYS "\"AccessKeyId\":\"ASIA1\",\"SecretAccessKey\":\"s3cr+t/\",\"Token\":\"to/ken==\""

static const struct {
	const char *name, *text;
	bool is_good;
	int64_t expires_at_ms;
} lent[] = {
	{ "of a container", "{" KEYS ",\"Expiration\":\"2013-05-24T00:00:00Z\",\"RoleArn\":\"x\"}",
	  true, 1369353600000 },
	{ "of a machine",
	  "{\"Code\":\"Success\",\"LastUpdated\":\"x\",\"Type\":\"AWS-HMAC\"," KEYS
	  ",\"Expiration\":\"2013-05-24T00:00:00Z\"}",
	  true, 1369353600000 },
	{ "without an end", "{" KEYS "}", true, 0 },
	{ "with an end that is none", "{" KEYS ",\"Expiration\":null}", true, 0 },
	{ "an end that cannot be read", "{" KEYS ",\"Expiration\":\"soon\"}", false, 0 },
	{ "an end that is a number", "{" KEYS ",\"Expiration\":1369353600}", false, 0 },
	{ "an error", "{\"Code\":\"AssumeRoleUnauthorizedAccess\"," KEYS "}", false, 0 },
	{ "no token", "{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"b\"}", false, 0 },
	{ "an empty key", "{\"AccessKeyId\":\"\",\"SecretAccessKey\":\"b\",\"Token\":\"c\"}", false,
	  0 },
	{ "a line break in it",
	  "{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"b\",\"Token\":\"c\\r\\nX: y\"}", false, 0 },
	{ "a page", "<html></html>", false, 0 },
	{ "a list", "[{" KEYS "}]", false, 0 },
	{ "nothing", "", false, 0 },
};

static void test_lent(void)
{
	for (size_t i = 0; i < ARRAY_LEN(lent); i++) {
		struct s3_lent out;
		struct err err;
		bool is_good = s3_lent_read(str_of(lent[i].text), &out, &err);

		OK(is_good == lent[i].is_good, "%s is%s read", lent[i].name,
		   lent[i].is_good ? "" : " not");
		if (!is_good) {
			OK(err.kind == ERR_UNAVAILABLE && out.secret_access_key[0] == '\0',
			   "and leaves nothing behind");
			continue;
		}
		IS_STR(str_of(out.access_key_id), STR("ASIA1"), "its key");
		IS_STR(str_of(out.secret_access_key), STR("s3cr+t/"), "its secret");
		IS_STR(str_of(out.session_token), STR("to/ken=="), "its token");
		IS_INT(out.expires_at_ms, lent[i].expires_at_ms, "and its end");
	}
}

/* One that could not be signed with is none. */
static void test_longest(void)
{
	for (int len = S3_LENT_SECRET_SIZE - 1; len <= S3_LENT_SECRET_SIZE + 4; len++) {
		struct s3_lent out;
		struct err err;
		char text[512];

		snprintf(text, sizeof(text),
			 "{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"%0*d\",\"Token\":\"c\"}",
			 len, 0);
		OK(s3_lent_read(str_of(text), &out, &err) == (len <= 251), "a secret of %d bytes",
		   len);
	}
}

static const struct {
	const char *text, *want; /* NULL: none */
} lines[] = {
	{ "AQAEA==", "AQAEA==" }, { " AQAEA==\r\n", "AQAEA==" },    { "", NULL },
	{ "\n", NULL },           { "Basic YWJj\n", "Basic YWJj" }, { "one\ntwo", NULL },
	{ "one\r\nX: y", NULL },  { "0123456789abcdef0", NULL },    { "caf\xc3\xa9", NULL },
};

static const struct {
	const char *text, *want;
} roles[] = {
	{ "recordings-role", "recordings-role" },
	{ "a+b=c,d.e@f_g\n", "a+b=c,d.e@f_g" },
	{ "first\nsecond", "first" },
	{ "../../user-data", NULL },
	{ "..", NULL },
	{ "a b", NULL },
	{ "<html>", NULL },
	{ "", NULL },
	{ "a?b", NULL },
	{ "a%2f", NULL },
};

static void test_texts(void)
{
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		char out[17];

		if (s3_lent_line(str_of(lines[i].text), out, sizeof(out)))
			IS_STR(str_of(out), str_of(lines[i].want), "line %zu", i);
		else
			OK(!lines[i].want, "line %zu is none", i);
	}
	for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
		char out[S3_LENT_ROLE_SIZE];

		if (s3_lent_role(str_of(roles[i].text), out))
			IS_STR(str_of(out), str_of(roles[i].want), "role %zu", i);
		else
			OK(!roles[i].want, "role %zu is none", i);
	}
}

static const struct {
	const char *url;
	bool is_good;
} addresses[] = {
	{ "http://169.254.169.254", true },
	{ "http://169.254.170.2/v2/credentials/x", true },
	{ "http://169.254.170.23/v1/credentials", true },
	{ "http://[fd00:ec2::254]/", true },
	{ "http://[fd00:ec2::23]/v1/credentials", true },
	{ "http://[fe80::1]/", true },
	{ "http://127.0.0.1:8080/x", true },
	{ "http://[::1]:8080/x", true },
	{ "http://localhost:8080/x", true },
	{ "https://keys.example.com/x", true },
	{ "http://keys.example.com/x", false },
	{ "http://localhost.example.com/x", false },
	{ "http://10.0.0.1/x", false },
	{ "http://192.0.2.1/x", false },
	{ "http://[fd00:ec3::1]/x", false },
	{ "http://[2001:db8::1]/x", false },
	{ "http://169.254.169.254@evil.example.com/x", false },
	{ "ftp://127.0.0.1/x", false },
	{ "169.254.169.254", false },
	{ "", false },
};

static void test_addresses(void)
{
	for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
		struct err err;

		OK(s3_lent_check_address("s3.container_url", addresses[i].url, &err) ==
			   addresses[i].is_good,
		   "'%s' may%s be asked", addresses[i].url, addresses[i].is_good ? "" : " not");
	}
}

int main(void)
{
	test_lent();
	test_longest();
	test_texts();
	test_addresses();
	return tap_end();
}
