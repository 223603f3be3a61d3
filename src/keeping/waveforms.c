#include "keeping/waveforms.h"

#include "audio/waveform_make.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "blob/blob.h"
#include "catalog/recordings_waveform.h"

#include <string.h>

/* Below that nothing is begun: it would be decoded for nothing, and what room is left is for events. */
#define FREE_BYTES_MIN (16 * 1024 * 1024)

struct making {
	struct sweep_item item;
	struct recording_file recording;
	enum recording_waveform result; /* once it is worked on */
};

static struct making *making_of(struct sweep_item *item)
{
	return container_of(item, struct making, item);
}

static void add_items(struct sweep_page *page, const struct recording_file *found, size_t count,
		      bool is_newest_first)
{
	for (size_t i = 0; i < count; i++) {
		struct making *making = making_of(sweep_page_add(page));

		making->recording = found[i];
		making->item.place = is_newest_first ? INT64_MAX - found[i].changed_seq
						     : found[i].changed_seq;
		memcpy(making->item.recording_sid, found[i].recording_sid, SID_SIZE);
		memcpy(making->item.call_sid, found[i].call_sid, SID_SIZE);
	}
}

static bool list(struct sweep_page *page, struct catalog *catalog, struct err *err)
{
	AUTO(free) struct recording_file *found = xcalloc(page->size, sizeof(*found));
	size_t count;

	if (!recordings_without_waveform(catalog, page->after, found, page->size, &count, err))
		return false;
	add_items(page, found, count, false);
	return true;
}

static bool list_backlog(struct sweep_page *page, struct catalog *catalog, struct err *err)
{
	AUTO(free) struct recording_file *found = xcalloc(page->size, sizeof(*found));
	size_t count;

	if (!recordings_without_waveform_newest(catalog, INT64_MAX - page->after, found, page->size,
						&count, err))
		return false;
	add_items(page, found, count, true);
	return true;
}

static bool has_room(const struct sweep_env *env, struct err *err)
{
	uint64_t bytes;

	return blob_free_bytes(env->store, &bytes, err) &&
	       (bytes >= FREE_BYTES_MIN || err_set(err, ERR_UNAVAILABLE, "the disk is full"));
}

/*
 * A store that is away is not the recording's fault; one folder of it that is gone holds up no other recording.  What comes from
 * a bucket and is not what was stored is that of something in between, perhaps: it is tried again.  A file is lost then.
 */
static bool open_media(struct making *making, int *out_fd, struct err *err)
{
	const struct sweep_env *env = making->item.env;
	const struct recording_file *recording = &making->recording;
	const struct blob_want want = { .size = recording->size, .sha256 = recording->sha256 };
	uint64_t size;

	if (blob_open_wanted(env->store, str_of(recording->path), &want, out_fd, &size, err))
		return true;
	if (err->kind == ERR_INVALID && !blob_is_remote(env->store))
		err->kind = ERR_NOT_FOUND;
	if (err->kind == ERR_NOT_FOUND && blob_is_away(env->store))
		err->kind = ERR_UNAVAILABLE;
	return false;
}

static bool compute(struct making *making, struct err *err)
{
	const struct sweep_env *env = making->item.env;
	AUTO(waveform_free) struct waveform *waveform = NULL;
	AUTO(buf_release) struct buf file;
	AUTO(close) int fd = -1;

	buf_init(&file, WAVEFORM_FILE_MAX);
	if (!has_room(env, err) || !open_media(making, &fd, err))
		return false;
	if (!waveform_make(fd, &env->is_stopping, &waveform, err)) {
		if (err->kind == ERR_INVALID)
			making->result = RECORDING_WAVEFORM_NONE;
		return err->kind == ERR_INVALID;
	}
	waveform_write(waveform, &file);
	making->result = RECORDING_WAVEFORM_STORED;
	return blob_write_beside(env->store, str_of(making->recording.path), buf_str(&file), err);
}

/*
 * Media that is not there, or not as long as it was, has been replaced or removed, as a rule.  Where it is lost, the next play finds out, as do the
 * digests, which tell of it; stored anew it comes by again.
 */
static bool work(struct sweep_item *item, struct err *err)
{
	struct making *making = making_of(item);

	if (!compute(making, err)) {
		if (err->kind == ERR_NOT_FOUND)
			err->kind = ERR_CONFLICT;
		return false;
	}
	if (making->result == RECORDING_WAVEFORM_NONE)
		log_warn(NULL, "recording %s has no waveform: %s", item->recording_sid, err->text);
	return true;
}

static bool write_result(struct sweep_item *item, struct catalog *catalog, struct err *err)
{
	const struct making *making = making_of(item);

	return recordings_set_waveform(catalog, str_of(making->recording.recording_sid),
				       making->recording.generation, making->result, err);
}

/* A second of work each, for the longest: a page is told of when all of it is done. */
#define PAGE_SIZE 4

#define PACE                                                                  \
	{                                                                     \
		.quiet_ms = 200, .wait_most_ms = 5000, .again_ms = 5000,      \
		.retry_first_ms = 60 * 1000, .retry_most_ms = 60 * 60 * 1000, \
	}

const struct sweep_table waveforms_table = {
	.name = "waveforms",
	.failure = "its waveform cannot be made",
	.item_size = sizeof(struct making),
	.page_size = PAGE_SIZE,
	.woken_by = PROJECTED_STORED,
	.is_for_new = true,
	.changes = PROJECTED_RECORDING,
	.pace = PACE,
	.list = list,
	.work = work,
	.write = write_result,
};

const struct sweep_table waveforms_backlog_table = {
	.name = "waveforms of earlier recordings",
	.failure = "its waveform cannot be made",
	.item_size = sizeof(struct making),
	.page_size = PAGE_SIZE,
	.changes = PROJECTED_RECORDING,
	.pace = PACE,
	.list = list_backlog,
	.work = work,
	.write = write_result,
};
