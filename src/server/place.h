/*
 * Where a server serves from, in the eyes of others on the same ledger (cluster/members.h): a random name in its data folder, which
 * a lock gives to one process at a time.  A folder that is copied has to lose it: two that show the same name end each other.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>

#define PLACE_FILE "instance"
#define PLACE_SIZE 33

/* Made where there is none; synced. */
bool place_read(const char *data_dir, char out[PLACE_SIZE], struct err *err) MUST_CHECK;
