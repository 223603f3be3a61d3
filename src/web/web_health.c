#include "web/web_health.h"

#include "base/clock.h"
#include "base/mem.h"
#include "blob/blob.h"
#include "catalog/recordings.h"
#include "http/exchange.h"
#include "web/web.h"
#include "web/web_read.h"

#include <stdlib.h>

#define OLD_QUEUE_MS (15 * 60 * 1000) /* a recording that waits longer is worth a look */

struct health_read {
	struct web_read read;
	bool is_full; /* with causes and counts */
};

static void add_cause(struct json *json, bool is_full, bool holds, const char *text, bool *degraded)
{
	if (!holds)
		return;
	*degraded = true;
	if (is_full)
		json_text(json, NULL, str_of(text));
}

static void add_counts(struct json *json, const struct catalog_counts *counts, uint64_t free_bytes)
{
	json_open(json, "recordings", '{');
	for (int state = 0; state < RECORDING_STATES; state++)
		json_int(json, recording_state_text((enum recording_state)state),
			 counts->recordings[state]);
	json_close(json, '}');
	json_int(json, "calls", counts->calls);
	json_int(json, "bytes_stored", counts->bytes_stored);
	json_int(json, "free_bytes", (int64_t)free_bytes);
	json_date(json, "oldest_queued_at", counts->oldest_queued_at_ms);
	json_int(json, "events_waiting", counts->events_waiting);
}

static bool make_health(struct web_read *read, struct catalog *catalog, struct json *json,
			struct err *err)
{
	const struct health_read *health = container_of(read, struct health_read, read);
	struct catalog_counts counts;
	uint64_t free_bytes = 0;
	bool degraded = false;
	struct err disk_err;
	int64_t now_ms = clock_wall_ms();

	if (!catalog_counts(catalog, &counts, err))
		return false;
	bool store_answers = blob_free_bytes(read->web->store, &free_bytes, &disk_err);

	json_open(json, NULL, '{');
	json_text(json, "status", STR("ok"));
	if (health->is_full)
		json_open(json, "causes", '[');
	add_cause(json, health->is_full, counts.recordings[RECORDING_DEAD] > 0,
		  "There are dead letters: recordings that were given up.", &degraded);
	add_cause(json, health->is_full,
		  counts.oldest_queued_at_ms != 0 &&
			  now_ms - counts.oldest_queued_at_ms > OLD_QUEUE_MS,
		  "A recording waits to be fetched for over 15 minutes.", &degraded);
	add_cause(json, health->is_full, !store_answers, "The store does not answer.", &degraded);
	if (health->is_full)
		json_close(json, ']');
	json_bool(json, "degraded", degraded);
	json_text(json, "version", STR(CALLSPOOL_VERSION));
	if (health->is_full) {
		json_date(json, "started_at", read->web->started_at_ms);
		add_counts(json, &counts, free_bytes);
	}
	json_close(json, '}');
	return true;
}

static void start(struct exchange *x, bool is_full)
{
	struct health_read *health = xcalloc(1, sizeof(*health));

	health->is_full = is_full;
	health->read.make = make_health;
	health->read.not_found = WEB_INTERNAL;
	web_read_start(&health->read, x);
}

void web_health(struct exchange *x)
{
	start(x, false);
}

void web_status(struct exchange *x)
{
	start(x, true);
}
