#include "doctor/report_json.h"

#include "doctor/examination.h"

static const char *const kinds[RESULT_KINDS] = {
	[RESULT_GOOD] = "good",
	[RESULT_FINDING] = "finding",
	[RESULT_UNCHECKED] = "unchecked",
	[RESULT_LEFT_OUT] = "left_out",
};

static const char *const verdicts[] = {
	[VERDICT_GOOD] = "good",
	[VERDICT_FINDINGS] = "findings",
	[VERDICT_UNCHECKED] = "unchecked",
};

static void write_finding(const struct result *result, struct json *json)
{
	const struct finding *finding = &result->finding;

	json_text(json, "severity",
		  finding->severity == SEVERITY_BREAKS ? STR("breaks") : STR("weakens"));
	json_text(json, "says", str_of(finding->says));
	json_text(json, "looked_at", str_of(finding->looked_at));
	json_text(json, "expected", str_of(finding->expected));
	json_text(json, "consequence",
		  str_of(finding->consequence ? finding->consequence : result->check->meaning));
	json_text(json, "write", str_of(finding->write));
	json_text(json, "remedy", str_of(result->check->remedy));
	json_text(json, "confirm", str_of(finding->confirm));
}

static void write_result(const struct result *result, struct json *json)
{
	json_open(json, NULL, '{');
	json_text(json, "group", str_of(result->group->name));
	json_text(json, "check", str_of(result->check->name));
	json_text(json, "result", str_of(kinds[result->kind]));
	if (result->kind == RESULT_FINDING)
		write_finding(result, json);
	else
		json_text(json, result->kind == RESULT_GOOD ? "detail" : "because",
			  str_of(result->detail));
	json_close(json, '}');
}

static void write_limit(const struct limit_line *limit, struct json *json)
{
	json_open(json, NULL, '{');
	json_text(json, "who", str_of(limit->who));
	json_text(json, "what", str_of(limit->what));
	if (limit->ms < 0 || limit->ms == INT64_MAX)
		json_nothing(json, "seconds");
	else
		json_seconds(json, "seconds", limit->ms);
	json_text(json, "source", str_of(limit->source));
	json_close(json, '}');
}

void report_json_write(const struct report *report, struct json *json)
{
	const struct result *worst = report_worst(report);

	json_text(json, "verdict", str_of(verdicts[examination_verdict(report)]));
	json_text(json, "says", worst ? str_of(worst->finding.says) : STR_NONE);
	json_int(json, "good", (int64_t)report_count(report, RESULT_GOOD));
	json_int(json, "findings", (int64_t)report_count(report, RESULT_FINDING));
	json_int(json, "unchecked", (int64_t)report_count(report, RESULT_UNCHECKED));
	json_open(json, "limits", '[');
	for (size_t i = 0; i < report->limits_count; i++)
		write_limit(&report->limits[i], json);
	json_close(json, ']');
	json_open(json, "checks", '[');
	for (size_t i = 0; i < report->count; i++)
		write_result(&report->results[i], json);
	json_close(json, ']');
}

static void write_listed(const struct check *check, struct json *json)
{
	json_open(json, NULL, '{');
	json_text(json, "name", str_of(check->name));
	json_text(json, "asks", str_of(check->asks));
	json_text(json, "meaning", str_of(check->meaning));
	json_text(json, "remedy", str_of(check->remedy));
	json_close(json, '}');
}

void report_json_list(struct json *json)
{
	json_open(json, NULL, '[');
	for (size_t i = 0; i < doctor_groups_count; i++) {
		json_open(json, NULL, '{');
		json_text(json, "group", str_of(doctor_groups[i]->name));
		json_open(json, "checks", '[');
		for (size_t k = 0; k < doctor_groups[i]->count; k++)
			write_listed(&doctor_groups[i]->checks[k], json);
		json_close(json, ']');
		json_close(json, '}');
	}
	json_close(json, ']');
}
