#include "chores/verifications.h"

#include "catalog/attempts.h"
#include "catalog/recordings.h"
#include "catalog/removals.h"
#include "ledger_fixture.h"
#include "tap.h"

#include <string.h>

#define CALL      "CA000000000000000000000000000000a1"
#define RECORDING "RE000000000000000000000000000000a1"
#define FILE_17   "00/" CALL "." RECORDING ".17.mp3"
#define FILE_18   "00/" CALL "." RECORDING ".18.mp3"

static struct err err;
static struct ledger ledger;

#define WRITE(call)                                        \
	do {                                               \
		MUST(catalog_begin(ledger.writer, &err));  \
		MUST(call);                                \
		MUST(catalog_commit(ledger.writer, &err)); \
	} while (0)

static void test_passes(void)
{
	static const struct verification row = { 1, 2, 3, true, 4, 5, 6, 7, 8, 9, "why" };
	struct verification found;

	MUST(verifications_find(ledger.writer, VERIFICATION_ASKED, &found, &err));
	OK(found.began_at_ms == 0 && found.failure[0] == '\0', "a pass that never was");
	WRITE(verifications_set(ledger.writer, VERIFICATION_ASKED, &row, &err));
	MUST(verifications_find(ledger.writer, VERIFICATION_ASKED, &found, &err));
	OK(found.asked_at_ms == 1 && found.began_at_ms == 2 && found.completed_at_ms == 3 &&
		   found.mends && found.after_id == 4 && found.last_id == 5 && found.folder == 6 &&
		   found.files == 7 && found.bytes == 8 && found.undigested == 9,
	   "each column is where it belongs");
	IS_STR(str_of(found.failure), STR("why"), "the reason, too");
	MUST(verifications_find(ledger.writer, VERIFICATION_BY_ITSELF, &found, &err));
	IS_INT(found.began_at_ms, 0, "the other pass is its own");
}

static struct store_fault fault_of(const char *path, enum store_fault_kind kind,
				   enum store_fault_state state, int64_t seen_at_ms)
{
	struct store_fault fault = { .kind = kind, .state = state, .seen_at_ms = seen_at_ms };

	str_fit(str_of(path), fault.path, sizeof(fault.path));
	return fault;
}

static void add(const char *path, enum store_fault_kind kind, enum store_fault_state state,
		int64_t seen_at_ms)
{
	struct store_fault fault = fault_of(path, kind, state, seen_at_ms);

	WRITE(store_faults_add(ledger.writer, &fault, &err));
}

static struct store_fault found_fault(const char *path)
{
	struct store_fault fault;

	MUST(store_faults_find(ledger.writer, path, &fault, &err));
	return fault;
}

/* What is found again, by what it was and what is said now. */
static void test_states(void)
{
	static const struct {
		const char *name;
		enum store_fault_state was, said, is;
	} cases[] = {
		{ "told once more", STORE_FAULT_OPEN, STORE_FAULT_OPEN, STORE_FAULT_OPEN },
		{ "to be mended now", STORE_FAULT_OPEN, STORE_FAULT_MENDING, STORE_FAULT_MENDING },
		{ "told while it is mended", STORE_FAULT_MENDING, STORE_FAULT_OPEN,
		  STORE_FAULT_MENDING },
		{ "what stays, told again", STORE_FAULT_STAYS, STORE_FAULT_OPEN,
		  STORE_FAULT_STAYS },
		{ "what is accepted, told again", STORE_FAULT_ACCEPTED, STORE_FAULT_OPEN,
		  STORE_FAULT_ACCEPTED },
		{ "what was mended, and is broken again", STORE_FAULT_MENDED, STORE_FAULT_OPEN,
		  STORE_FAULT_OPEN },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		add(FILE_17, STORE_FAULT_BYTES, cases[i].was, 100);
		WRITE(store_faults_set_state(ledger.writer, FILE_17, cases[i].was, NULL, 150,
					     &err));
		add(FILE_17, STORE_FAULT_BYTES, cases[i].said, 200);
		IS_INT(found_fault(FILE_17).state, cases[i].is, "%s", cases[i].name);
		IS_INT(found_fault(FILE_17).found_at_ms, 100, "it was found the first time");
		IS_INT(found_fault(FILE_17).seen_at_ms, 200, "and seen the last");
		WRITE(store_faults_drop(ledger.writer, FILE_17, &err));
	}
}

static void test_folders(void)
{
	struct store_fault faults[4];
	struct store_fault_counts counts;
	int64_t accepted;
	size_t count;

	add("00/notes.txt", STORE_FAULT_FOREIGN, STORE_FAULT_OPEN, 100);
	add("01/notes.txt", STORE_FAULT_FOREIGN, STORE_FAULT_OPEN, 100);
	add("lost+found", STORE_FAULT_FOREIGN, STORE_FAULT_OPEN, 100);
	add(FILE_17, STORE_FAULT_MISSING, STORE_FAULT_OPEN, 100);
	WRITE(store_faults_end_unseen(ledger.writer, 100, 300, &err));
	IS_INT(found_fault("lost+found").state, STORE_FAULT_OPEN, "seen by then");
	add("01/notes.txt", STORE_FAULT_FOREIGN, STORE_FAULT_OPEN, 101);
	WRITE(store_faults_end_unseen(ledger.writer, 101, 300, &err));
	IS_INT(found_fault("00/notes.txt").state, STORE_FAULT_MENDED, "it is not there any more");
	IS_INT(found_fault("lost+found").state, STORE_FAULT_MENDED, "nor is this");
	IS_INT(found_fault("01/notes.txt").state, STORE_FAULT_OPEN, "what was seen is");
	IS_INT(found_fault(FILE_17).state, STORE_FAULT_OPEN, "what is missing is not found so");

	MUST(store_faults_list_since(ledger.writer, 101, "", faults, 4, &count, &err));
	IS_INT(count, 2, "of before, what is not over");
	MUST(store_faults_list_since(ledger.writer, 100, "00/notes.txt", faults, 4, &count, &err));
	IS_INT(count, 2, "all of now, behind a path");
	WRITE(store_faults_set_state(ledger.writer, FILE_17, STORE_FAULT_STAYS, "gone", 0, &err));
	WRITE(store_faults_accept(ledger.writer, &accepted, &err));
	IS_INT(accepted, 1, "what stays is accepted");
	IS_STR(str_of(found_fault(FILE_17).reason), STR("gone"), "with its reason");
	MUST(store_faults_count(ledger.writer, &counts, &err));
	IS_INT(counts.of[STORE_FAULT_ACCEPTED][STORE_FAULT_MISSING], 1, "it is counted");
	IS_INT(counts.of[STORE_FAULT_MENDED][STORE_FAULT_FOREIGN], 2, "as the others are");
	WRITE(store_faults_forget(ledger.writer, 301, &err));
	OK(!store_faults_find(ledger.writer, "lost+found", &faults[0], &err) &&
		   err.kind == ERR_NOT_FOUND,
	   "what is over is forgotten");
	OK(store_faults_find(ledger.writer, FILE_17, &faults[0], &err), "what is accepted is not");
}

static enum store_file file_since(const char *path, int64_t since_ms)
{
	enum store_file found;

	MUST(store_file_find(ledger.writer, STR(RECORDING), path, since_ms, &found, &err));
	return found;
}

static enum store_file file_of(const char *path)
{
	return file_since(path, INT64_MAX);
}

static void test_files(void)
{
	struct projection_result result;
	struct event event;
	int64_t attempt;
	const struct attempt_begin begin = { .recording_sid = STR(RECORDING), .began_at_ms = 1 };
	struct attempt_end end = { .ended_at_ms = 2, .outcome = "stored" };
	struct recording_media media = {
		.stored_at_ms = 2, .generation = 17, .size = 1, .format = "mp3", .path = FILE_17
	};

	IS_INT(file_of(FILE_17), STORE_FILE_UNKNOWN, "of no recording that is known");
	event_init(&event, EVENT_RECORDING_STATUS, 1700000000000);
	event.call_sid = STR(CALL);
	event.recording_sid = STR(RECORDING);
	event.status = STR("completed");
	ledger_append(&ledger, &event);
	ledger_project(&ledger, &result);
	IS_INT(file_of(FILE_17), STORE_FILE_BUSY, "of one that is to be fetched");
	WRITE(recordings_mark_stored(ledger.writer, STR(RECORDING), &media, &err));
	IS_INT(file_of(FILE_17), STORE_FILE_NAMED, "that which is stored");
	IS_INT(file_of("00/" CALL "." RECORDING ".17.peaks"), STORE_FILE_NAMED, "and its waveform");
	IS_INT(file_of(FILE_18), STORE_FILE_OLD, "another generation");
	WRITE(recordings_requeue(ledger.writer, STR(RECORDING), 3, &err));
	WRITE(attempts_begin(ledger.writer, &begin, &attempt, &err));
	IS_INT(file_of(FILE_18), STORE_FILE_BUSY, "while an attempt is open");
	IS_INT(file_of(FILE_17), STORE_FILE_NAMED, "what was stored is named still");
	end.id = attempt;
	WRITE(attempts_end(ledger.writer, &end, &err));
	WRITE(recordings_mark_gone(ledger.writer, STR(RECORDING), "deleted there", &err));
	IS_INT(file_of(FILE_18), STORE_FILE_OLD, "when nothing comes any more");
	IS_INT(file_since(FILE_18, 3), STORE_FILE_OLD, "nor has come since");
	IS_INT(file_since(FILE_18, 2), STORE_FILE_BUSY,
	       "what an attempt may have left a moment ago");
	WRITE(recordings_mark_deleted(ledger.writer, STR(RECORDING), 4, &err));
	IS_INT(file_of(FILE_17), STORE_FILE_BUSY, "what is being removed");
}

int main(void)
{
	ledger_open(&ledger);
	test_passes();
	test_states();
	test_folders();
	test_files();
	ledger_remove(&ledger);
	return tap_end();
}
