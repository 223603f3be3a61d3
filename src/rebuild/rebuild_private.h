/* What the files of this room share while a ledger is rebuilt. */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "catalog/catalog.h"
#include "rebuild/ledger_rows.h"
#include "rebuild/old_numbers.h"
#include "rebuild/old_rows.h"
#include "rebuild/rebuild.h"

struct blob_store;

/* Of a call with several recordings: which its address means. */
struct old_main {
	int64_t recording_id; /* the old ledger's */
	char call_sid[SID_SIZE];
};

struct rebuilding {
	const struct rebuild_options *options;
	struct rebuild_report *report;
	char *ledger;               /* the old one's path */
	char *fresh;                /* the new one's, while it is worked on */
	char *whole;                /* ... and once nothing is left to be done */
	struct ledger_pages *pages; /* NULL: there is no old one */
	struct catalog *catalog;    /* the new one */
	struct blob_store *store;
	struct old_numbers *numbers, *event_numbers; /* that rows and names tell */
	int64_t highest, highest_event; /* that were given: once all of them are told */
	int64_t clock_ms; /* when the old one's clock was known to be right; 0: it does not tell */
	struct old_main *mains; /* rebuild_rows.c */
	size_t main_count, main_size;
	unsigned writes; /* in the open transaction */
};

/*
 * The file that a row names.
 *
 * OLD_FILE_UNTOLD   it names none, or its numbers are garbage
 * OLD_FILE_DAMAGED  it has another size
 *
 * False: whether it is there cannot be told now.
 */
enum old_file { OLD_FILE_UNTOLD, OLD_FILE_THERE, OLD_FILE_MISSING, OLD_FILE_DAMAGED };
bool rebuilding_find_file(const struct rebuilding *rebuilding, const struct old_recording *old,
			  enum old_file *out, struct err *err) MUST_CHECK;

/* Transactions of many: each commit is an fsync. */
bool rebuilding_begin(struct rebuilding *rebuilding, struct err *err) MUST_CHECK;
bool rebuilding_count(struct rebuilding *rebuilding,
		      struct err *err) MUST_CHECK; /* after each write */
bool rebuilding_end(struct rebuilding *rebuilding, struct err *err) MUST_CHECK;
/* All events that wait become calls and recordings; no transaction is open. */
bool rebuilding_project(struct rebuilding *rebuilding, struct err *err) MUST_CHECK;

/*
 * rebuild_survey.c: all of the old ledger is looked at before anything is made of it.  ERR_UNAVAILABLE: the files that it names are
 * not in the store.
 */
bool rebuild_survey(struct rebuilding *rebuilding, struct err *err) MUST_CHECK;

/* rebuild_rows.c: from the old ledger. */
bool rebuild_take_events(struct rebuilding *rebuilding, struct err *err) MUST_CHECK;
bool rebuild_take_rows(struct rebuilding *rebuilding, struct err *err) MUST_CHECK;
bool rebuild_take_states(struct rebuilding *rebuilding, struct err *err) MUST_CHECK;

/* Is it known of a file that its bytes are not those that were stored? */
bool rebuilding_is_damaged(const struct rebuilding *rebuilding, struct str path, bool *out,
			   struct err *err) MUST_CHECK;

/* rebuild_store.c: files that no row names. */
bool rebuild_look_at_names(struct rebuilding *rebuilding, struct err *err) MUST_CHECK;
bool rebuild_take_files(struct rebuilding *rebuilding, struct err *err) MUST_CHECK;
