#include "audit/audit_key.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/own.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

#define FILE_MAX  256 /* 64 digits and a line's end, or 32 bytes: no more is a key */
#define FILE_NAME "audit.key"

static struct audit_key *key_new(void)
{
	struct audit_key *key = sodium_malloc(sizeof(*key));

	if (!key)
		abort(); /* as base/mem.h does */
	memset(key, 0, sizeof(*key));
	return key;
}

void audit_key_free(struct audit_key *key)
{
	sodium_free(key); /* wipes; accepts NULL */
}

/* Reads the key in the file; *err is of kind ERR_NOT_FOUND where there is no file. */
static bool read_file(const char *path, struct audit_key *key, struct err *err)
{
	AUTO(free) char *text = NULL;
	struct str trimmed;
	size_t len;
	bool good;

	if (access(path, F_OK) < 0 && errno == ENOENT)
		return err_set(err, ERR_NOT_FOUND, "there is no audit key '%s'", path);
	if (!file_read(path, FILE_MAX, &text, &len, err))
		return err_context(err, "the audit key");
	trimmed = (struct str){ text, len };
	while (trimmed.len > 0 && len != AUDIT_KEY_BYTES &&
	       strchr("\r\n ", trimmed.at[trimmed.len - 1]))
		trimmed.len--;
	good = trimmed.len == AUDIT_KEY_BYTES || hex_decode(trimmed, key->bytes, AUDIT_KEY_BYTES);
	if (trimmed.len == AUDIT_KEY_BYTES)
		memcpy(key->bytes, trimmed.at, AUDIT_KEY_BYTES);
	sodium_memzero(text, len);
	if (!good)
		return err_set(err, ERR_INVALID,
			       "the audit key '%s' is not 32 bytes, or 64 hexadecimal digits",
			       path);
	audit_key_name(key);
	return true;
}

/* Written whole under another name first: a start that is killed leaves no half a key. */
static bool make_file(const char *path, struct audit_key *key, struct err *err)
{
	AUTO(free) char *temporary = xasprintf("%s.new", path);
	char digits[2 * AUDIT_KEY_BYTES + 2];
	struct buf buf;
	AUTO(close) int fd = -1;
	bool written;

	random_bytes(key->bytes, sizeof(key->bytes));
	audit_key_name(key);
	unlink(temporary); /* of a start that was killed */
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(err, "cannot make '%s'", temporary);
	buf_over(&buf, digits, sizeof(digits));
	hex_add(&buf, key->bytes, sizeof(key->bytes));
	buf_add_byte(&buf, '\n');
	written = file_write_all(fd, digits, buf.len, err) && file_sync(fd, temporary, err);
	sodium_memzero(digits, sizeof(digits));
	if (!written)
		return false;
	if (rename(temporary, path) < 0)
		return err_errno(err, "cannot name '%s'", path);
	return file_sync_name(path, err);
}

bool audit_key_read(const char *file, const char *data_dir, bool makes, struct audit_key **out,
		    enum audit_key_place *out_place, struct err *err)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	AUTO(free) char *of_systemd = xasprintf("%s/audit_key", folder ? folder : "");
	AUTO(free) char *of_folder = xasprintf("%s/" FILE_NAME, data_dir);
	const char *path = of_folder;
	struct audit_key *key;
	bool good;

	*out_place = AUDIT_KEY_OF_FOLDER;
	if (file) {
		path = file;
		*out_place = AUDIT_KEY_NAMED;
	} else if (folder && access(of_systemd, F_OK) == 0) {
		path = of_systemd;
		*out_place = AUDIT_KEY_OF_SYSTEMD;
	}
	key = key_new();
	good = read_file(path, key, err);
	if (!good && err->kind == ERR_NOT_FOUND && makes && *out_place == AUDIT_KEY_OF_FOLDER)
		good = make_file(path, key, err);
	if (!good) {
		audit_key_free(key);
		return false;
	}
	*out = key;
	return true;
}
