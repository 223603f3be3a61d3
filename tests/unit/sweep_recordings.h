/*
 * Recordings 1 to COUNT of a sweep's ledger, stored as it says, and their files.  Whoever includes it defines COUNT.
 */
#pragma once

#include "blob/blob.h"
#include "catalog/events.h"
#include "catalog/recordings.h"
#include "projection/projection.h"
#include "sweep_fixture.h"

#include <stdio.h>

static struct catalog *reader;   /* to be opened once the ledger is */
static uint64_t stored_size = 5; /* of each, as the ledger says */

static struct str sid_of(const char *kind, unsigned n, char out[SID_SIZE])
{
	snprintf(out, SID_SIZE, "%s%032x", kind, n);
	return str_of(out);
}

static struct str name_of(unsigned n, char *out, size_t size)
{
	snprintf(out, size, "00/CA%032x.RE%032x.mp3", n, n);
	return str_of(out);
}

static void announce(struct catalog *catalog, unsigned n)
{
	char call_sid[SID_SIZE], sid[SID_SIZE];
	struct event event;
	int64_t seq;

	event_init(&event, EVENT_RECORDING_STATUS, 1700000000000);
	event.call_sid = sid_of("CA", n, call_sid);
	event.recording_sid = sid_of("RE", n, sid);
	event.status = STR("completed");
	must(events_append(catalog, &event, &seq, &err));
}

static bool mark_stored(struct catalog *catalog, unsigned n, int64_t generation, struct err *why)
{
	char sid[SID_SIZE], name[BLOB_NAME_SIZE];
	struct recording_media media = { .stored_at_ms = 1700000000000,
					 .generation = generation,
					 .size = stored_size,
					 .format = "mp3",
					 .path = name };

	name_of(n, name, sizeof(name));
	return recordings_mark_stored(catalog, sid_of("RE", n, sid), &media, why);
}

__attribute__((unused)) static void write_bytes(unsigned n, struct str bytes)
{
	AUTO(blob_arriving_free) struct blob_arriving *arriving = NULL;
	char sid[SID_SIZE], name[BLOB_NAME_SIZE];

	must(blob_arriving_open(env.store, sid_of("RE", n, sid), 1, &arriving, &err) &&
	     blob_arriving_write(arriving, bytes, &err));
	must(blob_arriving_seal(arriving, name_of(n, name, sizeof(name)), &err) == BLOB_SEALED);
}

/* Recordings 1 to COUNT, stored as the ledger says. */
static void fill(struct catalog *catalog)
{
	AUTO(free) struct projection_result *result = xcalloc(1, sizeof(*result));

	for (unsigned n = 1; n <= COUNT; n++)
		announce(catalog, n);
	do
		must(projection_run(catalog, PROJECTION_EVENTS_MAX, result, &err));
	while (result->more);
	for (unsigned n = 1; n <= COUNT; n++)
		must(mark_stored(catalog, n, 1, &err));
}

__attribute__((unused)) static void find(unsigned n, struct recording *out)
{
	char sid[SID_SIZE];

	must(catalog_begin(reader, &err) &&
	     recordings_find(reader, sid_of("RE", n, sid), out, &err));
	catalog_rollback(reader);
}

struct storing {
	struct ledger_job job;
	unsigned n;
};

static bool run_storing(struct ledger_job *job, struct catalog *catalog, struct err *why)
{
	return mark_stored(catalog, container_of(job, struct storing, job)->n, 2, why);
}

static void stored(struct ledger_job *job)
{
	must(job->succeeded);
}

/* As a flight does it, when the file is there. */
__attribute__((unused)) static void store_anew(struct storing *storing, unsigned n)
{
	storing->n = n;
	storing->job =
		(struct ledger_job){ .run = run_storing, .done = stored, .reply = env.mailbox };
	storing->job.change.what = PROJECTED_RECORDING | PROJECTED_STORED;
	ledger_write(env.ledger, &storing->job);
}
