#include "doctor/report_changes.h"

#include "base/mem.h"
#include "base/own.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define WORDS_COLUMN 34

/* What a check came to: its first finding, else what it said. */
static const struct result *result_of(const struct report *report, const struct check *check)
{
	const struct result *first = NULL;

	for (size_t i = 0; i < report->count; i++) {
		if (report->results[i].check != check)
			continue;
		if (report->results[i].kind == RESULT_FINDING)
			return &report->results[i];
		first = first ? first : &report->results[i];
	}
	return first;
}

static bool is_as_before(const struct result *before, const struct result *now)
{
	if (!before || before->kind != now->kind)
		return false;
	return now->kind != RESULT_FINDING || strcmp(before->finding.says, now->finding.says) == 0;
}

static void print_change(const struct result *now, const char *when,
			 const struct terminal *terminal)
{
	static const struct {
		const char *word;
		enum colour colour;
	} marks[RESULT_KINDS] = {
		[RESULT_GOOD] = { "ok", COLOUR_GOOD },
		[RESULT_FINDING] = { "!!", COLOUR_BAD },
		[RESULT_UNCHECKED] = { "??", COLOUR_UNSURE },
		[RESULT_LEFT_OUT] = { "--", COLOUR_QUIET },
	};

	fprintf(terminal->to, "%s  %s%s%s  %-18s  ", when,
		terminal_begin(terminal, marks[now->kind].colour), marks[now->kind].word,
		terminal_end(terminal), now->check->name);
	terminal_words(terminal, now->kind == RESULT_FINDING ? now->finding.says : now->detail,
		       WORDS_COLUMN, WORDS_COLUMN);
}

void report_changes_print(const struct report *before, const struct report *now, int64_t at_ms,
			  const struct terminal *terminal)
{
	time_t at = (time_t)(at_ms / 1000);
	char when[32] = "";
	struct tm date;

	if (localtime_r(&at, &date))
		(void)strftime(when, sizeof(when), "%H:%M:%S", &date);
	for (size_t i = 0; i < now->count; i++) {
		const struct result *result = result_of(now, now->results[i].check);

		/* A check with several findings is told once. */
		if (&now->results[i] == result &&
		    !is_as_before(result_of(before, result->check), result))
			print_change(result, when, terminal);
	}
	fflush(terminal->to);
}
