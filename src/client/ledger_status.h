/*
 * What the ledger and the store say where no server runs: the same JSON as of GET /api/status, with less in it.
 */
#pragma once

#include "base/buf.h"
#include "base/compiler.h"
#include "base/err.h"
#include "config/settings.h"

#include <stdbool.h>

bool ledger_status(const struct settings *settings, struct buf *out, struct err *err) MUST_CHECK;
