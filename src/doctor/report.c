#include "doctor/report.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct result *add(struct report *report, enum result_kind kind)
{
	struct result *result;

	if (report->count == report->size) {
		report->size = report->size ? 2 * report->size : 64;
		report->results =
			xrealloc(report->results, report->size * sizeof(*report->results));
	}
	result = &report->results[report->count++];
	*result = (struct result){ .group = report->group, .check = report->check, .kind = kind };
	return result;
}

static char *format(const char *fmt, va_list args) PRINTF_LIKE(1, 0);

static char *format(const char *fmt, va_list args)
{
	char text[1024];

	vsnprintf(text, sizeof(text), fmt, args);
	return xstrdup(text);
}

void report_good(struct report *report, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add(report, RESULT_GOOD)->detail = format(fmt, args);
	va_end(args);
}

void report_unchecked(struct report *report, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add(report, RESULT_UNCHECKED)->detail = format(fmt, args);
	va_end(args);
}

void report_left_out(struct report *report, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add(report, RESULT_LEFT_OUT)->detail = format(fmt, args);
	va_end(args);
}

void report_lacking(struct report *report, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add(report, report->is_chosen ? RESULT_UNCHECKED : RESULT_LEFT_OUT)->detail =
		format(fmt, args);
	va_end(args);
}

static const char *copy(const char *text)
{
	return text ? xstrdup(text) : NULL;
}

static const char *or_none(const char *text)
{
	return text ? text : "";
}

char *report_command(const struct report *report)
{
	return xasprintf("callspool doctor %s%s%s", report->check->name,
			 or_none(report->doctor_options), or_none(report->settings_options));
}

static char *confirm_of(const struct report *report, const char *confirm)
{
	static const char own[] = "callspool ";

	if (!confirm)
		return report_command(report);
	if (strncmp(confirm, own, sizeof(own) - 1) != 0)
		return xstrdup(confirm);
	return xasprintf("%s%s", confirm, or_none(report->settings_options));
}

void report_finding(struct report *report, const struct finding *finding)
{
	struct result *result = add(report, RESULT_FINDING);

	result->finding = (struct finding){
		.severity = finding->severity,
		.says = copy(finding->says),
		.looked_at = copy(finding->looked_at),
		.expected = copy(finding->expected),
		.consequence = copy(finding->consequence),
		.write = copy(finding->write),
		.confirm = confirm_of(report, finding->confirm),
	};
}

void report_limit(struct report *report, const char *who, const char *what, int64_t ms,
		  const char *source)
{
	report->limits =
		xrealloc(report->limits, (report->limits_count + 1) * sizeof(*report->limits));
	report->limits[report->limits_count++] = (struct limit_line){
		.who = who, .what = what, .ms = ms, .source = xstrdup(source)
	};
}

size_t report_count(const struct report *report, enum result_kind kind)
{
	size_t count = 0;

	for (size_t i = 0; i < report->count; i++)
		count += report->results[i].kind == kind;
	return count;
}

static bool is_nearer(const struct result *a, const struct result *b)
{
	if (!b)
		return true;
	if (a->finding.severity != b->finding.severity)
		return a->finding.severity < b->finding.severity;
	return a->check->rank < b->check->rank;
}

const struct result *report_worst(const struct report *report)
{
	const struct result *worst = NULL;

	for (size_t i = 0; i < report->count; i++)
		if (report->results[i].kind == RESULT_FINDING &&
		    is_nearer(&report->results[i], worst))
			worst = &report->results[i];
	return worst;
}

const struct result *report_first(const struct report *report, enum result_kind kind)
{
	for (size_t i = 0; i < report->count; i++)
		if (report->results[i].kind == kind)
			return &report->results[i];
	return NULL;
}

void report_copy(const struct report *report, struct report *out)
{
	*out = (struct report){ .count = 0 };
	for (size_t i = 0; i < report->count; i++) {
		const struct result *from = &report->results[i];

		out->group = from->group;
		out->check = from->check;
		if (from->kind == RESULT_FINDING)
			report_finding(out, &from->finding);
		else
			add(out, from->kind)->detail = xstrdup(from->detail);
	}
	for (size_t i = 0; i < report->limits_count; i++) {
		const struct limit_line *from = &report->limits[i];

		report_limit(out, from->who, from->what, from->ms, from->source);
	}
}

/* The copies of a finding are const for who reads them. */
static void release_text(const char *text)
{
	free((void *)(uintptr_t)text);
}

static void release_finding(const struct finding *finding)
{
	release_text(finding->says);
	release_text(finding->looked_at);
	release_text(finding->expected);
	release_text(finding->consequence);
	release_text(finding->write);
	release_text(finding->confirm);
}

void report_release(struct report *report)
{
	for (size_t i = 0; i < report->count; i++) {
		free(report->results[i].detail);
		release_finding(&report->results[i].finding);
	}
	for (size_t i = 0; i < report->limits_count; i++)
		free(report->limits[i].source);
	free(report->results);
	free(report->limits);
	*report = (struct report){ .count = 0 };
}
