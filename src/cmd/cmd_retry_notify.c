#include "cmd/cmd_retry_notify.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "chores/notices_queue.h"
#include "client/access_client.h"
#include "notify/notice_message.h"
#include "server/server.h"

#include <stdio.h>

#define PAGE 100 /* read at once */

static json_t *date(int64_t wall_ms)
{
	char text[ISO_DATE_SIZE];

	if (wall_ms == 0)
		return json_null();
	clock_iso_date(wall_ms, text);
	return json_string(text);
}

/* The receiver's host may be in it, and what it said. */
static json_t *letter_of(const struct notice *notice)
{
	AUTO(free) char *failure = utf8_plain(str_of(notice->failure));
	const char *type = notice_type_text(notice->type);
	char id[NOTICE_ID_SIZE];

	notice_id(notice, id);
	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:I, s:i, s:s}", "id", id, "type",
			 type ? type : "", "recording_sid", notice->recording_sid, "call_sid",
			 notice->call_sid, "timestamp", date(notice->at_ms), "given_up_at",
			 date(notice->died_at_ms), "tries", (json_int_t)notice->tries,
			 "http_status", notice->http_status, "failure", failure);
}

static const char *text_of(const json_t *letter, const char *key)
{
	const char *text = json_string_value(json_object_get(letter, key));

	return text && text[0] ? text : "-";
}

static void print_letter(const struct notice *notice, bool is_json, bool is_first)
{
	json_t *letter = letter_of(notice);

	if (is_json) {
		if (!is_first)
			putchar(',');
		json_dumpf(letter, stdout, JSON_COMPACT);
	} else {
		printf("%s  %s  %s  %s\n", text_of(letter, "id"), text_of(letter, "type"),
		       text_of(letter, "timestamp"), text_of(letter, "failure"));
	}
	json_decref(letter);
}

static bool print_all(struct catalog *catalog, bool is_json, struct err *err)
{
	AUTO(free) struct notice *page = xcalloc(PAGE, sizeof(*page));
	int64_t after_seq = 0;
	size_t count = PAGE;
	bool is_first = true;

	while (count == PAGE) {
		if (!notices_list_dead(catalog, after_seq, page, PAGE, &count, err))
			return false;
		for (size_t i = 0; i < count; i++) {
			print_letter(&page[i], is_json, is_first);
			is_first = false;
		}
		after_seq = count > 0 ? page[count - 1].seq : after_seq;
	}
	return true;
}

bool retry_notify_list(const struct settings *settings, bool is_json, struct err *err)
{
	AUTO(free) char *path = server_ledger(settings);
	AUTO(catalog_free) struct catalog *catalog = NULL;
	bool good;

	if (!catalog_open(path, CATALOG_READ, &catalog, err))
		return false;
	if (is_json)
		printf("{\"dead\":[");
	good = print_all(catalog, is_json, err);
	if (is_json)
		printf("]}\n");
	return good;
}

bool retry_notify(const struct settings *settings, const char *id, bool is_json, struct err *err)
{
	struct access_client client = { .settings = settings };
	json_t *body = id ? json_pack("{s:s}", "id", id) : json_object();
	json_t *answer;
	long long queued;

	if (!access_ask(&client, "POST", "/api/notices/retry", body, &answer, err)) {
		access_client_release(&client);
		return false;
	}
	queued = (long long)json_integer_value(json_object_get(answer, "queued"));
	json_decref(answer);
	access_client_release(&client);
	if (is_json)
		printf("{\"queued\":%lld}\n", queued);
	else if (queued == 0)
		printf("no dead letters\n");
	else
		printf("%lld webhook%s to notify_url %s sent again\n", queued,
		       queued > 1 ? "s" : "", queued > 1 ? "are" : "is");
	return true;
}
