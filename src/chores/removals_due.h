/*
 * Of the files that are still to go (catalog/removals.h): those that nothing holds.  A removal whose recording is being
 * fetched just now stays until that is over, for another file may come of it; nobody is to wait for it.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "catalog/catalog.h"

#include <stdbool.h>

/* Is there one?  The cost grows with those that are held: at most as many as are fetched at once. */
bool removals_are_due(struct catalog *catalog, bool *out, struct err *err) MUST_CHECK;
