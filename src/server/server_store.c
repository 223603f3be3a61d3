#include "server/server_store.h"

#include "base/log.h"
#include "blob/blob.h"
#include "blob/blob_s3.h"
#include "catalog/recordings.h"
#include "chores/upkeep.h"
#include "ledger/ledger.h"
#include "server/server.h"

#include <unistd.h>

_Static_assert(UPKEEP_ID_SIZE == BLOB_STORE_ID_SIZE, "one id");

/* What it says of files is asked of the ledger; without one they are somebody's. */
static bool has_ledger(const struct settings *settings)
{
	AUTO(free) char *ledger = server_path(settings, SERVER_LEDGER);

	return settings->database || access(ledger, F_OK) == 0;
}

bool server_store_prepare(const struct settings *settings, uint64_t cache_max_bytes,
			  struct blob_store **out, struct err *err)
{
	const struct blob_options options = { .data_dir = settings->data_dir,
					      .s3 = &settings->s3,
					      .min_free_bytes = settings->flights.min_free_bytes,
					      .cache_max_bytes = cache_max_bytes,
					      .claim = settings->store_claim,
					      .is_beside_files = has_ledger(settings) };

	return blob_open(&options, out, err);
}

void server_store_warn(const struct settings *settings)
{
	const struct s3_options *s3 = &settings->s3;

	if (settings->web.store_redirect == WEB_ON && s3->store && s3->session_token)
		log_warn(
			NULL,
			"store_redirect: players are not sent to the bucket, for how long s3.session_token is "
			"good is not known");
}

/* Of those that begin at once on one ledger, all have the first one's. */
static bool run_name(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	char id[UPKEEP_ID_SIZE];

	return upkeep_make_id(catalog, UPKEEP_STORE, id, err);
}

/* A command that comes before the first server goes without. */
static bool find_id(struct ledger *ledger, bool is_to_make, char out[UPKEEP_ID_SIZE],
		    struct err *err)
{
	struct ledger_job job = { .run = run_name };

	if (!upkeep_find_id(ledger_catalog(ledger), UPKEEP_STORE, out, err))
		return false;
	return out[0] != '\0' || !is_to_make ||
	       (ledger_write_now(ledger, &job, err) &&
		upkeep_find_id(ledger_catalog(ledger), UPKEEP_STORE, out, err));
}

/* What was moved into a bucket may lie in files yet, where those could not be put aside; nothing else may. */
static bool lies_in_one(const char *data_dir, struct blob_store *store, struct ledger *ledger,
			struct err *err)
{
	char moved[UPKEEP_TEXT_SIZE];

	if (!upkeep_find_text(ledger_catalog(ledger), UPKEEP_MOVED_STORE, moved, err))
		return false;
	if (blob_is_remote(store))
		return moved[0] != '\0' || blob_check_no_files(data_dir, err);
	return moved[0] == '\0' ||
	       err_set(err, ERR_CONFLICT,
		       "recordings were moved into a bucket, and are served with store = %.150s",
		       moved);
}

bool server_store_tell(const char *data_dir, struct blob_store *store, struct ledger *ledger,
		       bool is_to_claim, struct err *err)
{
	struct catalog_counts counts;
	char id[UPKEEP_ID_SIZE];

	if (!lies_in_one(data_dir, store, ledger, err))
		return false;
	if (!blob_is_remote(store))
		return true;
	if (!catalog_counts(ledger_catalog(ledger), &counts, err) ||
	    !find_id(ledger, is_to_claim, id, err))
		return false;
	blob_store_know(store, id, counts.recordings[RECORDING_STORED] > 0);
	return !is_to_claim || blob_store_claim(store, err);
}
