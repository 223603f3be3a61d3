#include "peer/peer_answer.h"
#include "tap.h"

#include <string.h>

#define OURS "Callspool-Generation: 7\r\nCallspool-Generation-At: 1700000000000\r\n"

static enum peer_answer answer(const char *text, const struct peer_want *want,
			       struct peer_media *out)
{
	struct str rest = str_of(text), line;
	struct peer_head own = { 0 };
	struct transfer_head head;

	transfer_head_start(&head);
	while (str_cut(&rest, '\n', &line)) {
		peer_head_line(&own, line);
		transfer_head_line(&head, line, 0);
	}
	return peer_answer_read(&head, &own, want, out);
}

static void test_answers(void)
{
	static const struct {
		const char *head;
		uint64_t first; /* as asked */
		enum peer_answer is;
		const char *why;
	} cases[] = {
		{ "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nETag: \"a\"\r\n" OURS, 0, PEER_MEDIA,
		  "all of it" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nETag: \"a\"\r\n" OURS, 5, PEER_MEDIA,
		  "all of it, where a part was asked for" },
		{ "HTTP/1.1 200 OK\r\n" OURS, 0, PEER_MEDIA, "of a length that nobody knows" },
		{ "HTTP/1.1 206 P\r\nContent-Range: bytes 5-9/10\r\nETag: \"a\"\r\n" OURS, 5,
		  PEER_MEDIA, "the part" },
		{ "HTTP/1.1 206 P\r\nContent-Range: bytes 4-9/10\r\nETag: \"a\"\r\n" OURS, 5,
		  PEER_STRANGE, "another part" },
		{ "HTTP/1.1 206 P\r\nContent-Range: bytes 0-9/10\r\nETag: \"a\"\r\n" OURS, 0,
		  PEER_STRANGE, "a part that nobody asked for" },
		{ "HTTP/1.1 206 P\r\nContent-Range: bytes 5-9/*\r\nETag: \"a\"\r\n" OURS, 5,
		  PEER_STRANGE, "a part of something of an unknown length" },
		{ "HTTP/1.1 206 P\r\nETag: \"a\"\r\n" OURS, 5, PEER_STRANGE,
		  "a part that does not say which" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nETag: \"a\"\r\n" OURS, 0, PEER_STRANGE,
		  "nothing" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n" OURS, 0, PEER_STRANGE,
		  "a length without an ETag" },
		{ "HTTP/1.1 200 OK\r\nETag: \"a\"\r\n" OURS, 0, PEER_STRANGE,
		  "an ETag without a length" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nETag: W/\"a\"\r\n" OURS, 0,
		  PEER_STRANGE, "a weak ETag" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nETag: \"a\"\r\n"
		  "Content-Encoding: gzip\r\n" OURS,
		  0, PEER_STRANGE, "other bytes" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nETag: \"a\"\r\n", 0, PEER_STRANGE,
		  "no generation: it is no process of ours" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nETag: \"a\"\r\n"
		  "Callspool-Generation: 7\r\n",
		  0, PEER_STRANGE, "nor since when" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nETag: \"a\"\r\n"
		  "Callspool-Generation: 0\r\nCallspool-Generation-At: 1\r\n",
		  0, PEER_STRANGE, "a generation that none is" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nETag: \"a\"\r\n"
		  "callspool-generation:7\r\nCALLSPOOL-GENERATION-AT:  8 \r\nCallspool-New: x\r\n",
		  0, PEER_MEDIA, "names are without case, what is new is passed over" },
		{ "HTTP/1.1 100 Continue\r\n" OURS "\r\nHTTP/1.1 200 OK\r\nContent-Length: 10\r\n"
		  "ETag: \"a\"\r\n",
		  0, PEER_STRANGE, "what an earlier head said does not count" },
		{ "HTTP/1.1 421 M\r\n", 0, PEER_ELSEWHERE, "it does not fetch it" },
		{ "HTTP/1.1 401 U\r\n", 0, PEER_STRANGER, "it does not know us" },
		{ "HTTP/1.1 412 P\r\n", 5, PEER_OTHER, "it has another generation" },
		{ "HTTP/1.1 412 P\r\n", 0, PEER_STRANGE, "which was not asked" },
		{ "HTTP/1.1 503 S\r\n", 0, PEER_WAITS, "it has nothing yet" },
		{ "HTTP/1.1 500 S\r\n", 0, PEER_WAITS, "something is wrong there" },
		{ "HTTP/1.1 404 N\r\n", 0, PEER_STRANGE, "there is no such address" },
		{ "HTTP/1.1 302 F\r\nLocation: /x\r\n", 0, PEER_STRANGE, "it is somewhere else" },
		{ "HTTP/1.1 204 N\r\n" OURS, 0, PEER_STRANGE, "no content" },
		{ "", 0, PEER_STRANGE, "no head at all" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct peer_want want = { .first = cases[i].first,
						.is_matched = cases[i].first > 0 };
		struct peer_media media;

		IS_INT(answer(cases[i].head, &want, &media), cases[i].is, "%s", cases[i].why);
	}
}

static void test_media(void)
{
	const struct peer_want part = { .first = 5, .is_matched = true };
	struct peer_media media;

	OK(answer("HTTP/1.1 206 P\r\nContent-Range: bytes 5-9/10\r\nETag: \"a-1\"\r\n" OURS, &part,
		  &media) == PEER_MEDIA,
	   "a part");
	OK(media.generation == 7 && media.generation_at_ms == 1700000000000, "of which generation");
	OK(media.size == 10 && media.position == 5, "of how much, and where it begins");
	IS_STR(str_of(media.etag), STR("\"a-1\""), "its ETag");
	OK(answer("HTTP/1.1 200 OK\r\n" OURS, &part, &media) == PEER_MEDIA &&
		   media.size == PEER_SIZE_UNKNOWN && media.position == 0 && media.etag[0] == '\0',
	   "without a length from the start");
}

static void test_reasons(void)
{
	static const struct {
		const char *body, *code, *text;
	} cases[] = {
		{ "{\"error\": \"Down.\", \"reason\": \"upstream_5xx\"}", "upstream_5xx", "Down." },
		{ "{\"error\": \"Down.\"}", "", "" },
		{ "{\"reason\": \"timeout\"}", "timeout", "" },
		{ "{\"reason\": \"Time out\", \"error\": \"x\"}", "", "" },
		{ "{\"reason\": \"a\\u0000b\", \"error\": \"x\"}", "", "" },
		{ "{\"reason\": \"a_code_that_is_longer_than_any_of_ours_is\"}", "", "" },
		{ "{\"reason\": 7}", "", "" },
		{ "[]", "", "" },
		{ "{\"reason\": \"timeout\"", "", "" },
		{ "", "", "" },
	};
	char body[600], big[400];
	struct peer_reason reason;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		peer_reason_read(str_of(cases[i].body), &reason);
		IS_STR(str_of(reason.code), str_of(cases[i].code), "the code of %s", cases[i].body);
		IS_STR(str_of(reason.text), str_of(cases[i].text), "and its text");
	}
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	memcpy(big + PEER_TEXT_SIZE - 2, "\xc3\xa4", 2);
	snprintf(body, sizeof(body), "{\"reason\": \"timeout\", \"error\": \"%s\"}", big);
	peer_reason_read(str_of(body), &reason);
	IS_INT(strlen(reason.text), PEER_TEXT_SIZE - 2,
	       "a long text is cut between two characters");
}

int main(void)
{
	test_answers();
	test_media();
	test_reasons();
	return tap_end();
}
