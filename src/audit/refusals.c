#include "audit/refusals.h"

#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/network.h"

#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_SIZE (USER_NAME_SIZE + 64)

struct counted {
	uint64_t tag; /* 0: free */
	struct refusal_entry entry;
	int64_t due_ms; /* no entry before */
};

struct refusals {
	pthread_mutex_t mutex;
	uint8_t key[crypto_shorthash_KEYBYTES];
	/* The last is of all others together. */
	struct counted at[REFUSALS_MAX + 1];
};

struct refusals *refusals_new(void)
{
	struct refusals *refusals = xcalloc(1, sizeof(*refusals));

	pthread_mutex_init(&refusals->mutex, NULL);
	random_bytes(refusals->key, sizeof(refusals->key));
	return refusals;
}

void refusals_free(struct refusals *refusals)
{
	if (!refusals)
		return;
	pthread_mutex_destroy(&refusals->mutex);
	free(refusals);
}

/* Who it is that is counted, as a text. */
static void name_who(const struct refusal *refusal, char out[KEY_SIZE])
{
	char network[NETWORK_TEXT_SIZE];

	if (refusal->credential[0] != '\0') {
		snprintf(out, KEY_SIZE, "credential %s", refusal->credential);
	} else if (refusal->user_id != 0) {
		snprintf(out, KEY_SIZE, "user %lld", (long long)refusal->user_id);
	} else if (refusal->name[0] != '\0') {
		snprintf(out, KEY_SIZE, "name %s", refusal->name);
	} else {
		network_of_address(str_of(refusal->address), 64, network);
		snprintf(out, KEY_SIZE, "network %s", network);
	}
}

static uint64_t tag_of(const struct refusals *refusals, const struct refusal *refusal)
{
	char who[KEY_SIZE], text[KEY_SIZE + 64];
	uint8_t hash[crypto_shorthash_BYTES];
	uint64_t tag;

	name_who(refusal, who);
	snprintf(text, sizeof(text), "%d %s %s", (int)refusal->kind,
		 refusal->kind == REFUSAL_THROTTLED ? refusal->what : "", who);
	crypto_shorthash(hash, (const uint8_t *)text, strlen(text), refusals->key);
	memcpy(&tag, hash, sizeof(tag));
	return tag ? tag : 1;
}

static struct counted *place_for(struct refusals *refusals, uint64_t tag)
{
	struct counted *free_place = &refusals->at[REFUSALS_MAX];

	for (size_t i = 0; i < REFUSALS_MAX; i++) {
		struct counted *place = &refusals->at[i];

		if (place->tag == tag)
			return place;
		if (place->tag == 0)
			free_place = place;
	}
	return free_place;
}

void refusals_add(struct refusals *refusals, const struct refusal *refusal, int64_t now_ms)
{
	uint64_t tag = tag_of(refusals, refusal);
	struct counted *place;

	pthread_mutex_lock(&refusals->mutex);
	place = place_for(refusals, tag);
	if (place->tag == 0) {
		place->tag = tag;
		place->due_ms = now_ms;
	}
	if (place == &refusals->at[REFUSALS_MAX])
		place->entry.first = (struct refusal){ .kind = refusal->kind };
	else if (place->entry.count == 0)
		place->entry.first = *refusal;
	place->entry.count++;
	pthread_mutex_unlock(&refusals->mutex);
}

size_t refusals_take(struct refusals *refusals, int64_t now_ms, struct refusal_entry *out,
		     size_t size)
{
	size_t count = 0;

	pthread_mutex_lock(&refusals->mutex);
	for (size_t i = 0; i <= REFUSALS_MAX && count < size; i++) {
		struct counted *place = &refusals->at[i];

		if (place->tag == 0 || place->due_ms > now_ms)
			continue;
		if (place->entry.count == 0) { /* a minute of silence */
			place->tag = 0;
			continue;
		}
		out[count++] = place->entry;
		place->entry.count = 0;
		if (now_ms < INT64_MAX)
			place->due_ms = now_ms + REFUSALS_MINUTE_MS;
	}
	pthread_mutex_unlock(&refusals->mutex);
	return count;
}

bool refusals_write(const struct audit_trail *trail, struct catalog *catalog,
		    const struct refusal_entry *entry, struct err *err)
{
	const struct refusal *first = &entry->first;
	bool is_throttled = first->kind == REFUSAL_THROTTLED;
	struct audit_entry written = { .user_id = first->user_id };
	struct json json;
	struct buf body;

	str_fit(is_throttled ? STR("throttled") : STR("refused"), written.kind,
		sizeof(written.kind));
	memcpy(written.credential, first->credential, sizeof(written.credential));
	memcpy(written.for_user, first->for_user, sizeof(written.for_user));
	memcpy(written.address, first->address, sizeof(written.address));
	buf_over(&body, written.body, sizeof(written.body));
	json_start(&json, &body);
	json_open(&json, NULL, '{');
	json_text(&json, is_throttled ? "limit" : "code",
		  str_of(first->what ? first->what : "others"));
	if (first->route)
		json_text(&json, "route", str_of(first->route));
	if (first->name[0] != '\0')
		json_text(&json, "name", str_of(first->name));
	json_int(&json, "count", entry->count);
	json_close(&json, '}');
	if (!buf_ok(&body))
		return err_set(err, ERR_INTERNAL, "an entry of the audit is too long");
	return audit_trail_write(trail, catalog, &written, err);
}
