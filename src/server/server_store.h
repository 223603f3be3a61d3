/*
 * From the settings: where media lies, and that it is this ledger's.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "config/settings.h"

#include <stdbool.h>
#include <stdint.h>

struct blob_store;
struct ledger;

/* Of what was set, and will not be done. */
void server_store_warn(const struct settings *settings);
/* cache_max_bytes 0: nothing of a bucket is kept here, for a server has its cache there. */
bool server_store_prepare(const struct settings *settings, uint64_t cache_max_bytes,
			  struct blob_store **out, struct err *err) MUST_CHECK;
/*
 * Before ledger_start(): has the store know whose it is; ERR_CONFLICT: files are named, and media was moved from there into a bucket; or a
 * bucket is, and there are files that were not.  is_to_claim: and asks it, for seconds at most; ERR_CONFLICT: it is another ledger's.
 */
bool server_store_tell(const char *data_dir, struct blob_store *store, struct ledger *ledger,
		       bool is_to_claim, struct err *err) MUST_CHECK;
