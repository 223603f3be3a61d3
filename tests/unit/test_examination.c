#include "doctor/examination.h"

#include "doctor/deployment.h"
#include "tap.h"

#include <string.h>

static void test_table(void)
{
	for (size_t i = 0; i < doctor_groups_count; i++) {
		const struct check_group *group = doctor_groups[i];

		OK(group->name[0] && group->title[0] && group->count > 0, "%s: is whole",
		   group->name);
		for (size_t k = 0; k < group->count; k++) {
			const struct check *check = &group->checks[k];

			OK(check->asks[0] && check->meaning[0] && check->remedy[0] &&
				   check->rank > 0 && check->run,
			   "%s: says all", check->name);
			OK(strspn(check->name, "abcdefghijklmnopqrstuvwxyz0123456789-") ==
				   strlen(check->name),
			   "%s: has a name that is typed easily", check->name);
		}
	}
}

static bool is_once(const char *name)
{
	size_t count = 0;

	for (size_t i = 0; i < doctor_groups_count; i++) {
		count += strcmp(doctor_groups[i]->name, name) == 0;
		for (size_t k = 0; k < doctor_groups[i]->count; k++)
			count += strcmp(doctor_groups[i]->checks[k].name, name) == 0;
	}
	return count == 1;
}

static void test_names(void)
{
	for (size_t i = 0; i < doctor_groups_count; i++) {
		OK(is_once(doctor_groups[i]->name), "%s: is one thing", doctor_groups[i]->name);
		for (size_t k = 0; k < doctor_groups[i]->count; k++)
			OK(is_once(doctor_groups[i]->checks[k].name), "%s: is one thing",
			   doctor_groups[i]->checks[k].name);
	}
}

static void test_validate(void)
{
	static const struct {
		const char *what, *name, *near;
		bool is_known;
	} cases[] = {
		{ "a group", "services", NULL, true },
		{ "a check", "runs", NULL, true },
		{ "a mistyped group, with the one that was meant", "servics", "'services'", false },
		{ "nothing near", "zzzzzzzzzz", "--list", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct examination examination = { .names = &cases[i].name,
							 .names_count = 1 };
		struct err err = { .text = "" };

		OK(examination_validate(&examination, &err) == cases[i].is_known, "%s",
		   cases[i].what);
		OK(!cases[i].near || strstr(err.text, cases[i].near), "%s: says so", cases[i].what);
	}
}

/* ---- what comes of results ---- */

static const struct check near = { .name = "near", .rank = RANK_SERVER },
			  far = { .name = "far", .rank = RANK_PLAYBACK };
static const struct check_group group = { .name = "group", .title = "Group" };

static void find(struct report *report, const struct check *check, enum severity severity)
{
	report->group = &group;
	report->check = check;
	report_finding(report, &(struct finding){ .severity = severity, .says = check->name });
}

static void test_worst(void)
{
	struct report report = { .count = 0 };

	OK(report_worst(&report) == NULL, "nothing was found");
	find(&report, &near, SEVERITY_WEAKENS);
	find(&report, &far, SEVERITY_BREAKS);
	OK(report_worst(&report)->check == &far, "what breaks comes before what weakens");
	find(&report, &near, SEVERITY_BREAKS);
	OK(report_worst(&report)->check == &near, "of two that break the one near the cause");
	find(&report, &near, SEVERITY_BREAKS);
	OK(report_worst(&report) == &report.results[2], "of two that are as near the first");
	report_release(&report);
}

static void test_verdict(void)
{
	struct report report = { .group = &group, .check = &near };

	report_good(&report, "%s", "it is");
	report_left_out(&report, "nobody asked");
	IS_INT(examination_verdict(&report), VERDICT_GOOD, "what was left out does no harm");
	report_lacking(&report, "no server runs");
	IS_INT(examination_verdict(&report), VERDICT_GOOD,
	       "of all that is run another check tells it");
	report.is_chosen = true;
	report_left_out(&report, "not in use");
	IS_INT(examination_verdict(&report), VERDICT_GOOD,
	       "what is not in use is no gap by name, either");
	report_lacking(&report, "no server runs");
	IS_INT(examination_verdict(&report), VERDICT_UNCHECKED,
	       "what was asked for by name and lacks something was not checked");
	find(&report, &far, SEVERITY_WEAKENS);
	IS_INT(examination_verdict(&report), VERDICT_FINDINGS, "a finding counts first");
	report_release(&report);
}

int main(void)
{
	test_table();
	test_names();
	test_validate();
	test_worst();
	test_verdict();
	return tap_end();
}
