#include "client/retry_notify.h"

#include "base/mem.h"
#include "chores/notices_queue.h"
#include "client/access_client.h"
#include "client/answer.h"
#include "notify/notice_message.h"
#include "server/server.h"

#include <stdio.h>

#define PAGE 100 /* read at once */

/* The receiver's host may be in it, and what it said. */
static json_t *letter_of(const struct notice *notice)
{
	const char *type = notice_type_text(notice->type);
	char id[NOTICE_ID_SIZE];

	notice_id(notice, id);
	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:I, s:i, s:o}", "id", id, "type",
			 type ? type : "", "recording_sid", notice->recording_sid, "call_sid",
			 notice->call_sid, "timestamp", answer_date(notice->at_ms), "given_up_at",
			 answer_date(notice->died_at_ms), "tries", (json_int_t)notice->tries,
			 "http_status", notice->http_status, "failure",
			 answer_plain(notice->failure));
}

static void print_letter(const struct notice *notice, struct answer_list *list)
{
	json_t *letter = letter_of(notice);

	answer_list_add(list, letter);
	if (!list->is_json)
		printf("%s  %s  %s  %s\n", answer_text(letter, "id", "-"),
		       answer_text(letter, "type", "-"), answer_text(letter, "timestamp", "-"),
		       answer_text(letter, "failure", "-"));
	json_decref(letter);
}

static bool print_all(struct catalog *catalog, struct answer_list *list, struct err *err)
{
	AUTO(free) struct notice *page = xcalloc(PAGE, sizeof(*page));
	int64_t after_seq = 0;
	size_t count = PAGE;

	while (count == PAGE) {
		if (!notices_list_dead(catalog, after_seq, page, PAGE, &count, err))
			return false;
		for (size_t i = 0; i < count; i++)
			print_letter(&page[i], list);
		after_seq = count > 0 ? page[count - 1].seq : after_seq;
	}
	return true;
}

bool retry_notify_list(const struct settings *settings, bool is_json, struct err *err)
{
	AUTO(free) char *path = server_ledger(settings);
	AUTO(catalog_free) struct catalog *catalog = NULL;
	struct answer_list list = { .is_json = is_json };
	bool good;

	if (!catalog_open(path, CATALOG_READ, &catalog, err))
		return false;
	answer_list_begin(&list, "dead");
	good = print_all(catalog, &list, err);
	answer_list_end(&list);
	return good;
}

bool retry_notify(const struct settings *settings, const char *id, bool is_json, struct err *err)
{
	struct access_client client = { .settings = settings };
	json_t *body = id ? json_pack("{s:s}", "id", id) : json_object();
	json_t *answer;
	json_int_t queued;

	if (!access_ask(&client, "POST", "/api/notices/retry", body, &answer, err)) {
		access_client_release(&client);
		return false;
	}
	queued = answer_number(answer, "queued");
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
