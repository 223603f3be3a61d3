/*
 * What each answer of a bucket means, and what a bucket and its keys are called.
 */
#include "s3/s3.h"

#include "s3_fixture.h"

/* ---- one answer, or two ---- */

enum standing { BACK, DOUBTED, AWAY }; /* DOUBTED: once is not enough to say anything */

static const struct row {
	const char *name;
	enum asks asks;
	bool may_be_denied;
	struct said said[SAID_MAX];
	bool succeeds;
	enum err_kind kind;
	const char *text;   /* in its error; NULL: none */
	const char *hidden; /* not in it */
	enum s3_method counted_of;
	enum s3_result counted_as;
	enum standing standing;
} rows[] = {
	/* ---- success ---- */
	{ "a GET",
	  GETS,
	  false,
	  { SAYS("GET", "200 OK", NULL, BODY) },
	  .succeeds = true,
	  .counted_of = S3_GET,
	  .counted_as = S3_RESULT_OK },
	{ "a HEAD says how long it is",
	  HEADS,
	  false,
	  { SAYS("HEAD", "200 OK", NULL, BODY) },
	  .succeeds = true,
	  .counted_of = S3_HEAD,
	  .counted_as = S3_RESULT_OK },
	{ "a PUT whose ETag is its MD5",
	  PUTS,
	  false,
	  { SAYS("PUT", "200 OK", "ETag: " MD5 "\r\n", "") },
	  .succeeds = true,
	  .counted_of = S3_PUT,
	  .counted_as = S3_RESULT_OK },
	{ "a PUT whose ETag is its MD5 in capitals",
	  PUTS,
	  false,
	  { SAYS("PUT", "200 OK", "ETag: \"02BD638B6FD6B96ACE70F7E9775B4301\"\r\n", "") },
	  .succeeds = true,
	  .counted_of = S3_PUT,
	  .counted_as = S3_RESULT_OK },
	{ "a PUT with another ETag is proved by a HEAD",
	  PUTS,
	  false,
	  { SAYS("PUT", "200 OK", "ETag: \"02bd638b6fd6b96ace70f7e9775b4302\"\r\n", ""),
	    SAYS("HEAD", "200 OK", NULL, BODY) },
	  .succeeds = true,
	  .counted_of = S3_HEAD,
	  .counted_as = S3_RESULT_OK },
	{ "one whose ETag only begins so, too",
	  PUTS,
	  false,
	  { SAYS("PUT", "200 OK", "ETag: \"02bd638b6fd6b96ace70f7e9775b4301-2\"\r\n", ""),
	    SAYS("HEAD", "200 OK", NULL, BODY) },
	  .succeeds = true,
	  .counted_of = S3_HEAD,
	  .counted_as = S3_RESULT_OK },
	{ "and one without",
	  PUTS,
	  false,
	  { SAYS("PUT", "200 OK", NULL, ""), SAYS("HEAD", "200 OK", NULL, BODY) },
	  .succeeds = true,
	  .counted_of = S3_HEAD,
	  .counted_as = S3_RESULT_OK },
	{ "a DELETE at 204",
	  DELETES,
	  false,
	  { SAYS("DELETE", "204 No Content", NULL, "") },
	  .succeeds = true,
	  .counted_of = S3_DELETE,
	  .counted_as = S3_RESULT_OK },
	{ "a DELETE at 200 is proved by a HEAD",
	  DELETES,
	  false,
	  { SAYS("DELETE", "200 OK", NULL, ""), SAYS("HEAD", "404 Not Found", NULL, "") },
	  .succeeds = true,
	  .counted_of = S3_HEAD,
	  .counted_as = S3_RESULT_OK },
	{ "a page of the list",
	  LISTS,
	  false,
	  { SAYS("GET", "200 OK", NULL, "<ListBucketResult/>") },
	  .succeeds = true,
	  .counted_of = S3_GET,
	  .counted_as = S3_RESULT_OK },
	{ "206 is success",
	  GETS,
	  false,
	  { SAYS("GET", "206 Partial Content", NULL, BODY) },
	  .succeeds = true,
	  .counted_of = S3_GET,
	  .counted_as = S3_RESULT_OK },
	{ "299 is the last that is",
	  GETS,
	  false,
	  { SAYS("GET", "299 Whatever", NULL, BODY) },
	  .succeeds = true,
	  .counted_of = S3_GET,
	  .counted_as = S3_RESULT_OK },
	{ "300 is none",
	  GETS,
	  false,
	  { SAYS("GET", "300 Many", NULL, "") },
	  .kind = ERR_UNAVAILABLE,
	  .text = "answers 300",
	  .counted_of = S3_GET,
	  .counted_as = S3_RESULT_OTHER,
	  .standing = DOUBTED },

	/* ---- success that is none ---- */
	{ "a PUT of which a HEAD knows nothing",
	  PUTS,
	  false,
	  { SAYS("PUT", "200 OK", NULL, PAGE), SAYS("HEAD", "404 Not Found", NULL, "") },
	  .kind = ERR_UNAVAILABLE,
	  .text = "a PUT",
	  .counted_of = S3_HEAD,
	  .counted_as = S3_RESULT_FALSE,
	  .standing = AWAY },
	{ "a PUT of which a HEAD says one byte less",
	  PUTS,
	  false,
	  { SAYS("PUT", "200 OK", NULL, PAGE), SAYS("HEAD", "200 OK", NULL, "some soun") },
	  .kind = ERR_UNAVAILABLE,
	  .text = "is not the bucket",
	  .counted_of = S3_HEAD,
	  .counted_as = S3_RESULT_FALSE,
	  .standing = AWAY },
	{ "a PUT that a HEAD cannot prove",
	  PUTS,
	  false,
	  { SAYS("PUT", "200 OK", NULL, PAGE), SAYS("HEAD", "503 Busy", NULL, "") },
	  .kind = ERR_UNAVAILABLE,
	  .text = "answers 503",
	  .counted_of = S3_HEAD,
	  .counted_as = S3_RESULT_BUSY,
	  .standing = DOUBTED },
	{ "a DELETE of which a HEAD says that it is there",
	  DELETES,
	  false,
	  { SAYS("DELETE", "200 OK", NULL, PAGE), SAYS("HEAD", "200 OK", NULL, BODY) },
	  .kind = ERR_UNAVAILABLE,
	  .text = "a DELETE",
	  .counted_of = S3_HEAD,
	  .counted_as = S3_RESULT_FALSE,
	  .standing = AWAY },
	{ "a HEAD that does not say how long it is",
	  HEADS,
	  false,
	  { SAYS("HEAD", "200 OK", NULL, "", .how = WITHOUT_LENGTH) },
	  .kind = ERR_UNAVAILABLE,
	  .text = "how long",
	  .counted_of = S3_HEAD,
	  .counted_as = S3_RESULT_FALSE,
	  .standing = DOUBTED },

	/* ---- it is not there ---- */
	{ "404 with a code",
	  GETS,
	  false,
	  { SAYS("GET", "404 Not Found", NULL, CODE("NoSuchKey")) },
	  .kind = ERR_NOT_FOUND,
	  .text = "404 NoSuchKey: because",
	  .counted_of = S3_GET,
	  .counted_as = S3_RESULT_MISSING },
	{ "404 of a page",
	  GETS,
	  false,
	  { SAYS("GET", "404 Not Found", NULL, PAGE) },
	  .kind = ERR_UNAVAILABLE,
	  .text = "answers 404",
	  .counted_of = S3_GET,
	  .counted_as = S3_RESULT_REFUSED,
	  .standing = AWAY },
	{ "404 of a bucket that is not there",
	  GETS,
	  false,
	  { SAYS("GET", "404 Not Found", NULL, CODE("NoSuchBucket")) },
	  .kind = ERR_UNAVAILABLE,
	  .text = "NoSuchBucket",
	  .counted_of = S3_GET,
	  .counted_as = S3_RESULT_REFUSED,
	  .standing = AWAY },
	{ "404 of a HEAD, which has no code",
	  HEADS,
	  false,
	  { SAYS("HEAD", "404 Not Found", NULL, "") },
	  .kind = ERR_NOT_FOUND,
	  .text = "404",
	  .counted_of = S3_HEAD,
	  .counted_as = S3_RESULT_MISSING },
	{ "404 of a DELETE with a code",
	  DELETES,
	  false,
	  { SAYS("DELETE", "404 Not Found", NULL, CODE("NoSuchKey")) },
	  .kind = ERR_NOT_FOUND,
	  .text = "404",
	  .counted_of = S3_DELETE,
	  .counted_as = S3_RESULT_MISSING },
	{ "404 of a DELETE without",
	  DELETES,
	  false,
	  { SAYS("DELETE", "404 Not Found", NULL, PAGE) },
	  .kind = ERR_UNAVAILABLE,
	  .text = "404",
	  .counted_of = S3_DELETE,
	  .counted_as = S3_RESULT_REFUSED,
	  .standing = AWAY },
	{ "404 of a PUT",
	  PUTS,
	  false,
	  { SAYS("PUT", "404 Not Found", NULL, CODE("NoSuchKey")) },
	  .kind = ERR_UNAVAILABLE,
	  .text = "404",
	  .counted_of = S3_PUT,
	  .counted_as = S3_RESULT_REFUSED,
	  .standing = AWAY },
	{ "404 of a listing, with a code",
	  LISTS,
	  false,
	  { SAYS("GET", "404 Not Found", NULL, CODE("NoSuchKey")) },
	  .kind = ERR_UNAVAILABLE,
	  .text = "404",
	  .counted_of = S3_GET,
	  .counted_as = S3_RESULT_REFUSED,
	  .standing = AWAY },
	{ "a code that says so with 400",
	  GETS,
	  false,
	  { SAYS("GET", "400 Bad Request", NULL, CODE("NoSuchKey")) },
	  .kind = ERR_UNAVAILABLE,
	  .text = "400",
	  .counted_of = S3_GET,
	  .counted_as = S3_RESULT_REFUSED,
	  .standing = AWAY },
	{ "410 is not 404",
	  HEADS,
	  false,
	  { SAYS("HEAD", "410 Gone", NULL, "") },
	  .kind = ERR_UNAVAILABLE,
	  .text = "410",
	  .counted_of = S3_HEAD,
	  .counted_as = S3_RESULT_OTHER,
	  .standing = DOUBTED },

	/* ---- we are refused ---- */
	{ "400",
	  PUTS,
	  false,
	  { SAYS("PUT", "400 Bad Request", NULL, CODE("InvalidRequest")) },
	  .kind = ERR_UNAVAILABLE,
	  .text = "400 InvalidRequest: because",
	  .counted_of = S3_PUT,
	  .counted_as = S3_RESULT_REFUSED,
	  .standing = AWAY },
	{ "401",
	  GETS,
	  false,
	  { SAYS("GET", "401 Unauthorized", NULL, PAGE) },
	  .kind = ERR_UNAVAILABLE,
	  .text = "401",
	  .counted_of = S3_GET,
	  .counted_as = S3_RESULT_REFUSED,
	  .standing = AWAY },
	{ "403: a key that is wrong, and clocks that agree",
	  GETS,
	  false,
	  { SAYS("GET", "403 Forbidden", NULL, CODE("InvalidAccessKeyId")) },
	  .kind = ERR_UNAVAILABLE,
	  .text = "403 InvalidAccessKeyId: because",
	  .hidden = "clock",
	  .counted_of = S3_GET,
	  .counted_as = S3_RESULT_REFUSED,
	  .standing = AWAY },
	{ "403: clocks that are less than five minutes apart",
	  GETS,
	  false,
	  { SAYS("GET", "403 Forbidden", NULL, CODE("AccessDenied"), .clock_s = 290) },
	  .kind = ERR_UNAVAILABLE,
	  .text = "because",
	  .hidden = "clock",
	  .counted_of = S3_GET,
	  .counted_as = S3_RESULT_REFUSED,
	  .standing = AWAY },
	{ "the other way",
	  GETS,
	  false,
	  { SAYS("GET", "403 Forbidden", NULL, CODE("AccessDenied"), .clock_s = -290) },
	  .kind = ERR_UNAVAILABLE,
	  .text = "because",
	  .hidden = "clock",
	  .counted_of = S3_GET,
	  .counted_as = S3_RESULT_REFUSED,
	  .standing = AWAY },
	{ "403: our clock is behind",
	  GETS,
	  false,
	  { SAYS("GET", "403 Forbidden", NULL, CODE("SignatureDoesNotMatch"), .clock_s = HOUR_S) },
	  .kind = ERR_UNAVAILABLE,
	  .text = "s behind the bucket's",
	  .counted_of = S3_GET,
	  .counted_as = S3_RESULT_REFUSED,
	  .standing = AWAY },
	{ "403: our clock is ahead",
	  GETS,
	  false,
	  { SAYS("GET", "403 Forbidden", NULL, CODE("SignatureDoesNotMatch"), .clock_s = -HOUR_S) },
	  .kind = ERR_UNAVAILABLE,
	  .text = "clock is 360",
	  .counted_of = S3_GET,
	  .counted_as = S3_RESULT_REFUSED,
	  .standing = AWAY },
	{ "403: the bucket says that it is the clock",
	  GETS,
	  false,
	  { SAYS("GET", "403 Forbidden", NULL, CODE("RequestTimeTooSkewed")) },
	  .kind = ERR_UNAVAILABLE,
	  .text = "this machine's clock is",
	  .counted_of = S3_GET,
	  .counted_as = S3_RESULT_REFUSED,
	  .standing = AWAY },
	{ "503 and a clock that is wrong: it is not that",
	  GETS,
	  false,
	  { SAYS("GET", "503 Busy", NULL, CODE("SlowDown"), .clock_s = HOUR_S) },
	  .kind = ERR_UNAVAILABLE,
	  .text = "503 SlowDown: because",
	  .hidden = "clock",
	  .counted_of = S3_GET,
	  .counted_as = S3_RESULT_BUSY,
	  .standing = DOUBTED },
	{ "a redirect to another region is not followed",
	  GETS,
	  false,
	  { SAYS("GET", "307 Temporary Redirect",
		 "Location: http://127.0.0.1:@B/bucket/calls/3f/k.mp3\r\n", "") },
	  .kind = ERR_UNAVAILABLE,
	  .text = "307: it lies in another region",
	  .counted_of = S3_GET,
	  .counted_as = S3_RESULT_REFUSED,
	  .standing = AWAY },
	{ "nor is that of a PUT",
	  PUTS,
	  false,
	  { SAYS("PUT", "307 Temporary Redirect",
		 "Location: http://127.0.0.1:@B/bucket/calls/3f/k.mp3\r\n", "") },
	  .kind = ERR_UNAVAILABLE,
	  .text = "another region",
	  .counted_of = S3_PUT,
	  .counted_as = S3_RESULT_REFUSED,
	  .standing = AWAY },
	{ "301 without a place to go to",
	  GETS,
	  false,
	  { SAYS("GET", "301 Moved", NULL, CODE("PermanentRedirect")) },
	  .kind = ERR_UNAVAILABLE,
	  .text = "301 PermanentRedirect: it lies in another region",
	  .counted_of = S3_GET,
	  .counted_as = S3_RESULT_REFUSED,
	  .standing = AWAY },

	/* ---- a right that may be lacking, a question that not all know ---- */
	{ "what may be denied is",
	  LISTS,
	  true,
	  { SAYS("GET", "403 Forbidden", NULL, CODE("AccessDenied")) },
	  .kind = ERR_INVALID,
	  .text = "403 AccessDenied",
	  .counted_of = S3_GET,
	  .counted_as = S3_RESULT_OTHER },
	{ "what may be denied, by a key that is wrong",
	  LISTS,
	  true,
	  { SAYS("GET", "403 Forbidden", NULL, CODE("InvalidAccessKeyId")) },
	  .kind = ERR_UNAVAILABLE,
	  .text = "403",
	  .counted_of = S3_GET,
	  .counted_as = S3_RESULT_REFUSED,
	  .standing = AWAY },
	{ "what may be denied, by a page",
	  LISTS,
	  true,
	  { SAYS("GET", "403 Forbidden", NULL, PAGE) },
	  .kind = ERR_UNAVAILABLE,
	  .text = "403",
	  .counted_of = S3_GET,
	  .counted_as = S3_RESULT_REFUSED,
	  .standing = AWAY },
	{ "what may not be denied",
	  LISTS,
	  false,
	  { SAYS("GET", "403 Forbidden", NULL, CODE("AccessDenied")) },
	  .kind = ERR_UNAVAILABLE,
	  .text = "403",
	  .counted_of = S3_GET,
	  .counted_as = S3_RESULT_REFUSED,
	  .standing = AWAY },
	{ "that code with another status",
	  LISTS,
	  true,
	  { SAYS("GET", "400 Bad Request", NULL, CODE("AccessDenied")) },
	  .kind = ERR_UNAVAILABLE,
	  .text = "400",
	  .counted_of = S3_GET,
	  .counted_as = S3_RESULT_REFUSED,
	  .standing = AWAY },
	{ "501 of a listing",
	  LISTS,
	  false,
	  { SAYS("GET", "501 Not Implemented", NULL, CODE("NotImplemented")) },
	  .kind = ERR_INVALID,
	  .text = "501",
	  .counted_of = S3_GET,
	  .counted_as = S3_RESULT_OTHER },
	{ "405 of a listing",
	  LISTS,
	  false,
	  { SAYS("GET", "405 Method Not Allowed", NULL, CODE("MethodNotAllowed")) },
	  .kind = ERR_INVALID,
	  .text = "405",
	  .counted_of = S3_GET,
	  .counted_as = S3_RESULT_OTHER },
	{ "405 of a DELETE",
	  DELETES,
	  false,
	  { SAYS("DELETE", "405 Method Not Allowed", NULL, CODE("MethodNotAllowed")) },
	  .kind = ERR_INVALID,
	  .text = "405",
	  .counted_of = S3_DELETE,
	  .counted_as = S3_RESULT_OTHER },
	{ "501 of a DELETE",
	  DELETES,
	  false,
	  { SAYS("DELETE", "501 Not Implemented", NULL, "") },
	  .kind = ERR_INVALID,
	  .text = "501",
	  .counted_of = S3_DELETE,
	  .counted_as = S3_RESULT_OTHER },
	{ "405 of a PUT: who says that is no bucket",
	  PUTS,
	  false,
	  { SAYS("PUT", "405 Method Not Allowed", NULL, PAGE) },
	  .kind = ERR_UNAVAILABLE,
	  .text = "405",
	  .counted_of = S3_PUT,
	  .counted_as = S3_RESULT_OTHER,
	  .standing = DOUBTED },
	{ "501 of a GET",
	  GETS,
	  false,
	  { SAYS("GET", "501 Not Implemented", NULL, PAGE) },
	  .kind = ERR_UNAVAILABLE,
	  .text = "501",
	  .counted_of = S3_GET,
	  .counted_as = S3_RESULT_BUSY,
	  .standing = DOUBTED },

	/* ---- what was sent is not what was hashed ---- */
	{ "another SHA-256",
	  PUTS,
	  false,
	  { SAYS("PUT", "400 Bad Request", NULL, CODE("XAmzContentSHA256Mismatch")) },
	  .kind = ERR_INTERNAL,
	  .text = "400 XAmzContentSHA256Mismatch",
	  .counted_of = S3_PUT,
	  .counted_as = S3_RESULT_OTHER },
	{ "another MD5",
	  PUTS,
	  false,
	  { SAYS("PUT", "400 Bad Request", NULL, CODE("BadDigest")) },
	  .kind = ERR_INTERNAL,
	  .text = "400 BadDigest",
	  .counted_of = S3_PUT,
	  .counted_as = S3_RESULT_OTHER },

	/* ---- it is busy, or something is in between ---- */
	{ "429",
	  PUTS,
	  false,
	  { SAYS("PUT", "429 Too Many Requests", NULL, "") },
	  .kind = ERR_UNAVAILABLE,
	  .text = "429",
	  .counted_of = S3_PUT,
	  .counted_as = S3_RESULT_BUSY,
	  .standing = DOUBTED },
	{ "500",
	  GETS,
	  false,
	  { SAYS("GET", "500 Internal", NULL, CODE("InternalError")) },
	  .kind = ERR_UNAVAILABLE,
	  .text = "500 InternalError",
	  .counted_of = S3_GET,
	  .counted_as = S3_RESULT_BUSY,
	  .standing = DOUBTED },
	{ "503 of a HEAD",
	  HEADS,
	  false,
	  { SAYS("HEAD", "503 Busy", NULL, "") },
	  .kind = ERR_UNAVAILABLE,
	  .text = "503",
	  .counted_of = S3_HEAD,
	  .counted_as = S3_RESULT_BUSY,
	  .standing = DOUBTED },
	{ "499",
	  GETS,
	  false,
	  { SAYS("GET", "499 Whatever", NULL, "") },
	  .kind = ERR_UNAVAILABLE,
	  .text = "499",
	  .counted_of = S3_GET,
	  .counted_as = S3_RESULT_OTHER,
	  .standing = DOUBTED },
	{ "409: nothing is asked under a condition",
	  PUTS,
	  false,
	  { SAYS("PUT", "409 Conflict", NULL, CODE("OperationAborted")) },
	  .kind = ERR_UNAVAILABLE,
	  .text = "409",
	  .counted_of = S3_PUT,
	  .counted_as = S3_RESULT_OTHER,
	  .standing = DOUBTED },
	{ "412",
	  PUTS,
	  false,
	  { SAYS("PUT", "412 Precondition Failed", NULL, "") },
	  .kind = ERR_UNAVAILABLE,
	  .text = "412",
	  .counted_of = S3_PUT,
	  .counted_as = S3_RESULT_OTHER,
	  .standing = DOUBTED },
	{ "half an answer",
	  GETS,
	  false,
	  { SAYS("GET", "200 OK", NULL, BODY, .how = CUT_OFF) },
	  .kind = ERR_UNAVAILABLE,
	  .text = "does not answer: ",
	  .counted_of = S3_GET,
	  .counted_as = S3_RESULT_UNANSWERED,
	  .standing = AWAY },
};

static enum standing standing_now(void)
{
	return told.aways > 0 ? AWAY : told.backs > 0 ? BACK : DOUBTED;
}

static void expect_methods(const struct row *row)
{
	char want[128] = "";
	size_t len = 0;

	for (const struct said *said = row->said; said->method; said++)
		len += (size_t)snprintf(want + len, sizeof(want) - len, "%s%s", len ? " " : "",
					said->method);
	IS_STR(str_of(asked_methods), str_of(want), "%s: what it was asked", row->name);
}

static bool is_refused_as_it_should(const struct row *row, const struct s3_request *request)
{
	struct str text = str_of(request->err.text);

	return !request->succeeded && request->err.kind == row->kind && has(text, row->text) &&
	       (!row->hidden || !has(text, row->hidden));
}

static void test_answer(const struct row *row)
{
	struct s3_request request;
	size_t told_of = 0;

	open_bucket();
	prepare(&request, row->asks);
	request.may_be_denied = row->may_be_denied;
	play(row->asks == LISTS ? ALL_PATH : KEY_PATH, row->said);
	ask(&request);
	if (row->succeeds)
		OK(request.succeeded, "%s: success%s%s", row->name,
		   request.succeeded ? "" : ", and not: ",
		   request.succeeded ? "" : request.err.text);
	else if (!OK(is_refused_as_it_should(row, &request), "%s: '%s'", row->name, row->text))
		printf("# %s, kind %d: %s\n", request.succeeded ? "success" : "failure",
		       request.err.kind, request.err.text);
	if (request.succeeded && (row->asks == GETS || row->asks == HEADS))
		IS_INT(request.size, strlen(BODY), "%s: how long it is", row->name);
	expect_methods(row);
	while (told_of < SAID_MAX && row->said[told_of].method)
		told_of++;
	IS_INT(counted(row->counted_of, row->counted_as), 1, "%s: is counted as '%s'", row->name,
	       s3_result_name(row->counted_as));
	IS_INT(counted_in_all(), told_of, "%s: and each answer once", row->name);
	IS_INT(standing_now(), row->standing, "%s: is the bucket away?", row->name);
	s3_request_release(&request);
	close_bucket();
}

/* ---- what it is called ---- */

static void test_names(void)
{
	AUTO(free) char *endpoint = xasprintf("http://127.0.0.1:%u", server.ports[0]);
	AUTO(free) char *url = NULL;
	static const struct said works[] = { WORKS, { .method = NULL } };
	AUTO(buf_release) struct buf address;
	struct s3_request request;
	struct s3_options options = { .store = "s3://bucket/calls",
				      .endpoint = endpoint,
				      .access_key_id = "id",
				      .secret_access_key = "secret" };

	open_bucket();
	url = s3_url(s3, STR("3f/k.mp3"));
	IS_STR(str_of(url), STR("s3://bucket/calls/3f/k.mp3"), "a key's name");
	IS_STR(s3_prefix(s3), STR("calls/"), "what keys begin with");
	IS_STR(str_of(s3_origin(s3)), str_of(endpoint), "where addresses begin");
	buf_init(&address, 4096);
	OK(s3_presigns(s3) && s3_presigned(s3, STR("3f/k.mp3"), NULL, 0, 60, &address),
	   "anybody may be given an address");
	OK(str_starts(buf_str(&address), str_of(endpoint)) &&
		   has(buf_str(&address), KEY_PATH "?") &&
		   has(buf_str(&address), "X-Amz-Expires=60"),
	   "of that key, for so long");
	close_bucket();

	options.session_token = "for a while, and nobody knows how long";
	MUST(s3_open(&options, &s3, &err));
	buf_clear(&address);
	OK(!s3_presigns(s3) && !s3_presigned(s3, STR("3f/k.mp3"), NULL, 0, 60, &address),
	   "with a token of which nobody knows when it ends, no");
	prepare(&request, GETS);
	play(KEY_PATH, works);
	ask(&request);
	OK(request.succeeded && has(str_of(server.all), "X-Amz-Security-Token: for a while"),
	   "but what is asked here has it with it");
	s3_request_release(&request);
	close_bucket();
}

static void test_check(void)
{
	static const struct {
		const char *name;
		struct s3_options options;
		const char *text; /* NULL: it is good */
	} cases[] = {
		{ "all that is needed",
		  { .store = "s3://bucket", .access_key_id = "id", .secret_access_key = "s" },
		  NULL },
		{ "a key in a file that holds none",
		  { .store = "s3://bucket",
		    .access_key_id_file = "/dev/null",
		    .secret_access_key = "s" },
		  "s3.access_key_id_file" },
		{ "no secret",
		  { .store = "s3://bucket", .access_key_id = "id" },
		  "s3.secret_access_key" },
		{ "no key",
		  { .store = "s3://bucket", .secret_access_key = "s" },
		  "s3.access_key_id" },
		{ "neither, and nobody who lends them",
		  { .store = "s3://bucket" },
		  "s3.instance_url" },
		{ "a store that is none",
		  { .store = "bucket", .access_key_id = "id", .secret_access_key = "s" },
		  "store" },
		{ "a secret that could not be read",
		  { .store = "s3://bucket",
		    .access_key_id = "id",
		    .secret_access_key = "s",
		    .unread = "cannot read 'it'" },
		  "cannot read 'it'" },
		{ "who lends keys, at an address",
		  { .store = "s3://bucket", .instance_url = "http://127.0.0.1" },
		  NULL },
		{ "who lends keys, at none",
		  { .store = "s3://bucket", .instance_url = "somewhere" },
		  "s3.instance_url" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err why = { .text = "" };
		bool is_good = s3_check(&cases[i].options, &why);

		if (!cases[i].text)
			OK(is_good, "good: %s%s", cases[i].name, why.text);
		else
			OK(!is_good && why.kind == ERR_INVALID &&
				   has(str_of(why.text), cases[i].text),
			   "not: %s (%s)", cases[i].name, why.text);
	}
}

int main(void)
{
	begin_tests();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		test_answer(&rows[i]);
	test_names();
	test_check();
	return end_tests();
}
