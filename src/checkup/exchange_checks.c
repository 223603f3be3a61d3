#include "checkup/exchange_checks.h"

#include "base/mem.h"
#include "base/own.h"
#include "doctor/deployment.h"
#include "doctor/nginx_lines.h"
#include "doctor/report.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 1024

/* Can a play be judged through the public address?  Else it is told why not. */
static bool is_public(const struct deployment *deployment, struct report *report)
{
	const struct place *place = &deployment->places[PLACE_PUBLIC];

	if (!deployment->probe.stored)
		report_lacking(report, "no server runs that could be played from");
	else if (!place->url)
		report_lacking(report, "there is no public address");
	else if (place->silent || place->signed_out)
		report_left_out(report, "it follows from %s",
				place->silent ? place->silent : place->signed_out);
	else
		return true;
	return false;
}

static void ask_call(struct deployment *deployment, enum place_kind kind, const char *call_sid,
		     const struct place_ask *ask, struct http_answer *answer)
{
	AUTO(free) char *path = xasprintf("/api/calls/%s/download", call_sid);
	struct place_ask request = *ask;

	request.path = path;
	deployment_ask(deployment, kind, &request, answer);
}

static void looked_at(const char *what, const struct http_answer *answer, char text[TEXT_MAX])
{
	struct buf looked;

	buf_over(&looked, text, TEXT_MAX);
	buf_addf(&looked, "%s: ", what);
	http_answer_describe(answer, &looked);
}

/* ---- in flight ---- */

static bool is_late(const struct deployment *deployment, int64_t first_ms)
{
	return first_ms >= deployment->probe.flight_ms / 2;
}

/* 0: it was not played. */
static int64_t play_flight(struct deployment *deployment)
{
	__attribute__((cleanup(http_answer_release_at))) struct http_answer answer = { 0 };
	const struct place_ask ask = { .takes_head_only = true };

	ask_call(deployment, PLACE_PUBLIC, deployment->probe.flight, &ask, &answer);
	return answer.status == 200 ? answer.first_byte_ms : 0;
}

/*
 * As it was played before.  On a busy machine anything may come late once: then, as where it was not played yet, by a play of
 * its own.
 */
static int64_t first_byte_in_flight(struct deployment *deployment)
{
	int64_t first_ms = deployment->places[PLACE_PUBLIC].flight_first_ms;

	for (int i = 0; i < 2 && (first_ms == 0 || is_late(deployment, first_ms)); i++)
		first_ms = play_flight(deployment);
	return first_ms;
}

void check_flight_at_once(struct deployment *deployment, struct report *report)
{
	int64_t first_ms, flight_ms = deployment->probe.flight_ms;
	char text[TEXT_MAX];

	if (!is_public(deployment, report))
		return;
	first_ms = first_byte_in_flight(deployment);
	if (first_ms == 0) {
		report_left_out(report, "it follows from flight-whole");
		return;
	}
	if (!is_late(deployment, first_ms)) {
		report_good(report, "first byte after %lld ms of a flight of %lld ms",
			    (long long)first_ms, (long long)flight_ms);
		return;
	}
	snprintf(text, sizeof(text),
		 "a play of one in flight %s: the first byte after %lld ms, of a flight of %lld ms",
		 deployment->places[PLACE_PUBLIC].name, (long long)first_ms, (long long)flight_ms);
	report_finding(report,
		       &(struct finding){
			       .says = "the proxy holds sound back until all of it has come",
			       .looked_at = text,
			       .expected = "the first byte as soon as callspool has it",
			       .write = "proxy_buffering off;",
		       });
}

/* ---- what is really stored ---- */

static void ask_recording(struct deployment *deployment, enum place_kind kind,
			  struct http_answer *answer)
{
	static const char *const headers[] = { "Range: bytes=0-1", NULL };
	AUTO(free) char *path = xasprintf("/api/recordings/%s/media", deployment->probe.recording);
	const struct place_ask ask = { .path = path, .headers = headers };

	deployment_ask(deployment, kind, &ask, answer);
}

/* Where it plays directly, the proxy has another way for the path of recordings than for that of calls. */
static void tell_stored(const struct deployment *deployment, enum place_kind kind,
			const struct http_answer *answer, struct report *report)
{
	AUTO(free)
	char *what = xasprintf("%s, bytes=0-1, %s", deployment->probe.recording,
			       deployment->places[kind].name);
	AUTO(free)
	char *pass = xasprintf("proxy_pass %s;    # for /api/recordings/, as for /api/calls/",
			       deployment_proxy_pass(deployment));
	bool is_of_proxy = kind == PLACE_PUBLIC && deployment->places[PLACE_DIRECT].url;
	char text[TEXT_MAX];

	looked_at(what, answer, text);
	report_finding(report,
		       &(struct finding){
			       .says = is_of_proxy ? "the newest recording that is stored does not "
						     "play through the proxy"
						   : "the newest recording that is stored does not "
						     "play",
			       .looked_at = text,
			       .expected = "206, and its first two bytes",
			       .write = is_of_proxy ? pass : NULL,
		       });
}

static bool is_two_bytes(const struct http_answer *answer)
{
	return answer->status == 206 && answer->body.len == 2;
}

void check_stored(struct deployment *deployment, struct report *report)
{
	const char *sid = deployment->probe.recording;

	if (!deployment->probe.stored || !sid) {
		report_left_out(report, "nothing is stored yet");
		return;
	}
	for (enum place_kind kind = PLACE_DIRECT; kind < PLACES; kind++) {
		__attribute__((cleanup(http_answer_release_at))) struct http_answer answer = { 0 };
		const struct place *place = &deployment->places[kind];

		if (!place->url || place->silent || place->signed_out || place->rangeless)
			continue;
		ask_recording(deployment, kind, &answer);
		if (is_two_bytes(&answer) || answer.status == 410)
			continue;
		tell_stored(deployment, kind, &answer, report);
		return;
	}
	report_good(report, "%s plays", sid);
}

/* ---- who may not ---- */

void check_private(struct deployment *deployment, struct report *report)
{
	__attribute__((cleanup(http_answer_release_at))) struct http_answer first = { 0 };
	__attribute__((cleanup(http_answer_release_at))) struct http_answer answer = { 0 };
	const struct place_ask signed_in = { .is_signed_out = false };
	const struct place_ask signed_out = { .is_signed_out = true };
	char text[TEXT_MAX];

	if (deployment->server.auth && strcmp(deployment->server.auth, "none") == 0) {
		report_left_out(report, "auth = none: everybody may play");
		return;
	}
	if (!is_public(deployment, report))
		return;
	ask_call(deployment, PLACE_PUBLIC, deployment->probe.stored, &signed_in, &first);
	ask_call(deployment, PLACE_PUBLIC, deployment->probe.stored, &signed_out, &answer);
	if (answer.status != 200) {
		report_good(report, "who is not signed in is answered %ld", answer.status);
		return;
	}
	looked_at("a play that is not signed in, just behind one that was", &answer, text);
	report_finding(report,
		       &(struct finding){
			       .says = "strangers hear recordings: a cache before callspool keeps "
				       "them",
			       .looked_at = text,
			       .expected = "401, as callspool answers",
			       .write = "proxy_cache off;",
		       });
}

void check_errors(struct deployment *deployment, struct report *report)
{
	__attribute__((cleanup(http_answer_release_at))) struct http_answer answer = { 0 };
	const struct place_ask ask = { .is_signed_out = false };
	char text[TEXT_MAX];
	struct str body;

	if (!is_public(deployment, report))
		return;
	ask_call(deployment, PLACE_PUBLIC, deployment->probe.missing, &ask, &answer);
	body = buf_str(&answer.body);
	if (answer.status == 404 && str_find_str(body, STR("\"call_not_found\"")) < body.len) {
		report_good(report,
			    "a call that is not there is answered 404, with its reason as JSON");
		return;
	}
	looked_at("a call that is not there", &answer, text);
	report_finding(
		report,
		&(struct finding){
			.severity = SEVERITY_WEAKENS,
			.says = "the proxy puts a page of its own in the place of callspool's errors",
			.looked_at = text,
			.expected = "404, and JSON that says why",
			.write = "proxy_intercept_errors off;",
		});
}

/* ---- pages of another origin ---- */

static bool allows(const struct http_answer *answer, const char *origin)
{
	struct str allowed = http_answer_header(answer, "Access-Control-Allow-Origin");
	struct str rest = buf_str(&answer->head), line;
	size_t lines = 0;

	while (str_cut(&rest, '\n', &line))
		lines += str_starts_nocase(line, STR("Access-Control-Allow-Origin:"));
	return lines == 1 && str_eq(allowed, str_of(origin));
}

static bool exposes_range(const struct http_answer *answer)
{
	struct str exposed = http_answer_header(answer, "Access-Control-Expose-Headers");

	return exposed.at && str_find_str(exposed, STR("Content-Range")) < exposed.len;
}

static void tell_cors(const char *what, const struct http_answer *answer, struct report *report)
{
	char text[TEXT_MAX];

	looked_at(what, answer, text);
	report_finding(report,
		       &(struct finding){
			       .says = "a page of another origin may not play, though it is listed",
			       .looked_at = text,
			       .expected = "one Access-Control-Allow-Origin, and Content-Range "
					   "exposed",
			       .write = "proxy_hide_header \"\";    # no add_header "
					"Access-Control-Allow-Origin of its own",
		       });
}

void check_cors(struct deployment *deployment, struct report *report)
{
	__attribute__((cleanup(http_answer_release_at))) struct http_answer before = { 0 };
	__attribute__((cleanup(http_answer_release_at))) struct http_answer answer = { 0 };
	const char *other = deployment->server.other_origin;
	AUTO(free) char *origin = xasprintf("Origin: %s", other ? other : "");
	const char *const preflight[] = { origin, "Access-Control-Request-Method: GET",
					  "Access-Control-Request-Headers: authorization, range",
					  NULL };
	const char *const headers[] = { origin, "Range: bytes=0-1", NULL };
	const struct place_ask first = { .method = "OPTIONS",
					 .headers = preflight,
					 .is_signed_out = true };
	const struct place_ask second = { .headers = headers };

	if (!other) {
		report_left_out(report, "cors_origins lists none");
		return;
	}
	if (!is_public(deployment, report))
		return;
	ask_call(deployment, PLACE_PUBLIC, deployment->probe.stored, &first, &before);
	ask_call(deployment, PLACE_PUBLIC, deployment->probe.stored, &second, &answer);
	if (before.status != 204 || !allows(&before, other))
		tell_cors("the question that a browser asks before (OPTIONS)", &before, report);
	else if (!allows(&answer, other) || !exposes_range(&answer))
		tell_cors("a play by that page", &answer, report);
	else
		report_good(report, "%s may play", other);
}

/* ---- live ---- */

/* "Origin: https://calls.example.com" of an address. */
static char *origin_of(const char *url)
{
	struct str rest = str_of(url);
	size_t scheme = str_find_str(rest, STR("://"));
	size_t host = str_find(str_after(rest, scheme + 3), '/');

	return xasprintf("Origin: %.*s", STR_ARG(str_first(rest, scheme + 3 + host)));
}

static bool is_taken_for_another(const struct http_answer *answer)
{
	struct str body = buf_str(&answer->body);

	return str_find_str(body, STR("\"foreign_origin\"")) < body.len;
}

static void tell_events(const struct deployment *deployment, const struct http_answer *answer,
			struct report *report)
{
	AUTO(free)
	char *own = xasprintf("public_url = %s", deployment->places[PLACE_PUBLIC].url);
	bool is_foreign = is_taken_for_another(answer);
	char text[TEXT_MAX];

	looked_at("a WebSocket to /api/events", answer, text);
	report_finding(report,
		       &(struct finding){
			       .severity = SEVERITY_WEAKENS,
			       .says = is_foreign ? "callspool takes its own page for another's, "
						    "and refuses its WebSocket"
						  : "no WebSocket comes through the proxy",
			       .looked_at = text,
			       .expected = "101 Switching Protocols",
			       .write = is_foreign ? own : NGINX_CONNECTION_LINES,
		       });
}

/* As a browser does, whose page came from the public address. */
static void ask_events(struct deployment *deployment, enum place_kind kind,
		       struct http_answer *answer)
{
	const char *public_url = deployment->server.public_url;
	AUTO(free)
	char *origin = origin_of(kind == PLACE_DIRECT && public_url ? public_url
								    : deployment->places[kind].url);
	const char *const headers[] = { "Connection: Upgrade",
					"Upgrade: websocket",
					"Sec-WebSocket-Version: 13",
					"Sec-WebSocket-Key: Y2FsbHNwb29sIGRvY3Rvcg==",
					origin,
					NULL };
	const struct place_ask ask = { .path = "/api/events",
				       .headers = headers,
				       .takes_head_only = true };

	deployment_ask(deployment, kind, &ask, answer);
}

void check_events(struct deployment *deployment, struct report *report)
{
	__attribute__((cleanup(http_answer_release_at))) struct http_answer direct = { 0 };
	__attribute__((cleanup(http_answer_release_at))) struct http_answer answer = { 0 };
	const struct place *place = &deployment->places[PLACE_PUBLIC];
	char text[TEXT_MAX];

	if (!is_public(deployment, report))
		return;
	if (deployment->places[PLACE_DIRECT].url && !deployment->places[PLACE_DIRECT].silent) {
		ask_events(deployment, PLACE_DIRECT, &direct);
		if (direct.status != 101) {
			looked_at("directly none is opened", &direct, text);
			report_unchecked(report, "%s", text);
			return;
		}
	}
	ask_events(deployment, PLACE_PUBLIC, &answer);
	if (answer.status == 101) {
		report_good(report, "it is opened through the public address");
		return;
	}
	if (place->misnamed && is_taken_for_another(&answer))
		report_left_out(report, "it follows from %s", place->misnamed);
	else
		tell_events(deployment, &answer, report);
}
