#include "doctor/report_text.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/own.h"
#include "base/str.h"
#include "base/utf8.h"
#include "doctor/duration_words.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WIDTH_DEFAULT 80
#define WIDTH_MIN     40
#define WIDTH_MAX     100
#define NAME_WIDTH    18 /* of the longest */
#define NAME_COLUMN   25 /* where a check's words begin */
#define LABEL_INDENT  6
#define LABEL_COLUMN  17 /* where those of a finding do */

enum colour { COLOUR_GOOD, COLOUR_BAD, COLOUR_UNSURE, COLOUR_QUIET, COLOUR_STRONG };

static const char *const colours[] = {
	[COLOUR_GOOD] = "\033[32m", [COLOUR_BAD] = "\033[1;31m", [COLOUR_UNSURE] = "\033[33m",
	[COLOUR_QUIET] = "\033[2m", [COLOUR_STRONG] = "\033[1m",
};

static const struct {
	const char *word;
	enum colour colour;
} marks[RESULT_KINDS] = {
	[RESULT_GOOD] = { "ok", COLOUR_GOOD },
	[RESULT_FINDING] = { "!!", COLOUR_BAD },
	[RESULT_UNCHECKED] = { "??", COLOUR_UNSURE },
	[RESULT_LEFT_OUT] = { "--", COLOUR_QUIET },
};

static const char *begin(const struct report_text *text, enum colour colour)
{
	return text->has_colour ? colours[colour] : "";
}

static const char *end(const struct report_text *text)
{
	return text->has_colour ? "\033[0m" : "";
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

static void print_line_end(const struct report_text *text, size_t indent)
{
	fprintf(text->to, "\n%*s", (int)indent, "");
}

/* Plain words, broken at spaces; `at` is the column reached, `indent` that of the next lines. */
static void print_wrapped(const struct report_text *text, struct str words, size_t at,
			  size_t indent)
{
	struct str word;
	bool is_first = true;

	while (str_cut(&words, ' ', &word)) {
		size_t width = columns(word);

		if (!is_first && at + 1 + width > text->width) {
			print_line_end(text, indent);
			at = indent;
		} else if (!is_first) {
			fputc(' ', text->to);
			at++;
		}
		fprintf(text->to, "%.*s", STR_ARG(word));
		at += width;
		is_first = false;
	}
}

/* As print_wrapped(), of what anybody may have written; its own line ends are kept. */
static void print_words(const struct report_text *text, const char *words, size_t at, size_t indent)
{
	struct str rest = str_of(words), line;
	bool is_first = true;

	while (str_cut(&rest, '\n', &line)) {
		AUTO(free) char *plain = utf8_plain(line);

		if (!is_first) {
			print_line_end(text, indent);
			at = indent;
		}
		print_wrapped(text, str_of(plain), at, indent);
		is_first = false;
	}
	fputc('\n', text->to);
}

/* As it is, to be copied: never broken but where it is. */
static void print_lines(const struct report_text *text, const char *lines)
{
	struct str rest = str_of(lines), line;
	bool is_first = true;

	while (str_cut(&rest, '\n', &line)) {
		AUTO(free) char *plain = utf8_plain(line);

		if (!is_first)
			print_line_end(text, LABEL_COLUMN);
		fprintf(text->to, "%s%s%s", begin(text, COLOUR_STRONG), plain, end(text));
		is_first = false;
	}
	fputc('\n', text->to);
}

static void print_label(const struct report_text *text, const char *label)
{
	fprintf(text->to, "%*s%s%-*s%s", LABEL_INDENT, "", begin(text, COLOUR_QUIET),
		LABEL_COLUMN - LABEL_INDENT, label, end(text));
}

static void print_labelled(const struct report_text *text, const char *label, const char *words)
{
	if (!words)
		return;
	print_label(text, label);
	print_words(text, words, LABEL_COLUMN, LABEL_COLUMN);
}

static void print_finding(const struct report_text *text, const struct result *result)
{
	const struct finding *finding = &result->finding;
	AUTO(free) char *again = xasprintf("callspool doctor %s", result->check->name);

	print_labelled(text, "looked at", finding->looked_at);
	print_labelled(text, "expected", finding->expected);
	print_labelled(text, "means",
		       finding->consequence ? finding->consequence : result->check->meaning);
	if (finding->write) {
		print_label(text, "write");
		print_lines(text, finding->write);
	} else {
		print_labelled(text, "cure", result->check->remedy);
	}
	print_label(text, "confirm");
	print_lines(text, finding->confirm ? finding->confirm : again);
}

static void print_heading(struct report_text *text, const struct check_group *group)
{
	fprintf(text->to, "%s%s%s%s\n", text->group ? "\n" : "", begin(text, COLOUR_STRONG),
		group->title, end(text));
	text->group = group;
}

static void print_result(struct report_text *text, const struct result *result)
{
	bool is_finding = result->kind == RESULT_FINDING;

	if (text->group != result->group)
		print_heading(text, result->group);
	fprintf(text->to, "  %s%s%s  %-*s ", begin(text, marks[result->kind].colour),
		marks[result->kind].word, end(text), NAME_WIDTH, result->check->name);

	size_t name = strlen(result->check->name);
	size_t at = name > NAME_WIDTH ? name + 7 : NAME_COLUMN;

	print_words(text, is_finding ? result->finding.says : result->detail, at, NAME_COLUMN);
	if (is_finding)
		print_finding(text, result);
}

/* The chain, as one table. */
static void print_limits(struct report_text *text, const struct report *report)
{
	while (text->limits_printed < report->limits_count) {
		const struct limit_line *limit = &report->limits[text->limits_printed++];
		AUTO(free) char *source = utf8_plain(str_of(limit->source));
		char room[DURATION_WORDS_SIZE];

		fprintf(text->to, "      %-9s  %-39s %7s   %s%s%s\n", limit->who, limit->what,
			limit->ms < 0 ? "?" : duration_words(limit->ms, room),
			begin(text, COLOUR_QUIET), source, end(text));
	}
}

static void hear(struct examination_watch *watch, const struct report *report, size_t first)
{
	struct report_text *text = container_of(watch, struct report_text, watch);

	for (size_t i = first; i < report->count; i++)
		print_result(text, &report->results[i]);
	print_limits(text, report);
	fflush(text->to);
}

void report_text_start(struct report_text *text, FILE *to)
{
	*text = (struct report_text){ .watch.told = hear,
				      .to = to,
				      .width = terminal_width(to),
				      .has_colour = wants_colour(to) };
}

static void print_counts(const struct report_text *text, const struct report *report)
{
	size_t findings = report_count(report, RESULT_FINDING);
	size_t unchecked = report_count(report, RESULT_UNCHECKED);
	size_t left_out = report_count(report, RESULT_LEFT_OUT);

	fprintf(text->to, "%zu good, %zu finding%s, %zu could not be checked",
		report_count(report, RESULT_GOOD), findings, findings == 1 ? "" : "s", unchecked);
	if (left_out > 0)
		fprintf(text->to, ", %zu left out", left_out);
	fprintf(text->to, ".\n");
}

static void print_verdict(const struct report_text *text, enum colour colour, const char *sentence)
{
	fprintf(text->to, "\n%s", begin(text, colour));
	print_words(text, sentence, 0, 0);
	fprintf(text->to, "%s", end(text));
}

void report_text_end(struct report_text *text, const struct report *report)
{
	const struct result *worst = report_worst(report);
	const struct result *unchecked = report_first(report, RESULT_UNCHECKED);

	if (worst) {
		AUTO(free) char *sentence = xasprintf("%s.", worst->finding.says);

		print_verdict(text, COLOUR_BAD, sentence);
	} else if (unchecked) {
		AUTO(free)
		char *sentence = xasprintf("No fault was found, but not all could be "
					   "checked: %s: %s.",
					   unchecked->check->name, unchecked->detail);

		print_verdict(text, COLOUR_UNSURE, sentence);
	} else {
		print_verdict(text, COLOUR_GOOD, "Every call plays.");
	}
	print_counts(text, report);
}

void report_text_list(struct report_text *text)
{
	for (size_t i = 0; i < doctor_groups_count; i++) {
		const struct check_group *group = doctor_groups[i];

		fprintf(text->to, "%s%s%s%s\n", i > 0 ? "\n" : "", begin(text, COLOUR_STRONG),
			group->name, end(text));
		for (size_t k = 0; k < group->count; k++)
			fprintf(text->to, "  %-22s %s\n", group->checks[k].name,
				group->checks[k].asks);
	}
}
