/*
 * Who asks, by which name and by what, and who is signed in: what callspool believes of a proxy.
 */
#include "proxycheck/proxy_checks_private.h"

#include "doctor/deployment.h"
#include "doctor/report.h"
#include "nginx/nginx_force.h"
#include "proxycheck/proxy_words.h"

#include <stdio.h>
#include <string.h>

/* It is answered under an address whatever `auth` is. */
#define MEANS_OF_ADDRESS                                                                         \
	"Where public_url is not set, links that callspool makes lead to that address, and its " \
	"page is taken for another's: what it writes is answered 403."

static bool is_address(struct str host)
{
	return !nginx_is_name(host);
}

static void judge_host(const struct deployment *deployment, const struct proxy_way *way,
		       struct report *report)
{
	char expected[400];
	bool is_known;
	struct str value;

	value = proxy_header_sent(way, "Host", &is_known);
	if (!is_known) {
		proxy_unknown_sent(report, way, "Host");
		return;
	}
	if (str_eq_nocase(value, way->request.host))
		return;
	snprintf(expected, sizeof(expected),
		 "Host: %.*s, as the player sent it; callspool is told %.*s",
		 STR_ARG(way->request.host), STR_ARG(str_first(value, 80)));
	proxy_finding_sent(
		report, way, "Host",
		&(struct finding){ .severity = is_address(value) ? SEVERITY_WEAKENS
								 : SEVERITY_BREAKS,
				   .consequence = is_address(value) ? MEANS_OF_ADDRESS : NULL,
				   .says = "callspool is not told the name that was asked for",
				   .expected = expected,
				   .write = "proxy_set_header Host $http_host;" });
}

void proxy_check_host(struct deployment *deployment, struct report *report)
{
	const struct proxy_way *play = proxy_judge_plays(deployment, report, judge_host);

	if (play)
		report_good(report, "Host: %.*s", STR_ARG(play->request.host));
}

/* Is it set to a header of the request, which what stands before this nginx sends, or does not?  Then it is not judged. */
static bool is_told_before(const struct proxy_way *way, const char *name, const char *says,
			   struct report *report)
{
	const struct nginx_directive *set = proxy_header_set(way, NULL, str_of(name));
	struct str value = set ? nginx_word(set, 2) : STR("");
	char looked[PROXY_WORDS_MAX];

	if (str_find_str(value, STR("$http_")) == value.len)
		return false;
	proxy_words_of(set, looked);
	report_unchecked(report, "%s: what stands before this nginx %s", looked, says);
	return true;
}

static bool is_word_of_another(const struct proxy_way *way, const char *name, struct report *report)
{
	return proxy_way_is_forwarded(way) &&
	       is_told_before(way, name, "may send that, or not", report);
}

static void judge_proto(const struct deployment *deployment, const struct proxy_way *way,
			struct report *report)
{
	bool is_https = deployment->proxy_view->is_https, is_known;
	struct str value;

	value = proxy_header_sent(way, "X-Forwarded-Proto", &is_known);
	if (!is_known) {
		proxy_unknown_sent(report, way, "X-Forwarded-Proto");
		return;
	}
	if (str_eq_nocase(value, STR("https")) == is_https)
		return;
	if (is_word_of_another(way, "X-Forwarded-Proto", report))
		return;
	proxy_finding_sent(
		report, way, "X-Forwarded-Proto",
		&(struct finding){
			.says = is_https
					? "callspool is not told that players come by https"
					: "callspool is told that players come by https, and they do not",
			.expected = is_https ? "X-Forwarded-Proto: https"
					     : "X-Forwarded-Proto: http",
			.write = way->visit.listen.is_tls == is_https
					 ? "proxy_set_header X-Forwarded-Proto $scheme;"
				 : is_https ? "proxy_set_header X-Forwarded-Proto https;"
					    : "proxy_set_header X-Forwarded-Proto http;" });
}

void proxy_check_proto(struct deployment *deployment, struct report *report)
{
	const struct proxy_way *play = proxy_judge_plays(deployment, report, judge_proto);
	bool is_known;
	struct str value;

	if (!play)
		return;
	value = proxy_header_sent(play, "X-Forwarded-Proto", &is_known);
	report_good(report, "X-Forwarded-Proto: %.*s",
		    STR_ARG(value.at ? value : STR("none, and none is needed")));
}

/* At its end stands the player's address, or behind that the one of what ends TLS before this nginx. */
static bool names_player(const struct proxy_way *way, struct str list)
{
	struct str player = nginx_request_header(&way->request, STR("X-Forwarded-For"));
	char both[100];

	if (!player.at)
		player = way->request.client;
	snprintf(both, sizeof(both), "%.*s, %.*s", STR_ARG(player), STR_ARG(way->request.client));
	return str_ends(list, player) || str_ends(list, str_of(both));
}

static void judge_client(const struct deployment *deployment, const struct proxy_way *way,
			 struct report *report)
{
	bool is_known;
	struct str value;

	value = proxy_header_sent(way, "X-Forwarded-For", &is_known);
	if (!is_known) {
		proxy_unknown_sent(report, way, "X-Forwarded-For");
		return;
	}
	if (names_player(way, value))
		return;
	if (is_word_of_another(way, "X-Forwarded-For", report))
		return;
	proxy_finding_sent(
		report, way, "X-Forwarded-For",
		&(struct finding){
			.severity = SEVERITY_WEAKENS,
			.says = "callspool is not told who asks",
			.expected = "X-Forwarded-For, with the player's address at its end",
			.write = "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;" });
}

void proxy_check_client(struct deployment *deployment, struct report *report)
{
	const struct proxy_way *play = proxy_judge_plays(deployment, report, judge_client);

	if (play)
		report_good(report, "X-Forwarded-For ends with the player's address%s",
			    proxy_way_is_forwarded(play)
				    ? ", as what stands before this nginx sends it"
				    : "");
}

/* ---- who is signed in is told by the proxy: what a client says of it must not come through */

#define FORGED      "somebody-else"
#define HEADERS_MAX 16
#define TRUSTED     "has to set that itself, whatever a player sends"

static bool is_sent(const struct nginx_proxied *proxied, struct str name, struct str part)
{
	const struct nginx_sent *sent = NULL;

	while ((sent = nginx_sent_find(proxied, sent, name)) != NULL)
		if (str_find_str(str_of(sent->value), part) < strlen(sent->value))
			return true;
	return false;
}

/* The request of a way once more, with that header of the client's own: does it reach callspool? */
static bool comes_through(const struct proxy_way *way, struct str name)
{
	struct nginx_header headers[HEADERS_MAX] = { { name, STR(FORGED) } };
	struct nginx_request request = way->request;
	struct nginx_proxied proxied;
	struct nginx_visit visit;
	bool comes = false;

	for (size_t i = 0; i < request.header_count && i + 1 < HEADERS_MAX; i++)
		headers[i + 1] = request.headers[i];
	request.headers = headers;
	request.header_count++;
	nginx_visit_start(&visit, way->visit.conf, &request);
	nginx_visit_follow(&visit);
	if (visit.end == NGINX_PROXIED) {
		comes = nginx_proxied_start(&proxied, &visit) &&
			is_sent(&proxied, name, STR(FORGED));
		nginx_proxied_release(&proxied);
	}
	nginx_visit_release(&visit);
	return comes;
}

/* Links and webhooks show something else, and nobody is signed in there.  NULL: it comes through nowhere. */
static const struct proxy_way *forged_way(const struct proxy_view *view, struct str name)
{
	static const enum proxy_way_kind kinds[] = { WAY_PLAY,   WAY_MEDIA, WAY_HEAD,
						     WAY_EVENTS, WAY_CALLS, WAY_PAGE };

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (proxy_way_is_ours(view, kinds[i]) && comes_through(&view->ways[kinds[i]], name))
			return &view->ways[kinds[i]];
	return NULL;
}

static void tell_forged(const struct proxy_way *way, const char *header, struct report *report)
{
	char looked[PROXY_WORDS_MAX], write[300];

	proxy_words_sent(way, header, looked);
	snprintf(write, sizeof(write), "proxy_set_header %s \"\";    # or what nginx found out",
		 header);
	proxy_finding(
		report,
		&(struct finding){
			.says = "whoever writes the header that names the user is signed in as that user",
			.looked_at = looked,
			.expected = "a header that nginx sets itself, always",
			.write = write });
}

void proxy_check_identity(struct deployment *deployment, struct report *report)
{
	const struct proxy_view *view = proxy_view_for(deployment, report);
	const struct proxy_way *play = view ? proxy_way_for(deployment, WAY_PLAY, report) : NULL;
	const struct server_facts *server = &deployment->server;
	const struct proxy_way *forged;

	if (!play)
		return;
	if (!server->auth || strcmp(server->auth, "proxy") != 0 || !server->user_header) {
		report_left_out(report, "auth is not proxy: no header says who is signed in");
		return;
	}
	forged = forged_way(view, str_of(server->user_header));
	if (!forged)
		report_good(report, "%s is set by nginx alone", server->user_header);
	else if (forged == play && proxy_header_is_lost(play, server->user_header))
		report_left_out(report, PROXY_LOST_ELSEWHERE);
	else if (!view->is_behind || !is_told_before(forged, server->user_header, TRUSTED, report))
		tell_forged(forged, server->user_header, report);
}
