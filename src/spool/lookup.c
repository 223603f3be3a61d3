#include "spool/lookup.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "event/mailbox.h"
#include "spool/ledger.h"

#include <assert.h>
#include <stdlib.h>

/* Stored media in the cache: under the recording's SID, or under its call's. */
struct entry {
	struct map_node node; /* key: sid */
	struct list used;     /* the most recently used first */
	char sid[SID_SIZE];
	struct media media;
};

/* A question that a reader is answering, and everyone who waits for it. */
struct inquiry {
	/* The question; where the file is lost, the repair, and the question again. */
	struct ledger_job job;
	struct map_node node; /* key: sid */
	struct lookup *lookup;
	struct list inquirers;
	char sid[SID_SIZE];
	int64_t stale_before; /* a broadcast with this sequence came while it was under way */

	/* the answer, filled by the reader */
	enum lookup_found found;
	struct recording recording;
	struct media media;
	bool is_call_on;
	bool is_lost; /* the file of `recording`: loss says how */
	bool was_repaired;
	struct err loss;
};

struct lookup {
	struct ledger_listener listener;
	struct loop *loop;
	struct mailbox *mailbox;
	struct ledger *ledger;
	struct blob_store *store;
	struct lookup_options options;
	struct map entries;
	struct list used;
	struct map inquiries;
};

/* ---- the cache ---- */

static void entry_free(struct lookup *lookup, struct entry *entry)
{
	map_remove(&lookup->entries, &entry->node);
	list_remove(&entry->used);
	media_close(&entry->media);
	free(entry);
}

static struct entry *entry_find(const struct lookup *lookup, struct str sid)
{
	struct map_node *node = map_find(&lookup->entries, sid);

	return node ? container_of(node, struct entry, node) : NULL;
}

static struct inquiry *inquiry_find(const struct lookup *lookup, struct str sid)
{
	struct map_node *node = map_find(&lookup->inquiries, sid);

	return node ? container_of(node, struct inquiry, node) : NULL;
}

/* Takes the media, its descriptor with it. */
static void entry_add(struct lookup *lookup, const char *sid, struct media *media)
{
	struct entry *entry = entry_find(lookup, str_of(sid));

	if (entry)
		entry_free(lookup, entry);
	while (lookup->entries.count >= lookup->options.entries_max)
		entry_free(lookup, container_of(lookup->used.prev, struct entry, used));
	if (media->fd > lookup->options.fd_max && lookup->entries.count > 0)
		entry_free(lookup, container_of(lookup->used.prev, struct entry, used));

	entry = xcalloc(1, sizeof(*entry));
	memcpy(entry->sid, sid, SID_SIZE);
	entry->media = *media;
	media->fd = -1;
	map_add(&lookup->entries, &entry->node, str_of(entry->sid));
	list_prepend(&lookup->used, &entry->used);
}

const struct media *lookup_get(struct lookup *lookup, struct str sid)
{
	struct entry *entry = entry_find(lookup, sid);

	if (!entry)
		return NULL;
	if (lookup->used.next != &entry->used) {
		list_remove(&entry->used);
		list_prepend(&lookup->used, &entry->used);
	}
	return &entry->media;
}

static void forget(struct lookup *lookup, const char *sid, int64_t sequence)
{
	struct entry *entry = entry_find(lookup, str_of(sid));
	struct inquiry *inquiry = inquiry_find(lookup, str_of(sid));

	if (entry)
		entry_free(lookup, entry);
	if (inquiry && inquiry->stale_before < sequence)
		inquiry->stale_before = sequence;
}

static void lookup_changed(struct ledger_listener *listener, const struct projection_change *change,
			   int64_t sequence)
{
	struct lookup *lookup = container_of(listener, struct lookup, listener);

	forget(lookup, change->recording_sid, sequence);
	forget(lookup, change->call_sid, sequence);
}

/* ---- asking: on a reader's thread ---- */

static bool find_recording(struct inquiry *inquiry, struct catalog *catalog, struct err *err)
{
	struct str sid = str_of(inquiry->sid);
	enum call_recorded found = CALL_RECORDED;

	inquiry->is_call_on = false;
	if (str_starts(sid, STR("CA"))) {
		if (!recordings_find_main(catalog, sid, &found, &inquiry->recording,
					  &inquiry->is_call_on, err))
			return false;
	} else if (!recordings_find(catalog, sid, &inquiry->recording, err)) {
		if (err->kind != ERR_NOT_FOUND)
			return false;
		found = CALL_UNKNOWN;
	}

	switch (found) {
	case CALL_UNKNOWN:
		inquiry->found = LOOKUP_UNKNOWN;
		break;
	case CALL_UNRECORDED:
		inquiry->found = LOOKUP_UNRECORDED;
		break;
	case CALL_RECORDED:
		inquiry->found = LOOKUP_RECORDING;
		break;
	}
	return true;
}

static bool run_inquiry(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct inquiry *inquiry = container_of(job, struct inquiry, job);

	inquiry->is_lost = false;
	if (!find_recording(inquiry, catalog, err))
		return false;
	if (inquiry->found != LOOKUP_RECORDING || inquiry->recording.state != RECORDING_STORED)
		return true;

	media_of_recording(&inquiry->recording, &inquiry->media);
	if (media_open(&inquiry->media, inquiry->lookup->store, str_of(inquiry->recording.path),
		       err)) {
		inquiry->found = LOOKUP_STORED;
		return true;
	}
	inquiry->is_lost = err->kind == ERR_NOT_FOUND && !inquiry->was_repaired;
	inquiry->loss = *err;
	return inquiry->is_lost ||
	       err_context(err, "recording %s", inquiry->recording.recording_sid);
}

/* ---- the answer: on the loop ---- */

static void tell_inquirers(struct inquiry *inquiry)
{
	struct lookup_answer answer = {
		.found = inquiry->job.succeeded ? inquiry->found : LOOKUP_FAILED,
		.is_call_on = inquiry->is_call_on,
		.recording = &inquiry->recording,
		.err = inquiry->job.err,
	};
	struct list *first;

	if (answer.found == LOOKUP_STORED) {
		if (inquiry->lookup->options.prepare)
			inquiry->lookup->options.prepare(&inquiry->media);
		entry_add(inquiry->lookup, inquiry->sid, &inquiry->media);
	}
	while ((first = list_first(&inquiry->inquirers)) != NULL) {
		struct inquirer *inquirer = container_of(first, struct inquirer, link);

		list_remove(first);
		if (answer.found == LOOKUP_STORED)
			answer.media = lookup_get(inquiry->lookup, str_of(inquiry->sid));
		inquirer->answered(inquirer, &answer);
	}
}

static void inquiry_done(struct ledger_job *job);

static void inquiry_ask(struct inquiry *inquiry)
{
	inquiry->job = (struct ledger_job){ .run = run_inquiry,
					    .done = inquiry_done,
					    .reply = inquiry->lookup->mailbox };
	ledger_read(inquiry->lookup->ledger, &inquiry->job);
}

/* ---- a file that is lost: fetched again ---- */

static bool run_repair(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct inquiry *inquiry = container_of(job, struct inquiry, job);

	return recordings_mark_lost(catalog, &inquiry->recording, clock_wall_ms(),
				    "The stored file was lost; it is fetched again.", err);
}

static void repair_done(struct ledger_job *job)
{
	struct inquiry *inquiry = container_of(job, struct inquiry, job);

	/* ERR_CONFLICT: another loop was faster. */
	if (job->succeeded)
		log_error(NULL, "recording %s is lost, and queued to be fetched again: %s",
			  inquiry->recording.recording_sid, inquiry->loss.text);
	else if (job->err.kind != ERR_CONFLICT)
		log_warn(NULL, "recording %s is lost, and cannot be queued: %s",
			 inquiry->recording.recording_sid, job->err.text);
	inquiry_ask(inquiry);
}

static void inquiry_repair(struct inquiry *inquiry)
{
	const struct recording *recording = &inquiry->recording;
	struct projection_change *change = &inquiry->job.change;

	inquiry->was_repaired = true;
	inquiry->job = (struct ledger_job){ .run = run_repair,
					    .done = repair_done,
					    .reply = inquiry->lookup->mailbox };
	change->what = PROJECTED_RECORDING | PROJECTED_TO_FETCH;
	memcpy(change->recording_sid, recording->recording_sid, SID_SIZE);
	memcpy(change->call_sid, recording->call_sid, SID_SIZE);
	memcpy(change->account_sid, recording->account_sid, SID_SIZE);
	ledger_write(inquiry->lookup->ledger, &inquiry->job);
}

static void inquiry_done(struct ledger_job *job)
{
	struct inquiry *inquiry = container_of(job, struct inquiry, job);
	struct lookup *lookup = inquiry->lookup;

	if (job->succeeded && job->sequence < inquiry->stale_before) {
		media_close(&inquiry->media);
		inquiry_ask(inquiry);
		return;
	}
	if (job->succeeded && inquiry->is_lost) {
		inquiry_repair(inquiry);
		return;
	}
	if (!job->succeeded && job->err.kind == ERR_SCARCE)
		log_warn(NULL, "cannot look up %s: %s", inquiry->sid, job->err.text);
	else if (!job->succeeded)
		log_error(NULL, "cannot look up %s: %s", inquiry->sid, job->err.text);
	map_remove(&lookup->inquiries, &inquiry->node);
	tell_inquirers(inquiry);
	media_close(&inquiry->media);
	free(inquiry);
}

void lookup_ask(struct lookup *lookup, struct str sid, struct inquirer *inquirer)
{
	struct inquiry *inquiry = inquiry_find(lookup, sid);
	bool is_new = !inquiry;

	if (is_new) {
		bool fits;

		inquiry = xcalloc(1, sizeof(*inquiry));
		inquiry->lookup = lookup;
		inquiry->media.fd = -1;
		list_init(&inquiry->inquirers);
		fits = str_copy(sid, inquiry->sid, sizeof(inquiry->sid));
		assert(fits);
		map_add(&lookup->inquiries, &inquiry->node, str_of(inquiry->sid));
	}
	list_append(&inquiry->inquirers, &inquirer->link);
	if (is_new)
		inquiry_ask(inquiry);
}

void inquirer_leave(struct inquirer *inquirer)
{
	list_remove(&inquirer->link);
}

/* ---- life cycle ---- */

struct lookup *lookup_new(struct loop *loop, struct mailbox *mailbox, struct ledger *ledger,
			  struct blob_store *store, const struct lookup_options *options)
{
	struct lookup *lookup = xcalloc(1, sizeof(*lookup));

	*lookup = (struct lookup){
		.listener = { .mailbox = mailbox, .changed = lookup_changed },
		.loop = loop,
		.mailbox = mailbox,
		.ledger = ledger,
		.store = store,
		.options = *options,
	};
	map_init(&lookup->entries);
	map_init(&lookup->inquiries);
	list_init(&lookup->used);
	ledger_listen(ledger, &lookup->listener);
	return lookup;
}

void lookup_free(struct lookup *lookup)
{
	struct map_node *node;

	if (!lookup)
		return;
	while ((node = map_any(&lookup->entries)) != NULL)
		entry_free(lookup, container_of(node, struct entry, node));
	map_release(&lookup->entries);
	map_release(&lookup->inquiries);
	free(lookup);
}
