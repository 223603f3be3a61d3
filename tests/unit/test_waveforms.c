#include "keeping/waveforms.h"

#define COUNT 6 /* more than a page */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audio/waveform.h"
#include "base/file.h"
#include "base/log.h"
#include "blob/blob_flaky.h"
#include "sweep_recordings.h"
#include "tap.h"

static struct sweep_table table;
static struct sweep *waveforms;
static unsigned waited_for; /* the number of a recording */
static enum recording_waveform wanted;

static char *sound;

static void read_sound(void)
{
	AUTO(free) char *path = xasprintf("%s/audio/mp3-dual-8k.mp3", getenv("TEST_DATA"));
	size_t len;

	must(file_read(path, 1 << 20, &sound, &len, &err));
	stored_size = len;
}

static void write_sound(unsigned n)
{
	write_bytes(n, (struct str){ sound, stored_size });
}

static enum recording_waveform waveform_of(unsigned n)
{
	struct recording recording;

	find(n, &recording);
	return recording.waveform;
}

static bool is_so(void)
{
	return waveform_of(waited_for) == wanted;
}

static bool becomes(unsigned n, enum recording_waveform waveform)
{
	waited_for = n;
	wanted = waveform;
	return sweep_until(is_so);
}

/* What lies beside its media; NULL: nothing, or nothing good. */
static struct waveform *file_of(unsigned n)
{
	char media[BLOB_NAME_SIZE], name[BLOB_NAME_SIZE];
	static char bytes[WAVEFORM_FILE_MAX];
	struct waveform *waveform = NULL;
	AUTO(close) int fd = -1;
	uint64_t size;
	ssize_t got;

	must(blob_name_beside(name_of(n, media, sizeof(media)), name, &err));
	if (!blob_open_read(env.store, str_of(name), &fd, &size, &err))
		return NULL;
	got = pread(fd, bytes, sizeof(bytes), 0);
	must(got >= 0);
	return waveform_read((struct str){ bytes, (size_t)got }, &waveform, &err) ? waveform : NULL;
}

/* ---- what an operator is told ---- */

static unsigned errors;

void __wrap_log_error(const struct log_tag *tag, const char *fmt, ...);
void __wrap_log_error(const struct log_tag *tag, const char *fmt, ...)
{
	errors++;
}

/* ---- the ledger's word of it ---- */

static unsigned told;

static void changed(struct ledger_listener *listener, const struct projection_change *change,
		    int64_t sequence)
{
	told += change->what == PROJECTED_RECORDING && change->call_sid[0] != '\0';
	sweep_changed(waveforms, change->what);
}

static bool all_are_told(void)
{
	return told == COUNT;
}

static void open_all(const struct sweep_table *of, bool is_flaky)
{
	static struct ledger_listener listener;
	AUTO(free) char *path = NULL;

	table = *of;
	table.pace.quiet_ms = table.pace.again_ms = 1;
	sweep_env_open(fill);
	if (is_flaky)
		env.store = blob_flaky_new(env.store);
	path = xasprintf("%s/ledger.db", folder);
	told = 0;
	listener = (struct ledger_listener){ .mailbox = env.mailbox, .changed = changed };
	ledger_listen(env.ledger, &listener);
	must(ledger_start(env.ledger, &err) && catalog_open(path, CATALOG_READ, &reader, &err));
	waveforms = sweep_new(&env, &table);
}

static void close_all(void)
{
	sweep_env_stop();
	catalog_free(TAKE(reader));
	sweep_free(waveforms);
	sweep_env_free();
}

/* ---- the tests ---- */

static void test_all(const struct sweep_table *of)
{
	AUTO(waveform_free) struct waveform *waveform = NULL;

	open_all(of, false);
	for (unsigned n = 1; n <= COUNT; n++)
		write_sound(n);
	sweep_wake(waveforms);
	OK(becomes(COUNT, RECORDING_WAVEFORM_STORED) && becomes(1, RECORDING_WAVEFORM_STORED),
	   "all that is stored gets its waveform");
	waveform = file_of(COUNT);
	OK(waveform && waveform->channels == 2 && waveform->sample_rate == 8000 &&
		   waveform->count > 0,
	   "which lies beside its media");
	OK(sweep_until(all_are_told), "whoever lists it hears of each");
	close_all();
}

/* The first page holds the newest four, and is told of when all of them are done. */
static bool is_first_page_there(void)
{
	return waveform_of(COUNT - 3) != RECORDING_WAVEFORM_PENDING;
}

static void test_newest_first(void)
{
	open_all(&waveforms_backlog_table, true);
	for (unsigned n = 1; n <= COUNT; n++)
		write_sound(n);
	/* Three calls read each: its media, its media, and once more. */
	blob_flaky_fail(env.store, &(struct blob_failure){ .call = BLOB_CALL_OPEN_READ,
							   .after = 3 * 4,
							   .count = UINT64_MAX,
							   .kind = ERR_SCARCE });
	sweep_wake(waveforms);
	OK(sweep_until(is_first_page_there), "of what was left, the newest come first");
	IS_INT(waveform_of(2), RECORDING_WAVEFORM_PENDING, "before the oldest");
	blob_flaky_fail(env.store, NULL);
	OK(becomes(1, RECORDING_WAVEFORM_STORED), "which come, too");
	close_all();
}

static void test_newest_lost(void)
{
	open_all(&waveforms_backlog_table, false);
	write_sound(1);
	sweep_wake(waveforms);
	OK(becomes(1, RECORDING_WAVEFORM_STORED),
	   "a page of the newest that is lost holds up none");
	close_all();
}

static void test_not_decodable(void)
{
	AUTO(free) char *nothing = xcalloc(stored_size, 1);

	open_all(&waveforms_table, false);
	write_bytes(1, (struct str){ nothing, stored_size });
	for (unsigned n = 2; n <= COUNT; n++)
		write_sound(n);
	sweep_wake(waveforms);
	OK(becomes(COUNT, RECORDING_WAVEFORM_STORED), "one that cannot be decoded holds up none");
	IS_INT(waveform_of(1), RECORDING_WAVEFORM_NONE, "and is remembered");
	OK(!file_of(1), "there is no file of it");
	close_all();
}

/* As when it was replaced between the list and the work. */
static void test_lost(void)
{
	struct storing storing;

	open_all(&waveforms_table, false);
	write_sound(COUNT);
	sweep_wake(waveforms);
	OK(becomes(COUNT, RECORDING_WAVEFORM_STORED), "media that is not there holds up none");
	IS_INT(waveform_of(1), RECORDING_WAVEFORM_PENDING, "and is left for later");
	write_sound(1);
	store_anew(&storing, 1);
	OK(becomes(1, RECORDING_WAVEFORM_STORED), "stored anew, it gets its waveform");
	OK(becomes(2, RECORDING_WAVEFORM_PENDING), "the others have none");
	close_all();
}

/* As when something has cut it, or written over it: the next play finds out. */
static void test_other_length(void)
{
	errors = 0;
	open_all(&waveforms_table, false);
	write_bytes(1, STR("no sound that anybody knows"));
	for (unsigned n = 2; n <= COUNT; n++)
		write_sound(n);
	sweep_wake(waveforms);
	OK(becomes(COUNT, RECORDING_WAVEFORM_STORED),
	   "a file of another length than was stored holds up none");
	IS_INT(waveform_of(1), RECORDING_WAVEFORM_PENDING,
	       "and says nothing of what can be decoded");
	IS_INT(errors, 0, "nor is an operator told before its play does");
	close_all();
}

static void test_failures(enum blob_call call, enum err_kind kind, bool is_sync, const char *name)
{
	AUTO(waveform_free) struct waveform *waveform = NULL;

	open_all(&waveforms_table, true);
	table.pace.retry_first_ms = table.pace.retry_most_ms = 5;
	for (unsigned n = 1; n <= COUNT; n++)
		write_sound(n);
	blob_flaky_fail(env.store,
			&(struct blob_failure){
				.call = call, .count = 2, .kind = kind, .is_sync = is_sync });
	sweep_wake(waveforms);
	for (unsigned n = 1; n <= COUNT; n++)
		OK(becomes(n, RECORDING_WAVEFORM_STORED), "%s: %u gets it after all", name, n);
	waveform = file_of(1);
	OK(waveform != NULL, "%s: whole", name);
	close_all();
}

int main(void)
{
	read_sound();
	test_all(&waveforms_table);
	test_all(&waveforms_backlog_table);
	test_newest_first();
	test_newest_lost();
	test_not_decodable();
	test_other_length();
	test_lost();
	test_failures(BLOB_CALL_WRITE, ERR_UNAVAILABLE, false, "a full disk");
	test_failures(BLOB_CALL_SEAL, ERR_INTERNAL, true, "a sync that fails");
	test_failures(BLOB_CALL_OPEN_READ, ERR_SCARCE, false, "no descriptor is left");
	free(sound);
	return tap_end();
}
