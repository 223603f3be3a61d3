/* The first lines of it and the last, which are read first. */
#include "proxylog/log_text.h"

#include "base/mem.h"
#include "base/own.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ACCESS(date, status)                                                                \
	"203.0.113.7 - - [" date " +0000] \"GET /api/calls/CA1/download HTTP/1.1\" " status \
	" 157 \"-\" \"x\""
#define REFUSED                                                                                 \
	"2026/11/29 12:03:04 [error] 1#1: *1 connect() failed (111: Connection refused) while " \
	"connecting to upstream, request: \"GET /api/calls/CA1/download HTTP/1.1\""

static const struct {
	const char *name, *lines[3];
	const char *first; /* line of what is printed */
	const char *last;  /* what its last lines begin with */
} cases[] = {
	{ "nothing", { NULL }, "0 lines, 0 of them understood\n", "\nThere is no line in it" },
	{ "what nobody understands", { "hello" }, "1 lines, 0 of them understood\n", NULL },
	{ "the first second that a line can tell",
	  { ACCESS("01/Jan/1970:00:00:01", "200") },
	  "1 lines, 1 of them understood, 1970-01-01 00:00:01 to 1970-01-01 00:00:01\n",
	  "\nNo request failed." },
	{ "from the earliest to the latest, in whatever order",
	  { ACCESS("29/Nov/2026:12:03:04", "200"), ACCESS("28/Nov/2026:01:02:03", "206"), "hello" },
	  "3 lines, 2 of them understood, 2026-11-28 01:02:03 to 2026-11-29 12:03:04\n",
	  "\nNo request failed." },
	{ "failures of which nobody knows why",
	  { ACCESS("29/Nov/2026:12:03:04", "502"), ACCESS("29/Nov/2026:12:03:05", "502") },
	  "2 lines, 2 of them understood, 2026-11-29 12:03:04 to 2026-11-29 12:03:05\n",
	  "\n2 requests failed, and these logs do not say why: give nginx's error log, too." },
	{ "a cause",
	  { REFUSED, ACCESS("29/Nov/2026:12:03:04", "502") },
	  "2 lines, 2 of them understood, 2026-11-29 12:03:04 to 2026-11-29 12:03:04\n",
	  NULL },
};

static char *printed(const char *const lines[3])
{
	AUTO(log_story_free) struct log_story *story = log_story_new();
	char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);

	if (!to)
		exit(1);
	for (size_t i = 0; i < 3 && lines[i]; i++)
		log_story_add(story, str_of(lines[i]));
	log_text_print(story, to);
	fclose(to);
	return text;
}

int main(void)
{
	setenv("TZ", "UTC", 1);
	tzset();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(free) char *text = printed(cases[i].lines);
		struct str all = str_of(text);

		IS_STR(str_first(all, strlen(cases[i].first)), str_of(cases[i].first),
		       "%s: how much was read", cases[i].name);
		if (cases[i].last)
			OK(strstr(text, cases[i].last), "%s: the verdict: %s", cases[i].name, text);
	}
	return tap_end();
}
