/*
 * Our own folder of private keys, CR….pem each: what `callspool key add` writes.
 *
 * Threads: any; blocks.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "vault/private_key.h"

#include <stdbool.h>

/*
 * Keeps the key under that SID (in lower case), whole and durable, for its owner alone; the folder is made, where it is not
 * there, in one that is.  A command that root runs keeps it for who owns that one.  *out_added: it was not there before.
 * ERR_CONFLICT: another key is kept under that SID, which nothing is put in the place of.
 */
bool key_folder_keep(const char *folder, const char *public_key_sid, const struct private_key *key,
		     bool *out_added, struct err *err) MUST_CHECK;
