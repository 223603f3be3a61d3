#include "checkup/played_part.h"

#include "base/compiler.h"
#include "tap.h"

#include <string.h>

#define MEDIA "0123456789"

#define SOUND "Content-Type: audio/mpeg\r\nAccept-Ranges: bytes\r\n"

static const struct played_part whole = { .status = 200, .end = 10 },
				part = { .status = 206, .first = 2, .end = 5 },
				head = { .status = 200, .end = 10, .is_head = true },
				beyond = { .status = 416, .end = 10 };

static const struct {
	const char *name;
	const struct played_part *part;
	long status;
	enum http_ask_end end;
	const char *head, *body;
	const char *fault; /* part of it; NULL: none */
} cases[] = {
	{ "all of it", &whole, 200, HTTP_ASK_WHOLE, SOUND "Content-Length: 10\r\n", MEDIA, NULL },
	{ "a part", &part, 206, HTTP_ASK_WHOLE,
	  SOUND "Content-Length: 3\r\nContent-Range: bytes 2-4/10\r\n", "234", NULL },
	{ "a part need not say that there are parts", &part, 206, HTTP_ASK_WHOLE,
	  "content-type: audio/mpeg\r\ncontent-length: 3\r\ncontent-range: bytes 2-4/10\r\n", "234",
	  NULL },
	{ "a head alone", &head, 200, HTTP_ASK_WHOLE, SOUND "Content-Length: 10\r\n", "", NULL },
	{ "behind the end", &beyond, 416, HTTP_ASK_WHOLE, "Content-Range: bytes */10\r\n", "{}",
	  NULL },

	{ "nobody answers", &whole, 0, HTTP_ASK_NO_ANSWER, "", "", "not answered" },
	{ "nobody answers in time", &whole, 0, HTTP_ASK_LATE, "", "", "in time" },
	{ "200 to a Range", &part, 200, HTTP_ASK_WHOLE, SOUND "Content-Length: 10\r\n", MEDIA,
	  "200 and the whole" },
	{ "502", &part, 502, HTTP_ASK_WHOLE, "", "", "502" },
	{ "504", &part, 504, HTTP_ASK_WHOLE, "", "", "504" },
	{ "refused", &part, 401, HTTP_ASK_WHOLE, "", "", "refused" },
	{ "another status", &whole, 405, HTTP_ASK_WHOLE, "", "", "another kind" },
	{ "a part without its place", &part, 206, HTTP_ASK_WHOLE, SOUND "Content-Length: 3\r\n",
	  "234", "Content-Range is lost" },
	{ "a part of a length that is not known", &part, 206, HTTP_ASK_WHOLE,
	  SOUND "Content-Length: 3\r\nContent-Range: bytes 2-4/*\r\n", "234",
	  "Content-Range is not" },
	{ "behind the end, without the length", &beyond, 416, HTTP_ASK_WHOLE, "", "",
	  "Content-Range is lost" },
	{ "no length", &whole, 200, HTTP_ASK_WHOLE, SOUND, MEDIA, "Content-Length is lost" },
	{ "another length", &whole, 200, HTTP_ASK_WHOLE, SOUND "Content-Length: 9\r\n", "012345678",
	  "Content-Length is not" },
	{ "no length to a HEAD", &head, 200, HTTP_ASK_WHOLE, SOUND, "", "Content-Length is lost" },
	{ "a body to a HEAD", &head, 200, HTTP_ASK_WHOLE, SOUND "Content-Length: 10\r\n", MEDIA,
	  "with a body" },
	{ "cut short", &whole, 200, HTTP_ASK_SHORT, SOUND "Content-Length: 10\r\n", "01234",
	  "before its last byte" },
	{ "another byte", &whole, 200, HTTP_ASK_WHOLE, SOUND "Content-Length: 10\r\n", "0123456780",
	  "other bytes" },
	{ "bytes of another place", &part, 206, HTTP_ASK_WHOLE,
	  SOUND "Content-Length: 3\r\nContent-Range: bytes 2-4/10\r\n", "012", "other bytes" },
	{ "compressed", &whole, 200, HTTP_ASK_WHOLE,
	  SOUND "Content-Encoding: gzip\r\nContent-Length: 10\r\n", MEDIA, "compressed" },
	{ "of another type", &whole, 200, HTTP_ASK_WHOLE,
	  "Content-Type: application/octet-stream\r\nAccept-Ranges: bytes\r\nContent-Length: 10\r\n",
	  MEDIA, "Content-Type" },
	{ "without a word of ranges", &whole, 200, HTTP_ASK_WHOLE,
	  "Content-Type: audio/mpeg\r\nContent-Length: 10\r\n", MEDIA, "Accept-Ranges is lost" },
};

int main(void)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http_answer answer = { .end = cases[i].end, .status = cases[i].status };
		const char *fault;

		buf_init(&answer.head, 1024);
		buf_init(&answer.body, 1024);
		buf_add_text(&answer.head, cases[i].head);
		buf_add_text(&answer.body, cases[i].body);
		fault = played_part_fault(cases[i].part, STR(MEDIA), &answer);
		OK(cases[i].fault ? fault && strstr(fault, cases[i].fault) : !fault, "%s: %s",
		   cases[i].name, fault ? fault : "good");
		http_answer_release(&answer);
	}
	return tap_end();
}
