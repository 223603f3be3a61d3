#include "auth/played.h"

#include "base/hash.h"
#include "base/mem.h"
#include "catalog/catalog.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define SETS 1024 /* with WAYS: 8,192 recordings an hour, in 128 KiB a process */
#define WAYS 8

struct begun {
	uint64_t tag; /* 0: free */
	int64_t at_ms;
};

struct played {
	pthread_mutex_t mutex;
	uint8_t key[crypto_shorthash_KEYBYTES];
	struct begun at[SETS][WAYS];
};

struct played *played_new(void)
{
	struct played *played = xcalloc(1, sizeof(*played));

	pthread_mutex_init(&played->mutex, NULL);
	random_bytes(played->key, sizeof(played->key));
	return played;
}

void played_free(struct played *played)
{
	if (!played)
		return;
	pthread_mutex_destroy(&played->mutex);
	free(played);
}

static uint64_t tag_of(const struct played *played, uint64_t user_id, const char *recording_sid)
{
	struct {
		uint64_t user_id;
		char recording_sid[SID_SIZE];
	} text;
	uint8_t hash[crypto_shorthash_BYTES];
	uint64_t tag;

	memset(&text, 0, sizeof(text)); /* what lies behind the fields, too */
	text.user_id = user_id;
	str_fit(str_of(recording_sid), text.recording_sid, sizeof(text.recording_sid));
	crypto_shorthash(hash, (const uint8_t *)&text, sizeof(text), played->key);
	memcpy(&tag, hash, sizeof(tag));
	return tag ? tag : 1;
}

static struct begun *find(struct played *played, uint64_t tag)
{
	struct begun *set = played->at[tag % SETS];

	for (unsigned way = 0; way < WAYS; way++)
		if (set[way].tag == tag)
			return &set[way];
	return NULL;
}

static struct begun *oldest_of(struct begun *set)
{
	struct begun *oldest = &set[0];

	for (unsigned way = 0; way < WAYS && oldest->tag != 0; way++)
		if (set[way].tag == 0 || set[way].at_ms < oldest->at_ms)
			oldest = &set[way];
	return oldest;
}

bool played_lately(struct played *played, uint64_t user_id, const char *recording_sid,
		   int64_t now_ms)
{
	uint64_t tag = tag_of(played, user_id, recording_sid);
	const struct begun *begun;
	bool is_lately;

	pthread_mutex_lock(&played->mutex);
	begun = find(played, tag);
	is_lately = begun && now_ms - begun->at_ms < PLAYED_MS;
	pthread_mutex_unlock(&played->mutex);
	return is_lately;
}

void played_add(struct played *played, uint64_t user_id, const char *recording_sid, int64_t now_ms)
{
	uint64_t tag = tag_of(played, user_id, recording_sid);
	struct begun *begun;

	pthread_mutex_lock(&played->mutex);
	begun = find(played, tag);
	if (!begun)
		begun = oldest_of(played->at[tag % SETS]);
	*begun = (struct begun){ .tag = tag, .at_ms = now_ms };
	pthread_mutex_unlock(&played->mutex);
}
