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

/* One name after the other, and all at once. */
static void test_all_names(void)
{
	const char *names[256];
	struct examination all = { .names = names };
	struct err err = { .text = "" };

	for (size_t i = 0; i < doctor_groups_count; i++) {
		names[all.names_count++] = doctor_groups[i]->name;
		for (size_t k = 0; k < doctor_groups[i]->count; k++)
			names[all.names_count++] = doctor_groups[i]->checks[k].name;
	}
	for (size_t i = 0; i < all.names_count; i++) {
		const struct examination one = { .names = &names[i], .names_count = 1 };

		OK(examination_validate(&one, &err), "%s: is known: %s", names[i], err.text);
	}
	OK(examination_validate(&all, &err), "all of them are: %s", err.text);
	names[all.names_count++] = "nothing-of-this";
	OK(!examination_validate(&all, &err) && err.kind == ERR_INVALID &&
		   strstr(err.text, "'nothing-of-this'"),
	   "but for the last: %s", err.text);
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

/* ---- running ---- */

struct heard {
	struct examination_watch watch;
	size_t told, results;
	bool is_chosen, is_named;
	_Atomic bool is_cancelled;
};

static void hear(struct examination_watch *watch, const struct report *report, size_t first)
{
	struct heard *heard = container_of(watch, struct heard, watch);

	heard->told++;
	heard->results += report->count - first;
	heard->is_chosen = report->is_chosen;
	heard->is_named = report->is_named;
	heard->is_cancelled = true; /* one is enough */
}

/* No check runs once it is cancelled; the first says something, be it that it could not look. */
static void test_run(void)
{
	static const struct {
		const char *what, *name;
		bool is_chosen, is_named;
	} rows[] = {
		{ "all", NULL, false, false },
		{ "a group", "services", true, false },
		{ "a check", "runs", true, true },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		__attribute__((cleanup(report_release_at))) struct report report = { 0 };
		struct deployment deployment = { 0 };
		struct heard heard = { .watch.told = hear };
		const struct examination examination = { .names = &rows[i].name,
							 .names_count = rows[i].name ? 1 : 0,
							 .watch = &heard.watch,
							 .is_cancelled = &heard.is_cancelled };

		examination_run(&examination, &deployment, &report);
		IS_INT(heard.told, 1, "%s: the first check is heard, and no other runs",
		       rows[i].what);
		OK(heard.results > 0 && heard.results == report.count, "%s: with what it says",
		   rows[i].what);
		IS_INT(heard.is_chosen, rows[i].is_chosen, "%s: something was asked for by name",
		       rows[i].what);
		IS_INT(heard.is_named, rows[i].is_named, "%s: that check was", rows[i].what);
	}
}

int main(void)
{
	test_table();
	test_names();
	test_validate();
	test_all_names();
	test_run();
	test_worst();
	test_verdict();
	return tap_end();
}
