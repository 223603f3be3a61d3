/* Which other file of a recording may take the place of a damaged one. */
#include "verify/other_files.h"

#include "base/mem.h"
#include "blob/blob_local.h"
#include "blob_folder.h"
#include "catalog/catalog.h"
#include "chores/verifications.h"
#include "must.h"
#include "tap.h"

#include <string.h>

#define ZEROS            "0000000000000000000000000000000"
#define FILE_OF(n, rest) "00/CA" ZEROS "1.RE" ZEROS n "." rest
#define DAMAGED          FILE_OF("1", "5.mp3")
#define SOUND            "wav-dual-8k.wav" /* somewhat more than a second */
#define UNTOLD           (-1)

static struct err err;
static struct blob_store *store;
static struct catalog *catalog;
static atomic_bool is_stopping;

/* By the command, which writes to $FILE. */
static void make(const char *name, const char *command)
{
	AUTO(free)
	char *whole = xasprintf("SOUND=\"$TEST_DATA\"/audio/" SOUND
				" && FILE=%s/recordings/%s && mkdir -p $(dirname $FILE) && %s",
				folder, name, command);

	if (system(whole) != 0)
		abort();
}

#define COPY "cp \"$SOUND\" $FILE"

static void found(struct other_files *files)
{
	MUST(other_files_list(store, DAMAGED, files, &err));
}

static void test_list(void)
{
	static const char *const names[] = { FILE_OF("1", "30.wav"), FILE_OF("1", "9.mp3"),
					     FILE_OF("1", "7.mp3"), FILE_OF("1", "3.mp3"),
					     FILE_OF("1", "2.mp3") };
	struct other_files files;

	make(DAMAGED, COPY);
	found(&files);
	IS_INT(files.count, 0, "the damaged one is no other");
	make(FILE_OF("1", "9.peaks"), COPY);
	make(FILE_OF("2", "6.mp3"), COPY);
	make("00/holiday.mp3", COPY);
	found(&files);
	IS_INT(files.count, 0, "nor is what is no sound, and another recording's");
	make(FILE_OF("1", "3.mp3"), COPY);
	make(FILE_OF("1", "9.mp3"), COPY);
	make(FILE_OF("1", "7.mp3"), COPY);
	make(FILE_OF("1", "30.wav"), COPY);
	make(FILE_OF("1", "2.mp3"), COPY);
	found(&files);
	IS_INT(files.count, ARRAY_LEN(names), "five others");
	for (size_t i = 0; i < files.count && i < ARRAY_LEN(names); i++)
		IS_STR(str_of(files.at[i]), str_of(names[i]), "the highest generation first");
	OK(!other_files_list(store, "holiday.mp3", &files, &err) && err.kind == ERR_INVALID &&
		   files.count == 0,
	   "a name that is none: %s", err.text);
}

static void add_fault(const char *path, enum store_fault_kind kind)
{
	struct store_fault fault = { .kind = kind, .state = STORE_FAULT_OPEN };

	str_fit(str_of(path), fault.path, sizeof(fault.path));
	MUST(catalog_begin(catalog, &err));
	MUST(store_faults_add(catalog, &fault, &err));
	MUST(catalog_commit(catalog, &err));
}

static void test_pass_over(void)
{
	struct other_files files;

	found(&files);
	OK(other_files_pass_over(catalog, &files, &err) && files.count == 5,
	   "of none anything is known");
	add_fault(FILE_OF("1", "30.wav"), STORE_FAULT_BYTES);
	add_fault(FILE_OF("1", "7.mp3"), STORE_FAULT_UNREADABLE);
	add_fault(FILE_OF("1", "3.mp3"), STORE_FAULT_OLD);
	OK(other_files_pass_over(catalog, &files, &err), "two are known to be damaged");
	IS_INT(files.count, 3, "and left out; an old one is not");
	IS_STR(str_of(files.at[0]), STR(FILE_OF("1", "9.mp3")), "the order stays: the first");
	IS_STR(str_of(files.at[1]), STR(FILE_OF("1", "3.mp3")), "the second");
	IS_STR(str_of(files.at[2]), STR(FILE_OF("1", "2.mp3")), "the last");
}

/* Of two others the higher is as the command makes it, and the lower is sound. */
static void test_whole(void)
{
	static const struct {
		const char *name, *damaged, *higher, *lower;
		int64_t told_s;
		bool stops;
		const char *taken; /* "": none */
	} rows[] = {
		{ "both are sound", COPY, COPY, COPY, UNTOLD, false, FILE_OF("1", "9.mp3") },
		{ "the higher is no sound", COPY, "echo words > $FILE", COPY, UNTOLD, false,
		  FILE_OF("1", "7.mp3") },
		{ "the higher is cut short", COPY, "head -c 9000 \"$SOUND\" > $FILE", COPY, UNTOLD,
		  false, FILE_OF("1", "7.mp3") },
		{ "the higher cannot be opened", COPY, "ln -s $FILE $FILE", COPY, UNTOLD, false,
		  FILE_OF("1", "7.mp3") },
		{ "it is as long as was told", COPY, COPY, COPY, 1, false, FILE_OF("1", "9.mp3") },
		{ "none is", COPY, COPY, COPY, 60, false, "" },
		{ "none is sound", COPY, "echo words > $FILE", "echo words > $FILE", UNTOLD, false,
		  "" },
		{ "the damaged one is no sound any more", "echo words > $FILE", COPY, COPY, UNTOLD,
		  false, FILE_OF("1", "9.mp3") },
		{ "it is to stop", COPY, COPY, COPY, UNTOLD, true, "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct other_files files;
		const char *taken;

		make("00/x", "rm -f $(dirname $FILE)/*");
		make(DAMAGED, rows[i].damaged);
		make(FILE_OF("1", "9.mp3"), rows[i].higher);
		make(FILE_OF("1", "7.mp3"), rows[i].lower);
		files = (struct other_files){ .count = 2 };
		str_fit(STR(FILE_OF("1", "9.mp3")), files.at[0], BLOB_NAME_SIZE);
		str_fit(STR(FILE_OF("1", "7.mp3")), files.at[1], BLOB_NAME_SIZE);
		is_stopping = rows[i].stops;
		taken = other_files_whole(store, &files, DAMAGED, rows[i].told_s, &is_stopping);
		IS_STR(str_of(taken ? taken : ""), str_of(rows[i].taken), "%s", rows[i].name);
	}
	is_stopping = false;
}

/* One that is shorter than what is left of the damaged one cannot be it. */
static void test_shorter(void)
{
	struct other_files files = { .count = 1 };
	const char *const twice = "{ cat \"$TEST_DATA\"/audio/mp3-mono-22k.mp3; cat "
				  "\"$TEST_DATA\"/audio/mp3-mono-22k.mp3; } > $FILE";

	str_fit(STR(FILE_OF("1", "9.mp3")), files.at[0], BLOB_NAME_SIZE);
	make(DAMAGED, twice);
	make(FILE_OF("1", "9.mp3"), "cp \"$TEST_DATA\"/audio/mp3-mono-22k.mp3 $FILE");
	OK(!other_files_whole(store, &files, DAMAGED, UNTOLD, &is_stopping),
	   "one that is shorter is not taken");
	make(FILE_OF("1", "9.mp3"), twice);
	OK(other_files_whole(store, &files, DAMAGED, UNTOLD, &is_stopping),
	   "one that is as long is");
	files.count = 0;
	OK(!other_files_whole(store, &files, DAMAGED, UNTOLD, &is_stopping), "where there is one");
}

int main(void)
{
	AUTO(free) char *path = NULL;

	folder_make();
	path = xasprintf("%s/ledger.db", folder);
	MUST(blob_local_open(folder, &store, &err));
	MUST(catalog_open(path, CATALOG_WRITE, &catalog, &err));
	test_list();
	test_pass_over();
	test_whole();
	test_shorter();
	catalog_free(catalog);
	blob_store_free(store);
	folder_remove();
	return tap_end();
}
