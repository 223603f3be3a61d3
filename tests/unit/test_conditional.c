#include "http/conditional.h"
#include "tap.h"

#define TAG     "\"abc\""
#define DATE    "Sun, 06 Nov 1994 08:49:37 GMT"
#define BEFORE  "Sun, 06 Nov 1994 08:49:36 GMT"
#define AFTER   "Sun, 06 Nov 1994 08:49:38 GMT"
#define DATE_MS 784111777000

static const struct {
	const char *name;
	enum http_method method;
	const char *headers[6]; /* name, value, ... */
	enum conditional_result result;
} cases[] = {
	{ "no condition", HTTP_GET, { NULL }, CONDITIONAL_GO_ON },

	{ "If-Match with our tag", HTTP_GET, { "If-Match", TAG }, CONDITIONAL_GO_ON },
	{ "If-Match with another", HTTP_GET, { "If-Match", "\"x\"" }, CONDITIONAL_FAILED },
	{ "If-Match compares strongly", HTTP_GET, { "If-Match", "W/" TAG }, CONDITIONAL_FAILED },
	{ "If-Match: *", HTTP_GET, { "If-Match", "*" }, CONDITIONAL_GO_ON },
	{ "If-Match with a list", HTTP_GET, { "If-Match", "\"x\" , " TAG }, CONDITIONAL_GO_ON },
	{ "If-Match in two lines",
	  HTTP_GET,
	  { "If-Match", "\"x\"", "if-match", TAG },
	  CONDITIONAL_GO_ON },
	{ "If-Match without quotes", HTTP_GET, { "If-Match", "abc" }, CONDITIONAL_FAILED },
	{ "If-Match empty", HTTP_GET, { "If-Match", "" }, CONDITIONAL_FAILED },
	{ "If-Match unterminated", HTTP_GET, { "If-Match", "\"abc" }, CONDITIONAL_FAILED },
	{ "If-Match on POST", HTTP_POST, { "If-Match", "\"x\"" }, CONDITIONAL_FAILED },

	{ "If-Unmodified-Since now", HTTP_GET, { "If-Unmodified-Since", DATE }, CONDITIONAL_GO_ON },
	{ "If-Unmodified-Since later",
	  HTTP_GET,
	  { "If-Unmodified-Since", AFTER },
	  CONDITIONAL_GO_ON },
	{ "If-Unmodified-Since earlier",
	  HTTP_GET,
	  { "If-Unmodified-Since", BEFORE },
	  CONDITIONAL_FAILED },
	{ "If-Unmodified-Since malformed",
	  HTTP_GET,
	  { "If-Unmodified-Since", "soon" },
	  CONDITIONAL_GO_ON },
	{ "If-Match goes before If-Unmodified-Since",
	  HTTP_GET,
	  { "If-Match", TAG, "If-Unmodified-Since", BEFORE },
	  CONDITIONAL_GO_ON },

	{ "If-None-Match with our tag",
	  HTTP_GET,
	  { "If-None-Match", TAG },
	  CONDITIONAL_NOT_MODIFIED },
	{ "If-None-Match on HEAD", HTTP_HEAD, { "If-None-Match", TAG }, CONDITIONAL_NOT_MODIFIED },
	{ "If-None-Match on PUT", HTTP_PUT, { "If-None-Match", TAG }, CONDITIONAL_FAILED },
	{ "If-None-Match compares weakly",
	  HTTP_GET,
	  { "If-None-Match", "W/" TAG },
	  CONDITIONAL_NOT_MODIFIED },
	{ "If-None-Match: *", HTTP_GET, { "If-None-Match", "*" }, CONDITIONAL_NOT_MODIFIED },
	{ "If-None-Match: * on PUT", HTTP_PUT, { "If-None-Match", "*" }, CONDITIONAL_FAILED },
	{ "If-None-Match without a comma",
	  HTTP_GET,
	  { "If-None-Match", "\"x\" " TAG },
	  CONDITIONAL_GO_ON },
	{ "If-None-Match without a comma behind it",
	  HTTP_GET,
	  { "If-None-Match", TAG " \"x\"" },
	  CONDITIONAL_GO_ON },
	{ "If-None-Match with empty elements",
	  HTTP_GET,
	  { "If-None-Match", ", ," TAG " ," },
	  CONDITIONAL_NOT_MODIFIED },
	{ "If-None-Match with another", HTTP_GET, { "If-None-Match", "\"x\"" }, CONDITIONAL_GO_ON },
	{ "If-None-Match with a list",
	  HTTP_GET,
	  { "If-None-Match", "\"x\",W/\"y\",\t" TAG },
	  CONDITIONAL_NOT_MODIFIED },
	{ "If-None-Match, a tag with a comma in it",
	  HTTP_GET,
	  { "If-None-Match", "\"x,\"," TAG },
	  CONDITIONAL_NOT_MODIFIED },
	{ "If-None-Match, garbage before the tag",
	  HTTP_GET,
	  { "If-None-Match", "x" TAG },
	  CONDITIONAL_GO_ON },

	{ "If-Modified-Since now",
	  HTTP_GET,
	  { "If-Modified-Since", DATE },
	  CONDITIONAL_NOT_MODIFIED },
	{ "If-Modified-Since later",
	  HTTP_GET,
	  { "If-Modified-Since", AFTER },
	  CONDITIONAL_NOT_MODIFIED },
	{ "If-Modified-Since earlier",
	  HTTP_GET,
	  { "If-Modified-Since", BEFORE },
	  CONDITIONAL_GO_ON },
	{ "If-Modified-Since on POST",
	  HTTP_POST,
	  { "If-Modified-Since", DATE },
	  CONDITIONAL_GO_ON },
	{ "If-Modified-Since malformed",
	  HTTP_GET,
	  { "If-Modified-Since", "x" },
	  CONDITIONAL_GO_ON },
	{ "If-None-Match goes before If-Modified-Since",
	  HTTP_GET,
	  { "If-None-Match", "\"x\"", "If-Modified-Since", DATE },
	  CONDITIONAL_GO_ON },
	{ "If-Match fails before If-None-Match is looked at",
	  HTTP_GET,
	  { "If-Match", "\"x\"", "If-None-Match", TAG },
	  CONDITIONAL_FAILED },
	{ "If-Match holds, If-None-Match too",
	  HTTP_GET,
	  { "If-Match", TAG, "If-None-Match", TAG },
	  CONDITIONAL_NOT_MODIFIED },
};

static const struct {
	const char *if_range;
	bool counts;
} if_range_cases[] = {
	{ TAG, true },          { "W/" TAG, false }, { "\"x\"", false },       { "abc", false },
	{ "", false },          { DATE, true },      { BEFORE, false },        { AFTER, false },
	{ TAG "," TAG, false }, { "*", false },      { TAG ", \"x\"", false },
};

static struct http_request request_of(enum http_method method, const char *const *headers,
				      size_t max)
{
	static const struct {
		const char *name;
		enum http_known known;
	} names[] = {
		{ "if-match", HTTP_IF_MATCH },
		{ "if-none-match", HTTP_IF_NONE_MATCH },
		{ "if-modified-since", HTTP_IF_MODIFIED_SINCE },
		{ "if-unmodified-since", HTTP_IF_UNMODIFIED_SINCE },
		{ "if-range", HTTP_IF_RANGE },
	};
	struct http_request request = { .method = method };

	for (size_t i = 0; i + 1 < max && headers[i]; i += 2) {
		struct http_header *header = &request.headers[request.header_count++];

		*header = (struct http_header){ str_of(headers[i]), str_of(headers[i + 1]) };
		for (size_t n = 0; n < ARRAY_LEN(names); n++)
			if (str_eq_nocase(header->name, str_of(names[n].name)) &&
			    !request.known[names[n].known].at)
				request.known[names[n].known] = header->value;
	}
	return request;
}

int main(void)
{
	const struct validators now = { STR(TAG), DATE_MS + 999 };
	const struct validators weak = { STR("W/" TAG), 0 }, none = { STR_NONE, 0 };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http_request request = request_of(cases[i].method, cases[i].headers, 6);

		IS_INT(conditional_check(&request, &now), cases[i].result, "%s", cases[i].name);
	}
	for (size_t i = 0; i < ARRAY_LEN(if_range_cases); i++) {
		const char *headers[] = { "If-Range", if_range_cases[i].if_range };
		struct http_request request = request_of(HTTP_GET, headers, 2);

		IS_INT(conditional_range_counts(&request, &now), if_range_cases[i].counts,
		       "If-Range: %s", if_range_cases[i].if_range);
	}

	const char *match[] = { "If-Match", TAG }, *none_match[] = { "If-None-Match", TAG },
		   *range[] = { "If-Range", TAG };
	const char *since[] = { "If-Modified-Since", DATE },
		   *until[] = { "If-Unmodified-Since", BEFORE };
	struct http_request request = request_of(HTTP_GET, match, 2);

	IS_INT(conditional_check(&request, &weak), CONDITIONAL_FAILED,
	       "a weak tag of ours never matches strongly");
	IS_INT(conditional_check(&request, &none), CONDITIONAL_FAILED,
	       "If-Match without a tag of ours");
	request = request_of(HTTP_GET, none_match, 2);
	IS_INT(conditional_check(&request, &weak), CONDITIONAL_NOT_MODIFIED,
	       "a weak tag of ours matches weakly");
	IS_INT(conditional_check(&request, &none), CONDITIONAL_GO_ON,
	       "If-None-Match without a tag of ours");
	request = request_of(HTTP_GET, range, 2);
	OK(!conditional_range_counts(&request, &weak), "If-Range with a weak tag of ours");
	request = request_of(HTTP_GET, since, 2);
	IS_INT(conditional_check(&request, &none), CONDITIONAL_GO_ON,
	       "If-Modified-Since without a date of ours");
	request = request_of(HTTP_GET, until, 2);
	IS_INT(conditional_check(&request, &none), CONDITIONAL_GO_ON,
	       "If-Unmodified-Since without a date of ours");
	request = request_of(HTTP_GET, NULL, 0);
	OK(conditional_range_counts(&request, &now), "no If-Range");
	return tap_end();
}
