#include "backup/backup_check.h"

#include "backup/backup_ledger.h"
#include "backup/digest_list.h"
#include "backup/folder_use.h"
#include "backup/landing.h"
#include "base/mem.h"
#include "base/own.h"
#include "base/progress.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* BACKUP_FINDINGS: it is sound. */
static enum backup_finding look_at(const char *folder, const struct digest_list_line *line,
				   struct err *reason)
{
	AUTO(free) char *path = xasprintf("%s/recordings/%s", folder, line->name);
	AUTO(close) int fd = folder_open_file(path);
	struct landing_content content;

	if (fd < 0) {
		bool is_missing = errno == ENOENT;

		err_errno(reason, "it cannot be opened");
		return is_missing ? BACKUP_MISSING : BACKUP_DAMAGED;
	}
	if (!landing_digest(fd, &content, reason))
		return BACKUP_DAMAGED;
	if (strcmp(content.sha256, line->sha256) == 0)
		return BACKUP_FINDINGS;
	err_set(reason, ERR_INVALID, "its bytes are not those that were backed up");
	return BACKUP_DAMAGED;
}

static bool check_all(const char *folder, struct digest_list *list, struct progress *progress,
		      struct backup_watch *watch, struct backup_check_report *report,
		      uint64_t expected, struct err *err)
{
	struct digest_list_line line;
	enum backup_finding finding;
	struct err reason;
	bool is_end;

	for (;; report->recordings++) {
		progress_move(progress, report->recordings, expected);
		if (!digest_list_next(list, &line, &is_end, err))
			return false;
		if (is_end)
			break;
		finding = look_at(folder, &line, &reason);
		if (finding == BACKUP_FINDINGS)
			continue;
		report->findings[finding]++;
		backup_watch_tell(watch, finding, line.name, reason.text);
	}
	progress_move(progress, report->recordings, report->recordings);
	return true;
}

bool backup_check(const char *folder, struct progress *progress, struct backup_watch *watch,
		  struct backup_check_report *report, struct err *err)
{
	AUTO(digest_list_free) struct digest_list *list = NULL;
	AUTO(free) char *ledger = NULL;
	struct digest_list_head head;

	*report = (struct backup_check_report){ .recordings = 0 };
	if (!digest_list_open(folder, &list, &head, err) ||
	    !backup_ledger_find(folder, &head, &ledger, err))
		return false;
	report->made_at_ms = head.made_at_ms;
	return check_all(folder, list, progress, watch, report, head.recordings, err);
}
