/*
 * The end of the process, when the ledger's disk has failed.
 *
 * A sync that failed may have dropped pages that the kernel calls clean from then on: to try
 * again would succeed and keep nothing.  Nobody may be told that anything is safe any more, and the next start
 * makes durable what it finds (db_settle()).
 */
#pragma once

#include "base/err.h"

/* Says why, and aborts. */
_Noreturn void disk_failure_end(const struct err *err);
