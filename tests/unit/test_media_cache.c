#include "media/media_cache.h"

#include "blob/blob_driver.h"
#include "blob/blob_local.h"
#include "catalog/attempts.h"
#include "catalog/events.h"
#include "projection/projection.h"
#include "running_ledger.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdatomic.h>

#define ACCOUNT "AC00000000000000000000000000000001"
#define BYTES   "0123456789abcdefghijklmnopqrstuvwxyz" /* of each stored file */

#define LAST 13 /* number of a recording */

/* ---- the time of loops ---- */

static int64_t ahead_ms;

int64_t __real_loop_now_ms(const struct loop *of);
int64_t __wrap_loop_now_ms(const struct loop *of);

int64_t __wrap_loop_now_ms(const struct loop *of)
{
	return __real_loop_now_ms(of) + ahead_ms;
}

/* ---- a store whose files open when the test lets them ---- */

static struct {
	struct blob_store store;
	struct blob_store *local;
	pthread_mutex_t shut;
	atomic_int at_door; /* so many reads have come to it, ever */
	uint64_t went;      /* so many files had to go, as it says */
	unsigned told;      /* so often that a file is used */
	char used[BLOB_NAME_SIZE];
} gated = { .shut = PTHREAD_MUTEX_INITIALIZER };

static bool gated_open(struct blob_store *store, const char *name, const struct blob_want *want,
		       int *out_fd, uint64_t *out_size, struct err *cause)
{
	atomic_fetch_add(&gated.at_door, 1);
	pthread_mutex_lock(&gated.shut);
	pthread_mutex_unlock(&gated.shut);
	return blob_open_read(gated.local, str_of(name), out_fd, out_size, cause);
}

static bool gated_has_place(struct blob_store *store, const char *name)
{
	return blob_has_place(gated.local, str_of(name));
}

/* It has a cache, which is not looked into here. */
static bool gated_here_walk(struct blob_store *store, const char *name, struct blob_folder *out,
			    struct err *cause)
{
	return true;
}

static void gated_remote_facts(struct blob_store *store, struct blob_remote_facts *out)
{
	*out = (struct blob_remote_facts){ .evictions = gated.went };
}

static void gated_here_used(struct blob_store *store, const char *name)
{
	gated.told++;
	str_fit(str_of(name), gated.used, sizeof(gated.used));
}

static const struct blob_driver gated_driver = {
	.name = "gated",
	.open_read = gated_open,
	.has_place = gated_has_place,
	.here_walk = gated_here_walk,
	.here_used = gated_here_used,
	.remote_facts = gated_remote_facts,
};

/* ---- what the ledger knows ---- */

static char data[] = "/tmp/callspool-test.XXXXXX";

/* Number n's SID, "CA" or "RE"; the last four stay valid. */
static const char *sid(const char *kind, unsigned n)
{
	static char texts[4][SID_SIZE];
	static unsigned next;
	char *text = texts[next++ % 4];

	snprintf(text, SID_SIZE, "%s%032x", kind, n);
	return text;
}

struct plant {
	struct ledger_job job;
	unsigned n; /* of the call and its recording */
	const char *status;
	bool is_stored;
};

static bool run_plant(struct ledger_job *job, struct catalog *catalog, struct err *cause)
{
	const struct plant *plant = container_of(job, struct plant, job);
	struct projection_result result;
	struct event event;
	int64_t seq;

	event_init(&event, plant->status ? EVENT_RECORDING_STATUS : EVENT_CALL_STATUS, 1000);
	event.call_sid = str_of(sid("CA", plant->n));
	event.account_sid = STR(ACCOUNT);
	event.status = plant->status ? str_of(plant->status) : STR("in-progress");
	if (plant->status)
		event.recording_sid = str_of(sid("RE", plant->n));
	return events_append(catalog, &event, &seq, cause) &&
	       projection_run(catalog, 10, &result, cause);
}

/* BYTES under a name of the next generation. */
static bool run_store(struct ledger_job *job, struct catalog *catalog, struct err *cause)
{
	const struct plant *plant = container_of(job, struct plant, job);
	struct str recording_sid = str_of(sid("RE", plant->n));
	struct attempt_begin begin = { .recording_sid = recording_sid, .began_at_ms = 5000 };
	AUTO(blob_arriving_free) struct blob_arriving *file = NULL;
	struct recording_media media = { .stored_at_ms = 6000,
					 .generation_at_ms = 5000,
					 .size = strlen(BYTES),
					 .channels = 2,
					 .format = "mp3" };
	char name[BLOB_NAME_SIZE];

	media.path = name;
	return attempts_begin(catalog, &begin, &media.generation, cause) &&
	       blob_name_make(str_of(sid("CA", plant->n)), recording_sid, media.generation,
			      STR("mp3"), name, cause) &&
	       blob_arriving_open(gated.local, recording_sid, media.generation, &file, cause) &&
	       blob_arriving_write(file, STR(BYTES), cause) &&
	       blob_arriving_seal(file, str_of(name), cause) == BLOB_SEALED &&
	       recordings_mark_stored(catalog, recording_sid, &media, cause);
}

static void plant(unsigned n, const char *status, bool is_stored)
{
	struct plant what = { .job.run = run_plant, .n = n, .status = status };

	MUST(ledger_write_now(ledger, &what.job, &err));
	what.job = (struct ledger_job){ .run = run_store };
	if (is_stored)
		MUST(ledger_write_now(ledger, &what.job, &err));
}

/* ---- a change, while all runs ---- */

/* Two listen, the one before the caches and the other behind them: once both have heard, so have the caches. */
static struct ear {
	struct ledger_listener listener;
	int heard;
	struct projection_change last;
} ears[2];

static void ear_changed(struct ledger_listener *listener, const struct projection_change *change,
			int64_t sequence)
{
	struct ear *ear = container_of(listener, struct ear, listener);

	ear->heard++;
	ear->last = *change;
}

static bool all_have_heard(void)
{
	return ears[0].heard > 0 && ears[1].heard > 0;
}

static void listen_with(struct ear *ear)
{
	ear->listener = (struct ledger_listener){ .mailbox = mailbox, .changed = ear_changed };
	ledger_listen(ledger, &ear->listener);
}

static bool run_requeue(struct ledger_job *job, struct catalog *catalog, struct err *cause)
{
	return recordings_requeue(catalog, str_of(job->change.recording_sid), 9000, cause);
}

static void change_done(struct ledger_job *job)
{
}

/* Recording n is to be fetched again; the cache was told when this returns. */
static void requeue(unsigned n)
{
	static struct ledger_job job;

	job = (struct ledger_job){ .run = run_requeue, .done = change_done, .reply = mailbox };
	job.change.what = PROJECTED_RECORDING;
	memcpy(job.change.recording_sid, sid("RE", n), SID_SIZE);
	memcpy(job.change.call_sid, sid("CA", n), SID_SIZE);
	ears[0].heard = ears[1].heard = 0;
	ledger_write(ledger, &job);
	OK(until(all_have_heard), "a change of recording %u was told", n);
}

/* ---- asking ---- */

static struct media_cache *cache;
static int prepared;

static void prepare(struct media *media)
{
	prepared++;
	media->lines_len = 7;
}

struct asker {
	struct media_waiter waiter;
	int answers;
	struct media_answer answer;
	struct recording recording;
	struct media media;
};

static void answered(struct media_waiter *waiter, const struct media_answer *answer)
{
	struct asker *asker = container_of(waiter, struct asker, waiter);

	asker->answers++;
	asker->answer = *answer;
	asker->recording = *answer->recording;
	if (answer->media)
		asker->media = *answer->media;
}

static struct asker one, two, left;

static bool one_is_answered(void)
{
	return one.answers > 0;
}

static void ask_as(struct asker *asker, const char *of)
{
	*asker = (struct asker){ .waiter.answered = answered };
	media_cache_ask(cache, str_of(of), &asker->waiter);
}

static const struct media_answer *ask(const char *of)
{
	ask_as(&one, of);
	if (one.answers > 0)
		printf("Bail out! answered from inside media_cache_ask()\n");
	until(one_is_answered);
	return &one.answer;
}

static bool is_cached(const char *of)
{
	return media_cache_known(cache, str_of(of)) != NULL;
}

/* ---- the tests ---- */

static void test_not_stored(void)
{
	IS_INT(ask(sid("RE", 90))->found, MEDIA_FOUND_UNKNOWN, "no such recording");
	IS_INT(ask(sid("CA", 90))->found, MEDIA_FOUND_UNKNOWN, "no such call");
	IS_INT(ask(sid("CA", 1))->found, MEDIA_FOUND_UNRECORDED, "a call without a recording");
	OK(one.answer.is_call_on, "which is on");
	IS_INT(ask(sid("RE", 2))->found, MEDIA_FOUND_RECORDING, "a recording that is not here yet");
	IS_INT(one.recording.state, RECORDING_QUEUED, "with its row");
	OK(!one.answer.is_call_on && !one.answer.media, "and no media");
	IS_INT(ask(sid("CA", 2))->found, MEDIA_FOUND_RECORDING, "the same by its call");
	OK(!is_cached(sid("RE", 2)) && !is_cached(sid("CA", 2)), "nothing of it is kept");
	IS_INT(prepared, 0, "nor prepared");
}

static void test_stored(void)
{
	char bytes[4] = "";

	IS_INT(ask(sid("RE", 3))->found, MEDIA_FOUND_STORED, "stored");
	IS_INT(one.media.size, strlen(BYTES), "its size");
	IS_STR(((struct str){ one.media.first_bytes, one.media.first_count }),
	       str_first(STR(BYTES), MEDIA_FIRST_BYTES), "its first bytes are at hand");
	OK(pread(one.media.fd, bytes, 3, 10) == 3 && memcmp(bytes, "abc", 3) == 0,
	   "its descriptor is open, and reads the rest");
	OK(strstr(one.media.etag, sid("RE", 3)) && strstr(one.media.etag, "mp32-36-"),
	   "its ETag: recording, format, channels, size and generation");
	IS_INT(one.media.modified_at_ms, 5000, "modified when its generation began");
	OK(media_cache_known(cache, str_of(sid("RE", 3))) == one.answer.media,
	   "it is in the cache, as it was answered");
	IS_INT(one.media.lines_len, 7, "prepared");
	OK(!is_cached(sid("CA", 3)), "under the SID that was asked for alone");
	IS_INT(ask(sid("CA", 3))->found, MEDIA_FOUND_STORED, "by its call");
	OK(is_cached(sid("CA", 3)) && is_cached(sid("RE", 3)), "then under both");
}

static bool both_are_answered(void)
{
	return one.answers > 0 && two.answers > 0;
}

static void test_one_query(void)
{
	int before = atomic_load(&gated.at_door);

	ask_as(&left, sid("RE", 4));
	ask_as(&one, sid("RE", 4));
	ask_as(&two, sid("RE", 4));
	media_waiter_leave(&left.waiter);
	OK(until(both_are_answered), "who waits for the same is answered together");
	IS_INT(atomic_load(&gated.at_door) - before, 1, "by one query");
	OK(one.answer.found == MEDIA_FOUND_STORED && two.answer.found == MEDIA_FOUND_STORED &&
		   one.answer.media == two.answer.media,
	   "with the same");
	OK(one.answers == 1 && two.answers == 1 && left.answers == 0,
	   "once each, and not who has left");
}

/* A play from memory opens no file: the store's cache would take what is played most for what is played least. */
static void test_told(void)
{
	const char *name = NULL;

	ask(sid("RE", 3));
	name = media_cache_known(cache, str_of(sid("RE", 3)))->path;
	gated.told = 0;
	is_cached(sid("RE", 3));
	IS_INT(gated.told, 0, "the store knows that it was opened just now");
	ahead_ms += 59000;
	is_cached(sid("RE", 3));
	IS_INT(gated.told, 0, "and a little later");
	ahead_ms += 1000;
	is_cached(sid("RE", 3));
	IS_INT(gated.told, 1, "after a minute it is told that it is played still");
	IS_STR(str_of(gated.used), str_of(name), "of that file");
	for (int i = 0; i < 9; i++)
		is_cached(sid("RE", 3));
	IS_INT(gated.told, 1, "once a minute");
	ahead_ms += 60000;
	is_cached(sid("RE", 3));
	IS_INT(gated.told, 2, "and after another, again");
}

/* entries_max is 3. */
static void test_least_recently_used(void)
{
	ask(sid("RE", 3));
	ask(sid("RE", 4));
	ask(sid("RE", 5));
	OK(is_cached(sid("RE", 3)) && is_cached(sid("RE", 4)) && is_cached(sid("RE", 5)),
	   "as many as fit are kept");
	media_cache_known(cache, str_of(sid("RE", 4)));
	media_cache_known(cache, str_of(sid("RE", 3)));
	ask(sid("RE", 6));
	OK(!is_cached(sid("RE", 5)),
	   "one more takes the place of the one that was not used for longest");
	OK(is_cached(sid("RE", 4)) && is_cached(sid("RE", 3)) && is_cached(sid("RE", 6)),
	   "the others stay");
	ask(sid("RE", 6));
	OK(is_cached(sid("RE", 4)) && is_cached(sid("RE", 3)),
	   "what is asked for again takes its own place");
}

static void test_changed(void)
{
	ask(sid("RE", 5));
	ask(sid("CA", 5));
	ask(sid("RE", 6));
	requeue(5);
	OK(!is_cached(sid("RE", 5)) && !is_cached(sid("CA", 5)),
	   "what has changed is dropped, under both names");
	OK(is_cached(sid("RE", 6)), "and nothing else");
	IS_INT(ask(sid("RE", 5))->found, MEDIA_FOUND_RECORDING, "asked again: as it is now");
}

static int door_before;

static bool someone_is_at_the_door(void)
{
	return atomic_load(&gated.at_door) > door_before;
}

/* The reader saw it stored; then it changes, and the cache hears so before the answer comes. */
static void test_stale(void)
{
	door_before = atomic_load(&gated.at_door);
	pthread_mutex_lock(&gated.shut);
	ask_as(&one, sid("RE", 7));
	OK(until(someone_is_at_the_door), "a reader has read the row");
	requeue(7);
	IS_INT(one.answers, 0, "it has not answered");
	pthread_mutex_unlock(&gated.shut);
	until(one_is_answered);
	IS_INT(one.answer.found, MEDIA_FOUND_RECORDING,
	       "an answer that is older than the change is asked again");
	OK(!is_cached(sid("RE", 7)), "and not kept");
}

/* The same, but what changes is another recording. */
static void test_not_stale(void)
{
	door_before = atomic_load(&gated.at_door);
	pthread_mutex_lock(&gated.shut);
	ask_as(&one, sid("RE", 8));
	until(someone_is_at_the_door);
	requeue(2);
	pthread_mutex_unlock(&gated.shut);
	until(one_is_answered);
	IS_INT(one.answer.found, MEDIA_FOUND_STORED, "stored");
	IS_INT(atomic_load(&gated.at_door) - door_before, 1, "asked once");
}

static void lose(unsigned n, const char *to)
{
	AUTO(free)
	char *pattern =
		xasprintf("SELECT path FROM recordings WHERE recording_sid = '%s'", sid("RE", n));
	AUTO(free) char *file = xasprintf("%s/recordings/%.*s", data, STR_ARG(sql_text(pattern)));

	if (to ? truncate(file, 5) < 0 : unlink(file) < 0)
		exit(1);
}

static void test_lost(void)
{
	lose(9, NULL);
	ears[0].last = (struct projection_change){ .what = 0 };
	IS_INT(ask(sid("RE", 9))->found, MEDIA_FOUND_RECORDING,
	       "a file that is not there any more: no longer stored");
	IS_INT(one.recording.state, RECORDING_QUEUED, "but queued to be fetched again");
	OK(strstr(one.recording.reason_text, "lost"), "which says why");
	OK((ears[0].last.what & PROJECTED_TO_FETCH) &&
		   strcmp(ears[0].last.recording_sid, sid("RE", 9)) == 0 &&
		   strcmp(ears[0].last.call_sid, sid("CA", 9)) == 0 &&
		   strcmp(ears[0].last.account_sid, ACCOUNT) == 0,
	   "and who fetches is told");
	lose(10, "short");
	IS_INT(ask(sid("CA", 10))->found, MEDIA_FOUND_RECORDING, "the same for one that was cut");
	IS_INT(one.recording.state, RECORDING_QUEUED, "queued");
}

/* It cannot be queued: it is looked at once more, and no more often. */
static void test_not_repaired(void)
{
	int before = atomic_load(&gated.at_door);

	sql("CREATE TRIGGER refuse BEFORE UPDATE ON recordings "
	    "BEGIN SELECT RAISE(ABORT, 'not now'); END");
	lose(13, NULL);
	IS_INT(ask(sid("RE", 13))->found, MEDIA_FOUND_FAILED, "lost, and not to be queued: failed");
	IS_INT(atomic_load(&gated.at_door) - before, 2, "it was looked for twice");
	sql("DROP TRIGGER refuse");
	IS_INT(ask(sid("RE", 13))->found, MEDIA_FOUND_RECORDING, "it can be queued: it is");
}

/* The folder is away: rather the disk is not mounted than that all was lost. */
static void test_away(void)
{
	AUTO(free) char *here = xasprintf("%s/recordings/00", data);
	AUTO(free) char *there = xasprintf("%s/recordings/ff", data);

	if (rename(here, there) < 0)
		exit(1);
	IS_INT(ask(sid("RE", 11))->found, MEDIA_FOUND_FAILED, "its folder is not there: failed");
	IS_INT(one.answer.err.kind, ERR_INTERNAL, "and nothing is known to be lost");
	OK(strstr(one.answer.err.text, sid("RE", 11)), "says which: %s", one.answer.err.text);
	if (rename(there, here) < 0)
		exit(1);
	IS_INT(ask(sid("RE", 11))->found, MEDIA_FOUND_STORED, "it is back: stored, as before");
}

/* A file beyond fd_max takes the place of another. */
static void test_few_descriptors(void)
{
	ask(sid("RE", 11));
	ask(sid("RE", 12));
	OK(is_cached(sid("RE", 12)) && !is_cached(sid("RE", 11)),
	   "few descriptors are left: the newer takes the place of the older");
}

static void test_unreadable(void)
{
	sql("ALTER TABLE recordings RENAME TO elsewhere");
	IS_INT(ask(sid("RE", 2))->found, MEDIA_FOUND_FAILED, "the ledger cannot be read: failed");
	IS_INT(ask(sid("CA", 2))->found, MEDIA_FOUND_FAILED, "by a call, too");
	sql("ALTER TABLE elsewhere RENAME TO recordings");
	IS_INT(ask(sid("CA", 2))->found, MEDIA_FOUND_RECORDING, "it can: found");
}

/* Of stored media. */
static int open_files(void)
{
	DIR *files = opendir("/proc/self/fd");
	const struct dirent *entry;
	int count = 0;

	while (files && (entry = readdir(files))) {
		char target[PATH_MAX] = "";

		if (readlinkat(dirfd(files), entry->d_name, target, sizeof(target) - 1) > 0)
			count += strstr(target, "/recordings/") != NULL;
	}
	closedir(files);
	return count;
}

static int cached_count(void)
{
	int count = 0;

	for (unsigned n = 1; n <= LAST; n++)
		count += is_cached(sid("RE", n)) + is_cached(sid("CA", n));
	return count;
}

static bool three_is_dropped(void)
{
	return !is_cached(sid("RE", 3)) && !is_cached(sid("CA", 3));
}

static bool four_is_dropped(void)
{
	return !is_cached(sid("RE", 4));
}

static bool six_is_dropped(void)
{
	return !is_cached(sid("RE", 6));
}

/* As when the store's cache had too many: the disk has room for others once nobody has it open. */
static void test_gone(void)
{
	ask(sid("RE", 3));
	ask(sid("CA", 3));
	ask(sid("RE", 4));
	lose(3, NULL);
	IS_INT(open_files(), cached_count(), "a file that went is open here");
	gated.went = 16;
	OK(until(three_is_dropped), "it is closed, under both names");
	OK(is_cached(sid("RE", 4)), "and nothing else");
	lose(4, NULL);
	gated.went++;
	OK(until(four_is_dropped), "and the last of them");
	ask(sid("RE", 6));
	ask(sid("RE", 8));
	lose(6, NULL);
	gated.went++;
	OK(until(six_is_dropped) && is_cached(sid("RE", 8)), "and one that was opened later");
}

/* After all of the above. */
static void test_descriptors(void)
{
	IS_INT(open_files(), cached_count(),
	       "each entry holds one descriptor, and nothing else does");
}

static void test_stopped(void)
{
	ask_as(&one, sid("RE", 3));
	mailbox_drain(mailbox);
	IS_INT(one.answer.found, MEDIA_FOUND_FAILED, "the ledger was stopped: failed");
	IS_INT(one.answer.err.kind, ERR_UNAVAILABLE, "and why");
}

static int remove_entry(const char *name, const struct stat *about, int kind, struct FTW *at)
{
	return remove(name);
}

static struct media_cache *cache_open(unsigned entries_max, int fd_max)
{
	struct media_cache_options options = { .entries_max = entries_max,
					       .fd_max = fd_max,
					       .prepare = prepare };

	return media_cache_new(loop, mailbox, ledger, &gated.store, &options);
}

int main(void)
{
	struct media_cache *few, *roomy;

	running_open();
	if (!mkdtemp(data))
		return 1;
	MUST(blob_local_open(data, &gated.local, &err));
	gated.store.driver = &gated_driver;
	plant(1, NULL, false);
	plant(2, "completed", false);
	for (unsigned n = 3; n <= LAST; n++)
		plant(n, "completed", true);
	listen_with(&ears[0]);
	few = cache_open(3, 0);
	cache = roomy = cache_open(3, 1 << 20);
	listen_with(&ears[1]);
	MUST(ledger_start(ledger, &err));
	test_not_stored();
	test_stored();
	test_one_query();
	test_told();
	test_least_recently_used();
	test_changed();
	test_stale();
	test_not_stale();
	test_lost();
	test_not_repaired();
	test_away();
	test_unreadable();
	test_gone();
	test_descriptors();
	cache = few;
	test_few_descriptors();
	ledger_stop(ledger);
	test_stopped();
	media_cache_free(roomy);
	media_cache_free(few);
	blob_store_free(gated.local);
	nftw(data, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	running_remove();
	return tap_end();
}
