#include "manual/roff.h"
#include "tap.h"

static void texts(void)
{
	static const struct {
		const char *text, *roff, *name;
	} cases[] = {
		{ "plain words.", "plain words.\n", "plain words" },
		{ "--set key=\"a \\ b\"", "\\-\\-set key=\\(dqa \\e b\\(dq\n",
		  "dashes, quotes and backslashes stay what they are" },
		{ "it's `x` ~ ^", "it\\(aqs \\(gax\\(ga \\(ti \\(ha\n", "and so does the rest" },
		{ ".SH is no request", "\\&.SH is no request\n", "a dot at the beginning" },
		{ "a line of words that is too long to stand in one line of input, as it may be .SH here",
		  "a line of words that is too long to stand in one line of input, as it may be\n\\&.SH here\n",
		  "a long line is broken, also before a dot" },
		{ "'tis none either", "\\(aqtis none either\n", "a quote at the beginning" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[256];
		struct buf out;

		buf_over(&out, text, sizeof(text));
		roff_line(&out, cases[i].text);
		IS_STR(buf_str(&out), str_of(cases[i].roff), "%s", cases[i].name);
	}
}

static void paragraphs(void)
{
	static const struct {
		const char *text, *roff, *name;
	} cases[] = {
		{ "one\ntwo\n", ".PP\none\ntwo\n", "lines are joined" },
		{ "one\n\ntwo", ".PP\none\n.PP\ntwo\n", "an empty line parts" },
		{ "one\nExit status: 3 none.\n", ".PP\none\n.PP\nExit status: 3 none.\n",
		  "exit statuses stand for themselves" },
		{ "", "", "nothing is nothing" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[256];
		struct buf out;

		buf_over(&out, text, sizeof(text));
		roff_paragraphs(&out, cases[i].text);
		IS_STR(buf_str(&out), str_of(cases[i].roff), "%s", cases[i].name);
	}
}

static void headings(void)
{
	char text[512];
	struct buf out;

	buf_over(&out, text, sizeof(text));
	roff_section(&out, "A \"SECTION\"");
	roff_paragraphs(&out, "one\n\ntwo\n");
	IS_STR(buf_str(&out), STR(".SH \"A \\(dqSECTION\\(dq\"\none\n.PP\ntwo\n"),
	       "a heading begins a paragraph by itself");
}

static void items(void)
{
	char text[512];
	struct buf out;

	buf_over(&out, text, sizeof(text));
	roff_title(&out, "CALLSPOOL", "1", 86400);
	roff_item(&out, "--set", "KEY=VALUE");
	roff_item(&out, "--help", "");
	roff_example(&out, "  callspool serve\n  callspool config --json\n");
	IS_STR(buf_str(&out),
	       STR(".TH CALLSPOOL 1 \"1970-01-02\" \"callspool " CALLSPOOL_VERSION
		   "\" \"callspool\"\n"
		   ".TP\n\\fB\\-\\-set\\fR \\fIKEY=VALUE\\fR\n.TP\n\\fB\\-\\-help\\fR\n"
		   ".PP\n.in +4n\n.EX\ncallspool serve\ncallspool config \\-\\-json\n.EE\n.in\n"),
	       "a title, items, and an example");
}

int main(void)
{
	texts();
	paragraphs();
	headings();
	items();
	return tap_end();
}
