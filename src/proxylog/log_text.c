#include "proxylog/log_text.h"

#include "base/mem.h"
#include "base/own.h"
#include "base/utf8.h"
#include "doctor/duration_words.h"
#include "doctor/terminal.h"

#include <langinfo.h>
#include <string.h>
#include <time.h>

#define CHART_WIDTH   48
#define NEWEST_MAX    8
#define TIME_SIZE     32
#define STATUS_INDENT 6

static const char *time_text(int64_t at_s, char text[TIME_SIZE])
{
	time_t at = (time_t)at_s;
	struct tm date;

	if (at_s <= 0 || !localtime_r(&at, &date) ||
	    strftime(text, TIME_SIZE, "%Y-%m-%d %H:%M:%S", &date) == 0)
		return "?";
	return text;
}

/* ---- the chart ---- */

static const char *level_mark(unsigned level, bool has_blocks)
{
	static const char *const blocks[] = { " ",      "\u2581", "\u2582", "\u2583", "\u2584",
					      "\u2585", "\u2586", "\u2587", "\u2588" };
	static const char *const letters[] = { " ", ".", ".", ":", ":", "-", "=", "+", "#" };

	return has_blocks ? blocks[level] : letters[level];
}

/* From the first line of all logs to the last, so that charts can be compared. */
static void print_chart(const struct terminal *terminal, const struct log_count *count,
			const struct log_told *told)
{
	bool has_blocks = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	int64_t span_s = told->last_s - told->first_s + 1;
	uint64_t columns[CHART_WIDTH], most = 0;

	if (count->first_s == 0 || span_s < CHART_WIDTH)
		return;
	for (int i = 0; i < CHART_WIDTH; i++) {
		columns[i] = log_timeline_between(&count->timeline,
						  told->first_s + span_s * i / CHART_WIDTH,
						  told->first_s + span_s * (i + 1) / CHART_WIDTH);
		most = columns[i] > most ? columns[i] : most;
	}
	if (most == 0)
		return;
	terminal_label(terminal, "when");
	fputc('|', terminal->to);
	for (int i = 0; i < CHART_WIDTH; i++)
		fputs(level_mark((unsigned)((columns[i] * 8 + most - 1) / most), has_blocks),
		      terminal->to);
	fputs("|\n", terminal->to);
}

/* ---- causes ---- */

static void print_span(const struct terminal *terminal, const struct log_count *count)
{
	char first[TIME_SIZE], last[TIME_SIZE];

	if (count->first_s == 0)
		return;
	AUTO(free)
	char *words = xasprintf("%s to %s", time_text(count->first_s, first),
				time_text(count->last_s, last));

	terminal_labelled(terminal, "from", words);
}

static void print_cause(const struct terminal *terminal, enum log_cause cause,
			const struct log_told *told)
{
	const struct log_count *count = &told->causes[cause];
	const struct log_cause_words *words = &log_causes[cause];

	fprintf(terminal->to, "\n%8llu x %s", (unsigned long long)count->count,
		terminal_begin(terminal, COLOUR_STRONG));
	terminal_words(terminal, words->says, 11, 11);
	fprintf(terminal->to, "%s", terminal_end(terminal));
	print_chart(terminal, count, told);
	print_span(terminal, count);
	terminal_labelled(terminal, "seen as", words->seen);
	terminal_labelled(terminal, "means", words->meaning);
	terminal_labelled(terminal, "cure", words->remedy);
	if (count->example[0])
		terminal_labelled(terminal, "last", count->example);
}

/* The most frequent first; among as many the heavier. */
static enum log_cause next_cause(const struct log_told *told, const bool *is_printed)
{
	enum log_cause next = LOG_CAUSE_NONE;

	for (enum log_cause cause = LOG_CAUSE_NONE + 1; cause < LOG_CAUSES; cause++) {
		uint64_t count = told->causes[cause].count;

		if (count > 0 && !is_printed[cause] &&
		    (next == LOG_CAUSE_NONE || count > told->causes[next].count ||
		     (count == told->causes[next].count &&
		      log_causes[cause].weight > log_causes[next].weight)))
			next = cause;
	}
	return next;
}

static void print_causes(const struct terminal *terminal, const struct log_told *told)
{
	bool is_printed[LOG_CAUSES] = { false };
	enum log_cause cause;

	while ((cause = next_cause(told, is_printed)) != LOG_CAUSE_NONE) {
		print_cause(terminal, cause, told);
		is_printed[cause] = true;
	}
}

/* ---- answers ---- */

static void print_statuses(const struct terminal *terminal, const struct log_told *told)
{
	char room[DURATION_WORDS_SIZE];
	bool has_any = false;

	if (told->answered == 0)
		return;
	fprintf(terminal->to, "\n%sAnswers%s\n", terminal_begin(terminal, COLOUR_STRONG),
		terminal_end(terminal));
	for (int status = 400; status < LOG_STORY_STATUSES; status++) {
		const struct log_count *count = &told->statuses[status];
		const char *meaning = log_status_meaning(status);

		if (count->count == 0)
			continue;
		fprintf(terminal->to, "%8llu x %d  %s", (unsigned long long)count->count, status,
			meaning ? meaning : "");
		if (count->took_most_ms >= 0)
			fprintf(terminal->to, "%safter at most %s", meaning ? "; " : "",
				duration_words(count->took_most_ms, room));
		fputc('\n', terminal->to);
		has_any = true;
	}
	if (!has_any)
		fprintf(terminal->to, "%8llu x none of them an error\n",
			(unsigned long long)told->answered);
}

/* ---- the newest ---- */

/* What callspool says of it itself. */
static void print_own(const struct terminal *terminal, const struct log_failure *failure)
{
	if (failure->words[0]) {
		AUTO(free)
		char *words = xasprintf("%s%s (request %s)",
					failure->words_by_id ? "" : "probably: ", failure->words,
					failure->id);

		terminal_labelled(terminal, "callspool", words);
	} else if (failure->own_status) {
		AUTO(free)
		char *words = xasprintf("probably answered it %d, by its access log",
					failure->own_status);

		terminal_labelled(terminal, "callspool", words);
	}
}

/* nginx notes its own errors in its error log: what is not there, the back end answered. */
static const char *not_told(const struct log_failure *failure, const struct log_told *told)
{
	if (told->errors == 0)
		return "not told by these logs: give nginx's error log, too";
	if (failure->status == 502 || failure->status == 504)
		return "not told by these logs: nginx's error log that was given has no line of it";
	return "answered so by the back end itself, it seems: see its own log at that time";
}

/* "this 502 at 12:03:04 was: ..." */
static void print_failure(const struct terminal *terminal, const struct log_failure *failure,
			  const struct log_told *told)
{
	char when[TIME_SIZE];
	AUTO(free) char *request = utf8_plain(str_of(failure->request));

	fprintf(terminal->to, "  %s%d%s at %s: %s\n", terminal_begin(terminal, COLOUR_BAD),
		failure->status, terminal_end(terminal), time_text(failure->at_s, when), request);
	if (failure->cause != LOG_CAUSE_NONE) {
		AUTO(free)
		char *was = xasprintf("probably: %s, by the time and the request line",
				      log_causes[failure->cause].says);

		terminal_labelled(terminal, "was", was);
	} else if (failure->is_of_callspool) {
		terminal_labelled(terminal, "was",
				  told->is_own ? "answered so by callspool, by its access log"
					       : "answered by the back end itself, and passed on");
	} else if (!failure->words[0]) {
		terminal_labelled(terminal, "was", not_told(failure, told));
	}
	print_own(terminal, failure);
}

static void print_newest(const struct terminal *terminal, struct log_story *story,
			 const struct log_told *told)
{
	const struct log_failure *failure;

	for (size_t i = 0; i < NEWEST_MAX && (failure = log_story_failure(story, i)); i++) {
		if (i == 0)
			fprintf(terminal->to, "\n%sThe newest that failed%s\n",
				terminal_begin(terminal, COLOUR_STRONG), terminal_end(terminal));
		print_failure(terminal, failure, told);
	}
}

/* ---- all of it ---- */

static void print_lines_read(const struct terminal *terminal, const struct log_told *told)
{
	char first[TIME_SIZE], last[TIME_SIZE];

	fprintf(terminal->to, "%llu lines, %llu of them understood",
		(unsigned long long)told->lines, (unsigned long long)told->known);
	if (told->first_s > 0)
		fprintf(terminal->to, ", %s to %s", time_text(told->first_s, first),
			time_text(told->last_s, last));
	fprintf(terminal->to, "\n");
}

static uint64_t count_failed(const struct log_told *told)
{
	uint64_t count = 0;

	for (int status = 500; status < LOG_STORY_STATUSES; status++)
		count += told->statuses[status].count;
	return count;
}

static void print_verdict(const struct terminal *terminal, const struct log_story *story,
			  const struct log_told *told)
{
	enum log_cause worst = log_story_worst(story);
	AUTO(free) char *sentence = NULL;

	if (worst != LOG_CAUSE_NONE)
		sentence = xasprintf("%s: %s (%llu time%s).", log_causes[worst].seen,
				     log_causes[worst].says,
				     (unsigned long long)told->causes[worst].count,
				     told->causes[worst].count == 1 ? "" : "s");
	else if (count_failed(told) > 0)
		sentence = xasprintf(
			"%llu request%s failed, and these logs do not say why: give %s.",
			(unsigned long long)count_failed(told), count_failed(told) == 1 ? "" : "s",
			told->is_own        ? "callspool's journal, too"
			: told->errors == 0 ? "nginx's error log, too"
					    : "the back end's own log, too");
	else if (told->lines == 0)
		sentence = xstrdup("There is no line in it: nothing can be told.");
	else if (told->strange)
		sentence = xasprintf("No failure was found, but not all could be read: not one "
				     "line of '%s' is of a log that is known here.",
				     told->strange);
	else
		sentence = xstrdup("No request failed.");
	fprintf(terminal->to, "\n%s",
		terminal_begin(terminal, worst != LOG_CAUSE_NONE ? COLOUR_BAD : COLOUR_STRONG));
	terminal_words(terminal, sentence, 0, 0);
	fprintf(terminal->to, "%s", terminal_end(terminal));
}

void log_text_print(struct log_story *story, FILE *to)
{
	struct terminal terminal;
	struct log_told told;

	terminal_start(&terminal, to);
	log_story_tell(story, &told);
	print_lines_read(&terminal, &told);
	print_causes(&terminal, &told);
	print_statuses(&terminal, &told);
	print_newest(&terminal, story, &told);
	print_verdict(&terminal, story, &told);
}
