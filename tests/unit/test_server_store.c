/* Whose a store is, and where media lies: what a start asks, of a store that only notes what it is told. */
#include "server/server_store.h"

#include "blob/blob_driver.h"
#include "catalog/events.h"
#include "catalog/recordings.h"
#include "chores/upkeep.h"
#include "projection/projection.h"

#include "running_ledger.h"

#include <sys/stat.h>

static struct {
	int knows, claims;
	char id[UPKEEP_ID_SIZE];
	bool is_used, is_anothers;
} told;

static void know(struct blob_store *store, const char *id, bool is_used)
{
	told.knows++;
	str_fit(str_of(id), told.id, sizeof(told.id));
	told.is_used = is_used;
}

static bool claim(struct blob_store *store, struct err *why)
{
	told.claims++;
	return !told.is_anothers || err_set(why, ERR_CONFLICT, "it is another ledger's");
}

static const struct blob_driver bucket_driver = { .name = "bucket", .know = know, .claim = claim };
static const struct blob_driver files_driver = { .name = "files" };
static struct blob_store bucket = BLOB_STORE(&bucket_driver);
static struct blob_store files = BLOB_STORE(&files_driver);

static bool tell(struct blob_store *store, bool is_to_claim)
{
	told.knows = told.claims = 0;
	return server_store_tell(folder, store, ledger, is_to_claim, &err);
}

static void store_one(void)
{
	static const struct recording_media media = {
		.stored_at_ms = 1, .generation = 1, .size = 9, .format = "mp3", .path = "3f/x"
	};
	static struct projection_result result;
	struct catalog *catalog = ledger_catalog(ledger);
	struct event event;
	int64_t seq;

	event_init(&event, EVENT_RECORDING_STATUS, 1);
	event.call_sid = STR("CA00000000000000000000000000000001");
	event.recording_sid = STR("RE00000000000000000000000000000001");
	event.status = STR("completed");
	MUST(catalog_begin(catalog, &err) && events_append(catalog, &event, &seq, &err) &&
	     projection_run(catalog, PROJECTION_EVENTS_MAX, &result, &err) &&
	     recordings_mark_stored(catalog, event.recording_sid, &media, &err) &&
	     catalog_commit(catalog, &err));
}

static void test_files(void)
{
	OK(tell(&files, true) && told.knows == 0, "files are asked nothing");
	sql("INSERT INTO upkeep (name, at_ms, count, detail) VALUES ('moved_store', 0, 0, 's3://calls')");
	OK(!tell(&files, true) && err.kind == ERR_CONFLICT && strstr(err.text, "s3://calls"),
	   "media was moved away from them: %s", err.text);
	sql("DELETE FROM upkeep");
}

static void test_bucket(void)
{
	char first[UPKEEP_ID_SIZE];

	OK(tell(&bucket, false), "a command may come before the first server");
	OK(told.knows == 1 && told.id[0] == '\0' && !told.is_used, "then it is nobody's yet");
	IS_INT(told.claims, 0, "and is not claimed");
	told.is_anothers = true;
	OK(tell(&bucket, false) && told.claims == 0, "nor asked whose it is");
	OK(!tell(&bucket, true) && err.kind == ERR_CONFLICT && told.claims == 1,
	   "a server asks: %s", err.text);
	told.is_anothers = false;
	OK(tell(&bucket, true) && told.claims == 1, "once");
	IS_INT(strlen(told.id), UPKEEP_ID_SIZE - 1, "the ledger has an id now");
	memcpy(first, told.id, sizeof(first));
	OK(tell(&bucket, true) && told.knows == 1, "and at the next start");
	IS_STR(str_of(told.id), str_of(first), "the same");
	OK(tell(&bucket, false) && told.claims == 0, "commands have it, too");
	IS_STR(str_of(told.id), str_of(first), "by then");
	OK(!told.is_used, "nothing lies there");
	store_one();
	OK(tell(&bucket, true) && told.is_used, "until something does");
}

static void test_both(void)
{
	AUTO(free) char *recordings = xasprintf("%s/recordings", folder);
	AUTO(free) char *one = xasprintf("%s/3f", recordings);

	OK(mkdir(recordings, 0700) == 0 && tell(&bucket, true), "an empty folder is no media");
	mkdir(one, 0700);
	OK(!tell(&bucket, true) && err.kind == ERR_CONFLICT && told.knows == 0,
	   "media in files beside a bucket: %s", err.text);
	sql("INSERT INTO upkeep (name, at_ms, count, detail) VALUES ('moved_store', 0, 0, 's3://calls')");
	OK(tell(&bucket, true), "but for what was moved from there");
	OK(!tell(&files, false), "which is not served from the files any more");
	rmdir(one);
	rmdir(recordings);
}

int main(void)
{
	running_open();
	test_files();
	test_bucket();
	test_both();
	running_remove();
	return tap_end();
}
