/*
 * A ledger and a store are backed up, change, are backed up again, and brought back elsewhere.
 */
#include "backup/backup.h"

#include "accounts/credentials.h"
#include "backup/backup_check.h"
#include "backup/restore.h"
#include "base/clock.h"
#include "base/progress.h"
#include "blob/blob_local.h"
#include "blob_folder.h"
#include "catalog/recordings.h"
#include "catalog/recordings_digest.h"
#include "catalog/removals.h"
#include "chores/recordings_stored.h"
#include "chores/upkeep.h"
#include "db/db.h"
#include "ledger_fixture.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define NOON 1700000000000
#define MORE 5 /* recordings, of a backup of its own */

static struct err err;
static struct catalog *writer;
static struct blob_store *store;
static char data[64], to[64], back[64], ledger[80];

/* ---- what fails once, at the n-th time from now; 0: not ---- */

static int open_fails, open_number, sync_fails, read_fails;

static bool fails(int *countdown)
{
	return *countdown > 0 && --*countdown == 0;
}

int __real_folder_open_file(const char *path);
int __wrap_folder_open_file(const char *path);
bool __real_file_sync_folder(const char *path, struct err *why);
bool __wrap_file_sync_folder(const char *path, struct err *why);
bool __real_blob_open_read(struct blob_store *of, struct str name, int *out_fd, uint64_t *out_size,
			   struct err *why);
bool __wrap_blob_open_read(struct blob_store *of, struct str name, int *out_fd, uint64_t *out_size,
			   struct err *why);

int __wrap_folder_open_file(const char *path)
{
	if (!fails(&open_fails))
		return __real_folder_open_file(path);
	errno = open_number;
	return -1;
}

bool __wrap_file_sync_folder(const char *path, struct err *why)
{
	if (strcmp(path, folder) != 0 && strstr(path, "/restored") && fails(&sync_fails))
		return err_set(why, ERR_INTERNAL, "cannot sync '%s'", path);
	return __real_file_sync_folder(path, why);
}

bool __wrap_blob_open_read(struct blob_store *of, struct str name, int *out_fd, uint64_t *out_size,
			   struct err *why)
{
	if (fails(&read_fails))
		return err_set(why, ERR_SCARCE, "no descriptor is left");
	return __real_blob_open_read(of, name, out_fd, out_size, why);
}

/* ---- what there is to back up ---- */

static bool holds_in(const char *where, const char *line)
{
	AUTO(free) char *command = xasprintf("cd '%s' && %s", where, line);

	return system(command) == 0;
}

static void run_in(const char *where, const char *line)
{
	if (!holds_in(where, line))
		abort();
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	if (!file)
		abort();
	fputs(text, file);
	fclose(file);
}

static char *in(const char *where, const char *name)
{
	return xasprintf("%s/%s", where, name);
}

static bool is_there(const char *where, const char *name)
{
	AUTO(free) char *path = in(where, name);

	return access(path, F_OK) == 0;
}

static void path_of(unsigned n, int64_t generation, char out[BLOB_NAME_SIZE])
{
	char call[SID_SIZE], recording[SID_SIZE];

	MUST(blob_name_make(sid_text("CA", n, call), sid_text("RE", n, recording), generation,
			    STR("mp3"), out, &err));
}

/* Its file as the server stores it, of so many bytes. */
static void put_media(const char *name, unsigned n, int64_t generation)
{
	AUTO(blob_arriving_free) struct blob_arriving *arriving = NULL;
	char sid[SID_SIZE], text[64];

	snprintf(text, sizeof(text), "sound %u of generation %d", n, (int)generation);
	MUST(blob_arriving_open(store, sid_text("RE", n, sid), generation, &arriving, &err));
	MUST(blob_arriving_write(arriving, str_of(text), &err));
	if (blob_arriving_seal(arriving, str_of(name), &err) != BLOB_SEALED)
		abort();
}

static void mark_stored(unsigned n, int64_t generation)
{
	char sid[SID_SIZE], name[BLOB_NAME_SIZE], text[64];
	struct recording_media media = { .stored_at_ms = NOON,
					 .generation = generation,
					 .generation_at_ms = NOON,
					 .format = "mp3" };

	path_of(n, generation, name);
	media.path = name;
	media.size = (uint64_t)snprintf(text, sizeof(text), "sound %u of generation %d", n,
					(int)generation);
	put_media(name, n, generation);
	MUST(catalog_begin(writer, &err));
	MUST(recordings_mark_stored(writer, sid_text("RE", n, sid), &media, &err));
	MUST(catalog_commit(writer, &err));
}

static void announce(unsigned n)
{
	char call[SID_SIZE], recording[SID_SIZE];
	struct projection_result result;
	struct event event;
	int64_t seq;

	event_init(&event, EVENT_RECORDING_STATUS, NOON + n);
	event.call_sid = sid_text("CA", n, call);
	event.recording_sid = sid_text("RE", n, recording);
	event.status = STR("completed");
	MUST(catalog_begin(writer, &err));
	MUST(events_append(writer, &event, &seq, &err));
	MUST(projection_run(writer, PROJECTION_EVENTS_MAX, &result, &err));
	MUST(catalog_commit(writer, &err));
}

static void set_digest(unsigned n, int64_t generation)
{
	char sid[SID_SIZE], text[64], sha256[SHA256_HEX];
	uint8_t digest[SHA256_BYTES];
	struct buf hex;

	snprintf(text, sizeof(text), "sound %u of generation %d", n, (int)generation);
	sha256_of(str_of(text), digest);
	buf_over(&hex, sha256, sizeof(sha256));
	hex_add(&hex, digest, sizeof(digest));
	MUST(catalog_begin(writer, &err));
	MUST(recordings_set_digest(writer, sid_text("RE", n, sid), generation, sha256, &err));
	MUST(catalog_commit(writer, &err));
}

static void add_credential(enum credential_kind kind, const char *name)
{
	struct credential_row row = { .kind = kind, .made_at_ms = NOON };

	str_fit(str_of(name), row.name, sizeof(row.name));
	MUST(catalog_begin(writer, &err));
	MUST(credentials_add(writer, &row, &err));
	MUST(catalog_commit(writer, &err));
}

/* ---- backing up ---- */

/* What was heard last of what is wrong with the store, or with the backup. */
static struct {
	unsigned count;
	enum backup_finding finding;
	char path[BLOB_NAME_SIZE], reason[256];
} heard;

static void hear(enum backup_finding finding, const char *path, const char *reason)
{
	heard.count++;
	heard.finding = finding;
	str_fit(str_of(path), heard.path, sizeof(heard.path));
	str_fit(str_of(reason), heard.reason, sizeof(heard.reason));
}

/* That alone, since `heard` was emptied. */
static bool was_heard(enum backup_finding finding, const char *path, const char *why)
{
	return heard.count == 1 && heard.finding == finding && strcmp(heard.path, path) == 0 &&
	       strstr(heard.reason, why);
}

static struct {
	unsigned count;
	uint64_t done, all;
} shown;

static void show(struct progress *progress, uint64_t done, uint64_t all)
{
	shown.count++;
	shown.done = done;
	shown.all = all;
}

static unsigned told;
static void (*meanwhile)(void); /* once, at the next finding */

static void found_in_store(struct backup_watch *watch, enum backup_finding finding,
			   const char *path, const char *reason)
{
	told++;
	if (meanwhile)
		meanwhile();
	meanwhile = NULL;
	hear(finding, path, reason);
	printf("# finding %d: %s: %s\n", finding, path, reason);
}

static struct backup_watch watch = { found_in_store };

static struct backup_options options(void)
{
	return (struct backup_options){
		.ledger = ledger, .store = store, .folder = to, .watch = &watch
	};
}

static bool back_up(struct backup_report *report)
{
	struct backup_options now = options();

	return backup_make(&now, report, &err);
}

static void test_first(void)
{
	struct backup_report report;
	struct backup_options by_copy = options();
	AUTO(free) char *copy = in(to, "ledger.db");
	AUTO(free) char *command = xasprintf("cd %s && sha256sum --strict --quiet -c digests", to);

	struct progress progress = { show };
	int64_t began_ms = clock_wall_ms();
	struct stat about;

	OK(back_up(&report), "a backup is made: %s", err.text);
	OK(report.made_at_ms >= began_ms && report.made_at_ms <= clock_wall_ms(), "of now");
	OK(stat(to, &about) == 0 && (about.st_mode & 0777) == 0700, "in a folder for its owner");
	OK(stat(copy, &about) == 0 && (uint64_t)about.st_size == report.ledger_bytes,
	   "it tells how large its ledger is");
	OK(report.recordings == 3 && report.linked == 3 && report.copied == 0 && report.here == 0,
	   "of three recordings, by link");
	OK(is_there(to, "ledger.db") && is_there(to, "digests") && !is_there(to, "ledger.db.new"),
	   "it is where it belongs");
	OK(!is_there(to, "audit.key"), "no key is in it");
	IS_INT(system(command), 0, "sha256sum agrees");
	OK(back_up(&report) && report.here == 3 && report.linked == 0, "again: all are here");
	by_copy.copies = true;
	by_copy.folder = back;
	by_copy.media_progress = &progress;
	OK(backup_make(&by_copy, &report, &err) && report.copied == 3 && report.linked == 0,
	   "or by copy");
	IS_INT(report.copied_bytes, 3 * strlen("sound 1 of generation 11"), "of so many bytes");
	OK(shown.count == 4 && shown.done == 3 && shown.all == 3,
	   "which was shown from the first to the last");
	IS_INT(told, 0, "nothing is amiss");
}

/* Purged, and replaced by another generation, after the instant of the backup: as the ledger of now says. */
static void test_change(void)
{
	struct backup_report report;
	struct backup_options prunes = options();
	char name[BLOB_NAME_SIZE], sid[SID_SIZE];

	path_of(1, 11, name);
	MUST(catalog_begin(writer, &err));
	MUST(recordings_mark_purged(writer, sid_text("RE", 1, sid), NOON, &err));
	MUST(catalog_commit(writer, &err));
	MUST(blob_remove(store, str_of(name), &err));
	OK(back_up(&report) && report.recordings == 2 && report.here == 2, "one was purged");
	OK(told == 0 && report.gone == 0, "which is as it should be");
	OK(blob_name_is_valid(str_of(name)) && report.pruned == 0, "its copy stays");
	prunes.prunes = true;
	OK(backup_make(&prunes, &report, &err) && report.pruned == 1, "until it is asked to go: %s",
	   err.text);
	OK(backup_make(&prunes, &report, &err) && report.pruned == 0 && report.here == 2,
	   "and nothing else goes");
}

static void test_faults(void)
{
	struct backup_report report;
	struct backup_options fresh = options();
	AUTO(free) char *other = in(folder, "other");
	AUTO(free) char *moved = in(folder, "moved");
	AUTO(free) char *recordings = in(data, "recordings");
	AUTO(free) char *path = NULL;
	char name[BLOB_NAME_SIZE];

	fresh.folder = other;
	fresh.copies = true;
	heard.count = 0;
	path_of(2, 12, name);
	MUST(blob_path(store, str_of(name), &path, &err));
	unlink(path); /* the backup's is the same file */
	write_file(path, "sound 2 of generation XX");
	OK(back_up(&report) && report.here == 2, "what was backed up is not looked at again");
	OK(backup_make(&fresh, &report, &err) && report.findings[BACKUP_DAMAGED] == 1 && told == 1,
	   "other bytes than were stored");
	OK(was_heard(BACKUP_DAMAGED, name, "its bytes are not those that were stored"),
	   "which is told: %s", heard.reason);
	write_file(path, "short");
	OK(backup_make(&fresh, &report, &err) && report.findings[BACKUP_DAMAGED] == 1 && told == 2,
	   "another size");
	OK(strstr(heard.reason, "another size"), "which is told, too: %s", heard.reason);
	unlink(path);
	if (symlink(path, path) < 0)
		abort();
	OK(backup_make(&fresh, &report, &err) && report.findings[BACKUP_DAMAGED] == 1 &&
		   report.findings[BACKUP_MISSING] == 0 && told == 3,
	   "one that cannot be opened: %s", heard.reason);
	unlink(path);
	heard.count = 0;
	OK(backup_make(&fresh, &report, &err) && report.findings[BACKUP_MISSING] == 1 &&
		   told == 4 && report.here == 1,
	   "no file at all; the other is here");
	OK(was_heard(BACKUP_MISSING, name, "the store does not have it"), "which is told: %s",
	   heard.reason);
	if (rename(recordings, moved) < 0)
		abort();
	blob_store_free(TAKE(store));
	MUST(blob_local_open(data, &store,
			     &err)); /* an empty folder, as of a disk that is not mounted */
	fresh.store = store;
	free(TAKE(other));
	other = in(folder, "third");
	fresh.folder = other;
	OK(!backup_make(&fresh, &report, &err) && err.kind == ERR_UNAVAILABLE,
	   "the whole store is away: %s", err.text);
	OK(!is_there(other, "ledger.db.new"), "and nothing is left that takes room");
	blob_store_free(TAKE(store));
	if (rmdir(recordings) < 0 || rename(moved, recordings) < 0)
		abort();
	MUST(blob_local_open(data, &store, &err));
}

static bool belongs_to(const char *where, const char *name, uid_t owner)
{
	AUTO(free) char *path = in(where, name);
	struct stat about;

	return lstat(path, &about) == 0 && S_ISREG(about.st_mode) &&
	       (about.st_mode & 0777) == 0600 && about.st_uid == owner;
}

/* The owner of the folder is not believed by who backs up, which may be root. */
static void test_links(void)
{
	struct backup_report report;
	AUTO(free) char *victim = in(folder, "victim");
	AUTO(free) char *list = in(to, "digests.new");
	AUTO(free) char *copy = in(to, "ledger.db.new");
	AUTO(free) char *lock = in(to, "lock");
	uid_t owner = geteuid() == 0 ? 65534 : geteuid();
	struct stat about;

	if (unlink(lock) < 0 || symlink(victim, lock) < 0)
		abort();
	OK(!back_up(&report) && access(victim, F_OK) < 0, "its lock is a link: %s", err.text);
	unlink(lock);
	write_file(victim, "precious");
	if (symlink(victim, list) < 0 || symlink(victim, copy) < 0 || chown(to, owner, -1) < 0)
		abort();
	OK(back_up(&report), "links where it writes: %s", err.text);
	OK(stat(victim, &about) == 0 && about.st_size == 8, "are not followed");
	OK(belongs_to(to, "digests", owner) && belongs_to(to, "ledger.db", owner),
	   "and all is for the owner of the folder, alone");
	if (chown(to, geteuid(), -1) < 0)
		abort();
}

static void lose_third(void)
{
	struct recording seen;
	char sid[SID_SIZE], name[BLOB_NAME_SIZE];

	path_of(3, 13, name);
	MUST(catalog_begin(writer, &err));
	MUST(recordings_find(writer, sid_text("RE", 3, sid), &seen, &err));
	MUST(recordings_mark_lost(writer, &seen, NOON, "it is not there", &err));
	MUST(catalog_commit(writer, &err));
	MUST(blob_remove(store, str_of(name), &err));
}

/* The file of the second is not in the store; that of the third goes while the backup is made. */
static void test_lost(void)
{
	struct backup_report report;
	struct backup_options lost = options();
	AUTO(free) char *fresh = in(folder, "lost");
	AUTO(free) char *recordings = in(to, "recordings");
	AUTO(free) char *path = NULL;
	char name[BLOB_NAME_SIZE];

	path_of(3, 13, name);
	path = in(recordings, name);
	lost.folder = fresh;
	meanwhile = lose_third;
	OK(backup_make(&lost, &report, &err) && report.findings[BACKUP_MISSING] == 2 &&
		   report.gone == 0,
	   "what a play found lost meanwhile is missing, and has not gone");
	lost.folder = to;
	lost.prunes = true;
	OK(backup_make(&lost, &report, &err) && report.pruned == 0 && access(path, F_OK) == 0,
	   "the last copy of what was lost is not pruned: %s", err.text);
	mark_stored(3, 14);
	path_of(3, 14, name);
	OK(backup_make(&lost, &report, &err) && report.pruned == 1 && access(path, F_OK) < 0,
	   "until it is stored and backed up anew: %s", err.text);
	free(TAKE(path));
	path = in(recordings, name);
	OK(access(path, F_OK) == 0, "which stays");
}

static void purge(unsigned n, int64_t generation)
{
	char sid[SID_SIZE], name[BLOB_NAME_SIZE];

	path_of(n, generation, name);
	MUST(catalog_begin(writer, &err));
	MUST(recordings_mark_purged(writer, sid_text("RE", n, sid), NOON, &err));
	MUST(catalog_commit(writer, &err));
	MUST(blob_remove(store, str_of(name), &err));
}

static void go_on(void)
{
	char sid[SID_SIZE], name[BLOB_NAME_SIZE];

	purge(5, 15);
	MUST(catalog_begin(writer, &err));
	MUST(recordings_requeue(writer, sid_text("RE", 6, sid), NOON, &err));
	MUST(catalog_commit(writer, &err));
	mark_stored(6, 26);
	path_of(6, 16, name);
	MUST(blob_remove(store, str_of(name), &err));
}

/* While a backup is made, the server goes on: one is purged, one is replaced by another generation. */
static void test_gone(void)
{
	struct backup_report report;
	struct backup_options gone = options();
	AUTO(free) char *fresh = in(folder, "gone");

	announce(5);
	mark_stored(5, 15);
	announce(6);
	mark_stored(6, 16);
	announce(7);
	mark_stored(7, 17);
	gone.folder = fresh;
	meanwhile = go_on;
	OK(backup_make(&gone, &report, &err) && report.recordings == 5 && report.gone == 2 &&
		   report.findings[BACKUP_MISSING] == 1 && report.linked == 2,
	   "what the server removed since is told, and not missed: %s", err.text);
	purge(6, 26);
	purge(7, 17);
}

static void test_refused(void)
{
	struct backup_report report;
	struct backup_options wrong = options();
	AUTO(free) char *list = in(to, "digests");
	AUTO(free) char *lock = in(to, "lock");
	AUTO(free) char *stray = in(to, "holiday.jpg");
	AUTO(free) char *none = in(folder, "none");
	AUTO(close) int fd = -1;

	wrong.ledger = "/nonexistent/ledger.db";
	wrong.folder = none;
	OK(!backup_make(&wrong, &report, &err) && err.kind == ERR_NOT_FOUND &&
		   access(none, F_OK) < 0,
	   "no ledger: %s", err.text);
	wrong = options();
	wrong.folder = data;
	OK(!backup_make(&wrong, &report, &err) && err.kind == ERR_CONFLICT,
	   "into a data folder: %s", err.text);
	if (mkdir(none, 0700) < 0)
		abort();
	run_in(none, "echo > ledger.db");
	wrong.folder = none;
	OK(!backup_make(&wrong, &report, &err) && err.kind == ERR_CONFLICT &&
		   strstr(err.text, "is no backup"),
	   "beside a ledger that is none of a backup: %s", err.text);
	run_in(none, "rm ledger.db && mkdir lost+found");
	OK(backup_make(&wrong, &report, &err), "a disk of its own is empty: %s", err.text);
	write_file(stray, "x");
	OK(!back_up(&report) && err.kind == ERR_CONFLICT, "into somebody's folder: %s", err.text);
	unlink(stray);
	MUST(file_take_lock(lock, &fd, &err));
	OK(!back_up(&report) && err.kind == ERR_CONFLICT, "while another is made: %s", err.text);
}

/* More room than any disk has is to be left for the ledger: on its own disk alone. */
static void test_room(void)
{
	char elsewhere[] = "/dev/shm/callspool-test.XXXXXX";
	struct backup_report report;
	struct backup_options tight = options();
	AUTO(free) char *full = in(folder, "full");
	struct stat here, there;

	tight.keep_free_bytes = UINT64_C(1) << 60;
	tight.folder = full;
	OK(!backup_make(&tight, &report, &err) && err.kind == ERR_UNAVAILABLE,
	   "beside the ledger: %s", err.text);
	if (!mkdtemp(elsewhere) || stat(folder, &here) < 0 || stat(elsewhere, &there) < 0)
		abort();
	if (here.st_dev != there.st_dev) {
		tight.folder = elsewhere;
		OK(backup_make(&tight, &report, &err) && report.copied > 0 && report.linked == 0,
		   "on another disk it does not matter: %s", err.text);
	} else {
		printf("# /dev/shm is no disk of its own: not looked at\n");
	}
	nftw(elsewhere, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* The ledger goes back in time, or is another one: what is newer is not written over. */
static void test_older(void)
{
	struct backup_report report;
	AUTO(free) char *list = in(to, "digests");
	AUTO(free) char *kept = in(to, "digests.new");

	if (rename(list, kept) < 0)
		abort();
	write_file(list,
		   "# callspool-backup 1 sequence=999999 made=2026-11-28T14:06:53.123Z\n"
		   "0011223344556677889900112233445566778899001122334455667788990011  ledger.db\n"
		   "# end\n");
	OK(!back_up(&report) && err.kind == ERR_CONFLICT, "the backup is of a later state: %s",
	   err.text);
	if (rename(kept, list) < 0)
		abort();
	OK(back_up(&report), "else it is replaced: %s", err.text);
}

/* ---- bringing back ---- */

static char restored[64];

static void found_in_backup(struct backup_watch *of, enum backup_finding finding, const char *path,
			    const char *reason)
{
	hear(finding, path, reason);
}

static bool bring_back(struct restore_report *report, bool ends_all)
{
	struct progress progress = { show };
	struct backup_watch hears = { .found = found_in_backup };
	const struct restore_options now = { .folder = to,
					     .data_dir = restored,
					     .ends_all = ends_all,
					     .watch = &hears,
					     .progress = &progress };

	heard.count = 0;
	return restore_run(&now, report, &err);
}

static void empty(const char *path)
{
	AUTO(free) char *command = xasprintf("rm -rf '%s'", path);

	if (system(command) != 0)
		abort();
}

static void test_restore(void)
{
	AUTO(free) char *path = in(restored, "ledger.db");
	struct restore_report report;
	struct catalog *catalog = NULL;
	int64_t before = 0, after = 0, count = 0;
	struct upkeep pause;
	struct stat about;

	MUST(catalog_sequence(writer, &before, &err));
	OK(bring_back(&report, false), "it is restored: %s", err.text);
	OK(report.recordings == 2 && report.queued == 0, "all of it");
	IS_INT(report.bytes, 2 * strlen("sound 2 of generation 12"), "so many bytes");
	OK(report.made_at_ms > NOON && report.made_at_ms <= clock_wall_ms(), "of that instant");
	OK(shown.done == 2 && shown.all == 2, "which was shown");
	IS_INT(heard.count, 0, "and nothing is wrong");
	OK(stat(path, &about) == 0 && (about.st_mode & 0777) == 0600, "for its owner alone");
	OK(!is_there(restored, RESTORE_UNFINISHED) &&
		   !is_there(restored, RESTORE_UNFINISHED "-wal"),
	   "and come to its end");
	MUST(catalog_open(path, CATALOG_READ, &catalog, &err));
	MUST(catalog_sequence(catalog, &after, &err));
	OK(after >= before + CATALOG_LEAP, "numbers leap");
	OK(report.sessions_ended == 4 && report.tokens == 1 && report.links == 1,
	   "sessions end, tokens and links do not");
	MUST(credentials_count_kind(catalog, CREDENTIAL_SESSION, &count, &err));
	IS_INT(count, 0, "none is left");
	MUST(upkeep_find(catalog, UPKEEP_PURGE_PAUSE, &pause, &err));
	OK(pause.at_ms != 0 && pause.count == UPKEEP_PAUSE_RESTORED,
	   "nothing is removed by age for a while");
	catalog_free(catalog);
	OK(!bring_back(&report, false) && err.kind == ERR_CONFLICT, "not over what is there: %s",
	   err.text);
	run_in(restored,
	       "rm -f ledger.db-* && mv ledger.db " RESTORE_UNFINISHED
	       " && echo > " RESTORE_UNFINISHED "-wal && touch reserve audit.key && mkdir keys");
	OK(bring_back(&report, false) && report.recordings == 2 && report.bytes == 0 &&
		   report.sessions_ended == 4,
	   "one that was killed goes on where it was: %s", err.text);
	run_in(restored, "rm ledger.db*");
	OK(!bring_back(&report, false) && err.kind == ERR_CONFLICT &&
		   strstr(err.text, "recordings"),
	   "recordings that nobody knows of are in the way: %s", err.text);
	run_in(restored, "rm -r recordings arriving");
	OK(bring_back(&report, false) && report.recordings == 2,
	   "keys that were brought first are not: %s", err.text);
	empty(restored);
	OK(bring_back(&report, true) && report.tokens == 0 && report.links == 0,
	   "where it is asked for, tokens and links end, too: %s", err.text);
	empty(restored);
}

static void test_restore_refused(void)
{
	AUTO(free) char *lock = in(restored, "lock");
	AUTO(free) char *db = in(to, "ledger.db");
	AUTO(free) char *new = in(to, "ledger.db.new");
	AUTO(free) char *good = in(folder, "good.db");
	const struct restore_options none = { .folder = restored, .data_dir = restored };
	struct backup_options full = options();
	struct restore_report report;
	struct backup_report again;
	AUTO(close) int fd = -1;

	OK(!restore_run(&none, &report, &err) && err.kind == ERR_NOT_FOUND, "no backup: %s",
	   err.text);
	if (mkdir(restored, 0700) < 0)
		abort();
	MUST(file_take_lock(lock, &fd, &err));
	OK(!bring_back(&report, false) && err.kind == ERR_CONFLICT, "a server runs there: %s",
	   err.text);
	close(TAKE_FD(fd));
	if (rename(db, good) < 0)
		abort();
	write_file(db, "an older ledger");
	OK(!bring_back(&report, false) && err.kind == ERR_INVALID,
	   "another ledger than was written: %s", err.text);
	OK(!is_there(restored, RESTORE_UNFINISHED), "of which nothing is begun");
	if (unlink(db) < 0 || mkfifo(db, 0600) < 0)
		abort();
	OK(!bring_back(&report, false) && err.kind == ERR_INVALID,
	   "a pipe in its place, that nobody writes to: %s", err.text);
	unlink(db);
	/* As who was killed after the list was renamed leaves it. */
	if (rename(good, new) < 0)
		abort();
	OK(bring_back(&report, false), "the list's ledger has not got its name yet: %s", err.text);
	empty(restored);
	full.keep_free_bytes = UINT64_MAX / 2;
	OK(!backup_make(&full, &again, &err) && err.kind == ERR_UNAVAILABLE,
	   "no room for the next: %s", err.text);
	OK(bring_back(&report, false), "which leaves it as it is: %s", err.text);
	OK(back_up(&again) && !is_there(to, "ledger.db.new"), "and the next replaces it: %s",
	   err.text);
	empty(restored);
}

static void make_newer(const char *path)
{
	struct db *db = NULL;

	MUST(db_open(path, DB_WRITE, &db, &err));
	MUST(db_begin(db, &err));
	MUST(db_exec(db, "INSERT INTO schema_version (version) VALUES (9999)", &err));
	MUST(db_commit(db, &err));
	db_free(db);
	run_in(to, "sed -i \"2s/^[0-9a-f]*/$(sha256sum < ledger.db | cut -c 1-64)/\" digests");
}

static void test_restore_newer(void)
{
	AUTO(free) char *path = in(to, "ledger.db");
	AUTO(free) char *recordings = in(restored, "recordings");
	AUTO(free) char *marker = in(restored, RESTORE_UNFINISHED);
	struct restore_report report;

	run_in(to, "cp ledger.db digests ..");
	make_newer(path);
	OK(!bring_back(&report, false) && err.kind == ERR_INVALID, "of a newer callspool: %s",
	   err.text);
	OK(access(marker, F_OK) < 0, "nothing is begun that would have to be finished");
	if (mkdir(recordings, 0700) < 0)
		abort();
	write_file(marker, "as one that was killed left it");
	OK(!bring_back(&report, false) && err.kind == ERR_INVALID, "in place of another: %s",
	   err.text);
	OK(access(marker, F_OK) == 0, "the half that is there says that it is one");
	run_in(to, "mv ../ledger.db ../digests .");
	OK(bring_back(&report, false) && report.recordings == 2, "and is finished: %s", err.text);
	empty(restored);
}

/* What cannot be written here is no fault of the backup: nothing is restored, and a second try goes on. */
static void test_restore_hindered(void)
{
	AUTO(free)
	char *place = in(restored, "recordings"), *ledger_path = in(restored, "ledger.db");
	AUTO(free) char *hindrance = NULL, *begun = in(restored, RESTORE_UNFINISHED);
	char name[BLOB_NAME_SIZE];
	struct restore_report report;

	path_of(3, 14, name);
	hindrance = xasprintf("%s/%s", place, name);
	if (mkdir(restored, 0700) < 0 || mkdir(place, 0700) < 0)
		abort();
	write_file(begun, "");
	run_in(place, "mkdir 00");
	if (mkdir(hindrance, 0700) < 0)
		abort();
	OK(!bring_back(&report, false) && access(ledger_path, F_OK) < 0,
	   "a folder lies where a file should be: %s", err.text);
	rmdir(hindrance);
	OK(bring_back(&report, false) && report.recordings == 2 && access(ledger_path, F_OK) == 0,
	   "without it all of it is brought back: %s", err.text);
	empty(restored);
}

static void test_restore_damaged(void)
{
	AUTO(free) char *path = NULL, *ledger_path = in(restored, "ledger.db");
	char name[BLOB_NAME_SIZE], sid[SID_SIZE];
	struct backup_watch hears = { .found = found_in_backup };
	struct progress progress = { show };
	struct backup_check_report check;
	struct restore_report report;
	struct catalog *catalog = NULL;
	struct recording recording;

	path_of(3, 14, name);
	path = xasprintf("%s/recordings/%s", to, name);
	OK(backup_check(to, &progress, &hears, &check, &err) && check.recordings == 2 &&
		   check.findings[BACKUP_MISSING] + check.findings[BACKUP_DAMAGED] == 0,
	   "a backup is checked: %s", err.text);
	OK(check.made_at_ms > NOON && shown.done == 2 && shown.all == 2, "all of it is shown");
	heard.count = 0;
	if (unlink(path) < 0 || mkfifo(path, 0600) < 0)
		abort();
	OK(backup_check(to, NULL, &hears, &check, &err) && check.findings[BACKUP_DAMAGED] == 1,
	   "a pipe is no recording, and nobody waits for it");
	OK(was_heard(BACKUP_DAMAGED, name, "cannot be opened"), "which is told: %s", heard.reason);
	OK(bring_back(&report, false) && report.findings[BACKUP_DAMAGED] == 1 && report.queued == 1,
	   "nor does a restore: %s", err.text);
	OK(was_heard(BACKUP_DAMAGED, name, ""), "which tells it: %s", heard.reason);
	empty(restored);
	unlink(path);
	heard.count = 0;
	OK(backup_check(to, NULL, &hears, &check, &err) && check.findings[BACKUP_MISSING] == 1 &&
		   check.recordings == 2,
	   "a file is missing");
	OK(was_heard(BACKUP_MISSING, name, ""), "which is told: %s", heard.reason);
	OK(bring_back(&report, false) && report.findings[BACKUP_MISSING] == 1 &&
		   report.queued == 1 && report.recordings == 1,
	   "which a restore finds, too: %s", err.text);
	OK(was_heard(BACKUP_MISSING, name, "does not have it"), "and tells: %s", heard.reason);
	empty(restored);
	write_file(path, "sound 3 of generation XX");
	heard.count = 0;
	OK(backup_check(to, NULL, &hears, &check, &err) && check.findings[BACKUP_DAMAGED] == 1,
	   "a file is damaged");
	OK(was_heard(BACKUP_DAMAGED, name, "not those that were backed up"), "which is told: %s",
	   heard.reason);
	OK(bring_back(&report, false) && report.findings[BACKUP_DAMAGED] == 1 && report.queued == 1,
	   "which a restore finds");
	OK(was_heard(BACKUP_DAMAGED, name, "not those that were backed up"), "and tells: %s",
	   heard.reason);
	MUST(catalog_open(ledger_path, CATALOG_READ, &catalog, &err));
	MUST(recordings_find(catalog, sid_text("RE", 3, sid), &recording, &err));
	IS_INT(recording.state, RECORDING_QUEUED, "it is fetched again");
	catalog_free(catalog);
	empty(restored);
}

/* A line of the list that is none: what lies behind it is not known, so that nothing is said to be whole. */
static void test_list_damaged(void)
{
	struct backup_check_report check;
	struct restore_report report;

	run_in(to, "cp digests ../kept && sed -i '3s/recordings/elsewhere/' digests");
	OK(!backup_check(to, NULL, NULL, &check, &err) && err.kind == ERR_INVALID,
	   "a line names what is none of the store's: %s", err.text);
	OK(!bring_back(&report, false) && err.kind == ERR_INVALID, "nor is it restored: %s",
	   err.text);
	OK(is_there(restored, RESTORE_UNFINISHED) && !is_there(restored, "ledger.db"),
	   "what was begun says that it is half");
	run_in(to, "mv ../kept digests");
	OK(bring_back(&report, false) && report.recordings > 0, "with the list it is whole: %s",
	   err.text);
	empty(restored);
}

/* Nothing is given up for what says nothing of the files: the same again goes on. */
static void test_for_now(void)
{
	static const int numbers[] = { EMFILE, ENOMEM, EACCES, ESTALE, ETIMEDOUT };
	AUTO(free) char *fresh = in(folder, "for-now");
	AUTO(free) char *digests = in(fresh, "digests");
	AUTO(free) char *ledger_path = in(restored, "ledger.db");
	struct restore_options again = { .folder = fresh, .data_dir = restored };
	struct backup_options all = options();
	struct backup_report report;
	struct restore_report brought;

	for (unsigned n = 20; n < 20 + MORE; n++) {
		announce(n);
		mark_stored(n, n);
	}
	all.folder = fresh;
	read_fails = 3;
	OK(!backup_make(&all, &report, &err) && err.kind == ERR_SCARCE && access(digests, F_OK) < 0,
	   "no descriptor for a moment: the backup has not come to its end: %s", err.text);
	OK(backup_make(&all, &report, &err) && report.findings[BACKUP_DAMAGED] == 0,
	   "and the next one is whole: %s", err.text);

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		open_fails = 5; /* the list and the ledger are the first ones */
		open_number = numbers[i];
		OK(!restore_run(&again, &brought, &err) && access(ledger_path, F_OK) < 0,
		   "a file cannot be opened just now, nothing is given up: %s", err.text);
		IS_INT(brought.findings[BACKUP_DAMAGED], 0, "nor is it told as damaged");
	}
	run_in(fresh, "mv recordings elsewhere && mkdir recordings");
	empty(restored);
	OK(!restore_run(&again, &brought, &err) && err.kind == ERR_UNAVAILABLE &&
		   access(ledger_path, F_OK) < 0,
	   "the backup's disk is not mounted: %s", err.text);
	run_in(fresh, "rmdir recordings && touch recordings");
	OK(!restore_run(&again, &brought, &err) && access(ledger_path, F_OK) < 0,
	   "nor can it be read: %s", err.text);
	run_in(fresh, "rm recordings && mkdir recordings");
	again.though_files_missing = true;
	OK(restore_run(&again, &brought, &err) && brought.recordings == 0 && brought.queued >= MORE,
	   "they are lost, a person says: all are fetched again: %s", err.text);
	again.though_files_missing = false;
	empty(restored);
	OK(!restore_run(&again, &brought, &err), "once more not: %s", err.text);
	run_in(fresh, "rmdir recordings && mv elsewhere recordings");
	OK(restore_run(&again, &brought, &err) && brought.queued <= 1 &&
		   brought.findings[BACKUP_MISSING] == 0,
	   "it is back, and the same again brings all of it: %s", err.text);
	empty(restored);
}

/* The last step: that the ledger has its name. */
static void test_named(void)
{
	AUTO(free) char *fresh = in(folder, "for-now");
	AUTO(free) char *ledger_path = in(restored, "ledger.db");
	const struct restore_options again = { .folder = fresh, .data_dir = restored };
	struct restore_report brought;

	empty(restored);
	sync_fails = 1;
	OK(!restore_run(&again, &brought, &err) && access(ledger_path, F_OK) < 0,
	   "its folder cannot be synced: it is not called restored: %s", err.text);
	OK(restore_run(&again, &brought, &err) && access(ledger_path, F_OK) == 0,
	   "and the same again goes on: %s", err.text);
	empty(restored);
}

#define ALL_THEIRS "test -f lock -a -d recordings -a -z \"$(find . ! -uid 65534 ! -links +1)\""

/* Root brings it back into a folder of the server's user, who opens and removes all of it. */
static void test_of_another_user(void)
{
	AUTO(free) char *fresh = in(folder, "for-now");
	AUTO(free) char *theirs = in(folder, "theirs");
	const struct restore_options again = { .folder = fresh, .data_dir = restored };
	struct backup_options all = options();
	struct backup_report report;
	struct restore_report brought;

	if (geteuid() != 0)
		return;
	empty(restored);
	if (mkdir(restored, 0700) < 0 || chown(restored, 65534, 65534) < 0 ||
	    mkdir(theirs, 0700) < 0 || chown(theirs, 65534, 65534) < 0)
		abort();
	OK(restore_run(&again, &brought, &err), "root restores: %s", err.text);
	OK(holds_in(restored, ALL_THEIRS), "all of it is that user's");
	all.folder = theirs;
	OK(backup_make(&all, &report, &err), "and makes a backup: %s", err.text);
	OK(holds_in(theirs, ALL_THEIRS), "which is that user's, too");
	empty(restored);
}

/* A page of the ledger holds 256: of two full ones, and none more, each is looked at once, there and back. */
static void test_pages(void)
{
	struct progress progress = { show };
	struct backup_options many = options();
	AUTO(free) char *fresh = in(folder, "many");
	struct projection_result result;
	struct backup_report report;
	struct restore_report back_again;
	struct restore_options brought = { .folder = fresh, .data_dir = restored };
	char call[SID_SIZE], sid[SID_SIZE], name[BLOB_NAME_SIZE];
	struct recording_media media = { .stored_at_ms = NOON,
					 .generation_at_ms = NOON,
					 .size = 9,
					 .format = "mp3",
					 .path = name };
	struct event event;
	int64_t seq;

	MUST(catalog_begin(writer, &err));
	for (unsigned n = 100; n < 100 + 512 - 2 - MORE; n++) {
		event_init(&event, EVENT_RECORDING_STATUS, NOON + n);
		event.call_sid = sid_text("CA", n, call);
		event.recording_sid = sid_text("RE", n, sid);
		event.status = STR("completed");
		MUST(events_append(writer, &event, &seq, &err));
	}
	do
		MUST(projection_run(writer, PROJECTION_EVENTS_MAX, &result, &err));
	while (result.more);
	for (unsigned n = 100; n < 100 + 512 - 2 - MORE; n++) {
		path_of(n, n, name);
		media.generation = n;
		MUST(recordings_mark_stored(writer, sid_text("RE", n, sid), &media, &err));
	}
	MUST(catalog_commit(writer, &err));
	many.folder = fresh;
	many.watch = NULL;
	OK(backup_make(&many, &report, &err) && report.recordings == 512 &&
		   report.findings[BACKUP_MISSING] + report.linked == 512,
	   "of two pages each is taken or missed, once: %s", err.text);
	brought.progress = &progress;
	OK(restore_run(&brought, &back_again, &err) && shown.done == shown.all &&
		   back_again.recordings == report.linked &&
		   back_again.recordings + back_again.queued == 512,
	   "and is there again, or fetched: %s", err.text);
	empty(restored);
}

int main(void)
{
	AUTO(free) char *key = NULL;

	folder_make();
	snprintf(data, sizeof(data), "%s/data", folder);
	snprintf(to, sizeof(to), "%s/backup", folder);
	snprintf(back, sizeof(back), "%s/by-copy", folder);
	snprintf(restored, sizeof(restored), "%s/restored", folder);
	snprintf(ledger, sizeof(ledger), "%s/ledger.db", data);
	MUST(blob_local_open(data, &store, &err));
	MUST(catalog_open(ledger, CATALOG_WRITE, &writer, &err));
	key = in(data, "audit.key");
	write_file(key, "secret");
	for (unsigned n = 1; n <= 3; n++) {
		announce(n);
		mark_stored(n, 10 + n);
	}
	set_digest(2, 12);
	announce(4);
	add_credential(CREDENTIAL_SESSION, "session1");
	add_credential(CREDENTIAL_DEVICE, "device01");
	add_credential(CREDENTIAL_VISIT, "visit001");
	add_credential(CREDENTIAL_INVITATION, "invited1");
	add_credential(CREDENTIAL_TOKEN, "token001");
	add_credential(CREDENTIAL_LINK, "link0001");
	test_first();
	test_change();
	test_faults();
	test_links();
	test_lost();
	test_gone();
	test_refused();
	test_room();
	test_older();
	test_restore();
	test_restore_refused();
	test_restore_newer();
	test_restore_hindered();
	test_restore_damaged();
	test_list_damaged();
	test_for_now();
	test_named();
	test_of_another_user();
	test_pages();
	catalog_free(writer);
	blob_store_free(store);
	folder_remove();
	return tap_end();
}
