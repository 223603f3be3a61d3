#include "sim/sim_state.h"

#include <string.h>

#include "base/mem.h"

struct sim *sim_of(const struct exchange *x)
{
	return container_of(x->server->local, struct sim, local);
}

static size_t bucket_of(struct str sid)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < sid.len; i++)
		hash = (hash ^ (unsigned char)sid.at[i]) * UINT64_C(0x100000001b3);
	return (size_t)(hash ^ hash >> 32) % SIM_BUCKETS;
}

/* Makes room at `place` for one more. */
static void table_insert(struct sim_table *table, size_t place, void *item)
{
	if (table->count == table->size) {
		table->size = table->size > 0 ? 2 * table->size : 64;
		table->at = xrealloc(table->at, table->size * sizeof(*table->at));
	}
	memmove(table->at + place + 1, table->at + place,
		(table->count - place) * sizeof(*table->at));
	table->at[place] = item;
	table->count++;
}

void sim_table_add_call(struct sim_table *table, struct sim_call *call)
{
	size_t place = table->count, bucket = bucket_of(str_of(call->sid));

	while (place > 0 &&
	       ((struct sim_call *)table->at[place - 1])->created_at_ms > call->created_at_ms)
		place--;
	table_insert(table, place, call);
	call->next_in_bucket = table->buckets[bucket];
	table->buckets[bucket] = call;
}

void sim_table_add_recording(struct sim_table *table, struct sim_recording *recording)
{
	size_t place = table->count, bucket = bucket_of(str_of(recording->sid));

	while (place > 0 && ((struct sim_recording *)table->at[place - 1])->created_at_ms >
				    recording->created_at_ms)
		place--;
	table_insert(table, place, recording);
	recording->next_in_bucket = table->buckets[bucket];
	table->buckets[bucket] = recording;
}

struct sim_call *sim_find_call(const struct sim *sim, struct str sid)
{
	struct sim_call *call = sim->calls.buckets[bucket_of(sid)];

	while (call && !str_eq(str_of(call->sid), sid))
		call = call->next_in_bucket;
	return call;
}

struct sim_recording *sim_find_recording(const struct sim *sim, struct str sid)
{
	struct sim_recording *recording = sim->recordings.buckets[bucket_of(sid)];

	while (recording && !str_eq(str_of(recording->sid), sid))
		recording = recording->next_in_bucket;
	return recording;
}
