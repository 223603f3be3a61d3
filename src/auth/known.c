#include "auth/known.h"

#include "base/aes_mac.h"
#include "base/mem.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>

/*
 * 4,096 people at once without a query, in a good 1 MiB a loop.  There are four places for each of them: in a table that
 * they would just fill, chance gives some sets more than they hold, and one in five would be asked for at each request.
 */
#define WAYS 8
#define SETS (KNOWN_PLACES / WAYS)

struct known_table {
	struct lines lines; /* a struct known each; a set is WAYS of them */
	/*
	 * Of what was put last at each place, 16 bits of its tag: to look through a set reads 16 bytes here, and
	 * nearly always the one entry that is sought in place of eight lines of memory.  32 KiB are near when 1 MiB is not:
	 * where somebody stands is found out here, and only then asked of the memory behind.
	 */
	uint16_t marks[KNOWN_PLACES];
	bool has_aes;
	struct aes_mac macs[KNOWN_SOURCES]; /* of texts as long as a credential, if it has */
	uint8_t keys[KNOWN_SOURCES][crypto_shorthash_siphashx24_KEYBYTES]; /* of all others */
};
_Static_assert(KNOWN_KEY_BYTES == crypto_shorthash_siphashx24_KEYBYTES, "the key of SipHash");
_Static_assert(AES_MAC_KEY_BYTES == crypto_shorthash_siphashx24_BYTES, "a key is made of it");
_Static_assert(AES_MAC_BYTES == 2 * sizeof(uint64_t), "a tag");

static struct known *at(const struct known_table *table, size_t place)
{
	return (struct known *)line_at(table->lines, place);
}

static bool is_free(const struct known *entry)
{
	return entry->tag[0] == 0 && entry->tag[1] == 0;
}

/* Of what is free nothing is written: it may be memory that was never touched. */
static void drop(struct known_table *table, unsigned place)
{
	if (is_free(at(table, place)))
		return;
	*at(table, place) = (struct known){ .kind = 0 };
	table->marks[place] = 0;
}

/* Two keys of each source, no two of them alike. */
static void make_keys(struct known_table *table, const uint8_t key[KNOWN_KEY_BYTES])
{
	uint8_t aes_key[AES_MAC_KEY_BYTES];

	for (unsigned source = 0; source < KNOWN_SOURCES; source++) {
		uint8_t name = (uint8_t)source, aes_name = (uint8_t)(KNOWN_SOURCES + source);

		crypto_shorthash_siphashx24(table->keys[source], &name, 1, key);
		if (!table->has_aes)
			continue;
		crypto_shorthash_siphashx24(aes_key, &aes_name, 1, key);
		aes_mac_start(&table->macs[source], aes_key);
	}
	sodium_memzero(aes_key, sizeof(aes_key));
}

struct known_table *known_table_new(const uint8_t key[KNOWN_KEY_BYTES], struct lines lines)
{
	struct known_table *table = xcalloc(1, sizeof(*table));

	assert(lines.count == KNOWN_PLACES);
	table->lines = lines;
	table->has_aes = aes_mac_is_here();
	make_keys(table, key);
	return table;
}

void known_table_free(struct known_table *table)
{
	if (!table)
		return;
	known_drop_all(table);
	sodium_memzero(table, sizeof(*table));
	free(table);
}

void known_tag(const struct known_table *table, enum known_source source, struct str text,
	       uint64_t out[2])
{
	uint8_t *hash = (uint8_t *)out;

	if (table->has_aes && text.len == AES_MAC_TEXT_BYTES)
		aes_mac_of(&table->macs[source], text.at, hash);
	else
		crypto_shorthash_siphashx24(hash, (const uint8_t *)(text.at ? text.at : ""),
					    text.len, table->keys[source]);
	if (out[0] == 0 && out[1] == 0)
		out[1] = 1; /* 0, 0 is a free place */
}

/* Where an entry stands if it can; while a quarter of the places is taken, six of seven do. */
static unsigned first_place(const uint64_t tag[2])
{
	return (unsigned)(tag[0] % KNOWN_PLACES);
}

static uint16_t mark_of(const uint64_t tag[2])
{
	return (uint16_t)tag[1];
}

static bool is_same(const struct known *entry, const uint64_t tag[2])
{
	return entry->tag[0] == tag[0] && entry->tag[1] == tag[1];
}

/* The first place of its set. */
static unsigned set_of(const uint64_t tag[2])
{
	return first_place(tag) / WAYS * WAYS;
}

unsigned known_place(const struct known_table *table, const uint64_t tag[2])
{
	unsigned first = first_place(tag), set = set_of(tag);

	if (table->marks[first] == mark_of(tag))
		return first;
	for (unsigned place = set; place < set + WAYS; place++)
		if (table->marks[place] == mark_of(tag))
			return place;
	return first;
}

void known_expect(const struct known_table *table, unsigned place)
{
	__builtin_prefetch(at(table, place));
}

static struct known *find_elsewhere(struct known_table *table, const uint64_t tag[2])
{
	unsigned set = set_of(tag);

	for (unsigned place = set; place < set + WAYS; place++)
		if (table->marks[place] == mark_of(tag) && is_same(at(table, place), tag))
			return at(table, place);
	return NULL;
}

struct known *known_find_at(struct known_table *table, unsigned place, const uint64_t tag[2],
			    uint32_t now_s)
{
	struct known *entry = at(table, place);

	if (!is_same(entry, tag))
		entry = find_elsewhere(table, tag);
	return entry && now_s <= entry->expires_s ? entry : NULL;
}

struct known *known_find(struct known_table *table, const uint64_t tag[2], uint32_t now_s)
{
	return known_find_at(table, known_place(table, tag), tag, now_s);
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
	unsigned set = set_of(entry->tag), chosen = first_place(entry->tag);

	assert(!is_free(entry));
	for (unsigned place = set; place < set + WAYS; place++) {
		if (is_same(at(table, place), entry->tag)) {
			chosen = place;
			break;
		}
		if (worth(at(table, place), now_s) < worth(at(table, chosen), now_s))
			chosen = place;
	}
	*at(table, chosen) = *entry;
	table->marks[chosen] = mark_of(entry->tag);
	return at(table, chosen);
}

/* ---- dropping ---- */

static void drop_where(struct known_table *table, size_t field, uint64_t value)
{
	for (unsigned place = 0; place < KNOWN_PLACES; place++) {
		uint64_t id;

		memcpy(&id, (const char *)at(table, place) + field, sizeof(id));
		if (id == value)
			drop(table, place);
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
	for (unsigned place = 0; place < KNOWN_PLACES; place++)
		if (at(table, place)->kind == kind)
			drop(table, place);
}

void known_drop_all(struct known_table *table)
{
	for (unsigned place = 0; place < KNOWN_PLACES; place++)
		drop(table, place);
}

unsigned known_each_seen(const struct known_table *table, uint32_t since_s, unsigned from,
			 unsigned most, struct known_visitor *visitor)
{
	unsigned visited = 0;

	for (unsigned set = from; set < SETS; set++) {
		if (visited + WAYS > most)
			return set;
		for (unsigned way = 0; way < WAYS; way++) {
			const struct known *entry = at(table, (size_t)set * WAYS + way);

			if (entry->credential_id == 0 || entry->seen_s <= since_s)
				continue;
			visitor->visit(visitor, entry);
			visited++;
		}
	}
	return 0;
}
