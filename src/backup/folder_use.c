#include "backup/folder_use.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/own.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER_MODE   0700
#define MISSING_FEW   2
#define MISSING_SHARE 10

static void close_dir(DIR *dir)
{
	if (dir)
		closedir(dir);
}
DEFINE_AUTO(DIR *, close_dir)

static bool is_one_of(const char *name, const char *const names[])
{
	for (; *names; names++)
		if (strcmp(name, *names) == 0)
			return true;
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, "lost+found") == 0;
}

static bool holds_only(const char *path, const char *const names[], struct err *err)
{
	AUTO(close_dir) DIR *dir = opendir(path);
	struct dirent *entry;

	if (!dir)
		return err_errno(err, "cannot read the folder '%s'", path);
	while ((errno = 0, entry = readdir(dir)))
		if (!is_one_of(entry->d_name, names))
			return err_set(err, ERR_CONFLICT,
				       "'%s' holds other things already ('%s'): name an empty "
				       "folder, or one that is not there",
				       path, entry->d_name);
	return errno == 0 || err_errno(err, "cannot read the folder '%s'", path);
}

bool folder_use(const char *path, const char *const names[], struct err *err)
{
	struct stat about;

	if (stat(path, &about) == 0)
		return holds_only(path, names, err);
	return file_make_folders(path, err) &&
	       (chmod(path, FOLDER_MODE) == 0 ||
		err_errno(err, "cannot set the mode of '%s'", path));
}

bool folder_has(const char *folder, const char *name)
{
	AUTO(free) char *path = xasprintf("%s/%s", folder, name);

	return access(path, F_OK) == 0;
}

bool folder_seems_away(uint64_t missing, uint64_t all)
{
	return missing > MISSING_FEW && missing > all / MISSING_SHARE;
}

int folder_open_file(const char *path)
{
	AUTO(close) int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	struct stat about;

	if (fd < 0 && errno == ELOOP)
		errno = EINVAL;
	if (fd < 0 || fstat(fd, &about) < 0)
		return -1;
	if (S_ISREG(about.st_mode))
		return TAKE_FD(fd);
	errno = EINVAL;
	return -1;
}
