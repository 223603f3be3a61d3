#include "client/import_since.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/own.h"
#include "base/utf8.h"
#include "client/access_client.h"
#include "client/progress_bar.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define LOOK_MS      500
#define LOOK_MOST_MS 60000
/* The answer counts what is queued, which may be millions: of the server's time it is to take a twentieth at most. */
#define LOOK_PARTS 20
#define DAY_MS     INT64_C(86400000)

struct following {
	struct access_client client;
	struct progress_bar bar;
	char failure[200]; /* that was told last */
	int64_t took_ms;   /* the last answer */
};

/* ---- an answer ---- */

static int64_t date_of(const json_t *import, const char *key)
{
	struct str text = str_of(json_string_value(json_object_get(import, key)));
	char instant[sizeof("2026-01-31T00:00:00Z")];
	int64_t at_ms;

	if (text.len == strlen("2026-01-31")) {
		snprintf(instant, sizeof(instant), "%.*sT00:00:00Z", STR_ARG(text));
		text = str_of(instant);
	}
	return text.at && clock_parse_date(text, &at_ms) ? at_ms : 0;
}

json_int_t import_since_sum(const json_t *answer, const char *key)
{
	const json_t *imports = json_object_get(answer, "imports");
	json_int_t sum = 0;

	for (size_t i = 0; i < json_array_size(imports); i++)
		sum += json_integer_value(json_object_get(json_array_get(imports, i), key));
	return sum;
}

static bool is_completed(const json_t *import)
{
	return date_of(import, "completed_at") != 0;
}

static bool is_all_read(const json_t *answer)
{
	const json_t *imports = json_object_get(answer, "imports");

	for (size_t i = 0; i < json_array_size(imports); i++)
		if (!is_completed(json_array_get(imports, i)))
			return false;
	return true;
}

/* Days that are read, and days in all; without a lower bound how many there are is not known. */
static void count_days(const json_t *import, uint64_t *done, uint64_t *all)
{
	int64_t since_ms = date_of(import, "since"), until_ms = date_of(import, "until");
	int64_t reached_ms = date_of(import, "reached");
	int64_t end_ms = (until_ms ? until_ms : date_of(import, "asked_at")) + DAY_MS;
	uint64_t days = since_ms ? (uint64_t)((end_ms - since_ms) / DAY_MS) : 0;

	*all += days;
	if (is_completed(import))
		*done += days;
	else if (since_ms && reached_ms > since_ms && reached_ms < end_ms)
		*done += (uint64_t)((end_ms - reached_ms) / DAY_MS);
}

/* ---- following ---- */

/* Its end once, when all is read. */
static void show_days(struct following *following, const json_t *answer, bool is_end)
{
	const json_t *imports = json_object_get(answer, "imports");
	uint64_t done = 0, all = 0;

	for (size_t i = 0; i < json_array_size(imports); i++)
		count_days(json_array_get(imports, i), &done, &all);
	if (all > 0 && (is_end || done < all))
		progress_move(&following->bar.progress, is_end ? all : done, all);
}

/* What keeps it from getting on, once. */
static void tell_failure(struct following *following, const json_t *answer)
{
	const json_t *imports = json_object_get(answer, "imports");

	for (size_t i = 0; i < json_array_size(imports); i++) {
		const char *text =
			json_string_value(json_object_get(json_array_get(imports, i), "failure"));
		AUTO(free) char *plain = text ? utf8_plain(str_of(text)) : NULL;

		if (!plain || strcmp(plain, following->failure) == 0)
			continue;
		str_fit(str_of(plain), following->failure, sizeof(following->failure));
		fprintf(stderr, "callspool: %s; it is tried again\n", plain);
	}
}

static bool ask(struct following *following, json_t **out, struct err *err)
{
	int64_t asked_at_ms = clock_monotonic_ms();
	json_t *answer;

	if (!access_ask(&following->client, "GET", "/api/imports", NULL, &answer, err))
		return false;
	following->took_ms = clock_monotonic_ms() - asked_at_ms;
	json_decref(*out);
	*out = answer;
	return true;
}

static void pause_a_while(const struct following *following)
{
	int64_t wait_ms = LOOK_PARTS * following->took_ms;
	struct timespec wait;

	if (wait_ms < LOOK_MS)
		wait_ms = LOOK_MS;
	if (wait_ms > LOOK_MOST_MS)
		wait_ms = LOOK_MOST_MS;
	wait = (struct timespec){ .tv_sec = wait_ms / 1000,
				  .tv_nsec = (wait_ms % 1000) * 1000000L };

	nanosleep(&wait, NULL);
}

static bool follow_list(struct following *following, json_t **answer, struct err *err)
{
	bool is_end = false;

	progress_bar_start(&following->bar, "days");
	while (ask(following, answer, err)) {
		tell_failure(following, *answer);
		is_end = is_all_read(*answer);
		show_days(following, *answer, is_end);
		if (is_end)
			return true;
		pause_a_while(following);
	}
	return false;
}

static uint64_t to_be_fetched(const json_t *answer)
{
	return (uint64_t)json_integer_value(json_object_get(answer, "to_be_fetched"));
}

/* Until each was tried: what waits for a further try may do so for a day. */
static bool follow_fetching(struct following *following, json_t **answer, struct err *err)
{
	uint64_t most = to_be_fetched(*answer), left;

	if (most == 0)
		return true;
	progress_bar_start(&following->bar, "recordings");
	while ((left = to_be_fetched(*answer)) > 0) {
		most = left > most ? left : most;
		progress_move(&following->bar.progress, most - left, most);
		pause_a_while(following);
		if (!ask(following, answer, err))
			return false;
	}
	progress_move(&following->bar.progress, most, most);
	return true;
}

static bool begin(struct following *following, const struct import_since *asked, struct err *err)
{
	json_t *body = json_object(), *answer;

	if (asked->since)
		json_object_set_new(body, "since", json_string(asked->since));
	if (asked->until)
		json_object_set_new(body, "until", json_string(asked->until));
	if (!access_ask(&following->client, "POST", "/api/imports", body, &answer, err))
		return false;
	json_decref(answer);
	return true;
}

bool import_since_run(const struct import_since *asked, json_t **out, bool *out_is_own,
		      struct err *err)
{
	struct following following = { .client = { .settings = asked->settings,
						   .does_list = true } };
	json_t *answer = NULL;
	bool good = begin(&following, asked, err) && follow_list(&following, &answer, err);

	*out_is_own = following.client.own != NULL;
	if (good && asked->waits && !*out_is_own)
		good = follow_fetching(&following, &answer, err);
	access_client_release(&following.client);
	if (good)
		*out = answer;
	else
		json_decref(answer);
	return good;
}
