/*
 * The budget of descriptors: what players may keep open, and what is left for flights, the ledger
 * and the loops.  A full table would fail what needs one descriptor more, wherever that is.
 */
#pragma once

#include "config/settings.h"

/*
 * Raises the process's limit of open files as far as the system lets it, and divides it among `loops`
 * serving loops and the rest: fills what the rooms are told in numbers of descriptors
 * (connection_fd_max, file_fd_max, kept_files_max, followed_max), and lowers cache_entries, with a line in the log, where
 * it does not fit.
 */
void descriptors_share(struct settings *settings, unsigned loops);
