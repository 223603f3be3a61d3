#include "verify/file_check.h"

#include "base/mem.h"
#include "blob/blob_flaky.h"
#include "blob/blob_local.h"
#include "blob_folder.h"
#include "tap.h"

#include <string.h>

#define BYTES "the bytes of a recording"
#define OTHER "0000000000000000000000000000000000000000000000000000000000000000"

static struct err err;

int main(void)
{
	static const struct {
		const char *name, *path, *sha256; /* sha256 NULL: the right one */
		uint64_t size;                    /* 0: the right one */
		bool is_sound, may_mend;
		enum store_fault_kind kind;
		const char *reason;
		bool is_read;
	} cases[] = {
		{ "a sound file", NAME, NULL, 0, true, true, 0, "", true },
		{ "one without a digest: its size alone", NAME, "", 0, true, true, 0, "", false },
		{ "other bytes", NAME, OTHER, 0, false, true, STORE_FAULT_BYTES,
		  "not those that were stored", true },
		{ "another size", NAME, NULL, 99, false, true, STORE_FAULT_SIZE,
		  "it holds 24 bytes, and had 99", false },
		{ "another size, without a digest", NAME, "", 99, false, true, STORE_FAULT_SIZE,
		  "and had 99", false },
		{ "a file that is not there", "3f/" CALL "." RECORDING ".9.mp3", NULL, 0, false,
		  true, STORE_FAULT_MISSING, "is not there", false },
		{ "a folder that is not there, beside one that is",
		  "4f/CA4f"
		  "00000000000000000000000000000a." RECORDING ".9.mp3",
		  NULL, 0, false, true, STORE_FAULT_MISSING, "is not there", false },
		{ "a folder of that name", "3f/" CALL "." RECORDING ".7.mp3", NULL, 0, false, false,
		  STORE_FAULT_UNREADABLE, "not a file", false },
		{ "a name that none of ours has", "../ledger.db", NULL, 0, false, true,
		  STORE_FAULT_UNREADABLE, "", false },
	};
	static const struct {
		const char *name;
		enum err_kind kind;
		uint64_t after; /* so many reads are good */
		bool is_told;   /* else it is left for later */
	} failures[] = {
		{ "no descriptor is left", ERR_SCARCE, 0, false },
		{ "the same while it is read", ERR_SCARCE, 1, false },
		{ "the store does not answer", ERR_UNAVAILABLE, 0, false },
		{ "the disk refuses to open it", ERR_INTERNAL, 0, true },
		{ "the disk refuses to read it", ERR_INTERNAL, 1, true },
	};
	struct blob_store *local;
	atomic_bool is_stopping = false;
	struct recording_stored row = { .size = strlen(BYTES), .path = NAME };
	struct blob_content content;
	struct file_check check;
	struct buf hex;

	folder_make();
	if (!blob_local_open(folder, &local, &err))
		return 1;
	AUTO(blob_store_free) struct blob_store *store = blob_flaky_new(local);

	OK(!file_check(store, &row, &is_stopping, &check, &err) && err.kind == ERR_UNAVAILABLE &&
		   strstr(err.text, "is its disk mounted"),
	   "a store without a folder is away: %s", err.text);
	{
		AUTO(free)
		char *make = xasprintf("cd %s/recordings && mkdir -p 3f/" CALL "." RECORDING
				       ".7.mp3 && printf %%s '" BYTES "' > " NAME,
				       folder);

		if (system(make) != 0)
			return 1;
	}
	if (!blob_read_content(store, STR(NAME), 0, NULL, &content, &err))
		return 1;
	buf_over(&hex, row.sha256, sizeof(row.sha256));
	hex_add(&hex, content.sha256, sizeof(content.sha256));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct recording_stored now = row;

		str_fit(str_of(cases[i].path), now.path, sizeof(now.path));
		if (cases[i].sha256)
			str_fit(str_of(cases[i].sha256), now.sha256, sizeof(now.sha256));
		if (cases[i].size)
			now.size = cases[i].size;
		OK(file_check(store, &now, &is_stopping, &check, &err), "%s: it can be told",
		   cases[i].name);
		OK(check.is_sound == cases[i].is_sound && check.may_mend == cases[i].may_mend &&
			   (check.is_sound || check.kind == cases[i].kind),
		   "%s: what it is", cases[i].name);
		OK(strstr(check.reason, cases[i].reason), "%s: why (%s)", cases[i].name,
		   check.reason);
		IS_INT(check.read, cases[i].is_read ? strlen(BYTES) : 0, "%s: what was read",
		       cases[i].name);
	}
	for (size_t i = 0; i < ARRAY_LEN(failures); i++) {
		struct blob_failure failure = { .call = BLOB_CALL_OPEN_READ,
						.after = failures[i].after,
						.count = UINT64_MAX,
						.kind = failures[i].kind };
		bool is_told;

		blob_flaky_fail(store, &failure);
		is_told = file_check(store, &row, &is_stopping, &check, &err);
		OK(is_told == failures[i].is_told, "%s: it is the file's fault, or not",
		   failures[i].name);
		OK(!is_told || (!check.is_sound && check.kind == STORE_FAULT_UNREADABLE),
		   "%s: unreadable, where it is", failures[i].name);
	}
	blob_flaky_fail(store, NULL);
	is_stopping = true;
	OK(!file_check(store, &row, &is_stopping, &check, &err) && err.kind == ERR_UNAVAILABLE,
	   "as we stop nothing is told of it");
	folder_remove();
	return tap_end();
}
