/*
 * A play is a row of a table: which client, which headers, which part.  Each is played at both places; what is wrong directly
 * is callspool's, and is told once.
 */
#include "checkup/playback_checks.h"

#include "base/mem.h"
#include "base/own.h"
#include "checkup/arrival_checks.h"
#include "checkup/exchange_checks.h"
#include "checkup/played_part.h"
#include "doctor/deployment.h"
#include "doctor/report.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 1024
#define SEEK_TO  300001 /* into the middle of a frame */
#define IOS                                                                                     \
	"User-Agent: AppleCoreMedia/1.0.0.21F79 (iPhone; U; CPU OS 17_5 like Mac OS X; en_us)", \
		"Accept: */*", "Accept-Encoding: identity",                                     \
		"X-Playback-Session-Id: 6D0E6B1C-0D0C-4700-9A00-00000000C0DE"
#define CHROME                                                                                \
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) " \
	"Chrome/126.0.0.0 Safari/537.36",                                                     \
		"Accept: */*", "Accept-Encoding: identity;q=1, *;q=0", "Sec-Fetch-Dest: audio"
#define CURL "User-Agent: curl/8.8.0", "Accept: */*"

/* What a play asks for. */
struct play {
	const char *client; /* "iOS Safari" */
	const char *method; /* NULL: GET */
	const char *headers[PLACE_HEADERS_MAX];
	long status;
	uint64_t first, end;    /* end 0: that of the media */
	enum severity severity; /* of what is wrong with it */
	bool is_of_flight, sends_etag, sends_other_etag;
};

static const char *header_of(const struct play *play, const char *name)
{
	for (size_t i = 0; i < PLACE_HEADERS_MAX && play->headers[i]; i++)
		if (strncmp(play->headers[i], name, strlen(name)) == 0)
			return play->headers[i];
	return NULL;
}

static bool wants_range(const struct play *play)
{
	return header_of(play, "Range:") != NULL;
}

/* The check from which a fault here would only follow; NULL: none. */
static const char *follows_from(const struct play *play, const struct place *place)
{
	if (place->silent)
		return place->silent;
	if (place->signed_out)
		return place->signed_out;
	if (play->is_of_flight && place->misplayed)
		return place->misplayed;
	return wants_range(play) ? place->rangeless : NULL;
}

static void ask(struct deployment *deployment, enum place_kind kind, const struct play *play,
		const char *etag, struct http_answer *answer)
{
	const char *sid = play->is_of_flight ? deployment->probe.flight : deployment->probe.stored;
	AUTO(free) char *path = xasprintf("/api/calls/%s/download", sid);
	AUTO(free) char *if_range = xasprintf("If-Range: %s", etag ? etag : "");
	const char *headers[PLACE_HEADERS_MAX + 1] = { NULL };
	const struct place_ask request = { .method = play->method,
					   .path = path,
					   .headers = headers };
	size_t count = 0;

	while (count < PLACE_HEADERS_MAX - 1 && play->headers[count]) {
		headers[count] = play->headers[count];
		count++;
	}
	if (etag)
		headers[count] = if_range;
	deployment_ask(deployment, kind, &request, answer);
}

/* The entity tag that the place gives, for If-Range; for free(). */
static char *etag_at(struct deployment *deployment, enum place_kind kind)
{
	__attribute__((cleanup(http_answer_release_at))) struct http_answer answer = { 0 };
	static const struct play play = { .headers = { CURL, "Range: bytes=0-1" } };
	struct str etag;

	ask(deployment, kind, &play, NULL, &answer);
	etag = http_answer_header(&answer, "ETag");
	return etag.at ? str_dup(etag) : NULL;
}

static void describe(const struct play *play, const struct place *place,
		     const struct http_answer *answer, struct buf *out)
{
	const char *range = header_of(play, "Range:");

	buf_addf(out, "%s %s%s%s as %s does, %s: ", play->method ? play->method : "GET",
		 play->is_of_flight ? "one in flight" : "one that is stored", range ? ", " : "",
		 range ? range : "", play->client, place->name);
	http_answer_describe(answer, out);
}

static void tell(const struct play *play, const struct place *place, const char *says,
		 const struct http_answer *answer, const char *write, struct report *report)
{
	char looked_text[TEXT_MAX], expected[TEXT_MAX];
	struct buf looked;

	buf_over(&looked, looked_text, sizeof(looked_text));
	describe(play, place, answer, &looked);
	snprintf(expected, sizeof(expected), "%ld%s", play->status,
		 play->status == 206
			 ? ", exactly the bytes asked for, and Content-Range with the total"
		 : play->status == 416 ? ", and Content-Range with the total"
				       : ", and every byte");
	report_finding(report, &(struct finding){ .severity = play->severity,
						  .says = says,
						  .looked_at = looked_text,
						  .expected = expected,
						  .write = write });
}

/* What a proxy's fault of that kind is cured by. */
static const char *cure_of(const char *fault)
{
	static const struct {
		const char *part, *write;
	} cures[] = {
		{ "answered 504", "proxy_read_timeout 60s;" },
		{ "before its last byte",
		  "proxy_read_timeout 60s;    # and no limit on how long all of it may take" },
		{ "200 and the whole", "proxy_cache off;\nproxy_set_header Range $http_range;" },
		{ "compressed", "gzip off;" },
		{ "Content-Range", "proxy_force_ranges off;" },
		{ "Content-Length", "gzip off;    # and no sub_filter, no addition" },
		{ "ETag", "proxy_pass_header ETag;    # and no proxy_hide_header ETag" },
		{ "Accept-Ranges", "gzip off;    # and no proxy_hide_header Accept-Ranges" },
		{ "Content-Type",
		  "proxy_hide_header \"\";    # none that hides or sets Content-Type" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cures); i++)
		if (strstr(fault, cures[i].part))
			return cures[i].write;
	return NULL;
}

/* True when it is as it should be at the place, or not to be judged there. */
static bool play_at(struct deployment *deployment, enum place_kind kind, const struct play *play,
		    int64_t *out_ms, struct report *report)
{
	__attribute__((cleanup(http_answer_release_at))) struct http_answer answer = { 0 };
	AUTO(free) char *etag = play->sends_etag ? etag_at(deployment, kind) : NULL;
	struct place *place = &deployment->places[kind];
	const struct played_part part = {
		.status = play->status,
		.first = play->first,
		.end = play->end ? play->end : deployment->media.len,
		.is_head = play->method && strcmp(play->method, "HEAD") == 0,
	};
	const char *fault;

	ask(deployment, kind, play, play->sends_other_etag ? "\"another\"" : etag, &answer);
	*out_ms = answer.first_byte_ms;
	fault = play->sends_etag && !etag
			? "ETag is lost on the way"
			: played_part_fault(&part, buf_str(&deployment->media), &answer);
	if (!fault && play->is_of_flight)
		place->flight_first_ms = answer.first_byte_ms;
	if (!fault)
		return true;
	if (!play->is_of_flight)
		place->misplayed = report->check->name;
	tell(play, place, fault, &answer, kind == PLACE_PUBLIC ? cure_of(fault) : NULL, report);
	return false;
}

static void play(struct deployment *deployment, const struct play *play, struct report *report)
{
	int64_t first_byte_ms[PLACES] = { -1, -1 };
	const char *why = NULL;

	if (deployment->media.len == 0) {
		report_lacking(report, "no server runs that could be played from");
		return;
	}
	for (enum place_kind kind = PLACE_DIRECT; kind < PLACES; kind++) {
		const struct place *place = &deployment->places[kind];

		why = place->url ? follows_from(play, place) : "public-url";
		if (!why && !play_at(deployment, kind, play, &first_byte_ms[kind], report))
			return;
	}
	if (!deployment->places[PLACE_PUBLIC].url)
		report_lacking(report, "%s; there is no public address: see public-url",
			       first_byte_ms[PLACE_DIRECT] >= 0 ? "good directly" : "not played");
	else if (why)
		report_left_out(report, "%s; through the public address it follows from %s",
				first_byte_ms[PLACE_DIRECT] >= 0 ? "good directly" : "not played",
				why);
	else if (first_byte_ms[PLACE_DIRECT] < 0)
		report_good(report, "first byte in %lld ms through the public address",
			    (long long)first_byte_ms[PLACE_PUBLIC]);
	else
		report_good(report,
			    "first byte in %lld ms directly, in %lld ms through the public address",
			    (long long)first_byte_ms[PLACE_DIRECT],
			    (long long)first_byte_ms[PLACE_PUBLIC]);
}

#define PLAY(function, ...)                                                        \
	static void function(struct deployment *deployment, struct report *report) \
	{                                                                          \
		static const struct play row = { __VA_ARGS__ };                    \
                                                                                   \
		play(deployment, &row, report);                                    \
	}

PLAY(check_first_bytes, .client = "iOS Safari", .headers = { IOS, "Range: bytes=0-1" },
     .status = 206, .end = 2)
PLAY(check_whole, .client = "curl", .headers = { CURL }, .status = 200)
PLAY(check_open_ended, .client = "Chrome", .headers = { CHROME, "Range: bytes=0-" }, .status = 206)
PLAY(check_seek, .client = "Chrome", .headers = { CHROME, "Range: bytes=300001-" }, .status = 206,
     .first = SEEK_TO)
PLAY(check_piece, .client = "iOS Safari", .headers = { IOS, "Range: bytes=65536-131071" },
     .status = 206, .first = 65536, .end = 131072)
PLAY(check_if_range, .client = "Chrome", .headers = { CHROME, "Range: bytes=300001-" },
     .status = 206, .first = SEEK_TO, .sends_etag = true)
PLAY(check_if_range_other, .client = "Chrome", .headers = { CHROME, "Range: bytes=300001-" },
     .status = 200, .sends_other_etag = true)
PLAY(check_head, .client = "curl", .method = "HEAD", .headers = { CURL }, .status = 200)
PLAY(check_head_range, .client = "curl", .method = "HEAD", .headers = { CURL, "Range: bytes=0-1" },
     .status = 206, .end = 2)
PLAY(check_beyond, .client = "Chrome", .headers = { CHROME, "Range: bytes=99999999-" },
     .status = 416)
PLAY(check_compressed, .client = "a program", .headers = { CURL, "Accept-Encoding: gzip, br" },
     .status = 200, .severity = SEVERITY_WEAKENS)
PLAY(check_flight_first, .client = "iOS Safari", .headers = { IOS, "Range: bytes=0-1" },
     .status = 206, .end = 2, .is_of_flight = true)
PLAY(check_flight_whole, .client = "curl", .headers = { CURL }, .status = 200, .is_of_flight = true)

/* The last 500 bytes: where they begin is known when it is played. */
static void check_suffix(struct deployment *deployment, struct report *report)
{
	struct play row = { .client = "curl",
			    .headers = { CURL, "Range: bytes=-500" },
			    .status = 206 };

	row.first = deployment->media.len > 500 ? deployment->media.len - 500 : 0;
	play(deployment, &row, report);
}

#define RANGE_AS_IT_IS "Let the proxy pass on Range and its answer as they are."
#define SOUND_LATE \
	"A play is silent until all of the recording has come from Twilio, or ends in 504."

static const struct check checks[] = {
	{ .name = "sign-in",
	  .asks = "does a play arrive, with who is signed in?",
	  .meaning = "Nothing plays: every play is refused.",
	  .remedy = "Let the proxy pass on /api/ with its path and all of its headers.",
	  .rank = RANK_PUBLIC,
	  .run = check_sign_in },
	{ .name = "forged-sign-in",
	  .asks = "is a sign-in header of a stranger kept away?",
	  .meaning = "Anybody who reaches the public address hears every call.",
	  .remedy = "Let the proxy empty the header before it sets its own.",
	  .rank = RANK_PUBLIC,
	  .run = check_forged_sign_in },
	{ .name = "path-arrives",
	  .asks = "does the path arrive as it was asked for?",
	  .meaning = "Webhooks are refused, for Twilio signs the address that it called.",
	  .remedy = "Write no path behind the name in proxy_pass, and no rewrite.",
	  .rank = RANK_PUBLIC + 1,
	  .run = check_target_arrives },
	{ .name = "range-arrives",
	  .asks = "do Range and If-Range arrive?",
	  .meaning = "An iPhone plays nothing, and elsewhere a seek begins at the start.",
	  .remedy = "Let the proxy pass on Range and If-Range, and cache nothing.",
	  .rank = RANK_PUBLIC + 1,
	  .run = check_range_arrives },
	{ .name = "version-arrives",
	  .asks = "does the proxy speak HTTP/1.1 to callspool?",
	  .meaning = "Each piece of a play costs a new connection, and sound of unknown length "
		     "waits for its end.",
	  .remedy = "Let it speak HTTP/1.1.",
	  .rank = RANK_PUBLIC + 2,
	  .run = check_version_arrives },
	{ .name = "connection-kept",
	  .asks = "does the proxy keep its connections to callspool?",
	  .meaning = "Each piece of a play costs a new connection; under load ports run out, and "
		     "plays end in 502.",
	  .remedy = "Let it send no Connection header of its own.",
	  .rank = RANK_PUBLIC + 2,
	  .run = check_connection_kept },
	{ .name = "host-arrives",
	  .asks = "is callspool told by which name it was asked?",
	  .meaning = "With auth = none it can be answered 403; where public_url is not set, links "
		     "lead to the wrong place, and its page is taken for another's.",
	  .remedy = "Let the proxy pass on Host.",
	  .rank = RANK_PUBLIC + 2,
	  .run = check_host_arrives },
	{ .name = "client-arrives",
	  .asks = "is callspool told who asks?",
	  .meaning = "Who tries too often is told by address: one stranger keeps everybody from "
		     "signing in.",
	  .remedy = "Let the proxy send X-Forwarded-For, and name it in trusted_proxies.",
	  .rank = RANK_PUBLIC + 2,
	  .run = check_client_arrives },
	{ .name = "first-bytes",
	  .asks = "does it play on an iPhone, which asks for bytes=0-1 first?",
	  .meaning = "An iPhone plays nothing.",
	  .remedy = RANGE_AS_IT_IS,
	  .rank = RANK_PLAYBACK,
	  .run = check_first_bytes },
	{ .name = "whole",
	  .asks = "does all of it arrive, byte for byte?",
	  .meaning = "A play ends early, or is noise.",
	  .remedy = "Let the proxy change nothing of a body.",
	  .rank = RANK_PLAYBACK,
	  .run = check_whole },
	{ .name = "open-ended",
	  .asks = "does it play in Chrome, which asks for bytes=0-?",
	  .meaning = "In Chrome the length is unknown, and a seek does nothing.",
	  .remedy = RANGE_AS_IT_IS,
	  .rank = RANK_PLAYBACK + 1,
	  .run = check_open_ended },
	{ .name = "seek",
	  .asks = "does a seek play from where it was clicked?",
	  .meaning = "A seek jumps to the start, or ends the play.",
	  .remedy = RANGE_AS_IT_IS,
	  .rank = RANK_PLAYBACK + 1,
	  .run = check_seek },
	{ .name = "piece",
	  .asks = "does a piece from the middle arrive as it was asked for?",
	  .meaning = "An iPhone stops in the middle.",
	  .remedy = "Let the proxy pass on Range and its answer as they are; no slices.",
	  .rank = RANK_PLAYBACK + 1,
	  .run = check_piece },
	{ .name = "suffix",
	  .asks = "do the last bytes arrive, by which some players find the length?",
	  .meaning = "Some players do not find out how long it is.",
	  .remedy = RANGE_AS_IT_IS,
	  .rank = RANK_PLAYBACK + 2,
	  .run = check_suffix },
	{ .name = "if-range",
	  .asks = "is a play resumed where it broke off?",
	  .meaning = "A play that broke off begins anew.",
	  .remedy = "Let the proxy pass on If-Range, and ETag as it is.",
	  .rank = RANK_PLAYBACK + 2,
	  .run = check_if_range },
	{ .name = "if-range-other",
	  .asks = "is a play of other bytes begun anew, and not pieced together?",
	  .meaning =
		  "After a recording was fetched anew a resumed play is pieced together from two.",
	  .remedy = "Let the proxy pass on If-Range.",
	  .rank = RANK_PLAYBACK + 2,
	  .run = check_if_range_other },
	{ .name = "head",
	  .asks = "is HEAD answered with length and type?",
	  .meaning = "Players that look before they play find no length.",
	  .remedy = "Let the proxy pass on HEAD as HEAD.",
	  .rank = RANK_PLAYBACK + 2,
	  .run = check_head },
	{ .name = "head-range",
	  .asks = "is curl -I with a Range answered 206?",
	  .meaning = "Players that ask whether ranges are served are told that they are not.",
	  .remedy = "Let the proxy pass on HEAD as HEAD, with Range.",
	  .rank = RANK_PLAYBACK + 2,
	  .run = check_head_range },
	{ .name = "beyond-end",
	  .asks = "is a Range behind the end answered 416, with the length?",
	  .meaning = "A player that asks behind the end asks for ever.",
	  .remedy = "Let the proxy pass on 416 as it is.",
	  .rank = RANK_PLAYBACK + 2,
	  .run = check_beyond },
	{ .name = "not-compressed",
	  .asks = "does sound arrive uncompressed where the player would take gzip?",
	  .meaning = "A seek is impossible, and the length is not known.",
	  .remedy = "Take audio/mpeg and audio/wav out of what the proxy compresses.",
	  .rank = RANK_PLAYBACK + 1,
	  .run = check_compressed },
	{ .name = "flight-first-bytes",
	  .asks = "does an iPhone play what is still arriving?",
	  .meaning = "A call that has just ended does not play on an iPhone.",
	  .remedy = RANGE_AS_IT_IS,
	  .rank = RANK_PLAYBACK + 1,
	  .run = check_flight_first },
	{ .name = "flight-whole",
	  .asks = "does all of what is still arriving arrive?",
	  .meaning = "A play of a call that has just ended is cut off.",
	  .remedy =
		  "Let the proxy wait while bytes come: proxy_read_timeout is between two of them.",
	  .rank = RANK_PLAYBACK + 1,
	  .run = check_flight_whole },
	{ .name = "flight-at-once",
	  .asks = "is the beginning heard while the rest still arrives?",
	  .meaning = SOUND_LATE,
	  .remedy = "Let the proxy not buffer.",
	  .rank = RANK_PLAYBACK,
	  .run = check_flight_at_once },
	{ .name = "stored",
	  .asks = "does the newest recording that is stored play?",
	  .meaning = "What is stored does not play.",
	  .remedy = "See the log; callspool retry CA... fetches it anew.",
	  .rank = RANK_PLAYBACK,
	  .run = check_stored },
	{ .name = "private",
	  .asks = "is a play that is not signed in refused, though another was just before?",
	  .meaning = "Strangers hear what others have heard: a shared cache keeps recordings.",
	  .remedy = "Let nothing between cache what callspool calls private.",
	  .rank = RANK_PUBLIC,
	  .run = check_private },
	{ .name = "errors",
	  .asks = "do callspool's own errors arrive, and not a page in their place?",
	  .meaning = "The page cannot say why a call does not play.",
	  .remedy = "Let the proxy pass errors on as they are.",
	  .rank = RANK_PLAYBACK + 2,
	  .run = check_errors },
	{ .name = "cors",
	  .asks = "may a page of another origin that is listed play?",
	  .meaning = "The product whose page this is plays nothing.",
	  .remedy = "Let the proxy answer no OPTIONS itself, and add no Access-Control header.",
	  .rank = RANK_PLAYBACK + 1,
	  .run = check_cors },
	{ .name = "events",
	  .asks = "is a WebSocket of the page's opened?",
	  .meaning = "New calls appear late: the page asks for them instead.",
	  .remedy = "Let the proxy pass on Upgrade.",
	  .rank = RANK_PLAYBACK + 3,
	  .run = check_events },
};

const struct check_group playback_checks = {
	.name = "playback",
	.title = "Playback",
	.checks = checks,
	.count = ARRAY_LEN(checks),
};
