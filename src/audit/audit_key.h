/*
 * Where the key of the audit is kept: not in the ledger, and not in its backups.
 *
 * audit.key_file names it; else systemd's credential `audit_key` (systemd.exec(5), LoadCredential=); else it is
 * `audit.key` in the data folder, made at the first start, mode 0600.  In memory it lies in guarded pages.
 */
#pragma once

#include "audit/audit_chain.h"
#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>

enum audit_key_place { AUDIT_KEY_NAMED, AUDIT_KEY_OF_SYSTEMD, AUDIT_KEY_OF_FOLDER };

/*
 * `file`: audit.key_file, or NULL; `makes`: a key that is nowhere is made.  The key is audit_key_free()'s.
 * ERR_NOT_FOUND: there is none, and none was to be made; ERR_INVALID: it is not 32 bytes as they are or in hexadecimal.
 */
bool audit_key_read(const char *file, const char *data_dir, bool makes, struct audit_key **out,
		    enum audit_key_place *out_place, struct err *err) MUST_CHECK;
void audit_key_free(struct audit_key *key);
