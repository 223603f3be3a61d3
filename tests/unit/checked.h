/*
 * A check of the doctor, run on a deployment that a test puts together, and all that it says, as one text:
 *
 *	breaks: callspool does not run
 *	looked at: the administrator's socket in the data folder
 *	expected: a server that answers there
 *	write: systemctl start callspool
 *	confirm: callspool health
 *
 * or "weakens: ..."; else "good: ...", "unchecked: ...", "left out: ...".  What differs from run to run is put in words: times
 * that something took, and the ports of servers.
 */
#pragma once

#include "base/buf.h"
#include "base/mem.h"
#include "base/own.h"
#include "doctor/check.h"
#include "doctor/deployment.h"
#include "doctor/report.h"
#include "tap.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define CHECKED_MAX ((size_t)64 * 1024)

/* The times are the test's own: they are told as they are. */
static bool checked_tells_times;

static void checked_line(struct buf *out, const char *label, const char *value)
{
	if (value)
		buf_addf(out, "%s: %s\n", label, value);
}

static void checked_result(struct buf *out, const struct result *result)
{
	static const char *const labels[RESULT_KINDS] = {
		[RESULT_GOOD] = "good",
		[RESULT_UNCHECKED] = "unchecked",
		[RESULT_LEFT_OUT] = "left out",
	};
	const struct finding *finding = &result->finding;

	if (result->kind != RESULT_FINDING) {
		checked_line(out, labels[result->kind], result->detail);
		return;
	}
	checked_line(out, finding->severity == SEVERITY_BREAKS ? "breaks" : "weakens",
		     finding->says);
	checked_line(out, "looked at", finding->looked_at);
	checked_line(out, "expected", finding->expected);
	checked_line(out, "means", finding->consequence);
	checked_line(out, "write", finding->write);
	checked_line(out, "confirm", finding->confirm);
}

/* "in 12 ms" becomes "in N ms", and what of `names` ([from, to], up to NULL) is found what it stands for. */
static char *checked_plain(struct str text, const char *const names[][2])
{
	struct buf out;

	buf_init(&out, CHECKED_MAX);
	while (text.len > 0) {
		size_t digits = 3, i = 0;

		while (digits < text.len && isdigit((unsigned char)text.at[digits]))
			digits++;
		if (!checked_tells_times && digits > 3 && str_starts(text, STR("in ")) &&
		    str_starts(str_after(text, digits), STR(" ms"))) {
			buf_add_text(&out, "in N");
			text = str_after(text, digits);
			continue;
		}
		while (names && names[i][0] && !str_starts(text, str_of(names[i][0])))
			i++;
		if (names && names[i][0]) {
			buf_add_text(&out, names[i][1]);
			text = str_after(text, strlen(names[i][0]));
			continue;
		}
		buf_add_byte(&out, text.at[0]);
		text = str_after(text, 1);
	}
	return buf_take(&out);
}

static const struct check *checked_find(const struct check_group *group, const char *name)
{
	for (size_t i = 0; i < group->count; i++)
		if (strcmp(group->checks[i].name, name) == 0)
			return &group->checks[i];
	printf("Bail out! there is no check %s\n", name);
	exit(1);
}

/* All that was said; for free().  is_chosen: the check was asked for by its name. */
static char *checked_as(const struct check_group *group, const char *name,
			struct deployment *deployment, const char *const names[][2], bool is_chosen)
{
	__attribute__((cleanup(report_release_at))) struct report report = {
		.group = group, .is_chosen = is_chosen, .is_named = is_chosen
	};
	AUTO(buf_release) struct buf out;

	report.check = checked_find(group, name);
	report.check->run(deployment, &report);
	buf_init(&out, CHECKED_MAX);
	for (size_t i = 0; i < report.count; i++)
		checked_result(&out, &report.results[i]);
	return checked_plain(buf_str(&out), names);
}

__attribute__((unused)) static char *checked(const struct check_group *group, const char *name,
					     struct deployment *deployment,
					     const char *const names[][2])
{
	return checked_as(group, name, deployment, names, false);
}
