/*
 * The list of a backup, <folder>/digests: what belongs to it, each with its SHA-256.
 *
 *	# callspool-backup 1 sequence=8123 made=2026-11-28T14:06:53.123Z recordings=4711
 *	0f3a…  ledger.db
 *	77c0…  recordings/3f/CA3f….RE….17.mp3
 *	# end
 *
 * "sha256sum -c digests" reads it.  It is written under another name, synced and renamed, so it is that of the last backup
 * that was completed, or there is none.  Whoever reads it believes nothing: a line that is not of this form, or whose
 * name could lie elsewhere, is an error.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/own.h"
#include "blob/blob.h"

#include <stdbool.h>
#include <stdint.h>

#define DIGEST_LIST_NAME "digests"
#define DIGEST_LIST_NEW  "digests.new"

/* Its first line; a plain value. */
struct digest_list_head {
	int64_t sequence; /* of the ledger */
	int64_t made_at_ms;
	uint64_t recordings; /* that were stored; fewer have a line where some were lost */
	char ledger_sha256[SHA256_HEX];
};

/* ---- writing ---- */

struct digest_list_writer;
/* Into <folder>/digests.new, the first two lines. */
bool digest_list_begin(const char *folder, const struct digest_list_head *head,
		       struct digest_list_writer **out, struct err *err) MUST_CHECK;
void digest_list_add(struct digest_list_writer *writer, const char *name, const char *sha256);
/* The last line, and all is synced.  ERR_UNAVAILABLE: the disk is full. */
bool digest_list_end(struct digest_list_writer *writer, struct err *err) MUST_CHECK;
void digest_list_writer_free(struct digest_list_writer *writer); /* NULL does nothing */
DEFINE_AUTO(struct digest_list_writer *, digest_list_writer_free)

/* ---- reading ---- */

struct digest_list_line {
	char name[BLOB_NAME_SIZE]; /* valid, without "recordings/" */
	char sha256[SHA256_HEX];
};

struct digest_list;
/* ERR_NOT_FOUND: there is no list in the folder; ERR_INVALID: it is none that we know. */
bool digest_list_open(const char *folder, struct digest_list **out, struct digest_list_head *head,
		      struct err *err) MUST_CHECK;
/* The next recording; *out_is_end: there is none.  ERR_INVALID names the line. */
bool digest_list_next(struct digest_list *list, struct digest_list_line *out, bool *out_is_end,
		      struct err *err) MUST_CHECK;
void digest_list_free(struct digest_list *list); /* NULL does nothing */
DEFINE_AUTO(struct digest_list *, digest_list_free)
