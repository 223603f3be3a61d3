#include "checkup/limit_checks.h"

#include "base/compiler.h"
#include "doctor/deployment.h"
#include "doctor/duration_words.h"
#include "doctor/report.h"

#include <stdio.h>
#include <string.h>

#define TEXT_MAX       512
#define MARGIN_MS      2000             /* an answer at play_wait still has to arrive */
#define HIDES_MS       (10 * 60 * 1000) /* nobody listens for a back end that is stuck for longer */
#define CONNECT_MIN_MS 1000             /* the system tries a lost packet again after one second */
#define DEFAULT_MS     60000 /* of nginx and HAProxy's documentation, to wait for a head */
#define WEBHOOK_MS     15000 /* Twilio waits so long for the answer to a callback */

static void add_proxy(struct report *report, const char *what, const struct proxy_limit *limit)
{
	report_limit(report, "proxy", what, limit->ms, limit->source ? limit->source : "not known");
}

static void check_chain(struct deployment *deployment, struct report *report)
{
	const struct server_facts *server = &deployment->server;
	const struct proxy_limits *proxy = &deployment->proxy;
	char room[DURATION_WORDS_SIZE];

	report_limit(report, "Twilio", "waits for the answer to a webhook", WEBHOOK_MS, "Twilio");
	add_proxy(report, "waits for a connection to callspool", &proxy->connect);
	add_proxy(report, "waits while callspool takes nothing", &proxy->send);
	add_proxy(report, "waits while callspool sends nothing", &proxy->read);
	add_proxy(report, "keeps an idle connection to callspool", &proxy->keepalive);
	report_limit(report, "callspool", "keeps an idle connection", server->keepalive_ms,
		     "keepalive_timeout");
	report_limit(report, "callspool", "begins every answer within", server->play_wait_ms,
		     "play_wait");
	report_limit(report, "callspool", "waits for a player that reads nothing", server->send_ms,
		     "send_timeout");
	report_good(report, "every answer begins within %s, and goes on as long as bytes come",
		    duration_words(server->play_wait_ms, room));
}

/*
 * Whoever asks for all is not to hear that all is well where it may not be: a limit that nobody knows is one that was not
 * checked, unless there is nobody who could have one.
 */
static void tell_unknown(const struct deployment *deployment, const char *option,
			 struct report *report)
{
	const struct place *direct = &deployment->places[PLACE_DIRECT];
	const struct place *place = &deployment->places[PLACE_PUBLIC];

	if (!place->url || place->silent)
		report_lacking(report, "nothing answers at the public address: see %s",
			       place->silent ? place->silent : "public-url");
	else if (direct->url && strcmp(direct->url, place->url) == 0)
		report_left_out(report, "no proxy: callspool itself listens at its public address");
	else if (deployment->nginx_conf)
		report_unchecked(report, "the proxy's limit cannot be told from %s: give %s TIME",
				 deployment->nginx_conf, option);
	else
		report_unchecked(
			report,
			"the proxy's limit is not known: give --nginx-conf FILE, or %s TIME",
			option);
}

/* "--proxy-read-timeout: 20 s; callspool's play_wait: 25 s" */
static const char *compare(const struct proxy_limit *limit, const char *own, int64_t own_ms,
			   char text[TEXT_MAX])
{
	char theirs[DURATION_WORDS_SIZE], ours[DURATION_WORDS_SIZE];

	snprintf(text, TEXT_MAX, "%s: %s; callspool's %s: %s", limit->source,
		 duration_words(limit->ms, theirs), own, duration_words(own_ms, ours));
	return text;
}

static void check_read(struct deployment *deployment, struct report *report)
{
	const struct proxy_limit *limit = &deployment->proxy.read;
	int64_t least_ms = deployment->server.play_wait_ms + MARGIN_MS;
	char looked[TEXT_MAX], expected[TEXT_MAX], write[TEXT_MAX], room[DURATION_WORDS_SIZE];

	if (limit->ms == LIMIT_UNKNOWN) {
		tell_unknown(deployment, "--proxy-read-timeout", report);
		return;
	}
	if (limit->ms >= least_ms) {
		report_good(report, "%s",
			    compare(limit, "play_wait", deployment->server.play_wait_ms, looked));
		return;
	}
	snprintf(expected, sizeof(expected), "more than play_wait: at least %s",
		 duration_words(least_ms, room));
	snprintf(write, sizeof(write), "proxy_read_timeout %llds;",
		 (long long)((least_ms + 33000) / 1000));
	report_finding(report,
		       &(struct finding){
			       .says = "the proxy gives up before callspool has answered",
			       .looked_at = compare(limit, "play_wait",
						    deployment->server.play_wait_ms, looked),
			       .expected = expected,
			       .write = write,
		       });
}

static void check_hides(struct deployment *deployment, struct report *report)
{
	const struct proxy_limit *limit = &deployment->proxy.read;
	char looked[TEXT_MAX];

	if (limit->ms == LIMIT_UNKNOWN) {
		tell_unknown(deployment, "--proxy-read-timeout", report);
		return;
	}
	if (limit->ms <= HIDES_MS) {
		report_good(report, "a back end that is stuck is told after %s",
			    duration_words(limit->ms, looked));
		return;
	}
	report_finding(
		report,
		&(struct finding){
			.severity = SEVERITY_WEAKENS,
			.says = "the proxy waits so long that a stuck back end is never told",
			.looked_at = compare(limit, "play_wait", deployment->server.play_wait_ms,
					     looked),
			.expected = "at most 10 minutes without a byte",
			.write = "proxy_read_timeout 60s;",
		});
}

static void check_connect(struct deployment *deployment, struct report *report)
{
	const struct proxy_limit *limit = &deployment->proxy.connect;
	char looked[TEXT_MAX], room[DURATION_WORDS_SIZE];

	if (limit->ms == LIMIT_UNKNOWN) {
		tell_unknown(deployment, "--proxy-connect-timeout", report);
		return;
	}
	if (limit->ms >= CONNECT_MIN_MS) {
		report_good(report, "the proxy tries for %s", duration_words(limit->ms, looked));
		return;
	}
	snprintf(looked, sizeof(looked), "%s: %s", limit->source, duration_words(limit->ms, room));
	report_finding(report,
		       &(struct finding){
			       .severity = SEVERITY_WEAKENS,
			       .says = "the proxy gives up connecting before a lost packet is "
				       "sent again",
			       .looked_at = looked,
			       .expected = "at least 1 s, in which the system tries again",
			       .write = "proxy_connect_timeout 5s;",
		       });
}

static void check_keepalive(struct deployment *deployment, struct report *report)
{
	const struct proxy_limit *limit = &deployment->proxy.keepalive;
	int64_t own_ms = deployment->server.keepalive_ms;
	char looked[TEXT_MAX];

	if (limit->ms == LIMIT_UNKNOWN) {
		tell_unknown(deployment, "--proxy-keepalive", report);
		return;
	}
	if (limit->ms == 0) {
		report_good(report, "the proxy keeps no idle connection (%s)", limit->source);
		return;
	}
	if (limit->ms < own_ms) {
		report_good(report, "the proxy closes an idle connection first, after %s",
			    duration_words(limit->ms, looked));
		return;
	}
	report_finding(
		report,
		&(struct finding){
			.severity = SEVERITY_WEAKENS,
			.says = "the proxy keeps idle connections longer than callspool does",
			.looked_at = compare(limit, "keepalive_timeout", own_ms, looked),
			.expected = "less than callspool's keepalive_timeout",
			.write = "keepalive_timeout 60s;    # in the upstream block",
		});
}

static void check_play_wait(struct deployment *deployment, struct report *report)
{
	int64_t own_ms = deployment->server.play_wait_ms;
	char looked[TEXT_MAX], room[DURATION_WORDS_SIZE];

	if (own_ms + MARGIN_MS <= DEFAULT_MS) {
		report_good(report, "%s, below the 60 s of every proxy's defaults",
			    duration_words(own_ms, looked));
		return;
	}
	snprintf(looked, sizeof(looked), "play_wait: %s", duration_words(own_ms, room));
	report_finding(report, &(struct finding){
				       .severity = SEVERITY_WEAKENS,
				       .says = "callspool lets a play wait longer than proxies and "
					       "players do",
				       .looked_at = looked,
				       .expected = "less than 60 s",
				       .write = "play_wait = 25s",
			       });
}

static const struct check checks[] = {
	{ .name = "chain",
	  .asks = "who waits how long for whom?",
	  .meaning = "A limit that is over too early ends a play.",
	  .remedy = "Each waits longer than the one behind it takes.",
	  .rank = RANK_LIMITS,
	  .run = check_chain },
	{ .name = "read-limit",
	  .asks = "does the proxy wait until callspool has answered?",
	  .meaning =
		  "A play of a recording that is not here yet ends in 504, though it would have been "
		  "answered.",
	  .remedy = "Let the proxy wait longer than play_wait.",
	  .rank = RANK_LIMITS,
	  .run = check_read },
	{ .name = "stuck-limit",
	  .asks = "does the proxy tell when a back end is stuck?",
	  .meaning = "A player hears nothing for minutes, and no log says why.",
	  .remedy = "Let the proxy wait for minutes at most: callspool answers within play_wait.",
	  .rank = RANK_LIMITS + 1,
	  .run = check_hides },
	{ .name = "connect-limit",
	  .asks = "does the proxy try long enough to connect?",
	  .meaning = "On a busy day a play ends in 504 at once.",
	  .remedy = "Let the proxy try for some seconds.",
	  .rank = RANK_LIMITS + 1,
	  .run = check_connect },
	{ .name = "keepalive-limit",
	  .asks = "does the proxy close idle connections before callspool does?",
	  .meaning =
		  "Now and then a play ends in 502: the proxy asks on a connection that callspool is "
		  "just closing.",
	  .remedy = "Let the proxy keep them for less than keepalive_timeout.",
	  .rank = RANK_LIMITS + 1,
	  .run = check_keepalive },
	{ .name = "play-wait",
	  .asks = "is play_wait below what proxies and players wait?",
	  .meaning =
		  "A play of a recording that is not here yet ends in 504 before it is answered.",
	  .remedy = "Set play_wait below 60 s.",
	  .rank = RANK_LIMITS + 1,
	  .run = check_play_wait },
};

const struct check_group limit_checks = {
	.name = "limits",
	.title = "Time limits",
	.checks = checks,
	.count = ARRAY_LEN(checks),
};
