#include "backup/landing.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "blob/blob.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define FILE_MODE   0600
#define FOLDER_MODE 0700
#define PIECE_BYTES (256 * 1024) /* read at once */
/* Synced together.  More would spare little, and a crash would cost as much more. */
#define BATCH_FILES 32
#define BATCH_BYTES (64 * 1024 * 1024)

struct landing_file {
	int fd;
	char name[BLOB_NAME_SIZE];
};

struct landing {
	int folder_fd, recordings_fd, arriving_fd;
	uid_t owner;
	gid_t group;
	uint64_t keep_free_bytes;
	struct landing_file batch[BATCH_FILES];
	size_t count;
	uint64_t bytes;       /* of the batch */
	bool is_touched[256]; /* recordings/00 .. ff: hold names that are not synced */
	char *piece;
};

static bool fail(struct err *err, const char *what, const char *name)
{
	int number = errno;

	err_errno(err, "cannot %s '%s'", what, name);
	if (number == ENOSPC || number == EDQUOT)
		err->kind = ERR_UNAVAILABLE;
	return false;
}

/* ---- folders ---- */

static bool give_away(const struct landing *landing, int fd, const char *name, struct err *err)
{
	return geteuid() != 0 || fchown(fd, landing->owner, landing->group) == 0 ||
	       fail(err, "hand over", name);
}

static int open_folder(int at_fd, const char *name)
{
	return openat(at_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static bool make_folder(const struct landing *landing, int at_fd, const char *name, int *out_fd,
			struct err *err)
{
	bool is_new = mkdirat(at_fd, name, FOLDER_MODE) == 0;
	AUTO(close) int fd = -1;

	if (!is_new && errno != EEXIST)
		return fail(err, "make the folder", name);
	fd = open_folder(at_fd, name);
	if (fd < 0)
		return fail(err, "open the folder", name);
	if (is_new && !give_away(landing, fd, name, err))
		return false;
	*out_fd = TAKE_FD(fd);
	return true;
}

static void close_list(DIR *list)
{
	if (list)
		closedir(list);
}
DEFINE_AUTO(DIR *, close_list)

static bool sweep_arriving(struct landing *landing, struct err *err)
{
	AUTO(close) int fd = open_folder(landing->folder_fd, "arriving");
	AUTO(close_list) DIR *list = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!list)
		return fail(err, "read the folder", "arriving");
	fd = -1; /* the list's now */
	while ((errno = 0, entry = readdir(list))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (unlinkat(landing->arriving_fd, entry->d_name, 0) < 0)
			return fail(err, "remove what was left in arriving/", entry->d_name);
	}
	return errno == 0 || fail(err, "read the folder", "arriving");
}

static bool open_all(struct landing *landing, const char *folder, struct err *err)
{
	struct stat about;

	landing->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (landing->folder_fd < 0 || fstat(landing->folder_fd, &about) < 0)
		return fail(err, "open the folder", folder);
	landing->owner = about.st_uid;
	landing->group = about.st_gid;
	return make_folder(landing, landing->folder_fd, "recordings", &landing->recordings_fd,
			   err) &&
	       make_folder(landing, landing->folder_fd, "arriving", &landing->arriving_fd, err) &&
	       sweep_arriving(landing, err);
}

bool landing_open(const char *folder, struct landing **out, struct err *err)
{
	AUTO(landing_free) struct landing *landing = xcalloc(1, sizeof(*landing));

	landing->folder_fd = landing->recordings_fd = landing->arriving_fd = -1;
	landing->piece = xmalloc(PIECE_BYTES);
	if (!open_all(landing, folder, err))
		return false;
	*out = TAKE(landing);
	return true;
}

void landing_keep_free(struct landing *landing, uint64_t bytes)
{
	landing->keep_free_bytes = bytes;
}

/* ---- names ---- */

static unsigned folder_number(const char *name)
{
	return (unsigned)(ascii_hex_value(name[0]) * 16 + ascii_hex_value(name[1]));
}

/* recordings/3f, for a name within it. */
static bool ready_folder(struct landing *landing, const char *name, struct err *err)
{
	const char folder[] = { name[0], name[1], '\0' };
	AUTO(close) int fd = -1;

	if (landing->is_touched[folder_number(name)])
		return true;
	if (!make_folder(landing, landing->recordings_fd, folder, &fd, err))
		return false;
	landing->is_touched[folder_number(name)] = true;
	return true;
}

/* "CA3f….RE….17.mp3": behind the SIDs.  Names that hold none are of an old ledger, and were written twice. */
static bool holds_generation(const char *name)
{
	const char *format = strrchr(name, '.');
	const char *at = format;

	while (at && at > name && at[-1] != '.')
		at--;
	return at && at > name && ascii_is_digit(*at);
}

bool landing_find(const struct landing *landing, const char *name, uint64_t size, bool *out_holds,
		  struct err *err)
{
	struct stat about;
	bool is_there = fstatat(landing->recordings_fd, name, &about, AT_SYMLINK_NOFOLLOW) == 0;

	if (!is_there && errno != ENOENT)
		return fail(err, "look at", name);
	*out_holds = is_there && S_ISREG(about.st_mode) && (uint64_t)about.st_size == size;
	return true;
}

bool landing_holds(const struct landing *landing, const char *name, uint64_t size)
{
	struct err ignored;
	bool holds;

	return landing_find(landing, name, size, &holds, &ignored) && holds;
}

/* Who renamed it may have been killed before its folder was synced. */
bool landing_has(struct landing *landing, const char *name, uint64_t size)
{
	if (!holds_generation(name) || !landing_holds(landing, name, size))
		return false;
	landing->is_touched[folder_number(name)] = true;
	return true;
}

int landing_reader(const struct landing *landing, const char *name)
{
	return openat(landing->recordings_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
}

bool landing_remove(struct landing *landing, const char *name, struct err *err)
{
	if (unlinkat(landing->recordings_fd, name, 0) < 0 && errno != ENOENT)
		return fail(err, "remove", name);
	landing->is_touched[folder_number(name)] = true;
	return true;
}

/* ---- by link ---- */

bool landing_link(struct landing *landing, const char *path, const char *name, bool *out_linked,
		  struct err *err)
{
	if (!ready_folder(landing, name, err))
		return false;
	*out_linked = linkat(AT_FDCWD, path, landing->recordings_fd, name, 0) == 0;
	if (*out_linked || errno != EEXIST)
		return true;
	/* Another size, or a name that may be given twice: what the ledger names now is right. */
	if (!landing_remove(landing, name, err))
		return false;
	*out_linked = linkat(AT_FDCWD, path, landing->recordings_fd, name, 0) == 0;
	return true;
}

/* ---- by copy ---- */

#define BASE_SIZE 24

static void base_of(size_t index, char out[BASE_SIZE])
{
	snprintf(out, BASE_SIZE, "%zu", index);
}

static void drop_batch(struct landing *landing)
{
	for (size_t i = 0; i < landing->count; i++) {
		char base[BASE_SIZE];

		base_of(i, base);
		unlinkat(landing->arriving_fd, base, 0);
		close(landing->batch[i].fd);
	}
	landing->count = 0;
	landing->bytes = 0;
}

void landing_free(struct landing *landing)
{
	if (!landing)
		return;
	drop_batch(landing);
	close_at(&landing->folder_fd);
	close_at(&landing->recordings_fd);
	close_at(&landing->arriving_fd);
	free(landing->piece);
	free(landing);
}

/* The next piece into landing->piece; 0: the end, below 0: it cannot be read. */
static ssize_t read_piece(int fd, char *piece, uint64_t at)
{
	ssize_t n;

	do
		n = pread(fd, piece, PIECE_BYTES, (off_t)at);
	while (n < 0 && errno == EINTR);
	return n;
}

static void set_digest(struct sha256 *sha, char out[SHA256_HEX])
{
	uint8_t digest[SHA256_BYTES];
	struct buf hex;

	sha256_end(sha, digest);
	buf_over(&hex, out, SHA256_HEX);
	hex_add(&hex, digest, sizeof(digest));
}

bool landing_digest(int fd, struct landing_content *out, struct err *err)
{
	AUTO(sha256_free) struct sha256 *sha = sha256_new();
	AUTO(free) char *piece = xmalloc(PIECE_BYTES);
	ssize_t n;

	out->size = 0;
	while ((n = read_piece(fd, piece, out->size)) > 0) {
		sha256_add(sha, piece, (size_t)n);
		out->size += (uint64_t)n;
	}
	if (n < 0)
		return err_errno(err, "cannot read");
	set_digest(sha, out->sha256);
	return true;
}

/* More than was wanted is not read to its end. */
static enum landing_result pour(struct landing *landing, int from_fd, int to_fd,
				const struct landing_content *want, struct landing_content *got,
				struct err *err)
{
	AUTO(sha256_free) struct sha256 *sha = sha256_new();
	ssize_t n;

	got->size = 0;
	while ((n = read_piece(from_fd, landing->piece, got->size)) > 0) {
		got->size += (uint64_t)n;
		if (got->size > want->size)
			return LANDING_OTHER;
		sha256_add(sha, landing->piece, (size_t)n);
		if (!file_write_all(to_fd, landing->piece, (size_t)n, err))
			return LANDING_FAILED;
	}
	if (n < 0) {
		err_errno(err, "it cannot be read");
		return LANDING_UNREADABLE;
	}
	set_digest(sha, got->sha256);
	if (got->size != want->size ||
	    (want->sha256[0] != '\0' && strcmp(want->sha256, got->sha256) != 0))
		return LANDING_OTHER;
	return LANDING_DONE;
}

static bool sync_batch(struct landing *landing, struct err *err)
{
	for (size_t i = 0; i < landing->count; i++)
		if (fsync(landing->batch[i].fd) < 0)
			return fail(err, "sync", landing->batch[i].name);
	return true;
}

static bool name_batch(struct landing *landing, struct err *err)
{
	for (size_t i = 0; i < landing->count; i++) {
		const char *name = landing->batch[i].name;
		char base[BASE_SIZE];

		base_of(i, base);
		if (!ready_folder(landing, name, err))
			return false;
		if (renameat(landing->arriving_fd, base, landing->recordings_fd, name) < 0)
			return fail(err, "rename to", name);
	}
	return true;
}

static bool leaves_room(const struct landing *landing, struct err *err)
{
	struct statvfs about;

	if (landing->keep_free_bytes == 0)
		return true;
	if (fstatvfs(landing->arriving_fd, &about) < 0)
		return fail(err, "ask how much room there is in", "arriving");
	return (uint64_t)about.f_bavail * about.f_frsize >= landing->keep_free_bytes ||
	       err_set(err, ERR_UNAVAILABLE,
		       "the disk has less room left than callspool itself needs (min_free)");
}

static bool flush(struct landing *landing, struct err *err)
{
	bool good = leaves_room(landing, err) && sync_batch(landing, err) &&
		    name_batch(landing, err);

	drop_batch(landing); /* of what was renamed, the descriptors */
	return good;
}

static int make_file(struct landing *landing, const char *base, struct err *err)
{
	AUTO(close)
	int fd = openat(landing->arriving_fd, base,
			O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);

	if (fd < 0)
		fail(err, "create", base);
	else if (give_away(landing, fd, base, err))
		return TAKE_FD(fd);
	return -1;
}

enum landing_result landing_copy(struct landing *landing, int fd, const char *name,
				 struct landing_content *about, struct err *err)
{
	struct landing_content got = { .size = 0 };
	struct landing_file *file = &landing->batch[landing->count];
	enum landing_result result;
	char base[BASE_SIZE];

	base_of(landing->count, base);
	file->fd = make_file(landing, base, err);
	if (file->fd < 0)
		return LANDING_FAILED;
	snprintf(file->name, sizeof(file->name), "%s", name);
	result = pour(landing, fd, file->fd, about, &got, err);
	if (result != LANDING_DONE) {
		close(file->fd);
		unlinkat(landing->arriving_fd, base, 0);
		return result;
	}
	*about = got;
	landing->count++;
	landing->bytes += got.size;
	if ((landing->count == BATCH_FILES || landing->bytes >= BATCH_BYTES) &&
	    !flush(landing, err))
		return LANDING_FAILED;
	return LANDING_DONE;
}

bool landing_finish(struct landing *landing, struct err *err)
{
	if (!flush(landing, err))
		return false;
	for (unsigned i = 0; i < ARRAY_LEN(landing->is_touched); i++) {
		char folder[3];
		AUTO(close) int fd = -1;

		if (!landing->is_touched[i])
			continue;
		snprintf(folder, sizeof(folder), "%02x", i);
		fd = open_folder(landing->recordings_fd, folder);
		if (fd < 0 || fsync(fd) < 0)
			return fail(err, "sync the folder", folder);
	}
	memset(landing->is_touched, 0, sizeof(landing->is_touched));
	return file_sync(landing->recordings_fd, "the folder of recordings", err) &&
	       file_sync(landing->folder_fd, "the folder", err);
}
