/*
 * How the first administrator gets in, where none can sign in yet: by a link that works once.
 *
 * Printed where somebody looks at a terminal; else written to a file that only the owner of the data folder
 * reads, so that no log has it.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>

struct auth;

/* Before ledger_start().  `url`: where people reach the server.  Does nothing where an administrator can sign in. */
bool first_administrator_invite(struct auth *auth, const char *url, const char *data_dir,
				struct err *err) MUST_CHECK;
