#include "auth/known.h"

#include "base/mem.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>

/*
 * 4,096 people at once without a query, in a good 1 MiB a loop.  There are four places for each of them: in a table that
 * they would just fill, chance gives some sets more than they hold, and one in five would be asked for at each request.
 */
#define SETS 2048
#define WAYS 8

struct known_table {
	struct known at[SETS][WAYS];
	/*
	 * Of what was put last at each place, 16 bits of its tag: to look through a set reads 16 bytes here, and
	 * nearly always the one entry that is sought in place of eight lines of memory.  Not even these are read for
	 * most of those who are known: they stand at the first place of their tag (first_way()).
	 */
	uint16_t marks[SETS][WAYS];
	uint8_t keys[KNOWN_SOURCES][crypto_shorthash_siphashx24_KEYBYTES];
};
_Static_assert(KNOWN_KEY_BYTES == crypto_shorthash_siphashx24_KEYBYTES, "the key of SipHash");

struct known_table *known_table_new(const uint8_t key[KNOWN_KEY_BYTES])
{
	struct known_table *table =
		aligned_alloc(sizeof(struct known), sizeof(*table) + 64 - sizeof(*table) % 64);

	if (!table)
		abort(); /* as base/mem.h does */
	memset(table, 0, sizeof(*table));
	for (unsigned source = 0; source < KNOWN_SOURCES; source++) {
		uint8_t name = (uint8_t)source;

		crypto_shorthash_siphashx24(table->keys[source], &name, 1, key);
	}
	return table;
}

void known_table_free(struct known_table *table)
{
	if (!table)
		return;
	sodium_memzero(table, sizeof(*table));
	free(table);
}

void known_tag(const struct known_table *table, enum known_source source, struct str text,
	       uint64_t out[2])
{
	uint8_t hash[crypto_shorthash_siphashx24_BYTES];

	crypto_shorthash_siphashx24(hash, (const uint8_t *)(text.at ? text.at : ""), text.len,
				    table->keys[source]);
	memcpy(out, hash, sizeof(hash));
	if (out[0] == 0 && out[1] == 0)
		out[1] = 1; /* 0, 0 is a free place */
}

static struct known *set_of(struct known_table *table, const uint64_t tag[2])
{
	return table->at[tag[0] % SETS];
}

/* Where an entry stands if it can; while a quarter of the places is taken, six of seven do. */
static unsigned first_way(const uint64_t tag[2])
{
	return (unsigned)(tag[0] / SETS % WAYS);
}

static uint16_t mark_of(const uint64_t tag[2])
{
	return (uint16_t)tag[1];
}

static bool is_same(const struct known *entry, const uint64_t tag[2])
{
	return entry->tag[0] == tag[0] && entry->tag[1] == tag[1];
}

static bool is_free(const struct known *entry)
{
	return entry->tag[0] == 0 && entry->tag[1] == 0;
}

static struct known *find_elsewhere(struct known_table *table, const uint64_t tag[2])
{
	struct known *set = set_of(table, tag);
	const uint16_t *marks = table->marks[tag[0] % SETS];

	for (unsigned way = 0; way < WAYS; way++)
		if (marks[way] == mark_of(tag) && is_same(&set[way], tag))
			return &set[way];
	return NULL;
}

struct known *known_find(struct known_table *table, const uint64_t tag[2], uint32_t now_s)
{
	struct known *entry = &set_of(table, tag)[first_way(tag)];

	if (!is_same(entry, tag))
		entry = find_elsewhere(table, tag);
	return entry && now_s <= entry->expires_s ? entry : NULL;
}

/* The smaller, the sooner its place is taken. */
static uint64_t worth(const struct known *entry, uint32_t now_s)
{
	if (is_free(entry) || entry->expires_s < now_s)
		return 0;
	return entry->kind == 0 ? 1 : 2 + (uint64_t)entry->seen_s;
}

struct known *known_put(struct known_table *table, const struct known *entry, uint32_t now_s)
{
	struct known *set = set_of(table, entry->tag), *place = &set[first_way(entry->tag)];

	assert(!is_free(entry));
	for (unsigned way = 0; way < WAYS; way++) {
		if (is_same(&set[way], entry->tag)) {
			place = &set[way];
			break;
		}
		if (worth(&set[way], now_s) < worth(place, now_s))
			place = &set[way];
	}
	*place = *entry;
	table->marks[entry->tag[0] % SETS][place - set] = mark_of(entry->tag);
	return place;
}

/* ---- dropping ---- */

static void drop_where(struct known_table *table, size_t field, uint64_t value)
{
	for (unsigned set = 0; set < SETS; set++) {
		for (unsigned way = 0; way < WAYS; way++) {
			struct known *entry = &table->at[set][way];
			uint64_t id;

			memcpy(&id, (const char *)entry + field, sizeof(id));
			if (id == value)
				*entry = (struct known){ .kind = 0 };
		}
	}
}

void known_drop_credential(struct known_table *table, uint64_t credential_id)
{
	if (credential_id != 0)
		drop_where(table, offsetof(struct known, credential_id), credential_id);
}

void known_drop_user(struct known_table *table, uint64_t user_id)
{
	if (user_id != 0)
		drop_where(table, offsetof(struct known, user_id), user_id);
}

void known_drop_kind(struct known_table *table, uint8_t kind)
{
	for (unsigned set = 0; set < SETS; set++)
		for (unsigned way = 0; way < WAYS; way++)
			if (table->at[set][way].kind == kind)
				table->at[set][way] = (struct known){ .kind = 0 };
}

void known_drop_all(struct known_table *table)
{
	memset(table->at, 0, sizeof(table->at));
}

unsigned known_each_seen(const struct known_table *table, uint32_t since_s, unsigned from,
			 unsigned most, struct known_visitor *visitor)
{
	unsigned visited = 0;

	for (unsigned set = from; set < SETS; set++) {
		if (visited + WAYS > most)
			return set;
		for (unsigned way = 0; way < WAYS; way++) {
			const struct known *entry = &table->at[set][way];

			if (entry->credential_id == 0 || entry->seen_s <= since_s)
				continue;
			visitor->visit(visitor, entry);
			visited++;
		}
	}
	return 0;
}
