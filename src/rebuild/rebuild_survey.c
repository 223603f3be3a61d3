/*
 * The first reading of the old ledger, before anything is made of it: which numbers were given, when its clock was right, and
 * does the store have the files that it names?
 *
 * Where the store's disk is not mounted, or not all of it, every recording would seem lost: it would be asked of Twilio again, and what
 * Twilio does not have any more would be given up.  A few files that are missing are a matter of verify; many are a disk.
 */
#include "rebuild/rebuild_private.h"

#include "backup/folder_use.h"
#include "blob/blob.h"
#include "chores/upkeep.h"
#include "rebuild/old_rows.h"

struct survey {
	struct ledger_rows_taker taker;
	struct rebuilding *rebuilding;
	uint64_t told;           /* rows of events, calls and recordings */
	uint64_t named, missing; /* files that rows call stored */
	int64_t clock_ms;        /* its word of the clock; 0: none */
	int64_t last_event_ms;   /* when the newest event came, else */
	int64_t last_event;
};

static bool look_at_recording(struct survey *survey, const struct ledger_row *row, struct err *err)
{
	struct old_recording old;
	enum old_file found;

	old_recording_read(row, &old);
	if (old.state != RECORDING_STORED)
		return true;
	if (!rebuilding_find_file(survey->rebuilding, &old, &found, err))
		return false;
	survey->named += found != OLD_FILE_UNTOLD;
	survey->missing += found == OLD_FILE_MISSING;
	return true;
}

static void note_numbers(struct rebuilding *rebuilding, const struct ledger_row *row)
{
	int64_t numbers[OLD_ROW_NUMBERS];

	if (row->table == LEDGER_EVENTS)
		old_numbers_note(rebuilding->event_numbers, row->id);
	old_row_numbers(row, numbers);
	for (size_t i = 0; i < OLD_ROW_NUMBERS; i++)
		old_numbers_note(rebuilding->numbers, numbers[i]);
}

/* Of rows that tell of the clock the first counts, which was found on its way; a later one may be of a page that was given up. */
static void note_clock(struct survey *survey, const struct ledger_row *row)
{
	if (row->table == LEDGER_UPKEEP && survey->clock_ms == 0 &&
	    str_eq(ledger_row_text(row, 0), STR(UPKEEP_CLOCK)))
		survey->clock_ms = old_upkeep_at_ms(row);
	if (row->table == LEDGER_EVENTS && row->id > survey->last_event &&
	    row->id < OLD_NUMBER_MOST) {
		survey->last_event = row->id;
		survey->last_event_ms = old_event_received_ms(row);
	}
}

static bool look(struct ledger_rows_taker *taker, const struct ledger_row *row, struct err *err)
{
	struct survey *survey = container_of(taker, struct survey, taker);

	note_numbers(survey->rebuilding, row);
	note_clock(survey, row);
	survey->told += row->table == LEDGER_EVENTS || row->table == LEDGER_CALLS ||
			row->table == LEDGER_RECORDINGS;
	return row->table != LEDGER_RECORDINGS || look_at_recording(survey, row, err);
}

static bool judge_store(const struct survey *survey, struct err *err)
{
	const struct rebuilding *rebuilding = survey->rebuilding;
	bool is_away = blob_is_away(rebuilding->store);

	if (rebuilding->options->though_files_missing)
		return true;
	if (is_away && survey->told == 0)
		return err_set(
			err, ERR_UNAVAILABLE,
			"nothing can be read of the ledger, and the store holds no folder at all: is its "
			"disk mounted?  With --though-files-missing an empty ledger is made");
	if (is_away ? survey->named > 0 : folder_seems_away(survey->missing, survey->named))
		return err_set(
			err, ERR_UNAVAILABLE,
			"of %llu recordings that the ledger calls stored %llu have no file in the store: is "
			"its disk mounted, and all of it?  --though-files-missing goes on without them",
			(unsigned long long)survey->named, (unsigned long long)survey->missing);
	return true;
}

bool rebuild_survey(struct rebuilding *rebuilding, struct err *err)
{
	struct survey survey = { .taker.take = look, .rebuilding = rebuilding };
	struct ledger_rows_counts counts;

	if (!ledger_rows_read(rebuilding->pages, &survey.taker, &counts, err) ||
	    !judge_store(&survey, err))
		return false;
	rebuilding->clock_ms = survey.clock_ms != 0 ? survey.clock_ms : survey.last_event_ms;
	return true;
}
