#include "backup/digest_list.h"

#include "backup/folder_use.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAGIC         "# callspool-backup 1"
#define LEDGER_LINE   "ledger.db"
#define FOLDER        "recordings/"
#define END           "# end"
#define LIST_LINE_MAX 512
#define FILE_MODE     0600

/* ---- writing ---- */

struct digest_list_writer {
	FILE *file;
	char *path;
	int failure; /* errno of the first write that failed; 0: none did */
};

PRINTF_LIKE(2, 3)
static void put(struct digest_list_writer *writer, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	if (vfprintf(writer->file, fmt, args) < 0 && writer->failure == 0)
		writer->failure = errno;
	va_end(args);
}

/* Anew: what lies there may be somebody's link to elsewhere. */
static bool create(const char *folder, struct digest_list_writer *writer, struct err *err)
{
	AUTO(close) int fd = -1;

	if (unlink(writer->path) < 0 && errno != ENOENT)
		return err_errno(err, "cannot remove '%s'", writer->path);
	fd = open(writer->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
	if (fd < 0)
		return err_errno(err, "cannot create '%s'", writer->path);
	if (!file_hand_over(folder, fd, writer->path, err))
		return false;
	writer->file = fdopen(fd, "w");
	if (!writer->file)
		return err_errno(err, "cannot write '%s'", writer->path);
	fd = -1; /* the stream's now */
	return true;
}

bool digest_list_begin(const char *folder, const struct digest_list_head *head,
		       struct digest_list_writer **out, struct err *err)
{
	AUTO(digest_list_writer_free)
	struct digest_list_writer *writer = xcalloc(1, sizeof(*writer));
	char made[ISO_DATE_SIZE];

	writer->path = xasprintf("%s/" DIGEST_LIST_NEW, folder);
	if (!create(folder, writer, err))
		return false;
	clock_iso_date(head->made_at_ms, made);
	put(writer, MAGIC " sequence=%lld made=%s recordings=%llu\n", (long long)head->sequence,
	    made, (unsigned long long)head->recordings);
	put(writer, "%s  " LEDGER_LINE "\n", head->ledger_sha256);
	*out = TAKE(writer);
	return true;
}

void digest_list_add(struct digest_list_writer *writer, const char *name, const char *sha256)
{
	put(writer, "%s  " FOLDER "%s\n", sha256, name);
}

bool digest_list_end(struct digest_list_writer *writer, struct err *err)
{
	bool is_full;

	put(writer, END "\n");
	if (fflush(writer->file) != 0 && writer->failure == 0)
		writer->failure = errno;
	if (writer->failure == 0)
		return file_sync(fileno(writer->file), writer->path, err);
	errno = writer->failure;
	is_full = errno == ENOSPC || errno == EDQUOT;
	err_errno(err, "cannot write '%s'", writer->path);
	if (is_full)
		err->kind = ERR_UNAVAILABLE;
	return false;
}

void digest_list_writer_free(struct digest_list_writer *writer)
{
	if (!writer)
		return;
	if (writer->file)
		fclose(writer->file);
	free(writer->path);
	free(writer);
}

/* ---- reading ---- */

struct digest_list {
	FILE *file;
	char *path;
	unsigned long number; /* of the line that was read last */
	char line[LIST_LINE_MAX];
};

static bool objects(const struct digest_list *list, struct err *err)
{
	return err_set(err, ERR_INVALID, "'%s', line %lu: it is no list of a callspool backup",
		       list->path, list->number);
}

/* Without its end; *out_is_end: there is none.  A line that was cut, or holds a NUL, is an error. */
static bool read_line(struct digest_list *list, struct str *out, bool *out_is_end, struct err *err)
{
	size_t len;

	list->number++;
	*out_is_end = !fgets(list->line, sizeof(list->line), list->file);
	if (*out_is_end)
		return !ferror(list->file) || err_errno(err, "cannot read '%s'", list->path);
	len = strlen(list->line);
	if (len == 0 || list->line[len - 1] != '\n')
		return objects(list, err);
	*out = (struct str){ list->line, len - 1 };
	return true;
}

static bool is_digest(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (ascii_hex_value(text.at[i]) < 0 || ascii_lower(text.at[i]) != text.at[i])
			return false;
	return text.len == SHA256_HEX - 1;
}

/* "DIGEST  NAME" */
static bool split(struct str line, char sha256[SHA256_HEX], struct str *out_name)
{
	struct str digest = str_first(line, SHA256_HEX - 1), rest = str_after(line, digest.len);

	if (!is_digest(digest) || !str_starts(rest, STR("  ")))
		return false;
	str_fit(digest, sha256, SHA256_HEX);
	*out_name = str_after(rest, 2);
	return true;
}

/* "name=VALUE" */
static bool take_value(struct str piece, struct digest_list_head *head)
{
	struct str name, value = piece;

	if (!str_cut(&value, '=', &name) || !value.at)
		return false;
	if (str_eq(name, STR("sequence")))
		return str_to_i64(value, &head->sequence);
	if (str_eq(name, STR("made")))
		return clock_parse_date(value, &head->made_at_ms);
	if (str_eq(name, STR("recordings")))
		return str_to_u64(value, &head->recordings);
	return true; /* of a later version */
}

static bool take_head(struct str line, struct digest_list_head *head)
{
	struct str piece, rest = line;

	if (!str_starts(line, STR(MAGIC " ")))
		return false;
	rest = str_after(line, STR(MAGIC " ").len);
	while (str_cut(&rest, ' ', &piece))
		if (!take_value(piece, head))
			return false;
	return head->made_at_ms != 0;
}

static bool read_head(struct digest_list *list, struct digest_list_head *head, struct err *err)
{
	struct str line = STR_NONE, name = STR_NONE;
	bool is_end;

	*head = (struct digest_list_head){ .sequence = 0 };
	if (!read_line(list, &line, &is_end, err))
		return false;
	if (is_end || !take_head(line, head))
		return objects(list, err);
	if (!read_line(list, &line, &is_end, err))
		return false;
	return (!is_end && split(line, head->ledger_sha256, &name) &&
		str_eq(name, STR(LEDGER_LINE))) ||
	       objects(list, err);
}

bool digest_list_open(const char *folder, struct digest_list **out, struct digest_list_head *head,
		      struct err *err)
{
	AUTO(digest_list_free) struct digest_list *list = xcalloc(1, sizeof(*list));
	AUTO(close) int fd = -1;

	list->path = xasprintf("%s/" DIGEST_LIST_NAME, folder);
	fd = folder_open_file(list->path);
	if (fd < 0 && errno == ENOENT)
		return err_set(err, ERR_NOT_FOUND, "there is no backup in '%s'", folder);
	if (fd < 0 || !(list->file = fdopen(fd, "r")))
		return err_errno(err, "cannot open '%s'", list->path);
	fd = -1; /* the stream's now */
	if (!read_head(list, head, err))
		return false;
	*out = TAKE(list);
	return true;
}

bool digest_list_next(struct digest_list *list, struct digest_list_line *out, bool *out_is_end,
		      struct err *err)
{
	struct str line = STR_NONE, name = STR_NONE;

	if (!read_line(list, &line, out_is_end, err))
		return false;
	if (*out_is_end) /* the last line is missing */
		return objects(list, err);
	*out_is_end = str_eq(line, STR(END));
	if (*out_is_end)
		return true;
	if (!split(line, out->sha256, &name) || !str_starts(name, STR(FOLDER)))
		return objects(list, err);
	name = str_after(name, STR(FOLDER).len);
	return (blob_name_is_valid(name) && str_copy(name, out->name, sizeof(out->name))) ||
	       objects(list, err);
}

void digest_list_free(struct digest_list *list)
{
	if (!list)
		return;
	if (list->file)
		fclose(list->file);
	free(list->path);
	free(list);
}
