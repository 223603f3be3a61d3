#include "web/completeness.h"

#include "ledger_fixture.h"
#include "tap.h"
#include "twilio/accounts.h"

#define ONE "AC00000000000000000000000000000001"
#define TWO "AC00000000000000000000000000000002"

#define SINCE INT64_C(1700000000000)

static struct err err;

static void test_text(void)
{
	static const struct {
		int queued, waiting, stored, dead, expired;
		bool is_listed;
		int64_t since_ms;
		const char *text;
	} cases[] = {
		{ 0, 0, 0, 0, 0, false, 0, "all 0 of 0 recordings that webhooks told of are here" },
		{ 0, 0, 7, 0, 0, false, SINCE,
		  "all 7 of 7 recordings that webhooks told of are here" },
		{ 0, 0, 7, 0, 0, true, SINCE,
		  "all 7 of 7 recordings since 2023-11-14T22:13:20.000Z are here" },
		{ 0, 0, 1, 0, 0, true, 0, "all 1 of 1 recordings is here" },
		{ 1, 2, 7, 4, 0, true, 0,
		  "7 of 14 recordings are here, 3 to be fetched, 4 given up" },
		{ 0, 2, 7, 0, 2, true, 0,
		  "all 7 of 7 recordings are here, 2 older than they are kept" },
		{ 0, 0, 0, 1, 0, true, 0, "0 of 1 recordings are here, 1 given up" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct completeness completeness = { .is_listed = cases[i].is_listed,
						     .since_ms = cases[i].since_ms,
						     .expired = cases[i].expired };
		struct catalog_counts counts = { .calls = 0 };
		char text[COMPLETENESS_TEXT_SIZE];

		counts.recordings[RECORDING_QUEUED] = cases[i].queued;
		counts.recordings[RECORDING_WAITING] = cases[i].waiting;
		counts.recordings[RECORDING_STORED] = cases[i].stored;
		counts.recordings[RECORDING_DEAD] = cases[i].dead;
		/* None of these are there to be kept. */
		counts.recordings[RECORDING_ANNOUNCED] = counts.recordings[RECORDING_ABSENT] = 5;
		counts.recordings[RECORDING_GONE] = counts.recordings[RECORDING_PURGED] = 5;
		completeness_tell(&completeness, &counts, text);
		IS_STR(str_of(text), str_of(cases[i].text), "text %zu", i + 1);
	}
}

static void test_unknown(void)
{
	const struct completeness completeness = { .is_unknown = true };
	const struct catalog_counts counts = { .calls = 0 };
	char text[COMPLETENESS_TEXT_SIZE];

	completeness_tell(&completeness, &counts, text);
	IS_STR(str_of(text), STR("not known: the ledger does not answer just now"),
	       "that nothing is known is not told as that nothing is there");
}

static struct completeness complete_of(struct catalog *catalog, const struct accounts *accounts)
{
	struct completeness completeness;

	MUST(completeness_read(catalog, accounts, &completeness, &err));
	return completeness;
}

static void set(struct catalog *catalog, const struct reconciliation *row)
{
	MUST(catalog_begin(catalog, &err));
	MUST(reconciliations_set(catalog, row, &err));
	MUST(catalog_commit(catalog, &err));
}

static void test_accounts(struct catalog *catalog)
{
	static char one[] = ONE, two[] = TWO;
	struct account at[] = { { .account_sid = one }, { .account_sid = two } };
	const struct accounts both = { at, 2 }, first = { at, 1 };
	struct reconciliation row = { .account_sid = ONE,
				      .since_ms = 100,
				      .completed_at_ms = 900,
				      .failing_since_ms = 950,
				      .failure = "one" };
	struct completeness found;

	OK(!complete_of(catalog, &both).is_listed && !complete_of(catalog, NULL).is_listed,
	   "nothing is listed");
	set(catalog, &row);
	found = complete_of(catalog, &first);
	OK(found.is_listed && found.since_ms == 100 && found.listed_at_ms == 900, "one account");
	found = complete_of(catalog, &both);
	OK(!found.is_listed && found.since_ms == 0 && found.listed_at_ms == 0,
	   "of two accounts one is not listed");
	row = (struct reconciliation){ .account_sid = TWO,
				       .since_ms = 200,
				       .completed_at_ms = 800,
				       .failing_since_ms = 940,
				       .failure = "two" };
	set(catalog, &row);
	for (int i = 0; i < 2; i++) {
		found = complete_of(catalog, i == 0 ? &both : NULL);
		OK(found.is_listed && found.since_ms == 200 && found.listed_at_ms == 800,
		   "of both accounts only what is so of either");
		IS_INT(found.failing_since_ms, 940, "the one that fails for longest");
		IS_STR(str_of(found.failing_account), STR(TWO), "is named");
		IS_STR(str_of(found.failure), STR("two"), "with its reason");
	}
	IS_INT(complete_of(catalog, &first).failing_since_ms, 950,
	       "an account that is not kept counts not");
}

int main(void)
{
	struct ledger ledger;

	test_text();
	test_unknown();
	ledger_open(&ledger);
	test_accounts(ledger.writer);
	ledger_remove(&ledger);
	return tap_end();
}
