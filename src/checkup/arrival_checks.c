#include "checkup/arrival_checks.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/own.h"
#include "doctor/deployment.h"
#include "doctor/nginx_lines.h"
#include "doctor/report.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TEXT_MAX 1024
#define FORGED   "callspool-doctor-forged" /* callspool refuses it wherever it arrives, and says so */

/* Whether the place can be examined; else it is told why not. */
static bool is_there(const struct place *place, struct report *report)
{
	if (!place->url) {
		report_lacking(report, "there is no public address: see public-url");
		return false;
	}
	if (place->silent) {
		report_left_out(report, "%s it does not answer: see %s", place->name,
				place->silent);
		return false;
	}
	if (place->signed_out) {
		report_left_out(report, "it follows from %s", place->signed_out);
		return false;
	}
	return true;
}

static bool can_play(const struct deployment *deployment, struct report *report)
{
	if (deployment->probe.echo)
		return true;
	report_lacking(report, "no server runs that could be played from");
	return false;
}

/* Another each time, so that no cache answers. */
static char *echo_path(const struct deployment *deployment)
{
	return xasprintf("/api/calls/%s/download?doctor=%lld", deployment->probe.echo,
			 (long long)clock_monotonic_us());
}

/* What callspool saw of a request; NULL: it was not answered so, and *answer says how. */
static json_t *ask_echo(struct deployment *deployment, enum place_kind place,
			const char *const *headers, struct http_answer *answer)
{
	AUTO(free) char *path = echo_path(deployment);
	const struct place_ask ask = { .path = path, .headers = headers };
	json_t *echo;

	deployment_ask(deployment, place, &ask, answer);
	if (answer->status != 200)
		return NULL;
	echo = json_loadb(answer->body.at, answer->body.len, 0, NULL);
	if (json_is_array(json_object_get(echo, "headers")))
		return echo;
	json_decref(echo);
	return NULL;
}

/* The value of a header that arrived; NULL: none of that name did.  *out_count lines did. */
static const char *arrived(const json_t *echo, const char *name, size_t *out_count)
{
	const json_t *headers = json_object_get(echo, "headers"), *header;
	const char *value = NULL;
	size_t i;

	*out_count = 0;
	json_array_foreach(headers, i, header)
	{
		const char *key = json_string_value(json_array_get(header, 0));

		if (!key || strcasecmp(key, name) != 0)
			continue;
		(*out_count)++;
		value = json_string_value(json_array_get(header, 1));
	}
	return value;
}

/* ---- signing in ---- */

static bool has_code(const struct http_answer *answer, const char *code)
{
	AUTO(free) char *wanted = xasprintf("\"code\":\"%s\"", code);
	struct str body = buf_str(&answer->body);

	return str_find_str(body, str_of(wanted)) < body.len;
}

static const char *name_signed_out(const struct http_answer *answer, const char **out_write)
{
	*out_write = NULL;
	if (answer->status == 401) {
		*out_write = "proxy_set_header Authorization $http_authorization;";
		return "who signs in does not arrive: Authorization is lost on the way";
	}
	if (has_code(answer, "not_found")) {
		*out_write = "proxy_pass http://callspool;    # no path behind the name";
		return "the proxy rewrites the path: callspool has nothing at the one that arrives";
	}
	if (has_code(answer, "call_not_found"))
		return "another callspool answers at the public address";
	return "plays do not reach callspool: something else answers their path";
}

static void tell_signed_out(struct place *place, const char *looked_at,
			    const struct http_answer *answer, struct report *report)
{
	const char *write, *says = name_signed_out(answer, &write);

	place->signed_out = "sign-in";
	report_finding(report, &(struct finding){
				       .says = says,
				       .looked_at = looked_at,
				       .expected = "the answer of this callspool to its own token",
				       .write = write,
			       });
}

void check_sign_in(struct deployment *deployment, struct report *report)
{
	if (!can_play(deployment, report))
		return;
	for (enum place_kind kind = PLACE_DIRECT; kind < PLACES; kind++) {
		__attribute__((cleanup(http_answer_release_at))) struct http_answer answer = { 0 };
		struct place *place = &deployment->places[kind];
		char text[TEXT_MAX];
		struct buf looked;
		json_t *echo;

		if (!place->url || place->silent)
			continue;
		echo = ask_echo(deployment, kind, NULL, &answer);
		if (echo) {
			json_decref(echo);
			continue;
		}
		buf_over(&looked, text, sizeof(text));
		buf_addf(&looked, "GET /api/calls/CA.../download %s: ", place->name);
		http_answer_describe(&answer, &looked);
		tell_signed_out(place, text, &answer, report);
		return;
	}
	if (is_there(&deployment->places[PLACE_PUBLIC], report))
		report_good(report, "a play arrives, and its token with it");
}

void check_forged_sign_in(struct deployment *deployment, struct report *report)
{
	__attribute__((cleanup(http_answer_release_at))) struct http_answer answer = { 0 };
	const char *name = deployment->server.user_header;
	AUTO(free) char *forged = xasprintf("%s: " FORGED, name ? name : "Remote-User");
	const char *const headers[] = { forged, NULL };
	const struct place_ask ask = { .path = "/api/session",
				       .headers = headers,
				       .is_signed_out = true };
	char text[TEXT_MAX];

	if (!deployment->server.auth || strcmp(deployment->server.auth, "proxy") != 0) {
		report_left_out(report, "no proxy signs in here: such a header counts for nothing");
		return;
	}
	if (!is_there(&deployment->places[PLACE_PUBLIC], report))
		return;
	deployment_ask(deployment, PLACE_PUBLIC, &ask, &answer);
	if (answer.status != 403) {
		report_good(report, "%s of a stranger does not arrive", name);
		return;
	}
	snprintf(text, sizeof(text), "GET /api/session %s with \"%s\"",
		 deployment->places[PLACE_PUBLIC].name, forged);

	AUTO(free) char *write = xasprintf("proxy_set_header %s \"\";", name);

	report_finding(report,
		       &(struct finding){
			       .says = "anybody can sign in as anybody: the proxy passes on a "
				       "stranger's sign-in header",
			       .looked_at = text,
			       .expected = "the header emptied, or set by the proxy alone",
			       .write = write,
		       });
}

/* ---- what arrives ---- */

/* The echo of a request through the public address; NULL: told already. */
static json_t *public_echo(struct deployment *deployment, const char *const *headers,
			   struct report *report)
{
	__attribute__((cleanup(http_answer_release_at))) struct http_answer answer = { 0 };
	char text[TEXT_MAX];
	struct buf looked;
	json_t *echo;

	if (!can_play(deployment, report) || !is_there(&deployment->places[PLACE_PUBLIC], report))
		return NULL;
	echo = ask_echo(deployment, PLACE_PUBLIC, headers, &answer);
	if (echo)
		return echo;
	buf_over(&looked, text, sizeof(text));
	http_answer_describe(&answer, &looked);
	report_unchecked(report, "what arrived was not told: %s", text);
	return NULL;
}

void check_range_arrives(struct deployment *deployment, struct report *report)
{
	static const char *const headers[] = { "Range: bytes=0-1", "If-Range: \"a\"", NULL };
	json_t *echo = public_echo(deployment, headers, report);
	size_t ranges, conditions;

	if (!echo)
		return;
	(void)!arrived(echo, "Range", &ranges);
	(void)!arrived(echo, "If-Range", &conditions);
	json_decref(echo);
	if (ranges == 1 && conditions == 1) {
		report_good(report, "Range and If-Range arrive as they were sent");
		return;
	}
	deployment->places[PLACE_PUBLIC].rangeless = "range-arrives";
	report_finding(
		report,
		&(struct finding){
			.says = ranges == 0
					? "Range does not arrive at callspool: iPhones play nothing"
				: conditions == 0 ? "If-Range does not arrive at callspool"
						  : "Range arrives twice at callspool",
			.looked_at =
				"a request with Range and If-Range through the public address, "
				"as callspool saw it",
			.expected = "both, once",
			.write = "proxy_set_header Range $http_range;\n"
				 "proxy_set_header If-Range $http_if_range;",
		});
}

void check_version_arrives(struct deployment *deployment, struct report *report)
{
	json_t *echo = public_echo(deployment, NULL, report);
	int64_t minor;

	if (!echo)
		return;
	minor = json_integer_value(json_object_get(echo, "minor_version"));
	json_decref(echo);
	if (minor >= 1) {
		report_good(report, "the proxy speaks HTTP/1.1 to callspool");
		return;
	}
	report_finding(report,
		       &(struct finding){
			       .severity = SEVERITY_WEAKENS,
			       .says = "the proxy speaks HTTP/1.0 to callspool",
			       .looked_at = "a request through the public address, as callspool "
					    "saw it",
			       .expected = "HTTP/1.1",
			       .write = "proxy_http_version 1.1;\n" NGINX_CONNECTION_LINES,
		       });
}

void check_connection_kept(struct deployment *deployment, struct report *report)
{
	json_t *echo = public_echo(deployment, NULL, report);
	const char *connection;
	size_t count;

	if (!echo)
		return;
	connection = arrived(echo, "Connection", &count);
	if (count == 0 || (count == 1 && strcasecmp(connection, "keep-alive") == 0) ||
	    json_integer_value(json_object_get(echo, "minor_version")) == 0) {
		report_good(report, "nothing that arrives ends the connection to callspool");
	} else {
		AUTO(free)
		char *looked = xasprintf("Connection: %s, as callspool saw it%s", connection,
					 count > 1 ? ", and once more" : "");

		report_finding(report,
			       &(struct finding){
				       .severity = SEVERITY_WEAKENS,
				       .says = "the proxy closes its connection to callspool "
					       "after each request",
				       .looked_at = looked,
				       .expected = "no Connection header where nothing is "
						   "upgraded, so that it is kept",
				       .write = NGINX_CONNECTION_LINES,
			       });
	}
	json_decref(echo);
}

void check_target_arrives(struct deployment *deployment, struct report *report)
{
	json_t *echo = public_echo(deployment, NULL, report);
	AUTO(free)
	char *begins = xasprintf("/api/calls/%s/download?doctor=",
				 deployment->probe.echo ? deployment->probe.echo : "");
	struct str target, number;

	if (!echo)
		return;
	target = str_of(json_string_value(json_object_get(echo, "target")));
	number = str_after(target, strlen(begins));
	if (str_starts(target, str_of(begins)) && str_find(number, '&') == number.len) {
		report_good(report, "the path arrives as it was asked for");
	} else {
		AUTO(free)
		char *looked = xasprintf("%s... arrives as %.*s", begins, STR_ARG(target));

		report_finding(report,
			       &(struct finding){
				       .says = "the proxy rewrites the path, which Twilio's "
					       "signature covers",
				       .looked_at = looked,
				       .expected = "the same path, byte for byte",
				       .write = "proxy_pass http://callspool;    # no path behind "
						"the name, no rewrite",
			       });
	}
	json_decref(echo);
}

/* The host of an address, with its port. */
static struct str host_of(const char *url)
{
	struct str rest = str_of(url);
	size_t scheme = str_find_str(rest, STR("://"));

	rest = str_after(rest, scheme < rest.len ? scheme + 3 : 0);
	return str_first(rest, str_find(rest, '/'));
}

void check_host_arrives(struct deployment *deployment, struct report *report)
{
	json_t *echo = public_echo(deployment, NULL, report);
	struct str wanted = host_of(deployment->places[PLACE_PUBLIC].url);
	struct str name = str_first(wanted, str_find(wanted, ':'));
	const char *host, *forwarded;
	size_t count;

	if (!echo)
		return;
	host = arrived(echo, "Host", &count);
	forwarded = arrived(echo, "X-Forwarded-Host", &count);
	if (str_eq_nocase(str_of(host), wanted) || str_eq_nocase(str_of(host), name) ||
	    (forwarded && str_eq_nocase(str_of(forwarded), wanted))) {
		report_good(report, "callspool is told by which name it was asked");
	} else {
		AUTO(free) char *looked = xasprintf("Host: %s, as callspool saw it", host);

		deployment->places[PLACE_PUBLIC].misnamed = "host-arrives";
		report_finding(report,
			       &(struct finding){
				       .severity = SEVERITY_WEAKENS,
				       .says = "callspool is not told by which name it was asked",
				       .looked_at = looked,
				       .expected = "the host of the public address",
				       .write = "proxy_set_header Host $http_host;",
			       });
	}
	json_decref(echo);
}

static void tell_untrusted(const char *peer, struct report *report)
{
	AUTO(free) char *looked = xasprintf("the proxy's address, as callspool saw it: %s", peer);
	AUTO(free) char *write = xasprintf("trusted_proxies = %s", peer);

	report_finding(report,
		       &(struct finding){
			       .severity = SEVERITY_WEAKENS,
			       .says = "callspool does not trust the proxy: all players look "
				       "like one",
			       .looked_at = looked,
			       .expected = "it stands in trusted_proxies",
			       .write = write,
		       });
}

void check_client_arrives(struct deployment *deployment, struct report *report)
{
	json_t *echo = public_echo(deployment, NULL, report);
	const char *peer;
	size_t count;

	if (!echo)
		return;
	peer = json_string_value(json_object_get(echo, "peer"));
	(void)!arrived(echo, "X-Forwarded-For", &count);
	if (!json_is_true(json_object_get(echo, "trusted"))) {
		tell_untrusted(peer && peer[0] ? peer : "unix", report);
	} else if (count == 0) {
		report_finding(report,
			       &(struct finding){
				       .severity = SEVERITY_WEAKENS,
				       .says = "the proxy does not say who asks: all players "
					       "look like one",
				       .looked_at = "a request through the public address: no "
						    "X-Forwarded-For arrived",
				       .expected = "the player's address",
				       .write = "proxy_set_header X-Forwarded-For "
						"$proxy_add_x_forwarded_for;",
			       });
	} else {
		report_good(report, "callspool is told who asks: %s",
			    json_string_value(json_object_get(echo, "client")));
	}
	json_decref(echo);
}
