#include "auth/throttle.h"

#include "base/hash.h"
#include "base/mem.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>

#define SETS 512 /* 96 KiB a process */
#define WAYS 8

#define HOUR_MS (60 * 60 * 1000)

struct rule {
	unsigned burst;
	int64_t interval_ms;
};

static const struct rule fixed_rules[THROTTLE_PLAYS] = {
	[THROTTLE_NETWORK] = { 20, 10 * 1000 }, [THROTTLE_NETWORK_WIDE] = { 160, 10 * 1000 / 8 },
	[THROTTLE_ACCOUNT] = { 10, 60 * 1000 }, [THROTTLE_ACCOUNT_DEVICE] = { 10, 30 * 1000 },
	[THROTTLE_UNKNOWN] = { 30, 2 * 1000 },  [THROTTLE_MISSING_SID] = { 60, 1000 },
	[THROTTLE_LINK] = { 60, 5 * 1000 },     [THROTTLE_LINK_WIDE] = { 480, 5 * 1000 / 8 },
};

/*
 * The generic cell rate algorithm: one instant says all.  `full_at_ms` is when the bucket will be full
 * again; every try moves it on by an interval, and it may not be further ahead than `burst` of them.
 */
struct bucket {
	uint64_t tag; /* 0: free */
	int64_t full_at_ms;
	uint32_t rule;
};

struct throttle {
	pthread_mutex_t mutex;
	uint8_t key[crypto_shorthash_KEYBYTES];
	struct rule rules[THROTTLE_RULES];
	struct bucket at[SETS][WAYS];
};

static struct rule plays_rule(unsigned plays_an_hour)
{
	return (struct rule){ plays_an_hour, plays_an_hour ? HOUR_MS / plays_an_hour : HOUR_MS };
}

struct throttle *throttle_new(unsigned plays_an_hour)
{
	struct throttle *throttle = xcalloc(1, sizeof(*throttle));

	pthread_mutex_init(&throttle->mutex, NULL);
	random_bytes(throttle->key, sizeof(throttle->key));
	memcpy(throttle->rules, fixed_rules, sizeof(fixed_rules));
	throttle->rules[THROTTLE_PLAYS] = plays_rule(plays_an_hour);
	return throttle;
}

void throttle_set_plays(struct throttle *throttle, unsigned plays_an_hour)
{
	pthread_mutex_lock(&throttle->mutex);
	throttle->rules[THROTTLE_PLAYS] = plays_rule(plays_an_hour);
	pthread_mutex_unlock(&throttle->mutex);
}

void throttle_free(struct throttle *throttle)
{
	if (!throttle)
		return;
	pthread_mutex_destroy(&throttle->mutex);
	free(throttle);
}

static uint64_t tag_of(const struct throttle *throttle, enum throttle_rule rule, struct str key)
{
	uint8_t hash[crypto_shorthash_BYTES];
	uint64_t tag;

	crypto_shorthash(hash, (const uint8_t *)(key.at ? key.at : ""), key.len, throttle->key);
	memcpy(&tag, hash, sizeof(tag));
	tag ^= (uint64_t)(rule + 1) * UINT64_C(0x9e3779b97f4a7c15); /* the rules are tables apart */
	return tag ? tag : 1;
}

/* How many tries it has left, in thousandths of its burst: what is compared between rules. */
static int64_t fullness(const struct throttle *throttle, const struct bucket *bucket,
			int64_t now_ms)
{
	const struct rule *rule = &throttle->rules[bucket->rule];
	int64_t whole_ms = (int64_t)rule->burst * rule->interval_ms;
	int64_t missing_ms = bucket->full_at_ms - now_ms;

	if (bucket->tag == 0 || missing_ms <= 0)
		return INT64_MAX;
	return missing_ms >= whole_ms ? 0 : 1000 - missing_ms * 1000 / whole_ms;
}

static struct bucket *find(struct throttle *throttle, uint64_t tag)
{
	struct bucket *set = throttle->at[tag % SETS];

	for (unsigned way = 0; way < WAYS; way++)
		if (set[way].tag == tag)
			return &set[way];
	return NULL;
}

/* A new bucket, full, in place of the fullest. */
static struct bucket *make(struct throttle *throttle, enum throttle_rule rule, uint64_t tag,
			   int64_t now_ms)
{
	struct bucket *set = throttle->at[tag % SETS], *place = &set[0];

	for (unsigned way = 1; way < WAYS; way++)
		if (fullness(throttle, &set[way], now_ms) > fullness(throttle, place, now_ms))
			place = &set[way];
	*place = (struct bucket){ .tag = tag, .full_at_ms = now_ms, .rule = rule };
	return place;
}

/* How long until one try is there; 0: it is there. */
static int64_t wait_of(const struct throttle *throttle, const struct bucket *bucket, int64_t now_ms)
{
	const struct rule *rule = &throttle->rules[bucket->rule];
	int64_t interval_ms = rule->interval_ms;
	int64_t most_ms = (int64_t)rule->burst * interval_ms;
	int64_t ahead_ms = bucket->full_at_ms > now_ms ? bucket->full_at_ms - now_ms : 0;
	int64_t wait_ms = ahead_ms + interval_ms - most_ms;

	return wait_ms > 0 ? wait_ms : 0;
}

static bool look(struct throttle *throttle, enum throttle_rule rule, struct str key, int64_t now_ms,
		 bool takes, int64_t *out_wait_ms)
{
	uint64_t tag = tag_of(throttle, rule, key);
	struct bucket *bucket;

	pthread_mutex_lock(&throttle->mutex);
	bucket = find(throttle, tag);
	*out_wait_ms = bucket ? wait_of(throttle, bucket, now_ms) : 0;
	if (takes && *out_wait_ms == 0) {
		if (!bucket)
			bucket = make(throttle, rule, tag, now_ms);
		if (bucket->full_at_ms < now_ms)
			bucket->full_at_ms = now_ms;
		bucket->full_at_ms += throttle->rules[rule].interval_ms;
	}
	pthread_mutex_unlock(&throttle->mutex);
	return *out_wait_ms == 0;
}

bool throttle_take(struct throttle *throttle, enum throttle_rule rule, struct str key,
		   int64_t now_ms, int64_t *out_wait_ms)
{
	return look(throttle, rule, key, now_ms, true, out_wait_ms);
}

bool throttle_allows(struct throttle *throttle, enum throttle_rule rule, struct str key,
		     int64_t now_ms, int64_t *out_wait_ms)
{
	return look(throttle, rule, key, now_ms, false, out_wait_ms);
}

unsigned throttle_left(struct throttle *throttle, enum throttle_rule rule, struct str key,
		       int64_t now_ms)
{
	const struct rule *is = &throttle->rules[rule];
	uint64_t tag = tag_of(throttle, rule, key);
	int64_t free_ms = (int64_t)is->burst * is->interval_ms;
	struct bucket *bucket;

	pthread_mutex_lock(&throttle->mutex);
	bucket = find(throttle, tag);
	if (bucket && bucket->full_at_ms > now_ms)
		free_ms -= bucket->full_at_ms - now_ms;
	pthread_mutex_unlock(&throttle->mutex);
	return free_ms > 0 ? (unsigned)(free_ms / is->interval_ms) : 0;
}

void throttle_give_back(struct throttle *throttle, enum throttle_rule rule, struct str key,
			int64_t now_ms)
{
	uint64_t tag = tag_of(throttle, rule, key);
	struct bucket *bucket;

	pthread_mutex_lock(&throttle->mutex);
	bucket = find(throttle, tag);
	if (bucket && bucket->full_at_ms > now_ms)
		bucket->full_at_ms -= throttle->rules[rule].interval_ms;
	pthread_mutex_unlock(&throttle->mutex);
}
