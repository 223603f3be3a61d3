#include "media/media_cache.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "blob/blob_request.h"
#include "event/loop.h"
#include "event/mailbox.h"
#include "ledger/ledger.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/stat.h>

#define LOOK_EACH_MS 500 /* what went from the store's cache has its room on the disk until then */
#define TELL_EACH_MS 60000 /* what is played is not what the store's cache has used longest ago */
#define LOOK_AT_ONCE 32    /* buckets of entries, with one in each or so: a turn is short */

/* Stored media in the cache: under the recording's SID, or under its call's. */
struct entry {
	struct map_node node; /* key: sid */
	struct list used;     /* the most recently used first */
	char sid[SID_SIZE];
	struct media media;
	int64_t told_at_ms; /* the store, that it is used */
};

/* A question that a reader is answering, and everyone who waits for it. */
struct media_query {
	/* The question; where the file is lost, the repair, and the question again. */
	struct ledger_job job;
	struct map_node node; /* key: sid */
	struct media_cache *cache;
	struct list waiters;
	char sid[SID_SIZE];
	int64_t stale_before; /* a broadcast with this sequence came while it was under way */

	/* the answer, filled by the reader */
	enum media_found found;
	struct recording recording;
	struct media media;
	bool is_call_on;
	bool is_lost; /* the file of `recording`: loss says how */
	bool was_repaired;
	struct err loss;
	struct blob_request fetching; /* it lies on another machine alone */
	struct err away;              /* MEDIA_FOUND_AWAY: why */
};

struct media_cache {
	struct ledger_listener listener;
	struct loop *loop;
	struct mailbox *mailbox;
	struct ledger *ledger;
	struct blob_store *store;
	struct media_cache_options options;
	struct map entries;
	struct list used;
	struct map queries;
	struct timer looking; /* there are entries, and the store has a cache */
	uint64_t went;        /* so many files went from that, when it was asked last */
	bool looks_again;     /* some had just gone then */
	size_t looked_to;     /* the bucket with which a look goes on; 0: none is under way */
};

/* ---- the cache ---- */

static void entry_free(struct media_cache *cache, struct entry *entry)
{
	map_remove(&cache->entries, &entry->node);
	list_remove(&entry->used);
	media_close(&entry->media);
	free(entry);
}

static struct entry *entry_find(const struct media_cache *cache, struct str sid)
{
	struct map_node *node = map_find(&cache->entries, sid);

	return node ? container_of(node, struct entry, node) : NULL;
}

static struct media_query *query_find(const struct media_cache *cache, struct str sid)
{
	struct map_node *node = map_find(&cache->queries, sid);

	return node ? container_of(node, struct media_query, node) : NULL;
}

/* ---- files that went from the store's cache: their bytes are on the disk while they are open here ---- */

static bool has_gone(const struct entry *entry)
{
	struct stat about;

	return entry->media.fd >= 0 && fstat(entry->media.fd, &about) == 0 && about.st_nlink == 0;
}

/* Since this was asked last; or then: one of those may have been about to go, or to come here. */
static bool has_any_gone(struct media_cache *cache)
{
	struct blob_remote_facts facts;
	bool had_then = cache->looks_again;

	if (!blob_remote_read(cache->store, &facts))
		return false;
	cache->looks_again = facts.evictions != cache->went;
	cache->went = facts.evictions;
	return cache->looks_again || had_then;
}

/* Some buckets more; false: those were the last.  A map that grows meanwhile puts nothing before the place where it is looked at. */
static bool drop_gone(struct media_cache *cache)
{
	const struct map *entries = &cache->entries;

	for (int i = 0; i < LOOK_AT_ONCE && cache->looked_to < entries->bucket_count; i++) {
		struct map_node *node = entries->buckets[cache->looked_to++];

		while (node) {
			struct entry *entry = container_of(node, struct entry, node);

			node = node->next;
			if (has_gone(entry))
				entry_free(cache, entry);
		}
	}
	return cache->looked_to < entries->bucket_count;
}

static void look(struct timer *timer)
{
	struct media_cache *cache = container_of(timer, struct media_cache, looking);
	bool is_under_way = cache->looked_to > 0 || has_any_gone(cache);

	if (is_under_way && drop_gone(cache)) {
		timer_start(cache->loop, timer, 0, look);
		return;
	}
	cache->looked_to = 0;
	if (cache->entries.count > 0)
		timer_start(cache->loop, timer, LOOK_EACH_MS, look);
}

/* Takes the media, its descriptor with it. */
static void entry_add(struct media_cache *cache, const char *sid, struct media *media)
{
	struct entry *entry = entry_find(cache, str_of(sid));

	if (entry)
		entry_free(cache, entry);
	while (cache->entries.count >= cache->options.entries_max)
		entry_free(cache, container_of(cache->used.prev, struct entry, used));
	if (media->fd > cache->options.fd_max && cache->entries.count > 0)
		entry_free(cache, container_of(cache->used.prev, struct entry, used));

	entry = xcalloc(1, sizeof(*entry));
	memcpy(entry->sid, sid, SID_SIZE);
	entry->media = *media;
	entry->told_at_ms = loop_now_ms(cache->loop); /* it was opened */
	media->fd = -1;
	map_add(&cache->entries, &entry->node, str_of(entry->sid));
	list_prepend(&cache->used, &entry->used);
	if (blob_has_here(cache->store) && !timer_is_on(&cache->looking))
		timer_start(cache->loop, &cache->looking, LOOK_EACH_MS, look);
}

static void tell_store(struct media_cache *cache, struct entry *entry)
{
	entry->told_at_ms = loop_now_ms(cache->loop);
	if (entry->media.fd >= 0)
		blob_here_used(cache->store, str_of(entry->media.path));
}

const struct media *media_cache_known(struct media_cache *cache, struct str sid)
{
	struct entry *entry = entry_find(cache, sid);

	if (!entry)
		return NULL;
	if (loop_now_ms(cache->loop) - entry->told_at_ms >= TELL_EACH_MS)
		tell_store(cache, entry);
	if (cache->used.next != &entry->used) {
		list_remove(&entry->used);
		list_prepend(&cache->used, &entry->used);
	}
	return &entry->media;
}

static void forget(struct media_cache *cache, const char *sid, int64_t sequence)
{
	struct entry *entry = entry_find(cache, str_of(sid));
	struct media_query *query = query_find(cache, str_of(sid));

	if (entry)
		entry_free(cache, entry);
	if (query && query->stale_before < sequence)
		query->stale_before = sequence;
}

/* The numbers may have gone back. */
static void forget_all(struct media_cache *cache, int64_t sequence)
{
	while (cache->entries.count > 0)
		entry_free(cache, container_of(cache->used.prev, struct entry, used));
	for (size_t i = 0; i < cache->queries.bucket_count; i++) {
		for (struct map_node *node = cache->queries.buckets[i]; node; node = node->next)
			container_of(node, struct media_query, node)->stale_before = sequence;
	}
}

static void media_cache_changed(struct ledger_listener *listener,
				const struct projection_change *change, int64_t sequence)
{
	struct media_cache *cache = container_of(listener, struct media_cache, listener);

	if (change->what & PROJECTED_ALL) {
		forget_all(cache, sequence);
		return;
	}
	forget(cache, change->recording_sid, sequence);
	forget(cache, change->call_sid, sequence);
}

/* ---- asking: on a reader's thread ---- */

static bool find_recording(struct media_query *query, struct catalog *catalog, struct err *err)
{
	struct str sid = str_of(query->sid);
	enum call_recorded found = CALL_RECORDED;

	query->is_call_on = false;
	if (str_starts(sid, STR("CA"))) {
		if (!recordings_find_main(catalog, sid, &found, &query->recording,
					  &query->is_call_on, err))
			return false;
	} else if (!recordings_find(catalog, sid, &query->recording, err)) {
		if (err->kind != ERR_NOT_FOUND)
			return false;
		found = CALL_UNKNOWN;
	}

	switch (found) {
	case CALL_UNKNOWN:
		query->found = MEDIA_FOUND_UNKNOWN;
		break;
	case CALL_UNRECORDED:
		query->found = MEDIA_FOUND_UNRECORDED;
		break;
	case CALL_RECORDED:
		query->found = MEDIA_FOUND_RECORDING;
		break;
	}
	return true;
}

static bool run_query(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct media_query *query = container_of(job, struct media_query, job);

	query->is_lost = false;
	if (!find_recording(query, catalog, err))
		return false;
	if (query->found != MEDIA_FOUND_RECORDING || query->recording.state != RECORDING_STORED)
		return true;

	media_of_recording(&query->recording, &query->media);
	if (media_open(&query->media, query->cache->store, str_of(query->recording.path), err)) {
		query->found = MEDIA_FOUND_STORED;
		return true;
	}
	query->is_lost = err->kind == ERR_NOT_FOUND && !query->was_repaired;
	query->loss = *err;
	return query->is_lost || err_context(err, "recording %s", query->recording.recording_sid);
}

/* ---- the answer: on the loop ---- */

static void tell_waiters(struct media_query *query)
{
	struct media_answer answer = {
		.found = query->job.succeeded ? query->found : MEDIA_FOUND_FAILED,
		.is_call_on = query->is_call_on,
		.recording = &query->recording,
		.err = query->job.succeeded ? query->away : query->job.err,
	};
	struct list *first;

	if (answer.found == MEDIA_FOUND_STORED) {
		if (query->cache->options.prepare)
			query->cache->options.prepare(&query->media);
		entry_add(query->cache, query->sid, &query->media);
	}
	while ((first = list_first(&query->waiters)) != NULL) {
		struct media_waiter *waiter = container_of(first, struct media_waiter, link);

		list_remove(first);
		if (answer.found == MEDIA_FOUND_STORED)
			answer.media = media_cache_known(query->cache, str_of(query->sid));
		waiter->answered(waiter, &answer);
	}
}

static void query_done(struct ledger_job *job);

static void query_ask(struct media_query *query)
{
	query->job = (struct ledger_job){ .run = run_query,
					  .done = query_done,
					  .reply = query->cache->mailbox };
	ledger_read(query->cache->ledger, &query->job);
}

/* ---- a file that is lost: fetched again ---- */

static bool run_repair(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct media_query *query = container_of(job, struct media_query, job);

	return recordings_mark_lost(catalog, &query->recording, clock_wall_ms(),
				    "The stored file was lost; it is fetched again.", err);
}

static void repair_done(struct ledger_job *job)
{
	struct media_query *query = container_of(job, struct media_query, job);

	/* ERR_CONFLICT: another loop was faster. */
	if (job->succeeded)
		log_error(NULL, "recording %s is lost, and queued to be fetched again: %s",
			  query->recording.recording_sid, query->loss.text);
	else if (job->err.kind != ERR_CONFLICT)
		log_warn(NULL, "recording %s is lost, and cannot be queued: %s",
			 query->recording.recording_sid, job->err.text);
	query_ask(query);
}

static void query_repair(struct media_query *query)
{
	const struct recording *recording = &query->recording;
	struct projection_change *change = &query->job.change;

	query->was_repaired = true;
	query->job = (struct ledger_job){ .run = run_repair,
					  .done = repair_done,
					  .reply = query->cache->mailbox };
	change->what = PROJECTED_RECORDING | PROJECTED_TO_FETCH;
	memcpy(change->recording_sid, recording->recording_sid, SID_SIZE);
	memcpy(change->call_sid, recording->call_sid, SID_SIZE);
	memcpy(change->account_sid, recording->account_sid, SID_SIZE);
	ledger_write(query->cache->ledger, &query->job);
}

/* ---- a file that lies on another machine alone ---- */

static void query_settle(struct media_query *query);

static void fetched(struct blob_request *request)
{
	struct media_query *query = container_of(request, struct media_query, fetching);
	bool is_here = request->succeeded &&
		       media_take(&query->media, str_of(query->recording.path), request->fd,
				  request->size, &request->err);

	if (!is_here && request->err.kind == ERR_NOT_FOUND && !query->was_repaired) {
		query->is_lost = true;
		query->loss = request->err;
	} else if (!is_here) {
		query->found = MEDIA_FOUND_AWAY;
		query->away = request->err;
		log_warn(NULL, "recording %s is not played: %s", query->recording.recording_sid,
			 request->err.text);
	}
	query_settle(query);
}

static void query_fetch(struct media_query *query)
{
	struct blob_request *request = &query->fetching;

	*request = (struct blob_request){ .verb = BLOB_GET,
					  .want_size = query->recording.size,
					  .done = fetched,
					  .reply = query->cache->mailbox };
	str_fit(str_of(query->recording.path), request->name, sizeof(request->name));
	memcpy(request->want_sha256, query->recording.sha256, sizeof(request->want_sha256));
	blob_ask(query->cache->store, NULL, request);
}

/* And somebody wants it here. */
static bool is_to_fetch(const struct media_query *query)
{
	if (query->found != MEDIA_FOUND_STORED || query->media.fd >= 0)
		return false;
	LIST_EACH (item, &query->waiters)
		if (!container_of(item, struct media_waiter, link)->takes_elsewhere)
			return true;
	return false;
}

static void query_done(struct ledger_job *job)
{
	struct media_query *query = container_of(job, struct media_query, job);

	if (job->succeeded && job->sequence >= query->stale_before && !query->is_lost &&
	    is_to_fetch(query))
		query_fetch(query);
	else
		query_settle(query);
}

static void query_settle(struct media_query *query)
{
	struct media_cache *cache = query->cache;
	struct ledger_job *job = &query->job;

	if (job->succeeded && job->sequence < query->stale_before) {
		media_close(&query->media);
		query_ask(query);
		return;
	}
	if (job->succeeded && query->is_lost) {
		query_repair(query);
		return;
	}
	/* ERR_UNAVAILABLE: the ledger is stopped, or on a server that is away. */
	if (!job->succeeded && (job->err.kind == ERR_SCARCE || job->err.kind == ERR_UNAVAILABLE))
		log_warn(NULL, "cannot look up %s: %s", query->sid, job->err.text);
	else if (!job->succeeded)
		log_error(NULL, "cannot look up %s: %s", query->sid, job->err.text);
	map_remove(&cache->queries, &query->node);
	tell_waiters(query);
	media_close(&query->media);
	free(query);
}

void media_cache_ask(struct media_cache *cache, struct str sid, struct media_waiter *waiter)
{
	struct media_query *query = query_find(cache, sid);
	bool is_new = !query;

	if (is_new) {
		bool fits;

		query = xcalloc(1, sizeof(*query));
		query->cache = cache;
		query->media.fd = -1;
		list_init(&query->waiters);
		fits = str_copy(sid, query->sid, sizeof(query->sid));
		assert(fits);
		map_add(&cache->queries, &query->node, str_of(query->sid));
	}
	list_append(&query->waiters, &waiter->link);
	if (is_new)
		query_ask(query);
}

void media_waiter_leave(struct media_waiter *waiter)
{
	list_remove(&waiter->link);
}

/* ---- life cycle ---- */

struct media_cache *media_cache_new(struct loop *loop, struct mailbox *mailbox,
				    struct ledger *ledger, struct blob_store *store,
				    const struct media_cache_options *options)
{
	struct media_cache *cache = xcalloc(1, sizeof(*cache));

	*cache = (struct media_cache){
		.listener = { .mailbox = mailbox, .changed = media_cache_changed },
		.loop = loop,
		.mailbox = mailbox,
		.ledger = ledger,
		.store = store,
		.options = *options,
	};
	map_init(&cache->entries);
	map_init(&cache->queries);
	list_init(&cache->used);
	ledger_listen(ledger, &cache->listener);
	return cache;
}

void media_cache_free(struct media_cache *cache)
{
	struct map_node *node;

	if (!cache)
		return;
	timer_stop(&cache->looking);
	while ((node = map_any(&cache->entries)) != NULL)
		entry_free(cache, container_of(node, struct entry, node));
	map_release(&cache->entries);
	map_release(&cache->queries);
	free(cache);
}
