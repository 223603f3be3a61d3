/*
 * Checks of one directive each: what may be in force on a way, and what is to be written instead.
 */
#include "proxycheck/proxy_checks_private.h"

#include "base/compiler.h"
#include "doctor/report.h"
#include "nginx/nginx_force.h"
#include "proxycheck/proxy_words.h"

#include <stdio.h>
#include <string.h>

static bool is_on(struct str value)
{
	return str_eq_nocase(value, STR("on"));
}

static bool is_off(struct str value)
{
	return str_eq_nocase(value, STR("off"));
}

static bool is_not_off(struct str value)
{
	return !is_off(value);
}

static bool is_old_version(struct str value)
{
	return str_eq(value, STR("1.0"));
}

static bool is_new_version(struct str value)
{
	return str_eq(value, STR("2"));
}

static bool is_sliced(struct str value)
{
	uint64_t bytes;

	return !nginx_size(value, &bytes) || bytes > 0;
}

/* 0: no limit.  A value that only nginx knows is not judged. */
static bool is_below(struct str value, uint64_t least)
{
	uint64_t bytes;

	return nginx_size(value, &bytes) && bytes > 0 && bytes < least;
}

static bool is_slow(struct str value)
{
	return is_below(value, 64 * 1024);
}

static bool is_small_body(struct str value)
{
	return is_below(value, 64 * 1024);
}

static bool is_small_buffer(struct str value)
{
	return is_below(value, 4 * 1024);
}

static bool is_impatient(struct str value)
{
	int64_t ms;

	return nginx_time_ms(value, &ms) && ms < 10000;
}

static const struct value_check {
	const char *check, *directive;
	enum severity severity;
	bool (*is_bad)(struct str value);
	const char *says, *expected, *write; /* says: what stands behind "nginx" */
	const char *means;                   /* NULL: what the check says that it means */
} rows[] = {
	{ "http-version", "proxy_http_version", SEVERITY_WEAKENS, is_old_version,
	  "speaks HTTP/1.0 to callspool", "HTTP/1.1", "proxy_http_version 1.1;", NULL },
	{ "http-version", "proxy_http_version", SEVERITY_BREAKS, is_new_version,
	  "speaks HTTP/2 to callspool", "HTTP/1.1", "proxy_http_version 1.1;",
	  "callspool speaks HTTP/1.1 alone: every play and every webhook ends in 502." },
	{ "buffering", "proxy_buffering", SEVERITY_WEAKENS, is_on,
	  "holds recordings back in its buffers and writes them to its disk",
	  "each piece is passed on as it arrives", "proxy_buffering off;", NULL },
	{ "cache", "proxy_cache", SEVERITY_BREAKS, is_not_off,
	  "keeps recordings in a cache of its own, and asks for them without Range",
	  "no cache for recordings", "proxy_cache off;", NULL },
	{ "proxy-store", "proxy_store", SEVERITY_BREAKS, is_not_off,
	  "writes each answer to its own disk, and may take a part of a recording for all of it",
	  "nothing is stored", "proxy_store off;", NULL },
	{ "slice", "slice", SEVERITY_BREAKS, is_sliced,
	  "asks for slices of its own in place of what the player asked for", "no slices",
	  "slice 0;", NULL },
	{ "force-ranges", "proxy_force_ranges", SEVERITY_BREAKS, is_on,
	  "cuts ranges out of answers itself, of errors and of recordings that still arrive, too",
	  "callspool answers ranges", "proxy_force_ranges off;", NULL },
	{ "play-rate", "limit_rate", SEVERITY_WEAKENS, is_slow, "slows each play down",
	  "at least 64k a second, four times a WAV of a telephone", "limit_rate 0;", NULL },
	{ "back-end-rate", "proxy_limit_rate", SEVERITY_WEAKENS, is_slow,
	  "reads recordings slowly from callspool",
	  "at least 64k a second, four times a WAV of a telephone", "proxy_limit_rate 0;", NULL },
	{ "player-limit", "send_timeout", SEVERITY_WEAKENS, is_impatient,
	  "gives up on players that take nothing for a few seconds", "at least 10s",
	  "send_timeout 60s;", NULL },
	{ "body-limit", "client_max_body_size", SEVERITY_BREAKS, is_small_body,
	  "refuses webhooks as too large", "at least 64k, as callspool takes",
	  "client_max_body_size 2m;", NULL },
	{ "head-buffer", "proxy_buffer_size", SEVERITY_WEAKENS, is_small_buffer,
	  "has little room for the head of an answer", "at least 4k", "proxy_buffer_size 32k;",
	  NULL },
	{ "request-headers", "proxy_pass_request_headers", SEVERITY_BREAKS, is_off,
	  "passes none of the player's headers on", "all that are not set here",
	  "proxy_pass_request_headers on;", NULL },
	{ "client-abort", "proxy_ignore_client_abort", SEVERITY_WEAKENS, is_on,
	  "goes on reading recordings for players that have left", "it ends with the player",
	  "proxy_ignore_client_abort off;", NULL },
};

/* Those of a check stand together, are of one directive, and differ in what is bad. */
static const struct value_check *row_of(const char *check)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].check, check) == 0)
			return &rows[i];
	return NULL;
}

/* The first of them that the value is bad for; NULL: it is good. */
static const struct value_check *bad_row(const char *check, struct str value)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].check, check) == 0 && rows[i].is_bad(value))
			return &rows[i];
	return NULL;
}

void proxy_value_cures(const struct nginx_visit *visit, const char *indent, struct buf *out)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].is_bad(nginx_visit_word(visit, str_of(rows[i].directive))))
			buf_addf(out, "%s%s\n", indent, rows[i].write);
}

/* Without slices $slice_range is nothing, and a Range that is set to it is taken away. */
static const char *cure_of(const struct value_check *row, const struct proxy_way *way)
{
	return strcmp(row->check, "slice") == 0 && proxy_asks_for_slices(way)
		       ? "slice 0;\nproxy_set_header Range $http_range;"
		       : row->write;
}

/* It knows by the report which of the rows they are. */
static void judge_value(const struct deployment *deployment, const struct proxy_way *way,
			struct report *report)
{
	struct str directive = str_of(row_of(report->check->name)->directive);
	const struct value_check *bad =
		bad_row(report->check->name, nginx_visit_word(&way->visit, directive));
	char looked[PROXY_WORDS_MAX], says[200];
	bool is_by_itself;

	if (!bad)
		return;
	proxy_words_in_force(way, bad->directive, looked);
	/* What stands in the configuration means the same to all versions. */
	is_by_itself = !nginx_in_force(way->visit.block, directive);
	snprintf(says, sizeof(says), "%s %s",
		 proxy_words_nginx(way, is_by_itself && proxy_has_changed(bad->directive)),
		 bad->says);
	proxy_finding(report, &(struct finding){ .severity = bad->severity,
						 .says = says,
						 .looked_at = looked,
						 .expected = bad->expected,
						 .consequence = bad->means,
						 .write = cure_of(bad, way) });
}

static void tell_value(const struct proxy_way *way, struct report *report)
{
	char looked[PROXY_WORDS_MAX];

	proxy_words_in_force(way, row_of(report->check->name)->directive, looked);
	report_good(report, "%s", looked);
}

void proxy_check_value(struct deployment *deployment, struct report *report)
{
	const struct proxy_way *play = proxy_judge_plays(deployment, report, judge_value);

	if (play)
		tell_value(play, report);
}

void proxy_check_body_limit(struct deployment *deployment, struct report *report)
{
	const struct proxy_way *way = proxy_way_for(deployment, WAY_WEBHOOK, report);
	size_t before = report->count;

	if (!way)
		return;
	judge_value(deployment, way, report);
	if (report->count == before)
		tell_value(way, report);
}
