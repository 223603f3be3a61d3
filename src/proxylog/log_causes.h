/*
 * What a line of a log means: a table of causes, each with what the player saw of it, why, and what cures it.  Pure.
 */
#pragma once

#include "proxylog/log_line.h"

enum log_cause {
	LOG_CAUSE_NONE,
	/* nginx's error log */
	LOG_CAUSE_REFUSED,
	LOG_CAUSE_NO_ROUTE,
	LOG_CAUSE_NO_SOCKET,
	LOG_CAUSE_NO_RIGHT,
	LOG_CAUSE_QUEUE_FULL,
	LOG_CAUSE_NO_PORT,
	LOG_CAUSE_NO_LIVE,
	LOG_CAUSE_CONNECT_LATE,
	LOG_CAUSE_HEAD_LATE,
	LOG_CAUSE_BODY_LATE,
	LOG_CAUSE_CLOSED_HEAD,
	LOG_CAUSE_CLOSED_BODY,
	LOG_CAUSE_RESET,
	LOG_CAUSE_SEND_BROKEN,
	LOG_CAUSE_BIG_HEADER,
	LOG_CAUSE_INVALID_HEADER,
	LOG_CAUSE_NO_NAME,
	LOG_CAUSE_TLS,
	LOG_CAUSE_TOO_LARGE,
	LOG_CAUSE_LIMITED,
	LOG_CAUSE_NO_CONNECTIONS,
	LOG_CAUSE_NO_FILES,
	LOG_CAUSE_DISK_FULL,
	LOG_CAUSE_FILE_SERVED,
	LOG_CAUSE_BUFFERED,
	LOG_CAUSE_REDIRECT_CYCLE,
	/* accesses */
	LOG_CAUSE_RANGE_IGNORED,
	LOG_CAUSE_CLIENT_LEFT,
	/* the back end that callspool replaces */
	LOG_CAUSE_WORKER_KILLED,
	LOG_CAUSE_FETCH_ON_PLAY,
	LOG_CAUSE_NO_URL,
	LOG_CAUSE_CREDENTIALS,
	LOG_CAUSE_FORBIDDEN,
	LOG_CAUSE_TWILIO_DOWN,
	LOG_CAUSE_BOOT_FAILED,
	LOG_CAUSE_EXCEPTION, /* in a request */
	LOG_CAUSE_TRACEBACK, /* of whatever */
	LOG_CAUSES,
};

struct log_cause_words {
	const char *name;    /* for --json: "refused" */
	int weight;          /* how much it hurts; from 5 on it breaks plays */
	const char *says;    /* a sentence without its full stop */
	const char *seen;    /* what the player saw: "502" */
	const char *meaning; /* why */
	const char *remedy;
};
extern const struct log_cause_words log_causes[LOG_CAUSES];

enum log_cause log_cause_of(const struct log_line *line);
/*
 * A play of callspool doctor's: what it is answered is what the doctor wanted to see (200 where If-Range is another's, 404, 416,
 * a play that is given up), and no fault.
 */
bool log_line_is_of_doctor(const struct log_line *line);
/* What a status means to a player, and whence it comes where no cause is known; NULL: it is none of a fault. */
const char *log_status_meaning(int status);
