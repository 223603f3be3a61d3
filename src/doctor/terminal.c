#include "doctor/terminal.h"

#include "base/own.h"
#include "base/str.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WIDTH_DEFAULT 80
#define WIDTH_MIN     40
#define WIDTH_MAX     100
#define LABEL_INDENT  6

static const char *const colours[] = {
	[COLOUR_GOOD] = "\033[32m", [COLOUR_BAD] = "\033[1;31m", [COLOUR_UNSURE] = "\033[33m",
	[COLOUR_QUIET] = "\033[2m", [COLOUR_STRONG] = "\033[1m",
};

const char *terminal_begin(const struct terminal *terminal, enum colour colour)
{
	return terminal->has_colour ? colours[colour] : "";
}

const char *terminal_end(const struct terminal *terminal)
{
	return terminal->has_colour ? "\033[0m" : "";
}

static unsigned terminal_width(FILE *to)
{
	struct winsize size;

	if (ioctl(fileno(to), TIOCGWINSZ, &size) < 0 || size.ws_col < WIDTH_MIN)
		return WIDTH_DEFAULT;
	return size.ws_col < WIDTH_MAX ? size.ws_col : WIDTH_MAX;
}

static bool wants_colour(FILE *to)
{
	const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(fileno(to)) && !(no_colour && no_colour[0]) &&
	       !(term && strcmp(term, "dumb") == 0);
}

/* Columns that UTF-8 takes, near enough: a character is one. */
static size_t columns(struct str s)
{
	size_t count = 0;

	for (size_t i = 0; i < s.len; i++)
		count += ((unsigned char)s.at[i] & 0xC0) != 0x80;
	return count;
}

static void print_line_end(const struct terminal *terminal, size_t indent)
{
	fprintf(terminal->to, "\n%*s", (int)indent, "");
}

/* Plain words, broken at spaces; `at` is the column reached, `indent` that of the next lines. */
static void print_wrapped(const struct terminal *terminal, struct str words, size_t at,
			  size_t indent)
{
	struct str word;
	bool is_first = true;

	while (str_cut(&words, ' ', &word)) {
		size_t width = columns(word);

		if (!is_first && at + 1 + width > terminal->width) {
			print_line_end(terminal, indent);
			at = indent;
		} else if (!is_first) {
			fputc(' ', terminal->to);
			at++;
		}
		fprintf(terminal->to, "%.*s", STR_ARG(word));
		at += width;
		is_first = false;
	}
}

/* As print_wrapped(), of what anybody may have written; its own line ends are kept. */
void terminal_words(const struct terminal *terminal, const char *words, size_t at, size_t indent)
{
	struct str rest = str_of(words), line;
	bool is_first = true;

	while (str_cut(&rest, '\n', &line)) {
		AUTO(free) char *plain = utf8_plain(line);

		if (!is_first) {
			print_line_end(terminal, indent);
			at = indent;
		}
		print_wrapped(terminal, str_of(plain), at, indent);
		is_first = false;
	}
	fputc('\n', terminal->to);
}

/* As it is, to be copied: never broken but where it is. */
void terminal_lines(const struct terminal *terminal, const char *lines)
{
	struct str rest = str_of(lines), line;
	bool is_first = true;

	while (str_cut(&rest, '\n', &line)) {
		AUTO(free) char *plain = utf8_plain(line);

		if (!is_first)
			print_line_end(terminal, TERMINAL_LABELLED);
		fprintf(terminal->to, "%s%s%s", terminal_begin(terminal, COLOUR_STRONG), plain,
			terminal_end(terminal));
		is_first = false;
	}
	fputc('\n', terminal->to);
}

void terminal_label(const struct terminal *terminal, const char *label)
{
	fprintf(terminal->to, "%*s%s%-*s%s", LABEL_INDENT, "",
		terminal_begin(terminal, COLOUR_QUIET), TERMINAL_LABELLED - LABEL_INDENT, label,
		terminal_end(terminal));
}

void terminal_labelled(const struct terminal *terminal, const char *label, const char *words)
{
	if (!words)
		return;
	terminal_label(terminal, label);
	terminal_words(terminal, words, TERMINAL_LABELLED, TERMINAL_LABELLED);
}

void terminal_start(struct terminal *terminal, FILE *to)
{
	*terminal = (struct terminal){ .to = to,
				       .width = terminal_width(to),
				       .has_colour = wants_colour(to) };
}
