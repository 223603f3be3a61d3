#include "audit/audit_chain.h"

#include "db/db.h"
#include "ledger_fixture.h"
#include "tap.h"

#include <sodium.h>

#define NOON INT64_C(1700000000000)
#define DAY  INT64_C(86400000)

static struct err err;
static struct audit_key key = { .bytes = "the key of these tests, 32 bytes" };

/* Three chains; the middle one has twelve entries, the last names its head. */
struct audit {
	struct ledger ledger;
	int64_t chain[3];
	struct audit_tail kept; /* the head of the middle one, as a log has it */
};

static void append(struct audit *audit, int64_t chain, int number)
{
	struct audit_entry entry = { .chain = chain, .at_ms = NOON + number, .user_id = 5 };

	str_fit(STR("play_began"), entry.kind, sizeof(entry.kind));
	str_fit(STR("dana"), entry.user_name, sizeof(entry.user_name));
	str_fit(STR("203.0.113.7"), entry.address, sizeof(entry.address));
	str_fit(STR("203.0.113.0"), entry.network, sizeof(entry.network));
	snprintf(entry.body, sizeof(entry.body), "{\"number\":%d}", number);
	MUST(audit_chain_append(audit->ledger.writer, &key, &entry, &err));
}

static void audit_open(struct audit *audit)
{
	struct catalog *writer;

	ledger_open(&audit->ledger);
	writer = audit->ledger.writer;
	for (int i = 0; i < 3; i++) {
		MUST(catalog_begin(writer, &err));
		MUST(audit_chain_begin(writer, &key, NOON + i, &audit->chain[i], &err));
		for (int number = 0; number < (i == 1 ? 11 : 3); number++)
			append(audit, audit->chain[i], number);
		MUST(catalog_commit(writer, &err));
	}
	MUST(audit_tail(writer, audit->chain[1], &audit->kept, &err));
}

static void verify_with(struct audit *audit, const struct audit_tail *heads, size_t count,
			struct audit_report *out)
{
	MUST(audit_verify(audit->ledger.writer, &key, 1, heads, count, out, &err));
}

/* Somebody with the database and without the key. */
static void tamper(struct audit *audit, const char *sql)
{
	struct db *db;

	MUST(db_open(audit->ledger.path, DB_WRITE, &db, &err));
	MUST(db_exec(db, sql, &err));
	db_free(db);
}

static void test_whole(void)
{
	struct audit_report report = { .chains = 0 };
	struct audit audit;

	audit_open(&audit);
	verify_with(&audit, &audit.kept, 1, &report);
	OK(report.is_whole, "what nobody touched is whole%s%s", *report.fault ? ": " : "",
	   report.fault);
	IS_INT(report.chains, 3, "three chains");
	IS_INT(report.entries, 3 + 3 + 11 + 3, "and all their entries");
	ledger_remove(&audit.ledger);
}

/* $1 in the text stands for the number of the middle chain. */
static const struct {
	const char *name, *sql, *fault;
	int64_t seq;
	bool by_kept; /* found by a head that another machine has, and by nothing else */
} cases[] = {
	{ "a body is edited",
	  "UPDATE audit SET body = '{\"number\":99}' WHERE chain = $1 AND seq = 5",
	  "an entry was changed", 5, false },
	{ "a name is edited", "UPDATE audit SET user_name = 'avi' WHERE chain = $1 AND seq = 3",
	  "an entry was changed", 3, false },
	{ "a byte moves from one field to the next",
	  "UPDATE audit SET user_name = 'dan', credential = 'a' WHERE chain = $1 AND seq = 3",
	  "an entry was changed", 3, false },
	{ "an instant is edited", "UPDATE audit SET at_ms = at_ms + 1 WHERE chain = $1 AND seq = 3",
	  "an entry was changed", 3, false },
	{ "an address is edited",
	  "UPDATE audit SET address = '198.51.100.1' WHERE chain = $1 AND seq = 4",
	  "the address of an entry was changed", 4, false },
	{ "an entry is taken out", "DELETE FROM audit WHERE chain = $1 AND seq = 6",
	  "an entry is missing", 6, false },
	{ "and the others close up",
	  "DELETE FROM audit WHERE chain = $1 AND seq = 6;"
	  "UPDATE audit SET seq = seq - 1 WHERE chain = $1 AND seq > 6",
	  "an entry was changed", 6, false },
	{ "two change places",
	  "UPDATE audit SET seq = -1 WHERE chain = $1 AND seq = 6;"
	  "UPDATE audit SET seq = 6 WHERE chain = $1 AND seq = 7;"
	  "UPDATE audit SET seq = 7 WHERE chain = $1 AND seq = -1",
	  "an entry was changed", 6, false },
	{ "one moves to another chain",
	  "UPDATE audit SET chain = $1, seq = 13 WHERE chain > $1 AND seq = 4",
	  "an entry was changed", 13, false },
	{ "the end is cut off", "DELETE FROM audit WHERE chain = $1 AND seq > 8",
	  "the end of the chain is missing: it once had this entry", 12, false },
	{ "the first entries are taken", "DELETE FROM audit WHERE chain = $1 AND seq <= 3",
	  "an entry is missing", 1, false },
	{ "and the row says that they were pruned",
	  "UPDATE audit_chains SET pruned_seq = 3, pruned_mac = (SELECT mac FROM audit WHERE "
	  "chain = $1 AND seq = 3) WHERE chain = $1; DELETE FROM audit WHERE chain = $1 AND seq <= 3",
	  "entries were taken away without saying so", 3, false },
	{ "a whole chain is taken",
	  "DELETE FROM audit WHERE chain = $1; DELETE FROM audit_chains WHERE chain = $1",
	  "the whole chain is missing", 1, false },
	{ "the chain and all that came after it are taken",
	  "DELETE FROM audit WHERE chain >= $1; DELETE FROM audit_chains WHERE chain >= $1",
	  "the whole chain is missing", 1, true },
};

static void fill_in(const char *sql, int64_t chain, char *out, size_t size)
{
	struct buf buf;

	buf_over(&buf, out, size);
	for (; *sql; sql++) {
		if (sql[0] == '$' && sql[1] == '1') {
			buf_add_u64(&buf, (uint64_t)chain);
			sql++;
		} else {
			buf_add_byte(&buf, *sql);
		}
	}
}

static void test_tampering(void)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct audit_report report = { .chains = 0 };
		struct audit audit;
		char sql[512];

		audit_open(&audit);
		fill_in(cases[i].sql, audit.chain[1], sql, sizeof(sql));
		tamper(&audit, sql);
		verify_with(&audit, &audit.kept, 0, &report);
		OK(report.is_whole == cases[i].by_kept, "%s: %s without a head kept elsewhere",
		   cases[i].name, cases[i].by_kept ? "not found" : "found");
		verify_with(&audit, &audit.kept, 1, &report);
		OK(!report.is_whole, "%s: found with one", cases[i].name);
		IS_STR(str_of(report.fault), str_of(cases[i].fault), "%s: told as what it is",
		       cases[i].name);
		IS_INT(report.chain, audit.chain[1], "%s: the chain", cases[i].name);
		IS_INT(report.seq, cases[i].seq, "%s: the place", cases[i].name);
		ledger_remove(&audit.ledger);
	}
}

/* Restored from an older copy, and gone on: the same chain and seq, another mac. */
static void test_fork(void)
{
	struct audit_report report = { .chains = 0 };
	struct audit audit;
	char sql[128];

	audit_open(&audit);
	fill_in("DELETE FROM audit WHERE chain = $1 AND seq > 8", audit.chain[1], sql, sizeof(sql));
	tamper(&audit, sql);
	MUST(catalog_begin(audit.ledger.writer, &err));
	for (int number = 100; number < 110; number++)
		append(&audit, audit.chain[1], number);
	MUST(catalog_commit(audit.ledger.writer, &err));
	verify_with(&audit, NULL, 0, &report);
	OK(!report.is_whole && report.seq == 12 &&
		   str_starts(str_of(report.fault), STR("the chain was another")),
	   "a chain that went on from an older copy is found: %s", report.fault);
	ledger_remove(&audit.ledger);
}

static void tamper_with(struct audit *audit, const char *text)
{
	char sql[512];

	fill_in(text, audit->chain[1], sql, sizeof(sql));
	tamper(audit, sql);
}

/* Two histories of one chain, and an entry of the one among those of the other: each is whole by itself. */
static void test_splice(void)
{
	struct audit_report report = { .chains = 0 };
	struct audit audit;

	audit_open(&audit);
	tamper_with(&audit,
		    "CREATE TABLE other AS SELECT * FROM audit WHERE chain = $1 AND seq = 10;"
		    "DELETE FROM audit WHERE chain = $1 AND seq > 8");
	MUST(catalog_begin(audit.ledger.writer, &err));
	for (int number = 100; number < 104; number++)
		append(&audit, audit.chain[1], number);
	MUST(catalog_commit(audit.ledger.writer, &err));
	tamper_with(&audit, "DELETE FROM audit WHERE chain = $1 AND seq = 10;"
			    "INSERT INTO audit SELECT * FROM other; DROP TABLE other");
	verify_with(&audit, NULL, 0, &report);
	OK(!report.is_whole, "an entry of another history is found");
	IS_STR(str_of(report.fault), STR("an entry was changed"), "and told as what it is");
	IS_INT(report.seq, 10, "where it stands");
	ledger_remove(&audit.ledger);
}

static void test_pruning(void)
{
	struct audit_report report = { .chains = 0 };
	struct audit_tail last;
	struct audit audit;
	int64_t count;

	audit_open(&audit);
	MUST(catalog_begin(audit.ledger.writer, &err));
	MUST(audit_chain_prune(audit.ledger.writer, &key, audit.chain[2], NOON + 5, NOON + DAY, 500,
			       &count, &err));
	OK(count > 0, "entries were pruned");
	MUST(audit_forget_addresses(audit.ledger.writer, NOON + 8, 2, &count, &err));
	MUST(catalog_commit(audit.ledger.writer, &err));
	IS_INT(count, 2, "addresses are forgotten so many at a time");
	verify_with(&audit, NULL, 0, &report);
	OK(report.is_whole, "what was pruned and said so is whole%s%s", *report.fault ? ": " : "",
	   report.fault);
	MUST(audit_last_before(audit.ledger.writer, audit.chain[1], NOON + 5, 500, &last, &err));
	IS_INT(last.seq, 0, "what was pruned is gone");
	MUST(audit_last_before(audit.ledger.writer, audit.chain[1], NOON + 7, 500, &last, &err));
	OK(last.seq > 0 && last.at_ms == NOON + 6, "the last before an instant");
	ledger_remove(&audit.ledger);
}

static void test_pruning_in_steps(void)
{
	struct audit_report report = { .chains = 0 };
	int64_t count = 4, gone = 0;
	struct audit audit;

	audit_open(&audit);
	for (unsigned steps = 0; count == 4 && steps < 20; steps++) {
		MUST(catalog_begin(audit.ledger.writer, &err));
		MUST(audit_chain_prune(audit.ledger.writer, &key, audit.chain[2], NOON + DAY,
				       NOON + 2 * DAY, 4, &count, &err));
		MUST(catalog_commit(audit.ledger.writer, &err));
		OK(count <= 4, "at most four at a time: %lld", (long long)count);
		gone += count;
		verify_with(&audit, NULL, 0, &report);
		OK(report.is_whole, "and each step says what it took%s%s",
		   *report.fault ? ": " : "", report.fault);
	}
	IS_INT(gone, 3 + 3 + 11 + 3, "in the end all that was old is gone");
	ledger_remove(&audit.ledger);
}

static void test_rolled_back(void)
{
	struct audit_report report = { .chains = 0 };
	struct audit audit;

	audit_open(&audit);
	MUST(catalog_begin(audit.ledger.writer, &err));
	append(&audit, audit.chain[1], 50);
	catalog_rollback(audit.ledger.writer);
	MUST(catalog_begin(audit.ledger.writer, &err));
	append(&audit, audit.chain[1], 51);
	MUST(catalog_commit(audit.ledger.writer, &err));
	verify_with(&audit, NULL, 0, &report);
	OK(report.is_whole, "a transaction that was rolled back leaves no gap");
	ledger_remove(&audit.ledger);
}

static void test_keys(void)
{
	struct audit_key other = { .bytes = "another key, of the same length." };
	struct audit_key both[2];
	struct audit_report report = { .chains = 0 };
	struct audit audit;

	audit_key_name(&other);
	audit_open(&audit);
	OK(!audit_verify(audit.ledger.writer, &other, 1, NULL, 0, &report, &err) &&
		   err.kind == ERR_NOT_FOUND,
	   "without its key nothing is decided");
	both[0] = other;
	both[1] = key;
	OK(audit_verify(audit.ledger.writer, both, 2, NULL, 0, &report, &err) && report.is_whole,
	   "an old key beside the new one");
	memcpy(other.id, key.id, sizeof(other.id));
	OK(audit_verify(audit.ledger.writer, &other, 1, NULL, 0, &report, &err) && !report.is_whole,
	   "another key makes other macs");
	ledger_remove(&audit.ledger);
}

static void test_lines(void)
{
	static const char mac[] =
		"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
	struct audit_tail tail = { .seq = 0 };
	char line[256];

	snprintf(line, sizeof(line),
		 "2026-01-01T00:00:00Z level=info msg=\"audit head chain=7 seq=12 mac=%s\"\n", mac);
	OK(audit_head_of_line(str_of(line), &tail) && tail.chain == 7 && tail.seq == 12 &&
		   tail.mac[1] == 0x11 && tail.mac[31] == 0xff,
	   "a head in a line of the log");
	OK(!audit_head_of_line(STR("audit head chain=7 seq=x mac=00"), &tail),
	   "a broken one is none");
	OK(!audit_head_of_line(STR("level=info msg=\"listening\""), &tail),
	   "nor is any other line");
	OK(!audit_head_of_line(STR(""), &tail), "nor none");
}

static void test_listing(void)
{
	struct audit_filter filter = { .kind = "play_began", .user_id = 5 };
	struct audit_entry page[8];
	size_t count, all = 0;
	struct audit audit;

	audit_open(&audit);
	do {
		MUST(audit_list(audit.ledger.writer, &filter, page, ARRAY_LEN(page), &count, &err));
		all += count;
		if (count > 0) {
			filter.before_at_ms = page[count - 1].at_ms;
			filter.before_chain = page[count - 1].chain;
			filter.before_seq = page[count - 1].seq;
		}
	} while (count == ARRAY_LEN(page));
	IS_INT(all, 3 + 11 + 3, "the pages of a list hold each entry once");
	filter = (struct audit_filter){ .since_ms = NOON + 10 };
	MUST(audit_list(audit.ledger.writer, &filter, page, ARRAY_LEN(page), &count, &err));
	IS_INT(count, 1, "those since an instant");
	ledger_remove(&audit.ledger);
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
	audit_key_name(&key);
	test_whole();
	test_tampering();
	test_fork();
	test_splice();
	test_pruning();
	test_pruning_in_steps();
	test_rolled_back();
	test_keys();
	test_lines();
	test_listing();
	return tap_end();
}
