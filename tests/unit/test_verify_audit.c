/* verify --audit: with which keys, and beside which heads. */
#include "client/verify_audit.h"

#include "base/own.h"
#include "ledger_fixture.h"
#include "tap.h"

#include <sodium.h>
#include <string.h>

#define NOON   INT64_C(1700000000000)
#define CHAINS 2

static struct err err;
static struct ledger ledger;
static char files[3][96]; /* of a key, of another, of heads */
static struct audit_key keys[2] = { { .bytes = "the key of these tests, 32 bytes" },
				    { .bytes = "the one before, it has 32 bytes." } };
static struct audit_tail heads[CHAINS];

static void write_file(const char *path, const void *bytes, size_t len)
{
	FILE *file = fopen(path, "we");

	if (!file || fwrite(bytes, 1, len, file) != len || fclose(file) != 0)
		abort();
}

/* The first chain is of the key before, the second of today's. */
static void make_chain(int i)
{
	const struct audit_key *key = &keys[1 - i];
	struct audit_entry entry = { .at_ms = NOON, .user_id = 5 };

	str_fit(STR("play_began"), entry.kind, sizeof(entry.kind));
	str_fit(STR("{}"), entry.body, sizeof(entry.body));
	MUST(catalog_begin(ledger.writer, &err));
	MUST(audit_chain_begin(ledger.writer, key, NOON, &entry.chain, &err));
	for (int n = 0; n < 3; n++)
		MUST(audit_chain_append(ledger.writer, key, &entry, &err));
	MUST(catalog_commit(ledger.writer, &err));
	MUST(audit_tail(ledger.writer, entry.chain, &heads[i], &err));
}

static bool run(char *key, char *before, const char *heads_file, struct audit_report *out)
{
	const struct settings settings = {
		.data_dir = ledger.folder, .auth.audit = { .key_file = key, .key_file_old = before }
	};

	memset(out, 0, sizeof(*out));
	return verify_audit_run(&settings, heads_file, out, &err);
}

static void test_one_key(void)
{
	struct audit_report report;

	OK(run(files[1], NULL, NULL, &report) && report.is_whole && report.chains == 1,
	   "an audit of one key alone");
}

static void test_keys(void)
{
	struct audit_report report;

	OK(run(files[0], files[1], NULL, &report) && report.is_whole && report.chains == CHAINS,
	   "with the key of today and the one before it is whole");
	OK(run(files[1], files[0], NULL, &report) && report.is_whole, "in any order");
	OK(!run(files[0], NULL, NULL, &report) && err.kind == ERR_NOT_FOUND,
	   "without the one before nothing is decided: %s", err.text);
	OK(!run(files[1], NULL, NULL, &report), "nor without that of today: %s", err.text);
	OK(!run(NULL, NULL, NULL, &report) && strstr(err.text, "the key of the audit"),
	   "no key is made for it: %s", err.text);
	OK(!run(files[0], files[2], NULL, &report) && strstr(err.text, "the key of the audit"),
	   "one before that is none: %s", err.text);
}

/* Lines of the log, of which some tell of a head. */
static void write_heads(unsigned before, unsigned good, bool is_wrong)
{
	AUTO(free) char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);

	if (!to)
		abort();
	for (unsigned i = 0; i < before; i++)
		fprintf(to, "time=2026-11-29T12:00:00.000Z level=info msg=\"serving\"\n");
	for (unsigned i = 0; i < good + is_wrong; i++) {
		const struct audit_tail *head = &heads[i % CHAINS];

		fprintf(to, "level=info msg=\"audit head chain=%" PRId64 " seq=%" PRId64 " mac=",
			head->chain, head->seq);
		for (size_t k = 0; k < sizeof(head->mac); k++)
			fprintf(to, "%02x", head->mac[k] ^ (i == good));
		fprintf(to, "\"\n");
	}
	if (fclose(to) != 0)
		abort();
	write_file(files[2], text, len);
}

static void test_heads(void)
{
	static const unsigned counts[] = { 1, 2, 63, 64, 65, 128, 129 };
	struct audit_report report;

	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		write_heads(3, counts[i], false);
		OK(run(files[0], files[1], files[2], &report) && report.is_whole,
		   "%u heads that are as the audit says: %s", counts[i], report.fault);
		write_heads(0, counts[i], true);
		OK(run(files[0], files[1], files[2], &report) && !report.is_whole &&
			   report.fault[0],
		   "and one behind them that is not: %s", report.fault);
	}
	write_heads(3, 0, false);
	OK(!run(files[0], files[1], files[2], &report) && err.kind == ERR_INVALID &&
		   strstr(err.text, "has no line with a head"),
	   "a log without a head: %s", err.text);
	unlink(files[2]);
	OK(!run(files[0], files[1], files[2], &report) && err.kind == ERR_NOT_FOUND &&
		   strstr(err.text, files[2]),
	   "no log: %s", err.text);
	OK(!run(files[0], files[1], ledger.folder, &report) && err.kind == ERR_INTERNAL,
	   "a folder for a log: %s", err.text);
	write_heads(1, 1, true);
	if (!freopen(files[2], "re", stdin))
		abort();
	OK(run(files[0], files[1], "-", &report) && !report.is_whole, "a log on standard input: %s",
	   report.fault);
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
	ledger_open(&ledger);
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		snprintf(files[i], sizeof(files[i]), "%s/file%zu", ledger.folder, i);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		audit_key_name(&keys[i]);
		write_file(files[i], keys[i].bytes, AUDIT_KEY_BYTES);
	}
	write_file(files[2], "no key", 6);
	make_chain(0);
	test_one_key();
	make_chain(1);
	test_keys();
	test_heads();
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		unlink(files[i]);
	ledger_remove(&ledger);
	return tap_end();
}
