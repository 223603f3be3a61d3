/*
 * What the checks of the bucket say, of one that answers what a test tells it to.
 */
#include "checkup/bucket_checks.h"

#include "checked.h"
#include "fake_place.h"
#include "s3/s3_options.h"

/* Tue Dec  1 04:00:00 UTC 2026 */
#define NOW_S 1796097600

int64_t __wrap_clock_wall_ms(void);
int64_t __wrap_clock_wall_ms(void)
{
	return (int64_t)NOW_S * 1000;
}

#define LIST               "GET /calls?list-type=2&max-keys=1 "
#define PUT                "PUT /calls/pre/callspool.doctor "
#define VERSIONS           "GET /calls?prefix=pre%2Fcallspool.doctor&versions= "
#define DELETE             "DELETE /calls/pre/callspool.doctor "
#define PLAY               "GET /calls/pre/callspool.store?"
#define DELETE_OF(version) "DELETE /calls/pre/callspool.doctor?versionId=" version " "
#define XML                "\r\nContent-Type: application/xml"
#define EMPTY              "<ListBucketResult></ListBucketResult>"
/* The MD5 of what is PUT. */
#define KEPT   "200 OK\r\nETag: \"b6d7df96f65721603535d3422ccfb20c\""
#define DENIED "<Error><Code>AccessDenied</Code><Message>no right</Message></Error>"

static struct fake_place bucket;
static struct s3_options options = { .store = "s3://calls/pre",
				     .endpoint = bucket.url,
				     .region = "eu-central-1",
				     .path_style = S3_PATH_STYLE_ON,
				     .access_key_id = "key",
				     .secret_access_key = "secret" };
static const char *const names[][2] = { { bucket.url, "BUCKET" }, { NULL, NULL } };

static char *says_as(const char *check, const struct page *pages, const char *public_url,
		     const char *other_origin, bool is_chosen)
{
	struct deployment deployment = { .machine = { .s3 = &options, .redirects = true },
					 .server.other_origin = other_origin,
					 .places[PLACE_PUBLIC].url = public_url };

	place_say(&bucket, pages);
	return checked_as(&bucket_checks, check, &deployment, names, is_chosen);
}

static char *says_of(const char *check, const struct page *pages)
{
	return says_as(check, pages, "https://calls.test/below", NULL, false);
}

/* ---- does it answer, and by which clock? ---- */

#define CLOCK_APART(by)                                            \
	"weakens: this machine's clock is not the bucket's\n"      \
	"looked at: this machine's clock is " by " the bucket's\n" \
	"expected: less than a minute\n"                           \
	"confirm: callspool doctor bucket-clock\n"
#define AGREE "good: the bucket's clock and this machine's agree\n"

static const struct {
	const char *name, *check, *head, *body, *says;
} answers[] = {
	{ "a listing", "bucket-answers", "200 OK" XML, EMPTY, "good: s3://calls/pre/ answers\n" },
	{ "it is denied", "bucket-answers", "403 No" XML, DENIED,
	  "breaks: the bucket does not answer as it should\n"
	  "looked at: GET s3://calls/pre/: the bucket answers 403 AccessDenied: no right\n"
	  "expected: a listing, with the key of the settings\n"
	  "confirm: callspool doctor bucket-answers\n" },

	{ "the same time", "bucket-clock", "200 OK\r\nDate: Tue, 01 Dec 2026 04:00:00 GMT", EMPTY,
	  AGREE },
	{ "a minute ahead", "bucket-clock", "200 OK\r\nDate: Tue, 01 Dec 2026 03:59:00 GMT", EMPTY,
	  AGREE },
	{ "a minute behind", "bucket-clock", "200 OK\r\nDate: Tue, 01 Dec 2026 04:01:00 GMT", EMPTY,
	  AGREE },
	{ "more, ahead", "bucket-clock", "200 OK\r\nDate: Tue, 01 Dec 2026 03:58:59 GMT", EMPTY,
	  CLOCK_APART("61 s ahead of") },
	{ "more, behind", "bucket-clock", "200 OK\r\nDate: Tue, 01 Dec 2026 04:01:01 GMT", EMPTY,
	  CLOCK_APART("61 s behind") },
	{ "one that refuses tells the time, too", "bucket-clock",
	  "403 No\r\nDate: Tue, 01 Dec 2026 04:16:01 GMT", DENIED, CLOCK_APART("961 s behind") },
	{ "it is not told", "bucket-clock", "200 OK", EMPTY,
	  "left out: the bucket does not say what time it is\n" },
};

static void test_answers(void)
{
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		const struct page pages[] = { { LIST, NULL, answers[i].head, answers[i].body },
					      { 0 } };
		AUTO(free) char *says = says_of(answers[i].check, pages);

		IS_STR(str_of(says), str_of(answers[i].says), "%s: %s", answers[i].check,
		       answers[i].name);
	}

	static const struct page mute[] = { { LIST, NULL, "200 OK", EMPTY }, { 0 } };
	AUTO(free) char *chosen = says_as("bucket-clock", mute, NULL, NULL, true);

	IS_STR(str_of(chosen), STR("unchecked: the bucket does not say what time it is\n"),
	       "bucket-clock: it is not told, and was asked for by name");
}

/* ---- does what is deleted go? ---- */

#define LISTED(rows) "<ListVersionsResult>" rows "</ListVersionsResult>"
#define VERSION(id) \
	"<Version><Key>pre/callspool.doctor</Key><VersionId>" id "</VersionId></Version>"
#define MARKER(id) \
	"<DeleteMarker><Key>pre/callspool.doctor</Key><VersionId>" id "</VersionId></DeleteMarker>"
#define STAYS                                                                                  \
	"breaks: what is deleted stays in the bucket: it keeps versions, and the key may not " \
	"remove them\n"                                                                        \
	"looked at: the bucket answers 403 AccessDenied: no right\n"                           \
	"expected: s3:ListBucketVersions and s3:DeleteObjectVersion\n"                         \
	"confirm: callspool doctor bucket-versions\n"
#define GOES_WHOLE "good: what is deleted goes with all of its versions\n"
#define PUT_GOOD                      \
	{                             \
		PUT, NULL, KEPT, NULL \
	}
#define LINE(request) request "HTTP/1.1\n"

static const struct {
	const char *name;
	struct page pages[8];
	const char *says, *asked; /* all of it */
} deletions[] = {
	{ "it goes",
	  { PUT_GOOD,
	    { VERSIONS, NULL, "200 OK" XML, LISTED(VERSION("null")) },
	    { DELETE, NULL, "204 None", NULL } },
	  "good: what is deleted goes\n",
	  LINE(PUT) LINE(VERSIONS) LINE(DELETE) },
	{ "all of its versions go, of probes before, too",
	  { PUT_GOOD,
	    { VERSIONS, NULL, "200 OK" XML, LISTED(VERSION("v1") MARKER("v2") VERSION("null")) },
	    { "DELETE ", NULL, "204 None", NULL } },
	  GOES_WHOLE,
	  LINE(PUT) LINE(VERSIONS) LINE(DELETE_OF("v1")) LINE(DELETE_OF("v2")) LINE(DELETE) },
	{ "one that is gone already",
	  { PUT_GOOD,
	    { VERSIONS, NULL, "200 OK" XML, LISTED(VERSION("v1") VERSION("v2")) },
	    { DELETE_OF("v1"), NULL, "404 None" XML, "<Error><Code>NoSuchKey</Code></Error>" },
	    { "DELETE ", NULL, "204 None", NULL } },
	  GOES_WHOLE,
	  LINE(PUT) LINE(VERSIONS) LINE(DELETE_OF("v1")) LINE(DELETE_OF("v2")) },
	{ "the first version may not be removed, and the others are",
	  { PUT_GOOD,
	    { VERSIONS, NULL, "200 OK" XML, LISTED(VERSION("v1") VERSION("v2")) },
	    { DELETE_OF("v1"), NULL, "403 No" XML, DENIED },
	    { "DELETE ", NULL, "204 None", NULL } },
	  STAYS,
	  LINE(PUT) LINE(VERSIONS) LINE(DELETE_OF("v1")) LINE(DELETE_OF("v2")) LINE(DELETE) },
	{ "the last may not",
	  { PUT_GOOD,
	    { VERSIONS, NULL, "200 OK" XML, LISTED(VERSION("null") VERSION("v2")) },
	    { DELETE_OF("v2"), NULL, "403 No" XML, DENIED },
	    { "DELETE ", NULL, "204 None", NULL } },
	  STAYS,
	  LINE(PUT) LINE(VERSIONS) LINE(DELETE) LINE(DELETE_OF("v2")) LINE(DELETE) },
	{ "nothing may be removed",
	  { PUT_GOOD,
	    { VERSIONS, NULL, "200 OK" XML, LISTED(VERSION("null")) },
	    { "DELETE ", NULL, "403 No" XML, DENIED } },
	  "breaks: nothing can be removed from the bucket\n"
	  "looked at: the bucket answers 403 AccessDenied: no right\n"
	  "expected: s3:DeleteObject\n"
	  "confirm: callspool doctor bucket-versions\n",
	  LINE(PUT) LINE(VERSIONS) LINE(DELETE) LINE(DELETE) },
	{ "versions may not be listed",
	  { PUT_GOOD,
	    { VERSIONS, NULL, "403 No" XML, DENIED },
	    { "DELETE ", NULL, "204 None", NULL } },
	  "good: versions cannot be listed: only a bucket that keeps none forgets what is "
	  "deleted\n",
	  LINE(PUT) LINE(VERSIONS) LINE(DELETE) },
	{ "versions are unknown to it",
	  { PUT_GOOD,
	    { VERSIONS, NULL, "501 No" XML, "<Error><Code>NotImplemented</Code></Error>" },
	    { "DELETE ", NULL, "204 None", NULL } },
	  "good: versions cannot be listed: only a bucket that keeps none forgets what is "
	  "deleted\n",
	  LINE(PUT) LINE(VERSIONS) LINE(DELETE) },
	{ "it is away while they are listed",
	  { PUT_GOOD, { VERSIONS, NULL, "503 Busy", NULL }, { "DELETE ", NULL, "204 None", NULL } },
	  "unchecked: the bucket answers 503\n",
	  LINE(PUT) LINE(VERSIONS) LINE(DELETE) },
	{ "its listing is a page",
	  { PUT_GOOD,
	    { VERSIONS, NULL, "200 OK", "<html></html>" },
	    { "DELETE ", NULL, "204 None", NULL } },
	  "unchecked: the bucket's listing is none\n",
	  LINE(PUT) LINE(VERSIONS) LINE(DELETE) },
	{ "nothing can be stored",
	  { { PUT, NULL, "403 No" XML, DENIED } },
	  "breaks: nothing can be stored in the bucket\n"
	  "looked at: the bucket answers 403 AccessDenied: no right\n"
	  "expected: s3:PutObject\n"
	  "confirm: callspool doctor bucket-versions\n",
	  LINE(PUT) },
};

static void test_deletions(void)
{
	for (size_t i = 0; i < ARRAY_LEN(deletions); i++) {
		AUTO(free) char *says = says_of("bucket-versions", deletions[i].pages);
		AUTO(free) char *asked = place_all(&bucket);

		IS_STR(str_of(says), str_of(deletions[i].says), "bucket-versions: %s",
		       deletions[i].name);
		IS_STR(str_of(asked), str_of(deletions[i].asked),
		       "bucket-versions: what is asked: %s", deletions[i].name);
	}
}

/* ---- may players be sent there? ---- */

#define SOUND        "206 Part\r\nContent-Type: audio/mpeg"
#define ALLOWED(who) "\r\nAccess-Control-Allow-Origin: " who
#define EXPOSED      "\r\nAccess-Control-Expose-Headers: ETag, content-range"
#define RULE(origin)                                                               \
	"[{\"AllowedOrigins\": [\"" origin "\"], \"AllowedMethods\": [\"GET\"], "  \
	"\"AllowedHeaders\": [\"Range\"], \"ExposeHeaders\": [\"Accept-Ranges\", " \
	"\"Content-Length\", \"Content-Range\", \"ETag\"], \"MaxAgeSeconds\": 3600}]\n"
#define NOT_PLAYED(answer)                                                   \
	"breaks: players cannot play what they are sent to the bucket for\n" \
	"looked at: GET BUCKET/callspool.store, signed: " answer "\n"        \
	"expected: 206, two bytes, audio/mpeg\n"                             \
	"write: store_redirect = off\n"                                      \
	"confirm: callspool doctor bucket-redirect\n"
#define NOT_SHARED(origin)                                                              \
	"weakens: pages may not read what they are sent to the bucket for\n"            \
	"looked at: GET BUCKET/callspool.store, signed: 206, Content-Type audio/mpeg, " \
	"Content-Length 2, 2 bytes in N ms\n"                                           \
	"expected: a CORS rule of the bucket\n"                                         \
	"write: " RULE(origin) "confirm: callspool doctor bucket-redirect\n"
#define CALLS        "https://calls.test"
#define GOOD(origin) "good: BUCKET plays for " origin " in N ms\n"

static const struct {
	const char *name, *public_url, *other, *origin, *head, *body, *says;
} redirects[] = {
	{ "the page of the public address", CALLS "/below", NULL, CALLS,
	  SOUND ALLOWED(CALLS) EXPOSED, "ID", GOOD(CALLS) },
	{ "anybody", CALLS, NULL, CALLS, SOUND ALLOWED("*") EXPOSED, "ID", GOOD(CALLS) },
	{ "all headers are exposed", CALLS, NULL, CALLS,
	  SOUND ALLOWED("*") "\r\nAccess-Control-Expose-Headers: *", "ID", GOOD(CALLS) },
	{ "pages of others have no name there", CALLS, "https://crm.test", "null",
	  SOUND ALLOWED("*") EXPOSED, "ID", GOOD("null") },
	{ "pages of others, who are not allowed", CALLS, "https://crm.test", "null",
	  SOUND ALLOWED("https://crm.test") EXPOSED, "ID", NOT_SHARED("*") },
	{ "no address is set", NULL, NULL, "https://calls.example.com",
	  SOUND ALLOWED("https://calls.example.com") EXPOSED, "ID",
	  GOOD("https://calls.example.com") },
	{ "another page", CALLS, NULL, CALLS, SOUND ALLOWED("https://other.test") EXPOSED, "ID",
	  NOT_SHARED(CALLS) },
	{ "nobody", CALLS, NULL, CALLS, SOUND EXPOSED, "ID", NOT_SHARED(CALLS) },
	{ "nothing is exposed", CALLS, NULL, CALLS, SOUND ALLOWED(CALLS), "ID", NOT_SHARED(CALLS) },
	{ "the length alone is", CALLS, NULL, CALLS,
	  SOUND ALLOWED(CALLS) "\r\nAccess-Control-Expose-Headers: Content-Length", "ID",
	  NOT_SHARED(CALLS) },
	{ "no server has begun", CALLS, NULL, CALLS, "404 None", "",
	  "left out: there is no callspool.store there yet: no server has begun\n" },
	{ "all of it comes", CALLS, NULL, CALLS,
	  "200 OK\r\nContent-Type: audio/mpeg" ALLOWED(CALLS) EXPOSED, "ID",
	  NOT_PLAYED("200, Content-Type audio/mpeg, Content-Length 2, 2 bytes in N ms") },
	{ "too little comes", CALLS, NULL, CALLS, SOUND ALLOWED(CALLS) EXPOSED, "I",
	  NOT_PLAYED("206, Content-Type audio/mpeg, Content-Length 1, 1 bytes in N ms") },
	{ "another type", CALLS, NULL, CALLS,
	  "206 Part\r\nContent-Type: text/plain" ALLOWED(CALLS) EXPOSED, "ID",
	  NOT_PLAYED("206, Content-Type text/plain, Content-Length 2, 2 bytes in N ms") },
	{ "it is refused", CALLS, NULL, CALLS, "403 No", "",
	  NOT_PLAYED("403, Content-Length 0, 0 bytes in N ms") },
};

static void test_redirects(void)
{
	for (size_t i = 0; i < ARRAY_LEN(redirects); i++) {
		AUTO(free)
		char *origin =
			xasprintf("\r\nOrigin: %s\r\nRange: bytes=0-1\r\n", redirects[i].origin);
		const struct page pages[] = { { LIST, NULL, "200 OK" XML, EMPTY },
					      { PLAY, origin, redirects[i].head,
						redirects[i].body },
					      { 0 } };
		AUTO(free)
		char *says = says_as("bucket-redirect", pages, redirects[i].public_url,
				     redirects[i].other, false);

		IS_STR(str_of(says), str_of(redirects[i].says), "bucket-redirect: %s",
		       redirects[i].name);
		OK(place_was_told(&bucket, "response-content-type=audio%2Fmpeg") &&
			   place_was_told(&bucket, "X-Amz-Expires=60&") &&
			   place_was_told(&bucket, "X-Amz-Signature="),
		   "bucket-redirect: as a player would be sent there: %s", redirects[i].name);
	}
}

/* For how long an address is good is not known where its key is of a session. */
static void test_session_token(void)
{
	static const struct {
		const char *name, *head, *body, *looked;
	} cases[] = {
		{ "the bucket answers", "200 OK" XML, EMPTY, "s3.session_token" },
		{ "it refuses", "403 No" XML, DENIED,
		  "the bucket answers 403 AccessDenied: no right" },
	};

	options.session_token = "session";
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct page pages[] = { { LIST, NULL, cases[i].head, cases[i].body }, { 0 } };
		AUTO(free) char *says = says_of("bucket-redirect", pages);
		AUTO(free)
		char *want = xasprintf(
			"breaks: players are not sent to the bucket, for how long its session token "
			"is good is not known\nlooked at: %s\n"
			"expected: a key that lasts, or one that is lent (s3.container_url, "
			"s3.instance_url)\nwrite: store_redirect = off\n"
			"confirm: callspool doctor bucket-redirect\n",
			cases[i].looked);

		IS_STR(str_of(says), str_of(want), "bucket-redirect: a key of a session: %s",
		       cases[i].name);
		IS_INT(place_count(&bucket), 1, "bucket-redirect: nobody is sent there: %s",
		       cases[i].name);
	}
	options.session_token = NULL;
}

/* ---- no bucket ---- */

static void test_no_bucket(void)
{
	static const struct s3_options wrong = { .store = "s3://calls" }, files = { .store = NULL };

	place_say(&bucket, NULL);
	for (size_t i = 0; i < bucket_checks.count; i++) {
		const char *check = bucket_checks.checks[i].name;
		struct deployment none = { .machine = { .s3 = NULL, .redirects = true } };
		struct deployment local = { .machine = { .s3 = &files } };
		struct deployment bad = { .machine = { .s3 = &wrong, .redirects = true } };
		struct deployment off = { .machine = { .s3 = &options } };
		AUTO(free) char *nothing = checked(&bucket_checks, check, &none, names);
		AUTO(free) char *folder = checked(&bucket_checks, check, &local, names);
		AUTO(free) char *unset = checked(&bucket_checks, check, &bad, names);

		IS_STR(str_of(nothing), STR("left out: media lies in files\n"), "%s: no store",
		       check);
		IS_STR(str_of(folder), STR("left out: media lies in files\n"), "%s: files", check);
		OK(str_starts(str_of(unset), STR("unchecked: ")) && strstr(unset, "access_key"),
		   "%s: without a key", check);
		if (strcmp(check, "bucket-redirect") != 0)
			continue;

		AUTO(free) char *direct = checked(&bucket_checks, check, &off, names);

		IS_STR(str_of(direct), STR("left out: store_redirect is off\n"),
		       "%s: nobody is sent there", check);
	}
	IS_INT(place_count(&bucket), 0, "and no bucket is asked");
}

int main(void)
{
	place_start(&bucket);
	test_answers();
	test_deletions();
	test_redirects();
	test_session_token();
	test_no_bucket();
	place_stop(&bucket);
	return tap_end();
}
