/*
 * What is brought, and what is left:
 *
 *	STORED                      its file, which has to be what was stored, and its waveform
 *	was stored, and is not now  (lost, fetched anew, given up) all that lies there of it, as it is: it may be all that there will be
 *	named by a fault            what `callspool verify` has found damaged, and keeps beside what is played instead
 *	removed                     nothing, and what was brought before goes
 *
 * First page by page, by id; then what was noted, again and again.
 */
#include "migrate/media_move.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "blob/blob.h"
#include "blob/blob_request.h"
#include "blob/blob_s3.h"
#include "catalog/catalog.h"
#include "catalog/recordings.h"
#include "chores/recordings_stored.h"
#include "chores/verifications.h"
#include "event/loop.h"
#include "event/mailbox.h"
#include "tables/departure.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PAGE       64
#define LOOK_MS    200 /* whether it is to stop; whether the bucket answers */
#define RECENT_MS  (5 * 60 * 1000)
#define FAULT_SIZE 160
/* What is given up is put anew some day: nobody, least of all who is not served meanwhile, waits long for it. */
#define STOP_MS 1000

_Static_assert(STOP_MS + LOOK_MS < MEDIA_MOVE_HURRY_MS, "what is under way ends within that");

struct media_move {
	struct media_move_options options;
	struct blob_store *from, *to;
	struct catalog *catalog;
	struct loop *loop;
	struct mailbox *mailbox;
	struct timer looking;
	unsigned under_way;
	struct err failure; /* what is no fault of a file: kind set with a text */
	bool has_failed;

	pthread_t hurrier; /* whoever asks the bucket waits: it looks after the time meanwhile */
	bool has_hurrier;
	atomic_bool is_late;
	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t changed;
	int64_t until_ms;
	bool is_over;

	uint64_t faults;
	int64_t first_fault;
	char first[FAULT_SIZE];
};

enum bringing_kind {
	BRINGING_STORED,   /* it has to be what was stored */
	BRINGING_WAVEFORM, /* it may be missing, or unreadable: it is made anew */
	BRINGING_LYING, /* it is brought as it is, if it is there: it may be all that there will be */
};

/* A file on its way. */
struct bringing {
	struct blob_request request;
	struct blob_arriving file;
	struct media_move *move;
	int64_t id;
	uint64_t size;
	bool is_read_back; /* it is put anew, for what was read was not this */
	enum bringing_kind kind;
};

/* ---- what is wrong ---- */

static void note_fault(struct media_move *move, const struct bringing *bringing, const char *why)
{
	log_warn(NULL, "'%s' is not moved: %s", bringing->request.name, why);
	if (move->faults++ == 0 || bringing->id < move->first_fault) {
		move->first_fault = bringing->id;
		snprintf(move->first, sizeof(move->first), "'%s'", bringing->request.name);
	}
}

bool media_move_is_whole(const struct media_move *move, struct err *err)
{
	return move->faults == 0 ||
	       err_set(err, ERR_CONFLICT,
		       "%llu recordings are not what was stored, or missing, or cannot be read, the first "
		       "%s: callspool verify mends those that are stored; then ask again",
		       (unsigned long long)move->faults, move->first);
}

int64_t media_move_first_fault(const struct media_move *move)
{
	return move->faults > 0 ? move->first_fault : INT64_MAX;
}

static void fail(struct media_move *move, const struct err *err)
{
	if (!move->has_failed)
		move->failure = *err;
	move->has_failed = true;
}

/* ---- one file ---- */

static void end(struct bringing *bringing)
{
	struct media_move *move = bringing->move;

	move->under_way--;
	loop_stop(move->loop);
	if (bringing->file.fd >= 0)
		close(bringing->file.fd);
	free(bringing);
}

static void start_reading(struct media_move *move, const struct bringing *what, bool is_again);

static void was_put(struct blob_request *request)
{
	struct bringing *bringing = container_of(request, struct bringing, request);
	struct media_move *move = bringing->move;

	if (request->succeeded && bringing->is_read_back)
		start_reading(move, bringing, true);
	if (!request->succeeded && request->err.kind == ERR_INTERNAL &&
	    bringing->kind == BRINGING_WAVEFORM)
		log_info(NULL, "'%s' is not moved: %s", request->name, request->err.text);
	else if (!request->succeeded && request->err.kind == ERR_INTERNAL)
		note_fault(move, bringing, request->err.text);
	else if (!request->succeeded)
		fail(move, &request->err);
	end(bringing);
}

static bool list_kept(struct media_move *move, int64_t after, struct recording_stored *out,
		      size_t size, size_t *out_count, struct err *err);

/* It was removed since it was read of; what became of it is noted. */
static bool is_removed(struct media_move *move, const struct bringing *bringing)
{
	struct recording_stored stored;
	struct err ignored;
	size_t count;

	return list_kept(move, bringing->id - 1, &stored, 1, &count, &ignored) &&
	       (count == 0 || stored.id != bringing->id || stored.is_given_up ||
		strcmp(stored.path, bringing->request.name) != 0);
}

/* What cannot be read is no reason for this to go on without it, but where it is of no use, or gone. */
static void cannot_open(struct bringing *bringing, const struct err *err)
{
	struct media_move *move = bringing->move;

	if (bringing->kind == BRINGING_WAVEFORM ||
	    (bringing->kind == BRINGING_LYING && err->kind == ERR_NOT_FOUND) ||
	    (bringing->kind == BRINGING_STORED && is_removed(move, bringing)))
		log_debug(NULL, "%s", err->text);
	else if (err->kind == ERR_SCARCE)
		fail(move, err);
	else
		note_fault(move, bringing, err->text);
}

static bool open_file(struct bringing *bringing, uint64_t size)
{
	struct media_move *move = bringing->move;
	struct err err;

	bringing->file.store = move->to;
	if (!blob_open_read(move->from, str_of(bringing->request.name), &bringing->file.fd,
			    &bringing->file.size, &err)) {
		cannot_open(bringing, &err);
		return false;
	}
	if (bringing->kind != BRINGING_STORED || bringing->file.size == size)
		return true;
	note_fault(move, bringing, "it is not as long as it was stored");
	close(bringing->file.fd);
	return false;
}

static struct bringing *bringing_new(struct media_move *move, enum blob_verb verb, int64_t id,
				     const char *name, uint64_t size, const char *sha256)
{
	struct bringing *bringing = xcalloc(1, sizeof(*bringing));
	struct blob_request *request = &bringing->request;

	bringing->move = move;
	bringing->id = id;
	bringing->size = size;
	bringing->file.fd = -1;
	*request = (struct blob_request){ .verb = verb, .reply = move->mailbox, .fd = -1 };
	list_init(&request->link);
	str_fit(str_of(name), request->name, sizeof(request->name));
	str_fit(str_of(sha256), request->want_sha256, sizeof(request->want_sha256));
	return bringing;
}

static void put(struct bringing *bringing)
{
	struct media_move *move = bringing->move;

	bringing->request.arriving = &bringing->file;
	bringing->request.done = was_put;
	if (!open_file(bringing, bringing->size)) {
		free(bringing);
		return;
	}
	move->under_way++;
	blob_ask(move->to, NULL, &bringing->request);
}

static void start(struct media_move *move, int64_t id, const char *name, uint64_t size,
		  const char *sha256, enum bringing_kind kind, bool looks)
{
	struct bringing *bringing = bringing_new(move, BLOB_PUT, id, name, size, sha256);

	bringing->kind = kind;
	bringing->request.leaves_same = looks;
	put(bringing);
}

/* ---- one object, read back ---- */

static void put_anew(const struct bringing *read)
{
	struct bringing *bringing = bringing_new(read->move, BLOB_PUT, read->id, read->request.name,
						 read->size, read->request.want_sha256);

	log_warn(NULL, "'%s' in the bucket is not what was put there: it is put there anew",
		 read->request.name);
	bringing->is_read_back = true;
	put(bringing);
}

static void was_read(struct blob_request *request)
{
	struct bringing *bringing = container_of(request, struct bringing, request);
	struct media_move *move = bringing->move;

	bringing->file.fd = request->succeeded ? request->fd : -1; /* closed with it */
	if (request->succeeded || is_removed(move, bringing))
		log_debug(NULL, "'%s' was read", request->name);
	else if (request->err.kind != ERR_NOT_FOUND)
		fail(move, &request->err);
	else if (bringing->is_read_back)
		note_fault(move, bringing, request->err.text);
	else
		put_anew(bringing);
	end(bringing);
}

static void start_reading(struct media_move *move, const struct bringing *what, bool is_again)
{
	struct bringing *bringing = bringing_new(move, BLOB_GET, what->id, what->request.name,
						 what->size, what->request.want_sha256);

	bringing->is_read_back = is_again;
	bringing->request.want_size = what->size;
	bringing->request.done = was_read;
	move->under_way++;
	blob_ask(move->to, NULL, &bringing->request);
}

/* ---- waiting ---- */

static void look(struct timer *timer)
{
	struct media_move *move = container_of(timer, struct media_move, looking);
	struct trouble_facts facts;
	struct err waits_for;

	trouble_read(&move->to->writing, RECENT_MS, &facts);
	(void)err_set(&waits_for, ERR_UNAVAILABLE, "%s", facts.text);
	move->options.waits(move->options.owner, facts.for_ms >= 0 ? &waits_for : NULL);
	timer_start(move->loop, &move->looking, LOOK_MS, look);
}

/* Until no more than so many are under way. */
static void await(struct media_move *move, unsigned most)
{
	timer_start(move->loop, &move->looking, LOOK_MS, look);
	while (move->under_way > most)
		loop_run(move->loop);
	timer_stop(&move->looking);
}

static bool may_go_on(const struct media_move *move, struct err *err)
{
	if (atomic_load(move->options.is_to_stop))
		return err_set(err, ERR_UNAVAILABLE, "%s", "");
	if (move->is_late)
		return err_set(err, ERR_UNAVAILABLE, "the bucket has not answered in time");
	if (move->has_failed)
		*err = move->failure;
	return !move->has_failed;
}

/* ---- recordings ---- */

/* `looks`: what is there already, byte by byte, is left there. */
static void bring_stored(struct media_move *move, const struct recording_stored *recording,
			 bool looks)
{
	char beside[BLOB_NAME_SIZE];
	struct err err;

	await(move, move->options.at_once - 1);
	start(move, recording->id, recording->path, recording->size, recording->sha256,
	      BRINGING_STORED, looks);
	if (blob_name_beside(str_of(recording->path), beside, &err))
		start(move, recording->id, beside, 0, "", BRINGING_WAVEFORM, looks);
}

/* All that lies there of a recording under one beginning of its names, as it is. */
static bool bring_lying(struct media_move *move, int64_t id, const char *call_sid,
			const char *recording_sid, struct err *err)
{
	struct blob_names names = { .count = 0 };
	char beginning[BLOB_NAME_SIZE];

	if (!blob_name_beginning(str_of(call_sid), str_of(recording_sid), beginning, err))
		return false;
	do {
		const char *last = names.count > 0 ? names.at[names.count - 1] : "";
		char after[BLOB_NAME_SIZE];

		str_fit(str_of(last), after, sizeof(after));
		if (!blob_list(move->from, str_of(beginning), str_of(after), &names, err))
			return false;
		for (size_t i = 0; i < names.count; i++) {
			await(move, move->options.at_once - 1);
			start(move, id, names.at[i], 0, "", BRINGING_LYING, false);
		}
	} while (names.count == BLOB_LIST_MAX);
	return true;
}

static bool bring(struct media_move *move, const struct recording_stored *recording, bool looks,
		  struct err *err)
{
	if (recording->is_given_up)
		return bring_lying(move, recording->id, "", recording->recording_sid, err) &&
		       (!recording->call_sid[0] ||
			bring_lying(move, recording->id, recording->call_sid,
				    recording->recording_sid, err));
	bring_stored(move, recording, looks);
	return true;
}

static bool list_kept(struct media_move *move, int64_t after, struct recording_stored *out,
		      size_t size, size_t *out_count, struct err *err)
{
	bool is_good;

	if (!catalog_begin(move->catalog, err))
		return false;
	is_good = recordings_list_kept(move->catalog, after, out, size, out_count, err);
	catalog_rollback(move->catalog);
	return is_good;
}

bool media_move_count(struct media_move *move, uint64_t *out, struct err *err)
{
	struct catalog_counts counts;
	bool is_good;

	if (!catalog_begin(move->catalog, err))
		return false;
	is_good = catalog_counts(move->catalog, &counts, err);
	catalog_rollback(move->catalog);
	if (is_good)
		*out = (uint64_t)counts.recordings[RECORDING_STORED];
	return is_good;
}

static bool bring_anew(struct media_move *move, const struct recording_stored *recording,
		       struct err *err)
{
	return bring(move, recording, false, err);
}

static bool bring_missing(struct media_move *move, const struct recording_stored *recording,
			  struct err *err)
{
	return bring(move, recording, true, err);
}

static bool read_back(struct media_move *move, const struct recording_stored *recording,
		      struct err *err)
{
	struct bringing what = { .id = recording->id, .size = recording->size };

	if (recording->is_given_up)
		return true;
	str_fit(str_of(recording->path), what.request.name, sizeof(what.request.name));
	str_fit(str_of(recording->sha256), what.request.want_sha256,
		sizeof(what.request.want_sha256));
	await(move, move->options.at_once - 1);
	start_reading(move, &what, false);
	return true;
}

static bool visit_page(struct media_move *move, int64_t after,
		       bool (*visit)(struct media_move *move,
				     const struct recording_stored *recording, struct err *err),
		       struct media_move_page *out, struct err *err)
{
	AUTO(free) struct recording_stored *page = xcalloc(PAGE, sizeof(*page));
	size_t count;

	*out = (struct media_move_page){ .up_to = after };
	move->has_failed = false;
	if (!list_kept(move, after, page, PAGE, &count, err))
		return false;
	for (size_t i = 0; i < count && may_go_on(move, err); i++) {
		if (!visit(move, &page[i], err))
			return false;
		out->up_to = page[i].id;
		out->stored += !page[i].is_given_up;
	}
	await(move, 0);
	out->is_last = count < PAGE;
	return may_go_on(move, err);
}

bool media_move_page(struct media_move *move, int64_t after, bool looks,
		     struct media_move_page *out, struct err *err)
{
	return visit_page(move, after, looks ? bring_missing : bring_anew, out, err);
}

bool media_move_verify_page(struct media_move *move, int64_t after, struct media_move_page *out,
			    struct err *err)
{
	return visit_page(move, after, read_back, out, err);
}

/* ---- what has changed ---- */

static bool is_named_by_fault(struct media_move *move, const char *name)
{
	struct store_fault fault;
	struct err ignored;
	bool is_found;

	if (!catalog_begin(move->catalog, &ignored))
		return false;
	is_found = store_faults_find(move->catalog, name, &fault, &ignored);
	catalog_rollback(move->catalog);
	return is_found;
}

/* What cannot be looked at does: it is brought, or said to be what cannot be. */
static bool lies_here(struct media_move *move, const char *name)
{
	uint64_t size;
	struct err err;

	return blob_stat(move->from, str_of(name), &size, &err) || err.kind != ERR_NOT_FOUND;
}

/* Is that name of any use there?  `recording` NULL: it was removed, or never stored. */
static bool is_of_use(struct media_move *move, const struct recording_stored *recording,
		      const char *name)
{
	char waveform[BLOB_NAME_SIZE];
	struct err ignored;

	if (!recording)
		return false;
	if (strcmp(name, recording->path) == 0 ||
	    (blob_name_beside(str_of(recording->path), waveform, &ignored) &&
	     strcmp(name, waveform) == 0))
		return true;
	return lies_here(move, name) && (recording->is_given_up || is_named_by_fault(move, name));
}

static bool remove_useless_under(struct media_move *move, const char *call_sid,
				 const char *recording_sid,
				 const struct recording_stored *recording, struct err *err)
{
	char beginning[BLOB_NAME_SIZE];
	struct blob_names names;
	struct err ignored;

	if (!blob_name_beginning(str_of(call_sid), str_of(recording_sid), beginning, &ignored))
		return true; /* nor could it be stored */
	if (!blob_list(move->to, str_of(beginning), STR(""), &names, err))
		return false;
	for (size_t i = 0; i < names.count; i++)
		if (!is_of_use(move, recording, names.at[i]) &&
		    !blob_remove(move->to, str_of(names.at[i]), err) && err->kind != ERR_NOT_FOUND)
			return false;
	return true;
}

static bool follow_one(struct media_move *move, const struct departure_recording *noted,
		       struct err *err)
{
	const struct recording_stored *recording;
	struct recording_stored kept;
	size_t count;

	if (!list_kept(move, noted->id - 1, &kept, 1, &count, err))
		return false;
	recording = count > 0 && kept.id == noted->id ? &kept : NULL;
	return (!recording || bring(move, recording, true, err)) &&
	       remove_useless_under(move, noted->call_sid, noted->recording_sid, recording, err);
}

/* ---- what a fault names ---- */

static bool list_faults(struct media_move *move, const char *after, struct store_fault *out,
			size_t *out_count, struct err *err)
{
	bool is_good;

	if (!catalog_begin(move->catalog, err))
		return false;
	/* Those that are neither mended nor accepted. */
	is_good =
		store_faults_list_since(move->catalog, INT64_MAX, after, out, PAGE, out_count, err);
	catalog_rollback(move->catalog);
	return is_good;
}

/* A file that was damaged, and whose recording has another one now: what was stored before it is kept beside it. */
static void bring_faulty(struct media_move *move, const struct store_fault *fault)
{
	struct recording recording;
	struct err ignored;
	uint64_t size;
	bool is_kept;

	if (fault->kind != STORE_FAULT_BYTES || !lies_here(move, fault->path) ||
	    !catalog_begin(move->catalog, &ignored))
		return;
	is_kept = recordings_find(move->catalog, str_of(fault->recording_sid), &recording,
				  &ignored) &&
		  recording.state == RECORDING_STORED && strcmp(recording.path, fault->path) != 0;
	catalog_rollback(move->catalog);
	if (!is_kept || blob_stat(move->to, str_of(fault->path), &size, &ignored))
		return;
	await(move, move->options.at_once - 1);
	start(move, INT64_MAX, fault->path, 0, "", BRINGING_LYING, false);
}

static bool bring_faults(struct media_move *move, struct err *err)
{
	AUTO(free) struct store_fault *page = xcalloc(PAGE, sizeof(*page));
	char after[RECORDING_PATH_SIZE] = "";
	size_t count;

	do {
		if (!list_faults(move, after, page, &count, err))
			return false;
		for (size_t i = 0; i < count; i++) {
			if (!may_go_on(move, err))
				return false;
			bring_faulty(move, &page[i]);
		}
		if (count > 0)
			str_fit(str_of(page[count - 1].path), after, sizeof(after));
	} while (count == PAGE);
	return true;
}

/* ---- what was noted ---- */

static bool list_noted(struct media_move *move, int64_t after, int64_t most,
		       struct departure_recording *out, size_t *out_count, struct err *err)
{
	bool is_good;

	if (!catalog_begin(move->catalog, err))
		return false;
	is_good = departure_recordings(move->catalog, after, most, out, PAGE, out_count, err);
	catalog_rollback(move->catalog);
	return is_good;
}

static bool last_note(struct media_move *move, int64_t *out, struct err *err)
{
	bool is_good;

	if (!catalog_begin(move->catalog, err))
		return false;
	is_good = departure_last(move->catalog, out, err);
	catalog_rollback(move->catalog);
	return is_good;
}

/* What is noted behind the last note that was looked up first is seen the next time, once more perhaps. */
bool media_move_changes(struct media_move *move, int64_t most, int64_t *out_noted, struct err *err)
{
	AUTO(free) struct departure_recording *page = xcalloc(PAGE, sizeof(*page));
	int64_t noted, after = 0;
	size_t count;

	move->has_failed = false;
	/* What an earlier look left under way would come behind the list that removes it. */
	await(move, 0);
	if (!last_note(move, &noted, err))
		return false;
	do {
		if (!list_noted(move, after, most, page, &count, err))
			return false;
		for (size_t i = 0; i < count; i++) {
			if (!may_go_on(move, err) || !follow_one(move, &page[i], err))
				return false;
			after = page[i].id;
		}
	} while (count == PAGE);
	if (most == INT64_MAX && !bring_faults(move, err))
		return false;
	await(move, 0);
	*out_noted = noted;
	return may_go_on(move, err);
}

/* ---- there is not much time ---- */

static void open_hurrying(struct media_move *move)
{
	pthread_condattr_t clock;

	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&move->changed, &clock);
	pthread_condattr_destroy(&clock);
	pthread_mutex_init(&move->mutex, NULL);
}

/* The mutex is held: it is over, or was waited for long enough. */
static bool has_hurrier_waited(struct media_move *move)
{
	int64_t next_ms = clock_monotonic_ms() + LOOK_MS;
	const struct timespec next = { .tv_sec = next_ms / 1000,
				       .tv_nsec = next_ms % 1000 * 1000000 };

	(void)pthread_cond_timedwait(&move->changed, &move->mutex, &next);
	move->is_late = !move->is_over && clock_monotonic_ms() >= move->until_ms;
	return move->is_over || move->is_late || atomic_load(move->options.is_to_stop);
}

static void *run_hurrier(void *argument)
{
	struct media_move *move = argument;
	bool is_over;

	pthread_mutex_lock(&move->mutex);
	while (!move->is_over && !has_hurrier_waited(move))
		;
	is_over = move->is_over;
	pthread_mutex_unlock(&move->mutex);
	if (!is_over)
		blob_store_stop(move->to);
	return NULL;
}

static bool start_hurrier(struct media_move *move, struct err *err)
{
	if (pthread_create(&move->hurrier, NULL, run_hurrier, move) != 0)
		return err_set(err, ERR_INTERNAL, "cannot start the thread 'hurrier'");
	pthread_setname_np(move->hurrier, "hurrier");
	move->has_hurrier = true;
	return true;
}

void media_move_hurry(struct media_move *move, int64_t until_ms)
{
	pthread_mutex_lock(&move->mutex);
	move->until_ms = until_ms;
	pthread_mutex_unlock(&move->mutex);
}

static void close_hurrying(struct media_move *move)
{
	pthread_mutex_lock(&move->mutex);
	move->is_over = true;
	pthread_cond_signal(&move->changed);
	pthread_mutex_unlock(&move->mutex);
	if (move->has_hurrier)
		pthread_join(move->hurrier, NULL);
	pthread_cond_destroy(&move->changed);
	pthread_mutex_destroy(&move->mutex);
}

/* ---- the whole ---- */

/* A name that nothing has. */
static const char nobody[] = "00/RE00000000000000000000000000000000.1.mp3";

/* The second question is of what the first one wrote, perhaps: nothing is put before the bucket has said that it is ours. */
bool media_move_is_ours(struct media_move *move, struct err *err)
{
	if (!blob_store_claim(move->to, err))
		return false;
	if (blob_has_place(move->to, str_of(nobody)))
		return true;
	return move->is_late
		       ? may_go_on(move, err)
		       : err_set(err, ERR_UNAVAILABLE,
				 "the bucket does not say whose it is: is callspool.store what we wrote there?");
}

/* Is anybody there who lets us in, and is the place free? */
static bool check_bucket(struct media_move *move, bool is_new, struct err *err)
{
	uint64_t size;

	if (!blob_stat(move->to, str_of(nobody), &size, err) && err->kind != ERR_NOT_FOUND)
		return false;
	blob_store_know(move->to, move->options.store_id, !is_new);
	if (media_move_is_ours(move, err))
		return true;
	return err->kind != ERR_CONFLICT ? false
					 : err_set(err, ERR_CONFLICT,
						   "there is a store of callspool already: name "
						   "another prefix, or empty that one");
}

bool media_move_open(const struct media_move_options *options, bool is_new, struct media_move **out,
		     struct err *err)
{
	AUTO(media_move_free) struct media_move *move = xcalloc(1, sizeof(*move));
	const struct blob_options files = { .data_dir = options->data_dir };
	const struct blob_options store = { .data_dir = options->data_dir,
					    .s3 = &move->options.to,
					    .min_free_bytes = options->min_free_bytes,
					    .is_beside_files = true };

	open_hurrying(move);
	move->until_ms = INT64_MAX;
	move->options = *options;
	move->options.to.hurry_ms = STOP_MS;
	if (move->options.at_once == 0)
		move->options.at_once = 1;
	if (!blob_check(&options->to, err) ||
	    !catalog_open(options->ledger, CATALOG_READ, &move->catalog, err) ||
	    !blob_open(&files, &move->from, err) || !blob_open(&store, &move->to, err) ||
	    !loop_new(&move->loop, err) || !mailbox_open(move->loop, &move->mailbox, err) ||
	    !start_hurrier(move, err) || !check_bucket(move, is_new, err))
		return false;
	*out = TAKE(move);
	return true;
}

void media_move_free(struct media_move *move)
{
	if (!move)
		return;
	close_hurrying(move);
	if (move->to)
		blob_store_stop(move->to);
	if (move->mailbox)
		await(move, 0);
	mailbox_free(move->mailbox);
	loop_free(move->loop);
	blob_store_free(move->to);
	blob_store_free(move->from);
	catalog_free(move->catalog);
	free(move);
}
