#include "doctor/examination.h"

#include "base/own.h"
#include "base/suggestion.h"

#include <string.h>

static bool is_any(const struct examination *examination, const char *name)
{
	for (size_t i = 0; i < examination->names_count; i++)
		if (strcmp(examination->names[i], name) == 0)
			return true;
	return false;
}

/* Also offers each name that there is. */
static bool is_known(const char *name, struct suggestion *near)
{
	for (size_t i = 0; i < doctor_groups_count; i++) {
		const struct check_group *group = doctor_groups[i];

		if (strcmp(name, group->name) == 0)
			return true;
		suggestion_offer(near, group->name);
		for (size_t k = 0; k < group->count; k++) {
			if (strcmp(name, group->checks[k].name) == 0)
				return true;
			suggestion_offer(near, group->checks[k].name);
		}
	}
	return false;
}

bool examination_validate(const struct examination *examination, struct err *err)
{
	for (size_t i = 0; i < examination->names_count; i++) {
		struct suggestion near;

		suggestion_start(&near, str_of(examination->names[i]));
		if (is_known(examination->names[i], &near))
			continue;
		return err_set(err, ERR_INVALID, "there is no check or group '%s'%s%s%s",
			       examination->names[i], near.best ? "; did you mean '" : "",
			       near.best ? near.best : "", near.best ? "'?" : ": see --list");
	}
	return true;
}

static void run_check(const struct examination *examination, const struct check_group *group,
		      const struct check *check, struct deployment *deployment,
		      struct report *report)
{
	size_t first = report->count;

	if (examination->is_cancelled && *examination->is_cancelled)
		return;
	report->group = group;
	report->check = check;
	report->is_chosen = examination->names_count > 0;
	report->is_named = is_any(examination, check->name);
	check->run(deployment, report);
	if (report->count == first)
		report_unchecked(report, "the check came to no answer");
	if (examination->watch)
		examination->watch->told(examination->watch, report, first);
}

void examination_run(const struct examination *examination, struct deployment *deployment,
		     struct report *report)
{
	bool runs_all = examination->names_count == 0;

	/* What one group reads another may live on: limits on the proxy's configuration. */
	for (size_t i = 0; i < doctor_groups_count; i++)
		if (doctor_groups[i]->prepare)
			doctor_groups[i]->prepare(deployment);
	for (size_t i = 0; i < doctor_groups_count; i++) {
		const struct check_group *group = doctor_groups[i];
		bool runs_group = runs_all || is_any(examination, group->name);

		for (size_t k = 0; k < group->count; k++)
			if (runs_group || is_any(examination, group->checks[k].name))
				run_check(examination, group, &group->checks[k], deployment,
					  report);
	}
	for (size_t i = 0; i < doctor_groups_count; i++)
		if (doctor_groups[i]->clear)
			doctor_groups[i]->clear(deployment);
}

enum doctor_verdict examination_verdict(const struct report *report)
{
	if (report_count(report, RESULT_FINDING) > 0)
		return VERDICT_FINDINGS;
	return report_count(report, RESULT_UNCHECKED) > 0 ? VERDICT_UNCHECKED : VERDICT_GOOD;
}
