#include "auth/known.h"

#include "tap.h"

#include <stdio.h>

static const uint8_t key[KNOWN_KEY_BYTES] = "a key of a test";

static struct line_pairs *pairs;

static struct known_table *table_new(void)
{
	pairs = line_pairs_new(KNOWN_PLACES, false);
	return known_table_new(key, line_pairs_left(pairs));
}

static void table_free(struct known_table *table)
{
	known_table_free(table);
	line_pairs_free(pairs);
}

static struct known entry_of(const struct known_table *table, const char *text, uint64_t id)
{
	struct known entry = { .credential_id = id,
			       .user_id = id * 10,
			       .expires_s = 2000,
			       .seen_s = 1000,
			       .source = KNOWN_COOKIE,
			       .kind = 1,
			       .rights = 7 };

	known_tag(table, KNOWN_COOKIE, str_of(text), entry.tag);
	return entry;
}

static struct known *find(struct known_table *table, enum known_source source, const char *text,
			  uint32_t now_s)
{
	uint64_t tag[2];

	known_tag(table, source, str_of(text), tag);
	return known_find(table, tag, now_s);
}

static void test_finding(void)
{
	struct known_table *table = table_new();
	struct known entry = entry_of(table, "secret", 3), *found;

	OK(!find(table, KNOWN_COOKIE, "secret", 1000), "nobody is known at first");
	known_put(table, &entry, 1000);
	found = find(table, KNOWN_COOKIE, "secret", 1000);
	OK(found && found->user_id == 30 && found->rights == 7, "what was put is found");
	OK(!find(table, KNOWN_BEARER, "secret", 1000), "not as of another source");
	OK(!find(table, KNOWN_COOKIE, "Secret", 1000), "nor by another text");
	OK(find(table, KNOWN_COOKIE, "secret", 2000), "until its last second");
	OK(!find(table, KNOWN_COOKIE, "secret", 2001), "and not after");
	entry.rights = 1;
	known_put(table, &entry, 1000);
	IS_INT(find(table, KNOWN_COOKIE, "secret", 1000)->rights, 1,
	       "a newer answer takes its place");
	table_free(table);
}

/* As long as a credential, and shorter and longer by one: each byte counts, each source and each key has tags of its own. */
static void test_tags(void)
{
	static const uint8_t other_key[KNOWN_KEY_BYTES] = "another key";
	struct known_table *table = table_new(),
			   *same = known_table_new(key, line_pairs_left(pairs));
	struct known_table *other = known_table_new(other_key, line_pairs_left(pairs));
	unsigned alike = 0, unlike = 0;

	for (size_t len = 31; len <= 33; len++) {
		char text[] = "Zk3_x81QmB0vZk3_x81QmB0vZk3_x81Qm";
		uint64_t tag[2], changed[2];

		known_tag(table, KNOWN_COOKIE, (struct str){ text, len }, tag);
		known_tag(same, KNOWN_COOKIE, (struct str){ text, len }, changed);
		unlike += memcmp(tag, changed, sizeof(tag)) != 0;
		known_tag(other, KNOWN_COOKIE, (struct str){ text, len }, changed);
		alike += tag[0] == changed[0] || tag[1] == changed[1];
		for (unsigned source = KNOWN_COOKIE + 1; source < KNOWN_SOURCES; source++) {
			known_tag(table, (enum known_source)source, (struct str){ text, len },
				  changed);
			alike += tag[0] == changed[0] || tag[1] == changed[1];
		}
		for (size_t at = 0; at < len; at++) {
			text[at] ^= 1;
			known_tag(table, KNOWN_COOKIE, (struct str){ text, len }, changed);
			alike += tag[0] == changed[0] || tag[1] == changed[1];
			text[at] ^= 1;
		}
	}
	IS_INT(unlike, 0, "the same text has the same tag on every loop");
	IS_INT(alike, 0, "another text, source or key has another one");
	known_table_free(other);
	known_table_free(same);
	table_free(table);
}

/* Where somebody stands is told by itself, and stays: their plays are found by it. */
static void test_places(void)
{
	struct known_table *table = table_new();
	unsigned first = 0, same = 0, found = 0, apart = 0;
	static bool is_taken[KNOWN_PLACES];
	static unsigned places[4096];
	char text[32];

	for (unsigned i = 0; i < 4096; i++) {
		struct known entry;

		snprintf(text, sizeof(text), "user %u", i);
		entry = entry_of(table, text, i + 1);
		places[i] = known_place(table, entry.tag); /* of nobody: where they would be put */
		known_put(table, &entry, 1000);
		first += known_place(table, entry.tag) == places[i];
		places[i] = known_place(table, entry.tag);
	}
	for (unsigned i = 0; i < 4096; i++) {
		struct known entry;

		snprintf(text, sizeof(text), "user %u", i);
		entry = entry_of(table, text, i + 1);
		same += known_place(table, entry.tag) == places[i];
		known_expect(table, places[i]);
		found += known_find_at(table, places[i], entry.tag, 1000) != NULL;
		found += known_find_at(table, (places[i] + 1) % KNOWN_PLACES, entry.tag, 1000) !=
			 NULL;
		apart += !is_taken[places[i]];
		is_taken[places[i]] = true;
	}
	OK(first > 4096 / 4 * 3, "most stand where they would be looked for first (%u)", first);
	OK(same > 4096 - 40 && apart > 4096 - 40,
	   "all but one in a hundred are where they were put, and alone there (%u, %u)", same,
	   apart);
	OK(found > 2 * (4096 - 40), "and are found from another place as well (%u)", found);
	table_free(table);
}

static void test_dropping(void)
{
	struct known_table *table = table_new();

	for (uint64_t id = 1; id <= 3; id++) {
		char text[8];
		struct known entry;

		snprintf(text, sizeof(text), "s%d", (int)id);
		entry = entry_of(table, text, id);
		known_put(table, &entry, 1000);
	}
	known_drop_credential(table, 1);
	OK(!find(table, KNOWN_COOKIE, "s1", 1000), "a revoked credential is unknown");
	OK(find(table, KNOWN_COOKIE, "s2", 1000), "the others are not");
	known_drop_user(table, 20);
	OK(!find(table, KNOWN_COOKIE, "s2", 1000), "so are all of a user");
	known_drop_credential(table, 0);
	known_drop_user(table, 0);
	OK(find(table, KNOWN_COOKIE, "s3", 1000), "nobody's number is no number");
	known_drop_kind(table, 2);
	OK(find(table, KNOWN_COOKIE, "s3", 1000), "nor is another kind this one");
	known_drop_all(table);
	OK(!find(table, KNOWN_COOKIE, "s3", 1000), "until all are dropped");
	table_free(table);
}

/* Puts `count` entries of nobody, and says whether the one of somebody is still there. */
static void test_replacing(void)
{
	struct known_table *table = table_new();
	struct known somebody = entry_of(table, "somebody", 1);
	unsigned known_count = 0;

	known_put(table, &somebody, 1000);
	for (unsigned i = 0; i < 100000; i++) {
		char text[32];
		struct known nobody;

		snprintf(text, sizeof(text), "guess %u", i);
		nobody = entry_of(table, text, 0);
		nobody.kind = 0;
		known_put(table, &nobody, 1000);
	}
	OK(find(table, KNOWN_COOKIE, "somebody", 1000), "guesses do not push out who is known");

	table_free(table);
	table = table_new();
	for (unsigned i = 0; i < 4096; i++) {
		char text[32];
		struct known entry;

		snprintf(text, sizeof(text), "user %u", i);
		entry = entry_of(table, text, i + 1);
		entry.seen_s = 1000 + i;
		known_put(table, &entry, 1000);
	}
	for (unsigned i = 0; i < 4096; i++) {
		char text[32];

		snprintf(text, sizeof(text), "user %u", i);
		if (find(table, KNOWN_COOKIE, text, 1000))
			known_count++;
	}
	OK(known_count > 4096 - 40, "of 4,096 all but one in a hundred are known (%u)",
	   known_count);
	OK(find(table, KNOWN_COOKIE, "user 4095", 1000), "whoever was seen last among them");
	table_free(table);
}

struct counter {
	struct known_visitor visitor;
	unsigned count;
	uint64_t last_id;
};

static void count(struct known_visitor *visitor, const struct known *entry)
{
	struct counter *counter = container_of(visitor, struct counter, visitor);

	counter->count++;
	counter->last_id = entry->credential_id;
}

static void test_seen(void)
{
	struct known_table *table = table_new();
	struct known old = entry_of(table, "old", 1), new = entry_of(table, "new", 2);
	struct known nobody = entry_of(table, "nobody", 0);
	struct counter counter = { .visitor = { .visit = count } };

	old.seen_s = 1000;
	new.seen_s = nobody.seen_s = 1500;
	known_put(table, &old, 1000);
	known_put(table, &new, 1000);
	known_put(table, &nobody, 1000);
	IS_INT(known_each_seen(table, 1000, 0, 100, &counter.visitor), 0, "all were visited");
	IS_INT(counter.count, 1, "only who was seen since, and has a row");
	IS_INT(counter.last_id, 2, "the one");
	table_free(table);
}

/* More than one batch holds: each is told once, whatever the batches. */
static void test_seen_in_batches(void)
{
	struct known_table *table = table_new();
	struct counter all = { .visitor = { .visit = count } }, batch;
	unsigned from = 0, batches = 0, most = 0;

	for (unsigned i = 0; i < 1000; i++) {
		char text[32];
		struct known entry;

		snprintf(text, sizeof(text), "user %u", i);
		entry = entry_of(table, text, i + 1);
		entry.seen_s = 1500;
		known_put(table, &entry, 1000);
	}
	known_each_seen(table, 1000, 0, 100000, &all.visitor);
	batch = (struct counter){ .visitor = { .visit = count } };
	do {
		unsigned before = batch.count;

		from = known_each_seen(table, 1000, from, 64, &batch.visitor);
		if (batch.count - before > most)
			most = batch.count - before;
	} while (from != 0 && ++batches < 1000);
	IS_INT(batch.count, all.count, "batches hold all that one would");
	OK(most <= 64 && batches > 10, "none more than was asked for");
	table_free(table);
}

int main(void)
{
	test_finding();
	test_tags();
	test_places();
	test_dropping();
	test_replacing();
	test_seen();
	test_seen_in_batches();
	return tap_end();
}
