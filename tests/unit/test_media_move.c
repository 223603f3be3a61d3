/*
 * Recordings on their way from files into a bucket: what is brought, what is a fault, what is left, and what becomes of what changes
 * meanwhile.
 */
#include "migrate/media_move.h"

#include "base/clock.h"
#include "blob/blob.h"
#include "bucket_store.h"
#include "catalog/catalog_private.h"
#include "chores/verifications.h"
#include "stored_fixture.h"
#include "tables/departure.h"
#include "tap.h"

#include <dirent.h>
#include <ftw.h>
#include <stdatomic.h>

#define PAGE 64 /* of media_move.c */
#define MARKER                                                                                  \
	"A store of callspool: recordings, in folders by the first two digits of their call.\n" \
	"id: "
#define ID "0123456789abcdef0123456789abcdef"

static struct media_move *move;
static struct s3_options to = { .store = "s3://bucket/calls",
				.access_key_id = "id",
				.secret_access_key = "secret" };
static atomic_bool is_to_stop;
static atomic_uint waits;
static unsigned next_number; /* of recordings */

/* ---- what there is ---- */

static void exec(const char *sql)
{
	MUST(catalog_begin(ledger.writer, &err));
	MUST(db_exec(ledger.writer->db, sql, &err));
	MUST(catalog_commit(ledger.writer, &err));
}

static void name_of(unsigned n, const char *format, char out[BLOB_NAME_SIZE])
{
	char call[SID_SIZE], sid[SID_SIZE];

	MUST(blob_name_make(sid_text("CA", n, call), sid_text("RE", n, sid), n, str_of(format), out,
			    &err));
}

static char *path_of(const char *name)
{
	return xasprintf("%s/recordings/%s", ledger.folder, name);
}

static void write_file(const char *name, const char *bytes)
{
	AUTO(free) char *path = path_of(name);
	FILE *file = fopen(path, "w");

	if (!file || fputs(bytes, file) < 0 || fclose(file) != 0)
		abort();
}

static void remove_file(const char *name)
{
	AUTO(free) char *path = path_of(name);

	if (remove(path) != 0)
		abort();
}

/* Of bytes that no other one has. */
static void bytes_of(unsigned n, char out[64])
{
	snprintf(out, 64, "the sound of recording %06u", n);
}

/* A recording that is stored, and its file.  Its number. */
static unsigned make(void)
{
	unsigned n = ++next_number;
	char bytes[64], name[BLOB_NAME_SIZE], sha256[SHA256_HEX], sid[SID_SIZE];
	uint8_t digest[SHA256_BYTES];
	struct recording_media media = { .stored_at_ms = NOON,
					 .generation = n,
					 .format = "mp3",
					 .path = name,
					 .sha256 = sha256 };
	struct buf hex;

	announce(n, sid);
	bytes_of(n, bytes);
	name_of(n, "mp3", name);
	write_file(name, bytes);
	sha256_of(str_of(bytes), digest);
	buf_over(&hex, sha256, sizeof(sha256));
	hex_add(&hex, digest, sizeof(digest));
	media.size = strlen(bytes);
	MUST(catalog_begin(ledger.writer, &err));
	MUST(recordings_mark_stored(ledger.writer, str_of(sid), &media, &err));
	MUST(catalog_commit(ledger.writer, &err));
	return n;
}

static int64_t id_of(unsigned n)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;
	char sid[SID_SIZE];

	MUST(db_prepare(ledger.writer->db, "SELECT id FROM recordings WHERE recording_sid = $1",
			&find, &err));
	db_bind_str(find, 1, sid_text("RE", n, sid));
	MUST(db_step(find, &err) == DB_ROW);
	return db_column_int(find, 0);
}

static void set_state(unsigned n, enum recording_state state)
{
	AUTO(free)
	char *sql = xasprintf("UPDATE recordings SET state = %d WHERE recording_sid = 'RE%032x'",
			      state, n);

	exec(sql);
}

/* ---- the bucket ---- */

static char *key_of(unsigned n, const char *format)
{
	char name[BLOB_NAME_SIZE];

	name_of(n, format, name);
	return xasprintf("calls/%s", name);
}

static bool is_there(unsigned n)
{
	AUTO(free) char *key = key_of(n, "mp3");
	char bytes[64];

	bytes_of(n, bytes);
	return bucket_has(key, bytes);
}

static bool is_nowhere(unsigned n)
{
	AUTO(free) char *key = key_of(n, "mp3");

	return bucket_has(key, NULL);
}

static void spoil(unsigned n)
{
	AUTO(free) char *key = key_of(n, "mp3");

	bucket_put(key, "the sound of recording ??????");
}

/* ---- a move ---- */

static void count_waits(void *owner, const struct err *waits_for)
{
	waits += waits_for != NULL;
}

static bool open_move(const char *id, bool is_new, unsigned at_once)
{
	const struct media_move_options options = { .ledger = ledger.path,
						    .data_dir = ledger.folder,
						    .to = to,
						    .store_id = id,
						    .at_once = at_once,
						    .is_to_stop = &is_to_stop,
						    .waits = count_waits };

	return media_move_open(&options, is_new, &move, &err);
}

/* Everything is as at first: no recordings, no objects, no files. */
static void begin(void)
{
	AUTO(free) char *command = xasprintf("rm -rf %s/recordings/*/*", ledger.folder);

	MUST(system(command) == 0 || err_set(&err, ERR_INTERNAL, "cannot remove files"));
	set_state(0, RECORDING_GONE); /* nobody */
	exec("DELETE FROM store_faults; DELETE FROM recordings");
	bucket_empty();
	atomic_store(&is_to_stop, false);
	MUST(open_move(ID, true, 4));
}

static void end(void)
{
	media_move_free(TAKE(move));
}

static int remove_entry(const char *path, const struct stat *about, int kind, struct FTW *at)
{
	return remove(path);
}

static bool is_open_file(const char *link)
{
	char target[512];
	ssize_t n = readlink(link, target, sizeof(target) - 1);

	target[n > 0 ? n : 0] = '\0';
	return strstr(target, "/recordings/") != NULL;
}

/* Files of recordings that this process has open. */
static unsigned open_files(void)
{
	DIR *folder = opendir("/proc/self/fd");
	const struct dirent *entry;
	unsigned count = 0;

	while ((entry = readdir(folder)) != NULL) {
		AUTO(free) char *link = xasprintf("/proc/self/fd/%s", entry->d_name);

		count += is_open_file(link);
	}
	closedir(folder);
	return count;
}

/* ---- whose place it is ---- */

static void test_open(void)
{
	begin();
	OK(bucket_has("calls/callspool.store", MARKER ID "\n"), "the place says whose it is");
	OK(media_move_is_ours(move, &err), "and so it is");
	end();
	OK(open_move(ID, false, 0), "it is gone on with");
	bucket_put("calls/callspool.store", MARKER "00000000000000000000000000000000\n");
	end();
	OK(!open_move(ID, true, 1) && err.kind == ERR_CONFLICT &&
		   strstr(err.text, "another prefix"),
	   "another ledger's store is left alone: %s", err.text);
	OK(!open_move(ID, false, 1) && err.kind == ERR_CONFLICT, "later as well: %s", err.text);
	bucket_empty();
	OK(!open_move(ID, false, 1) && err.kind == ERR_UNAVAILABLE,
	   "where nothing says whose it is, and something was put, it is not the place: %s",
	   err.text);
}

/* ---- page by page ---- */

static void test_page(void)
{
	struct media_move_page page;
	char waveform[BLOB_NAME_SIZE];
	AUTO(free) char *key = NULL;
	unsigned one, two, three, lost;
	uint64_t before, count;

	begin();
	MUST(media_move_count(move, &before, &err));
	one = make();
	two = make();
	three = make();
	OK(media_move_count(move, &count, &err) && count == before + 3,
	   "those that are stored are counted");
	lost = make();
	set_state(lost, RECORDING_DEAD);
	name_of(two, "peaks", waveform);
	write_file(waveform, "a waveform");
	key = key_of(two, "peaks");
	OK(media_move_page(move, 0, false, &page, &err), "a page: %s", err.text);
	OK(page.stored == 3 && page.is_last && page.up_to == id_of(lost), "of all");
	OK(is_there(one) && is_there(two) && is_there(three), "they are there");
	OK(bucket_has(key, "a waveform"), "with a waveform, where there is one");
	OK(is_there(lost), "and what is not stored now, but lies there");
	OK(media_move_is_whole(move, &err) && media_move_first_fault(move) == INT64_MAX,
	   "nothing is wrong");
	OK(media_move_page(move, id_of(one), false, &page, &err) && page.stored == 2 &&
		   page.is_last,
	   "behind the first");
	OK(media_move_page(move, id_of(lost), false, &page, &err) && page.stored == 0 &&
		   page.is_last && page.up_to == id_of(lost),
	   "behind the last is nothing");
	IS_INT(open_files(), 0, "no file is left open");
	end();
}

static void test_pages(void)
{
	static const struct {
		unsigned at_once, files;
	} cases[] = { { 4, PAGE + 1 }, { 1, PAGE } };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct media_move_page page;
		unsigned first = next_number + 1;
		bool are_there = true;

		begin();
		end();
		MUST(open_move(ID, false, cases[i].at_once));
		for (unsigned k = 0; k < cases[i].files; k++)
			make();
		OK(media_move_page(move, 0, false, &page, &err) && page.stored == PAGE &&
			   !page.is_last,
		   "of %u, %u at once, a page is not the last", cases[i].files, cases[i].at_once);
		OK(media_move_page(move, page.up_to, false, &page, &err) &&
			   page.stored == cases[i].files - PAGE && page.is_last,
		   "the next one is, with what is left");
		for (unsigned n = first; n < first + cases[i].files; n++)
			are_there = are_there && is_there(n);
		OK(are_there, "and all are there");
		end();
	}
}

static void test_faults(void)
{
	static const struct {
		const char *name, *bytes; /* NULL: there is no file */
		bool is_looking;
	} cases[] = {
		{ "one that is missing", NULL, false },
		{ "a shorter one", "the sound of recording 00000", false },
		{ "a longer one", "the sound of recording 0000000", true },
		{ "an empty one", "", false },
		{ "one with other bytes", "the sound of recording !!!!!!", false },
		{ "the same, where is looked first", "the sound of recording !!!!!!", true },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct media_move_page page;
		char name[BLOB_NAME_SIZE];
		unsigned one, two, three;

		begin();
		one = make();
		two = make();
		three = make();
		name_of(two, "mp3", name);
		if (cases[i].bytes)
			write_file(name, cases[i].bytes);
		else
			remove_file(name);
		OK(media_move_page(move, 0, cases[i].is_looking, &page, &err) && page.stored == 3,
		   "%s is no reason not to go on", cases[i].name);
		OK(is_there(one) && is_there(three), "the others are there");
		OK(is_nowhere(two), "and nothing of that one");
		OK(!media_move_is_whole(move, &err) && err.kind == ERR_CONFLICT &&
			   strstr(err.text, "1 recordings") && strstr(err.text, name),
		   "it is told: %s", err.text);
		IS_INT(media_move_first_fault(move), id_of(two), "which it is");
		IS_INT(open_files(), 0, "and its file is not left open");
		end();
	}
}

static void test_first_fault(void)
{
	struct media_move_page page;
	char name[BLOB_NAME_SIZE];
	unsigned numbers[3];

	begin();
	for (int i = 0; i < 3; i++) {
		numbers[i] = make();
		name_of(numbers[i], "mp3", name);
		remove_file(name);
	}
	MUST(media_move_page(move, id_of(numbers[1]), false, &page, &err));
	IS_INT(media_move_first_fault(move), id_of(numbers[2]), "the first that was found");
	MUST(media_move_page(move, 0, false, &page, &err));
	IS_INT(media_move_first_fault(move), id_of(numbers[0]), "one before it");
	OK(!media_move_is_whole(move, &err) && strstr(err.text, "4 recordings"), "all: %s",
	   err.text);
	name_of(numbers[0], "mp3", name);
	OK(strstr(err.text, name), "and the first by name");
	end();
}

/* It is made anew: neither that it is missing nor that it cannot be read is a fault. */
static void test_waveforms(void)
{
	struct media_move_page page;
	char waveform[BLOB_NAME_SIZE];
	AUTO(free) char *path = NULL;

	begin();
	name_of(make(), "peaks", waveform);
	path = path_of(waveform);
	MUST(mkdir(path, 0700) == 0 || err_errno(&err, "mkdir"));
	OK(media_move_page(move, 0, false, &page, &err) && media_move_is_whole(move, &err),
	   "a waveform that cannot be read is no fault");
	end();
}

static void test_looks(void)
{
	struct media_move_page page;
	unsigned same, other, none, puts;

	begin();
	same = make();
	other = make();
	none = make();
	MUST(media_move_page(move, 0, false, &page, &err));
	spoil(other);
	{
		AUTO(free) char *key = key_of(none, "mp3");

		bucket_remove(key);
	}
	puts = bucket_count(&bucket.puts);
	OK(media_move_page(move, 0, true, &page, &err) && page.stored == 3, "it is looked first");
	IS_INT(bucket_count(&bucket.puts) - puts, 2, "what is there is left there");
	OK(is_there(same) && is_there(other) && is_there(none),
	   "what is not, or is another, is put");
	puts = bucket_count(&bucket.puts);
	MUST(media_move_page(move, 0, false, &page, &err));
	IS_INT(bucket_count(&bucket.puts) - puts, 3, "else all are put");
	end();
}

/* ---- read back ---- */

static void test_verify(void)
{
	struct media_move_page page;
	unsigned good, spoilt, missing, lost, gets, puts;
	AUTO(free) char *key = NULL;

	begin();
	good = make();
	spoilt = make();
	missing = make();
	lost = make();
	set_state(lost, RECORDING_DEAD);
	MUST(media_move_page(move, 0, false, &page, &err));
	gets = bucket_count(&bucket.gets);
	puts = bucket_count(&bucket.puts);
	OK(media_move_verify_page(move, 0, &page, &err) && page.stored == 3 && page.is_last &&
		   page.up_to == id_of(lost),
	   "a page is read back");
	IS_INT(bucket_count(&bucket.gets) - gets, 3, "each that is stored");
	IS_INT(bucket_count(&bucket.puts) - puts, 0, "and what is good is left there");
	spoil(spoilt);
	key = key_of(missing, "mp3");
	bucket_remove(key);
	OK(media_move_verify_page(move, 0, &page, &err) && media_move_is_whole(move, &err),
	   "what is not what was put is no fault, %s", err.text);
	OK(is_there(good) && is_there(spoilt) && is_there(missing), "for it is put anew");
	IS_INT(bucket_count(&bucket.puts) - puts, 2, "that alone");
	end();
}

static void test_verify_faults(void)
{
	struct media_move_page page;
	char name[BLOB_NAME_SIZE];
	unsigned spoilt, fileless;

	begin();
	spoilt = make();
	MUST(media_move_page(move, 0, false, &page, &err));
	spoil(spoilt);
	name_of(spoilt, "mp3", name);
	bucket_does(bucket.spoils, name);
	OK(media_move_verify_page(move, 0, &page, &err) && !media_move_is_whole(move, &err) &&
		   err.kind == ERR_CONFLICT && strstr(err.text, name),
	   "what is not what was put a second time either is one: %s", err.text);
	end();

	begin();
	fileless = make();
	MUST(media_move_page(move, 0, false, &page, &err));
	spoil(fileless);
	name_of(fileless, "mp3", name);
	remove_file(name);
	OK(media_move_verify_page(move, 0, &page, &err) && !media_move_is_whole(move, &err) &&
		   strstr(err.text, name),
	   "and what is nowhere any more: %s", err.text);
	end();
}

/* ---- what changes meanwhile ---- */

static int64_t last_note(void)
{
	int64_t last = 0;

	MUST(departure_last(ledger.writer, &last, &err));
	return last;
}

static void begin_noting(void)
{
	const struct departure departure = { .name = ID, .to = "store = s3://bucket/calls" };

	MUST(catalog_begin(ledger.writer, &err));
	MUST(departure_begin(ledger.writer, &departure, &err));
	MUST(catalog_commit(ledger.writer, &err));
}

static void end_noting(void)
{
	bool is_over = false;

	while (!is_over) {
		MUST(catalog_begin(ledger.writer, &err));
		MUST(departure_end(ledger.writer, &is_over, &err));
		MUST(catalog_commit(ledger.writer, &err));
	}
}

/* Of the same recording, and another file. */
static char *older_key(unsigned n)
{
	char name[BLOB_NAME_SIZE], call[SID_SIZE], sid[SID_SIZE];

	MUST(blob_name_make(sid_text("CA", n, call), sid_text("RE", n, sid), n + 5000, STR("wav"),
			    name, &err));
	return xasprintf("calls/%s", name);
}

static void test_changes(void)
{
	struct media_move_page page;
	unsigned stays, goes, comes, behind, gives_up;
	AUTO(free) char *beside = NULL;
	AUTO(free) char *older = NULL;
	char name[BLOB_NAME_SIZE];
	int64_t noted;

	begin();
	stays = make();
	goes = make();
	gives_up = make();
	name_of(goes, "peaks", name);
	write_file(name, "a waveform");
	beside = key_of(goes, "peaks");
	MUST(media_move_page(move, 0, false, &page, &err));
	begin_noting();
	OK(media_move_changes(move, INT64_MAX, &noted, &err) && noted == 0, "nothing was noted");
	comes = make();
	set_state(goes, RECORDING_DELETED);
	set_state(gives_up, RECORDING_DEAD);
	OK(media_move_changes(move, INT64_MAX, &noted, &err) && noted == last_note(),
	   "what was noted is brought up to the last note: %s", err.text);
	OK(is_there(stays) && is_there(comes), "what is stored is there");
	OK(is_nowhere(goes) && bucket_has(beside, NULL), "what was removed is not");
	OK(is_there(gives_up), "what was given up is, as long as its file is");
	behind = make();
	OK(media_move_changes(move, id_of(behind) - 1, &noted, &err) && is_nowhere(behind),
	   "of recordings up to one");
	OK(media_move_changes(move, id_of(behind), &noted, &err) && is_there(behind),
	   "that one as well");
	older = older_key(gives_up);
	bucket_put(older, "of an older one");
	set_state(gives_up, RECORDING_GONE);
	OK(media_move_changes(move, INT64_MAX, &noted, &err) && bucket_has(older, NULL) &&
		   is_there(gives_up),
	   "another file of it is not, unless it lies here");
	write_file(older + strlen("calls/"), "of an older one");
	set_state(gives_up, RECORDING_DEAD);
	OK(media_move_changes(move, INT64_MAX, &noted, &err) &&
		   bucket_has(older, "of an older one"),
	   "and does then");
	set_state(gives_up, RECORDING_DELETED);
	OK(media_move_changes(move, INT64_MAX, &noted, &err) && bucket_has(older, NULL) &&
		   is_nowhere(gives_up),
	   "until it was removed");
	OK(bucket_has("calls/callspool.store", MARKER ID "\n"), "and it is still ours");
	end_noting();
	end();
}

/* What is damaged is kept beside what is played instead. */
static void test_fault_files(void)
{
	struct media_move_page page;
	struct store_fault fault = { .kind = STORE_FAULT_BYTES, .generation = 1 };
	AUTO(free) char *key = NULL;
	char sid[SID_SIZE], call[SID_SIZE];
	int64_t noted;
	unsigned n, puts;

	begin();
	n = make();
	MUST(media_move_page(move, 0, false, &page, &err));
	begin_noting();
	MUST(blob_name_make(sid_text("CA", n, call), sid_text("RE", n, sid), n + 5000, STR("mp3"),
			    fault.path, &err));
	str_fit(str_of(sid), fault.recording_sid, SID_SIZE);
	key = xasprintf("calls/%s", fault.path);
	MUST(catalog_begin(ledger.writer, &err) && store_faults_add(ledger.writer, &fault, &err) &&
	     catalog_commit(ledger.writer, &err));
	OK(media_move_changes(move, INT64_MAX, &noted, &err) && bucket_has(key, NULL),
	   "a fault whose file is not there");
	write_file(fault.path, "damaged");
	OK(media_move_changes(move, id_of(n), &noted, &err) && bucket_has(key, NULL),
	   "not before all pages were");
	OK(media_move_changes(move, INT64_MAX, &noted, &err) && bucket_has(key, "damaged"),
	   "one whose file is there: %s", err.text);
	puts = bucket_count(&bucket.puts);
	OK(media_move_changes(move, INT64_MAX, &noted, &err) && bucket_count(&bucket.puts) == puts,
	   "once");
	set_state(n, RECORDING_STORED); /* noted */
	OK(media_move_changes(move, INT64_MAX, &noted, &err) && bucket_has(key, "damaged"),
	   "and it stays there as long as the fault does");
	MUST(catalog_begin(ledger.writer, &err) &&
	     store_faults_drop(ledger.writer, fault.path, &err) &&
	     catalog_commit(ledger.writer, &err));
	OK(media_move_changes(move, INT64_MAX, &noted, &err) && bucket_has(key, NULL), "no longer");
	end_noting();
	end();
}

/* ---- an end to it ---- */

static void test_stop(void)
{
	struct media_move_page page;
	unsigned n;

	begin();
	n = make();
	atomic_store(&is_to_stop, true);
	OK(!media_move_page(move, 0, false, &page, &err) && err.kind == ERR_UNAVAILABLE &&
		   err.text[0] == '\0',
	   "who is to stop brings nothing, and says nothing more");
	OK(is_nowhere(n), "nothing was put");
	end();
}

static void test_hurry(void)
{
	struct media_move_page page;
	int64_t began_ms;

	begin();
	make();
	bucket_does(bucket.hangs, "RE");
	began_ms = clock_monotonic_ms();
	media_move_hurry(move, began_ms);
	OK(!media_move_page(move, 0, false, &page, &err) && err.kind == ERR_UNAVAILABLE &&
		   err.text[0] != '\0',
	   "what is not answered in time is given up: %s", err.text);
	OK(!media_move_page(move, 0, false, &page, &err) && strstr(err.text, "in time"),
	   "and nothing is asked any more: %s", err.text);
	end();
	bucket_does(bucket.hangs, "");
}

int main(void)
{
	AUTO(free) char *endpoint = bucket_start();

	ledger_open(&ledger);
	to.endpoint = endpoint;
	{
		AUTO(free) char *folder = xasprintf("mkdir -p %s/recordings/00", ledger.folder);

		if (system(folder) != 0)
			return 1;
	}
	test_open();
	test_page();
	test_pages();
	test_faults();
	test_first_fault();
	test_waveforms();
	test_looks();
	test_verify();
	test_verify_faults();
	test_changes();
	test_fault_files();
	test_stop();
	test_hurry();
	bucket_stop();
	catalog_free(ledger.writer);
	nftw(ledger.folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	return tap_end();
}
