#include "chores/reconciliations.h"

#include "ledger_fixture.h"
#include "tap.h"

#define ONE "AC00000000000000000000000000000001"
#define TWO "AC00000000000000000000000000000002"

static struct err err;

static struct reconciliation found(struct catalog *catalog, struct str account_sid)
{
	struct reconciliation row;

	MUST(reconciliations_find(catalog, account_sid, &row, &err));
	return row;
}

static void test_failures(struct catalog *catalog)
{
	struct reconciliation row;

	MUST(catalog_begin(catalog, &err));
	MUST(reconciliations_failed(catalog, STR(TWO), 500, STR("Twilio answered 503"), &err));
	MUST(reconciliations_failed(catalog, STR(TWO), 700, STR("Twilio answered 401"), &err));
	row = found(catalog, STR(TWO));
	IS_INT(row.failing_since_ms, 500, "it fails since the first failure");
	IS_STR(str_of(row.failure), STR("Twilio answered 401"), "and the latest says why");
	IS_INT(row.completed_at_ms, 0, "no pass was completed");

	MUST(reconciliations_failed(catalog, STR(ONE), 900, STR("no answer"), &err));
	row = found(catalog, STR(ONE));
	IS_INT(row.edge_ms, 2, "a failure does not move the edge");
	IS_INT(row.failing_since_ms, 900, "and is told");
	MUST(catalog_commit(catalog, &err));
}

int main(void)
{
	static const struct reconciliation first = { ONE, 1, 2, 3, 4, 5, 6, 7, 0, "" };
	struct reconciliation rows[2];
	struct ledger ledger;
	size_t count;

	ledger_open(&ledger);
	IS_INT(found(ledger.writer, STR(ONE)).completed_at_ms, 0, "an account without a row");
	IS_STR(str_of(found(ledger.writer, STR(ONE)).account_sid), STR(ONE), "is named");
	MUST(catalog_begin(ledger.writer, &err));
	MUST(reconciliations_set(ledger.writer, &first, &err));
	MUST(catalog_commit(ledger.writer, &err));
	rows[0] = found(ledger.writer, STR(ONE));
	OK(rows[0].since_ms == 1 && rows[0].edge_ms == 2 && rows[0].started_at_ms == 3 &&
		   rows[0].completed_at_ms == 4 && rows[0].deep_at_ms == 5 && rows[0].listed == 6 &&
		   rows[0].found == 7 && rows[0].failing_since_ms == 0,
	   "each column is where it belongs");
	test_failures(ledger.writer);
	MUST(reconciliations_list(ledger.writer, rows, 2, &count, &err));
	IS_INT(count, 2, "both accounts are listed");
	IS_STR(str_of(rows[1].account_sid), STR(TWO), "in their order");
	MUST(reconciliations_list(ledger.writer, rows, 1, &count, &err));
	IS_INT(count, 1, "as many as there is room for");
	ledger_remove(&ledger);
	return tap_end();
}
