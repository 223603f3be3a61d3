#include "base/buf.h"
#include "base/mem.h"
#include "blob/blob_local.h"
#include "blob_folder.h"
#include "tap.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/statvfs.h>

static struct blob_store *store;
static struct err err;

/* The text of a descriptor, from its beginning. */
static struct str text_of(int fd)
{
	static char text[200];
	ssize_t n = pread(fd, text, sizeof(text), 0);

	return (struct str){ text, n > 0 ? (size_t)n : 0 };
}

static bool exists(const char *name)
{
	AUTO(free) char *path = xasprintf("%s/%s", folder, name);

	return access(path, F_OK) == 0;
}

static void arrives_and_is_sealed(void)
{
	struct blob_arriving *arriving = NULL;
	const atomic_bool is_stopping = true;
	struct blob_content content;
	struct stat about;
	AUTO(close) int reader = -1;
	AUTO(close) int stored = -1;
	AUTO(free) char *path = NULL;
	char array[SHA256_HEX];
	struct buf digest;
	uint64_t size = 0;

	OK(blob_arriving_open(store, STR(RECORDING), 17, &arriving, &err), "opens");
	OK(exists("arriving/" RECORDING ".17"), "in arriving/, by recording and generation");
	OK(fcntl(arriving->fd, F_GETFD) & FD_CLOEXEC, "no child gets it");
	OK(blob_arriving_write(arriving, STR("01234"), &err), "writes");
	OK(blob_arriving_reader(arriving, &reader, &err), "somebody reads");
	OK(fcntl(reader, F_GETFD) & FD_CLOEXEC, "no child gets that");
	IS_INT(fcntl(reader, F_GETFL) & O_ACCMODE, O_RDONLY, "which is for reading alone");
	IS_STR(text_of(reader), STR("01234"), "what is there");
	OK(blob_arriving_write(arriving, STR("56789"), &err), "more comes");
	IS_INT(arriving->size, 10, "it knows how much");
	IS_STR(text_of(reader), STR("0123456789"), "and the reader sees it");
	OK(!exists("recordings/" NAME), "nothing is under the final name");

	IS_INT(blob_arriving_seal(arriving, STR("../x"), &err), BLOB_UNSEALED, "no other name");
	IS_INT(blob_arriving_seal(arriving, STR(NAME), &err), BLOB_SEALED, "sealed");
	OK(!blob_read_content(store, STR(NAME), 0, &is_stopping, &content, &err) &&
		   err.kind == ERR_UNAVAILABLE,
	   "whoever stops does not wait for its end");
	OK(blob_read_content(store, STR(NAME), 0, NULL, &content, &err), "is read");
	IS_INT(content.size, 10, "its size");
	buf_over(&digest, array, sizeof(array));
	hex_add(&digest, content.sha256, sizeof(content.sha256));
	IS_STR(buf_str(&digest),
	       STR("84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882"),
	       "its digest");
	OK(!exists("arriving/" RECORDING ".17"), "gone from arriving/");
	OK(blob_path(store, STR(NAME), &path, &err) && stat(path, &about) == 0,
	   "found at its path");
	IS_INT(about.st_mode & 0777, 0640, "not for everybody");
	blob_arriving_free(arriving);
	OK(exists("recordings/" NAME), "and stays when the arriving one is freed");
	IS_STR(text_of(reader), STR("0123456789"), "who read it reads on");

	OK(blob_open_read(store, STR(NAME), &stored, &size, &err), "opens what is stored");
	IS_INT(size, 10, "of that size");
	IS_STR(text_of(stored), STR("0123456789"), "with these bytes");
}

/* Another generation takes the place of what a crash left between rename and commit. */
static void takes_the_place(void)
{
	struct blob_arriving *arriving = NULL;
	AUTO(close) int old = -1;
	AUTO(close) int new = -1;
	uint64_t size = 0;

	OK(blob_open_read(store, STR(NAME), &old, &size, &err), "one is there");
	OK(blob_arriving_open(store, STR(RECORDING), 18, &arriving, &err) &&
		   blob_arriving_write(arriving, STR("others"), &err),
	   "another arrives");
	IS_INT(blob_arriving_seal(arriving, STR(NAME), &err), BLOB_SEALED, "is sealed");
	blob_arriving_free(arriving);
	OK(blob_open_read(store, STR(NAME), &new, &size, &err), "opens");
	IS_STR(text_of(new), STR("others"), "is the new one");
	IS_STR(text_of(old), STR("0123456789"), "who had the old one keeps it");
}

static void is_cut_and_discarded(void)
{
	struct blob_arriving *arriving = NULL;
	AUTO(close) int reader = -1;

	OK(blob_arriving_open(store, STR(RECORDING), 19, &arriving, &err) &&
		   blob_arriving_write(arriving, STR("abcdef"), &err) &&
		   blob_arriving_reader(arriving, &reader, &err),
	   "arrives");
	OK(blob_arriving_truncate(arriving, 3, &err), "is cut");
	OK(blob_arriving_write(arriving, STR("xyz"), &err), "goes on");
	IS_STR(text_of(reader), STR("abcxyz"), "from there");
	OK(blob_arriving_truncate(arriving, 0, &err), "is emptied");
	IS_INT(arriving->size, 0, "empty");
	OK(!blob_arriving_truncate(arriving, 1, &err) && err.kind == ERR_INVALID,
	   "cut is not stretched");
	blob_arriving_free(arriving);
	OK(!exists("arriving/" RECORDING ".19"), "discarded");
	blob_arriving_free(NULL);

	OK(!blob_arriving_open(store, STR("../../x"), 1, &arriving, &err) &&
		   err.kind == ERR_INVALID,
	   "a wrong SID is no file");
	OK(!blob_arriving_open(store, STR(RECORDING), -1, &arriving, &err),
	   "nor a wrong generation");
}

static void is_swept(void)
{
	struct blob_arriving *first = NULL, *second = NULL;
	AUTO(free) char *path = xasprintf("%s/arriving/" RECORDING ".20", folder);
	AUTO(close) int left = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0640);
	uint64_t removed = 99;

	OK(left >= 0 && write(left, "left by a crash", 15) == 15, "something was left");
	OK(blob_sweep_arriving(store, &removed, &err), "sweeps");
	IS_INT(removed, 1, "one");
	OK(!exists("arriving/" RECORDING ".20") && exists("recordings/" NAME), "and nothing else");
	OK(blob_sweep_arriving(store, &removed, &err) && removed == 0, "then none");

	/* An old file under the same name is not gone on with. */
	OK(blob_arriving_open(store, STR(RECORDING), 21, &first, &err) &&
		   blob_arriving_write(first, STR("longer"), &err) &&
		   blob_arriving_open(store, STR(RECORDING), 21, &second, &err),
	   "opened twice");
	IS_INT(lseek(second->fd, 0, SEEK_END), 0, "it begins empty");
	blob_arriving_free(first);
	blob_arriving_free(second);
}

static void is_verified(void)
{
	struct blob_content want = { .size = 6 };
	enum blob_condition condition;
	AUTO(free) char *path = NULL;
	AUTO(close) int fd = -1;

	sha256_of(STR("others"), want.sha256);
	OK(blob_verify(store, STR(NAME), &want, &condition, &err) && condition == BLOB_SOUND,
	   "sound");
	OK(blob_path(store, STR(NAME), &path, &err), "has a path");
	fd = open(path, O_WRONLY | O_CLOEXEC);
	OK(pwrite(fd, "O", 1, 0) == 1, "one byte turns");
	OK(blob_verify(store, STR(NAME), &want, &condition, &err) && condition == BLOB_WRONG_BYTES,
	   "and is found");
	OK(ftruncate(fd, 5) == 0, "one is lost");
	OK(blob_verify(store, STR(NAME), &want, &condition, &err) && condition == BLOB_WRONG_SIZE,
	   "and is found");
	OK(blob_remove(store, STR(NAME), &err), "removed");
	OK(!exists("recordings/" NAME), "gone");
	OK(blob_verify(store, STR(NAME), &want, &condition, &err) && condition == BLOB_MISSING,
	   "missing");
	OK(!blob_remove(store, STR(NAME), &err) && err.kind == ERR_NOT_FOUND, "removed once");
	OK(!blob_remove(store, STR("ee/" RECORDING ".mp3"), &err) && err.kind == ERR_INVALID,
	   "a wrong name is not looked for");
}

/* Recordings are listened to for years; somebody may remove an empty folder meanwhile. */
static void folder_was_removed(void)
{
	AUTO(free) char *path = xasprintf("%s/recordings/3f", folder);
	struct blob_arriving *arriving = NULL;

	OK(rmdir(path) == 0, "the folder is removed");
	OK(blob_arriving_open(store, STR(RECORDING), 22, &arriving, &err), "one arrives");
	IS_INT(blob_arriving_seal(arriving, STR(NAME), &err), BLOB_SEALED, "sealed, empty: %s",
	       err.text);
	blob_arriving_free(arriving);
	OK(exists("recordings/" NAME), "and there");
}

/* The file system's refusal, by a folder in the way: nothing is lost. */
static void cannot_be_renamed(void)
{
	AUTO(free) char *path = xasprintf("%s/recordings/8a/" RECORDING ".mp3", folder);
	AUTO(free) char *parent = xasprintf("%s/recordings/8a", folder);
	struct blob_arriving *arriving = NULL;

	OK(mkdir(parent, 0750) == 0 && mkdir(path, 0750) == 0, "a folder is in the way");
	OK(blob_arriving_open(store, STR(RECORDING), 23, &arriving, &err) &&
		   blob_arriving_write(arriving, STR("abc"), &err),
	   "one arrives");
	IS_INT(blob_arriving_seal(arriving, STR("8a/" RECORDING ".mp3"), &err), BLOB_UNSEALED,
	       "not sealed: %s", err.text);
	OK(exists("arriving/" RECORDING ".23"), "still arriving");
	OK(rmdir(path) == 0, "the way is free");
	IS_INT(blob_arriving_seal(arriving, STR("8a/" RECORDING ".mp3"), &err), BLOB_SEALED,
	       "sealed at the second try");
	blob_arriving_free(arriving);
}

/* Another process wrote it, and asks for it to be taken over. */
static void is_taken(void)
{
	struct blob_arriving *theirs = NULL, *ours = NULL;

	OK(!blob_arriving_take(store, STR(RECORDING), 29, &ours, &err) && err.kind == ERR_NOT_FOUND,
	   "nothing there to be taken");
	OK(blob_arriving_open(store, STR(RECORDING), 29, &theirs, &err) &&
		   blob_arriving_write(theirs, STR("abc"), &err),
	   "one arrives");
	OK(!blob_arriving_take(store, STR("../etc"), 29, &ours, &err) && err.kind == ERR_INVALID,
	   "by its SID alone");
	OK(blob_arriving_take(store, STR(RECORDING), 29, &ours, &err), "is taken");
	IS_INT(ours->size, 3, "with all that was written");
	IS_INT(blob_arriving_seal(ours, STR("3f/" CALL "." RECORDING ".29.mp3"), &err), BLOB_SEALED,
	       "and sealed");
	blob_arriving_free(ours);
	blob_arriving_free(theirs);
	OK(exists("recordings/3f/" CALL "." RECORDING ".29.mp3"), "and stays when theirs is freed");
}

static void knows_its_room(void)
{
	struct statvfs about;
	uint64_t bytes = 0;

	OK(statvfs(folder, &about) == 0 && blob_free_bytes(store, &bytes, &err), "asks for room");
	OK(bytes > 0 && bytes <= (uint64_t)about.f_blocks * about.f_frsize, "there is some");
}

#define PEAKS "3f/" CALL "." RECORDING ".21.peaks"
#define MEDIA "3f/" CALL "." RECORDING ".21.mp3"

static void waveform_goes_with_its_media(void)
{
	struct blob_arriving *arriving = NULL;
	AUTO(close) int fd = -1;
	uint64_t size = 0;

	OK(blob_arriving_open(store, STR(RECORDING), 21, &arriving, &err) &&
		   blob_arriving_seal(arriving, STR(MEDIA), &err) == BLOB_SEALED,
	   "there is media");
	blob_arriving_free(arriving);
	OK(blob_write_beside(store, STR(MEDIA), STR("other peaks"), &err) &&
		   blob_write_beside(store, STR(MEDIA), STR("peaks"), &err),
	   "written, and written again");
	OK(blob_open_read(store, STR(PEAKS), &fd, &size, &err) && size == 5, "opens");
	IS_STR(text_of(fd), STR("peaks"), "the last one");
	OK(!exists("arriving/" CALL "." RECORDING ".21.peaks"), "nothing is left of the writing");
	OK(exists("recordings/" MEDIA), "the media is as it was");
	OK(blob_remove(store, STR(MEDIA), &err), "the media is removed");
	OK(!exists("recordings/" PEAKS), "and so is its waveform");
	OK(!blob_write_beside(store, STR(MEDIA), STR("peaks"), &err) && err.kind == ERR_NOT_FOUND,
	   "without media there is none");
	OK(!exists("recordings/" PEAKS), "nothing is left");
}

static unsigned count_arriving(void)
{
	AUTO(free) char *path = xasprintf("%s/arriving", folder);
	DIR *opened = opendir(path);
	unsigned count = 0;

	for (const struct dirent *entry; (entry = readdir(opened)) != NULL;)
		count += entry->d_name[0] != '.';
	closedir(opened);
	return count;
}

/* Of what nobody may find after a crash. */
static void has_no_name_before_its_own(void)
{
	struct blob_arriving *arriving = NULL, *other = NULL;
	AUTO(close) int reader = -1;
	AUTO(close) int stored = -1;
	struct stat about;
	uint64_t size = 0;

	OK(blob_arriving_open(store, STR(RECORDING), 31, &other, &err), "what came encrypted");
	OK(blob_arriving_open_unnamed(store, STR(RECORDING), 31, &arriving, &err),
	   "beside it, without a name");
	OK(blob_arriving_write(arriving, STR("secret"), &err), "it is written");
	IS_INT(count_arriving(), 1, "and nobody finds it");
	OK(blob_arriving_reader(arriving, &reader, &err), "somebody reads");
	IS_STR(text_of(reader), STR("secret"), "what is there");
	blob_arriving_free(arriving);
	IS_INT(count_arriving(), 1, "given up: nothing changed");

	for (int i = 0; i < 2; i++) {
		OK(blob_arriving_open_unnamed(store, STR(RECORDING), 32, &arriving, &err) &&
			   blob_arriving_write(arriving, STR("secret"), &err),
		   "again");
		IS_INT(blob_arriving_seal(arriving, STR("3f/" CALL "." RECORDING ".32.wav"), &err),
		       BLOB_SEALED, "sealed, where that name is %s", i ? "taken" : "free");
		blob_arriving_free(arriving);
	}
	OK(blob_open_read(store, STR("3f/" CALL "." RECORDING ".32.wav"), &stored, &size, &err) &&
		   size == 6,
	   "under its own name");
	OK(fstat(stored, &about) == 0 && about.st_nlink == 1 && (about.st_mode & 0137) == 0,
	   "and no other, with the rights of any");
	blob_arriving_free(other);
	IS_INT(count_arriving(), 0, "nothing is left");
}

static void put(const char *path)
{
	AUTO(free) char *whole = xasprintf("%s/recordings/%s", folder, path);
	AUTO(close) int fd = open(whole, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	OK(fd >= 0, "put there: %s", path);
}

static bool is_in(const struct blob_folder *names, const char *name)
{
	for (size_t i = 0; i < names->count; i++)
		if (strcmp(names->names[i], name) == 0)
			return true;
	return false;
}

/* What is not ours is seen, too. */
static void is_walked(void)
{
	__attribute__((cleanup(blob_folder_release_at))) struct blob_folder names = { 0 };
	struct blob_folder other;

	put("3f/notes.txt");
	put("3f/.nfs0001");
	put("3F");
	OK(blob_walk(store, STR("3f"), &names, &err), "a folder is walked");
	OK(is_in(&names, NAME) && is_in(&names, "3f/notes.txt") && is_in(&names, "3f/.nfs0001") &&
		   !is_in(&names, "3f/.") && !is_in(&names, "3f/.."),
	   "ours and others, without . and ..");
	blob_folder_release(&names);
	OK(blob_walk(store, STR(""), &names, &err), "the store itself");
	OK(names.count == 1 && is_in(&names, "3F"), "what is none of its folders");
	OK(blob_walk(store, STR("ee"), &other, &err) && other.count == 0,
	   "a folder that is not there is empty");
	OK(!blob_walk(store, STR("..."), &other, &err) && err.kind == ERR_INVALID &&
		   !blob_walk(store, STR(".."), &other, &err),
	   "no other place");
}

int main(void)
{
	AUTO(free) char *data_dir = NULL;
	AUTO(free) char *file = NULL;
	struct blob_store *none = NULL;

	folder_make();
	data_dir = xasprintf("%s/", folder);
	OK(blob_local_open(data_dir, &store, &err), "opens, making its folders");
	arrives_and_is_sealed();
	takes_the_place();
	is_cut_and_discarded();
	is_swept();
	is_verified();
	folder_was_removed();
	cannot_be_renamed();
	is_taken();
	knows_its_room();
	has_no_name_before_its_own();
	blob_store_free(store);
	OK(blob_local_open(data_dir, &store, &err), "opens again");
	OK(exists("recordings/" NAME), "with what was there");
	is_walked();
	waveform_goes_with_its_media();
	blob_store_free(store);
	blob_store_free(NULL);

	file = xasprintf("%s/recordings/" NAME, folder);
	OK(!blob_local_open(file, &none, &err), "a file is no folder: %s", err.text);
	folder_remove();
	return tap_end();
}
