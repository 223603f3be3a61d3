/*
 * Rows of the audit: what is read is what was written, which entries are listed, where chains end and begin.
 */
#include "accounts/audit.h"
#include "ledger_fixture.h"
#include "tap.h"

#define NOON 1700000000000
#define RE   "RE00000000000000000000000000000001"

static struct err err;
static struct ledger ledger;

static int64_t add_chain(const char *key)
{
	int64_t chain;

	MUST(audit_add_chain(ledger.writer, str_of(key), NOON, &chain, &err));
	return chain;
}

/* Entry `seq` of a chain, whose mac is full of its number. */
static struct audit_entry entry_of(int64_t chain, int64_t seq, int64_t at_ms)
{
	struct audit_entry entry = { .chain = chain, .seq = seq, .at_ms = at_ms, .kind = "play" };

	memset(entry.mac, (int)seq, sizeof(entry.mac));
	return entry;
}

static void add(const struct audit_entry *entry)
{
	MUST(audit_insert(ledger.writer, entry, &err));
}

static bool has_mac(const uint8_t mac[SHA256_BYTES], int of)
{
	uint8_t want[SHA256_BYTES];

	memset(want, of, sizeof(want));
	return memcmp(mac, want, sizeof(want)) == 0;
}

static void test_entries(void)
{
	const struct audit_entry whole = { .seq = 1,
					   .at_ms = NOON,
					   .kind = "play",
					   .user_id = 7,
					   .user_name = "dana",
					   .credential = "abcdefgh",
					   .for_user = "a customer",
					   .recording_sid = RE,
					   .network = "203.0.113.0/24",
					   .address = "203.0.113.7",
					   .address_mac = "0123",
					   .body = "{\"a\":1}",
					   .mac = { 1, 2, 255 } };
	struct audit_entry entry = whole, read[3] = { { .chain = 99 }, { .chain = 99 } };
	size_t count = 9;

	entry.chain = add_chain("key");
	add(&entry);
	MUST(audit_read(ledger.writer, entry.chain, 0, read, 3, &count, &err));
	IS_INT(count, 1, "one entry");
	OK(read[0].chain == entry.chain && read[0].seq == 1 && read[0].at_ms == NOON &&
		   read[0].user_id == 7,
	   "its numbers");
	OK(strcmp(read[0].kind, whole.kind) == 0 &&
		   strcmp(read[0].user_name, whole.user_name) == 0 &&
		   strcmp(read[0].credential, whole.credential) == 0 &&
		   strcmp(read[0].for_user, whole.for_user) == 0 &&
		   strcmp(read[0].recording_sid, whole.recording_sid) == 0,
	   "who, with what, for whom, and what");
	OK(strcmp(read[0].network, whole.network) == 0 &&
		   strcmp(read[0].address, whole.address) == 0 &&
		   strcmp(read[0].address_mac, whole.address_mac) == 0 &&
		   strcmp(read[0].body, whole.body) == 0,
	   "from where, and the rest of it");
	OK(memcmp(read[0].mac, whole.mac, sizeof(whole.mac)) == 0, "its mac");
	IS_INT(read[1].chain, 99, "nothing is written behind it");
	OK(!audit_insert(ledger.writer, &entry, &err) && err.kind == ERR_CONFLICT,
	   "no two of one number: %s", err.text);
}

static void test_chains(void)
{
	int64_t first = add_chain("one"), second = add_chain("two"), removed = 0;
	struct audit_chain_row rows[3] = { { .chain = 0 } };
	struct audit_entry entry, read[4];
	struct audit_tail tail, tails[3];
	size_t count = 9;

	OK(second > first, "each has a number of its own");
	for (int i = 1; i <= 4; i++) {
		entry = entry_of(first, i, NOON + i);
		add(&entry);
	}
	MUST(audit_chains(ledger.writer, first - 1, rows, 3, &count, &err));
	OK(count == 2 && rows[0].chain == first && rows[1].chain == second &&
		   strcmp(rows[0].key_id, "one") == 0 && rows[0].began_at_ms == NOON &&
		   rows[0].pruned_seq == 0 && has_mac(rows[0].pruned_mac, 0),
	   "in the order of their numbers");
	MUST(audit_chains(ledger.writer, first - 1, rows, 1, &count, &err));
	OK(count == 1 && rows[0].chain == first, "a page of one");
	MUST(audit_chains(ledger.writer, first, rows, 3, &count, &err));
	OK(count == 1 && rows[0].chain == second, "and those behind it");
	MUST(audit_chains(ledger.writer, second, rows, 3, &count, &err));
	IS_INT(count, 0, "none is behind the last");

	MUST(audit_tail(ledger.writer, first, &tail, &err));
	OK(tail.chain == first && tail.seq == 4 && tail.at_ms == NOON + 4 && has_mac(tail.mac, 4),
	   "where one ends");
	MUST(audit_tail(ledger.writer, second, &tail, &err));
	OK(tail.chain == second && tail.seq == 0 && has_mac(tail.mac, 0), "one without entries");
	MUST(audit_tails(ledger.writer, NOON + 3, tails, 3, &count, &err));
	OK(count == 1 && tails[0].chain == first && tails[0].seq == 4, "what was written to");
	MUST(audit_tails(ledger.writer, NOON + 4, tails, 3, &count, &err));
	IS_INT(count, 0, "since then: not at that instant");
	entry = entry_of(second, 1, NOON + 5);
	add(&entry);
	MUST(audit_tails(ledger.writer, NOON, tails, 3, &count, &err));
	OK(count == 2 && tails[0].chain == second && tails[1].chain == first &&
		   has_mac(tails[1].mac, 4),
	   "the newest chain first");
	MUST(audit_tails(ledger.writer, NOON, tails, 1, &count, &err));
	OK(count == 1 && tails[0].chain == second, "one of them");

	MUST(audit_read(ledger.writer, first, 1, read, 2, &count, &err));
	OK(count == 2 && read[0].seq == 2 && read[1].seq == 3, "a page of entries behind one");
	for (int64_t i = 0; i <= 5; i++) {
		MUST(audit_last_before(ledger.writer, first, NOON + i, 3, &tail, &err));
		OK(tail.chain == first &&
			   tail.seq == (i < 2   ? 0
					: i > 3 ? 3
						: i - 1) &&
			   has_mac(tail.mac, (int)tail.seq),
		   "the last of three before %d is %d", (int)i, (int)tail.seq);
	}
	MUST(audit_last_before(ledger.writer, first, NOON + 3, 500, &tail, &err));
	MUST(audit_prune(ledger.writer, &tail, &removed, &err));
	IS_INT(removed, 2, "up to one they are taken away");
	MUST(audit_read(ledger.writer, first, 0, read, 4, &count, &err));
	OK(count == 2 && read[0].seq == 3, "the others are there");
	MUST(audit_chains(ledger.writer, first - 1, rows, 3, &count, &err));
	OK(rows[0].pruned_seq == 2 && has_mac(rows[0].pruned_mac, 2) && rows[1].pruned_seq == 0,
	   "and the chain knows where it begins now, it alone");
	MUST(audit_read(ledger.writer, second, 0, read, 4, &count, &err));
	IS_INT(count, 1, "another one loses none");
}

/* In pages, newest first. */
static void test_list(void)
{
	static const struct {
		const char *name;
		struct audit_filter filter;
		const char *seqs;
	} cases[] = {
		{ "all", { .since_ms = NOON + 100 }, "654321" },
		{ "of a user", { .user_id = 5, .since_ms = NOON + 100 }, "51" },
		{ "of nobody who is there", { .user_id = 99, .since_ms = NOON + 100 }, "" },
		{ "of a kind", { .kind = "sign_in", .since_ms = NOON + 100 }, "3" },
		{ "of any kind", { .kind = "", .since_ms = NOON + 100 }, "654321" },
		{ "of a recording", { .recording_sid = RE, .since_ms = NOON + 100 }, "62" },
		{ "of any recording", { .recording_sid = "", .since_ms = NOON + 100 }, "654321" },
		{ "at an instant, or later", { .since_ms = NOON + 103 }, "6543" },
		{ "before an instant", { .since_ms = NOON + 100, .until_ms = NOON + 103 }, "21" },
		{ "of a user, at an instant", { .user_id = 5, .since_ms = NOON + 102 }, "5" },
	};
	struct audit_entry entry, read[8];
	int64_t chain = add_chain("list");
	size_t count;

	for (int i = 1; i <= 6; i++) {
		entry = entry_of(chain, i, NOON + 100 + (i == 5 ? 4 : i));
		if (i == 1 || i == 5)
			entry.user_id = 5;
		if (i == 3)
			str_fit(STR("sign_in"), entry.kind, sizeof(entry.kind));
		if (i == 2 || i == 6)
			str_fit(STR(RE), entry.recording_sid, sizeof(entry.recording_sid));
		add(&entry);
	}
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct audit_filter filter = cases[i].filter;
		char seqs[8] = "";

		MUST(audit_list(ledger.writer, &filter, read, 7, &count, &err));
		for (size_t k = 0; k < count; k++)
			seqs[k] = (char)('0' + read[k].seq);
		IS_STR(str_of(seqs), str_of(cases[i].seqs), "%s", cases[i].name);

		/* One at a time they are the same. */
		memset(seqs, 0, sizeof(seqs));
		for (size_t k = 0; k < 7; k++) {
			MUST(audit_list(ledger.writer, &filter, read, 1, &count, &err));
			if (count == 0)
				break;
			seqs[k] = (char)('0' + read[0].seq);
			filter.before_at_ms = read[0].at_ms;
			filter.before_chain = read[0].chain;
			filter.before_seq = read[0].seq;
		}
		IS_STR(str_of(seqs), str_of(cases[i].seqs), "%s, each behind the other",
		       cases[i].name);
	}
}

static void test_addresses(void)
{
	int64_t chain = add_chain("addresses"), forgotten = 0;
	struct audit_entry entry, read[4];
	size_t count;

	for (int i = 1; i <= 4; i++) {
		entry = entry_of(chain, i, 1000 + i);
		str_fit(STR("203.0.113.7"), entry.address, sizeof(entry.address));
		str_fit(STR("203.0.113.0/24"), entry.network, sizeof(entry.network));
		add(&entry);
	}
	MUST(audit_forget_addresses(ledger.writer, 1004, 2, &forgotten, &err));
	IS_INT(forgotten, 2, "so many are forgotten");
	MUST(audit_forget_addresses(ledger.writer, 1004, 2, &forgotten, &err));
	IS_INT(forgotten, 1, "and what is left of those before the instant");
	MUST(audit_forget_addresses(ledger.writer, 1004, 2, &forgotten, &err));
	IS_INT(forgotten, 0, "then none");
	MUST(audit_read(ledger.writer, chain, 0, read, 4, &count, &err));
	OK(count == 4 && !read[0].address[0] && !read[2].address[0] && read[3].address[0] &&
		   read[0].network[0],
	   "the oldest, and no more of them than the address");
}

int main(void)
{
	ledger_open(&ledger);
	MUST(catalog_begin(ledger.writer, &err));
	test_entries();
	test_chains();
	test_list();
	test_addresses();
	MUST(catalog_commit(ledger.writer, &err));
	ledger_remove(&ledger);
	return tap_end();
}
