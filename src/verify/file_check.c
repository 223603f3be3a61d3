#include "verify/file_check.h"

#include "base/buf.h"
#include "base/own.h"
#include "blob/blob.h"

#include <stdio.h>
#include <string.h>

PRINTF_LIKE(3, 4)
static bool find_fault(struct file_check *out, enum store_fault_kind kind, const char *fmt, ...)
{
	va_list args;

	out->is_sound = false;
	out->kind = kind;
	va_start(args, fmt);
	vsnprintf(out->reason, sizeof(out->reason), fmt, args);
	va_end(args);
	return true;
}

static bool is_ours(const struct err *err)
{
	return err->kind == ERR_SCARCE || err->kind == ERR_UNAVAILABLE;
}

static bool check_bytes(struct blob_store *store, const struct recording_stored *row,
			const atomic_bool *is_stopping, struct file_check *out, struct err *err)
{
	struct blob_content content;
	char text[SHA256_HEX];
	struct buf hex;

	if (!blob_read_content(store, str_of(row->path), row->size, is_stopping, &content, err)) {
		if (is_ours(err))
			return false;
		if (err->kind == ERR_NOT_FOUND)
			return find_fault(out, STORE_FAULT_MISSING, "its file is not there");
		return find_fault(out, STORE_FAULT_UNREADABLE, "%.180s", err->text);
	}
	out->read = content.size;
	if (content.size != row->size)
		return find_fault(out, STORE_FAULT_SIZE, "it holds %llu bytes, and had %llu",
				  (unsigned long long)content.size, (unsigned long long)row->size);
	buf_over(&hex, text, sizeof(text));
	hex_add(&hex, content.sha256, sizeof(content.sha256));
	if (strcmp(text, row->sha256) != 0)
		return find_fault(out, STORE_FAULT_BYTES,
				  "its bytes are not those that were stored");
	return true;
}

static bool look(struct blob_store *store, const struct recording_stored *row,
		 const atomic_bool *is_stopping, struct file_check *out, struct err *err)
{
	uint64_t size;

	*out = (struct file_check){ .is_sound = true, .may_mend = true };
	if (!blob_stat(store, str_of(row->path), &size, err)) {
		if (is_ours(err))
			return false;
		if (err->kind == ERR_NOT_FOUND && blob_is_away(store))
			return err_set(err, ERR_UNAVAILABLE,
				       "the store holds no folder at all: is its disk mounted?");
		if (err->kind == ERR_NOT_FOUND)
			return find_fault(out, STORE_FAULT_MISSING, "its file is not there");
		out->may_mend = err->kind == ERR_INVALID; /* a name that none of ours has */
		return find_fault(out, STORE_FAULT_UNREADABLE, "%.180s", err->text);
	}
	if (size != row->size)
		return find_fault(out, STORE_FAULT_SIZE, "it holds %llu bytes, and had %llu",
				  (unsigned long long)size, (unsigned long long)row->size);
	return row->sha256[0] == '\0' || check_bytes(store, row, is_stopping, out, err);
}

/* What is not what it was is looked at twice: the first was another's answer, perhaps, from between a bucket and us. */
bool file_check(struct blob_store *store, const struct recording_stored *row,
		const atomic_bool *is_stopping, struct file_check *out, struct err *err)
{
	if (!look(store, row, is_stopping, out, err))
		return false;
	if (out->is_sound || (out->kind != STORE_FAULT_SIZE && out->kind != STORE_FAULT_BYTES))
		return true;
	if (!blob_has_place(store, str_of(row->path)))
		return err_set(err, ERR_UNAVAILABLE, "the store is not there, or not ours");
	return look(store, row, is_stopping, out, err);
}
