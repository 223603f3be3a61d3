/* Files of another system: which of a folder they are, what is said of each, and what the server is asked. */
#include "client/adopt_files.h"

#include "adoption/adopt_match.h"
#include "base/clock.h"
#include "blob/blob_local.h"
#include "catalog/recordings.h"
#include "catalog/removals.h"
#include "config/settings.h"
#include "ledger_fixture.h"

#include "asked_server.h"

#include <fcntl.h>
#include <ftw.h>

#define ZEROS   "0000000000000000000000000000000"
#define CA(n)   "CA" ZEROS n
#define RE(n)   "RE" ZEROS n
#define WRITTEN 1700000000 /* 2023-11-14T22:13:20Z */
#define DAY_MS  INT64_C(86400000)
/* ADOPTION_STAGED_LEAST: adoption.h has another struct ledger. */
#define STAGED_LEAST (UINT64_C(1) << 61)

static struct ledger ledger;
static struct settings settings;
static struct adopt_files files;

static int remove_entry(const char *path, const struct stat *about, int kind, struct FTW *at)
{
	return remove(path);
}

static void run_in_folder(const char *command)
{
	AUTO(free) char *whole = xasprintf("cd %s && %s", ledger.folder, command);

	if (system(whole) != 0)
		abort();
}

/* ---- the folder ---- */

static void test_list(void)
{
	static const char *const names[] = {
		"in/" CA("1") ".mp3",
		"in/b/" CA("2") ".WAV",
		"in/b/" RE("3") ".Mp3",
		"in/b/c/" RE("4") ".wav",
	};
	AUTO(free) char *in = xasprintf("%s/in", ledger.folder);
	AUTO(free) char *none = xasprintf("%s/none", ledger.folder);
	struct adopt_list list;

	run_in_folder("mkdir -p in/b/c in/d && cd in && touch " CA("1") ".mp3 b/" CA("2") ".WAV b/" RE(
		"3") ".Mp3 b/c/" RE("4") ".wav b/" CA("5") ".ogg "
							   "b/" CA("6") ".mp3.part b/" CA(
								   "7") " d/holiday.mp3 d/CA1.mp3 && "
									"ln -s b/" RE("3") ".Mp3 " RE(
										"8") ".mp3 && ln -s b e");
	OK(adopt_list_read(in, &list, &err), "a folder is read: %s", err.text);
	IS_INT(list.count, ARRAY_LEN(names), "what is named by a SID, with all that is below it");
	IS_INT(list.others, 5, "and so many others; links are neither");
	for (size_t i = 0; i < list.count && i < ARRAY_LEN(names); i++)
		IS_STR(str_after(str_of(list.paths[i]), strlen(ledger.folder) + 1),
		       str_of(names[i]), "by their names");
	adopt_list_release(&list);
	OK(!list.paths && list.count == 0, "nothing is left");
	run_in_folder("rm -r in && mkdir in && cd in && for i in $(seq 300); do touch "
		      "$(printf 'CA%032x.mp3' $i); done");
	OK(adopt_list_read(in, &list, &err) && list.count == 300 && list.others == 0,
	   "hundreds of files");
	adopt_list_release(&list);
	OK(!adopt_list_read(none, &list, &err) && err.kind == ERR_NOT_FOUND,
	   "a folder that is not there: %s", err.text);
	adopt_list_release(&list);
	run_in_folder("rm -r in");
}

/* ---- what the ledger knows ---- */

static void announce(const char *sid, const char *call, int64_t duration_s, int64_t started_at_ms)
{
	struct projection_result result;
	struct event event;

	event_init(&event, EVENT_RECORDING_STATUS, clock_wall_ms());
	event.recording_sid = str_of(sid);
	event.call_sid = str_of(call);
	event.status = STR("completed");
	event.duration_s = duration_s;
	event.started_at_ms = started_at_ms;
	ledger_append(&ledger, &event);
	ledger_project(&ledger, &result);
}

static void fill(void)
{
	const struct recording_media media = {
		.stored_at_ms = 1, .generation = 1, .size = 9, .format = "mp3", .path = "00/x"
	};

	announce(RE("3"), CA("3"), EVENT_UNKNOWN, clock_wall_ms());
	announce(RE("4"), CA("4"), EVENT_UNKNOWN, clock_wall_ms());
	announce(RE("5"), CA("5"), EVENT_UNKNOWN, clock_wall_ms());
	announce(RE("6"), CA("6"), 500, clock_wall_ms());
	announce(RE("7"), CA("7"), EVENT_UNKNOWN, clock_wall_ms());
	announce(RE("8"), CA("8"), EVENT_UNKNOWN, clock_wall_ms() - 10 * DAY_MS);
	announce(RE("9"), CA("9"), EVENT_UNKNOWN, 0);
	MUST(catalog_begin(ledger.writer, &err));
	MUST(recordings_mark_stored(ledger.writer, STR(RE("5")), &media, &err));
	MUST(recordings_mark_deleted(ledger.writer, STR(RE("7")), 1, &err));
	MUST(catalog_commit(ledger.writer, &err));
}

/* ---- one file ---- */

static off_t copied; /* of the one file that lies in arriving/ when the server is asked */

static void look_at_copy(void)
{
	AUTO(free)
	char *command = xasprintf("cd %s/arriving && cat * | wc -c", ledger.folder);
	FILE *told = popen(command, "r");
	long size = -1;

	if (!told || fscanf(told, "%ld", &size) != 1)
		size = -1;
	if (told)
		pclose(told);
	copied = size;
}

/* A file of that name, made by the command out of $SOUND; when it was written is the test's to say. */
static bool adopt_made(const char *command, const char *name, int64_t written_s,
		       enum adopt_outcome *out)
{
	AUTO(free) char *path = xasprintf("%s/in/%s", ledger.folder, name);
	AUTO(free)
	char *make =
		xasprintf("rm -rf in && mkdir in && SOUND=\"$TEST_DATA\"/audio/wav-dual-8k.wav "
			  "&& FILE=in/%s && %s && { test ! -e $FILE || touch -d @%lld.5 $FILE; }",
			  name, command, (long long)written_s);

	run_in_folder(make);
	return adopt_file(&files, path, out, &err);
}

#define COPY  "cp \"$SOUND\" $FILE"
#define POSTS "POST /api/recordings/"

static void test_outcomes(void)
{
	char of_call[SID_SIZE];
	const struct {
		const char *what, *command, *name;
		enum adopt_outcome outcome;
		const char *told;     /* in the reason, or of what is asked: its SID */
		const char *call_sid; /* that the server is told; NULL: none */
		int64_t keep_ms;
	} rows[] = {
		{ "of a call that nobody knows", COPY, CA("1") ".wav", ADOPT_FILE_ADOPTED, of_call,
		  CA("1"), RETENTION_FOREVER },
		{ "of a recording that nobody knows", COPY, RE("2") ".wav", ADOPT_FILE_ADOPTED,
		  RE("2"), NULL, RETENTION_FOREVER },
		{ "of a recording that is to be fetched", COPY, RE("3") ".wav", ADOPT_FILE_ADOPTED,
		  RE("3"), CA("3"), RETENTION_FOREVER },
		{ "of its call", COPY, CA("4") ".wav", ADOPT_FILE_ADOPTED, RE("4"), CA("4"),
		  RETENTION_FOREVER },
		{ "of a recording that is stored, whatever the file is", "true", RE("5") ".wav",
		  ADOPT_FILE_HERE, "", NULL, RETENTION_FOREVER },
		{ "of another length", COPY, RE("6") ".wav", ADOPT_FILE_CONFLICT,
		  "but the recording 500 s", NULL, RETENTION_FOREVER },
		{ "of one that was removed", COPY, RE("7") ".wav", ADOPT_FILE_CONFLICT, "removed",
		  NULL, RETENTION_FOREVER },
		{ "of one that began too long ago", COPY, RE("8") ".wav", ADOPT_FILE_EXPIRED, "",
		  NULL, DAY_MS },
		{ "which is kept for longer", COPY, RE("8") ".wav", ADOPT_FILE_ADOPTED, RE("8"),
		  CA("8"), 11 * DAY_MS },
		{ "written too long ago, and nobody knows when it began", COPY, RE("9") ".wav",
		  ADOPT_FILE_EXPIRED, "", NULL, DAY_MS },
		{ "the same of nobody that is known", COPY, RE("a") ".wav", ADOPT_FILE_EXPIRED, "",
		  NULL, DAY_MS },
		{ "that is not there", "true", RE("a") ".wav", ADOPT_FILE_BROKEN,
		  "cannot be opened", NULL, RETENTION_FOREVER },
		{ "that is a link", "ln -s \"$SOUND\" $FILE && touch $FILE", RE("a") ".wav",
		  ADOPT_FILE_BROKEN, "cannot be opened", NULL, RETENTION_FOREVER },
		{ "that is a folder", "mkdir $FILE", RE("a") ".wav", ADOPT_FILE_BROKEN,
		  "cannot be read", NULL, RETENTION_FOREVER },
		{ "that is no sound", "echo words > $FILE", RE("a") ".wav", ADOPT_FILE_BROKEN,
		  "it is ", NULL, RETENTION_FOREVER },
		{ "that is empty", ": > $FILE", RE("a") ".wav", ADOPT_FILE_BROKEN, "it is ", NULL,
		  RETENTION_FOREVER },
		{ "that is cut short", "head -c 9000 \"$SOUND\" > $FILE", RE("a") ".wav",
		  ADOPT_FILE_BROKEN, "cut short", NULL, RETENTION_FOREVER },
	};
	static const char *const answers[] = { "{}", NULL };

	adopt_recording_sid(STR(CA("1")), of_call);
	asked_looks = look_at_copy;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		enum adopt_outcome outcome = ADOPT_OUTCOMES;
		AUTO(free)
		char *asks = xasprintf(POSTS
				       "%s/adopt {%s%s%s\"recorded_at\":\"2023-11-14T22:13:20",
				       rows[i].told, rows[i].call_sid ? "\"call_sid\":\"" : "",
				       rows[i].call_sid ? rows[i].call_sid : "",
				       rows[i].call_sid ? "\"," : "");
		const char *staged;
		struct str number;
		uint64_t value = 0;

		settings.rules = retention_rules_of(rows[i].keep_ms);
		asked_begin(answers);
		copied = -1;
		OK(adopt_made(rows[i].command, rows[i].name, WRITTEN, &outcome), "a file %s",
		   rows[i].what);
		IS_INT(outcome, rows[i].outcome, "... what becomes of it");
		if (rows[i].outcome != ADOPT_FILE_ADOPTED) {
			OK(!asked_all[0] && strstr(files.reason, rows[i].told),
			   "... of which the server hears nothing: %s", files.reason);
			continue;
		}
		OK(str_starts(str_of(asked_all), str_of(asks)), "... the server is asked: %s",
		   asked_all);
		staged = strstr(asked_all, "\"staged\":");
		number = staged ? str_after(str_of(staged), strlen("\"staged\":")) : STR("");
		OK(str_to_u64(str_first(number, str_find(number, '}')), &value) &&
			   value >= STAGED_LEAST,
		   "... to take the copy");
		OK(copied > 9000 && !files.reason[0], "... which is whole");
	}
	asked_looks = NULL;
	settings.rules = retention_rules_of(RETENTION_FOREVER);
}

static void test_answers(void)
{
	static const struct {
		const char *what;
		const char *answers[3];
		enum err_kind kind;
		long status;
		unsigned asked;
		bool is_done; /* the next file may fare better */
		enum adopt_outcome outcome;
	} rows[] = {
		{ "it is taken", { "{}" }, 0, 0, 1, true, ADOPT_FILE_ADOPTED },
		{ "the server swept the copy, as it started",
		  { "", "{}" },
		  ERR_NOT_FOUND,
		  404,
		  2,
		  true,
		  ADOPT_FILE_ADOPTED },
		{ "it does so twice", { "", "" }, ERR_NOT_FOUND, 404, 2, false, 0 },
		{ "it says that there is another",
		  { "", "{}" },
		  ERR_CONFLICT,
		  409,
		  1,
		  true,
		  ADOPT_FILE_CONFLICT },
		{ "it says that it is none",
		  { "", "{}" },
		  ERR_INVALID,
		  400,
		  1,
		  true,
		  ADOPT_FILE_BROKEN },
		{ "it is busy", { "", "{}" }, ERR_UNAVAILABLE, 503, 1, false, 0 },
		{ "it does not answer", { "", "{}" }, ERR_CONFLICT, 0, 1, false, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		enum adopt_outcome outcome = ADOPT_OUTCOMES;
		unsigned asked = 0;
		bool is_done;

		asked_begin(rows[i].answers);
		asked_kind = rows[i].kind;
		asked_status = rows[i].status;
		is_done = adopt_made(COPY, RE("2") ".wav", WRITTEN, &outcome);
		OK(is_done == rows[i].is_done, "%s: the next file %s", rows[i].what,
		   is_done ? "is looked at" : "would fare no better");
		for (const char *at = asked_all; (at = strstr(at, POSTS)) != NULL; at++)
			asked++;
		IS_INT(asked, rows[i].asked, "... it was asked so often");
		if (!rows[i].is_done) {
			OK(strstr(err.text, RE("2") ".wav:"), "... of which file: %s", err.text);
			continue;
		}
		IS_INT(outcome, rows[i].outcome, "... what became of it");
		if (outcome != ADOPT_FILE_ADOPTED)
			OK(strstr(files.reason, "does not answer"), "... in its words: %s",
			   files.reason);
	}
	asked_kind = ERR_UNAVAILABLE;
	asked_status = 0;
	run_in_folder("test -z \"$(ls arriving)\"");
	OK(true, "no copy is left");
}

int main(void)
{
	ledger_open(&ledger);
	settings.data_dir = ledger.folder;
	settings.rules = retention_rules_of(RETENTION_FOREVER);
	files.client.settings = &settings;
	files.catalog = ledger.writer;
	MUST(blob_local_open(ledger.folder, &files.store, &err));
	test_list();
	fill();
	test_outcomes();
	test_answers();
	adopt_files_release(&files);
	IS_INT(asked_releases, 1, "the server is left");
	nftw(ledger.folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	return tap_end();
}
