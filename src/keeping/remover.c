#include "keeping/remover.h"

#include "base/mem.h"
#include "blob/blob.h"
#include "catalog/removals.h"

#include <stdlib.h>
#include <string.h>

struct removed {
	struct sweep_item item;
	struct removal removal;
};

static struct removed *removed_of(struct sweep_item *item)
{
	return container_of(item, struct removed, item);
}

static bool list(struct sweep_page *page, struct catalog *catalog, struct err *err)
{
	AUTO(free) struct removal *found = xcalloc(page->size, sizeof(*found));
	size_t count;

	if (!removals_list(catalog, page->after, found, page->size, &count, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		struct removed *removed = removed_of(sweep_page_add(page));

		removed->removal = found[i];
		removed->item.place = found[i].seq;
		memcpy(removed->item.recording_sid, found[i].recording_sid, SID_SIZE);
		memcpy(removed->item.call_sid, found[i].call_sid, SID_SIZE);
	}
	return true;
}

static bool remove_all(struct blob_store *store, const struct blob_names *names, size_t *removed,
		       struct err *err)
{
	for (size_t i = 0; i < names->count; i++) {
		if (blob_remove(store, str_of(names->at[i]), err))
			++*removed;
		else if (err->kind != ERR_NOT_FOUND)
			return false;
	}
	return true;
}

/* A name that lies, or would lie, where all of that recording below that of the call do. */
static bool name_under(const char *call_sid, const char *recording_sid, char out[BLOB_NAME_SIZE],
		       struct err *err)
{
	return blob_name_make(str_of(call_sid), str_of(recording_sid), 1, STR("mp3"), out, err);
}

/* What was removed by a run that failed, or was killed, may not have been synced by it. */
static bool sync_under(struct blob_store *store, const char *call_sid, const char *recording_sid,
		       struct err *err)
{
	char name[BLOB_NAME_SIZE];

	return name_under(call_sid, recording_sid, name, err) &&
	       (blob_sync_place(store, str_of(name), err) || err->kind == ERR_NOT_FOUND);
}

/* All names of the recording below that of the call; without one, those of a recording whose call was not known. */
static bool remove_under(struct blob_store *store, const char *call_sid, const char *recording_sid,
			 size_t *removed, struct err *err)
{
	AUTO(free) struct blob_names *names = xcalloc(1, sizeof(*names));
	size_t before = *removed;
	char prefix[BLOB_NAME_SIZE];

	if (!blob_name_beginning(str_of(call_sid), str_of(recording_sid), prefix, err))
		return false;
	do {
		/* What was removed is not listed again: each page begins at the first. */
		if (!blob_list(store, str_of(prefix), STR(""), names, err) ||
		    !remove_all(store, names, removed, err))
			return false;
	} while (names->count == BLOB_LIST_MAX);
	return *removed > before || sync_under(store, call_sid, recording_sid, err);
}

/*
 * Nothing was removed of what was stored once.  Its folder outlives it; where that is gone, too, the store is away rather than the
 * file, which would come back with it: this one is tried again, for others may lie where it has not gone.
 */
static bool is_gone(struct blob_store *store, const struct removal *removal, struct err *err)
{
	char name[BLOB_NAME_SIZE];

	if (!name_under(removal->call_sid, removal->recording_sid, name, err))
		return false;
	return blob_has_place(store, str_of(name)) ||
	       err_set(err, ERR_INTERNAL, "the folder of '%s' is not there", name);
}

static bool work(struct sweep_item *item, struct err *err)
{
	const struct removal *removal = &removed_of(item)->removal;
	struct blob_store *store = item->env->store;
	size_t removed = 0;

	if (!remove_under(store, "", removal->recording_sid, &removed, err) ||
	    (removal->call_sid[0] != '\0' &&
	     !remove_under(store, removal->call_sid, removal->recording_sid, &removed, err)))
		return false;
	return removed > 0 || !removal->was_stored || is_gone(store, removal, err);
}

static bool write_end(struct sweep_item *item, struct catalog *catalog, struct err *err)
{
	return removals_end(catalog, removed_of(item)->removal.seq, err);
}

const struct sweep_table remover_table = {
	.name = "removals",
	.failure = "its file cannot be removed",
	.item_size = sizeof(struct removed),
	.page_size = SWEEP_PAGE_MAX,
	.woken_by = PROJECTED_REMOVED,
	.restarted_by = PROJECTED_LET_GO,
	.pace = {
		.quiet_ms = 50,
		.wait_most_ms = 1000,
		.again_ms = 5000,
		.retry_first_ms = 60 * 1000,
		.retry_most_ms = 60 * 60 * 1000,
	},
	.list = list,
	.work = work,
	.write = write_end,
};
