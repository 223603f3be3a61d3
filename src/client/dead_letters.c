#include "client/dead_letters.h"

#include "base/mem.h"
#include "base/own.h"
#include "catalog/attempts.h"
#include "catalog/recordings.h"
#include "client/answer.h"
#include "server/server.h"

#include <string.h>

#define PAGE           100 /* read at once */
#define ATTEMPTS_SHOWN 50  /* of one recording, the newest, as by the API */

static bool attempts_of(struct catalog *catalog, const struct recording *recording, json_t **out,
			struct err *err)
{
	AUTO(free) struct attempt *attempts = xcalloc(ATTEMPTS_SHOWN, sizeof(*attempts));
	size_t count;

	if (!attempts_list(catalog, str_of(recording->recording_sid), attempts, ATTEMPTS_SHOWN,
			   &count, err))
		return false;
	*out = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(*out, json_pack("{s:o, s:s, s:o, s:i}", "began_at",
						      answer_date(attempts[i].began_at_ms),
						      "outcome", attempts[i].outcome, "text",
						      answer_plain(attempts[i].detail),
						      "http_status", attempts[i].http_status));
	return true;
}

bool dead_letter_read(struct catalog *catalog, const struct recording *recording, json_t **out,
		      struct err *err)
{
	json_t *attempts;

	if (!attempts_of(catalog, recording, &attempts, err))
		return false;
	*out = json_pack("{s:s, s:s, s:o, s:{s:s, s:o}, s:o}", "recording_sid",
			 recording->recording_sid, "call_sid", recording->call_sid, "started_at",
			 answer_date(recording->started_at_ms), "reason", "code",
			 recording->reason_code, "text", answer_plain(recording->reason_text),
			 "attempts", attempts);
	return true;
}

static bool is_wanted(const struct dead_letters *letters, const struct recording *recording)
{
	return !letters->reason || strcasestr(recording->reason_code, letters->reason) ||
	       strcasestr(recording->reason_text, letters->reason);
}

static bool take_page(struct dead_letters *letters, struct catalog *catalog,
		      const struct recording_dead *page, size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++)
		if (is_wanted(letters, &page[i].recording) &&
		    !letters->take(letters, catalog, &page[i].recording, err))
			return false;
	return true;
}

bool dead_letters_each(struct dead_letters *letters, struct err *err)
{
	AUTO(free) char *path = server_ledger(letters->settings);
	AUTO(catalog_free) struct catalog *catalog = NULL;
	AUTO(free) struct recording_dead *page = xcalloc(PAGE, sizeof(*page));
	int64_t after_id = 0;
	size_t count = PAGE;

	if (!catalog_open(path, CATALOG_READ, &catalog, err))
		return false;
	while (count == PAGE) {
		if (!recordings_list_dead(catalog, after_id, page, PAGE, &count, err) ||
		    !take_page(letters, catalog, page, count, err))
			return false;
		after_id = count > 0 ? page[count - 1].id : after_id;
	}
	return true;
}
