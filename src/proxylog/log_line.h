/*
 * One line of a log, whoever wrote it: nginx (errors; accesses as combined, as callspool's packaged format, as JSON),
 * callspool (its journal and its access log), or the back end that it replaces.  What `docker compose logs` (-t, too), journalctl,
 * syslog and Docker's JSON files put before or around a line is taken off.  Pure.
 */
#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum log_line_kind {
	LOG_LINE_OTHER,   /* none of these */
	LOG_LINE_ERROR,   /* of nginx's error log */
	LOG_LINE_ACCESS,  /* a request that was answered */
	LOG_LINE_OWN,     /* the same, of callspool's access log, or of one written like it */
	LOG_LINE_JOURNAL, /* of callspool's own log */
	LOG_LINE_BACKEND, /* of the back end that callspool replaces, or its server */
};

#define LOG_LINE_ROOM 8192

/* Texts are slices of the line, or of `room` where they had to be unescaped; at == NULL: it does not say. */
struct log_line {
	enum log_line_kind kind;
	int64_t at_s;       /* 0: it does not say */
	struct str message; /* ERROR, JOURNAL, BACKEND */
	struct str request; /* "GET /api/calls/CA.../download HTTP/1.1" */
	struct str request_id;
	struct str range;            /* ACCESS: the request's header, where the format has it */
	int status, upstream_status; /* ACCESS, OWN; 0: it does not say */
	int64_t took_ms;             /* ACCESS, OWN; -1: it does not say */
	bool is_like_own;            /* ACCESS: as callspool writes it, but 502 or 504 */
};

void log_line_read(struct str line, char room[LOG_LINE_ROOM], struct log_line *out);
