/*
 * Results for people: a heading a group, a line a check, what was found below it, and at the end the verdict.
 */
#pragma once

#include "doctor/examination.h"
#include "doctor/terminal.h"

#include <stdio.h>

struct report_text {
	struct examination_watch watch; /* prints as it hears */
	struct terminal terminal;
	const struct check_group *group; /* whose heading was printed last */
	size_t limits_printed;
};

void report_text_start(struct report_text *text, FILE *to);
/* The verdict, whose first line names the cause. */
void report_text_end(struct report_text *text, const struct report *report);
/* --list: each group with its checks. */
void report_text_list(struct report_text *text);
