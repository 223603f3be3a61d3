#include "vault/key_folder.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* What root makes is for who owns the data folder: the server, which is another user. */
static bool give_away(int fd, const struct stat *owner, const char *path, struct err *err)
{
	return geteuid() != 0 || fchown(fd, owner->st_uid, owner->st_gid) == 0 ||
	       err_errno(err, "cannot hand over '%s'", path);
}

static bool make_folder(const char *folder, struct stat *out_owner, struct err *err)
{
	AUTO(free) char *above = xasprintf("%s/..", folder);
	AUTO(close) int fd = -1;

	if (mkdir(folder, 0700) < 0 && errno != EEXIST)
		return err_errno(err, "cannot make the folder '%s'", folder);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || stat(above, out_owner) < 0)
		return err_errno(err, "cannot open the folder '%s'", folder);
	return give_away(fd, out_owner, folder, err) && file_sync_folder(above, err);
}

static bool write_pem(int fd, const struct private_key *key, const char *path, struct err *err)
{
	char *pem;
	size_t len;
	bool good;

	if (!private_key_pem(key, &pem, &len, err))
		return false;
	good = file_write_all(fd, pem, len, err) && file_sync(fd, path, err);
	private_key_pem_free(pem);
	return good;
}

/* Under another name first: who reads the folder meanwhile, or after a crash, finds a whole key or none. */
static bool write_key(const char *path, const struct private_key *key, const struct stat *owner,
		      struct err *err)
{
	AUTO(free) char *temporary = xasprintf("%s.new", path);
	AUTO(close) int fd = -1;
	bool good;

	unlink(temporary); /* of one that was killed */
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(err, "cannot make '%s'", temporary);
	good = give_away(fd, owner, temporary, err) && write_pem(fd, key, temporary, err);
	/* Not rename(): what somebody else has kept meanwhile is not replaced. */
	if (good && link(temporary, path) < 0)
		good = err_errno(err, "cannot name '%s'", path);
	unlink(temporary);
	return good && file_sync_name(path, err);
}

bool key_folder_keep(const char *folder, const char *public_key_sid, const struct private_key *key,
		     bool *out_added, struct err *err)
{
	AUTO(free) char *path = xasprintf("%s/%s.pem", folder, public_key_sid);
	AUTO(private_key_free) struct private_key *there = NULL;
	struct stat owner;

	if (private_key_read(path, &there, err)) {
		*out_added = false;
		return private_key_equal(there, key) ||
		       err_set(err, ERR_CONFLICT,
			       "another private key is kept for %s: remove '%s' if it is the wrong one",
			       public_key_sid, path);
	}
	if (err->kind != ERR_NOT_FOUND)
		return false;
	if (!make_folder(folder, &owner, err) || !write_key(path, key, &owner, err))
		return false;
	*out_added = true;
	return true;
}
