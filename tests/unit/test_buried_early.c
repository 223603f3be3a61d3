/*
 * A process that is taken for dead while it starts, and one whose database_listen leads elsewhere.  Run by tests/tools/postgres.
 */
#include "base/own.h"
#include "catalog/catalog_private.h"
#include "cluster/members.h"
#include "ledger/ledger.h"
#include "tap.h"
#include "test_database.h"

#define MUST(call)                                                             \
	do {                                                                   \
		if (!(call)) {                                                 \
			printf("Bail out! line %d: %s\n", __LINE__, err.text); \
			exit(1);                                               \
		}                                                              \
	} while (0)

static struct err err;

/* Enlisted, and not started yet. */
static struct ledger *enlisted(const char *address)
{
	const struct member_place place = { .name = "here" };
	struct ledger *ledger;

	MUST(ledger_open(address, &ledger, &err));
	MUST(ledger_enlist(ledger, &place, &err));
	return ledger;
}

static void end(struct ledger *ledger)
{
	ledger_stop(ledger);
	ledger_free(ledger);
}

int main(void)
{
	char folder[] = "/tmp/callspool-test.XXXXXX", other_folder[] = "/tmp/callspool-test.XXXXXX";
	char address[TEST_DATABASE_SIZE], other[TEST_DATABASE_SIZE];
	struct ledger *ledger;

	if (!mkdtemp(folder) || !mkdtemp(other_folder))
		return 1;
	test_database_make(folder, address);
	test_database_make(other_folder, other);

	ledger = enlisted(address);
	ledger_hear_at(ledger, address);
	MUST(db_exec(ledger_catalog(ledger)->db, "DELETE FROM processes", &err));
	OK(ledger_start(ledger, &err), "who was buried early starts, and begins anew");
	end(ledger);

	MUST(ledger_open(other, &ledger, &err));
	ledger_free(ledger);
	ledger = enlisted(address);
	ledger_hear_at(ledger, other);
	OK(!ledger_start(ledger, &err) && err.kind == ERR_INVALID,
	   "another ledger is a wrong setting: %s", err.text);
	end(ledger);

	test_database_remove(folder, address);
	test_database_remove(other_folder, other);
	rmdir(folder);
	rmdir(other_folder);
	return tap_end();
}
