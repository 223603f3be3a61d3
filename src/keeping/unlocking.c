#include "keeping/unlocking.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "chores/recordings_locked.h"
#include "twilio/encryption_details.h"
#include "vault/vault.h"

#include <stdlib.h>
#include <string.h>

struct locked {
	struct sweep_item item;
	struct recording_locked recording;
};

static struct locked *locked_of(struct sweep_item *item)
{
	return container_of(item, struct locked, item);
}

static bool list(struct sweep_page *page, struct catalog *catalog, struct err *err)
{
	AUTO(free) struct recording_locked *found = xcalloc(page->size, sizeof(*found));
	size_t count;

	if (!recordings_list_locked(catalog, page->after, found, page->size, &count, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		struct locked *locked = locked_of(sweep_page_add(page));

		locked->recording = found[i];
		locked->item.place = found[i].changed_seq;
		memcpy(locked->item.recording_sid, found[i].recording_sid, SID_SIZE);
		memcpy(locked->item.call_sid, found[i].call_sid, SID_SIZE);
	}
	return true;
}

/* Is there a key for it that was not tried? */
static bool work(struct sweep_item *item, struct err *err)
{
	const struct recording_locked *recording = &locked_of(item)->recording;
	char fingerprint[PRIVATE_KEY_FINGERPRINT];
	struct encryption_details details;

	if (item->env->vault &&
	    encryption_details_read(str_of(recording->encryption), &details, err) &&
	    vault_finds(item->env->vault, details.public_key_sid, fingerprint) &&
	    !strstr(recording->reason_text, fingerprint))
		return true;
	return err_set(err, ERR_CONFLICT, "there is no other key for it");
}

static bool write_queued(struct sweep_item *item, struct catalog *catalog, struct err *err)
{
	struct str sid = str_of(item->recording_sid);
	struct recording recording;

	if (!recordings_find(catalog, sid, &recording, err))
		return err->kind == ERR_NOT_FOUND ? err_set(err, ERR_CONFLICT, "it is gone")
						  : false;
	if (recording.state != RECORDING_DEAD)
		return err_set(err, ERR_CONFLICT, "somebody was faster");
	log_info(NULL, "recording %s: there is a private key for it now: fetching it",
		 item->recording_sid);
	return recordings_requeue(catalog, sid, clock_wall_ms(), err);
}

const struct sweep_table unlocking_table = {
	.name = "unlocking",
	.failure = "cannot be queued",
	.item_size = sizeof(struct locked),
	.page_size = SWEEP_PAGE_MAX,
	.changes = PROJECTED_RECORDING | PROJECTED_TO_FETCH,
	.pace = {
		.again_ms = 5000,
		.retry_first_ms = 60 * 1000,
		.retry_most_ms = 60 * 60 * 1000,
	},
	.list = list,
	.work = work,
	.write = write_queued,
};
