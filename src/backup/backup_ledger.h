/*
 * Which file is the ledger of a backup.  digests is replaced before ledger.db (backup.h): whoever was killed between the two
 * left the ledger that belongs to it as ledger.db.new.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>

struct digest_list_head;

#define BACKUP_LEDGER     "ledger.db"
#define BACKUP_LEDGER_NEW "ledger.db.new"

/*
 * The path of that one of the two which has the digest of *head, for free(); reads it.  ERR_INVALID: neither has, so the
 * backup is damaged.
 */
bool backup_ledger_find(const char *folder, const struct digest_list_head *head, char **out,
			struct err *err) MUST_CHECK;
/* Gives it its name, before another backup is begun.  Where there is no backup yet it does nothing. */
bool backup_ledger_settle(const char *folder, struct err *err) MUST_CHECK;
