#include "keeping/digests.h"

#include "base/buf.h"
#include "base/hash.h"
#include "base/mem.h"
#include "blob/blob.h"
#include "catalog/recordings_digest.h"

#include <string.h>

struct digest {
	struct sweep_item item;
	struct recording_file recording;
	char sha256[SHA256_HEX];
};

static struct digest *digest_of(struct sweep_item *item)
{
	return container_of(item, struct digest, item);
}

static bool list(struct sweep_page *page, struct catalog *catalog, struct err *err)
{
	AUTO(free)
	struct recording_file *found = xcalloc(page->size, sizeof(*found));
	size_t count;

	if (!recordings_undigested(catalog, page->after, found, page->size, &count, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		struct digest *digest = digest_of(sweep_page_add(page));

		digest->recording = found[i];
		digest->item.place = found[i].changed_seq;
		memcpy(digest->item.recording_sid, found[i].recording_sid, SID_SIZE);
		memcpy(digest->item.call_sid, found[i].call_sid, SID_SIZE);
	}
	return true;
}

/* What is not as long as what was stored is not that: it was cut, or something else answers for a bucket. */
static bool work(struct sweep_item *item, struct err *err)
{
	struct digest *digest = digest_of(item);
	const struct recording_file *recording = &digest->recording;
	struct blob_content content;
	struct buf hex;

	if (!blob_read_content(item->env->store, str_of(recording->path), recording->size,
			       &item->env->is_stopping, &content, err))
		return false;
	if (content.size != recording->size)
		return err_set(err, ERR_INVALID, "'%s' has %llu bytes, the ledger says %llu",
			       recording->path, (unsigned long long)content.size,
			       (unsigned long long)recording->size);
	buf_over(&hex, digest->sha256, sizeof(digest->sha256));
	hex_add(&hex, content.sha256, sizeof(content.sha256));
	return true;
}

static bool write_digest(struct sweep_item *item, struct catalog *catalog, struct err *err)
{
	const struct digest *digest = digest_of(item);

	return recordings_set_digest(catalog, str_of(digest->recording.recording_sid),
				     digest->recording.generation, digest->sha256, err);
}

const struct sweep_table digests_table = {
	.name = "digests",
	.failure = "cannot be read",
	.item_size = sizeof(struct digest),
	.page_size = SWEEP_PAGE_MAX,
	.woken_by = PROJECTED_STORED,
	.changes = PROJECTED_RECORDING,
	.pace = {
		.quiet_ms = 100,
		.wait_most_ms = 5000,
		.again_ms = 5000,
		/* A file that is lost is found by the next play; one that cannot be read rarely mends itself. */
		.retry_first_ms = 60 * 1000,
		.retry_most_ms = 60 * 60 * 1000,
	},
	.list = list,
	.work = work,
	.write = write_digest,
};
