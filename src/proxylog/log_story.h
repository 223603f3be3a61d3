/*
 * What logs tell, line by line: causes counted over time, answers counted by status, and of the newest that failed which line
 * of nginx's error log and of callspool's journal belongs to it.
 *
 * Answers are those of nginx's access log, which callspool's own would count once more; where there is none, they are callspool's.
 *
 * Memory is of fixed size, however long the logs are; they may come in any order, and mixed.  A request is joined with the
 * journal by its id; with the error log, which has none, by time and request line: that is probable, and said so.
 */
#pragma once

#include "base/compiler.h"
#include "base/own.h"
#include "doctor/examination.h"
#include "proxylog/log_causes.h"
#include "proxylog/log_timeline.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_STORY_FAILURES 1024 /* the newest */
#define LOG_STORY_STATUSES 600
#define LOG_STORY_REQUEST  160
#define LOG_STORY_WORDS    240

struct log_story;

struct log_story *log_story_new(void);
void log_story_free(struct log_story *story);
DEFINE_AUTO(struct log_story *, log_story_free)

void log_story_add(struct log_story *story, struct str line);
/* Of that file not one line was understood, or it is empty. */
void log_story_note_strange(struct log_story *story, const char *path);

struct log_count {
	uint64_t count;
	int64_t first_s, last_s; /* 0: no line says when */
	int64_t took_most_ms;    /* of accesses; -1: none says */
	struct log_timeline timeline;
	char example[LOG_STORY_WORDS]; /* the last line of it */
};

/* A request that was answered with an error. */
struct log_failure {
	int64_t at_s, took_ms;
	int status;
	char request[LOG_STORY_REQUEST], id[40];
	enum log_cause cause;        /* NONE: not known */
	char words[LOG_STORY_WORDS]; /* callspool's own; "" */
	bool is_of_callspool; /* it answered itself, and nginx passed that on, if there is one */
	int own_status;       /* what callspool answered, by time and request line; 0: not known */
	bool words_by_id;     /* else by time and request line, and probable */
};

/* For who tells it; all of the story's. */
struct log_told {
	uint64_t lines, known; /* that were read, and that were understood */
	uint64_t errors;       /* of nginx's error log */
	const char *
		strange; /* the first file of which not one line was understood; NULL: there is none */
	int64_t first_s, last_s;
	const struct log_count *causes;   /* by enum log_cause */
	const struct log_count *statuses; /* by status; LOG_STORY_STATUSES */
	uint64_t answered;                /* accesses in all */
	bool is_own; /* by callspool's own access log: there was none of nginx's */
};
void log_story_tell(const struct log_story *story, struct log_told *out);
/* The newest first; NULL: there are no more. */
const struct log_failure *log_story_failure(struct log_story *story, size_t number);
/* What hurts most: of what breaks plays, or else of what only may, by weight and number; NONE: there is none. */
enum log_cause log_story_worst(const struct log_story *story);
/* UNCHECKED: nothing was found, but some of it was of no kind that is known. */
enum doctor_verdict log_story_verdict(struct log_story *story);
