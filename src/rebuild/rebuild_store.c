/*
 * Files of the store that no row names: of a recording whose row is lost, or was never written.  The name says which; what lies
 * under a final name was whole when it got it.  Of several generations the highest counts; the others are what callspool verify
 * calls old.
 */
#include "rebuild/rebuild_private.h"

#include "audio/sniff.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/progress.h"
#include "blob/blob.h"
#include "catalog/attempts.h"
#include "catalog/events.h"
#include "catalog/recordings.h"
#include "chores/upstream_deletions.h"
#include "chores/verifications.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDERS     256
#define PIECE_BYTES (256 * 1024)

/* Of a recording, among the names of a folder. */
struct file {
	const char *name;
	struct blob_name parts;
};

static int compare(const void *a, const void *b)
{
	const struct file *x = a, *y = b;
	int order = memcmp(x->parts.recording_sid.at, y->parts.recording_sid.at,
			   x->parts.recording_sid.len);

	if (order != 0)
		return order;
	return (x->parts.generation < y->parts.generation) -
	       (x->parts.generation > y->parts.generation);
}

/* Media alone, by recording, the highest generation first; for free(). */
static struct file *files_of(const struct blob_folder *folder, size_t *out_count)
{
	struct file *files = xcalloc(folder->count + 1, sizeof(*files));
	size_t count = 0;

	for (size_t i = 0; i < folder->count; i++) {
		struct file *file = &files[count];

		file->name = folder->names[i];
		count += blob_name_parse(str_of(file->name), &file->parts) &&
			 !str_eq(file->parts.format, STR("peaks"));
	}
	qsort(files, count, sizeof(*files), compare);
	*out_count = count;
	return files;
}

static bool is_first_of_its(const struct file *files, size_t i)
{
	return i == 0 || !str_eq(files[i].parts.recording_sid, files[i - 1].parts.recording_sid);
}

/* ---- what a file holds ---- */

struct held {
	uint64_t size;
	int64_t changed_at_ms;
	struct sniff sniff;
};

static bool read_file(struct blob_store *store, const char *name, struct held *out, struct err *err)
{
	AUTO(free) char *piece = xmalloc(PIECE_BYTES);
	AUTO(close) int fd = -1;
	struct stat about;
	uint64_t at = 0;

	if (!blob_open_read(store, str_of(name), &fd, &out->size, err))
		return false;
	if (fstat(fd, &about) < 0)
		return err_errno(err, "cannot look at '%s'", name);
	out->changed_at_ms = (int64_t)about.st_mtim.tv_sec * 1000;
	sniff_init(&out->sniff);
	for (;;) {
		ssize_t n = pread(fd, piece, PIECE_BYTES, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "cannot read '%s'", name);
		if (n == 0)
			break;
		sniff_feed(&out->sniff, piece, (size_t)n);
		at += (uint64_t)n;
	}
	sniff_end(&out->sniff);
	return true;
}

/* ---- recordings of which nothing else tells ---- */

static bool tell(struct rebuilding *rebuilding, const struct file *file, struct err *err)
{
	AUTO(close) int fd = -1;
	struct event event;
	struct stat about;
	uint64_t size;
	int64_t seq;

	if (!blob_open_read(rebuilding->store, str_of(file->name), &fd, &size, err) ||
	    fstat(fd, &about) < 0)
		return true; /* it is left to callspool verify */
	event_init(&event, EVENT_RECORDING_ADOPTED, clock_wall_ms());
	event.recording_sid = file->parts.recording_sid;
	event.call_sid = file->parts.call_sid;
	event.source = STR("adopted");
	event.started_at_ms = (int64_t)about.st_mtim.tv_sec * 1000;
	return events_append(rebuilding->catalog, &event, &seq, err) &&
	       rebuilding_count(rebuilding, err);
}

static bool tell_unknown(struct rebuilding *rebuilding, const struct file *files, size_t count,
			 struct err *err)
{
	struct recording now;

	for (size_t i = 0; i < count; i++) {
		if (!is_first_of_its(files, i) ||
		    recordings_find(rebuilding->catalog, files[i].parts.recording_sid, &now, err))
			continue;
		if (err->kind != ERR_NOT_FOUND || !tell(rebuilding, &files[i], err))
			return false;
	}
	return true;
}

/* ---- stored, as they lie there ---- */

/* Another than its name has: nobody knows whether its bytes are those of that day still, and no ETag is to name two contents. */
static bool give_generation(struct rebuilding *rebuilding, const struct file *file,
			    int64_t *generation, struct err *err)
{
	const struct attempt_begin begin = { .recording_sid = file->parts.recording_sid,
					     .began_at_ms = clock_wall_ms() };
	struct attempt_end end = { .ended_at_ms = begin.began_at_ms, .outcome = "adopted" };

	if (!attempts_begin(rebuilding->catalog, &begin, &end.id, err))
		return false;
	*generation = end.id;
	return attempts_end(rebuilding->catalog, &end, err);
}

/*
 * What its digest was is lost with its row: the next one is of what lies there, be it whole or not.  Twilio's copy, if it has one, is not
 * to be deleted for it.
 */
static bool take(struct rebuilding *rebuilding, const struct file *file, const struct held *held,
		 struct err *err)
{
	char sid[SID_SIZE];
	struct recording_media media = {
		.stored_at_ms = clock_wall_ms(),
		.generation_at_ms = held->changed_at_ms,
		.size = held->size,
		.duration_ms = (int64_t)sniff_duration_ms(&held->sniff),
		.channels = (int)held->sniff.channels,
		.format = audio_extension(held->sniff.kind),
		.path = file->name,
	};

	if (!give_generation(rebuilding, file, &media.generation, err))
		return false;
	str_fit(file->parts.recording_sid, sid, sizeof(sid));
	if (!recordings_mark_stored(rebuilding->catalog, file->parts.recording_sid, &media, err) ||
	    !upstream_copy_need(rebuilding->catalog, sid, err))
		return false;
	rebuilding->report->adopted++;
	return rebuilding_count(rebuilding, err);
}

/* True: it is settled, by this file or before. */
static bool settle(struct rebuilding *rebuilding, const struct file *file, bool *out_settled,
		   struct err *err)
{
	struct recording now;
	struct held held;
	bool is_damaged;

	*out_settled = true;
	if (!recordings_find(rebuilding->catalog, file->parts.recording_sid, &now, err))
		return err->kind == ERR_NOT_FOUND;
	if (now.path[0] || recording_is_removed(now.state))
		return true;
	/* One that is damaged is no reason to stop: an older generation may be whole, or Twilio has it. */
	if (!rebuilding_is_damaged(rebuilding, str_of(file->name), &is_damaged, err))
		return false;
	*out_settled = !is_damaged && read_file(rebuilding->store, file->name, &held, err) &&
		       held.sniff.kind != AUDIO_NOT && !held.sniff.is_cut;
	return !*out_settled || take(rebuilding, file, &held, err);
}

/*
 * Of a recording that nothing but its files tells of, Twilio is not asked: there a file that is known to be damaged is better than none,
 * and is told as such.
 */
static bool settle_damaged(struct rebuilding *rebuilding, const struct file *file, struct err *err)
{
	struct recording now;
	struct held held;
	bool is_damaged;

	if (!rebuilding_is_damaged(rebuilding, str_of(file->name), &is_damaged, err))
		return false;
	if (!is_damaged)
		return true;
	if (!recordings_find(rebuilding->catalog, file->parts.recording_sid, &now, err))
		return err->kind == ERR_NOT_FOUND;
	if (now.path[0] || now.state != RECORDING_ANNOUNCED ||
	    !read_file(rebuilding->store, file->name, &held, err) || held.sniff.kind == AUDIO_NOT ||
	    held.sniff.is_cut)
		return true;
	return take(rebuilding, file, &held, err) &&
	       store_faults_set_state(
		       rebuilding->catalog, file->name, STORE_FAULT_STAYS,
		       "nobody else tells of it: the damaged file is played as it is",
		       clock_wall_ms(), err);
}

static bool take_folder(struct rebuilding *rebuilding, const struct file *files, size_t count,
			struct err *err)
{
	bool is_settled = false;

	if (!rebuilding_begin(rebuilding, err) || !tell_unknown(rebuilding, files, count, err) ||
	    !rebuilding_end(rebuilding, err) || !rebuilding_project(rebuilding, err) ||
	    !rebuilding_begin(rebuilding, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		is_settled = is_settled && !is_first_of_its(files, i);
		if (!is_settled && !settle(rebuilding, &files[i], &is_settled, err))
			return false;
	}
	for (size_t i = 0; i < count; i++)
		if (!settle_damaged(rebuilding, &files[i], err))
			return false;
	return rebuilding_end(rebuilding, err);
}

static bool each_folder(struct rebuilding *rebuilding,
			bool (*use)(struct rebuilding *rebuilding, const struct file *files,
				    size_t count, struct err *err),
			struct err *err)
{
	for (unsigned i = 0; i < FOLDERS; i++) {
		__attribute__((cleanup(blob_folder_release_at))) struct blob_folder names = { 0 };
		AUTO(free) struct file *files = NULL;
		char folder[3];
		size_t count;

		snprintf(folder, sizeof(folder), "%02x", i);
		if (!blob_walk(rebuilding->store, str_of(folder), &names, err))
			return false;
		files = files_of(&names, &count);
		if (count > 0 && !use(rebuilding, files, count, err))
			return false;
		progress_move(rebuilding->options->progress, i + 1, FOLDERS);
	}
	return true;
}

bool rebuild_take_files(struct rebuilding *rebuilding, struct err *err)
{
	return each_folder(rebuilding, take_folder, err);
}

static bool note_numbers(struct rebuilding *rebuilding, const struct file *files, size_t count,
			 struct err *err)
{
	for (size_t i = 0; i < count; i++)
		old_numbers_note(rebuilding->numbers, files[i].parts.generation);
	return true;
}

bool rebuild_look_at_names(struct rebuilding *rebuilding, struct err *err)
{
	return each_folder(rebuilding, note_numbers, err);
}
