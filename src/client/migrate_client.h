/*
 * Asking the server that runs on the data folder to move its ledger (migrate/web_migration.h), and looking on until it has.
 *
 * The server does it, and goes on whether this looks or not.  In the switch the administrator's socket waits in its queue, too; so
 * whoever serves in the end answers the last question.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "config/settings.h"

#include <jansson.h>
#include <stdbool.h>

enum migrate_what { MIGRATE_BEGIN, MIGRATE_SHOW, MIGRATE_PAUSE, MIGRATE_CANCEL };

struct migrate_client {
	const struct settings *settings;
	enum migrate_what what;
	bool verifies;          /* of MIGRATE_BEGIN: what is in the bucket is read back */
	const char *to, *store; /* of MIGRATE_BEGIN; NULL: the ledger stays, or media does */
};

/* *out, for json_decref(): the answer of GET /api/migration at the end; of MIGRATE_SHOW, as it is. */
bool migrate_client_run(const struct migrate_client *asked, json_t **out,
			struct err *err) MUST_CHECK;
/* What an answer that is no good says; always false. */
bool migrate_client_refused(const json_t *answer, struct err *err);
/* What is counted in a phase: "rows copied". */
const char *migrate_client_words(const char *phase);
