/*
 * The files that a replaced system left in a folder, brought to the server one at a time: import --from.
 *
 * Each is read where it lies, matched with what the ledger knows (adoption/adopt_match.h), copied into the store and
 * adopted by the server (adoption/adoption.h), over the administrator's socket.  Nothing in the folder is changed.
 * What is stored already is passed over, so that a run that was killed is simply begun again.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/own.h"
#include "client/access_client.h"

#include <stdbool.h>
#include <stddef.h>

struct blob_store;
struct catalog;

struct adopt_list {
	char **paths; /* sorted; CA….mp3, CA….wav, RE….mp3, RE….wav */
	size_t count, size;
	size_t others; /* files of other names */
};
/* With all that is below it; symbolic links are not followed.  ERR_NOT_FOUND: there is no such folder. */
bool adopt_list_read(const char *folder, struct adopt_list *out, struct err *err) MUST_CHECK;
void adopt_list_release(struct adopt_list *list);
static inline void adopt_list_release_at(struct adopt_list *list)
{
	adopt_list_release(list);
}

enum adopt_outcome {
	ADOPT_FILE_ADOPTED,
	ADOPT_FILE_HERE,    /* its recording is stored */
	ADOPT_FILE_EXPIRED, /* older than recordings are kept: nothing of that age is fetched either */
	ADOPT_FILE_CONFLICT, /* `reason` */
	ADOPT_FILE_BROKEN,   /* `reason` */
	ADOPT_OUTCOMES,
};

#define ADOPT_FILE_REASON_SIZE sizeof(((struct err *)NULL)->text)

struct adopt_files {
	struct access_client client;
	struct catalog *catalog;
	struct blob_store *store;
	char reason[ADOPT_FILE_REASON_SIZE]; /* of the last file */
};
/* Starts a server in this process where none runs.  `settings` is borrowed. */
bool adopt_files_open(const struct settings *settings, struct adopt_files *out,
		      struct err *err) MUST_CHECK;
void adopt_files_release(struct adopt_files *files);
static inline void adopt_files_release_at(struct adopt_files *files)
{
	adopt_files_release(files);
}
/* False: it is not the file that is at fault, and the next would fare no better. */
bool adopt_file(struct adopt_files *files, const char *path, enum adopt_outcome *out,
		struct err *err) MUST_CHECK;
