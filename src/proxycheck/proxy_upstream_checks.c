/*
 * The way from nginx to callspool.
 */
#include "proxycheck/proxy_checks_private.h"

#include "doctor/deployment.h"
#include "doctor/report.h"
#include "nginx/nginx_force.h"
#include "proxycheck/proxy_words.h"

#include <stdio.h>

static void judge_tls(const struct deployment *deployment, const struct proxy_way *way,
		      struct report *report)
{
	char write[400];

	if (!way->proxied.to.is_tls)
		return;
	snprintf(write, sizeof(write), "proxy_pass http://%.*s;",
		 STR_ARG(str_first(way->proxied.to.host, 300)));
	proxy_finding_of(
		report, way->visit.by,
		&(struct finding){ .says = "nginx speaks TLS to callspool, which speaks plain HTTP",
				   .expected = "http:// in proxy_pass",
				   .write = write });
}

void proxy_check_tls(struct deployment *deployment, struct report *report)
{
	if (proxy_judge_plays(deployment, report, judge_tls))
		report_good(report, "nginx speaks plain HTTP to callspool");
}

static bool is_this_machine(struct str host)
{
	struct str name = nginx_without_port(host);

	return str_starts(name, STR("127.")) || str_eq(name, STR("[::1]")) ||
	       str_eq_nocase(name, STR("localhost"));
}

/* Does it lead to this machine's port `own`?  What leads to others is not judged. */
static bool leads_to(struct str host, bool is_tls, uint16_t own)
{
	struct nginx_target target = { .is_tls = is_tls, .host = host };

	return !is_this_machine(host) || nginx_target_port(&target) == own;
}

/* The first server of an upstream that leads elsewhere on this machine. */
static const struct nginx_directive *other_server(const struct nginx_directive *upstream,
						  uint16_t own)
{
	const struct nginx_directive *server = nginx_find(upstream, NULL, STR("server"));

	while (server && leads_to(nginx_word(server, 1), false, own))
		server = nginx_find(upstream, server, STR("server"));
	return server;
}

static bool own_port(const struct deployment *deployment, uint16_t *out)
{
	struct nginx_target own;

	if (!deployment->places[PLACE_DIRECT].url ||
	    !nginx_target_read(NULL, str_of(deployment->places[PLACE_DIRECT].url), &own) ||
	    !is_this_machine(own.host))
		return false;
	*out = nginx_target_port(&own);
	return true;
}

bool proxy_knows_port(const struct deployment *deployment)
{
	uint16_t own;

	return own_port(deployment, &own);
}

bool proxy_leads_to_callspool(const struct deployment *deployment, const struct nginx_target *to)
{
	uint16_t own;

	if (to->is_tls || !own_port(deployment, &own))
		return false;
	return to->upstream ? !other_server(to->upstream, own) : leads_to(to->host, false, own);
}

void proxy_check_port(struct deployment *deployment, struct report *report)
{
	const struct proxy_way *way = proxy_way_for(deployment, WAY_PLAY, report);
	const struct nginx_directive *by;
	char expected[100], write[100];
	uint16_t own;

	if (!way)
		return;
	if (!own_port(deployment, &own)) {
		report_left_out(
			report,
			"no server runs here, or none that listens on a port of this machine");
		return;
	}
	by = way->visit.by;
	if (way->proxied.to.upstream)
		by = other_server(way->proxied.to.upstream, own);
	else if (leads_to(way->proxied.to.host, way->proxied.to.is_tls, own))
		by = NULL;
	if (!by) {
		report_good(report, "nginx asks where callspool listens");
		return;
	}
	snprintf(expected, sizeof(expected), "127.0.0.1:%u, where callspool listens", own);
	snprintf(write, sizeof(write),
		 way->proxied.to.upstream ? "server 127.0.0.1:%u;"
					  : "proxy_pass http://127.0.0.1:%u;",
		 own);
	proxy_finding_of(
		report, by,
		&(struct finding){
			.says = "nginx asks for callspool on a port where it does not listen",
			.expected = expected,
			.write = write });
}

static bool has_word(const struct nginx_directive *directive, struct str word)
{
	for (size_t i = 2; i < directive->word_count; i++)
		if (str_eq(directive->words[i], word))
			return true;
	return false;
}

/* The first server of an upstream that is a name and resolved once. */
static const struct nginx_directive *fixed_name(const struct nginx_directive *upstream)
{
	const struct nginx_directive *server = nginx_find(upstream, NULL, STR("server"));

	while (server &&
	       (!nginx_is_name(nginx_word(server, 1)) || has_word(server, STR("resolve"))))
		server = nginx_find(upstream, server, STR("server"));
	return server;
}

#define NAME_CURE                                            \
	"resolver 127.0.0.11 valid=10s;    # Docker's own\n" \
	"set $callspool_name http://%.*s;\n"                 \
	"proxy_pass $callspool_name;"

void proxy_check_name(struct deployment *deployment, struct report *report)
{
	const struct proxy_way *way = proxy_way_for(deployment, WAY_PLAY, report);
	const struct nginx_directive *by;
	char write[500];
	struct str name;

	if (!way)
		return;
	by = way->visit.by;
	name = way->proxied.to.host;
	if (way->proxied.to.upstream) {
		by = fixed_name(way->proxied.to.upstream);
		name = by ? nginx_word(by, 1) : STR_NONE;
	} else if (nginx_has_variables(nginx_word(by, 1)) || !nginx_is_name(name)) {
		by = NULL;
	}
	if (!by) {
		report_good(report, "nginx asks for callspool's address anew, or it is fixed");
		return;
	}
	snprintf(write, sizeof(write), NAME_CURE, STR_ARG(str_first(name, 200)));
	proxy_finding_of(
		report, by,
		&(struct finding){
			.severity = SEVERITY_WEAKENS,
			.says = "nginx asks for the address of callspool's name once, when it starts",
			.expected = "an address, or a name that is resolved while nginx runs",
			.write = write });
}

void proxy_check_resolver(struct deployment *deployment, struct report *report)
{
	const struct proxy_way *way = proxy_way_for(deployment, WAY_PLAY, report);
	const struct nginx_target *to;

	if (!way)
		return;
	to = &way->proxied.to;
	if (!nginx_has_variables(nginx_word(way->visit.by, 1)) || to->upstream ||
	    !nginx_is_name(to->host) || nginx_in_force(way->visit.block, STR("resolver"))) {
		report_good(report, "no name is to be resolved without a resolver");
		return;
	}
	proxy_finding_of(
		report, way->visit.by,
		&(struct finding){
			.says = "nginx has a name to resolve while it runs, and no resolver",
			.expected = "a resolver",
			.write = "resolver 127.0.0.11 valid=10s;    # Docker's own" });
}

void proxy_check_pool(struct deployment *deployment, struct report *report)
{
	const struct proxy_way *way = proxy_way_for(deployment, WAY_PLAY, report);
	const struct nginx_directive *upstream;
	char says[100];

	if (!way)
		return;
	upstream = way->proxied.to.upstream;
	if (!upstream || nginx_keeps_by_itself(&way->visit) ||
	    nginx_find(upstream, NULL, STR("keepalive"))) {
		report_good(report, upstream ? "connections to callspool are kept"
					     : "there is no upstream block to keep connections in");
		return;
	}
	snprintf(says, sizeof(says), "%s keeps no connection to callspool",
		 proxy_words_nginx(way, true));
	proxy_finding_of(report, upstream,
			 &(struct finding){ .severity = SEVERITY_WEAKENS,
					    .says = says,
					    .expected = "keepalive in the upstream block",
					    .write = "keepalive 32; keepalive_timeout 60s;" });
}

static bool next_upstream_has(const struct proxy_way *way, struct str word)
{
	const struct nginx_directive *found =
		nginx_in_force(way->visit.block, STR("proxy_next_upstream"));

	for (size_t i = 1; found && i < found->word_count; i++)
		if (str_eq(found->words[i], word))
			return true;
	return false;
}

/* nginx itself tries again where a connection that was kept turns out to be closed: unless it is told not to. */
static void judge_retry(const struct deployment *deployment, const struct proxy_way *way,
			struct report *report)
{
	const struct nginx_directive *upstream;
	char looked[PROXY_WORDS_MAX];

	upstream = way->proxied.to.upstream;
	if (!upstream || !nginx_find(upstream, NULL, STR("keepalive")) ||
	    !next_upstream_has(way, STR("off")))
		return;
	proxy_words_in_force(way, "proxy_next_upstream", looked);
	proxy_finding(
		report,
		&(struct finding){
			.severity = SEVERITY_WEAKENS,
			.says = "nginx does not try again on a connection that callspool has just closed",
			.looked_at = looked,
			.expected = "error and timeout, as nginx has it by itself",
			.write = "proxy_next_upstream error timeout;" });
}

void proxy_check_retry(struct deployment *deployment, struct report *report)
{
	if (proxy_judge_plays(deployment, report, judge_retry))
		report_good(report, "a play on a connection that was just closed is tried again");
}

void proxy_check_post_twice(struct deployment *deployment, struct report *report)
{
	const struct proxy_way *way = proxy_way_for(deployment, WAY_WEBHOOK, report);
	char looked[PROXY_WORDS_MAX];

	if (!way)
		return;
	if (!next_upstream_has(way, STR("non_idempotent"))) {
		report_good(report, "a webhook is sent on once");
		return;
	}
	proxy_words_in_force(way, "proxy_next_upstream", looked);
	proxy_finding(report, &(struct finding){ .severity = SEVERITY_WEAKENS,
						 .says = "nginx may send the same webhook on twice",
						 .looked_at = looked,
						 .expected = "POST is not tried again",
						 .write = "proxy_next_upstream error timeout;" });
}
