#include "verify/other_files.h"

#include "audio/sniff.h"
#include "base/mem.h"
#include "base/own.h"
#include "chores/verifications.h"
#include "verdict/verdict.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define PIECE_BYTES (256 * 1024)

static int64_t generation_of(const char *path)
{
	struct blob_name parts;

	return blob_name_parse(str_of(path), &parts) ? parts.generation : 0;
}

/* Into its place. */
static void add(struct other_files *files, const char *path)
{
	size_t at = files->count++;

	while (at > 0 && generation_of(files->at[at - 1]) < generation_of(path)) {
		memcpy(files->at[at], files->at[at - 1], BLOB_NAME_SIZE);
		at--;
	}
	str_fit(str_of(path), files->at[at], BLOB_NAME_SIZE);
}

bool other_files_list(struct blob_store *store, const char *damaged, struct other_files *out,
		      struct err *err)
{
	struct blob_name parts;
	struct blob_names names;
	size_t prefix;

	out->count = 0;
	if (!blob_name_parse(str_of(damaged), &parts))
		return err_set(err, ERR_INVALID, "not a name of the store: '%s'", damaged);
	prefix = (size_t)(parts.recording_sid.at - damaged) + parts.recording_sid.len;
	if (!blob_list(store, str_first(str_of(damaged), prefix), STR(""), &names, err))
		return false;
	for (size_t i = 0; i < names.count; i++)
		if (strcmp(names.at[i], damaged) != 0 &&
		    blob_name_parse(str_of(names.at[i]), &parts) &&
		    !str_eq(parts.format, STR("peaks")))
			add(out, names.at[i]);
	return true;
}

bool other_files_pass_over(struct catalog *catalog, struct other_files *files, struct err *err)
{
	struct store_fault fault;
	size_t kept = 0;

	for (size_t i = 0; i < files->count; i++) {
		bool is_known = store_faults_find(catalog, files->at[i], &fault, err);

		if (!is_known && err->kind != ERR_NOT_FOUND)
			return false;
		if (is_known && store_fault_is_loss(fault.kind))
			continue;
		if (kept < i)
			memcpy(files->at[kept], files->at[i], BLOB_NAME_SIZE);
		kept++;
	}
	files->count = kept;
	return true;
}

static bool sniff_all(struct blob_store *store, const char *path, const atomic_bool *is_stopping,
		      struct sniff *out)
{
	AUTO(free) char *piece = xmalloc(PIECE_BYTES);
	AUTO(close) int fd = -1;
	struct err err;
	uint64_t size, at = 0;

	if (!blob_open_read(store, str_of(path), &fd, &size, &err))
		return false;
	sniff_init(out);
	while (!*is_stopping) {
		ssize_t n = pread(fd, piece, PIECE_BYTES, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		if (n == 0)
			break;
		sniff_feed(out, piece, (size_t)n);
		at += (uint64_t)n;
	}
	sniff_end(out);
	return !*is_stopping;
}

/* 0: it is no audio any more. */
static uint64_t duration_ms(struct blob_store *store, const char *path,
			    const atomic_bool *is_stopping)
{
	struct sniff sniff;

	return sniff_all(store, path, is_stopping, &sniff) && sniff.kind != AUDIO_NOT
		       ? sniff_duration_ms(&sniff)
		       : 0;
}

const char *other_files_whole(struct blob_store *store, const struct other_files *files,
			      const char *damaged, int64_t told_s, const atomic_bool *is_stopping)
{
	uint64_t least_ms = files->count > 0 ? duration_ms(store, damaged, is_stopping) : 0;

	for (size_t i = 0; i < files->count; i++) {
		struct sniff sniff;

		if (sniff_all(store, files->at[i], is_stopping, &sniff) &&
		    sniff.kind != AUDIO_NOT && !sniff.is_cut &&
		    sniff_duration_ms(&sniff) >= least_ms &&
		    !verdict_duration_is_off((int64_t)sniff_duration_ms(&sniff), told_s))
			return files->at[i];
	}
	return NULL;
}
