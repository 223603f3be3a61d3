#include "ledger/disk_failure.h"

#include "base/log.h"

#include <stdlib.h>

void disk_failure_end(const struct err *err)
{
	log_error(NULL, "the ledger cannot be trusted any more: %s: ending, to start clean",
		  err->text);
	abort();
}
