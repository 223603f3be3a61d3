/* retry: what was given up, recordings and webhooks to notify_url, as it is listed and revived. */
#include "client/dead_letters.h"

#include "base/own.h"
#include "catalog/attempts.h"
#include "catalog/recordings.h"
#include "chores/notices_queue.h"
#include "client/access_client.h"
#include "client/retry_notify.h"
#include "printed.h"
#include "stored_fixture.h"
#include "tap.h"

#include <string.h>

static struct settings settings;

/* ---- recordings ---- */

static unsigned seen, stops_at;
static char last_sid[SID_SIZE];

static bool take(struct dead_letters *letters, struct catalog *catalog,
		 const struct recording *recording, struct err *why)
{
	seen++;
	str_fit(str_of(recording->recording_sid), last_sid, sizeof(last_sid));
	return seen != stops_at || err_set(why, ERR_INTERNAL, "no further");
}

static bool each(const char *reason, unsigned at_most)
{
	struct dead_letters letters = { .settings = &settings, .reason = reason, .take = take };

	seen = 0;
	stops_at = at_most;
	last_sid[0] = '\0';
	return dead_letters_each(&letters, &err);
}

static void kill_recording(unsigned n, const char *code, const char *text)
{
	char sid[SID_SIZE];

	announce(n, sid);
	MUST(catalog_begin(ledger.writer, &err));
	MUST(recordings_mark_dead(ledger.writer, str_of(sid), code, text, &err));
	MUST(catalog_commit(ledger.writer, &err));
}

static void test_each(void)
{
	static const struct {
		const char *reason;
		unsigned count;
	} rows[] = {
		{ NULL, 100 },           { "gave_up", 99 },    { "GAVE", 99 },   { "refused", 1 },
		{ "Twilio said no", 1 }, { "twilio SAID", 1 }, { "nothing", 0 },
	};
	static const unsigned counts[] = { 98, 99, 100, 101, 200, 201 };
	unsigned made = 2;

	OK(each(NULL, 0) && seen == 0, "there is none");
	kill_recording(1, "gave_up", "for 24 h");
	OK(each(NULL, 0) && seen == 1, "there is one");
	kill_recording(2, "refused", "Twilio said no");
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		while (made < counts[i])
			kill_recording(++made, "gave_up", "for 24 h");
		OK(each(NULL, 0), "there are %u", made);
		IS_INT(seen, made, "... each is seen once");
		IS_STR(str_of(last_sid), sid_text("RE", made, (char[SID_SIZE]){ "" }),
		       "... the newest last");
		for (size_t k = 0; made == 100 && k < ARRAY_LEN(rows); k++) {
			OK(each(rows[k].reason, 0), "of reason %s",
			   rows[k].reason ? rows[k].reason : "(any)");
			IS_INT(seen, rows[k].count, "... so many");
		}
	}
	OK(!each(NULL, 3) && seen == 3 && strcmp(err.text, "no further") == 0,
	   "who takes them may stop: %s", err.text);
	settings.database = "/nowhere/ledger.db";
	OK(!each(NULL, 0) && seen == 0, "without a ledger there is nothing to read: %s", err.text);
	settings.database = ledger.path;
}

/* With its newest attempts. */
static void test_read(void)
{
	const struct recording recording = { .recording_sid = "RE00000000000000000000000000000fff",
					     .call_sid = "CA00000000000000000000000000000fff",
					     .started_at_ms = NOON,
					     .reason_code = "gave_up",
					     .reason_text = "for \x1b[31m24 h" };
	struct attempt_begin begin = { .began_at_ms = NOON, .channels = 2 };
	struct attempt_end end = { .outcome = "stalled",
				   .http_status = 206,
				   .detail = "nothing \x1b came" };
	char sid[SID_SIZE];
	json_t *letter = NULL, *attempts;

	announce(0xfff, sid);
	OK(dead_letter_read(ledger.writer, &recording, &letter, &err), "one that was never tried");
	IS_INT(json_array_size(json_object_get(letter, "attempts")), 0, "has no attempt");
	json_decref(letter);
	begin.recording_sid = str_of(sid);
	for (int i = 0; i < 51; i++) {
		begin.began_at_ms = NOON + i;
		end.http_status = 200 + i;
		end.ended_at_ms = NOON + i;
		MUST(catalog_begin(ledger.writer, &err));
		MUST(attempts_begin(ledger.writer, &begin, &end.id, &err));
		MUST(attempts_end(ledger.writer, &end, &err));
		MUST(catalog_commit(ledger.writer, &err));
	}
	OK(dead_letter_read(ledger.writer, &recording, &letter, &err), "one that was, often");
	attempts = json_object_get(letter, "attempts");
	IS_INT(json_array_size(attempts), 50, "the newest of them");
	{
		AUTO(free)
		char *first =
			json_dumps(json_array_get(attempts, 0), JSON_COMPACT | JSON_SORT_KEYS);

		IS_STR(str_of(first),
		       STR("{\"began_at\":\"2023-11-14T22:13:20.050Z\",\"http_status\":250,"
			   "\"outcome\":\"stalled\",\"text\":\"nothing ? came\"}"),
		       "the newest first, and no terminal obeys it");
	}
	json_object_del(letter, "attempts");
	{
		AUTO(free) char *rest = json_dumps(letter, JSON_COMPACT | JSON_SORT_KEYS);

		IS_STR(str_of(rest),
		       STR("{\"call_sid\":\"CA00000000000000000000000000000fff\",\"reason\":{\"code\":"
			   "\"gave_up\",\"text\":\"for ?[31m24 h\"},\"recording_sid\":"
			   "\"RE00000000000000000000000000000fff\",\"started_at\":"
			   "\"2023-11-14T22:13:20.000Z\"}"),
		       "and what it is");
	}
	json_decref(letter);
}

/* ---- webhooks ---- */

static unsigned lines_of(struct str text)
{
	unsigned count = 0;

	for (size_t i = 0; i < text.len; i++)
		count += text.at[i] == '\n';
	return count;
}

/* The number of notices that were given up; each of a recording of its own. */
static void kill_notices(unsigned from, unsigned until)
{
	static struct notice due[256];
	struct notice_failure failure = { .at_ms = NOON,
					  .http_status = 503,
					  .failure = "it \x1b answered 503" };
	size_t count;
	bool waited;

	catalog_notify(ledger.writer, true);
	for (unsigned n = from; n < until; n++)
		kill_recording(n, "refused", "no");
	catalog_notify(ledger.writer, false);
	MUST(notices_due(ledger.writer, INT64_MAX, due, ARRAY_LEN(due), &count, &err));
	MUST(catalog_begin(ledger.writer, &err));
	for (size_t i = 0; i < count; i++) {
		failure.seq = due[i].seq;
		MUST(notices_failed(ledger.writer, &failure, &waited, &err));
	}
	MUST(catalog_commit(ledger.writer, &err));
}

static json_t *listed(void)
{
	struct str text;
	bool is_good;

	take_stdout();
	is_good = retry_notify_list(&settings, true, &err);
	text = printed();
	OK(is_good, "they are listed");
	return json_loadb(text.at, text.len, 0, NULL);
}

static void test_webhooks(void)
{
	static const unsigned counts[] = { 1, 99, 100, 101, 200 };
	unsigned made = 0;
	json_t *all, *first;
	struct str text;

	all = listed();
	IS_INT(json_array_size(json_object_get(all, "dead")), 0, "there is none");
	json_decref(all);
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		kill_notices(0x1000 + made, 0x1000 + counts[i]);
		made = counts[i];
		all = listed();
		IS_INT(json_array_size(json_object_get(all, "dead")), made, "each once");
		first = json_array_get(json_object_get(all, "dead"), made - 1);
		IS_STR(str_of(json_string_value(json_object_get(first, "recording_sid"))),
		       sid_text("RE", 0x1000 + made - 1, (char[SID_SIZE]){ "" }),
		       "the newest last");
		json_decref(all);
	}
	take_stdout();
	MUST(retry_notify_list(&settings, false, &err));
	text = printed();
	IS_INT(lines_of(text), made, "for people a line each");
	OK(memmem(text.at, text.len, "it ? answered 503\n", 18), "with its reason");
	all = listed();
	first = json_array_get(json_object_get(all, "dead"), 0);
	IS_INT(json_integer_value(json_object_get(first, "tries")), 1, "its tries");
	IS_INT(json_integer_value(json_object_get(first, "http_status")), 503, "the last answer");
	IS_STR(str_of(json_string_value(json_object_get(first, "given_up_at"))),
	       STR("2023-11-14T22:13:20.000Z"), "when it was given up");
	IS_STR(str_of(json_string_value(json_object_get(first, "failure"))),
	       STR("it ? answered 503"), "and why");
	OK(json_string_length(json_object_get(first, "id")) > 0 &&
		   json_string_length(json_object_get(first, "type")) > 0 &&
		   json_string_length(json_object_get(first, "timestamp")) > 0 &&
		   json_string_length(json_object_get(first, "call_sid")) == SID_SIZE - 1,
	   "and what it is of");
	json_decref(all);
	settings.database = "/nowhere/ledger.db";
	OK(!retry_notify_list(&settings, true, &err), "without a ledger: %s", err.text);
	settings.database = ledger.path;
}

static const char *answer;
static char asked[256];
static unsigned releases;

bool __wrap_access_ask(struct access_client *client, const char *method, const char *path,
		       json_t *body, json_t **out, struct err *why);
void __wrap_access_client_release(struct access_client *client);

bool __wrap_access_ask(struct access_client *client, const char *method, const char *path,
		       json_t *body, json_t **out, struct err *why)
{
	AUTO(free) char *text = json_dumps(body, JSON_COMPACT);

	snprintf(asked, sizeof(asked), "%s %s %s", method, path, text);
	json_decref(body);
	if (!answer)
		return err_set(why, ERR_NOT_FOUND, "there is none");
	*out = json_loads(answer, 0, NULL);
	return true;
}

void __wrap_access_client_release(struct access_client *client)
{
	releases++;
}

static void test_revived(void)
{
	static const struct {
		const char *answer, *says;
		bool is_json;
	} rows[] = {
		{ "{\"queued\":0}", "no dead letters\n", false },
		{ "{\"queued\":1}", "1 webhook to notify_url is sent again\n", false },
		{ "{\"queued\":2}", "2 webhooks to notify_url are sent again\n", false },
		{ "{\"queued\":0}", "{\"queued\":0}\n", true },
		{ "{\"queued\":2}", "{\"queued\":2}\n", true },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str text;
		bool is_good;

		answer = rows[i].answer;
		take_stdout();
		is_good = retry_notify(&settings, NULL, rows[i].is_json, &err);
		text = printed();
		OK(is_good, "%s", rows[i].answer);
		IS_STR(text, str_of(rows[i].says), "... is told so");
	}
	IS_STR(str_of(asked), STR("POST /api/notices/retry {}"), "all are asked for");
	answer = NULL;
	releases = 0;
	OK(!retry_notify(&settings, "msg_1", false, &err) && err.kind == ERR_NOT_FOUND &&
		   releases == 1,
	   "one that is not there: %s", err.text);
	IS_STR(str_of(asked), STR("POST /api/notices/retry {\"id\":\"msg_1\"}"),
	       "it alone is asked for");
}

int main(void)
{
	ledger_open(&ledger);
	settings.database = ledger.path;
	test_each();
	test_read();
	test_webhooks();
	test_revived();
	ledger_remove(&ledger);
	return tap_end();
}
