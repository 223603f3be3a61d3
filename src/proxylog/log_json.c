#include "proxylog/log_json.h"

#define FAILURES_MAX 100
#define MS_PER_S     1000

static void write_times(const struct log_count *count, struct json *json)
{
	json_int(json, "count", (int64_t)count->count);
	json_date(json, "first_at", count->first_s * MS_PER_S);
	json_date(json, "last_at", count->last_s * MS_PER_S);
}

static void write_timeline(const struct log_timeline *timeline, struct json *json)
{
	json_open(json, "timeline", '{');
	json_date(json, "from", timeline->begins_s * MS_PER_S);
	json_int(json, "seconds_each", timeline->wide_s);
	json_open(json, "counts", '[');
	for (int i = 0; i < LOG_TIMELINE_BUCKETS && timeline->wide_s > 0; i++)
		json_int(json, NULL, (int64_t)timeline->counts[i]);
	json_close(json, ']');
	json_close(json, '}');
}

static void write_cause(enum log_cause cause, const struct log_count *count, struct json *json)
{
	const struct log_cause_words *words = &log_causes[cause];

	json_open(json, NULL, '{');
	json_text(json, "cause", str_of(words->name));
	write_times(count, json);
	json_text(json, "says", str_of(words->says));
	json_text(json, "seen", str_of(words->seen));
	json_text(json, "meaning", str_of(words->meaning));
	json_text(json, "remedy", str_of(words->remedy));
	json_text(json, "example", str_of(count->example));
	write_timeline(&count->timeline, json);
	json_close(json, '}');
}

static void write_status(int status, const struct log_count *count, struct json *json)
{
	json_open(json, NULL, '{');
	json_int(json, "status", status);
	write_times(count, json);
	json_text(json, "meaning", str_of(log_status_meaning(status)));
	if (count->took_most_ms >= 0)
		json_seconds(json, "took_at_most", count->took_most_ms);
	else
		json_nothing(json, "took_at_most");
	json_close(json, '}');
}

static void write_failure(const struct log_failure *failure, struct json *json)
{
	bool is_known = failure->cause != LOG_CAUSE_NONE;

	json_open(json, NULL, '{');
	json_date(json, "at", failure->at_s * MS_PER_S);
	json_int(json, "status", failure->status);
	json_text(json, "request", str_of(failure->request));
	json_text(json, "request_id", failure->id[0] ? str_of(failure->id) : STR_NONE);
	json_text(json, "cause", is_known ? str_of(log_causes[failure->cause].name) : STR_NONE);
	json_text(json, "cause_by", is_known ? STR("time and request line: probable") : STR_NONE);
	json_bool(json, "of_back_end", failure->is_of_callspool);
	json_text(json, "journal", failure->words[0] ? str_of(failure->words) : STR_NONE);
	json_text(json, "journal_by",
		  !failure->words[0]     ? STR_NONE
		  : failure->words_by_id ? STR("request id")
					 : STR("time and request line: probable"));
	if (failure->own_status)
		json_int(json, "answered", failure->own_status);
	else
		json_nothing(json, "answered");
	json_close(json, '}');
}

static const char *const verdicts[] = {
	[VERDICT_GOOD] = "good",
	[VERDICT_FINDINGS] = "findings",
	[VERDICT_UNCHECKED] = "unchecked",
};

void log_json_write(struct log_story *story, struct json *json)
{
	enum log_cause worst = log_story_worst(story);
	const struct log_failure *failure;
	struct log_told told;

	log_story_tell(story, &told);
	json_open(json, NULL, '{');
	json_text(json, "says",
		  worst != LOG_CAUSE_NONE ? str_of(log_causes[worst].says) : STR_NONE);
	json_text(json, "verdict", str_of(verdicts[log_story_verdict(story)]));
	json_text(json, "not_understood", told.strange ? str_of(told.strange) : STR_NONE);
	json_int(json, "lines", (int64_t)told.lines);
	json_int(json, "known", (int64_t)told.known);
	json_date(json, "from", told.first_s * MS_PER_S);
	json_date(json, "until", told.last_s * MS_PER_S);
	json_open(json, "causes", '[');
	for (enum log_cause cause = LOG_CAUSE_NONE + 1; cause < LOG_CAUSES; cause++)
		if (told.causes[cause].count > 0)
			write_cause(cause, &told.causes[cause], json);
	json_close(json, ']');
	json_open(json, "answers", '[');
	for (int status = 400; status < LOG_STORY_STATUSES; status++)
		if (told.statuses[status].count > 0)
			write_status(status, &told.statuses[status], json);
	json_close(json, ']');
	json_open(json, "failures", '[');
	for (size_t i = 0; i < FAILURES_MAX && (failure = log_story_failure(story, i)); i++)
		write_failure(failure, json);
	json_close(json, ']');
	json_close(json, '}');
}
