/*
 * How many requests nginx lets through at once.
 */
#include "proxycheck/proxy_checks_private.h"

#include "doctor/report.h"
#include "nginx/nginx_force.h"
#include "proxycheck/proxy_words.h"

#include <stdio.h>

static bool tell_request_limit(const struct proxy_way *way, const char *name, struct report *report)
{
	const struct nginx_directive *found = nginx_in_force(way->visit.block, str_of(name));
	char says[200];

	if (!found)
		return false;
	snprintf(says, sizeof(says), "%s is refused with 503 when many come at once", way->name);
	proxy_finding_of(
		report, found,
		&(struct finding){
			.severity = SEVERITY_WEAKENS,
			.says = says,
			.expected =
				"no limit_req where Twilio posts: after an outage it sends all that it held back" });
	return true;
}

/* ---- of plays */

#define AT_ONCE       4   /* requests that a player makes at once, or one right after the other */
#define FAST_A_SECOND 100 /* so quick a zone has forgotten each before the next comes */

/* What stands behind "zone=" or the like; "": no word begins so. */
static struct str behind(const struct nginx_directive *directive, struct str key)
{
	for (size_t i = 1; i < directive->word_count; i++)
		if (str_starts(directive->words[i], key))
			return str_after(directive->words[i], key.len);
	return STR("");
}

static bool is_fast(const struct proxy_way *way, struct str zone)
{
	const struct nginx_directive *of = NULL;
	uint64_t a_second;

	while ((of = nginx_find(way->visit.http, of, STR("limit_req_zone"))) != NULL) {
		struct str name = behind(of, STR("zone=")), rate = behind(of, STR("rate="));

		if (str_eq(str_first(name, str_find(name, ':')), zone))
			return str_ends(rate, STR("r/s")) &&
			       str_to_u64(str_first(rate, rate.len - 3), &a_second) &&
			       a_second >= FAST_A_SECOND;
	}
	return false;
}

static bool is_tight(const struct proxy_way *way, const struct nginx_directive *limit)
{
	bool is_of_rate = nginx_is(limit, STR("limit_req"));
	struct str room = is_of_rate ? behind(limit, STR("burst=")) : nginx_word(limit, 2);
	uint64_t n;

	/* A burst is what comes beyond the first. */
	if (str_to_u64(room, &n) && n >= (is_of_rate ? AT_ONCE - 1 : AT_ONCE))
		return false;
	return !is_of_rate || !is_fast(way, behind(limit, STR("zone=")));
}

static void tell_tight(const struct proxy_way *way, const struct nginx_directive *limit,
		       struct report *report)
{
	char says[200], write[300];

	snprintf(says, sizeof(says), "%s is refused with 503 when its player asks again at once",
		 way->name);
	if (nginx_is(limit, STR("limit_req")))
		snprintf(write, sizeof(write), "limit_req zone=%.*s burst=20 nodelay;",
			 STR_ARG(str_first(behind(limit, STR("zone=")), 200)));
	else
		snprintf(write, sizeof(write), "limit_conn %.*s 20;",
			 STR_ARG(str_first(nginx_word(limit, 1), 200)));
	proxy_finding_of(
		report, limit,
		&(struct finding){
			.severity = SEVERITY_WEAKENS,
			.says = says,
			.expected = "room for some requests at once, or no limit",
			.consequence =
				"A player asks for two bytes, and right after them for the rest, and again with each seek: what is refused ends the play.",
			.write = write });
}

static void judge_limits(const struct deployment *deployment, const struct proxy_way *way,
			 struct report *report)
{
	static const struct str names[] = { { "limit_req", 9 }, { "limit_conn", 10 } };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct nginx_directive *limit = nginx_in_force(way->visit.block, names[i]);
		const struct nginx_directive *block = limit ? nginx_block_of(limit) : NULL;

		while (limit && !is_tight(way, limit))
			limit = nginx_find(block, limit, names[i]);
		if (limit) {
			tell_tight(way, limit, report);
			return;
		}
	}
}

void proxy_check_request_limit(struct deployment *deployment, struct report *report)
{
	const struct proxy_way *way = proxy_way_for(deployment, WAY_WEBHOOK, report);

	if (!way || tell_request_limit(way, "limit_req", report) ||
	    tell_request_limit(way, "limit_conn", report))
		return;
	if (proxy_judge_plays(deployment, report, judge_limits))
		report_good(report, "webhooks may come as many as they are");
}
