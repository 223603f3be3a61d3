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

void proxy_check_request_limit(struct deployment *deployment, struct report *report)
{
	const struct proxy_way *way = proxy_way_for(deployment, WAY_WEBHOOK, report);

	if (!way)
		return;
	if (!tell_request_limit(way, "limit_req", report) &&
	    !tell_request_limit(way, "limit_conn", report))
		report_good(report, "webhooks may come as many as they are");
}
