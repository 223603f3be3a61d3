#include "checkup/bucket_checks.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/own.h"
#include "doctor/deployment.h"
#include "doctor/report.h"
#include "s3/s3.h"
#include "s3/s3_answer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 1024
#define WAIT_MS  10000
#define CLOCK_APART_S \
	60 /* a bucket refuses at 15 minutes, and addresses end early or late by that */
#define PROBE_KEY   "callspool.doctor"
#define PROBE_TEXT  "The doctor of callspool was here, and was not let to remove this.\n"
#define MARKER_KEY  "callspool.store"
#define ADDRESS_MAX 8192

/* ---- asking ---- */

/* The store of the settings that the doctor has; NULL: told why not, or left out. */
static struct s3 *open_bucket(const struct deployment *deployment, struct report *report)
{
	const struct s3_options *options = deployment->machine.s3;
	struct s3 *s3;
	struct err err;

	if (!options || !options->store) {
		report_left_out(report, "media lies in files");
		return NULL;
	}
	if (!s3_open(options, &s3, &err)) {
		report_unchecked(report, "%s", err.text);
		return NULL;
	}
	return s3;
}

static bool ask(struct s3 *s3, struct s3_request *request)
{
	request->is_once = true;
	request->limit_ms = WAIT_MS;
	request->into_fd = -1;
	return s3_ask_now(s3, request);
}

static bool ask_for_page(struct s3 *s3, struct s3_request *request)
{
	static const struct s3_pair query[] = { { "list-type", "2" }, { "max-keys", "1" } };

	*request = (struct s3_request){
		.method = S3_GET, .of_bucket = true, .query = query, .query_count = ARRAY_LEN(query)
	};
	return ask(s3, request);
}

/* ---- does it answer? ---- */

static void check_answers(struct deployment *deployment, struct report *report)
{
	AUTO(s3_free) struct s3 *s3 = open_bucket(deployment, report);
	AUTO(s3_request_release) struct s3_request request = { .of_bucket = true };
	AUTO(free) char *url = s3 ? s3_url(s3, STR("")) : NULL;
	AUTO(free) char *looked = NULL;

	if (!s3)
		return;
	if (ask_for_page(s3, &request)) {
		report_good(report, "%s answers", url);
		return;
	}
	looked = xasprintf("GET %s: %s", url, request.err.text);
	report_finding(report, &(struct finding){
				       .says = "the bucket does not answer as it should",
				       .looked_at = looked,
				       .expected = "a listing, with the key of the settings",
			       });
}

/* ---- by which clock? ---- */

static void check_clock(struct deployment *deployment, struct report *report)
{
	AUTO(s3_free) struct s3 *s3 = open_bucket(deployment, report);
	AUTO(s3_request_release) struct s3_request request = { .of_bucket = true };
	char text[TEXT_MAX];
	int64_t ahead_s;

	if (!s3)
		return;
	(void)!ask_for_page(s3, &request);
	if (request.date_ms == 0) {
		report_lacking(report, "the bucket does not say what time it is");
		return;
	}
	ahead_s = (clock_wall_ms() - request.date_ms) / 1000;
	if (ahead_s <= CLOCK_APART_S && ahead_s >= -CLOCK_APART_S) {
		report_good(report, "the bucket's clock and this machine's agree");
		return;
	}
	snprintf(text, sizeof(text), "this machine's clock is %" PRId64 " s %s the bucket's",
		 ahead_s < 0 ? -ahead_s : ahead_s, ahead_s < 0 ? "behind" : "ahead of");
	report_finding(report, &(struct finding){
				       .severity = SEVERITY_WEAKENS,
				       .says = "this machine's clock is not the bucket's",
				       .looked_at = text,
				       .expected = "less than a minute",
			       });
}

/* ---- does what is deleted go? ---- */

static bool put_probe(struct s3 *s3, struct err *err)
{
	AUTO(s3_request_release)
	struct s3_request request = { .method = S3_PUT,
				      .key = PROBE_KEY,
				      .bytes = STR(PROBE_TEXT),
				      .content_type = "text/plain" };

	if (ask(s3, &request))
		return true;
	*err = request.err;
	return false;
}

static bool remove_probe(struct s3 *s3, const char *version, struct err *err)
{
	const struct s3_pair query[] = { { "versionId", version ? version : "" } };
	AUTO(s3_request_release)
	struct s3_request request = { .method = S3_DELETE,
				      .key = PROBE_KEY,
				      .may_be_denied = true,
				      .query = version ? query : NULL,
				      .query_count = version ? 1 : 0 };

	if (ask(s3, &request) || request.err.kind == ERR_NOT_FOUND)
		return true;
	*err = request.err;
	return false;
}

static bool list_probe(struct s3 *s3, struct s3_listing *out, struct err *err)
{
	AUTO(free)
	char *prefix = xasprintf("%.*s" PROBE_KEY, STR_ARG(s3_prefix(s3)));
	const struct s3_pair query[] = { { "versions", "" }, { "prefix", prefix } };
	AUTO(s3_request_release)
	struct s3_request request = { .method = S3_GET,
				      .of_bucket = true,
				      .may_be_denied = true,
				      .query = query,
				      .query_count = ARRAY_LEN(query) };

	if (!ask(s3, &request)) {
		*err = request.err;
		return false;
	}
	return s3_listing_read(buf_str(&request.text), out) ||
	       err_set(err, ERR_UNAVAILABLE, "the bucket's listing is none");
}

static bool is_version(const struct s3_listed *listed)
{
	return listed->version_id && strcmp(listed->version_id, "null") != 0;
}

/* All that is left of it, and of probes before; *out_kept: some of it was a version that the bucket keeps. */
static bool remove_versions(struct s3 *s3, const struct s3_listing *page, bool *out_kept,
			    struct err *err)
{
	bool is_good = true;

	*out_kept = false;
	for (size_t i = 0; i < page->count; i++) {
		*out_kept = *out_kept || is_version(&page->at[i]);
		is_good = remove_probe(s3, is_version(&page->at[i]) ? page->at[i].version_id : NULL,
				       err) &&
			  is_good;
	}
	return is_good;
}

static void tell_versions(const char *looked_at, struct report *report)
{
	report_finding(
		report,
		&(struct finding){
			.says = "what is deleted stays in the bucket: it keeps versions, and the key may not "
				"remove them",
			.looked_at = looked_at,
			.expected = "s3:ListBucketVersions and s3:DeleteObjectVersion",
		});
}

static void check_versions(struct deployment *deployment, struct report *report)
{
	AUTO(s3_free) struct s3 *s3 = open_bucket(deployment, report);
	AUTO(s3_listing_release) struct s3_listing page = { .count = 0 };
	struct err err, ignored;
	bool is_kept;

	if (!s3)
		return;
	if (!put_probe(s3, &err)) {
		report_finding(report, &(struct finding){
					       .says = "nothing can be stored in the bucket",
					       .looked_at = err.text,
					       .expected = "s3:PutObject",
				       });
		return;
	}
	if (!list_probe(s3, &page, &err)) {
		(void)!remove_probe(s3, NULL, &ignored);
		if (err.kind == ERR_INVALID)
			report_good(
				report,
				"versions cannot be listed: only a bucket that keeps none forgets what is deleted");
		else
			report_unchecked(report, "%s", err.text);
		return;
	}
	if (!remove_versions(s3, &page, &is_kept, &err)) {
		(void)!remove_probe(s3, NULL, &ignored);
		if (is_kept)
			tell_versions(err.text, report);
		else
			report_finding(report,
				       &(struct finding){
					       .says = "nothing can be removed from the bucket",
					       .looked_at = err.text,
					       .expected = "s3:DeleteObject",
				       });
		return;
	}
	report_good(report, is_kept ? "what is deleted goes with all of its versions"
				    : "what is deleted goes");
}

/* ---- may players be sent there? ---- */

static char *address_of_marker(struct s3 *s3)
{
	static const struct s3_pair query[] = { { "response-content-type", "audio/mpeg" } };
	AUTO(buf_release) struct buf address;

	buf_init(&address, ADDRESS_MAX);
	return s3_presigned(s3, STR(MARKER_KEY), query, ARRAY_LEN(query), 60, &address)
		       ? buf_take(&address)
		       : NULL;
}

/*
 * Who asks: the page of the public address; where pages of others may play, too, nobody that has a name, for a redirect from one origin
 * to another takes it away.
 */
static char *origin_of(const struct deployment *deployment)
{
	const char *url = deployment->places[PLACE_PUBLIC].url
				  ? deployment->places[PLACE_PUBLIC].url
				  : "https://calls.example.com";
	struct str text = str_of(url);
	size_t host = str_find_str(text, STR("://")) + 3;
	size_t end = host + str_find(str_after(text, host), '/');

	if (deployment->server.other_origin)
		return xstrdup("null");
	return str_dup(str_first(text, end));
}

static bool is_played(const struct http_answer *answer)
{
	return answer->status == 206 && answer->body.len == 2 &&
	       str_eq(http_answer_header(answer, "Content-Type"), STR("audio/mpeg"));
}

static bool has_word(struct str list, struct str word)
{
	struct str piece;

	while (str_cut(&list, ',', &piece))
		if (str_eq_nocase(str_trim(piece), word) || str_eq(str_trim(piece), STR("*")))
			return true;
	return false;
}

static bool is_shared(const struct http_answer *answer, const char *origin)
{
	struct str allowed = http_answer_header(answer, "Access-Control-Allow-Origin");
	struct str exposed = http_answer_header(answer, "Access-Control-Expose-Headers");

	return (str_eq(allowed, STR("*")) || str_eq(allowed, str_of(origin))) &&
	       has_word(exposed, STR("Content-Range"));
}

static void tell_rule(const char *looked_at, const char *origin, struct report *report)
{
	AUTO(free)
	char *rule = xasprintf(
		"[{\"AllowedOrigins\": [\"%s\"], \"AllowedMethods\": [\"GET\"], \"AllowedHeaders\": "
		"[\"Range\"], \"ExposeHeaders\": [\"Accept-Ranges\", \"Content-Length\", "
		"\"Content-Range\", \"ETag\"], \"MaxAgeSeconds\": 3600}]",
		strcmp(origin, "null") == 0 ? "*" : origin);

	report_finding(report,
		       &(struct finding){
			       .severity = SEVERITY_WEAKENS,
			       .says = "pages may not read what they are sent to the bucket for",
			       .looked_at = looked_at,
			       .expected = "a CORS rule of the bucket",
			       .write = rule,
		       });
}

/* request: a page of it was asked for, which needs a key, and no end of it. */
static void tell_unsigned(const struct s3_request *request, struct report *report)
{
	report_finding(
		report,
		&(struct finding){
			.says = "players are not sent to the bucket, for how long its session "
				"token is good is not known",
			.looked_at = request->succeeded ? "s3.session_token" : request->err.text,
			.expected = "a key that lasts, or one that is lent "
				    "(s3.container_url, s3.instance_url)",
			.write = "store_redirect = off",
		});
}

static void check_redirect(struct deployment *deployment, struct report *report)
{
	__attribute__((cleanup(http_answer_release_at))) struct http_answer answer = { 0 };
	AUTO(s3_request_release) struct s3_request request = { .s3 = NULL };
	AUTO(s3_free) struct s3 *s3 = NULL;
	AUTO(free) char *address = NULL, *origin = origin_of(deployment);
	AUTO(free) char *header = xasprintf("Origin: %s", origin);
	const char *headers[] = { header, "Range: bytes=0-1", NULL };
	const struct http_ask play = { .headers = headers, .limit_ms = WAIT_MS };
	struct http_ask asked = play;
	char text[TEXT_MAX];
	struct buf looked;

	if (deployment->machine.s3 && deployment->machine.s3->store &&
	    !deployment->machine.redirects) {
		report_left_out(report, "store_redirect is off");
		return;
	}
	s3 = open_bucket(deployment, report);
	if (!s3)
		return;
	(void)!ask_for_page(s3, &request); /* keys that are to be lent are there behind it */
	address = address_of_marker(s3);
	if (!address) {
		tell_unsigned(&request, report);
		return;
	}
	asked.url = address;
	asked.is_cancelled = deployment->is_cancelled;
	http_ask(&asked, &answer);
	buf_over(&looked, text, sizeof(text));
	buf_addf(&looked, "GET %s/%s, signed: ", s3_origin(s3), MARKER_KEY);
	http_answer_describe(&answer, &looked);
	if (answer.status == 404)
		report_lacking(report, "there is no %s there yet: no server has begun", MARKER_KEY);
	else if (!is_played(&answer))
		report_finding(report,
			       &(struct finding){
				       .says = "players cannot play what they are sent to the "
					       "bucket for",
				       .looked_at = text,
				       .expected = "206, two bytes, audio/mpeg",
				       .write = "store_redirect = off",
			       });
	else if (!is_shared(&answer, origin))
		tell_rule(text, origin, report);
	else
		report_good(report, "%s plays for %s in %lld ms", s3_origin(s3), origin,
			    (long long)answer.total_ms);
}

static const struct check checks[] = {
	{ .name = "bucket-answers",
	  .asks = "does the bucket answer?",
	  .meaning = "What is not in the cache does not play, and what arrives is not stored.",
	  .remedy =
		  "Set store, s3.endpoint, s3.region and the key as the store has them, and let the key list, read, write and remove (docs/scaling.md).",
	  .rank = RANK_SERVER,
	  .run = check_answers },
	{ .name = "bucket-clock",
	  .asks = "does this machine's clock agree with the bucket's?",
	  .meaning =
		  "From 15 minutes on the bucket refuses each request; nearer, addresses that players are sent to end early.",
	  .remedy = "Have the clock set by NTP: timedatectl set-ntp true.",
	  .rank = RANK_SERVER,
	  .run = check_clock },
	{ .name = "bucket-versions",
	  .asks = "does what is deleted go from the bucket?",
	  .meaning =
		  "Recordings that were deleted, by people or by retention, stay in the bucket for ever.",
	  .remedy = "Let the key list and remove versions, or have the bucket keep none.",
	  .rank = RANK_SERVER,
	  .run = check_versions },
	{ .name = "bucket-redirect",
	  .asks = "can players play from the bucket (store_redirect)?",
	  .meaning =
		  "Players that are sent to the bucket hear nothing, or pages cannot read what they play.",
	  .remedy = "Set the rule on the bucket, and let players reach it.",
	  .rank = RANK_PLAYBACK,
	  .run = check_redirect },
};

const struct check_group bucket_checks = {
	.name = "bucket",
	.title = "Bucket",
	.checks = checks,
	.count = ARRAY_LEN(checks),
};
