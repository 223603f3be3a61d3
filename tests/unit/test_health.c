#include "base/buf.h"
#include "base/json.h"
#include "tap.h"
#include "web/health.h"

#include <string.h>

#define NOW    INT64_C(1700000000000)
#define MINUTE (60 * 1000)

/* A server on which all is well. */
static struct health_facts well(void)
{
	return (struct health_facts){
		.now_ms = NOW,
		.started_at_ms = NOW - 60 * MINUTE,
		.store_answers = true,
		.free_bytes = 1000,
		.min_free_bytes = 1000,
		.webhooks = { .taken = 5, .last_taken_at_ms = NOW - MINUTE },
	};
}

/* The only cause, or "" when there is none, or "several". */
static const char *cause_of(const struct health_facts *facts)
{
	static struct health_causes causes;

	health_judge(facts, &causes);
	return causes.count == 0 ? "" : causes.count == 1 ? causes.text[0] : "several";
}

#define CAUSE(facts, part, name)                                                         \
	OK(part[0] ? strstr(cause_of(facts), part) != NULL : cause_of(facts)[0] == '\0', \
	   "%s: '%s'", name, cause_of(facts))

static void check_webhooks(void)
{
	struct health_facts facts = well();
	struct webhook_counts *counts = &facts.webhooks;

	CAUSE(&facts, "", "all is well");
	counts->refused[WEBHOOK_WRONG_SIGNATURE] = 3;
	counts->last_refused_at_ms[WEBHOOK_WRONG_SIGNATURE] = NOW - 2 * MINUTE;
	CAUSE(&facts, "", "a wrong signature before the last good webhook");
	counts->last_refused_at_ms[WEBHOOK_WRONG_SIGNATURE] = NOW;
	CAUSE(&facts, "public_url", "a wrong signature after it");
	facts = well();
	counts->refused[WEBHOOK_UNKNOWN_ACCOUNT] = counts->refused[WEBHOOK_UNSIGNED] = 1;
	CAUSE(&facts, "", "a stranger's, when there were good ones");
	counts->taken = 0;
	counts->refused[WEBHOOK_UNSIGNED] = 0;
	CAUSE(&facts, "AccountSid", "an unknown account, when there were none");
	counts->refused[WEBHOOK_UNKNOWN_ACCOUNT] = 0;
	counts->refused[WEBHOOK_UNSIGNED] = 1;
	CAUSE(&facts, "X-Twilio-Signature", "no signature, when there were none");
	facts = well();
	counts->refused[WEBHOOK_NO_PUBLIC_URL] = 1;
	CAUSE(&facts, "public_url is not set", "no public_url");
}

static void check_fetching(void)
{
	struct health_facts facts = well();

	facts.upstream.refused_count = 1;
	str_fit(STR("AC1"), facts.upstream.refused_account, sizeof(facts.upstream.refused_account));
	CAUSE(&facts, "1 account (AC1)", "an account that is refused");
	facts.upstream.refused_count = 2;
	CAUSE(&facts, "2 accounts (AC1", "two");
	facts = well();
	facts.upstream.outage_since_ms = NOW - 7 * MINUTE;
	str_fit(STR("It answered 503."), facts.upstream.outage_text,
		sizeof(facts.upstream.outage_text));
	CAUSE(&facts, "for 7 minutes now: It answered 503.", "an outage");
	facts = well();
	facts.counts.recordings[RECORDING_DEAD] = 2;
	CAUSE(&facts, "2 recordings were given up", "dead letters");
	facts = well();
	facts.counts.oldest_queued_at_ms = NOW - 15 * MINUTE;
	CAUSE(&facts, "", "a recording that waits for 15 minutes");
	facts.counts.oldest_queued_at_ms = NOW - 20 * MINUTE;
	CAUSE(&facts, "20 minutes", "for longer");
	facts = well();
	facts.counts.events_set_aside = 3;
	CAUSE(&facts, "3 events", "events that are set aside");
}

static void check_notifier(void)
{
	struct health_facts facts = well();

	facts.notices.waiting = 5;
	facts.notices.oldest_at_ms = NOW - 90 * MINUTE;
	CAUSE(&facts, "", "webhooks that wait where nobody is to be told");
	facts.notifier.is_on = true;
	CAUSE(&facts, "waits for 90 minutes now: it takes them too slowly", "one that waits");
	str_fit(STR("answered 500"), facts.notifier.failure, sizeof(facts.notifier.failure));
	facts.notifier.ailing_since_ms = NOW - 16 * MINUTE;
	CAUSE(&facts, "takes nothing for 16 minutes now: answered 500", "a receiver that is away");
	facts.notifier.is_gone = true;
	CAUSE(&facts, "410", "one that is gone");
	facts = well();
	facts.notifier.is_on = true;
	facts.notifier.ailing_since_ms = NOW - 15 * MINUTE;
	facts.notices.oldest_at_ms = NOW - 60 * MINUTE;
	CAUSE(&facts, "", "one that is away for a while");
	facts.notices.dead = 1;
	CAUSE(&facts, "1 webhook to notify_url was given up", "a dead letter");
}

static void check_disk(void)
{
	struct health_facts facts = well();

	facts.free_bytes = 999;
	CAUSE(&facts, "min_free", "less room than min_free");
	facts.store_answers = false;
	CAUSE(&facts, "store does not answer", "no answer from the store");
	facts = well();
	facts.reserve = RESERVE_SPENT;
	CAUSE(&facts, "use the room", "the reserve is spent");
	facts.reserve = RESERVE_EXHAUSTED;
	CAUSE(&facts, "503", "and more than that");
}

static void check_store(void)
{
	struct health_facts facts = well();

	facts.faults.of[STORE_FAULT_OPEN][STORE_FAULT_FOREIGN] = 3;
	facts.faults.of[STORE_FAULT_MENDING][STORE_FAULT_OLD] = 3;
	facts.faults.of[STORE_FAULT_MENDED][STORE_FAULT_BYTES] = 3;
	facts.faults.of[STORE_FAULT_ACCEPTED][STORE_FAULT_MISSING] = 3;
	CAUSE(&facts, "", "foreign files, leftovers, and what is over");
	facts.faults.of[STORE_FAULT_OPEN][STORE_FAULT_UNREADABLE] = 2;
	CAUSE(&facts, "Of 2 recordings", "losses that nobody mends");
	facts = well();
	facts.faults.of[STORE_FAULT_MENDING][STORE_FAULT_MISSING] = 1;
	facts.faults.of[STORE_FAULT_MENDING][STORE_FAULT_BYTES] = 1;
	CAUSE(&facts, "Of 2 recordings the stored file was", "those that are fetched again");
	facts = well();
	facts.faults.of[STORE_FAULT_STAYS][STORE_FAULT_SIZE] = 1;
	facts.faults.of[STORE_FAULT_STAYS][STORE_FAULT_UNKNOWN] = 1;
	CAUSE(&facts, "2 damaged files", "those that stay so");
	facts = well();
	str_fit(STR("is its disk mounted?"), facts.verified[VERIFICATION_BY_ITSELF].failure,
		VERIFICATION_TEXT_SIZE);
	CAUSE(&facts, "mounted?", "a store that cannot be looked at");
	facts = well();
	facts.purge_pause = (struct upkeep){ .at_ms = 1, .count = UPKEEP_PAUSE_RESTORED };
	CAUSE(&facts, "Removal waits: the ledger was restored", "a ledger that was brought back");
	facts.purge_pause.count = UPKEEP_PAUSE_OVER;
	CAUSE(&facts, "", "once that is over");
}

static void check_troubles(void)
{
	struct health_facts facts = well();

	facts.ledger.writing = (struct trouble_facts){ .for_ms = -1, .text = "of before" };
	CAUSE(&facts, "", "a trouble that is over");
	facts.ledger.writing = (struct trouble_facts){ 12000, "SQLite: database is locked" };
	CAUSE(&facts, "cannot be written, for 12 seconds now: SQLite: database is locked",
	      "a ledger that is locked");
	facts = well();
	facts.ledger.reading = (struct trouble_facts){ 0, "SQLite: damaged" };
	CAUSE(&facts, "Not all of the ledger can be read", "one that is damaged");
	facts = well();
	facts.store_writing = (struct trouble_facts){ 0, "Read-only file system" };
	CAUSE(&facts, "takes no files", "a store that is read-only");
	facts = well();
	facts.store_reading = (struct trouble_facts){ 0, "Too many open files" };
	CAUSE(&facts, "cannot be opened", "no descriptor that is left");
	facts = well();
	facts.peer = (struct trouble_facts){ 29999, "10.0.0.5:8081: refused" };
	CAUSE(&facts, "", "a process that may just have been killed");
	facts.peer.for_ms = 30000;
	CAUSE(&facts, "Another process cannot be asked for what it fetches",
	      "one that is not reached for long");
	facts.peer.for_ms = -1;
	CAUSE(&facts, "", "and is again");
}

/* There is room for all causes that can hold at once. */
static void check_all(void)
{
	struct health_facts facts = well();
	struct health_causes causes;

	facts.webhooks.taken = 0;
	facts.webhooks.last_taken_at_ms = 0;
	for (int i = 0; i < WEBHOOK_REFUSALS; i++) {
		facts.webhooks.refused[i] = 1;
		facts.webhooks.last_refused_at_ms[i] = NOW;
	}
	facts.upstream.refused_count = 1;
	facts.upstream.outage_since_ms = 1;
	facts.counts.recordings[RECORDING_DEAD] = 1;
	facts.counts.oldest_queued_at_ms = 1;
	facts.counts.events_set_aside = 1;
	facts.free_bytes = 0;
	facts.reserve = RESERVE_SPENT;
	facts.notifier.is_gone = true;
	facts.notices.dead = 1;
	facts.clock = CLOCK_CONTRADICTED;
	facts.clock_err.text[0] = '\0';
	facts.ledger.writing.text[0] = facts.ledger.reading.text[0] = '?';
	facts.store_writing.text[0] = facts.store_reading.text[0] = '?';
	facts.verified[VERIFICATION_ASKED].failure[0] = '?';
	for (enum store_fault_state state = STORE_FAULT_OPEN; state <= STORE_FAULT_STAYS; state++)
		facts.faults.of[state][STORE_FAULT_BYTES] = 1;
	facts.purge_pause = (struct upkeep){ .at_ms = NOW, .count = UPKEEP_PAUSE_RESTORED };
	health_judge(&facts, &causes);
	IS_INT(causes.count, 23, "all causes at once");
}

static void check_list(void)
{
	struct health_facts facts = well();

	facts.reconciles = true;
	facts.started_at_ms = NOW - 300 * MINUTE;
	facts.completeness.failing_since_ms = NOW - 60 * MINUTE;
	CAUSE(&facts, "", "a list that could not be read for an hour");
	facts.completeness.failing_since_ms = NOW - 61 * MINUTE;
	CAUSE(&facts, "for 61 minutes", "for longer");
	facts.started_at_ms = NOW - 60 * MINUTE;
	CAUSE(&facts, "", "before the start");
	facts.started_at_ms = NOW - 61 * MINUTE;
	CAUSE(&facts, "for 61 minutes", "and since");
	facts.reconciles = false;
	CAUSE(&facts, "", "one that is not read any more");
}

static void check_clock(void)
{
	struct health_facts facts = well();

	err_set(&facts.clock_err, ERR_UNAVAILABLE, "the clock says so, but it is not");
	CAUSE(&facts, "", "a clock that is believed");
	facts.clock = CLOCK_CONTRADICTED;
	CAUSE(&facts, "the clock says so, but it is not: set it right.", "one that is wrong");
	facts.clock = CLOCK_UNVOUCHED;
	CAUSE(&facts, "set it right, or say that it is: callspool purge --trust-clock.",
	      "one that a person may vouch for");
}

static const struct retention_rules rules = {
	.grace_ms = 23 * MINUTE,
	.general = { .ms = { RETENTION_FOREVER, RETENTION_FOREVER, 7 * MINUTE } },
	.count = 2,
};

static void check_retention(void)
{
	struct health_facts facts = well();
	struct json json;
	char text[4096];
	struct buf buf;

	facts.retention = &rules;
	buf_over(&buf, text, sizeof(text));
	json_start(&json, &buf);
	health_write(&facts, HEALTH_DETAILS, &json);
	OK(strstr(text, "\"retention\":{\"inbound\":null,\"outbound\":420,\"grace\":1380,"
			"\"accounts\":2}") != NULL,
	   "in seconds, null for ever: %s", text);
}

static bool tells(enum health_detail detail, const char *member)
{
	struct health_facts facts = well();
	char text[4096], name[64];
	struct json json;
	struct buf buf;

	facts.retention = &rules;
	buf_over(&buf, text, sizeof(text));
	json_start(&json, &buf);
	health_write(&facts, detail, &json);
	snprintf(name, sizeof(name), "\"%s\":", member);
	return buf_ok(&buf) && strstr(text, name) != NULL;
}

static void check_details(void)
{
	static const struct {
		const char *member;
		bool in_word, in_details, in_status;
	} rows[] = {
		{ "status", true, true, true },
		{ "degraded", true, true, true },
		{ "version", true, true, true },
		{ "causes", false, true, true },
		{ "complete", false, true, true },
		{ "recordings", false, true, true },
		{ "free_bytes", false, true, true },
		{ "oldest_queued_at", false, true, true },
		{ "webhooks", false, false, true },
		{ "min_free_bytes", false, true, true },
		{ "disk_full_at", false, true, true },
		{ "plays", false, true, true },
		{ "retention", false, true, true },
		{ "last_refused_from", false, false, true },
		{ "last_refused_to", false, false, true },
		{ "public_url", false, false, true },
		{ "accounts_refused", false, false, true },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		OK(tells(HEALTH_WORD, rows[i].member) == rows[i].in_word,
		   "%s: told to anybody, or not", rows[i].member);
		OK(tells(HEALTH_DETAILS, rows[i].member) == rows[i].in_details,
		   "%s: told to who reads the calls, or not", rows[i].member);
		OK(tells(HEALTH_STATUS, rows[i].member) == rows[i].in_status,
		   "%s: told to who looks after it, or not", rows[i].member);
	}
}

/* Each number another, so that none is told for another. */
static void tell_all(struct health_facts *facts)
{
	*facts = (struct health_facts){
		.now_ms = NOW,
		.started_at_ms = NOW - 60 * MINUTE,
		.last_webhook_at_ms = NOW - 1 * MINUTE,
		.store_answers = true,
		.free_bytes = 1001,
		.min_free_bytes = 1000,
		.disk_full_at_ms = NOW + 2 * MINUTE,
		.retention = &rules,
		.plays_stored = 1002,
		.plays = 1003,
		.public_url = "https://calls.example.com",
		.webhooks = { .taken = 1004,
			      .last_taken_at_ms = NOW,
			      .refused = { 1005, 1006, 1007, 1008 },
			      .last_refused_at_ms = { NOW - 6 * MINUTE, NOW - 5 * MINUTE,
						      NOW - 7 * MINUTE, NOW - 8 * MINUTE },
			      .last_client = "192.0.2.1",
			      .last_origin = "http://h" },
		.upstream = { .last_stored_at_ms = NOW - 9 * MINUTE },
		.notices = { .waiting = 1009, .dead = 1010, .oldest_at_ms = NOW - 10 * MINUTE },
		.notifier = { .is_on = true,
			      .is_gone = true,
			      .ailing_since_ms = NOW - 11 * MINUTE,
			      .failure = "410" },
	};
	facts->counts.calls = 1011;
	facts->counts.bytes_stored = 1012;
	facts->counts.oldest_queued_at_ms = NOW - 12 * MINUTE;
	facts->counts.events_waiting = 1013;
	for (int state = 0; state < RECORDING_STATES; state++)
		facts->counts.recordings[state] = 2000 + state;
	facts->ledger.writing.for_ms = facts->ledger.reading.for_ms = -1;
	facts->store_writing.for_ms = facts->store_reading.for_ms = facts->peer.for_ms = -1;
	facts->verified[VERIFICATION_BY_ITSELF].completed_at_ms = NOW - 13 * MINUTE;
	facts->verified[VERIFICATION_ASKED].completed_at_ms = NOW - 14 * MINUTE;
	facts->faults.of[STORE_FAULT_OPEN][STORE_FAULT_BYTES] = 1014;
	facts->faults.of[STORE_FAULT_MENDING][STORE_FAULT_SIZE] = 1015;
	facts->faults.of[STORE_FAULT_STAYS][STORE_FAULT_MISSING] = 1016;
}

static struct str written(const struct health_facts *facts, enum health_detail detail)
{
	static char text[8192];
	struct json json;
	struct buf buf;

	buf_over(&buf, text, sizeof(text));
	json_start(&json, &buf);
	health_write(facts, detail, &json);
	return buf_str(&buf);
}

static bool has(const struct health_facts *facts, enum health_detail detail, const char *part)
{
	struct str text = written(facts, detail);

	return str_find_str(text, str_of(part)) < text.len;
}

static void check_written(void)
{
	static const char *const all[] = {
		"{\"status\":\"ok\",\"degraded\":true,\"version\":",
		"\"started_at\":\"2023-11-14T21:13:20.000Z\",\"free_bytes\":1001,"
		"\"min_free_bytes\":1000,\"disk_full_at\":\"2023-11-14T22:15:20.000Z\",",
		"\"plays\":{\"from_store\":1002,\"all\":1003}",
		"\"recordings\":{\"announced\":2000,\"queued\":2001,\"waiting\":2002,"
		"\"stored\":2003,\"absent\":2004,\"dead\":2005,\"gone\":2006,\"purged\":2007,"
		"\"deleted\":2008},\"calls\":1011,\"bytes_stored\":1012,"
		"\"oldest_queued_at\":\"2023-11-14T22:01:20.000Z\",\"events_waiting\":1013,"
		"\"events_set_aside\":0",
		"\"store\":{\"compared_at\":\"2023-11-14T22:00:20.000Z\",\"open\":1014,"
		"\"mending\":1015,\"stays\":1016}",
		"\"webhooks\":{\"last_taken_at\":\"2023-11-14T22:12:20.000Z\",\"taken\":1004,"
		"\"refused\":{\"unsigned\":1005,\"unknown_account\":1006,"
		"\"wrong_signature\":1007,\"no_public_url\":1008},"
		"\"last_refused_at\":\"2023-11-14T22:08:20.000Z\","
		"\"last_refused_from\":\"192.0.2.1\",\"last_refused_to\":\"http://h\","
		"\"public_url\":\"https://calls.example.com\"}",
		"\"notify\":{\"waiting\":1009,\"oldest_at\":\"2023-11-14T22:03:20.000Z\","
		"\"dead\":1010,\"on\":true,\"gone\":true,"
		"\"failing_since\":\"2023-11-14T22:02:20.000Z\",\"failure\":\"410\"}",
		"\"fetching\":{\"last_stored_at\":\"2023-11-14T22:04:20.000Z\","
		"\"outage_since\":null,\"accounts_refused\":0}",
	};
	struct health_facts facts;

	tell_all(&facts);
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		OK(has(&facts, HEALTH_STATUS, all[i]), "it is told: %s", all[i]);
	facts.verified[VERIFICATION_ASKED].completed_at_ms = NOW - 12 * MINUTE;
	OK(has(&facts, HEALTH_DETAILS, "\"compared_at\":\"2023-11-14T22:01:20.000Z\""),
	   "the later of two comparisons");
	facts.webhooks.last_client[0] = facts.webhooks.last_origin[0] = '\0';
	facts.notifier.failure[0] = '\0';
	facts.public_url = NULL;
	OK(has(&facts, HEALTH_STATUS,
	       "\"last_refused_from\":null,\"last_refused_to\":null,\"public_url\":null}") &&
		   has(&facts, HEALTH_STATUS, "\"failure\":null}"),
	   "what is not known is null");
	facts.started_at_ms = 0;
	OK(has(&facts, HEALTH_STATUS, "{\"status\":\"stopped\"") &&
		   has(&facts, HEALTH_STATUS, "\"started_at\":null"),
	   "no server runs");
	OK(has(&facts, HEALTH_STATUS,
	       "\"webhooks\":{\"last_taken_at\":\"2023-11-14T22:12:20.000Z\"}") &&
		   has(&facts, HEALTH_STATUS,
		       "\"notify\":{\"waiting\":1009,\"oldest_at\":\"2023-11-14T22:03:20.000Z\","
		       "\"dead\":1010}}"),
	   "then what one would know is not told");
	OK(!has(&facts, HEALTH_STATUS, "\"plays\"") && !has(&facts, HEALTH_STATUS, "\"fetching\""),
	   "nor plays, nor how fetching goes");
	facts = well();
	facts.ledger.writing.for_ms = facts.ledger.reading.for_ms = -1;
	OK(has(&facts, HEALTH_WORD, "\"degraded\":false"), "nothing is wrong");
	facts.store_answers = false;
	OK(has(&facts, HEALTH_WORD, "\"degraded\":true"), "one thing is");
}

static void check_word(void)
{
	static const struct {
		enum doctor_verdict verdict;
		const char *text;
	} rows[] = {
		{ VERDICT_GOOD,
		  "\"checks\":\"good\",\"checked_at\":\"2023-11-14T22:13:20.000Z\"}" },
		{ VERDICT_FINDINGS, "\"checks\":\"findings\"," },
		{ VERDICT_UNCHECKED, "\"checks\":\"unchecked\"," },
	};
	struct health_facts facts = well();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		facts.examined.at_ms = NOW;
		facts.examined.verdict = rows[i].verdict;
		OK(has(&facts, HEALTH_WORD, rows[i].text), "to anybody: %s", rows[i].text);
		OK(!has(&facts, HEALTH_DETAILS, rows[i].text), "elsewhere it stands in full");
	}
	facts.examined.at_ms = 0;
	OK(has(&facts, HEALTH_WORD, "\"checks\":null,\"checked_at\":null}"), "never");
	str_fit(STR("a page does not answer"), facts.examined.says, sizeof(facts.examined.says));
	CAUSE(&facts, "", "an examination that found little");
	facts.examined.is_broken = true;
	CAUSE(&facts, "The server examined itself: a page does not answer.",
	      "and one that found more");
}

int main(void)
{
	check_written();
	check_word();
	check_details();
	check_retention();
	check_list();
	check_webhooks();
	check_fetching();
	check_disk();
	check_store();
	check_troubles();
	check_notifier();
	check_clock();
	check_all();
	return tap_end();
}
