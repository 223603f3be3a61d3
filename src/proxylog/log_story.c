/*
 * Three tables of fixed size, each found by a hash, in which a later entry takes the place of an earlier one of the same hash:
 * the newest failures in a ring, with a table by id, of nginx and of callspool each; lines of the journal by id; causes of the
 * error log by request line and second.
 */
#include "proxylog/log_story.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define JOURNAL_SIZE    16384 /* lines; powers of two */
#define ERRORS_SIZE     65536
#define BY_ID_SIZE      4096
#define OWN_SIZE        16384
#define WEIGHT_BREAKS   5
#define TRACEBACK_LINES 200 /* a traceback is hardly longer */
#define APART_S         2   /* an error and its access, at most */

struct journal_entry {
	uint64_t hash; /* of the id; 0: free */
	char words[LOG_STORY_WORDS];
};

struct error_entry {
	uint64_t hash; /* of the request line and the second; 0: free */
	enum log_cause cause;
};

/* A request as callspool answered it. */
struct own_entry {
	uint64_t hash; /* of the request line and the second; 0: free */
	int status;
	char id[40];
};

/* What an access log tells: one of nginx's, and callspool's own. */
enum { OF_NGINX, OF_CALLSPOOL, ANSWERS };
struct answers {
	uint64_t count, failures_count;
	struct log_count statuses[LOG_STORY_STATUSES];
	struct log_failure failures[LOG_STORY_FAILURES];
	uint64_t by_id[BY_ID_SIZE]; /* the number of the failure and 1 */
};

struct log_story {
	struct log_told told;
	struct log_count causes[LOG_CAUSES];
	struct answers answers[ANSWERS];
	uint64_t like_own;                              /* that are in both */
	struct log_failure *newest[LOG_STORY_FAILURES]; /* in the order in which they are told */
	bool is_sorted;
	enum log_cause backend_cause; /* the last of the back end's own log, and its line */
	uint64_t backend_line;
	struct journal_entry journal[JOURNAL_SIZE];
	struct error_entry errors[ERRORS_SIZE];
	struct own_entry own[OWN_SIZE];
	char strange[LOG_STORY_WORDS];
	char room[LOG_LINE_ROOM];
};

struct log_story *log_story_new(void)
{
	struct log_story *story = xcalloc(1, sizeof(*story));

	for (size_t of = 0; of < ANSWERS; of++)
		for (size_t i = 0; i < LOG_STORY_STATUSES; i++)
			story->answers[of].statuses[i].took_most_ms = -1;
	return story;
}

void log_story_free(struct log_story *story)
{
	free(story);
}

/* FNV-1a; never 0. */
static uint64_t hash_of(struct str text, uint64_t seed)
{
	uint64_t hash = UINT64_C(14695981039346656037) ^ seed;

	for (size_t i = 0; i < text.len; i++)
		hash = (hash ^ (unsigned char)text.at[i]) * UINT64_C(1099511628211);
	hash ^= hash >> 32;
	return hash ? hash : 1;
}

static void note_time(struct log_count *count, int64_t at_s)
{
	if (at_s <= 0)
		return;
	if (count->first_s == 0 || at_s < count->first_s)
		count->first_s = at_s;
	if (at_s > count->last_s)
		count->last_s = at_s;
	log_timeline_count(&count->timeline, at_s);
}

static void count_cause(struct log_story *story, enum log_cause cause, const struct log_line *line)
{
	struct log_count *count = &story->causes[cause];

	count->count++;
	note_time(count, line->at_s);
	str_fit(line->request.at ? line->request : line->message, count->example,
		sizeof(count->example));
}

/* ---- joining ---- */

/* Of as much as a failure keeps of it. */
static uint64_t hash_of_request(struct str request, int64_t at_s)
{
	return hash_of(str_first(request, LOG_STORY_REQUEST - 1),
		       (uint64_t)at_s * UINT64_C(0x9e3779b97f4a7c15));
}

static void keep_error(struct log_story *story, enum log_cause cause, const struct log_line *line)
{
	uint64_t hash = hash_of_request(line->request, line->at_s);
	struct error_entry *entry = &story->errors[hash % ERRORS_SIZE];

	if (!line->request.at)
		return;
	*entry = (struct error_entry){ .hash = hash, .cause = cause };
}

static void keep_own(struct log_story *story, const struct log_line *line)
{
	uint64_t hash = hash_of_request(line->request, line->at_s);
	struct own_entry *entry = &story->own[hash % OWN_SIZE];

	*entry = (struct own_entry){ .hash = hash, .status = line->status };
	str_fit(line->request_id, entry->id, sizeof(entry->id));
}

static const struct own_entry *find_own(const struct log_story *story,
					const struct log_failure *failure)
{
	for (int64_t apart_s = 0; apart_s <= APART_S; apart_s++)
		for (int sign = -1; sign <= 1; sign += 2) {
			uint64_t hash = hash_of_request(str_of(failure->request),
							failure->at_s + sign * apart_s);
			const struct own_entry *entry = &story->own[hash % OWN_SIZE];

			if (entry->hash == hash)
				return entry;
		}
	return NULL;
}

/* The cause that the error log has for this request, as near in time as can be. */
static enum log_cause find_error(const struct log_story *story, const struct log_failure *failure)
{
	for (int64_t apart_s = 0; apart_s <= APART_S; apart_s++)
		for (int sign = -1; sign <= 1; sign += 2) {
			uint64_t hash = hash_of_request(str_of(failure->request),
							failure->at_s + sign * apart_s);
			const struct error_entry *entry = &story->errors[hash % ERRORS_SIZE];

			if (entry->hash == hash)
				return entry->cause;
		}
	return LOG_CAUSE_NONE;
}

static const char *find_words(const struct log_story *story, struct str id)
{
	uint64_t hash = hash_of(id, 0);
	const struct journal_entry *entry = &story->journal[hash % JOURNAL_SIZE];

	return id.len > 0 && entry->hash == hash ? entry->words : NULL;
}

/* Of its own 502 and 504 nginx notes the same as the back end's status. */
static bool is_passed_on(const struct log_line *line)
{
	return line->upstream_status == line->status && line->status != 502 && line->status != 504;
}

static void keep_failure(const struct log_story *story, struct answers *answers,
			 const struct log_line *line)
{
	uint64_t number = answers->failures_count++;
	struct log_failure *failure = &answers->failures[number % LOG_STORY_FAILURES];
	const char *words = find_words(story, line->request_id);

	*failure = (struct log_failure){
		.at_s = line->at_s,
		.took_ms = line->took_ms,
		.status = line->status,
		.is_of_callspool = is_passed_on(line),
	};
	str_fit(line->request, failure->request, sizeof(failure->request));
	str_fit(line->request_id, failure->id, sizeof(failure->id));
	failure->words_by_id = words != NULL;
	if (words)
		str_fit(str_of(words), failure->words, sizeof(failure->words));
	if (failure->id[0])
		answers->by_id[hash_of(str_of(failure->id), 0) % BY_ID_SIZE] = number + 1;
}

/* The failure of that id, where it is one of the newest. */
static struct log_failure *failure_of(struct answers *answers, struct str id)
{
	uint64_t number = answers->by_id[hash_of(id, 0) % BY_ID_SIZE];
	struct log_failure *failure = &answers->failures[(number - 1) % LOG_STORY_FAILURES];

	if (number == 0 || answers->failures_count - number >= LOG_STORY_FAILURES ||
	    !str_eq(str_of(failure->id), id))
		return NULL;
	return failure;
}

/* Which of several lines of one request is kept: the last. */
static void add_journal(struct log_story *story, const struct log_line *line)
{
	uint64_t hash = hash_of(line->request_id, 0);
	struct journal_entry *entry = &story->journal[hash % JOURNAL_SIZE];

	if (line->request_id.len == 0)
		return;
	entry->hash = hash;
	str_fit(line->message, entry->words, sizeof(entry->words));
	for (size_t of = 0; of < ANSWERS; of++) {
		struct log_failure *failure = failure_of(&story->answers[of], line->request_id);

		if (!failure)
			continue;
		failure->words_by_id = true;
		str_fit(line->message, failure->words, sizeof(failure->words));
	}
}

/* ---- lines ---- */

static bool is_failure(const struct log_line *line)
{
	return line->status >= 500 || line->status == 429 || line->status == 413;
}

static void add_answer(const struct log_story *story, struct answers *answers,
		       const struct log_line *line)
{
	answers->count++;
	if (line->status < 500 && log_line_is_of_doctor(line))
		return;
	if (line->status >= 400 && line->status < LOG_STORY_STATUSES) {
		struct log_count *count = &answers->statuses[line->status];

		count->count++;
		note_time(count, line->at_s);
		if (line->took_ms > count->took_most_ms)
			count->took_most_ms = line->took_ms;
		str_fit(line->request, count->example, sizeof(count->example));
	}
	if (is_failure(line))
		keep_failure(story, answers, line);
}

/* A 502 that is written as callspool writes is nginx's; so may be its like, of other statuses: it counts with both. */
static void add_access(struct log_story *story, const struct log_line *line)
{
	if (line->kind == LOG_LINE_ACCESS)
		add_answer(story, &story->answers[OF_NGINX], line);
	else
		keep_own(story, line);
	if (line->kind == LOG_LINE_OWN || line->is_like_own)
		add_answer(story, &story->answers[OF_CALLSPOOL], line);
	story->like_own += line->is_like_own;
}

static void note_span(struct log_story *story, int64_t at_s)
{
	if (at_s <= 0)
		return;
	if (story->told.first_s == 0 || at_s < story->told.first_s)
		story->told.first_s = at_s;
	if (at_s > story->told.last_s)
		story->told.last_s = at_s;
}

/*
 * A traceback behind what says whose it is, and what the master says when its worker did not start, tell of the same once
 * more.
 */
static bool is_of_last(struct log_story *story, enum log_cause cause, const struct log_line *line)
{
	enum log_cause last = story->backend_cause;
	bool is_near = story->told.lines - story->backend_line <= TRACEBACK_LINES;

	if (line->kind != LOG_LINE_BACKEND)
		return false;
	if (is_near && cause == LOG_CAUSE_TRACEBACK)
		return last == LOG_CAUSE_BOOT_FAILED || last == LOG_CAUSE_EXCEPTION;
	if (is_near && cause == LOG_CAUSE_BOOT_FAILED && last == cause)
		return str_starts(line->message, STR("Worker failed"));
	story->backend_cause = cause;
	story->backend_line = story->told.lines;
	return false;
}

void log_story_add(struct log_story *story, struct str text)
{
	struct log_line line;
	enum log_cause cause;

	if (text.len == 0)
		return;
	story->is_sorted = false;
	log_line_read(text, story->room, &line);
	story->told.lines++;
	if (line.kind == LOG_LINE_OTHER)
		return;
	story->told.known++;
	story->told.errors += line.kind == LOG_LINE_ERROR;
	note_span(story, line.at_s);
	cause = log_cause_of(&line);
	if (cause != LOG_CAUSE_NONE && !is_of_last(story, cause, &line))
		count_cause(story, cause, &line);
	if (line.kind == LOG_LINE_ERROR && cause != LOG_CAUSE_NONE)
		keep_error(story, cause, &line);
	else if (line.kind == LOG_LINE_ACCESS || line.kind == LOG_LINE_OWN)
		add_access(story, &line);
	else if (line.kind == LOG_LINE_JOURNAL)
		add_journal(story, &line);
}

/* ---- telling ---- */

void log_story_note_strange(struct log_story *story, const char *path)
{
	if (story->strange[0] == '\0')
		str_fit(str_of(path), story->strange, sizeof(story->strange));
}

enum doctor_verdict log_story_verdict(struct log_story *story)
{
	if (log_story_worst(story) != LOG_CAUSE_NONE || log_story_failure(story, 0))
		return VERDICT_FINDINGS;
	return story->strange[0] || story->told.known == 0 ? VERDICT_UNCHECKED : VERDICT_GOOD;
}

static size_t whose_answers(const struct log_story *story)
{
	return story->answers[OF_NGINX].count > story->like_own ? OF_NGINX : OF_CALLSPOOL;
}

/* Callspool's own, and no log of nginx's that is written like it. */
static bool is_own(const struct log_story *story)
{
	return story->answers[OF_NGINX].count == 0 && story->answers[OF_CALLSPOOL].count > 0;
}

void log_story_tell(const struct log_story *story, struct log_told *out)
{
	const struct answers *answers = &story->answers[whose_answers(story)];

	*out = story->told;
	out->answered = answers->count;
	out->is_own = is_own(story);
	out->causes = story->causes;
	out->statuses = answers->statuses;
	out->strange = story->strange[0] ? story->strange : NULL;
}

/* What callspool itself has of a request that nginx's log gives no id for: probable. */
static void join_own(const struct log_story *story, struct log_failure *failure)
{
	const struct own_entry *own = find_own(story, failure);
	const char *words = own ? find_words(story, str_of(own->id)) : NULL;

	failure->own_status = own ? own->status : 0;
	if (!words || failure->words[0])
		return;
	str_fit(str_of(words), failure->words, sizeof(failure->words));
	memcpy(failure->id, own->id, sizeof(failure->id));
}

/* The other logs may have come behind the accesses: they are looked up when it is told. */
static size_t failures_kept(const struct answers *answers)
{
	return answers->failures_count < LOG_STORY_FAILURES ? (size_t)answers->failures_count
							    : LOG_STORY_FAILURES;
}

static int newer_first(const void *a, const void *b)
{
	const struct log_failure *one = *(const struct log_failure *const *)a;
	const struct log_failure *other = *(const struct log_failure *const *)b;

	if (one->at_s != other->at_s)
		return one->at_s < other->at_s ? 1 : -1;
	return one < other ? 1 : -1; /* of one second, as they were read */
}

static void sort_failures(struct log_story *story, struct answers *answers)
{
	size_t count = failures_kept(answers);

	for (size_t i = 0; i < count; i++)
		story->newest[i] = &answers->failures[i];
	qsort(story->newest, count, sizeof(story->newest[0]), newer_first);
	story->is_sorted = true;
}

const struct log_failure *log_story_failure(struct log_story *story, size_t number)
{
	size_t of = whose_answers(story);
	struct answers *answers = &story->answers[of];
	struct log_failure *failure;

	if (number >= failures_kept(answers))
		return NULL;
	if (!story->is_sorted)
		sort_failures(story, answers);
	failure = story->newest[number];
	failure->cause = find_error(story, failure);
	if (of == OF_NGINX)
		join_own(story, failure);
	else
		failure->is_of_callspool = is_own(story);
	return failure;
}

/* What breaks plays comes before all that only may; then how often counts. */
static uint64_t hurt_by(const struct log_story *story, enum log_cause cause)
{
	uint64_t weight = (uint64_t)log_causes[cause].weight;
	uint64_t count = story->causes[cause].count;

	if (count == 0)
		return 0;
	return count * weight + (weight >= WEIGHT_BREAKS ? (uint64_t)1 << 62 : 0);
}

enum log_cause log_story_worst(const struct log_story *story)
{
	enum log_cause worst = LOG_CAUSE_NONE;

	for (enum log_cause cause = LOG_CAUSE_NONE + 1; cause < LOG_CAUSES; cause++)
		if (hurt_by(story, cause) > hurt_by(story, worst))
			worst = cause;
	return worst;
}
