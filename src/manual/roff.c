#include "manual/roff.h"

#include "base/clock.h"

#include <string.h>

#define DAY_LEN 10 /* of "2026-11-28T..." */
#define COLUMNS 78 /* of a line of input */

void roff_title(struct buf *out, const char *name, const char *section, int64_t date_s)
{
	char date[ISO_DATE_SIZE];

	clock_iso_date(date_s * 1000, date);
	buf_addf(out, ".TH %s %s \"%.*s\" \"callspool %s\" \"callspool\"\n", name, section, DAY_LEN,
		 date, CALLSPOOL_VERSION);
}

static void add_heading(struct buf *out, const char *macro, const char *title)
{
	buf_addf(out, "%s \"", macro);
	roff_text(out, title);
	buf_add_text(out, "\"\n");
}

void roff_section(struct buf *out, const char *title)
{
	add_heading(out, ".SH", title);
}

void roff_subsection(struct buf *out, const char *title)
{
	add_heading(out, ".SS", title);
}

/* What roff gives another meaning, or typesets as another character than was written. */
static const char *escape_of(char c)
{
	switch (c) {
	case '\\':
		return "\\e";
	case '-':
		return "\\-";
	case '"':
		return "\\(dq";
	case '\'':
		return "\\(aq";
	case '`':
		return "\\(ga";
	case '^':
		return "\\(ha";
	case '~':
		return "\\(ti";
	default:
		return NULL;
	}
}

static void add_escaped(struct buf *out, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		const char *escape = escape_of(text.at[i]);

		if (escape)
			buf_add_text(out, escape);
		else
			buf_add_byte(out, text.at[i]);
	}
}

void roff_text(struct buf *out, const char *text)
{
	add_escaped(out, str_of(text));
}

static size_t escaped_len(struct str text)
{
	size_t len = text.len;

	for (size_t i = 0; i < text.len; i++) {
		const char *escape = escape_of(text.at[i]);

		len += escape ? strlen(escape) - 1 : 0;
	}
	return len;
}

/* Behind a line of input; what begins with a dot there would be a request. */
static void begin_line(struct buf *out, struct str text)
{
	if (text.len > 0 && text.at[0] == '.')
		buf_add_text(out, "\\&");
}

/* Lines of input that are filled anyway, so that they may as well be short. */
static void add_filled(struct buf *out, struct str text)
{
	struct str rest = text, word;
	size_t column = 0, gap = 0; /* two blanks stay two: they end a sentence */

	while (str_cut(&rest, ' ', &word)) {
		size_t len = escaped_len(word);

		gap++;
		if (len == 0)
			continue;
		if (column > 0 && column + gap + len > COLUMNS) {
			buf_add_byte(out, '\n');
			column = 0;
		}
		if (column == 0)
			begin_line(out, word);
		else
			buf_addf(out, "%*s", (int)gap, "");
		add_escaped(out, word);
		column += gap + len;
		gap = 0;
	}
	buf_add_byte(out, '\n');
}

void roff_line(struct buf *out, const char *text)
{
	add_filled(out, str_of(text));
}

/* A heading begins a paragraph by itself. */
static bool follows_heading(const struct buf *out)
{
	size_t at = out->len > 0 ? out->len - 1 : 0;

	while (at > 0 && out->at[at - 1] != '\n')
		at--;
	return str_starts(str_after(buf_str(out), at), STR(".SH")) ||
	       str_starts(str_after(buf_str(out), at), STR(".SS"));
}

void roff_paragraphs(struct buf *out, const char *text)
{
	struct str rest = str_of(text), line;
	bool is_next = true;

	while (str_cut(&rest, '\n', &line)) {
		line = str_trim(line);
		if (str_starts(line, STR("Exit status")))
			is_next = true;
		if (line.len > 0 && is_next && !follows_heading(out))
			buf_add_text(out, ".PP\n");
		if (line.len > 0)
			add_filled(out, line);
		is_next = line.len == 0;
	}
}

void roff_item(struct buf *out, const char *bold, const char *italic)
{
	buf_add_text(out, ".TP\n\\fB");
	roff_text(out, bold);
	buf_add_text(out, "\\fR");
	if (italic[0]) {
		buf_add_text(out, " \\fI");
		roff_text(out, italic);
		buf_add_text(out, "\\fR");
	}
	buf_add_byte(out, '\n');
}

void roff_example(struct buf *out, const char *lines)
{
	struct str rest = str_of(lines), line;

	buf_add_text(out, ".PP\n.in +4n\n.EX\n");
	while (str_cut(&rest, '\n', &line)) {
		if (!rest.at && line.len == 0)
			break; /* behind the last line */
		line = str_trim(line);
		begin_line(out, line);
		add_escaped(out, line);
		buf_add_byte(out, '\n');
	}
	buf_add_text(out, ".EE\n.in\n");
}
