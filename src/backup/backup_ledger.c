#include "backup/backup_ledger.h"

#include "backup/digest_list.h"
#include "backup/folder_use.h"
#include "backup/landing.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/own.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool has_digest(const char *path, const char *sha256, bool *out, struct err *err)
{
	AUTO(close) int fd = folder_open_file(path);
	struct landing_content content;

	*out = false;
	if (fd < 0)
		return errno == ENOENT || errno == EINVAL ||
		       err_errno(err, "cannot open '%s'", path);
	if (!landing_digest(fd, &content, err))
		return err_context(err, "'%s'", path);
	*out = strcmp(content.sha256, sha256) == 0;
	return true;
}

bool backup_ledger_find(const char *folder, const struct digest_list_head *head, char **out,
			struct err *err)
{
	static const char *const names[] = { BACKUP_LEDGER, BACKUP_LEDGER_NEW };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		AUTO(free) char *path = xasprintf("%s/%s", folder, names[i]);
		bool is_it;

		if (!has_digest(path, head->ledger_sha256, &is_it, err))
			return false;
		if (is_it) {
			*out = TAKE(path);
			return true;
		}
	}
	return err_set(err, ERR_INVALID,
		       "the backup in '%s' is damaged: its ledger is not the one that was written",
		       folder);
}

bool backup_ledger_settle(const char *folder, struct err *err)
{
	AUTO(free) char *new = xasprintf("%s/" BACKUP_LEDGER_NEW, folder);
	AUTO(free) char *path = xasprintf("%s/" BACKUP_LEDGER, folder);
	AUTO(digest_list_free) struct digest_list *list = NULL;
	struct digest_list_head head;
	bool is_it;

	if (!folder_has(folder, BACKUP_LEDGER_NEW) || !folder_has(folder, DIGEST_LIST_NAME))
		return true;
	if (!digest_list_open(folder, &list, &head, err) ||
	    !has_digest(new, head.ledger_sha256, &is_it, err))
		return false;
	if (!is_it)
		return true;
	if (rename(new, path) < 0)
		return err_errno(err, "cannot rename '%s'", new);
	return file_sync_folder(folder, err);
}
