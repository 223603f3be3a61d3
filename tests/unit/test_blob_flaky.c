#include "blob/blob_flaky.h"
#include "blob/blob_local.h"
#include "blob_folder.h"
#include "tap.h"

static struct blob_store *store;
static struct err err;

static void fails_the_nth_write(void)
{
	static const bool want[] = { true, true, false, false, true };
	struct blob_arriving *arriving = NULL;

	OK(blob_arriving_open(store, STR(RECORDING), 1, &arriving, &err), "opens");
	blob_flaky_fail(store, &(struct blob_failure){ .call = BLOB_CALL_WRITE,
						       .after = 2,
						       .count = 2,
						       .kind = ERR_UNAVAILABLE });
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		err.kind = ERR_INTERNAL;
		OK(blob_arriving_write(arriving, STR("ab"), &err) == want[i], "write %zu", i);
		if (!want[i])
			IS_INT(err.kind, ERR_UNAVAILABLE, "the disk is full");
	}
	IS_INT(arriving->size, 6, "what succeeded counts");
	IS_INT(blob_flaky_calls(store, BLOB_CALL_WRITE), 5, "calls are counted");
	blob_arriving_free(arriving);
}

static void fails_to_seal(void)
{
	struct blob_arriving *arriving = NULL;
	uint64_t size = 0;
	int fd = -1;

	blob_flaky_fail(store, &(struct blob_failure){ .call = BLOB_CALL_SEAL,
						       .count = 1,
						       .kind = ERR_UNAVAILABLE });
	OK(blob_arriving_open(store, STR(RECORDING), 2, &arriving, &err) &&
		   blob_arriving_write(arriving, STR("abc"), &err),
	   "arrives");
	IS_INT(blob_arriving_seal(arriving, STR(NAME), &err), BLOB_UNSEALED, "not sealed");
	OK(!blob_open_read(store, STR(NAME), &fd, &size, &err) && err.kind == ERR_NOT_FOUND,
	   "not there");
	IS_INT(blob_arriving_seal(arriving, STR(NAME), &err), BLOB_SEALED, "sealed after all");
	blob_arriving_free(arriving);

	blob_flaky_fail(store, &(struct blob_failure){
				       .call = BLOB_CALL_SEAL, .count = 1, .is_sync = true });
	OK(blob_arriving_open(store, STR(RECORDING), 3, &arriving, &err), "arrives");
	IS_INT(blob_arriving_seal(arriving, STR(NAME), &err), BLOB_UNSYNCED, "not synced");
	blob_arriving_free(arriving);
}

#define PEAKS "3f/" CALL "." RECORDING ".peaks"

static bool has_waveform(void)
{
	AUTO(close) int fd = -1;
	uint64_t size = 0;

	return blob_open_read(store, STR(PEAKS), &fd, &size, &err);
}

/* There is media by now. */
static void fails_to_write_beside(void)
{
	blob_flaky_fail(store, &(struct blob_failure){ .call = BLOB_CALL_OPEN_READ,
						       .after = 1,
						       .count = 1,
						       .kind = ERR_NOT_FOUND });
	OK(!blob_write_beside(store, STR(NAME), STR("peaks"), &err) && err.kind == ERR_NOT_FOUND,
	   "its media was removed meanwhile");
	OK(!has_waveform(), "nothing stays beside it");
	blob_flaky_fail(store, &(struct blob_failure){ .call = BLOB_CALL_WRITE,
						       .count = 1,
						       .kind = ERR_UNAVAILABLE });
	OK(!blob_write_beside(store, STR(NAME), STR("peaks"), &err) && err.kind == ERR_UNAVAILABLE,
	   "a full disk");
	OK(!has_waveform(), "nothing stays");
	blob_flaky_fail(store, &(struct blob_failure){
				       .call = BLOB_CALL_SEAL, .count = 1, .is_sync = true });
	OK(!blob_write_beside(store, STR(NAME), STR("peaks"), &err) && err.kind == ERR_INTERNAL,
	   "a sync that fails");
	blob_flaky_fail(store, NULL);
	OK(blob_write_beside(store, STR(NAME), STR("peaks"), &err) && has_waveform(), "written");
}

static void fails_all(void)
{
	struct blob_arriving *arriving = NULL;
	uint64_t number = 0;
	int fd = -1;

	blob_flaky_fail(store, &(struct blob_failure){ .call = BLOB_CALL_ANY,
						       .count = UINT64_MAX,
						       .kind = ERR_INTERNAL });
	OK(!blob_arriving_open(store, STR(RECORDING), 4, &arriving, &err), "no arriving file");
	OK(!blob_open_read(store, STR(NAME), &fd, &number, &err), "none to read");
	OK(!blob_remove(store, STR(NAME), &err) && err.kind == ERR_INTERNAL, "none removed");
	OK(!blob_free_bytes(store, &number, &err), "no room known");
	OK(!blob_sweep_arriving(store, &number, &err), "nothing swept");
	blob_flaky_fail(store, NULL);
	OK(blob_remove(store, STR(NAME), &err), "until told otherwise");
}

int main(void)
{
	struct blob_store *local = NULL;

	folder_make();
	OK(blob_local_open(folder, &local, &err), "opens");
	store = blob_flaky_new(local);
	fails_the_nth_write();
	fails_to_seal();
	fails_to_write_beside();
	fails_all();
	blob_store_free(store);
	folder_remove();
	return tap_end();
}
