/*
 * The sweep that takes away the files of recordings that the ledger calls removed (catalog/removals.h): all that
 * lie under their names, whatever the generation.  Players who have one open hear it to its end.
 */
#pragma once

#include "keeping/sweep.h"

extern const struct sweep_table remover_table;
