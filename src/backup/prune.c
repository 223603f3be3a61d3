#include "backup/prune.h"

#include "backup/landing.h"
#include "base/mem.h"
#include "base/own.h"
#include "base/str.h"
#include "blob/blob.h"
#include "catalog/recordings.h"

#include <errno.h>
#include <fts.h>
#include <string.h>

#define SID_LEN (SID_SIZE - 1)

/* Of "3f/CA….RE….17.mp3" or "8a/RE….17.mp3", which is valid. */
static struct str recording_sid(struct str name)
{
	struct str base = str_after(name, 3);

	if (str_starts(base, STR("CA")))
		base = str_after(base, SID_LEN + 1);
	return str_first(base, SID_LEN);
}

/* Not while it may be the last copy: of a recording that was lost, or that this ledger does not know. */
static bool may_go(struct catalog *catalog, const struct landing *landing, struct str name,
		   bool *out, struct err *err)
{
	struct recording recording;

	*out = false;
	if (!recordings_find(catalog, recording_sid(name), &recording, err))
		return err->kind == ERR_NOT_FOUND;
	*out = recording_is_removed(recording.state) ||
	       (recording.state == RECORDING_STORED && !str_eq(str_of(recording.path), name) &&
		landing_holds(landing, recording.path, recording.size));
	return true;
}

static bool look_at(struct catalog *catalog, struct landing *landing, struct str name,
		    uint64_t *out_pruned, struct err *err)
{
	char text[BLOB_NAME_SIZE];
	bool goes;

	if (!blob_name_is_valid(name) || !str_copy(name, text, sizeof(text)))
		return true;
	if (!may_go(catalog, landing, name, &goes, err))
		return false;
	if (!goes)
		return true;
	++*out_pruned;
	return landing_remove(landing, text, err);
}

static bool walk(FTS *tree, size_t root_len, struct catalog *catalog, struct landing *landing,
		 uint64_t *out_pruned, struct err *err)
{
	FTSENT *entry;

	while ((errno = 0, entry = fts_read(tree)) != NULL)
		if (entry->fts_info == FTS_F && entry->fts_pathlen > root_len + 1 &&
		    !look_at(catalog, landing, str_of(entry->fts_path + root_len + 1), out_pruned,
			     err))
			return false;
	return errno == 0 || err_errno(err, "cannot read the folder of recordings");
}

bool prune(const char *folder, struct catalog *catalog, struct landing *landing,
	   uint64_t *out_pruned, struct err *err)
{
	AUTO(free) char *root = xasprintf("%s/recordings", folder);
	char *roots[] = { root, NULL };
	FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	bool good;

	if (!tree)
		return err_errno(err, "cannot read '%s'", root);
	good = walk(tree, strlen(root), catalog, landing, out_pruned, err) &&
	       landing_finish(landing, err);
	fts_close(tree);
	return good;
}
