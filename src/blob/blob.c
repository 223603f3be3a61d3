#include "blob/blob.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "blob/blob_driver.h"

#define PIECE_BYTES 65536 /* read at once while hashing */
#define SID_LEN     34    /* two letters and 32 hexadecimal digits */
#define WAVEFORM    "peaks"

/* ---- names ---- */

static bool is_sid(struct str s, char first, char second)
{
	if (s.len != SID_LEN || s.at[0] != first || s.at[1] != second)
		return false;
	for (size_t i = 2; i < s.len; i++)
		if (ascii_hex_value(s.at[i]) < 0)
			return false;
	return true;
}

static bool is_format(struct str s)
{
	return str_eq(s, STR("mp3")) || str_eq(s, STR("wav")) || str_eq(s, STR(WAVEFORM));
}

/* generation 0: none, as in older names. */
static bool make_name(struct str call_sid, struct str recording_sid, int64_t generation,
		      struct str format, char out[BLOB_NAME_SIZE], struct err *err)
{
	struct str leader = call_sid.len > 0 ? call_sid : recording_sid;
	char array[BLOB_NAME_SIZE];
	struct buf name;

	if (call_sid.len > 0 && !is_sid(call_sid, 'C', 'A'))
		return err_set(err, ERR_INVALID, "not a call SID: '%.*s'",
			       STR_ARG(str_first(call_sid, 40)));
	if (!is_sid(recording_sid, 'R', 'E'))
		return err_set(err, ERR_INVALID, "not a recording SID: '%.*s'",
			       STR_ARG(str_first(recording_sid, 40)));
	if (!is_format(format))
		return err_set(err, ERR_INVALID, "not a format: '%.*s'",
			       STR_ARG(str_first(format, 10)));

	buf_over(&name, array, sizeof(array));
	buf_add_byte(&name, ascii_lower(leader.at[2]));
	buf_add_byte(&name, ascii_lower(leader.at[3]));
	buf_add_byte(&name, '/');
	if (call_sid.len > 0) {
		buf_add_str(&name, call_sid);
		buf_add_byte(&name, '.');
	}
	buf_add_str(&name, recording_sid);
	buf_add_byte(&name, '.');
	if (generation > 0)
		buf_addf(&name, "%" PRId64 ".", generation);
	buf_add_str(&name, format);
	memcpy(out, array, name.len + 1); /* it fits: 3 + 35 + 35 + 20 + 5 */
	return true;
}

bool blob_name_make(struct str call_sid, struct str recording_sid, int64_t generation,
		    struct str format, char out[BLOB_NAME_SIZE], struct err *err)
{
	if (generation <= 0)
		return err_set(err, ERR_INVALID, "not a generation: %" PRId64, generation);
	return make_name(call_sid, recording_sid, generation, format, out, err);
}

bool blob_name_beginning(struct str call_sid, struct str recording_sid, char out[BLOB_NAME_SIZE],
			 struct err *err)
{
	if (!make_name(call_sid, recording_sid, 0, STR("mp3"), out, err))
		return false;
	out[strlen(out) - strlen("mp3")] = '\0';
	return true;
}

/* Takes the parts apart, makes a name of them anew, and compares. */
bool blob_name_parse(struct str name, struct blob_name *out)
{
	struct blob_name parts = { .call_sid = STR("") };
	char made[BLOB_NAME_SIZE];
	uint64_t generation = 0;
	struct str rest = name;
	struct err err;

	if (name.len < 3 || name.at[2] != '/')
		return false;
	rest = str_after(rest, 3);
	if (!str_cut(&rest, '.', &parts.recording_sid))
		return false;
	if (is_sid(parts.recording_sid, 'C', 'A')) {
		parts.call_sid = parts.recording_sid;
		if (!str_cut(&rest, '.', &parts.recording_sid))
			return false;
	}
	if (!str_cut(&rest, '.', &parts.format))
		return false;
	if (!is_format(parts.format) &&
	    (!str_to_u64(parts.format, &generation) || generation > INT64_MAX ||
	     !str_cut(&rest, '.', &parts.format)))
		return false;
	parts.generation = (int64_t)generation;
	if (!make_name(parts.call_sid, parts.recording_sid, parts.generation, parts.format, made,
		       &err) ||
	    !str_eq(name, str_of(made)))
		return false;
	*out = parts;
	return true;
}

bool blob_name_is_valid(struct str name)
{
	struct blob_name parts;

	return blob_name_parse(name, &parts);
}

/* A valid name as a C string; false: err is set. */
static bool take_name(struct str name, char out[BLOB_NAME_SIZE], struct err *err)
{
	if (!blob_name_is_valid(name) || !str_copy(name, out, BLOB_NAME_SIZE))
		return err_set(err, ERR_INVALID, "not a blob's name: '%.*s'",
			       STR_ARG(str_first(name, BLOB_NAME_SIZE)));
	return true;
}

bool blob_name_beside(struct str name, char out[BLOB_NAME_SIZE], struct err *err)
{
	char checked[BLOB_NAME_SIZE];
	struct buf beside;

	if (!take_name(name, checked, err))
		return false;
	buf_over(&beside, out, BLOB_NAME_SIZE);
	buf_addf(&beside, "%.*s." WAVEFORM, (int)(strrchr(checked, '.') - checked), checked);
	return buf_ok(&beside) || err_set(err, ERR_INVALID, "'%s' is too long", checked);
}

/* ---- what every driver has ---- */

void blob_store_free(struct blob_store *store)
{
	if (store)
		store->driver->store_free(store);
}

void blob_store_stop(struct blob_store *store)
{
	if (store->driver->stop)
		store->driver->stop(store);
}

bool blob_is_remote(struct blob_store *store)
{
	return store->driver->know != NULL;
}

struct mailbox *blob_store_mailbox(struct blob_store *store)
{
	return store->driver->mailbox ? store->driver->mailbox(store) : NULL;
}

void blob_store_know(struct blob_store *store, const char *id, bool is_used)
{
	if (store->driver->know)
		store->driver->know(store, id, is_used);
}

bool blob_store_claim(struct blob_store *store, struct err *err)
{
	return !store->driver->claim || store->driver->claim(store, err);
}

/* As it was: the disk, or that no descriptor is left; not what was asked, nor that there is no room. */
static bool noted(struct trouble *trouble, bool good, const struct err *err)
{
	if (!good && (err->kind == ERR_INTERNAL || err->kind == ERR_SCARCE))
		trouble_failed(trouble, err->text);
	return good;
}

#define ARRIVING_BASE_SIZE (SID_LEN + 32)

static bool make_base(struct str recording_sid, int64_t generation, char out[ARRIVING_BASE_SIZE],
		      struct err *err)
{
	if (!is_sid(recording_sid, 'R', 'E'))
		return err_set(err, ERR_INVALID, "not a recording SID: '%.*s'",
			       STR_ARG(str_first(recording_sid, 40)));
	if (generation < 0)
		return err_set(err, ERR_INVALID, "a generation below 0");
	snprintf(out, ARRIVING_BASE_SIZE, "%.*s.%" PRId64, STR_ARG(recording_sid), generation);
	return true;
}

bool blob_arriving_open(struct blob_store *store, struct str recording_sid, int64_t generation,
			struct blob_arriving **out, struct err *err)
{
	char base[ARRIVING_BASE_SIZE];

	return make_base(recording_sid, generation, base, err) &&
	       noted(&store->writing, store->driver->arriving_open(store, base, out, err), err);
}

/* Beside an arriving file of the same generation: what comes encrypted has both. */
bool blob_arriving_open_unnamed(struct blob_store *store, struct str recording_sid,
				int64_t generation, struct blob_arriving **out, struct err *err)
{
	char base[ARRIVING_BASE_SIZE];

	if (!make_base(recording_sid, generation, base, err))
		return false;
	memcpy(base + strlen(base), ".open", sizeof(".open"));
	return noted(&store->writing, store->driver->arriving_open_unnamed(store, base, out, err),
		     err);
}

bool blob_arriving_take(struct blob_store *store, struct str recording_sid, int64_t generation,
			struct blob_arriving **out, struct err *err)
{
	char base[ARRIVING_BASE_SIZE];

	return make_base(recording_sid, generation, base, err) &&
	       store->driver->arriving_take(store, base, out, err);
}

bool blob_arriving_write(struct blob_arriving *arriving, struct str bytes, struct err *err)
{
	struct blob_store *store = arriving->store;

	return noted(&store->writing, store->driver->arriving_write(arriving, bytes, err), err);
}

bool blob_arriving_truncate(struct blob_arriving *arriving, uint64_t size, struct err *err)
{
	if (size > arriving->size)
		return err_set(err, ERR_INVALID,
			       "an arriving file is not made longer by cutting it");
	return arriving->store->driver->arriving_truncate(arriving, size, err);
}

bool blob_arriving_reader(struct blob_arriving *arriving, int *out_fd, struct err *err)
{
	return arriving->store->driver->arriving_reader(arriving, out_fd, err);
}

bool blob_scratch(struct blob_store *store, int *out_fd, struct err *err)
{
	return store->driver->scratch(store, out_fd, err);
}

enum blob_seal_result blob_arriving_seal(struct blob_arriving *arriving, struct str name,
					 struct err *err)
{
	struct blob_store *store = arriving->store;
	char checked[BLOB_NAME_SIZE];
	enum blob_seal_result result;

	if (!take_name(name, checked, err))
		return BLOB_UNSEALED;
	result = store->driver->arriving_seal(arriving, checked, err);
	if (noted(&store->writing, result == BLOB_SEALED, err))
		trouble_worked(&store->writing);
	return result;
}

void blob_arriving_free(struct blob_arriving *arriving)
{
	if (arriving)
		arriving->store->driver->arriving_free(arriving);
}

bool blob_sweep_arriving(struct blob_store *store, uint64_t *out_removed, struct err *err)
{
	return store->driver->sweep_arriving(store, out_removed, err);
}

bool blob_open_wanted(struct blob_store *store, struct str name, const struct blob_want *want,
		      int *out_fd, uint64_t *out_size, struct err *err)
{
	char checked[BLOB_NAME_SIZE];
	AUTO(close) int fd = -1;
	uint64_t size;

	if (!take_name(name, checked, err) ||
	    !noted(&store->reading, store->driver->open_read(store, checked, want, &fd, &size, err),
		   err))
		return false;
	trouble_worked(&store->reading);
	if (want->size > 0 && size != want->size)
		return err_set(err, ERR_INVALID, "'%s' has %llu bytes, the ledger says %llu",
			       checked, (unsigned long long)size, (unsigned long long)want->size);
	*out_fd = TAKE_FD(fd);
	*out_size = size;
	return true;
}

bool blob_open_read(struct blob_store *store, struct str name, int *out_fd, uint64_t *out_size,
		    struct err *err)
{
	const struct blob_want anything = { .size = 0 };

	return blob_open_wanted(store, name, &anything, out_fd, out_size, err);
}

bool blob_open_here(struct blob_store *store, struct str name, int *out_fd, uint64_t *out_size,
		    struct err *err)
{
	char checked[BLOB_NAME_SIZE];

	if (!store->driver->open_here)
		return blob_open_read(store, name, out_fd, out_size, err);
	return take_name(name, checked, err) &&
	       noted(&store->reading,
		     store->driver->open_here(store, checked, out_fd, out_size, err), err);
}

bool blob_forget_here(struct blob_store *store, struct str name)
{
	char checked[BLOB_NAME_SIZE];
	struct err err;

	if (!store->driver->forget_here || !take_name(name, checked, &err))
		return false;
	store->driver->forget_here(store, checked);
	return true;
}

bool blob_stat(struct blob_store *store, struct str name, uint64_t *out_size, struct err *err)
{
	char checked[BLOB_NAME_SIZE];
	AUTO(close) int fd = -1;

	if (!store->driver->stat)
		return blob_open_read(store, name, &fd, out_size, err);
	return take_name(name, checked, err) && store->driver->stat(store, checked, out_size, err);
}

bool blob_has_place(struct blob_store *store, struct str name)
{
	char checked[BLOB_NAME_SIZE];
	struct err err;

	return take_name(name, checked, &err) && store->driver->has_place(store, checked);
}

bool blob_is_away(struct blob_store *store)
{
	char sid[SID_LEN + 1], name[BLOB_NAME_SIZE];
	struct err err;

	for (unsigned folder = 0; folder < (store->driver->is_one_place ? 1 : 256); folder++) {
		snprintf(sid, sizeof(sid), "RE%02x%030d", folder, 0);
		if (blob_name_make(STR(""), str_of(sid), 1, STR("mp3"), name, &err) &&
		    blob_has_place(store, str_of(name)))
			return false;
	}
	return true;
}

bool blob_list(struct blob_store *store, struct str prefix, struct str after,
	       struct blob_names *out, struct err *err)
{
	if (prefix.len < 3 || ascii_hex_value(prefix.at[0]) < 0 ||
	    ascii_hex_value(prefix.at[1]) < 0 || prefix.at[2] != '/')
		return err_set(err, ERR_INVALID, "not the beginning of a blob's name: '%.*s'",
			       STR_ARG(str_first(prefix, BLOB_NAME_SIZE)));
	return store->driver->list(store, prefix, after, out, err);
}

typedef bool walker(struct blob_store *store, const char *folder, struct blob_folder *out,
		    struct err *err);

/* "3f" */
static bool is_folder(struct str name)
{
	return name.len == 2 && ascii_hex_value(name.at[0]) >= 0 &&
	       ascii_hex_value(name.at[1]) >= 0;
}

static bool walk(struct blob_store *store, walker *walk_one, struct str folder,
		 struct blob_folder *out, struct err *err)
{
	char name[3] = "";
	bool is_good;

	if (folder.len != 0 && !is_folder(folder))
		return err_set(err, ERR_INVALID, "not a folder of the store: '%.*s'",
			       STR_ARG(str_first(folder, BLOB_NAME_SIZE)));
	*out = (struct blob_folder){ .count = 0 };
	memcpy(name, folder.at, folder.len);
	is_good = walk_one(store, name, out, err);
	if (!is_good)
		blob_folder_release(out);
	return is_good;
}

bool blob_walk(struct blob_store *store, struct str folder, struct blob_folder *out,
	       struct err *err)
{
	return walk(store, store->driver->walk, folder, out, err);
}

bool blob_has_here(struct blob_store *store)
{
	return store->driver->here_walk != NULL;
}

bool blob_here_walk(struct blob_store *store, struct str folder, struct blob_folder *out,
		    struct err *err)
{
	*out = (struct blob_folder){ .count = 0 };
	return !store->driver->here_walk || walk(store, store->driver->here_walk, folder, out, err);
}

bool blob_remote_read(struct blob_store *store, struct blob_remote_facts *out)
{
	if (!store->driver->remote_facts)
		return false;
	store->driver->remote_facts(store, out);
	return true;
}

void blob_here_doubt(struct blob_store *store, struct str folder)
{
	if (store->driver->here_doubt && is_folder(folder))
		store->driver->here_doubt(store, (char[]){ folder.at[0], folder.at[1], '\0' });
}

void blob_here_drop(struct blob_store *store, struct str name)
{
	char checked[BLOB_NAME_SIZE];
	struct err err;

	if (store->driver->here_drop && take_name(name, checked, &err))
		store->driver->here_drop(store, checked);
}

void blob_here_used(struct blob_store *store, struct str name)
{
	char checked[BLOB_NAME_SIZE];
	struct err err;

	if (store->driver->here_used && take_name(name, checked, &err))
		store->driver->here_used(store, checked);
}

/* What lay there before its call was known may lie below itself. */
void blob_here_forget(struct blob_store *store, struct str call_sid, struct str recording_sid)
{
	char beginning[BLOB_NAME_SIZE];
	struct err err;

	if (!store->driver->here_forget)
		return;
	if (blob_name_beginning(STR(""), recording_sid, beginning, &err))
		store->driver->here_forget(store, beginning);
	if (call_sid.len > 0 && blob_name_beginning(call_sid, recording_sid, beginning, &err))
		store->driver->here_forget(store, beginning);
}

void blob_folder_release(struct blob_folder *folder)
{
	for (size_t i = 0; i < folder->count; i++)
		free(folder->names[i]);
	free(folder->names);
	*folder = (struct blob_folder){ .count = 0 };
}

bool blob_remove(struct blob_store *store, struct str name, struct err *err)
{
	char checked[BLOB_NAME_SIZE], beside[BLOB_NAME_SIZE];
	struct err of_beside;
	bool is_removed;

	if (!take_name(name, checked, err) || !blob_name_beside(name, beside, err))
		return false;
	is_removed = store->driver->remove(store, checked, err);
	if (strcmp(checked, beside) == 0 || store->driver->remove(store, beside, &of_beside) ||
	    of_beside.kind == ERR_NOT_FOUND)
		return is_removed;
	if (is_removed)
		*err = of_beside;
	return false;
}

bool blob_sync_place(struct blob_store *store, struct str name, struct err *err)
{
	char checked[BLOB_NAME_SIZE];

	return take_name(name, checked, err) && store->driver->sync_place(store, checked, err);
}

static bool has_media(struct blob_store *store, struct str name, struct err *err)
{
	uint64_t size;

	return blob_stat(store, name, &size, err);
}

static bool write_whole(struct blob_store *store, const char *name, struct str bytes,
			struct err *err)
{
	AUTO(blob_arriving_free) struct blob_arriving *arriving = NULL;

	return store->driver->arriving_open(store, name + 3, &arriving, err) &&
	       blob_arriving_write(arriving, bytes, err) &&
	       blob_arriving_seal(arriving, str_of(name), err) == BLOB_SEALED;
}

bool blob_write_beside(struct blob_store *store, struct str media_name, struct str bytes,
		       struct err *err)
{
	char beside[BLOB_NAME_SIZE];
	struct err ignored;

	if (!blob_name_beside(media_name, beside, err) || !has_media(store, media_name, err) ||
	    !write_whole(store, beside, bytes, err))
		return false;
	if (has_media(store, media_name, err))
		return true;
	if (err->kind == ERR_NOT_FOUND)
		(void)!store->driver->remove(store, beside, &ignored);
	return false;
}

bool blob_path(struct blob_store *store, struct str name, char **out, struct err *err)
{
	char checked[BLOB_NAME_SIZE];

	if (!take_name(name, checked, err))
		return false;
	*out = store->driver->path(store, checked);
	return true;
}

bool blob_address(struct blob_store *store, struct str name, const struct blob_address_terms *terms,
		  struct buf *out)
{
	char checked[BLOB_NAME_SIZE];
	struct err err;

	return store->driver->address && take_name(name, checked, &err) &&
	       store->driver->address(store, checked, terms, out);
}

bool blob_gives_addresses(struct blob_store *store)
{
	return store->driver->gives_addresses && store->driver->gives_addresses(store);
}

const char *blob_origin(struct blob_store *store)
{
	return store->driver->origin ? store->driver->origin(store) : NULL;
}

bool blob_free_bytes(struct blob_store *store, uint64_t *out, struct err *err)
{
	return store->driver->free_bytes(store, out, err);
}

/* ---- reading all of it ---- */

static bool read_content(int fd, const atomic_bool *is_stopping, struct blob_content *out,
			 struct err *err)
{
	AUTO(sha256_free) struct sha256 *sha = sha256_new();
	AUTO(free) char *piece = xmalloc(PIECE_BYTES);
	uint64_t at = 0;

	for (;;) {
		ssize_t n;

		if (is_stopping && *is_stopping)
			return err_set(err, ERR_UNAVAILABLE, "not read to its end: we stop");
		n = pread(fd, piece, PIECE_BYTES, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "cannot read a recording");
		if (n == 0)
			break;
		sha256_add(sha, piece, (size_t)n);
		at += (uint64_t)n;
	}
	out->size = at;
	sha256_end(sha, out->sha256);
	return true;
}

bool blob_read_content(struct blob_store *store, struct str name, uint64_t size_most,
		       const atomic_bool *is_stopping, struct blob_content *out, struct err *err)
{
	AUTO(close) int fd = -1;
	char checked[BLOB_NAME_SIZE];
	uint64_t size;

	if (store->driver->read_content)
		return take_name(name, checked, err) &&
		       store->driver->read_content(store, checked, size_most, out, err);
	return blob_open_read(store, name, &fd, &size, err) &&
	       read_content(fd, is_stopping, out, err);
}

bool blob_verify(struct blob_store *store, struct str name, const struct blob_content *want,
		 enum blob_condition *out, struct err *err)
{
	AUTO(close) int fd = -1;
	struct blob_content found;
	uint64_t size;

	if (!blob_open_read(store, name, &fd, &size, err)) {
		if (err->kind != ERR_NOT_FOUND)
			return false;
		*out = BLOB_MISSING;
		return true;
	}
	if (size == want->size && !read_content(fd, NULL, &found, err))
		return false;
	if (size != want->size || found.size != want->size)
		*out = BLOB_WRONG_SIZE;
	else if (memcmp(found.sha256, want->sha256, sizeof(found.sha256)) != 0)
		*out = BLOB_WRONG_BYTES;
	else
		*out = BLOB_SOUND;
	return true;
}
