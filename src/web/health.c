#include "web/health.h"

#include "base/json.h"
#include "purge/purge_pause.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#define OLD_QUEUE_MS (15 * 60 * 1000) /* a recording that waits longer is worth a look */
#define LIST_LATE_MS (60 * 60 * 1000) /* a list that cannot be read for longer is worth a look */
#define OLD_NOTICE_MS \
	(60 * 60 * 1000) /* so is one that waits for longer, though others are taken */
#define NOTIFY_LATE_MS \
	(15 * 60 * 1000) /* a receiver that takes nothing for longer is worth a look */
#define PEER_LATE_MS (30 * 1000)
#define MINUTE_MS    (60 * 1000)

/* ---- causes ---- */

PRINTF_LIKE(2, 3)
static void add(struct health_causes *causes, const char *fmt, ...)
{
	va_list args;

	assert(causes->count < HEALTH_CAUSES_MAX);
	va_start(args, fmt);
	vsnprintf(causes->text[causes->count++], HEALTH_CAUSE_SIZE, fmt, args);
	va_end(args);
}

/*
 * A webhook that names one of our accounts and does not match its token is hardly a stranger's: it
 * is a cause until the next good one.  The others anybody can send; they are one only where
 * none was good since the start, as when the account is not the one that is configured.
 */
static void judge_webhooks(const struct webhook_counts *counts, struct health_causes *causes)
{
	if (counts->last_refused_at_ms[WEBHOOK_WRONG_SIGNATURE] > counts->last_taken_at_ms)
		add(causes,
		    "Webhooks are refused: their signature does not match public_url and the auth token of "
		    "their account (%lld so far, the last good one %s).",
		    (long long)counts->refused[WEBHOOK_WRONG_SIGNATURE],
		    counts->taken > 0 ? "before that" : "never since the start");
	if (counts->refused[WEBHOOK_NO_PUBLIC_URL] > 0)
		add(causes, "Webhooks are refused: public_url is not set (%lld so far).",
		    (long long)counts->refused[WEBHOOK_NO_PUBLIC_URL]);
	if (counts->taken > 0)
		return;
	if (counts->refused[WEBHOOK_UNKNOWN_ACCOUNT] > 0)
		add(causes,
		    "Webhooks are refused: their AccountSid is not configured (%lld so far).",
		    (long long)counts->refused[WEBHOOK_UNKNOWN_ACCOUNT]);
	if (counts->refused[WEBHOOK_UNSIGNED] > 0)
		add(causes,
		    "Webhooks are refused: they have no X-Twilio-Signature (%lld so far); does the proxy "
		    "pass it on?",
		    (long long)counts->refused[WEBHOOK_UNSIGNED]);
}

static void judge_upstream(const struct health_facts *facts, struct health_causes *causes)
{
	const struct upstream_facts *upstream = &facts->upstream;

	if (upstream->refused_count > 0)
		add(causes,
		    "Twilio refuses the credentials of %u account%s (%s): check twilio.auth_token or "
		    "twilio.api_key.",
		    upstream->refused_count, upstream->refused_count > 1 ? "s" : "",
		    upstream->refused_account);
	if (upstream->outage_since_ms != 0)
		add(causes, "Twilio does not answer as it should, for %lld minutes now: %s",
		    (long long)((facts->now_ms - upstream->outage_since_ms) / MINUTE_MS),
		    upstream->outage_text);
}

static void judge_queue(const struct health_facts *facts, struct health_causes *causes)
{
	int64_t dead = facts->counts.recordings[RECORDING_DEAD];
	int64_t oldest_ms = facts->counts.oldest_queued_at_ms;

	if (dead > 0)
		add(causes, "There are dead letters: %lld recordings were given up.",
		    (long long)dead);
	if (oldest_ms != 0 && facts->now_ms - oldest_ms > OLD_QUEUE_MS)
		add(causes, "A recording waits to be fetched for %lld minutes.",
		    (long long)((facts->now_ms - oldest_ms) / MINUTE_MS));
	if (facts->counts.events_set_aside > 0)
		add(causes,
		    "%lld event%s could not be worked into the ledger, and %s set aside: see the log.",
		    (long long)facts->counts.events_set_aside,
		    facts->counts.events_set_aside > 1 ? "s" : "",
		    facts->counts.events_set_aside > 1 ? "are" : "is");
}

/* Counted from the start at most: what failed before is tried at once. */
static void judge_list(const struct health_facts *facts, struct health_causes *causes)
{
	const struct completeness *completeness = &facts->completeness;
	int64_t since_ms = completeness->failing_since_ms;

	if (!facts->reconciles || since_ms == 0)
		return;
	if (since_ms < facts->started_at_ms)
		since_ms = facts->started_at_ms;
	if (facts->now_ms - since_ms > LIST_LATE_MS)
		add(causes,
		    "Twilio's list of recordings of account %s cannot be read for %lld minutes now, so that "
		    "one whose webhook is lost is not found: %.160s",
		    completeness->failing_account,
		    (long long)((facts->now_ms - since_ms) / MINUTE_MS), completeness->failure);
}

static void judge_disk(const struct health_facts *facts, struct health_causes *causes)
{
	if (!facts->store_answers)
		add(causes, "The store does not answer.");
	else if (facts->free_bytes < facts->min_free_bytes)
		add(causes, "The disk has less room than min_free: nothing more is fetched.");
	if (facts->reserve == RESERVE_SPENT)
		add(causes, "The disk was full: webhooks use the room that is kept for them.");
	if (facts->reserve == RESERVE_EXHAUSTED)
		add(causes, "The disk is full, and so is what was kept for webhooks: they are "
			    "answered 503.");
}

/* What the ledger says is stored, and is not; those of unknown recordings where no more can be done. */
static int64_t count_losses(const struct store_fault_counts *faults, enum store_fault_state state)
{
	int64_t count = state == STORE_FAULT_STAYS ? faults->of[state][STORE_FAULT_UNKNOWN] : 0;

	for (enum store_fault_kind kind = 0; kind < STORE_FAULT_KINDS; kind++)
		if (store_fault_is_loss(kind))
			count += faults->of[state][kind];
	return count;
}

static void judge_store(const struct health_facts *facts, struct health_causes *causes)
{
	int64_t open = count_losses(&facts->faults, STORE_FAULT_OPEN);
	int64_t mending = count_losses(&facts->faults, STORE_FAULT_MENDING);
	int64_t stays = count_losses(&facts->faults, STORE_FAULT_STAYS);

	for (int pass = 0; pass < VERIFICATION_PASSES; pass++)
		if (facts->verified[pass].failure[0]) {
			add(causes, "The store cannot be compared with the ledger: %.200s.",
			    facts->verified[pass].failure);
			break;
		}
	if (open > 0)
		add(causes,
		    "Of %lld recordings the stored file is missing or damaged: callspool verify.",
		    (long long)open);
	if (mending > 0)
		add(causes,
		    "Of %lld recordings the stored file was missing or damaged: they are fetched again.",
		    (long long)mending);
	if (stays > 0)
		add(causes,
		    "%lld damaged files of the store cannot be mended: callspool verify tells of them, "
		    "and with --accept that they are known.",
		    (long long)stays);
}

static void judge_trouble(const struct trouble_facts *trouble, const char *what,
			  struct health_causes *causes)
{
	if (trouble->for_ms >= 0 && trouble->text[0])
		add(causes, "%s, for %lld seconds now: %.200s", what,
		    (long long)(trouble->for_ms / 1000), trouble->text);
}

static void judge_troubles(const struct health_facts *facts, struct health_causes *causes)
{
	judge_trouble(&facts->ledger.writing, "The ledger cannot be written", causes);
	judge_trouble(&facts->ledger.reading, "Not all of the ledger can be read", causes);
	judge_trouble(&facts->store_writing, "The store takes no files", causes);
	judge_trouble(&facts->store_reading, "Stored files cannot be opened", causes);
}

/* One that is no more is buried sooner than this. */
static void judge_peer(const struct trouble_facts *peer, struct health_causes *causes)
{
	if (peer->for_ms >= PEER_LATE_MS)
		judge_trouble(peer,
			      "Another process cannot be asked for what it fetches, which plays "
			      "here only once it is stored",
			      causes);
}

static void judge_pause(const struct upkeep *pause, struct health_causes *causes)
{
	char text[HEALTH_CAUSE_SIZE - sizeof("Removal waits: .")];

	purge_pause_text(pause, text, sizeof(text));
	if (text[0])
		add(causes, "Removal waits: %s.", text);
}

static void judge_examination(const struct canary_word *examined, struct health_causes *causes)
{
	if (examined->is_broken)
		add(causes, "The server examined itself: %.200s.", examined->says);
}

static void judge_clock(const struct health_facts *facts, struct health_causes *causes)
{
	if (facts->clock != CLOCK_UNDOUBTED)
		add(causes, "This machine's clock is not believed: %.150s: set it right%s.",
		    facts->clock_err.text,
		    facts->clock == CLOCK_UNVOUCHED
			    ? ", or say that it is: callspool purge --trust-clock"
			    : "");
}

static void judge_notifier(const struct health_facts *facts, struct health_causes *causes)
{
	const struct notifier_facts *notifier = &facts->notifier;
	int64_t since_ms = notifier->ailing_since_ms;

	if (notifier->is_gone)
		add(causes,
		    "notify_url answered 410 (Gone): nothing is told to it until a restart, or callspool "
		    "retry --notify --all.");
	else if (since_ms != 0 && facts->now_ms - since_ms > NOTIFY_LATE_MS)
		add(causes, "notify_url takes nothing for %lld minutes now: %.200s",
		    (long long)((facts->now_ms - since_ms) / MINUTE_MS), notifier->failure);
	else if (notifier->is_on && facts->notices.oldest_at_ms != 0 &&
		 facts->now_ms - facts->notices.oldest_at_ms > OLD_NOTICE_MS)
		add(causes, "A webhook to notify_url waits for %lld minutes now: %.200s",
		    (long long)((facts->now_ms - facts->notices.oldest_at_ms) / MINUTE_MS),
		    notifier->failure[0] ? notifier->failure : "it takes them too slowly");
	if (facts->notices.dead > 0)
		add(causes,
		    "%lld webhook%s to notify_url %s given up: callspool retry --notify --list says why.",
		    (long long)facts->notices.dead, facts->notices.dead > 1 ? "s" : "",
		    facts->notices.dead > 1 ? "were" : "was");
}

void health_judge(const struct health_facts *facts, struct health_causes *out)
{
	out->count = 0;
	judge_webhooks(&facts->webhooks, out);
	judge_upstream(facts, out);
	judge_queue(facts, out);
	judge_list(facts, out);
	judge_disk(facts, out);
	judge_store(facts, out);
	judge_pause(&facts->purge_pause, out);
	judge_notifier(facts, out);
	judge_troubles(facts, out);
	judge_peer(&facts->peer, out);
	judge_examination(&facts->examined, out);
	judge_clock(facts, out);
}

/* ---- JSON ---- */

static void add_causes(struct json *json, const struct health_causes *causes)
{
	json_open(json, "causes", '[');
	for (unsigned i = 0; i < causes->count; i++)
		json_text(json, NULL, str_of(causes->text[i]));
	json_close(json, ']');
}

static void add_plays(struct json *json, const struct health_facts *facts)
{
	if (facts->started_at_ms == 0)
		return;
	json_open(json, "plays", '{');
	json_int(json, "from_store", (int64_t)facts->plays_stored);
	json_int(json, "all", (int64_t)facts->plays);
	json_close(json, '}');
}

static void add_span(struct json *json, const char *name, int64_t ms)
{
	if (ms == RETENTION_FOREVER)
		json_nothing(json, name);
	else
		json_int(json, name, ms / 1000);
}

static void add_retention(struct json *json, const struct retention_rules *rules)
{
	if (!rules)
		return;
	json_open(json, "retention", '{');
	add_span(json, "inbound", rules->general.ms[RETENTION_INBOUND]);
	add_span(json, "outbound", rules->general.ms[RETENTION_OUTBOUND]);
	add_span(json, "grace", rules->grace_ms);
	json_int(json, "accounts", (int64_t)rules->count);
	json_close(json, '}');
}

static void add_counts(struct json *json, const struct catalog_counts *counts)
{
	json_open(json, "recordings", '{');
	for (int state = 0; state < RECORDING_STATES; state++)
		json_int(json, recording_state_text((enum recording_state)state),
			 counts->recordings[state]);
	json_close(json, '}');
	json_int(json, "calls", counts->calls);
	json_int(json, "bytes_stored", counts->bytes_stored);
	json_date(json, "oldest_queued_at", counts->oldest_queued_at_ms);
	json_int(json, "events_waiting", counts->events_waiting);
	json_int(json, "events_set_aside", counts->events_set_aside);
}

static void add_store(struct json *json, const struct health_facts *facts)
{
	const struct verification *by_itself = &facts->verified[VERIFICATION_BY_ITSELF];
	const struct verification *asked = &facts->verified[VERIFICATION_ASKED];

	json_open(json, "store", '{');
	json_date(json, "compared_at",
		  asked->completed_at_ms > by_itself->completed_at_ms ? asked->completed_at_ms
								      : by_itself->completed_at_ms);
	json_int(json, "open", count_losses(&facts->faults, STORE_FAULT_OPEN));
	json_int(json, "mending", count_losses(&facts->faults, STORE_FAULT_MENDING));
	json_int(json, "stays", count_losses(&facts->faults, STORE_FAULT_STAYS));
	json_close(json, '}');
}

static void add_webhooks(struct json *json, const struct health_facts *facts)
{
	const struct webhook_counts *counts = &facts->webhooks;

	json_open(json, "webhooks", '{');
	json_date(json, "last_taken_at", facts->last_webhook_at_ms);
	if (facts->started_at_ms != 0) {
		json_int(json, "taken", counts->taken);
		json_open(json, "refused", '{');
		for (int refusal = 0; refusal < WEBHOOK_REFUSALS; refusal++)
			json_int(json, webhook_refusal_name((enum webhook_refusal)refusal),
				 counts->refused[refusal]);
		json_close(json, '}');
		json_date(json, "last_refused_at", webhook_last_refused_at_ms(counts));
		json_text(json, "last_refused_from",
			  counts->last_client[0] ? str_of(counts->last_client) : STR_NONE);
		json_text(json, "last_refused_to",
			  counts->last_origin[0] ? str_of(counts->last_origin) : STR_NONE);
		json_text(json, "public_url",
			  facts->public_url ? str_of(facts->public_url) : STR_NONE);
	}
	json_close(json, '}');
}

static void add_upstream(struct json *json, const struct upstream_facts *upstream)
{
	json_open(json, "fetching", '{');
	json_date(json, "last_stored_at", upstream->last_stored_at_ms);
	json_date(json, "outage_since", upstream->outage_since_ms);
	json_int(json, "accounts_refused", upstream->refused_count);
	json_close(json, '}');
}

static void add_notices(struct json *json, const struct health_facts *facts)
{
	const struct notifier_facts *notifier = &facts->notifier;

	json_open(json, "notify", '{');
	json_int(json, "waiting", facts->notices.waiting);
	json_date(json, "oldest_at", facts->notices.oldest_at_ms);
	json_int(json, "dead", facts->notices.dead);
	if (facts->started_at_ms != 0) {
		json_bool(json, "on", notifier->is_on);
		json_bool(json, "gone", notifier->is_gone);
		json_date(json, "failing_since", notifier->ailing_since_ms);
		json_text(json, "failure",
			  notifier->failure[0] ? str_of(notifier->failure) : STR_NONE);
	}
	json_close(json, '}');
}

static void add_word(struct json *json, const struct canary_word *examined)
{
	static const struct str verdicts[] = {
		[VERDICT_GOOD] = { "good", 4 },
		[VERDICT_FINDINGS] = { "findings", 8 },
		[VERDICT_UNCHECKED] = { "unchecked", 9 },
	};

	json_text(json, "checks", examined->at_ms != 0 ? verdicts[examined->verdict] : STR_NONE);
	json_date(json, "checked_at", examined->at_ms);
}

void health_write(const struct health_facts *facts, enum health_detail detail, struct json *json)
{
	struct health_causes causes;

	health_judge(facts, &causes);
	json_open(json, NULL, '{');
	json_text(json, "status", facts->started_at_ms != 0 ? STR("ok") : STR("stopped"));
	json_bool(json, "degraded", causes.count > 0);
	json_text(json, "version", STR(CALLSPOOL_VERSION));
	if (detail == HEALTH_WORD)
		add_word(json, &facts->examined);
	if (detail >= HEALTH_DETAILS) {
		json_date(json, "started_at", facts->started_at_ms);
		json_int(json, "free_bytes", (int64_t)facts->free_bytes);
		json_int(json, "min_free_bytes", (int64_t)facts->min_free_bytes);
		json_date(json, "disk_full_at", facts->disk_full_at_ms);
		add_retention(json, facts->retention);
		add_plays(json, facts);
		add_causes(json, &causes);
		completeness_write(&facts->completeness, &facts->counts, json);
		add_counts(json, &facts->counts);
		add_store(json, facts);
		canary_write(facts->canary, "checks", json);
	}
	if (detail == HEALTH_STATUS) {
		add_webhooks(json, facts);
		add_notices(json, facts);
		if (facts->started_at_ms != 0)
			add_upstream(json, &facts->upstream);
	}
	json_close(json, '}');
}
