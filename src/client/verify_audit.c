#include "client/verify_audit.h"

#include "audit/audit_key.h"
#include "base/mem.h"
#include "base/own.h"
#include "catalog/catalog.h"
#include "client/admin_client.h"
#include "server/server.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYS_MAX 2 /* today's, and the one before */

struct heads {
	struct audit_tail *at;
	size_t count, size;
};

static void take_line(struct heads *heads, const char *line, size_t len)
{
	struct audit_tail head;

	if (!audit_head_of_line((struct str){ line, len }, &head))
		return;
	if (heads->count == heads->size) {
		heads->size = heads->size ? 2 * heads->size : 64;
		heads->at = xrealloc(heads->at, heads->size * sizeof(*heads->at));
	}
	heads->at[heads->count++] = head;
}

/* All lines of a log may be given: those that tell of no head are left out. */
static bool read_heads(const char *path, struct heads *out, struct err *err)
{
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	AUTO(free) char *line = NULL;
	size_t size = 0;
	ssize_t len;
	bool failed;

	if (!file)
		return err_set(err, ERR_NOT_FOUND, "cannot open '%s'", path);
	while ((len = getline(&line, &size, file)) >= 0)
		take_line(out, line, (size_t)len);
	failed = ferror(file);
	if (file != stdin)
		fclose(file);
	if (failed)
		return err_set(err, ERR_INTERNAL, "cannot read '%s'", path);
	return out->count > 0 || err_set(err, ERR_INVALID, "'%s' has no line with a head", path);
}

/* Copies of them, to be wiped. */
static bool read_keys(const struct settings *settings, struct audit_key keys[KEYS_MAX],
		      size_t *out_count, struct err *err)
{
	const char *files[KEYS_MAX] = { settings->auth.audit.key_file,
					settings->auth.audit.key_file_old };
	enum audit_key_place place;

	*out_count = 0;
	for (size_t i = 0; i < KEYS_MAX; i++) {
		struct audit_key *key;

		if (i > 0 && !files[i])
			continue;
		if (!audit_key_read(files[i], settings->data_dir, false, &key, &place, err))
			return err_context(err, "the key of the audit");
		keys[(*out_count)++] = *key;
		audit_key_free(key);
	}
	return true;
}

static bool verify(const struct settings *settings, const struct heads *heads,
		   struct audit_report *out, struct err *err)
{
	AUTO(free) char *path = server_ledger(settings);
	AUTO(catalog_free) struct catalog *catalog = NULL;
	struct audit_key keys[KEYS_MAX];
	size_t count;
	bool read;

	if (sodium_init() < 0)
		return err_set(err, ERR_INTERNAL, "libsodium does not start");
	if (!admin_may_ask(settings, err) || !catalog_open(path, CATALOG_READ, &catalog, err) ||
	    !read_keys(settings, keys, &count, err))
		return false;
	read = audit_verify(catalog, keys, count, heads->at, heads->count, out, err);
	sodium_memzero(keys, sizeof(keys));
	return read;
}

bool verify_audit_run(const struct settings *settings, const char *heads, struct audit_report *out,
		      struct err *err)
{
	struct heads read = { .count = 0 };
	bool good = (!heads || read_heads(heads, &read, err)) && verify(settings, &read, out, err);

	free(read.at);
	return good;
}
