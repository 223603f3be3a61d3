/*
 * A check of the doctor: one question about a deployment, and what its answer means to those who listen.
 *
 * Checks stand in tables, one table a group (`const struct check_group`), and the groups in checkup/groups.c; lists, runs by
 * name, the two outputs and docs/doctor.md know no check otherwise.  Adding one: a row in its group's table, a deployment in
 * tests/server/doctor*.test.js in which it alone fails, and its twin that looks alike and is well.
 *
 *	static void check_http_version(struct deployment *deployment, struct report *report)
 *	{
 *		if (!deployment->nginx_conf) {
 *			report_left_out(report, "no nginx configuration was given: --nginx-conf FILE");
 *			return;
 *		}
 *		...
 *		report_finding(report, &(struct finding){
 *			.says = "nginx speaks HTTP/1.0 to callspool",
 *			.looked_at = "/etc/nginx/conf.d/calls.conf:12, location /api/",
 *			.expected = "proxy_http_version 1.1",
 *			.write = "proxy_http_version 1.1;",
 *			.confirm = "nginx -t && nginx -s reload && callspool doctor proxy",
 *		});
 *	}
 *
 * A check calls report_finding() as often as it finds something, else one of report_good(), report_unchecked() and
 * report_left_out() once.  Texts are copied.  Checks run one after the other on one thread, and may block for seconds.
 */
#pragma once

#include "base/compiler.h"

#include <stddef.h>

struct deployment;
struct report;

enum severity {
	SEVERITY_BREAKS,  /* calls do not play, or are lost: for somebody, or for all */
	SEVERITY_WEAKENS, /* they play, and will not under load, after a restart, on a bad day */
};

struct finding {
	enum severity severity;
	const char *says; /* what is wrong, a sentence without its full stop: the verdict's line */
	const char *looked_at; /* file:line, or a request and what came back */
	const char *expected;  /* instead of that */
	const char *
		consequence; /* what happens to a player because of it; NULL: the check's `meaning` */
	const char *
		write; /* the line or lines to write instead, or the command; NULL: the check's `remedy` says it */
	const char *
		confirm; /* a command that shows that it is cured; NULL: this check, run by its name with the options of this run */
};

/* What lies nearer to the cause is told first: of two findings that break as much, that of the lower rank. */
enum rank {
	RANK_SERVER = 10, /* callspool itself, its disk, its ledger */
	RANK_PROXY = 20,  /* what a configuration says */
	RANK_LIMITS = 30,
	RANK_PUBLIC = 40,   /* what comes back through the public address */
	RANK_PLAYBACK = 50, /* what a player hears */
	RANK_STRATEGY = 60,
};

struct check {
	const char *name;    /* unique over all groups; small letters, digits and '-' */
	const char *asks;    /* half a line for lists: "does callspool answer?" */
	const char *meaning; /* what it means to a player where it fails: a sentence */
	const char *remedy;  /* a sentence */
	enum rank rank;
	void (*run)(struct deployment *deployment, struct report *report);
};

struct check_group {
	const char *name;  /* "services" */
	const char *title; /* "Services" */
	const struct check *checks;
	size_t count;
	/* Before the first check of any group, and behind the last; NULL: there is nothing to do. */
	void (*prepare)(struct deployment *deployment);
	void (*clear)(struct deployment *deployment);
};

/* All of them: defined above all groups, in checkup/groups.c. */
extern const struct check_group *const doctor_groups[];
extern const size_t doctor_groups_count;
