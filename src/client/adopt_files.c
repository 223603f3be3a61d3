#include "client/adopt_files.h"

#include "adoption/adopt_match.h"
#include "adoption/adoption.h"
#include "audio/sniff.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "blob/blob.h"
#include "catalog/recordings.h"
#include "server/server.h"
#include "twilio/sid.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define PIECE_BYTES    (64 * 1024) /* read at once */
#define RECORDINGS_MAX 200         /* of one call */
#define STAGE_TRIES    2           /* a server that starts meanwhile sweeps what was copied */

/* ---- the folder ---- */

static struct str base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return str_of(slash ? slash + 1 : path);
}

static bool is_ours(struct str name)
{
	struct str sid = str_first(name, SID_LEN), rest = str_after(name, SID_LEN);

	return (sid_is_call(sid) || sid_is_recording(sid)) &&
	       (str_eq_nocase(rest, STR(".mp3")) || str_eq_nocase(rest, STR(".wav")));
}

static void list_add(struct adopt_list *list, const char *path)
{
	if (!is_ours(base_of(path))) {
		list->others++;
		return;
	}
	if (list->count == list->size) {
		list->size = list->size ? 2 * list->size : 256;
		list->paths = xrealloc(list->paths, list->size * sizeof(*list->paths));
	}
	list->paths[list->count++] = xstrdup(path);
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static bool walk(FTS *tree, struct adopt_list *out, struct err *err)
{
	FTSENT *entry;

	while ((errno = 0, entry = fts_read(tree)) != NULL) {
		if (entry->fts_info == FTS_F)
			list_add(out, entry->fts_path);
		else if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR ||
			 entry->fts_info == FTS_NS)
			return err_set(err,
				       entry->fts_errno == ENOENT ? ERR_NOT_FOUND : ERR_INVALID,
				       "cannot read '%s': %s", entry->fts_path,
				       strerror(entry->fts_errno));
	}
	return errno == 0 || err_errno(err, "cannot read the folder");
}

bool adopt_list_read(const char *folder, struct adopt_list *out, struct err *err)
{
	AUTO(free) char *path = xstrdup(folder);
	char *roots[] = { path, NULL };
	FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_name);
	bool good;

	*out = (struct adopt_list){ .count = 0 };
	if (!tree)
		return err_errno(err, "cannot read '%s'", folder);
	good = walk(tree, out, err);
	fts_close(tree);
	return good;
}

void adopt_list_release(struct adopt_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->paths[i]);
	free(list->paths);
	*list = (struct adopt_list){ .count = 0 };
}

/* ---- the server ---- */

bool adopt_files_open(const struct settings *settings, struct adopt_files *out, struct err *err)
{
	AUTO(free) char *ledger = server_ledger(settings);
	json_t *status;

	*out = (struct adopt_files){ .client.settings = settings };
	/* A server that starts sweeps what was copied: so it is there before anything is. */
	if (!access_ask(&out->client, "GET", "/api/status", NULL, &status, err))
		return false;
	json_decref(status);
	return catalog_open(ledger, CATALOG_READ, &out->catalog, err) &&
	       server_store_open(settings, &out->store, err);
}

void adopt_files_release(struct adopt_files *files)
{
	catalog_free(TAKE(files->catalog));
	blob_store_free(TAKE(files->store));
	access_client_release(&files->client);
}

/* ---- one file ---- */

/* What is known of it. */
struct found {
	const char *path;
	struct str sid; /* of its name */
	int fd;
	int64_t written_at_ms, duration_ms;
	struct kept kept; /* its start: where that is not known, when the file was written */
	char recording_sid[SID_SIZE], call_sid[SID_SIZE];
};

static enum adopt_outcome tell(struct adopt_files *files, enum adopt_outcome outcome,
			       const char *format, ...) PRINTF_LIKE(3, 4);
static enum adopt_outcome tell(struct adopt_files *files, enum adopt_outcome outcome,
			       const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(files->reason, sizeof(files->reason), format, args);
	va_end(args);
	return outcome;
}

static bool look_up(const struct adopt_files *files, struct str sid, struct recording *out,
		    size_t *out_count, struct err *err)
{
	*out_count = 0;
	if (sid_is_call(sid))
		return recordings_list_of_call(files->catalog, sid, out, RECORDINGS_MAX, out_count,
					       err);
	if (recordings_find(files->catalog, sid, out, err))
		*out_count = 1;
	else if (err->kind != ERR_NOT_FOUND)
		return false;
	return true;
}

static bool open_file(struct found *file, char reason[ADOPT_FILE_REASON_SIZE])
{
	struct stat about;

	file->fd = open(file->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (file->fd < 0 || fstat(file->fd, &about) < 0) {
		snprintf(reason, ADOPT_FILE_REASON_SIZE, "it cannot be opened: %s",
			 strerror(errno));
		return false;
	}
	file->written_at_ms =
		(int64_t)about.st_mtim.tv_sec * 1000 + about.st_mtim.tv_nsec / 1000000;
	return true;
}

/* The next piece; 0: its end; below 0: it cannot be read. */
static ssize_t read_piece(const struct found *file, char *piece, off_t at)
{
	ssize_t n;

	do {
		n = pread(file->fd, piece, PIECE_BYTES, at);
	} while (n < 0 && errno == EINTR);
	return n;
}

static bool listen_to(struct found *file, char reason[ADOPT_FILE_REASON_SIZE])
{
	AUTO(free) char *piece = xmalloc(PIECE_BYTES);
	struct sniff sniff;
	off_t at = 0;
	ssize_t n;

	sniff_init(&sniff);
	while ((n = read_piece(file, piece, at)) > 0) {
		sniff_feed(&sniff, piece, (size_t)n);
		at += n;
	}
	sniff_end(&sniff);
	file->duration_ms = (int64_t)sniff_duration_ms(&sniff);
	if (n < 0)
		snprintf(reason, ADOPT_FILE_REASON_SIZE, "it cannot be read: %s", strerror(errno));
	else if (sniff.kind == AUDIO_NOT)
		snprintf(reason, ADOPT_FILE_REASON_SIZE, "it is %s", sniff_reason(&sniff));
	else if (sniff.is_cut)
		snprintf(reason, ADOPT_FILE_REASON_SIZE, "it is cut short");
	else
		return true;
	return false;
}

/* As root we copy for the server, which is another user. */
static bool give_away(const struct adopt_files *files, const struct blob_arriving *arriving,
		      struct err *err)
{
	struct stat about;

	if (geteuid() != 0)
		return true;
	if (stat(files->client.settings->data_dir, &about) < 0 ||
	    fchown(arriving->fd, about.st_uid, about.st_gid) < 0)
		return err_errno(err, "cannot hand the copy over");
	return true;
}

static bool copy(const struct adopt_files *files, const struct found *file,
		 struct blob_arriving *arriving, struct err *err)
{
	AUTO(free) char *piece = xmalloc(PIECE_BYTES);
	ssize_t n;

	while ((n = read_piece(file, piece, (off_t)arriving->size)) > 0)
		if (!blob_arriving_write(arriving, (struct str){ piece, (size_t)n }, err))
			return false;
	if (n < 0)
		return err_errno(err, "cannot read '%s'", file->path);
	return give_away(files, arriving, err);
}

static int64_t new_number(void)
{
	uint64_t random;

	random_bytes(&random, sizeof(random));
	return ADOPTION_STAGED_LEAST + (int64_t)(random % (uint64_t)ADOPTION_STAGED_LEAST);
}

/* The copy goes when this returns, unless the server has given it its name. */
static bool hand_over(struct adopt_files *files, const struct found *file, struct err *err)
{
	int64_t staged = new_number();
	AUTO(blob_arriving_free) struct blob_arriving *arriving = NULL;
	char path[64 + SID_SIZE], recorded_at[ISO_DATE_SIZE];
	json_t *body, *answer;

	files->client.status = 0;
	if (!blob_arriving_open(files->store, str_of(file->recording_sid), staged, &arriving,
				err) ||
	    !copy(files, file, arriving, err))
		return false;
	clock_iso_date(file->written_at_ms, recorded_at);
	snprintf(path, sizeof(path), "/api/recordings/%s/adopt", file->recording_sid);
	body = json_pack("{s:I, s:s}", "staged", (json_int_t)staged, "recorded_at", recorded_at);
	if (file->call_sid[0] != '\0')
		json_object_set_new(body, "call_sid", json_string(file->call_sid));
	if (!access_ask(&files->client, "POST", path, body, &answer, err))
		return false;
	json_decref(answer);
	return true;
}

static bool adopt(struct adopt_files *files, const struct found *file, enum adopt_outcome *out,
		  struct err *err)
{
	bool is_adopted = false;

	for (int i = 0; i < STAGE_TRIES && !is_adopted; i++) {
		is_adopted = hand_over(files, file, err);
		if (!is_adopted && err->kind != ERR_NOT_FOUND)
			break;
	}
	*out = ADOPT_FILE_ADOPTED;
	if (is_adopted)
		return true;
	/* What the server says of this file; else it is of all of them. */
	if (files->client.status == 0 || (err->kind != ERR_CONFLICT && err->kind != ERR_INVALID))
		return err_context(err, "%s", file->path);
	*out = tell(files, err->kind == ERR_CONFLICT ? ADOPT_FILE_CONFLICT : ADOPT_FILE_BROKEN,
		    "%s", err->text);
	return true;
}

/* Under which SIDs it is kept; false: it is not, *out says why. */
static bool place(struct adopt_files *files, const struct recording *recordings, size_t count,
		  struct found *file, enum adopt_outcome *out)
{
	struct adopt_match match;

	adopt_match(recordings, count, file->duration_ms, &match);
	if (match.meaning == ADOPT_HERE || match.meaning == ADOPT_CONFLICT) {
		*out = match.meaning == ADOPT_HERE
			       ? ADOPT_FILE_HERE
			       : tell(files, ADOPT_FILE_CONFLICT, "%s", match.reason);
		return false;
	}
	file->kept.started_at_ms = file->written_at_ms;
	if (match.meaning == ADOPT_TAKE) {
		file->kept = recording_kept(&recordings[match.index]);
		if (file->kept.started_at_ms == 0)
			file->kept.started_at_ms = file->written_at_ms;
		memcpy(file->recording_sid, recordings[match.index].recording_sid, SID_SIZE);
		memcpy(file->call_sid, recordings[match.index].call_sid, SID_SIZE);
	} else if (sid_is_call(file->sid)) {
		str_fit(file->sid, file->call_sid, SID_SIZE);
		adopt_recording_sid(file->sid, file->recording_sid);
	} else {
		str_fit(file->sid, file->recording_sid, SID_SIZE);
	}
	return true;
}

static bool is_too_old(const struct adopt_files *files, const struct found *file)
{
	return retention_removed_at_ms(&files->client.settings->rules, &file->kept) <
	       clock_wall_ms();
}

bool adopt_file(struct adopt_files *files, const char *path, enum adopt_outcome *out,
		struct err *err)
{
	AUTO(free)
	struct recording *recordings = xcalloc(RECORDINGS_MAX, sizeof(*recordings));
	struct found file = { .path = path, .sid = str_first(base_of(path), SID_LEN), .fd = -1 };
	size_t count;
	bool good = true;

	files->reason[0] = '\0';
	if (!look_up(files, file.sid, recordings, &count, err))
		return false;
	if (adopt_is_here(recordings, count))
		*out = ADOPT_FILE_HERE;
	else if (!open_file(&file, files->reason) || !listen_to(&file, files->reason))
		*out = ADOPT_FILE_BROKEN;
	else if (!place(files, recordings, count, &file, out))
		good = true;
	else if (is_too_old(files, &file))
		*out = ADOPT_FILE_EXPIRED;
	else
		good = adopt(files, &file, out, err);
	close_at(&file.fd);
	return good;
}
