/*
 * The store compared with the ledger: how far each pass is, and what was found.
 *
 * There are two passes, each with a cursor of its own: one goes on by itself and takes verify_every for a round, the other
 * is begun by who asks (callspool verify).  First every row that says "stored" is compared with its file, in the order of ids,
 * then every folder of the store with the rows.  The cursor is committed behind what was written, so that a pass goes on
 * where it was, whoever was killed meanwhile.
 *
 * A fault is a file, known by its name in the store, which is never written twice.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/str.h"
#include "catalog/catalog.h"
#include "catalog/recordings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VERIFICATION_TEXT_SIZE 200
#define VERIFICATION_FOLDERS   257 /* the store itself, and its 00 to ff */

/* Stored as numbers: append only, never renumber. */
enum verification_pass {
	VERIFICATION_BY_ITSELF,
	VERIFICATION_ASKED,
	VERIFICATION_PASSES,
};

/* A plain value; all zero: never begun.  Instants: wall clock, 0 never. */
struct verification {
	int64_t asked_at_ms; /* of VERIFICATION_ASKED: tells one from another */
	int64_t began_at_ms;
	int64_t completed_at_ms; /* 0: under way */
	bool mends;
	int64_t after_id, last_id; /* rows up to after_id are done, of those up to last_id */
	int64_t folder;            /* folders before this one are done */
	int64_t files, bytes;      /* that were looked at, and read */
	int64_t undigested;        /* of the files: of their size alone, no digest is known yet */
	char failure[VERIFICATION_TEXT_SIZE]; /* why it does not get on; "" */
};

/* All zero where there is no row. */
bool verifications_find(struct catalog *catalog, enum verification_pass pass,
			struct verification *out, struct err *err) MUST_CHECK;
/* The writer: in the place of the pass's row, if there is one. */
bool verifications_set(struct catalog *catalog, enum verification_pass pass,
		       const struct verification *row, struct err *err) MUST_CHECK;
/* The highest id of a recording: a pass that begins now goes so far. */
bool verifications_last_id(struct catalog *catalog, int64_t *out, struct err *err) MUST_CHECK;

/* Stored as numbers: append only, never renumber. */
enum store_fault_kind {
	STORE_FAULT_MISSING,    /* the ledger names it, and it is not there */
	STORE_FAULT_SIZE,       /* it is there in another size */
	STORE_FAULT_BYTES,      /* its SHA-256 is another */
	STORE_FAULT_UNREADABLE, /* it cannot be read */
	STORE_FAULT_UNKNOWN,    /* a recording of which the ledger has no row */
	STORE_FAULT_OLD,        /* of a generation that the ledger does not name, or no longer */
	STORE_FAULT_FOREIGN,    /* no file of ours: never touched */
	STORE_FAULT_KINDS,
};
/* "missing", "size", "bytes", "unreadable", "unknown", "old", "foreign" */
const char *store_fault_kind_text(enum store_fault_kind kind);
/* What the ledger says is stored, and is not: the first four. */
bool store_fault_is_loss(enum store_fault_kind kind);

/* Stored as numbers: append only, never renumber. */
enum store_fault_state {
	STORE_FAULT_OPEN,     /* told, and nothing is done: nobody asked, or it is foreign */
	STORE_FAULT_MENDING,  /* fetched again, adopted, removed: it is waited for */
	STORE_FAULT_MENDED,   /* it is over */
	STORE_FAULT_STAYS,    /* it could not be mended: `reason` */
	STORE_FAULT_ACCEPTED, /* the same, and somebody has said that it is known */
	STORE_FAULT_STATES,
};
/* "open", "mending", "mended", "stays", "accepted" */
const char *store_fault_state_text(enum store_fault_state state);

struct store_fault { /* a plain value */
	char path[RECORDING_PATH_SIZE];
	enum store_fault_kind kind;
	enum store_fault_state state;
	char call_sid[SID_SIZE], recording_sid[SID_SIZE]; /* "" where not known */
	int64_t generation;                               /* 0 not known */
	int64_t found_at_ms, seen_at_ms;                  /* first, last */
	int64_t ended_at_ms;                              /* MENDED */
	char reason[VERIFICATION_TEXT_SIZE];              /* a sentence for a person; "" */
};

/*
 * The writer: found, or seen again.  What was found before keeps its found_at_ms; and its state, if that is
 * MENDING or beyond and the state given is OPEN.
 */
bool store_faults_add(struct catalog *catalog, const struct store_fault *fault,
		      struct err *err) MUST_CHECK;
/* The writer.  at_ms is kept with MENDED.  Where there is no such fault nothing happens. */
bool store_faults_set_state(struct catalog *catalog, const char *path, enum store_fault_state state,
			    const char *reason, int64_t at_ms, struct err *err) MUST_CHECK;
/*
 * The writer, when a pass has come to its end: files that were found in the store, and not seen since it began, are gone: they
 * are MENDED, if they were OPEN.
 */
bool store_faults_end_unseen(struct catalog *catalog, int64_t before_ms, int64_t at_ms,
			     struct err *err) MUST_CHECK;
/* The writer: forgotten, whatever its state is. */
bool store_faults_drop(struct catalog *catalog, const char *path, struct err *err) MUST_CHECK;
/* The writer: MENDED before that instant: forgotten. */
bool store_faults_forget(struct catalog *catalog, int64_t before_ms, struct err *err) MUST_CHECK;
/* The writer: what stays is known.  *out_count: how many. */
bool store_faults_accept(struct catalog *catalog, int64_t *out_count, struct err *err) MUST_CHECK;

/* By path, those of that state behind `after`; *out_count <= size. */
bool store_faults_list(struct catalog *catalog, enum store_fault_state state, const char *after,
		       struct store_fault *out, size_t size, size_t *out_count,
		       struct err *err) MUST_CHECK;
/* The same of all that were seen at since_ms or later, and of all that are neither mended nor accepted. */
bool store_faults_list_since(struct catalog *catalog, int64_t since_ms, const char *after,
			     struct store_fault *out, size_t size, size_t *out_count,
			     struct err *err) MUST_CHECK;
/* ERR_NOT_FOUND: there is none of that name. */
bool store_faults_find(struct catalog *catalog, const char *path, struct store_fault *out,
		       struct err *err) MUST_CHECK;

struct store_fault_counts {
	int64_t of[STORE_FAULT_STATES][STORE_FAULT_KINDS];
};
bool store_faults_count(struct catalog *catalog, struct store_fault_counts *out,
			struct err *err) MUST_CHECK;

/*
 * What the ledger says of a file that lies in the store under a valid name.
 *
 * STORE_FILE_NAMED    its recording's row names it, whatever has become of that
 * STORE_FILE_UNKNOWN  there is no such recording
 * STORE_FILE_OLD      another generation than the row's, which no attempt can bring back
 * STORE_FILE_BUSY     it may be on its way: its recording is being fetched, or has been since since_ms, or its files removed
 */
enum store_file { STORE_FILE_NAMED, STORE_FILE_UNKNOWN, STORE_FILE_OLD, STORE_FILE_BUSY };
bool store_file_find(struct catalog *catalog, struct str recording_sid, const char *path,
		     int64_t since_ms, enum store_file *out, struct err *err) MUST_CHECK;
