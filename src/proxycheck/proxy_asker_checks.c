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

void proxy_check_host(struct deployment *deployment, struct report *report)
{
	const struct proxy_way *way = proxy_way_for(deployment, WAY_PLAY, report);
	char expected[400];
	bool is_known;
	struct str value;

	if (!way)
		return;
	value = proxy_header_sent(way, "Host", &is_known);
	if (!is_known) {
		proxy_unknown_sent(report, way, "Host");
		return;
	}
	if (str_eq_nocase(value, way->request.host)) {
		report_good(report, "Host: %.*s", STR_ARG(value));
		return;
	}
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

/*
 * Is it set to a header of the request that what stands before this nginx may send, beside those that all do?  Says so, and then
 * it is not judged.
 */
static bool is_told_before(const struct proxy_way *way, const char *name, struct report *report)
{
	const struct nginx_directive *set = proxy_header_set(way, NULL, str_of(name));
	struct str value = set ? nginx_word(set, 2) : STR("");
	char looked[PROXY_WORDS_MAX];

	if (!proxy_way_is_forwarded(way) || str_find_str(value, STR("$http_")) == value.len)
		return false;
	proxy_words_of(set, looked);
	report_unchecked(report, "%s: what stands before this nginx may send that, or not", looked);
	return true;
}

void proxy_check_proto(struct deployment *deployment, struct report *report)
{
	const struct proxy_view *view = proxy_view_for(deployment, report);
	const struct proxy_way *way = view ? proxy_way_for(deployment, WAY_PLAY, report) : NULL;
	bool is_known, is_right;
	struct str value;

	if (!way)
		return;
	value = proxy_header_sent(way, "X-Forwarded-Proto", &is_known);
	is_right = view->is_https ? str_eq_nocase(value, STR("https"))
				  : !str_eq_nocase(value, STR("https"));
	if (!is_known) {
		proxy_unknown_sent(report, way, "X-Forwarded-Proto");
		return;
	}
	if (is_right) {
		report_good(report, "X-Forwarded-Proto: %.*s",
			    STR_ARG(value.at ? value : STR("none, and none is needed")));
		return;
	}
	if (is_told_before(way, "X-Forwarded-Proto", report))
		return;
	proxy_finding_sent(
		report, way, "X-Forwarded-Proto",
		&(struct finding){
			.says = view->is_https
					? "callspool is not told that players come by https"
					: "callspool is told that players come by https, and they do not",
			.expected = view->is_https ? "X-Forwarded-Proto: https"
						   : "X-Forwarded-Proto: http",
			.write = way->visit.listen.is_tls == view->is_https
					 ? "proxy_set_header X-Forwarded-Proto $scheme;"
				 : view->is_https ? "proxy_set_header X-Forwarded-Proto https;"
						  : "proxy_set_header X-Forwarded-Proto http;" });
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

void proxy_check_client(struct deployment *deployment, struct report *report)
{
	const struct proxy_way *way = proxy_way_for(deployment, WAY_PLAY, report);
	bool is_known;
	struct str value;

	if (!way)
		return;
	value = proxy_header_sent(way, "X-Forwarded-For", &is_known);
	if (!is_known) {
		proxy_unknown_sent(report, way, "X-Forwarded-For");
		return;
	}
	if (names_player(way, value)) {
		report_good(report, "X-Forwarded-For ends with the player's address%s",
			    proxy_way_is_forwarded(way)
				    ? ", as what stands before this nginx sends it"
				    : "");
		return;
	}
	if (is_told_before(way, "X-Forwarded-For", report))
		return;
	proxy_finding_sent(
		report, way, "X-Forwarded-For",
		&(struct finding){
			.severity = SEVERITY_WEAKENS,
			.says = "callspool is not told who asks",
			.expected = "X-Forwarded-For, with the player's address at its end",
			.write = "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;" });
}

/* Who is signed in is told by the proxy: what a client says of it must not come through. */
void proxy_check_identity(struct deployment *deployment, struct report *report)
{
	const struct proxy_way *way = proxy_way_for(deployment, WAY_PLAY, report);
	const struct server_facts *server = &deployment->server;
	char write[300];

	if (!way)
		return;
	if (!server->auth || strcmp(server->auth, "proxy") != 0 || !server->user_header) {
		report_left_out(report, "auth is not proxy: no header says who is signed in");
		return;
	}
	if (proxy_header_set(way, NULL, str_of(server->user_header))) {
		report_good(report, "%s is set by nginx alone", server->user_header);
		return;
	}
	snprintf(write, sizeof(write), "proxy_set_header %s \"\";    # or what nginx found out",
		 server->user_header);
	proxy_finding_sent(
		report, way, server->user_header,
		&(struct finding){
			.says = "whoever writes the header that names the user is signed in as that user",
			.expected = "a header that nginx sets itself, always",
			.write = write });
}
