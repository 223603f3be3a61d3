#include "doctor/report_text.h"

#include "base/mem.h"
#include "base/own.h"
#include "base/str.h"
#include "base/utf8.h"
#include "doctor/duration_words.h"

#include <string.h>

#define NAME_WIDTH  18 /* of the longest */
#define NAME_COLUMN 25 /* where a check's words begin */

static const struct {
	const char *word;
	enum colour colour;
} marks[RESULT_KINDS] = {
	[RESULT_GOOD] = { "ok", COLOUR_GOOD },
	[RESULT_FINDING] = { "!!", COLOUR_BAD },
	[RESULT_UNCHECKED] = { "??", COLOUR_UNSURE },
	[RESULT_LEFT_OUT] = { "--", COLOUR_QUIET },
};

static void print_finding(const struct report_text *text, const struct result *result)
{
	const struct finding *finding = &result->finding;

	terminal_labelled(&text->terminal, "looked at", finding->looked_at);
	terminal_labelled(&text->terminal, "expected", finding->expected);
	terminal_labelled(&text->terminal, "means",
			  finding->consequence ? finding->consequence : result->check->meaning);
	if (finding->write) {
		terminal_label(&text->terminal, "write");
		terminal_lines(&text->terminal, finding->write);
	} else {
		terminal_labelled(&text->terminal, "cure", result->check->remedy);
	}
	terminal_label(&text->terminal, "confirm");
	terminal_lines(&text->terminal, finding->confirm);
}

static void print_heading(struct report_text *text, const struct check_group *group)
{
	fprintf(text->terminal.to, "%s%s%s%s\n", text->group ? "\n" : "",
		terminal_begin(&text->terminal, COLOUR_STRONG), group->title,
		terminal_end(&text->terminal));
	text->group = group;
}

static void print_result(struct report_text *text, const struct result *result)
{
	bool is_finding = result->kind == RESULT_FINDING;

	if (text->group != result->group)
		print_heading(text, result->group);
	fprintf(text->terminal.to, "  %s%s%s  %-*s ",
		terminal_begin(&text->terminal, marks[result->kind].colour),
		marks[result->kind].word, terminal_end(&text->terminal), NAME_WIDTH,
		result->check->name);

	size_t name = strlen(result->check->name);
	size_t at = name > NAME_WIDTH ? name + 7 : NAME_COLUMN;

	terminal_words(&text->terminal, is_finding ? result->finding.says : result->detail, at,
		       NAME_COLUMN);
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

		fprintf(text->terminal.to, "      %-9s  %-39s %7s   %s%s%s\n", limit->who,
			limit->what, limit->ms < 0 ? "?" : duration_words(limit->ms, room),
			terminal_begin(&text->terminal, COLOUR_QUIET), source,
			terminal_end(&text->terminal));
	}
}

/* What the check before it said, too, of the same group: one line is enough. */
static bool is_said(const struct report *report, size_t at)
{
	const struct result *result = &report->results[at];
	const struct result *before = at > 0 ? result - 1 : NULL;

	return before && result->kind == RESULT_LEFT_OUT && before->kind == RESULT_LEFT_OUT &&
	       before->group == result->group && strcmp(before->detail, result->detail) == 0;
}

static void hear(struct examination_watch *watch, const struct report *report, size_t first)
{
	struct report_text *text = container_of(watch, struct report_text, watch);

	for (size_t i = first; i < report->count; i++)
		if (!is_said(report, i))
			print_result(text, &report->results[i]);
	print_limits(text, report);
	fflush(text->terminal.to);
}

void report_text_start(struct report_text *text, FILE *to)
{
	*text = (struct report_text){ .watch.told = hear };
	terminal_start(&text->terminal, to);
}

static void print_counts(const struct report_text *text, const struct report *report)
{
	size_t findings = report_count(report, RESULT_FINDING);
	size_t unchecked = report_count(report, RESULT_UNCHECKED);
	size_t left_out = report_count(report, RESULT_LEFT_OUT);

	fprintf(text->terminal.to, "%zu good, %zu finding%s, %zu could not be checked",
		report_count(report, RESULT_GOOD), findings, findings == 1 ? "" : "s", unchecked);
	if (left_out > 0)
		fprintf(text->terminal.to, ", %zu left out", left_out);
	fprintf(text->terminal.to, ".\n");
}

static void print_verdict(const struct report_text *text, enum colour colour, const char *sentence)
{
	fprintf(text->terminal.to, "\n%s", terminal_begin(&text->terminal, colour));
	terminal_words(&text->terminal, sentence, 0, 0);
	fprintf(text->terminal.to, "%s", terminal_end(&text->terminal));
}

/* Of a part that is well nobody can say that every call plays. */
static const char *sentence_of_good(const struct report *report)
{
	if (report_count(report, RESULT_GOOD) == 0)
		return "There is nothing of this to be checked here.";
	return report->is_chosen ? "What was checked is as it should be." : "Every call plays.";
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
		print_verdict(text, COLOUR_GOOD, sentence_of_good(report));
	}
	print_counts(text, report);
}

void report_text_list(struct report_text *text)
{
	for (size_t i = 0; i < doctor_groups_count; i++) {
		const struct check_group *group = doctor_groups[i];

		fprintf(text->terminal.to, "%s%s%s%s\n", i > 0 ? "\n" : "",
			terminal_begin(&text->terminal, COLOUR_STRONG), group->name,
			terminal_end(&text->terminal));
		for (size_t k = 0; k < group->count; k++)
			fprintf(text->terminal.to, "  %-22s %s\n", group->checks[k].name,
				group->checks[k].asks);
	}
}
