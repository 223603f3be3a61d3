#include "checkup/strategy_checks.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/own.h"
#include "doctor/deployment.h"
#include "doctor/duration_words.h"
#include "doctor/report.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX        1024
#define QUEUE_OLD_MS    (15 * 60 * 1000) /* a recording that waits longer is worth a look */
#define PLAYS_MIN       20               /* fewer tell nothing */
#define UNANNOUNCED_MIN 5                /* fewer may be on their way */
#define SHARE_MIN       95               /* of a hundred, from the store */

static int64_t number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

/* So many recordings are in that state. */
static int64_t count_state(const struct deployment *deployment, const char *state)
{
	return number(json_object_get(deployment->status, "recordings"), state);
}

static bool has_status(const struct deployment *deployment, struct report *report)
{
	if (deployment->status)
		return true;
	report_unchecked(report, "neither a server nor a ledger says what is here");
	return false;
}

/* ---- webhooks ---- */

/* callspool's own words: what stands before it refuses with the same status, and for reasons of its own. */
static bool says(const struct http_answer *answer, const char *words)
{
	struct str body = buf_str(&answer->body);

	return str_find_str(body, str_of(words)) < body.len;
}

static const char *name_refusal(const struct http_answer *answer)
{
	if (answer->status == 403 && says(answer, "\"code\":\"forbidden\""))
		return "Twilio's webhooks are refused: the address that is signed is not the one "
		       "that arrives";
	if (answer->status == 400 && says(answer, "X-Twilio-Signature"))
		return "Twilio's webhooks are refused: the signature does not come through the "
		       "proxy";
	if (answer->status == 401 || answer->status == 403)
		return "Twilio's webhooks are refused before they reach callspool";
	return "Twilio's webhooks do not reach callspool";
}

static const char *write_refusal(const struct http_answer *answer, const char *public_url)
{
	if (answer->status == 401)
		return "auth_basic off;    # for /webhook/: no sign-in";
	if (answer->status == 403)
		return says(answer, "\"code\":\"forbidden\"")
			       ? public_url
			       : "allow all;    # for /webhook/: no deny, no auth_request";
	return NULL;
}

static void tell_webhook(const struct deployment *deployment, const struct http_answer *answer,
			 struct report *report)
{
	AUTO(free)
	char *public_url = xasprintf("public_url = %s", deployment->places[PLACE_PUBLIC].url);
	char text[TEXT_MAX];
	struct buf looked;

	buf_over(&looked, text, sizeof(text));
	buf_addf(&looked, "POST %s%s, signed for %s: ", deployment->places[PLACE_PUBLIC].url,
		 deployment->probe.webhook_path, deployment->server.public_url);
	http_answer_describe(answer, &looked);
	report_finding(report, &(struct finding){
				       .says = name_refusal(answer),
				       .looked_at = text,
				       .expected = "200, as callspool answers what Twilio signed",
				       .write = write_refusal(answer, public_url),
			       });
}

static void check_webhook(struct deployment *deployment, struct report *report)
{
	__attribute__((cleanup(http_answer_release_at))) struct http_answer answer = { 0 };
	const struct place *place = &deployment->places[PLACE_PUBLIC];
	const struct probe_facts *probe = &deployment->probe;
	AUTO(free)
	char *signature = xasprintf("X-Twilio-Signature: %s",
				    probe->webhook_signature ? probe->webhook_signature : "");
	const char *const headers[] = {
		signature, "Content-Type: application/x-www-form-urlencoded; charset=UTF-8",
		"User-Agent: TwilioProxy/1.1", NULL
	};
	const struct place_ask ask = { .method = "POST",
				       .path = probe->webhook_path,
				       .headers = headers,
				       .body = probe->webhook_body,
				       .is_signed_out = true };

	if (!probe->webhook_path) {
		report_lacking(report, probe->stored
					       ? "without public_url and an auth token nothing "
						 "can be signed"
					       : "no server runs that could sign one");
		return;
	}
	if (!place->url) {
		report_lacking(report, "there is no public address: see public-url");
		return;
	}
	if (place->silent) {
		report_left_out(report, "it follows from %s", place->silent);
		return;
	}
	deployment_ask(deployment, PLACE_PUBLIC, &ask, &answer);
	if (answer.status == 200)
		report_good(report, "one that is signed as Twilio does is taken, in %lld ms",
			    (long long)answer.total_ms);
	else
		tell_webhook(deployment, &answer, report);
}

static void check_webhooks_taken(struct deployment *deployment, struct report *report)
{
	const json_t *cause;
	size_t i;

	if (!has_status(deployment, report))
		return;
	json_array_foreach(json_object_get(deployment->status, "causes"), i, cause)
	{
		if (!str_starts(str_of(json_string_value(cause)), STR("Webhooks are refused")))
			continue;
		report_finding(report,
			       &(struct finding){ .says = json_string_value(cause),
						  .looked_at = "what callspool counts since "
							       "its start",
						  .expected = "webhooks that are taken",
						  .confirm = "callspool status" });
		return;
	}
	report_good(report, "none was refused since the last that was good");
}

/*
 * Calls that have a recording and began after the last webhook: of each a webhook should have come since.  Of the newest page
 * alone, which is enough.
 */
static size_t count_unannounced(const struct deployment *deployment, const char *last)
{
	__attribute__((cleanup(http_answer_release_at))) struct http_answer answer = { 0 };
	AUTO(free) char *path = xasprintf("/api/calls?from=%s&limit=200", last);
	const struct place_ask ask = { .path = path };
	const json_t *call;
	size_t i, count = 0;
	json_t *calls;

	if (!deployment->server.version)
		return 0;
	deployment_ask_server(deployment, &ask, &answer);
	calls = json_loadb(answer.body.at, answer.body.len, 0, NULL);
	json_array_foreach(json_object_get(calls, "calls"), i, call)
		count += number(call, "recording_count") > 0;
	json_decref(calls);
	return count;
}

static void tell_stopped(const char *last, size_t count, struct report *report)
{
	char text[TEXT_MAX];

	snprintf(text, sizeof(text), "%zu%s recorded calls began since the last webhook, %s", count,
		 count < 200 ? "" : " or more", last);
	report_finding(report, &(struct finding){
				       .severity = SEVERITY_WEAKENS,
				       .says = "webhooks come no longer: recordings are found by "
					       "Twilio's list alone",
				       .looked_at = text,
				       .expected = "one for each call, within seconds",
			       });
}

static void check_webhooks_come(struct deployment *deployment, struct report *report)
{
	const json_t *webhooks = json_object_get(deployment->status, "webhooks");
	const char *last = json_string_value(json_object_get(webhooks, "last_taken_at"));

	size_t unannounced;

	if (!has_status(deployment, report))
		return;
	unannounced = last ? count_unannounced(deployment, last) : 0;
	if (unannounced >= UNANNOUNCED_MIN) {
		tell_stopped(last, unannounced, report);
		return;
	}
	if (last || number(deployment->status, "calls") == 0) {
		report_good(report, "%s%s", last ? "the last came " : "there is no call yet",
			    last ? last : "");
		return;
	}
	report_finding(
		report,
		&(struct finding){
			.severity = SEVERITY_WEAKENS,
			.says = "no webhook has ever come: recordings are found by Twilio's list alone",
			.looked_at = "the events of the ledger",
			.expected = "one for each call, within seconds",
		});
}

/* ---- the queue ---- */

static void check_queue(struct deployment *deployment, struct report *report)
{
	const char *oldest =
		json_string_value(json_object_get(deployment->status, "oldest_queued_at"));
	char text[TEXT_MAX], room[DURATION_WORDS_SIZE];
	int64_t age_ms, since_ms;

	if (!has_status(deployment, report))
		return;
	if (!oldest) {
		report_good(report, "nothing waits to be fetched");
		return;
	}
	if (!clock_parse_date(str_of(oldest), &since_ms)) {
		report_unchecked(report, "it is not known since when the oldest waits: %s", oldest);
		return;
	}
	age_ms = clock_wall_ms() - since_ms;
	if (age_ms <= QUEUE_OLD_MS) {
		report_good(report, "the oldest waits since %s", oldest);
		return;
	}
	snprintf(text, sizeof(text), "%lld queued, %lld waiting; the oldest since %s, %s",
		 (long long)count_state(deployment, "queued"),
		 (long long)count_state(deployment, "waiting"), oldest,
		 duration_words(age_ms / 60000 * 60000, room));
	report_finding(report, &(struct finding){
				       .severity = SEVERITY_WEAKENS,
				       .says = "recordings wait to be fetched",
				       .looked_at = text,
				       .expected = "each fetched within seconds",
			       });
}

static void check_dead(struct deployment *deployment, struct report *report)
{
	int64_t dead = count_state(deployment, "dead");
	char text[TEXT_MAX];

	if (!has_status(deployment, report))
		return;
	if (dead == 0) {
		report_good(report, "none was given up");
		return;
	}
	snprintf(text, sizeof(text), "%lld recording%s in the state dead", (long long)dead,
		 dead > 1 ? "s" : "");
	report_finding(report, &(struct finding){
				       .says = "recordings were given up",
				       .looked_at = text,
				       .expected = "none",
				       .write = "callspool retry --all",
			       });
}

static void check_listed(struct deployment *deployment, struct report *report)
{
	const json_t *complete = json_object_get(deployment->status, "complete");
	const char *since = json_string_value(json_object_get(complete, "failing_since"));
	const char *says = json_string_value(json_object_get(complete, "text"));

	if (!has_status(deployment, report))
		return;
	if (!since) {
		report_good(report, "%s", says ? says : "it was not read yet");
		return;
	}
	AUTO(free)
	char *looked = xasprintf("it cannot be read since %s: %s", since,
				 json_string_value(json_object_get(complete, "failure")));

	report_finding(report, &(struct finding){
				       .severity = SEVERITY_WEAKENS,
				       .says = "Twilio's list of recordings cannot be read",
				       .looked_at = looked,
				       .expected = "that it is read every quarter of an hour",
			       });
}

/* ---- where plays come from ---- */

/* Of the last plays those that were found there. */
static uint64_t count_plays(struct str metrics, const char *source)
{
	AUTO(free)
	char *start = xasprintf("callspool_latest_plays{source=\"%s\"} ", source);
	struct str line;
	uint64_t count;

	while (str_cut(&metrics, '\n', &line))
		if (str_starts(line, str_of(start)) &&
		    str_to_u64(str_after(line, strlen(start)), &count))
			return count;
	return 0;
}

static void check_share(struct deployment *deployment, struct report *report)
{
	__attribute__((cleanup(http_answer_release_at))) struct http_answer answer = { 0 };
	const struct place_ask ask = { .path = "/metrics" };
	uint64_t all, stored, flight, share;
	char text[TEXT_MAX];

	if (!deployment->server.version) {
		report_lacking(report, "no server runs that counts plays");
		return;
	}
	deployment_ask_server(deployment, &ask, &answer);
	stored = count_plays(buf_str(&answer.body), "store");
	flight = count_plays(buf_str(&answer.body), "flight");
	all = stored + flight;
	if (all < PLAYS_MIN) {
		report_good(report, "%llu of the last plays are known: too few to judge",
			    (unsigned long long)all);
		return;
	}
	share = stored * 100 / all;
	snprintf(text, sizeof(text), "%llu of the last %llu plays came from the store",
		 (unsigned long long)stored, (unsigned long long)all);
	if (share >= SHARE_MIN) {
		report_good(report, "%s", text);
		return;
	}
	report_finding(report,
		       &(struct finding){
			       .severity = SEVERITY_WEAKENS,
			       .says = "recordings are fetched only when somebody plays them",
			       .looked_at = text,
			       .expected = "95 of 100 that are here before",
		       });
}

static const struct check checks[] = {
	{ .name = "webhook",
	  .asks = "is a webhook that is signed as Twilio does taken through the public address?",
	  .meaning =
		  "No recording is fetched before somebody plays it, and what Twilio tells is lost.",
	  .remedy =
		  "Set public_url to the very address that Twilio was given, and let the proxy change "
		  "neither path nor body nor X-Twilio-Signature.",
	  .rank = RANK_PUBLIC,
	  .run = check_webhook },
	{ .name = "webhooks-taken",
	  .asks = "were Twilio's own webhooks taken?",
	  .meaning =
		  "No recording is fetched before somebody plays it, and what Twilio tells is lost.",
	  .remedy =
		  "See public_url and twilio.auth_token; callspool status tells who sent the last.",
	  .rank = RANK_STRATEGY,
	  .run = check_webhooks_taken },
	{ .name = "webhooks-come",
	  .asks = "does Twilio send webhooks at all?",
	  .meaning = "A play of the last quarter of an hour waits for Twilio.",
	  .remedy =
		  "Give Twilio the address of /webhook/recording-status as recordingStatusCallback.",
	  .rank = RANK_STRATEGY + 1,
	  .run = check_webhooks_come },
	{ .name = "queue",
	  .asks = "is what waits to be fetched fetched soon?",
	  .meaning = "A play waits for Twilio, and ends with the reason after play_wait.",
	  .remedy = "callspool status says why: Twilio limits, refuses, or does not answer.",
	  .rank = RANK_STRATEGY + 1,
	  .run = check_queue },
	{ .name = "given-up",
	  .asks = "were recordings given up?",
	  .meaning = "Those do not play, and will not by themselves.",
	  .remedy = "Look at one in the calls page, mend the reason, and have them fetched again.",
	  .rank = RANK_STRATEGY,
	  .run = check_dead },
	{ .name = "list",
	  .asks = "is Twilio's list of recordings read?",
	  .meaning = "A recording whose webhook was lost is missing until somebody plays it.",
	  .remedy = "See the reason; the account's key needs the right to read recordings.",
	  .rank = RANK_STRATEGY + 1,
	  .run = check_listed },
	{ .name = "from-store",
	  .asks = "are recordings here before they are played?",
	  .meaning = "Plays wait for Twilio: where that is slow, so are they.",
	  .remedy = "See webhook, webhooks-come and queue.",
	  .rank = RANK_STRATEGY + 2,
	  .run = check_share },
};

const struct check_group strategy_checks = {
	.name = "strategy",
	.title = "Strategy",
	.checks = checks,
	.count = ARRAY_LEN(checks),
};
