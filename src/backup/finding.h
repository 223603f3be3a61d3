/*
 * What is not as it should be with a file of media: in the store while it is backed up, in a backup while that is brought back
 * or checked.  Told as it is found.
 */
#pragma once

enum backup_finding {
	BACKUP_MISSING, /* there is no such file, and there should be */
	BACKUP_DAMAGED, /* it has another size or other bytes, or cannot be read */
	BACKUP_FINDINGS,
};

/* Embedded in who listens. */
struct backup_watch {
	/* `path`: below recordings/. */
	void (*found)(struct backup_watch *watch, enum backup_finding finding, const char *path,
		      const char *reason);
};

static inline void backup_watch_tell(struct backup_watch *watch, enum backup_finding finding,
				     const char *path, const char *reason)
{
	if (watch)
		watch->found(watch, finding, path, reason);
}
