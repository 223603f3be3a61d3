/*
 * Media as files.
 *
 * Sealing, in this order, each step needing the one before it:
 *
 *	fsync(file)              its bytes are on the disk
 *	mkdir recordings/3f, fsync(recordings)   once
 *	rename(arriving/..., recordings/3f/...)  the name shows the whole file or nothing
 *	fsync(recordings/3f)     and so it will after power loss
 *
 * Only then does the ledger say "stored".  The name in arriving/ is not synced away:
 * if it comes back after power loss, the sweep at start removes it.
 *
 * A failed fsync is reported apart: the kernel marks the pages clean after telling
 * once, so that a second fsync would succeed over lost bytes.
 */
#include "blob/blob_local.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "blob/blob_driver.h"

#define FILE_MODE   0640
#define FOLDER_MODE 0750

struct blob_local {
	struct blob_store store;
	char *recordings, *arriving; /* absolute paths */
	int recordings_fd, arriving_fd;
	atomic_bool is_synced[256]; /* recordings/00 .. ff: their names are on the disk */
};

struct local_arriving {
	struct blob_arriving arriving;
	char *base;      /* its name in arriving/; NULL once sealed */
	bool is_unnamed; /* it would have that name, if it had one */
};

static struct blob_local *local_of(struct blob_store *store)
{
	return container_of(store, struct blob_local, store);
}

static struct local_arriving *local_arriving_of(struct blob_arriving *arriving)
{
	return container_of(arriving, struct local_arriving, arriving);
}

/* err_errno() with the kinds of blob.h. */
static bool fail(struct err *err, const char *what, const char *name)
{
	int number = errno;

	err_errno(err, "cannot %s '%s'", what, name);
	if (number == ENOSPC || number == EDQUOT)
		err->kind = ERR_UNAVAILABLE;
	else if (number == ENOENT)
		err->kind = ERR_NOT_FOUND;
	return false;
}

/* ---- arriving ---- */

static struct blob_arriving *arriving_new(struct blob_store *store, const char *base, int fd,
					  uint64_t size)
{
	struct local_arriving *mine = xcalloc(1, sizeof(*mine));

	mine->arriving = (struct blob_arriving){ .store = store, .fd = fd, .size = size };
	mine->base = xstrdup(base);
	return &mine->arriving;
}

static bool local_arriving_open(struct blob_store *store, const char *base,
				struct blob_arriving **out, struct err *err)
{
	struct blob_local *local = local_of(store);
	AUTO(close)
	int fd = openat(local->arriving_fd, base,
			O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);

	if (fd < 0)
		return fail(err, "create an arriving file", base);
	*out = arriving_new(store, base, TAKE_FD(fd), 0);
	return true;
}

static bool has_no_unnamed(int number)
{
	return number == EOPNOTSUPP || number == EISDIR || number == ENOENT || number == EINVAL;
}

static bool local_arriving_open_unnamed(struct blob_store *store, const char *base,
					struct blob_arriving **out, struct err *err)
{
	struct blob_local *local = local_of(store);
	AUTO(close)
	int fd = openat(local->arriving_fd, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, FILE_MODE);
	bool is_unnamed = fd >= 0;

	if (!is_unnamed && has_no_unnamed(errno))
		fd = openat(local->arriving_fd, base,
			    O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
	if (fd < 0)
		return fail(err, "create a file in arriving/", base);
	*out = arriving_new(store, base, TAKE_FD(fd), 0);
	local_arriving_of(*out)->is_unnamed = is_unnamed;
	return true;
}

static bool local_arriving_take(struct blob_store *store, const char *base,
				struct blob_arriving **out, struct err *err)
{
	struct blob_local *local = local_of(store);
	AUTO(close) int fd = openat(local->arriving_fd, base, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	struct stat about;

	if (fd < 0 || fstat(fd, &about) < 0)
		return fail(err, "open the arriving file", base);
	if (!S_ISREG(about.st_mode))
		return err_set(err, ERR_INVALID, "not a file: '%s'", base);
	*out = arriving_new(store, base, TAKE_FD(fd), (uint64_t)about.st_size);
	return true;
}

static bool local_arriving_write(struct blob_arriving *arriving, struct str bytes, struct err *err)
{
	uint64_t at = arriving->size;

	while (bytes.len > 0) {
		ssize_t n = pwrite(arriving->fd, bytes.at, bytes.len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(err, "write", local_arriving_of(arriving)->base);
		at += (uint64_t)n;
		bytes = str_after(bytes, (size_t)n);
	}
	arriving->size =
		at; /* what a failed write left beyond is written over, or cut off when sealed */
	return true;
}

static bool local_arriving_truncate(struct blob_arriving *arriving, uint64_t size, struct err *err)
{
	if (ftruncate(arriving->fd, (off_t)size) < 0)
		return fail(err, "cut", local_arriving_of(arriving)->base);
	arriving->size = size;
	return true;
}

/* Opened anew rather than duplicated: a reader must not be able to write, nor share our offset. */
static bool local_arriving_reader(struct blob_arriving *arriving, int *out_fd, struct err *err)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", arriving->fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail(err, "read", local_arriving_of(arriving)->base);
	*out_fd = fd;
	return true;
}

static unsigned folder_number(const char *name)
{
	return (unsigned)(ascii_hex_value(name[0]) * 16 + ascii_hex_value(name[1]));
}

/* recordings/3f for a name within it; -1: err is set. */
static int open_folder(struct blob_local *local, const char *name, struct err *err)
{
	char folder[] = { name[0], name[1], '\0' };
	int fd = openat(local->recordings_fd, folder,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		fail(err, "open the folder", folder);
	return fd;
}

/* A command that root runs makes folders for the server, which is another user. */
static bool give_away(const char *parent, int fd, const char *folder, struct err *err)
{
	struct stat about;

	if (geteuid() != 0)
		return true;
	return (stat(parent, &about) == 0 && fchown(fd, about.st_uid, about.st_gid) == 0) ||
	       fail(err, "hand over the folder", folder);
}

/*
 * The same, made where it does not exist, and its own name synced.  That is done once a
 * folder and process: one that is there may have been made by another worker whose
 * fsync is not through yet, so that being there is no proof.
 */
static enum blob_seal_result make_folder(struct blob_local *local, const char *name, int *out_fd,
					 struct err *err)
{
	char folder[] = { name[0], name[1], '\0' };
	AUTO(close) int fd = -1;

	if (mkdirat(local->recordings_fd, folder, FOLDER_MODE) < 0 && errno != EEXIST) {
		fail(err, "make the folder", folder);
		return BLOB_UNSEALED;
	}
	fd = open_folder(local, name, err);
	if (fd < 0 || !give_away(local->recordings, fd, folder, err))
		return BLOB_UNSEALED;
	if (fsync(local->recordings_fd) < 0) {
		fail(err, "sync the folder", local->recordings);
		/* Its name is to be written anew by who tries next; where files are in it, another made it. */
		unlinkat(local->recordings_fd, folder, AT_REMOVEDIR);
		return BLOB_UNSYNCED;
	}
	local->is_synced[folder_number(name)] = true;
	*out_fd = TAKE_FD(fd);
	return BLOB_SEALED;
}

static enum blob_seal_result ready_folder(struct blob_local *local, const char *name, int *out_fd,
					  struct err *err)
{
	int fd = local->is_synced[folder_number(name)] ? open_folder(local, name, err) : -1;

	if (fd < 0) /* or an operator removed it */
		return make_folder(local, name, out_fd, err);
	*out_fd = fd;
	return BLOB_SEALED;
}

/* Not O_TMPFILE: not every file system has it.  What a crash leaves between the two calls is swept. */
static bool local_scratch(struct blob_store *store, int *out_fd, struct err *err)
{
	struct blob_local *local = local_of(store);
	char name[32];
	uint64_t random;

	random_bytes(&random, sizeof(random));
	snprintf(name, sizeof(name), "scratch.%016" PRIx64, random);

	AUTO(close)
	int fd = openat(local->arriving_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 || unlinkat(local->arriving_fd, name, 0) < 0)
		return fail(err, "create", name);
	*out_fd = TAKE_FD(fd);
	return true;
}

/* What has no name is given one; of a seal that came to no end, and is tried again, the name may be there. */
static bool give_name(const struct blob_local *local, const struct local_arriving *mine,
		      const char *name)
{
	char path[32];

	if (!mine->is_unnamed)
		return renameat(local->arriving_fd, mine->base, local->recordings_fd, name) == 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", mine->arriving.fd);
	if (linkat(AT_FDCWD, path, local->recordings_fd, name, AT_SYMLINK_FOLLOW) == 0)
		return true;
	return errno == EEXIST && unlinkat(local->recordings_fd, name, 0) == 0 &&
	       linkat(AT_FDCWD, path, local->recordings_fd, name, AT_SYMLINK_FOLLOW) == 0;
}

static enum blob_seal_result local_arriving_seal(struct blob_arriving *arriving, const char *name,
						 struct err *err)
{
	struct local_arriving *mine = local_arriving_of(arriving);
	struct blob_local *local = local_of(arriving->store);
	AUTO(close) int folder_fd = -1;
	enum blob_seal_result result;

	if (ftruncate(arriving->fd, (off_t)arriving->size) < 0) {
		fail(err, "cut", mine->base);
		return BLOB_UNSEALED;
	}
	if (fsync(arriving->fd) < 0) {
		fail(err, "sync", mine->base);
		return BLOB_UNSYNCED;
	}
	result = ready_folder(local, name, &folder_fd, err);
	if (result != BLOB_SEALED)
		return result;
	if (!give_name(local, mine, name)) {
		fail(err, "rename to", name);
		return BLOB_UNSEALED;
	}
	free(TAKE(mine->base));
	if (fsync(folder_fd) < 0) {
		fail(err, "sync the folder of", name);
		unlinkat(local->recordings_fd, name, 0);
		return BLOB_UNSYNCED;
	}
	return BLOB_SEALED;
}

static void local_arriving_free(struct blob_arriving *arriving)
{
	struct local_arriving *mine = local_arriving_of(arriving);

	if (mine->base && !mine->is_unnamed)
		unlinkat(local_of(arriving->store)->arriving_fd, mine->base, 0);
	free(mine->base);
	close(arriving->fd);
	free(mine);
}

static void close_folder(DIR *folder)
{
	if (folder)
		closedir(folder);
}
DEFINE_AUTO(DIR *, close_folder)

static bool local_sweep_arriving(struct blob_store *store, uint64_t *out_removed, struct err *err)
{
	struct blob_local *local = local_of(store);
	AUTO(close_folder) DIR *folder = opendir(local->arriving);
	uint64_t removed = 0;
	struct dirent *entry;

	if (!folder)
		return fail(err, "read the folder", local->arriving);
	while ((errno = 0, entry = readdir(folder))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (unlinkat(local->arriving_fd, entry->d_name, 0) < 0)
			return fail(err, "remove what was left in arriving/", entry->d_name);
		removed++;
	}
	if (errno != 0)
		return fail(err, "read the folder", local->arriving);
	*out_removed = removed;
	return true;
}

/* ---- stored ---- */

static bool local_open_read(struct blob_store *store, const char *name,
			    const struct blob_want *want, int *out_fd, uint64_t *out_size,
			    struct err *err)
{
	struct blob_local *local = local_of(store);
	AUTO(close) int fd = openat(local->recordings_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat about;

	if (fd < 0 || fstat(fd, &about) < 0)
		return fail(err, "open the recording", name);
	if (!S_ISREG(about.st_mode))
		return err_set(err, ERR_INTERNAL, "not a file: '%s'", name);
	*out_fd = TAKE_FD(fd);
	*out_size = (uint64_t)about.st_size;
	return true;
}

static bool local_has_place(struct blob_store *store, const char *name)
{
	struct err err;
	AUTO(close) int fd = open_folder(local_of(store), name, &err);

	return fd >= 0;
}

static int compare_names(struct str a, struct str b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = memcmp(a.at, b.at, len);

	return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* Keeps the first of all that are offered, sorted. */
static void names_offer(struct blob_names *names, struct str name)
{
	size_t at = names->count;

	while (at > 0 && compare_names(name, str_of(names->at[at - 1])) < 0)
		at--;
	if (at == BLOB_LIST_MAX)
		return;
	if (names->count < BLOB_LIST_MAX)
		names->count++;
	memmove(names->at[at + 1 < BLOB_LIST_MAX ? at + 1 : at], names->at[at],
		(names->count - at - 1) * BLOB_NAME_SIZE);
	memcpy(names->at[at], name.at, name.len);
	names->at[at][name.len] = '\0';
}

/* That which all else is done in: by its path another is found, once a volume is mounted over it. */
static bool read_folder(struct blob_local *local, const char *name, DIR **out, struct err *err)
{
	AUTO(close) int fd = open_folder(local, name, err);

	if (fd < 0)
		return false;
	*out = fdopendir(fd);
	if (!*out)
		return fail(err, "read a folder of", local->recordings);
	(void)TAKE_FD(fd);
	return true;
}

/* Walks the whole folder: the file system has no order to begin in. */
static bool local_list(struct blob_store *store, struct str prefix, struct str after,
		       struct blob_names *out, struct err *err)
{
	AUTO(close_folder) DIR *folder = NULL;
	struct dirent *entry;

	out->count = 0;
	if (!read_folder(local_of(store), prefix.at, &folder, err))
		return err->kind == ERR_NOT_FOUND;
	while ((errno = 0, entry = readdir(folder))) {
		char name[3 + sizeof(entry->d_name)];
		struct str found;

		snprintf(name, sizeof(name), "%.3s%s", prefix.at, entry->d_name);
		found = str_of(name);
		if (str_starts(found, prefix) && compare_names(found, after) > 0 &&
		    blob_name_is_valid(found))
			names_offer(out, found);
	}
	return errno == 0 || fail(err, "read a folder of", local_of(store)->recordings);
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* One of the 256: its own files are walked over by its name. */
static bool is_of_store(const char *name)
{
	for (int i = 0; i < 2; i++)
		if (ascii_hex_value(name[i]) < 0 || ascii_lower(name[i]) != name[i])
			return false;
	return name[2] == '\0';
}

static void folder_add(struct blob_folder *folder, char *name)
{
	if (folder->count == folder->size) {
		folder->size = folder->size ? 2 * folder->size : 64;
		folder->names = xrealloc(folder->names, folder->size * sizeof(*folder->names));
	}
	folder->names[folder->count++] = name;
}

static bool local_walk(struct blob_store *store, const char *name, struct blob_folder *out,
		       struct err *err)
{
	struct blob_local *local = local_of(store);
	bool is_top = name[0] == '\0';
	AUTO(close_folder) DIR *folder = NULL;
	AUTO(close)
	int fd = openat(local->recordings_fd, is_top ? "." : name,
			O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *entry;

	if (fd < 0)
		return errno == ENOENT || fail(err, "open the folder", name);
	folder = fdopendir(fd);
	if (!folder)
		return fail(err, "read a folder of", local->recordings);
	(void)TAKE_FD(fd);
	while ((errno = 0, entry = readdir(folder))) {
		if (is_dots(entry->d_name) || (is_top && is_of_store(entry->d_name)))
			continue;
		folder_add(out, xasprintf("%s%s%s", name, is_top ? "" : "/", entry->d_name));
	}
	return errno == 0 || fail(err, "read a folder of", local->recordings);
}

static bool local_remove(struct blob_store *store, const char *name, struct err *err)
{
	struct blob_local *local = local_of(store);
	char folder[] = { name[0], name[1], '\0' };
	AUTO(close)
	int fd = openat(local->recordings_fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return fail(err, "open the folder", folder);
	if (unlinkat(local->recordings_fd, name, 0) < 0)
		return fail(err, "remove the recording", name);
	return file_sync(fd, "the folder of a removed recording", err);
}

static bool local_sync_place(struct blob_store *store, const char *name, struct err *err)
{
	AUTO(close) int fd = open_folder(local_of(store), name, err);

	return fd >= 0 && file_sync(fd, "the folder of a removed recording", err);
}

static char *local_path(struct blob_store *store, const char *name)
{
	return xasprintf("%s/%s", local_of(store)->recordings, name);
}

static bool local_free_bytes(struct blob_store *store, uint64_t *out, struct err *err)
{
	struct blob_local *local = local_of(store);
	struct statvfs about;

	if (fstatvfs(local->recordings_fd, &about) < 0)
		return fail(err, "ask how much room there is in", local->recordings);
	*out = (uint64_t)about.f_bavail * about.f_frsize;
	return true;
}

/* ---- the store ---- */

static void local_free(struct blob_store *store)
{
	struct blob_local *local = local_of(store);

	close_at(&local->recordings_fd);
	close_at(&local->arriving_fd);
	free(local->recordings);
	free(local->arriving);
	free(local);
}

static const struct blob_driver local_driver = {
	.name = "local",
	.store_free = local_free,
	.arriving_open = local_arriving_open,
	.arriving_open_unnamed = local_arriving_open_unnamed,
	.arriving_take = local_arriving_take,
	.arriving_write = local_arriving_write,
	.arriving_truncate = local_arriving_truncate,
	.arriving_reader = local_arriving_reader,
	.scratch = local_scratch,
	.arriving_seal = local_arriving_seal,
	.arriving_free = local_arriving_free,
	.sweep_arriving = local_sweep_arriving,
	.open_read = local_open_read,
	.has_place = local_has_place,
	.list = local_list,
	.walk = local_walk,
	.remove = local_remove,
	.sync_place = local_sync_place,
	.path = local_path,
	.free_bytes = local_free_bytes,
};

/* <data_dir>/<name>, made and its own name synced; *out_path and *out_fd are the caller's. */
static bool open_top(const char *data_dir, const char *name, char **out_path, int *out_fd,
		     struct err *err)
{
	AUTO(free) char *whole = realpath(data_dir, NULL);
	AUTO(free) char *path = whole ? xasprintf("%s/%s", whole, name) : NULL;
	AUTO(close) int fd = -1;
	bool is_made;

	if (!whole)
		return fail(err, "find the folder", data_dir);
	is_made = mkdir(path, FOLDER_MODE) == 0;
	if (!file_make_folders(path, err) || !file_sync_folder(whole, err))
		return false;
	/* What is there may be a link to another disk. */
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (is_made ? O_NOFOLLOW : 0));
	if (fd < 0)
		return fail(err, "open the folder", path);
	if (is_made && !give_away(whole, fd, path, err)) {
		rmdir(path); /* or the next one would take it as it is */
		return false;
	}
	*out_path = TAKE(path);
	*out_fd = TAKE_FD(fd);
	return true;
}

bool blob_local_open(const char *data_dir, struct blob_store **out, struct err *err)
{
	return blob_local_open_in(data_dir, "recordings", out, err);
}

bool blob_local_open_in(const char *data_dir, const char *folder, struct blob_store **out,
			struct err *err)
{
	struct blob_local *local = xcalloc(1, sizeof(*local));
	AUTO(blob_store_free) struct blob_store *store = &local->store;
	struct stat recordings, arriving;

	local->store = (struct blob_store)BLOB_STORE(&local_driver);
	local->recordings_fd = local->arriving_fd = -1;
	if (!file_make_folders(data_dir, err) ||
	    !open_top(data_dir, folder, &local->recordings, &local->recordings_fd, err) ||
	    !open_top(data_dir, "arriving", &local->arriving, &local->arriving_fd, err))
		return false;
	if (fstat(local->recordings_fd, &recordings) < 0 ||
	    fstat(local->arriving_fd, &arriving) < 0)
		return fail(err, "look at", data_dir);
	if (recordings.st_dev != arriving.st_dev)
		return err_set(err, ERR_INVALID, "'%s' and '%s' must be on one file system",
			       local->recordings, local->arriving);

	*out = TAKE(store);
	return true;
}
